#!/usr/bin/env python3
"""Links in mails: what clamscan 1.4 and candor find by lists of addresses, for made-up mails and lists.

usage: phishing.py CANDOR [--mails N] [--rounds N] [--seed N] [--all]"""
import argparse
import base64
import hashlib
import os
import quopri
import random
import subprocess
import sys
import tempfile

import beside

HOSTS = ["mybank.com", "www.mybank.com", "login.mybank.com", "mybank.co.uk", "www.mybank.co.uk", "evil.net", "evil.example.org",
         "a.b.c.d.evil.net", "shop.de", "www.shop.de", "pay.shop.de", "notmybank.com", "mybank.com.evil.net", "1.2.3.4",
         "MYBANK.com", "mybank.xyz", "evil.info", "x.mybank.info", "localhost", "mybank", "my-bank.com", "user@mybank.com",
         "mybank.com@evil.net", "evil.net:8080", ".mybank.com", "mybank..com", "www%2emybank.com", "mybank%2ecom", "mybank.com%00.evil.net",
         "xn--80akhbyknj4f", "evil.jobs"]
SCHEMES = ["http://", "https://", "", "http:", "ftp://", "mailto:", "HTTP://", "http:/", "javascript:", "http:\\\\", "mailto://", "x-y:"]
PATHS = ["", "/", "/a/b.html", "?q=1", "/a?b#c", "/a/../b", "/./a", "#top", "/%41%2541", "/www.mybank.com"]
AROUND = ["", "", "", " ", "  ", "(", ")", ">", "&gt;", "&lt;", ";", '"', ".", "\n", "Go to ", " now", "<b>", "</b>", "&nbsp;", "\t", "!", "&amp;"]


def address(rng):
    if rng.random() < .7:
        return rng.choice(("http://", "https://")) + rng.choice(HOSTS) + rng.choice(PATHS)
    return rng.choice(SCHEMES) + rng.choice(HOSTS) + rng.choice(PATHS)


def shown(rng):
    text = rng.choice((address(rng), rng.choice(HOSTS), rng.choice(HOSTS) + rng.choice(PATHS), "click here", "www mybank.com"))
    if rng.random() < .15:
        text = " ".join(text) if rng.random() < .5 else text.replace(".", " . ")
    return rng.choice(AROUND) + text + rng.choice(AROUND)


def tag(rng):
    quote = rng.choice(('"', '"', "'", ""))

    def attribute(name):
        return " %s=%s%s%s" % (name, quote, address(rng), quote)
    kind = rng.randrange(14)
    if kind < 7:
        return "<a%s>%s</a>" % (attribute("href"), shown(rng))
    if kind == 7:
        return "<a%s%s>%s</a>" % (attribute("href"), attribute("title"), shown(rng))
    if kind == 8:
        return "<a%s><img%s></a>" % (attribute("href"), attribute(rng.choice(("src", "src", "dynsrc"))))
    if kind == 9:
        return "<form%s>%s%s</form>" % (attribute("action"), tag(rng), shown(rng))
    if kind == 10:
        return "<a%s>%s<a%s>%s</a>%s" % (attribute("href"), shown(rng), attribute("href"), shown(rng), shown(rng))
    if kind == 11:
        return "<a%s>%s<iframe%s></iframe><area%s></a>" % (attribute("href"), shown(rng), attribute("src"), attribute("href"))
    if kind == 12:
        return "<a%s>%s" % (attribute("href"), shown(rng))
    return "<A HREF=%s%s%s\n>%s\n</A>" % (quote, address(rng), quote, shown(rng))


def body(rng):
    parts = [rng.choice(("", "words ", "<p>", "<br>\n", "<!-- c -->", "<script>x</script>")) + tag(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    if rng.random() < .1:
        return "see %s and %s \n" % (address(rng), address(rng))
    return rng.choice(("<html><body>", "", "<html>\n")) + "".join(parts) + rng.choice(("</body></html>\n", "\n"))


def part(rng, kinds=("text/html",) * 5 + ("text/plain", "text/css", "application/octet-stream")):
    lines = ["Content-Type: " + rng.choice(kinds) + rng.choice(("", "", "; charset=utf-8"))]
    text = body(rng).encode()
    if rng.random() < .2:
        lines.append("Content-Disposition: " + rng.choice(("inline", "attachment", "attachment; filename=a.html", "inline; filename=b.html")))
    coding = rng.choice(("", "", "base64", "quoted-printable", "7bit"))
    if coding:
        lines.append("Content-Transfer-Encoding: " + coding)
    if coding == "base64":
        text = base64.encodebytes(text)
    elif coding == "quoted-printable":
        text = quopri.encodestring(text)
    return "\n".join(lines).encode() + b"\n\n" + text


def mail(rng):
    head = (b"From: a@b.c\nTo: d@e.f\nSubject: x\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <1@b>\n"
            b"MIME-Version: 1.0\n")
    if rng.random() < .6:
        return head + part(rng)
    parts = b"".join(b"--BB\n" + part(rng) + b"\n" for _ in range(rng.choice((1, 2, 2, 3))))
    return head + b"Content-Type: multipart/" + rng.choice((b"mixed", b"alternative", b"report")) + b'; boundary="BB"\n\n' + parts + b"--BB--\n"


def lists(rng, place):
    pick = rng.choice
    with open(place + "/a.pdb", "w") as file:
        file.write("H:never.example.com\n")
        for host in rng.sample(["mybank.com", "mybank.co.uk", "shop.de", "my-bank.com", "evil.net:17-", "mybank.info:1-9"], rng.randint(1, 4)):
            file.write("H:%s\n" % host)
        if rng.random() < .4:
            file.write(pick((r"R:.+\.mybank\.(com|co\.uk)([/?].*)?", r"R:.+:(www\.)?shop\.de", r"R:http://evil\.net:.*mybank[.]com:17-")) + "\n")
    if rng.random() < .6:
        with open(place + "/a.wdb", "w") as file:
            file.write(pick(("M:evil.net:mybank.com", "M:shop.de:www.mybank.com", r"X:http://evil\.net([/?].*)?:.+\.mybank\.com([/?].*)?",
                             r"X:.+\.evil\.(net|org)([/?].*)?:www\.shop\.de([/?].*)?:17-", "M:www.shop.de:mybank.co.uk:1-8")) + "\n")
    if rng.random() < .6:
        with open(place + "/a.gdb", "w") as file:
            for _ in range(rng.choice((3, 12))): # some twice: the later line counts
                text = pick(("evil.net/", "shop.de/a/", "evil.net/a/b.html", "mybank.com/", "c.d.evil.net/", "evil.example.org/?q=1", "evil.net/b"))
                digest = hashlib.sha256(text.encode()).hexdigest()
                file.write(pick(("S:F:", "S1:F:", "S2:F:", "S:W:")) + digest + "\n")
            file.write("S1:P:%s\n" % digest[:8])


def run(words, place):
    """All that is found in each mail: of several names clamscan prints any one, unless asked for all."""
    said = subprocess.run(words + ["--no-summary", "-r", "-z", "-d", place + "/db", place + "/mails"], capture_output=True, text=True, check=False)
    found = {}
    for line in said.stdout.splitlines():
        if ": " in line:
            found.setdefault(line.split(": ")[0].rsplit("/", 1)[1], set()).add(line.split(": ")[1])
    return {name: " ".join(sorted(lines)) for name, lines in found.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("candor")
    parser.add_argument("--mails", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    if beside.skipped():
        return 0
    rng, fine = random.Random(options.seed), True
    print("1..%d" % options.rounds)
    for number in range(1, options.rounds + 1):
        with tempfile.TemporaryDirectory() as place:
            os.makedirs(place + "/db")
            os.makedirs(place + "/mails")
            lists(rng, place + "/db")
            for i in range(options.mails):
                with open("%s/mails/%04d" % (place, i), "wb") as file:
                    file.write(mail(rng))
            more = rng.choice(([], [], ["--alert-phishing-ssl=yes"], ["--alert-phishing-cloak=yes"]))
            theirs, ours = run(["clamscan", *more], place), run([options.candor, "clamscan", *more], place)
            wrong = [name for name in sorted(set(theirs) | set(ours)) if theirs.get(name) != ours.get(name)]
            found = sum("FOUND" in value for value in theirs.values())
            print("# %d mails, %d found%s" % (len(theirs), found, " with " + more[0] if more else ""))
            for name in wrong[:None if options.all else 3]:
                print("# %s: clamscan %s, here %s" % (name, theirs.get(name), ours.get(name)))
                print("".join("#   %s\n" % line for line in open(place + "/mails/" + name, encoding="latin-1").read().splitlines()), end="")
            if wrong:
                print("".join("#   %s" % line for name in sorted(os.listdir(place + "/db")) for line in open(place + "/db/" + name)), end="")
            good = not wrong and found > 0 and len(theirs) == options.mails
            print("%sok %d - %d of %d alike" % ("" if good else "not ", number, len(theirs) - len(wrong), len(theirs)))
            fine = fine and good
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

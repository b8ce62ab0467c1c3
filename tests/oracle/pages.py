#!/usr/bin/env python3
"""Pages (HTML), alone, in mails and in archives: what clamscan 1.4 and candor find in them with signatures for types of
objects and of what is around them, and with --detect-structured. Not of data: URLs in them: these differ, see docs/clamav.md.

usage: pages.py CANDOR [--rounds N] [--files N] [--seed N]"""
import argparse
import io
import os
import random
import shutil
import subprocess
import sys
import tempfile
import zipfile

WORDS = ("marker", "second", "thirdly", "fourth")
NUMBERS = ("4111111111111111", "5555555555554444", "378282246310005", "123-45-6789", "321-54-9876")
AROUND = ("", "", ",Container:CL_TYPE_HTML", ",Container:CL_TYPE_ZIP", ",Container:CL_TYPE_MAIL", ",Intermediates:CL_TYPE_HTML",
          ",Intermediates:CL_TYPE_ZIP>CL_TYPE_HTML", ",Intermediates:CL_TYPE_MAIL>CL_TYPE_HTML", ",Container:CL_TYPE_TEXT_ASCII")


def database(rng):
    return "".join("Sig%d;Engine:51-255%s,Target:%d;0;%s\n" % (i, rng.choice(AROUND), rng.choice((0, 0, 0, 3, 4, 7)), rng.choice(WORDS).encode().hex())
                   for i in range(14))


def piece(rng):
    word = rng.choice(WORDS + NUMBERS)
    return rng.choice(("<p>%s</p>", "<b>so %s</b> ", "<a href=\"http://%s.example/\">there</a>", "<script>var a = \"%s\";</script>", "<!-- %s -->",
                       "<?php echo \"%s\"; ?>", "<img alt=\"%s\">", "<style>.%s { }</style>", "<div onclick=\"f('%s')\">x</div>")) % word


def content(rng):
    page = "<html><head><title>a page</title></head><body>%s</body></html>\n" % "\n".join(piece(rng) for _ in range(rng.randint(1, 6)))
    roll = rng.random()
    if roll < .25:
        page = "From: a@b.example\nTo: c@d.example\nSubject: a\nMIME-Version: 1.0\nContent-Type: text/html\n\n" + page
    elif roll < .35:
        page = "just a text of some words, %s and %s, %s, %s\n" % tuple(rng.choices(WORDS + NUMBERS, k=4))
    data = page.encode()
    if rng.random() < .3:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("page", data)
        data = file.getvalue()
    return data


def run(words, place):
    said = subprocess.run(words + ["--no-summary", "-z", "-r", "--detect-structured", "--structured-cc-count=1", "--structured-ssn-count=1", "-d", place + "/db",
                                   place + "/files"], capture_output=True, text=True, check=False)
    return set(said.stdout.splitlines())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("candor")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    version = subprocess.run(["clamscan", "--version"], capture_output=True, text=True,
                             check=False).stdout if shutil.which("clamscan") else "no clamscan"
    if not version.startswith("ClamAV 1.4."):
        print("1..0 # SKIP not ClamAV 1.4: " + version.strip())
        return 0
    rng, fine = random.Random(options.seed), True
    print("1..%d" % options.rounds)
    for number in range(1, options.rounds + 1):
        with tempfile.TemporaryDirectory() as place:
            os.makedirs(place + "/db")
            os.makedirs(place + "/files")
            lines = database(rng)
            with open(place + "/db/a.ldb", "w", encoding="ascii") as file:
                file.write(lines)
            for i in range(options.files):
                with open("%s/files/%02d" % (place, i), "wb") as file:
                    file.write(content(rng))
            theirs, ours = run(["clamscan"], place), run([options.candor, "clamscan"], place)
            wrong = sorted(theirs ^ ours)
            print("# %d lines" % len(theirs))
            for line in wrong[:6]:
                with open(line.split(": ")[0], "rb") as file:
                    print("# %s: %s in %r" % ("clamscan alone" if line in theirs else "here alone", line.replace(place, ""), file.read()))
                print("".join("#   %s\n" % sig for sig in lines.split("\n") if sig.split(";")[0] in line and sig), end="")
            good = not wrong and any("Sig" in line for line in theirs)
            print("%sok %d - %d lines differ" % ("" if good else "not ", number, len(wrong)))
            fine = fine and good
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

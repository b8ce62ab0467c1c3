#!/usr/bin/env python3
"""Pages (HTML), alone, in mails and in archives: what clamscan 1.4 and candor find in them with signatures for types of
objects and of what is around them, and with --detect-structured. Not of data: URLs in them: these differ, see docs/clamav.md.

usage: pages.py CANDOR [--rounds N] [--files N] [--seed N]"""
import argparse
import random
import sys

import beside

WORDS = ("marker", "second", "thirdly", "fourth")
NUMBERS = ("4111111111111111", "5555555555554444", "378282246310005", "123-45-6789", "321-54-9876")
AROUND = ("", "", ",Container:CL_TYPE_HTML", ",Container:CL_TYPE_ZIP", ",Container:CL_TYPE_MAIL", ",Intermediates:CL_TYPE_HTML",
          ",Intermediates:CL_TYPE_ZIP>CL_TYPE_HTML", ",Intermediates:CL_TYPE_MAIL>CL_TYPE_HTML", ",Container:CL_TYPE_TEXT_ASCII")

STRUCTURED = ["--detect-structured", "--structured-cc-count=1", "--structured-ssn-count=1"]


def database(rng):
    return ["Sig%d;Engine:51-255%s,Target:%d;0;%s" % (i, rng.choice(AROUND), rng.choice((0, 0, 0, 3, 4, 7)), rng.choice(WORDS).encode().hex())
            for i in range(14)]


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
        data = beside.zipped({"page": data})
    return data


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("candor")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if beside.skipped():
        return 0
    rng, fine = random.Random(options.seed), True
    print("1..%d" % options.rounds)
    for number in range(1, options.rounds + 1):
        signatures = database(rng)
        contents = [content(rng) for _ in range(options.files)]
        fine = beside.one_round(options.candor, number, signatures, contents, STRUCTURED, "Sig") and fine
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

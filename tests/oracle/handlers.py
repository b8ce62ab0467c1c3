#!/usr/bin/env python3
"""Signatures with HandlerType: what clamscan 1.4 and candor find with them, and with signatures for the types
that they ask for.

usage: handlers.py CANDOR [--rounds N] [--seed N]"""
import argparse
import gzip
import io
import random
import sys
import tarfile
import zlib

import beside

WORDS = ("handle", "mark", "two", "other", "bold", "web")
HANDLERS = ("CL_TYPE_PDF", "CL_TYPE_MSEXE", "CL_TYPE_HTML", "CL_TYPE_TEXT_ASCII", "CL_TYPE_GRAPHICS", "CL_TYPE_MAIL")
PACKERS = ("CL_TYPE_ZIP", "CL_TYPE_GZ", "CL_TYPE_POSIX_TAR", "CL_TYPE_PDF")


def tarred(data):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("m")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def pdf(data):
    packed = zlib.compress(data)
    return b"%%PDF-1.4\n1 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream\nendobj\n%%%%EOF\n" % (
        len(packed), packed)


PACKED = (lambda data: beside.zipped({"m": data}), lambda data: gzip.compress(data, mtime=0), tarred, pdf)


def database(rng):
    """Signatures for types, with containers or not, and some that ask for a handler."""
    lines, handlers = [], rng.sample(WORDS, 2)
    for i, word in enumerate(handlers[:rng.choice((1, 1, 2))]):
        lines.append("Hand%d;Engine:51-255,HandlerType:%s,Target:0;%s;%s;%s" % (
            i, rng.choice(HANDLERS if rng.random() < .6 else PACKERS), rng.choice(("0&1", "0", "0|1"))[:3] + ("" if rng.random() < .9 else "&(0|1)"), word.encode().hex(),
            rng.choice(WORDS).encode().hex()))
    lines = [line if "1" in line.split(";")[2] else ";".join(line.split(";")[:4]) for line in lines]
    for i in range(10):
        around = rng.choice(("", "", ",Container:CL_TYPE_TEXT_ASCII", ",Container:CL_TYPE_BINARY_DATA", ",Container:CL_TYPE_ZIP"))
        lines.append("Sig%d;Engine:51-255,Target:%d%s;0;%s" % (i, rng.choice((0, 3, 5, 7, 9, 10, 10, 6)), around, rng.choice(WORDS).encode().hex()))
    return lines


def content(rng):
    words = [rng.choice(WORDS) for _ in range(rng.randint(1, 5))]
    text = rng.choice((" ", "  ")).join(word.upper() if rng.random() < .1 else word for word in words)
    around = rng.choice((b"%s", b"\0\1%s\0", b"some text: %s\n"))
    if rng.random() > .3:
        return around % text.ljust(6).encode()
    # What the type asked for would unpack, at the front or not, with its first bytes or without.
    packed = rng.choice(PACKED)(bytes(range(128, 200)) + text.encode() + bytes(range(128, 200)))
    asked = around % rng.choice(WORDS).encode()
    return rng.choice((asked + packed, packed + asked, asked + bytes(3000) + packed, b"\0\1" + packed[2:] + asked))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("candor")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if beside.skipped():
        return 0
    rng, fine = random.Random(options.seed), True
    print("1..%d" % options.rounds)
    for number in range(1, options.rounds + 1):
        signatures = database(rng)
        contents = [content(rng) for _ in range(60)]
        fine = beside.one_round(options.candor, number, signatures, contents, [], "Hand") and fine
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

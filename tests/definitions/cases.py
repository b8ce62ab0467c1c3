#!/usr/bin/env python3
"""Samples for the rules of definitions/: harmless, and stored so that no scanner trips over them.

usage: cases.py --add RULE hit|miss FILE      appends FILE's bytes to cases.txt
       cases.py --write DIRECTORY             writes every sample into a folder

cases.txt holds lines `== RULE hit` or `== RULE miss`, each followed by the sample: letters are
turned by 13 places, slashes and bytes that are not printable ASCII stand as \\xNN, a backslash as \\\\, and
\\{N}TEXT\\; repeats TEXT N times. A `miss` is something ordinary that comes close to the rule.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
STORE = os.path.join(HERE, "cases.txt")
TURN = bytes((c - 65 + 13) % 26 + 65 if 65 <= c <= 90 else
             (c - 97 + 13) % 26 + 97 if 97 <= c <= 122 else c for c in range(256))


def encode(data):
    out = []
    for byte in data.translate(TURN):
        if byte == 0x0a:
            out.append("\\n\n")
        elif byte == 0x5c:
            out.append("\\\\")
        elif 0x20 <= byte < 0x7f and byte != 0x2f:
            out.append(chr(byte))
        else:
            out.append(f"\\x{byte:02X}")
    text = "".join(out)
    return re.sub(r"((?:\\x..|[^\\\n]))\1{15,}",
                  lambda m: f"\\{{{len(m[0]) // len(m[1])}}}{m[1]}\\;", text)


def decode(text):
    text = text.replace("\n", "")
    text = re.sub(r"\\\{(\d+)\}(.*?)\\;", lambda m: m[2] * int(m[1]), text)
    data = re.sub(rb"\\(n|\\|x[0-9A-F]{2})",
                  lambda m: b"\n" if m[1] == b"n" else b"\\" if m[1] == b"\\" else
                  bytes([int(m[1][1:], 16)]), text.encode("ascii"))
    return data.translate(TURN)


def load():
    """[(rule, "hit" or "miss", bytes)]"""
    cases = []
    with open(STORE, encoding="ascii") as f:
        for part in f.read().split("\n== ")[1:]:
            head, _, body = part.partition("\n")
            rule, kind = head.split()
            cases.append((rule, kind, decode(body)))
    return cases


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--add":
        with open(sys.argv[4], "rb") as f:
            data = f.read()
        text = encode(data)
        if decode(text) != data:
            sys.exit("cases.py: that sample does not survive being stored")
        with open(STORE, "a", encoding="ascii") as f:
            f.write(f"\n== {sys.argv[2]} {sys.argv[3]}\n{text}")
    elif len(sys.argv) == 3 and sys.argv[1] == "--write":
        for number, (rule, kind, data) in enumerate(load()):
            with open(os.path.join(sys.argv[2], f"{number:03d}.{rule}.{kind}"), "wb") as f:
                f.write(data)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()

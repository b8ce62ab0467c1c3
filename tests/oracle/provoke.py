#!/usr/bin/env python3
"""Makes files that public rules match: harmless bytes, put together out of the rules' own strings.

usage: provoke.py DATA OUT [EVERY]

Clean files hardly match any rule, so the comparison over them tests silence more than it tests
hits. For each rule file (or each EVERY-th) this writes a text file, one that begins as a PE file
and one that begins as an ELF file, each holding one sample of every pattern, plain and wide. The
samples need not be right: what yara says about them is the truth that candor is compared with.
"""
import os
import random
import re
import sys

try:
    from re import _parser as sre_parse
except ImportError:
    import sre_parse

import rulesets

PATTERN = re.compile(
    rb'\$\w*\s*=\s*(?:"((?:\\.|[^"\\\n])*)"|\{([^}]*)\}|/((?:\\.|[^/\\\n])+)/)([^\n$]*)')
HEADS = {"txt": b"", "mz": b"MZ\x90\0" + b"\0" * 56 + b"\x40\0\0\0PE\0\0\x4c\x01\0\0" + b"\0" * 64,
         "elf": b"\x7fELF\2\1\1\0" + b"\0" * 8 + b"\2\0\x3e\0\1\0\0\0" + b"\0" * 40}
ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}


def text_sample(text):
    def plain(found):
        word = found[1]
        return bytes([int(word[1:], 16)]) if word[:1] == b"x" else ESCAPES.get(word, word)
    return re.sub(rb"\\(x[0-9A-Fa-f]{2}|.)", plain, text)


def hex_sample(text, rnd):
    text = re.sub(rb"/\*.*?\*/|//[^\n]*", b"", text, flags=re.S)
    while b"(" in text:
        shorter = re.sub(rb"\(([^()|]*)(\|[^()]*)?\)", rb"\1", text)
        if shorter == text:
            return b""
        text = shorter
    out = bytearray()
    for token in re.findall(rb"\[[^\]]*\]|~?[0-9A-Fa-f?]{2}", text):
        if token[:1] == b"[":
            least = re.match(rb"\[\s*(\d+)", token)
            out += rnd.randbytes(int(least[1]) if least else 0)
        elif token[:1] != b"~":
            digits = token.decode().replace("?", rnd.choice("0123456789abcdef"))
            out.append(int(digits, 16))
    return bytes(out)


def regex_sample(tree, rnd):
    """One text that the parsed expression matches, by its first alternatives and least counts."""
    out = b""
    for op, value in tree:
        name = str(op).lower()
        if name == "literal":
            out += bytes([value & 0xff])
        elif name == "any":
            out += b"x"
        elif name == "not_literal":
            out += b"x" if value != 120 else b"y"
        elif name == "in":
            out += class_sample(value)
        elif name in ("max_repeat", "min_repeat"):
            out += b"".join(regex_sample(value[2], rnd) for _ in range(min(value[0] or 1, 300)))
        elif name == "subpattern":
            out += regex_sample(value[3], rnd)
        elif name == "branch":
            out += regex_sample(rnd.choice(value[1]), rnd)
    return out


def class_sample(items):
    negative = str(items[0][0]).lower() == "negate"
    allowed = set()
    for op, value in items:
        name = str(op).lower()
        if name == "literal":
            allowed.add(value)
        elif name == "range":
            allowed.update(range(value[0], value[1] + 1))
        elif name == "category":
            digits = set(range(48, 58))
            allowed |= {"digit": digits, "space": {32},
                        "word": digits | {95} | set(range(97, 123))}.get(
                            str(value).lower().rpartition("_")[2], {120})
    pool = [c for c in b"a0 _Z-.xyz\xff" if c not in allowed] if negative else sorted(allowed)
    return bytes([pool[0] & 0xff]) if pool else b""


def samples(path, rnd):
    with open(path, "rb") as f:
        source = f.read()
    for text, digits, regex, modifiers in PATTERN.findall(source):
        try:
            if text:
                sample = text_sample(text)
            elif digits:
                sample = hex_sample(digits, rnd)
            else:
                sample = regex_sample(sre_parse.parse(regex.decode("latin-1")), rnd)
        except (re.error, ValueError, RecursionError, OverflowError):
            continue
        yield sample
        if b"wide" in modifiers or b"nocase" in modifiers:
            yield bytes(b for c in sample.swapcase() for b in (c, 0))


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    data, out = sys.argv[1:3]
    every = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rnd = random.Random(2026)
    files = [p for folder in rulesets.SETS["all"] for p in rulesets.rule_files(data, folder)]
    os.makedirs(out, exist_ok=True)
    for number, path in enumerate(files[::every]):
        found = list(samples(path, rnd))[:3000]
        for kind, head in HEADS.items():
            gap = b"\n" if kind == "txt" else b"\0\0"
            with open(os.path.join(out, f"{number:05d}.{kind}"), "wb") as f:
                f.write(head + gap.join([b"", *found, b""]))
    print(f"{len(files[::every]) * len(HEADS)} files in {out}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Asks Debian's yara about our own conformance cases: what we expect must be what it does.

usage: oracle.py FILE.cases...

Only cases under "since 4.2" are asked about: later ones it does not know. Speaks TAP.
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def resolved(text):
    """The bytes of a text in quotes, and what follows it."""
    match = re.match(r'"((?:[^"\\]|\\.)*)"\s*', text)
    def byte(found):
        escape = found.group(1)
        return {"n": b"\n", "t": b"\t"}.get(escape.decode()) or \
            (bytes([int(escape[1:], 16)]) if escape[:1] == b"x" and len(escape) > 1 else escape)
    raw = re.sub(rb"\\(x[0-9a-fA-F]{2}|.)", byte, match.group(1).encode())
    return raw, text[match.end():]


def cases(path):
    """(line number, line, rules, object, expected: bool or None for an error)"""
    patterns, module, target, asked = "", "", b"", False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        word, _, rest = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if word == "object":
            target = resolved(rest)[0]
        elif word == "patterns":
            patterns = rest
        elif word == "import":
            module = rest
        elif word == "since":
            asked = rest == "4.2"
        elif asked:
            kind = word[-1]
            if kind == "!":
                rest = rest.partition(" ")[2]
            if kind == "=":
                rest = resolved(rest)[1]
            if kind in "=~":
                rules = "rule t { strings: $a = %s condition: $a }" % rest
            elif word.startswith("rule"):
                rules = rest
            else:
                if patterns and kind in "+-":  # it wants each pattern to be used
                    rest = f"({rest}) and (any of them or true)"
                rules = (f'import "{module}" ' if module else "") + "rule t { " + \
                    (f"strings: {patterns} " if patterns else "") + f"condition: {rest} }}"
            yield number, line, rules, target, None if kind == "!" else kind in "+="


def main():
    if not shutil.which("yara"):
        print("ok 1 - oracle # SKIP no yara to ask\n1..1")
        return 0
    count = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        rule_file, object_file = Path(folder, "rules.yar"), Path(folder, "object")
        for path in map(Path, sys.argv[1:]):
            for number, line, rules, target, expected in cases(path):
                rule_file.write_text(rules)
                object_file.write_bytes(target)
                run = subprocess.run(["yara", "-w", rule_file, object_file],
                                     capture_output=True)
                answer = None if b"error:" in run.stderr or run.returncode else bool(run.stdout)
                count += 1
                good = answer == expected
                failed += not good
                print(f"{'' if good else 'not '}ok {count} - {path.name}:{number}: {line}")
                if not good:
                    print(f"#   yara: {answer}, the case: {expected} (None: an error)")
                    print(f"#   {run.stderr.decode(errors='replace').strip()}")
    print(f"1..{count}")
    return failed != 0


sys.exit(main())

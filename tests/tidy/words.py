#!/usr/bin/env python3
"""Words that do not belong in the code: open ends, empty names, C++ comments, long headers."""
import re
import sys

import house

RULES = [
    (r"\b(TODO|FIXME|XXX|HACK)\b", "an open end belongs in an issue, not in the code"),
    (r"^[\w\s*]*\b(do|handle)_\w+\(", "a name that says nothing: what is done?"),
    (r"^[\w\s*]*\b\w*(util|misc|helper|manager)\w*\(", "a name that says nothing"),
    (r"(^|[;{}\s])//(?!/)", "comments are /* */"),
]


def strip_literals(line):
    return re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'', '""', line)


def main(root):
    faults = []
    paths = house.files(root, (".c", ".h"))
    for path in paths:
        for number, line in enumerate(house.text(root, path).splitlines(), 1):
            for pattern, reason in RULES:
                if re.search(pattern, strip_literals(line)):
                    faults.append(f"{path}:{number}: {reason}: {line.strip()}")
        if re.search(r"(^|/)(util|utils|misc|helper|helpers|common|manager)\.[ch]$", path):
            faults.append(f"{path}: a file is named after its noun")
    house.report("words", faults, len(paths))


main(sys.argv[1])

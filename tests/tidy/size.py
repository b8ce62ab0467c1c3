#!/usr/bin/env python3
"""Functions of at most 70 lines, files of at most 800, folders of at most 25 C files.

Exceptions are in size.txt with their reason; one that is no longer needed is a fault too."""
import os
import re
import sys
from collections import Counter

import house

FUNCTION_MAX, FILE_MAX, FOLDER_MAX = 70, 800, 25


def functions(lines):
    """(name, lines of the body) of every function: clang-format puts its braces in column 0."""
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line.startswith("}") and start is not None:
            head = "\n".join(lines[max(0, start - 8):start])
            names = re.findall(r"^\w[^\n;#]*?(\w+)\(", head, re.M)
            yield names[-1] if names else "?", number - start - 1
            start = None


def main(root):
    allowed = house.listed(root, "tests/tidy/size.txt")
    used, faults = set(), []

    def check(what, size, limit, unit):
        if size <= limit:
            return
        if what in allowed:
            used.add(what)
        else:
            faults.append(f"{what}: {size} {unit}, at most {limit}")

    paths = house.files(root, (".c", ".h"))
    for path in paths:
        lines = house.text(root, path).splitlines()
        check(path, len(lines), FILE_MAX, "lines")
        for name, size in functions(lines):
            check(f"{path}:{name}", size, FUNCTION_MAX, "lines")
    for folder, count in Counter(map(os.path.dirname, house.files(root, (".c",)))).items():
        check(folder, count, FOLDER_MAX, "C files")
    for what in allowed:
        if not allowed[what]:
            faults.append(f"size.txt: '{what}' has no reason")
        if what not in used:
            faults.append(f"size.txt: '{what}' is within the limits: take it off the list")
    house.report("functions, files and folders are small", faults, len(paths))


main(sys.argv[1])

#!/usr/bin/env python3
"""All C is as clang-format leaves it."""
import re
import shutil
import subprocess
import sys

import house

NAME = "formatted"


def main(root):
    if not shutil.which("clang-format"):
        house.skip(NAME, "clang-format is not installed")
    paths = house.files(root, (".c", ".h"))
    run = subprocess.run(["clang-format", "--dry-run", *paths], cwd=root, text=True,
                         capture_output=True) if paths else None
    faults = {}
    for path in re.findall(r"^(\S+?):\d+:\d+: warning", run.stderr if run else "", re.M):
        faults[path] = faults.get(path, 0) + 1
    house.report(NAME, [f"{p}: {n} places: run clang-format -i {p}" for p, n in faults.items()],
                 len(paths))


main(sys.argv[1])

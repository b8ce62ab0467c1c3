#!/usr/bin/env python3
"""clang-tidy finds nothing in src/. usage: clang_tidy.py ROOT BUILD

The checks are in .clang-tidy. embedded.c is left out: it holds a file of the build."""
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import house

NAME = "clang-tidy finds nothing"
# A gcc build's flags and its first include mean nothing to clang.
EXTRA = ["--extra-arg=-Wno-everything", "--extra-arg=-Wno-unknown-warning-option"]


def check(build, paths):
    run = subprocess.run(["clang-tidy", "-p", build, "--quiet", *EXTRA, *paths], text=True,
                         capture_output=True)
    return [line for line in run.stdout.splitlines() if re.search(r": (error|warning): ", line)]


def main(root, build):
    if not shutil.which("clang-tidy"):
        house.skip(NAME, "clang-tidy is not installed")
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        rows = json.load(f)
    inside = os.path.realpath(os.path.join(root, "src")) + os.sep
    paths = sorted({os.path.realpath(os.path.join(row["directory"], row["file"])) for row in rows})
    paths = [p for p in paths if p.startswith(inside) and not p.endswith("embedded.c")]
    groups = [paths[i::16] for i in range(16) if paths[i::16]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [line for lines in pool.map(lambda group: check(build, group), groups)
                 for line in lines]
    house.report(NAME, sorted({line.replace(inside, "src/") for line in found}), len(paths))


main(sys.argv[1], sys.argv[2])

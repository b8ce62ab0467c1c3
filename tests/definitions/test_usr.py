#!/usr/bin/env python3
"""A clean Debian has no finding: definitions/ over a folder (/usr), by yara or candor.

usage: test_usr.py ROOT FOLDER SCANNER...

What packages own is clean by definition; a file that no package owns and that a rule finds is
named as well, and whoever runs this decides what it is.
"""
import glob
import os
import subprocess
import sys


def main(root, folder, scanner):
    files = sorted(glob.glob(os.path.join(root, "definitions", "*.yar")))
    name = f"no rule of definitions/ finds anything in {folder}"
    run = subprocess.run(
        [*scanner, "-w", "-N", "-r", *(f"{os.path.basename(f)[:-4]}:{f}" for f in files), folder],
        text=True, capture_output=True, errors="replace")
    # Files that vanish or cannot be read are said on stderr and are no finding.
    found = run.stdout.splitlines()
    rules_bad = "error: rule" in run.stderr or "undefined" in run.stderr or not files
    print(f"{'not ' if found or rules_bad else ''}ok 1 - {name}")
    for line in found[:50]:
        print("# " + line)
    if rules_bad:
        print("# " + run.stderr[:500])
    print("1..1")
    sys.exit(bool(found or rules_bad))


main(sys.argv[1], sys.argv[2], sys.argv[3:])

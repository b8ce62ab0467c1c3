#!/usr/bin/env python3
"""docs/modules.md is what the modules' tables say.

usage: modules_doc.py ROOT MODULE_DOC
"""
import subprocess
import sys

import house


def main(root, program):
    run = subprocess.run([program], text=True, capture_output=True)
    faults = [line for line in run.stderr.splitlines()]
    if run.stdout != house.text(root, "docs/modules.md"):
        faults.append(f"run: {program} > docs/modules.md")
    house.report("docs/modules.md", faults, run.stdout.count("\n| "))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

#!/usr/bin/env python3
"""Ransom notes are told apart: by the notes in ../shared, each judged by a model that never saw it.

usage: notes.py MEASURE DEFINITIONS
"""
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("CANDOR_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
NOTES = os.path.join(SHARED, "data", "ransomware-notes.tar.xz")
LEAST = {
    "loo": {"top1": 95, "top3": 96, "lineage1": 96, "lineage3": 98},
    "folds": {"top1": 95, "top3": 96, "lineage1": 96, "lineage3": 98},
    "singles": {"top1": 75, "top3": 78, "lineage1": 80, "lineage3": 84},
}


def main(measure, definitions):
    count, failed = 0, 0
    if not os.path.exists(NOTES):
        print(f"ok 1 - notes are told apart # SKIP no {NOTES}\n1..1")
        return 0
    with tempfile.TemporaryDirectory() as at:
        subprocess.run(["tar", "-xJf", NOTES, "-C", at], check=True)
        notes = next(os.path.join(path, "") for path, folders, _ in os.walk(at) if "akira" in folders)
        for mode, least in LEAST.items():
            run = subprocess.run([measure, definitions, notes, mode], text=True,
                                 capture_output=True, check=True)
            found = dict(line.split() for line in run.stdout.splitlines())
            for name, value in least.items():
                count += 1
                good = float(found[name]) >= value
                failed += not good
                print(f"{'' if good else 'not '}ok {count} - {mode} {name}: {found[name]} % of "
                      f"{found['tried']}, at least {value}")
    print(f"1..{count}")
    return failed != 0


sys.exit(main(*sys.argv[1:3]))

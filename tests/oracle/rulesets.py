#!/usr/bin/env python3
"""The public rule sets the project measures itself against, as lists of files for the command line.

usage: rulesets.py DATA LISTS      writes LISTS/<set>.list, one "namespace:path" a line
       rulesets.py DATA --count    prints how many files of each set yara accepts

DATA holds one folder per set: elastic, reversinglabs, signature-base, yara-rules. Each file is
its own namespace (its path below DATA, without the suffix), because the sets reuse rule names. A file that
Debian's yarac refuses is left out; index files, which only include others, are left out too.
"""
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

SETS = {
    "elastic": ["elastic"],
    "reversinglabs": ["reversinglabs"],
    "signature-base": ["signature-base"],
    "base3": ["elastic", "reversinglabs", "signature-base"],
    "yara-rules": ["yara-rules"],
    "all": ["elastic", "reversinglabs", "signature-base", "yara-rules"],
}

# The variables that community rules expect the scanner to define.
EXTERNALS = [word for name in ("filename", "filepath", "extension", "filetype", "owner")
             for word in ("-d", name + "=")]


def rule_files(data, folder):
    """Paths of the set's rule files, sorted; index files (nothing but includes) left out."""
    found = []
    for root, dirs, names in os.walk(os.path.join(data, folder)):
        dirs.sort()
        for name in sorted(names):
            if name.endswith((".yar", ".yara")) and not name.endswith("index.yar") \
                    and name != "index_w_mobile.yar":
                found.append(os.path.join(root, name))
    return found


def accepted(path):
    run = subprocess.run(["yarac", "-w", *EXTERNALS, path, "/dev/null"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return run.returncode == 0


def namespace(data, path):
    return os.path.splitext(os.path.relpath(path, data))[0]


def arguments(data, folders):
    """["namespace:path", ...] of every file of these folders that yarac accepts."""
    paths = [path for folder in folders for path in rule_files(data, folder)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        good = list(pool.map(accepted, paths))
    return [f"{namespace(data, p)}:{p}" for p, ok in zip(paths, good) if ok]


def load_lists(data, lists):
    """The lists of every set, made once and kept in the folder `lists`."""
    os.makedirs(lists, exist_ok=True)
    parts = {}
    for folder in SETS["all"]:
        kept = os.path.join(lists, folder + ".list")
        if not os.path.exists(kept):
            with open(kept + ".new", "w", encoding="utf-8") as out:
                out.write("".join(line + "\n" for line in arguments(data, [folder])))
            os.rename(kept + ".new", kept)
        with open(kept, encoding="utf-8") as lines:
            parts[folder] = lines.read().splitlines()
    return {name: [line for f in folders for line in parts[f]] for name, folders in SETS.items()}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if sys.argv[2] == "--count":
        for folder in SETS["all"]:
            files = rule_files(sys.argv[1], folder)
            print(f"{folder:15} {len(arguments(sys.argv[1], [folder])):5} of {len(files)} files")
        return
    for name, lines in load_lists(sys.argv[1], sys.argv[2]).items():
        with open(os.path.join(sys.argv[2], name + ".list"), "w", encoding="utf-8") as out:
            out.write("".join(line + "\n" for line in lines))
        print(f"{name:15} {len(lines):5} files")


if __name__ == "__main__":
    main()

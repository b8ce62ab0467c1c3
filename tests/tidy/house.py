"""What the checks of the house share: the files of the tree, and how a check reports."""
import os
import sys

FOLDERS = ("src", "include", "tests", "fuzz", "bench", "examples")


def files(root, suffixes, folders=FOLDERS):
    """Paths relative to root, sorted."""
    found = []
    for folder in folders:
        for at, dirs, names in os.walk(os.path.join(root, folder)):
            dirs[:] = sorted(d for d in dirs if d != "__pycache__")
            found += [os.path.relpath(os.path.join(at, n), root) for n in sorted(names)
                      if n.endswith(suffixes)]
    return found


def text(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def listed(root, path):
    """{first word: rest} of a list file; empty lines and # comments are skipped."""
    rows = {}
    for line in text(root, path).splitlines():
        line = line.split("#", 1)[0].strip()
        if line:
            word, _, rest = line.partition(" ")
            rows[word] = rest.strip()
    return rows


def report(name, faults, looked_at):
    """One TAP line: a check passes when it looked at something and found no fault."""
    if not looked_at:
        faults = ["there was nothing to look at"]
    print(f"{'not ' if faults else ''}ok 1 - {name} ({looked_at} looked at)")
    for fault in faults:
        print("# " + fault)
    print("1..1")
    sys.exit(bool(faults))


def skip(name, reason):
    print(f"ok 1 - {name} # SKIP {reason}")
    print("1..1")
    sys.exit(0)

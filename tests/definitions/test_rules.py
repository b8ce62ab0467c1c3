#!/usr/bin/env python3
"""Every rule of definitions/ finds its samples and nothing else; says what it is; has no twin.

usage: test_rules.py ROOT SCANNER...     SCANNER: `yara`, or `candor yara`
"""
import collections
import glob
import os
import re
import subprocess
import sys
import tempfile

import cases

META = ("description", "reason", "reference", "date", "severity")
SEVERITIES = ("test", "info", "low", "medium", "high", "critical")
LEAST = 60


def rules_of(root):
    """{rule: {meta: value}} of the public rules, and the faults seen on the way."""
    rules, faults = {}, []
    for path in sorted(glob.glob(os.path.join(root, "definitions", "*.yar"))):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for name, body in re.findall(r"^rule (\w+)\n\{\n(.*?)^\}", text, re.M | re.S):
            if name in rules:
                faults.append(f"{name} is defined twice")
            rules[name] = dict(re.findall(r'^        (\w+) = "(.*)"$', body, re.M))
    return rules, faults


def meta_faults(rules):
    for name, meta in rules.items():
        for key in META:
            if not meta.get(key):
                yield f"{name}: no {key}"
        if meta.get("severity") not in SEVERITIES:
            yield f"{name}: severity '{meta.get('severity')}'"
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", meta.get("date", "")):
            yield f"{name}: date '{meta.get('date')}'"
        if not meta.get("reference", "").startswith("https://"):
            yield f"{name}: the reference is no public address"


def scan(root, scanner, folder):
    """{file: {rules}}"""
    files = sorted(glob.glob(os.path.join(root, "definitions", "*.yar")))
    run = subprocess.run([*scanner, *(f"{os.path.basename(f)[:-4]}:{f}" for f in files), folder],
                         text=True, capture_output=True)
    if run.returncode or run.stderr:
        print(f"Bail out! {' '.join(scanner)}: {run.stderr or run.returncode}")
        sys.exit(1)
    found = collections.defaultdict(set)
    for line in run.stdout.splitlines():
        rule, path = line.split(" ", 1)
        found[os.path.basename(path)].add(rule)
    return found


def main(root, scanner):
    count = failed = 0

    def tell(good, what, remark=""):
        nonlocal count, failed
        count += 1
        failed += not good
        print(f"{'' if good else 'not '}ok {count} - {what}")
        if not good and remark:
            print(f"# {remark}")

    rules, faults = rules_of(root)
    tell(len(rules) >= LEAST, f"at least {LEAST} rules", f"{len(rules)}")
    faults += meta_faults(rules)
    tell(not faults, "each has its reason, reference, date and severity", "; ".join(faults))
    kept = cases.load()
    for kind in ("hit", "miss"):
        without = sorted(set(rules) - {rule for rule, of, _ in kept if of == kind})
        tell(not without, f"each has a sample to {kind}", " ".join(without))
    unknown = sorted({rule for rule, _, _ in kept} - set(rules))
    tell(not unknown, "each sample belongs to a rule", " ".join(unknown))
    with tempfile.TemporaryDirectory() as folder:
        for number, (rule, kind, data) in enumerate(kept):
            with open(os.path.join(folder, f"{number}"), "wb") as f:
                f.write(data)
        found = scan(root, scanner, folder)
    for number, (rule, kind, _) in enumerate(kept):
        got = found[f"{number}"]
        if kind == "hit":
            tell(rule in got, f"{rule} finds sample {number}", f"found: {sorted(got)}")
        else:
            tell(not got, f"nothing finds sample {number}, which is close to {rule}",
                 f"found: {sorted(got)}")
    print(f"1..{count}")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

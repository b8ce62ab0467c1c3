#!/usr/bin/env python3
"""Identical hits: what `candor yara -s -L` finds in a corpus is what Debian's `yara -s -L` finds.

usage: corpus.py CORPUS --data DATA [--candor PROGRAM] [--sets elastic,base3,...]
                 [--cache DIR] [--show N]

Compares, for each rule set and each file of CORPUS, the names of the matching rules (with their
namespace) and of each of them all offsets, lengths and identifiers of its patterns. Prints every
difference (at most N of a set, 20) and a line for each set. Exit: 0 equal, 1 different, 2 could
not be run. DATA has one folder per rule set, see rulesets.py. yara is slow: what it said is kept
in DIR (default: corpus.cache beside CORPUS) as one digest for each file and rule.
"""
import argparse
import gzip
import hashlib
import json
import os
import subprocess
import sys
import time

import rulesets


def command(tool, rules, target):
    """Arguments: everything in namespaces, with offsets and lengths, one thread, no warnings."""
    return [*tool, *rulesets.EXTERNALS, "-w", "-e", "-s", "-L", "-p", "1", *rules, target]


def matches(argv):
    """(file, "namespace:rule", [match lines]) of a run; a match line is "0xOFFSET:LENGTH:$id"."""
    # The matched bytes behind the third colon are cut off outside Python: there may be gigabytes.
    run = subprocess.Popen(argv, stdout=subprocess.PIPE)
    cut = subprocess.Popen(["cut", "-d:", "-f1-3"], stdin=run.stdout, stdout=subprocess.PIPE,
                           env={**os.environ, "LC_ALL": "C"})
    run.stdout.close()
    rule, path, lines = None, None, []
    for line in cut.stdout:
        if line.startswith(b"0x"):
            lines.append(line)
            continue
        if rule is not None:
            yield path, rule, lines
        rule, path = (x.decode("utf-8", "replace") for x in line.rstrip(b"\n").split(b" ", 1))
        lines = []
    if rule is not None:
        yield path, rule, lines
    if run.wait():
        sys.exit(f"corpus.py: {argv[0]} ended with {run.returncode}")


def digests(argv):
    """{file: {rule: [number of matches, digest]}}, whatever the order of the output."""
    found = {}
    for path, rule, lines in matches(argv):
        digest = hashlib.sha1(b"".join(sorted(lines))).hexdigest()[:16]
        found.setdefault(path, {})[rule] = [len(lines), digest]
    return found


def cached(path, make):
    if os.path.exists(path):
        with gzip.open(path, "rt") as f:
            return json.load(f)
    found = make()
    with gzip.open(path + ".new", "wt") as f:
        json.dump(found, f)
    os.rename(path + ".new", path)
    return found


def explained_rules():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "explained.txt"), encoding="utf-8") as f:
        return {line.split(" ", 1)[0] for line in f if not line.startswith("#")}


def differences(tools, rules, want, got, show):
    """Lines that say what differs, file by file; the details of the first files that do come from
    scanning them once more. Explained differences, where candor finds no less, are only counted."""
    explained, apart = explained_rules(), 0
    for path in sorted(set(want) | set(got)):
        theirs, ours = want.get(path, {}), got.get(path, {})
        for rule in explained & (theirs.keys() | ours.keys()):
            fewer = theirs.get(rule, (0,))[0] <= ours.get(rule, (0,))[0]
            if theirs.get(rule) != ours.get(rule) and fewer:
                apart += 1
                theirs, ours = {**theirs, rule: 0}, {**ours, rule: 0}
        if theirs == ours:
            continue
        for rule in sorted(set(theirs) - set(ours)):
            yield f"{path}: {rule}: only yara finds it"
        for rule in sorted(set(ours) - set(theirs)):
            yield f"{path}: {rule}: only candor finds it"
        both = [r for r in theirs if r in ours and theirs[r] != ours[r]]
        show -= 1
        if show < 0:
            yield from (f"{path}: {rule}: other matches" for rule in both)
        if not both or show < 0:
            continue
        lines = [{r: set(found) for _, r, found in matches(command(tool, rules, path)) if r in both}
                 for tool in tools]
        for rule in both:
            for line in sorted(lines[0].get(rule, set()) - lines[1].get(rule, set()))[:5]:
                yield f"{path}: {rule}: only yara has {line.decode(errors='replace').strip()}"
            for line in sorted(lines[1].get(rule, set()) - lines[0].get(rule, set()))[:5]:
                yield f"{path}: {rule}: only candor has {line.decode(errors='replace').strip()}"
    if apart:
        print(f"{apart} explained differences, see tests/oracle/explained.txt")


def compare(name, rules, options):
    # yara loads rules faster compiled; candor gets the sources, as a user would give them.
    key = hashlib.sha1("\n".join(rules).encode()).hexdigest()[:12]
    compiled = os.path.join(options.cache, f"{name}-{key}.yac")
    if not os.path.exists(compiled):
        subprocess.run(["yarac", "-w", *rulesets.EXTERNALS, *rules, compiled], check=True)
    yara = ["yara", "-C", "-N", "-r"]
    candor = [options.candor, "yara", "-N", "-r"]
    want = cached(os.path.join(options.cache, f"{name}-{key}.json.gz"),
                  lambda: digests(command(yara, [compiled], options.corpus)))
    before, start = os.times(), time.monotonic()
    got = digests(command(candor, rules, options.corpus))
    after = os.times()
    count = 0
    for line in differences((["yara"], [options.candor, "yara"]), rules, want, got,
                            options.show):
        count += 1
        if count <= options.show:
            print(line)
    hits = sum(map(len, want.values()))
    total = sum(n for rules_of in want.values() for n, _ in rules_of.values())
    cpu = after.children_user + after.children_system - before.children_user - \
        before.children_system
    print(f"{name}: {hits} hits of rules and {total} matches of patterns in {len(want)} files; "
          f"{count or 'no'} differences; {cpu:.1f} CPU-s, {time.monotonic() - start:.1f} s",
          flush=True)
    return count


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus")
    parser.add_argument("--data", required=True)
    parser.add_argument("--candor",
                        default=os.path.join(here, "../../build/release/src/cmd/candor"))
    parser.add_argument("--sets", default=",".join(rulesets.SETS))
    parser.add_argument("--cache")
    parser.add_argument("--show", type=int, default=20)
    options = parser.parse_args()
    options.corpus = os.path.abspath(options.corpus)
    options.cache = options.cache or options.corpus + ".cache"
    os.makedirs(options.cache, exist_ok=True)
    lists = rulesets.load_lists(options.data, os.path.join(options.cache, "lists"))
    bad = sum(compare(name, lists[name], options) for name in options.sets.split(","))
    sys.exit(bad != 0)


if __name__ == "__main__":
    main()

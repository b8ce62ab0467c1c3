#!/usr/bin/env python3
"""Published encrypted files with their published test keys come out byte for byte.

usage: vectors.py PROGRAM [FOLDER]

FOLDER holds a folder for each family: encrypted files, key files and expect.json with the size
and SHA-256 of the plain files (../shared/data/ransomware-vectors.tar.xz, unpacked by this test
when no FOLDER is given). For each file, with its extension taken away: the right family is
recognised first and no other one is sure (or it is one of those that a file without a mark can be
of); what comes out is exact; cut short, or with the keys of all the other families, nothing comes
out that claims to be right.
"""
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")

# Folders that are not named after their family.
FAMILY = {"hunters1": "hunters", "hive6": "hive"}
# Not key files: what lies beside them and would be read as keys of no use.
NO_KEYS = ("expect.json", "LICENSE")

count = failed = 0


def check(good, what, *lines):
    global count, failed
    count += 1
    print("%sok %d - %s" % ("" if good else "not ", count, what))
    if not good:
        failed += 1
        for line in lines:
            print("#   %s" % (line,))


def skip(what, reason):
    global count
    count += 1
    print("ok %d - %s # SKIP %s" % (count, what, reason))


def run(program, *arguments):
    done = subprocess.run([program, *arguments], text=True, capture_output=True, timeout=240)
    lines = []
    for line in done.stdout.splitlines():
        lines.append(json.loads(line))
    if done.returncode:
        lines.append({"crash": done.returncode, "stderr": done.stderr[-3000:]})
    return lines


def shown(lines):
    return [json.dumps({k: v for k, v in line.items() if k != "head"})[:300] for line in lines]


def claims(lines):
    """What is said to be right without a look at the result."""
    return [line for line in lines if "opened" in line and not line["guess"] and not line["error"]]


def exact(line, want):
    if "opened" not in line or line["error"]:
        return False
    if "plain_sha256" not in want:
        begin = want["first_region_begins_with"].encode().hex()
        return line["head"].startswith(begin)
    return line["sha256"] == want["plain_sha256"] and line["size"] == want["plain_size"]


def is_cut(line, lines, whole):
    """Where nothing in a file tells how long it was, what is left of it may come out."""
    sure = [fit["fit"] for fit in lines if "fit" in fit and fit["is"]]
    return line["opened"] not in sure and any(line["head"] == full["head"] and
                                              line["size"] < full["size"] for full in whole)


def keys_of(folder, files):
    """The key files of a family; from expect.json what is only told there."""
    keys = [os.path.join(folder, name) for name in sorted(os.listdir(folder))
            if name not in files and not name.startswith(NO_KEYS)]
    for want in files.values():
        if "t3_ns" in want:
            keys.append("text:t3=%d t4=%d" % (want["t3_ns"], want["t4_ns"]))
        if "seed" in want:
            keys.append("seed:%d" % want["seed"])
        if "aes_key_hex" in want:
            keys.append("hex:%s" % want["aes_key_hex"])
    return keys


def one(program, family, path, want, keys, others, work):
    what = "%s: %s" % (family, os.path.basename(path))
    lines = run(program, path, "a", *keys)
    fits = [line for line in lines if "fit" in line]
    sure = any(fit["is"] for fit in fits)
    named = fits[:1] if sure else fits
    check(family in [fit["fit"] for fit in named],
          "%s: is recognised %s" % (what, "first" if sure else "among those that it can be"),
          *shown(lines))
    check(not [fit for fit in fits if fit["fit"] != family and fit["is"]],
          "%s: no other family is sure" % what, *shown(fits))
    opened = [line for line in lines if "opened" in line]
    check(any(exact(line, want) for line in opened), "%s: comes out exact" % what, *shown(lines))
    check(all(exact(line, want) for line in claims(lines)), "%s: nothing else claims to be right" % what,
          *shown(opened))

    lines = run(program, path, "a", *others)
    # Test keys are shared by some families.
    check(all(exact(line, want) for line in claims(lines))
          and not any("crash" in line for line in lines),
          "%s: with other keys nothing wrong claims to be right" % what, *shown(lines))
    with open(path, "rb") as file:
        data = file.read()
    for cut in (1, 600, len(data) // 2):
        short = os.path.join(work, "short")
        with open(short, "wb") as file:
            file.write(data[:max(0, len(data) - cut)])
        lines = run(program, short, "a", *keys)
        check(all(exact(line, want) or is_cut(line, lines, opened) for line in claims(lines))
              and not any("crash" in line for line in lines),
              "%s: cut by %d bytes, nothing claims to be right" % (what, cut), *shown(lines))


def unpacked(work):
    for place in ("..", "../..", "../../.."):
        archive = os.path.join(ROOT, place, "shared/data/ransomware-vectors.tar.xz")
        if os.path.exists(archive):
            with tarfile.open(archive) as tar:
                tar.extractall(work)
            for folder, folders, _ in os.walk(work):
                if "akira" in folders:
                    return folder
    return None


def main():
    program = sys.argv[1]
    known = {line["format"] for line in run(program, "--formats")}
    work = tempfile.mkdtemp(prefix="candor-vectors-")
    try:
        top = sys.argv[2] if len(sys.argv) > 2 else unpacked(os.path.join(work, "data"))
        if not top:
            print("1..0 # SKIP no ../shared/data/ransomware-vectors.tar.xz")
            return 0
        files, keys = {}, {}
        for name in sorted(os.listdir(top)):
            listed = os.path.join(top, name, "expect.json")
            if os.path.exists(listed):
                with open(listed) as file:
                    files[name] = json.load(file)
                keys[name] = keys_of(os.path.join(top, name), files[name])
        for name in files:
            family = FAMILY.get(name, name)
            others = [key for other in keys for key in keys[other]
                      if FAMILY.get(other, other) != family]
            for path, want in files[name].items():
                if family in known:
                    one(program, family, os.path.join(top, name, path), want, keys[name], others,
                        work)
                else:
                    skip("%s: %s" % (family, path), "no such format")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("1..%d" % count)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())

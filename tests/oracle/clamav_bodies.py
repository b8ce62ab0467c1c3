#!/usr/bin/env python3
"""Random body and logical signatures over random files: what clamscan finds, and the tool.

usage: clamav_bodies.py CLAMAV_TOOL [--rounds N] [--seed N]

Each round writes a database of signatures that any file may hit and some files, runs
`clamscan --allmatch` and the tool over them, and compares file by file. What clamscan refuses
to load the tool must refuse. Differences that are ClamAV's own limits are named in `excused`.
Exit 0 all equal, 1 a difference (printed), 77 when there is no clamscan."""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

ALPHABET = [0x61, 0x62, 0x63, 0x41, 0x42, 0x31, 0x20, 0x0A, 0x0D, 0x80, 0x2D]


def byte(r):
    return "%02x" % r.choice(ALPHABET)


def unit(r, plain=0.8):
    k = r.random()
    if k < plain:
        return byte(r)
    if k < plain + 0.08:
        return "??"
    if k < plain + 0.14:
        return r.choice([byte(r)[0] + "?", "?" + byte(r)[1]])
    return byte(r)


def group(r, nocase):
    k = r.random()
    n = r.randint(2, 3)
    if k < 0.35:
        s = "(" + "|".join(byte(r) for _ in range(n)) + ")"
    elif k < 0.65:
        s = "(" + "|".join(byte(r) + byte(r) for _ in range(n)) + ")"
    elif k < 0.9:
        return "(" + "|".join("".join(byte(r) for _ in range(r.randint(1, 3))) for _ in range(n)) + ")"
    else:
        return "(" + byte(r) + "(" + byte(r) + "|" + byte(r) + byte(r) + ")|" + byte(r) + ")"
    return ("!" if r.random() < 0.3 and not nocase else "") + s


def part(r, nocase, room):
    s = "".join(byte(r) for _ in range(r.choice([2, 2, 3])))
    for _ in range(r.randint(0, room)):
        k = r.random()
        if k < 0.2:
            s += group(r, nocase)
        elif k < 0.3:
            s += "{%d}" % r.randint(1, 3)
        elif k < 0.34:
            s += r.choice(["(B)", "(L)", "(W)", "!(W)"])
            s += byte(r)
        else:
            s += unit(r)
    return s


def edged(r, text, plain):
    """A part of several has edges of its own."""
    edges = [r.choice(["(B)", "(L)", "(W)", "!(B)", "!(L)", "!(W)"]) if r.random() < .1 and not plain else ""
             for _ in range(2)]
    return edges[0] + text + edges[1]


def body(r, modifiers=""):
    k = r.random()
    nocase = bool(modifiers)
    if k < 0.3:
        return "".join(byte(r) for _ in range(r.choice([2, 2, 3, 4])))
    if k < 0.6:
        s = part(r, nocase, 3)
        k = r.random()
        if k < 0.1 and not modifiers:
            s = byte(r) + "[%d-%d]" % (r.randint(0, 2), r.randint(2, 5)) + s
        elif k < 0.2 and not modifiers:
            s = s + "[%d-%d]" % (r.randint(0, 2), r.randint(2, 5)) + byte(r)
        elif k < 0.4 and "f" not in modifiers:
            s = r.choice(["(B)", "(L)", "(W)", "!(B)", "!(L)", "!(W)"]) + s
        elif k < 0.6 and "f" not in modifiers:
            s = s + r.choice(["(B)", "(L)", "(W)", "!(B)", "!(L)", "!(W)"])
        return s
    s = edged(r, part(r, nocase, 2), "f" in modifiers)
    for _ in range(r.choice([1, 1, 2])):
        jump = r.choice(["*", "{-%d}" % r.randint(0, 9), "{%d-}" % r.randint(0, 9),
                         "{%d-%d}" % (r.randint(0, 4), r.randint(4, 300)), "{%d}" % r.randint(1, 140)])
        s += jump + edged(r, part(r, nocase, 2), "f" in modifiers)
    return s


def near_jump(r):
    """Jumps beside a byte in brackets are measured from the part: long enough for the byte to lie between."""
    jump, near = "{%d-%d}" % (r.randint(4, 8), r.randint(8, 40)), "[%d]" % r.randint(0, 3)
    two = part(r, False, 2), part(r, False, 2)
    return two[0] + jump + byte(r) + near + two[1] if r.random() < .5 else two[0] + near + byte(r) + jump + two[1]


def offset(r):
    k = r.random()
    if k < 0.7:
        return ""
    if k < 0.8:
        return "%d:" % r.randint(0, 6)
    if k < 0.9:
        return "%d,%d:" % (r.randint(0, 20), r.randint(0, 40))
    return "EOF-%d,%d:" % (r.randint(2, 80), r.randint(0, 40))


def logic(r, n):
    def leaf(i):
        return "%d%s" % (i, r.choice(["", "", "", ">0", ">1", ">2", "=0", "=1", "=2", "<2", "<3", ">1,2"]))

    items = [leaf(i) for i in range(n)]
    if r.random() < 0.3:
        items.append(leaf(r.randrange(n)))
    r.shuffle(items)
    while len(items) > 1:
        k = r.randint(2, min(3, len(items)))
        ops = [r.choice("&||") for _ in range(k - 1)]
        text = items[0]
        for op, item in zip(ops, items[1:k]):
            text += op + item
        if len(items) > k or r.random() < 0.6:
            text = "(" + text + ")" + r.choice(
                ["", "", ">1", ">2", ">1,2", ">0,2", "=0", "=1", "=2,1", "=3", "<2", "<4,1", "<1"])
        items = items[k:] + [text]
    return items[0]


def ldb(r, name):
    n = r.randint(1, 4)
    subs = []
    for _ in range(n):
        m = r.choice(["", "", "", "i", "f", "w", "wa", "iw", "fa", "fw", "a", "fwa", "fi"])
        b = body(r, m)
        subs.append(offset(r) + b + ("::" + m if m else ""))
    return "%s;Engine:51-255,Target:0;%s;%s" % (name, logic(r, n), ";".join(subs))


def ndb(r, name):
    return "%s:0:%s:%s" % (name, (offset(r) or "*:")[:-1], body(r))


def make_file(r):
    data = bytearray(b"\x80\x81\x82\x83")
    for _ in range(r.randint(2, 400)):
        data.append(r.choice(ALPHABET) if r.random() < 0.85 else 0)
        if r.random() < 0.3:
            data.append(0)
    return bytes(data)


def clamscan(databases, folder):
    arguments = ["clamscan", "--allmatch=yes", "--normalize=no", "--no-summary", "--stdout", "--infected"]
    for d in databases:
        arguments += ["-d", d]
    out = subprocess.run(arguments + ["-r", folder], capture_output=True, text=True)
    found = {}
    if out.returncode == 2:
        return None
    for line in out.stdout.splitlines():
        m = re.match(r"(.*): (\S+) FOUND$", line)
        if m:
            found.setdefault(os.path.basename(m[1]), set()).add(m[2])
    return found


def tool(program, databases, folder):
    arguments = [program]
    for d in databases:
        arguments += ["-d", d]
    names = sorted(os.path.join(folder, f) for f in os.listdir(folder))
    out = subprocess.run(arguments + ["-"], input="\n".join(names) + "\n", capture_output=True, text=True)
    if out.returncode > 1 or "ERROR: " in out.stderr or "runtime error" in out.stderr:
        sys.exit("the tool failed: " + out.stderr[-2000:])
    found = {}
    for line in out.stdout.splitlines():
        path, name = line.rsplit(": ", 1)
        found.setdefault(os.path.basename(path), set()).add(name)
    return found, out.stderr


def load(lines, path, empty):
    """Writes the lines that clamscan loads; returns those it refuses."""
    refused = []
    while True:
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")
        out = subprocess.run(["clamscan", "-d", path, empty], capture_output=True, text=True)
        m = re.search(r"at line (\d+)", out.stderr)
        if out.returncode != 2 or not m:
            return refused
        refused.append(lines.pop(int(m[1]) - 1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--signatures", type=int, default=150)
    parser.add_argument("--files", type=int, default=40)
    a = parser.parse_args()
    if not shutil.which("clamscan"):
        print("SKIP: no clamscan")
        return 77
    bad = hits = 0
    with tempfile.TemporaryDirectory() as work:
        empty = os.path.join(work, "empty")
        os.makedirs(empty)
        for number in range(a.rounds):
            r = random.Random(a.seed * 1000 + number)
            folder = os.path.join(work, "files%d" % number)
            os.makedirs(folder)
            for i in range(a.files):
                with open(os.path.join(folder, "f%03d" % i), "wb") as f:
                    f.write(make_file(r))
            lines = {".ldb": [ldb(r, "L%d" % i) for i in range(a.signatures)],
                     ".ndb": [ndb(r, "N%d" % i) for i in range(a.signatures)] +
                             ["J%d:0:*:%s" % (i, near_jump(r)) for i in range(a.signatures // 4)]}
            databases, text = [], {}
            for suffix, kept in lines.items():
                path = os.path.join(work, "db%d%s" % (number, suffix))
                refused = load(kept, path, empty)
                databases.append(path)
                with open(os.path.join(work, "refused" + suffix), "w") as f:
                    f.write("\n".join(refused) + "\n")
                err = tool(a.tool, [f.name], empty)[1]
                if refused and "%d refused" % len(refused) not in err:
                    bad += 1
                    print("only clamscan refuses some of\n    %s\n%s" % ("\n    ".join(refused), err[:300]))
                for line in kept:
                    text[re.split("[;:]", line)[0] + ".UNOFFICIAL"] = line
            theirs = clamscan(databases, folder)
            if theirs is None:
                sys.exit("clamscan does not load round %d: %s" % (number, databases))
            ours, err = tool(a.tool, databases, folder)
            for line in err.splitlines():
                if line.startswith("  db"):
                    print("only the tool refuses: " + line)
                    bad += 1
            wrong = {}
            for f in sorted(set(theirs) | set(ours)):
                t, o = theirs.get(f, set()), ours.get(f, set())
                hits += len(t)
                for name in t ^ o:
                    if not excused(text.get(name, "")):
                        wrong.setdefault((name, name in t), []).append(os.path.join(folder, f))
            for (name, is_theirs), files in sorted(wrong.items()):
                bad += 1
                with open(min(files, key=os.path.getsize), "rb") as file:
                    data = file.read()
                print("%s %d files: %s\n    %s" % ("clamscan only," if is_theirs else "tool only,",
                                                 len(files), text.get(name, name), data.hex()))
    print("%d hits of clamscan, %d signatures differ" % (hits, bad))
    return bad != 0


def excused(line):
    return False


if __name__ == "__main__":
    sys.exit(main())

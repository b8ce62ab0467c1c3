#!/usr/bin/python3
"""candor rescue salvage, measured: files of many kinds times the skip patterns of eight families.

    salvage_corpus.py CANDOR                 a few of each: a test
    salvage_corpus.py CANDOR --full [N]      N files of each kind and pattern (4), and the table
    --kinds a,b --patterns a,b --keep DIR

What counts: of the bytes that are worth saving (data of members, text, file contents: not headers
or empty space) and were not encrypted, those that come back in a part which opens and holds what
the original held. `survive` is their number, `usable` the share that came back in whole or
readable parts, `any` with the parts that have holes."""
import argparse, bisect, json, os, random, shutil, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from salvage_kinds import KINDS
from salvage_patterns import PATTERNS, encrypt, merged


made_before = {}  # one file is encrypted in every way


def common(a, b):
    """Bytes that lie in both lists of ranges."""
    i = k = n = 0
    while i < len(a) and k < len(b):
        low, high = max(a[i][0], b[k][0]), min(a[i][1], b[k][1])
        n += max(0, high - low)
        if a[i][1] < b[k][1]:
            i += 1
        else:
            k += 1
    return n


def without(ranges, holes):
    out = []
    for a, b in ranges:
        i = max(0, bisect.bisect_right(holes, (a, 1 << 62)) - 1)
        for x, y in holes[i:]:
            if x >= b:
                break
            if y <= a:
                continue
            if x > a:
                out.append((a, x))
            a = max(a, y)
        if a < b:
            out.append((a, b))
    return out


def salvage(candor, path, out):
    run = subprocess.run([candor, "rescue", "salvage", "--json", "--output", out, path],
                         capture_output=True, text=True)
    if run.returncode != 0:
        return None, "exit %d: %s" % (run.returncode, run.stderr.strip()[-300:])
    return json.loads(run.stdout), ""


def measure(candor, kind, pattern, number, size, folder):
    if (kind, number) not in made_before:
        made_before.clear()
        made_before[kind, number] = KINDS[kind].make(random.Random("%s/%d" % (kind, number)), size)
    made = made_before[kind, number]
    data, holes = encrypt(made.data, pattern, made.name + pattern)
    path, out = os.path.join(folder, made.name + ".locked"), os.path.join(folder, "out")
    with open(path, "wb") as f:
        f.write(data)
    started = time.time()
    said, why = salvage(candor, path, out)
    took = time.time() - started
    survive = without(merged(made.payload), holes)
    result = {"survive": sum(b - a for a, b in survive), "usable": 0, "any": 0, "wrong": [],
              "took": took, "size": len(data), "why": why, "map": None}
    if said:
        usable, some = [], []
        for part in said["parts"]:
            where = os.path.join(out, part["name"])
            try:
                good = KINDS[kind].check(made, part, where)
            except Exception as error:
                good, why = False, repr(error)
            if not good:
                result["wrong"].append(part["name"] + " " + part["verdict"])
                continue
            some += part["from"]
            if part.get("opens", good is True):
                usable += part["from"]
        result["usable"] = common(survive, merged(map(tuple, usable)))
        result["any"] = common(survive, merged(map(tuple, some)))
        found = merged(map(tuple, said["encrypted"]["ranges"]))
        result["map"] = (common(found, holes), sum(b - a for a, b in found),
                         sum(b - a for a, b in holes))
        result["said"] = said
    shutil.rmtree(out, ignore_errors=True)
    os.unlink(path)
    return result


def share(row, key):
    return 100.0 * row[key] / row["survive"] if row["survive"] else 100.0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("candor")
    parser.add_argument("--full", nargs="?", type=int, const=4)
    parser.add_argument("--kinds")
    parser.add_argument("--patterns")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--test", action="store_true")
    args = parser.parse_args()
    if args.test:
        return test(args)
    kinds = args.kinds.split(",") if args.kinds else list(KINDS)
    patterns = args.patterns.split(",") if args.patterns else list(PATTERNS)
    folder = tempfile.mkdtemp(prefix="salvage-")
    total, files, bad = {}, 0, []
    try:
        for kind in kinds:
            rows = {p: {"survive": 0, "usable": 0, "any": 0, "took": 0, "size": 0} for p in patterns}
            for number in range(args.full or 1):
                sizes = KINDS[kind].sizes
                size = sizes[number % len(sizes)] if args.full else sizes[0]
                for pattern in patterns:
                    got = measure(args.candor, kind, pattern, number, size, folder)
                    files += 1
                    for key in rows[pattern]:
                        rows[pattern][key] += got[key]
                    if got["why"]:
                        bad.append("%s %s: %s" % (kind, pattern, got["why"]))
                    bad += ["%s %s: %s is not what was there" % (kind, pattern, w)
                            for w in got["wrong"][:3]]
                    if args.verbose and got["map"]:
                        print("#   %s %s %d: map %d of %d right, %d claimed; %s" %
                              (kind, pattern, number, got["map"][0], got["map"][2],
                               got["map"][1], got["said"]["encrypted"]["pattern"]), flush=True)
            for pattern, row in rows.items():
                print("# %-10s %-9s %9.2f MB survive  usable %6.2f %%  any %6.2f %%  %5.1f MB/s" % (
                    kind, pattern, row["survive"] / 1e6, share(row, "usable"), share(row, "any"),
                    row["size"] / 1e6 / max(row["took"], 1e-3)), flush=True)
                for key in row:
                    total[key] = total.get(key, 0) + row[key]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("# %d files, %.1f MB survive: usable %.2f %%, any %.2f %%" %
          (files, total["survive"] / 1e6, share(total, "usable"), share(total, "any")))
    for line in bad:
        print("# " + line)
    return bad, share(total, "usable"), share(total, "any")


# Of the bytes that survive, at least this many percent come back in parts that open.
FLOORS = {"zip": 99, "docx": 98, "odt": 99, "txt": 99.9, "csv": 99.9, "mbox": 99.9, "tar": 90,
          "pdf": 95, "sqlite": 90, "ext4": 85}


def test(args):
    number = 0
    for kind, floor in FLOORS.items():
        number += 1
        folder = tempfile.mkdtemp(prefix="salvage-")
        try:
            got = [measure(args.candor, kind, p, 0, KINDS[kind].sizes[0] // (1 if kind == "ext4" else 3), folder)
                   for p in (("qilin",) if kind in ("ext4", "pdf") else ("akira", "qilin"))]
        except OSError as error:
            print("ok %d - %s # SKIP %s" % (number, kind, error))
            continue
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        wrong = [w for g in got for w in g["wrong"]] + [g["why"] for g in got if g["why"]]
        survive = sum(g["survive"] for g in got)
        usable = 100.0 * sum(g["usable"] for g in got) / survive
        good = not wrong and usable >= floor
        print("%s %d - %s: %.2f %% of what survives is usable" %
              ("ok" if good else "not ok", number, kind, usable))
        for line in wrong[:5]:
            print("# " + line)
    print("1..%d" % number)


if __name__ == "__main__":
    main()

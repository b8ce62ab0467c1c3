#!/usr/bin/python3
"""candor rescue salvage, measured: files of many kinds times the skip patterns of eight families.

    salvage_corpus.py CANDOR                     one of each
    salvage_corpus.py CANDOR --full [N]          N files of each kind and pattern (4)
    --kinds a,b --patterns a,b --kept FOLDER --verbose

What counts: of the bytes that are worth saving (data of members, text, file contents: not headers
or empty space) and were not encrypted, those that come back in a part which opens and holds what
the original held. Four figures of each kind and pattern:
    survive    how many such bytes there are
    usable     the share of them that came back in parts that open and can be read
    any        with the parts that have holes, as pictures with a grey end
    readable   usable, of those that anyone could read at all (salvage_decodable)
And of each kind what the parts claim, by verdict, and how much of the proven is false."""
import argparse, json, os, pickle, random, re, resource, shutil, subprocess, sys, tempfile, zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from salvage_decodable import decodable, merged, total, without
from salvage_disks import DISKS, tool
from salvage_kinds import DOCUMENTS, text
from salvage_mail import MAIL, heads_lost, read_by_readpst
from salvage_media import MEDIA, layered
from salvage_patterns import PATTERNS, encrypt, runs

KINDS = {**DOCUMENTS, **MAIL, **MEDIA, **DISKS}


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


def salvage(candor, path, out):
    run = subprocess.run([candor, "rescue", "salvage", "--json", "--output", out, path],
                         capture_output=True, text=True)
    if run.returncode != 0:
        return None, "exit %d: %s" % (run.returncode, run.stderr.strip()[-300:])
    return json.loads(run.stdout), ""


VERDICTS = ("proven", "plausible", "partial")
FIGURES = ("survive", "usable", "any", "readable", "could", "cpu", "size", "false", *VERDICTS)


def look_at(made, kind, said, out, result):
    """Checks every part; the ranges of the file that came back usable, and at all."""
    usable, some = [], []
    for part in said["parts"]:
        where = os.path.join(out, part["name"])
        part.setdefault("opens", True)
        try:
            right = KINDS[kind].check(made, part, where)
        except Exception as error:
            right = False
            part["note"] += " " + repr(error)
        claimed = total(part["from"])
        result[part["verdict"]] += claimed
        if part["verdict"] == "proven" and (right is False or right + 4096 < claimed * 0.95):
            result["false"] += claimed
        if right is False or right + 4096 < claimed * 0.95:
            result["wrong"].append("%s, %s, %s: %s" % (part["name"], part["verdict"], part["note"],
                                   "is not what was there" if right is False else
                                   "%d bytes claimed, %d right" % (claimed, right)))
            continue
        some += part["from"]
        if part["opens"]:
            usable += part["from"]
    return merged(map(tuple, usable)), merged(map(tuple, some))


def original(kind, number, size, kept):
    """The file before it was encrypted; with `kept`, a folder, made once and found there."""
    key = "%s-%d-%d" % (kind, number, size)
    path = kept and os.path.join(kept, key)
    if key in made_before:
        return made_before[key]
    made_before.clear()
    if path and os.path.exists(path):
        with open(path, "rb") as f:
            made = pickle.load(f)
    else:
        made = KINDS[kind].make(random.Random("%s/%d" % (kind, number)), size)
        if path:
            with open(path + ".new", "wb") as f:
                pickle.dump(made, f)
            os.rename(path + ".new", path)
    made_before[key] = made
    return made


def said_ranges(said):
    """What was said to be encrypted: the list is cut short, a pattern says it all."""
    pattern, size = said["encrypted"]["pattern"], said["size"]
    if not pattern:
        return map(tuple, said["encrypted"]["ranges"])
    end = size - pattern["trailer"]
    return [(0, min(pattern["head"], end)), (end - pattern["tail"], end), (end, size)] + \
        (runs(pattern["start"], pattern["run"], pattern["stride"] or size, end, pattern["repeats"] or None)
         if pattern["run"] else [])


def measure(args, kind, pattern, number, size, folder):
    candor, made = args.candor, original(kind, number, size, args.kept)
    data, holes = encrypt(made.data, pattern, made.name + pattern)
    path, out = os.path.join(folder, made.name + ".locked"), os.path.join(folder, "out")
    with open(path, "wb") as f:
        f.write(data)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said, why = salvage(candor, path, out)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    survive = without(merged(made.payload), holes)
    could = decodable(made.units, holes)
    result = dict.fromkeys(FIGURES, 0)
    result.update(survive=total(survive), could=common(survive, could), wrong=[], size=len(data),
                  cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, why=why,
                  map=None)
    if said:
        usable, some = look_at(made, kind, said, out, result)
        result["usable"], result["any"] = common(survive, usable), common(survive, some)
        result["readable"] = common(usable, could)
        found = merged(said_ranges(said))
        result["map"] = (common(found, holes), total(found), total(holes))
        result["said"] = said
    shutil.rmtree(out, ignore_errors=True)
    os.unlink(path)
    return result


def share(row, key):
    of = row["could" if key == "readable" else "survive"]
    return 100.0 * row[key] / of if of else 100.0


def line(name, pattern, row):
    return "# %-8s %-9s %8.2f MB survive  usable %6.2f %%  any %6.2f %%  %8.2f MB readable: %6.2f %%  %6.1f MB/s" % (
        name, pattern, row["survive"] / 1e6, share(row, "usable"), share(row, "any"),
        row["could"] / 1e6, share(row, "readable"), row["size"] / 1e6 / max(row["cpu"], 1e-3))


def verdicts(name, row):
    return "# %-8s %s MB; %.2f MB of the proven false; %.1f s of CPU" % (
        name, ", ".join("%s %.2f" % (v, row[v] / 1e6) for v in VERDICTS), row["false"] / 1e6, row["cpu"])


def add(rows, key, got):
    row = rows.setdefault(key, dict.fromkeys(FIGURES, 0))
    for figure in FIGURES:
        row[figure] += got[figure]


def one_kind(args, kind, folder, rows, bad):
    patterns = args.patterns.split(",") if args.patterns else list(PATTERNS)
    for number in range(args.full or 1):
        sizes = KINDS[kind].sizes
        for pattern in patterns:
            got = measure(args, kind, pattern, number, sizes[number % len(sizes)], folder)
            for key in ((kind, pattern), (kind, "all"), ("all", pattern), ("all", "all")):
                add(rows, key, got)
            rows["files"] = rows.get("files", 0) + 1
            if got["why"]:
                bad.append("%s %s: %s" % (kind, pattern, got["why"]))
            bad += ["%s %s %d: %s" % (kind, pattern, number, w) for w in got["wrong"][:3]]
            if args.verbose and got["map"]:
                print("#   %s %s %d: map %d of %d right, %d claimed; %s" %
                      (kind, pattern, number, got["map"][0], got["map"][2],
                       got["map"][1], got["said"]["encrypted"]["pattern"]), flush=True)
                for part in got["said"]["parts"] if args.verbose > 1 else []:
                    print("#     %s %s %d: %s" % (part["name"], part["verdict"],
                                                  total(part["from"]), part["note"]), flush=True)
    for pattern in patterns + ["all"]:
        print(line(kind, pattern, rows[kind, pattern]), flush=True)
    print(verdicts(kind, rows[kind, "all"]), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("candor")
    parser.add_argument("--full", nargs="?", type=int, const=4)
    parser.add_argument("--kinds")
    parser.add_argument("--patterns")
    parser.add_argument("--verbose", action="count", default=0)
    parser.add_argument("--kept", help="a folder in which originals are kept from run to run")
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--release", action="store_true", help="limits of memory are kept")
    args = parser.parse_args()
    if args.test:
        return test(args)
    rows, bad = {}, []
    folder = tempfile.mkdtemp(prefix="salvage-")
    try:
        for kind in args.kinds.split(",") if args.kinds else list(KINDS):
            one_kind(args, kind, folder, rows, bad)
            for text in bad:
                print("#   wrong: " + text, flush=True)
            bad.clear()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for pattern in PATTERNS:
        if ("all", pattern) in rows:
            print(line("all", pattern, rows["all", pattern]))
    print(line("all", "all", rows["all", "all"]))
    print(verdicts("all", rows["all", "all"]))
    print("# %d files" % rows["files"])


# Of the bytes that survive, at least this many percent come back in parts that open.
FLOORS = {"zip": 99, "docx": 98, "odt": 99, "txt": 99.9, "csv": 99.9, "mbox": 99.9, "tar": 98,
          "pdf": 95, "sqlite": 90, "pst": 98, "mp4": 98, "ext4": 99, "ntfs": 99, "fat": 98}
# Tables that survive (qilin), tables that are all lost, and files whose begin is lost (play).
DISK_PATTERNS = {"ext4": ("qilin", "akira", "play"), "ntfs": ("play",), "fat": ("qilin",)}
# With 64 bytes of each 6,400 encrypted: gaps within every compressed member.
DENSE_FLOORS = {"zip": 94, "docx": 85, "gz": 90, "pdf": 95, "png": 90, "sqlite": 96}
# With 64 of each 192: gaps in nearly every row.
DENSEST_FLOORS = {"sqlite": 45}


MIB = 1 << 20
MEMORY_MOST = 256 * MIB


def large_disk(args):
    """A disk of 1 GiB with a file that lies in several pieces: its plain bytes come back under its
    name, and no process needs more than 256 MiB. Why not, or nothing."""
    folder = tempfile.mkdtemp(prefix="salvage-")
    try:
        home, image, out = (os.path.join(folder, n) for n in ("home", "a-flat.vmdk", "out"))
        os.mkdir(home)
        # Little of it in memory: what a process forks from counts as its own.
        line = random.Random(7).randbytes(4095 // 2).hex().encode() + b"\n\n"
        with open(os.path.join(home, "large.log"), "wb") as f:
            for _ in range(200 * MIB // 4096):
                f.write(line)
        with open(image, "wb") as f:
            f.truncate(1024 * MIB)
        tool("mkfs.ext4", "-q", "-F", "-d", home, image)
        # Runs of 128 KiB in steps of 8.5 MiB, from 64 MiB on: no family's.
        with open(image, "r+b") as f:
            for at in range(64 * MIB, 1024 * MIB, 17 * MIB // 2):
                f.seek(at)
                f.write(random.Random(at).randbytes(MIB // 8))
        run = subprocess.Popen([args.candor, "rescue", "salvage", "--output", out, image],
                               stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(run.pid, 0)
        if status:
            return "it ended with %d" % status
        if args.release and usage.ru_maxrss * 1024 > MEMORY_MOST:
            return "%d MiB of memory" % (usage.ru_maxrss // 1024)
        found = [os.path.join(at, n) for at, _, names in os.walk(out) for n in names if "large.log" in n]
        if len(found) != 1:
            return "%d files of its name" % len(found)
        with open(found[0], "rb") as f:
            lines = right = 0
            for text in f:
                lines += 1
                right += text == line[:-1] or text == b"\n"
        lost = 2 * (200 * MIB // 4096) - right
        return "" if lost < 4 * MIB // 4096 * 2 and lines - right < 400 else "%d lines lost" % lost
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def hinted(args):
    """A compressed file says little of its pattern, texts beside it all: they were encrypted by one
    tool. Why that did not help, or nothing."""
    folder = tempfile.mkdtemp(prefix="salvage-")
    try:
        paths = []
        for kind in ("gz", "txt", "csv"):
            made = KINDS[kind].make(random.Random(kind), 2000000)
            data, _ = encrypt(made.data, "basta-1G", kind)
            paths.append(os.path.join(folder, made.name + ".locked"))
            with open(paths[-1], "wb") as f:
                f.write(data)
        run = subprocess.run([args.candor, "rescue", "salvage", "--json", "--output",
                              os.path.join(folder, "out"), *paths], capture_output=True, text=True)
        said = [json.loads(line) for line in run.stdout.splitlines()]
        if run.returncode or len(said) != len(paths):
            return "exit %d: %s" % (run.returncode, run.stderr.strip()[-200:])
        wrong = [s["path"] for s in said if not s["encrypted"]["pattern"] or
                 (s["encrypted"]["pattern"]["run"], s["encrypted"]["pattern"]["stride"]) != (64, 6400)]
        return "wrong of " + ", ".join(wrong) if wrong else ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stick(args):
    """A stick whose boot sectors are lost keeps the names of its files, in folders, too: FAT32 and
    FAT16, whole and in a partition, its first table lost as well. Why not, or nothing."""
    folder = tempfile.mkdtemp(prefix="salvage-")
    rng, files = random.Random(5), {}
    env = {**os.environ, "MTOOLS_SKIP_CHECK": "1"}
    try:
        home, image = os.path.join(folder, "home"), os.path.join(folder, "image")
        for i in range(60):
            name = ("", "Papers/", "Papers/Old ones/")[i % 3] + "A rather long name %d.%s" % (i, ("txt", "pdf")[i % 2])
            files[name] = ((b"", b"%PDF-1.4\n")[i % 2] + b"Line %d of a text.\n" % i * 4000)[:rng.randint(100, 60000)]
            os.makedirs(os.path.dirname(os.path.join(home, name)), exist_ok=True)
            with open(os.path.join(home, name), "wb") as f:
                f.write(files[name])
        top = [os.path.join(home, n) for n in sorted(os.listdir(home))]
        for bits, sectors, megabytes, before, lost in ((32, 1, 64, 0, 65536), (16, 4, 64, 0, 16384),
                                                       (32, 1, 64, MIB, 65536), (32, 1, 64, 0, MIB // 2)):
            with open(image, "wb") as f:
                f.truncate(megabytes * MIB)
            tool("mkfs.vfat", "-F", str(bits), "-s", str(sectors), image)
            tool("mcopy", "-s", "-i", image, *top, "::/", env=env)
            with open(image, "rb") as f:
                data = bytearray(before) + f.read()
            os.unlink(image)
            for at in {0, before}:
                data[at:at + lost] = rng.randbytes(lost)
            path, out = os.path.join(folder, "stick.img.locked"), os.path.join(folder, "out")
            with open(path, "wb") as f:
                f.write(data)
            said, why = salvage(args.candor, path, out)
            found = {part["name"].split(".files/")[-1]: part["name"] for part in said["parts"]} if said else {}
            for name, body in files.items():
                got = b""
                if name in found:
                    with open(os.path.join(out, found[name]), "rb") as f:
                        got = f.read()
                if got != body:
                    return why or "FAT%d of %d MiB at %d: %s is not there" % (bits, megabytes, before, name)
            shutil.rmtree(out)
        return ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def boot_lost(args):
    """NTFS whose boot sector and its copy are lost keeps its names. Why not, or nothing."""
    folder = tempfile.mkdtemp(prefix="salvage-")
    rng, files = random.Random(6), {}
    try:
        image, one, out = (os.path.join(folder, n) for n in ("windows.img.locked", "one", "out"))
        with open(image, "wb") as f:
            f.truncate(32 * MIB)
        tool("mkfs.ntfs", "-q", "-F", "-Q", "-T", image)
        for i in range(30):
            name = "A rather long name %d.txt" % i
            files[name] = (b"Line %d of a text.\n" % i * 4000)[:rng.randint(100, 60000)]
            with open(one, "wb") as f:
                f.write(files[name])
            tool("ntfscp", image, one, name)
        with open(image, "r+b") as f:
            f.write(rng.randbytes(8192))
            f.seek(-65536, 2)
            f.write(rng.randbytes(65536))
        said, why = salvage(args.candor, image, out)
        found = {part["name"].split(".files/")[-1]: part["name"] for part in said["parts"]} if said else {}
        for name, body in files.items():
            got = b""
            if name in found:
                with open(os.path.join(out, found[name]), "rb") as f:
                    got = f.read()
            if got != body:
                return why or name + " is not there"
        return ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def packed_objects(args):
    """Of objects that were packed together, those before a gap of 64 bytes come back and those behind
    it of which all is known; none is another than it was. Why not, or nothing."""
    folder, rng = tempfile.mkdtemp(prefix="salvage-"), random.Random(8)
    try:
        out, objects = bytearray(b"%PDF-1.7\n"), {}
        for holder in range(40):
            numbers = range(100 + 200 * holder, 300 + 200 * holder)
            bodies = [b"<</Type/Annot/Rect[%d %d %d %d]/Contents(%s)>>" %
                      (*(rng.randint(0, 600) for _ in range(4)), text(rng, 90).strip()) for _ in numbers]
            objects.update(zip(numbers, bodies))
            places = [sum(len(b) + 1 for b in bodies[:i]) for i in range(len(bodies))]
            head = b" ".join(b"%d %d" % pair for pair in zip(numbers, places)) + b"\n"
            packed = zlib.compress(head + b"\n".join(bodies))
            out += b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n" % (
                holder + 1, len(bodies), len(head), len(packed)) + packed + b"\nendstream\nendobj\n"
        data, holes = encrypt(bytes(out), "basta-1G", "packed")
        path, where = os.path.join(folder, "a.pdf.locked"), os.path.join(folder, "out")
        with open(path, "wb") as f:
            f.write(data)
        said, why = salvage(args.candor, path, where)
        if not said or len(said["parts"]) != 1:
            return why or "no part"
        with open(os.path.join(where, said["parts"][0]["name"]), "rb") as f:
            found = re.findall(rb"\n(\d+) 0 obj\n(<</Type/Annot.*?)\s*\nendobj", f.read(), re.S)
        wrong = sum(objects.get(int(number)) != body for number, body in found)
        if wrong or len(found) < len(objects) * 0.2:
            return "%d of %d objects, %d of them wrong" % (len(found), len(objects), wrong)
        return ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def in_folder(tried, *more):
    """Tried in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="salvage-") as folder:
        return tried(folder, *more)


def progressive(args):
    try:
        return in_folder(layered, lambda path, out: salvage(args.candor, path, out))
    except ImportError as error:
        raise OSError(error)


def test(args):
    number = 8
    for at, what, tried in ((1, "a large disk in little memory", large_disk),
                            (2, "files of one folder explain each other", hinted),
                            (3, "a stick without its first sectors keeps its names", stick),
                            (4, "NTFS without its boot sectors keeps its names", boot_lost),
                            (5, "objects packed into one stream with gaps", packed_objects),
                            (6, "readpst reads the mail stores that are made here",
                             lambda _: in_folder(read_by_readpst)),
                            (7, "mail stores of four kinds without their heads",
                             lambda args: in_folder(heads_lost, lambda *a: salvage(args.candor, *a))),
                            (8, "a progressive picture with gaps", progressive)):
        try:
            why = tried(args)
            print("%s %d - %s%s" % ("not ok" if why else "ok", at, what, why and ": " + why), flush=True)
        except OSError as error:
            print("ok %d - %s # SKIP %s" % (at, what, error))
    tests = [(kind, floor, DISK_PATTERNS.get(kind, ("qilin",) if kind == "pdf" else ("akira", "qilin")))
             for kind, floor in FLOORS.items()]
    tests += [(kind, floor, ("basta-1G",)) for kind, floor in DENSE_FLOORS.items()]
    tests += [(kind, floor, ("basta",)) for kind, floor in DENSEST_FLOORS.items()]
    for kind, floor, patterns in tests:
        number += 1
        folder = tempfile.mkdtemp(prefix="salvage-")
        try:
            got = [measure(args, kind, p, 0, KINDS[kind].sizes[0] // (1 if kind in DISKS else 3), folder)
                   for p in patterns]
        except (OSError, ImportError) as error:
            print("ok %d - %s # SKIP %s" % (number, kind, error))
            continue
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        wrong = [w for g in got for w in g["wrong"]] + [g["why"] for g in got if g["why"]]
        survive = sum(g["survive"] for g in got)
        usable = 100.0 * sum(g["usable"] for g in got) / survive
        good = not wrong and usable >= floor
        print("%s %d - %s, %s: %.2f %% of what survives is usable" %
              ("ok" if good else "not ok", number, kind, " and ".join(patterns), usable))
        for line in wrong[:5]:
            print("# " + line)
    print("1..%d" % number)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Where the parts of executables lie: what the engine says against what clamscan acts on.

usage: places.py PLACE_TOOL [--files N] [--seed N] [FILE...]

Makes PE, ELF and Mach-O files with odd headers and random bytes, asks place_tool for their
entry point, sections and version strings, and writes ClamAV signatures that must be found if
that is right (the bytes there, at "EP+0", "S2+0", "SE2", "SL+0", "VI"; the numbers themselves
in EntryPoint and NumberOfSections), and some that must not."""
import argparse
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

TARGET = {"pe": 1, "elf": 6, "macho": 9}


def pick(rng, *values):
    return rng.choice(values)


def version_info(rng):
    """A VS_VERSIONINFO, sometimes not well formed."""
    def text(s):
        return s.encode("utf-16-le") + b"\0\0"

    def pad(b):
        return b + b"\0" * (-len(b) % 4)

    strings = b""
    for i in range(rng.randint(1, 6)):
        key = pad(b"\0" * 6 + text("Key%d" % i + "x" * rng.randint(0, 9)))[6:]
        value = text("v%d" % rng.randrange(10 ** 6)) if rng.random() < .8 else b""
        length = 6 + len(key) + len(value)
        if rng.random() < .05:
            length += rng.choice((-8, 4, 400))
        strings = pad(strings) + struct.pack("<HHH", length & 0xffff, len(value) // 2, 1) + key + value
    strings = pad(strings)
    table = struct.pack("<HHH", 24 + len(strings), 0, 1) + text("040904b0") + strings
    tables = struct.pack("<HHH", 36 + len(table), 0, 1) + text("StringFileInfo") + table
    var = struct.pack("<HHH", 68, 0, 1) + text("VarFileInfo") + b"\0\0" + \
        struct.pack("<HHH", 36, 4, 0) + text("Translation") + b"\0\0" + struct.pack("<I", 0x4b00409)
    children = pick(rng, tables, var + tables, pad(tables) + var, tables, b"")
    fixed = struct.pack("<I", pick(rng, 0xfeef04bd, 0xfeef04bd, 0xfeef04bd, 1)) + rng.randbytes(48)
    body = text("VS_VERSION_INFO") + b"\0\0" + fixed + children
    length = 6 + len(body) + pick(rng, 0, 0, 0, 0, 8, -8)
    return struct.pack("<HHH", length & 0xffff, pick(rng, 52, 52, 52, 50), 0) + body


def resources(rng, rva):
    """A tree of resources with version information in it, to lie at `rva`."""
    data = version_info(rng)
    kind = pick(rng, 16, 16, 16, 16, 3)
    tree = struct.pack("<IIHHHH", 0, 0, 0, 0, 0, 1) + struct.pack("<II", kind, 0x80000018)
    tree += struct.pack("<IIHHHH", 0, 0, 0, 0, 0, 1) + struct.pack("<II", 1, 0x80000030)
    langs = rng.randint(1, 2)
    entries = 0x40 + 8 * langs
    tree += struct.pack("<IIHHHH", 0, 0, 0, 0, 0, langs)
    for i in range(langs):
        tree += struct.pack("<II", 1033 + i, entries)
    tree += struct.pack("<IIII", rva + entries + 16, len(data) + pick(rng, 0, 0, 0, 4, -4), 0, 0)
    return tree + data


def make_pe(rng):
    wide = rng.random() < .4
    salign = pick(rng, 0x1000, 0x1000, 0x1000, 0x2000, 0x20, 0x200, 0)
    falign = pick(rng, 0x200, 0x200, 0x200, 0x1000, 0x400, 0x20, 0, 0x10)
    count = rng.randint(1, 6)
    size = rng.randint(0x1800, 0x6000)
    data = bytearray(rng.randbytes(size))
    pe = pick(rng, 0x40, 0x80, 0xe8)
    data[0:2] = pick(rng, b"MZ", b"MZ", b"MZ", b"MZ", b"MZ")
    data[0x3c:0x40] = struct.pack("<I", pe)
    dirs = pick(rng, 16, 16, 16, 4, 2, 20)
    fixed = 112 if wide else 96
    opt = fixed + 8 * min(dirs, 16) + pick(rng, 0, 0, 0, 0, 8, -8)
    rva, raw, headers = 0x1000, pick(rng, 0x400, 0x400, 0x400, 0x600, 0x410), b""
    places, holder = [], rng.randrange(count)
    for i in range(count):
        rsize = 0x800 if i == holder else pick(rng, 0x200, 0x400, 0x600, 0x1234, 0x10, 0, 0x155)
        vsize = pick(rng, rsize, rsize, rsize + 0x800, 0x10, 0)
        at = raw
        if rng.random() < .12 and i != holder:
            at += pick(rng, 0x10, 0x100, 0x200, -0x50, 0x8000, 0x80000000)
        if rng.random() < .02:
            vsize |= 0x80000000
        headers += struct.pack("<8sIIIIIIHHI", b".s%d" % i, vsize, rva, rsize, at, 0, 0, 0, 0, 0x60000020)
        places.append((rva, at, rsize))
        raw += (rsize + 0x1ff) & ~0x1ff
        rva += max(0x1000, (max(vsize & 0xffff, rsize) + 0xfff) & ~0xfff)
    where = rng.choice(places)
    entry = pick(rng, where[0] + rng.randrange(0x200), where[0] + rng.randrange(0x200), where[0],
                 0, 0x80, 0x10000000)
    res = places[holder] if rng.random() < .9 else rng.choice(places)
    tree = resources(rng, res[0])
    if res[1] + len(tree) <= size:
        data[res[1]:res[1] + len(tree)] = tree
    nt = struct.pack("<IHHIIIHH", 0x4550, 0x8664 if wide else 0x14c, count, 0, 0, 0, opt & 0xffff,
                     pick(rng, 0x102, 0x102, 0x2102, 0x0))
    optional = bytearray(rng.randbytes(max(opt, fixed)))
    optional[0:2] = struct.pack("<H", 0x20b if wide else 0x10b)
    optional[16:20] = struct.pack("<I", entry)
    optional[32:40] = struct.pack("<II", salign, falign)
    optional[60:64] = struct.pack("<I", pick(rng, 0x400, 0x400, 0x200, 0x1000))
    optional[68:70] = struct.pack("<H", pick(rng, 2, 3, 1))
    optional[fixed - 4:fixed] = struct.pack("<I", dirs)
    if dirs > 2 and len(optional) >= fixed + 24:
        optional[fixed:] = b"\0" * (len(optional) - fixed)
        optional[fixed + 16:fixed + 24] = struct.pack("<II", res[0], len(tree))
    head = nt + bytes(optional[:opt]) + headers
    data[pe:pe + len(head)] = head
    return bytes(data[:size - pick(rng, 0, 0, 0, 0x300, 0x10)])


def make_elf(rng):
    wide, big = rng.random() < .6, rng.random() < .3
    end = ">" if big else "<"
    word = "Q" if wide else "I"
    size = rng.randint(0x800, 0x3000)
    data = bytearray(rng.randbytes(size))
    ehsize, phrow, shrow = (64, 56, 64) if wide else (52, 32, 40)
    phnum, shnum = rng.randint(0, 4), pick(rng, 1, 3, 8, 12)  # clamscan crashes on none
    base = 0x400000
    segments = []
    for i in range(phnum):
        offset = rng.randrange(0, size, 16)
        segments.append((base + 0x10000 * i, offset, rng.randint(16, 0x2000)))
    entry = 0
    if segments and rng.random() < .9:
        seg = rng.choice(segments)
        entry = seg[0] + rng.randrange(min(seg[2], max(size - seg[1], 1)))
    if rng.random() < .06:
        entry = 0x1234
    phoff, shoff = ehsize, ehsize + phrow * phnum
    head = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]) + b"\0" * 9
    head += struct.pack(end + "HHI" + word * 3 + "IHHHHHH", pick(rng, 2, 3), 62, 1, entry, phoff, shoff, 0,
                        ehsize, phrow if rng.random() < .95 else 30, phnum,
                        shrow if rng.random() < .95 else 0, shnum, 0)
    for address, offset, reach in segments:
        if wide:
            head += struct.pack(end + "IIQQQQQQ", 1, 5, offset, address, address, reach, reach, 16)
        else:
            head += struct.pack(end + "IIIIIIII", 1, offset, address, address, reach, reach, 5, 16)
    for i in range(shnum):
        offset = rng.randrange(size)
        length = rng.randint(0, 0x400)
        head += struct.pack(end + "II" + word * 4 + "II" + word * 2, 0, 1, 6, base + offset, offset, length,
                            0, 0, 16, 0)
    data[0:len(head)] = head
    return bytes(data[:size])


def make_macho(rng):
    wide, big = rng.random() < .6, rng.random() < .4
    end = ">" if big else "<"
    word = "Q" if wide else "I"
    size = rng.randint(0x900, 0x3000)
    data = bytearray(rng.randbytes(size))
    cpu = pick(rng, 7, 7 | 1 << 24, 18, 18 | 1 << 24, 12 | 1 << 24)
    commands, reaches = [], []
    for i in range(rng.randint(1, 3)):
        rows = b""
        nsects = rng.randint(0 if i else 1, 3)
        for k in range(nsects):
            address, length, offset = 0x1000 * (4 * i + k + 1), rng.randint(1, 0x300), rng.randrange(size)
            reaches.append((address, length, offset))
            rows += struct.pack(end + "16s16s" + word * 2 + "IIIIIII" + ("I" if wide else ""), b"__s%d" % k,
                                b"__TEXT", address, length, offset, pick(rng, 0, 2, 4, 12), 0, 0, 0, 0, 0,
                                *([0] if wide else []))
        body = struct.pack(end + "16s" + word * 4 + "IIII", b"__TEXT", 0x1000, 0x1000, 0, 0x1000, 7, 5, nsects, 0)
        commands.append(struct.pack(end + "II", 0x19 if wide else 1, 8 + len(body) + len(rows)) + body + rows)
    if rng.random() < .7:
        where = rng.choice(reaches)[0] + rng.randrange(0x80) if reaches else 0x5000
        if rng.random() < .1:
            where = 0x77777777
        registers = {7: 64, 18: 160, 18 | 1 << 24: 312}.get(cpu, 168)
        state = bytearray(registers)
        if cpu == 7:
            state[40:44] = struct.pack(end + "I", where)
        elif cpu == 18:
            state[0:4] = struct.pack(end + "I", where)
        else:
            state[0:8] = struct.pack(end + "Q", where)
        commands.append(struct.pack(end + "IIII", 5, 16 + registers, 1, registers // 4) + bytes(state))
    if rng.random() < .4:
        commands.append(struct.pack(end + "IIQQ", 0x80000028, 24, rng.randrange(size), 0))
    rng.shuffle(commands)
    body = b"".join(commands)
    head = struct.pack(end + "IIIIIII", 0xfeedfacf if wide else 0xfeedface, cpu, 3, 2,
                       len(commands) if rng.random() < .97 else 0, len(body), 0)
    head += (b"\0\0\0\0" if wide else b"") + body
    data[0:len(head)] = head
    return bytes(data)


def numbers(text):
    return [] if text == "-" else [int(x) for x in text.split(",")]


def signatures(index, line, data, target, out):
    """Appends (name, is to be found, .ndb or .ldb line)."""
    words = line.split()
    kind = words[0]
    name = "F%d" % index

    def body(label, offset, at, expected):  # bytes that are there alone
        part = data[at:at + 8]
        if len(part) == 8 and len(set(part)) > 4 and data.count(part) == 1:
            label = "%s.%s" % (name, label)
            out.append((label, expected, "ndb", "%s:%d:%s:%s" % (label, target, offset, part.hex())))

    def logical(label, condition, expected):
        label = "%s.%s" % (name, label)
        head = data[0:32].hex()
        out.append((label, expected, "ldb", "%s;Engine:81-255,%sTarget:%d;0;0:%s" % (label, condition, target, head)))

    logical("target", "", True)
    known = kind != "none"
    logical("known", "EntryPoint:0-4294967295,", known)
    if not known:
        return
    entry = int(words[1])
    parts = [] if words[2] == "-" else [tuple(map(int, p.split("+"))) for p in words[2].split(",")]
    if entry < 2 ** 31:
        logical("entry", "EntryPoint:%d-%d," % (entry, entry), True)
    logical("count", "NumberOfSections:%d-%d," % (len(parts), len(parts)), True)
    logical("fewer", "NumberOfSections:%d-%d," % (len(parts) + 1, len(parts) + 9), False)
    body("ep", "EP+0", entry, True)
    body("epnot", "EP+0", entry + 1, False)
    for i, (at, size) in enumerate(parts[:6]):
        body("s%d" % i, "S%d+0" % i, at, True)
        body("sm%d" % i, "S%d+3" % i, at + 3, True)
        body("end%d" % i, "SE%d" % i, at + size, True)
        body("past%d" % i, "SE%d" % i, at + size + 1, False)
        body("before%d" % i, "SE%d" % i, at - 1, False)
    if parts:
        body("last", "SL+0", parts[-1][0], True)
        body("lastnot", "SL+0", parts[-1][0] + 1, False)
    if kind == "pe":
        versions = numbers(words[3])
        for i, at in enumerate(versions[:12]):
            body("vi%d" % i, "VI", at, True)
        if versions:
            body("vinot", "VI", versions[0] + 2, versions[0] + 2 in versions)
        elif data.find("VS_VERSION_INFO".encode("utf-16-le")) >= 0:
            at = data.find("Key0".encode("utf-16-le"))
            if at >= 0:
                body("vinone", "VI", at, False)


def clamscan(folder, db):
    found = set()
    run = subprocess.run(["clamscan", "--no-summary", "--allmatch", "--infected", "-d", db, folder],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if run.returncode not in (0, 1):
        sys.exit("clamscan ended with %d: %s" % (run.returncode, run.stderr.decode("utf-8", "replace")[-2000:]))
    for line in run.stdout.decode("utf-8", "replace").splitlines():
        if line.endswith(" FOUND"):
            path, label = line[:-6].rsplit(": ", 1)
            label = label.removesuffix(".UNOFFICIAL")
            if os.path.basename(path) == label.split(".")[0]:
                found.add(label)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("place_tool")
    parser.add_argument("--files", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep")
    parser.add_argument("own", nargs="*")
    options = parser.parse_intermixed_args()
    if not shutil.which("clamscan"):
        print("1..0 # SKIP clamscan is not installed")
        return 0
    rng = random.Random(options.seed)
    folder = options.keep or tempfile.mkdtemp(prefix="places.")
    files = os.path.join(folder, "files")
    db = os.path.join(folder, "db")
    os.makedirs(files, exist_ok=True)
    os.makedirs(db, exist_ok=True)
    contents = [(make, TARGET[kind]) for make, kind in
                ((make_pe, "pe"), (make_pe, "pe"), (make_elf, "elf"), (make_macho, "macho"))]
    paths, data, targets = [], [], []
    for i in range(options.files):
        make, target = contents[i % 4]
        data.append(make(rng))
        targets.append(target)
    for path in options.own:
        with open(path, "rb") as file:
            data.append(file.read())
        targets.append(1 if data[-1][:2] == b"MZ" else 6 if data[-1][:4] == b"\x7fELF" else 9)
    for i, content in enumerate(data):
        paths.append(os.path.join(files, "F%d" % i))
        with open(paths[-1], "wb") as file:
            file.write(content)
    lines = subprocess.run([options.place_tool] + paths, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    rows = []
    for i, line in enumerate(lines):
        signatures(i, line, data[i], targets[i], rows)
    for kind in ("ndb", "ldb"):
        with open(os.path.join(db, "x." + kind), "w", encoding="ascii") as file:
            file.write("".join(text + "\n" for _, _, k, text in rows if k == kind))
    # With both kinds at once clamscan leaves out some.
    found = clamscan(files, os.path.join(db, "x.ndb")) | clamscan(files, os.path.join(db, "x.ldb"))
    bad = 0
    unseen = {name.split(".")[0] for name, expected, _, _ in rows if name.endswith(".target")} - \
        {name.split(".")[0] for name in found if name.endswith(".target")}
    for name, expected, _, text in rows:
        if name.split(".")[0] not in unseen and (name in found) != expected:
            bad += 1
            if bad <= 40:
                index = int(name[1:].split(".")[0])
                print("# %s: %s, clamscan says otherwise: %s" % (name, "expected" if expected else "not expected", lines[index]))
                print("#   " + text[:160])
    known = sum(line != "none" for line in lines)
    print("1..1")
    print("%s 1 - %d signatures about %d files (%d with places, %d of no target), %d differ" %
          ("not ok" if bad else "ok", len(rows), len(lines), known, len(unseen), bad))
    if not options.keep:
        shutil.rmtree(folder)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Icons of programs against clamscan 1.4: findings by logical signatures with icon groups, for
.idb lines that are what clamscan measures itself (--debug), and lines that are near to it.

usage: icons.py CANDOR [--files N] [--seed N] [FILE...]

Makes N programs with icons of all depths, sizes and faults, or takes FILEs."""
import argparse
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

import beside

SIDES = (16, 16, 24, 24, 32, 32, 32, 48, 48, 64, 72, 96, 120, 128, 168, 216, 256, 17, 20, 28, 29, 40, 100)


def drawing(rng, width, height):
    """Pixels as (red, green, blue, alpha): a background, shapes, noise."""
    grey = rng.random() < .25

    def colour():
        level = rng.randrange(256)
        return (level,) * 3 if grey else tuple(rng.randrange(256) for _ in range(3))
    back = colour()
    pixels = [[back + (255,)] * width for _ in range(height)]
    for _ in range(rng.randint(0, 6)):
        x, y, w, h = rng.randrange(width), rng.randrange(height), rng.randint(1, width), rng.randint(1, height)
        fill, alpha, round_ = colour(), rng.choice((255, 255, 128, 0)), rng.randrange(2)
        for j in range(y, min(height, y + h)):
            for i in range(x, min(width, x + w)):
                if not round_ or ((i - x) / w - .5) ** 2 + ((j - y) / h - .5) ** 2 <= .25:
                    pixels[j][i] = fill + (alpha,)
    if rng.random() < .3:
        for row in pixels:
            for i, (r, g, b, a) in enumerate(row):
                row[i] = tuple(max(0, min(255, v + rng.randint(-30, 30))) for v in (r, g, b)) + (a,)
    return pixels


def bitmap(rng, wrong):
    width = height = rng.choice(SIDES)
    if rng.random() < .15:
        height = max(1, width + rng.randint(-width // 3, width // 3))
    if wrong and rng.random() < .2:
        width = rng.choice((1, 8, 15, 257, 300))
    depth = rng.choice((1, 4, 8, 16, 24, 32, 32, 32))
    pixels = drawing(rng, width, height)
    flat = rng.random() < .3          # a depth of 32 whose alpha is nothing
    palette = b"".join(bytes([rng.randrange(256), rng.randrange(256), rng.randrange(256), rng.choice((0, 0, 0, 255, 9))])
                       for _ in range(1 << depth)) if depth <= 8 else b""
    rows, mask = b"", b""
    for row in reversed(pixels):
        if depth <= 8:
            bits = "".join(format((r * 5 + g * 3 + b) % (1 << depth), "0%db" % depth) for r, g, b, _ in row)
            line = int(bits + "0" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8, "big")
        elif depth == 16:
            line = b"".join(struct.pack("<H", r >> 3 << 10 | g >> 3 << 5 | b >> 3) for r, g, b, _ in row)
        else:
            line = b"".join(bytes((b, g, r)) + (bytes((0 if flat else a,)) if depth == 32 else b"") for r, g, b, a in row)
        rows += line + bytes(-len(line) % 4)
        bits = "".join("1" if a < 128 else "0" for *_, a in row)
        line = int(bits + "0" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8, "big")
        mask += line + bytes(-len(line) % 4)
    if depth == 32 and rng.random() < .3 or wrong and rng.random() < .2:
        mask = b""
    size = rng.choice((40, 40, 40, 40, 56, 108, 124))
    if wrong and rng.random() < .2:
        size = rng.choice((0, 12, 39, 0x7fffffff))
    header = struct.pack("<IIIHHIIIIII", size, width, height * 2, 1, depth, 0, 0, 0, 0, 0, 0)
    data = header + bytes(max(0, min(size, 200) - 40)) + palette + rows + mask
    if wrong and rng.random() < .2:
        data = data[:rng.randrange(len(data))]
    return data


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 6, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(64 * 257))) + chunk(b"IEND", b""))


def directory(entries):
    """Entries [(number, whether a directory, offset)], named ones first."""
    named = sum(number >> 31 for number, _, _ in entries)
    return (struct.pack("<IIHHHH", 0, 0, 0, 0, named, len(entries) - named)
            + b"".join(struct.pack("<II", number, at | sub << 31) for number, sub, at in entries))


def resources(rng, groups, icons, rva):
    """groups: [(name, [entries of a language])]; icons: [(number, data)]; laid out from `rva` on."""
    types = [(3, [(number, [data]) for number, data in icons]), (14, groups)]
    if rng.random() < .3:
        types.append((16, [(1, [b"nothing"])]))
    if rng.random() < .1:
        types.insert(0, (0x80000000 | 4, [(1, [b"named"])]))
    out, fixes = bytearray(16 + 8 * len(types)), []

    def add(data):
        at = len(out)
        out.extend(data + bytes(-len(data) % 4))
        return at
    top = []
    for kind, names in types:
        at = add(bytes(16 + 8 * len(names)))
        rows = []
        for name, languages in names:
            below = add(bytes(16 + 8 * len(languages)))
            leaves = []
            for number, data in enumerate(languages):
                leaf = add(bytes(16))
                fixes.append((leaf, add(data), len(data)))
                leaves.append((0x409 + number, 0, leaf))
            out[below:below + 16 + 8 * len(leaves)] = directory(leaves)
            rows.append((name, 1, below))
        out[at:at + 16 + 8 * len(rows)] = directory(rows)
        top.append((kind, 1, at))
    out[:16 + 8 * len(top)] = directory(top)
    for leaf, data, size in fixes:
        struct.pack_into("<IIII", out, leaf, rva + data, size, 0, 0)
    return bytes(out)


def program(rng):
    wrong = rng.random() < .25
    icons = [(number, png() if rng.random() < .1 else bitmap(rng, wrong and rng.random() < .5))
             for number in sorted(rng.sample(range(1, 60), rng.randint(1, 4)))]
    groups = []
    for name in range(rng.choice((1, 1, 1, 2))):
        languages = []
        for _ in range(rng.choice((1, 1, 1, 2))):
            listed = [rng.choice(icons)[0] if rng.random() < .9 else 77 for _ in range(rng.randint(1, 4))]
            rows = b"".join(struct.pack("<BBBBHHIH", 0, 0, 0, 0, 1, 32, 9, number) for number in listed)
            count = len(listed) if not wrong else rng.choice((0, 1, len(listed), 9))
            languages.append(struct.pack("<HHH", 0, 1, count) + rows + bytes(2 * rng.randrange(2)))
        groups.append((0x80000000 + 8 * name if rng.random() < .1 else name + 1, languages))
    groups.sort(key=lambda group: (group[0] < 1 << 31, group[0]))
    section = resources(rng, groups, icons, 0x2000)
    if wrong and rng.random() < .4:
        section = bytearray(section)
        for _ in range(rng.randint(1, 4)):
            section[rng.randrange(min(len(section), 300))] = rng.randrange(256)
        section = bytes(section)
    size = 0 if rng.random() < .04 else len(section)
    flags = 0x2102 if rng.random() < .06 else 0x102
    head = bytearray(0x400)
    head[:2] = b"MZ"
    struct.pack_into("<I", head, 60, 0x80)
    struct.pack_into("<4sHHIIIHH", head, 0x80, b"PE", 0x14c, 2, 0, 0, 0, 0xe0, flags)
    struct.pack_into("<HBBIIIIIIIIIHHHHHHIIIIHHIIIIII", head, 0x98, 0x10b, 8, 0, 512, len(section), 0, 0x1000, 0x1000, 0x2000,
                     0x400000, 0x1000, 0x200, 4, 0, 0, 0, 4, 0, 0, 0x80000, 0x400, 0, 2, 0, 0, 0, 0, 0, 0, 16)
    struct.pack_into("<II", head, 0x98 + 96 + 16, 0x2000, size)
    raw = len(section) + -len(section) % 512
    for i, (name, virtual, rva, length, at) in enumerate(((b".text", 512, 0x1000, 512, 0x400),
                                                           (b".rsrc", len(section), 0x2000, raw, 0x600))):
        struct.pack_into("<8sIIIIIIHHI", head, 0x178 + 40 * i, name, virtual, rva, length, at, 0, 0, 0, 0, 0x60000020)
    body = bytes(head) + b"\xc3" * 512 + section + bytes(raw - len(section))
    return body[:len(body) - rng.randrange(600)] if wrong and rng.random() < .2 else body


def databases(place, idb, ldb):
    shutil.rmtree(place + "/db", ignore_errors=True)
    os.makedirs(place + "/db")
    for name, lines in (("a.idb", idb), ("b.ldb", ldb)):
        with open(place + "/db/" + name, "w", encoding="ascii") as file:
            file.writelines(line + "\n" for line in lines)


def measured(place):
    """What clamscan says that icons are like, by file; sizes that .idb lines can have."""
    databases(place, ["X:none:none:10" + "0" * 122], ["ANY;Engine:51-255,Target:1,IconGroup1:none;0;4d5a"])
    said = subprocess.run(["clamscan", "--debug", "--file-list=" + place + "/list", "-d", place + "/db"],
                          capture_output=True, check=False).stderr.decode("latin-1")
    found, number = {}, 0
    for line in said.split("\n"):
        name = re.search(r"Checking realpath of .*/f(\d+)$", line)
        number = int(name.group(1)) if name else number
        digits = re.search(r"ICON_NAME:GROUP1:GROUP2:([0-9a-f]{124})$", line)
        if digits:
            found.setdefault(number, []).append(digits.group(1))
    return found


def near(rng, digits, changed):
    """The same icon, or nearly: values within bounds."""
    side = int(digits[:2], 16)
    at, out = 2, list(digits)
    for widths, count in ((3, 6), (2, 12)):
        for _ in range(count):
            for width, most in ((widths, 4072 if widths == 3 else 255), (2, side - side // 8), (2, side - side // 8)):
                value = int(digits[at:at + width], 16)
                if changed and rng.random() < .3:
                    value += rng.choice((-1, 1)) * rng.choice((1, 2, 3, 5, 60, 300)[:6 if width == 3 else 4])
                out[at:at + width] = "%0*x" % (width, max(0, min(most, value)))
                at += width
    tints = [int(digits[at + 2 * i:at + 2 * i + 2], 16) for i in range(4)]
    if changed and rng.random() < .5:
        tints = [max(0, min(99, v + rng.randint(-6, 6))) for v in tints]
    while sum(tints[:3]) > 103:
        tints = [v // 2 for v in tints]
    return "".join(out[:at]) + "".join("%02x" % v for v in tints)


def lines_for(rng, found):
    """.idb lines and the signatures that ask for their groups."""
    idb, ldb = [], []
    all_digits = [d for digits in found.values() for d in digits]
    for i in range(220):
        digits = rng.choice(all_digits)
        if digits[:2] not in ("10", "18", "20"):
            side = {0x12: "10", 0x14: "10", 0x15: "10"}.get(int(digits[:2], 16), "18")
            digits = side + digits[2:]
        digits = near(rng, digits, i % 3)
        idb.append("I%d:%s:G%d:%s" % (i, "AB"[i % 2], i, digits))
        ldb.append("S%d;Engine:51-255,Target:1,IconGroup2:G%d;0;4d5a" % (i, i))
    ldb += ["A;Engine:51-255,Target:1,IconGroup1:A;0;4d5a", "B;Engine:51-255,Target:1,IconGroup1:B,IconGroup2:G1;0;4d5a",
            "Star;Engine:51-255,Target:1,IconGroup1:*;0;4d5a", "None;Engine:51-255,Target:1,IconGroup1:C;0;4d5a"]
    return idb, ldb


def findings(command, place):
    run = subprocess.run(command + ["-z", "-i", "--no-summary", "--file-list=" + place + "/list", "-d", place + "/db"],
                         capture_output=True, text=True, check=False)
    return sorted(run.stdout.splitlines()), run.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("candor")
    parser.add_argument("file", nargs="*")
    parser.add_argument("--files", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if beside.skipped():
        return 0
    rng = random.Random(options.seed)
    contents = [open(name, "rb").read() for name in options.file] or [program(rng) for _ in range(options.files)]
    with tempfile.TemporaryDirectory() as place:
        for i, data in enumerate(contents, 1):
            with open("%s/f%d" % (place, i), "wb") as file:
                file.write(data)
        with open(place + "/list", "w", encoding="ascii") as names:
            names.writelines("%s/f%d\n" % (place, i) for i in range(1, len(contents) + 1))
        found = measured(place)
        idb, ldb = lines_for(rng, found)
        databases(place, idb, ldb)
        theirs, _ = findings(["clamscan"], place)
        ours, said = findings([options.candor, "clamscan"], place)
        print("1..2")
        print("# %d icons in %d programs, %d findings" % (sum(map(len, found.values())), len(found), len(theirs)))
        for line in said.splitlines()[:5]:
            print("# " + line)
        for line in sorted(set(theirs) ^ set(ours))[:12]:
            print("# %s: %s" % ("clamscan alone" if line in theirs else "here alone", line))
        wrong = len(set(theirs) ^ set(ours))
        enough = len(theirs) > len(contents) or bool(options.file)
        print("%sok 1 - %d findings differ" % ("not " if wrong else "", wrong))
        print("%sok 2 - there was something to find" % ("" if enough else "not "))
    return 1 if wrong or not enough else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""What clamscan 1.4 and candor report without signatures: --detect-structured, --alert-broken, --alert-broken-media
and --alert-partition-intersection, for texts, programs, pictures and disk images made and damaged at random.

usage: alerts.py CANDOR [--rounds N] [--files N] [--seed N] [--kinds KIND,...] [--keep DIR]"""
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

ISSUERS = ("100000 199999 222100 272099 300000 305999 309500 340000 352800 358999 360000 370000 380000 399999 400000 499999 "
           "500000 509999 510000 559999 601100 622126 622926 624000 628200 644000 659999 700000 222099 272100 659999").split()


def card(rng):
    prefix = rng.choice(ISSUERS)
    digits = [int(c) for c in prefix] + [rng.randrange(10) for _ in range(rng.choice((13, 14, 15, 16, 16, 16, 17, 19)) - 7)]
    total = sum(d * 2 - 9 * (d > 4) if i % 2 == 0 else d for i, d in enumerate(reversed(digits)))
    digits.append((10 - total % 10) % 10 if rng.random() < .85 else rng.randrange(10))
    text = ""
    for digit in digits:
        text += str(digit) + (rng.choice((" ", "-", "  ", ".", "\n")) if rng.random() < .12 else "")
    return text.rstrip() if rng.random() < .9 else text


def insurance(rng):
    area = rng.choice((rng.randrange(1000), 666, 772, 773, 0, 1, 123))
    parts = ["%03d" % area, "%02d" % rng.choice((rng.randrange(100), 0)), "%04d" % rng.choice((rng.randrange(10000), 0))]
    text = rng.choice(("-", "-", "")).join(parts)
    if rng.random() < .2:
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(" +-x\n\t0-") + text[at + rng.randrange(2):]
    return text


def text(rng):
    words, size = [], rng.choice((60, 300, 2000, 20000))
    while sum(map(len, words)) < size:
        words.append(rng.choice((card, insurance, insurance))(rng) if rng.random() < rng.choice((.02, .1, .5)) else
                     rng.choice(("word", "number", "7", "12345", "and so on", "1-2-34-5678", "a")))
        words.append(rng.choice((" ", " ", ", ", "\n", "", "\t")))
    return "".join(words).encode()


def damage(rng, data, head=400):
    """Changes fields, cuts, adds."""
    data = bytearray(data)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        at = rng.randrange(min(len(data), head))
        width = rng.choice((1, 2, 4))
        value = rng.choice((0, 1, 2, 255, 0xffffffff, 0x80000000, 0x1000, 0x200, rng.getrandbits(32), len(data), len(data) - at)) & ((1 << 8 * width) - 1)
        data[at:at + width] = value.to_bytes(width, rng.choice(("little", "big")))
    roll = rng.random()
    if roll < .25:
        del data[rng.randrange(len(data) + 1):]
    elif roll < .3:
        data += bytes(rng.randrange(40))
    return bytes(data)


def pe(rng):
    wide, count = rng.random() < .4, rng.randint(1, 4)
    section, file = rng.choice((0x1000, 0x1000, 0x1000, 0x2000, 0x200, 0, 0x800)), rng.choice((0x200, 0x200, 0x200, 0x400, 0, 0x100))
    fixed, dirs, at = 112 if wide else 96, rng.choice((16, 16, 16, 0, 3, 17)), 0x80
    size = fixed + 8 * min(dirs, 16) + rng.choice((0, 0, 0, 8, -8))
    header_size = rng.choice((0x1000, 0x1000, 0x400, 0x200))
    rva = (header_size + (section or 1) - 1) // (section or 1) * (section or 1)
    raw, rows, body = 0x400, b"", b""
    first = rva
    for _ in range(count):
        length, memory = rng.choice((0x200, 0x400, 0x600, 0, 0x201)), rng.choice((0x1000, 0x500, 0x2000, 0))
        row_raw = raw + (rng.choice((0, 0, 0, 0x100, 0x10000, 0x80000000)) if rng.random() < .15 else 0)
        rows += struct.pack("<8sIIIIIIHHI", b".text", memory, rva, length, row_raw & 0xffffffff, 0, 0, 0, 0, 0x60000020)
        body += bytes(length)
        raw += length
        step = section or 0x1000
        rva += ((memory or length) + step - 1) // step * step + (step if rng.random() < .06 else 0)
    entry = rng.choice((first, first, first + 0x10, 0, 0x10, rva, rva - 1, 0xffffffff))
    optional = struct.pack("<HBBIIIIIIIIIHHHHHHIIIIHH", 0x20b if wide else 0x10b, 1, 1, 0, 0, 0, entry, 0, 0, 0x400000, section, file, 4, 0, 0, 0, 4, 0,
                           0, rva, header_size, 0, rng.choice((2, 3, 3, 1, 10)), 0)
    optional = optional.ljust(fixed - 4, b"\0") + struct.pack("<I", dirs)
    optional = optional.ljust(max(size, 0), b"\0")
    data = b"MZ".ljust(60, b"\0") + struct.pack("<I", at) + bytes(at - 64) + b"PE\0\0" + struct.pack(
        "<HHIIIHH", 0x14c, count if rng.random() < .95 else 0, 0, 0, 0, size, rng.choice((2, 0x2002)))
    return (data + optional + rows).ljust(0x400, b"\0") + body


def elf(rng):
    wide, order = rng.random() < .5, rng.choice("<<>")
    count, sections = rng.choice((0, 1, 2, 3, 128, 129)), rng.choice((0, 1, 5, 2049))
    entry = rng.choice((0, 0x1000, 0x1010, 0x1fff, 0x2000, 0x9000))
    header, row, srow = (64, 56, 64) if wide else (52, 32, 40)
    word = "Q" if wide else "I"
    data = b"\x7fELF" + bytes((rng.choice((1 + wide,) * 9 + (0, 3)), rng.choice((1, 1, 2, 0)) if order == "<" else 2, 1)) + bytes(9)
    data += struct.pack(order + "HHI3%sIHHHHHH" % word, 2, 62, 1, entry, header, header + count * row, 0, header,
                        rng.choice((row,) * 9 + (0, row + 1)), count, rng.choice((srow,) * 9 + (0, 12)), sections, 0)
    for i in range(count):
        address, size = 0x1000 * rng.randint(1, 3), rng.choice((0x1000, 0x10, 0, 0xfffffff0))
        data += (struct.pack(order + "IIQQQQQQ", 1, 5, 0, address, address, 16, size, 4096) if wide else
                 struct.pack(order + "IIIIIIII", 1, 0, address, address, 16, size, 5, 4096))
    return data + bytes(srow * min(sections, 5))


def macho(rng):
    if rng.random() < .2:
        order, count = rng.choice("<>"), rng.choice((0, 1, 2, 20, 32, 33, 38, 39))
        return struct.pack(order + "II", 0xcafebabe, count) + bytes(20 * rng.choice((count, count, max(count - 1, 0)))) + bytes(rng.choice((0, 10)))
    wide, order, cpu = rng.random() < .5, rng.choice("<<>"), rng.choice((7, 0x1000007, 12, 18, 0x1000012))
    commands, data = rng.choice((0, 1, 2, 3, 5)), b""
    for _ in range(commands):
        kind = rng.choice((0x19 if wide else 1, 0x19 if wide else 1, 1, 0x19, 2, 4, 5, 0x1b))
        if kind == (0x19 if wide else 1):
            sections = rng.choice((0, 1, 3))
            body = struct.pack(order + "16s4%sIIII" % ("Q" if wide else "I"), b"__TEXT", 0, 0x1000, 0, 0, 7, 5, rng.choice((sections,) * 9 + (300,)), 0)
            for _ in range(sections):
                align = rng.choice((0, 2, 4, 31, 32)) if rng.random() < .2 else 2
                body += struct.pack(order + "16s16s%sIIIIII%s" % ("QQ" if wide else "II", "II" if wide else "I"), b"a", b"b", 0, rng.choice((16,) * 9 + (0xffffffff, 0xfffffffe)), 64, align, 0, 0, 0, 0, *((0, 0) if wide else (0,)))
        else:
            body = bytes(rng.choice((8, 16, 72, 168, 320)))
        data += struct.pack(order + "II", kind, rng.choice((8 + len(body),) * 9 + (0, 4))) + body
    head = struct.pack(order + "IIIIIII", 0xfeedfacf if wide else 0xfeedface, cpu, 3, 2, rng.choice((commands,) * 9 + (1025, 0)), len(data), 0)
    return head + bytes(4 if wide else 0) + data


def gif(rng):
    flags = rng.choice((0, 0x80, 0x87, 0x91))
    data = rng.choice((b"GIF89a", b"GIF87a")) + struct.pack("<HHBBB", 10, 10, flags, 0, 0) + bytes(3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    for _ in range(rng.choice((0, 1, 2, 4))):
        kind = rng.randrange(5)
        blocks = b"".join(bytes((n,)) + bytes(rng.choices(range(1, 255), k=n)) for n in rng.choices((1, 3, 200), k=rng.randrange(3))) + b"\0"
        if kind == 0:
            data += b"\x21\xf9\4" + bytes(4) + b"\0"
        elif kind == 1:
            data += b"\x21" + rng.choice((b"\1", b"\xfe", b"\xff", b"\x77")) + blocks
        else:
            local = rng.choice((0, 0x81))
            data += b"\x2c" + struct.pack("<HHHHB", 0, 0, 9, 9, local) + bytes(12 if local else 0) + b"\2" + blocks
    return data + rng.choice((b";", b";", b"", b"\x55"))


def png(rng):
    data = b"\x89PNG\r\n\x1a\n"
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", rng.choice((1, 10, 0)) if rng.random() < .2 else 4, 4, 8, 2, 0, 0, 0))]
    chunks += [(rng.choice((b"tEXt", b"PLTE", b"pHYs", b"IDAT")), bytes(rng.randrange(30))) for _ in range(rng.randrange(4))]
    for name, body in chunks + [(b"IEND", b"")] * (rng.random() < .8):
        data += struct.pack(">I", len(body) if rng.random() < .95 else rng.choice((0x80000000, 0x7fffffff, 5))) + name + body + bytes(4)
    return data


def jpeg(rng):
    data = rng.choice((b"\xff\xd8", b"\xff\xd8", b"\xff\xd9\xff\xd8"))
    for _ in range(rng.randrange(7)):
        marker, body = rng.choice(((0xe0, b"JFIF\0"), (0xe1, b"Exif\0\0"), (0xe8, b"SPIFF\0"), (0xe1, b"http://ns"), (0xfe, b"a comment"), (0xed, b"Photoshop 2"),
                                   (0xee, b"Adobe\0"), (0xdb, b""), (0xc4, b""), (0xf1, b""), (0xf2, b""), (0xf7, b""), (0xe0, b"Ocad")))
        body += bytes(rng.choice((20, 20, 20, 1, 4)))
        data += b"\xff" * rng.choice((1, 1, 1, 2, 14, 20)) + bytes((marker,)) + struct.pack(">H", rng.choice((len(body) + 2,) * 12 + (0, 1, 2, 5000))) + body
        data += bytes(rng.choice((0,) * 12 + (3, 14, 30)))
    return data + rng.choice((b"\xff\xda\0\4ab", b"\xff\xda\0\4ab", b"\xff\xda\0\2", b"\xff\xd9", b"\xff\xd9\0\3a", b"")) + bytes(rng.randrange(9))


def tiff(rng):
    order = rng.choice("<>")
    data, at, tables = struct.pack(order + "2sH", b"II" if order == "<" else b"MM", 42), 8, rng.choice((1, 1, 2, 3))
    data += struct.pack(order + "I", rng.choice((8,) * 9 + (0, 1000)))
    for i in range(tables):
        entries = rng.choice((0, 1, 3, 8))
        end = at + 2 + 12 * entries + 4
        data += struct.pack(order + "H", entries)
        for _ in range(entries):
            kind, many = rng.randrange(15), rng.choice((1, 2, 4, 5, 50))
            data += struct.pack(order + "HHII", 256 + rng.randrange(20), kind, many, rng.choice((0, 4, 8, 60)) if rng.random() < .97 else rng.getrandbits(32))
        data += struct.pack(order + "I", rng.choice((end, end, end, end, 8, at)) if i + 1 < tables else rng.choice((0,) * 6 + (8,)))
        at = end
    return data + bytes(rng.choice((500, 500, 20)))


def mbr_sector(rows, inner=False):
    """`inner`: of an extended partition, and no record of a disk, as which clamscan and candor open different ones."""
    sector = bytearray(512)
    for i, (kind, first, count) in enumerate(rows[:4]):
        sector[446 + 16 * i:462 + 16 * i] = struct.pack("<B3sB3sII", inner and i == 3, bytes(3), kind, bytes(3), first, count)
    sector[510:] = b"\x55\xaa"
    return bytes(sector)


def mbr(rng):
    sectors = 40
    rows = [(rng.choice((0, 0x83, 0x83, 7, 5)), rng.randint(1, 30), rng.randint(0, 9)) for _ in range(4)]
    disk = bytearray(sectors * 512)
    disk[:512] = mbr_sector(rows)
    for kind, first, _ in rows:
        at, step = first, 0
        while kind == 5 and at < sectors and step < 4:
            after = rng.choice((0, 2, 4, 6))
            disk[at * 512:at * 512 + 512] = mbr_sector([(0x83, 1, rng.randint(0, 3)), (rng.choice((5, 0)), after, 2), (0, 0, 0), (0, 0, 0)], True)
            at, step = first + after, step + 1
    return bytes(disk) + bytes(rng.choice((0,) * 9 + (100,)))


def gpt(rng):
    sector, entries, sectors = 512, rng.choice((4, 8, 16)), 60
    table_sectors = (entries * 128 + sector - 1) // sector
    def table():
        return b"".join(struct.pack("<16s16sQQQ72s", b"T" * 16, b"U" * 16, first, first + rng.randint(-1, 6), 0, b"") if rng.random() < .5 else bytes(128)
                        for first in (rng.randint(6, 45) for _ in range(entries)))
    one = table()
    two = one if rng.random() < .6 else table()
    def header(current, other, place, rows):
        fields = [b"EFI PART", 0x10000, 92, 0, 0, current, other, 2 + table_sectors, sectors - 2 - table_sectors, b"G" * 16, place, entries, 128, zlib.crc32(rows)]
        pack = "<8sIIIIQQQQ16sQIII"
        if rng.random() < .1:
            fields[rng.choice((1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13))] = rng.choice((0, 1, 5, 64))
        fields[3] = zlib.crc32(struct.pack(pack, *fields)) if rng.random() < .95 else 1
        return struct.pack(pack, *fields).ljust(sector, b"\0")
    disk = mbr_sector([(rng.choice((0xee,) * 6 + (0xed, 0x83)), 1, sectors - 1)]) + header(1, sectors - 1, 2, one) + one.ljust(table_sectors * sector, b"\0")
    disk = disk.ljust((sectors - 1 - table_sectors) * sector, b"\0") + two.ljust(table_sectors * sector, b"\0") + header(sectors - 1, 1, sectors - 1 - table_sectors, two)
    return disk


def apm(rng):
    block, blocks, count = rng.choice((512, 512, 2048)), 40, rng.randint(1, 9)
    step = 512 if block == 512 or rng.random() < .5 else 2048
    disk = bytearray(block * blocks)
    disk[:8] = struct.pack(">2sHI", b"ER", block, blocks if rng.random() < .95 else 41)
    for i in range(1, count + 1):
        name = rng.choice((b"Apple_Partition_Map",) * 8 + (b"Apple_partition_map", b"Apple_Free")) if i == 1 else rng.choice(
            (b"Apple_HFS", b"Apple_Driver", b"Apple_Patches", b"Apple_Free"))
        first, size = (1, 4) if i == 1 else (5 + rng.choice((4, 4, 4, 3)) * i, rng.choice((4, 4, 1, 2)))
        disk[i * step:i * step + 136] = struct.pack(">2sHIII32s32s", b"PM", 0, count, first, size, b"disk", name).ljust(136, b"\0")
    return bytes(disk)


KINDS = {"text": text, "pe": pe, "elf": elf, "macho": macho, "gif": gif, "png": png, "jpeg": jpeg, "tiff": tiff, "mbr": mbr, "gpt": gpt, "apm": apm}
HEADS = {"text": 0, "pe": 700, "elf": 200, "macho": 300, "mbr": 0, "gpt": 0, "apm": 0}


def content(rng, kind):
    data = KINDS[kind](rng)
    head = HEADS.get(kind, 120)
    if head and data:
        data = damage(rng, data, head)
    if rng.random() < .1:
        data = beside.zipped({"member": data})
    return data


def options(rng, number):
    words = ["--detect-structured", "--alert-broken", "--alert-broken-media", "--alert-partition-intersection"]
    if number > 2:
        words = [word for word in words if rng.random() < .9] or words[:1]
        words += rng.sample(("--structured-ssn-format=%d" % rng.randrange(3), "--structured-ssn-count=%d" % rng.choice((0, 1, 2, 3, 5)),
                             "--structured-cc-count=%d" % rng.choice((0, 1, 2, 3, 5)), "--structured-cc-mode=%d" % rng.randrange(2),
                             "--heuristic-scan-precedence", "--max-partitions=%d" % rng.choice((1, 2, 3)), "--heuristic-alerts=no"), rng.randrange(4))
    return words + (["-z"] if number % 2 else [])


def minor(rng, place):
    """Signatures whose names make them minor, and words that they are about."""
    words = ["first word", "second word", "third word", "fourth word", "fifth word"]
    names = ["PUA.Body.One", "Real.Body", "Heuristics.Body", "PUA.Body.Two", "Weak.Body"]
    with open(place + "/db/b.ndb", "w", encoding="ascii") as file:
        for name in names:
            file.write("%s:%d:*:%s\n" % (name, rng.choice((0, 0, 0, 7)), rng.choice(words).encode().hex()))
    with open(place + "/db/c.ldb", "w", encoding="ascii") as file:
        for name in ("PUA.Logic.One", "Real.Logic", "Heuristics.Logic", "PUA.Logic.Two"):
            file.write("%s;Engine:51-255,Target:%d;0;%s\n" % (name, rng.choice((0, 0, 0, 7)), rng.choice(words).encode().hex()))
    for i in range(60):
        data = (" and ".join(rng.sample(words, rng.randint(1, 4))) + rng.choice(("", ", 4111 1111 1111 1111 " * 3))).encode()
        if rng.random() < .3:
            data = beside.zipped({"member%d" % k: data + (b" %d" % k if k else b"") for k in range(rng.randint(1, 2))})
        with open("%s/files/minor%02d" % (place, i), "wb") as file:
            file.write(data)


def run(words, place):
    return subprocess.run(words + ["--no-summary", "-r", "--detect-pua", "-d", place + "/db", place + "/files"], capture_output=True, text=True, check=False)


def compare(candor, place, words, number, names):
    theirs, ours = run(["clamscan"] + words, place), run([candor, "clamscan"] + words, place)
    if "-z" not in words and "--heuristic-scan-precedence" not in words:
        for done in theirs, ours:  # of several minor findings clamscan reports any one
            done.stdout = re.sub(r"(minor\d+: )(PUA|Heuristics)\.\S+ FOUND", r"\1minor FOUND", done.stdout)
    wrong = sorted(set(theirs.stdout.splitlines()) ^ set(ours.stdout.splitlines()))
    found = theirs.stdout.count(" FOUND")
    names.update(line.split(": ")[1] for line in theirs.stdout.splitlines() if ": Heuristics." in line)
    print("# %s: %d findings" % (" ".join(words), found))
    for line in wrong[:12]:
        print("# %s: %s" % ("clamscan alone" if line in theirs.stdout else "here alone", line.replace(place + "/files/", "")))
    if "-z" in words:  # clamscan repeats names
        same = not wrong
    else:
        same = theirs.stdout == ours.stdout
    same = same and theirs.returncode == ours.returncode
    print("%sok %d - the same lines and status" % ("" if same and found else "not ", number))
    return same and found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("candor")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--files", type=int, default=220)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--keep")
    given = parser.parse_args()
    if beside.skipped():
        return 0
    rng, fine, names = random.Random(given.seed), True, set()
    print("1..%d" % given.rounds)
    for number in range(1, given.rounds + 1):
        with tempfile.TemporaryDirectory() as place:
            os.makedirs(place + "/db")
            os.makedirs(place + "/files")
            with open(place + "/db/a.ndb", "w", encoding="ascii") as file:
                file.write("Number:0:*:%s\nText:7:*:%s\n" % (b"12345".hex(), b"number".hex()))
            minor(rng, place)
            for i in range(given.files):
                kind = rng.choice(given.kinds.split(","))
                with open("%s/files/%s%03d" % (place, kind, i), "wb") as file:
                    file.write(content(rng, kind))
            good = compare(given.candor, place, options(rng, number), number, names)
            if not good and given.keep:
                shutil.copytree(place, "%s/%d" % (given.keep, number))
            fine = fine and good
    print("# %d kinds: %s" % (len(names), " ".join(sorted(name.split()[0].removeprefix("Heuristics.") for name in names))))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

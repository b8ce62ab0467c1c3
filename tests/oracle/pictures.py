#!/usr/bin/env python3
"""Hashes of pictures against those of clamscan 1.4: those that are made must all be the same, of
those that are given nearly all: libraries make different things of damage.

usage: pictures.py PICTURE_TOOL CANDOR [--pictures N] [--seed N] [FILE...]

Without FILEs, makes N pictures of each kind, whole and damaged ones."""
import argparse
import collections
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

PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def plane(rng, width, height, most):
    """A sample for each pixel: waves, edges and noise."""
    a, b, c = rng.uniform(-3, 3), rng.uniform(-3, 3), rng.choice((0, 0, 1, 30))
    edge, level = rng.randrange(1, width + 1), rng.random()
    return [[int(max(0, min(most, (level * (x < edge) + abs((a * x / width + b * y / height) % 1 - .5)) / 1.5 * most
                            + rng.randint(-c, c)))) for x in range(width)] for y in range(height)]


def size(rng):
    return rng.choice((1, 2, 8, 31, 32, 33, 64, rng.randint(1, 200))), rng.choice((1, 3, 16, 32, 40, rng.randint(1, 150)))


def pack(values, depth):
    if depth == 16:
        return b"".join(struct.pack(">H", v) for v in values)
    bits = "".join(format(v, "0%db" % depth) for v in values)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""


def filtered(rng, row, old, step):
    kind = rng.randrange(5)
    out = bytearray([kind])
    for i, byte in enumerate(row):
        left, up = row[i - step] if i >= step else 0, old[i]
        corner = old[i - step] if i >= step else 0
        distances = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
        best = (left, up, corner)[distances.index(min(distances))]
        out.append(byte - (0, left, up, (left + up) // 2, best)[kind] & 255)
    return bytes(out)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rng):
    (width, height), colour = size(rng), rng.choice((0, 2, 3, 4, 6))
    depth = rng.choice({0: (1, 2, 4, 8, 16), 3: (1, 2, 4, 8)}.get(colour, (8, 16)))
    planes = [plane(rng, width, height, (1 << depth) - 1) for _ in range(SAMPLES[colour])]
    interlaced, data = rng.randrange(2), b""
    for x0, y0, dx, dy in PASSES if interlaced else ((0, 0, 1, 1),):
        xs, old = range(x0, width, dx), None
        for y in range(y0, height, dy) if xs else ():
            row = pack([p[y][x] for x in xs for p in planes], depth)
            data += filtered(rng, row, old or bytes(len(row)), max(1, depth * len(planes) // 8))
            old = row
    packed = zlib.compress(data)
    cut = rng.randrange(len(packed))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    extra = chunk(b"tRNS", bytes(rng.randrange(256) for _ in range({0: 2, 2: 6}.get(colour, 1)))) if colour < 4 else b""
    palette = chunk(b"PLTE", rng.randbytes(3 << depth)) if colour == 3 else b""
    gamma = chunk(b"gAMA", struct.pack(">I", 45455)) if rng.random() < .3 else b""
    return (b"\x89PNG\r\n\x1a\n" + head + gamma + palette + (extra if rng.random() < .5 else b"")
            + chunk(b"IDAT", packed[:cut]) + chunk(b"IDAT", packed[cut:]) + chunk(b"IEND", b""))


def lzw(rng, pixels, bits):
    """Codes, with tables as long as they get."""
    clear, out, held, count = 1 << bits, bytearray(), 0, 0
    table, width, word = {}, bits + 1, ()

    def put(code):
        nonlocal held, count
        held |= code << count
        count += width
        while count >= 8:
            out.append(held & 255)
            held >>= 8
            count -= 8
    put(clear)
    for pixel in pixels:
        longer = word + (pixel,)
        if len(longer) == 1 or longer in table:
            word = longer
            continue
        put(table[word] if len(word) > 1 else word[0])
        code = clear + 2 + len(table)
        if code < 4096:
            table[longer] = code
            if code == 1 << width and width < 12:
                width += 1
        elif rng.random() < .3:
            put(clear)
            table, width = {}, bits + 1
        word = (pixel,)
    put(table[word] if len(word) > 1 else word[0])
    put(clear + 1)
    if count:
        out.append(held)
    return b"".join(bytes([len(out[i:i + 255])]) + out[i:i + 255] for i in range(0, len(out), 255)) + b"\0"


def gif(rng):
    (width, height), bits = size(rng), rng.randint(1, 8)
    left, top = rng.choice(((0, 0), (0, 0), (3, 5)))
    screen = width + left + rng.choice((0, 0, 7)), height + top
    pixels = [v for row in plane(rng, width, height, (1 << bits) - 1) for v in row]
    interlaced = rng.randrange(2) * 0x40
    if interlaced:
        rows = [pixels[i:i + width] for i in range(0, len(pixels), width)]
        order = [y for start, step in ((0, 8), (4, 8), (2, 4), (1, 2)) for y in range(start, height, step)]
        pixels = [v for y in order for v in rows[y]]
    colours, own = rng.randbytes(3 << bits), rng.randrange(2)
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, (0 if own else 0x80) | (bits - 1), 0, 0)
    control = b"!\xf9\x04" + bytes([rng.randrange(2), 0, 0, rng.randrange(1 << bits), 0])
    frame = b"," + struct.pack("<HHHHB", left, top, width, height, interlaced | (0x80 | bits - 1 if own else 0))
    least = max(2, bits)
    return (head + (b"" if own else colours) + control + frame + (colours if own else b"") + bytes([least])
            + lzw(rng, pixels, least) + b";")


def bmp(rng):
    (width, height), bits = size(rng), rng.choice((1, 4, 8, 16, 24, 32, 132))
    masked, bits = bits == 132, 32 if bits == 132 else bits
    rows = [pack(row, bits) if bits <= 8 else rng.randbytes(width * bits // 8)
            for row in plane(rng, width, height, (1 << min(bits, 8)) - 1)]
    pixels = b"".join(row + bytes(-len(row) % 4) for row in rows)
    colours = rng.randbytes(4 << bits) if bits <= 8 else b""
    masks = struct.pack("<III", 0xff, 0xff0000, 0xff00) if masked else b""
    down = rng.choice((1, 1, -1))
    offset = 54 + len(colours) + len(masks)
    return (b"BM" + struct.pack("<IIIIiiHHIIIIII", offset + len(pixels), 0, offset, 40, width, down * height, 1, bits,
                                3 if masked else 0, len(pixels), 0, 0, 0, 0) + masks + colours + pixels)


def jpeg(rng):
    width, height = rng.randint(8, 200), rng.randint(8, 150)
    planes = [plane(rng, width, height, 255) for _ in range(rng.choice((1, 3)))]
    pnm = b"P%d %d %d 255\n" % (6 if len(planes) == 3 else 5, width, height)
    pnm += bytes(p[y][x] for y in range(height) for x in range(width) for p in planes)
    options = ["-quality", str(rng.randint(20, 97)), "-sample", rng.choice(("1x1", "2x1", "2x2", "1x2", "3x1"))]
    options += rng.choice(([], ["-progressive"], ["-optimize"], ["-restart", "2"]))
    return subprocess.run(["cjpeg", *options], input=pnm, capture_output=True, check=True).stdout


def damaged(rng, data):
    at = rng.randrange(len(data))
    return data[:at] if rng.random() < .6 else data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]


def by_clamscan(place):
    os.makedirs(place + "/db")
    with open(place + "/db/none.hdb", "w") as db:
        db.write("%s:68:none\n" % ("0" * 32))
    said = subprocess.run(["clamscan", "--debug", "--gen-json", "--file-list=" + place + "/list", "-d", place + "/db"],
                          capture_output=True, check=False).stderr.decode("latin-1")
    hashes, number = {}, 0
    for line in said.split("\n"):
        name = re.search(r"Checking realpath of .*/f(\d+)$", line)
        found = re.search(r'"Hash":"([0-9a-f]{16})"', line)
        number = int(name.group(1)) if name else number
        if found:
            hashes[number] = found.group(1)
    return hashes


def compare(kinds, theirs, ours, names):
    """Kinds of pictures, and how many are alike."""
    alike, wrong = collections.Counter(), collections.Counter()
    for number, kind in enumerate(kinds, 1):
        same = theirs.get(number) == ours.get(number)
        (alike if same else wrong)[kind] += 1
        if not same and wrong[kind] <= 5:
            print("# %s: clamscan %s, here %s" % (names[number - 1], theirs.get(number), ours.get(number)))
    return alike, wrong


def signatures(place, candor, theirs):
    """The same findings for signatures of what half of the files look like."""
    shutil.rmtree(place + "/db")
    os.makedirs(place + "/db")
    with open(place + "/db/a.ldb", "w") as db:
        for number in sorted(theirs)[::2]:
            db.write("P.%d;Engine:150-255,Target:%d;%s;fuzzy_img#%s%s;474946\n"
                     % (number, number % 3 * 5 % 10, "0&1" if number % 4 == 2 else "0|(0&1)", theirs[number], "#0" * (number % 2)))
    said = []
    for program in (["clamscan"], [candor, "clamscan"]):
        run = subprocess.run(program + ["-z", "-i", "--no-summary", "--file-list=" + place + "/list", "-d", place + "/db"],
                             capture_output=True, text=True, check=False)
        said.append(sorted(run.stdout.splitlines()))
    print("# %d findings" % len(said[0]))
    for line in sorted(set(said[0]) ^ set(said[1]))[:5]:
        print("# %s: %s" % ("clamscan alone" if line in said[0] else "here alone", line))
    return len(said[0]) > 0 and said[0] == said[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("candor")
    parser.add_argument("file", nargs="*")
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if beside.skipped():
        return 0
    rng = random.Random(options.seed)
    made = [png, gif, bmp] + ([jpeg] if shutil.which("cjpeg") else [])
    names, kinds, contents = [], [], []
    for name in options.file:
        names.append(name)
        kinds.append("given")
        contents.append(open(name, "rb").read())
    for make in made if not options.file else ():
        for i in range(options.pictures):
            names.append("%s %d of seed %d" % (make.__name__, i, options.seed))
            kinds.append(make.__name__)
            contents.append(make(rng))
            if make is not jpeg and i % 4 == 0:
                names.append("damaged " + names[-1])
                kinds.append(make.__name__)
                contents.append(damaged(rng, contents[-1]))
    with tempfile.TemporaryDirectory() as place:
        for i, data in enumerate(contents, 1):
            with open("%s/f%d" % (place, i), "wb") as file:
                file.write(data)
        with open(place + "/list", "w") as names_file:
            names_file.writelines("%s/f%d\n" % (place, i) for i in range(1, len(contents) + 1))
        theirs = by_clamscan(place)
        with open(place + "/list") as names_file:
            said = subprocess.run([options.tool], stdin=names_file, capture_output=True, text=True, check=True)
        ours = {int(line.split()[0]): line.split()[1] for line in said.stdout.splitlines()}
        alike, wrong = compare(kinds, theirs, ours, names)
        fine = True
        rows = sorted(set(kinds))
        print("1..%d" % (len(rows) + 1))
        for i, kind in enumerate(rows, 1):
            share = alike[kind] / (alike[kind] + wrong[kind])
            good = share >= (.9 if kind == "given" else 1)
            print("%sok %d - %s: %d of %d alike" % ("" if good else "not ", i, kind, alike[kind], alike[kind] + wrong[kind]))
            fine = fine and good
        exact = {n: h for n, h in theirs.items() if ours.get(n) == h}
        good = signatures(place, options.candor, exact)
        print("%sok %d - findings" % ("" if good else "not ", len(rows) + 1))
    return 0 if fine and good else 1


if __name__ == "__main__":
    sys.exit(main())

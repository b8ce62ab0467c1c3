#!/usr/bin/env python3
"""Writes the seeds fat and ntfs of the salvage target: disks whose boot sectors are lost (zeros), by
their fields; and torn: files on a disk that lost their begin. The first byte of a seed chooses the
name of the file."""
import io
import pathlib
import random
import struct
import zipfile

HERE = pathlib.Path(__file__).parent / "salvage"
IMAGE = b"\x07"  # a.img
pack = struct.pack
TEXT = b"".join(b"%04d what a file holds that lies on a disk\n" % i for i in range(200))


def fat():
    """FAT32 with clusters of a sector, two tables of two, a folder in the root and three files."""
    clusters, files = 90, {"ONE     TXT": (4, TEXT[:7000]), "TWO     TXT": (18, TEXT[:9001])}
    table = [0x0ffffff8, 0x0fffffff] + [0] * 254
    sectors = [b""] * clusters

    def put(first, data):
        n = -(-len(data) // 512)
        for i in range(n):
            sectors[first - 2 + i] = data[512 * i:512 * i + 512].ljust(512, b"\0")
            table[first + i] = first + i + 1 if i + 1 < n else 0x0fffffff

    def entry(name, kind, cluster, size):
        return name.encode().ljust(11) + pack("<BBBHHHHHHHI", kind, 0, 0, 0, 0x5021, 0x5021,
                                              0, 0, 0x5021, cluster, size)
    put(2, b"".join(entry(n, 0x20, c, len(d)) for n, (c, d) in files.items()) +
        entry("FOLDER", 0x10, 3, 0))
    put(3, entry(".", 0x10, 3, 0) + entry("..", 0x10, 0, 0) + entry("THREE   PDF", 0x20, 40, 20000))
    for first, data in files.values():
        put(first, data)
    put(40, (b"%PDF-1.4\n" + TEXT * 3)[:20000])
    tables = pack("<256I", *table) * 2
    return bytes(512) + tables + b"".join(s or bytes(512) for s in sectors)


def ntfs():
    """Clusters of a sector, 24 records from cluster 4 on, an index of the root at 60, a file at 64."""
    def attribute(kind, body, resident=True, number=0):
        if resident:
            head = pack("<IIBBHHHIHBB", kind, 24 + len(body) + (-len(body)) % 8, 0, 0, 24, 0, number,
                        len(body), 24, 0, 0)
            return head + body + bytes((-len(body)) % 8)
        first, count, size = body
        runs = pack("<BHHB", 0x22, count, first, 0).ljust(8, b"\0")
        return pack("<IIBBHHHQQHH4xQQQ", kind, 64 + len(runs), 1, 0, 0, 0, number, 0, count - 1, 64, 0,
                    count * 512, size, size) + runs

    def name(parent, text):
        return attribute(0x30, pack("<Q", parent) + bytes(56) + bytes([len(text), 1]) +
                         text.encode("utf-16-le"))

    def record(number, flags, *attributes):
        body = b"".join(attributes) + b"\xff\xff\xff\xff"
        head = pack("<4sHHQHHHHIIQHHI", b"FILE", 48, 3, 0, 1, 1, 56, flags, 56 + len(body), 1024, 0, 9, 0,
                    number) + pack("<HHHxx", 7, 0, 0)
        raw = bytearray((head + body).ljust(1024, b"\0"))
        raw[50:52], raw[52:54] = raw[510:512], raw[1022:1024]
        raw[510:512] = raw[1022:1024] = pack("<H", 7)
        return bytes(raw)
    records = [record(i, 1) for i in range(24)]
    records[0] = record(0, 1, name(5, "$MFT"), attribute(0x80, (4, 48, 24576), False))
    records[1] = record(1, 1, name(5, "$MFTMirr"), attribute(0x80, (80, 8, 4096), False))
    records[5] = record(5, 3, name(5, "."), attribute(0xa0, (60, 4, 2048), False))
    records[20] = record(20, 1, name(5, "a file.txt"), attribute(0x80, (64, 10, 5000), False))
    records[21] = record(21, 1, name(5, "small.txt"), attribute(0x80, b"in the record itself"))
    disk = bytearray(90 * 512)
    disk[4 * 512:52 * 512] = b"".join(records)
    disk[60 * 512:60 * 512 + 4] = b"INDX"
    disk[64 * 512:64 * 512 + 5000] = TEXT[:5000]
    disk[80 * 512:88 * 512] = b"".join(records[:4])
    return bytes(disk)


def torn():
    """A package, a PDF and pages of a data base, each with its first 4 KiB as noise."""
    rng, package = random.Random(5), io.BytesIO()
    with zipfile.ZipFile(package, "w") as z:
        for i in range(3):
            z.writestr(zipfile.ZipInfo("member%d.txt" % i), TEXT[:3000])
    pdf, places = b"%PDF-1.4\n", []
    for i in range(1, 4):
        places.append(len(pdf))
        pdf += b"%d 0 obj\n<</Length 3000>>\nstream\n" % i + TEXT[:3000] + b"\nendstream\nendobj\n"
    table = len(pdf)
    pdf += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % p for p in places)
    pdf += b"trailer\n<</Size 4>>\nstartxref\n%d\n%%%%EOF\n" % table
    body = b"a row of a table that is kept"
    row = bytes([2, 13 + 2 * len(body)]) + body
    page, at, cells = bytearray(1024), 1024, []
    for i in range(20):
        cell = bytes([len(row), i + 1]) + row
        at -= len(cell)
        page[at:at + len(cell)] = cell
        cells.append(at)
    page[0:8] = pack(">BHHHB", 13, 0, len(cells), at, 0)
    page[8:8 + 2 * len(cells)] = pack(">%dH" % len(cells), *cells)
    out = TEXT[:8192]
    for data in (package.getvalue(), pdf, bytes(page) * 8):
        out += rng.randbytes(4096) + data[4096:] + bytes(-len(data) % 512) + TEXT[:4096]
    return out


(HERE / "torn").write_bytes(IMAGE + torn())
(HERE / "fat").write_bytes(IMAGE + fat())
(HERE / "ntfs").write_bytes(IMAGE + ntfs())

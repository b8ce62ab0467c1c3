#!/usr/bin/env python3
"""Hash signatures: what hash_tool says of generated files against what clamscan says.

usage: hashes.py HASH_TOOL [--files N] [--seed N] [--keep DIR]

Makes PE files (sections that are not aligned, cut or virtual; imports by name and by number,
from libraries of all endings, some with names that are none) and plain files, and .hdb .hsb
.mdb .msb .imp .fp databases with signatures of them that fit, and near misses: another size,
another digit, another level. Both programs must find the same, name by name."""
import argparse
import hashlib
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

KINDS = (("md5", 32), ("sha1", 40), ("sha256", 64))
ORDINALS = {("ws2_32.dll", 3): "closesocket", ("wsock32.dll", 115): "wsastartup",
            ("oleaut32.dll", 2): "sysallocstring"}


def make_imports(rng, rva):
    """Bytes of an import table at an RVA, and the text that its hash is of; None: it has none."""
    libraries, text, broken = [], [], False
    for _ in range(rng.randint(1, 4)):
        name = rng.choice(["KERNEL32.dll", "ws2_32.dll", "WSOCK32.dll", "OLEAUT32.dll", "a.b.DLL",
                           "some.ocx", "driver.sys", "plain.drv", "noend", "x.dll.txt"])
        functions = []
        for _ in range(rng.randint(0, 6)):
            kind = rng.random()
            if kind < 0.3:
                functions.append(rng.choice([2, 3, 115, 9999, rng.randint(1, 65535)]))
            elif kind < 0.31:
                functions.append("?mangled@@YA")
            else:
                functions.append(rng.choice(["ExitProcess", "Sleep_Ex", "a", "W32.Name9"]))
        libraries.append((name, functions))
    table = 20 * (len(libraries) + 1)
    tail, places, descriptors = b"", [], b""
    for name, functions in libraries:
        stem = name.lower()
        dot = stem.find(".")
        if dot >= 0 and stem[dot:dot + 4] in (".dll", ".ocx", ".sys"):
            stem = stem[:dot]
        hints, thunks = b"", []
        for f in functions:
            if isinstance(f, int):
                thunks.append(0x80000000 | f)
                known = ORDINALS.get((name.lower(), f))
                if (name.lower() in ("ws2_32.dll", "wsock32.dll", "oleaut32.dll")) and not known:
                    known = ORDINALS.get(("ws2_32.dll", f)) if name.lower() == "wsock32.dll" else None
                text.append(f"{stem}.{known or 'ord%d' % f}")
            else:
                thunks.append(len(hints))
                hints += b"\0\0" + f.encode() + b"\0"
                broken = broken or not f.replace("_", "").replace(".", "").isalnum()
                text.append(f"{stem}.{f.lower()}")
        start = table + len(tail)
        base = rva + start
        tail += hints
        name_at = table + len(tail)
        tail += name.encode() + b"\0"
        thunk_at = table + len(tail)
        tail += b"".join(struct.pack("<I", t if t >> 31 else t + base) for t in thunks) + bytes(4)
        first = rng.random() < 0.5
        descriptors += struct.pack("<5I", rva + thunk_at if first else 0, 0, 0, rva + name_at,
                                   rva + thunk_at)
        places.append(start)
    data = descriptors + bytes(20) + tail
    return data, table, None if broken else ",".join(text).encode()


def make_pe(rng):
    """A file, the (offset, size) of its sections that have bytes, and its import text."""
    is_64, falign = rng.random() < 0.2, rng.choice([0x200, 0x200, 0x200, 0x1000])
    count = rng.randint(1, 5)
    head = 0x1000 if falign == 0x1000 else 0x400
    bodies, at, rva = [], head, 0x1000
    imports = None
    for i in range(count):
        body = rng.randbytes(rng.choice([0, 1, 100, 511, 512, 513, 3000, 20000]))
        if i == 0:
            table, size, imports = make_imports(rng, rva)
            body = table + rng.randbytes(600)
        bodies.append((rva, at, body))
        at += -(-len(body) // falign) * falign
        rva += max(0x1000, -(-len(body) // 0x1000) * 0x1000)
    optional = 240 if is_64 else 224
    header = bytearray(head)
    header[:2] = b"MZ"
    struct.pack_into("<I", header, 60, 0x80)
    struct.pack_into("<4sHHIIIHH", header, 0x80, b"PE", 0x8664 if is_64 else 0x14c, count, 0, 0, 0,
                     optional, 0x102)
    o = 0x98
    struct.pack_into("<H", header, o, 0x20b if is_64 else 0x10b)
    struct.pack_into("<I", header, o + 16, 0x1000)
    struct.pack_into("<II", header, o + 32, 0x1000, falign)
    struct.pack_into("<II", header, o + 56, rva, head)
    struct.pack_into("<H", header, o + 68, 3)
    struct.pack_into("<I", header, o + (108 if is_64 else 92), 16)
    struct.pack_into("<II", header, o + (112 if is_64 else 96) + 8, 0x1000, size)
    data = bytes(header)
    cut = rng.random() < 0.3
    for i, (rva, at, body) in enumerate(bodies):
        padded = body + bytes(-len(body) % falign)
        if cut and i == count - 1:
            padded = body
        offset = at
        raw = len(body)
        header_at = o + optional + 40 * i
        data = data[:header_at] + struct.pack("<8s6I", b".s%d" % i, len(body), rva, raw, offset, 0, 0) \
            + data[header_at + 32:]
        data += padded
    sections = []
    for rva, at, body in bodies:
        size = min(-(-len(body) // falign) * falign, len(data) - at)
        if body and size > 0:
            sections.append((at, size))
    return data, sections, None if is_64 else imports


class Databases:
    def __init__(self, rng):
        self.rng, self.lines, self.number = rng, {}, 0
        self.keys = {}  # what a signature asks for, by its name

    def add(self, extension, data, size_first=False, any_level=True):
        """A signature that fits, or in one of three cases nearly."""
        rng = self.rng
        kind, _ = rng.choice(KINDS) if extension not in ("hdb", "mdb") else KINDS[0]
        digest, size = hashlib.new(kind, data).hexdigest(), len(data)
        tail = rng.choice(["", "", ":73", ":90:255"])
        case = rng.randrange(8)
        if case == 0:
            size += rng.choice([-1, 1, 512])
        elif case == 1:
            at = rng.randrange(len(digest))
            digest = digest[:at] + "%x" % (int(digest[at], 16) ^ 1 << rng.randrange(4)) + digest[at + 1:]
        elif case == 2:
            tail = rng.choice([":999", ":1:99"])
        elif case == 3:
            size, tail = "*", rng.choice([":73", ":100:999"])
        if rng.random() < 0.3:
            digest = digest.upper()
        if size != "*" and size < 1:
            return
        self.number += 1
        name = "%s.%s-%d" % (rng.choice(["Win.Trojan.A", "Doc.B", "{MD5}x"]), extension, self.number)
        if rng.random() < 0.3:
            name += "-0"
        scope = {"hsb": "hdb", "msb": "mdb"}.get(extension, extension)
        self.keys[name + ".UNOFFICIAL"] = (scope, digest.lower(), size)
        first, second = (size, digest) if size_first else (digest, size)
        self.lines.setdefault(extension, []).append(f"{first}:{second}:{name}{tail}")

    def write(self, folder):
        paths = []
        for extension, lines in self.lines.items():
            paths.append(os.path.join(folder, "x." + extension))
            with open(paths[-1], "w", encoding="ascii") as f:
                f.write("\n".join(lines) + "\n")
        return paths


def findings(output):
    return {line[:-6] for line in output.splitlines() if line.endswith(" FOUND")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("hash_tool")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep")
    options = parser.parse_args()
    if not shutil.which("clamscan"):
        print("1..0 # SKIP clamscan is not installed")
        return 0
    rng = random.Random(options.seed)
    folder = options.keep or tempfile.mkdtemp(prefix="hashes.")
    files, db = os.path.join(folder, "files"), os.path.join(folder, "db")
    os.makedirs(files, exist_ok=True)
    os.makedirs(db, exist_ok=True)
    databases, paths = Databases(rng), []
    for i in range(options.files):
        sections, imports = [], None
        if i % 3:
            data, sections, imports = make_pe(rng)
        else:
            data = rng.randbytes(rng.choice([1, 55, 64, 1000, 100000]))
        paths.append(os.path.join(files, "F%d" % i))
        with open(paths[-1], "wb") as f:
            f.write(data)
        for _ in range(rng.randint(0, 3)):
            databases.add(rng.choice(["hdb", "hsb"]), data)
        if rng.random() < 0.15:
            databases.add("fp", data)
        for at, size in sections:
            for _ in range(rng.randint(0, 2)):
                databases.add(rng.choice(["mdb", "msb"]), data[at:at + size], True)
        if imports:
            databases.add("imp", imports)
    lists = databases.write(db)
    theirs = subprocess.run(["clamscan", "--no-summary", "--allmatch", "--infected", "-d", db, files],
                            text=True, capture_output=True, errors="replace", check=False)
    if theirs.returncode not in (0, 1):
        sys.exit("clamscan ended with %d: %s" % (theirs.returncode, theirs.stderr[-2000:]))
    ours = subprocess.run([options.hash_tool, *lists, "--", *paths], text=True, capture_output=True,
                          check=True)
    want, got = findings(theirs.stdout), findings(ours.stdout)
    # Of signatures that ask for the same, clamscan says one.
    key = lambda line: (line.rsplit(": ", 1)[0], databases.keys.get(line.rsplit(": ", 1)[1]))
    said = {key(line) for line in want}
    twins = {line for line in got - want if key(line) in said}
    got -= twins
    for line in sorted(want - got)[:20]:
        print("# clamscan alone: " + line)
    for line in sorted(got - want)[:20]:
        print("# hash_tool alone: " + line)
    kinds = {kind: sum("." + kind + "-" in line for line in want) for kind in databases.lines}
    print("1..2")
    print("%sok 1 - %d signatures, %d files, %d findings the same (and %d more that ask for the same)" %
          ("not " if want != got else "", databases.number, len(paths), len(want & got), len(twins)))
    enough = all(n for kind, n in kinds.items() if kind != "fp")
    print("%sok 2 - each kind of signature is found: %s" % ("" if enough else "not ", kinds))
    if not options.keep:
        shutil.rmtree(folder)
    return want != got or not enough


sys.exit(main())

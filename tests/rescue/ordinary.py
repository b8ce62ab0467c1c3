#!/usr/bin/env python3
"""Ordinary files that look like noise are not called encrypted by ransomware: 5,000 archives,
pictures, encrypted messages, disks and random bytes, each under an ordinary name and without one.

usage: ordinary.py CANDOR [COUNT]
"""
import bz2
import gzip
import io
import json
import lzma
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

CANDOR = os.path.abspath(sys.argv[1])
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
chance = random.Random(20261123)
WORDS = ["report", "the", "of", "ledger", "photo", "and", "winter", "invoice", "to", "harbour", "1994", "\n"]


def text(size):
    return " ".join(chance.choice(WORDS) + str(chance.randrange(9999)) for _ in range(size // 9)).encode()


def noise(size):
    return chance.randbytes(size)


def entry(name):
    """Of a ZIP, with the same date in every run."""
    ret = zipfile.ZipInfo(name, (2023, 11, 14, 22, 13, 20))
    ret.compress_type = zipfile.ZIP_DEFLATED
    return ret


def zipped(size):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for i in range(3):
            pack.writestr(entry(f"folder/page{i}.txt"), text(size))
        pack.writestr(entry("noise.bin"), noise(size // 4))
    return out.getvalue()


def png(size):
    side = 16 + size // 512
    rows = b"".join(b"\0" + noise(side * 3) for _ in range(side))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def jpeg(size):
    """The head of a photo and stuffed noise: what a scan looks like."""
    head = (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xdb\0\x43\0" + bytes(range(1, 65))
            + b"\xff\xc0\0\x0b\x08\0\x40\0\x40\1\1\x11\0\xff\xda\0\x08\1\1\0\0\x3f\0")
    return head + noise(size).replace(b"\xff", b"\xff\0") + b"\xff\xd9"


def openpgp(size):
    """A message to a key and encrypted data (RFC 4880, 5.1 and 5.13)."""
    key = b"\x03" + noise(8) + b"\x01" + struct.pack(">H", 2048) + bytes([0x80 | chance.randrange(128)]) + noise(255)
    data = b"\x01" + noise(size)
    return b"\x85" + struct.pack(">H", len(key)) + key + b"\xd2\xff" + struct.pack(">I", len(data)) + data


def luks(size):
    return (b"LUKS\xba\xbe\0\2" + struct.pack(">Q", 16384) + bytes(200) + b"sha256" + bytes(290) + noise(size)
            + bytes(4096) + noise(size))


def age(size):
    return b"age-encryption.org/v1\n-> X25519 " + noise(24).hex().encode() + b"\n--- " + noise(16).hex().encode() + b"\n" + noise(size)


def mixed(size):
    """A disk: noise in whole pages between text and nothing."""
    out = b""
    for _ in range(6):
        out += chance.choice([noise(4096 * chance.randrange(1, 9)), text(4096 * 3)[:8192], bytes(4096 * chance.randrange(1, 9))])
    return out


KINDS = [("zip", zipped), ("docx", zipped), ("gz", lambda n: gzip.compress(text(n), mtime=1700000000)), ("xz", lambda n: lzma.compress(text(n))),
         ("bz2", lambda n: bz2.compress(text(n))), ("png", png), ("jpg", jpeg), ("gpg", openpgp), ("luks", luks),
         ("age", age), ("enc", lambda n: b"Salted__" + noise(n // 16 * 16 + 8)), ("img", mixed),
         ("7z", lambda n: b"7z\xbc\xaf\x27\x1c\0\4" + noise(24) + noise(n)), ("bin", noise), ("key", noise),
         ("dat", lambda n: noise(n // 16 * 16)), ("vc", lambda n: noise(n // 512 * 512 + 512)), ("txt", text)]


def fill(at):
    for i in range(COUNT):
        ending, make = KINDS[i % len(KINDS)]
        size = chance.choice([700, 3000, 9000, 20000, 70000])
        name = f"{chance.choice(['scan', 'backup', 'IMG_', 'mail-', 'letter to '])}{i}.{ending}"
        folder = os.path.join(at, str(i // 500))
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name if i % 2 else f"{i}"), "wb") as file:
            file.write(make(size))


def main():
    at = tempfile.mkdtemp()
    try:
        fill(at)
        run = subprocess.run([CANDOR, "rescue", "identify", "--all", "--json", at], capture_output=True, text=True,
                             errors="replace")
        found = [json.loads(line) for line in run.stdout.splitlines()]
    finally:
        shutil.rmtree(at)
    named = [f for f in found if f["kind"] != "nothing" or f["sure"]]
    for f in named[:20]:
        print(f"# {f['path']}: {f['kind']} {f['families'][:1]}")
    good = run.returncode == 0 and len(found) == COUNT
    print(f"{'' if good else 'not '}ok 1 - {len(found)} ordinary files were looked at")
    print(f"{'not ' if named else ''}ok 2 - {len(named)} of them are called encrypted, notes or by a family's name")
    print("1..2")
    return bool(named) or not good


sys.exit(main())

#!/usr/bin/env python3
"""Black Basta of 2023 joined all stripes of a file with the same 64 bytes. Where the rest of the file tells what they
must have been, decrypt finds them without any key; and salvage, to which ciphertext that repeats looks like any other
structure, sees the stripes all the same.

usage: stripes.py CANDOR
"""
import hashlib
import io
import json
import os
import random
import sqlite3
import subprocess
import sys
import zipfile
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import case, check, run_cases  # noqa: E402

CANDOR = os.path.abspath(sys.argv[1])
ENVIRONMENT = dict(os.environ, LC_ALL="C", HOME=os.path.join(os.getcwd(), "home"))
RANDOM = random.Random(64)
TRAILER, SMALL = 314, 5000
WORDS = ("the disk of this machine holds letters and accounts which nobody else has and whoever reads this may copy "
         "them when all of it is done or print what is left in March").split()


def joined(plain, stream):
    """As its published description has it: 64 bytes of every 192, whole ones only; below 5,000 bytes all."""
    out = bytearray(plain)
    step = 192 if len(plain) >= SMALL else 64
    for at in range(0, len(plain) - 63, step):
        out[at:at + 64] = bytes(a ^ b for a, b in zip(plain[at:at + 64], stream))
    return bytes(out)


def locked(plain):
    trailer = RANDOM.randbytes(TRAILER - 23) + b"\x06" + RANDOM.randbytes(10) + b"ab12cd34ef5\0"
    return joined(plain, RANDOM.randbytes(64)) + trailer


def text(size):
    return " ".join(RANDOM.choices(WORDS, k=size // 4))[:size].encode()


def data_base(path):
    with sqlite3.connect(path) as db:
        db.execute("create table t(a integer primary key, b text, c real)")
        db.executemany("insert into t values(?, ?, ?)",
                       [(i, " ".join(RANDOM.choices(WORDS, k=9)), RANDOM.random()) for i in range(1500)])
    db.close()
    with open(path, "rb") as file:
        return file.read()


def program():
    with open("/bin/bash", "rb") as file:
        return file.read()


def disk():
    """Zeros with something in between."""
    out = bytearray(1 << 20)
    for at in range(4096, len(out), 40960):
        out[at:at + 5000] = text(5000)
    return bytes(out)


def archive():
    """Members enough that what is between them tells: names, times, sizes, the central directory."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for i in range(300):
            packed.writestr(zipfile.ZipInfo(f"letters/{i % 7}/letter-{i:04}.txt", (2023, 3, 1 + i % 28, 10, 0, 0)),
                            text(3000 + i))
    return out.getvalue()


def put(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def rescue(*words):
    run = subprocess.run([CANDOR, "rescue", *words], capture_output=True, text=True, errors="replace", env=ENVIRONMENT,
                         check=False)
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")], run


def decrypted(plain):
    """What became of each, by name: its state and whether it is what it was."""
    for name, data in plain.items():
        put(f"in/{name}.basta", locked(data))
    lines, run = rescue("decrypt", "--json", "--output", "out", "in")
    states = {os.path.basename(line["path"])[:-6]: line["state"] for line in lines if "path" in line}
    check(set(states) == set(plain), "each file is said", states, run.stderr)
    same = {}
    for name, data in plain.items():
        path = f"out/in/{name}"
        if os.path.exists(path):
            with open(path, "rb") as file:
                same[name] = hashlib.sha256(file.read()).digest() == hashlib.sha256(data).digest()
    return states, same


@case
def files_that_tell_come_back_without_a_key():
    plain = {"letter.txt": text(9000), "book.txt": text(120000),
             "sums.csv": "".join(f"{i};{i * 7919 % 10007};{i * 31 % 9973}.00\r\n" for i in range(6000)).encode(),
             "letters.zip": archive(), "mail.db": data_base("mail.db"), "tool.bin": program(), "disk-flat.vmdk": disk()}
    states, same = decrypted(plain)
    check(same == dict.fromkeys(plain, True), "each to the bit", states, same)


@case
def files_that_tell_nothing_are_left():
    packed = zlib.compress(RANDOM.randbytes(90000))
    plain = {"noise.bin": packed, "photo.jpg": b"\xff\xd8\xff\xe0" + packed, "note.txt": text(3000),
             "letter.txt": text(20000)}
    states, same = decrypted(plain)
    check(same == {"letter.txt": True}, "another file's key is not theirs", states, same)
    check(states["noise.bin"] == states["photo.jpg"] == states["note.txt"] == "no key", states)


@case
def salvage_sees_stripes_that_repeat():
    for name, data in {"sums.csv": b"".join(b"%d;%d;%d\r\n" % (i, i % 977, i % 31) for i in range(9000)),
                       "disk-flat.vmdk": disk()}.items():
        put(f"in/{name}.locked", joined(data, RANDOM.randbytes(64)))
        lines, run = rescue("salvage", "--json", "--output", "out", f"in/{name}.locked")
        check(lines, run.stdout, run.stderr)
        found = lines[0]["encrypted"]
        check(found["ranges"][:3] == [[0, 64], [192, 256], [384, 448]], name, found)
        check(not any(part["verdict"] == "proven" for part in lines[0]["parts"]), name, lines[0]["parts"][:3])


sys.exit(run_cases())

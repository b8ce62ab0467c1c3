#!/usr/bin/env python3
"""Large rulesets whose blocks are checked when they are touched first (src/definitions/guard.h).

usage: guard.py CANDOR

Prints TAP. What is recorded of a block is changed, as if the block had changed: a scan must then
say what it said before, for it did not need that block, or end with 2 and say which is damaged."""
import os
import random
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import case, check, run_cases  # noqa: E402

CANDOR = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
BLOCK, MASK = 4 << 10, (1 << 64) - 1


def run(*arguments):
    return subprocess.run([CANDOR, *arguments], capture_output=True, timeout=600, check=False,
                          env={"XDG_CACHE_HOME": os.path.abspath("cache"), "PATH": os.environ["PATH"]})


def hash64(data, seed):
    """As src/base/base.c has it."""
    def fold(x, y):
        product = x * y
        return (product ^ product >> 64) & MASK
    k = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB
    a, b = seed ^ k[0], seed ^ k[1]
    whole = len(data) // 32 * 32
    words = struct.unpack(f"<{whole // 8 + 4}Q", data[:whole] + data[whole:].ljust(32, b"\0"))
    for i in range(0, len(words), 4):
        a = fold(words[i] ^ k[2], words[i + 1] ^ a)
        b = fold(words[i + 2] ^ k[3], words[i + 3] ^ b)
    return fold(a ^ k[2] ^ len(data), b ^ k[0])


def records():
    return [f"cache/candor/{n}" for n in sorted(os.listdir("cache/candor")) if n.endswith(".checked")]


def read_record():
    check(len(records()) == 1, records())
    with open(records()[0], "rb") as file:
        data = file.read()
    return data[:8], *struct.unpack("<QQ", data[8:24]), list(struct.unpack(f"<{len(data) // 8 - 3}Q", data[24:]))


def write_record(name, magic, size, sums):
    raw = struct.pack(f"<{len(sums)}Q", *sums)
    with open(name, "wb") as file:
        file.write(magic + struct.pack("<QQ", size, hash64(raw, size)) + raw)


def scan(*more):
    return run("scan", "--json", "--no-default-definitions", "-D", "set.cdr", *more, "objects")


def answer(done):
    """What it said, without how long it took."""
    return [line for line in done.stdout.splitlines() if b'"summary"' not in line and b'"seconds"' not in line]


def prepare():
    rng = random.Random(1)
    bodies = [rng.randbytes(48) for _ in range(16000)]
    with open("a.ndb", "w") as file:
        for i, body in enumerate(bodies):
            file.write(f"Test.Body-{i}:0:*:{body[:24].hex()}{{4-8}}{body[24:].hex()}\n")
    check(run("defs", "compile", "--clamav", "a.ndb", "-o", "set.cdr").returncode == 0)
    check(os.path.getsize("set.cdr") > 4 << 20, os.path.getsize("set.cdr"))
    os.mkdir("objects")
    for i, n in enumerate((0, 8000, 15999, None)):
        with open(f"objects/{i}", "wb") as file:
            file.write(b"-" * 64 + (bodies[n][:24] + b"12345" + bodies[n][24:] if n is not None else b"nothing"))


@case
def a_record_is_left_and_changes_nothing():
    first = scan()
    check(first.returncode == 1 and first.stdout.count(b"Test.Body-") >= 3, first)
    magic, size, total, sums = read_record()
    with open("set.cdr", "rb") as file:
        data = file.read()
    blocks = [data[i:i + BLOCK] for i in range(0, len(data), BLOCK)]
    check(magic == b"CANDORCK" and size == len(data) and len(sums) == len(blocks))
    check(all(hash64(blocks[i], i) == sums[i] for i in range(0, len(blocks), 7)))
    check(total == hash64(struct.pack(f"<{len(sums)}Q", *sums), size))
    for more in ([], ["-j", "1"], ["--no-walls"]):
        again = scan(*more)
        check(again.returncode == 1 and answer(again) == answer(first), again, first)
    check(len(records()) == 1)


def some_touched(name, magic, size, sums):
    """Blocks that a scan needs: those at which it ends while all others are wrong."""
    touched = set()
    while len(touched) < 6:
        write_record(name, magic, size, [s ^ (i not in touched) for i, s in enumerate(sums)])
        block = int(re.search(rb"\(block (\d+),", scan("-j", "1").stderr)[1])
        check(block not in touched)
        touched.add(block)
    return touched


@case
def a_damaged_block_ends_the_scan():
    scan()
    name = records()[0]
    first = scan()
    magic, size, _, sums = read_record()
    ends = same = 0
    touched = some_touched(name, magic, size, sums)
    for block in range(len(sums)):
        # All at the front, where its sections' ends and few things lie; then some.
        if block % 23 and block > 3 and block not in touched:
            continue
        wrong = sums[:]
        wrong[block] ^= 1 << block % 64
        write_record(name, magic, size, wrong)
        done = scan(*(["-j", "2"], ["--no-walls"])[block % 2])
        if done.returncode == 2:
            check(b"set.cdr' are damaged" in done.stderr and f"(block {block},".encode() in done.stderr, done)
            check(not records(), "the record is gone")
            check(answer(done) == answer(first)[:len(answer(done))], done)
            ends += 1
        else:
            check(answer(done) == answer(first) and done.returncode == 1, block, done)
            same += 1
    check(ends >= 5 and same >= 5, ends, same)
    # All that was wrong: the next scan checks everything, as the first one did.
    write_record(name, magic, size, [s ^ 1 for s in sums])
    done = scan()
    check(done.returncode == 2 and b"damaged" in done.stderr, done)
    check(answer(scan()) == answer(first) and read_record()[3] == sums)


@case
def records_that_are_none_are_passed_over():
    first = scan()
    good = read_record()
    with open(records()[0], "rb") as file:
        whole = file.read()
    for data in (b"", whole[:20], whole[:-8], whole[:30] + b"\xff" + whole[31:], b"X" + whole[1:]):
        with open(records()[0], "wb") as file:
            file.write(data)
        done = scan()
        check(done.returncode == 1 and answer(done) == answer(first), len(data), done)
        check(read_record() == good)


@case
def a_file_that_changed_is_another_one():
    scan()
    with open("set.cdr", "r+b") as file:
        file.seek(3 << 20)
        byte = file.read(1)
        file.seek(3 << 20)
        file.write(bytes([byte[0] ^ 4]))
    done = scan()
    check(done.returncode == 2 and b"its checksum does not fit" in done.stderr, done)
    with open("set.cdr", "r+b") as file:
        file.truncate(4 << 20)
    done = scan()
    check(done.returncode == 2 and not done.stdout, done)


@case
def a_file_that_others_may_write_to_is_always_checked():
    os.chmod("set.cdr", 0o666)
    check(scan().returncode == 1 and not (os.path.isdir("cache/candor") and records()))


sys.exit(run_cases(begin=prepare))

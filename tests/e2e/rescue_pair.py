#!/usr/bin/env python3
"""candor rescue pair, as a person runs it: pairs found in a backup, other files opened, every byte
compared. The encryptors are functions from bytes to bytes.

usage: rescue_pair.py CANDOR

Prints TAP."""
import hashlib
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import case, check, run_cases  # noqa: E402

CANDOR = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
RANDOM = random.Random(5)
KEY = RANDOM.randbytes(300000)


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + RANDOM.randbytes(3 * width) for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def one_stream(data):
    return bytes(a ^ b for a, b in zip(data, KEY)) + b"TRAILER!" * 4


def own_stream(data):
    return bytes(a ^ b for a, b in zip(data, RANDOM.randbytes(len(data))))


def key_of_100(data):
    return bytes(a ^ KEY[i % 100] for i, a in enumerate(data))


class Place:
    """Files before and after, and a backup of some of them."""

    def __init__(self, encrypt, rename=lambda name: name + ".locked", backup=(4, 7, 9)):
        self.at = tempfile.mkdtemp(prefix="candor-pair-")
        self.plain = {}
        for folder in ("data/sub", "backup/deep"):
            os.makedirs(os.path.join(self.at, folder))
        for i in range(12):
            image = i % 2
            data = png(40 + i * 10, 40 + i * 5) if image else b"line %d of text\n" % i * (
                90 + 300 * i)
            name = f"sub/{'pic' if image else 'doc'}{i}.{'png' if image else 'txt'}"
            self.plain[name] = data
            self.write("data/" + rename(name), encrypt(data))
            if i in backup:
                self.write("backup/deep/" + os.path.basename(name), data)

    def write(self, name, data):
        with open(os.path.join(self.at, name), "wb") as file:
            file.write(data)

    def run(self, *arguments):
        run = subprocess.run([CANDOR, "rescue", "pair", *arguments], cwd=self.at, text=True,
                             capture_output=True, timeout=600)
        check("AddressSanitizer" not in run.stderr and "runtime error" not in run.stderr,
              run.stderr)
        return run

    def hashes(self, folder):
        found = {}
        for path, _, names in os.walk(os.path.join(self.at, folder)):
            for name in names:
                full = os.path.join(path, name)
                with open(full, "rb") as file:
                    found[os.path.relpath(full, os.path.join(self.at, folder))] = hashlib.sha256(
                        file.read()).hexdigest()
        return found


def sha(data):
    return hashlib.sha256(data).hexdigest()


@case
def pairs_are_found_and_all_that_they_reach_comes_back():
    place = Place(one_stream)
    before = place.hashes("data")
    run = place.run("--originals", "backup", "--output", "out", "data")
    check(place.hashes("data") == before, "the encrypted files were changed")
    reach = max(len(place.plain[n]) for n in place.plain if n[-5] in "479")
    out = place.hashes("out")
    check(set(out) == set(place.plain), sorted(out), run.stdout, run.stderr)
    whole = {n for n, data in place.plain.items() if len(data) <= reach}
    check(len(whole) > 8 and len(whole) < 12, len(whole))
    for name, data in place.plain.items():
        check((out[name] == sha(data)) == (name in whole), name, run.stdout)
    check(run.returncode == 3, run.returncode, run.stderr)
    texts = sum(n.endswith(".txt") for n in whole)
    check(f"{len(whole) - texts} proven, {texts} plausible" in run.stdout and
          f"{12 - len(whole)} partly" in run.stdout, run.stdout)


@case
def a_key_opens_all_and_says_so_in_json():
    place = Place(key_of_100)
    run = place.run("--originals", "backup", "--output", "out", "--json", "data")
    check(run.returncode == 0, run.stdout, run.stderr)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    check(lines[0]["method"] == "xor" and lines[0]["period"] == 100, lines[0])
    check(all(line["lost"] == 0 for line in lines[1:]), lines)
    # A picture of PNG has checksums, a text has not.
    wanted = {True: "plausible", False: "proven"}
    check(all(line["verdict"] == wanted[".txt" in line["path"]] for line in lines[1:]), lines)
    check(place.hashes("out") == {n: sha(d) for n, d in place.plain.items()})


@case
def one_pair_that_is_named():
    place = Place(key_of_100)
    run = place.run("--original", "backup/deep/pic7.png", "--encrypted",
                    "data/sub/pic7.png.locked", "--output", "out", "data/sub/doc2.txt.locked")
    check(run.returncode == 0, run.stdout, run.stderr)
    check(place.hashes("out") == {"doc2.txt": sha(place.plain["sub/doc2.txt"])}, run.stdout)


@case
def names_that_tell_nothing_are_matched_by_size():
    place = Place(one_stream, rename=lambda name: "sub/" + sha(name.encode())[:12])
    run = place.run("--originals", "backup", "--output", "out", "data")
    check("3 of 3 pairs agree" in run.stdout, run.stdout, run.stderr)
    check(set(place.hashes("out").values()) & {sha(d) for d in place.plain.values()})


@case
def own_keys_are_said_and_nothing_is_written():
    place = Place(own_stream)
    run = place.run("--originals", "backup", "--output", "out", "data")
    check(run.returncode == 3 and "each file has a key of its own" in run.stdout, run.stdout,
          run.stderr)
    check(not place.hashes("out"))


@case
def nothing_is_replaced_and_a_dry_run_writes_nothing():
    place = Place(key_of_100)
    arguments = ("--originals", "backup", "--output", "out", "data")
    check(place.run("--dry-run", *arguments).returncode == 0)
    check(not os.path.exists(os.path.join(place.at, "out")))
    os.makedirs(os.path.join(place.at, "out/sub"))
    place.write("out/sub/doc2.txt", b"mine")
    place.run(*arguments)
    out = place.hashes("out")
    check(out["sub/doc2.txt"] == sha(b"mine"))
    check(out["sub/doc2.txt~2"] == sha(place.plain["sub/doc2.txt"]), out)
    check(not [n for n in out if "candor-" in n], out)


@case
def a_short_key_is_found_without_any_original():
    place = Place(lambda data: bytes(a ^ KEY[i % 7] for i, a in enumerate(data)))
    run = place.run("--output", "out", "data")
    check("repeats after 7 bytes" in run.stdout and "6 proven, 6 plausible" in run.stdout, run.stdout,
          run.stderr)
    check(place.hashes("out") == {n: sha(d) for n, d in place.plain.items()})


@case
def a_disk_tells_the_block_by_its_zeros():
    place = Place(own_stream)
    disk = bytearray(300000)
    for at in range(0, 300000, 50000):
        disk[at:at + 9000] = RANDOM.randbytes(9000)
    locked = bytearray(disk)
    for at in range(0, len(disk), 192):
        locked[at:at + 64] = bytes(a ^ b for a, b in zip(disk[at:at + 64], KEY))
    place.write("data/vm-flat.vmdk.basta", locked)
    os.makedirs(os.path.join(place.at, "disks"))
    os.rename(os.path.join(place.at, "data/vm-flat.vmdk.basta"),
              os.path.join(place.at, "disks/vm.vmdk"))
    run = place.run("--output", "out", "disks")
    check("64 bytes in every 192" in run.stdout, run.stdout, run.stderr)
    check(place.hashes("out") == {"vm.vmdk": sha(disk)}, run.stdout)
    run = place.run("--output", "none", "data")
    check(run.returncode == 2 and "an original is needed" in run.stderr, run.stderr)


@case
def what_is_no_pair_is_refused():
    place = Place(one_stream)
    run = place.run("--original", "backup/deep/pic7.png", "data")
    check(run.returncode == 2 and "needs its --encrypted" in run.stderr, run.stderr)
    run = place.run()
    check(run.returncode == 2 and "no PATH" in run.stderr, run.stderr)
    os.makedirs(os.path.join(place.at, "empty"))
    run = place.run("--originals", "empty", "data")
    check(run.returncode == 2 and "no pair" in run.stderr, run.stderr)


sys.exit(run_cases(folders=False))

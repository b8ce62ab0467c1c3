#!/usr/bin/env python3
"""candor rescue zip on archives that `zip` and `7z` encrypted, unpacked again by `unzip`.

usage: rescue_zip.py CANDOR

Prints TAP. Skipped without zip and unzip."""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import case, check, run_cases  # noqa: E402

CANDOR = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
RANDOM = random.Random(3)


FILES = {
    "text.txt": "".join(f"line {i} says {RANDOM.randrange(10**6)}\n" for i in range(3000)).encode(),
    "noise.bin": RANDOM.randbytes(30000),
    "pic.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\6\0\0\0" + RANDOM.randbytes(900),
    "empty": b"",
}


class Place:
    def __init__(self):
        self.at = tempfile.mkdtemp(prefix="candor-zip-")
        for name, data in FILES.items():
            with open(os.path.join(self.at, name), "wb") as file:
                file.write(data)

    def tool(self, *command):
        subprocess.run(command, cwd=self.at, check=True, stdout=subprocess.DEVNULL)

    def run(self, *arguments):
        run = subprocess.run([CANDOR, "rescue", "zip", *arguments], cwd=self.at, text=True,
                             capture_output=True, timeout=500)
        check("AddressSanitizer" not in run.stderr and "runtime error" not in run.stderr,
              run.stderr)
        return run

    def unpacked(self, archive, *names):
        """unzip, which asks no password, gives every byte."""
        for name in names:
            run = subprocess.run(["unzip", "-P", "none", "-p", archive, name], cwd=self.at,
                                 capture_output=True)
            check(run.stdout == FILES[name], name, run.stderr)


@case
def a_file_that_was_packed_opens_all_and_its_password():
    place = Place()
    place.tool("zip", "-q", "-P", "geheim99", "a.zip", *FILES)
    run = place.run("--plain", "text.txt", "--output", "out", "--password", "8", "a.zip")
    check(run.returncode == 0, run.stdout, run.stderr)
    check("password: geheim99" in run.stdout and "proven by their CRC-32" in run.stdout,
          run.stdout)
    place.unpacked("out/a.zip", *FILES)


@case
def members_with_another_password_are_left_and_said():
    place = Place()
    place.tool("zip", "-q", "-0", "-P", "Kyiv22", "b.zip", "noise.bin", "pic.png")
    place.tool("zip", "-q", "-P", "other one", "b.zip", "text.txt")
    run = place.run("--plain", "noise.bin", "--output", "out", "--json", "b.zip")
    check(run.returncode == 3, run.stdout, run.stderr)
    found = json.loads(run.stdout)
    # Of other passwords, 1 in 256 fits ZipCrypto's check byte: then it may be damage as well.
    check(found["proven"] == 2 and found["left"] + found["broken"] == 1 and found["password"] == "Kyiv22", found)
    place.unpacked("out/b.zip", "noise.bin", "pic.png")
    run = subprocess.run(["unzip", "-P", "other one", "-p", "out/b.zip", "text.txt"],
                         cwd=place.at, capture_output=True)
    check(run.stdout == FILES["text.txt"], "what was left is no longer what it was", run.stderr)


@case
def keys_that_are_known_open_what_seven_zip_made():
    place = Place()
    if not shutil.which("7z"):
        return
    place.tool("7z", "a", "-tzip", "-pKyiv22", "-mem=ZipCrypto", "c.zip", "text.txt", "noise.bin")
    place.tool("zip", "-q", "-0", "-P", "Kyiv22", "d.zip", "noise.bin")
    keys = json.loads(place.run("--plain", "noise.bin", "--json", "d.zip").stdout)["keys"]
    run = place.run("--keys", keys, "--output", "out", "c.zip")
    check(run.returncode == 0, run.stdout, run.stderr)
    place.unpacked("out/c.zip", "text.txt", "noise.bin")
    wrong = place.run("--keys", "1-2-3", "--output", "wrong", "--password", "3", "c.zip")
    check(wrong.returncode == 2 and "nothing was written" in wrong.stderr, wrong.stderr)
    check(not os.listdir(os.path.join(place.at, "wrong")))


@case
def bytes_that_are_given_and_where_to_go_on():
    place = Place()
    place.tool("zip", "-q", "-0", "-P", "x", "e.zip", "noise.bin")
    known = "0:" + FILES["noise.bin"][:4000].hex()
    run = place.run("--known", known, "--member", "noise.bin", "--json", "e.zip")
    check(run.returncode == 0 and json.loads(run.stdout)["password"] == "x", run.stdout,
          run.stderr)
    values = json.loads(run.stdout)["values"]
    run = place.run("--known", known, "--member", "noise.bin", "--from", str(values), "e.zip")
    check(run.returncode == 2 and "no keys give the known bytes" in run.stderr, run.stderr)
    run = place.run("--known", "0:" + RANDOM.randbytes(4000).hex(), "--member", "noise.bin",
                    "e.zip")
    check(run.returncode == 2 and "no keys give the known bytes" in run.stderr, run.stderr)


@case
def what_cannot_be_opened_is_said():
    place = Place()
    place.tool("zip", "-q", "-P", "x", "packed.zip", "text.txt")
    place.tool("zip", "-q", "plain.zip", "text.txt")
    reasons = {
        ("packed.zip",): "no member's beginning is known by its name",
        ("plain.zip",): "nothing in the archive is encrypted",
        ("text.txt",): "no zip archive",
        ("--plain", "noise.bin", "packed.zip"): "no member of the size and CRC-32",
        ("--member", "none", "packed.zip"): "no member of that name",
        ("--known", "0:112233", "--member", "text.txt", "packed.zip"): "12 are needed",
        ("--known", "0:1122zz", "packed.zip"): "no pairs of hex digits",
        ("--keys", "12-34", "packed.zip"): "three words in hex",
    }
    if shutil.which("7z"):
        place.tool("7z", "a", "-tzip", "-px", "-mem=AES256", "aes.zip", "text.txt")
        reasons[("aes.zip",)] = "encrypted with AES"
    for arguments, reason in reasons.items():
        run = place.run(*arguments)
        check(run.returncode == 2 and reason in run.stderr, arguments, run.stderr, run.stdout)
    for cut in (100, 3000, len(FILES["text.txt"]) // 4):
        with open(os.path.join(place.at, "packed.zip"), "rb") as file:
            data = file.read()
        with open(os.path.join(place.at, "cut.zip"), "wb") as file:
            file.write(data[cut:])
        check(place.run("--plain", "text.txt", "cut.zip").returncode == 2, cut)


if not shutil.which("zip") or not shutil.which("unzip"):
    print("1..0 # SKIP zip and unzip are not installed")
    sys.exit(0)
sys.exit(run_cases(folders=False))

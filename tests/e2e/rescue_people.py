#!/usr/bin/env python3
"""candor rescue as people use it: files that are not what they are called, several keys of which
one is wrong, dry runs, reports, pipes that nobody reads, places that cannot be read.

usage: rescue_people.py CANDOR

Akira's and INC's files are made by the test encryptors of tests/rescue/round.py. Prints TAP."""
import ctypes
import hashlib
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "rescue")]
import round as families  # noqa: E402
from tap import Skip, case, check, run_cases  # noqa: E402

if len(sys.argv) != 2:
    sys.exit(__doc__)
CANDOR = os.path.abspath(sys.argv[1])
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", LC_ALL="C", HOME=os.getcwd())
RANDOM = random.Random(29)
AKIRA = families.rsa_key(4096)
INC, OTHER = families.curve_key(), families.curve_key()


def put(path, data):
    os.makedirs(os.path.dirname(path) or b"." if isinstance(path, bytes) else os.path.dirname(path) or ".",
                exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def put_key(path, key):
    from cryptography.hazmat.primitives import serialization as forms
    curve = isinstance(key, families.x25519.X25519PrivateKey)
    put(path, key.private_bytes(forms.Encoding.Raw if curve else forms.Encoding.PEM,
                                forms.PrivateFormat.Raw if curve else forms.PrivateFormat.TraditionalOpenSSL,
                                forms.NoEncryption()))


def run(*arguments, status=None, **more):
    done = subprocess.run([CANDOR, "rescue", *arguments], capture_output=True, timeout=300, check=False,
                          env=ENVIRONMENT, **more)
    if status is not None:
        check(done.returncode == status, "status", done.returncode, done.stdout[-3000:], done.stderr)
    check(b"Sanitizer" not in done.stderr, done.stderr)
    return done


def decrypt(*arguments, **more):
    return run("decrypt", "--journal", "journal", *arguments, **more)


def rows(done):
    all_rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {os.path.basename(row["path"]): row for row in all_rows if row["type"] != "summary"}, all_rows[-1]


def tree(folder):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)


def png(size):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    side = max(1, int((size / 3) ** 0.5))
    pixels = b"".join(b"\0" + RANDOM.randbytes(3 * side) for _ in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b""))


def text(size):
    words = "Wir sassen am See und der Sommer war lang ".split()
    return " ".join(RANDOM.choice(words) for _ in range(size)).encode()[:size]


def in_a_container():
    """In a child: no namespaces and no Landlock, as the filters of containers have it (seccomp(2))."""
    rows = [(0x20, 0, 0, 0)]  # the number
    for call, error in ((272, 1), (444, 38), (445, 38), (446, 38)):  # unshare, landlock_*
        rows += [(0x15, 0, 1, call), (0x06, 0, 0, 0x50000 | error)]
    code = b"".join(struct.pack("HBBI", *row) for row in rows + [(0x06, 0, 0, 0x7fff0000)])
    kept = ctypes.create_string_buffer(code)
    program = struct.pack("H6xP", len(code) // 8, ctypes.addressof(kept))
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)
    if libc.prctl(22, 2, ctypes.create_string_buffer(program), 0, 0):
        os._exit(77)


def not_allowed():
    """In a child: whoever is root may no more read what root may not."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH (capabilities(7))
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@case
def what_is_not_what_it_is_called_comes_back():
    bitmap = b"BM" + struct.pack("<IHHI", 5054, 0, 0, 54) + bytes(40) + b"\x10\x80\xf0" * 1652 + bytes(2)
    plain = {"photo.jpg": bitmap, "wide.txt": "Größe\r\n".encode("utf-16-le") * 90,
             "letter.txt": "Привет, дорогая мама.\r\n".encode("cp1251") * 40, "nothing.txt": b""}
    put_key("police.pem", AKIRA)
    for name, data in plain.items():
        put(f"d/{name}.akira", families.akira(AKIRA, data, 0, 100))
    found, _ = rows(decrypt("--json", "--key", "police.pem", "d", status=0))
    for name, data in plain.items():
        row = found[name + ".akira"]
        check(row["state"] == "recovered" and row["verdict"] == "unknown", row)
        check(read(f"d/{name}") == data, name)


@case
def of_several_keys_the_one_of_the_others_opens_what_is_too_small_to_tell():
    put_key("keys/a.bin", OTHER)
    put_key("keys/b.bin", INC)
    plain = {f"small{i}.txt": text(5 + i % 9) for i in range(400)}
    plain |= {"large.txt": text(5000), "picture.png": png(4000), "none.txt": b""}
    for name, data in plain.items():
        put(f"d/{name}.INC", families.inc(INC, data))
    found, _ = rows(decrypt("--json", "--key", "keys", "d", status=0))
    wrong = [name for name, data in plain.items() if read(f"d/{name}") != data]
    check(not wrong and len(found) == len(plain), wrong, found.get(wrong[0] + ".INC") if wrong else None)
    check(all("b.bin" in row["key"] for row in found.values()), "another key")


@case
def a_wrong_key_is_not_called_damage():
    put_key("wrong.bin", OTHER)
    for i in range(20):
        put(f"d/p{i}.png.INC", families.inc(INC, png(60 + i)))
    before = tree("d")
    found, last = rows(decrypt("--json", "--key", "wrong.bin", "d", status=3))
    check(all(row["state"] == "no key" and "key" not in row for row in found.values()), found)
    check(tree("d") == before and last["damaged"] == 0, last)
    decrypt("--keep-failed", "--key", "wrong.bin", "d", status=3)
    check(len(tree("d")) == 2 * len(before), "--keep-failed keeps them")


@case
def a_dry_run_tells_what_then_happens():
    put_key("k.bin", INC)
    for name in ("taken.txt", "free.txt", "both.txt"):
        put(f"d/{name}.INC", families.inc(INC, text(900)))
    put("d/both.txt.x.INC", families.inc(INC, text(901)))
    put("d/both.txt.INC.INC", families.inc(INC, text(902)))
    put("d/taken.txt", b"written since")
    told, last = rows(decrypt("--json", "--dry-run", "--output", "out", "--key", "k.bin", "d", status=0))
    check(not os.path.exists("out") and not os.path.exists("journal"), os.listdir("."))
    told, last = rows(decrypt("--json", "--dry-run", "--key", "k.bin", "d", status=0))
    check(last["planned"] == len(told) == 5, last)
    check("taken.txt" in told["taken.txt.INC"]["beside"], told["taken.txt.INC"])
    before = tree("d")
    found, _ = rows(decrypt("--json", "--key", "k.bin", "d", status=0))
    check({row["output"] for row in told.values()} == {row["output"] for row in found.values()}, told, found)
    check(len(tree("d")) == len(before) + 5 and read("d/taken.txt") == b"written since", tree("d"))
    told, last = rows(decrypt("--json", "--dry-run", "--key", "k.bin", "d", status=0))
    check(last["already recovered"] == 5 and last["planned"] == 0, [r for r in told.values() if r["state"] == "planned"])


@case
def a_report_is_tried_before_and_overwrites_nothing():
    put_key("k.bin", INC)
    put("d/a.txt.INC", families.inc(INC, text(900)))
    put("photo.html", b"a page of mine")
    for path in ("no/such/report.html", "d", "photo.html"):
        done = decrypt("--report", path, "--key", "k.bin", "d", status=2)
        check(path.encode() in done.stderr and tree("d") == ["d/a.txt.INC"], done.stderr)
    check(read("photo.html") == b"a page of mine", "overwritten")
    decrypt("--report", "r.html", "--key", "k.bin", "d", status=0)
    first = read("r.html")
    done = decrypt("--report", "r.html", "--key", "k.bin", "d", status=0)
    check(read("r-1.html") == first and b"r-1.html" in done.stderr, done.stderr)
    check(b"already recovered" in read("r.html"), "the second")


@case
def an_output_that_is_no_folder_is_said_at_once():
    put_key("k.bin", INC)
    put("d/a.txt.INC", families.inc(INC, text(900)))
    done = decrypt("--output", "k.bin", "--key", "k.bin", "d", status=2)
    check(b"'k.bin' is no folder" in done.stderr, done.stderr)


@case
def nobody_reads_on():
    put_key("k.bin", INC)
    plain = {f"d/f{i}.txt": text(900 + i) for i in range(300)}
    for path, data in plain.items():
        put(path + ".INC", families.inc(INC, data))
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([CANDOR, "rescue", "decrypt", "--journal", "journal", "--key", "k.bin", "d"],
                          stdout=writer, stderr=subprocess.PIPE, timeout=300, check=False, env=ENVIRONMENT)
    os.close(writer)
    check(done.returncode == 2, done.returncode, done.stderr)
    check(not [path for path in tree("d") if ".candor-rescue" in path], "half-written files")
    decrypt("--key", "k.bin", "d", status=0)
    check(all(read(path) == data for path, data in plain.items()), "not all came back")


@case
def a_full_output_is_an_error_and_the_files_come_back():
    if not os.path.exists("/dev/full"):
        raise Skip("no /dev/full")
    put_key("k.bin", INC)
    put("d/a.txt.INC", families.inc(INC, text(900)))
    with open("/dev/full", "wb") as full:
        done = subprocess.run([CANDOR, "rescue", "decrypt", "--journal", "journal", "--key", "k.bin", "d"],
                              stdout=full, stderr=subprocess.PIPE, timeout=300, check=False, env=ENVIRONMENT)
    check(done.returncode == 2 and b"cannot write what was done" in done.stderr, done)
    check(os.path.exists("d/a.txt"), tree("d"))


@case
def two_runs_at_once_write_each_file_once():
    put_key("k.bin", INC)
    plain = {f"d/f{i}.txt": text(900 + i) for i in range(250)}
    for path, data in plain.items():
        put(path + ".INC", families.inc(INC, data))
    words = [CANDOR, "rescue", "decrypt", "--journal", "journal", "--key", "k.bin", "d"]
    both = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT)
            for _ in range(2)]
    for one in both:
        said = one.communicate(timeout=300)[1]
        check(one.returncode == 0, one.returncode, said)
    check(len(tree("d")) == 2 * len(plain), [path for path in tree("d") if "recovered" in path])
    check(all(read(path) == data for path, data in plain.items()), "not all came back")


@case
def a_disk_of_windows_takes_all_files():
    for program in ("mkfs.ntfs", "ntfs-3g", "losetup"):
        if not shutil.which(program):
            raise Skip("no " + program)
    with open("image", "wb") as file:
        file.truncate(8 << 20)
    os.mkdir("disk")
    subprocess.run(["mkfs.ntfs", "-q", "-F", "image"], capture_output=True, check=True)
    loop = subprocess.run(["losetup", "-f", "--show", "image"], capture_output=True, text=True, check=False)
    if loop.returncode:
        raise Skip("no loop device")
    try:
        if subprocess.run(["ntfs-3g", "-o", "windows_names", loop.stdout.strip(), "disk"], capture_output=True,
                          check=False).returncode:
            raise Skip("it cannot be mounted")
        put_key("k.bin", INC)
        plain = {"a:b?c.txt": "a_b_c.txt", "q*s/x.txt": "q_s/x.txt", "fine.txt": "fine.txt", "nul": "_nul"}
        for i, name in enumerate(plain):
            put(f"d/{name}.INC", families.inc(INC, text(900 + i)))
        done = decrypt("--key", "k.bin", "--output", "disk", "d", status=0)
        check(tree("disk/d") == sorted("disk/d/" + name for name in plain.values()), tree("disk"))
        check(done.stderr.count(b"keeps no owners") <= 1, done.stderr)
        decrypt("--key", "k.bin", "--output", "disk", "d", status=0)
        check(len(tree("disk/d")) == len(plain), tree("disk"))
    finally:
        subprocess.run(["umount", "disk"], capture_output=True, check=False)
        subprocess.run(["losetup", "-d", loop.stdout.strip()], capture_output=True, check=False)


@case
def walls_that_the_kernel_refuses_are_said():
    if os.uname().machine != "x86_64":
        raise Skip("numbers of system calls are known for x86-64")
    put_key("k.bin", INC)
    put("d/a.txt.INC", families.inc(INC, text(900)))
    done = decrypt("--key", "k.bin", "d", status=0, preexec_fn=in_a_container)
    check(b"not all walls stand" in done.stderr and b"Landlock" in done.stderr, done.stderr)


@case
def what_cannot_be_opened_counts():
    put_key("keys/k.bin", INC)
    put_key("keys/other.bin", OTHER)
    put("d/a.txt.INC", families.inc(INC, text(900)))
    put("d/secret/b.txt.INC", families.inc(INC, text(900)))
    os.chmod("d/secret", 0)
    os.chmod("keys/other.bin", 0)
    done = decrypt("--dry-run", "--json", "--key", "keys", "d", preexec_fn=not_allowed)
    triage = run("triage", "--wait", "0", "--no-record", "d/secret", preexec_fn=not_allowed)
    os.chmod("d/secret", 0o700)
    check(done.returncode == 3 and rows(done)[1]["not_opened"] == 1, done)
    check(b"left out: cannot read 'keys/other.bin'" in done.stderr, done.stderr)
    check(triage.returncode in (2, 3) and b"Nothing here needs" not in triage.stdout, triage)


@case
def triage_of_what_is_not_there_is_an_error():
    for path in ("nothere", "", "d/nothere"):
        done = run("triage", "--wait", "0", "--no-record", path, status=2)
        check(not done.stdout and b"cannot look at" in done.stderr, done)


@case
def names_that_are_no_text_are_told_byte_by_byte():
    put_key("k.bin", INC)
    put(b"d/latin\xe9.txt.INC", families.inc(INC, text(900)))
    done = decrypt("--json", "--key", "k.bin", "d", status=0)
    row = json.loads(done.stdout.splitlines()[0])
    check(bytes.fromhex(row["path_hex"]).endswith(b"/d/latin\xe9.txt.INC"), row)
    check(read(bytes.fromhex(row["output_hex"])), row)
    row = json.loads(run("identify", "--json", "d", status=0).stdout.splitlines()[0])
    check(bytes.fromhex(row["path_hex"]) == b"d/latin\xe9.txt.INC", row)


@case
def cases_that_are_not_there_are_an_error():
    done = run("recheck", "--cases", "nothere", status=2)
    check(b"cannot read the cases in 'nothere'" in done.stderr and not done.stdout, done)


@case
def hundreds_of_keys():
    for i in range(700):
        put(f"keys/k{i:03}", RANDOM.randbytes(32))
    put_key("keys/z.bin", INC)
    put("d/a.txt.INC", families.inc(INC, text(900)))
    found, _ = rows(decrypt("--json", "--key", "keys", "d", status=0))
    check("z.bin" in found["a.txt.INC"]["key"], found)


@case
def a_key_that_is_not_there_is_said():
    put("d/a.txt.INC", families.inc(INC, text(900)))
    os.mkdir("empty")
    done = decrypt("--dry-run", "--key", "nothere", "--key", "empty", "d", status=3)
    check(b"there is no file 'nothere'" in done.stderr, done.stderr)
    check(b"there is no file of keys in 'empty'" in done.stderr, done.stderr)


@case
def space_is_asked_for_what_is_not_there_yet():
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", os.getcwd()],
                             capture_output=True, check=False)
    if mounted.returncode:
        raise Skip("no mount")
    try:
        os.chdir(os.getcwd())
        put_key("k.bin", INC)
        for i in range(6):
            put(f"d/f{i}.txt.INC", families.inc(INC, text(9000)))
        decrypt("--key", "k.bin", "d", status=0)
        put("d/g.txt.INC", families.inc(INC, text(3000)))
        decrypt("--key", "k.bin", "d", status=0)
        check(read("d/g.txt"), tree("d"))
        for i in range(3):
            put(f"d/h{i}.txt.INC", families.inc(INC, text(100)))
        done = decrypt("--key", "k.bin", "d")
        check(done.returncode == 0 or b"nothing was written" in done.stderr, done)
    finally:
        here = os.getcwd()
        os.chdir("/")
        subprocess.run(["umount", here], check=False)
        os.chdir(here)


sys.exit(run_cases())

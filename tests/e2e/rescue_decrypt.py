#!/usr/bin/env python3
"""candor rescue decrypt, as a person runs it: what comes back, what is said of it, and what is
there when it is killed at any moment.

usage: rescue_decrypt.py CANDOR [VECTORS | KILLS]

VECTORS: the unpacked published files (../shared/data/ransomware); with a number, only that many
kills. Prints TAP. Every case makes its own folder; nothing outside it is touched."""
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import seeded  # noqa: E402
from tap import Skip, case, check, run_cases  # noqa: E402

if len(sys.argv) not in (2, 3):
    sys.exit(__doc__)
CANDOR = os.path.abspath(sys.argv[1])
KILLS = int(sys.argv[2]) if len(sys.argv) == 3 and sys.argv[2].isdigit() else 0
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", LC_ALL="C")
RANDOM = random.Random(11)


# --- a test's own writer of one format: Prometheus, whose facts are in the format's file ---


def rotate(x, n):
    return (x << n | x >> (32 - n)) & 0xFFFFFFFF


def salsa_block(key, counter):
    """Salsa20/20 (Bernstein, "The Salsa20 family of stream ciphers"), nonce 01 .. 08."""
    k = struct.unpack("<8I", key)
    n = struct.unpack("<2I", bytes(range(1, 9)))
    c = struct.unpack("<4I", b"expand 32-byte k")
    start = [c[0], *k[:4], c[1], *n, counter & 0xFFFFFFFF, counter >> 32, c[2], *k[4:], c[3]]
    x = list(start)
    rows = [(0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)]
    columns = [(0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)]
    for _ in range(10):
        for a, b, c, d in rows + columns:
            x[b] ^= rotate((x[a] + x[d]) & 0xFFFFFFFF, 7)
            x[c] ^= rotate((x[b] + x[a]) & 0xFFFFFFFF, 9)
            x[d] ^= rotate((x[c] + x[b]) & 0xFFFFFFFF, 13)
            x[a] ^= rotate((x[d] + x[c]) & 0xFFFFFFFF, 18)
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(x, start)))


STREAMS = {}


def stream(key, size):
    blocks = STREAMS.setdefault(key, [])
    while len(blocks) * 64 < size:
        blocks.append(salsa_block(key, len(blocks)))
    return b"".join(blocks[: (size + 63) // 64])[:size]


def lock(plain, key):
    mask = stream(key, len(plain))
    return (int.from_bytes(plain, "little") ^ int.from_bytes(mask, "little")).to_bytes(len(plain), "little")


ENDING = ".PROM[prometheushelp@mail.ch]"
KEY = b"0123456789abcdefghijklmnopqrstuv"
OTHER_KEY = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'"


def png(size):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", RANDOM.randbytes(size))
        + chunk(b"IEND", b"")
    )


def put(path, data):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def decrypt(*arguments, before=(), status=None, **more):
    done = subprocess.run([*before, CANDOR, "rescue", "decrypt", "--journal", "journal", *arguments],
                          capture_output=True, timeout=300, check=False, env=ENVIRONMENT, **more)
    if status is not None:
        check(done.returncode == status, "status", done.returncode, done.stdout, done.stderr)
    check(b"Sanitizer" not in done.stderr, done.stderr)
    return done


def rows(done, kind="file"):
    all_rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["path"]: row for row in all_rows if row["type"] == kind}


def tree(folder):
    return {os.path.join(at, name): sha(read(os.path.join(at, name)))
            for at, _, names in os.walk(folder) for name in names}


def sample(folder, count=3, size=2000):
    plain = {}
    for i in range(count):
        plain[f"{folder}/bild{i}.png"] = png(size + 97 * i)
        put(f"{folder}/bild{i}.png{ENDING}", lock(plain[f"{folder}/bild{i}.png"], KEY))
    return plain


def all_back(plain):
    for path, data in plain.items():
        check(os.path.exists(path), path, "is missing")
        check(read(path) == data, path, "has other bytes")


# --- cases ---


@case
def comes_back_beside_and_is_proven():
    plain = sample("d")
    before = tree("d")
    done = decrypt("--json", "--key", KEY.decode(), "d", status=0)
    all_back(plain)
    check({k: v for k, v in tree("d").items() if k in before} == before, "an original changed")
    check(len(tree("d")) == 6, tree("d"))
    for path, row in rows(done).items():
        check(row["state"] == "recovered" and row["verdict"] == "proven", row)
        check(row["sha256_before"] == sha(read(path)), row)
        check(row["sha256_after"] == sha(read(row["output"])), row)


@case
def a_file_named_by_itself():
    plain = sample("d", 2)
    decrypt("--key", KEY.decode(), "d/bild0.png" + ENDING, status=0)
    check(read("d/bild0.png") == plain["d/bild0.png"] and not os.path.exists("d/bild1.png"), tree("d"))
    decrypt("--key", KEY.decode(), "--output", "out", "d/bild1.png" + ENDING, status=0)
    check(read("out/bild1.png") == plain["d/bild1.png"], tree("out"))


@case
def a_dry_run_writes_nothing():
    sample("d")
    before = tree(".")
    done = decrypt("--dry-run", "--json", "--key", KEY.decode(), "d", status=0)
    check(tree(".") == before, "something was written")
    check(not os.path.exists("journal"), "a journal was written")
    check(len(rows(done, "plan")) == 3, done.stdout)
    check(all(row["output"].endswith(".png") for row in rows(done, "plan").values()), done.stdout)


@case
def a_second_run_says_that_it_is_done():
    plain = sample("d")
    decrypt("--key", KEY.decode(), "d", status=0)
    before = tree("d")
    done = decrypt("--json", "--key", KEY.decode(), "d", status=0)
    check(all(row["state"] == "already recovered" for row in rows(done).values()), done.stdout)
    # Without the journal it is found out by what lies there.
    shutil.rmtree("journal")
    done = decrypt("--json", "--key", KEY.decode(), "d", status=0)
    check(len(rows(done)) == 3 and all(r["state"] == "already recovered" for r in rows(done).values()),
          done.stdout)
    check(tree("d") == before)
    all_back(plain)


@case
def a_wrong_key_gives_nothing():
    sample("d")
    before = tree("d")
    done = decrypt("--json", "--key", OTHER_KEY.decode(), "d", status=3)
    check(tree("d") == before, tree("d"))
    check(all(row["state"] != "recovered" for row in rows(done).values()), done.stdout)


@case
def several_keys_each_where_it_fits():
    plain = sample("d")
    for i in range(2):
        plain[f"d/other{i}.png"] = png(3000)
        put(f"d/other{i}.png{ENDING}", lock(plain[f"d/other{i}.png"], OTHER_KEY))
    put("keys/a.txt", KEY)
    put("keys/b.txt", OTHER_KEY)
    done = decrypt("--json", "--key", "keys", "d", status=0)
    all_back(plain)
    for path, row in rows(done).items():
        check(("b.txt" if "other" in path else "a.txt") in row["key"], row)


@case
def what_is_cut_or_damaged_is_not_kept():
    plain = png(40000)
    put("d/cut.png" + ENDING, lock(plain, KEY)[:20000])
    bad = bytearray(lock(plain, KEY))
    bad[30000:30016] = RANDOM.randbytes(16)
    put("d/bad.png" + ENDING, bytes(bad))
    before = tree("d")
    done = decrypt("--json", "--key", KEY.decode(), "d", status=3)
    check(all(row["state"] == "damaged" for row in rows(done).values()), done.stdout)
    check(tree("d") == before, tree("d"))
    decrypt("--json", "--keep-failed", "--key", KEY.decode(), "d", status=3)
    check(sorted(set(tree("d")) - set(before)) == ["d/bad.png.not-recovered", "d/cut.png.not-recovered"],
          tree("d"))


@case
def a_name_that_is_taken_stays():
    plain = sample("d", 1)
    put("d/bild0.png", b"something else of mine")
    done = decrypt("--json", "--key", KEY.decode(), "d", status=0)
    check(read("d/bild0.png") == b"something else of mine", "overwritten")
    check(read("d/bild0 (recovered).png") == plain["d/bild0.png"], tree("d"))
    done = decrypt("--json", "--key", KEY.decode(), "d", status=0)
    check(all(row["state"] == "already recovered" for row in rows(done).values()), done.stdout)
    check(len(tree("d")) == 3, tree("d"))


@case
def links_in_the_way_are_not_followed():
    sample("d", 1)
    put("mine", b"of mine")
    os.symlink("../mine", "d/bild0.png")
    os.symlink("bild0.png" + ENDING, "d/link.png" + ENDING)
    decrypt("--key", KEY.decode(), "d", status=0)
    check(read("mine") == b"of mine" and os.path.islink("d/bild0.png"), "the link was followed")
    check(not os.path.islink("d/bild0 (recovered).png"), tree("d"))
    check(not os.path.exists("d/link.png"), "a link was decrypted")


@case
def attributes_come_along():
    plain = sample("d", 1)
    source = "d/bild0.png" + ENDING
    os.chmod(source, 0o640)
    os.utime(source, ns=(1500000000123456789, 1400000000987654321))
    try:
        os.setxattr(source, "user.comment", b"from the camera")
    except OSError as error:
        raise Skip(f"no extended attributes here: {error}") from error
    if os.geteuid() == 0:
        os.chown(source, 1234, 2345)
    subprocess.run(["setfacl", "-m", "u:4321:r", source], check=False, capture_output=True)
    decrypt("--key", KEY.decode(), "d", status=0)
    was, now = os.stat(source), os.stat("d/bild0.png")
    for field in ("st_mode", "st_uid", "st_gid", "st_mtime_ns"):
        check(getattr(was, field) == getattr(now, field), field, getattr(was, field), getattr(now, field))
    check({x: os.getxattr(source, x) for x in os.listxattr(source)}
          == {x: os.getxattr("d/bild0.png", x) for x in os.listxattr("d/bild0.png")}, "attributes")
    all_back(plain)


@case
def below_another_directory():
    plain = sample("d/a/b", 2)
    before = tree("d")
    decrypt("--output", "out", "--key", KEY.decode(), "d", status=0)
    check(tree("d") == before, "something was written beside")
    all_back({"out/" + path: data for path, data in plain.items()})


@case
def strange_and_long_names():
    data = png(500)
    names = [b"\xff\xfe\x80.png", b"a\nb\x1b[2J.png", "日本.png".encode(), b"x" * (250 - len(ENDING)) + b".png"]
    os.mkdir("d")
    for name in names:
        with open(b"d/" + name + ENDING.encode(), "wb") as file:
            file.write(lock(data, KEY))
    deep = "d/" + "/".join(["y" * 100] * 12)
    put(f"{deep}/z.png{ENDING}", lock(data, KEY))
    done = decrypt("--key", KEY.decode(), "d", status=0)
    for name in names:
        check(read(b"d/" + name) == data, name)
    check(read(f"{deep}/z.png") == data)
    check(b"\x1b" not in done.stdout, "control characters came out")


@case
def a_limit_of_size_is_an_error_of_one_file():
    plain = sample("d", 1)
    big = png(400000)
    put("d/big.png" + ENDING, lock(big, KEY))
    before = tree("d")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))

    done = decrypt("--json", "--key", KEY.decode(), "d", status=3, preexec_fn=limit)
    states = {os.path.basename(path)[:3]: row["state"] for path, row in rows(done).items()}
    check(states == {"bil": "recovered", "big": "failed"}, done.stdout)
    check(set(tree("d")) - set(before) == {"d/bild0.png"}, tree("d"))
    all_back(plain)
    decrypt("--key", KEY.decode(), "d", status=0)
    check(read("d/big.png") == big)


@case
def few_files_may_be_open():
    plain = sample("d", 150, 700)

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))

    decrypt("--key", KEY.decode(), "d", status=0, preexec_fn=limit)
    all_back(plain)


@case
def a_full_disk_is_said_before():
    if os.geteuid() != 0:
        raise Skip("mounting needs root")
    os.mkdir("disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", "disk"], check=False,
                      capture_output=True).returncode:
        raise Skip("a tmpfs cannot be mounted here")
    try:
        put("disk/a.png" + ENDING, lock(png(600000), KEY))
        done = decrypt("--key", KEY.decode(), "disk", status=2)
        check(b"free; nothing was written" in done.stderr, done.stderr)
        check(os.listdir("disk") == ["a.png" + ENDING], os.listdir("disk"))
        decrypt("--key", KEY.decode(), "--output", "out", "disk", status=0)
    finally:
        subprocess.run(["umount", "disk"], check=True)


@case
def reports_for_people_and_programs():
    sample("d")
    put("d/<b>&.png" + ENDING, lock(png(3000), KEY))
    put("d/cut.png" + ENDING, lock(png(9000), KEY)[:5000])
    for name in ("r.html", "r.json", "r.txt"):
        shutil.rmtree("journal", ignore_errors=True)
        decrypt("--report", name, "--key", KEY.decode(), "d", status=3)
    page = read("r.html").decode()
    check("&lt;b&gt;&amp;.png" in page and "<b>&" not in page, "names are not escaped")
    check("<script" not in page and "http" not in page, "the page asks for something else")
    for path, digest in tree("d").items():
        if path.endswith(ENDING):
            check(digest in page or "cut" in path, path)
    report = [json.loads(line) for line in read("r.json").splitlines()]
    check([r["type"] for r in report].count("file") == 5, report)
    check(b"SHA-256 before" in read("r.txt"), read("r.txt"))


@case
def interrupted_it_says_so_and_goes_on():
    plain = sample("d", 40, 60000)
    process = subprocess.Popen([CANDOR, "rescue", "decrypt", "--journal", "journal", "--key", KEY.decode(), "d"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    check(process.returncode in (0, 2), process.returncode)
    check(not leftovers("d"), leftovers("d"))
    decrypt("--key", KEY.decode(), "d", status=0)
    all_back(plain)


def joined(data, key):
    """Each byte joined (XOR) with a key that is repeated."""
    mask = (key * (len(data) // len(key) + 1))[: len(data)]
    return (int.from_bytes(data, "little") ^ int.from_bytes(mask, "little")).to_bytes(len(data), "little")


@case
def an_original_that_lies_beside_opens_all():
    key = RANDOM.randbytes(600)
    plain = {f"d/a{i}.png": png(5000 + 3000 * i) for i in range(4)}
    # Large enough for several workers at one file, which follow each other.
    plain["d/large.png"] = png(20 << 20)
    for path, data in plain.items():
        put(path + ".locked", joined(data, key))
    put("d/a3.png", plain["d/a3.png"])
    put("d/mine.txt", b"not encrypted at all\n" * 100)
    before = tree("d")
    done = decrypt("--dry-run", "--json", "d", status=0)
    check(len(rows(done, "plan")) == 5 and tree("d") == before, done.stdout)
    check(b"1 of 1 pairs" in done.stderr, done.stderr)
    done = decrypt("--json", "d", status=0)
    all_back(plain)
    check(len(tree("d")) == 11, tree("d"))
    for path, row in rows(done).items():
        already = path.endswith("/a3.png.locked")
        check(row["state"] == ("already recovered" if already else "recovered"), row)
        check(row["family"] == "original" and row["checked"] == "originals", row)
        if not already:
            check(row["verdict"] == "proven" and row["sha256_before"] == sha(read(path)), row)
            check(row["sha256_after"] == sha(read(row["output"])), row)


@case
def originals_that_lie_elsewhere():
    key = RANDOM.randbytes(90000)
    plain = {f"d/a{i}.png": png(5000 + 9000 * i) for i in range(4)}
    for path, data in plain.items():
        put(path + ".xyz", joined(data, key))
        if not path.endswith("0.png"):
            put(path.replace("d/", "backup/2024/"), data)
    # Longer than what the originals show.
    put("d/long.png.xyz", joined(png(80000), key))
    done = decrypt("--json", "--originals", "backup", "d", status=0)
    all_back(plain)
    check(not os.path.exists("d/long.png"), "something was made up")
    row = rows(done, "plan").get(os.path.abspath("d/long.png.xyz")) or rows(done)[os.path.abspath("d/long.png.xyz")]
    check(row["state"] == "can be" and "the originals reach as far as" in row["why"], row)
    # Of another time: nothing is learned, nothing is written.
    shutil.rmtree("journal")
    for path in plain:
        os.unlink(path)
        put(path.replace("d/", "wrong/"), png(len(plain[path]) - 200))
    before = tree("d")
    decrypt("--json", "--originals", "wrong", "d")
    check(tree("d") == before, tree("d"))


def der(tag, *parts):
    body = b"".join(parts)
    size = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes([tag]) + size + body


def public_key(n):
    number = n.to_bytes(n.bit_length() // 8 + 1, "big")
    numbers = der(0x30, der(2, number), der(2, b"\1\0\1"))
    return der(0x30, der(0x30, bytes.fromhex("06092a864886f70d0101010500")), der(3, b"\0" + numbers))


def prime_from(n):
    n |= 1
    while any(pow(base, n - 1, n) != 1 for base in (2, 3, 5)):
        n += 2
    return n


@case
def a_public_key_is_tried_for_weakness():
    put("d/a.png" + ENDING, lock(png(500), KEY))
    start = RANDOM.getrandbits(512) | 3 << 510
    p = prime_from(start)
    q = prime_from(p + 300)
    put("weak.der", public_key(p * q))
    decrypt("--json", "--no-search", "--dry-run", "--report", "r.json", "--key", "weak.der", "d")
    keys = json.loads(read("r.json").splitlines()[0])["keys"]
    check(any("factored: primes that are close" in key["origin"] for key in keys), keys)
    put("sound.der", public_key(p * prime_from(RANDOM.getrandbits(512) | 3 << 510)))
    done = decrypt("--no-search", "--dry-run", "--key", "sound.der", "d")
    check(b"cannot open files, and is not weak" in done.stderr, done.stderr)


# --- files that several workers write together: MedusaLocker 3, as its format's file describes it ---


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


def make_rsa(path):
    put(path, seeded.rsa_pem(2048))
    return seeded.rsa(2048)[0]


def lock_blocks(plain, modulus, block, gap):
    """AES-256-ECB over `block` bytes, then `gap` bytes as they are, and so on."""
    aes = RANDOM.randbytes(32)
    number = int.from_bytes(b"\0\2" + b"\x55" * (256 - 35) + b"\0" + aes, "big")
    out, at = bytearray(plain), 0
    while at < len(plain):
        part = plain[at: at + block]
        whole = len(part) & ~15
        out[at: at + whole] = openssl("enc", "-aes-256-ecb", "-nopad", "-K", aes.hex(), data=part[:whole])
        at += block + gap
    sealed = bytes(1280) + pow(number, 65537, modulus).to_bytes(256, "little")
    return bytes(out) + sealed + struct.pack("<QIII", len(plain), gap > 0, block, gap)


def large_sample(folder, plain):
    """One encrypted whole, one with parts that are only copied; the key comes to large.pem."""
    modulus = make_rsa("large.pem")
    for name, block, gap in ("whole.png", 1 << 25, 0), ("parts.png", 1 << 20, 3 << 20):
        plain[f"{folder}/{name}"] = png((20 << 20) + 12345)
        put(f"{folder}/{name}.locked", lock_blocks(plain[f"{folder}/{name}"], modulus, block, gap))


@case
def two_workers_write_large_files():
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    plain = {}
    large_sample("d", plain)
    for options in (), ("--report", "r.json"):
        done = decrypt("--key", "large.pem", *options, "d", status=0)
        all_back(plain)
        check(done.stdout.count(b"proven PNG") == 2, done.stdout)
        for path in plain:
            os.unlink(path)
    # As large as it was, and with a byte changed in what is only copied.
    data = bytearray(read("d/parts.png.locked"))
    data[2 << 20] ^= 1
    put("d/parts.png.locked", bytes(data))
    done = decrypt("--key", "large.pem", "d", status=3)
    check(not os.path.exists("d/parts.png") and sha(read("d/whole.png")) == sha(plain["d/whole.png"]), done.stdout)


# --- kills ---


def leftovers(folder):
    return [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names
            if name.startswith(".candor-rescue-")]


def sound(folder, plain, locked):
    """Originals are there; what has a name of a plain file is whole."""
    now = tree(folder)
    check(all(now.get(path) == digest for path, digest in locked.items()), "an original changed")
    for path, digest in now.items():
        if path in locked or os.path.basename(path).startswith(".candor-rescue-"):
            continue
        check(path in plain, "unexpected:", path)
        check(digest == plain[path], "half-written:", path)


def kill_often(times):
    # More than wait for the disk together.
    plain = sample("d", 150, 3000)
    keys = ["--key", KEY.decode()]
    if shutil.which("openssl"):
        large_sample("d", plain)
        keys += ["--key", "large.pem"]
    locked = tree("d")
    plain = {path: sha(data) for path, data in plain.items()}
    decrypt(*keys, "d", status=0)
    for path in plain:
        os.unlink(path)
    started = time.monotonic()
    decrypt(*keys, "d", status=0)
    longest = 1.1 * (time.monotonic() - started)
    chance = random.Random(12)
    runs = kills = left = 0
    while kills < times:
        for path in plain:
            if chance.random() < 0.8 and os.path.exists(path):
                os.unlink(path)
        process = subprocess.Popen([CANDOR, "rescue", "decrypt", "--journal", "journal", *keys, "d"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        time.sleep(chance.random() * longest)
        process.kill()
        killed = process.wait() == -signal.SIGKILL
        # However fast the machine is now: what ended before is tried at an earlier moment.
        longest *= 1.05 if killed else 0.9
        runs += 1
        kills += killed
        left += len(leftovers("d"))
        sound("d", plain, locked)
    decrypt(*keys, "d", status=0)
    check(not leftovers("d"), leftovers("d"))
    sound("d", plain, locked)
    check(all(path in tree("d") for path in plain), "files are missing")
    print(f"# {kills} of {runs} runs were killed, {left} half-written files were cleaned up, "
          f"0 lost, 0 wrong, 0 left")


@case
def killed_at_random_moments():
    kill_often(KILLS or 40)


@case
def killed_at_every_system_call():
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    plain = sample("d", 2, 700)
    locked = tree("d")
    plain = {path: sha(data) for path, data in plain.items()}
    total = 0
    # What puts files on the disk is done by a thread; nothing else that is started makes these calls.
    threads = ("fsync", "syncfs", "sync_file_range")
    for call in ("openat", "ftruncate", "renameat2", "write", "fdatasync", "fchown", "fchmod", "unlinkat", "utimensat",
                 "fsetxattr", *threads):
        for n in range(1, 60):
            for path in plain:
                if os.path.exists(path):
                    os.unlink(path)
            shutil.rmtree("journal", ignore_errors=True)
            done = subprocess.run(["strace", *(["-f"] if call in threads else []), "-qq", "-o", "/dev/null", "-e",
                                   f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}", CANDOR, "rescue",
                                   "decrypt", "--journal", "journal", "--key", KEY.decode(), "d"],
                                  capture_output=True, check=False, env=ENVIRONMENT, timeout=120)
            if b"ptrace" in done.stderr:
                raise Skip("processes cannot be traced here")
            sound("d", plain, locked)
            if done.returncode in (0, 1):
                break
            total += 1
            decrypt("--key", KEY.decode(), "d", status=0)
            sound("d", plain, locked)
            check(not leftovers("d"), call, n, leftovers("d"))
            check(all(os.path.exists(path) for path in plain), call, n)
    print(f"# killed at {total} system calls")
    check(total > 20, total)


# --- published files ---


def vectors():
    """The published files: given, or unpacked from what lies beside the checkout."""
    if os.environ.get("CANDOR_VECTORS"):
        return os.environ["CANDOR_VECTORS"]
    here = os.path.dirname(os.path.abspath(__file__))
    archive = os.path.normpath(os.path.join(here, "../../../shared/data/ransomware-vectors.tar.xz"))
    if not os.path.exists(archive):
        raise Skip(f"the published files are not there ({archive})")
    with tarfile.open(archive) as tar:
        tar.extractall("unpacked")
    for at, folders, _ in os.walk("unpacked"):
        if "akira" in folders:
            return os.path.abspath(at)
    raise Skip(f"{archive} holds something else")


# Their keys lie beside them. Those of Prometheus have to be searched for, which takes minutes.
WITH_KEYS = {"akira", "enmity", "hive6", "hunters1", "inc", "lockbit3", "lokilocker", "medusalocker3", "megazord",
             "phobos", "play", "proton", "proxima", "qilin", "teslacrypt2", "trinity", "zeppelin"}


@case
def published_files_come_back_to_the_bit():
    base = vectors()
    right, wrong = [], []
    for family in sorted(os.listdir(base)):
        about = os.path.join(base, family, "expect.json")
        if not os.path.exists(about):
            continue
        with open(about, encoding="utf-8") as file:
            expected = file.read()
        shutil.copytree(os.path.join(base, family), f"v/{family}")
        done = decrypt("--json", "--no-search", "--key", os.path.join(base, family), f"v/{family}")
        for row in rows(done).values():
            (right if row.get("sha256_after", "none") in expected else wrong).append((family, row["state"], row.get("why")))
    print(f"# {len(right)} right: {sorted({f for f, *_ in right})}")
    print(f"# {len(wrong)} without a published hash, or not recovered: {wrong}"[:1500])
    check(not [w for w in wrong if w[1] == "recovered" and w[0] != "akira-linux"], wrong)
    check(WITH_KEYS <= {f for f, *_ in right}, WITH_KEYS - {f for f, *_ in right})


@case
def prometheus_needs_no_key():
    """Two files of one seed, which comes early; the second bears no mark."""
    base = os.path.join(vectors(), "prometheus")
    names = ["CyCraft.png.PROM[prometheushelp@mail.ch]", "test.txt.enc"]
    with open(os.path.join(base, "expect.json"), encoding="utf-8") as file:
        expected = json.load(file)
    os.makedirs("v/prometheus")
    for name in names:
        shutil.copy(os.path.join(base, name), "v/prometheus")
    done = decrypt("--json", "v/prometheus")
    got = {os.path.basename(path): row.get("sha256_after") for path, row in rows(done).items()}
    check(got == {name: expected[name]["plain_sha256"] for name in names}, rows(done))


sys.exit(run_cases([killed_at_random_moments] if KILLS else None))

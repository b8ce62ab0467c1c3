#!/usr/bin/env python3
"""Encrypted files of every family that has a test encryptor, as they are after something went wrong: cut, encrypted
twice, left half encrypted, with changed bytes, with another key. The program says so; nothing that is not the plain
file is ever called recovered.

usage: harm.py CANDOR TEST... [--show]

TEST: the programs of tests/unit/rescue/test_families*.c, which write their encryptors' files (samples.h). Those of
round.py are made here. --show: what became of each.
"""
import contextlib
import glob
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Skip, case, check, run_cases  # noqa: E402

SHOW = "--show" in sys.argv
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("CANDOR_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
CANDOR, *TESTS = [os.path.abspath(word) for word in sys.argv[1:] if word != "--show"]
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", LC_ALL="C")

# Keys of these cannot be handed over: they are found by a search, or learned from originals.
NO_KEY = {"blackbasta", "linuxencoder1", "linuxencoder3", "prometheus", "solidbit"}
# By a wrong key of another family that is their right one, by one letter that they do not use, or without a key.
OPENED = {"conti", "linuxencoder3", "medusalocker3", "phobos", "play", "princess", "proxima", "qilin", "shinra",
          "trinity"}
# Known by nothing but its ending.
ENDING = {"nemucod": ".crypted"}
SAMPLES = {}


def path_of(name, what):
    return f"d/{name}/{what}/picture.png" + ENDING.get(name.rsplit("-", 1)[0], ".locked")


class Sample:
    def __init__(self, plain, locked, twice, key, other):
        self.plain, self.locked, self.twice, self.key, self.other = plain, locked, twice, key, other


def read(path):
    with open(path, "rb") as file:
        return file.read()


def put(path, data):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def put_keys(name, keys):
    for index, key in enumerate(keys or []):
        put(f"keys/{name}-{index}", key)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def from_tests(folder):
    os.makedirs(folder)
    for test in TESTS:
        subprocess.run([test], check=True, stdout=subprocess.DEVNULL, env=dict(ENVIRONMENT, CANDOR_SAMPLES=folder))
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".locked"):
            continue
        base = os.path.join(folder, name[:-7])
        keys = [[read(f"{base}.{end}")] if os.path.exists(f"{base}.{end}") else None for end in ("key", "other")]
        SAMPLES[name[:-7]] = Sample(*(read(f"{base}.{end}") for end in ("plain", "locked", "twice")), *keys)


def from_round(plain):
    """Those whose encryptors are in Python, where what they need is installed."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            import round as made  # pylint: disable=import-outside-toplevel
            import round_marked as marked  # pylint: disable=import-outside-toplevel
    except SystemExit:
        print("# " + said.getvalue().strip())
        return
    serialization = made.serialization

    def pem(key):
        if isinstance(key, made.x25519.X25519PrivateKey):
            return key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                                     serialization.NoEncryption()).hex().encode()
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                 serialization.NoEncryption())

    def written(key):
        """A key, or several that a file wants, each in a file of its own."""
        return [part if isinstance(part, bytes) else pem(part) for part in (key if isinstance(key, tuple) else (key,))]

    large = next(s.plain for s in SAMPLES.values() if len(s.plain) > 3 << 20)

    def add(name, make, encrypt, plain=plain):
        key, other = make(0), make(1)
        once = encrypt(key, plain)
        SAMPLES[f"{name}-{len(plain)}"] = Sample(plain, once, encrypt(key, once), written(key), written(other))

    def rsa(bits):
        return lambda index: made.rsa_key(bits, index)
    add("akira", rsa(4096), lambda key, data: made.akira(key, data, 2, 15))
    add("enmity", rsa(4096), lambda key, data: made.enmity(key, data, b"LB", True))
    add("hive", rsa(5120), made.hive)
    add("hunters1", rsa(5120), made.hunters1)
    add("hunters2", rsa(5120), lambda key, data: made.hunters2(key, data, 0, 1))
    add("inc", lambda _: made.curve_key(), made.inc)
    add("lockbit3", rsa(1024), lambda key, data: made.lockbit3(key, data, 0, 0, 0))
    add("lokilocker", rsa(2048), made.lokilocker)
    add("rcru64", rsa(2048), lambda key, data: made.rcru64(key, data, None, b""))
    add("deadbolt", lambda _: made.noise(16), marked.deadbolt)
    add("fonix", rsa(2048), marked.fonix)
    add("hardbit", lambda index: (b"password 12345 %d" % index, made.noise(16)), marked.hardbit)
    add("mimic", lambda _: made.curve_key(), marked.mimic)
    add("mimic", lambda _: made.curve_key(), marked.mimic, large)
    add("surtr", rsa(1024), marked.surtr)
    add("surtr", rsa(1024), marked.surtr, large)
    add("teslarvng", lambda index: (made.rsa_key(3072, index), made.curve_key()), marked.teslarvng)
    add("teslarvng", lambda index: (made.rsa_key(3072, index), made.curve_key()),
        lambda keys, data: marked.teslarvng(keys, data, 3, 4), large)
    add("hardbit", lambda index: (b"password 67890 %d" % index, made.noise(16)), marked.hardbit, large)
    add("sojusz", rsa(2048), lambda key, data: made.sojusz(key, data, True))


def make_samples():
    from_tests("samples")
    from_round(next(s.plain for s in SAMPLES.values() if len(s.plain) < 10000))


def changed(data, at):
    out = bytearray(data)
    out[at] ^= 0x40
    return bytes(out)


def harmed(sample):
    """What may have happened: name and bytes."""
    locked, plain = sample.locked, sample.plain
    half = len(plain) // 2
    yield "whole", locked
    yield "cut-300", locked[:-300]
    yield "twice", sample.twice
    yield "interrupted", locked[:half] + plain[half:] + locked[len(plain):]
    if len(plain) > 1 << 20:
        return
    for less in 1, 17, 600:
        yield f"cut-{less}", locked[:-less]
    yield "cut-half", locked[:len(locked) // 2]
    yield "begin-lost", locked[4096:]
    yield "interrupted-before-its-end", locked[:half] + plain[half:]
    yield "changed", changed(locked, half // 3)
    yield "changed-end", changed(locked, len(locked) - 40)
    yield "longer", locked + b"\0" * 16


def decrypt(folder, *keys):
    done = subprocess.run([CANDOR, "rescue", "decrypt", "--no-search", "--json", "--journal", "journal", *keys,
                           folder], capture_output=True, timeout=900, check=False, env=ENVIRONMENT)
    check(b"Sanitizer" not in done.stderr, done.stderr)
    check(done.returncode in (0, 1, 3), done.returncode, done.stderr)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {os.path.relpath(row["path"], os.path.realpath(folder)): row for row in rows if row["type"] == "file"}


def is_said(path, row):
    """Of those that are not what they were: bytes behind the end that nobody can know of, or noise from a file whose
    begin is gone. Both are said, and not called proven."""
    harm = path.split("/")[1]
    said = row.get("proof") or ""
    # Princess fills up to 128 bytes, and writes nowhere how many.
    return ((harm == "longer" or row["family"] == "princess") and row["verdict"] == "plausible" and "after its end" in said) or \
        (harm == "begin-lost" and row["verdict"] == "unknown" and "as noise" in said)


def bad_rows(rows, wanted):
    """Those that are called recovered and are not what they were."""
    bad = []
    for path, row in sorted(rows.items()):
        if SHOW:
            print("#", path, row["state"], row.get("family"), row.get("verdict"), row.get("kind"), row.get("why"))
        if row["state"] == "recovered" and row.get("sha256_after") != wanted(path.split("/")[0]) \
                and not is_said(path, row):
            bad.append((path, row.get("family"), row.get("verdict"), row.get("why"), row.get("proof")))
    return bad


def is_plain(name):
    return sha(SAMPLES[name].plain)


@case
def nothing_harmed_is_called_recovered():
    if not SAMPLES:
        make_samples()
    for name, sample in SAMPLES.items():
        for what, data in harmed(sample):
            put(path_of(name, what), data)
        put_keys(name, sample.key)
    rows = decrypt("d", "--key", "keys")
    bad = bad_rows(rows, is_plain)
    check(not bad, *bad)
    missing = [name for name, sample in SAMPLES.items() if sample.key
               and rows.get(path_of(name, "whole")[2:], {}).get("state") != "recovered"]
    check(not missing, "not recovered with its key:", missing)
    print(f"# {len(SAMPLES)} files of {len({n.rsplit('-', 1)[0] for n in SAMPLES})} families, "
          f"{sum(1 for s in SAMPLES.values() if s.key)} with their key, each harmed in 12 ways, large ones in 3: "
          f"{sum(row['state'] == 'recovered' for row in rows.values())} recovered, all are what they were")


@case
def with_another_key_nothing_is_recovered():
    if not SAMPLES:
        make_samples()
    for name, sample in SAMPLES.items():
        put(path_of(name, "whole"), sample.locked)
        put_keys(name, sample.other)
    rows = decrypt("d", "--key", "keys")
    # What is a wrong key of one is the right one of another: then it is what it was.
    bad = bad_rows(rows, is_plain)
    check(not bad, *bad)
    opened = {name.rsplit("-", 1)[0] for name in SAMPLES if rows[path_of(name, "whole")[2:]]["state"] == "recovered"}
    check(opened <= OPENED, "opened by other keys:", *sorted(opened - OPENED))


@case
def files_are_named_as_what_they_are():
    """By their bytes alone; no harmed file is surely another family's."""
    if not SAMPLES:
        make_samples()
    for name, sample in SAMPLES.items():
        for what, data in harmed(sample):
            put(f"d/{name}/{what}", data)
    done = subprocess.run([CANDOR, "rescue", "identify", "--json", "d"], capture_output=True, timeout=900, check=False,
                          env=ENVIRONMENT)
    named, wrong = set(), []
    for line in done.stdout.splitlines():
        row = json.loads(line)
        if not row.get("sure"):
            continue
        sample = os.path.basename(os.path.dirname(row["path"])).rsplit("-", 1)[0]
        family = row["families"][0]["family"]
        flat = family.replace("-", "")
        if not any(sample.startswith(part) or part.startswith(sample) for part in ALSO.get(flat, [flat])):
            wrong.append((row["path"], family))
        elif os.path.basename(row["path"]) == "whole":
            named.add(sample)
    check(not wrong, *wrong)
    families = {name.rsplit("-", 1)[0] for name in SAMPLES}
    print(f"# {len(named)} of {len(families)} named from their bytes; not: {' '.join(sorted(families - named))}")


@case
def formats_that_the_catalogue_names_exist():
    with open(os.path.join(ROOT, "src/rescue/formats/table.c"), encoding="ascii") as file:
        known = set(re.findall(r"&format_(\w+)", file.read()))
    missing = []
    for path in glob.glob(os.path.join(ROOT, "definitions/ransomware/*.yaml")):
        for line in re.findall(r"^formats: \[(.*)\]", read(path).decode(), re.M):
            missing += [(os.path.basename(path), name) for name in re.findall(r'"(.*?)"', line) if name not in known]
    check(not missing and len(known) > 40, *missing)


def harmed_published(locked):
    size = len(locked)
    hole = min(65536, size // 4)
    yield "whole", locked
    for less in 1, 16, 100, 700, 4000:
        yield f"cut-{less}", locked[:-less]
    yield "cut-half", locked[:size // 2]
    yield "begin-lost", locked[4096:]
    yield "longer", locked + bytes(16)
    yield "zeros-within", locked[:size // 2] + bytes(hole) + locked[size // 2 + hole:]
    yield "zeros-behind", locked[:size // 2] + bytes(max(0, size - size // 2 - 2000)) + locked[-2000:]


@case
def published_files_harmed_are_not_called_recovered():
    packed = os.path.join(SHARED, "data", "ransomware-vectors.tar.xz")
    if not os.path.exists(packed):
        raise Skip(f"no {packed}")
    with tarfile.open(packed) as tar:
        tar.extractall("published")
    root = next(path for path, folders, _ in os.walk("published") if "akira-linux" in folders)
    wanted = {}
    for listed in glob.glob(f"{root}/*/expect.json"):
        family = os.path.basename(os.path.dirname(listed))
        expect = json.loads(read(listed))
        for name in os.listdir(os.path.dirname(listed)):
            path = os.path.join(os.path.dirname(listed), name)
            if name in expect:
                wanted[family] = wanted.get(family, []) + [expect[name].get("plain_sha256")]
                for what, data in harmed_published(read(path)):
                    put(f"d/{family}/{what}/{name}", data)
            elif name not in ("expect.json", "LICENSE"):
                put(f"keys/{family}-{name}", read(path))
    rows = decrypt("d", "--key", "keys")
    bad = [(path, row) for path, row in rows.items() if row["state"] == "recovered" and not is_said(path, row)
           and row.get("sha256_after") not in wanted[path.split("/")[0]]]
    check(not bad, *bad)
    whole = {path.split("/")[0] for path, row in rows.items() if "/whole/" in path and row["state"] == "recovered"}
    check(len(whole) >= 16, "with their keys:", *sorted(whole))
    print(f"# {len(rows)} files; of {len(whole)} families the whole ones are recovered")


# Several formats of one family, and a family whose program others use.
ALSO = {"conti": ["conti"], "chaos": ["chaos", "onyx2", "solidbit"], "proton": ["proton", "shinra"],
        "linuxencoder": ["linuxencoder"], "lockbit": ["lockbit"], "alphv": ["alphv"]}


if __name__ == "__main__":
    try:
        sys.exit(run_cases())
    finally:
        shutil.rmtree("samples", ignore_errors=True)

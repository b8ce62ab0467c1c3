#!/usr/bin/env python3
"""Published encrypted files beside those that the project's own tests know: whole files come back.

usage: further.py CANDOR

CANDOR_PUBLISHED names a checkout of github.com/rivitna/Malware (MIT), which holds decryptors, test files and the
keys for them; without one all is skipped. Each file is handed over under a name that says nothing. What must come out
is known by more than one family: several encrypted the same two pictures."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Skip, case, check, run_cases  # noqa: E402

CANDOR = os.path.abspath(sys.argv[1])
PUBLISHED = os.environ.get("CANDOR_PUBLISHED")
FIRST = "0842ee44f23b20d9b3ae89c9571bf87430457fa775e1be7a70dc345e3787b86c"
SECOND = "e53ab305199e259ca69765b9538c10faf1a4877d9f05399bce46ebb6bf9eb6d8"
# Family; folder; file; keys; SHA-256 of the plain file.
FILES = [
    ("alphv", "BlackCat/ALPHV3", "blackcat.png.xxxxxxx", ["example_privkey.bin"],
     "8a2e0be49f9709c7aebf09c51c08ace9755b1d677dc1b063ecf60199e382d110"),
    ("enmity", "Enmity", "test/P7Xeshx0odJbGUC-Mail[justrecova@gmail.com]ID-[DEKZ1ACGNOM0S9].tb56Ez",
     ["rsa_privkey.txt", "sprivkey.txt", "test/keyforunlock/RSAdecr.keys.dec"], SECOND),
    ("hunters", "Hunters", "test2/test.jpg.locked", ["rsa_privkey0.bin", "rsa_privkey1.bin"], SECOND),
    ("inc", "Inc", "test2.jpg.INC", ["privkey.bin"], SECOND),
    ("lokilocker", "LokiLocker", "[attacker1@mail][BADC0C0A]test2.jpg.BlackBit", ["rsa_privkey.xml"], SECOND),
    ("phobos", "Phobos", "test2.jpg.id[BADC0C0A-0000].[attacker@tutanota.com].demo", ["rsa_privkey.bin"], SECOND),
    ("proton", "Proton", "test2.jpg.[attacker1@mail].Proton", ["privkey.bin"], SECOND),
    ("shinra", "Proton", "o9USnhr2fY.OPIX", ["privkey.bin"], SECOND),
    ("shinra", "Proton", "vm8vNF8peo.OPIX", ["privkey.bin"], FIRST),
    ("proxima", "Proxima", "test2.jpg.Black", ["privkey.bin"], SECOND),
    ("qilin", "Qilin", "qilin1.jpg.xxxxxxxxxx", ["rsa_privkey.pem"],
     "86426d8af3329040f2f96d9708fd20b1f87d73754e03eaf296f1b75d527d8516"),
    ("rcru64", "RCRU64", "test.jpg_[ID-C9YWN_Mail-mail@mail].HMC", ["rsa_privkey0.txt"],
     "7825568fd61eb64f29c5975f56199d4476d2718b17d8a7fe1a683e97ac0c8827"),
    ("sojusz", "Sojusz", "test1.jpg.[57fe77f1f3].[oct@sent.com].nigra", ["privkey.txt"], FIRST),
    ("sojusz", "Sojusz", "test2.jpg.[57fe77f1f3].[oct@sent.com].nigra", ["privkey.txt"], SECOND),
    ("trinity", "Trinity", "test2.jpg.trinitylock", ["privkey.txt"], SECOND),
]


def opened(path, keys):
    """The row of the one file."""
    words = [word for key in keys for word in ("--key", key)]
    done = subprocess.run([CANDOR, "rescue", "decrypt", "--no-search", "--json", "--journal", "journal", *words, path],
                          capture_output=True, timeout=600, check=False,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0", LC_ALL="C"))
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    files = [row for row in rows if row["type"] == "file"]
    check(files, done.stdout, done.stderr)
    return files[0]


@case
def whole_files_come_back_from_their_bytes_alone():
    if not PUBLISHED:
        raise Skip("CANDOR_PUBLISHED names no checkout of github.com/rivitna/Malware")
    bad = []
    for number, (family, folder, name, keys, wanted) in enumerate(FILES):
        base = os.path.join(PUBLISHED, folder)
        os.makedirs(f"d/{number}")
        shutil.copy(os.path.join(base, name), f"d/{number}/x")
        row = opened(f"d/{number}/x", [os.path.join(base, key) for key in keys])
        if row.get("sha256_after") != wanted or row.get("family") != family:
            bad.append((family, name, row))
    check(not bad, *bad)
    print(f"# {len(FILES)} files of {len({row[0] for row in FILES})} formats")


sys.exit(run_cases())

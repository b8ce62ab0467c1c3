#!/usr/bin/env python3
"""`candor rescue identify|learn|triage|recheck` as a person runs them, on ../shared's vectors and
notes where they are there, and on made-up ones always.

usage: rescue_identify.py CANDOR
"""
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("CANDOR_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
CANDOR = os.path.abspath(sys.argv[1])
RANDOM = random.Random(13)
count = failed = 0

# Vectors whose files bear no mark at all: whole-file noise, or a plain file with changed parts.
MARKLESS = {"akira-linux", "blackbyte", "prometheus"}
FAMILY = {"akira-linux": "akira", "hive6": "hive", "hunters1": "hunters", "lockbit3": "lockbit",
          "linux-encoder-3": "linux-encoder", "medusalocker3": "medusalocker",
          "teslacrypt2": "teslacrypt"}


def check(good, what):
    global count, failed
    count += 1
    failed += not good
    print(f"{'' if good else 'not '}ok {count} - {what}")


def run(*words, status=None):
    run = subprocess.run([CANDOR, "rescue", *words], text=True, capture_output=True,
                         errors="replace")
    if status is not None and run.returncode != status:
        check(False, f"{words[0]} ends with {status}, not {run.returncode}: {run.stderr[-300:]}")
    return run


def identify(path, *words):
    lines = run("identify", "--json", *words, path, status=0).stdout.splitlines()
    return json.loads(lines[0]) if lines else {}


def made_up(at):
    note = ("Your network was breached and all files are encrypted. To decrypt them you need our "
            "private key. Download Tor Browser and write to us, your personal ID is 8A7F. If you do "
            "not pay in bitcoin within 72 hours your stolen data will be published on our blog.\n")
    path = os.path.join(at, "READ THIS.txt")
    with open(path, "w") as file:
        file.write(note)
    check(identify(path)["kind"] == "note", "a note of no known family is a note")
    with open(path, "wb") as file:
        file.write(b"\xff\xfe" + note.encode("utf-16-le"))
    check(identify(path)["kind"] == "note", "in UTF-16 too")
    with open(path, "w") as file:
        file.write("<html><body><p>" + note.replace(". ", ".</p><p>") + "</body></html>")
    check(identify(path)["kind"] == "note", "in HTML too")
    with open(path, "w") as file:
        file.write("This package encrypts and decrypts files with GnuPG keys. See gpg(1) for the "
                   "options, and write to the list with questions.\n" * 5)
    check(identify(path)["kind"] == "nothing", "a manual of encryption is none")
    with open(path, "wb") as file:
        file.write(RANDOM.randbytes(5000) + b"\x66\x11\x61\x66")
    found = identify(path)
    check(found["kind"] == "encrypted" and found["families"][0]["family"] == "maze",
          "a mark at the end names Maze")
    check(run("identify", os.path.join(at, "none")).returncode == 2, "a file that is not there")


def recent(at):
    """Families of 2025 and 2026, by what is published of their files and notes."""
    for ending, family in ((".sss", "cephalus"), (".BQTLOCK", "bqtlock"), (".Yurei", "yurei"), (".DEVMAN", "devman"),
                           (".zpsc", "kraken"), (".nspire", "nightspire"), (".crypto24", "crypto24"),
                           (".LYNX", "lynx"), (".tengu", "tengu"), (".interlock", "interlock"),
                           (".{9FBBD051-18C1-DD7D-7970-05C896B83093}.BEAST", "beast"), (".chaos", "chaos")):
        path = os.path.join(at, "report.docx" + ending)
        with open(path, "wb") as file:
            file.write(RANDOM.randbytes(5000))
        found = identify(path)
        check(found["kind"] == "encrypted" and found["families"][0]["family"] == family and
              not any("not confirmed" in reason["text"] for reason in found["families"][0]["reasons"]),
              f"{ending} is {family}'s")
    for name, family in (("READ_ME-NOW_2526968.txt", "bqtlock"), ("_README_TENGU.txt", "tengu"),
                         ("ReadMeForDecrypt.txt", "lockbit"), ("README.yAGRTb.txt", "devman")):
        path = os.path.join(at, name)
        with open(path, "w") as file:
            file.write("Your files are encrypted and your data is stolen. Pay in Bitcoin, or they are published. "
                       "Contact us through the Tor browser with your personal ID to get the decryptor.\n")
        found = identify(path)
        check([guess["family"] for guess in found["families"]][:1] == [family], f"{name} is {family}'s: {found}")


def learned(at):
    notes, model = os.path.join(at, "learn"), os.path.join(at, "model")
    for family, word in (("redteam", "crimson"), ("blueteam", "azure")):
        os.makedirs(os.path.join(notes, family))
        for i in range(2):
            with open(os.path.join(notes, family, f"note{i}.txt"), "w") as file:
                file.write(f"All your files are {word} locked now. Write to {family}{i}@{word}.example "
                           f"for the price of the {word} key. Do not rename anything.\n")
    run("learn", notes, "-o", model, status=0)
    path = os.path.join(at, "new.txt")
    with open(path, "w") as file:
        file.write("All your files are azure locked now. Write to blueteam1@azure.example soon.\n")
    found = identify(path, "--notes", model)
    check(found["kind"] == "note" and found["families"][0]["family"] == "blueteam",
          "a learned model names its family")
    with open(model, "r+b") as file:
        file.truncate(1000)
    check(run("identify", "--notes", model, path).returncode == 2, "a model cut short is refused")


def triaged(at):
    place, cases = os.path.join(at, "place"), os.path.join(at, "cases")
    os.makedirs(os.path.join(place, ".snapshots", "1", "snapshot"))
    for i in range(5):
        with open(os.path.join(place, f"report{i}.pdf.abyss"), "wb") as file:
            file.write(RANDOM.randbytes(9000))
    with open(os.path.join(place, "good.txt"), "w") as file:
        file.write("a shopping list: bread, butter, milk\n")
    os.symlink("/etc", os.path.join(place, "out"))
    before = sorted(os.listdir(place))
    done = run("triage", "--json", "--wait", "0", "--cases", cases, place, status=1)
    found = json.loads(done.stdout)
    check(found["encrypted"] == 5 and found["files"] == 6, "triage counts, and follows no link")
    check(found["families"][0]["family"] == "abysslocker", "triage names the family")
    check(any(s["kind"] == "Snapper" for s in found["snapshots"]), "triage finds a snapshot")
    check(sorted(os.listdir(place)) == before, "triage changes nothing")
    words = run("triage", "--wait", "0", "--no-record", place, status=1).stdout
    check("WHAT TO DO FIRST" in words and "5 are encrypted" in words, "triage says it in words")
    with open(os.path.join(place, "report0.pdf.abyss"), "ab") as held:
        held.write(b"x")
        found = json.loads(run("triage", "--json", "--wait", "0", "--no-record", place).stdout)
        check(any(w["pid"] == os.getpid() for w in found["writers"]), "triage finds who writes")
    check(run("recheck", "--cases", cases, status=0).stdout.startswith("1 case"),
          "a case is recorded and has no news")
    case = glob.glob(os.path.join(cases, "case-*.json"))[0]
    with open(case) as file:
        text = file.read()
    with open(case, "w") as file:
        file.write(text.replace('"rescue":"not-today"', '"rescue":"unknown"'))
    check("abysslocker" in run("recheck", "--cases", cases, status=1).stdout, "news are said")
    with open(case, "w") as file:
        file.write(text[:50])
    check("cannot be read" in run("recheck", "--cases", cases).stdout, "a damaged case is said")


def linked(at):
    """Noise whose ending the name of a note begins with."""
    note = ("Your network was breached by Akira and all files are encrypted. To decrypt them you need our "
            "private key. Download Tor Browser and write to us: "
            "https://akiral2iz6a7qgd3ayp3l6yub7xx2uep76idk3u2kollpj5z3z636bad.onion with your personal ID. If "
            "you do not pay within 72 hours your stolen data will be published on our blog.\n")
    with open(os.path.join(at, "q9ZxT4aB1.README.txt"), "w") as file:
        file.write(note)
    for i in range(4):
        with open(os.path.join(at, f"letter{i}.odt.q9ZxT4aB1"), "wb") as file:
            file.write(RANDOM.randbytes(7001))
        with open(os.path.join(at, f"song{i}.mp3.xyzzy"), "wb") as file:
            file.write(RANDOM.randbytes(7001))
    found = json.loads(run("triage", "--json", "--wait", "0", "--no-record", at, status=1).stdout)
    family = found["families"][0]
    check(family["family"] == "akira" and family["linked"] == 4 and family["encrypted"] == 4,
          "noise is its family's whose note has its ending")
    words = run("triage", "--wait", "0", "--no-record", at, status=1).stdout
    check("4 files are noise and end in '.q9zxt4ab1'" in words, "and the reason is said")
    check("4 files are noise from the first byte and end in '.xyzzy'" in words, "odd endings are said")


def is_vector(path):
    name = os.path.basename(path)
    return os.path.isfile(path) and not name.startswith(("expect", "LICENSE", "rsa", "priv", "pub",
                                                         "key", "aes_key", "spriv", "personal",
                                                         "marker", "RSAdecr", "forest"))


def vectors(at):
    packed = os.path.join(SHARED, "data", "ransomware-vectors.tar.xz")
    if not os.path.exists(packed):
        print(f"# no {packed}: vectors are skipped")
        return
    subprocess.run(["tar", "-xJf", packed, "-C", at], check=True)
    root = next(path for path, folders, _ in os.walk(at) if "akira-linux" in folders)
    named = wrong = 0
    for family in sorted(os.listdir(root)):
        if family == "petya" or not os.path.isdir(os.path.join(root, family)):
            continue
        for path in filter(is_vector, glob.glob(os.path.join(root, glob.escape(family), "*"))):
            bare = os.path.join(at, "bare")
            shutil.copyfile(path, bare)
            found = identify(bare)
            sure = found["sure"] and found["families"][0]["family"]
            is_right = sure == FAMILY.get(family, family)
            named += is_right
            wrong += bool(sure) and not is_right
            print(f"# {family}: {sure or found['kind']}")
    check(wrong == 0, f"no vector has a wrong name ({named} have the right one)")
    check(named >= 20, f"{named} vectors are named from their bytes alone")


def main():
    for part in (made_up, recent, learned, triaged, linked, vectors):
        with tempfile.TemporaryDirectory() as at:
            part(at)
    print(f"1..{count}")
    return failed != 0


sys.exit(main())

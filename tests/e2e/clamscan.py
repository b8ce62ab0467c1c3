#!/usr/bin/env python3
"""candor clamscan: what cannot be compared with clamscan, because it is ours.

usage: clamscan.py CANDOR

What clamscan is silent about is said; deeds touch the file that was examined and no other; the
program knows the command by its name. tests/oracle/clamscan.py compares the rest. Prints TAP."""
import os
import subprocess
import sys
import tempfile
import threading
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Skip, case, check, run_cases  # noqa: E402

CANDOR = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
MARK = b"MARKER-of-candor"


def put(name, data):
    with open(name, "wb") as file:
        file.write(data)


def run(*words, program=(CANDOR, "clamscan"), **more):
    return subprocess.run([*program, "-d", "db.yar", *words], capture_output=True, timeout=600, check=False,
                          env=dict(os.environ, XDG_CACHE_HOME=os.path.abspath("cache")), **more)


def locked():
    """A zip whose member says it is encrypted."""
    with zipfile.ZipFile("locked.zip", "w") as archive:
        archive.writestr("member", b"text of the member")
    data = bytearray(open("locked.zip", "rb").read())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    put("locked.zip", data)


@case
def skipped_is_said():
    locked()
    done = run("locked.zip")
    check(done.returncode == 0 and b"locked.zip: OK\n" in done.stdout, done)
    check(b"WARNING: locked.zip > member: not fully examined: encrypted" in done.stderr, done)
    check(b"\nNot fully examined: 1\n" in done.stdout, done)
    check(run("--strict", "locked.zip").returncode == 2)
    done = run("--quiet", "--no-summary", "locked.zip")
    check(done.returncode == 0 and not done.stderr and not done.stdout, done)


@case
def limit_is_said():
    put("large", b"x" * 5000)
    done = run("--max-filesize=1K", "large")
    check(done.returncode == 0 and b"not fully examined: it is larger" in done.stderr, done)


@case
def deep_folders_are_said():
    os.makedirs("a/b/c")
    put("a/b/c/found", MARK)
    done = run("-r", "--max-dir-recursion=2", "a")
    check(done.returncode == 0 and b"a/b/c: not examined" in done.stderr, done)
    check(b"Not fully examined: 1" in done.stdout, done)


@case
def alerts_are_findings_where_they_are_asked_for():
    put("cards", b"4111 1111 1111 1111, 378282246310005 and 5555555555554444")
    put("program", b"\x7fELF\x07" + bytes(100))
    put("picture", b"GIF89a\x01\x00\x01")
    for option, name, alert in (("--detect-structured", "cards", b"Structured.CreditCardNumber"),
                                ("--alert-broken", "program", b"Broken.Executable"),
                                ("--alert-broken-media", "picture", b"Broken.Media.GIF.TruncatedScreenDescriptor")):
        for jobs in ("--jobs=1", "--jobs=2"):
            done = run(option, jobs, "cards", "program", "picture")
            check(done.returncode == 1 and done.stdout.count(b" FOUND") == 1, done)
            check(name.encode() + b": Heuristics." + alert + b" FOUND\n" in done.stdout, done)
        check(run(option + "=no", name).returncode == 0, name)
    check(run("--alert-broken-media", "--heuristic-alerts=no", "picture").returncode == 0, "no heuristics")
    done = run("--detect-structured", "--structured-cc-mode=2", "cards")
    check(done.returncode == 2 and b"Invalid argument for --structured-cc-mode" in done.stderr, done)


@case
def what_has_no_effect_is_said_once():
    put("clean", b"clean")
    done = run("--scan-pe=no", "--pcre-match-limit=3", "clean", "clean")
    check(done.stderr.count(b"has no effect") == 2 and b"--scan-pe" in done.stderr, done)
    check(b"has no effect" not in run("--scan-pe=yes", "clean").stderr)


@case
def names():
    put("found", MARK)
    for name in ("clamscan", "candor-clamscan"):
        os.symlink(CANDOR, name)
        done = run("--no-summary", "found", program=[os.path.abspath(name)])
        check(done.returncode == 1 and done.stdout == b"found: YARA.Mark.UNOFFICIAL FOUND\n", done)
    done = subprocess.run(["./clamscan", "--version"], capture_output=True, timeout=600, check=False)
    check(done.stdout.startswith(b"Candor ") and b"ClamAV 1.4" in done.stdout, done)


@case
def a_name_is_no_line():
    put("x: OK\ny", MARK)
    done = run("--no-summary", "x: OK\ny")
    check(done.stdout == b"x: OK\\x0ay: YARA.Mark.UNOFFICIAL FOUND\n", done)
    os.mkdir("away")
    done = run("--no-summary", "--move=away", "-l", "log", "x: OK\ny")
    check(done.stdout.count(b"\n") == 2 and os.path.exists("away/x: OK\ny"), done)
    check(open("log", "rb").read().endswith(done.stdout), open("log", "rb").read())


@case
def links_lead_to_the_file():
    put("precious", b"precious")
    put("found", MARK)
    os.mkdir("folder")
    os.symlink("../found", "folder/link")
    done = run("--remove", "--no-summary", "folder/link")
    check(done.returncode == 1 and not os.path.exists("found") and os.path.islink("folder/link"), done)


@case
def moved_over_nothing():
    os.makedirs("a/away")
    for number in range(3):
        put("found", MARK + b"%d" % number)
        check(run("--move=a/away", "found").returncode == 1)
    check([open("a/away/" + name, "rb").read()[-1:] for name in ("found", "found.001", "found.002")]
          == [b"0", b"1", b"2"], os.listdir("a/away"))
    put("found", MARK)
    os.chmod("found", 0o640)
    check(run("--copy=a/away", "found").returncode == 1)
    check(os.stat("a/away/found.003").st_mode & 0o777 == 0o600 and os.path.exists("found"))


@case
def moved_to_another_file_system():
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(".").st_dev:
        raise Skip("there is no other file system")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as away:
        put("found", MARK)
        done = run("--move=" + away, "found")
        check(done.returncode == 1 and not os.path.exists("found"), done)
        check(open(away + "/found", "rb").read() == MARK)
    return None


@case
def what_takes_its_place_stays():
    """Somebody exchanges the file and a link to what is precious, again and again."""
    over = threading.Event()
    os.mkdir("away")
    put("precious", b"precious")

    def exchange():
        while not over.is_set():
            put("new", MARK)
            os.replace("new", "victim")
            os.symlink("precious", "link")
            os.replace("link", "victim")
            os.link("precious", "again")
            os.replace("again", "victim")
    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        for number in range(24):
            run(("--remove", "--move=away", "--copy=away")[number % 3], "--no-summary", "victim")
    finally:
        over.set()
        thread.join()
    check(open("precious", "rb").read() == b"precious")
    for name in os.listdir("away"):
        check(open("away/" + name, "rb").read() == MARK, name)


@case
def the_log_is_no_link():
    put("precious", b"precious")
    os.symlink("precious", "log")
    done = run("-l", "log", "precious")
    check(done.returncode == 2 and open("precious", "rb").read() == b"precious", done)


sys.exit(run_cases(begin=lambda: put("db.yar", b'rule Mark { strings: $a = "%s" condition: $a }' % MARK)))

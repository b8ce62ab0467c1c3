#!/usr/bin/env python3
"""candor scan --quarantine and candor quarantine, as a person or a program runs them: what goes,
what comes back, and what is there when they are killed at any system call.

usage: quarantine.py CANDOR

Prints TAP. Every case makes its own folder; nothing outside it is touched."""
import hashlib
import json
import os
import pty
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Skip, case, check, run_cases  # noqa: E402

CANDOR = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
RULE = 'rule mark { meta: description = "a mark" strings: $m = "MARK" condition: $m }'
# Sanitizers cannot look for leaks in a process that is traced.
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", LC_ALL="C")


def put(name, data=b"a MARK here"):
    os.makedirs(os.path.dirname(name) or b".", exist_ok=True)
    with open(name, "wb") as file:
        file.write(data)


def run(*arguments, before=(), **more):
    return subprocess.run([*before, CANDOR, *arguments], capture_output=True, timeout=600, check=False,
                          env=ENVIRONMENT, **more)


SCAN = "scan", "--no-default-definitions", "--rules", "rule.yar", "--jobs", "1", "--quarantine-directory", "v"


def scan(*arguments, **more):
    return run(*SCAN, *arguments, **more)


def quarantine(command, *arguments, **more):
    return run("quarantine", command, *arguments, "--directory", "v", **more)


def entries():
    done = quarantine("list", "--json")
    check(done.returncode == 0, done)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def facts(name):
    """Everything about a file that has to come back."""
    st = os.lstat(name)
    with open(name, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest() if sys.version_info >= (3, 11) else \
            hashlib.sha256(file.read()).hexdigest()
    attributes = {a: os.getxattr(name, a) for a in os.listxattr(name)}
    return dict(sha256=digest, mode=stat.S_IMODE(st.st_mode), uid=st.st_uid, gid=st.st_gid, size=st.st_size,
                mtime=st.st_mtime_ns, attributes=attributes)


def access_list(user):
    """user::rwx, user:USER:rw-, group::r--, mask::rwx, other::---, as the kernel stores it."""
    rows = (1, 7, 0xffffffff), (2, 6, user), (4, 4, 0xffffffff), (16, 7, 0xffffffff), (32, 0, 0xffffffff)
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)


def dress(name):
    """Gives a file all that can be lost on the way."""
    for attribute, value in ((b"user.empty", b""), (b"user.bytes", bytes(range(256))),
                             (b"system.posix_acl_access", access_list(12345))):
        try:
            os.setxattr(name, attribute, value)
        except OSError as error:
            raise Skip(f"the file system of {os.getcwd()} keeps no {attribute.decode()}") from error
    if os.geteuid() == 0:
        os.setxattr(name, "trusted.candor", b"t")
        os.chown(name, 12, 34)
        os.setxattr(name, "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
    os.chmod(name, 0o6754 if os.geteuid() == 0 else 0o754)
    os.utime(name, ns=(1577934245123456789, 1577934246987654321))


@case
def goes_and_comes_back():
    put("d/c\xff\n".encode("latin1"), b"MARK" + bytes(200000))
    name = b"d/c\xff\n"
    dress(name)
    before = facts(name)
    os.utime(name, ns=(1577934245123456789, 1577934246987654321))
    done = scan("d")
    check(done.returncode == 1 and b"moved to quarantine as" in done.stdout, done)
    check(os.listdir("d") == [] and sorted(os.listdir("v"))[-1] == "key", os.listdir("d"))
    with open("v/" + [n for n in os.listdir("v") if n != "key"][0], "rb") as file:
        check(b"MARK" not in file.read(), "what is in quarantine can be read")
    check(stat.S_IMODE(os.stat("v").st_mode) == 0o700 and stat.S_IMODE(os.stat("v/key").st_mode) == 0o600)
    (entry,) = entries()
    check(bytes.fromhex(entry["path_hex"]) == os.path.abspath(b".") + b"/" + name, entry)
    check(entry["sha256"] == before["sha256"] and entry["size"] == 200004 and not entry["in_place"], entry)
    check(entry["findings"] == [{"rule": "mark", "namespace": "rule.yar", "source": "rule.yar", "object": ""}], entry)
    done = quarantine("restore", entry["id"][:6])
    check(done.returncode == 0, done)
    check(os.lstat(name).st_atime_ns == 1577934245123456789, os.lstat(name))
    check(facts(name) == before, facts(name), before)
    check(entries() == [] and os.listdir("v") == ["key"], os.listdir("v"))


@case
def a_member_takes_its_file_along():
    import zipfile
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("inner/b", "a MARK in it")
    done = scan("--json", "a.zip")
    row = json.loads(done.stdout.decode().splitlines()[0])
    check(row["quarantine"]["names_left"] == 0 and not os.path.exists("a.zip"), row)
    check(entries()[0]["findings"][0]["object"] == "inner/b", entries())
    shown = quarantine("show", row["quarantine"]["id"]).stdout.decode()
    check("inner/b" in shown and "SHA-256" in shown and os.path.abspath("a.zip") in shown, shown)


@case
def sparse_files_stay_sparse():
    put("s")
    with open("s", "r+b") as file:
        file.truncate(1 << 30)
        file.seek(1 << 29)
        file.write(b"middle")
    if os.stat("s").st_blocks > 1000:
        raise Skip("this file system has no holes")
    before = facts("s")
    check(scan("s").returncode == 1)
    check(sum(os.stat(f"v/{n}").st_size for n in os.listdir("v")) < 1 << 20, "holes are stored")
    check(quarantine("restore", entries()[0]["id"]).returncode == 0)
    check(facts("s") == before and os.stat("s").st_blocks < 1000, os.stat("s"))


@case
def every_name_of_a_file():
    put("d/a")
    os.link("d/a", "d/b")
    os.link("d/a", "outside")
    done = scan("d")
    check(done.returncode == 1 and b"2 other names of the file stay" in done.stdout, done)
    check(b"1 other name of the file stays" in done.stdout and os.listdir("d") == [], done)
    check(os.path.exists("outside") and sorted(e["links"] for e in entries()) == [2, 3], entries())


@case
def a_path_that_is_said_twice():
    put("d/a")
    done = scan("--json", "d", "d/a", "d")
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()][:-1]
    check(done.returncode == 1 and len({r["quarantine"]["id"] for r in rows}) == len(entries()) == 1, rows)


@case
def never_over_another_file():
    put("d/a")
    scan("d")
    ident = entries()[0]["id"]
    put("d/a", b"new")
    done = quarantine("restore", ident)
    check(done.returncode == 2 and b"already" in done.stderr and open("d/a", "rb").read() == b"new", done)
    check(quarantine("restore", ident, "--to", "d").returncode == 2)
    check(os.listdir("d") == ["a"] and entries()[0]["id"] == ident, os.listdir("d"))
    os.mkdir("e")
    check(quarantine("restore", ident, "--to", "e").returncode == 0 and open("e/a", "rb").read() == b"a MARK here")
    os.rename("e/a", "d/b")
    scan("d/b")
    check(quarantine("restore", entries()[0]["id"], "--force", "--to", "d/a").returncode == 0)
    check(open("d/a", "rb").read() == b"a MARK here" and os.listdir("d") == ["a"], os.listdir("d"))


@case
def the_way_back_is_the_way():
    put("d/e/a")
    put("victim/x", b"x")
    scan("d")
    ident = entries()[0]["id"]
    shutil.rmtree("d")
    done = quarantine("restore", ident)
    check(done.returncode == 2 and b"No such file" in done.stderr, done)
    os.mkdir("d")
    os.symlink("../victim", "d/e")
    done = quarantine("restore", ident)
    check(done.returncode == 2 and b"no directory any more" in done.stderr, done)
    check(os.listdir("victim") == ["x"] and len(entries()) == 1, os.listdir("victim"))


@case
def a_link_that_was_named():
    put("target")
    os.symlink("target", "link")
    done = scan("link")
    check(done.returncode == 4 and b"symbolic link" in done.stderr and os.path.exists("target"), done)
    check(os.listdir("v") == ["key"], os.listdir("v"))


@case
def what_cannot_be_moved():
    put("d/a")
    put("e/b")
    put("f/c")
    if os.geteuid() == 0:
        if subprocess.run(["chattr", "+i", "d/a"], capture_output=True, check=False).returncode:
            raise Skip("chattr +i does not work here")
    else:
        os.chmod("d", 0o555)
    try:
        done = scan("--json", "d", "e", "f")
    finally:
        if os.geteuid() == 0:
            subprocess.run(["chattr", "-i", "d/a"], check=True)
        os.chmod("d", 0o755)
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    check(done.returncode == 4, done)
    check("permitted" in rows[0]["quarantine"]["reason"] or "denied" in rows[0]["quarantine"]["reason"], rows[0])
    check(rows[-1]["summary"]["quarantined"] == 2 and rows[-1]["summary"]["not_quarantined"] == 1, rows[-1])
    check(os.listdir("d") == ["a"] and os.listdir("e") == os.listdir("f") == [] and len(entries()) == 2, entries())


@case
def a_file_system_that_is_read_only():
    if os.geteuid() or not shutil.which("unshare"):
        raise Skip("only root can mount")
    script = ("mkdir ro && mount -t tmpfs none ro && echo MARK > ro/a && mount -o remount,ro ro && exec \"$@\"")
    probe = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", "true"], capture_output=True, check=False)
    if os.path.isdir("ro"):
        os.rmdir("ro")
    if probe.returncode:
        raise Skip("nothing can be mounted here")
    done = scan("ro", before=("unshare", "-m", "sh", "-c", script, "sh"))
    check(done.returncode == 4 and b"Read-only file system" in done.stderr and os.listdir("v") == ["key"], done)


@case
def a_directory_of_something_else():
    put("a")
    put("v/file", b"x")
    done = scan("a")
    check(done.returncode == 2 and b"not empty" in done.stderr, done)
    check(os.path.exists("a") and os.listdir("v") == ["file"], os.listdir("v"))


@case
def other_file_systems():
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(".").st_dev:
        raise Skip("/dev/shm is no other file system")
    folder = tempfile.mkdtemp(dir="/dev/shm")
    try:
        put(folder + "/a", b"MARK" * 50000)
        before = facts(folder + "/a")
        check(scan(folder).returncode == 1 and os.listdir(folder) == [])
        check(quarantine("restore", entries()[0]["id"]).returncode == 0 and facts(folder + "/a") == before)
    finally:
        shutil.rmtree(folder)


@case
def asks_before_it_deletes():
    put("a")
    scan("a")
    ident = entries()[0]["id"]
    check(quarantine("delete", ident, stdin=subprocess.DEVNULL).returncode == 2 and len(entries()) == 1)
    for answer, left in (b"n\n", 1), (b"y\n", 0):
        master, slave = pty.openpty()
        os.write(master, answer)
        quarantine("delete", ident, stdin=slave)
        os.close(slave)
        os.close(master)
        check(len(entries()) == left, answer)
    check(quarantine("delete", ident, "--yes").returncode == 2)


@case
def an_entry_of_someone_else():
    put("a")
    put("b")
    scan("a", "b")
    os.remove("v/key")
    done = scan("rule.yar")
    check(done.returncode == 2 and b"their key is gone" in done.stderr, done)
    check(quarantine("list").returncode == 2)
    put("v/key", b"CANDORK1" + bytes(32))
    os.chmod("v/key", 0o600)
    done = quarantine("list")
    check(done.returncode == 2 and b"another key" in done.stderr, done)
    os.chmod("v/key", 0o644)
    check(b"may be read by others" in quarantine("list").stderr)
    os.chmod("v/key", 0o600)
    os.chmod("v", 0o777)
    check(b"others may write to it" in quarantine("list").stderr)
    os.chmod("v", 0o700)


@case
def without_a_quarantine():
    done = run("quarantine", "list", "--directory", "missing")
    check(done.returncode == 2, done)
    home = dict(ENVIRONMENT, HOME=os.getcwd(), XDG_DATA_HOME=os.getcwd())
    if os.geteuid():
        done = subprocess.run([CANDOR, "quarantine", "list"], capture_output=True, env=home, check=False)
        check(done.returncode == 0 and b"Nothing is in quarantine" in done.stdout, done)
    check(run("scan", "--no-walls", "--quarantine", ".").returncode == 2)
    check(quarantine("show", "xyz").returncode == 2)


# --- killed at any system call ---

def trace(*arguments):
    """Names of the system calls of one run, in order, each with its text."""
    done = run(*arguments, before=("strace", "-o", "trace"))
    check(done.returncode in (0, 1), done)
    with open("trace", "r", encoding="latin1") as file:
        return [(match[1], line) for line in file if (match := re.match(r"(\w+)\(", line))]


def calls_to_kill(calls, first):
    """(name, n-th call of it) from the first that touches the vault. Calls that change nothing that
    outlives a process are left out: a kill there is one at the next that is not."""
    counts, wanted, begun = {}, [], False
    for name, line in calls:
        counts[name] = counts.get(name, 0) + 1
        begun = begun or (first in line and name != "execve")
        if begun and name not in ("poll", "recvmsg", "sendmsg", "clock_gettime", "futex", "wait4", "clone", "clone3",
                                  "madvise", "munmap", "mmap", "mprotect", "brk", "rt_sigaction", "rt_sigprocmask",
                                  "waitid", "close", "fstat", "newfstatat", "exit_group", "getpid", "lseek"):
            wanted.append((name, counts[name]))
    return wanted


def killed_at(name, count, *arguments):
    """True when the run got that far."""
    done = run(*arguments, before=("strace", "-o", "/dev/null", "-e", f"trace={name}",
                                   "-e", f"inject={name}:signal=KILL:when={count}"))
    return done.returncode in (-9, 137)


def need_strace():
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        raise Skip("strace may not trace here")


def whole_in_quarantine(before):
    """The entry of the file, and its facts as far as the header has them."""
    found = [e for e in entries() if e["sha256"] == before["sha256"]]
    if not found:
        return None
    entry = found[0]
    check(len(found) == 1 and int(entry["mode"], 8) == before["mode"] and entry["uid"] == before["uid"], entry)
    check({a: v.hex() for a, v in before["attributes"].items()} == entry["attributes"], entry)
    return entry["id"]


def fresh(size=70000):
    for name in "d", "v":
        shutil.rmtree(name, ignore_errors=True)
    put("d/found", b"MARK" * (size // 4))
    try:
        dress("d/found")
    except Skip:
        pass
    return facts("d/found")


@case
def killed_while_it_goes():
    need_strace()
    before = fresh()
    wanted = calls_to_kill(trace(*SCAN, "d"), '"v"')
    kills = 0
    for name, count in wanted:
        fresh()
        if not killed_at(name, count, *SCAN, "d"):
            continue
        kills += 1
        at = f"killed at {name} {count}"
        in_place = os.path.exists("d/found") and facts("d/found") == before
        # As it lies there, before anything cleans up.
        complete = [n for n in os.listdir("v") if n.endswith((".moving", ".entry"))] if os.path.isdir("v") else []
        check(in_place or complete, at, "neither in place nor in quarantine")
        if not os.path.exists("v/key"):
            check(in_place, at)
            continue
        ident = whole_in_quarantine(before)
        check(ident or (os.path.exists("d/found") and facts("d/found") == before), at, "lost")
        check(not (ident and os.path.exists("d/found")), at, "the removal was not finished")
        left = [n for n in os.listdir("v") if not n.startswith("key") and not n.endswith(".entry")]
        check(not left and not [n for n in os.listdir("d") if n != "found"], at, "left behind:", left, os.listdir("d"))
        if ident:
            check(quarantine("restore", ident).returncode == 0 and facts("d/found") == before, at)
    check(kills > 30, "killed only", kills, "times of", len(wanted))
    print(f"# killed at {kills} system calls on the way there")


@case
def killed_while_it_comes_back():
    need_strace()
    before = fresh()
    scan("d")
    calls = trace("quarantine", "restore", entries()[0]["id"], "--directory", "v")
    wanted = calls_to_kill(calls, '"v"')
    kills = 0
    for name, count in wanted:
        fresh()
        scan("d")
        ident = entries()[0]["id"]
        if not killed_at(name, count, "quarantine", "restore", ident, "--directory", "v"):
            continue
        kills += 1
        at = f"killed at {name} {count}"
        stored = os.path.exists(f"v/{ident}.entry")
        there = os.path.exists("d/found")
        check(stored or there, at, "lost")
        check(not there or facts("d/found") == before, at, "not as it was")
        check(whole_in_quarantine(before) == (ident if stored else None), at)
        check([n for n in os.listdir("d") if n != "found"] == [], at, os.listdir("d"))
        check(sorted(os.listdir("v")) == ([f"{ident}.entry"] if stored else []) + ["key"], at, os.listdir("v"))
        if stored and not there:
            check(quarantine("restore", ident).returncode == 0 and facts("d/found") == before, at)
    check(kills > 20, "killed only", kills, "times of", len(wanted))
    print(f"# killed at {kills} system calls on the way back")


sys.exit(run_cases(begin=lambda: put("rule.yar", RULE.encode())))

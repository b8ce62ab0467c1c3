#!/usr/bin/env python3
"""ClamAV databases: candor defs check --clamav, candor scan --clamav and its cache.

usage: databases.py CANDOR

Prints TAP. Every case makes its own folder; nothing outside it is touched."""
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

CANDOR = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
RULE = b'rule one { strings: $a = "hello world" condition: $a }'
CASES = []


def case(function):
    CASES.append(function)
    return function


def check(truth, *what):
    if not truth:
        raise AssertionError(" ".join(str(w) for w in what)[-1500:])


def run(*arguments):
    return subprocess.run([CANDOR, *arguments], capture_output=True, timeout=60, check=False,
                          env={"XDG_CACHE_HOME": os.path.abspath("cache"), "PATH": os.environ["PATH"]})


def put(name, data):
    with open(name, "wb") as file:
        file.write(data)


def found(*arguments):
    """Names of what was found in f."""
    done = run("scan", "--no-default-definitions", *arguments, "f")
    check(done.returncode in (0, 1), done)
    return [line.strip() for line in done.stdout.decode().splitlines() if line.startswith("    ")]


def kept(ending=".cdr"):
    return sorted(n for n in os.listdir("cache/candor") if n.endswith(ending))


def databases():
    os.mkdir("db")
    put("db/a.yar", RULE)
    put("db/b.ign2", b"Some.Name-1\n")
    put("f", b"hello world")


@case
def the_table():
    databases()
    put("db/c.cbc", b"ClamBC")
    done = run("defs", "check", "--clamav", "db")
    check(done.returncode == 0, done)
    for words in (b"YARA rules", b"names to leave out", b"a program: definitions have no power but to match"):
        check(words in done.stdout, words, done.stdout)
    os.symlink("nowhere", "db/d.hdb")
    done = run("defs", "check", "--clamav", "db")
    check(done.returncode == 1 and b"db/d.hdb: cannot open it" in done.stderr, done)
    done = run("defs", "compile", "--clamav", "db", "-o", "x.cdr")
    check(done.returncode == 2 and not os.path.exists("x.cdr"), done)
    check(run("defs", "compile", "--clamav", "db", "--skip-faulty", "-o", "x.cdr").returncode == 0)
    check(run("scan", "--clamav", "db", "f").returncode == 2)
    check(run("scan", "--clamav", "missing", "f").returncode == 2)


@case
def rules_and_databases():
    databases()
    put("r.yar", b'rule two { strings: $a = "hello" condition: $a }')
    check(run("defs", "compile", "--clamav", "db", "--rules", "r.yar", "-o", "x.cdr").returncode == 0)
    check(found("--definitions", "x.cdr") == ["two", "YARA.one.UNOFFICIAL"])
    check(found("--clamav", "db", "--rules", "r.yar") == ["two", "YARA.one.UNOFFICIAL"])
    put("r.yar", b'rule three { strings: $a = "hello" condition: $a }')
    check(found("--clamav", "db", "--rules", "r.yar") == ["three", "YARA.one.UNOFFICIAL"])


@case
def kept_between_runs():
    databases()
    check(found("--clamav", "db") == ["YARA.one.UNOFFICIAL"])
    first = kept()
    check(len(first) == 1 and oct(os.stat("cache/candor").st_mode)[-3:] == "700")
    # A stamp is written when the sources are old enough.
    for _ in range(100):
        check(found("--clamav", "db") == ["YARA.one.UNOFFICIAL"])
        if kept(".stamp"):
            break
        time.sleep(0.2)
    check(kept() == first and len(kept(".stamp")) == 1)
    # With the stamp nothing is read: the ruleset says what is found, not the rules.
    put("db/a.yar.new", RULE.replace(b"one", b"two"))
    check(found("--clamav", "db") == ["YARA.one.UNOFFICIAL"])
    os.rename("db/a.yar.new", "db/a.yar")
    check(found("--clamav", "db") == ["YARA.two.UNOFFICIAL"])
    check(len(kept()) == 2)
    # What is damaged is made anew.
    for name in kept():
        with open(f"cache/candor/{name}", "r+b") as file:
            file.seek(100)
            file.write(b"damage")
    check(found("--clamav", "db") == ["YARA.two.UNOFFICIAL"])
    for number in range(6):
        put("db/a.yar", RULE.replace(b"one", b"n%d" % number))
        check(found("--clamav", "db") == [f"YARA.n{number}.UNOFFICIAL"])
    check(len(kept()) <= 3, kept())
    done = run("defs", "cache")
    check(done.returncode == 0 and b"3 rulesets" in done.stdout, done)
    done = run("defs", "cache", "--clear")
    check(done.returncode == 0 and b"0 rulesets" in done.stdout and kept() + kept(".stamp") == [], done)


@case
def not_kept():
    databases()
    check(found("--clamav", "db", "--no-cache") == ["YARA.one.UNOFFICIAL"])
    check(not os.path.exists("cache"))
    # Included files are no part of the key.
    put("inner.yar", RULE.replace(b"one", b"inner"))
    put("r.yar", b'include "inner.yar"')
    check(found("--clamav", "db", "--rules", "r.yar") == ["inner", "YARA.one.UNOFFICIAL"])
    check(kept() == [])
    # Rules with faults are told about every time.
    put("r.yar", b"rule y { condition: nonsense }")
    for _ in range(2):
        done = run("scan", "--clamav", "db", "--rules", "r.yar", "f")
        check(b"nonsense" in done.stderr, done)
    check(kept() == [])
    # A directory that others may write to is not used.
    os.chmod("cache/candor", 0o755)
    done = run("scan", "--clamav", "db", "f")
    check(done.returncode == 1 and b"nothing is kept in the cache" in done.stderr, done)
    check(kept() == [])


def main():
    for number, function in enumerate(CASES, 1):
        folder = tempfile.mkdtemp(prefix="candor-")
        os.chdir(folder)
        try:
            function()
            print(f"ok {number} - {function.__name__}")
        except Exception:
            print(f"not ok {number} - {function.__name__}")
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), end="")
        os.chdir("/")
        shutil.rmtree(folder)
        sys.stdout.flush()
    print(f"1..{len(CASES)}")


main()

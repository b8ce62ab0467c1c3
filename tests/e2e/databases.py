#!/usr/bin/env python3
"""ClamAV databases: candor defs check --clamav, candor scan --clamav and its cache.

usage: databases.py CANDOR

Prints TAP. Every case makes its own folder; nothing outside it is touched."""
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import case, check, run_cases  # noqa: E402

CANDOR = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
RULE = b'rule one { strings: $a = "hello world" condition: $a }'


def run(*arguments):
    return subprocess.run([CANDOR, *arguments], capture_output=True, timeout=600, check=False,
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
def two_processes_make_the_ruleset_of_one():
    os.mkdir("db")
    digest = lambda i: hashlib.md5(b"%d" % i).hexdigest().encode()
    put("f", b"hello world, of a body")
    whole = hashlib.md5(b"hello world, of a body").hexdigest().encode()
    put("db/a.hdb", b"".join(b"%s:%d:Hash.A-%d\n" % (digest(i), i + 1, i) for i in range(20000)) +
        b"%s:22:Hash.Whole-1\nnothing\n%s:7:Left.Out-1\n" % (whole, digest(1)))
    put("db/b.ndb", b"Body.B-1:0:*:%s\nBody.B-2:0:*:zz\nLeft.Out-2:0:*:00112233\n" % b"hello world".hex().encode())
    put("db/c.mdb", b"".join(b"%d:%s:Section.C-%d\n" % (i + 1, digest(i + 50000), i) for i in range(9000)) + b"1:2\n")
    put("db/d.ldb", b"Logic.D-1;Engine:81-255,Target:0;0&1;68656c6c6f;626f6479\nLogic.D-2;nothing\n")
    put("db/e.fp", b"%s:3:Trusted-1\n" % digest(3))
    put("db/g.ign2", b"Left.Out-1\nLeft.Out-2\n")
    names = found("--clamav", "db")
    check(sorted(names) == ["Body.B-1.UNOFFICIAL", "Hash.Whole-1.UNOFFICIAL", "Logic.D-1.UNOFFICIAL"], names)
    os.rename("cache", "beside")
    check(found("--clamav", "db", "--no-walls") == names)
    check(len(kept()) == 1 and kept() == sorted(n for n in os.listdir("beside/candor") if n.endswith(".cdr")))
    for name in kept() + kept(".sources"):
        with open(f"cache/candor/{name}", "rb") as one, open(f"beside/candor/{name}", "rb") as two:
            one, two = one.read(), two.read()
        check(sorted(one.splitlines()) == sorted(two.splitlines()) if name.endswith(".sources") else one == two, name)
    # What was refused is told in the order of the files, and what was left out is counted.
    text = run("defs", "check", "--clamav", "db").stdout.decode()
    at = [text.find(f"in {name} line") for name in ("a.hdb", "b.ndb", "c.mdb", "d.ldb")]
    check(-1 not in at and at == sorted(at), text)
    count = {line[:16].strip(): line.split()[-3:] for line in text.splitlines() if "." in line[16:40]}
    check(count["hashes of files"] == ["20,001", "1", "1"] and count["bodies"] == ["1", "1", "1"], text)


@case
def customary_passwords():
    if not shutil.which("zip"):
        print("# SKIP zip is not installed")
        return
    put("words", b"hello world")
    subprocess.run(["zip", "-q", "-P", "tiger", "f", "words"], check=True)
    os.rename("f.zip", "f")
    os.mkdir("db")
    put("db/a.yar", RULE)
    check(found("--clamav", "db") == [])
    put("db/b.pwdb", b"Some.Name;Engine:81-255,Container:CL_TYPE_ZIP;0;tiger\n")
    check(found("--clamav", "db") == ["YARA.one.UNOFFICIAL"])


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
def added_to():
    databases()
    put("db/h.hdb", hashlib.md5(b"other").hexdigest().encode() + b":5:Hash.Other\n")
    put("db/n.ndb", b"Body.One:0:*:68656c6c6f\nBody.Two:0:*:776f726c64\n")

    def now(count, *want):
        # As a compilation of everything finds it, whether anything is kept or not.
        names = found("--clamav", "db", "--no-cache")
        check(names == sorted(names, key=names.index) and set(names) == {f"{n}.UNOFFICIAL" for n in want}, names)
        for _ in range(2):
            check(sorted(found("--clamav", "db")) == sorted(names), names)
        check(len(kept()) == count, kept(), want)

    def append(name, data):
        with open(name, "ab") as file:
            file.write(data)

    now(1, "Body.One", "Body.Two", "YARA.one")
    # Lines that are added, to hashes and to bodies; a database that is new.
    append("db/n.ndb", b"Body.Three:0:*:6c6c6f20776f\n")
    now(1, "Body.One", "Body.Two", "Body.Three", "YARA.one")
    check(len(kept(".added")) == 1)
    append("db/h.hdb", hashlib.md5(b"hello world").hexdigest().encode() + b":11:Hash.F\n")
    put("db/o.ndb", b"Body.Four:0:0:68656c\n")
    now(1, "Body.One", "Body.Two", "Body.Three", "Body.Four", "Hash.F", "YARA.one")
    put("db/z.yar", RULE.replace(b"one", b"two"))
    now(1, "Body.One", "Body.Two", "Body.Three", "Body.Four", "Hash.F", "YARA.one", "YARA.two")
    # What is ignored is left out of what was there, too; what is changed or gone is not found any more.
    append("db/b.ign2", b"Body.Two\n")
    now(2, "Body.One", "Body.Three", "Body.Four", "Hash.F", "YARA.one", "YARA.two")
    put("db/n.ndb", b"Body.Ten:0:*:68656c6c6f\nBody.Two:0:*:776f726c64\nBody.Three:0:*:6c6c6f20776f\n")
    now(3, "Body.Ten", "Body.Three", "Body.Four", "Hash.F", "YARA.one", "YARA.two")
    put("db/n.ndb", b"Body.Ten:0:*:68656c6c6f\n")
    now(3, "Body.Ten", "Body.Four", "Hash.F", "YARA.one", "YARA.two")
    os.unlink("db/o.ndb")
    now(3, "Body.Ten", "Hash.F", "YARA.one", "YARA.two")
    put("db/c.fp", hashlib.md5(b"hello world").hexdigest().encode() + b":11:Trusted\n")
    now(3)
    os.unlink("db/c.fp")
    # A last line without its end that goes on is another line.
    put("db/n.ndb", b"Body.Ten:0:*:68656c6c6f")
    now(3, "Body.Ten", "Hash.F", "YARA.one", "YARA.two")
    append("db/n.ndb", b"21\n")
    now(3, "Hash.F", "YARA.one", "YARA.two")
    # A line of an added part that is malformed is refused, and numbered as it lies in its file.
    append("db/n.ndb", b"nonsense\n")
    now(3, "Hash.F", "YARA.one", "YARA.two")


@case
def groups_of_bodies():
    """Members of groups may lie in any file, and come later: then all is compiled again."""
    databases()
    put("f", b"hello. world. hello")
    put("db/a.ldb", b"Logic.One;Engine:51-255,Target:0;0&1;68656c6c6f;${6-9}3$\n")

    def now(count, *want):
        for options in (["--no-cache"], [], []):
            check(found("--clamav", "db", *options) == [f"{n}.UNOFFICIAL" for n in want])
        check(len(kept()) == count and not kept(".added"), kept())

    now(1)
    put("db/n.ndb", b"Body.One:0:$3$:776f726c65\n")
    now(2)
    put("db/n.ndb", b"Body.One:0:$3$:776f726c65\nBody.Two:0:$3$:776f726c64\n")
    now(3, "Logic.One")
    put("db/z.ldb", b"Logic.Two;Engine:51-255,Target:0;1;68656c;${7-7}3$\n")
    now(3, "Logic.One", "Logic.Two")
    put("db/z.ldb", b"Logic.Two;Engine:51-255,Target:0;1;68656c;${7-7}3$\nLogic.Three;Engine:51-255,Target:0;1;68656c;${6-6}3$\n")
    now(3, "Logic.One", "Logic.Two")
    done = run("defs", "check", "--clamav", "db")
    check(done.returncode == 0 and b"refused\n" in done.stdout, done)
    check([line.split()[-3:] for line in done.stdout.splitlines() if line.startswith((b"bodies ", b"logical "))] ==
          [[b"2", b"0", b"0"], [b"3", b"0", b"0"]], done)


@case
def digests_of_many():
    """Digests are computed for many files together: each must find its own, alone and in containers."""
    os.mkdir("db")
    os.mkdir("files")
    lines, trusted, want = [], [], set()
    for number in range(500):
        data = b"%d " % number * (1 + number * number % 9973)
        # Some are mapped, and stay so until their digests are there: more than may stay at once.
        data *= 1 + 3000000 // (len(data) + 1) if number in range(200, 300, 2) else 1
        name = f"files/{number:03}"
        put(name, data)
        size = b"*" if number % 3 else b"%d" % len(data)
        end = b":73" if size == b"*" else b""
        line = b"%s:%s:Known.%d%s\n" % (hashlib.md5(data).hexdigest().encode(), size, number, end)
        if number % 5 == 0 and len(data) > 5:
            lines.append(line)
            want.add(f"{name} Known.{number}.UNOFFICIAL")
        if number % 25 == 0:
            trusted.append(b"%s:%d:Trusted\n" % (hashlib.md5(data).hexdigest().encode(), len(data)))
            want.discard(f"{name} Known.{number}.UNOFFICIAL")
    with tarfile.open("files/tar", "w") as tar:
        tar.add("files/005")
    want.add("files/tar > files/005 Known.5.UNOFFICIAL")
    put("db/a.hdb", b"".join(lines))
    put("db/b.fp", b"".join(trusted))
    # More than fits a batch, and a file that is digested at once.
    put("files/large", b"x" * (9 << 20))
    put("db/c.hsb", hashlib.md5(b"x" * (9 << 20)).hexdigest().encode() + b":*:Known.Large:73\n")
    want.add("files/large Known.Large.UNOFFICIAL")
    for options in ([], ["-j1"], ["-j2"], ["--no-walls"]):
        done = run("scan", "--json", "--no-default-definitions", "--clamav", "db", *options, "files")
        got = set()
        for line in done.stdout.splitlines():
            row = json.loads(line)
            for finding in row.get("findings", []):
                got.add(" > ".join([row["path"], *finding.get("object", [])]) + " " + finding["rule"])
        check(got == want, options, sorted(got ^ want)[:9], done.stdout[:300])


@case
def members():
    """What signatures say of members by their names, also of those that cannot be opened, beside what is in them."""
    if not shutil.which("zip"):
        print("# SKIP zip is not installed")
        return
    os.mkdir("db")
    put("evil.txt", b"hello world")
    subprocess.run(["zip", "-q", "-P", "secret", "closed.zip", "evil.txt"], check=True)
    subprocess.run(["zip", "-q", "open.zip", "evil.txt"], check=True)
    put("db/a.cdb", b"Name.One:CL_TYPE_ZIP:*:evil\\.txt:*:*:*:*:*:*\nName.Closed:*:*:evil.*:*:*:1:*:*:*\n")
    put("db/b.ndb", b"Body:0:*:68656c6c6f\n")
    for name, want in (("closed.zip", {"Name.One", "Name.Closed"}), ("open.zip", {"Name.One", "Body"})):
        os.rename(name, "f")
        for options in ([], ["--no-walls"]):
            names = found("--clamav", "db", *options)
            check({n.removesuffix(".UNOFFICIAL") for n in names} == want, name, names)


@case
def trusted():
    """What a .fp line trusts is trusted in all its views, and with all that is in it."""
    os.mkdir("db")
    put("db/a.ndb", b"Body:0:*:68656c6c6f\n")
    put("inner", b"well, hello world\n" * 40)
    for outer, inner in (("middle", "inner"), ("f", "middle")):
        with tarfile.open(outer, "w:gz") as tar:
            tar.add(inner)
    for name in None, "inner", "middle", "f":
        if name:
            with open(name, "rb") as file:
                data = file.read()
            put("db/b.fp", hashlib.md5(data).hexdigest().encode() + b":%d:Good\n" % len(data))
        # The tar in between is an object of its own, and holds the words as they are.
        for options in ([], ["--no-walls"]):
            names = found("--clamav", "db", *options)
            check((names == []) == (name in ("middle", "f")), name, names)
    os.rename("inner", "f")
    put("db/b.fp", hashlib.md5(b"well, hello world\n" * 40).hexdigest().encode() + b":720:Good\n")
    check(found("--clamav", "db") == [])


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


def container(files, *, version=7, packed=True, md5=None, rows=None, name=None, kind=tarfile.REGTYPE):
    """A .cud of files (name to bytes); `rows` replaces lines of its list."""
    header = f"ClamAV-VDB:01 Jan 2026 10-00 +0000:{version}:3:90:%s:X:builder:1767261600"
    listed = [f"{n}:{len(d)}:{hashlib.sha256(d).hexdigest()}" for n, d in files.items()]
    info = "\n".join([header % "X", *(listed if rows is None else rows), ""]).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz" if packed else "w", format=tarfile.USTAR_FORMAT) as tar:
        for member, data in {"COPYING": b"words\n", "x.info": info, **files}.items():
            entry = tarfile.TarInfo(name or member)
            entry.size, entry.type = len(data), kind
            tar.addfile(entry, io.BytesIO(data))
    body = out.getvalue()
    return (header % (md5 or hashlib.md5(body).hexdigest())).encode().ljust(512) + body


FILES = {"a.yar": RULE, "b.ign2": b"Some.Name-1\n"}


@case
def containers():
    for packed in False, True:
        put("x.cud", container(FILES, packed=packed))
        put("f", b"hello world")
        check(found("--clamav", "x.cud") == ["YARA.one.UNOFFICIAL"])
        done = run("defs", "info", "x.cud")
        check(done.returncode == 0, done)
        for words in (b"version     7", b"by builder", b"2 files", b"MD5         good", b"signature   none",
                      b"not signed", b"not shown"):
            check(words in done.stdout, words, done.stdout)
    done = run("defs", "check", "--clamav", "x.cud")
    check(b"x.cud: version 7 of 01 Jan 2026 10-00 +0000, not signed" in done.stdout, done)
    # Only its owner's signature makes it a .cvd or .cld.
    for name in "x.cvd", "x.cld":
        os.rename("x.cud", name)
        done = run("defs", "check", "--clamav", name)
        check(done.returncode == 1 and b"not signed by ClamAV" in done.stderr, done)
        os.rename(name, "x.cud")


@case
def containers_that_are_wrong():
    good = container(FILES)
    cases = {
        b"MD5": container(FILES, md5="0" * 32),
        b"'a.yar' in it is not what": container(FILES, rows=["a.yar:1:" + "0" * 64]),
        b"its list of files is malformed": container(FILES, rows=["a.yar:1"]),
        b"does not begin with the header": b"x" * 2000,
        b"begin": good[:300],
        b"damaged": container({})[:-20],
        b"more than plain files": container(FILES, name="../x"),
        b"more than plain": container(FILES, kind=tarfile.SYMTYPE),
        b"holds no list": container(FILES, name="same"),
        b"not what its list of files says": good.replace(b":7:3:90:", b":8:3:90:"),
    }
    for words, data in cases.items():
        put("x.cud", data)
        done = run("defs", "check", "--clamav", "x.cud")
        check(done.returncode == 1 and words in done.stderr, words, done)
    put("x.cud", cases[b"MD5"])
    done = run("defs", "info", "x.cud")
    check(done.returncode == 1 and b"MD5         WRONG" in done.stdout, done)
    put("x.txt", good)
    check(run("defs", "info", "x.txt").returncode == 2)


@case
def the_newer_of_two():
    os.mkdir("db")
    put("f", b"hello world")
    put("db/x.yar", RULE)
    put("db/y.cld", container(FILES, version=3))
    put("db/y.cvd", container(FILES, version=4))
    done = run("defs", "check", "--clamav", "db")
    check(b"y.cld: version 3" in done.stdout and b"left out: there is a newer one" in done.stdout, done)
    check(done.returncode == 1 and b"db/y.cvd: it is not signed" in done.stderr, done)


sys.exit(run_cases())

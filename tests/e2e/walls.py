#!/usr/bin/env python3
"""Workers that crash, hang, eat memory and lie, and what that costs: exactly one file each.

usage: walls.py CANDOR CANDOR_PLANTED

CANDOR_PLANTED is candor with bugs planted in its containers (tests/planted). Prints TAP."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
CANDOR, PLANTED = (os.path.abspath(a) for a in sys.argv[1:]) if len(sys.argv) == 3 else sys.exit(__doc__)
CLASSES = "archive", "program", "pdf", "document", "mail"
CRASHES = "null", "write", "stack", "abort", "call", "silent"
LIES = "nonsense", "huge", "other"
CASES = []


class Skip(Exception):
    """The machine lacks what a case needs."""


def case(function):
    CASES.append(function)
    return function


def check(truth, *what):
    if not truth:
        raise AssertionError(" ".join(str(w) for w in what)[-1500:])


def put(name, text):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    with open(name, "w", encoding="ascii") as file:
        file.write(text)


def scan(program, *arguments, timeout=120):
    done = subprocess.run([program, "scan", "--no-default-definitions", "--rules", "rule.yar", "--json", *arguments],
                          capture_output=True, timeout=timeout, check=False)
    return done, [json.loads(line) for line in done.stdout.decode().splitlines()]


def sanitized():
    with open(PLANTED, "rb") as file:
        return b"__asan_init" in file.read()


def folder_around(bugs):
    """Files with a mark and clean ones around files with bugs; names in the order of the walk."""
    for number, bug in enumerate(bugs):
        for i in range(4):
            put(f"d/{number:03}-a{i}", "MARK" if i % 2 else "clean")
            put(f"d/{number:03}-c{i}", f"PLANTED archive\nmember MARK {i}\n" if i % 2 else "clean")
        put(f"d/{number:03}-b", bug)


def check_around(rows, bugs):
    """All but the files with bugs are examined, and rightly."""
    named = {row["path"]: row for row in rows[:-1]}
    check(len(named) == 9 * len(bugs) and len(rows) == len(named) + 1, len(named), len(rows))
    check(list(named) == sorted(named), "order")
    for path, row in named.items():
        if not path.endswith("b"):
            wanted = "found" if path[-1] in "13" else "clean"
            check(row["verdict"] == wanted, path, row)
    return [named[f"d/{number:03}-b"] for number in range(len(bugs))]


@case
def without_bugs():
    put("f", "PLANTED archive\nmember MARK\nmember clean\n")
    done, rows = scan(PLANTED, "f")
    check(done.returncode == 1, done)
    check(rows[0]["verdict"] == "found" and rows[0]["findings"][-1]["object"] == ["member"], rows)
    check(scan(CANDOR, "f")[1][0]["findings"][-1]["object"] == [], "the row is in the real program")


@case
def crashes_cost_one_file_each():
    bugs = [f"PLANTED {kind}\nmember clean\n{verb}\n" for kind in CLASSES for verb in CRASHES]
    folder_around(bugs)
    for jobs in "1", "2":
        done, rows = scan(PLANTED, "--jobs", jobs, "d")
        guilty = check_around(rows, bugs)
        for row, bug in zip(guilty, bugs):
            check(row["verdict"] == "partial" and [g["kind"] for g in row["gaps"]] == ["fault"], bug, row)
            kind = bug.split()[1]
            check(row["reason"].endswith(f"while reading planted {kind}"), row)
        summary = rows[-1]["summary"]
        check(summary["gaps"]["fault"] == len(bugs) and summary["partial"] == len(bugs), summary)
        check(summary["files"] == 9 * len(bugs), summary)
    reasons = {bug.split("\n")[2]: row["reason"] for row, bug in zip(guilty, bugs)}
    if not sanitized():
        check("SIGSEGV" in reasons["null"] and "SIG" in reasons["abort"] and "SIGSYS" in reasons["call"], reasons)


@case
def lies_cost_one_file_each():
    bugs = [f"PLANTED {kind}\n{verb}\n" for kind in CLASSES for verb in LIES]
    folder_around(bugs)
    _, rows = scan(PLANTED, "d")
    for row, bug in zip(check_around(rows, bugs), bugs):
        check(row["verdict"] == "partial" and row["gaps"][0]["kind"] == "fault", bug, row)
        check("makes no sense" in row["reason"], row)


@case
def endless_loops_end():
    bugs = ["PLANTED pdf\nmember MARK\nloop\n", "PLANTED mail\nloop\n"]
    folder_around(bugs)
    _, rows = scan(PLANTED, "--timeout", "1", "d")
    for row in check_around(rows, bugs):
        check(row["verdict"] == "partial" and "did not stop" in row["reason"], row)


@case
def eaten_memory_ends():
    bugs = ["PLANTED archive\nmemory\n"]
    folder_around(bugs)
    _, rows = scan(PLANTED, "d")
    for row in check_around(rows, bugs):
        check(row["verdict"] == "partial" and row["gaps"][0]["kind"] == "fault", row)


@case
def only_bugs():
    for i in range(200):
        put(f"d/{i:03}", "PLANTED archive\nnull\n")
    done, rows = scan(PLANTED, "--strict", "d")
    check(done.returncode == 3 and rows[-1]["summary"]["gaps"]["fault"] == 200, done.returncode, rows[-1])


@case
def walls_are_said():
    put("f", "clean")
    _, rows = scan(CANDOR, "f")
    walls = rows[-1]["summary"]["walls"]
    check(walls["workers"] and "system call filter" in walls["standing"], walls)
    _, rows = scan(CANDOR, "--no-walls", "f")
    check(rows[-1]["summary"]["walls"] == {"workers": False, "standing": [], "refused": {}}, rows[-1])


@case
def every_module_works_behind_the_walls():
    """Libraries that open files at their first use were asked before the walls went up."""
    put("modules.yar", '''import "hash" import "pe" import "math" import "time"
rule one { condition: hash.md5(0, filesize) != "x" and hash.sha1(0, filesize) != "x" and hash.sha256(0, filesize) != "x" }
rule two { condition: pe.number_of_signatures >= 0 and pe.imphash() != "x" }
rule three { condition: time.now() > 1000 and math.entropy(0, filesize) > 1.0 }
''')
    put("magic.yar", 'import "magic" rule four { condition: magic.mime_type() contains "/" and magic.type() != "" }\n')
    rules = ["--rules", "modules.yar"]
    if subprocess.run([CANDOR, "yara", "magic.yar", "magic.yar"], capture_output=True, check=False).stdout:
        rules += ["--rules", "magic.yar"]
    _, walled = scan(CANDOR, *rules, CANDOR, "modules.yar")
    _, free = scan(CANDOR, "--no-walls", *rules, CANDOR, "modules.yar")
    check(walled[:-1] == free[:-1] and len(walled[1]["findings"]) >= 2, walled[1], free[1])


@case
def same_report_with_and_without_walls():
    os.makedirs("d")
    for i in range(300):
        put(f"d/{i}", "x" * (i * 997) + ("MARK" if i % 3 else ""))
    if shutil.which("zip"):
        subprocess.run(["zip", "-qr", "d/all.zip", "d"], check=True)
    walled, free = (scan(CANDOR, *options, "d")[1][:-1] for options in ([], ["--no-walls"]))
    check(walled == free, "differ")


@case
def every_container_opens_behind_the_walls():
    """What a library first needs while it reads some format must have been there before."""
    seeds = os.path.join(HERE, "../../fuzz/seeds")
    walled, free = (scan(CANDOR, *options, "--tree", seeds)[1][:-1] for options in ([], ["--no-walls"]))
    for with_walls, without in zip(walled, free):
        check(with_walls == without, with_walls, without)
    check(len(walled) == len(free) > 50, len(walled))


@case
def large_objects_are_shared():
    """The same report whether one worker examines them or several; a bug in one costs it alone."""
    import zipfile
    with zipfile.ZipFile("inner.zip", "w") as archive:
        for i in range(6):
            archive.writestr(f"sub/{i}", "x" * (300000 + i) + ("MARK" if i % 2 else ""))
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(12):
            archive.writestr(f"{i}", "y" * (200000 + i) + ("MARK" if i % 3 else ""))
        archive.write("inner.zip")
        archive.writestr("bug", "PLANTED archive\nmember MARK\nmember " + "z" * 200000 + "\nnull\n")
        archive.writestr("last", "MARK")
    for options in ([], ["--max-members", "14"], ["--max-depth", "1"], ["--max-unpacked", "2M"]):
        free = scan(CANDOR, "--tree", "--no-walls", *options, "a.zip")[1][0]
        for jobs in "1", "2", "4":
            row = scan(CANDOR, "--tree", "--jobs", jobs, *options, "a.zip")[1][0]
            check(row == free, options, jobs, row, free)
    row = scan(PLANTED, "--jobs", "3", "a.zip")[1][0]
    kinds = {tuple(gap["object"]): gap["kind"] for gap in row["gaps"]}
    check(kinds in ({("bug",): "fault"}, {(): "fault"}), row["gaps"])


@case
def yara_examines_behind_the_walls():
    put("f", "a MARK")
    done = subprocess.run(["strace", "-f", "-o", "trace", CANDOR, "yara", "rule.yar", "f"], capture_output=True,
                          check=False) if shutil.which("strace") else None
    if not done or "trace" not in os.listdir(".") or sanitized():
        raise Skip("no strace, or sanitizers that do not like it")
    check(done.stdout == b"mark f\n", done)
    with open("trace", encoding="utf-8", errors="replace") as file:
        check("SECCOMP_SET_MODE_FILTER" in file.read(), "no filter")


@case
def workers_are_gone_afterwards():
    put("f", "PLANTED archive\nnull\n")
    process = subprocess.Popen([PLANTED, "scan", "f"], stdout=subprocess.DEVNULL, start_new_session=True)
    process.wait(timeout=60)
    left = subprocess.run(["ps", "-o", "comm=", "--ppid", str(process.pid)], capture_output=True, check=False).stdout
    check(not left.strip(), left)


def main():
    failed = 0
    top = os.getcwd()
    print(f"1..{len(CASES)}")
    for number, function in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            put("rule.yar", 'rule mark { strings: $m = "MARK" condition: $m }')
            name = function.__name__.replace("_", " ")
            try:
                function()
                print(f"ok {number} - {name}")
            except Skip as reason:
                print(f"ok {number} - {name} # SKIP {reason}")
            except Exception:  # whatever goes wrong is this case's failure
                failed += 1
                print(f"not ok {number} - {name}")
                for line in traceback.format_exc().splitlines():
                    print("#", line)
            finally:
                os.chdir(top)
        sys.stdout.flush()
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Workers that crash, hang, eat memory and lie, and what that costs: exactly one object each.

usage: walls.py CANDOR CANDOR_PLANTED

CANDOR_PLANTED is candor with bugs planted in its containers (tests/planted). Prints TAP."""
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import time
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Skip, case, check, run_cases  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CANDOR, PLANTED = (os.path.abspath(a) for a in sys.argv[1:]) if len(sys.argv) == 3 else sys.exit(__doc__)
CLASSES = "archive", "program", "pdf", "document", "mail"
CRASHES = "null", "write", "stack", "abort", "call", "silent"
LIES = "nonsense", "huge", "other"
DEATHS = 4  # POOL_DEATHS
OWN_MARK = "<a_mark_of_its_own>"


def put(name, text):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    with open(name, "w", encoding="ascii") as file:
        file.write(text)


def scan(program, *arguments, timeout=600):
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
    _, rows = scan(PLANTED, "--timeout", "5", "d")
    for row, verdict in zip(check_around(rows, bugs), ("found", "partial")):
        check(row["verdict"] == verdict and "did not stop" in row["reason"], row)


@case
def eaten_memory_ends():
    bugs = ["PLANTED archive\nmemory\n"]
    folder_around(bugs)
    _, rows = scan(PLANTED, "d")
    for row in check_around(rows, bugs):
        check(row["verdict"] == "partial" and row["gaps"][0]["kind"] == "fault", row)


def archive_around(bug, name="bug"):
    """A zip whose other members, before and after the bug, are findings; one of them has a bug's neighbours."""
    with zipfile.ZipFile("inner.zip", "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("in", "MARK")
        inner.writestr(name, bug)
        inner.writestr("in-last", "MARK")
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(40):
            archive.writestr(f"a{i:02}", f"{i} MARK")
        archive.write("inner.zip")
        for i in range(40):
            archive.writestr(f"z{i:02}", f"{i} MARK" + ("x" * 150000 if i < 3 else ""))


AROUND = ([[f"a{i:02}"] for i in range(40)] + [["inner.zip", "in"], ["inner.zip", "in-last"]] +
          [[f"z{i:02}"] for i in range(40)])


def check_archive(bug, *options, found=0):
    """All but what the bug cost is found, whatever the number of workers, with one gap, whose reason is returned.
    `found`: objects in the bug that are."""
    rows = []
    archive_around(bug)
    put("clean", "clean")
    for jobs in "1", "2", "3":
        done, lines = scan(PLANTED, "--jobs", jobs, *options, "a.zip", "clean")
        row = lines[0]
        check(done.returncode == 1 and row["verdict"] == "found", bug, done.returncode, row["verdict"], row.get("gaps"))
        check(lines[1]["verdict"] == "clean", lines[1])
        objects = [finding["object"] for finding in row["findings"]]
        check([o for o in objects if "bug" not in o] == AROUND, bug, jobs, objects)
        check([len(o) for o in objects if "bug" in o] == [2] * ("MARK" in bug) + [3] * found, bug, jobs, objects)
        check([(g["kind"], g["object"]) for g in row["gaps"]] == [("fault", ["inner.zip", "bug"])], bug, row["gaps"])
        rows.append(row)
    check(rows[0] == rows[1] == rows[2], "not the same for 1, 2 and 3 workers", bug)
    return row["gaps"][0]["reason"]


@case
def a_crash_costs_one_object():
    for number, verb in enumerate(CRASHES):
        kind = CLASSES[number % len(CLASSES)]
        reason = check_archive(f"PLANTED {kind}\n{verb}\nmember MARK\n")
        check(reason.endswith(f"while reading planted {kind}"), reason)


@case
def a_crash_before_a_row_is_at_work_costs_one_object():
    """Not matching the object is tried first, then it is left alone."""
    check("SEGV" in check_archive("PLANTED probe\n") or sanitized(), "reason")
    check_archive("PLANTED probe\n", "--tree")


@case
def what_came_before_a_crash_is_kept():
    """What a parser handed out before it crashed is an object like others; what was in it too."""
    check_archive("PLANTED mail\nmember MARK\nmember MARK 2\nnull\nmember MARK 3\n",
                  found=2)


@case
def an_endless_loop_costs_one_object():
    check("did not stop" in check_archive("PLANTED pdf\nloop\n", "--timeout", "8"), "reason")


@case
def eaten_memory_costs_one_object():
    check_archive("PLANTED archive\nmemory\n")


@case
def nonsense_costs_one_object():
    for verb in LIES:
        reason = check_archive(f"PLANTED document\n{verb}\nmember clean\n")
        check("makes no sense while reading planted document" in reason, reason)


@case
def several_crashes_cost_as_many_objects():
    """Up to a number of deaths; then the file is given up, and no other."""
    for bugs in range(1, 8):
        with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for i in range(bugs):
                archive.writestr(f"bug{i}", f"PLANTED archive\n{(CRASHES + LIES)[i]}\n")
                archive.writestr(f"found{i}", "MARK")
        put("last", "MARK")
        for jobs in "1", "2":
            row, last, _ = scan(PLANTED, "--jobs", jobs, "a.zip", "last")[1]
            check(last["verdict"] == "found", last)
            if bugs <= DEATHS:
                check([g["object"] for g in row["gaps"]] == [[f"bug{i}"] for i in range(bugs)], row["gaps"])
                check([f["object"] for f in row["findings"]] == [[f"found{i}"] for i in range(bugs)], row)
            else:
                check([(g["kind"], g["object"]) for g in row["gaps"]] == [("fault", [])], row["gaps"])
                check(row["verdict"] == "partial", row)


@case
def crashes_in_parts_are_counted_with_their_file():
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(12):
            archive.writestr(f"bug{i}", "PLANTED archive\nnull\n" + "x" * 200000)
            archive.writestr(f"found{i}", "MARK" + "x" * 200000)
    for jobs in "1", "2", "4":
        row = scan(PLANTED, "--jobs", jobs, "a.zip")[1][0]
        check([(g["kind"], g["object"]) for g in row["gaps"]] == [("fault", [])], jobs, row["gaps"])
        check(row["verdict"] == "partial", row)


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


def many_small(path):
    """Small members of all kinds: findings, containers in containers, damage, nothing, long and odd names."""
    with zipfile.ZipFile("deep.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(400):
            archive.writestr(f"deep/{i}", "y" * (i * 7) + ("MARK" if i % 50 == 0 else ""))
    with zipfile.ZipFile("small.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in.txt", "MARK")
    with open("small.zip", "rb") as file:
        small = file.read()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3000):
            text = "x" * (i % 900) + ("MARK" if i % 7 == 0 else "")
            archive.writestr(f"folder/{i}{'.TXT' if i % 2 else ''}", text)
            if i % 500 == 100:
                archive.writestr(f"{i}.zip", small)
            if i % 500 == 200:
                archive.writestr(f"{i}-cut.zip", small[:-30])
            if i % 500 == 300:
                archive.writestr(f"{i}-large", "z" * 200000 + "MARK")
            if i % 1000 == 400:
                archive.write("deep.zip", f"{i}-deep.zip")
            if i % 1000 == 450:
                archive.writestr(f"./{i}", "MARK")
            if i == 1500:
                archive.writestr("n" * 5000, "MARK with a long name")


@case
def small_objects_are_shared():
    """In batches, out of any container: the report is the same for one worker and several."""
    many_small("many.zip")
    subprocess.run(["tar", "-czf", "many.tar.gz", "many.zip", "deep.zip", "small.zip"], check=True)
    put("names.yar", """rule named { condition: filename == "in.txt" or filepath contains "deep/150" or extension == ".txt" and filesize < 9 }
""")
    define = ["--rules", "names.yar"]
    for options in ["--tree"], ["--max-members", "2999"], ["--max-depth", "1"], ["--explain"], define:
        for name in ("many.zip", "many.tar.gz") if options[0] != "--max-members" else ("many.zip",):
            free = scan(CANDOR, "--no-walls", *options, name)[1][0]
            check(len(free.get("findings", [])) > 200 or "--max-depth" in options, options, name, len(free.get("findings", [])))
            for jobs in "1", "2", "3":
                row = scan(CANDOR, "--jobs", jobs, *options, name)[1][0]
                check(row == free, options, name, jobs, first_difference(row, free))
    if shutil.which("strace") and not sanitized():
        subprocess.run(["strace", "-f", "-e", "trace=memfd_create", "-o", "trace", CANDOR, "scan", "-j", "2",
                        "--no-default-definitions", "--rules", "rule.yar", "many.zip"], stdout=subprocess.DEVNULL, check=False)
        with open("trace", encoding="utf-8", errors="replace") as file:
            check("candor-part" in file.read(), "nothing was shared")


def first_difference(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return next((f"{key}: {first_difference(a.get(key), b.get(key))}" for key in sorted(a.keys() | b.keys())
                     if a.get(key) != b.get(key)), "")
    if isinstance(a, list) and isinstance(b, list):
        return next((f"[{i}]: {first_difference(x, y)}" for i, (x, y) in enumerate(zip(a, b)) if x != y), f"{len(a)} and {len(b)}")
    return f"{a!r:.300} and {b!r:.300}"


@case
def bugs_among_small_objects_cost_one_each():
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(2000):
            archive.writestr(f"{i}", "MARK" + "x" * 500)
            if i in (200, 1000, 1999):
                archive.writestr(f"bug{i}", "PLANTED pdf\nnull\n")
    rows = [scan(PLANTED, "--jobs", jobs, "a.zip")[1][0] for jobs in ("1", "2", "3")]
    check([g["object"] for g in rows[0]["gaps"]] == [["bug200"], ["bug1000"], ["bug1999"]], rows[0]["gaps"])
    check(len(rows[0]["findings"]) == 2000, len(rows[0]["findings"]))
    for row in rows[1:]:
        check(row == rows[0], first_difference(row, rows[0]))


@case
def a_password_in_a_mail_opens_what_is_shared():
    if not shutil.which("7z"):
        raise Skip("no 7z (Debian's p7zip-full)")
    # The archives are noise under a salt of 7z's: a mark that no base64 and no luck writes.
    put("own.yar", f'rule own {{ strings: $m = "{OWN_MARK}" condition: $m }}')
    with open("large", "wb") as file:
        file.write(random.Random(3).randbytes(300000) + OWN_MARK.encode())
    put("tiny", OWN_MARK)
    for name in "large", "tiny":
        subprocess.run(["7z", "a", "-tzip", "-pZx9walnut", f"{name}.zip", name], stdout=subprocess.DEVNULL, check=True)
    with open("mail", "wb") as mail:
        mail.write(b"From: a@example.org\nTo: b@example.org\nSubject: x\nMIME-Version: 1.0\n"
                   b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n"
                   b"The password: Zx9walnut\n")
        for name in "large", "tiny":
            with open(f"{name}.zip", "rb") as file:
                mail.write(f"\n--b\nContent-Type: application/zip; name={name}.zip\nContent-Transfer-Encoding: base64\n\n".encode())
                mail.write(base64.encodebytes(file.read()))
        mail.write(b"\n--b--\n")
    free = scan(CANDOR, "--rules", "own.yar", "--no-walls", "mail")[1][0]
    objects = [finding["object"][-1] for finding in free["findings"] if finding["rule"] == "own"]
    check(objects == ["large", "tiny"], free)
    for jobs in "1", "2":
        row = scan(CANDOR, "--rules", "own.yar", "--jobs", jobs, "mail")[1][0]
        check(row == free, jobs, first_difference(row, free))


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

    def in_its_session():
        return subprocess.run(["ps", "-o", "comm=", "-s", str(process.pid)], capture_output=True, check=False).stdout.split()
    check(in_its_session(), "ps does not list a session")
    process.wait(timeout=600)
    for _ in range(600):  # the kernel ends them after their parent
        if not in_its_session():
            return
        time.sleep(0.1)
    check(False, in_its_session())


sys.exit(run_cases(begin=lambda: put("rule.yar", 'rule mark { strings: $m = "MARK" condition: $m }')))

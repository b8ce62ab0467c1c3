#!/usr/bin/env python3
"""candor scan --explain: what is said is true, complete, and fits on a screen.

usage: explain.py CANDOR

Prints TAP. Every case makes its own folder; nothing outside it is touched."""
import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import case, check, run_cases  # noqa: E402

CANDOR = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
RULE = """rule mark {
  meta: description = "a mark" reason = "because \\x1b[31m" author = "A. Uthor" reference = "https://example.org/r"
        date = "2026-01-02" license = "CC0"
  strings: $m = "MARK" $x = /q[0-9]{300}/ $s = "secret" xor(7)
  condition: any of them }
rule size { condition: filesize == 3 }
"""
SCREEN = 24


def run(*arguments):
    return subprocess.run([CANDOR, *arguments], capture_output=True, timeout=600, check=False)


def explain(*arguments):
    done = run("scan", "--explain", "--no-default-definitions", *arguments)
    check(done.returncode == 1, done)
    return done.stdout.decode()


def put(name, data):
    with open(name, "wb") as file:
        file.write(data)


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


@case
def all_of_a_finding():
    put("f", b"..MARK..MARK q" + b"1" * 300 + bytes(b ^ 7 for b in b"secret"))
    text = explain("--rules", "rule.yar", "f")
    for wanted in ("mark in namespace rule.yar", "the rule file rule.yar", "a mark", "because", "A. Uthor",
                   "https://example.org/r", "2026-01-02", "CC0", "at 2, 4 bytes: 4d 41 52 4b  MARK", "$m, 2 times",
                   "at 13, 301 bytes: 71 31", "XORed with 07", "not candor's", "f, 320 bytes",
                   hashlib.sha256(open("f", "rb").read()).hexdigest()):
        check(wanted in text, wanted, "is not in", text)
    check("\x1b" not in text, "a rule writes to the terminal")
    paragraph = text.split("\n\n")[0]
    check(len(paragraph.splitlines()) <= SCREEN, paragraph)


@case
def many_matches_fit_on_a_screen():
    rule = "rule many { strings: " + " ".join(f'$p{i} = "pattern{i};"' for i in range(60)) + " condition: all of them }"
    put("many.yar", rule.encode())
    put("f", "".join(f"pattern{i};" for i in range(60)).encode() * 50)
    text = explain("--rules", "many.yar", "f").split("\n\n")[0]
    check(len(text.splitlines()) <= SCREEN and re.search(r"and \d+ more patterns", text), text)
    check("50 times, of which the first:" in text, text)


@case
def without_patterns():
    put("f", b"abc")
    check("asks for other facts" in explain("--rules", "rule.yar", "f"))


@case
def inside_of_containers():
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("in/b", b"a MARK here")
    text = explain("--rules", "rule.yar", "a.zip")
    inner, outer = (hashlib.sha256(d).hexdigest() for d in (b"a MARK here", open("a.zip", "rb").read()))
    check("a.zip > in/b" in text and inner in text and outer in text, text)
    facts = rows(explain("--rules", "rule.yar", "--json", "a.zip"))[0]["findings"][0]["explain"]
    check(facts["sha256"] == inner and facts["file_sha256"] == outer and facts["size"] == 11, facts)
    check(facts["origin"] == "rules" and facts["source"] == "rule.yar" and facts["what"] == "a mark", facts)
    check(facts["false_alarm"]["author"] == "A. Uthor" and "sha256" in facts["false_alarm"]["send"], facts)


@case
def origins():
    put("eicar", EICAR)
    done = run("scan", "--explain", "--json", "eicar")
    facts = rows(done.stdout.decode())[0]["findings"][0]["explain"]
    check(facts["origin"] == "built in" and re.fullmatch("[0-9a-f]{16}", facts["checksum"]), facts)
    check("CONTRIBUTING.md" in facts["false_alarm"]["to"] and facts["sha256"] == facts["file_sha256"], facts)
    done = run("scan", "--explain", "eicar")
    check("the definitions of candor" in done.stdout.decode() and facts["checksum"] in done.stdout.decode(), done)
    check(run("defs", "compile", "rule.yar", "-o", "r.cdr").returncode == 0)
    put("f", b"MARK")
    text = explain("--definitions", "r.cdr", "f")
    with open("r.cdr", "rb") as file:
        checksum = int.from_bytes(file.read()[24:32], "little")
    check(f"the compiled definitions r.cdr, checksum {checksum:016x}" in text, text)


@case
def only_when_it_is_asked_for():
    put("f", b"MARK")
    done = run("scan", "--json", "--no-default-definitions", "--rules", "rule.yar", "f")
    check("explain" not in done.stdout.decode(), done)


sys.exit(run_cases(begin=lambda: put("rule.yar", RULE.encode())))

#!/usr/bin/env python3
"""The functions of the small modules answer as those of Debian's yara, on many files.

usage: modules.py CANDOR [FILE]...

Every expression is logged by a rule of its own, so that values, undefined values and rule names
are all compared. Without FILEs: files made here (empty, short, constant, random, text) and some
of the system's programs and documents. Left out is what YARA changed after 4.2.3:
math.serial_correlation (the last byte is now followed by the first), and math.count and
math.percentage of what is not a byte (now undefined).
"""
import glob
import os
import random
import shutil
import subprocess
import sys
import tempfile

STRINGS = ['""', '"A"', '"AABB"', r'"AB\xff\xfeCD"', r'"\x00\x01\x02\x03\x04\x05\x06\x07"',
           '"The quick brown fox jumps over the lazy dog"', r'"\xff\xff\xff\xff\xff\xff\xff"']
RANGES = ["0, filesize", "0, 0", "0, 1", "1, 5", "100, 1000", "filesize - 10, 20", "filesize, 1",
          "filesize - 1, 1", "-1, 5", "0, -1", "5, 9223372036854775807", "4000, 5000",
          "0x7fffffffffffffff, 1"]
BYTES = ["0", "0x20", "0x65", "0xff"]
NUMBERS = ["0", "1", "-1", "5", "-5", "9223372036854775807", "-9223372036854775807"]


def expressions():
    for name in ("md5", "sha1", "sha256", "checksum32", "crc32"):
        yield from (f"hash.{name}({a})" for a in RANGES + STRINGS)
    for name in ("entropy", "mean", "monte_carlo_pi"):
        yield from (f"math.{name}({a})" for a in RANGES + STRINGS)
    for middle in ("0.0", "math.MEAN_BYTES", "-3.5"):
        yield from (f"math.deviation({a}, {middle})" for a in RANGES + STRINGS)
    yield from (f"math.mode({a})" for a in RANGES + [""])
    for name in ("count", "percentage"):
        yield from (f"math.{name}({b})" for b in BYTES)
        yield from (f"math.{name}({b}, {a})" for b in BYTES for a in RANGES)
    for name in ("min", "max"):
        yield from (f"math.{name}({a}, {b})" for a in NUMBERS for b in NUMBERS)
    yield from (f"math.abs({a})" for a in NUMBERS)
    yield from (f"math.in_range({a}, {b}, {c})" for a in ("1.0", "2.5") for b in ("1.0", "3.0")
                for c in ("0.5", "2.5"))
    yield from ("math.to_number(filesize > 100)", "math.to_number(false)", "math.MEAN_BYTES")
    yield from ("magic.type()", "magic.mime_type()", "math.to_number(time.now() > 1600000000)")
    # An answer that was found before must be found again, and not another's.
    yield from (f"hash.{n}(0, filesize)" for n in ("md5", "crc32", "sha1", "checksum32"))
    for question in ("network.http_request(/ev.l/)", "network.http_get(/x/)",
                     "network.http_post(/evil/)", "network.http_user_agent(/^curl/)",
                     "network.dns_lookup(/example$/)", "network.host(/192\\.0/)",
                     "network.host(/x*/)", "network.tcp(/192/, 443)", "network.tcp(/192/, 80)",
                     "network.udp(/192/, 53)", "registry.key_access(/run/i)",
                     "filesystem.file_access(/tmp/)", "sync.mutex(/m\\d/)", "sync.mutex(/hid/)"):
        yield f"cuckoo.{question}"


REPORT = r"""{"network": {
  "domains": [{"ip": "192.0.2.1", "domain": "evil.example"}, {"domain": "no.ip"}, 5],
  "dns": [{"ip": "192.0.2.1", "hostname": "older.test"}],
  "http": [{"method": "GET", "uri": "http://evil.example/"}, {"method": "get"},
           {"method": "pOsT", "uri": "http://192.0.2.1/evil", "user-agent": "curl/7.88"}],
  "hosts": ["198.51.100.1", "192.0.2.1"],
  "tcp": [{"dst": "192.0.2.1", "dport": 443, "more": []}, {"dst": "192.0.2.2", "dport": 80.0}],
  "udp": [{"dport": 53}, {"dst": "192.0.2.53", "dport": 53}]},
 "behavior": {"summary": {"keys": ["HKLM\\RUN"], "files": ["/var/tmp"],
                          "mutexes": ["a\u0000hid", "m7"]}}}"""

LOGS = r"""
rule log_1 { condition: console.log("a\x00b\n\xff") and console.log("m\x00n", "t\x01") }
rule log_2 { condition: console.log(-5) and console.log("n ", filesize) and console.log(0.25) }
rule log_3 { condition: console.log("f ", -1.5) and console.hex(-1) and console.hex("h ", 255) }
rule log_4 { condition: console.log("") and console.log("", "") }
"""


def made(folder):
    rng = random.Random(7)
    contents = {
        "empty": b"", "one": b"a", "six": b"abcdef", "zeros": bytes(5000),
        "random": rng.randbytes(70001), "text": b"It was a dark and stormy night.\n" * 300,
        "half": bytes(4096) + b"\xff" * 4097, "script": b"#!/bin/sh\necho hello\n",
        "counting": bytes(i & 255 for i in range(100000)),
    }
    for name, data in contents.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
        yield os.path.join(folder, name)
    system = sorted(glob.glob("/usr/bin/*") + glob.glob("/usr/share/doc/*/copyright"))
    system = [f for f in system if os.path.isfile(f) and os.path.getsize(f) < 1 << 20]
    yield from system[::max(1, len(system) // 40)]


def output(command):
    run = subprocess.run(command, capture_output=True, errors="surrogateescape")
    return run.stdout.split("\n"), run.stderr.strip()


def main(candor, paths):
    if not shutil.which("yara"):
        print("1..0 # SKIP Debian's yara is not installed")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        rules, report = os.path.join(folder, "rules.yar"), os.path.join(folder, "report.json")
        modules = ("console", "cuckoo", "hash", "magic", "math", "time")
        with open(rules, "w", encoding="ascii") as file:
            file.write("".join(f'import "{m}"\n' for m in modules) + LOGS)
            for n, e in enumerate(expressions()):
                file.write(f'rule e{n} {{ condition: console.log("e{n} ", {e}) }}\n')
        with open(report, "w", encoding="ascii") as file:
            file.write(REPORT)
        named = {f"e{n}": e for n, e in enumerate(expressions())}
        count = failed = 0
        for path in paths or list(made(folder)):
            options = ["-x", f"cuckoo={report}", rules, path]
            want, _ = output(["yara", *options])
            got, fault = output([candor, "yara", *options])
            count += 1
            good = want == got
            failed += not good
            print(f"{'' if good else 'not '}ok {count} - {os.path.basename(path)}: "
                  f"{len(want)} lines")
            if good:
                continue
            for line in [f"- {x}" for x in want if x not in set(got)][:10] + \
                        [f"+ {x}" for x in got if x not in set(want)][:10] + [fault]:
                words = line.split()
                print(f"#   {line}   {named.get(words[1], '') if len(words) > 1 else ''}")
        print(f"1..{count}")
        return failed != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

#!/usr/bin/env python3
"""What an archive asks of the world is on its published list, and nothing else.

usage: pure.py ROOT release|debug NAME ARCHIVE [OTHER_ARCHIVE]...

Undefined symbols of ARCHIVE, less those that it or the OTHER archives define, must all be in
tests/tidy/NAME.symbols. An archive whose list begins with "no state" may hold no writable data.
What a compiler adds for checks of its own (sanitizers, stack protector, fortified variants) is
not counted: a fortified `__memcpy_chk` counts as `memcpy`. Assertions, which end the process, are
for debug builds: a release has none.
"""
import os
import re
import subprocess
import sys

import house

COMPILER = re.compile(r"^(__asan_|__ubsan_|__sanitizer_|__sancov_|__lsan_|__gcov|__stack_chk_fail|"
                      r"__tls_get_addr|_GLOBAL_OFFSET_TABLE_|__start_|__stop_|__chk_fail|__cpu_|"
                      r"_Unwind_Resume|__fentry__|__popcountdi2)")


def symbols(archive, *options):
    run = subprocess.run(["nm", "-P", *options, archive], text=True, capture_output=True,
                         check=True)
    return {line.split()[0] for line in run.stdout.splitlines()
            if len(line.split()) >= 2 and not line.endswith(":")}


def plain(symbol):
    fortified = re.match(r"^__(\w+?)_chk$", symbol)
    isoc = re.match(r"^__isoc\d+_(\w+)$", symbol)
    return fortified[1] if fortified else isoc[1] if isoc else symbol


def writable(archive):
    """Variables in .data and .bss: state that outlives a call."""
    run = subprocess.run(["objdump", "-t", archive], text=True, capture_output=True, check=True)
    found = re.findall(r" O \.(?:data|bss|tbss|tdata)(?!\.rel\.ro)\S*\s+[0-9a-f]+\s+(?:\.hidden )?"
                       r"(\S+)", run.stdout)
    return sorted(s for s in set(found) if not re.search(r"asan|ubsan|^\.LASAN|^\.Lubsan", s))


def main(root, build, name, archive, others):
    listing = f"tests/tidy/{name}.symbols"
    allowed = set(house.listed(root, listing))
    wanted = {s for s in symbols(archive, "-u") if not COMPILER.match(s)}
    for one in (archive, *others):
        wanted -= symbols(one, "--defined-only", "-g")
    if build == "debug":
        wanted.discard("__assert_fail")
    faults = [f"'{s}' is called by {os.path.basename(archive)} and is not in {listing}"
              for s in sorted({plain(s) for s in wanted} - allowed)]
    if "# no state" in house.text(root, listing):
        faults += [f"'{s}' is a variable that outlives a call" for s in writable(archive)]
    house.report(f"{name} asks for what its list grants", faults,
                 len(symbols(archive, "--defined-only", "-g")))


main(*sys.argv[1:5], sys.argv[5:])

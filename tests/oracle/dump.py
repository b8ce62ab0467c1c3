#!/usr/bin/env python3
"""Compares a module's dump with that of Debian's yara, field by field, file by file.

usage: dump.py [options] MODULE PATH...

PATHs are files and folders; of a folder, all files are taken that begin as the module's kind
does. Every field that both know must be equal, and arrays equally long. Fields that only one of
them knows are listed at the end. Exit 0: equal; 1: differences; 77: yara is missing (SKIP).

  --dump PROGRAM    prints our dump, called as PROGRAM MODULE FILE; default: module_dump in
                    build/tests/tools. With --candor PROGRAM: called as `PROGRAM yara -D`
  --yara PROGRAM    the oracle, default: yara
  --ignore REGEX    fields (path without indexes, as `signatures.issuer`) not to compare;
                    repeatable
  --mutate N        instead of each file, N broken copies of it (flipped bytes, cut ends), the
                    same ones in every run
  --keep FOLDER     where broken copies that differ are kept
  --show N          print at most N differences of a file (default 8)
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

MAGIC = {
    "pe": [b"MZ"], "dotnet": [b"MZ"], "elf": [b"\x7fELF"], "dex": [b"dex\n"], "lnk": [b"L\0\0\0"],
    "macho": [b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf",
              b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"],
}


def files_of(module, paths):
    for path in paths:
        if not os.path.isdir(path):
            yield path
            continue
        for root, dirs, names in os.walk(path):
            dirs.sort()
            for name in sorted(names):
                full = os.path.join(root, name)
                if not os.path.isfile(full) or os.path.islink(full):
                    continue
                with open(full, "rb") as file:
                    head = file.read(8)
                if any(head.startswith(m) for m in MAGIC.get(module, [b""])):
                    yield full


def parse(module, text):
    """The dump as {path: value}; structures, arrays and dicts have the value None."""
    tree, stack, inside = {}, [], False
    for line in text.decode("latin-1").split("\n"):
        if line == module:
            inside = True
            continue
        depth = len(line) - len(line.lstrip("\t"))
        if not inside or depth == 0:
            continue
        name, equals, value = line[depth:].partition(" = ")
        del stack[depth - 1:]
        stack.append(name)
        tree["\0".join(stack)] = value if equals else None
    return tree


def field_of(path):
    return re.sub(r"\.\[\d+\]", "", path.replace("\0", "."))


def run(command):
    try:
        done = subprocess.run(command, capture_output=True, timeout=300)
    except subprocess.TimeoutExpired:
        return "ran 300 s", b""
    return (f"status {done.returncode}" if done.returncode else ""), done.stdout


def mutations(path, count):
    """Broken copies of a file: (name, bytes)."""
    with open(path, "rb") as file:
        data = file.read()
    for number in range(count):
        rng = random.Random(f"{os.path.basename(path)} {len(data)} {number}")
        broken = bytearray(data)
        # Headers and what they point at matter more than the rest.
        reach = rng.choice([1024, 1024, 4096, 65536, len(broken)])
        for _ in range(rng.choice([1, 1, 2, 4, 16])):
            at = rng.randrange(min(reach, len(broken)))
            if at < 0x40 and rng.random() < 0.9:
                continue
            broken[at] = rng.choice([0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)])
        if rng.random() < 0.25:
            del broken[rng.randrange(len(broken)):]
        yield number, bytes(broken)


# --- what later versions of YARA changed: done to the dumps before they are compared. Each takes
# the file's path, yara's dump and ours. docs/modules-differences.md lists them. ---

def rebase_imports(path, theirs, ours):
    """yara 4.2 counts the functions of import_details on from library to library, so that each
    begins with holes and number_of_functions holds the sum so far."""
    before, moved = 0, {}
    for name in [n for n in theirs if n.startswith("import_details\0")]:
        words = name.split("\0")
        if len(words) < 3:
            continue
        value = theirs.pop(name)
        if words[2] == "number_of_functions":
            total = int(value)
            moved[words[1]], before, value = before, total, str(total - before)
        elif len(words) > 3:
            words[3] = f"[{int(words[3][1:-1]) - moved.get(words[1], 0)}]"
        theirs["\0".join(words)] = value


def undefine_offsets(path, theirs, ours):
    """yara 4.2 says -1 where an export has no place in the file."""
    for name, value in theirs.items():
        if value == "-1" and name.startswith("export_details") and name.endswith("]\0offset"):
            theirs[name] = "YR_UNDEFINED"


def cut_exports(path, theirs, ours):
    """yara 4.2 stops after 8,192 exports, later ones after 16,384."""
    if theirs.get("number_of_exports") != "8192":
        return
    ours["number_of_exports"] = "8192"
    for name in [n for n in ours if n.startswith("export_details\0")]:
        if int(name.split("\0")[1][1:-1]) >= 8192:
            del ours[name]


def certificate_entries(path):
    with open(path, "rb") as file:
        data = file.read()
    word = lambda at: int.from_bytes(data[at:at + 4], "little")
    header = word(0x3c)
    entry = header + 0x98 + (16 if data[header + 24:header + 26] == b"\x0b\x02" else 0)
    at, end, count = word(entry), word(entry) + word(entry + 4), 0
    while at + 8 <= end and word(at) >= 8:
        at += (word(at) + 7) & ~7
        count += 1
    return count


def first_certificate(path, theirs, ours):
    """yara 4.2 reads all entries of the certificate table, later ones the first."""
    if certificate_entries(path) < 2:
        return
    theirs.pop("number_of_signatures", None)
    kept = ours.get("number_of_signatures", "0")
    for name in [n for n in theirs if n.startswith("signatures\0")]:
        if kept.isdigit() and int(name.split("\0")[1][1:-1]) >= int(kept):
            del theirs[name]
    theirs["number_of_signatures"] = kept


def turn_magic(path, theirs, ours):
    """yara 4.2 reads the magic number of Mach-O files in the other byte order."""
    for name, value in theirs.items():
        if name.split("\0")[-1] == "magic" and value.isdigit():
            theirs[name] = str(int.from_bytes(int(value).to_bytes(4, "little"), "big"))


def end_at_nul(path, theirs, ours):
    """yara 4.2 ends these at a NUL, later ones give them their length."""
    for tree in theirs, ours:
        for name, value in tree.items():
            if name.startswith(("DEX_FILE_MAGIC", "header\0magic", "header\0signature")):
                tree[name] = value.split("\\x00")[0].rstrip('"')


def without_last_byte(path, theirs, ours):
    """yara 4.2 leaves the last byte of a key, token or constant out."""
    for name in ours:
        if name.endswith("\0public_key_or_token") or name.startswith("constants\0"):
            ours[name] = None
            theirs[name] = None if name in theirs else "missing"


def without_far_resources(path, theirs, ours):
    """yara 4.2 leaves resources out that lie in another file, or past the end of this one."""
    if theirs.get("number_of_resources") != ours.get("number_of_resources"):
        for tree in theirs, ours:
            for name in [n for n in tree if "resources" in n.split("\0")[0]]:
                del tree[name]


def without_long_tables(path, theirs, ours):
    """yara 4.2 stops at a table of more than 10,000 rows, later ones at 15,000."""
    stopped = theirs.get("number_of_assembly_refs") == "YR_UNDEFINED"
    if not stopped or ours.get("number_of_assembly_refs") == "YR_UNDEFINED":
        return
    lost = {n.split("\0")[0] for n in ours if n.startswith("number_of_")
            and theirs.get(n) == "YR_UNDEFINED"}
    lost |= {name[len("number_of_"):] for name in lost} | {"assembly", "typelib"}
    for tree in theirs, ours:
        for name in [n for n in tree if n.split("\0")[0] in lost]:
            del tree[name]


CHANGES = {
    ("pe", "4.2"): [rebase_imports, undefine_offsets, cut_exports, first_certificate],
    ("macho", "4.2"): [turn_magic],
    ("dex", "4.2"): [end_at_nul],
    ("dotnet", "4.2"): [without_last_byte, without_far_resources, without_long_tables],
}


class Comparison:
    def __init__(self, options):
        self.options = options
        version = subprocess.run([options.yara, "--version"], capture_output=True).stdout.decode()
        key = (options.module, ".".join(version.split(".")[:2]))
        self.changes = CHANGES.get(key, [])
        self.ignore = [re.compile(f"^(?:{text})$") for text in options.ignore]
        self.ours_has, self.theirs_has = set(), set()
        self.missing = []  # (file, path, who lacks it)
        self.different = Counter()
        self.files = self.bad_files = self.crashes = 0

    def ours(self, path):
        if self.options.candor:
            return run([self.options.candor, "yara", "-D", self.rule, path])
        return run([self.options.dump, self.options.module, path])

    def compare(self, path, label):
        error, text = run([self.options.yara, "-D", self.rule, path])
        ours_error, ours_text = self.ours(path)
        theirs, ours = (parse(self.options.module, t) for t in (text, ours_text))
        for change in self.changes:
            change(path, theirs, ours)
        lines = []
        if ours_error:
            lines.append(f"    ours: {ours_error}")
        if error:
            self.crashes += 1
            return label, ([f"    yara: {error}"] if not self.options.mutate else []) + lines, []
        missing = []
        for side, other in ((ours, theirs), (theirs, ours)):
            for name in side:
                if name not in other:
                    missing.append((name, other is ours))
        for name in ours:
            field = field_of(name)
            if name in theirs and ours[name] != theirs[name] and \
                    not any(i.match(field) for i in self.ignore):
                self.different[field] += 1
                shown = name.replace("\0", ".")
                lines.append(f"    {shown}: ours {ours[name]}, yara {theirs[name]}"[:400])
        self.ours_has.update(map(field_of, ours))
        self.theirs_has.update(map(field_of, theirs))
        return label, lines, missing

    def work(self):
        """Yields (path, label) of the files to compare, made where they must be."""
        for path in files_of(self.options.module, self.options.paths):
            if not self.options.mutate:
                yield path, path
                continue
            for number, data in mutations(path, self.options.mutate):
                copy = os.path.join(self.folder, f"{self.files_made}.bin")
                self.files_made += 1
                with open(copy, "wb") as file:
                    file.write(data)
                yield copy, f"{path} #{number}"

    def one(self, job):
        path, label = job
        label, lines, missing = self.compare(path, label)
        if self.options.mutate:
            if (lines or missing) and self.options.keep:
                shutil.copy(path, os.path.join(self.options.keep, label.replace("/", "_")))
            os.unlink(path)
        return label, lines, missing

    def run(self):
        self.files_made = 0
        with tempfile.TemporaryDirectory() as self.folder, ThreadPoolExecutor(2) as pool:
            self.rule = os.path.join(self.folder, "rule.yar")
            with open(self.rule, "w") as file:
                file.write(f'import "{self.options.module}"\nrule r {{ condition: true }}\n')
            jobs = self.work()
            while batch := [job for job, _ in zip(jobs, range(64))]:
                for label, lines, missing in pool.map(self.one, batch):
                    self.files += 1
                    self.missing += [(label, *m) for m in missing]
                    if lines:
                        self.bad_files += 1
                        print(label)
                        print("\n".join(lines[:self.options.show]), flush=True)
                        if len(lines) > self.options.show:
                            print(f"    and {len(lines) - self.options.show} more")
        return self.report()

    def report(self):
        only_ours, only_theirs, holes = set(), set(), Counter()
        for label, name, we_lack in self.missing:
            field = field_of(name)
            if any(i.match(field) for i in self.ignore):
                continue
            known = self.ours_has if we_lack else self.theirs_has
            if field not in known:
                (only_theirs if we_lack else only_ours).add(field)
                continue
            holes[field] += 1
            if holes[field] <= self.options.show:
                who = "only yara has it" if we_lack else "only we have it"
                print(f"{label}\n    {name}: {who}".replace("\0", "."))
        for title, fields in (("only ours", only_ours), ("only yara", only_theirs)):
            if fields:
                print(f"{title}: {' '.join(sorted(fields))}")
        for field, count in (self.different + holes).most_common():
            print(f"{count:7} differences in {field}")
        print(f"{self.options.module}: {self.files} files, {self.bad_files} differ, "
              f"{sum(holes.values())} fields in one dump only, yara failed on {self.crashes}")
        return 1 if self.bad_files or holes or not self.files else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--dump", default="build/tests/tools/module_dump")
    parser.add_argument("--candor")
    parser.add_argument("--yara", default="yara")
    parser.add_argument("--ignore", action="append", default=[])
    parser.add_argument("--mutate", type=int, default=0)
    parser.add_argument("--keep")
    parser.add_argument("--show", type=int, default=8)
    parser.add_argument("module")
    parser.add_argument("paths", nargs="+")
    options = parser.parse_args()
    if not shutil.which(options.yara):
        print(f"SKIP: no '{options.yara}' on this machine")
        return 77
    return Comparison(options).run()


if __name__ == "__main__":
    sys.exit(main())

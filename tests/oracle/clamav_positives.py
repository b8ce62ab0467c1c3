#!/usr/bin/env python3
"""Files that signatures of real databases must hit, and near misses: clamscan beside the tool.

usage: clamav_positives.py PROGRAM DATABASE... [--signatures N] [--seed N] [--keep DIR] [--candor]

For each of N signatures of the .ldb and .ndb files, spread over all kinds, writes from the
signature's text a file that it must hit: of its target type, with its offsets, sections, size,
counts and wildcards; and near misses of it: a byte of a body changed, a body missing, everything
moved by one. Runs `clamscan --allmatch` with the databases over all of them, and the program (the
clamav_tool, or with --candor `candor clamscan`); lists every difference with file and signature.
clamscan judges: a positive that it does not find is counted as unproven, not as a difference.
Exit 0 all equal, 1 a difference, 77 when clamscan or a database is missing."""
import argparse
import collections
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings

try:
    import re._parser as sre_parse
except ImportError:
    warnings.simplefilter("ignore")
    import sre_parse

FILLER = 0x11


class Skip(Exception):
    """No file can be made for the signature; the reason is counted."""


# --- bodies: lists of bytes, None where any will do ---


def alternatives(text):
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == "|" and not depth:
            parts.append(text[start:i])
            start = i + 1
    return parts + [text[start:]]


def closing(text, at):
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if not depth:
            return i
    raise Skip("parentheses")


def other_than(strings):
    length = len(strings[0]) // 2
    for fill in range(0x30, 0x80):
        value = "%02x" % fill * length
        if value not in [s.lower() for s in strings]:
            return [fill] * length
    raise Skip("negation")


def instance(text, r, wide=False):
    """The bytes of one match."""
    out, at = [], 0
    before = after = None

    def put(value):
        out.append(value)
        if wide:
            out.append(0)

    while at < len(text):
        c = text[at]
        if c == "*":
            out += [None] * r.choice([0, 3, 40])
            at += 1
        elif c in "{[":
            end = text.index("}" if c == "{" else "]", at)
            low, dash, high = text[at + 1:end].partition("-")
            low = int(low or 0)
            high = int(high) if high else low if not dash else low + 20
            out += [None] * r.choice([low, min(high, low + 300)])
            at = end + 1
        elif c == "!" or c == "(":
            negated = c == "!"
            at += negated
            end = closing(text, at)
            inner = text[at + 1:end]
            if inner in ("B", "L", "W"):
                edge = 0x31 if negated else {"B": 0x20, "L": 0x0A, "W": 0x20}[inner]
                if not out:
                    before = edge
                elif end + 1 == len(text):
                    after = edge
                else:
                    out.append(edge)
            elif negated:
                for value in other_than(alternatives(inner)):
                    put(value)
            else:
                got, _, _ = instance(r.choice(alternatives(inner)), r, wide)
                out += got
            at = end + 1
        else:
            pair = text[at:at + 2]
            if pair == "??":
                put(None)
            else:
                put(int(pair.replace("?", "5"), 16))
            at += 2
    return out, before, after


# --- regular expressions ---


def from_regex(tree, r, groups):
    out = b""
    for op, value in tree:
        name = str(op)
        if name == "LITERAL":
            out += bytes([value & 0xFF])
        elif name == "NOT_LITERAL":
            out += b"x" if value != 0x78 else b"y"
        elif name == "ANY":
            out += b"x"
        elif name == "IN":
            out += from_class(value)
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, _, inner = value
            out += b"".join(from_regex(inner, r, groups) for _ in range(low))
        elif name == "SUBPATTERN":
            got = from_regex(value[3], r, groups)
            groups[value[0]] = got
            out += got
        elif name == "BRANCH":
            out += from_regex(value[1][0], r, groups)
        elif name == "GROUPREF":
            out += groups.get(value, b"")
        elif name == "AT":
            continue
        else:
            raise Skip("regex " + name)
    return out


def from_class(items):
    negated, allowed = False, set()
    categories = {"CATEGORY_DIGIT": b"7", "CATEGORY_WORD": b"w", "CATEGORY_SPACE": b" ",
                  "CATEGORY_NOT_DIGIT": b"x", "CATEGORY_NOT_WORD": b" ", "CATEGORY_NOT_SPACE": b"x"}
    for op, value in items:
        name = str(op)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            allowed.add(value)
        elif name == "RANGE":
            allowed |= set(range(value[0], value[1] + 1))
        elif name == "CATEGORY":
            if not negated:
                return categories[str(value)]
            allowed |= set(range(0x30, 0x7B)) if "NOT" not in str(value) else set()
    for c in [0x78, 0x37, 0x20, 0x2E] + list(range(1, 256)):
        if (c in allowed) != negated:
            return bytes([c])
    raise Skip("regex class")


# --- expressions ---


def solve(text):
    """Counts of subsignatures under which the expression holds, mostly; clamscan judges."""
    counts = collections.Counter()
    for part in alternatives_of(text, "&"):
        part = alternatives_of(part, "|")[0]
        if part.startswith("("):
            end = closing(part, 0)
            inner, modifier = part[1:end], part[end + 1:]
            m = re.match(r"([<>=]+)(\d+)(?:,(\d+))?", modifier)
            if not m:
                got = solve(inner)
            else:
                ids = [int(x) for x in re.findall(r"(?<![<>=\d,])\d+", inner)]
                need = int(m[2]) + (m[1][-1] == ">")
                if m[1][-1] == "<":
                    need = 0
                got = collections.Counter()
                distinct = min(max(int(m[3] or 1), 1), len(ids))
                for i in ids[:distinct]:
                    got[i] += 1
                if "&" in inner:
                    got = solve(inner)
                if need == 0:
                    got = collections.Counter()
                elif sum(got.values()) < need:
                    got[ids[0]] += need - sum(got.values())
        else:
            m = re.match(r"(\d+)(?:[<>=]*([<>=])(\d+))?", part)
            if not m:
                raise Skip("expression")
            n = 1 if not m[2] else {"=": int(m[3]), ">": int(m[3]) + 1, "<": 0}[m[2]]
            got = collections.Counter({int(m[1]): n})
        for i, n in got.items():
            counts[i] = max(counts[i], n)
    return counts


def alternatives_of(text, mark):
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == mark and not depth:
            parts.append(text[start:i])
            start = i + 1
    return parts + [text[start:]]


# --- files of each target ---


class File:
    def __init__(self, data, free, sections=(), entry=None, gap=(0, 0)):
        self.data = bytearray(data)
        self.fixed = bytearray(b"\1" * len(data))
        self.fixed[gap[0]:gap[1]] = bytes(gap[1] - gap[0])
        self.free = free
        self.sections = sections
        self.entry = entry
        for i in range(free, len(data)):
            self.fixed[i] = 0

    def put(self, at, values):
        if at < 0 or at > 4 << 20:
            raise Skip("offset")
        end = at + len(values)
        if end > len(self.data):
            self.fixed += bytes(end - len(self.data))
            self.data += bytes([FILLER]) * (end - len(self.data))
        for i, value in enumerate(values):
            if value is None:
                continue
            if self.fixed[at + i] and self.data[at + i] != value:
                raise Skip("conflict")
            self.data[at + i] = value
            self.fixed[at + i] = 1

    def find_room(self, length):
        at = self.free
        while any(self.fixed[at:at + length + 8]):
            at += 1 + self.fixed[at:at + length + 8].rfind(1)
        self.free = at + length + 4
        return at + 4


def pe(sections, size):
    size = max(size, 0x200)
    start = 0x400 if sections < 6 else 0x1000
    header = bytearray(start)
    header[0:2] = b"MZ"
    struct.pack_into("<I", header, 0x3C, 0x180)
    header[0x180:0x184] = b"PE\0\0"
    struct.pack_into("<HHIIIHH", header, 0x184, 0x14C, sections, 0x4A000000, 0, 0, 0xE0, 0x10F)
    optional = 0x198
    struct.pack_into("<HBBIIIIIII", header, optional, 0x10B, 9, 0, size, size, 0, 0x1000, 0x1000, 0x2000, 0x400000)
    struct.pack_into("<IIHHHHHHIIIIHH", header, optional + 32, 0x1000, 0x200, 5, 0, 0, 0, 5, 0, 0,
                     0x1000 * (1 + sections * (1 + size // 0x1000)), start, 0, 2, 0)
    struct.pack_into("<IIIIII", header, optional + 72, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    table, raw, address, places = optional + 0xE0, start, 0x1000, []
    if table + 40 * sections > start:
        raise Skip("sections")
    size = (size + 0x1FF) & ~0x1FF
    for i in range(sections):
        struct.pack_into("<8sIIIIIIHHI", header, table + 40 * i, b".s%d" % i, size, address, size, raw, 0, 0, 0, 0,
                         0x60000020)
        places.append((raw, raw + size))
        raw += size
        address += (size + 0xFFF) & ~0xFFF
    body = bytes([FILLER]) * (raw - start)
    return File(bytes(header) + body, start, places, start, (0x40, 0x180))


def elf(sections, size):
    size = max(size, 0x400)
    count = max(sections, 1)
    ehdr = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1" + bytes(9), 2, 3, 1, 0x8048200, 52, 84, 0, 52, 32, 1, 40,
                       count, 0)
    phdr = struct.pack("<IIIIIIII", 1, 0, 0x8048000, 0x8048000, 0x200 + size, 0x200 + size, 7, 0x1000)
    headers, places = b"", []
    for i in range(count):
        headers += struct.pack("<IIIIIIIIII", 0, 1, 6, 0x8048200, 0x200, size, 0, 0, 16, 0)
        places.append((0x200, 0x200 + size))
    head = (ehdr + phdr + headers).ljust(0x200, b"\0")
    if len(head) > 0x200:
        raise Skip("sections")
    return File(head + bytes([FILLER]) * size, 0x200, places, 0x200)


def plain(head, fixed=None):
    end = len(head)
    return lambda sections, size: File(head + bytes([FILLER]) * max(size, 64), end,
                                       gap=(end if fixed is None else fixed, end))


TEMPLATES = {
    0: plain(b"\x80\x81\x82\x83" * 4, 0),
    1: pe,
    2: plain(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504), 8),
    3: lambda sections, size: File(b"<html><body>" + b" " * max(size, 64), 12),
    4: lambda sections, size: File(b"Received: from a by b; x\nFrom: a@example.org\nTo: b@example.org\n"
                                   b"Subject: c\n\n" + b" " * max(size, 64), 77),
    5: plain(b"GIF89a\1\0\1\0\0\0\0"),
    6: elf,
    7: lambda sections, size: File(b" " * max(size, 64), 0),
    9: plain(struct.pack("<IIIIIII", 0xFEEDFACE, 7, 3, 2, 0, 0, 0)),
    10: plain(b"%PDF-1.4\n"),
    11: plain(b"FWS\6\0\0\0\0"),
    12: plain(b"\xca\xfe\xba\xbe\0\0\0\x32"),
    14: plain(b"\x1f\x9d\x90"),
}


# --- signatures ---


class Signature:
    def __init__(self, name, target, attributes, logic, subs, line):
        self.name, self.target, self.attributes = name, target, attributes
        self.logic, self.subs, self.line = logic, subs, line


def ldb_tokens(line, mark, skip):
    tokens, start, quoted, n = [], 0, False, 0
    for i, c in enumerate(line):
        if not quoted and c == mark:
            tokens.append(line[start:i])
            start = i + 1
            n += 1
        elif c == "/" and n >= skip and i and line[i - 1] != "\\":
            quoted = not quoted
    return tokens + [line[start:]]


def read_signature(line, is_ldb):
    if not is_ldb:
        f = line.split(":")
        return Signature(f[0], int(f[1]), {}, "0", ["%s:%s" % (f[2], f[3])], line)
    f = ldb_tokens(line, ";", 2)
    attributes = dict(a.split(":", 1) for a in f[1].split(","))
    return Signature(f[0], int(attributes.get("Target", 0)), attributes, f[2], f[3:], line)


def kind_of(s):
    """What the choice of signatures is spread over."""
    marks = {"target %d" % s.target}
    for a in s.attributes:
        if a not in ("Engine", "Target"):
            marks.add(a)
    for m in re.findall(r"[<>=]", s.logic):
        marks.add("logic " + m)
    if re.search(r"\)[<>=]\d+,\d", s.logic):
        marks.add("distinct")
    if "|" in s.logic:
        marks.add("or")
    for sub in s.subs:
        if "/" in sub:
            marks.add("pcre")
            continue
        t = sub.split(":")
        if len(t) in (2, 4) and t[0] != "*":
            marks.add("offset " + re.sub(r"\d+", "n", t[0]))
        if len(t) in (3, 4):
            marks.add("modifier " + "".join(sorted(t[-1])))
        for m in ("{", "*", "??", "(", "!(", "["):
            if m in t[len(t) in (2, 4)]:
                marks.add("has " + m)
    return frozenset(marks)


def make_sub(sub, r, target):
    """(offset text, bytes) of one match."""
    if "/" in sub:
        head, _, rest = sub.partition("/")
        pattern, _, flags = rest.rpartition("/")
        offset = head.split(":")[0] if ":" in head else "*"
        try:
            tree = sre_parse.parse(pattern.replace("\\/", "/").encode("latin1"))
        except Exception:
            raise Skip("regex")
        return offset, list(from_regex(tree, r, {}))
    if "#" in sub or sub.startswith("$"):
        raise Skip("kind of subsignature")
    t = ldb_tokens(sub, ":", 0)
    offset, body = (t[0], t[1]) if len(t) in (2, 4) else ("*", t[0])
    modifiers = t[-1] if len(t) in (3, 4) else ""
    wide = "w" in modifiers and not ("a" in modifiers and r.random() < 0.5)
    values, before, after = instance(body, r, wide)
    if "i" in modifiers:
        values = [ord(chr(v).swapcase()) if v is not None and chr(v).isalpha() and v < 128 and r.random() < 0.5 else v
                  for v in values]
    if before is not None or after is not None or "f" in modifiers:
        edge = 0x20 if target in (3, 4, 7) else FILLER
        values = [edge if before is None else before] + values + [edge if after is None else after]
        if offset != "*":
            raise Skip("edge with offset")
    return offset, values


def place(file, offset, values, size):
    head, _, shift = offset.partition(",")
    shift = int(shift or 0)
    m = re.match(r"S(\d+)\+(\d+)$", head)
    if head == "*":
        file.put(file.find_room(len(values)), values)
    elif head.isdigit():
        file.put(int(head) + shift // 2, values)
    elif head.startswith("EP"):
        if file.entry is None:
            raise Skip("entry point")
        file.put(file.entry + int(head[2:]) + shift, values)
    elif m and int(m[1]) < len(file.sections):
        file.put(file.sections[int(m[1])][0] + int(m[2]) + shift, values)
    elif head.startswith("SE") and int(head[2:]) < len(file.sections):
        file.put(file.sections[int(head[2:])][0] + 16, values)
    elif head.startswith("SL+") and file.sections:
        file.put(file.sections[-1][0] + int(head[3:]), values)
    elif head.startswith("EOF-"):
        return ("end", int(head[4:]) - shift // 2, values)
    else:
        raise Skip("offset " + re.sub(r"\d+", "n", head))
    return None


def build(s, r, leave_out=None, shift=0):
    if s.target not in TEMPLATES:
        raise Skip("target %d" % s.target)
    for a in ("Container", "Intermediates", "HandlerType", "IconGroup1", "IconGroup2"):
        if a in s.attributes:
            raise Skip(a)
    counts = solve(s.logic)
    pieces = []
    for i in sorted(counts):
        if i >= len(s.subs):
            raise Skip("expression")
        for _ in range(min(counts[i], 300)):
            offset, values = make_sub(s.subs[i], r, s.target)
            if i != leave_out:
                pieces.append((i, offset, values))
    need = sum(len(v) + 16 for _, _, v in pieces) + 64
    low, high = 0, 1 << 40
    if "FileSize" in s.attributes:
        low, high = map(int, s.attributes["FileSize"].split("-"))
    sections = 3
    for i, offset, _ in pieces:
        m = re.match(r"SE?(\d+)", offset)
        if m:
            sections = max(sections, int(m[1]) + 1)
    if "NumberOfSections" in s.attributes:
        sections = max(int(s.attributes["NumberOfSections"].split("-")[0]), 1)
    reach = 0
    for _, offset, values in pieces:
        m = re.search(r"\+(\d+)", offset)
        if m:
            reach = max(reach, int(m[1]) + len(values) + 64)
    if reach > 1 << 20:
        raise Skip("size")
    file = TEMPLATES[s.target](sections, max(need, reach))
    late = []
    for _, offset, values in sorted(pieces, key=lambda p: p[1] == "*"):
        again = place(file, offset, values, need)
        if again:
            late.append(again)
    if late:
        longest = max(max(n, len(v)) for _, n, v in late)
        end = len(file.data) + longest
        file.put(end, [])
        for _, n, values in late:
            if len(values) > n:
                file.put(end - n, values[:n] if all(v is None for v in values[n:]) else values)
            else:
                file.put(end - n, values)
        if len(file.data) != end:
            raise Skip("end")
    if len(file.data) < low:
        file.put(low, [])
    if len(file.data) > high or len(file.data) > 8 << 20:
        raise Skip("size")
    data = bytes(file.data)
    if s.target in (3, 4, 7):
        text = bytearray(data)
        for i, c in enumerate(text):
            if not file.fixed[i] and c == FILLER:
                text[i] = 0x20
        data = bytes(text)
    if shift:
        data = data[:file.free // 2] + b"\x11" * shift + data[file.free // 2:]
    return data, file, pieces


def changed_byte(data, file, pieces, r):
    """One fixed byte behind the header, changed."""
    places = [i for i in range(len(data)) if i < len(file.fixed) and file.fixed[i]]
    wanted = {bytes(v for v in values if v is not None) for _, _, values in pieces}
    for _ in range(50):
        i = r.choice(places[-sum(len(w) for w in wanted) - 8:] or places)
        if i >= 64 or file.entry is None:
            return data[:i] + bytes([data[i] ^ 0x15]) + data[i + 1:]
    return None


# --- the two programs ---


def run_clamscan(databases, listed):
    arguments = ["clamscan", "--allmatch=yes", "--no-summary", "--infected", "--stdout",
                 "--file-list=" + listed]
    for d in databases:
        arguments += ["-d", d]
    return findings(subprocess.run(arguments, capture_output=True, text=True, errors="replace"), r"(.*): (\S+) FOUND$")


def run_program(program, databases, listed, is_candor):
    if is_candor:
        arguments = [program, "clamscan", "--allmatch=yes", "--no-summary", "--infected", "--stdout",
                     "--file-list=" + listed]
        for d in databases:
            arguments += ["-d", d]
        out = subprocess.run(arguments, capture_output=True, text=True, errors="replace")
        return findings(out, r"(.*): (\S+) FOUND$")
    arguments = [program, "-q"]
    for d in databases:
        arguments += ["-d", d]
    with open(listed) as names:
        out = subprocess.run(arguments + ["-"], stdin=names, capture_output=True, text=True, errors="replace")
    return findings(out, r"(.*): (\S+)$")


def findings(out, pattern):
    if out.returncode > 1:
        sys.exit("%s failed: %s" % (out.args[0], out.stderr[-1000:]))
    found = collections.defaultdict(set)
    for line in out.stdout.splitlines():
        m = re.match(pattern, line)
        if m:
            found[os.path.basename(m[1])].add(m[2])
    return found


def choose(signatures, n, r):
    """Of each kind some, then the rest at random."""
    kinds = collections.defaultdict(list)
    for s in signatures:
        kinds[kind_of(s)].append(s)
    for group in kinds.values():
        r.shuffle(group)
    chosen = []
    rows = sorted(kinds.values(), key=len)
    depth = 0
    while len(chosen) < n and any(len(row) > depth for row in rows):
        chosen += [row[depth] for row in rows if len(row) > depth][:n - len(chosen)]
        depth += 1
    return chosen, kinds


def write_files(chosen, folder, r, skipped):
    made = {}
    for number, s in enumerate(chosen):
        try:
            data, file, pieces = build(s, r)
        except Skip as e:
            skipped[str(e)] += 1
            continue
        except (ValueError, IndexError, KeyError, RecursionError, struct.error) as e:
            skipped["malformed: %r" % e] += 1
            continue
        made["p%06d" % number] = (s, data)
        miss = changed_byte(data, file, pieces, r)
        if miss:
            made["m%06d" % number] = (s, miss)
        k = r.random()
        try:
            if k < 0.4 and len(pieces) > 1:
                left_out = r.choice(pieces)[0]
                made["n%06d" % number] = (s, build(s, r, leave_out=left_out)[0])
            elif k < 0.6:
                made["n%06d" % number] = (s, build(s, r, shift=1)[0])
        except Skip:
            pass
    for name, (_, data) in made.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
    return made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("databases", nargs="+")
    parser.add_argument("--signatures", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep")
    parser.add_argument("--candor", action="store_true")
    a = parser.parse_args()
    missing = [d for d in a.databases if not os.path.exists(d)]
    if not shutil.which("clamscan") or missing:
        print("SKIP: no " + (missing[0] if missing else "clamscan"))
        return 77
    r = random.Random(a.seed)
    signatures = []
    for d in a.databases:
        with open(d, errors="replace") as f:
            for line in f:
                if line.strip() and not line.startswith("#"):
                    try:
                        s = read_signature(line.strip(), ".ldb" in d)
                    except ValueError:
                        continue
                    # The tool does not normalise HTML and text.
                    if a.candor or s.target not in (3, 7):
                        signatures.append(s)
    chosen, kinds = choose(signatures, a.signatures, r)
    skipped = collections.Counter()
    folder = a.keep or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    try:
        made = write_files(chosen, folder, r, skipped)
        listed = os.path.join(folder, "list")
        with open(listed, "w") as f:
            f.writelines(os.path.join(folder, name) + "\n" for name in sorted(made))
        theirs = run_clamscan(a.databases, listed)
        ours = run_program(a.program, a.databases, listed, a.candor)
    finally:
        if not a.keep:
            shutil.rmtree(folder)
    return report(made, theirs, ours, skipped, chosen, kinds)


def report(made, theirs, ours, skipped, chosen, kinds):
    label = lambda s: s.name + ".UNOFFICIAL"
    differences = proven = unproven = missed = 0
    proven_kinds, by_target = set(), collections.Counter()
    for name in sorted(made):
        s, _ = made[name]
        t, o = theirs[name], ours[name]
        if name[0] == "p":
            if label(s) in t:
                proven += 1
                proven_kinds.add(kind_of(s))
                by_target[s.target] += 1
            else:
                unproven += 1
        elif label(s) not in t:
            missed += 1
        for finding in sorted(t ^ o):
            differences += 1
            if differences <= 200:
                print("%s: %s: %s\n    %s" % (name, "clamscan only" if finding in t else "program only", finding,
                                            s.line[:300]))
    print("signatures chosen: %d, of %d of %d kinds" % (len(chosen), len({kind_of(s) for s in chosen}), len(kinds)))
    print("positives that clamscan finds: %d (of %d kinds), that it does not: %d" %
          (proven, len(proven_kinds), unproven))
    print("  by target: " + ", ".join("%d: %d" % x for x in sorted(by_target.items())))
    print("near misses that clamscan does not find: %d of %d" %
          (missed, sum(1 for n in made if n[0] != "p")))
    print("without a file: " + ", ".join("%s %d" % x for x in skipped.most_common(12)))
    print("differences: %d" % differences)
    return differences != 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Random patterns over random data: every offset and length as the `yara` command prints them.

usage: patterns.py PATTERN_TOOL [--rounds N] [--seed N] [--per N]

Each round writes rules of one pattern each, runs `yara -s -L` over one file and the tool over
the same, and compares. `yara -L` prints no length over 512. With a yara before version 4.3, what
was changed since is left out (changed_since), and matches of no length.
Exit 0 all equal, 1 a difference (printed), 77 when there is no yara."""
import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile

ASCII, WIDE, NOCASE, FULLWORD, XOR, BASE64, BASE64WIDE, DOTALL = 1, 2, 4, 8, 32, 64, 128, 256
LETTERS = b"abcABC1_ .\n\0"


def regex_atom(r):
    k = r.random()
    if k < 0.5:
        return r.choice(["a", "b", "c", "ab", "abc", "A", "1", "_", " ", "cab", "bca1"])
    if k < 0.6:
        return "."
    if k < 0.75:
        return r.choice(["[ab]", "[^a]", "[a-c]", "[A-C1]", "[^\\n]", "[\\w]", "[b-]", "[]a]"])
    if k < 0.85:
        return r.choice(["\\w", "\\W", "\\d", "\\D", "\\s", "\\S"])
    if k < 0.93:
        return r.choice(["\\x61", "\\.", "\\x00", "\\n", "\\_"])
    return r.choice(["^", "$", "\\b", "\\B"])


def regex_node(r, depth, lazy):
    k = r.random()
    if depth <= 0 or k < 0.4:
        atom = regex_atom(r)
        if len(atom) > 1 and atom[0] not in "[\\":
            return atom
        if atom in ("^", "$", "\\b", "\\B"):
            return atom
        single = atom
    elif k < 0.7:
        return "".join(regex_node(r, depth - 1, lazy) for _ in range(r.randint(1, 4)))
    else:
        alts = [regex_node(r, depth - 1, lazy) for _ in range(r.choice([1, 2, 2, 3]))]
        if r.random() < 0.08:
            alts.append("")
        single = "(" + "|".join(alts) + ")"
    if r.random() < 0.35:
        q = r.choice(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "{,2}", "{3,5}", "{1}", "{4}"])
        single += q + ("?" if lazy else "")
    return single


def make_regex(r):
    lazy = r.random() < 0.3
    text = "".join(regex_node(r, 3, lazy) for _ in range(r.randint(1, 4)))
    if r.random() < 0.03:
        text += r.choice(["a.{0,300}?b", "a.{2,5000}?c", "b.{201,}?a"]) if lazy else ".{0,250}b"
    flags = r.choice([ASCII] * 5 + [WIDE, ASCII | WIDE, ASCII | WIDE])
    words = []
    if flags & WIDE:
        words += ["wide"] + (["ascii"] if flags & ASCII else [])
    if r.random() < 0.15:
        flags |= FULLWORD
        words.append("fullword")
    tail = ""
    if r.random() < 0.25:
        flags |= NOCASE
        tail += "i"
    if r.random() < 0.2:
        flags |= DOTALL
        tail += "s"
    return "r", flags, 0, 0, text.encode(), "/%s/%s %s" % (text, tail, " ".join(words))


def hex_tokens(r, depth, n, jumps):
    out = []
    for i in range(n):
        k = r.random()
        byte = r.choice(LETTERS)
        if k < 0.62:
            out.append("%02x" % byte)
        elif k < 0.72:
            out.append("??")
        elif k < 0.82:
            out.append(r.choice(["?%x" % (byte & 15), "%x?" % (byte >> 4)]))
        elif k < 0.9 and depth > 0:
            alts = [hex_tokens(r, depth - 1, r.randint(1, 3), False) for _ in range(r.randint(1, 3))]
            out.append("( " + " | ".join(alts) + " )")
        else:
            out.append("%02x" % byte)
        if i + 1 < n and r.random() < 0.2:
            a = r.randint(0, 6)
            if jumps and r.random() < 0.25:
                out.append(r.choice(["[-]", "[%d-]" % a, "[%d-%d]" % (a, 201 + r.randint(0, 900)), "[250]"]))
            else:
                out.append(r.choice(["[%d]" % (a + 1), "[%d-%d]" % (a, a + r.randint(0, 8))]))
    return " ".join(out)


def make_hex(r):
    text = hex_tokens(r, 2, r.randint(1, 7), True)
    return "h", ASCII, 0, 0, text.encode(), "{ %s }" % text


def make_text(r):
    text = bytes(r.choice(LETTERS) for _ in range(r.choice([1, 2, 2, 3, 4, 5, 6, 9])))
    literal = "".join("\\x%02x" % c for c in text)
    flags, words, low, high = ASCII, [], 0, 0
    k = r.random()
    if k < 0.4:
        flags = r.choice([WIDE, ASCII | WIDE])
        words += ["wide"] + (["ascii"] if flags & ASCII else [])
    if r.random() < 0.25:
        flags |= FULLWORD
        words.append("fullword")
    k = r.random()
    if k < 0.3:
        flags |= NOCASE
        words.append("nocase")
    elif k < 0.45:
        flags |= XOR
        low = r.choice([0, 0, 1, 32])
        high = r.choice([low, low + 3, 255])
        words.append("xor(%d-%d)" % (low, high))
    elif k < 0.6 and not flags & FULLWORD and len(text) > 1:
        b = r.choice([BASE64, BASE64WIDE, BASE64 | BASE64WIDE])
        flags |= b
        if not flags & WIDE:
            flags &= ~ASCII
        words += (["base64"] if b & BASE64 else []) + (["base64wide"] if b & BASE64WIDE else [])
    return "t", flags, low, high, text, '"%s" %s' % (literal, " ".join(words))


def make_data(r, patterns):
    import base64
    n = r.choice([0, 1, 3, 10, 60, 200, 200, 600, 2000])
    out = bytearray()
    alphabet = r.choice([LETTERS, b"ab", b"abc", b"aab\0", b"abc1 ", LETTERS])
    while len(out) < n:
        k = r.random()
        if k < 0.6:
            out.append(r.choice(alphabet))
        elif k < 0.8:
            piece = bytes(r.choice(alphabet) for _ in range(r.randint(1, 8)))
            out += b"".join(bytes([c, 0]) for c in piece)
        else:
            texts = [p[4] for p in patterns if p[0] == "t"] or [b"ab"]
            piece = r.choice(texts)
            if r.random() < 0.3:
                piece = b"".join(bytes([c, 0]) for c in piece)
            if r.random() < 0.3:
                piece = base64.b64encode(b"x" * r.randint(0, 2) + piece + b"y")
                if r.random() < 0.3:
                    piece = b"".join(bytes([c, 0]) for c in piece)
            if r.random() < 0.3:
                key = r.choice([1, 2, 3, 32, 33, 255])
                piece = bytes(c ^ key for c in piece)
            out += piece
    if r.random() < 0.06:
        out += bytes([r.choice(alphabet)]) * r.randint(4000, 9000) + bytes(r.choice(alphabet) for _ in range(50))
    return bytes(out)


LINE = re.compile(rb"^0x([0-9a-f]+):(\d+):\$a")


def run_yara(yara, patterns, data, folder):
    with open(folder + "/rules.yar", "w") as f:
        for i, p in enumerate(patterns):
            f.write("rule r%d { strings: $a = %s condition: $a }\n" % (i, p[5]))
    with open(folder + "/data", "wb") as f:
        f.write(data)
    done = subprocess.run([yara, "-w", "-s", "-L", folder + "/rules.yar", folder + "/data"],
                          capture_output=True)
    found, now = {}, None
    for line in done.stdout.split(b"\n"):
        m = re.match(rb"^r(\d+) ", line)
        if m:
            now = int(m.group(1))
            found[now] = []
            continue
        m = LINE.match(line)
        if m and now is not None:
            found[now].append((int(m.group(1), 16), int(m.group(2))))
    errors = done.stderr.decode("latin1")
    if done.returncode < 0:
        errors += "error: yara died of signal %d" % -done.returncode
    return found, errors


def run_tool(tool, patterns, data):
    lines = "".join("%s %d %d %d %s %s\n" % (p[0], p[1], p[2], p[3], p[4].hex() or "-", data.hex() or "-")
                    for p in patterns)
    done = subprocess.run([tool], input=lines.encode(), capture_output=True)
    if done.returncode:
        print("the tool failed:", done.returncode, done.stderr.decode("latin1")[-2000:])
        with open("/tmp/pattern_tool.in", "w") as f:
            f.write(lines)
        sys.exit(1)
    return done.stdout.decode().split("\n")[:-1]


def changed_since(pattern):
    """True for what versions after 4.2 do otherwise: expressions that are both ascii and wide,
    wide with fullword, or have anchors, word boundaries or lazy `??`."""
    kind, flags, text = pattern[0], pattern[1], pattern[4]
    if kind != "r":
        return False
    return bool(flags & WIDE and flags & (ASCII | FULLWORD)) or any(
        x in text for x in (b"^", b"$", b"\\b", b"\\B", b"??", b"}?", b"+?", b"*?"))


def compare(patterns, data, tool, folder, yara, old):
    """Number of differences, patterns compared."""
    found, errors = run_yara(yara, patterns, data, folder)
    if "error" in errors:
        if len(patterns) == 1:
            ours = run_tool(tool, patterns, data)[0]
            if "signal" in errors:
                return 0, 0
            if not ours.startswith("error:") and "limit" not in ours:
                print("yara refuses %s: %s, we do not: %s" % (patterns[0][5], errors.strip(), ours[:100]))
                return 1, 1
            return 0, 1
        half = len(patterns) // 2
        a, b = compare(patterns[:half], data, tool, folder, yara, old)
        c, d = compare(patterns[half:], data, tool, folder, yara, old)
        return a + c, b + d
    bad = 0
    for i, line in enumerate(run_tool(tool, patterns, data)):
        want = sorted(found.get(i, []))
        if line.startswith("error"):
            print("we refuse %s: %s" % (patterns[i][5], line))
            bad += 1
            continue
        words = line.replace("slow", "").split()
        got = [tuple(int(x) for x in w.split(":")[:2]) for w in words if w[0].isdigit()]
        got = sorted((a, min(n, 512)) for a, n in got if n or not old)
        odd = [w for w in words if not w[0].isdigit()]
        if got != want or odd:
            bad += 1
            print("DIFFERENT %s over %d bytes %s\n  yara %s\n  ours %s %s" % (
                patterns[i][5], len(data), data[:80].hex() if len(data) > 80 else data.hex(),
                [x for x in want if x not in got][:8], [x for x in got if x not in want][:8], odd[:4]))
    return bad, len(patterns)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--yara", default="yara")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per", type=int, default=40)
    parser.add_argument("--stop", type=int, default=10, help="give up after so many differences")
    args = parser.parse_args()
    if not shutil.which(args.yara):
        print("SKIP: no yara command")
        sys.exit(77)
    version = subprocess.run([args.yara, "--version"], capture_output=True).stdout.decode()
    old = tuple(int(x) for x in version.split(".")[:2]) < (4, 3)
    r = random.Random(args.seed)
    bad = total = 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            patterns = [r.choice([make_regex, make_regex, make_hex, make_text])(r) for _ in range(args.per)]
            if old:
                patterns = [p for p in patterns if not changed_since(p)]
            data = make_data(r, patterns)
            b, n = compare(patterns, data, args.tool, folder, args.yara, old)
            bad += b
            total += n
            if bad >= args.stop:
                break
    print("%d patterns compared, %d different" % (total, bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

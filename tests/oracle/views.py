#!/usr/bin/env python3
"""Types and views of texts and pages against those that clamscan 1.4 leaves in its directory.

usage: views.py VIEW_TOOL [--files N] [--seed N] [--all] [FILE...]

Without FILEs, makes N pages, scripts and texts out of pieces that matter to their readers, and
takes documentation of this machine. --all shows every difference."""
import argparse
import glob
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

import beside

PAGE = [b"<", b">", b'"', b"'", b"&", b";", b"&#65;", b"&#x263A;", b"&pi;", b"&nosuch;", b"<!-- c -->",
        b"<script>", b"</script>", b"<style>a{}", b"</style>", b" href=", b"data:", b"data:a/b,%41&lt;",
        b"=", b"\0", b"\xa1C", b"\xa1", b"\xe3\x80\x82", b"\xc3\xa9", b"\\", b"\r\n", b"\n", b" ", b"\t",
        b'<a href="http://X.y/?a&amp;b">', b"<img src=q alt>", b"<P CLASS='a b'>", b"Words ", b"<b x>",
        b"var x=1;", b"<% %>", b"</a>", b"<IMG SRC = \"A'B\">"]
SCRIPT = ['eval("a=1;")', 'eval("eval(\\"b\\")");', 'unescape("%41%u0042%zz%0")', 'unescape("a"+"b")',
          "eval(function(p,a,c,k,e,d){return p;}('0 1=\"2\";3(4)',62,5,'var|x|hi|alert|y'.split('|'),0,{}))",
          'function foo(p,a,c,k,e,r){x=1;};foo("0 1 a B",62,40,"q|w|e|r|t|y|u|i|o|p|PP|z".split("|"),0,1);',
          'dF("%2631%26321")', "'c'+'d'", "+", '"x\\x41\\u0042\\n\\0q"', "1.5", "1.5e3", "2.", "0x1F",
          "12345678901", "1.e5", " ", "var ", "var x=1,y=2;", "x", "y", "foo", "function f(a,b){var c=a;}",
          "function(){", "}", "{", "(", ")", "[", "]", ",", ";", ".", "a.b", "in ", "new ", "if", "/*",
          "*/", "// c\n", "/", '"', "'", "\\u0041", "$", "_q", "=", "===", ">>>=", "<", "&", "<!--", "-->",
          "return ", "typeof ", '"\\', "\xe9", "\n", "\t", "@", "#", 'eval(', '"var z=5;"', ");"]
MAGIC = [b"\x1f\x8b", b">From ", b"BM", b"BZh", b"Date: ", b"From ", b"ID3", b"ITSF", b"MZ", b"PK\3\4",
         b"PK00PK\3\4", b"RIFF", b"Rar!", b"SZDD", b"To: ", b"X-EVS", b"`\xea", b"begin ", b"v:\nReceived: ",
         b"x\x9f>\"", b"\x7fELF", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xff\xfb\x90", b"[aliases]",
         b"\xce\xfa\xed\xfe", b"7z\xbc\xaf\x27\x1c", b"070701", b"q\xc7", b"%PDF-", b"FWS", b"MSCF\0\0\0\0",
         b"\0\0\1\xba", b"xar!", b"\xfd7zXZ\0", b"{\\rt", b"%!PS-Adobe-", b"CWS", b"EGGA", b"\x89PNG", b"GIF",
         b"\xff\xd8\xff", b"II*\0", b"MM", b"ZWS", b"ALZ\1", b"\3\xf3\r\n", b"\xa7\r\r\n", b"\x02\x09\x99\0",
         b"\xca\xfe\xba\xbe\0\0\0\2", b"\xca\xfe\xba\xbe\0\0\0\x34", b"\xca\xfe\xba\xbe\0\0\0\x77",
         b"<?xml version=\"1.0\"", b"\xef\xbb\xbf<?xml version=\"1.0\"", b"\xff\xfe", b"\xfe\xff", b"ER",
         b"mime-version: ", b"\0\0\xfe\xff", b"\0<\0?", b"<\0?\0", b"ab-lh5-", b"ab-lzs-", b"ab-lh9-", b"\0" * 4]
MARK = [b"%PDF-1.", b"<html>", b"<\0h\0t\0m\0l\0>\0", b"\0<\0h\0t\0m\0l\0>", b"<a ", b"href", b"hREF", b"MZ",
        b"PE\0\0", b"PK\3\4", b"Rar!\x1a\7\0", b"7z\xbc\xaf\x27\x1c", b"\nFrom: ", b"\nMIME-Version: ",
        b"\nContent-Type: ", b"\nReceived: ", b"\nmessage-id: ", b"Delivered-To:", b"Received:", b"<xdp:xdp",
        b"<Workbook", b"<w:wordDocument", b"<wordDocument", b"progid=\"Word.Document\"?>", b"<HWPML", b"\0BEA01",
        b"\xef\xbe\xad\xdeNullsoftInst", b"/RGB\nID\n" + b"\xff" * 24, b"`\xea1234567\0\2", b"MSCF\0\0\0\0"]
VIEWS = {"nocomment.html": "page", "notags.html": "words", "javascript": "script"}


def page(rng):
    words = [rng.choice(PAGE) for _ in range(rng.randint(5, 300))]
    if rng.random() < .3:  # more than one line of the reader
        words.insert(rng.randrange(len(words)), rng.choice((b"w", b"w ", b"a=b;")) * rng.randint(4000, 9000))
    return b"<html>" + b"".join(words)


def script(rng):
    words = "".join(rng.choice(SCRIPT) for _ in range(rng.randint(3, 120)))
    end = rng.choice(("</script>", "", "</script >x", "</script><script>var q;</script>"))
    return ("<html><script>" + words + end).encode("latin-1")


def text(rng):
    alphabet = b"abcXYZ 019\t\r\n.,;(){}\x07\x1b\xe9\xa0"
    return bytes(rng.choice(alphabet) for _ in range(rng.randint(6, 3000)))


def blob(rng):
    """Magic numbers and marks where they count, and where they nearly do."""
    data = bytearray(rng.choice((b"\0", b"ab\n ", b"\0\1\2\xfe\xff", b"a\0", b"\0a"))
                     * 2000)[:rng.choice((40, 300, 700, 1024, 1100, 3000))]
    head = rng.choice(MAGIC)
    data[:len(head)] = head
    for _ in range(rng.randint(0, 5)):
        mark, at = rng.choice(MARK), rng.choice((8, 64, 80, 128, 200, 400, 900, 1000, 1500, rng.randrange(2000)))
        if at + len(mark) <= len(data):
            data[at:at + len(mark)] = mark
    for at, mark in ((4, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), (8, b"\x19\4\0\x10"), (257, b"ustar"),
                     (510, b"U\xaa"), (512, b"EFI PART"), (512, b"PM\0\0")):
        if rng.random() < .07 and at + len(mark) <= len(data):
            data[at:at + len(mark)] = mark
    return bytes(data)


def documents(rng, count):
    found = []
    for pattern in ("/usr/share/doc/**/*.html", "/usr/share/doc/*/copyright", "/usr/lib/python3/**/*.py"):
        found += sorted(glob.glob(pattern, recursive=True))[:5000]
    found = [f for f in found if os.path.isfile(f) and 5 < os.path.getsize(f) < 100000]
    return rng.sample(found, min(count, len(found)))


def built_in():
    """The table of types that ClamAV carries, out of its library; empty where that is not found."""
    found = glob.glob("/usr/lib/*/libclamav.so.1?")
    data = open(found[0], "rb").read() if found else b""
    rows = re.findall(rb"\0([014]:[^:\0]{1,9}:[0-9a-fA-F?{}()|*-]+:[^:\0]*:CL_TYPE_[A-Z0-9_]+:CL_TYPE_[0-9A-Z_]+(?::\d*){0,2})(?=\0)",
                      data)
    return [row.decode() for row in rows]


PARTS = ["6162", "??0a6d", "6162(62|0a)", "(4d|50)(5a|4b)0304", "0a6d??6d", "4d5a", "?16263", "3c68746d6c3e", "0001?2fe"]
GAPS = ["*", "{3}", "{0-40}", "{-9}", "{100-}", "{200}"]
MADE = ["CL_TYPE_HTML", "CL_TYPE_MAIL", "CL_TYPE_PDF", "CL_TYPE_RTF", "CL_TYPE_SWF", "CL_TYPE_TEXT_ASCII",
        "CL_TYPE_BINARY_DATA", "CL_TYPE_MSEXE", "CL_TYPE_GRAPHICS", "CL_TYPE_ELF"]


def table(rng):
    """Rows that nobody has, of all ways."""
    rows = ["0:0:feedfacefeedfacefeed:Never:CL_TYPE_ANY:CL_TYPE_ELF"]
    for i in range(rng.randint(1, 12)):
        before, made = "CL_TYPE_ANY", rng.choice(MADE)
        if rng.random() < .2:
            before = rng.choice(("CL_TYPE_TEXT_ASCII", "CL_TYPE_BINARY_DATA", "CL_TYPE_PDF"))
        levels = rng.choice(("", "", "", ":1", ":1:999", ":999", "::3"))
        if rng.random() < .4:
            at, body = rng.choice((0, 0, 4, 257, 512, 1020)), rng.choice(("6162", "4d5a", "000102", "61", "cafe", "00"))
            rows.append("0:%d:%s:Row %d:CL_TYPE_ANY:%s%s" % (at, body, i, made, levels))
            continue
        at = rng.choice(("*", "*", "0", "0,700", "8,12", "EOF-40", "1024"))
        body = rng.choice(PARTS)
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            body += rng.choice(GAPS) + rng.choice(PARTS)
        rows.append("1:%s:%s:Row %d:%s:%s%s" % (at, body, i, before, made, levels))
    return rows


def by_clamscan(place, count):
    """What it says of the files place/1 ...: types, and views by number and name."""
    os.makedirs(place + "/db", exist_ok=True)
    shutil.rmtree(place + "/temp", ignore_errors=True)
    os.makedirs(place + "/temp")
    with open(place + "/db/none.hdb", "w") as db:
        db.write("%s:68:none\n" % ("0" * 32))
    with open(place + "/list", "w") as names:
        names.writelines("%s/f%d\n" % (place, i) for i in range(1, count + 1))
    off = ["--scan-%s=no" % what for what in ("archive", "pe", "elf", "ole2", "pdf", "mail", "swf", "image")]
    said = subprocess.run(["clamscan", "--max-scantime=2000", "--debug"] + off + ["--gen-json", "--leave-temps", "--tempdir=" + place + "/temp",
                           "--file-list=" + place + "/list", "-d", place + "/db"],
                          capture_output=True, check=False).stderr.decode("latin-1")
    types, views, number = {}, {}, 0
    for line in said.split("\n"):
        name = re.search(r"Checking realpath of .*/f(\d+)$", line)
        kind = re.search(r'"RootFileType":"(\w+)"', line)
        number = int(name.group(1)) if name else number
        if kind:
            types[number] = kind.group(1)
    for folder, _, files in os.walk(place + "/temp"):
        parts = [p for p in folder[len(place) + 6:].split("/") if re.match(r"f\d+\.[0-9a-f]+$", p)]
        if len(parts) != 1:
            continue
        number = int(parts[0][1:].split(".")[0])
        for name in files:
            path = folder + "/" + name
            if name in VIEWS:
                views[number, VIEWS[name]] = open(path, "rb").read()
            elif name.startswith("clamav-") and os.path.basename(folder) == parts[0]:
                views[number, "text"] = open(path, "rb").read()
    return types, {key: value for key, value in views.items() if value}


def by_tool(tool, place, *types):
    shutil.rmtree(place + "/ours", ignore_errors=True)
    os.makedirs(place + "/ours")
    with open(place + "/list") as names:
        said = subprocess.run([tool, place + "/ours", *types], stdin=names, capture_output=True, text=True, check=True)
    types = {int(line.split()[0]): line.split()[1] for line in said.stdout.splitlines()}
    views = {}
    for name in os.listdir(place + "/ours"):
        number, view = name.split(".")
        views[int(number), view] = open(place + "/ours/" + name, "rb").read()
    return types, views


def compare(what, theirs, ours, names, options):
    keys = sorted(set(theirs) | set(ours))
    wrong = [key for key in keys if theirs.get(key) != ours.get(key)]
    for key in wrong[:None if options.all else 5]:
        number = key[0] if isinstance(key, tuple) else key
        print("# %s: clamscan %.200r, here %.200r" % (names[number - 1], theirs.get(key), ours.get(key)))
    print("# %d of %d %s alike" % (len(keys) - len(wrong), len(keys), what))
    return not wrong and bool(keys)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("file", nargs="*")
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tables", type=int, default=4)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    if beside.skipped():
        return 0
    rng = random.Random(options.seed)
    names = options.file or documents(rng, options.files)
    contents = [open(name, "rb").read() for name in names]
    if not options.file:
        for make in (page, script, text, blob, blob):
            for i in range(options.files):
                names.append("%s %d of seed %d" % (make.__name__, i, options.seed))
                contents.append(make(rng))
    with tempfile.TemporaryDirectory() as place:
        for i, data in enumerate(contents, 1):
            with open("%s/f%d" % (place, i), "wb") as file:
                file.write(data)
        types, views = by_clamscan(place, len(contents))
        our_types, our_views = by_tool(options.tool, place)
        our_types = {key: value for key, value in our_types.items() if key in types}
        print("1..%d" % (3 + options.tables))
        good = compare("types", types, our_types, names, options)
        print("%sok 1 - types" % ("" if good else "not "))
        same = compare("views", views, our_views, names, options)
        print("%sok 2 - views" % ("" if same else "not "))
        fine = good and same
        for number in range(options.tables + 1):
            rows = table(rng) if number else built_in()
            if not rows:
                print("ok 3 # SKIP no table in ClamAV's library")
                continue
            with open(place + "/db/a.ftm", "w") as file:
                file.writelines(row + "\n" for row in rows)
            types, _ = by_clamscan(place, len(contents))
            ours, _ = by_tool(options.tool, place, place + "/db/a.ftm")
            same = compare("types", types, {key: value for key, value in ours.items() if key in types}, names, options)
            if not same:
                print("".join("# %s\n" % row for row in rows[:20]), end="")
            print("%sok %d - types by %s" % ("" if same else "not ", 3 + number,
                                             "table %d" % number if number else "ClamAV's table as .ftm"))
            fine = fine and same
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

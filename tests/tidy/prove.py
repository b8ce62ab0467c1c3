#!/usr/bin/env python3
"""Each check of the house can fail: a small sound tree passes, and fails when a fault is planted.

usage: prove.py CHECKS_DIR
"""
import os
import shutil
import subprocess
import sys
import tempfile

CHECKS = sys.argv[1]
GOOD = {
    "src/LAYERS": "base:\nengine: base\n",
    "src/base/base.h": "#pragma once\n#include <stddef.h>\n\nsize_t base_size(void);\n",
    "src/base/base.c": '#include "base/base.h"\n\nsize_t base_size(void)\n{\n    return 1;\n}\n',
    "src/engine/engine.h": "#pragma once\n\nint engine_run(const char *text);\n",
    "src/engine/engine.c": '#include "engine/engine.h"\n\n#include "base/base.h"\n'
                           "#include <string.h>\n\nint engine_run(const char *text)\n{\n"
                           "    return strlen(text) == base_size();\n}\n",
    "tests/tidy/size.txt": "# none\n",
    "tests/tidy/engine.symbols": "# no state\nbase_size\nstrlen\n",
}
LONG = ("int engine_long(int x);\n\nint engine_long(int x)\n{\n" + "    x++;\n" * 71 +
        "    return x;\n}\n")
ENGINE = GOOD["src/engine/engine.c"]
# check, what is planted, {path: text}, what the check must say
PLANTS = [
    ("layers", "an include uphill",
     {"src/base/base.c": '#include "engine/engine.h"\n' + GOOD["src/base/base.c"]},
     "src/base/base.c:1: 'base' may not include"),
    ("layers", "an include that climbs", {"src/base/x.c": '#include "../engine/engine.h"\n'},
     "climbs"),
    ("layers", "a folder without a row", {"src/new/new.c": "\n"}, "not in src/LAYERS"),
    ("headers", "a header that needs another",
     {"src/base/base.h": "#pragma once\nsize_t base_size(void);\n"}, "src/base/base.h"),
    ("formatted", "two spaces", {"src/base/base.c": "int  x;\n"}, "src/base/base.c"),
    ("size", "a function of 72 lines", {"src/engine/long.c": LONG}, "long.c:engine_long: 72"),
    ("size", "a file of 801 lines", {"src/engine/long.h": "/* x */\n" * 801}, "long.h: 801"),
    ("size", "a folder of 26 files", {f"src/base/f{i}.c": "\n" for i in range(25)},
     "src/base: 26"),
    ("size", "an exception without need", {"tests/tidy/size.txt": "src/base why not\n"},
     "take it off"),
    ("words", "an open end", {"src/base/base.h": "/* TO" + "DO: later */\n"}, "open end"),
    ("words", "a C++ comment", {"src/base/base.h": "int x; // why\n"}, "comments"),
    ("words", "an empty name", {"src/base/base.h": "int do_it(void);\n"}, "says nothing"),
    ("walls", "a process started elsewhere",
     {"src/engine/x.c": "int engine_x(void)\n{\n    return fork();\n}\n"}, "'fork' is for"),
    ("walls", "a call by its number",
     {"src/engine/x.c": "int engine_x(void)\n{\n    return syscall(SYS_unshare, 0);\n}\n"},
     "'unshare' is for"),
    ("walls", "a connection",
     {"src/base/x.c": "int base_x(void)\n{\n    return connect(1, 0, 0);\n}\n"},
     "talks to a network"),
    ("pure", "a call that opens a file",
     {"src/engine/open.c": '#include <fcntl.h>\nint engine_open(void);\nint engine_open(void)\n'
                           '{\n    return open("x", 0);\n}\n'}, "'open' is called"),
    ("pure", "a call that allocates",
     {"src/engine/new.c": "#include <stdlib.h>\nvoid *engine_new(void);\n"
                          "void *engine_new(void)\n{\n    return malloc(1);\n}\n"},
     "'malloc' is called"),
    ("pure", "a variable that outlives a call",
     {"src/engine/new.c": "int engine_count = 1;\n"}, "outlives a call"),
]


def write(root, tree):
    for path, text in tree.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)


def arguments(check, root):
    if check != "pure":
        return []
    archive = os.path.join(root, "libengine.a")
    objects = []
    folder = os.path.join(root, "src/engine")
    for name in sorted(n for n in os.listdir(folder) if n.endswith(".c")):
        objects.append(os.path.join(root, name + ".o"))
        subprocess.run(["cc", "-O1", "-I", os.path.join(root, "src"), "-c",
                        os.path.join(folder, name), "-o", objects[-1]], check=True)
    subprocess.run(["ar", "crs", archive, *objects], check=True)
    return ["release", "engine", archive]


def run(check, tree):
    with tempfile.TemporaryDirectory() as root:
        write(root, tree)
        shutil.copy(os.path.join(CHECKS, "..", "..", ".clang-format"), root)
        result = subprocess.run([sys.executable, os.path.join(CHECKS, check + ".py"), root,
                                 *arguments(check, root)], text=True, capture_output=True)
        return result.returncode, result.stdout + result.stderr


def main():
    count = failed = 0

    def tell(good, what, output, skipped=""):
        nonlocal count, failed
        count += 1
        failed += not good
        print(f"{'' if good else 'not '}ok {count} - {what}{skipped}")
        if not good:
            print("".join(f"# {line}\n" for line in output.splitlines()), end="")

    for check in dict.fromkeys(row[0] for row in PLANTS):
        code, output = run(check, GOOD)
        if "# SKIP" in output:
            tell(True, check, "", " # SKIP the check itself was skipped")
            continue
        tell(code == 0, f"{check} passes a sound tree", output)
        for _, what, tree, said in (row for row in PLANTS if row[0] == check):
            code, output = run(check, {**GOOD, **tree})
            tell(code == 1 and said in output, f"{check} finds {what}", output)
    print(f"1..{count}")
    sys.exit(failed != 0)


main()

#!/usr/bin/env python3
"""Every header compiles alone. usage: headers.py ROOT COMPILER...

Templates (named *_tmpl.h), which are parts of one file, are left out."""
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import house


def main(root, compiler):
    flags = ["-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
             "-Wno-unused-function", "-I", os.path.join(root, "src"),
             "-I", os.path.join(root, "include"), "-xc", "-"]
    headers = [p for p in house.files(root, (".h",), ("src", "include"))
               if not p.endswith("_tmpl.h")]

    def fault_of(path):
        run = subprocess.run([*compiler, *flags], text=True, capture_output=True,
                             input=f'#include "{os.path.join(os.path.abspath(root), path)}"\n')
        lines = [line for line in run.stderr.splitlines() if "error" in line]
        return [f"{path}: {(lines or ['does not compile'])[0]}"] if run.returncode else []

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [f for found in pool.map(fault_of, headers) for f in found]
    house.report("headers compile alone", faults, len(headers))


main(sys.argv[1], sys.argv[2:] or ["cc"])

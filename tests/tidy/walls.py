#!/usr/bin/env python3
"""Only src/sandbox starts, drops and seals processes; nothing at all talks to a network."""
import os
import re
import sys

import house

POWER = ("fork vfork _Fork clone clone3 execl execle execlp execv execve execvp execvpe execveat "
         "fexecve posix_spawn posix_spawnp daemon system popen prctl unshare setns ptrace "
         "pivot_root chroot mount umount umount2 setuid seteuid setreuid setresuid setgid setegid "
         "setregid setresgid setgroups initgroups capset landlock_create_ruleset seccomp "
         "pidfd_open pidfd_getfd pidfd_send_signal").split()
# src/sandbox/profiles.c lists what of it is refused.
NETWORK = "socket connect bind listen accept accept4 getaddrinfo gethostbyname res_query".split()
CALL = re.compile(r"\b(?:SYS_|__NR_)?(\w+)\b(\s*\()?")


def code(text):
    """Without comments and texts, line by line as before."""
    blank = lambda m: re.sub(r"[^\n]", " ", m[0])
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def main(root):
    faults, paths = [], house.files(root, (".c", ".h"), ("src",))
    paths = [p for p in paths if p != "src/base/banned.h"]  # it names them to forbid them
    for path in paths:
        sealed = path.split(os.sep)[1] == "sandbox"
        for number, line in enumerate(code(house.text(root, path)).splitlines(), 1):
            for found in CALL.finditer(line):
                name, called = found[1], found[2] or found[0].startswith(("SYS_", "__NR_"))
                if called and name in NETWORK and path != "src/sandbox/profiles.c":
                    faults.append(f"{path}:{number}: '{name}': nothing here talks to a network")
                elif called and name in POWER and not sealed:
                    faults.append(f"{path}:{number}: '{name}' is for src/sandbox alone")
    house.report("only src/sandbox starts and seals processes", faults, len(paths))


main(sys.argv[1])

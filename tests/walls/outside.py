#!/usr/bin/env python3
"""What the kernel says of a living worker, asked by someone who shares no code with candor.

usage: outside.py PROGRAM [ARGUMENT]...

Starts PROGRAM with a pipe as its standard input, waits until it has a child that is called
candor-worker and is sealed, reads what /proc shows of it, takes its system call filter out of the
kernel (PTRACE_SECCOMP_GET_FILTER) and runs it here for every system call there is. The list of
what a worker may call is written down a second time below: both must say the same.
"""
import ctypes
import os
import platform
import re
import struct
import subprocess
import sys
import time

results = []  # (good, what, remark, wall): a wall that the kernel refused is no failure
ROOT = os.geteuid() == 0
# Granted whatever the arguments; granted for some. All else is refused.
ALWAYS = {"read", "pread64", "lseek", "fstat", "close", "munmap", "brk", "clock_gettime",
          "rt_sigreturn", "restart_syscall", "exit", "exit_group"}
SOMETIMES = {"recvmsg", "sendmsg", "mmap", "mprotect", "mremap", "madvise", "futex"}
# Calls with arguments: (name, {argument: value}, granted)
CASES = [
    ("recvmsg", {0: 3}, True), ("recvmsg", {0: 4}, False), ("sendmsg", {0: 3}, True),
    ("sendmsg", {0: 5}, False), ("sendmsg", {0: 1 << 32 | 3}, False),
    ("mmap", {2: 1}, True), ("mmap", {2: 3, 3: 0x22}, True), ("mmap", {2: 4}, False),
    ("mmap", {2: 1, 3: 1}, True), ("mmap", {2: 3, 3: 0x21}, False),
    ("mmap", {2: 5}, False), ("mmap", {2: 7}, False), ("mmap", {2: 1 << 32 | 1}, False),
    ("mprotect", {2: 0}, True), ("mprotect", {2: 3}, True), ("mprotect", {2: 5}, False),
    ("mprotect", {2: 7}, False), ("mprotect", {2: 0x1000001}, False),
    ("mremap", {3: 1}, True), ("mremap", {3: 3}, False), ("mremap", {3: 5}, False),
    ("madvise", {2: 4}, True), ("madvise", {2: 100}, False), ("madvise", {2: 10}, False),
    ("futex", {1: 0x81}, True), ("futex", {1: 0x80}, True), ("futex", {1: 6}, False),
    ("futex", {1: 0x86}, False),
]
MACHINES = {"x86_64": (0xC000003E, "unistd_64.h"), "aarch64": (0xC00000B7, "unistd.h")}


def check(good, what, remark="", wall=None):
    results.append((bool(good), what, remark, wall))


def skip(what, reason):
    results.append((True, f"{what} # SKIP {reason}", "", None))


def report(said):
    """`said`: the program's own words about the walls that do not stand."""
    refused = said.partition("the kernel refused: ")[2].splitlines()[:1]
    refused = refused[0] if refused else ""
    # What util-linux gets, candor must get too.
    probe = ["unshare", "--user", "--net", "--mount", "--ipc", "--uts", "--pid", "--cgroup",
             "--fork", "true"]
    if subprocess.run(probe, capture_output=True).returncode == 0:
        check("namespace" not in refused and "empty root" not in refused,
              "what unshare(1) is granted is not refused to candor", refused)
    else:
        skip("what unshare(1) is granted is not refused to candor", "unshare(1) gets nothing")
    for number, (good, what, remark, wall) in enumerate(results, 1):
        if not good and wall and wall in refused:
            good, what = True, f"{what} # SKIP the kernel refused: {wall}"
        print(f"{'' if good else 'not '}ok {number} - {what}")
        if not good:
            print(f"#   {remark}")
    print(f"1..{len(results)}")
    return all(good or (wall and wall in refused) for good, _, _, wall in results)


def read(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as f:
        return f.read()


def status(pid):
    return dict(line.split(":\t", 1) for line in read(pid, "status").splitlines() if ":\t" in line)


def is_sanitized(pid):
    """Built with AddressSanitizer, which needs further calls and terabytes of addresses."""
    with open(f"/proc/{pid}/exe", "rb") as f:
        return b"__asan_init" in f.read()


def workers(parent):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = status(pid)
        except OSError:
            continue
        if fields["PPid"].strip() == str(parent) and fields["Name"] == "candor-worker" \
                and fields["Seccomp"].strip() == "2":
            found.append(int(pid))
    return found


def look_at_status(pid):
    fields = status(pid)
    for name, want in (("Seccomp", "2"), ("NoNewPrivs", "1"), ("Threads", "1")):
        check(fields[name].strip() == want, f"{name} is {want}", fields[name])
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        check(int(fields[name], 16) == 0, f"{name} is empty", fields[name],
              "user namespace" if name == "CapBnd" else None)
    uids, gids = fields["Uid"].split(), fields["Gid"].split()
    check("0" not in uids + gids, "neither user nor group is root", f"{uids} {gids}",
          "own identity")
    check(len(set(uids)) == 1 and (not ROOT or not fields.get("Groups", "").strip()),
          "one identity and no further groups", fields.get("Groups"), "own identity")
    check(fields["NSpid"].split()[1:] == ["1"], "is the first process of its own PID namespace",
          fields["NSpid"], "PID namespace")


def look_at_namespaces(pid):
    for name, wall in (("user", "user"), ("net", "network"), ("ipc", "IPC"), ("uts", "UTS"),
                       ("mnt", "empty root"), ("pid", "PID"), ("cgroup", "cgroup")):
        ours, theirs = (os.readlink(f"/proc/{p}/ns/{name}") for p in ("self", pid))
        check(ours != theirs, f"{name} namespace is not ours", theirs, wall)
    mounts = read(pid, "mountinfo").splitlines()
    check(len(mounts) == 1 and " - tmpfs " in mounts[0] and re.search(r" / / ro\b", mounts[0]),
          "one mount, an empty file system that is read-only", mounts[:3], "empty root")
    names = os.listdir(f"/proc/{pid}/root/")
    check(names == [], "nothing lies in its root", names, "empty root")
    # An interface that was never up has moved nothing.
    moved = [line.split()[1:] for line in read(pid, "net/dev").splitlines()[2:]]
    check(all(set(m) == {"0"} for m in moved), "its network never moved a byte", moved,
          "network namespace")
    check(len(read(pid, "net/route").splitlines()) <= 1, "no route leads anywhere", "",
          "network namespace")


def look_at_descriptors(pid):
    held = {int(fd): os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    low = [held.pop(fd, None) for fd in (0, 1, 2)]
    if is_sanitized(pid):
        low[2] = "/dev/null"  # stays standard error: the sanitizer's report goes there
    check(set(low) == {"/dev/null"}, "0, 1 and 2 are /dev/null", low)
    check(held.pop(3, "").startswith("socket:"), "3 is a socket")
    check(not held, "no other descriptor", held)


def look_at_memory(pid):
    both = [line for line in read(pid, "maps").splitlines()
            if "w" in line.split()[1] and "x" in line.split()[1]]
    check(not both, "no memory is both writable and executable", both)
    with open(f"/proc/{pid}/environ", "rb") as f:
        environment = f.read()
    check(not environment.strip(b"\0"), "its environment is empty", environment[:80])


def look_at_limits(pid):
    limits = {line[:26].strip(): line[26:].split()[:2] for line in read(pid, "limits").splitlines()}
    for name in ("Max processes", "Max file size", "Max core file size", "Max locked memory",
                 "Max msgqueue size"):
        check(limits[name] == ["0", "0"], f"{name}: 0", limits[name])
    files = limits["Max open files"]
    check(files[1].isdigit() and int(files[1]) <= 256, "few descriptors", files)
    memory = (limits["Max address space"], limits["Max data size"])
    if is_sanitized(pid):
        skip("memory has a limit", "not with AddressSanitizer, which maps terabytes")
    else:
        check(all(m[1].isdigit() for m in memory), "memory has a limit", memory)
    check(read(pid, "oom_score_adj").strip() == "1000", "it is the first to go without memory")


def take_filters(pid):
    """All programs of a process, as (code, jt, jf, k), newest first; or a reason why not."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    attach, detach, get_filter = 16, 17, 0x420C
    if libc.ptrace(attach, pid, None, None) < 0:
        return os.strerror(ctypes.get_errno())
    os.waitpid(pid, 0x40000000)  # __WALL
    programs = []
    try:
        while True:
            index = ctypes.c_void_p(len(programs))
            length = libc.ptrace(get_filter, pid, index, None)
            if length < 0:
                return programs or os.strerror(ctypes.get_errno())
            buffer = ctypes.create_string_buffer(length * 8)
            libc.ptrace(get_filter, pid, index, buffer)
            programs.append(list(struct.iter_unpack("=HBBI", buffer.raw)))
    finally:
        libc.ptrace(detach, pid, None, None)


def run_filters(programs, machine, number, arguments):
    """What the kernel would answer: the sternest of all, which is the smallest, signed."""
    return min((run_filter(p, machine, number, arguments) for p in programs),
               key=lambda answer: answer - (1 << 32) if answer >> 31 else answer)


def run_filter(program, machine, number, arguments):
    """One program of the classic BPF that seccomp knows."""
    data = struct.pack("=iIQ6Q", number if number < 1 << 31 else number - (1 << 32), machine, 0,
                       *arguments)
    at = accumulator = 0
    while True:
        code, jump_true, jump_false, k = program[at]
        at += 1
        if code == 0x20:  # load a word
            accumulator = struct.unpack_from("=I", data, k)[0]
        elif code == 0x54:  # and
            accumulator &= k
        elif code == 0x05:  # jump
            at += k
        elif code & 0x0F == 0x05:
            true = {0x15: accumulator == k, 0x25: accumulator > k, 0x35: accumulator >= k,
                    0x45: bool(accumulator & k)}[code]
            at += jump_true if true else jump_false
        elif code == 0x06:  # return
            return k
        else:
            raise ValueError(f"code {code:#x} is not known here")


def numbers(header):
    """{name: number} from the kernel's header."""
    for folder in ("/usr/include/x86_64-linux-gnu/asm", "/usr/include/asm",
                   "/usr/include/asm-generic"):
        path = os.path.join(folder, header)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                return {m[1]: int(m[2]) for m in
                        re.finditer(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", f.read())}
    return {}


def look_at_filter(pid):
    machine, header = MACHINES.get(platform.machine(), (0, ""))
    known = numbers(header)
    if not known:
        return skip("the filter", f"no list of system calls for {platform.machine()}")
    programs = take_filters(pid)
    if isinstance(programs, str):
        return skip("the filter", f"the kernel does not show it: {programs}")
    allow, kill = 0x7FFF0000, 0x80000000
    names = {number: name for name, number in known.items()}
    samples = [[v] * 6 for v in (0, 1, 2, 3, 4, 7, 0x80, 0x81, (1 << 64) - 1)]
    always, sometimes = set(), set()
    others = set()
    for number in range(1024):
        answers = {run_filters(programs, machine, number, s) for s in samples}
        others |= answers - {allow, kill}
        if answers == {allow}:
            always.add(names.get(number, str(number)))
        elif allow in answers:
            sometimes.add(names.get(number, str(number)))
    if is_sanitized(pid):
        check(always >= ALWAYS, "what is granted is granted", ALWAYS - always)
    else:
        check(always == ALWAYS, f"granted: {' '.join(sorted(ALWAYS))}", always ^ ALWAYS)
        check(sometimes == SOMETIMES, f"granted in part: {' '.join(sorted(SOMETIMES))}",
              sometimes ^ SOMETIMES)
        check(not others, "all else kills", others)
    for name, given, granted in CASES:
        arguments = [given.get(i, 0) for i in range(6)]
        answer = run_filters(programs, machine, known[name], arguments)
        check((answer == allow) == granted,
              f"{name} with {given} is {'granted' if granted else 'refused'}", hex(answer))
    for other, what in ((0x40000003, "32 bit"), (0xC00000F3, "another machine")):
        answers = {run_filters(programs, other, number, samples[0]) for number in range(1024)}
        check(answers == {kill}, f"every call of {what} kills", answers)
    if platform.machine() == "x86_64":
        answers = {run_filters(programs, machine, 0x40000000 | n, samples[0]) for n in range(1024)}
        check(answers == {kill}, "every call as x32 kills", answers)


def look_at_parent(pid):
    """The process that opens the user's files: it reaches no network and starts no program."""
    machine, header = MACHINES.get(platform.machine(), (0, ""))
    known = numbers(header)
    programs = take_filters(pid) if known else "no list of system calls"
    if isinstance(programs, str):
        return skip("what its parent may do", programs)
    allow, refuse, unix = 0x7FFF0000, 0x5000D, 1
    for family in (0, 2, 10, 16, 17, 38, 40, 44):
        answer = run_filters(programs, machine, known["socket"], [family, 1, 0, 0, 0, 0])
        check(answer == refuse, f"its parent gets no socket of family {family}", hex(answer))
    answer = run_filters(programs, machine, known["socket"], [unix, 1, 0, 0, 0, 0])
    check(answer == allow, "its parent gets one of this machine, to ask for names", hex(answer))
    for name in ("execve", "execveat", "bind", "listen", "accept", "accept4", "io_uring_setup",
                 "process_vm_writev", "bpf", "pidfd_getfd", "init_module"):
        answer = run_filters(programs, machine, known[name], [0] * 6)
        check(answer == refuse, f"its parent is refused {name}", hex(answer))


def main(argv):
    program = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    try:
        found = []
        for _ in range(3000):
            found = workers(program.pid)
            if found or program.poll() is not None:
                break
            time.sleep(0.1)
        check(bool(found), f"{os.path.basename(argv[0])} has a sealed worker", argv)
        for pid in found[:1]:
            look_at_status(pid)
            look_at_limits(pid)
            if ROOT:
                look_at_namespaces(pid)
                look_at_descriptors(pid)
                look_at_memory(pid)
                look_at_filter(pid)
                if os.path.basename(argv[0]) == "candor":
                    look_at_parent(program.pid)
            else:
                try:
                    os.listdir(f"/proc/{pid}/fd")
                    check(False, "another process of its user cannot look into it")
                except PermissionError:
                    check(True, "another process of its user cannot look into it")
                skip("namespaces, descriptors, memory, filter", "not root: they are hidden")
    finally:
        program.stdin.close()
        said = program.stderr.read().decode(errors="replace")
        program.wait()
    sys.exit(not report(said))


main(sys.argv[1:])

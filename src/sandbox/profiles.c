#include "sandbox/profiles.h"

#include "sandbox/sandbox.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* clang-format off */
#define ANY(name)            {FILTER_ANY, SYS_##name, 0, 0, 0, 0}
#define EQUAL(name, n, is)   {FILTER_EQUAL, SYS_##name, n, is, 0, 0}
#define WITHIN(name, n, set) {FILTER_WITHIN, SYS_##name, n, set, 0, 0}
#define REFUSE(name)         {FILTER_REFUSE, SYS_##name, 0, EACCES, 0, 0}
#define END                  {FILTER_END, 0, 0, 0, 0, 0}
/* To read and write, and without these flags. */
#define MMAP_WITHOUT(flags) \
    {FILTER_WITHIN, SYS_mmap, 2, PROT_READ | PROT_WRITE, 3, (uint32_t)~(flags)}

/* One list for those that read hostile bytes: what they are handed (first line); their socket,
 * and no other; memory, never executable, never laid over what is there by mremap, none that is
 * shared but not of a file, which no limit counts; what the C library does by itself:
 * pthread_once, a clock where there is no vDSO. */
#define WORKER_CALLS                                                                           \
    ANY(read), ANY(pread64), ANY(lseek), ANY(fstat), ANY(close),                               \
    EQUAL(recvmsg, 0, SANDBOX_FIRST), EQUAL(sendmsg, 0, SANDBOX_FIRST),                        \
    MMAP_WITHOUT(MAP_SHARED), MMAP_WITHOUT(MAP_ANONYMOUS),                                     \
    WITHIN(mprotect, 2, PROT_READ | PROT_WRITE),                                               \
    WITHIN(mremap, 3, MREMAP_MAYMOVE), ANY(munmap), ANY(brk),                                  \
    EQUAL(madvise, 2, MADV_NORMAL), EQUAL(madvise, 2, MADV_RANDOM),                            \
    EQUAL(madvise, 2, MADV_SEQUENTIAL), EQUAL(madvise, 2, MADV_WILLNEED),                      \
    EQUAL(madvise, 2, MADV_DONTNEED), EQUAL(madvise, 2, MADV_FREE),                            \
    EQUAL(madvise, 2, MADV_HUGEPAGE), EQUAL(madvise, 2, MADV_NOHUGEPAGE),                      \
    EQUAL(futex, 1, FUTEX_WAKE_PRIVATE), EQUAL(futex, 1, FUTEX_WAIT_PRIVATE),                  \
    ANY(clock_gettime), ANY(rt_sigreturn), ANY(restart_syscall),                               \
    ANY(exit), ANY(exit_group)

static const struct filter_row worker_calls[] = {WORKER_CALLS, END};

/* Writes only at a place, or has the kernel copy from what it reads to what it writes: what it
 * was handed for reading cannot be written to in any way. OpenSSL blinds private keys with random
 * numbers, and looks whether it was forked. GMP-ECM, which divides numbers, looks how long it has
 * worked. */
static const struct filter_row writer_calls[] = {
    WORKER_CALLS, ANY(pwrite64), ANY(copy_file_range), ANY(getrandom), ANY(getpid), EQUAL(getrusage, 0, RUSAGE_SELF),
    END};

/* What comes out of rules goes into the one file that it was started with. */
static const struct filter_row compiler_calls[] = {
    WORKER_CALLS, EQUAL(pwrite64, 0, SANDBOX_FIRST + 1), END};
/* clang-format on */

const struct sandbox_profile profile_worker = {
    .name = "candor-worker",
    .calls = worker_calls,
    .memory = (size_t)1 << 30,
    .address = (size_t)1 << 38,
    .files = 128,
};

const struct sandbox_profile profile_writer = {
    .name = "candor-rescuer",
    .calls = writer_calls,
    .memory = (size_t)512 << 20,
    .address = (size_t)1 << 38,
    .files = 16,
    .file = UINT64_MAX,
};

/* Rules, what is made of them on the way, and the ruleset: 4 GiB each at most. */
const struct sandbox_profile profile_compiler = {
    .name = "candor-compiler",
    .calls = compiler_calls,
    .memory = (size_t)13 << 30,
    .address = (size_t)1 << 38,
    .files = 8,
    .file = UINT64_C(4) << 30,
};

/* clang-format off */
const struct filter_row profiles_reader[] = {
    /* Names of owners may be asked for through a socket of this machine (nscd, sssd): that
     * family alone is left. */
    {FILTER_REFUSE_UNLESS, SYS_socket, 0, AF_UNIX, 0, 0},
    REFUSE(bind), REFUSE(listen), REFUSE(accept), REFUSE(accept4),
    REFUSE(execve), REFUSE(execveat),
#ifndef SANDBOX_SANITIZED /* the search for leaks traces the process */
    REFUSE(ptrace), REFUSE(process_vm_readv),
#endif
    REFUSE(process_vm_writev), REFUSE(pidfd_getfd), REFUSE(kcmp),
    /* Other doors to what is refused above, and doors nobody here needs. */
    REFUSE(io_uring_setup), REFUSE(io_uring_enter), REFUSE(io_uring_register),
    REFUSE(bpf), REFUSE(perf_event_open), REFUSE(userfaultfd), REFUSE(add_key),
    REFUSE(request_key), REFUSE(keyctl), REFUSE(init_module), REFUSE(finit_module),
    REFUSE(delete_module), REFUSE(kexec_load), REFUSE(kexec_file_load), REFUSE(reboot),
    REFUSE(swapon), REFUSE(swapoff), REFUSE(acct), REFUSE(settimeofday),
    REFUSE(clock_settime), REFUSE(open_by_handle_at), REFUSE(setns), REFUSE(quotactl),
    END,
};
/* clang-format on */

/* Only in builds with sanitizers: their reports go to fd 2. What they look up for the report's
 * names is refused instead of killing, so that the report is written. */
/* clang-format off */
#ifdef SANDBOX_SANITIZED
const struct filter_row profiles_sanitizer_calls[] = {
    EQUAL(write, 0, 2), ANY(sigaltstack), ANY(rt_sigaction), ANY(rt_sigprocmask), ANY(getpid),
    ANY(gettid), ANY(sched_yield), ANY(getrusage), EQUAL(madvise, 2, MADV_DONTDUMP),
    REFUSE(openat), REFUSE(readlinkat), REFUSE(clone), REFUSE(pipe2),
#ifdef SYS_open
    REFUSE(open), REFUSE(readlink), REFUSE(pipe), REFUSE(fork), REFUSE(stat),
#endif
    REFUSE(newfstatat), REFUSE(prctl), REFUSE(ioctl),
    END,
};
#endif
/* clang-format on */

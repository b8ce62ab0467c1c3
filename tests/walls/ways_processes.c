/* New programs and processes, and power over others. */
#include "ways.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static const char *const exit_42[] = {"sh", "-c", "exit 42", NULL};
static const char *const nothing[] = {NULL};

WAY(exec_path)
{
    return ways_got(syscall(SYS_execve, "/bin/sh", exit_42, nothing));
}

WAY(exec_planted)
{
    return ways_got(syscall(SYS_execveat, stage->shell, "", exit_42, nothing, AT_EMPTY_PATH));
}

WAY(exec_below_planted)
{
    return ways_got(syscall(SYS_execveat, stage->directory, "bin/sh", exit_42, nothing, 0));
}

WAY(exec_handed)
{
    return ways_got(syscall(SYS_execveat, stage->handed, "", exit_42, nothing, AT_EMPTY_PATH));
}

WAY(exec_memory)
{
    static const char script[] = "#!/bin/sh\nexit 42\n";
    int fd = memfd_create("x", 0);
    if (fd < 0 || write(fd, script, sizeof script - 1) < 0)
        return -errno;
    return ways_got(syscall(SYS_execveat, fd, "", exit_42, nothing, AT_EMPTY_PATH));
}

/* The child of a way must not go on as its parent does. */
static int born(long pid)
{
    if (pid == 0)
        _exit(0);
    return ways_got(pid);
}

WAY(fork_one)
{
    return born(fork());
}

WAY(vfork_one)
{
    return born(vfork());
}

WAY(clone_one)
{
    return born(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

WAY(clone_namespaces)
{
    return born(syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER | CLONE_NEWNET, 0, 0, 0, 0));
}

WAY(clone3_one)
{
    struct clone_args args = {.exit_signal = SIGCHLD};
    return born(syscall(SYS_clone3, &args, sizeof args));
}

WAY(unshare_users)
{
    return ways_got(unshare(CLONE_NEWUSER));
}

WAY(unshare_network)
{
    return ways_got(unshare(CLONE_NEWNET));
}

WAY(unshare_files)
{
    return ways_got(unshare(CLONE_FILES));
}

WAY(enter_namespace)
{
    return ways_got(setns(stage->names, CLONE_NEWUTS));
}

WAY(enter_by_pidfd)
{
    return ways_got(setns(stage->outsider_pidfd, CLONE_NEWIPC));
}

WAY(signal_outsider)
{
    return ways_got(kill(stage->outsider, SIGUSR1));
}

WAY(signal_all)
{
    return ways_got(kill(-1, 0));
}

WAY(signal_thread)
{
    return ways_got(syscall(SYS_tgkill, stage->outsider, stage->outsider, SIGUSR1));
}

WAY(signal_tkill)
{
    return ways_got(syscall(SYS_tkill, stage->outsider, SIGUSR1));
}

WAY(signal_queue)
{
    return ways_got(sigqueue(stage->outsider, SIGUSR1, (union sigval){.sival_int = 1}));
}

WAY(signal_pidfd)
{
    return ways_got(syscall(SYS_pidfd_send_signal, stage->outsider_pidfd, SIGUSR1, NULL, 0));
}

WAY(signal_parent)
{
    return getppid() > 0 ? ways_got(kill(getppid(), 0)) : -ESRCH;
}

WAY(open_pidfd)
{
    return ways_got(syscall(SYS_pidfd_open, stage->outsider, 0));
}

WAY(take_descriptor)
{
    return ways_got(syscall(SYS_pidfd_getfd, stage->outsider_pidfd, stage->secret, 0));
}

WAY(take_descriptor_by_pid)
{
    int fd = (int)syscall(SYS_pidfd_open, stage->outsider, 0);
    return fd < 0 ? -errno : ways_got(syscall(SYS_pidfd_getfd, fd, stage->secret, 0));
}

WAY(trace)
{
    return ways_got(ptrace(PTRACE_SEIZE, stage->outsider, NULL, NULL));
}

WAY(be_traced)
{
    return ways_got(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static char target[64] = "another process's memory";

WAY(read_memory)
{
    char copy[sizeof target];
    struct iovec here = {copy, sizeof copy}, there = {target, sizeof target};
    return ways_got(process_vm_readv(stage->outsider, &here, 1, &there, 1, 0));
}

WAY(write_memory)
{
    char copy[sizeof target] = "changed";
    struct iovec here = {copy, sizeof copy}, there = {target, sizeof target};
    return ways_got(process_vm_writev(stage->outsider, &here, 1, &there, 1, 0));
}

WAY(advise_memory)
{
    struct iovec there = {(void *)((uintptr_t)target & ~(uintptr_t)4095), 4096};
    return ways_got(
        syscall(SYS_process_madvise, stage->outsider_pidfd, &there, 1, MADV_COLD, 0));
}

WAY(compare)
{
    return ways_got(
        syscall(SYS_kcmp, getpid(), stage->outsider, KCMP_FILE, stage->secret, stage->secret));
}

WAY(limits_of_other)
{
    struct rlimit limits;
    return ways_got(prlimit(stage->outsider, RLIMIT_NOFILE, NULL, &limits));
}

WAY(processors_of_other)
{
    cpu_set_t set;
    if (sched_getaffinity(stage->outsider, sizeof set, &set) < 0)
        return -errno;
    return ways_got(sched_setaffinity(stage->outsider, sizeof set, &set));
}

WAY(priority_of_other)
{
    return ways_got(setpriority(PRIO_PROCESS, (id_t)stage->outsider, 1));
}

WAY(scheduler_of_other)
{
    struct sched_param param = {0};
    return ways_got(sched_setscheduler(stage->outsider, SCHED_BATCH, &param));
}

WAY(io_priority_of_other)
{
    return ways_got(syscall(SYS_ioprio_set, 1, stage->outsider, 3 << 13));
}

WAY(group_of_other)
{
    return ways_got(getpgid(stage->outsider));
}

WAY(raise_files)
{
    struct rlimit limits;
    if (getrlimit(RLIMIT_NOFILE, &limits) < 0)
        return -errno;
    limits.rlim_cur = limits.rlim_max = 1000;
    return ways_got(setrlimit(RLIMIT_NOFILE, &limits));
}

WAY(raise_processes)
{
    struct rlimit limits = {100, 100};
    return ways_got(setrlimit(RLIMIT_NPROC, &limits));
}

WAY(new_session)
{
    return ways_got(setsid());
}

WAY(timer)
{
    timer_t id;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    return ways_got(timer_create(CLOCK_MONOTONIC, &event, &id));
}

const struct way ways_processes[] = {
    {"execve", exec_path, WALL_LANDLOCK},
    {"fexecve of an inherited program", exec_planted, WALL_LIMITS},
    {"execveat below an inherited folder", exec_below_planted, WALL_LIMITS},
    {"execveat of the handed file", exec_handed, WALL_LANDLOCK},
    {"memfd and exec", exec_memory, WALL_LIMITS},
    {"fork", fork_one, WALL_LIMITS},
    {"vfork", vfork_one, WALL_LIMITS},
    {"clone", clone_one, WALL_LIMITS},
    {"clone into new namespaces", clone_namespaces, WALL_LIMITS},
    {"clone3", clone3_one, WALL_LIMITS},
    {"unshare users", unshare_users, WALL_MOUNTS},
    {"unshare the network", unshare_network, WALL_CAPABILITIES},
    {"unshare descriptors", unshare_files, WALL_CALLS},
    {"setns with an inherited namespace", enter_namespace, WALL_LIMITS},
    {"setns with a pidfd", enter_by_pidfd, WALL_LIMITS},
    {"kill", signal_outsider, WALL_PROCESSES},
    {"kill all (signal 0)", signal_all, WALL_PROCESSES},
    {"tgkill", signal_thread, WALL_PROCESSES},
    {"tkill", signal_tkill, WALL_PROCESSES},
    {"sigqueue", signal_queue, WALL_PROCESSES},
    {"pidfd_send_signal", signal_pidfd, WALL_LIMITS},
    {"kill of the parent (signal 0)", signal_parent, WALL_PROCESSES},
    {"pidfd_open", open_pidfd, WALL_PROCESSES},
    {"pidfd_getfd, inherited pidfd", take_descriptor, WALL_LIMITS},
    {"pidfd_getfd", take_descriptor_by_pid, WALL_PROCESSES},
    {"ptrace of another", trace, WALL_PROCESSES},
    {"PTRACE_TRACEME", be_traced, WALL_CALLS},
    {"process_vm_readv", read_memory, WALL_PROCESSES},
    {"process_vm_writev", write_memory, WALL_PROCESSES},
    {"process_madvise", advise_memory, WALL_LIMITS},
    {"kcmp", compare, WALL_PROCESSES},
    {"prlimit of another", limits_of_other, WALL_PROCESSES},
    {"sched_setaffinity of another", processors_of_other, WALL_PROCESSES},
    {"setpriority of another", priority_of_other, WALL_PROCESSES},
    {"sched_setscheduler of another", scheduler_of_other, WALL_PROCESSES},
    {"ioprio_set of another", io_priority_of_other, WALL_PROCESSES},
    {"getpgid of another", group_of_other, WALL_PROCESSES},
    {"raise the limit of descriptors", raise_files, WALL_LIMITS},
    {"raise the limit of processes", raise_processes, WALL_LIMITS},
    {"setsid", new_session, WALL_CALLS},
    {"timer_create", timer, WALL_CALLS},
    {NULL, NULL, WALL_CALLS},
};

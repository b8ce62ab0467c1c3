#include "sandbox/sandbox.h"

#include "sandbox/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The program of one profile, made at its first spawn; children inherit it. */
static struct {
    const struct sandbox_profile *profile;
    struct filter filter;
} compiled;

static int compare_bytes(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

/* What the C library asks the kernel only once, children inherit: qsort the size of memory
 * (sysinfo), when it first sorts more than 1 KiB; gmtime_r and timegm the time zone's file. */
static void warm_library(void)
{
    char many[2048] = {0};
    time_t zero = 0;
    struct tm broken;
    qsort(many, sizeof many, 1, compare_bytes);
    gmtime_r(&zero, &broken);
}

static int compile(const struct sandbox_profile *profile, struct why *why)
{
    if (compiled.profile == profile)
        return 0;
    warm_library();
    const struct filter_row *lists[2] = {profile->calls};
    size_t count = 1;
#ifdef SANDBOX_SANITIZED
    lists[count++] = profiles_sanitizer_calls;
#endif
    compiled.profile = NULL;
    int error = filter_compile(lists, count, FILTER_REST_KILLS, &compiled.filter, why);
    if (!error)
        compiled.profile = profile;
    return error;
}

const struct filter *birth_filter(const struct sandbox_profile *profile)
{
    return compiled.profile == profile ? &compiled.filter : NULL;
}

/* fork, but into new namespaces: glibc's has no flags. <0 is -E..., 0 the child. */
static pid_t fork_into(unsigned long flags, int *ret_pidfd)
{
    /* Stack and thread pointers are 0, so their order, which machines disagree on, is no
     * matter. */
    long pid = syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, 0, ret_pidfd, 0, 0);
    return pid < 0 ? -errno : (pid_t)pid;
}

int sandbox_spawn(const struct sandbox_profile *profile, int (*run)(void *context),
                  void *context, const int *keep, size_t keep_count, struct sandbox_child *ret,
                  struct why *why)
{
    int error = compile(profile, why);
    if (error)
        return error;
    int parent = (int)syscall(SYS_pidfd_open, getpid(), 0), pidfd = -1;
    if (parent < 0)
        return fail(why, errno, "pidfd_open: %s", strerror(errno));
    struct birth birth = {profile, keep, keep_count, parent, geteuid() == 0, 0, 0};
    /* Root needs no user namespace for the others, and becomes nobody before it gets one; root
     * without its rights is a user like others. The PID namespace is the only one that cannot
     * be entered afterwards. */
    const unsigned long ways[] = {CLONE_NEWPID, CLONE_NEWPID | CLONE_NEWUSER, 0};
    pid_t pid = -EPERM;
    for (size_t i = birth.root ? 0 : 1; i < COUNT(ways) && pid < 0; i++) {
        birth.refused = ways[i] ? 0 : -pid;
        birth.entered = ways[i];
        pid = fork_into(ways[i], &pidfd);
    }
    if (pid == 0) {
        birth_child(&birth);
        _exit(run(context));
    }
    close(parent);
    if (pid < 0)
        return fail(why, -pid, "cannot start a process: %s", strerror(-pid));
    *ret = (struct sandbox_child){pid, pidfd};
    return 0;
}

void sandbox_end(struct sandbox_child *child, struct sandbox_end *ret)
{
    int status = 0;
    struct rusage used = {0};
    syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
    while (wait4(child->pid, &status, 0, &used) < 0 && errno == EINTR)
        ;
    close(child->pidfd);
    *child = (struct sandbox_child){0, -1};
    if (ret)
        *ret = (struct sandbox_end){
            .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
            .status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
            .peak = (size_t)used.ru_maxrss * 1024,
        };
}

int sandbox_stat(int fd, struct stat *ret)
{
    return syscall(SYS_fstat, fd, ret) < 0 ? -errno : 0;
}

#include "sandbox/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct walls birth_walls;
bool birth_root;

/* A child that could not leave everything behind does not begin. */
static void must(bool good)
{
    if (!good)
        _exit(125);
}

/* The kept descriptors to SANDBOX_FIRST and on, /dev/null below, all others closed. */
static void keep_descriptors(const int *keep, size_t count)
{
    int above = SANDBOX_FIRST + (int)count;
    int moved[16];
    must(count <= COUNT(moved));
    for (size_t i = 0; i < count; i++)
        must((moved[i] = fcntl(keep[i], F_DUPFD, above)) >= 0);
    for (size_t i = 0; i < count; i++)
        must(dup2(moved[i], SANDBOX_FIRST + (int)i) >= 0);
    must(close_range((unsigned)above, ~0u, 0) == 0);
    for (int fd = 0; fd < SANDBOX_FIRST; fd++) {
#ifdef SANDBOX_SANITIZED
        if (fd == 2)
            continue;
#endif
        int null = open("/dev/null", fd ? O_WRONLY : O_RDONLY);
        close(fd);
        if (null >= 0 && null != fd) {
            must(dup2(null, fd) == fd);
            close(null);
        }
    }
}

/* Handlers and masks are the parent's business. */
static void reset_signals(void)
{
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    must(sigprocmask(SIG_SETMASK, &none, NULL) == 0);
}

/* Overwritten, not only forgotten: the strings lie in memory that the child shares. */
static void forget_environment(void)
{
    for (char **entry = environ; entry && *entry; entry++)
        memset(*entry, 0, strlen(*entry));
    clearenv();
}

static void enter(unsigned flag, enum wall wall)
{
    if (unshare((int)flag) == 0)
        walls_stand(&birth_walls, wall, "");
    else
        walls_refuse(&birth_walls, wall, errno);
}

static void enter_namespaces(const struct birth *birth)
{
    if (birth->entered & CLONE_NEWPID)
        walls_stand(&birth_walls, WALL_PROCESSES, "");
    else
        walls_refuse(&birth_walls, WALL_PROCESSES, birth->refused);
    /* Root enters its own when it has become nobody. */
    if (birth->entered & CLONE_NEWUSER)
        walls_stand(&birth_walls, WALL_USERS, "");
    else if (!birth->root)
        enter(CLONE_NEWUSER, WALL_USERS);
    enter(CLONE_NEWNET, WALL_NETWORK);
    enter(CLONE_NEWNS, WALL_MOUNTS);
    enter(CLONE_NEWIPC, WALL_IPC);
    enter(CLONE_NEWUTS, WALL_HOSTNAME);
    enter(CLONE_NEWCGROUP, WALL_CGROUPS);
}

void birth_child(const struct birth *birth)
{
    birth_root = birth->root;
    must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
    /* It may have died before. */
    struct pollfd parent = {.fd = birth->parent, .events = POLLIN};
    must(poll(&parent, 1, 0) == 0);
    keep_descriptors(birth->keep, birth->keep_count);
    reset_signals();
    setsid();
    prctl(PR_SET_NAME, birth->profile->name);
    forget_environment();
    enter_namespaces(birth);
}

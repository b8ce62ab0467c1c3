/* A process behind the walls tries every way out that ways_*.c knows, each in a worker of its
 * own. None may succeed. The same ways are tried outside, in a process without walls and with
 * the same rights, where most must succeed: else nothing was tested. And they are tried behind
 * the other walls with the system call filter left open: what a single wall holds it must hold
 * alone.
 *
 * usage: escape [--user] [--rescuer | --compiler]
 *
 * --user: root becomes an ordinary user first; --rescuer: the worker of candor rescue, which
 * may write at places of files that it was handed for that; --compiler: that of rules, which
 * may write at places of the one file that it was started with. */
#include "sandbox/sandbox.h"
#include "stage.h"
#include "tap.h"

#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct way *const tables[] = {ways_files,  ways_network, ways_processes,
                                           ways_kernel, ways_memory,  ways_handed};

enum { CALLS = 470, PATIENCE_MS = 20000 };

/* Every call that the kernel may have, granted. */
static struct filter_row all_calls[CALLS + 1];
static struct sandbox_profile profile_open;
static const struct sandbox_profile *tried = &profile_worker;

enum outcome {
    OUT_UNSEALED,
    OUT_TRYING,
    OUT_SUCCEEDED,
    OUT_REFUSED,
    OUT_KILLED,
    OUT_CRASHED,
    OUT_HUNG
};

/* Shared with the process that tries: it may have no other way to tell. */
struct tale {
    enum outcome outcome;
    int error;
    struct walls walls;
    struct why why;
};

static struct tale *tale;

struct attempt {
    const struct sandbox_profile *profile; /* NULL: outside */
    const struct way *way;
    struct stage stage;
};

static void try_way(const struct attempt *attempt)
{
    tale->outcome = OUT_TRYING;
    int error = attempt->way->run(&attempt->stage);
    tale->error = -error;
    tale->outcome = error ? OUT_REFUSED : OUT_SUCCEEDED;
}

static int run_inside(void *context)
{
    struct attempt *attempt = context;
    attempt->stage.socket = SANDBOX_FIRST;
    attempt->stage.handed = SANDBOX_FIRST + 1;
    attempt->stage.own_mounts = true;
    if (sandbox_seal(attempt->profile, &tale->walls, &tale->why) == 0)
        try_way(attempt);
    return 0;
}

/* In namespaces of its own where it may, so that nothing happens to the machine. */
static void run_outside(struct attempt *attempt)
{
    attempt->stage.own_mounts = unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC) == 0;
    try_way(attempt);
    _exit(0);
}

static enum outcome outcome_of(const struct sandbox_end *end)
{
    if (!end->signal && end->status == WAYS_ESCAPED_STATUS)
        return OUT_SUCCEEDED;
    if (tale->outcome == OUT_TRYING && end->signal)
        return end->signal == SIGKILL                            ? OUT_HUNG
               : end->signal == SIGSYS || end->signal == SIGXFSZ ? OUT_KILLED
                                                                 : OUT_CRASHED;
    return tale->outcome;
}

static struct sandbox_end wait_for(struct sandbox_child *child)
{
    struct sandbox_end end;
    struct pollfd pidfd = {.fd = child->pidfd, .events = POLLIN};
    poll(&pidfd, 1, PATIENCE_MS);
    sandbox_end(child, &end);
    return end;
}

static enum outcome try(const struct sandbox_profile *profile, const struct way *way,
                        const struct stage *stage)
{
    static struct attempt attempt;
    attempt = (struct attempt){profile, way, *stage};
    *tale = (struct tale){.outcome = OUT_UNSEALED};
    int ends[2];
    struct sandbox_child child;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return OUT_UNSEALED;
    attempt.stage.socket = ends[1];
    if (strstr(way->name, "accept"))
        stage_knock(stage);
    if (profile) {
        const int keep[] = {ends[1], stage->handed};
        if (sandbox_spawn(profile, run_inside, &attempt, keep, 2, &child, &tale->why))
            return OUT_UNSEALED;
    } else {
        child.pid = fork();
        if (child.pid == 0)
            run_outside(&attempt);
        child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
    }
    struct sandbox_end end = wait_for(&child);
    close(ends[0]);
    close(ends[1]);
    return outcome_of(&end);
}

static const char *word(enum outcome outcome)
{
    switch (outcome) {
    case OUT_UNSEALED:
        return tale->why.text[0] ? tale->why.text : "not sealed";
    case OUT_SUCCEEDED:
        return "succeeded";
    case OUT_REFUSED:
        return strerror(tale->error);
    case OUT_KILLED:
        return "killed";
    case OUT_CRASHED:
        return "crashed";
    case OUT_TRYING:
    case OUT_HUNG:
        break;
    }
    return "did not end";
}

struct counts {
    int ways, outside, killed, refused, escaped;
    int second[WALL_COUNT]; /* held by this wall without the filter */
    int open;               /* got through without the filter */
};

/* Its own number, which is 1 in its namespace, tells a rescuer nothing; OpenSSL asks for it.
 * What it holds for writing it may write to: no other process's descriptors come to it. */
static bool is_granted(const struct way *way)
{
    return tried == &profile_writer &&
           (strcmp(way->name, "getpid") == 0 ||
            strcmp(way->name, "copy_file_range to an inherited file") == 0);
}

/* Behind all walls, then behind all but the filter, then outside. */
static void try_all(const struct way *way, const struct stage *stage, struct counts *counts)
{
    counts->ways++;
    enum outcome inside = try(tried, way, stage);
    counts->killed += inside == OUT_KILLED;
    counts->refused += inside == OUT_REFUSED;
    bool held = inside == OUT_KILLED || inside == OUT_REFUSED;
    if (!tap_check(held, way->name, __FILE__, __LINE__))
        printf("#   %s\n", word(inside));
    counts->escaped += inside == OUT_SUCCEEDED;

    enum outcome second = try(&profile_open, way, stage);
    held = second == OUT_KILLED || second == OUT_REFUSED;
    bool stands = tale->walls.wall[way->second].stands;
    counts->open += !held;
    if (way->second != WALL_CALLS && stands) {
        if (!held)
            printf("#   without the filter, not held by %s: %s\n", walls_name(way->second),
                   word(second));
        counts->second[way->second] += held ? 1 : 1 << 16;
    }
    if (getenv("WAYS_VERBOSE"))
        printf("#   %s: without the filter: %s\n", way->name, word(second));

    enum outcome outside = try(NULL, way, stage);
    counts->outside += outside == OUT_SUCCEEDED;
    if (outside != OUT_SUCCEEDED)
        printf("#   fails here without walls too: %s\n", word(outside));
}

static void become_user(void)
{
    if (geteuid() != 0)
        return;
    if (setgroups(0, NULL) < 0 || setresgid(65533, 65533, 65533) < 0 ||
        setresuid(65533, 65533, 65533) < 0) {
        puts("Bail out! cannot become an ordinary user");
        exit(1);
    }
    prctl(PR_SET_DUMPABLE, 1);
}

static void prepare(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int call = 0; call < CALLS; call++)
        all_calls[call] = (struct filter_row){FILTER_ANY, call, 0, 0, 0, 0};
    profile_open = *tried;
    profile_open.calls = all_calls;
    tale = mmap(NULL, sizeof *tale, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    /* A limit that stands for root too: workers may not raise it. */
    struct rlimit files = {512, 512};
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
    bool user = false;
    for (int i = 1; i < argc; i++) {
        user = user || strcmp(argv[i], "--user") == 0;
        if (strcmp(argv[i], "--rescuer") == 0)
            tried = &profile_writer;
        if (strcmp(argv[i], "--compiler") == 0)
            tried = &profile_compiler;
    }
    if (user) {
        become_user();
    } else if (geteuid() != 0) {
        tap_skip("escape as root", "not root");
        return tap_done();
    }
    prepare();
    static struct stage stage;
    static struct counts counts;
    stage_set(&stage);
    for (size_t t = 0; t < COUNT(tables); t++)
        for (const struct way *way = tables[t]; way->name; way++)
            if (!is_granted(way))
                try_all(way, &stage, &counts);
    stage_strike(&stage);
    for (int wall = 0; wall < WALL_COUNT; wall++) {
        if (!counts.second[wall])
            continue;
        char what[128];
        snprintf(what, sizeof what, "%s holds %d ways without the filter",
                 walls_name((enum wall)wall), counts.second[wall] & 0xffff);
        tap_check(counts.second[wall] < 1 << 16, what, __FILE__, __LINE__);
    }
    printf("# %s: %d ways; outside %d succeed; behind the walls %d (%d killed, %d refused);\n"
           "# with the filter left open %d\n",
           geteuid() ? "user" : "root", counts.ways, counts.outside, counts.escaped,
           counts.killed, counts.refused, counts.open);
    CHECK(counts.ways >= 60);
    CHECK(counts.escaped == 0);
    CHECK(counts.outside >= counts.ways * 5 / 10);
    return tap_done();
}

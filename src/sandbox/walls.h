/* walls — what stands between a sealed process and everything else, and what the kernel
 * refused. */
#pragma once
#include "base/base.h"

enum wall {
    WALL_USERS,        /* user namespace */
    WALL_NETWORK,      /* network namespace: no interface, not even loopback */
    WALL_MOUNTS,       /* mount namespace with an empty root that cannot be written to */
    WALL_IPC,          /* System V and POSIX message queues, shared memory */
    WALL_HOSTNAME,     /* UTS namespace */
    WALL_PROCESSES,    /* PID namespace: sees and signals no other process */
    WALL_CGROUPS,      /* cgroup namespace */
    WALL_IDENTITY,     /* root has become nobody, without groups */
    WALL_CAPABILITIES, /* none left, and none to be had */
    WALL_LIMITS,       /* no process, no file, no more memory than granted */
    WALL_PRIVILEGES,   /* no_new_privs */
    WALL_CODE,         /* memory never becomes executable (MDWE; the filter refuses it too) */
    WALL_LANDLOCK,     /* no right to any file, port, socket or signal outside */
    WALL_CALLS,        /* seccomp: only the listed system calls */
    WALL_COUNT,
};

enum { WALL_WHY = 64 };

/* No pointers: can be sent as bytes. */
struct walls {
    struct {
        bool stands;
        char why[WALL_WHY]; /* not: the reason; stands: a remark, as "ABI 7", or "" */
    } wall[WALL_COUNT];
};

/* "user namespace": as reports show it. */
const char *walls_name(enum wall wall);
/* What it stops, for people: "reaching any network". */
const char *walls_stops(enum wall wall);
void walls_stand(struct walls *walls, enum wall wall, const char *remark);
/* `error` is a positive errno. */
void walls_refuse(struct walls *walls, enum wall wall, int error);
/* How many do not stand. */
int walls_missing(const struct walls *walls);
/* Whether walls that came from another process are what this program wrote. */
bool walls_sound(const struct walls *walls);
/* One line for people about those that do not stand: "the kernel refused: user namespace
 * (Operation not permitted), Landlock (...)"; "" when all stand. Returns ret. */
const char *walls_text(const struct walls *walls, char *ret, size_t size);

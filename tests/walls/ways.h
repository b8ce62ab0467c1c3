/* ways — what a process that was taken over would try next. Each way returns 0 when it got what
 * it wanted and -errno when it did not. Outside the walls most succeed, and do no harm there:
 * what could is asked for with an argument that the kernel refuses only after having looked at
 * the caller's rights. */
#pragma once
#include "sandbox/walls.h"

#include <errno.h>
#include <sys/types.h>

/* What the test prepares, for the processes inside and outside alike. Descriptors from
 * `directory` on were open in the parent when the worker was spawned, and not given to it. */
struct stage {
    int socket; /* the worker's own */
    int handed; /* a file, opened for reading, that the worker was given */
    int directory, proc, secret, writable, shell, names, terminal, post, outsider_pidfd, door;
    pid_t outsider;              /* another process of the same user */
    uint16_t tcp_port, udp_port; /* on 127.0.0.1, someone listens */
    char abstract[32];           /* someone listens on this abstract socket */
    char folder[64];             /* of the user's; in it secret, handed, socket, mountpoint/ */
    bool own_mounts;             /* mounts may be changed without harm to the machine */

    struct {
        unsigned size;
        int type;
        unsigned char bytes[128];
    } handle; /* of the secret, for open_by_handle_at */

    int mount_id;
};

struct way {
    const char *name;
    int (*run)(const struct stage *stage);
    /* The wall that holds it when there is no system call filter; WALL_CALLS: none does. */
    enum wall second;
};

#define WAY(name) static int name(__attribute__((unused)) const struct stage *stage)

/* Ended by a way without a name. */
extern const struct way ways_files[], ways_network[], ways_processes[], ways_kernel[],
    ways_memory[], ways_handed[];

enum { WAYS_ESCAPED_STATUS = 42 }; /* of a program that was started */

static inline int ways_got(long result)
{
    return result < 0 ? -errno : 0;
}

/* For calls made with an argument that no kernel takes: they got past the look at our rights.
 */
static inline int ways_past_rights(long result)
{
    return result < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS) ? -errno : 0;
}

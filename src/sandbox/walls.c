#include "sandbox/walls.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *stops;
} table[WALL_COUNT] = {
    [WALL_USERS] = {"user namespace", "rights over anything outside"},
    [WALL_NETWORK] = {"network namespace", "reaching any network, loopback too"},
    [WALL_MOUNTS] = {"empty root", "seeing any file by name"},
    [WALL_IPC] = {"IPC namespace", "shared memory and message queues of others"},
    [WALL_HOSTNAME] = {"UTS namespace", "changing the host's name"},
    [WALL_PROCESSES] = {"PID namespace", "seeing and signalling other processes"},
    [WALL_CGROUPS] = {"cgroup namespace", "seeing the system's control groups"},
    [WALL_IDENTITY] = {"own identity", "owning files of the user who started it, if root"},
    [WALL_CAPABILITIES] = {"no capabilities", "all that only root may do"},
    [WALL_LIMITS] = {"limits", "new processes, writing files, eating memory"},
    [WALL_PRIVILEGES] = {"no new privileges", "gaining rights from set-user-ID programs"},
    [WALL_CODE] = {"no new code", "making data executable"},
    [WALL_LANDLOCK] = {"Landlock", "opening files, TCP ports, sockets, signals outside"},
    [WALL_CALLS] = {"system call filter", "asking the kernel for anything not listed"},
};

const char *walls_name(enum wall wall)
{
    return wall < WALL_COUNT ? table[wall].name : "";
}

const char *walls_stops(enum wall wall)
{
    return wall < WALL_COUNT ? table[wall].stops : "";
}

static void set(struct walls *walls, enum wall wall, bool stands, const char *why)
{
    walls->wall[wall].stands = stands;
    snprintf(walls->wall[wall].why, WALL_WHY, "%s", why);
}

void walls_stand(struct walls *walls, enum wall wall, const char *remark)
{
    set(walls, wall, true, remark);
}

void walls_refuse(struct walls *walls, enum wall wall, int error)
{
    set(walls, wall, false, strerror(error));
}

int walls_missing(const struct walls *walls)
{
    int missing = 0;
    for (int i = 0; i < WALL_COUNT; i++)
        missing += !walls->wall[i].stands;
    return missing;
}

bool walls_sound(const struct walls *walls)
{
    for (int i = 0; i < WALL_COUNT; i++) {
        uint8_t stands;
        memcpy(&stands, &walls->wall[i].stands, 1);
        if (stands > 1 || !memchr(walls->wall[i].why, 0, WALL_WHY))
            return false;
        for (const char *c = walls->wall[i].why; *c; c++)
            if (*c < ' ' || *c > '~')
                return false;
    }
    return true;
}

const char *walls_text(const struct walls *walls, char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = 0;
    for (int i = 0; i < WALL_COUNT && used < size; i++) {
        if (walls->wall[i].stands)
            continue;
        int n =
            snprintf(ret + used, size - used, "%s%s (%s)",
                     used ? ", " : "the kernel refused: ", table[i].name, walls->wall[i].why);
        used += n > 0 ? (size_t)n : 0;
    }
    return ret;
}

#include "sandbox/birth.h"
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOBODY = 65534 };

#ifndef PR_SET_MDWE /* Linux 6.3 */
#define PR_SET_MDWE              65
#define PR_MDWE_REFUSE_EXEC_GAIN 1UL
#endif

/* A wall without which nothing is sealed. */
static int need(struct walls *walls, enum wall wall, int error, struct why *why)
{
    if (error)
        return fail(why, -error, "cannot seal: %s: %s", walls_name(wall), strerror(-error));
    walls_stand(walls, wall, "");
    return 0;
}

/* A wall that a kernel may not have. */
static void want(struct walls *walls, enum wall wall, int error)
{
    if (error)
        walls_refuse(walls, wall, -error);
    else
        walls_stand(walls, wall, "");
}

/* What this process has mapped, in bytes; 0 when unknown. */
struct mapped {
    size_t all, written; /* as RLIMIT_AS and RLIMIT_DATA count, the stack besides */
};

static struct mapped mapped_now(void)
{
    char text[128] = {0}, *at = text;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), field[6] = {0};
    int fd = open("/proc/self/statm", O_RDONLY);
    if (fd >= 0) {
        if (read(fd, text, sizeof text - 1) > 0)
            for (size_t i = 0; i < COUNT(field); i++)
                field[i] = strtoul(at, &at, 10) * page;
        close(fd);
    }
    return (struct mapped){field[0], field[5]};
}

/* When memory runs out, the kernel takes the worker's and nobody else's. */
static void go_first(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    if (fd >= 0) {
        if (write(fd, "1000", 4) < 0)
            errno = 0;
        close(fd);
    }
}

/* An empty, read-only file system becomes the root, and the old one is let go. */
static int empty_root(void)
{
    static const char *const places[] = {"/tmp", "/proc", "/dev", "/usr"};
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return -errno;
    int error = -ENOENT;
    for (size_t i = 0; i < COUNT(places) && error; i++)
        error = mount("none", places[i], "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                      "nr_inodes=1,mode=555") == 0 &&
                        chdir(places[i]) == 0
                    ? 0
                    : -errno;
    if (error)
        return error;
    /* Both on top of each other, then the old one goes: pivot_root(2), "pivot_root(".", ".")".
     */
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    return 0;
}

static void drop_bounding_set(void)
{
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        prctl(PR_CAPBSET_DROP, cap);
}

/* Root becomes nobody; then, in a user namespace of its own, it has no way back. */
static void drop_identity(struct walls *walls)
{
    if (!birth_root) {
        walls_stand(walls, WALL_IDENTITY, "not root");
        return;
    }
    drop_bounding_set();
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        walls_refuse(walls, WALL_IDENTITY, errno);
    else
        walls_stand(walls, WALL_IDENTITY, "nobody");
    if (!walls->wall[WALL_USERS].stands)
        want(walls, WALL_USERS, unshare(CLONE_NEWUSER) < 0 ? -errno : 0);
}

/* What execve could give back, had it been granted; not every container lets it go. */
static bool bounding_set_is_empty(void)
{
    for (int cap = 0, has; (has = prctl(PR_CAPBSET_READ, cap)) >= 0; cap++)
        if (has)
            return false;
    return true;
}

static int drop_capabilities(void)
{
    drop_bounding_set();
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int limit(int resource, size_t max)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
        return -errno;
    if (now.rlim_max > max)
        now.rlim_max = max;
    now.rlim_cur = now.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &now) < 0 ? -errno : 0;
}

static int set_limits(const struct sandbox_profile *profile, const struct mapped *mapped)
{
    static const int zero[] = {RLIMIT_NPROC, RLIMIT_CORE,   RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE,
                               RLIMIT_NICE,  RLIMIT_RTPRIO, RLIMIT_LOCKS};
    int error = limit(RLIMIT_NOFILE, profile->files);
    for (size_t i = 0; i < COUNT(zero) && !error; i++)
        error = limit(zero[i], 0);
    if (!error && profile->file < UINT64_MAX)
        error = limit(RLIMIT_FSIZE, profile->file);
#ifndef SANDBOX_SANITIZED
    if (!error && mapped->all)
        error = limit(RLIMIT_AS, mapped->all + profile->address);
    if (!error && mapped->all)
        error = limit(RLIMIT_DATA, mapped->written + profile->memory);
#else
    (void)mapped;
#endif
    return error;
}

static int load_filter(const struct filter *filter)
{
    struct sock_fprog program = {.len = filter->length};
    /* The same layout (shim/filter.c asserts it), without the kernel's const. */
    memcpy(&program.filter, &(const struct filter_step *){filter->steps},
           sizeof program.filter);
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

int sandbox_seal(const struct sandbox_profile *profile, struct walls *ret, struct why *why)
{
    struct walls walls = birth_walls;
    const struct filter *filter = birth_filter(profile);
    if (!filter)
        return fail(why, EINVAL, "'%s' was not spawned as what it wants to be", profile->name);
    const struct mapped mapped = mapped_now();
    go_first();
    if (walls.wall[WALL_MOUNTS].stands)
        want(&walls, WALL_MOUNTS, empty_root());
    drop_identity(&walls);
    int error = need(&walls, WALL_CAPABILITIES, drop_capabilities(), why);
    if (!error && !bounding_set_is_empty())
        walls_stand(&walls, WALL_CAPABILITIES, "but the bounding set stays");
    /* After the identity: changing it sets both back. */
    if (!error && (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0))
        error = fail(why, errno, "cannot seal: prctl: %s", strerror(errno));
    if (!error)
        error = need(&walls, WALL_LIMITS, set_limits(profile, &mapped), why);
    if (!error && !mapped.all)
        walls_stand(&walls, WALL_LIMITS, "but memory: /proc does not tell what is mapped");
    if (!error)
        error = need(&walls, WALL_PRIVILEGES,
                     prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0, why);
    if (error)
        return error;
    want(&walls, WALL_CODE,
         prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 ? -errno : 0);
    int abi = landlock_seal();
    want(&walls, WALL_LANDLOCK, abi < 0 ? abi : 0);
    if (abi > 0)
        snprintf(walls.wall[WALL_LANDLOCK].why, WALL_WHY, "ABI %d", abi);
    error = need(&walls, WALL_CALLS, load_filter(filter), why);
    if (!error)
        *ret = walls;
    return error;
}

int sandbox_confine(struct why *why)
{
    static struct filter filter;
    const struct filter_row *list = profiles_reader;
    int error = filter_compile(&list, 1, FILTER_REST_IS_GRANTED, &filter, why);
    if (error)
        return error;
    error = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : load_filter(&filter);
    return error ? fail(why, -error, "cannot give up the network: %s", strerror(-error)) : 0;
}

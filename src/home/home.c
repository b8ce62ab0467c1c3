#include "home/home.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool home_path(char *ret, size_t size)
{
    const char *home = getenv("HOME");
    struct passwd entry, *found = NULL;
    char space[4096];
    if (!(home && home[0] == '/') &&
        getpwuid_r(geteuid(), &entry, space, sizeof space, &found) == 0 && found)
        home = found->pw_dir;
    return home && home[0] == '/' && (size_t)snprintf(ret, size, "%s", home) < size;
}

int home_make(const char *path, struct why *why)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof part)
        return fail(why, ENAMETOOLONG, "the path '%s' is too long", path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && i < len)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, i < len ? 0755 : 0700) < 0 && errno != EEXIST)
            return fail(why, errno, "cannot make the directory '%s': %s", part,
                        strerror(errno));
    }
    return 0;
}

/* The directory that `kind` is in, without candor's own name: -ENOENT when there is no home. */
static int find_base(enum home_kind kind, char ret[PATH_MAX])
{
    static const struct {
        const char *variable, *below, *of_root;
        bool said_first; /* before root's */
    } rows[] = {[HOME_CACHE] = {"XDG_CACHE_HOME", ".cache", "/var/cache", true},
                [HOME_DATA] = {"XDG_DATA_HOME", ".local/share", "/var/lib", false},
                [HOME_STATE] = {"XDG_STATE_HOME", ".local/state", "/var/lib", false}};

    const char *said = getenv(rows[kind].variable);
    char home[PATH_MAX];
    int n;
    if (said && said[0] != '/')
        said = NULL;
    if (geteuid() == 0 && !(said && rows[kind].said_first))
        n = snprintf(ret, PATH_MAX, "%s", rows[kind].of_root);
    else if (said)
        n = snprintf(ret, PATH_MAX, "%s", said);
    else if (home_path(home, sizeof home))
        n = snprintf(ret, PATH_MAX, "%s/%s", home, rows[kind].below);
    else
        return -ENOENT;
    return n > 0 && n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int home_place(enum home_kind kind, const char *name, char *ret, size_t size)
{
    char base[PATH_MAX];
    int error = find_base(kind, base);
    if (error)
        return error;
    int n = snprintf(ret, size, "%s/candor%s%s", base, *name ? "/" : "", name);
    return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

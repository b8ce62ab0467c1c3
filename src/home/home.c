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

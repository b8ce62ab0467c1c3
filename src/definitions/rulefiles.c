#include "definitions/rulefiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 64, INDEX_MAX = 1 << 20 };

int rulefiles_read(const char *path, size_t max, bytes *ret, struct why *why)
{
    int fd = strcmp(path, "-") == 0 ? dup(0) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(why, errno, "cannot open '%s': %s", path, strerror(errno));
    uint8_t *at = NULL;
    size_t len = 0, room = 0;
    int error = 0;
    for (;;) {
        if (len == room) {
            room = room ? room * 2 : 16384;
            uint8_t *more = len < max ? realloc(at, room + 1) : NULL;
            if (!more) {
                error = len < max ? fail(why, ENOMEM, "out of memory")
                                  : fail(why, EFBIG, "'%s' is too large", path);
                break;
            }
            at = more;
        }
        ssize_t n = read(fd, at + len, room - len);
        if (n < 0 && errno != EINTR) {
            error = fail(why, errno, "cannot read '%s': %s", path, strerror(errno));
            break;
        }
        if (n == 0)
            break;
        len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    if (error) {
        free(at);
        return error;
    }
    *ret = (bytes){at, len};
    return 0;
}

bool rulefiles_push(struct rulefiles *files, char *path)
{
    if (files->n == files->room) {
        uint32_t room = files->room ? files->room * 2 : 64;
        char **at = realloc(files->at, room * sizeof *at);
        if (!at)
            return false;
        files->at = at;
        files->room = room;
    }
    files->at[files->n++] = path;
    return true;
}

void rulefiles_free(struct rulefiles *files)
{
    for (uint32_t i = 0; i < files->n; i++)
        free(files->at[i]);
    free(files->at);
    *files = (struct rulefiles){0};
}

static bool has_ending(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcasecmp(name + n - m, ending) == 0;
}

static int find_below(const char *path, int depth, struct rulefiles *ret, struct why *why);

static int find_entry(const char *path, const char *name, int depth, struct rulefiles *ret,
                      struct why *why)
{
    char *full;
    struct stat st;
    size_t len = strlen(path);
    const char *slash = len && path[len - 1] == '/' ? "" : "/";
    if (asprintf(&full, "%s%s%s", path, slash, name) < 0)
        return fail(why, ENOMEM, "out of memory");
    int error = 0;
    bool kept = false;
    if (lstat(full, &st) == 0 && S_ISDIR(st.st_mode)) {
        error = depth < DEPTH_MAX ? find_below(full, depth + 1, ret, why)
                                  : fail(why, ELOOP, "'%s' is too deep", full);
    } else if ((has_ending(name, ".yar") || has_ending(name, ".yara")) &&
               stat(full, &st) == 0 && S_ISREG(st.st_mode)) {
        kept = rulefiles_push(ret, full);
        error = kept ? 0 : fail(why, ENOMEM, "out of memory");
    }
    if (!kept)
        free(full);
    return error;
}

/* By bytes, whatever the locale. */
static int order_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int find_below(const char *path, int depth, struct rulefiles *ret, struct why *why)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, order_names), error = 0;
    if (n < 0)
        return fail(why, errno, "cannot read '%s': %s", path, strerror(errno));
    for (int i = 0; i < n; i++) {
        if (!error && names[i]->d_name[0] != '.')
            error = find_entry(path, names[i]->d_name, depth, ret, why);
        free(names[i]);
    }
    free(names);
    return error;
}

/* The text after blanks and comments. */
static bytes skip_blank(bytes rest)
{
    for (;;) {
        size_t n = 0;
        while (n < rest.len && strchr(" \t\r\n\v\f", rest.at[n] ? rest.at[n] : 'x'))
            n++;
        rest = bytes_slice(rest, n, rest.len);
        if (rest.len < 2 || rest.at[0] != '/' || (rest.at[1] != '/' && rest.at[1] != '*'))
            return rest;
        bool line = rest.at[1] == '/';
        size_t end = bytes_find(rest, bytes_of(line ? "\n" : "*/"), 2);
        if (end == SIZE_MAX)
            return (bytes){NULL, 0};
        rest = bytes_slice(rest, end + (line ? 1 : 2), rest.len);
    }
}

static int order_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* True when the file holds includes only, and each of them is among the sorted `known`. */
static bool is_redundant_index(const char *path, char **known, uint32_t count)
{
    bytes text;
    char target[PATH_MAX], *real = NULL;
    uint32_t includes = 0;
    if (rulefiles_read(path, INDEX_MAX, &text, NULL) < 0)
        return false;
    const char *slash = strrchr(path, '/');
    bytes rest = skip_blank(text);
    bool redundant = true;
    while (redundant && rest.len) {
        size_t quote = bytes_find(rest, bytes_of("\""), 0);
        size_t end = quote == SIZE_MAX ? SIZE_MAX : bytes_find(rest, bytes_of("\""), quote + 1);
        bytes before = skip_blank(bytes_slice(rest, 7, quote == SIZE_MAX ? 0 : quote - 7));
        redundant = end != SIZE_MAX && quote >= 7 && memcmp(rest.at, "include", 7) == 0 &&
                    before.len == 0;
        if (!redundant)
            break;
        snprintf(target, sizeof target, "%.*s/%.*s", slash ? (int)(slash - path) : 1,
                 slash ? path : ".", (int)(end - quote - 1), (const char *)rest.at + quote + 1);
        real = realpath(target, NULL);
        redundant = real && bsearch(&real, known, count, sizeof *known, order_paths);
        free(real);
        includes++;
        rest = skip_blank(bytes_slice(rest, end + 1, rest.len));
    }
    free((void *)(uintptr_t)text.at);
    return redundant && includes;
}

static void drop_indexes(struct rulefiles *files)
{
    char **known = calloc(files->n + 1, sizeof *known);
    uint32_t count = 0, kept = 0;
    if (!known)
        return;
    for (uint32_t i = 0; i < files->n; i++)
        if ((known[count] = realpath(files->at[i], NULL)))
            count++;
    qsort(known, count, sizeof *known, order_paths);
    for (uint32_t i = 0; i < files->n; i++) {
        if (is_redundant_index(files->at[i], known, count))
            free(files->at[i]);
        else
            files->at[kept++] = files->at[i];
    }
    files->n = kept;
    for (uint32_t i = 0; i < count; i++)
        free(known[i]);
    free(known);
}

int rulefiles_find(const char *path, struct rulefiles *ret, struct why *why)
{
    struct stat st;
    *ret = (struct rulefiles){0};
    if (strcmp(path, "-") != 0 && stat(path, &st) < 0)
        return fail(why, errno, "cannot open '%s': %s", path, strerror(errno));
    if (strcmp(path, "-") == 0 || !S_ISDIR(st.st_mode)) {
        char *copy = strdup(path);
        if (copy && rulefiles_push(ret, copy))
            return 0;
        free(copy);
        return fail(why, ENOMEM, "out of memory");
    }
    int error = find_below(path, 0, ret, why);
    if (error)
        rulefiles_free(ret);
    else
        drop_indexes(ret);
    return error;
}

#include "definitions/databases.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file is read through a window that ends with a whole line. */
#define WINDOW   ((size_t)4 << 20)
#define LINE_MAX ((size_t)256 << 20)
/* Of one file that is read as a whole. */
#define WHOLE_MAX ((size_t)2 << 30)

/* --- which files --- */

static bool has_ending(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcasecmp(name + n - m, ending) == 0;
}

static bool is_container(const char *name)
{
    return has_ending(name, ".cvd") || has_ending(name, ".cld") || has_ending(name, ".cud");
}

static bool is_database(const char *name)
{
    return is_container(name) || clamav_kind_of(bytes_of(name)) != CLAMAV_KINDS;
}

/* As ClamAV orders them: what names signatures to leave out comes first. */
static int priority(const char *name)
{
    static const char *const first[] = {"daily.cld", "daily.cvd", "local.gdb", "daily.cfg"};
    if (clamav_kind_of(bytes_of(name)) == CLAMAV_IGNORED)
        return 0;
    for (size_t i = 0; i < COUNT(first); i++)
        if (strcmp(name, first[i]) == 0)
            return (int)i + 1;
    return has_ending(name, ".crb") ? COUNT(first) + 1 : COUNT(first) + 2;
}

static int order(const struct dirent **a, const struct dirent **b)
{
    int by = priority((*a)->d_name) - priority((*b)->d_name);
    return by ? by : strcmp((*a)->d_name, (*b)->d_name);
}

static int find_entry(const char *path, const char *name, struct rulefiles *ret,
                      struct why *why)
{
    struct stat st;
    char *full;
    size_t len = strlen(path);
    const char *slash = len && path[len - 1] == '/' ? "" : "/";
    if (name[0] == '.' || !is_database(name))
        return 0;
    if (asprintf(&full, "%s%s%s", path, slash, name) < 0)
        return fail(why, ENOMEM, "out of memory");
    /* What cannot be looked at is found, so that it is missed when it is opened. */
    if ((stat(full, &st) == 0 && !S_ISREG(st.st_mode)) || !rulefiles_push(ret, full)) {
        bool regular = S_ISREG(st.st_mode);
        free(full);
        return regular ? fail(why, ENOMEM, "out of memory") : 0;
    }
    return 0;
}

int databases_find(const char *path, struct rulefiles *ret, struct why *why)
{
    struct dirent **names;
    struct stat st;
    *ret = (struct rulefiles){0};
    if (stat(path, &st) < 0)
        return fail(why, errno, "cannot open '%s': %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode)) {
        char *copy = is_database(path) ? strdup(path) : NULL;
        if (copy && rulefiles_push(ret, copy))
            return 0;
        free(copy);
        return copy ? fail(why, ENOMEM, "out of memory")
                    : fail(why, EINVAL, "'%s' has no name of a ClamAV database", path);
    }
    int n = scandir(path, &names, NULL, order), error = 0;
    if (n < 0)
        return fail(why, errno, "cannot read '%s': %s", path, strerror(errno));
    for (int i = 0; i < n; i++) {
        if (!error)
            error = find_entry(path, names[i]->d_name, ret, why);
        free(names[i]);
    }
    free(names);
    if (!error && !ret->n)
        error = fail(why, ENOENT, "no ClamAV database in '%s'", path);
    if (error)
        rulefiles_free(ret);
    return error;
}

char *databases_twin(const char *path)
{
    bool cvd = has_ending(path, ".cvd");
    char *twin = cvd || has_ending(path, ".cld") ? strdup(path) : NULL;
    if (twin)
        memcpy(twin + strlen(twin) - 3, cvd ? "cld" : "cvd", 3);
    return twin;
}

/* --- what is in them --- */

struct window {
    uint8_t *at;
    size_t len, room;
};

/* Appends what the file has next; *ret_n is 0 at its end. */
static int fill(struct window *window, int fd, size_t max, ssize_t *ret_n, struct why *why)
{
    if (window->len == window->room) {
        size_t room = window->room ? window->room * 2 : WINDOW;
        uint8_t *at = window->len < max ? realloc(window->at, room) : NULL;
        if (!at)
            return window->len < max ? fail(why, ENOMEM, "out of memory")
                                     : fail(why, EFBIG, "it is too large");
        window->at = at;
        window->room = room;
    }
    do
        *ret_n = read(fd, window->at + window->len, window->room - window->len);
    while (*ret_n < 0 && errno == EINTR);
    if (*ret_n < 0)
        return fail(why, errno, "cannot read it: %s", strerror(errno));
    window->len += (size_t)*ret_n;
    return 0;
}

static int read_whole(int fd, struct window *ret, struct why *why)
{
    ssize_t n = 1;
    int error = 0;
    while (!error && n)
        error = fill(ret, fd, WHOLE_MAX, &n, why);
    return error;
}

/* Only whole lines go on; the last one may lack its end. */
static int read_lines(struct clamav *clamav, int fd, struct window *window, struct why *why)
{
    ssize_t n = 1;
    int error = 0;
    while (!error && n) {
        error = fill(window, fd, LINE_MAX, &n, why);
        if (error)
            return error;
        const uint8_t *end = n ? memrchr(window->at, '\n', window->len) : NULL;
        size_t whole = end ? (size_t)(end - window->at) + 1 : n ? 0 : window->len;
        error = clamav_lines(clamav, (bytes){window->at, whole}, why);
        memmove(window->at, window->at + whole, window->len - whole);
        window->len -= whole;
    }
    return error;
}

/* ClamAV names YARA's rules so. */
static int rename_rules(const struct databases_target *to, uint32_t first)
{
    struct draft *draft = to->clamav->draft;
    for (uint32_t i = first; i < draft->rules.n; i++) {
        struct arena_mark mark = arena_mark(to->clamav->scratch);
        const char *name = (const char *)draft->texts.at + draft->rules.at[i].name;
        bytes plain = arena_printf(to->clamav->scratch, "YARA.%s", name);
        bytes full = plain.at ? clamav_label(to->clamav, plain) : plain;
        uint32_t text = full.at ? draft_text(draft, full) : DRAFT_FULL;
        arena_pop(to->clamav->scratch, mark);
        if (text == DRAFT_FULL)
            return -ENOMEM;
        draft->rules.at[i].name = text;
        draft->rules.at[i].flags |= RULE_SIGNATURE;
    }
    to->clamav->counts[CLAMAV_YARA].read += draft->rules.n - first;
    return 0;
}

static int read_rules(const struct databases_target *to, bytes name, bytes text,
                      struct why *why)
{
    const struct yara_source source = {.text = arena_copy(to->texts, text),
                                       .name = arena_copy(to->texts, name),
                                       .name_space = arena_copy(to->texts, name)};
    uint32_t errors, first = to->clamav->draft->rules.n;
    int error = source.text.at && source.name.at && source.name_space.at
                    ? yara_compile(to->yara, &source, &errors)
                    : -ENOMEM;
    if (!error)
        error = rename_rules(to, first);
    return error ? fail(why, -error, "it needs too much memory to compile") : 0;
}

int databases_read(const struct databases_target *to, int fd, bytes name, struct why *why)
{
    struct window window = {0};
    int error = clamav_begin(to->clamav, name, false, why);
    if (!error && clamav_kind_of(name) == CLAMAV_YARA) {
        error = read_whole(fd, &window, why);
        if (!error)
            error = read_rules(to, name, (bytes){window.at, window.len}, why);
    } else if (!error && to->clamav->kind != CLAMAV_OTHER) {
        error = read_lines(to->clamav, fd, &window, why);
    }
    free(window.at);
    return error;
}

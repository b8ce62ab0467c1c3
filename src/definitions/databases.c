#include "definitions/databases.h"

#include "clamav/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file is read through a window that ends with a whole line. */
#define WINDOW   ((size_t)4 << 20)
#define LINE_MAX ((size_t)256 << 20)
/* Of one file that is read as a whole. */
#define WHOLE_MAX       ((size_t)2 << 30)
#define CERTIFICATE_MAX ((size_t)1 << 20)

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

static bool is_cud(bytes name)
{
    return name.len > 4 && bytes_same(bytes_slice(name, name.len - 4, 4), bytes_of(".cud"));
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

bool databases_is_container(const char *path)
{
    return is_container(path);
}

bool databases_have_hashes(const char *path)
{
    return is_container(path) || clamav_is_hash(clamav_kind_of(bytes_of(path)));
}

/* `x.cld` of `x.cvd`, and the reverse. */
static int open_twin(const char *path)
{
    bool cvd = has_ending(path, ".cvd");
    char *twin = cvd || has_ending(path, ".cld") ? strdup(path) : NULL;
    if (!twin)
        return -1;
    memcpy(twin + strlen(twin) - 3, cvd ? "cld" : "cvd", 3);
    int fd = open(twin, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    free(twin);
    return fd;
}

/* `x-VERSION.cvd.sign` beside `x.cvd`. */
static int open_sign(const char *path, int self)
{
    uint8_t head[CONTAINER_HEADER];
    ssize_t n = is_container(path) ? pread(self, head, sizeof head, 0) : -1;
    uint32_t version = n > 0 ? container_version((bytes){head, (size_t)n}) : UINT32_MAX;
    char *sign;
    size_t stem = strlen(path) - 4;
    if (version == UINT32_MAX ||
        asprintf(&sign, "%.*s-%u%s.sign", (int)stem, path, version, path + stem) < 0)
        return -1;
    int fd = open(sign, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    free(sign);
    return fd;
}

int databases_open(const char *path, bool alone, struct database_files *ret, struct why *why)
{
    int self = open(path, O_RDONLY | O_CLOEXEC);
    if (self < 0)
        return fail(why, errno, "cannot open it: %s", strerror(errno));
    ret->fd[DATABASE_SELF] = self;
    ret->fd[DATABASE_TWIN] = alone ? -1 : open_twin(path);
    ret->fd[DATABASE_SIGN] = open_sign(path, self);
    return 0;
}

void databases_close(struct database_files *files)
{
    for (size_t i = 0; i < DATABASE_FILES; i++)
        if (files->fd[i] >= 0)
            close(files->fd[i]);
}

int databases_certificates(const char *path, bytes *ret, struct why *why)
{
    struct dirent **names;
    char *all = NULL, *full;
    size_t len = 0;
    int n = scandir(path, &names, NULL, order), error = 0;
    if (n < 0)
        return fail(why, errno, "cannot read '%s': %s", path, strerror(errno));
    FILE *to = open_memstream(&all, &len);
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;
        bytes text;
        if (to && !error && (has_ending(name, ".crt") || has_ending(name, ".pem")) &&
            asprintf(&full, "%s/%s", path, name) > 0) {
            error = rulefiles_read(full, CERTIFICATE_MAX, &text, why);
            free(full);
            if (!error) {
                fwrite(text.at, 1, text.len, to);
                fputc('\n', to);
                free((void *)(uintptr_t)text.at);
            }
        }
        free(names[i]);
    }
    free(names);
    if ((!to || fclose(to)) && !error)
        error = fail(why, ENOMEM, "out of memory");
    if (!error && !len)
        error = fail(why, ENOENT, "no certificate in '%s'", path);
    if (error)
        free(all);
    else
        *ret = (bytes){(uint8_t *)all, len};
    return error;
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

static enum history_source source_kind(enum clamav_kind kind)
{
    switch (kind) {
    case CLAMAV_HASH:
    case CLAMAV_SECTION:
    case CLAMAV_IMPORTS:
    case CLAMAV_BODY:
    case CLAMAV_LOGICAL:
        return HISTORY_GROWS;
    case CLAMAV_YARA:
        return HISTORY_FIXED;
    case CLAMAV_FILETYPE:
    case CLAMAV_PHISHING:
    case CLAMAV_ICON:
    case CLAMAV_CERTIFICATE:
        return HISTORY_ONCE;
    default:
        return HISTORY_ALWAYS;
    }
}

/* Whether it is remembered: not what is not read, and not twice what two parts read. */
static bool is_remembered(const struct databases_target *to, bytes name)
{
    enum clamav_kind kind = clamav_kind_of(name);
    enum clamav_part part = to->clamav->options.part;
    return to->history && kind != CLAMAV_OTHER && clamav_part_has(part, kind) &&
           (part != CLAMAV_HASHES || kind != CLAMAV_IGNORED);
}

/* A source begins. */
static int begin(const struct databases_target *to, bytes container, bytes name, bool official,
                 struct why *why)
{
    enum clamav_kind kind = clamav_kind_of(name);
    int error = clamav_begin(to->clamav, name, official, why);
    return error || !is_remembered(to, name)
               ? error
               : history_begin(to->history, container, name, official, source_kind(kind), why);
}

static int end(const struct databases_target *to, bytes name, struct why *why)
{
    return is_remembered(to, name) ? history_end(to->history, to->clamav->line, why) : 0;
}

static int take_lines(const struct databases_target *to, bytes name, bytes lines,
                      struct why *why)
{
    int error = is_remembered(to, name)
                    ? history_take(to->history, lines, &lines, &to->clamav->line, why)
                    : 0;
    if (!error && lines.len)
        error = clamav_lines(to->clamav, lines, why);
    bool needs_all = !error && to->clamav->has_macros && is_remembered(to, name);
    return needs_all ? history_need_all(to->history, why) : error;
}

/* Only whole lines go on; the last one may lack its end. */
static int read_lines(const struct databases_target *to, bytes name, int fd,
                      struct window *window, struct why *why)
{
    ssize_t n = 1;
    int error = 0;
    while (!error && n) {
        error = fill(window, fd, LINE_MAX, &n, why);
        if (error)
            return error;
        const uint8_t *end = n ? memrchr(window->at, '\n', window->len) : NULL;
        size_t whole = end ? (size_t)(end - window->at) + 1 : n ? 0 : window->len;
        error = take_lines(to, name, (bytes){window->at, whole}, why);
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
    uint32_t errors, first = to->clamav->draft->rules.n, line;
    int stale = to->history ? history_take(to->history, text, &text, &line, why) : 0;
    if (stale || !text.len)
        return stale;
    int error = source.text.at && source.name.at && source.name_space.at
                    ? yara_compile(to->yara, &source, &errors)
                    : -ENOMEM;
    if (!error)
        error = rename_rules(to, first);
    return error ? fail(why, -error, "it needs too much memory to compile") : 0;
}

/* --- containers --- */

/* Of two that are the same database, the newer one is read; a .cld of the same version before a
 * .cvd. */
static bool is_older(int twin, const struct container *container)
{
    uint8_t head[CONTAINER_HEADER];
    ssize_t n = twin < 0 ? 0 : read(twin, head, sizeof head);
    uint32_t other = n > 0 ? container_version((bytes){head, (size_t)n}) : UINT32_MAX;
    if (other == UINT32_MAX)
        return false;
    bool cvd =
        bytes_same(bytes_slice(container->name, container->name.len - 3, 3), bytes_of("cvd"));
    return cvd ? other >= container->facts.version : other > container->facts.version;
}

static int check_external(const struct databases_target *to, struct container *container,
                          bytes file, int fd, struct why *why)
{
    struct window sign = {0};
    int error = read_whole(fd, &sign, why);
    if (!error)
        container_check_external(container, file, (bytes){sign.at, sign.len}, to->certificates);
    free(sign.at);
    return error;
}

/* As ClamAV: a .cvd or .cld that is not signed is refused, a .cud is taken as it is. */
static int judge(const struct container *container, struct why *why)
{
    const struct container_facts *facts = &container->facts;
    if (facts->md5 == CONTAINER_WRONG)
        return fail(why, EBADMSG, "its content does not have the MD5 that it says");
    if (facts->external == CONTAINER_WRONG)
        return fail(why, EKEYREJECTED, "its .sign file does not sign it");
    if (!container_is_official(container) && !is_cud(container->name))
        return fail(why, EKEYREJECTED, "it is not signed by ClamAV");
    return 0;
}

/* A kind that is read as a whole, and is no rule. */
static bool is_catalogue(const struct databases_target *to, bytes name)
{
    return clamav_kind_of(name) == CLAMAV_CERTIFICATE && to->clamav->kind == CLAMAV_OTHER &&
           clamav_part_has(to->clamav->options.part, CLAMAV_CERTIFICATE);
}

static int read_catalogue(const struct databases_target *to, bytes name, bytes text,
                          struct why *why)
{
    uint32_t line;
    int error =
        is_remembered(to, name) ? history_take(to->history, text, &text, &line, why) : 0;
    if (!error && text.len && trust_file(to->clamav, text))
        error = fail(why, ENOMEM, "out of memory");
    return error;
}

static int read_members(const struct databases_target *to, struct container *container,
                        struct why *why)
{
    struct container_member member;
    bool official = container_is_official(container);
    int found;
    while ((found = container_next(container, &member, why)) > 0) {
        enum clamav_kind kind = clamav_kind_of(member.name);
        if (kind == CLAMAV_KINDS)
            continue;
        if (kind != CLAMAV_OTHER && !member.listed)
            return fail(why, EBADMSG, "'%.*s' in it is not what its list of files says",
                        (int)member.name.len, (const char *)member.name.at);
        if (!clamav_part_has(to->clamav->options.part, kind))
            continue;
        int error = begin(to, container->name, member.name, official, why);
        if (!error && kind == CLAMAV_YARA)
            error = read_rules(to, member.name, member.text, why);
        else if (!error && is_catalogue(to, member.name))
            error = read_catalogue(to, member.name, member.text, why);
        else if (!error && kind != CLAMAV_OTHER)
            error = take_lines(to, member.name, member.text, why);
        if (!error)
            error = end(to, member.name, why);
        if (error)
            return error;
    }
    return found;
}

static int read_container(const struct databases_target *to, const struct database_files *files,
                          bytes name, struct definitions_container *ret, struct why *why)
{
    struct container container;
    struct window window = {0};
    struct arena *arena = arena_new(WHOLE_MAX + WHOLE_MAX / 4);
    int error = arena ? read_whole(files->fd[DATABASE_SELF], &window, why)
                      : fail(why, ENOMEM, "out of memory");
    const bytes file = {window.at, window.len};
    if (!error)
        error = container_open(name, file, &container, why);
    if (!error && files->fd[DATABASE_SIGN] >= 0)
        error = check_external(to, &container, file, files->fd[DATABASE_SIGN], why);
    if (!error) {
        snprintf(ret->name, sizeof ret->name, "%.*s", (int)name.len, (const char *)name.at);
        ret->older = !to->inspect && is_older(files->fd[DATABASE_TWIN], &container);
        if (!ret->older)
            error = container_unpack(&container, arena, why);
        ret->facts = container.facts;
        ret->official = container_is_official(&container);
    }
    if (!error && !ret->older && !to->inspect)
        error = judge(&container, why);
    if (!error && !ret->older && !to->inspect)
        error = read_members(to, &container, why);
    arena_free(arena);
    free(window.at);
    return error;
}

int databases_read(const struct databases_target *to, const struct database_files *files,
                   bytes name, struct definitions_container *ret, struct why *why)
{
    struct window window = {0};
    int fd = files->fd[DATABASE_SELF];
    char *text = strndup((const char *)name.at, name.len);
    bool container = text && is_container(text);
    free(text);
    if (container)
        return read_container(to, files, name, ret, why);
    int error = begin(to, bytes_of(""), name, false, why);
    if (!error && clamav_kind_of(name) == CLAMAV_YARA) {
        error = read_whole(fd, &window, why);
        if (!error)
            error = read_rules(to, name, (bytes){window.at, window.len}, why);
    } else if (!error && is_catalogue(to, name)) {
        error = read_whole(fd, &window, why);
        if (!error)
            error = read_catalogue(to, name, (bytes){window.at, window.len}, why);
    } else if (!error && to->clamav->kind != CLAMAV_OTHER) {
        error = read_lines(to, name, fd, &window, why);
    }
    if (!error)
        error = end(to, name, why);
    free(window.at);
    return error;
}

#include "scan/examine.h"

#include "scan/filetype.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OWNERS = 8, OWNER_MAX = 64 };

/* The variables that are set for each file, as bits of `wanted`. */
enum {
    WANT_FILENAME = 1,
    WANT_FILEPATH = 2,
    WANT_EXTENSION = 4,
    WANT_FILETYPE = 8,
    WANT_OWNER = 16
};

struct owner {
    uid_t uid;
    bool known;
    char name[OWNER_MAX];
};

struct examiner {
    struct examine_options options;
    struct scanner *scanners[EXAMINE_MAX_SETS];
    uint32_t wanted[EXAMINE_MAX_SETS];
    struct content content;
    struct block block; /* the scanners look at these until the next file */
    struct object_input object;
    struct owner owners[OWNERS];
    unsigned next_owner;
    volatile bool stop;
    _Atomic int64_t started; /* of the file under examination, 0 between files */
    _Atomic bool ended;      /* the program was interrupted */
    char cwd[PATH_MAX];
    char path[2 * PATH_MAX];
    char extension[256];
};

const char *examine_verdict_word(enum examine_verdict verdict)
{
    static const char *const words[VERDICT_COUNT] = {"clean", "found", "partial", "error"};
    return words[verdict];
}

const char *examine_limit_text(enum limit limit)
{
    switch (limit) {
    case LIMIT_NONE:
        return "";
    case LIMIT_STEPS:
        return "it needs too much work";
    case LIMIT_MEMORY:
        return "it needs too much memory";
    case LIMIT_STOPPED:
        return "its time was up";
    case LIMIT_MATCHES:
        return "a pattern matched too often";
    case LIMIT_DATA:
        return "the data given to a module is not what it reads";
    case LIMIT_REGEX:
        return "a regular expression needed too much memory";
    }
    return "a limit was reached";
}

int64_t examiner_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint32_t wanted_of(const struct ruleset *set)
{
    static const char *const names[] = {"filename", "filepath", "extension", "filetype",
                                        "owner"};
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < set->external_count; i++)
        for (size_t k = 0; k < COUNT(names); k++)
            if (set->externals[i].type == TYPE_STRING &&
                strcmp(ruleset_text(set, set->externals[i].name), names[k]) == 0)
                wanted |= 1u << k;
    return wanted;
}

static struct value external_value(const struct external *external)
{
    switch (external->type) {
    case TYPE_FLOAT:
        return VALUE_FLOAT(external->real);
    case TYPE_STRING:
        return value_bytes(external->text);
    case TYPE_BOOL:
        return VALUE_BOOL(external->integer);
    default:
        return VALUE_INT(external->integer);
    }
}

struct examiner *examiner_new(const struct examine_options *options)
{
    struct examiner *examiner = calloc(1, sizeof *examiner);
    if (!examiner)
        return NULL;
    examiner->options = *options;
    const struct scanner_options scanner = {.stop = &examiner->stop};
    if (!getcwd(examiner->cwd, sizeof examiner->cwd))
        examiner->cwd[0] = 0;
    for (int i = 0; i < options->set_count; i++) {
        const struct ruleset *set = &options->sets[i].set;
        examiner->scanners[i] = scanner_new(set, &scanner);
        if (!examiner->scanners[i])
            return examiner_free(examiner);
        examiner->wanted[i] = wanted_of(set);
        for (uint32_t k = 0; k < options->external_count; k++)
            scanner_set(examiner->scanners[i], options->externals[k].name,
                        external_value(&options->externals[k]));
    }
    return examiner;
}

struct examiner *examiner_free(struct examiner *examiner)
{
    if (examiner) {
        for (int i = 0; i < examiner->options.set_count; i++)
            scanner_free(examiner->scanners[i]);
        content_free(&examiner->content);
        free(examiner);
    }
    return NULL;
}

void examiner_tick(struct examiner *examiner, int64_t now_ms, bool all)
{
    int64_t started = atomic_load_explicit(&examiner->started, memory_order_relaxed);
    if (all)
        atomic_store(&examiner->ended, true);
    if (all || (started && examiner->options.timeout_ms &&
                now_ms - started > examiner->options.timeout_ms))
        examiner->stop = true;
}

/* The user's name for a uid, looked up once in a while; the number where there is no name. */
static const char *owner_name(struct examiner *examiner, uid_t uid)
{
    for (unsigned i = 0; i < OWNERS; i++)
        if (examiner->owners[i].known && examiner->owners[i].uid == uid)
            return examiner->owners[i].name;
    struct owner *owner = &examiner->owners[examiner->next_owner++ % OWNERS];
    struct passwd entry, *found = NULL;
    char space[4096];
    owner->uid = uid;
    owner->known = true;
    if (getpwuid_r(uid, &entry, space, sizeof space, &found) == 0 && found)
        snprintf(owner->name, sizeof owner->name, "%s", found->pw_name);
    else
        snprintf(owner->name, sizeof owner->name, "%u", (unsigned)uid);
    return owner->name;
}

/* The absolute path, as the rules expect it. */
static bytes full_path(struct examiner *examiner, bytes path)
{
    const char *text = (const char *)path.at;
    if (path.len && path.at[0] == '/')
        return path;
    if (strncmp(text, "./", 2) == 0)
        text += 2;
    int n = snprintf(examiner->path, sizeof examiner->path, "%s/%s", examiner->cwd, text);
    return n < 0 || (size_t)n >= sizeof examiner->path
               ? path
               : (bytes){(const uint8_t *)examiner->path, (size_t)n};
}

/* ".exe" of "Setup.EXE"; "" where there is none. */
static bytes extension_of(struct examiner *examiner, bytes name)
{
    size_t dot = name.len;
    while (dot && name.at[dot - 1] != '.')
        dot--;
    if (dot < 2 || name.len - dot + 1 > sizeof examiner->extension)
        return bytes_of("");
    size_t len = name.len - dot + 1;
    for (size_t i = 0; i < len; i++)
        examiner->extension[i] = (char)ascii_lower(name.at[dot - 1 + i]);
    return (bytes){(const uint8_t *)examiner->extension, len};
}

static void set_text(struct scanner *scanner, const char *name, bytes text)
{
    scanner_set(scanner, bytes_of(name), value_bytes(text));
}

static void describe_file(struct examiner *examiner, int set, bytes path)
{
    struct scanner *scanner = examiner->scanners[set];
    uint32_t wanted = examiner->wanted[set];
    size_t slash = path.len;
    if (!wanted)
        return;
    while (slash && path.at[slash - 1] != '/')
        slash--;
    bytes name = bytes_slice(path, slash, path.len);
    if (wanted & WANT_FILENAME)
        set_text(scanner, "filename", name);
    if (wanted & WANT_FILEPATH)
        set_text(scanner, "filepath", full_path(examiner, path));
    if (wanted & WANT_EXTENSION)
        set_text(scanner, "extension", extension_of(examiner, name));
    if (wanted & WANT_FILETYPE)
        set_text(scanner, "filetype", bytes_of(filetype_name(examiner->content.data)));
    if (wanted & WANT_OWNER)
        set_text(scanner, "owner", bytes_of(owner_name(examiner, examiner->content.st.st_uid)));
}

static void say(struct examined *ret, const char *reason)
{
    if (!ret->reason[0])
        snprintf(ret->reason, sizeof ret->reason, "%s", reason);
}

static void run_scanners(struct examiner *examiner, struct examined *ret)
{
    examiner->block = (struct block){.data = examiner->content.data};
    examiner->object = (struct object_input){
        .blocks = &examiner->block, .block_count = 1, .now = examiner->options.now};
    for (int i = 0; i < examiner->options.set_count; i++) {
        describe_file(examiner, i, ret->path);
        ret->sets[i].set = &examiner->options.sets[i].set;
        ret->sets[i].scanner = examiner->scanners[i];
        ret->sets[i].verdict = (struct verdict){0};
        if (scanner_scan(examiner->scanners[i], &examiner->object, &ret->sets[i].verdict) < 0)
            say(ret, "memory was out");
        ret->finding_count += ret->sets[i].verdict.finding_count;
        if (ret->sets[i].verdict.limit == LIMIT_STOPPED && atomic_load(&examiner->ended))
            say(ret, "the scan was interrupted");
        else if (ret->sets[i].verdict.limit != LIMIT_NONE)
            say(ret, examine_limit_text(ret->sets[i].verdict.limit));
    }
    ret->set_count = examiner->options.set_count;
}

static void explain_error(struct examined *ret, int error, uint64_t max)
{
    ret->verdict = VERDICT_ERROR;
    ret->vanished = error == -ENOENT;
    ret->special = error == -EINVAL || error == -ENXIO || error == -ELOOP;
    if (error == -EFBIG) {
        ret->verdict = VERDICT_PARTIAL;
        snprintf(ret->reason, sizeof ret->reason, "it is larger than %llu bytes",
                 (unsigned long long)max);
    } else if (ret->vanished) {
        say(ret, "it vanished before it was examined");
    } else if (ret->special) {
        say(ret, "it is not a regular file");
    } else {
        snprintf(ret->reason, sizeof ret->reason, "it cannot be read: %s", strerror(-error));
    }
}

void examiner_file(struct examiner *examiner, const struct walk_file *file,
                   struct examined *ret)
{
    *ret = (struct examined){.path = file->path};
    content_release(&examiner->content);
    if (atomic_load(&examiner->ended)) {
        ret->verdict = VERDICT_ERROR;
        say(ret, "the scan was interrupted");
        return;
    }
    examiner->stop = false;
    if (examiner->options.timeout_ms)
        atomic_store_explicit(&examiner->started, examiner_clock(), memory_order_relaxed);
    const char *path = (const char *)file->path.at;
    int error = content_open(
        &examiner->content, file->directory ? file->directory->fd : AT_FDCWD,
        file->directory ? path + file->name : path, file->named, examiner->options.max_size);
    ret->size = error == -EFBIG || !error ? (uint64_t)examiner->content.st.st_size : 0;
    if (error) {
        explain_error(ret, error, examiner->options.max_size);
    } else {
        ret->data = examiner->content.data;
        if (ret->size < ret->data.len)
            ret->size = ret->data.len;
        run_scanners(examiner, ret);
        if (examiner->content.shrunk)
            say(ret, "it became shorter while it was read");
        ret->verdict = ret->finding_count ? VERDICT_FOUND
                       : ret->reason[0]   ? VERDICT_PARTIAL
                                          : VERDICT_CLEAN;
    }
    atomic_store_explicit(&examiner->started, 0, memory_order_relaxed);
}

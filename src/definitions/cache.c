#include "definitions/cache.h"

#include "definitions/databases.h"
#include "definitions/rulefiles.h"
#include "definitions/shelf.h"
#include "shim/crypto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    KEPT = 3, /* rulesets */
    KEPT_ADDED = 8,
    STAMPS = 64, /* of which most are of databases that are gone */
    SETTLED = 2, /* seconds */
    READ = 1 << 20,
    SOURCES_MAX = 16 << 20,
};

/* Endings of what lies in the directory. */
#define SET     ".cdr"
#define ADDED   ".added"
#define SOURCES ".sources"
#define STAMP   ".stamp"
#define CHECKED ".checked" /* guard.h */

/* The files of one compilation, in order. */
struct source {
    char *path;
    bool database; /* of ClamAV, else of rules */
    int fd;
    struct stat st;
};

struct list {
    struct source *at;
    uint32_t n, room;
};

/* --- what a compilation is made of --- */

static void close_list(struct list *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (list->at[i].fd >= 0)
            close(list->at[i].fd);
        free(list->at[i].path);
    }
    free(list->at);
}

/* Takes the paths over. */
static int add_files(struct list *list, struct rulefiles *files, bool database, struct why *why)
{
    struct source *at = realloc(list->at, (list->n + (size_t)files->n) * sizeof *at);
    if (!at && list->n + files->n)
        return fail(why, ENOMEM, "out of memory");
    list->at = at;
    for (uint32_t i = 0; i < files->n; i++) {
        struct source *source = &list->at[list->n];
        *source = (struct source){.path = files->at[i], .database = database};
        files->at[i] = NULL;
        list->n++;
        source->fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (source->fd < 0 || fstat(source->fd, &source->st) < 0 ||
            !S_ISREG(source->st.st_mode))
            return fail(why, EINVAL, "'%s' is no file that can be read", source->path);
    }
    return 0;
}

static int find_all(const struct cache_sources *sources, struct list *ret, struct why *why)
{
    int error = 0;
    for (uint32_t i = 0; !error && i < sources->clamav_count + sources->rule_count; i++) {
        bool database = i < sources->clamav_count;
        struct rulefiles files = {0};
        error = database
                    ? databases_find(sources->clamav[i], &files, why)
                    : rulefiles_find(sources->rules[i - sources->clamav_count], &files, why);
        if (!error)
            error = add_files(ret, &files, database, why);
        rulefiles_free(&files);
    }
    return error;
}

/* A digest that has taken what both keys depend on: the program that compiles, and how it was
 * told to. NULL when it cannot be said. */
static struct digest *begin_key(const struct definitions_options *options, const char *kind)
{
    struct digest *digest = shelf_key(kind);
    if (!digest)
        return NULL;
    shelf_key_number(digest, options->strict_4);
    shelf_key_number(digest, options->clamav.pua);
    shelf_key_number(digest, options->clamav.level);
    shelf_key_number(digest, options->external_count);
    for (uint32_t i = 0; i < options->external_count; i++) {
        const struct external *e = &options->externals[i];
        uint64_t real;
        memcpy(&real, &e->real, sizeof real);
        shelf_key_text(digest, e->name);
        shelf_key_number(digest, e->type);
        shelf_key_number(digest, (uint64_t)e->integer);
        shelf_key_number(digest, real);
        shelf_key_text(digest, e->text);
    }
    return digest;
}

static bool key_of_places(const struct definitions_options *options, const struct list *list,
                          char ret[SHELF_KEY_TEXT + 1])
{
    struct digest *digest = begin_key(options, "stamp");
    if (!digest)
        return false;
    for (uint32_t i = 0; i < list->n; i++) {
        shelf_key_number(digest, list->at[i].database);
        shelf_key_text(digest, bytes_of(list->at[i].path));
        shelf_key_stat(digest, &list->at[i].st);
    }
    return shelf_key_end(digest, ret);
}

/* `include "` in any form that the language has; what only looks like it counts too. */
static bool has_include(bytes text)
{
    for (size_t at = bytes_find(text, bytes_of("include"), 0); at != SIZE_MAX;
         at = bytes_find(text, bytes_of("include"), at + 1)) {
        bytes rest = bytes_slice(text, at + 7, 1);
        if (!rest.len || !ascii_alnum(rest.at[0]))
            return true;
    }
    return false;
}

static bool add_content(struct digest *digest, const struct source *source, uint8_t *room)
{
    uint64_t size = 0;
    ssize_t n = 1;
    const char *slash = strrchr(source->path, '/');
    shelf_key_number(digest, source->database);
    /* The name of a database without folders, the path of rules: as their namespaces are. */
    shelf_key_text(digest, bytes_of(source->database && slash ? slash + 1 : source->path));
    while (n > 0) {
        n = pread(source->fd, room, READ, (off_t)size);
        if (n > 0) {
            digest_add(digest, (bytes){room, (size_t)n});
            size += (size_t)n;
        }
    }
    shelf_key_number(digest, size);
    return n == 0;
}

/* False when a file cannot be read, or includes others. */
static bool key_of_contents(const struct definitions_options *options, const struct list *list,
                            char ret[SHELF_KEY_TEXT + 1])
{
    struct digest *digest = begin_key(options, "rules");
    uint8_t *room = malloc(READ);
    bool good = digest && room;
    for (uint32_t i = 0; good && i < list->n; i++) {
        bytes text;
        good = add_content(digest, &list->at[i], room);
        if (good && !list->at[i].database) {
            good = rulefiles_read(list->at[i].path, SIZE_MAX / 2, &text, NULL) == 0;
            if (good) {
                good = !has_include(text);
                free((void *)(uintptr_t)text.at);
            }
        }
    }
    free(room);
    if (good)
        return shelf_key_end(digest, ret);
    digest_free(digest);
    return false;
}

/* True when what was opened is still what lies there. */
static bool is_unchanged(const struct list *list)
{
    for (uint32_t i = 0; i < list->n; i++) {
        const struct stat *before = &list->at[i].st;
        struct stat st;
        if (stat(list->at[i].path, &st) < 0 || st.st_dev != before->st_dev ||
            st.st_ino != before->st_ino || st.st_size != before->st_size ||
            memcmp(&st.st_mtim, &before->st_mtim, sizeof st.st_mtim) != 0 ||
            memcmp(&st.st_ctim, &before->st_ctim, sizeof st.st_ctim) != 0)
            return false;
    }
    return true;
}

static bool is_settled(const struct list *list)
{
    time_t now = time(NULL);
    for (uint32_t i = 0; i < list->n; i++)
        if (list->at[i].st.st_ctim.tv_sec + SETTLED > now)
            return false;
    return true;
}

/* --- files in the directory --- */

/* The keys of a ruleset, and of what adds to it ("": nothing does). */
struct keys {
    char set[SHELF_KEY_TEXT + 1], added[SHELF_KEY_TEXT + 1];
};

static bool read_stamp(const struct shelf *place, const char *stamp, struct keys *ret)
{
    char name[SHELF_KEY_TEXT + 8], text[2 * SHELF_KEY_TEXT];
    snprintf(name, sizeof name, "%s.stamp", stamp);
    int fd = openat(place->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    for (ssize_t i = 0; i < n; i++)
        if (ascii_hex((uint8_t)text[i]) < 0)
            return false;
    if (n != SHELF_KEY_TEXT && n != 2 * SHELF_KEY_TEXT)
        return false;
    snprintf(ret->set, sizeof ret->set, "%.*s", SHELF_KEY_TEXT, text);
    snprintf(ret->added, sizeof ret->added, "%.*s", (int)n - SHELF_KEY_TEXT,
             text + SHELF_KEY_TEXT);
    return true;
}

static void write_stamp(const struct shelf *place, const char *stamp, const struct keys *keys)
{
    char text[2 * SHELF_KEY_TEXT + 1];
    int size = snprintf(text, sizeof text, "%s%s", keys->set, keys->added);
    char name[SHELF_KEY_TEXT + 8];
    snprintf(name, sizeof name, "%s.stamp", stamp);
    /* One that is cut short is none. */
    int fd =
        openat(place->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && write(fd, text, (size_t)size) != size)
        unlinkat(place->fd, name, 0);
    if (fd >= 0)
        close(fd);
}

/* Maps the ruleset, and marks it as used. What is damaged is removed. */
static bool find_kept(const struct shelf *place, const char *key, const char *ending,
                      struct definitions *ret)
{
    char path[PATH_MAX];
    if (!shelf_file(place, key, ending, path) || access(path, R_OK) < 0)
        return false;
    if (definitions_map_guarded(path, ret, NULL) < 0) {
        unlink(path);
        return false;
    }
    utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
    return true;
}

/* Both rulesets of a stamp, or none. */
static uint32_t find_both(const struct shelf *place, const struct keys *keys,
                          struct definitions ret[CACHE_SETS])
{
    if (!find_kept(place, keys->set, SET, &ret[0]))
        return 0;
    if (!keys->added[0])
        return 1;
    if (find_kept(place, keys->added, ADDED, &ret[1]))
        return 2;
    definitions_close(&ret[0]);
    return 0;
}

int cache_sum(bool clear, uint32_t *ret_count, uint64_t *ret_size, struct why *why)
{
    struct shelf place;
    const struct dirent *row;
    *ret_count = 0;
    *ret_size = 0;
    int error = shelf_open(false, &place, why);
    if (error)
        return error == -ENOENT ? 0 : error;
    if (clear) {
        shelf_sweep(&place, STAMP, 0);
        shelf_sweep(&place, CHECKED, 0);
        shelf_sweep(&place, SOURCES, 0);
        shelf_sweep(&place, ADDED, 0);
        shelf_sweep(&place, SET, 0);
    }
    DIR *directory = fdopendir(place.fd);
    while (directory && (row = readdir(directory))) {
        struct stat st;
        if ((shelf_has_ending(row->d_name, SET) || shelf_has_ending(row->d_name, ADDED)) &&
            fstatat(place.fd, row->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            ++*ret_count;
            *ret_size += (uint64_t)st.st_size;
        }
    }
    if (directory)
        closedir(directory);
    else
        close(place.fd);
    return 0;
}

/* --- compiling --- */

/* Compiles the sources. With `since`, what was added to the databases of that history: -ESTALE
 * when there is more to it. *ret_history is malloc'd, or empty. */
static int compile(const struct definitions_options *options,
                   const struct cache_sources *sources, const bytes *since, bytes *ret_history,
                   struct definitions *ret, struct cache_result *result, struct why *why)
{
    struct definitions_options now = *options;
    char folder[PATH_MAX], kept[PATH_MAX];
    now.remember = ret_history != NULL;
    now.since = since ? *since : (bytes){0};
    if (shelf_path(folder, sizeof folder, NULL) == 0 &&
        snprintf(kept, sizeof kept, "%s/", folder) < (int)sizeof kept)
        now.place = kept;
    struct definitions_loader *loader = definitions_loader_new(&now);
    int error = loader ? 0 : fail(why, ENOMEM, "out of memory");
    for (uint32_t i = 0; !error && !since && i < sources->rule_count; i++) {
        uint32_t before = result->files;
        error = definitions_add_path(loader, sources->rules[i], &result->files, &result->errors,
                                     why);
        if (!error && result->files == before)
            error = fail(why, ENOENT, "no .yar or .yara file in '%s'", sources->rules[i]);
    }
    for (uint32_t i = 0; !error && i < sources->clamav_count; i++)
        error = definitions_add_clamav(loader, sources->clamav[i], why);
    if (!error)
        error = definitions_seal(loader, ret, why);
    if (loader)
        result->clamav = *definitions_clamav(loader);
    if (!error && ret_history) {
        bytes history = definitions_history(loader);
        uint8_t *copy = history.len ? malloc(history.len) : NULL;
        if (copy)
            memcpy(copy, history.at, history.len);
        *ret_history = (bytes){copy, copy ? history.len : 0};
    }
    definitions_loader_free(loader);
    return error;
}

/* Writes it to the directory, and takes it from there from now on: pages of a file are shared
 * with whoever else uses it. */
static bool keep(const struct shelf *place, const char *key, const char *ending, uint32_t most,
                 struct definitions *definitions, struct why *note)
{
    struct definitions mapped;
    char path[PATH_MAX];
    shelf_sweep(place, ending, most - 1);
    shelf_sweep(place, STAMP, STAMPS - 1);
    if (!shelf_file(place, key, ending, path) ||
        definitions_save(definitions, path, note) < 0 ||
        definitions_map_guarded(path, &mapped, note) < 0)
        return false;
    definitions_close(definitions);
    *definitions = mapped;
    return true;
}

/* --- what was added --- */

/* A history for whoever adds to this ruleset. Without it, all is compiled then. */
static void write_sources(const struct shelf *place, const char *key, const char *setup,
                          bytes history)
{
    char name[SHELF_KEY_TEXT + 16];
    shelf_sweep(place, SOURCES, KEPT - 1);
    snprintf(name, sizeof name, "%s" SOURCES, key);
    int fd =
        openat(place->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (dprintf(fd, "%s\n", setup) != SHELF_KEY_TEXT + 1 ||
        write(fd, history.at, history.len) != (ssize_t)history.len)
        unlinkat(place->fd, name, 0);
    close(fd);
}

/* The history of a ruleset that depends on the same setup: malloc'd, .at NULL: there is none.
 */
static bytes read_sources(const struct shelf *place, const char *name, const char *setup)
{
    struct stat st;
    int fd = openat(place->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    uint8_t *text = NULL;
    size_t size = 0;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size > SHELF_KEY_TEXT + 1 && st.st_size <= SOURCES_MAX) {
        size = (size_t)st.st_size;
        text = malloc(size);
    }
    bool good = text && read(fd, text, size) == (ssize_t)size &&
                memcmp(text, setup, SHELF_KEY_TEXT) == 0 && text[SHELF_KEY_TEXT] == '\n';
    if (fd >= 0)
        close(fd);
    if (good) {
        size -= SHELF_KEY_TEXT + 1;
        memmove(text, text + SHELF_KEY_TEXT + 1, size);
        return (bytes){text, size};
    }
    free(text);
    return (bytes){0};
}

static bool key_of_addition(const char *set, bytes history, char ret[SHELF_KEY_TEXT + 1])
{
    struct digest *digest = digest_new(DIGEST_SHA256);
    if (!digest)
        return false;
    shelf_key_text(digest, bytes_of(set));
    shelf_key_text(digest, history);
    return shelf_key_end(digest, ret);
}

/* The ruleset of that key, and one of what was added to the databases of `since`. */
static int add_to(const struct definitions_options *options,
                  const struct cache_sources *sources, const struct shelf *place,
                  struct keys *keys, bytes since, struct definitions ret[CACHE_SETS],
                  struct cache_result *result)
{
    bytes history = {0};
    struct cache_result added = {.added = true, .sets = 1};
    if (!find_kept(place, keys->set, SET, &ret[0]))
        return -ENOENT;
    int error = compile(options, sources, &since, &history, &ret[1], &added, NULL);
    if (!error && added.clamav.failed) {
        error = -EINVAL;
        definitions_close(&ret[1]);
    }
    keys->added[0] = 0;
    if (error) {
        definitions_close(&ret[0]);
    } else if (!ret[1].set.rule_count && !ret[1].set.hash_count) {
        definitions_close(&ret[1]);
    } else {
        added.sets = 2;
        if (!key_of_addition(keys->set, history, keys->added))
            snprintf(added.note.text, sizeof added.note.text, "there is no key for it");
        else
            keep(place, keys->added, ADDED, KEPT_ADDED, &ret[1], &added.note);
    }
    free((void *)(uintptr_t)history.at);
    if (!error)
        *result = added;
    return error;
}

/* Adds to a ruleset that is kept, if one there is whose databases only grew. */
static bool add_to_kept(const struct definitions_options *options,
                        const struct cache_sources *sources, const struct shelf *place,
                        const char *setup, struct keys *keys,
                        struct definitions ret[CACHE_SETS], struct cache_result *result)
{
    const struct dirent *row;
    bool found = false;
    int fd = openat(place->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    while (!found && directory && (row = readdir(directory))) {
        if (!shelf_has_ending(row->d_name, SOURCES) ||
            strlen(row->d_name) != SHELF_KEY_TEXT + strlen(SOURCES))
            continue;
        bytes since = read_sources(place, row->d_name, setup);
        snprintf(keys->set, sizeof keys->set, "%.*s", SHELF_KEY_TEXT, row->d_name);
        found = since.len && !add_to(options, sources, place, keys, since, ret, result);
        free((void *)(uintptr_t)since.at);
    }
    if (directory)
        closedir(directory);
    return found;
}

/* What a ruleset depends on beside its databases. */
static bool key_of_setup(const struct definitions_options *options, const struct list *list,
                         char ret[SHELF_KEY_TEXT + 1])
{
    struct list rules = {0};
    rules.at = calloc(list->n + 1u, sizeof *rules.at);
    for (uint32_t i = 0; rules.at && i < list->n; i++)
        if (!list->at[i].database)
            rules.at[rules.n++] = list->at[i];
    bool good = rules.at && key_of_contents(options, &rules, ret);
    free(rules.at);
    return good;
}

/* --- the door --- */

static int compile_and_keep(const struct definitions_options *options,
                            const struct cache_sources *sources, const struct shelf *place,
                            const struct list *list, const char *setup, struct keys *keys,
                            struct definitions ret[CACHE_SETS], struct cache_result *result,
                            struct why *why)
{
    bytes history = {0};
    bool keyed = key_of_contents(options, list, keys->set);
    keys->added[0] = 0;
    result->sets = 1;
    if (keyed && find_kept(place, keys->set, SET, &ret[0])) {
        result->kept = true;
        return 0;
    }
    int error = compile(options, sources, NULL, setup ? &history : NULL, &ret[0], result, why);
    bool whole = keyed && !result->errors && !result->clamav.failed && is_unchanged(list);
    if (!error && whole && keep(place, keys->set, SET, KEPT, &ret[0], &result->note) &&
        history.len)
        write_sources(place, keys->set, setup, history);
    else if (!error && !whole)
        keys->set[0] = 0;
    free((void *)(uintptr_t)history.at);
    return error;
}

static int compile_or_add(const struct definitions_options *options,
                          const struct cache_sources *sources, const struct shelf *place,
                          const struct list *list, const char *stamp,
                          struct definitions ret[CACHE_SETS], struct cache_result *result,
                          struct why *why)
{
    struct keys keys = {0};
    char setup[SHELF_KEY_TEXT + 1];
    bool has_setup = sources->clamav_count && key_of_setup(options, list, setup);
    int error = 0;
    if (!has_setup || !add_to_kept(options, sources, place, setup, &keys, ret, result))
        error = compile_and_keep(options, sources, place, list, has_setup ? setup : NULL, &keys,
                                 ret, result, why);
    if (!error && keys.set[0] && is_settled(list) && is_unchanged(list) &&
        !result->note.text[0])
        write_stamp(place, stamp, &keys);
    return error;
}

int cache_compile(const struct definitions_options *options,
                  const struct cache_sources *sources, bool use,
                  struct definitions ret[CACHE_SETS], struct cache_result *ret_result,
                  struct why *why)
{
    struct shelf place = {.fd = -1};
    struct list list = {0};
    struct keys keys;
    char stamp[SHELF_KEY_TEXT + 1];
    int error = 0;
    *ret_result = (struct cache_result){.sets = 1};
    crypto_warm();
    /* What is wrong with a source is said by whoever compiles it. */
    if (!use || shelf_open(true, &place, &ret_result->note) < 0 ||
        find_all(sources, &list, NULL) < 0 || !key_of_places(options, &list, stamp)) {
        error = compile(options, sources, NULL, NULL, &ret[0], ret_result, why);
    } else if (read_stamp(&place, stamp, &keys) &&
               (ret_result->sets = find_both(&place, &keys, ret))) {
        ret_result->kept = true;
    } else {
        error = compile_or_add(options, sources, &place, &list, stamp, ret, ret_result, why);
    }
    close_list(&list);
    if (place.fd >= 0)
        close(place.fd);
    return error;
}

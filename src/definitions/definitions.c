#include "definitions/definitions.h"

#include "definitions/databases.h"
#include "definitions/forge.h"
#include "definitions/guard.h"
#include "definitions/rulefiles.h"
#include "rules/draft.h"
#include "rules/verify.h"
#include "yara/module.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What compiling may use: 20,000 rules need about 300 MB of address space. */
#define COMPILE_MEMORY ((size_t)4 << 30)
#define SOURCE_MAX     ((size_t)256 << 20)
/* A ruleset from which on two threads check it. */
#define LARGE_FILE ((size_t)16 << 20)
/* Bytes of databases from which on hash signatures are compiled by a process of their own. */
#define MANY_HASHES ((uint64_t)1 << 20)
/* Of texts that were added to databases: more is compiled as a whole. */
#define FRESH_MOST ((uint64_t)32 << 20)

struct definitions_loader {
    struct definitions_options options;
    struct arena *arena;
    struct draft *draft;
    struct yara_compiler *compiler;
    struct clamav *clamav; /* or NULL: no database yet */
    bool database;         /* one is at work: the compiler's errors are its refusals */
    struct definitions_clamav found;
    struct history *history; /* NULL: nobody asks */
    bytes sources;           /* of a sealed ruleset; malloc'd with walls, else in the arena */
    struct forge *forge; /* or NULL; started by the first text, which can say why it did not */
};

static bytes keep_text(struct definitions_loader *loader, bytes text)
{
    bytes kept = arena_copy(loader->arena, text);
    free((void *)(uintptr_t)text.at);
    return kept;
}

int definitions_included(bytes name, bytes from, char *path, bytes *ret, struct why *why)
{
    size_t folder = from.len;
    while (folder && from.at[folder - 1] != '/')
        folder--;
    if (name.len && name.at[0] == '/')
        folder = 0;
    if (name.len + folder >= PATH_MAX)
        return fail(why, ENAMETOOLONG, "the name of the included file is too long");
    snprintf(path, PATH_MAX, "%.*s%.*s", (int)folder, (const char *)from.at, (int)name.len,
             (const char *)name.at);
    int error = rulefiles_read(path, SOURCE_MAX, ret, why);
    if (error == -ENOENT && folder) {
        snprintf(path, PATH_MAX, "%.*s", (int)name.len, (const char *)name.at);
        error = rulefiles_read(path, SOURCE_MAX, ret, why);
    }
    return error;
}

static int include(void *context, bytes name, bytes from, struct yara_source *ret,
                   struct why *why)
{
    struct definitions_loader *loader = context;
    char path[PATH_MAX];
    bytes text;
    int error = definitions_included(name, from, path, &text, why);
    if (error)
        return error;
    ret->text = keep_text(loader, text);
    ret->name = arena_copy(loader->arena, bytes_of(path));
    return ret->text.at && ret->name.at ? 0 : fail(why, ENOMEM, "out of memory");
}

static void pass_message(void *context, const struct yara_message *message)
{
    struct definitions_loader *loader = context;
    if (!loader->database) {
        loader->options.message(loader->options.message_context, message);
    } else if (message->severity == YARA_ERROR) {
        loader->clamav->line = message->line;
        clamav_refuse(loader->clamav, CLAMAV_YARA, "%s", message->text);
    }
}

struct definitions_loader *definitions_loader_new(const struct definitions_options *options)
{
    struct definitions_loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return NULL;
    loader->options = *options;
    if (options->walls)
        return loader;
    loader->arena = arena_new(COMPILE_MEMORY);
    loader->draft = loader->arena ? draft_new(loader->arena) : NULL;
    if (!loader->draft)
        return definitions_loader_free(loader);
    loader->draft->fingerprint = module_fingerprint();
    if (options->remember)
        loader->history = history_new(loader->arena, options->since, FRESH_MOST);
    if (options->remember && !loader->history)
        return definitions_loader_free(loader);
    for (uint32_t i = 0; i < options->external_count; i++) {
        const struct external *e = &options->externals[i];
        draft_external(loader->draft, e->name, e->type, e->integer, e->real, e->text);
    }
    const struct yara_options yara = {
        .include = options->include ? options->include : include,
        .include_context = options->include ? options->include_context : loader,
        .message = pass_message,
        .message_context = loader,
        .strict_4 = options->strict_4,
        .no_warnings = options->no_warnings,
    };
    loader->compiler = yara_compiler_new(loader->draft, &yara);
    return loader->compiler ? loader : definitions_loader_free(loader);
}

struct definitions_loader *definitions_loader_free(struct definitions_loader *loader)
{
    if (loader) {
        if (loader->options.walls)
            free((void *)(uintptr_t)loader->sources.at);
        forge_free(loader->forge);
        clamav_free(loader->clamav);
        history_free(loader->history);
        arena_free(loader->arena);
        free(loader);
    }
    return NULL;
}

static int need_forge(struct definitions_loader *loader, struct why *why)
{
    return loader->forge ? 0 : forge_new(&loader->options, &loader->forge, why);
}

int definitions_add_text(struct definitions_loader *loader, bytes text, const char *name,
                         const char *name_space, uint32_t *ret_errors, struct why *why)
{
    uint32_t errors = 0;
    if (loader->options.walls) {
        int error = need_forge(loader, why);
        return error ? error
                     : forge_add(loader->forge, text, name, name_space, ret_errors, why);
    }
    const struct yara_source source = {
        .text = text,
        .name = arena_copy(loader->arena, bytes_of(name)),
        .name_space = bytes_of(name_space ? name_space : "default"),
    };
    int error = source.name.at ? yara_compile(loader->compiler, &source, &errors) : -ENOMEM;
    if (ret_errors)
        *ret_errors += errors;
    return error ? fail(why, -error, "'%s' needs too much memory to compile", name) : 0;
}

int definitions_add_file(struct definitions_loader *loader, const char *path,
                         const char *name_space, uint32_t *ret_errors, struct why *why)
{
    bytes text;
    int error = rulefiles_read(path, SOURCE_MAX, &text, why);
    if (error)
        return error;
    if (loader->options.walls) {
        error = definitions_add_text(loader, text, path, name_space, ret_errors, why);
        free((void *)(uintptr_t)text.at);
        return error;
    }
    text = keep_text(loader, text);
    if (!text.at)
        return fail(why, ENOMEM, "out of memory");
    return definitions_add_text(loader, text, path, name_space, ret_errors, why);
}

int definitions_add_path(struct definitions_loader *loader, const char *path,
                         uint32_t *ret_files, uint32_t *ret_errors, struct why *why)
{
    struct rulefiles files;
    int error = rulefiles_find(path, &files, why);
    for (uint32_t i = 0; !error && i < files.n; i++)
        error = definitions_add_file(loader, files.at[i], files.at[i], ret_errors, why);
    if (!error)
        *ret_files += files.n;
    rulefiles_free(&files);
    return error;
}

int definitions_add_database(struct definitions_loader *loader,
                             const struct database_files *files, bytes name, struct why *why)
{
    struct definitions_clamav *found = &loader->found;
    struct definitions_container container = {0};
    if (!loader->options.clamav.now)
        loader->options.clamav.now = time(NULL);
    if (!loader->clamav)
        loader->clamav = clamav_new(loader->draft, &loader->options.clamav);
    if (!loader->clamav)
        return fail(why, ENOMEM, "out of memory");
    const struct databases_target to = {.clamav = loader->clamav,
                                        .yara = loader->compiler,
                                        .texts = loader->arena,
                                        .certificates = loader->options.certificates,
                                        .history = loader->history,
                                        .inspect = loader->options.inspect};
    loader->database = true;
    int error = databases_read(&to, files, name, &container, why);
    loader->database = false;
    memcpy(found->counts, loader->clamav->counts, sizeof found->counts);
    memcpy(found->reasons, loader->clamav->reasons, sizeof found->reasons);
    found->reason_count = loader->clamav->reason_count;
    if (container.name[0] && found->container_count < DEFINITIONS_CONTAINERS)
        found->containers[found->container_count++] = container;
    return error;
}

void definitions_part(struct definitions_loader *loader, enum clamav_part part)
{
    loader->options.clamav.part = part;
    if (loader->clamav)
        loader->clamav->options.part = part;
}

void definitions_hashes(struct definitions_loader *loader,
                        bool (*table)(void *context, size_t *ret_size), void *context)
{
    loader->draft->table = table;
    loader->draft->table_context = context;
}

/* An error that leaves nothing to go on with. */
static bool is_end(int error)
{
    return error == -ENOMEM || error == -EFAULT || error == -ESTALE;
}

/* `alone`: it was named, and not found in a directory. */
static int add_database(struct definitions_loader *loader, const char *path, bool alone,
                        struct why *why)
{
    const char *slash = strrchr(path, '/');
    bytes name = bytes_of(slash ? slash + 1 : path);
    struct database_files database;
    int error = databases_open(path, alone, &database, why);
    if (error)
        return error;
    if (!loader->options.walls)
        error = definitions_add_database(loader, &database, name, why);
    else if (!(error = need_forge(loader, why)))
        error = forge_add_database(loader->forge, &database, path, &loader->found, why);
    databases_close(&database);
    return error;
}

/* A database could not be read. */
static void note_failure(void *context, const char *path, int error, struct why *reason)
{
    struct definitions_clamav *found = context;
    why_wrap(reason, error, path);
    if (found->failed < DEFINITIONS_FAILURES)
        found->failures[found->failed] = *reason;
    found->failed++;
}

/* Lets the second worker begin with all that it will read. What cannot be opened is missed in
 * its turn. */
static void hand_ahead(struct definitions_loader *loader, const struct rulefiles *files,
                       const char *path)
{
    bool goes_on = true;
    for (uint32_t i = 0; goes_on && i < files->n; i++) {
        struct database_files database;
        if (databases_open(files->at[i], strcmp(files->at[i], path) == 0, &database, NULL) < 0)
            return;
        goes_on = forge_ahead(loader->forge, &database, files->at[i]);
        databases_close(&database);
    }
}

/* Bytes in files that hold hash signatures. */
static uint64_t hash_bytes(const struct rulefiles *files)
{
    uint64_t sum = 0;
    struct stat st;
    for (uint32_t i = 0; i < files->n; i++)
        if (databases_have_hashes(files->at[i]) && stat(files->at[i], &st) == 0)
            sum += (uint64_t)st.st_size;
    return sum;
}

int definitions_add_clamav(struct definitions_loader *loader, const char *path, struct why *why)
{
    struct rulefiles files;
    int error = databases_find(path, &files, why);
    if (error)
        return error;
    if (loader->options.walls && hash_bytes(&files) >= MANY_HASHES &&
        !loader->options.inspect && !loader->options.since.len &&
        !(error = need_forge(loader, why)))
        error = forge_split(loader->forge, why);
    if (!error && loader->forge)
        hand_ahead(loader, &files, path);
    for (uint32_t i = 0; !is_end(error) && i < files.n; i++) {
        struct why reason = {0};
        error = add_database(loader, files.at[i], strcmp(files.at[i], path) == 0, &reason);
        loader->found.files++;
        if (!error)
            continue;
        note_failure(&loader->found, files.at[i], error, &reason);
        if (is_end(error) && why)
            *why = reason;
    }
    if (!is_end(error) && loader->forge)
        error = forge_settle(loader->forge, &loader->found, note_failure, &loader->found, why);
    rulefiles_free(&files);
    return is_end(error) ? error : 0;
}

const struct definitions_clamav *definitions_clamav(const struct definitions_loader *loader)
{
    return &loader->found;
}

/* The checksum of a large file, in a thread beside the rest of the checks. */
struct sum {
    bytes file;
    struct why why;
    int error;
};

static void *sum_up(void *from)
{
    struct sum *sum = from;
    sum->error = ruleset_undamaged(sum->file, &sum->why);
    return NULL;
}

/* Checking touches all pages once; scanning touches few again. Those that nobody needs are not
 * to count as memory of this process. */
static void forget_pages(const struct definitions *mapped)
{
    madvise(mapped->map, mapped->map_size, MADV_DONTNEED);
}

static int open_set(struct definitions *definitions, bytes file, struct why *why)
{
    struct sum sum = {.file = file};
    pthread_t thread;
    if (file.len < LARGE_FILE)
        return ruleset_open(file, module_fingerprint(), &definitions->set, why);
    int error = ruleset_read(file, module_fingerprint(), &definitions->set, why);
    if (error)
        return error;
    bool is_beside = pthread_create(&thread, NULL, sum_up, &sum) == 0;
    error = ruleset_verify(&definitions->set, why);
    if (is_beside)
        pthread_join(thread, NULL);
    else
        sum_up(&sum);
    if (sum.error && why)
        *why = sum.why;
    return sum.error ? sum.error : error;
}

/* Pages of its own for a ruleset. */
struct room {
    void *map;
    size_t size;
};

static void *room_of(void *context, size_t size)
{
    struct room *room = context;
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    room->map = map;
    room->size = size;
    return map;
}

static bool put_into(void *context, uint64_t at, bytes part)
{
    const int *into = context;
    while (part.len) {
        ssize_t n = pwrite(*into, part.at, part.len, (off_t)at);
        if (n < 0 && errno != EINTR)
            return false;
        size_t written = n > 0 ? (size_t)n : 0;
        part = bytes_slice(part, written, SIZE_MAX);
        at += written;
    }
    return true;
}

/* The table of hash signatures alone, where it will lie in the ruleset. */
static int seal_hashes(struct hashes_build *hashes, int into, struct arena *arena, bytes *ret,
                       struct why *why)
{
    int error = hashes ? hashes_seal(hashes, arena, ret, why) : 0;
    if (error || !ret->len)
        return error;
    return put_into(&into, RULESET_HASHES, *ret)
               ? 0
               : fail(why, EIO, "the hash signatures cannot be written");
}

/* Into the forge's file: *ret_size bytes. */
static int seal_into(struct definitions_loader *loader, struct arena *arena, size_t *ret_size,
                     struct why *why)
{
    int into = loader->options.into - 1;
    bytes made = {0};
    loader->draft->put = put_into;
    loader->draft->room_context = &into;
    int error = loader->options.clamav.part == CLAMAV_HASHES
                    ? seal_hashes(loader->draft->hashes, into, arena, &made, why)
                    : draft_seal(loader->draft, arena, &made, why);
    *ret_size = made.len;
    return error;
}

/* In this process. What nobody writes to any more is made read-only. */
static int seal_here(struct definitions_loader *loader, struct definitions *made, bytes *ret,
                     struct why *why)
{
    struct room room = {0};
    int error = loader->history ? history_finish(loader->history, &loader->sources, why) : 0;
    if (error)
        return error;
    struct arena *arena = arena_new(COMPILE_MEMORY);
    if (!arena)
        return fail(why, ENOMEM, "out of memory");
    if (loader->options.into) {
        error = seal_into(loader, arena, &made->map_size, why);
    } else {
        loader->draft->room = room_of;
        loader->draft->room_context = &room;
        error = draft_seal(loader->draft, arena, ret, why);
        made->map = room.map;
        made->map_size = room.size;
    }
    arena_free(arena);
    return error || !room.map || mprotect(room.map, room.size, PROT_READ) == 0
               ? error
               : fail(why, errno, "the rules cannot be protected: %s", strerror(errno));
}

int definitions_seal(struct definitions_loader *loader, struct definitions *ret,
                     struct why *why)
{
    struct definitions made = {0};
    bytes file = {0};
    int error;
    if (!loader->options.walls) {
        error = seal_here(loader, &made, &file, why);
    } else if (!(error = need_forge(loader, why)) &&
               !(error = forge_seal(loader->forge, &made.map, &made.map_size, &made.file,
                                    &loader->sources, why))) {
        file = (bytes){made.map, made.map_size};
    }
    /* What is written into a file is checked by whoever it is for. */
    if (!error && !loader->options.into)
        error = open_set(&made, file, why);
    if (error)
        definitions_close(&made);
    else
        *ret = made;
    return error;
}

bytes definitions_history(const struct definitions_loader *loader)
{
    return loader->sources;
}

/* The descriptor, or -E... */
static int open_file(const char *path, struct stat *ret, struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(why, errno, "cannot open '%s': %s", path, strerror(errno));
    if (fstat(fd, ret) == 0 && S_ISREG(ret->st_mode) && ret->st_size >= RULESET_HEADER_SIZE)
        return fd;
    close(fd);
    return fail(why, EBADMSG, "'%s' is not a compiled ruleset", path);
}

/* Maps it, and checks all of it. */
static int map_checked(const char *path, int fd, const struct stat *st, struct definitions *ret,
                       struct why *why)
{
    struct definitions made = {.map_size = (size_t)st->st_size};
    made.map = mmap(NULL, made.map_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (made.map == MAP_FAILED)
        return fail(why, errno, "cannot map '%s': %s", path, strerror(errno));
    int error = open_set(&made, (bytes){made.map, made.map_size}, why);
    if (error) {
        definitions_close(&made);
        return why_wrap(why, error, path);
    }
    *ret = made;
    return 0;
}

int definitions_map(const char *path, struct definitions *ret, struct why *why)
{
    struct stat st;
    int fd = open_file(path, &st, why);
    if (fd < 0)
        return fd;
    int error = map_checked(path, fd, &st, ret, why);
    close(fd);
    if (!error)
        forget_pages(ret);
    return error;
}

/* Maps what was checked before; -ENOENT when it was not. */
static int map_guarded(int fd, const struct stat *st, struct definitions *ret)
{
    struct definitions made = {.map_size = (size_t)st->st_size};
    int error = guard_map(fd, st, &made.map);
    if (error)
        return error;
    bytes file = {made.map, made.map_size};
    if (ruleset_trust(file, module_fingerprint(), &made.set, NULL) < 0) {
        definitions_close(&made);
        return -ENOENT;
    }
    guard_dense(made.map, made.set.literals);
    guard_dense(made.map, hashes_front(&made.set.hashes));
    *ret = made;
    return 0;
}

int definitions_map_guarded(const char *path, struct definitions *ret, struct why *why)
{
    struct stat st, after;
    int fd = open_file(path, &st, why), error = 0;
    if (fd < 0)
        return fd;
    if (map_guarded(fd, &st, ret) < 0) {
        error = map_checked(path, fd, &st, ret, why);
        /* What was changed meanwhile bears another time. */
        if (!error && fstat(fd, &after) == 0 &&
            memcmp(&st.st_ctim, &after.st_ctim, sizeof st.st_ctim) == 0)
            guard_record(&st, ret->set.file);
        if (!error)
            forget_pages(ret);
    }
    close(fd);
    return error;
}

int definitions_view(bytes file, struct definitions *ret, struct why *why)
{
    struct definitions made = {0};
    int error = open_set(&made, file, why);
    if (!error)
        *ret = made;
    return error;
}

void definitions_close(struct definitions *definitions)
{
    arena_free(definitions->arena);
    if (definitions->map && !guard_unmap(definitions->map))
        munmap(definitions->map, definitions->map_size);
    if (definitions->file)
        close(definitions->file - 1);
    *definitions = (struct definitions){0};
}

static int write_all(int fd, bytes view)
{
    for (size_t at = 0; at < view.len;) {
        ssize_t n = write(fd, view.at + at, view.len - at);
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Gives the file that the ruleset lies in already the name of that empty one; its descriptor,
 * or -1 where it has to be copied. */
static int name_file(const struct definitions *definitions, const char *name)
{
    char link[32], other[PATH_MAX];
    struct stat st;
    int fd = definitions->file ? fcntl(definitions->file - 1, F_DUPFD_CLOEXEC, 3) : -1;
    if (fd < 0)
        return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    /* One name each: who writes to one would write to the other. */
    if (snprintf(other, sizeof other, "%s~", name) < (int)sizeof other && fstat(fd, &st) == 0 &&
        st.st_nlink == 0 && linkat(AT_FDCWD, link, AT_FDCWD, other, AT_SYMLINK_FOLLOW) == 0) {
        if (rename(other, name) == 0)
            return fd;
        unlink(other);
    }
    close(fd);
    return -1;
}

int definitions_save(const struct definitions *definitions, const char *path, struct why *why)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.XXXXXX", path) >= (int)sizeof beside)
        return fail(why, ENAMETOOLONG, "'%s' is too long a name", path);
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return fail(why, errno, "cannot write beside '%s': %s", path, strerror(errno));
    mode_t mask = umask(0);
    umask(mask);
    int named = name_file(definitions, beside);
    int error = named < 0 ? write_all(fd, definitions->set.file) : 0;
    if (named >= 0) {
        close(fd);
        fd = named;
    }
    if (!error && (fchmod(fd, 0666 & ~mask) < 0 || fsync(fd) < 0))
        error = -errno;
    if (close(fd) < 0 && !error)
        error = -errno;
    if (!error && rename(beside, path) < 0)
        error = -errno;
    if (error) {
        unlink(beside);
        return fail(why, -error, "cannot write '%s': %s", path, strerror(-error));
    }
    return 0;
}

/* yara's idea of an integer: digits after at most one minus; of a float: the same with one dot
 * that is not the first. */
static enum value_type number_type(const char *text)
{
    int dots = 0, digits = 0;
    if (*text == '-')
        text++;
    if (*text == '.')
        return TYPE_STRING;
    for (; *text; text++) {
        if (*text == '.')
            dots++;
        else if (*text >= '0' && *text <= '9')
            digits++;
        else
            return TYPE_STRING;
    }
    return dots == 1 ? TYPE_FLOAT : dots == 0 && digits ? TYPE_INT : TYPE_STRING;
}

bool external_parse(const char *text, struct external *ret)
{
    const char *equal = strchr(text, '=');
    if (!equal)
        return false;
    const char *value = equal + 1;
    *ret = (struct external){.name = {(const uint8_t *)text, (size_t)(equal - text)},
                             .type = number_type(value)};
    if (ret->type == TYPE_FLOAT)
        ret->real = strtod(value, NULL);
    else if (ret->type == TYPE_INT)
        ret->integer = strtoll(value, NULL, 10);
    else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
        *ret =
            (struct external){.name = ret->name, .type = TYPE_BOOL, .integer = *value == 't'};
    else
        ret->text = bytes_of(value);
    return true;
}

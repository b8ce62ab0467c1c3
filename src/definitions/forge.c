#include "definitions/forge_state.h"

#include "sandbox/channel.h"
#include "sandbox/sandbox.h"
#include "shim/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

bool forge_send(int socket, struct letter *letter, const int *fds)
{
    int sent[FDS] = {0};
    size_t count = 0;
    letter->fds = 0;
    for (size_t i = 0; fds && i < FDS; i++)
        if (fds[i] >= 0) {
            letter->fds |= UINT32_C(1) << i;
            sent[count++] = fds[i];
        }
    return !channel_send(socket, letter, sizeof *letter, sent, count, 0);
}

bool forge_receive(int socket, struct letter *ret, int *fds)
{
    struct channel_fds come = {0};
    bool good = channel_take(socket, ret, sizeof *ret, fds ? &come : NULL);
    for (size_t i = 0, k = 0; fds && i < FDS; i++)
        fds[i] = good && ret->fds >> i & 1 && k < come.count ? come.at[k++] : -1;
    return good;
}

bool forge_pack(uint8_t *box, struct letter *letter, const bytes *parts, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > BOX - at)
            return false;
        if (parts[i].len)
            memcpy(box + at, parts[i].at, parts[i].len);
        letter->lengths[i] = parts[i].len;
        at += parts[i].len;
    }
    return true;
}

bool forge_unpack(const uint8_t *from, uint64_t max, const struct letter *letter,
                  bytes ret[PARTS])
{
    uint64_t at = 0;
    for (size_t i = 0; i < PARTS; i++) {
        if (letter->lengths[i] > max - at)
            return false;
        ret[i] = (bytes){from + at, letter->lengths[i]};
        at += letter->lengths[i];
    }
    return true;
}

/* --- in the worker --- */

/* Sends and waits for the answer; a parent that is gone needs no worker. */
static void talk(struct letter *letter)
{
    if (!forge_send(SANDBOX_FIRST, letter, NULL) || !forge_receive(SANDBOX_FIRST, letter, NULL))
        _exit(0);
}

static void say(void *context, const struct yara_message *message)
{
    struct forge *forge = context;
    struct letter letter = {
        .kind = LETTER_SAY,
        .numbers = {message->severity, message->line, message->column, message->length}};
    const bytes parts[PARTS] = {bytes_of(message->code), message->file, message->rule,
                                bytes_of(message->text),
                                bytes_slice(message->source_line, 0, SAY_MAX / 2)};
    if (forge_pack(forge->box, &letter, parts, PARTS))
        talk(&letter);
}

static int ask(void *context, bytes name, bytes from, struct yara_source *ret, struct why *why)
{
    struct forge *forge = context;
    struct letter letter = {.kind = LETTER_ASK};
    const bytes question[] = {name, from};
    bytes answer[PARTS];
    if (!forge_pack(forge->box, &letter, question, COUNT(question)))
        return fail(why, ENAMETOOLONG, "the name of the included file is too long");
    talk(&letter);
    if (!forge_unpack(forge->box, BOX, &letter, answer))
        return fail(why, EBADMSG, "the answer is malformed");
    if (letter.error)
        return fail(why, -letter.error, "%.*s", (int)answer[0].len, (const char *)answer[0].at);
    ret->text = arena_copy(forge->texts, answer[0]);
    ret->name = arena_copy(forge->texts, answer[1]);
    return ret->text.at && ret->name.at ? 0 : fail(why, ENOMEM, "out of memory");
}

static int add(struct forge *forge, const struct letter *letter, uint32_t *errors,
               struct why *why)
{
    bytes parts[PARTS];
    if (!forge_unpack(forge->box, BOX, letter, parts))
        return fail(why, EBADMSG, "the letter is malformed");
    bytes text = arena_copy(forge->texts, parts[0]), name = arena_copy(forge->texts, parts[1]),
          space = arena_copy(forge->texts, parts[2]);
    if (!text.at || !name.at || !space.at)
        return fail(why, ENOMEM, "out of memory");
    return definitions_add_text(forge->loader, text, (const char *)name.at,
                                (const char *)space.at, errors, why);
}

/* Reads the database; *ret becomes what has been counted so far. */
static int add_database(struct forge *forge, const struct letter *letter, const int *fds,
                        bytes *ret, struct why *why)
{
    bytes parts[PARTS];
    struct database_files files;
    memcpy(files.fd, fds, sizeof files.fd);
    if (!forge_unpack(forge->box, BOX, letter, parts) || fds[DATABASE_SELF] < 0)
        return fail(why, EBADMSG, "the letter is malformed");
    bytes name = arena_copy(forge->texts, parts[0]);
    definitions_part(forge->loader, (enum clamav_part)letter->numbers[0]);
    int error = name.at ? definitions_add_database(forge->loader, &files, name, why)
                        : fail(why, ENOMEM, "out of memory");
    *ret = (bytes){(const uint8_t *)definitions_clamav(forge->loader),
                   sizeof(struct definitions_clamav)};
    return error;
}

/* The table of hash signatures that another worker writes into the same file meanwhile. */
static bool need_table(void *context, size_t *ret_size)
{
    struct letter letter = {.kind = LETTER_NEED};
    (void)context;
    talk(&letter);
    *ret_size = letter.size;
    return true;
}

static int seal(struct forge *forge, const struct letter *letter, struct definitions *made,
                struct why *why)
{
    if (letter->numbers[0])
        definitions_hashes(forge->loader, need_table, forge);
    return definitions_seal(forge->loader, made, why);
}

static int work(void *context)
{
    struct forge *forge = context;
    struct definitions_options options = *forge->options;
    struct definitions made = {0};
    struct walls walls;
    struct letter letter;
    options.walls = false;
    options.clamav.part = forge->part;
    options.into = SANDBOX_FIRST + 1 + 1;
    options.message = say;
    options.include = ask;
    options.message_context = options.include_context = forge;
    crypto_warm();
    forge->texts = arena_new(TEXTS_MAX);
    forge->loader = forge->texts ? definitions_loader_new(&options) : NULL;
    if (!forge->loader || sandbox_seal(&profile_compiler, &walls, NULL))
        return 1;
    int fds[FDS];
    while (forge_receive(SANDBOX_FIRST, &letter, fds)) {
        struct letter done = {.kind = LETTER_DONE};
        struct why why = {0};
        bytes parts[2] = {{0}};
        if (letter.kind == LETTER_ADD)
            done.error = add(forge, &letter, &done.numbers[0], &why);
        else if (letter.kind == LETTER_DATABASE)
            done.error = add_database(forge, &letter, fds, &parts[1], &why);
        else if (letter.kind == LETTER_SEAL)
            done.error = seal(forge, &letter, &made, &why);
        else
            return 1;
        if (letter.kind == LETTER_SEAL && !done.error)
            parts[1] = definitions_history(forge->loader);
        done.size = made.map_size;
        parts[0] = done.error ? bytes_of(why.text) : (bytes){0};
        for (size_t i = 0; i < FDS; i++)
            if (fds[i] >= 0)
                close(fds[i]);
        if (!forge_pack(forge->box, &done, parts, COUNT(parts)) ||
            !forge_send(SANDBOX_FIRST, &done, NULL))
            return 1;
    }
    return 0;
}

/* --- in this process --- */

int forge_ended(struct forge *forge, struct why *why)
{
    struct sandbox_end end = {0};
    if (forge->child.pid)
        sandbox_end(&forge->child, &end);
    if (end.signal)
        return fail(why, EFAULT, "the compiler of the rules was stopped by %s",
                    strsignal(end.signal));
    return fail(why, EFAULT, "the compiler of the rules ended (%d)", end.status);
}

int forge_nonsense(struct forge *forge, struct why *why)
{
    if (forge->child.pid)
        sandbox_end(&forge->child, NULL);
    return fail(why, EFAULT, "the compiler of the rules answered nonsense");
}

/* A message is copied before it is looked at: the worker could change it. */
static bool pass_on(const struct forge *forge, const struct letter *letter)
{
    uint64_t size = 0, from = 0;
    for (size_t i = 0; i < PARTS; i++) {
        if (letter->lengths[i] > SAY_MAX - size)
            return false;
        size += letter->lengths[i];
    }
    uint8_t *copy = calloc(1, size + PARTS), *to = copy;
    bytes parts[PARTS] = {{0}};
    if (!copy)
        return false;
    for (size_t i = 0; i < PARTS; i++) {
        parts[i] = (bytes){to, letter->lengths[i]};
        memcpy(to, forge->box + from, parts[i].len);
        from += parts[i].len;
        to += parts[i].len + 1; /* and a NUL */
    }
    const struct yara_message message = {
        .severity = letter->numbers[0] == YARA_WARNING ? YARA_WARNING : YARA_ERROR,
        .code = (const char *)parts[0].at,
        .file = parts[1],
        .rule = parts[2],
        .text = (const char *)parts[3].at,
        .source_line = parts[4],
        .line = letter->numbers[1],
        .column = letter->numbers[2],
        .length = letter->numbers[3],
    };
    forge->options->message(forge->options->message_context, &message);
    free(copy);
    return true;
}

int forge_refusal(int error, bytes reason, struct why *why)
{
    char text[sizeof why->text];
    channel_text(text, sizeof text, reason);
    return fail(why, -error, "%s", text);
}

/* Reads an included file for the worker; false when its question is nonsense. */
static bool answer(struct forge *forge, struct letter *letter)
{
    char name[PATH_MAX], from[PATH_MAX], path[PATH_MAX];
    struct why why = {0};
    bytes parts[PARTS], text = {0};
    if (!forge_unpack(forge->box, BOX, letter, parts))
        return false;
    int n = snprintf(name, sizeof name, "%.*s", (int)(parts[0].len % PATH_MAX),
                     (const char *)parts[0].at);
    int f = snprintf(from, sizeof from, "%.*s", (int)(parts[1].len % PATH_MAX),
                     (const char *)parts[1].at);
    bytes wanted = {(const uint8_t *)name, (size_t)n}, by = {(const uint8_t *)from, (size_t)f};
    int error = parts[0].len >= PATH_MAX || parts[1].len >= PATH_MAX
                    ? fail(&why, ENAMETOOLONG, "the name of the included file is too long")
                    : definitions_included(wanted, by, path, &text, &why);
    *letter = (struct letter){.kind = LETTER_DONE};
    if (!error) {
        const bytes file[] = {text, bytes_of(path)};
        if (!forge_pack(forge->box, letter, file, COUNT(file)))
            error = fail(&why, EFBIG, "'%s' is too large", path);
        free((void *)(uintptr_t)text.at);
    }
    if (error) {
        bytes reason = bytes_of(why.text);
        forge_pack(forge->box, letter, &reason, 1);
        letter->lengths[1] = 0;
        letter->error = error;
    }
    return true;
}

static int end_seal(struct forge *forge, struct why *why);

/* Answers the worker that needs what the second one made. */
static int hand_table(struct forge *forge, struct letter *letter, struct why *why)
{
    struct forge *beside = forge->beside;
    if (!beside || beside->sealed)
        return forge_nonsense(forge, why);
    int error = end_seal(beside, why);
    if (error)
        return error;
    *letter = (struct letter){.kind = LETTER_DONE, .size = beside->sealed_size};
    return forge_send(forge->socket, letter, NULL) ? 0 : forge_ended(forge, why);
}

/* Serves the worker until it is done with a letter; *ret as for forge_call. */
static int serve(struct forge *forge, struct letter *letter, bytes ret[PARTS], struct why *why)
{
    for (int says = 0; says < SAYS_MAX; says++) {
        forge_wait(forge);
        if (!forge_receive(forge->socket, letter, NULL))
            return forge_ended(forge, why);
        if (letter->kind == LETTER_DONE) {
            if (letter->error > 0 || letter->error < -4095 ||
                !forge_unpack(forge->box, BOX, letter, ret))
                return forge_nonsense(forge, why);
            return letter->error ? forge_refusal(letter->error, ret[0], why) : 0;
        }
        if (letter->kind == LETTER_NEED) {
            int error = hand_table(forge, letter, why);
            if (error)
                return error;
            continue;
        }
        if (letter->kind == LETTER_SAY ? !pass_on(forge, letter)
                                       : letter->kind != LETTER_ASK || !answer(forge, letter))
            return forge_nonsense(forge, why);
        if (!forge_send(forge->socket, letter, NULL))
            return forge_ended(forge, why);
    }
    return forge_nonsense(forge, why);
}

int forge_call(struct forge *forge, struct letter *letter, const int *fds, bytes ret[PARTS],
               struct why *why)
{
    for (size_t i = 0; i < PARTS; i++)
        ret[i] = (bytes){0};
    if (!forge->child.pid || !forge_send(forge->socket, letter, fds))
        return forge_ended(forge, why);
    return serve(forge, letter, ret, why);
}

static int call(struct forge *forge, struct letter *letter, bytes *ret, struct why *why)
{
    bytes parts[PARTS];
    int error = forge_call(forge, letter, NULL, parts, why);
    *ret = parts[0];
    return error;
}

/* Where the ruleset will be kept, if there is room for the largest; -1. */
static int open_placed(const char *place)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(place, '/');
    int n = slash ? snprintf(folder, sizeof folder, "%.*s", (int)(slash - place + 1), place)
                  : snprintf(folder, sizeof folder, ".");
    struct statvfs room;
    if (n < 0 || n >= (int)sizeof folder)
        return -1;
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 && fstatvfs(fd, &room) == 0 &&
        (uint64_t)room.f_bavail * room.f_frsize >= SET_MAX &&
        ftruncate(fd, (off_t)SET_MAX) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* `first`: the worker whose ruleset this one's part goes into, or NULL. */
static int open_set(struct forge *forge, const struct forge *first, struct why *why)
{
    const char *place = forge->options->place;
    if (first) {
        forge->set = fcntl(first->set, F_DUPFD_CLOEXEC, 3);
        return forge->set >= 0
                   ? 0
                   : fail(why, errno, "cannot start a compiler: %s", strerror(errno));
    }
    forge->set = place ? open_placed(place) : -1;
    forge->is_placed = forge->set >= 0;
    if (!forge->is_placed)
        forge->set = memfd_create("candor-rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (forge->set < 0 || (!forge->is_placed && ftruncate(forge->set, (off_t)SET_MAX) < 0))
        return fail(why, errno, "cannot start a compiler: %s", strerror(errno));
    return 0;
}

int forge_start(const struct definitions_options *options, enum clamav_part part,
                const struct forge *first, struct forge **ret, struct why *why)
{
    struct forge *forge = calloc(1, sizeof *forge);
    int ends[2];
    if (!forge)
        return fail(why, ENOMEM, "out of memory");
    forge->options = options;
    forge->part = part;
    forge->end = &forge->all;
    void *box = mmap(NULL, BOX, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    forge->box = box == MAP_FAILED ? NULL : box;
    forge->socket = forge->set = -1;
    int error = forge->box ? open_set(forge, first, why)
                           : fail(why, errno, "cannot start a compiler: %s", strerror(errno));
    if (!error)
        error = channel_open(ends, why);
    if (error) {
        forge_free(forge);
        return error;
    }
    forge->socket = ends[0];
    const int keep[] = {ends[1], forge->set};
    error =
        sandbox_spawn(&profile_compiler, work, forge, keep, COUNT(keep), &forge->child, why);
    close(ends[1]);
    if (error)
        forge_free(forge);
    else
        *ret = forge;
    return error;
}

int forge_new(const struct definitions_options *options, struct forge **ret, struct why *why)
{
    return forge_start(options, CLAMAV_ALL, NULL, ret, why);
}

struct forge *forge_free(struct forge *forge)
{
    if (!forge)
        return NULL;
    if (forge->child.pid)
        sandbox_end(&forge->child, NULL);
    if (forge->socket >= 0)
        close(forge->socket);
    if (forge->set >= 0)
        close(forge->set);
    if (forge->box)
        munmap(forge->box, BOX);
    free((void *)(uintptr_t)forge->history.at);
    forge_free(forge->beside);
    forge_forget(forge);
    for (size_t i = 0; i < forge->name_count; i++)
        free(forge->names[i]);
    free(forge->names);
    free(forge);
    return NULL;
}

int forge_add(struct forge *forge, bytes text, const char *name, const char *name_space,
              uint32_t *ret_errors, struct why *why)
{
    struct letter letter = {.kind = LETTER_ADD};
    const bytes parts[] = {text, bytes_of(name), bytes_of(name_space ? name_space : "default")};
    bytes nothing;
    if (!forge_pack(forge->box, &letter, parts, COUNT(parts)))
        return fail(why, EFBIG, "'%s' is too large", name);
    int error = call(forge, &letter, &nothing, why);
    if (!error && ret_errors)
        *ret_errors += letter.numbers[0];
    return error;
}

static void tame_container(struct definitions_container *container)
{
    struct container_facts *facts = &container->facts;
    channel_tame(container->name, sizeof container->name);
    channel_tame(facts->time, sizeof facts->time);
    channel_tame(facts->builder, sizeof facts->builder);
    channel_tame(facts->signer, sizeof facts->signer);
}

bool forge_take_counts(bytes from, struct definitions_clamav *ret)
{
    struct definitions_clamav *taken = malloc(sizeof *taken);
    bool good = taken && from.len == sizeof *taken;
    if (good) {
        memcpy(taken, from.at, sizeof *taken);
        good = taken->reason_count <= CLAMAV_REASONS &&
               taken->container_count <= DEFINITIONS_CONTAINERS;
    }
    for (uint32_t i = 0; good && i < taken->reason_count; i++) {
        channel_tame(taken->reasons[i].text, sizeof taken->reasons[i].text);
        channel_tame(taken->reasons[i].file, sizeof taken->reasons[i].file);
        good = (uint32_t)taken->reasons[i].kind < CLAMAV_KINDS;
    }
    for (uint32_t i = 0; good && i < taken->container_count; i++)
        tame_container(&taken->containers[i]);
    if (good) {
        memcpy(ret->counts, taken->counts, sizeof ret->counts);
        memcpy(ret->reasons, taken->reasons, sizeof ret->reasons);
        ret->reason_count = taken->reason_count;
        memcpy(ret->containers, taken->containers, sizeof ret->containers);
        ret->container_count = taken->container_count;
    }
    free(taken);
    return good;
}

/* The kernel says busy as long as it holds pages for work of its own, which on a loaded machine
 * is longer than it waits by itself. */
static bool seal_file(int fd)
{
    const struct timespec pause = {.tv_nsec = SEAL_PAUSE_MS * 1000000L};
    for (int i = 0; i < SEAL_TRIES; i++) {
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ==
            0)
            return true;
        if (errno != EBUSY)
            return false;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* Appends the part of a history that a worker sent. */
static int add_history(bytes *history, bytes part, struct why *why)
{
    uint8_t *all = part.len ? realloc((void *)(uintptr_t)history->at, history->len + part.len)
                            : (uint8_t *)(uintptr_t)history->at;
    if (part.len && !all)
        return fail(why, ENOMEM, "out of memory");
    if (part.len)
        memcpy(all + history->len, part.at, part.len);
    *history = (bytes){all, history->len + part.len};
    return 0;
}

/* Has the worker seal what it was given. */
static int begin_seal(struct forge *forge, struct why *why)
{
    struct letter letter = {.kind = LETTER_SEAL, .numbers = {forge->beside != NULL}};
    return forge->child.pid && forge_send(forge->socket, &letter, NULL)
               ? 0
               : forge_ended(forge, why);
}

/* Waits until it has, and ends it: it has written sealed_size bytes, and does not any more. */
static int end_seal(struct forge *forge, struct why *why)
{
    struct letter letter;
    bytes parts[PARTS] = {{0}};
    int error = serve(forge, &letter, parts, why);
    if (error)
        return error;
    if (letter.size > SET_MAX - RULESET_HASHES || parts[1].len > HISTORY_MAX ||
        (forge->beside && !forge->beside->sealed))
        return forge_nonsense(forge, why);
    error = add_history(&forge->history, parts[1], why);
    if (error)
        return error;
    /* Once both are gone, and the file sealed or nobody else's, nobody can change what is
     * checked now. */
    sandbox_end(&forge->child, NULL);
    forge->child.pid = 0;
    if (forge->part != CLAMAV_HASHES && (ftruncate(forge->set, (off_t)letter.size) < 0 ||
                                         (!forge->is_placed && !seal_file(forge->set))))
        return fail(why, errno, "the rules cannot be sealed: %s", strerror(errno));
    forge->sealed = true;
    forge->sealed_size = letter.size;
    return 0;
}

/* Side by side; the first worker says when it needs what the second one made. */
static int seal_both(struct forge *forge, struct why *why)
{
    int error = forge->beside ? begin_seal(forge->beside, why) : 0;
    if (!error)
        error = begin_seal(forge, why);
    if (!error)
        error = end_seal(forge, why);
    if (!error && forge->beside)
        error = add_history(&forge->history, forge->beside->history, why);
    return error || forge->sealed_size ? error : forge_nonsense(forge, why);
}

int forge_seal(struct forge *forge, void **ret, size_t *ret_size, int *ret_file,
               bytes *ret_history, struct why *why)
{
    int error = seal_both(forge, why);
    if (error)
        return error;
    void *map = mmap(NULL, forge->sealed_size, PROT_READ, MAP_PRIVATE, forge->set, 0);
    if (map == MAP_FAILED)
        return fail(why, errno, "the rules need too much memory");
    *ret_file = 0;
    if (forge->is_placed) {
        *ret_file = forge->set + 1;
        forge->set = -1;
    }
    *ret_history = forge->history;
    forge->history = (bytes){0};
    *ret = map;
    *ret_size = forge->sealed_size;
    return 0;
}

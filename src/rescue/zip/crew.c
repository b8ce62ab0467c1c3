#include "rescue/zip/crew.h"

#include "sandbox/channel.h"
#include "shim/crypto.h"
#include "shim/deflate.h"
#include "shim/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CHUNK = 32, PLAIN_MOST = 64 << 20, DEFLATED = 8 };

#define MEMORY ((size_t)400 << 20)

struct working {
    const struct crew_job *job;
    struct crew_page *page;
    size_t number;
    struct arena *arena;
    struct archive archive;
    struct source source;
    struct zip_keys keys; /* of crew_password, crew_open */
    const struct password_set *set;
    unsigned len;
    struct why why;
};

/* --- in a sealed process: what is known --- */

static int member_of_plain(struct working *w, bytes plain, const struct archive_member **ret)
{
    uint32_t crc = stream_crc32(0, plain);
    for (uint32_t i = 0; i < w->archive.member.n; i++) {
        const struct archive_member *member = &w->archive.member.at[i];
        if (member->legacy && member->size == plain.len && member->crc == crc) {
            *ret = member;
            return 0;
        }
    }
    return fail(&w->why, ENOENT,
                "the archive has no member of the size and CRC-32 of that file");
}

/* The plain file as it stands in the archive: as it is, or packed in the way that gives the
 * size that the member has. */
static int packed_plain(struct working *w, const struct archive_member *member, bytes plain,
                        bytes *ret)
{
    uint64_t size = member->packed - ZIPCRYPTO_HEADER;
    if (!member->method) {
        *ret = plain;
        return 0;
    }
    if (member->method != DEFLATED)
        return fail(&w->why, ENOTSUP,
                    "the member is packed by method %u, which cannot be done "
                    "again here",
                    member->method);
    uint8_t *packed = arena_push_raw(w->arena, (size_t)size + 1);
    if (!packed)
        return fail(&w->why, ENOMEM, "no memory to pack the file");
    for (int memory = 8; memory <= 9; memory++)
        for (int level = DEFLATE_LEVELS; level >= 1; level--) {
            size_t len;
            if (deflate_raw(plain, level, memory, packed, (size_t)size + 1, &len) &&
                len == size) {
                *ret = (bytes){packed, len};
                return 0;
            }
        }
    return fail(
        &w->why, ENOTSUP,
        "none of the ways to pack that file gives the %llu bytes that are in the archive",
        (unsigned long long)size);
}

static int known_of_plain(struct working *w, const struct archive_member **member,
                          struct attack_known *known, size_t *n)
{
    bytes plain = {0}, packed = {0};
    const struct source source = source_of_file(w->job->plain, w->job->plain_size, (bytes){0});
    if (w->job->plain_size > PLAIN_MOST)
        return fail(&w->why, EFBIG, "the plain file is larger than 64 MiB: give a smaller one");
    int error = source_take(&source, 0, (size_t)source.size, w->arena, &plain, &w->why);
    if (!error && !*member)
        error = member_of_plain(w, plain, member);
    if (!error)
        error = packed_plain(w, *member, plain, &packed);
    if (error)
        return error;
    known[(*n)++] = (struct attack_known){ZIPCRYPTO_HEADER - 1, archive_check_byte(*member)};
    for (size_t i = 0;
         i < packed.len && *n < CREW_KNOWN && ZIPCRYPTO_HEADER + i < (*member)->packed; i++)
        known[(*n)++] = (struct attack_known){ZIPCRYPTO_HEADER + i, packed.at[i]};
    return 0;
}

/* Bytes that the user gives count before those that the name of the member tells. */
static int known_of_user(struct working *w, const struct archive_member *member,
                         struct attack_known *known, size_t *n)
{
    const struct crew_job *job = w->job;
    known[(*n)++] = (struct attack_known){ZIPCRYPTO_HEADER - 1, archive_check_byte(member)};
    for (size_t i = 0; i < job->known_count && *n < CREW_KNOWN; i++) {
        uint64_t at = job->known[i].at + ZIPCRYPTO_HEADER;
        if (at >= member->packed)
            return fail(&w->why, EINVAL, "the member has no byte %llu",
                        (unsigned long long)job->known[i].at);
        known[(*n)++] = (struct attack_known){at, job->known[i].plain};
    }
    return 0;
}

static int find_known(struct working *w, const struct archive_member **ret,
                      struct attack_known *known, size_t *n)
{
    const struct crew_job *job = w->job;
    const struct archive_member *member = NULL;
    int error = 0;
    *n = 0;
    if (!w->archive.legacy)
        return fail(
            &w->why, ENOENT,
            w->archive.other
                ? "its members are encrypted with AES or in another way, not the old one"
                : "nothing in the archive is encrypted");
    if (job->member.len) {
        member = archive_find(&w->archive, job->member);
        if (!member || !member->legacy)
            return fail(&w->why, ENOENT, "no member of that name is encrypted in the old way");
    }
    if (job->plain >= 0) {
        error = known_of_plain(w, &member, known, n);
    } else if (job->known_count) {
        if (!member)
            return fail(&w->why, EINVAL, "known bytes need the name of their member");
        error = known_of_user(w, member, known, n);
    } else {
        if (!member)
            member = archive_easiest(&w->archive);
        *n = member ? archive_known(member, known, CREW_KNOWN) : 0;
        if (*n < ATTACK_KNOWN)
            return fail(
                &w->why, ENODATA,
                "no member's beginning is known by its name: give a file that is in the "
                "archive, or 12 bytes of one");
    }
    *ret = member;
    return error;
}

/* The encrypted data up to the last known byte. */
static int take_encrypted(struct working *w, const struct archive_member *member,
                          const struct attack_known *known, size_t n, bytes *ret)
{
    uint64_t end = 0;
    for (size_t i = 0; i < n; i++)
        end = known[i].at >= end ? known[i].at + 1 : end;
    if (end > PLAIN_MOST)
        return fail(&w->why, EFBIG, "known bytes behind 64 MiB are of no use");
    return source_take(&w->source, member->data, (size_t)end, w->arena, ret, &w->why);
}

static void note_start(struct working *w, const struct archive_member *member, size_t known,
                       const struct attack *attack, int error)
{
    struct crew_page *page = w->page;
    page->members = w->archive.member.n;
    page->legacy = w->archive.legacy;
    page->other = w->archive.other;
    page->error = error;
    page->why = w->why;
    if (!error) {
        page->known = (uint32_t)known;
        page->row =
            (uint32_t)(attack->row -
                       (attack->row < ZIPCRYPTO_HEADER ? attack->row : ZIPCRYPTO_HEADER));
        page->values = attack->values;
        snprintf(page->name, sizeof page->name, "%.*s",
                 (int)(member->name.len < CREW_NAME - 1 ? member->name.len : CREW_NAME - 1),
                 (const char *)member->name.at);
    }
    page->ready = true;
}

static int begin(struct working *w, const struct archive_member **member,
                 struct attack_known *known, size_t *n, struct attack *attack)
{
    bytes encrypted = {0};
    w->source = source_of_file(SANDBOX_FIRST, w->job->archive_size, (bytes){0});
    int error = archive_read(&w->source, w->arena, &w->archive, &w->why);
    if (!error)
        error = find_known(w, member, known, n);
    if (!error)
        error = take_encrypted(w, *member, known, *n, &encrypted);
    if (!error)
        error = attack_begin(encrypted, known, *n, w->arena, attack, &w->why);
    return error;
}

/* Takes the next piece of work; false when there is none. */
static bool next_piece(struct crew_page *page, uint32_t step, uint32_t end, uint32_t *ret)
{
    *ret = __atomic_fetch_add(&page->next, step, __ATOMIC_RELAXED);
    return *ret < end && !page->stop;
}

static int attack(struct working *w)
{
    struct attack_known *known = PUSH_ARRAY(w->arena, struct attack_known, CREW_KNOWN + 1);
    const struct archive_member *member = NULL;
    struct attack a;
    size_t n = 0;
    int error = known ? begin(w, &member, known, &n, &a)
                      : fail(&w->why, ENOMEM, "no memory for the attack");
    if (!w->number)
        note_start(w, member, n, &a, error);
    if (error)
        return 1;
    for (uint32_t from; next_piece(w->page, CHUNK, a.values, &from);) {
        uint32_t to = a.values - from < CHUNK ? a.values : from + CHUNK;
        struct zip_keys keys;
        if (attack_run(&a, from, to, w->job->level, &w->page->stop, &keys)) {
            w->page->keys = keys;
            w->page->found = true;
            w->page->stop = true;
            return 0;
        }
        if (!w->page->stop)
            __atomic_fetch_add(&w->page->done, to - from, __ATOMIC_RELAXED);
    }
    return 0;
}

static int password(struct working *w)
{
    unsigned n = w->len <= 4 ? 1 : w->set->n;
    char found[PASSWORD_MOST + 1];
    w->page->values = n;
    w->page->ready = true;
    for (uint32_t from; next_piece(w->page, 1, n, &from);) {
        if (password_try(w->keys, w->set, w->len, from, from + 1, &w->page->stop, found)) {
            memcpy(w->page->password, found, sizeof found);
            w->page->found = true;
            w->page->stop = true;
        }
        __atomic_fetch_add(&w->page->done, 1, __ATOMIC_RELAXED);
    }
    return 0;
}

/* --- handing over --- */

enum { WORD_MORE = 1, WORD_STOP, WORD_END };

static bool say(int socket, char word)
{
    return !channel_send(socket, &word, 1, NULL, 0, 0);
}

static char listen_to(int socket)
{
    char word;
    return channel_take(socket, &word, 1, NULL) ? word : 0;
}

static int hand_over(struct working *w)
{
    if (!w->page->size)
        return 0;
    bool more = say(SANDBOX_FIRST, WORD_MORE) && listen_to(SANDBOX_FIRST) == WORD_MORE;
    w->page->size = 0;
    return more ? 0 : -ECANCELED;
}

static int give(void *context, bytes part)
{
    struct working *w = context;
    while (part.len) {
        size_t used = (size_t)w->page->size, room = CREW_WINDOW - used;
        size_t n = part.len < room ? part.len : room;
        memcpy(w->page->window + used, part.at, n);
        w->page->size = used + n;
        part = bytes_slice(part, n, SIZE_MAX);
        int error = used + n == CREW_WINDOW ? hand_over(w) : 0;
        if (error)
            return error;
    }
    return 0;
}

static int open_archive(struct working *w)
{
    w->source = source_of_file(SANDBOX_FIRST + 1, w->job->archive_size, (bytes){0});
    int error = archive_read(&w->source, w->arena, &w->archive, &w->why);
    if (!error)
        error = archive_open(&w->archive, &w->source, w->keys, w->arena, give, w,
                             &w->page->result, &w->why);
    if (!error)
        error = hand_over(w);
    w->page->error = error;
    w->page->why = w->why;
    return !say(SANDBOX_FIRST, WORD_END);
}

/* --- processes --- */

static bool seal(struct working *w)
{
    struct walls walls;
    crypto_warm();
    w->arena = arena_new(MEMORY);
    return w->arena && !sandbox_seal(&profile_worker, &walls, &w->why);
}

static int run_attack(void *context)
{
    struct working *w = context;
    /* The plain file follows the archive; the socket that the others have is not needed. */
    return seal(w) ? attack(w) : 1;
}

static int run_password(void *context)
{
    return seal(context) ? password(context) : 1;
}

static int run_open(void *context)
{
    return seal(context) ? open_archive(context) : 1;
}

static int crew_new(struct crew *ret, struct why *why)
{
    *ret = (struct crew){.n = 0};
    void *page = mmap(NULL, sizeof *ret->page, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return fail(why, errno, "no memory to share: %s", strerror(errno));
    ret->page = page;
    return 0;
}

int crew_attack(const struct crew_job *job, size_t processes, struct crew *ret, struct why *why)
{
    struct crew_job inside = *job;
    int keep[] = {job->archive, job->plain};
    int error = crew_new(ret, why);
    if (error)
        return error;
    inside.plain = job->plain >= 0 ? SANDBOX_FIRST + 1 : -1;
    ret->page->next = ret->page->done = job->from;
    for (size_t i = 0; i < processes && i < CREW_MOST && !error; i++) {
        struct working working = {.job = &inside, .page = ret->page, .number = i};
        error = sandbox_spawn(&profile_worker, run_attack, &working, keep,
                              job->plain >= 0 ? 2 : 1, &ret->child[i], why);
        ret->n += !error;
    }
    if (error)
        crew_end(ret);
    return error;
}

int crew_password(struct zip_keys keys, const struct password_set *set, unsigned len,
                  size_t processes, struct crew *ret, struct why *why)
{
    int error = crew_new(ret, why);
    for (size_t i = 0; i < processes && i < CREW_MOST && !error; i++) {
        struct working working = {
            .page = ret->page, .number = i, .keys = keys, .set = set, .len = len};
        error = sandbox_spawn(&profile_worker, run_password, &working, NULL, 0, &ret->child[i],
                              why);
        ret->n += !error;
    }
    if (error)
        crew_end(ret);
    return error;
}

bool crew_wait(struct crew *crew, int milliseconds)
{
    struct pollfd ends[CREW_MOST];
    size_t alive = 0;
    for (size_t i = 0; i < crew->n; i++)
        if (crew->child[i].pid)
            ends[alive++] = (struct pollfd){.fd = crew->child[i].pidfd, .events = POLLIN};
    if (alive)
        poll(ends, alive, milliseconds);
    alive = 0;
    for (size_t i = 0; i < crew->n; i++) {
        struct pollfd end = {.fd = crew->child[i].pidfd, .events = POLLIN};
        if (!crew->child[i].pid)
            continue;
        if (poll(&end, 1, 0) == 1)
            sandbox_end(&crew->child[i], NULL);
        else
            alive++;
    }
    return !alive;
}

static int take_over(struct crew *crew, int socket, int (*write)(void *context, bytes part),
                     void *context, struct why *why)
{
    for (;;) {
        char word = listen_to(socket);
        if (word == WORD_END)
            return 0;
        uint64_t size = crew->page->size;
        if (word != WORD_MORE || size > CREW_WINDOW)
            return fail(why, EPROTO, "what reads the archive ended before it was done");
        int error = write(context, (bytes){crew->page->window, (size_t)size});
        if (!say(socket, error ? WORD_STOP : WORD_MORE) || error)
            return error ? error : fail(why, EPIPE, "what reads the archive is gone");
    }
}

int crew_open(const struct crew_job *job, struct zip_keys keys,
              int (*write)(void *context, bytes part), void *context,
              struct archive_result *ret, struct why *why)
{
    struct crew crew;
    int ends[2], error = crew_new(&crew, why);
    if (error)
        return error;
    error = channel_open(ends, why);
    if (error) {
        crew_end(&crew);
        return error;
    }
    struct working working = {.job = job, .page = crew.page, .keys = keys};
    const int keep[] = {ends[1], job->archive};
    error = sandbox_spawn(&profile_worker, run_open, &working, keep, 2, &crew.child[0], why);
    crew.n = !error;
    close(ends[1]);
    if (!error)
        error = take_over(&crew, ends[0], write, context, why);
    if (!error && crew.page->error) {
        channel_tame(crew.page->why.text, sizeof crew.page->why.text);
        int code = crew.page->error;
        error = fail(why, code < 0 && code > -4096 ? -code : EIO, "%s", crew.page->why.text);
    }
    *ret = crew.page->result;
    close(ends[0]);
    crew_end(&crew);
    return error;
}

void crew_end(struct crew *crew)
{
    if (crew->page)
        crew->page->stop = true;
    for (size_t i = 0; i < crew->n; i++)
        if (crew->child[i].pid)
            sandbox_end(&crew->child[i], NULL);
    if (crew->page)
        munmap(crew->page, sizeof *crew->page);
    *crew = (struct crew){.n = 0};
}

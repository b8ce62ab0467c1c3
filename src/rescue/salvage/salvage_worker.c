#include "rescue/salvage/salvage_worker.h"

#include "sandbox/channel.h"
#include "sandbox/sandbox.h"
#include "shim/crypto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY ((size_t)192 << 20)
/* Address space for the largest scattered files of a disk. */
#define REGION ((size_t)4 << 30)
/* Enough for hours: what bounds a file is its size. */
#define STEPS_EACH  4096
#define STEPS_LEAST ((uint64_t)1 << 36)

enum {
    LETTER = 64 << 10, /* bytes of one message with its head */
    NAME = 4096,
    WORD = 32,
    SPANS_MOST = 1 << 22, /* of one part, and ranges of the map */
};

enum letter_kind {
    LETTER_BEGIN,  /* name, kind */
    LETTER_PUT,    /* bytes */
    LETTER_SPANS,  /* struct salvage_span of the part that ends next, or ranges of the map */
    LETTER_END,    /* note */
    LETTER_RESULT, /* struct result */
    LETTER_KINDS,
};

struct head {
    uint32_t kind, verdict;
    uint32_t first, second; /* lengths of what follows */
    uint64_t rows;
};

/* No pointers. */
struct result {
    int32_t error;
    bool regular, sure;
    uint64_t total, trailer, count;
    struct pattern pattern; /* but for its family */
    char family[WORD], kind[WORD];
    struct why why;
};

struct letter {
    struct head head;
    uint8_t data[LETTER - sizeof(struct head)];
};

/* --- in the worker --- */

struct giver {
    bytes file, name;
    struct salvage_beside beside;
    struct letter letter;
};

static bool post(struct giver *giver, size_t len)
{
    return !channel_send(SANDBOX_FIRST, &giver->letter, sizeof(struct head) + len, NULL, 0, 0);
}

static size_t cut(size_t len, size_t most)
{
    return len < most ? len : most;
}

static bool give_begin(void *to, bytes name, const char *kind)
{
    struct giver *giver = to;
    size_t first = cut(name.len, NAME), second = cut(strlen(kind), WORD - 1);
    giver->letter.head = (struct head){
        .kind = LETTER_BEGIN, .first = (uint32_t)first, .second = (uint32_t)second};
    if (first)
        memcpy(giver->letter.data, name.at, first);
    memcpy(giver->letter.data + first, kind, second);
    return post(giver, first + second);
}

static bool give_put(void *to, bytes data)
{
    struct giver *giver = to;
    while (data.len) {
        size_t n = cut(data.len, sizeof giver->letter.data);
        giver->letter.head = (struct head){.kind = LETTER_PUT, .first = (uint32_t)n};
        memcpy(giver->letter.data, data.at, n);
        if (!post(giver, n))
            return false;
        data = bytes_slice(data, n, SIZE_MAX);
    }
    return true;
}

static bool give_spans(struct giver *giver, const void *spans, size_t count)
{
    const size_t most = sizeof giver->letter.data / sizeof(struct salvage_span);
    const uint8_t *at = spans;
    for (size_t left = cut(count, SPANS_MOST), n; left; left -= n) {
        n = cut(left, most);
        size_t len = n * sizeof(struct salvage_span);
        giver->letter.head = (struct head){.kind = LETTER_SPANS, .first = (uint32_t)len};
        memcpy(giver->letter.data, at, len);
        if (!post(giver, len))
            return false;
        at += len;
    }
    return true;
}

static bool give_end(void *to, enum salvage_verdict verdict, uint64_t rows, const char *note,
                     const struct salvage_span *spans, size_t n)
{
    struct giver *giver = to;
    size_t len = cut(strlen(note), NAME);
    if (!give_spans(giver, spans, n))
        return false;
    giver->letter.head = (struct head){
        .kind = LETTER_END, .verdict = (uint32_t)verdict, .first = (uint32_t)len, .rows = rows};
    memcpy(giver->letter.data, note, len);
    return post(giver, len);
}

static bool give_result(struct giver *giver, const struct salvage *salvage, int error,
                        const struct why *why)
{
    const struct map *map = &salvage->map;
    struct result result = {.error = error,
                            .regular = map->regular,
                            .sure = map->sure,
                            .total = map->total,
                            .trailer = map->trailer,
                            .count = map->count,
                            .pattern = map->pattern,
                            .why = *why};
    _Static_assert(sizeof(struct map_range) == sizeof(struct salvage_span),
                   "ranges are sent as spans");
    result.pattern.family = NULL;
    if (map->pattern.family)
        snprintf(result.family, sizeof result.family, "%s", map->pattern.family);
    if (salvage->kind)
        snprintf(result.kind, sizeof result.kind, "%s", salvage->kind);
    if (!give_spans(giver, map->encrypted.at, map->encrypted.n))
        return false;
    giver->letter.head = (struct head){.kind = LETTER_RESULT, .first = sizeof result};
    memcpy(giver->letter.data, &result, sizeof result);
    return post(giver, sizeof result);
}

static int work(void *context)
{
    struct giver *giver = context;
    struct walls walls;
    struct why why = {""};
    size_t size = giver->file.len;
    struct window *window = malloc(sizeof *window);
    /* What is mapped before the walls stand does not count against their limit of memory. */
    struct region region = {.size = REGION};
    region.at = mmap(NULL, REGION, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    crypto_warm();
    if (!window || region.at == MAP_FAILED ||
        window_open(window, SANDBOX_FIRST + 1, size, REGION, &why) < 0 ||
        sandbox_seal(&profile_worker, &walls, &why) < 0)
        return 1;
    struct budget budget = {.steps = size > UINT64_MAX / 2 / STEPS_EACH
                                         ? UINT64_MAX / 2
                                         : STEPS_LEAST + size * STEPS_EACH};
    struct salvage salvage = {.file = {window->file.at, size},
                              .window = window,
                              .waits = giver->beside.waits,
                              .name = giver->name,
                              .arena = arena_new(MEMORY),
                              .budget = &budget,
                              .region = &region,
                              .sink = {giver, give_begin, give_put, give_end}};
    memcpy(salvage.map.hints, giver->beside.hints, sizeof salvage.map.hints);
    int error =
        salvage.arena ? salvage_run(&salvage, &why) : fail(&why, ENOMEM, "no memory for it");
    if (window->failed && !error)
        error = fail(&why, EIO, "some of the file could not be read, and was taken for zeros");
    return give_result(giver, &salvage, error, &why) ? 0 : 1;
}

/* --- in this process --- */

struct taker {
    const struct salvage_sink *sink;
    struct arena *arena;
    struct salvage_given given; /* spans so far */
    struct letter letter;
    char kind[WORD], note[NAME + 1];
    bool begun;
};

static bool take_spans(struct taker *taker, const struct head *head)
{
    size_t n = head->first / sizeof(struct salvage_span);
    if (head->first % sizeof(struct salvage_span) || taker->given.spans.n + n > SPANS_MOST)
        return false;
    struct salvage_span *at = vec_push_many(taker->arena, &taker->given.spans, n);
    if (at)
        memcpy(at, taker->letter.data, head->first);
    return at != NULL;
}

static bool take_end(struct taker *taker, const struct head *head)
{
    if (!taker->begun || head->verdict > SALVAGE_PARTIAL || head->first > NAME)
        return false;
    channel_text(taker->note, sizeof taker->note, (bytes){taker->letter.data, head->first});
    bool good =
        taker->sink->end(taker->sink->to, (enum salvage_verdict)head->verdict, head->rows,
                         taker->note, taker->given.spans.at, taker->given.spans.n);
    taker->given.spans.n = 0;
    taker->begun = false;
    return good;
}

static bool take_begin(struct taker *taker, const struct head *head)
{
    if (head->first > NAME || head->second >= WORD)
        return false;
    channel_text(taker->kind, sizeof taker->kind,
                 (bytes){taker->letter.data + head->first, head->second});
    taker->begun = true;
    taker->given.spans.n = 0;
    return taker->sink->begin(taker->sink->to, (bytes){taker->letter.data, head->first},
                              taker->kind);
}

static bool take_result(struct taker *taker, const struct head *head, struct salvage *ret,
                        struct result *result)
{
    if (head->first != sizeof *result)
        return false;
    memcpy(result, taker->letter.data, sizeof *result);
    char *words = arena_push(taker->arena, 2 * WORD);
    if (!words || result->error > 0 || result->error < -4095)
        return false;
    channel_text(words, WORD,
                 (bytes){(const uint8_t *)result->kind, strnlen(result->kind, WORD)});
    channel_text(words + WORD, WORD,
                 (bytes){(const uint8_t *)result->family, strnlen(result->family, WORD)});
    ret->kind = words[0] ? words : NULL;
    ret->map.regular = result->regular;
    ret->map.sure = result->sure;
    ret->map.total = result->total < ret->file.len ? result->total : ret->file.len;
    ret->map.trailer = result->trailer;
    ret->map.count = result->count;
    ret->map.pattern = result->pattern;
    ret->map.pattern.family = words[WORD] ? words + WORD : NULL;
    ret->map.encrypted.at = (struct map_range *)(void *)taker->given.spans.at;
    ret->map.encrypted.n = taker->given.spans.n;
    return true;
}

/* One message. False: it makes no sense, or the sink has had enough. */
static bool take_letter(struct taker *taker, size_t len, struct salvage *ret,
                        struct result *result)
{
    const struct head head = taker->letter.head;
    if (len < sizeof head || head.first > sizeof taker->letter.data ||
        head.second > sizeof taker->letter.data ||
        (size_t)head.first + head.second != len - sizeof head)
        return false;
    switch (head.kind) {
    case LETTER_BEGIN:
        return take_begin(taker, &head);
    case LETTER_PUT:
        return taker->begun &&
               taker->sink->put(taker->sink->to, (bytes){taker->letter.data, head.first});
    case LETTER_SPANS:
        return take_spans(taker, &head);
    case LETTER_END:
        return take_end(taker, &head);
    case LETTER_RESULT:
        return take_result(taker, &head, ret, result);
    default:
        return false;
    }
}

static int ended(struct sandbox_child *child, struct why *why)
{
    struct sandbox_end end = {0};
    sandbox_end(child, &end);
    return end.signal
               ? fail(why, EFAULT, "what read it was stopped by %s", strsignal(end.signal))
               : fail(why, EFAULT, "what read it ended (%d)", end.status);
}

static int listen_to(struct taker *taker, int socket, struct sandbox_child *child,
                     struct salvage *ret, struct why *why)
{
    struct result result;
    do {
        ssize_t n = channel_receive(socket, &taker->letter, sizeof taker->letter, NULL, 0);
        if (n <= 0)
            return ended(child, why);
        if (!take_letter(taker, (size_t)n, ret, &result)) {
            sandbox_end(child, NULL);
            return fail(why, EFAULT, "what reads it said what makes no sense");
        }
    } while (taker->letter.head.kind != LETTER_RESULT);
    sandbox_end(child, NULL);
    if (result.error && why)
        channel_text(why->text, sizeof why->text,
                     (bytes){(const uint8_t *)result.why.text,
                             strnlen(result.why.text, sizeof result.why.text)});
    return result.error;
}

int salvage_worker_run(int fd, uint64_t size, bytes name, const struct salvage_beside *beside,
                       const struct salvage_sink *sink, struct arena *arena,
                       struct salvage *ret, struct why *why)
{
    struct giver *giver = calloc(1, sizeof *giver);
    struct taker *taker = calloc(1, sizeof *taker);
    struct sandbox_child child = {0};
    int ends[2] = {-1, -1};
    int error = giver && taker ? 0 : fail(why, ENOMEM, "out of memory");
    *ret = (struct salvage){.file = {NULL, (size_t)size}, .map.file = {NULL, (size_t)size}};
    if (!error)
        error = channel_open(ends, why);
    if (!error) {
        const int keep[] = {ends[1], fd};
        giver->file = (bytes){NULL, (size_t)size};
        giver->name = name;
        giver->beside = *beside;
        error = sandbox_spawn(&profile_worker, work, giver, keep, COUNT(keep), &child, why);
    }
    if (ends[1] >= 0)
        close(ends[1]);
    if (!error) {
        *taker = (struct taker){.sink = sink, .arena = arena};
        error = listen_to(taker, ends[0], &child, ret, why);
    }
    if (ends[0] >= 0)
        close(ends[0]);
    free(giver);
    free(taker);
    return error;
}

#include "rescue/pair/serve.h"

#include "rescue/pair/guess.h"
#include "sandbox/channel.h"
#include "shim/crypto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ASK_FILE = 1,
    ASK_LOOK, /* only the outcome */
    ASK_PROOF,
    SAY_SUMMARY,
    SAY_DATA, /* `size` bytes are in the window: an ASK_MORE goes on */
    SAY_END,
    ASK_MORE,
    ASK_STOP,
    NAME = 256,
};

#define LEARN_STEPS  ((uint64_t)1 << 37)
#define PROOF_STEPS  ((uint64_t)1 << 36)
#define FILE_MEMORY  ((size_t)96 << 20)
#define PROOF_MEMORY ((size_t)96 << 20)

struct message {
    uint32_t what;
    int32_t error;
    uint64_t size;
    struct why why;

    union {
        struct pair_summary summary;
        struct pair_outcome outcome;
        struct pair_judgement judgement;

        struct {
            uint32_t len;
            uint8_t at[NAME];
        } name;
    };
};

static int gone(struct why *why)
{
    return fail(why, EPIPE, "the process that reads encrypted files is gone");
}

static int tell(int socket, const struct message *message, int fd, struct why *why)
{
    int error = channel_send(socket, message, sizeof *message, &fd, fd >= 0, 0);
    return error ? gone(why) : 0;
}

/* file: what came with it; NULL: none is taken. */
static int hear(int socket, struct message *ret, struct channel_fds *file, struct why *why)
{
    return channel_take(socket, ret, sizeof *ret, file) ? 0 : gone(why);
}

/* --- in the sealed process --- */

struct serving {
    const struct pair_files *files;
    size_t count;
    uint8_t *window;
    size_t filled;
    struct pair_scheme scheme;
    struct arena *arena, *file;
    struct message message;
    struct why why;
};

static int hand_over(struct serving *s)
{
    s->message = (struct message){.what = SAY_DATA, .size = s->filled};
    int error = tell(SANDBOX_FIRST, &s->message, -1, &s->why);
    if (!error)
        error = hear(SANDBOX_FIRST, &s->message, NULL, &s->why);
    s->filled = 0;
    return error ? error : s->message.what == ASK_MORE ? 0 : -ECANCELED;
}

static int give(void *context, bytes part)
{
    struct serving *s = context;
    while (part.len) {
        size_t room = PAIR_SERVE_WINDOW - s->filled, n = part.len < room ? part.len : room;
        memcpy(s->window + s->filled, part.at, n);
        s->filled += n;
        part = bytes_slice(part, n, SIZE_MAX);
        int error = s->filled == PAIR_SERVE_WINDOW ? hand_over(s) : 0;
        if (error)
            return error;
    }
    return 0;
}

static int serve_file(struct serving *s, int fd, uint64_t size, bool look,
                      struct pair_outcome *ret)
{
    const struct source source = source_of_file(fd, size, (bytes){0});
    struct recipe recipe = {0};
    int error = pair_recipe(&s->scheme, &source, s->file, &recipe, &s->why);
    if (error)
        return error;
    *ret = (struct pair_outcome){recipe.size, recipe.lost, recipe.guess};
    if (look)
        return 0;
    s->filled = 0;
    error = recipe_apply(&recipe, &source, 0, give, s, &s->why);
    if (!error && s->filled)
        error = hand_over(s);
    return error;
}

static int serve_proof(struct serving *s, int fd, uint64_t size, bytes name,
                       struct pair_judgement *ret)
{
    const struct source source = source_of_file(fd, size, name);
    struct budget budget = {.steps = PROOF_STEPS};
    struct proof_result result = {.proof = PROOF_UNKNOWN};
    int error = proof_check(&source, s->file, &budget, &result, &s->why);
    if (error)
        return error;
    ret->proof = result.proof;
    ret->good = result.good;
    ret->reason = result.reason;
    snprintf(ret->kind, sizeof ret->kind, "%s", result.kind ? result.kind : "");
    return 0;
}

static bool serve_one(struct serving *s)
{
    struct message ask, answer = {.what = SAY_END};
    struct channel_fds file;
    if (hear(SANDBOX_FIRST, &ask, &file, &s->why))
        return false;
    int fd = file.count == 1 ? file.at[0] : -1;
    arena_reset(s->file);
    s->why.text[0] = 0;
    if (fd < 0)
        answer.error = -EBADF;
    else if (ask.what == ASK_PROOF)
        answer.error = serve_proof(
            s, fd, ask.size, (bytes){ask.name.at, ask.name.len < NAME ? ask.name.len : NAME},
            &answer.judgement);
    else
        answer.error = serve_file(s, fd, ask.size, ask.what == ASK_LOOK, &answer.outcome);
    answer.why = s->why;
    for (size_t i = 0; i < file.count; i++)
        close(file.at[i]);
    return tell(SANDBOX_FIRST, &answer, -1, &s->why) == 0;
}

static int learn_alone(struct serving *s)
{
    struct source files[PAIR_SERVE_PAIRS];
    struct budget budget = {.steps = LEARN_STEPS};
    for (size_t i = 0; i < s->count; i++)
        files[i] = source_of_file(SANDBOX_FIRST + 1 + (int)i, s->files[i].encrypted_size,
                                  s->files[i].name);
    return guess_learn(files, s->count, s->arena, &budget, &s->scheme, &s->why);
}

static int learn(struct serving *s, struct pair_summary *ret)
{
    struct pair pairs[PAIR_SERVE_PAIRS];
    struct budget budget = {.steps = LEARN_STEPS};
    bool alone = s->count && s->files[0].plain < 0;
    for (size_t i = 0; i < s->count && !alone; i++) {
        int fd = SANDBOX_FIRST + 1 + 2 * (int)i;
        pairs[i].plain = source_of_file(fd, s->files[i].plain_size, (bytes){0});
        pairs[i].encrypted = source_of_file(fd + 1, s->files[i].encrypted_size, (bytes){0});
    }
    int error = alone ? learn_alone(s)
                      : pair_learn(pairs, s->count, s->arena, &budget, &s->scheme, &s->why);
    if (error)
        return error;
    uint64_t length = pair_length(&s->scheme);
    if (s->scheme.key.len < length &&
        (s->scheme.method == PAIR_XOR || s->scheme.method == PAIR_ADD)) {
        /* Longer than pair_learn holds: here there is room for more, the rest is lost. */
        size_t held = length < (uint64_t)512 << 20 ? (size_t)length : (size_t)512 << 20;
        uint8_t *key = arena_push_raw(s->arena, held);
        for (size_t at = 0; key && at < held && !error; at += PAIR_SERVE_WINDOW)
            error = pair_fill(&s->scheme, pairs, at, key + at,
                              held - at < PAIR_SERVE_WINDOW ? held - at : PAIR_SERVE_WINDOW,
                              &s->why);
        if (key && !error)
            pair_cut(&s->scheme, (bytes){key, held});
    }
    bytes words = pair_words(&s->scheme, s->arena);
    *ret = (struct pair_summary){.method = s->scheme.method,
                                 .block = s->scheme.block,
                                 .pairs = s->scheme.pairs,
                                 .given = alone ? 0 : (uint32_t)s->count,
                                 .period = s->scheme.period,
                                 .prefix = s->scheme.prefix,
                                 .suffix = s->scheme.suffix,
                                 .known = pair_length(&s->scheme),
                                 .agreed = s->scheme.agreed,
                                 .against = s->scheme.against,
                                 .shared = s->scheme.shared};
    snprintf(ret->words, sizeof ret->words, "%.*s", (int)words.len,
             words.at ? (const char *)words.at : "");
    return error;
}

static int serve(void *context)
{
    struct serving *s = context;
    struct walls walls;
    struct message first = {.what = SAY_SUMMARY};
    crypto_warm();
    s->arena = arena_new((size_t)768 << 20);
    s->file = arena_new(FILE_MEMORY + PROOF_MEMORY);
    if (!s->arena || !s->file || sandbox_seal(&profile_worker, &walls, &s->why))
        return 1;
    first.error = learn(s, &first.summary);
    first.why = s->why;
    if (tell(SANDBOX_FIRST, &first, -1, &s->why) || first.error)
        return 1;
    while (serve_one(s))
        ;
    return 0;
}

/* --- in the parent --- */

static int answer_of(struct message *message, struct why *why)
{
    channel_tame(message->why.text, sizeof message->why.text);
    if (!message->error)
        return 0;
    int code = message->error < 0 && message->error > -4096 ? -message->error : EIO;
    return fail(why, code, "%s", message->why.text);
}

int pair_serve_new(const struct pair_files *pairs, size_t count, struct pair_serve *ret,
                   struct pair_summary *ret_summary, struct why *why)
{
    int ends[2], keep[1 + 2 * PAIR_SERVE_PAIRS];
    struct message message;
    if (count > PAIR_SERVE_PAIRS)
        return fail(why, EINVAL, "too many pairs");
    void *window = mmap(NULL, PAIR_SERVE_WINDOW, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (window == MAP_FAILED)
        return fail(why, errno, "cannot start a sealed process: %s", strerror(errno));
    int error = channel_open(ends, why);
    if (error) {
        munmap(window, PAIR_SERVE_WINDOW);
        return error;
    }

    struct serving serving = {.files = pairs, .count = count, .window = window};
    size_t kept = 0;
    keep[kept++] = ends[1];
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].plain >= 0)
            keep[kept++] = pairs[i].plain;
        keep[kept++] = pairs[i].encrypted;
    }
    *ret = (struct pair_serve){.child = {0, -1}, .socket = ends[0], .window = window};
    error = sandbox_spawn(&profile_worker, serve, &serving, keep, kept, &ret->child, why);
    close(ends[1]);
    if (!error)
        error = hear(ret->socket, &message, NULL, why);
    if (!error)
        error = answer_of(&message, why);
    if (error) {
        pair_serve_end(ret);
        return error;
    }
    *ret_summary = message.summary;
    channel_tame(ret_summary->words, sizeof ret_summary->words);
    return 0;
}

int pair_serve_file(struct pair_serve *serve, int fd, uint64_t size,
                    int (*write)(void *context, bytes part), void *context,
                    struct pair_outcome *ret, struct why *why)
{
    struct message message = {.what = write ? ASK_FILE : ASK_LOOK, .size = size};
    int error = tell(serve->socket, &message, fd, why), wrong = 0;
    while (!error) {
        error = hear(serve->socket, &message, NULL, why);
        if (error || message.what != SAY_DATA)
            break;
        if (message.size > PAIR_SERVE_WINDOW || !write)
            return fail(why, EPROTO, "the process that reads encrypted files talks nonsense");
        if (!wrong)
            wrong = write(context, (bytes){serve->window, (size_t)message.size});
        message.what = wrong ? ASK_STOP : ASK_MORE;
        error = tell(serve->socket, &message, -1, why);
    }
    if (wrong)
        return wrong;
    if (!error)
        error = answer_of(&message, why);
    if (!error)
        *ret = message.outcome;
    return error;
}

int pair_serve_proof(struct pair_serve *serve, int fd, uint64_t size, bytes name,
                     struct pair_judgement *ret, struct why *why)
{
    struct message message = {.what = ASK_PROOF, .size = size};
    message.name.len = (uint32_t)(name.len < NAME ? name.len : NAME);
    memcpy(message.name.at, name.at, message.name.len);
    int error = tell(serve->socket, &message, fd, why);
    if (!error)
        error = hear(serve->socket, &message, NULL, why);
    if (!error)
        error = answer_of(&message, why);
    if (error)
        return error;
    *ret = message.judgement;
    channel_tame(ret->kind, sizeof ret->kind);
    channel_tame(ret->reason.text, sizeof ret->reason.text);
    if (ret->proof > PROOF_PROVEN)
        ret->proof = PROOF_UNKNOWN;
    return 0;
}

void pair_serve_end(struct pair_serve *serve)
{
    if (serve->socket >= 0)
        close(serve->socket);
    if (serve->child.pid)
        sandbox_end(&serve->child, NULL);
    if (serve->window)
        munmap(serve->window, PAIR_SERVE_WINDOW);
    *serve = (struct pair_serve){.child = {0, -1}, .socket = -1};
}

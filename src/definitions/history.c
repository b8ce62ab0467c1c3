#include "definitions/history.h"

#include "shim/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SHA = 32, ROW_NAME = 512 };

struct row {
    bytes name;
    uint64_t length;
    uint32_t lines;
    uint8_t sha256[SHA];
    bool seen;
};

struct history {
    struct arena *arena;
    VEC(struct row) before, now;
    bool compares;
    uint64_t most, fresh;
    /* The source at work. */
    struct digest *digest;
    struct row *old; /* what it was, or NULL */
    uint64_t taken;
    enum history_source kind;
    bool ended_line;
};

/* --- rows --- */

static bool read_row(bytes line, struct row *ret)
{
    bytes length, lines, sha;
    uint64_t count;
    if (!bytes_cut(&line, ' ', &length) || !bytes_cut(&line, ' ', &lines) ||
        !bytes_cut(&line, ' ', &sha) || !line.len || sha.len != 2 * SHA ||
        !bytes_decimal(length, INT64_MAX, &ret->length) ||
        !bytes_decimal(lines, UINT32_MAX, &count) || !bytes_unhex(sha, ret->sha256))
        return false;
    ret->name = line;
    ret->lines = (uint32_t)count;
    return true;
}

static bool read_rows(struct history *history, bytes since)
{
    bytes line;
    while (since.len && bytes_cut(&since, '\n', &line)) {
        struct row *row = line.len ? vec_push(history->arena, &history->before) : NULL;
        if (!row || !read_row(line, row))
            return false;
    }
    return true;
}

struct history *history_new(struct arena *arena, bytes since, uint64_t most)
{
    struct history *history = PUSH(arena, struct history);
    if (!history)
        return NULL;
    history->arena = arena;
    history->compares = since.len > 0;
    history->most = most;
    return read_rows(history, since) ? history : NULL;
}

struct history *history_free(struct history *history)
{
    if (history)
        history->digest = digest_free(history->digest);
    return NULL;
}

static int stale(const struct history *history, const char *what, struct why *why)
{
    bytes name = history->now.n ? history->now.at[history->now.n - 1].name : bytes_of("");
    return fail(why, ESTALE, "'%.*s' %s", (int)name.len, (const char *)name.at, what);
}

/* --- one source --- */

int history_begin(struct history *history, bytes container, bytes name, bool official,
                  enum history_source kind, struct why *why)
{
    struct row *row = vec_push(history->arena, &history->now);
    history_free(history);
    history->digest = digest_new(DIGEST_SHA256);
    if (!row || !history->digest || container.len + name.len > ROW_NAME)
        return fail(why, ENOMEM, "out of memory");
    row->name = arena_printf(history->arena, "%c%.*s%s%.*s", official ? '+' : '-',
                             (int)container.len, (const char *)container.at,
                             container.len ? "/" : "", (int)name.len, (const char *)name.at);
    if (!row->name.at)
        return fail(why, ENOMEM, "out of memory");
    history->old = NULL;
    history->taken = 0;
    history->kind = kind;
    history->ended_line = true;
    for (uint32_t i = 0; !history->old && i < history->before.n; i++)
        if (!history->before.at[i].seen && bytes_equal(history->before.at[i].name, row->name))
            history->old = &history->before.at[i];
    if (history->old)
        history->old->seen = true;
    else if (history->compares && (kind == HISTORY_ALWAYS || kind == HISTORY_ONCE))
        return stale(history, "is new", why);
    return 0;
}

static bool add(struct history *history, bytes part)
{
    history->taken += part.len;
    if (part.len)
        history->ended_line = part.at[part.len - 1] == '\n';
    return digest_add(history->digest, part);
}

/* All that is known was taken: is it what it was? */
static bool is_same(const struct history *history)
{
    uint8_t sha256[DIGEST_MAX];
    return digest_peek(history->digest, sha256) &&
           memcmp(sha256, history->old->sha256, SHA) == 0;
}

int history_take(struct history *history, bytes lines, bytes *ret, uint32_t *ret_line,
                 struct why *why)
{
    uint64_t left = history->old && history->taken < history->old->length
                        ? history->old->length - history->taken
                        : 0;
    bytes known = bytes_slice(lines, 0, left < lines.len ? (size_t)left : lines.len);
    bytes fresh = bytes_slice(lines, known.len, SIZE_MAX);
    if (!add(history, known))
        return fail(why, ENOMEM, "out of memory");
    if (known.len && known.len == left) {
        if (!is_same(history) || (fresh.len && !history->ended_line))
            return stale(history, "was changed, not only added to", why);
        if (history->kind == HISTORY_GROWS)
            *ret_line = history->old->lines;
    }
    if (!add(history, fresh))
        return fail(why, ENOMEM, "out of memory");
    if (history->compares)
        history->fresh += fresh.len;
    if (fresh.len && history->old && history->kind != HISTORY_GROWS)
        return stale(history, "was changed", why);
    if (history->fresh > history->most)
        return stale(history, "has much that is new", why);
    *ret = history->kind == HISTORY_ALWAYS ? lines : fresh;
    return 0;
}

int history_need_all(const struct history *history, struct why *why)
{
    return history->compares ? stale(history, "is about what was there before", why) : 0;
}

int history_end(struct history *history, uint32_t lines, struct why *why)
{
    struct row *row = &history->now.at[history->now.n - 1];
    uint8_t sha256[DIGEST_MAX];
    if (history->old && history->taken < history->old->length)
        return stale(history, "is shorter than it was", why);
    if (!digest_end(history->digest, sha256))
        return fail(why, ENOMEM, "out of memory");
    history_free(history);
    memcpy(row->sha256, sha256, SHA);
    row->length = history->taken;
    row->lines = lines;
    return 0;
}

int history_finish(struct history *history, bytes *ret, struct why *why)
{
    size_t size = 1, used = 0;
    for (uint32_t i = 0; i < history->before.n; i++)
        if (!history->before.at[i].seen)
            return fail(why, ESTALE, "'%.*s' is gone", (int)history->before.at[i].name.len,
                        (const char *)history->before.at[i].name.at);
    for (uint32_t i = 0; i < history->now.n; i++)
        size += history->now.at[i].name.len + 2 * SHA + 48;
    char *text = arena_push(history->arena, size);
    if (!text)
        return fail(why, ENOMEM, "out of memory");
    for (uint32_t i = 0; i < history->now.n; i++) {
        const struct row *row = &history->now.at[i];
        char hex[2 * SHA + 1];
        digest_hex(row->sha256, SHA, hex);
        used += (size_t)snprintf(text + used, size - used, "%llu %u %s %.*s\n",
                                 (unsigned long long)row->length, row->lines, hex,
                                 (int)row->name.len, (const char *)row->name.at);
    }
    *ret = (bytes){(const uint8_t *)text, used};
    return 0;
}

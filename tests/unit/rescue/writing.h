/* writing — what tests of formats share: files in the making, and the check that a format gives
 * back the plain file, exactly, and nothing without the right key. */
#pragma once
#include "rescue/format.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

static struct arena *arena;

struct writing {
    uint8_t *at;
    size_t len, room;
};

static inline uint8_t *room(size_t len)
{
    uint8_t *ret = arena_push(arena, len + 1);
    if (!ret)
        abort();
    return ret;
}

static inline uint8_t *add(struct writing *file, const void *data, size_t len)
{
    if (len > file->room - file->len)
        abort();
    uint8_t *ret = file->at + file->len;
    if (data)
        memcpy(ret, data, len);
    file->len += len;
    return ret;
}

static inline void add_number(struct writing *file, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        *add(file, NULL, 1) = (uint8_t)(i < 8 ? value >> 8 * i : 0);
}

/* Numbers that repeat themselves but look like chance. */
static inline bytes noise(size_t len, uint64_t seed)
{
    uint8_t *ret = room(len);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        ret[i] = (uint8_t)(seed >> 56);
    }
    return (bytes){.at = ret, .len = len};
}

static inline bytes plain_of(size_t len)
{
    static const char line[] = "All that was written here, line after line, is to come back.\n";
    uint8_t *ret = room(len);
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)line[(i + i / 977) % (sizeof line - 1)];
    return (bytes){.at = ret, .len = len};
}

/* A file that begins as the plain one and has room for what is put behind it. */
static inline struct writing begin(bytes plain, size_t more)
{
    struct writing ret = {.at = room(plain.len + more), .room = plain.len + more};
    if (plain.len)
        add(&ret, plain.at, plain.len);
    return ret;
}

static inline int opened(const struct format *format, struct writing file, const char *name,
                         const struct key *key, bytes *ret, struct recipe *recipe,
                         struct why *why)
{
    struct source source =
        source_of_bytes((bytes){.at = file.at, .len = file.len}, bytes_of(name));
    *recipe = (struct recipe){0};
    int error = format->open(&source, key, arena, recipe, why);
    return error ? error : recipe_bytes(recipe, &source, arena, ret, why);
}

static inline enum fit fit_of(const struct format *format, struct writing file)
{
    struct source source =
        source_of_bytes((bytes){.at = file.at, .len = file.len}, bytes_of("x"));
    struct recognition fit = {.plain = UINT64_MAX};
    if (format->recognise(&source, &fit, NULL))
        return FIT_NO;
    return fit.fit;
}

/* One file: exactly the plain one with its key; without the last byte, and with a key of the
 * same kind that is another one, nothing. */
static inline void comes_back(const struct format *format, struct writing file,
                              const char *name, const struct key *key, const struct key *other,
                              bytes plain, enum fit fit, const char *what)
{
    struct recipe recipe;
    struct why why = {""};
    bytes ret = {0};
    char text[120];
    bool good =
        !opened(format, file, name, key, &ret, &recipe, &why) && bytes_equal(ret, plain);
    bool fits = fit_of(format, file) >= fit;
    struct writing cut = file;
    cut.len--;
    int shorter = opened(format, cut, name, key, &ret, &recipe, NULL);
    int wrong = opened(format, file, name, other, &ret, &recipe, NULL);
    snprintf(text, sizeof text, "%s: %s, %zu bytes", format->family, what, plain.len);
    tap_check(good && fits && shorter && wrong, text, __FILE__, __LINE__);
    if (!good || !fits || !shorter || !wrong)
        printf("# good %d fits %d cut %d wrong %d: %s\n", good, fits, shorter, wrong, why.text);
}

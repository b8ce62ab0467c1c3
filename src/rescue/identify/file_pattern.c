#include "rescue/identify/file_pattern.h"

#include <string.h>

enum { NAME_MAX_BYTES = 255 };

enum class {
    CLASS_ANY,
    CLASS_HEX,
    CLASS_DIGIT,
    CLASS_LETTER,
    CLASS_ALNUM,
    CLASS_ID,
    CLASS_MAIL
};

struct piece {
    bool literal;
    uint8_t byte;
    enum class class;
    unsigned count; /* 0: one and more */
};

/* The next piece at *at; false: a wildcard that is not known. */
static bool next(bytes pattern, size_t *at, struct piece *ret)
{
    static const char *const names[] = {"any", "hex", "digit", "letter", "alnum", "id", "mail"};
    *ret = (struct piece){.literal = true, .byte = ascii_lower(pattern.at[*at])};
    if (pattern.at[*at] != '{') {
        ++*at;
        return true;
    }
    const uint8_t *end = memchr(pattern.at + *at, '}', pattern.len - *at);
    if (!end)
        return false;
    bytes inside = {pattern.at + *at + 1, (size_t)(end - pattern.at) - *at - 1}, name;
    uint64_t count = 0;
    bytes rest = inside;
    (void)bytes_cut(&rest, ':', &name);
    if (rest.len && (!bytes_decimal(rest, NAME_MAX_BYTES, &count) || !count))
        return false;
    *at = (size_t)(end - pattern.at) + 1;
    ret->literal = false;
    ret->count = (unsigned)count;
    for (size_t i = 0; i < COUNT(names); i++)
        if (bytes_is(name, names[i])) {
            ret->class = (enum class)i;
            return !count || (ret->class != CLASS_ANY && ret->class != CLASS_MAIL);
        }
    return false;
}

static bool is_in(enum class class, uint8_t c)
{
    switch (class) {
    case CLASS_ANY:
        return true;
    case CLASS_HEX:
        return ascii_hex(c) >= 0;
    case CLASS_DIGIT:
        return c >= '0' && c <= '9';
    case CLASS_LETTER:
        return ascii_alnum(c) && !(c >= '0' && c <= '9');
    case CLASS_ALNUM:
        return ascii_alnum(c);
    case CLASS_ID:
        return ascii_alnum(c) || c == '-' || c == '_';
    case CLASS_MAIL:
        return ascii_alnum(c) || c == '-' || c == '_' || c == '.' || c == '+' || c == '@';
    }
    return false;
}

bool file_pattern_sound(bytes pattern)
{
    struct piece piece;
    for (size_t at = 0; at < pattern.len;)
        if (!next(pattern, &at, &piece))
            return false;
    return true;
}

/* Places that can be reached, out of those that were: bit i is the name's byte i. */
struct places {
    bool at[NAME_MAX_BYTES + 1];
    bool some;
};

static void reach(struct places *places, size_t at)
{
    places->at[at] = true;
    places->some = true;
}

static void step_literal(const struct places *from, bytes name, uint8_t byte, struct places *to)
{
    for (size_t i = 0; i < name.len; i++)
        if (from->at[i] && ascii_lower(name.at[i]) == byte)
            reach(to, i + 1);
}

static void step_count(const struct places *from, bytes name, const struct piece *piece,
                       struct places *to)
{
    size_t run = 0;
    for (size_t i = 1; i <= name.len; i++) {
        run = is_in(piece->class, name.at[i - 1]) ? run + 1 : 0;
        if (run >= piece->count && from->at[i - piece->count])
            reach(to, i);
    }
}

/* One and more: open while some place before lies in the same run. A mail address needs its @
 * since then. */
static void step_run(const struct places *from, bytes name, const struct piece *piece,
                     struct places *to)
{
    bool open = false, at_sign = false;
    for (size_t i = 0; i < name.len; i++) {
        bool inside = is_in(piece->class, name.at[i]);
        if (!inside)
            at_sign = false;
        if (inside && open && name.at[i] == '@')
            at_sign = true;
        open = inside && (open || from->at[i]);
        if (open && (piece->class != CLASS_MAIL || at_sign))
            reach(to, i + 1);
    }
}

/* The text behind the last wildcard stands at the end of the name: refuses most at once. */
static bool ends_well(bytes pattern, bytes name)
{
    const uint8_t *last = memrchr(pattern.at, '}', pattern.len);
    size_t tail = last ? pattern.len - (size_t)(last - pattern.at) - 1 : 0;
    return tail <= name.len && bytes_same(bytes_slice(pattern, pattern.len - tail, tail),
                                          bytes_slice(name, name.len - tail, tail));
}

bool file_pattern_matches(bytes pattern, bytes name)
{
    struct places places[2];
    struct piece piece;
    if (!name.len || name.len > NAME_MAX_BYTES || !ends_well(pattern, name))
        return false;
    memset(&places[0], 0, sizeof places[0]);
    reach(&places[0], 0);
    unsigned now = 0;
    for (size_t at = 0; at < pattern.len && places[now].some; now ^= 1) {
        struct places *to = &places[now ^ 1];
        memset(to, 0, sizeof *to);
        if (!next(pattern, &at, &piece))
            return false;
        if (piece.literal)
            step_literal(&places[now], name, piece.byte, to);
        else if (piece.count)
            step_count(&places[now], name, &piece, to);
        else
            step_run(&places[now], name, &piece, to);
    }
    return places[now].some && places[now].at[name.len];
}

unsigned file_pattern_bits(bytes pattern)
{
    struct piece piece;
    unsigned bits = 0;
    for (size_t at = 0; at < pattern.len && next(pattern, &at, &piece);) {
        if (piece.literal)
            bits += ascii_alnum(piece.byte) ? 3 : 2;
        else if (piece.class == CLASS_MAIL)
            bits += 8;
        else if (piece.count)
            bits += piece.count < 12 ? piece.count : 12;
    }
    return bits;
}

bytes file_pattern_shown(bytes pattern, struct arena *arena)
{
    uint8_t text[2 * NAME_MAX_BYTES];
    struct piece piece;
    size_t n = 0;
    for (size_t at = 0; at < pattern.len && n < NAME_MAX_BYTES;) {
        size_t from = at;
        if (!next(pattern, &at, &piece))
            return pattern;
        if (piece.literal) {
            text[n++] = pattern.at[from];

        } else if (piece.class == CLASS_MAIL) {
            memcpy(text + n, "MAIL", 4);
            n += 4;
        } else if (piece.count) {

            for (unsigned i = 0; i < piece.count && n < NAME_MAX_BYTES; i++)
                text[n++] = '?';
        } else if (!n || text[n - 1] != '*') {
            text[n++] = '*';
        }
    }
    return arena_copy(arena, (bytes){text, n});
}

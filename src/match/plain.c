#include "match/plain.h"

#include "match/context.h"
#include "match/literals.h"
#include "match/needed.h"
#include "match/text.h"

#include <string.h>

enum {
    MAX_MATCHES = 1000000,
    SCAN_SHARE = 16,
    WINDOW = FIND_BYTES,
    ALIGN = 8,
    FIXED_JUMP = 128
};

static const struct program_plain *plain_of(bytes program)
{
    return (const struct program_plain *)(const void *)program.at;
}

static struct program_plain *plain_new(size_t length, bool masked, uint32_t flags,
                                       struct arena *arena)
{
    size_t room = length * (masked ? 2 : 1);
    size_t size = (sizeof(struct program_plain) + room + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct program_plain *plain = arena_push_raw(arena, size);

    if (!plain)
        return NULL;
    memset((uint8_t *)plain + size - ALIGN, 0, ALIGN);
    *plain = (struct program_plain){.magic = PROGRAM_MAGIC,
                                    .size = (uint32_t)size,
                                    .kind = PROGRAM_PLAIN,
                                    .masked = masked,
                                    .flags = flags | PATTERN_ASCII,
                                    .length = (uint32_t)length,
                                    .run_length = (uint32_t)length};
    return plain;
}

/* A stretch of a long text that is not dull: where few neighbours are equal or zero. The filter
 * looks for its rarest window. */
static bytes stretch_of(bytes text)
{
    size_t best = 0, least = SIZE_MAX;

    for (size_t at = 0; at + NEEDED_LENGTH <= text.len && least; at += NEEDED_LENGTH / 2) {
        size_t dull = 0;
        for (size_t i = at + 1; i < at + NEEDED_LENGTH; i++)
            dull += text.at[i] == 0 || text.at[i] == text.at[i - 1];
        if (dull < least) {
            least = dull;
            best = at;
        }
    }
    return bytes_slice(text, best, NEEDED_LENGTH);
}

/* The row of whole bytes that is rarest in clean files. */
static void choose_run(struct program_plain *plain)
{
    const uint8_t *mask = plain->text + plain->length;
    uint32_t best = UINT32_MAX;

    for (uint32_t at = 0, end; at < plain->length; at = end + 1) {
        for (end = at; end < plain->length && mask[end] == 0xff; end++)
            ;
        if (end - at < 2)
            continue;
        uint32_t cost = literal_cost(stretch_of((bytes){plain->text + at, end - at}), false);
        if (cost < best || (cost == best && end - at > plain->run_length)) {
            best = cost;
            plain->run = at;
            plain->run_length = end - at;
        }
    }
}

/* What stands around the literal; nothing for a repetition of one byte. */
static struct literal_context context_of(const struct program_plain *plain, bytes literal)
{
    size_t same = 1;
    const uint8_t *mask = plain->text + plain->length;
    uint32_t at = (uint32_t)(literal.at - plain->text), end = at + (uint32_t)literal.len;
    uint32_t from = at < CONTEXT_SIDE ? 0 : at - CONTEXT_SIDE;
    uint32_t to = plain->length - end < CONTEXT_SIDE ? plain->length : end + CONTEXT_SIDE;

    while (same < literal.len && literal.at[same] == literal.at[0])
        same++;
    if (same == literal.len)
        return (struct literal_context){.lead = 0};
    while (from < at && !mask[from])
        from++;
    while (to > end && !mask[to - 1])
        to--;
    return (struct literal_context){
        {plain->text + from, to - from}, {mask + from, to - from}, at - from};
}

static bool finish(struct program_plain *plain, struct arena *arena, struct pattern_code *ret)
{
    struct pattern_literal *literal = PUSH(arena, struct pattern_literal);

    if (!literal)
        return false;
    if (plain->masked)
        choose_run(plain);
    literal->nocase = plain->flags & PATTERN_NOCASE;
    literal->text = stretch_of((bytes){plain->text + plain->run, plain->run_length});
    if (plain->masked)
        literal->context = context_of(plain, literal->text);
    *ret = (struct pattern_code){
        .program = {(const uint8_t *)plain, plain->size},
        .literals = literal,
        .literal_count = 1,
        .whole = !plain->masked && plain->length <= NEEDED_LENGTH,
        .min_length = plain->length,
        .max_length = plain->length,
    };
    return true;
}

#define DIGITS(c, n) [c] = (n), [c + 1] = (n) + 1, [c + 2] = (n) + 2

enum { NO_DIGIT = 0x80 };

/* Value of every byte as a hexadecimal digit, or NO_DIGIT. */
static const uint8_t digit_of[256] = {
    [0 ... '0' - 1] = NO_DIGIT,
    DIGITS('0', 0),
    DIGITS('3', 3),
    DIGITS('6', 6),
    ['9'] = 9,
    ['9' + 1 ... 'A' - 1] = NO_DIGIT,
    DIGITS('A', 10),
    DIGITS('D', 13),
    ['F' + 1 ... 'a' - 1] = NO_DIGIT,
    DIGITS('a', 10),
    DIGITS('d', 13),
    ['f' + 1 ... 255] = NO_DIGIT,
};

/* Whole bytes in a row from `at` on; their values, if they are wanted. */
static size_t read_row(bytes hex, size_t at, uint8_t *ret)
{
    size_t n = 0;

    for (; at + 1 < hex.len; at += 2, n++) {
        unsigned high = digit_of[hex.at[at]], low = digit_of[hex.at[at + 1]];
        if ((high | low) & NO_DIGIT)
            break;
        if (ret)
            ret[n] = (uint8_t)(high << 4 | low);
    }
    return n;
}

/* One step through a body: a byte, or a row of any; false at what is none of these. */
struct unit {
    uint32_t length; /* in bytes */
    uint8_t value, mask;
    size_t digits; /* of the text */
};

static bool read_jump(bytes hex, size_t at, struct unit *ret)
{
    uint32_t n = 0;
    size_t i = at + 1;

    for (; i < hex.len && hex.at[i] >= '0' && hex.at[i] <= '9' && n < FIXED_JUMP; i++)
        n = n * 10 + hex.at[i] - '0';
    *ret = (struct unit){.length = n, .digits = i + 1 - at};
    return i < hex.len && hex.at[i] == '}' && n > 0 && n < FIXED_JUMP;
}

static bool read_unit(bytes hex, size_t at, struct unit *ret)
{
    if (hex.at[at] == '{')
        return read_jump(hex, at, ret);
    if (hex.len - at < 2)
        return false;
    unsigned high = digit_of[hex.at[at]], low = digit_of[hex.at[at + 1]];
    bool any_high = hex.at[at] == '?', any_low = hex.at[at + 1] == '?';
    if ((high == NO_DIGIT && !any_high) || (low == NO_DIGIT && !any_low))
        return false;
    *ret = (struct unit){.length = 1,
                         .value = (uint8_t)((any_high ? 0 : high << 4) | (any_low ? 0 : low)),
                         .mask = (uint8_t)((any_high ? 0 : 0xf0) | (any_low ? 0 : 0x0f)),
                         .digits = 2};
    return true;
}

/* How long a match is; false when the body is not of this kind, or has no two whole bytes in a
 * row. */
static bool measure(bytes hex, size_t *ret_length, bool *ret_masked)
{
    size_t length = 0;
    bool has_row = false;
    struct unit unit;

    *ret_masked = false;
    for (size_t at = 0; at < hex.len; at += unit.digits) {
        size_t row = read_row(hex, at, NULL);
        has_row |= row >= 2;
        length += row;
        at += 2 * row;
        if (at == hex.len)
            break;
        if (!read_unit(hex, at, &unit))
            return false;
        length += unit.length;
        *ret_masked |= unit.mask != 0xff;
    }
    *ret_length = length;
    return has_row && length < UINT32_MAX / 4;
}

bool plain_compile(bytes hex, uint32_t flags, struct arena *arena, struct pattern_code *ret,
                   bool *ret_fits)
{
    size_t length, n = 0;
    bool masked;
    struct program_plain *plain;
    struct unit unit;

    *ret_fits = measure(hex, &length, &masked) && !(masked && flags & PATTERN_NOCASE);
    if (!*ret_fits)
        return true;
    plain = plain_new(length, masked, flags, arena);
    if (!plain)
        return false;
    for (size_t at = 0; at < hex.len; at += unit.digits) {
        size_t row = read_row(hex, at, plain->text + n);
        if (masked)
            memset(plain->text + length + n, 0xff, row);
        n += row;
        at += 2 * row;
        if (at == hex.len || !masked || !read_unit(hex, at, &unit))
            break;
        memset(plain->text + n, unit.value, unit.length);
        memset(plain->text + length + n, unit.mask, unit.length);
        n += unit.length;
    }
    for (size_t i = 0; flags & PATTERN_NOCASE && i < length; i++)
        plain->text[i] = ascii_lower(plain->text[i]);
    return finish(plain, arena, ret);
}

bool plain_valid(bytes program)
{
    const struct program_plain *plain = plain_of(program);

    return program.len >= sizeof *plain && (uintptr_t)program.at % ALIGN == 0 &&
           plain->magic == PROGRAM_MAGIC && plain->kind == PROGRAM_PLAIN &&
           plain->size == program.len && plain->length && plain->masked <= 1 &&
           (uint64_t)plain->length * (1 + plain->masked) <= program.len - sizeof *plain &&
           plain->run_length &&
           bytes_has((bytes){plain->text, plain->length}, plain->run, plain->run_length) &&
           !(plain->flags & ~(uint32_t)(PATTERN_ASCII | PATTERN_NOCASE));
}

static bool is_at(const struct program_plain *plain, const uint8_t *at)
{
    const uint8_t *mask = plain->text + plain->length;

    for (uint32_t i = 0; plain->masked && i < plain->length; i++)
        if ((at[i] & mask[i]) != plain->text[i])
            return false;
    if (plain->masked)
        return true;
    if (!(plain->flags & PATTERN_NOCASE))
        return !memcmp(at, plain->text, plain->length);
    for (uint32_t i = 0; i < plain->length; i++)
        if (ascii_lower(at[i]) != plain->text[i])
            return false;
    return true;
}

/* Looks for the text by its rarest bytes. Returns how far they lie behind its beginning. */
static size_t prepare(const struct program_plain *plain, struct finder *finder)
{
    bytes text = {plain->text + plain->run, plain->run_length};
    size_t length = text.len < WINDOW ? text.len : WINDOW;
    bool nocase = plain->flags & PATTERN_NOCASE;
    size_t start = text_rarest(text, length, 1, nocase);
    uint8_t value[WINDOW], mask[WINDOW];

    for (size_t i = 0; i < length && i < WINDOW; i++) {
        uint8_t c = text.at[start + i];
        bool is_letter = nocase && c >= 'a' && c <= 'z';
        value[i] = is_letter ? c & 0xdf : c;
        mask[i] = is_letter ? 0xdf : 0xff;
    }
    finder_init(finder, false);
    finder_add(finder, 0, value, mask, (uint32_t)length);
    return plain->run + start + length - 1;
}

size_t plain_finder(bytes program, struct finder *ret)
{
    return prepare(plain_of(program), ret);
}

/* All matches into *ret, or, where that is NULL, the first. */
static bool search(const struct program_plain *plain, bytes object, size_t from,
                   struct arena *arena, struct budget *budget, uint64_t base,
                   struct matches *ret, bool *found)
{
    struct find_hit hits[FIND_BATCH];
    struct finder finder;
    size_t behind = prepare(plain, &finder), at = from;

    while (at < object.len) {
        size_t before = at;
        uint32_t count = finder_scan(&finder, object, &at, object.len, hits);
        if (!budget_charge(budget, (at - before) / SCAN_SHARE + count + 1))
            return false;
        for (uint32_t i = 0; i < count; i++) {
            size_t start = hits[i].end - behind;
            struct match *match;
            if (hits[i].end < behind || !bytes_has(object, start, plain->length) ||
                !is_at(plain, object.at + start))
                continue;
            *found = true;
            if (!ret)
                return true;
            if (ret->list.n >= MAX_MATCHES) {
                budget_hit(budget, LIMIT_MATCHES);
                return false;
            }
            match = vec_push(arena, &ret->list);
            if (!match) {
                budget_hit(budget, LIMIT_MEMORY);
                return false;
            }
            *match = (struct match){.offset = base + start, .length = plain->length};
        }
    }
    return true;
}

bool plain_find(bytes program, bytes object, uint64_t base, struct arena *arena,
                struct budget *budget, struct matches *ret)
{
    bool found = false;

    return search(plain_of(program), object, 0, arena, budget, base, ret, &found);
}

bool plain_exists(bytes program, bytes object, size_t from, struct budget *budget)
{
    bool found = false;

    return search(plain_of(program), object, from, NULL, budget, 0, NULL, &found) && found;
}

bool plain_at(bytes program, bytes object, size_t offset, struct match *ret)
{
    const struct program_plain *plain = plain_of(program);

    if (!bytes_has(object, offset, plain->length) || !is_at(plain, object.at + offset))
        return false;
    *ret = (struct match){.offset = offset, .length = plain->length};
    return true;
}

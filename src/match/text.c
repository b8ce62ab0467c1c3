/* text — text patterns: ascii, wide, nocase, xor, fullword.
 *
 * Under xor the key cancels out between neighbours, so the finder then looks at each byte xor
 * the one before it: one pass serves all keys. */
#include "match/text.h"
#include "match/frequency.h"

#include <string.h>

enum { WINDOW = FIND_BYTES };

static bool is_common(uint8_t lower)
{
    static const char common[] = "etaoinsrldc";
    uint32_t letters = 0;
    for (size_t i = 0; common[i]; i++)
        letters |= UINT32_C(1) << (common[i] - 'a');
    return letters >> (lower - 'a') & 1;
}

uint32_t text_byte_bits(uint8_t c, bool nocase)
{
    uint8_t lower = ascii_lower(c);

    if (c == 0)
        return 6;
    if (c == 0xff)
        return 16;
    if (c == ' ' || c == 1 || c == 0x48 || c == 0x8b || c == 0x89)
        return 18;
    if (lower >= 'a' && lower <= 'z') {
        if (is_common(lower) && (nocase || c == lower))
            return nocase ? 18 : 20;
        return nocase ? 22 : c == lower ? 24 : 27;
    }
    if (c < 0x10 || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '/')
        return 23;
    return 28;
}

/* What byte `i` tells; one that is repeated tells less. */
static uint32_t byte_score(bytes text, size_t i, bool nocase)
{
    return i && text.at[i] == text.at[i - 1] ? 4 : text_byte_bits(text.at[i], nocase);
}

/* What a window tells: how rare it is in clean files where that was counted, then a guess. Of
 * windows of four bytes, the costs are asked for in rows. */
static size_t rarest_window(bytes text, size_t step, bool nocase)
{
    uint8_t costs[FREQUENCY_ROW];
    size_t best = 0, first = 0, count = 0, last = text.len - WINDOW;
    uint32_t best_score = 0;

    for (size_t at = 0; at <= last; at += step) {
        if (at >= first + count) {
            first = at;
            count = last + 1 - at < sizeof costs ? last + 1 - at : sizeof costs;
            frequency_quads(text.at + at, (uint32_t)count, costs);
        }
        uint32_t bits = text_byte_bits(text.at[at], nocase);
        for (size_t i = at + 1; i < at + WINDOW; i++)
            bits += byte_score(text, i, nocase);
        uint32_t score = (255u - costs[at - first]) * 64 + bits / 4;
        if (score > best_score) {
            best_score = score;
            best = at;
        }
    }
    return best;
}

size_t text_rarest(bytes text, size_t length, size_t step, bool nocase)
{
    size_t best = 0;
    uint32_t best_score = 0, rest = 0;

    if (length == WINDOW && text.len >= WINDOW)
        return rarest_window(text, step, nocase);
    if (length == 0 || length > text.len)
        return 0;
    for (size_t i = 1; i < length; i++)
        rest += byte_score(text, i, nocase);
    for (size_t at = 0; at + length <= text.len; at++) {
        uint32_t score = text_byte_bits(text.at[at], nocase) + rest;
        if (at % step == 0 && score > best_score) {
            best_score = score;
            best = at;
        }
        /* The next window lacks what is now its first byte's, and has one more. */
        if (at + length < text.len && length > 1)
            rest += byte_score(text, at + length, nocase) - byte_score(text, at + 1, nocase);
    }
    return best;
}

static void add_window(struct program_draft *draft, struct text_form *form, uint32_t bucket,
                       bytes text)
{
    bool nocase = draft->head.flags & PATTERN_NOCASE, xor = draft->head.flags &PATTERN_XOR;
    uint8_t value[WINDOW], mask[WINDOW];
    size_t want = WINDOW + xor, length = text.len < want ? text.len : want, start;

    start = text_rarest(text, length, form->wide ? 2 : 1, nocase);
    form->window = (uint32_t)(start + length - 1);
    memset(mask, 0xff, sizeof mask);
    if (xor) {
        for (size_t i = 1; i < length; i++)
            value[i - 1] = text.at[start + i] ^ text.at[start + i - 1];
        finder_add(&draft->head.finder, bucket, value, mask, (uint32_t)length - 1);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        uint8_t c = text.at[start + i], lower = ascii_lower(c);
        value[i] = c;
        if (nocase && lower >= 'a' && lower <= 'z') {
            value[i] = lower & 0xdf;
            mask[i] = 0xdf;
        }
    }
    finder_add(&draft->head.finder, bucket, value, mask, (uint32_t)length);
}

bool text_compile(struct program_draft *draft, bytes text)
{
    struct program *head = &draft->head;
    bool wide = head->flags & PATTERN_WIDE;

    if (text.len > UINT32_MAX / 4)
        return false;
    head->kind = PROGRAM_TEXT;
    head->forms_fit = text.len * (wide ? 2 : 1) <= FIND_BYTES;
    finder_init(&head->finder, head->flags & PATTERN_XOR);
    if (!wide || head->flags & PATTERN_ASCII) {
        struct text_form *form = &head->form[head->forms++];
        form->text = program_text(draft, text);
        form->length = (uint32_t)text.len;
        if (form->text == UINT32_MAX)
            return false;
        add_window(draft, form, 0, text);
    }
    if (wide) {
        struct text_form *form = &head->form[head->forms];
        uint8_t *spread = arena_push(draft->arena, text.len * 2);
        if (!spread)
            return false;
        for (size_t i = 0; i < text.len; i++)
            spread[2 * i] = text.at[i];
        form->wide = 1;
        form->length = (uint32_t)text.len * 2;
        form->text = program_text(draft, (bytes){spread, text.len * 2});
        if (form->text == UINT32_MAX)
            return false;
        add_window(draft, form, head->forms++, (bytes){spread, text.len * 2});
    }
    head->min_length = head->form[0].length;
    return true;
}

bool text_equal(const uint8_t *text, uint32_t length, bytes object, size_t at, bool wide,
                bool nocase)
{
    uint32_t step = wide ? 2 : 1;

    if (!bytes_has(object, at, (uint64_t)length * step))
        return false;
    for (uint32_t i = 0; i < length; i++) {
        uint8_t c = object.at[at + (size_t)i * step];
        if (c != text[i] && (!nocase || ascii_lower(c) != ascii_lower(text[i])))
            return false;
        if (wide && object.at[at + (size_t)i * 2 + 1] != 0)
            return false;
    }
    return true;
}

bool text_is_word(bytes object, size_t at, size_t length, bool wide)
{
    const uint8_t *p = object.at;
    size_t end = at + length;

    if (wide) {
        if (at >= 2 && p[at - 1] == 0 && ascii_alnum(p[at - 2]))
            return false;
        return !(end + 1 < object.len && p[end + 1] == 0 && ascii_alnum(p[end]));
    }
    if (at >= 1 && ascii_alnum(p[at - 1]))
        return false;
    return !(end < object.len && ascii_alnum(p[end]));
}

static bool form_equal(const struct program *program, const struct text_form *form,
                       bytes object, size_t at, uint8_t key)
{
    const uint8_t *text = program_texts(program) + form->text, *p = object.at + at;

    if (!bytes_has(object, at, form->length))
        return false;
    if (program->flags & PATTERN_XOR) {
        for (uint32_t i = 0; i < form->length; i++)
            if ((p[i] ^ key) != text[i])
                return false;
        return true;
    }
    if (!(program->flags & PATTERN_NOCASE))
        return !memcmp(p, text, form->length);
    for (uint32_t i = 0; i < form->length; i++)
        if (ascii_lower(p[i]) != ascii_lower(text[i]))
            return false;
    return true;
}

/* ClamAV takes a last byte without its second half for a character, too. */
static bool is_word(const struct program *program, const struct text_form *form, bytes object,
                    size_t at)
{
    size_t end = at + form->length;

    if (program->right && form->wide && end + 1 == object.len && ascii_alnum(object.at[end]))
        return false;
    return text_is_word(object, at, form->length, form->wide);
}

/* Where the plain and the wide form both match, a text of at most an atom's size is tried in
 * each form, a longer one in the first that compares equal; under xor that is the wide one,
 * unless the key is 0. */
bool text_match(const struct program *program, bytes object, size_t offset, struct match *ret)
{
    uint8_t key = 0;
    uint32_t first = 0;

    if (offset >= object.len)
        return false;
    if (program->flags & PATTERN_XOR) {
        key = object.at[offset] ^ program_texts(program)[program->form[0].text];
        if (key < program->xor_min || key > program->xor_max)
            return false;
        first = program->forms == 2 && key && !program->forms_fit;
    }
    for (uint32_t i = 0; i < program->forms; i++) {
        const struct text_form *form = &program->form[i ^ first];
        if (!form_equal(program, form, object, offset, key))
            continue;
        if (!(program->flags & PATTERN_FULLWORD) || is_word(program, form, object, offset)) {
            *ret = (struct match){.offset = offset, .length = form->length, .xor_key = key};
            return true;
        }
        if (!program->forms_fit)
            return false;
    }
    return false;
}

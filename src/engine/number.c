/* number — NODE_NUMBER: a number written in the object at a distance from the last match of a
 * pattern. docs.clamav.net, "Byte Compare Subsignatures"; where that is silent, as clamscan 1.4
 * does it. */
#include "engine/signature.h"

#include <string.h>

/* What a longer text has beyond this is left out: no number has so many digits. */
enum { MAX_TEXT = 64 };

struct text {
    char at[MAX_TEXT + 1];
    uint32_t len;
    bool had_space; /* before it, left out */
};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool has_prefix(const char *at, uint32_t len)
{
    return len >= 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
}

/* As ClamAV reads it: like strtol, but for 0x behind a sign, which is none. *ret_used
 * characters belong to the number. False when it is too large. */
static bool parse(const char *at, uint32_t len, int base, int64_t *ret, uint32_t *ret_used)
{
    uint32_t i = 0, digits = 0;
    while (i < len && is_space((uint8_t)at[i]))
        i++;
    bool is_negative = i < len && at[i] == '-';
    if (i < len && (at[i] == '-' || at[i] == '+'))
        i++;
    else if (base == 16 && has_prefix(at + i, len - i) && i + 2 < len)
        i += 2;
    uint64_t value = 0, max = (uint64_t)INT64_MAX + is_negative;
    for (int digit; i < len; i++, digits++) {
        digit = ascii_hex((uint8_t)at[i]);
        if (digit < 0 || digit >= base)
            break;
        if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value) || value > max)
            return false;
    }
    *ret = (int64_t)(is_negative ? 0 - value : value);
    *ret_used = digits ? i : 0;
    return true;
}

static struct text take_text(bytes part)
{
    struct text text = {0};
    while (part.len && is_space(part.at[0])) {
        part = bytes_slice(part, 1, part.len);
        text.had_space = true;
    }
    text.len = part.len < MAX_TEXT ? (uint32_t)part.len : MAX_TEXT;
    if (text.len)
        memcpy(text.at, part.at, text.len);
    return text;
}

/* The last pair of digits first: 0x1234 is 3412. A text of odd length gets a 0 in front. With
 * something that is no digit in it, what was turned until then is zeros. */
static void turn(struct text *text)
{
    char from[MAX_TEXT + 2], to[MAX_TEXT + 2];
    uint32_t len = text->len, even = len + (len & 1);
    if (len <= 1)
        return;
    memset(from, '0', sizeof from);
    memset(to, '0', sizeof to);
    memcpy(from + (even - len), text->at, len);
    if (has_prefix(text->at, len)) {
        from[even - len] = '0';
        from[even - len + 1] = '0';
        from[0] = 'x';
    }
    for (uint32_t i = 0; i < even; i += 2) {
        char high = from[even - i - 2], low = from[even - i - 1];
        if (ascii_hex((uint8_t)high) < 0 && ascii_lower((uint8_t)high) != 'x') {
            memset(to, '0', sizeof to);
            continue;
        }
        to[i] = high;
        if (ascii_hex((uint8_t)low) >= 0 || ascii_lower((uint8_t)low) == 'x')
            to[i + 1] = low;
        else
            memset(to, '0', sizeof to);
    }
    memcpy(text->at, to, even < MAX_TEXT ? even : MAX_TEXT);
}

static struct value text_value(bytes part, unsigned aux)
{
    struct text text = take_text(part);
    enum node_number kind = aux & NUMBER_KIND;
    bool is_hex = kind == NUMBER_TEXT_HEX;
    if (kind == NUMBER_TEXT_AUTO) {
        if (text.len < 3)
            return VALUE_NONE;
        is_hex = has_prefix(text.at, text.len);
    }
    if (!is_hex && (aux & NUMBER_TURNED))
        return VALUE_NONE;
    uint32_t length = text.len, used;
    if (aux & NUMBER_TURNED) {
        turn(&text);
        length += length > 1 ? length & 1 : 0;
    }
    int64_t value;
    if (!parse(text.at, length, is_hex ? 16 : 10, &value, &used))
        return VALUE_NONE;
    if ((aux & NUMBER_EXACT) && (used != text.len || text.had_space))
        return VALUE_NONE;
    return VALUE_INT(value);
}

static struct value binary_value(bytes part, bool is_big)
{
    uint64_t value = 0;
    if (part.len != 1 && part.len != 2 && part.len != 4 && part.len != 8)
        return VALUE_NONE;
    for (size_t i = 0; i < part.len; i++)
        value |= (uint64_t)part.at[is_big ? part.len - 1 - i : i] << 8 * i;
    return VALUE_INT(value);
}

struct value number_value(struct scanner *scanner, const struct node *node)
{
    const uint32_t *links = scanner->set->links + node->b;
    const struct object_input *object = scanner->object;
    if (node->a == NODE_LOOP_PATTERN || object->is_process || object->block_count != 1)
        return VALUE_NONE;
    const struct matches *matches =
        found_matches(scanner, scanner->set->patterns[node->a].program);
    if (!matches->list.n)
        return VALUE_NONE;
    bytes data = object->blocks[0].data;
    int64_t at = (int64_t)matches->list.at[matches->list.n - 1].offset + (int32_t)links[0];
    if (at <= 0 || !bytes_has(data, (uint64_t)at, links[1])) /* not even the first byte */
        return VALUE_NONE;
    bytes part = bytes_slice(data, (size_t)at, links[1]);
    enum node_number kind = node->aux & NUMBER_KIND;
    return kind == NUMBER_LITTLE || kind == NUMBER_BIG ? binary_value(part, kind == NUMBER_BIG)
                                                       : text_value(part, node->aux);
}

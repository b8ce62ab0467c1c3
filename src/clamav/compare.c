#include "clamav/compare.h"

#include "clamav/logic.h"

#include <string.h>

static int64_t most_of(bool negative)
{
    return negative ? INT64_MIN : INT64_MAX;
}

/* A number as strtoll reads one with base 0, all of the text; false when it is none. */
static bool read_any_base(bytes text, int64_t *ret)
{
    bool negative = text.len && text.at[0] == '-';
    size_t at = text.len && (text.at[0] == '-' || text.at[0] == '+') ? 1 : 0, digits = 0;
    int64_t value = 0;
    int base = 10;
    if (at + 1 < text.len && text.at[at] == '0') {
        base = ascii_lower(text.at[at + 1]) == 'x' ? 16 : 8;
        at += base == 16 ? 2 : 0;
    }
    for (; at < text.len; at++, digits++) {
        int digit = ascii_hex(text.at[at]);
        if (digit < 0 || digit >= base)
            return false;
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            value = most_of(negative);
    }
    *ret = value;
    return digits > 0;
}

/* `h`, `d`, `i`, `a`, `l`, `b`, `e` before the length; false when they do not go together. */
static bool read_kind(bytes *text, uint16_t *ret)
{
    uint32_t kinds = 0, ends = 0;
    bool exact = false, big = true;
    uint8_t kind = 0;
    for (; text->len && (text->at[0] < '0' || text->at[0] > '9');
         *text = bytes_slice(*text, 1, text->len)) {
        switch (text->at[0]) {
        case 'h':
        case 'd':
        case 'i':
        case 'a':
            kinds += kind != text->at[0];
            kind = text->at[0];
            break;
        case 'l':
        case 'b':
            ends += !ends || big != (text->at[0] == 'b');
            big = text->at[0] == 'b';
            break;
        case 'e':
            exact = true;
            break;
        default:
            return false;
        }
    }
    /* Without a byte order ClamAV loads the signature and never finds it. */
    if (kinds != 1 || ends > 1 || (kind != 'd' && !ends) || (kind == 'd' && !big))
        return false;
    if (kind == 'i')
        *ret = big ? NUMBER_BIG : NUMBER_LITTLE;
    else
        *ret = (uint16_t)((kind == 'h'   ? NUMBER_TEXT_HEX
                           : kind == 'd' ? NUMBER_TEXT_DECIMAL
                                         : NUMBER_TEXT_AUTO) |
                          (exact ? NUMBER_EXACT : 0));
    return kind == 'i' || big; /* text in little endian is not read */
}

static bool read_distance(bytes text, int64_t *ret)
{
    bytes number = bytes_slice(text, 2, text.len);
    *ret = 0;
    if (!text.len || text.at[0] == '0')
        return true;
    bool forward = bytes_is(bytes_slice(text, 0, 2), ">>");
    if ((!forward && !bytes_is(bytes_slice(text, 0, 2), "<<")) || !read_any_base(number, ret) ||
        *ret < 0 || *ret > INT32_MAX)
        return false;
    if (!forward)
        *ret = -*ret;
    return true;
}

static bool add_comparison(struct draft *draft, uint32_t number, bytes text, uint32_t *ret)
{
    int64_t with;
    uint8_t sign = text.len ? text.at[0] : 0;
    if ((sign != '=' && sign != '<' && sign != '>') ||
        !read_any_base(bytes_slice(text, 1, text.len), &with))
        return false;
    *ret = draft_binary(draft,
                        sign == '='   ? NODE_EQ
                        : sign == '<' ? NODE_LT
                                      : NODE_GT,
                        TYPE_BOOL, number, draft_int(draft, with));
    return true;
}

static bool length_fits(uint16_t kind, int64_t length)
{
    if (kind == NUMBER_BIG || kind == NUMBER_LITTLE)
        return length == 1 || length == 2 || length == 4 || length == 8;
    return length > 0 && length <= 32;
}

const char *compare_number(struct draft *draft, bytes text, const struct subsignature *before,
                           uint32_t number, struct subsignature *ret)
{
    bytes rest = text, index, inside, part[4] = {{NULL, 0}}, one;
    int64_t reference, distance, length;
    uint16_t kind;
    uint32_t parts = 0, items[3], count = 0;
    bytes_cut(&rest, '(', &index);
    bytes_cut(&rest, ')', &inside);
    while (parts < COUNT(part) && bytes_cut(&inside, '#', &part[parts]))
        parts++;
    if (parts != 3 || !index.len || !offset_number(index, &reference))
        return "a comparison of bytes is malformed";
    if (reference >= number || before[reference].pattern == NODE_NONE)
        return "a comparison of bytes refers to no earlier body";
    if (!read_distance(part[0], &distance) || !read_kind(&part[1], &kind) ||
        !read_any_base(part[1], &length) || !length_fits(kind, length))
        return "a comparison of bytes asks for what is not known";
    uint32_t links[3] = {(uint32_t)distance, (uint32_t)length, 0};
    struct node node = {.op = NODE_NUMBER,
                        .type = TYPE_INT,
                        .aux = kind,
                        .a = before[reference].pattern,
                        .b = draft_links(draft, links, 3)};
    uint32_t value = draft_node(draft, node);
    items[count++] = before[reference].found;
    rest = part[2];
    while (bytes_cut(&rest, ',', &one)) {
        if (count == COUNT(items) || !add_comparison(draft, value, one, &items[count]))
            return "a comparison of bytes is malformed";
        count++;
    }
    if (count < 2)
        return "a comparison of bytes is malformed";
    ret->found =
        draft_binary(draft, NODE_AND, TYPE_BOOL, draft_links(draft, items, count), count);
    ret->count = ret->found;
    ret->pattern = NODE_NONE;
    return NULL;
}

static bool read_flags(bytes text, uint32_t *ret)
{
    static const struct {
        char letter;
        uint16_t flag;
    } known[] = {
        {'i', PCRE_NOCASE},    {'s', PCRE_DOTALL},   {'m', PCRE_MULTILINE},
        {'x', PCRE_EXTENDED},  {'A', PCRE_ANCHORED}, {'E', PCRE_DOLLAR_END},
        {'U', PCRE_UNGREEDY},  {'g', PCRE_GLOBAL},   {'r', PCRE_ROLLING},
        {'e', PCRE_ENCOMPASS},
    };

    *ret = 0;
    for (size_t i = 0; i < text.len; i++) {
        size_t k = 0;
        while (k < COUNT(known) && (uint8_t)known[k].letter != text.at[i])
            k++;
        if (k == COUNT(known))
            return false;
        *ret |= known[k].flag;
    }
    return true;
}

static size_t last_slash(bytes text)
{
    size_t at = text.len;
    while (at > 0 && text.at[at - 1] != '/')
        at--;
    return at ? at - 1 : SIZE_MAX;
}

static uint32_t pcre_node(struct draft *draft, bytes pattern, uint32_t flags,
                          const struct offset *offset)
{
    uint32_t links[7] = {draft_text(draft, pattern), (uint32_t)pattern.len, flags};
    offset_range(draft, offset, &links[3], &links[4]);
    if (links[4] != NODE_NONE)
        links[4] = draft_binary(draft, NODE_ADD, TYPE_INT, links[4], draft_int(draft, 1));
    return draft_node(draft, (struct node){.op = NODE_COUNT_PCRE,
                                           .type = TYPE_INT,
                                           .a = draft_links(draft, links, 7)});
}

const char *compare_pcre(struct clamav *clamav, bytes text, enum target target,
                         struct subsignature *before, uint32_t number, struct subsignature *ret)
{
    struct draft *draft = clamav->draft;
    struct offset offset = {.kind = OFFSET_ANY};
    size_t first = bytes_find(text, bytes_of("/"), 0), last = last_slash(text);
    size_t colon = bytes_find(bytes_slice(text, 0, first), bytes_of(":"), 0);
    uint32_t flags, most;
    uint64_t counted;
    if (first == last || colon == 0)
        return "a PCRE lacks a slash";
    if (colon != SIZE_MAX) {
        const char *reason = offset_read(bytes_slice(text, 0, colon), target, &offset);
        if (reason)
            return reason;
    }
    size_t from = colon == SIZE_MAX ? 0 : colon + 1;
    bytes trigger = bytes_slice(text, from, first - from);
    bytes pattern = bytes_slice(text, first + 1, last - first - 1);
    if (!read_flags(bytes_slice(text, last + 1, text.len), &flags))
        return "a PCRE has a flag that is not known";
    if (!trigger.len || !pattern.len)
        return "a PCRE or its trigger is empty";
    struct logic *logic = logic_read(trigger, clamav->scratch, &most, &counted);
    if (!logic || most >= number)
        return "a PCRE's trigger is no condition on what is before it";
    uint32_t items[2] = {logic_node(draft, clamav->scratch, logic, before)};
    uint32_t count = pcre_node(draft, pattern, flags, &offset);
    items[1] = draft_binary(draft, NODE_GT, TYPE_BOOL, count, draft_int(draft, 0));
    ret->found = draft_binary(draft, NODE_AND, TYPE_BOOL, draft_links(draft, items, 2), 2);
    ret->count = draft_binary(draft, NODE_MUL, TYPE_INT, items[0], count);
    ret->pattern = NODE_NONE;
    return NULL;
}

const char *compare_image(struct draft *draft, bytes text, struct subsignature *ret)
{
    bytes rest = text, algorithm, hash, distance;
    uint64_t value = 0;
    int64_t bits = 0;
    bytes_cut(&rest, '#', &algorithm);
    bytes_cut(&rest, '#', &hash);
    bool has_distance = bytes_cut(&rest, '#', &distance);
    if (hash.len != 16 || (has_distance && (!distance.len || !offset_number(distance, &bits))))
        return "a picture's hash is malformed";
    if (bits)
        return "a picture's hash may differ, which ClamAV refuses"; /* as of 1.4 */
    for (size_t i = 0; i < hash.len; i++) {
        int digit = ascii_hex(hash.at[i]);
        if (digit < 0)
            return "a picture's hash is malformed";
        value = value << 4 | (uint64_t)digit;
    }
    ret->found = draft_node(draft, (struct node){.op = NODE_IMAGE_HASH,
                                                 .type = TYPE_BOOL,
                                                 .a = (uint32_t)value,
                                                 .b = (uint32_t)(value >> 32)});
    ret->count = ret->found;
    ret->pattern = NODE_NONE;
    return NULL;
}

#include "unpack/mail/literal.h"

#include "unpack/mail/transfer.h"
#include "unpack/mail/words.h"

#include <string.h>

enum {
    QUOTED_MAX = 1 << 20,
    SKIP_MAX = 256, /* white space between the parts of an expression */
    NUMBERS_MAX = 1 << 16,
    TEXT_MAX = 64 << 10, /* of base64 that is shown as text in place */
    ARGUMENTS = 32,
    ARGUMENT_MAX = 256,
    FORMAT_MAX = 4096,
};

static const struct {
    const char *name;
    enum literal_form form;
} calls[] = {
    {"fromcharcode", LITERAL_NUMBERS}, {"fromcodepoint", LITERAL_NUMBERS},
    {"chr", LITERAL_NUMBERS},          {"chrw", LITERAL_NUMBERS},
    {"chr$", LITERAL_NUMBERS},         {"chrw$", LITERAL_NUMBERS},
    {"chrb", LITERAL_NUMBERS},         {"unescape", LITERAL_PERCENT},
    {"decodeuri", LITERAL_PERCENT},    {"decodeuricomponent", LITERAL_PERCENT},
    {"urldecode", LITERAL_PERCENT},    {"rawurldecode", LITERAL_PERCENT},
    {"atob", LITERAL_BASE64},          {"base64_decode", LITERAL_BASE64},
    {"b64decode", LITERAL_BASE64},     {"frombase64string", LITERAL_BASE64},
};

size_t literal_skip(bytes text, size_t at)
{
    for (size_t end = at + SKIP_MAX; at < text.len && at < end; at++) {
        uint8_t c = text.at[at];
        bool joins = (c == '_' || c == '\\' || c == '`') && at + 1 < text.len &&
                     words_eol(text.at[at + 1]);
        if (!words_space(c) && !joins)
            break;
    }
    return at;
}

/* --- numbers --- */

static bool number_read(bytes *rest, int64_t *ret)
{
    unsigned base = 10;
    int64_t value = 0;
    size_t digits = 0;
    if (words_start(*rest, "0x") || words_start(*rest, "&h")) {
        base = 16;
        *rest = bytes_slice(*rest, 2, rest->len);
    }
    for (; rest->len && digits < 9; digits++) {
        int digit = ascii_hex(rest->at[0]);
        if (digit < 0 || (unsigned)digit >= base)
            break;
        value = value * base + digit;
        *rest = bytes_slice(*rest, 1, rest->len);
    }
    if (digits && rest->len && rest->at[0] == '&') /* "&H41&" */
        *rest = bytes_slice(*rest, base == 16, rest->len);
    *ret = value;
    return digits > 0;
}

static void skip_inside(bytes *rest)
{
    *rest = bytes_slice(*rest, literal_skip(*rest, 0), rest->len);
}

/* "65", "100-35", "0x40 + 1": from left to right. */
static bool sum_read(bytes *rest, int64_t *ret)
{
    int64_t value = 0, next;
    uint8_t sign = '+';
    for (unsigned terms = 0; terms < ARGUMENTS; terms++) {
        skip_inside(rest);
        if (!number_read(rest, &next))
            return false;
        switch (sign) {
        case '+':
            value += next;
            break;
        case '-':
            value -= next;
            break;
        case '*':
            value = value > UINT32_MAX || value < 0 ? 0 : value * next;
            break;
        default:
            value ^= next;
        }
        skip_inside(rest);
        sign = rest->len ? rest->at[0] : 0;
        if (sign != '+' && sign != '-' && sign != '*' && sign != '^')
            break;
        *rest = bytes_slice(*rest, 1, rest->len);
    }
    *ret = value;
    return value >= 0 && value <= 0x10ffff;
}

/* Numbers with commas up to ")" : their text, and past the bracket. */
static bool numbers_read(bytes text, size_t at, struct literal *ret)
{
    bytes rest = bytes_slice(text, at, NUMBERS_MAX);
    int64_t value;
    size_t size = rest.len;
    while (sum_read(&rest, &value) && rest.len) {
        uint8_t c = rest.at[0];
        if (c == ')') {
            ret->body = bytes_slice(text, at, size - rest.len);
            ret->end = at + (size - rest.len) + 1;
            return true;
        }
        if (c != ',')
            return false;
        rest = bytes_slice(rest, 1, rest.len);
    }
    return false;
}

/* --- strings --- */

/* A string in quotes that ends on its line. */
static bool quoted_read(bytes text, size_t at, struct literal *ret)
{
    uint8_t quote = text.at[at];
    size_t end = text.len - at > QUOTED_MAX ? at + QUOTED_MAX : text.len;
    for (size_t i = at + 1; i < end; i++) {
        uint8_t c = text.at[i];
        if (c == quote) {
            ret->form = LITERAL_QUOTED;
            ret->quote = quote;
            ret->body = words_part(text, at + 1, i);
            ret->end = i + 1;
            return true;
        }
        if (c == '\\' && i + 1 < end && text.at[i + 1] == quote && quote != '`' &&
            !(i + 2 < end && memchr("+&,;) \r\n", text.at[i + 2], 8)))
            i++;
        else if (c == '\\' && i + 1 < end && (text.at[i + 1] == '\\'))
            i++;
        else if (words_eol(c) && quote != '`')
            break;
    }
    return false;
}

/* "-f 'a','b'" after a format. */
static void format_read(bytes text, struct literal *ret)
{
    size_t at = literal_skip(text, ret->end), last = 0;
    struct literal argument;
    if (ret->body.len > FORMAT_MAX || !words_start(bytes_slice(text, at, 2), "-f") ||
        bytes_find(ret->body, bytes_of("{0}"), 0) == SIZE_MAX)
        return;
    size_t from = at + 2;
    at = literal_skip(text, from);
    for (unsigned i = 0; i < ARGUMENTS && at < text.len; i++) {
        if ((text.at[at] != '"' && text.at[at] != '\'') || !quoted_read(text, at, &argument))
            break;
        last = argument.end;
        at = literal_skip(text, last);
        if (at >= text.len || text.at[at] != ',')
            break;
        at = literal_skip(text, at + 1);
    }
    if (last) {
        ret->form = LITERAL_FORMAT;
        ret->arguments = words_part(text, from, last);
        ret->end = last;
    }
}

/* "[char]65", "[char](65)", "[char[]](65,66)" */
static bool char_read(bytes text, size_t at, struct literal *ret)
{
    bytes rest = bytes_slice(text, at, 16);
    size_t skip = words_start(rest, "[char]") ? 6 : words_start(rest, "[char[]]") ? 8 : 0;
    if (!skip)
        return false;
    ret->form = LITERAL_NUMBERS;
    ret->quote = '"';
    at = literal_skip(text, at + skip);
    if (at < text.len && text.at[at] == '(')
        return numbers_read(text, at + 1, ret);
    int64_t value;
    rest = bytes_slice(text, at, 16);
    size_t size = rest.len;
    if (!number_read(&rest, &value))
        return false;
    ret->body = bytes_slice(text, at, size - rest.len);
    ret->end = at + (size - rest.len);
    return true;
}

/* A call by name: past its "(", and what is called; 0 when there is none. */
static size_t call_read(bytes text, size_t at, enum literal_form *ret)
{
    size_t i = at, last = at;
    while (i < text.len && i < at + 64 && (literal_word_char(text.at[i]) || text.at[i] == '.'))
        if (text.at[i++] == '.')
            last = i;
    bytes name = words_part(text, last, i);
    uint8_t c = name.len ? ascii_lower(name.at[0]) : 0;
    if (!c || !memchr("fcudrab", c, 7))
        return 0;
    i = literal_skip(text, i);
    if (i >= text.len || text.at[i] != '(')
        return 0;
    for (size_t k = 0; k < COUNT(calls); k++)
        if (words_same(name, calls[k].name)) {
            *ret = calls[k].form;
            return literal_skip(text, i + 1);
        }
    return 0;
}

/* Base64 of text that is short enough to be shown in place. */
static bool base64_is_text(bytes body)
{
    uint8_t head[64];
    struct base64 state = {.in = bytes_slice(body, 0, 84)};
    size_t size = base64_decode(&state, head, 63);
    for (size_t i = 0; i < size; i++)
        if ((head[i] < ' ' && !words_space(head[i])) || head[i] >= 0x7f)
            return false;
    return size > 0 && body.len <= TEXT_MAX;
}

size_t literal_base64_call(bytes text, size_t at, bytes *ret_argument)
{
    enum literal_form form;
    struct literal argument;
    size_t inside = call_read(text, at, &form);
    if (!inside || form != LITERAL_BASE64 || inside >= text.len ||
        (text.at[inside] != '"' && text.at[inside] != '\'') ||
        !quoted_read(text, inside, &argument))
        return 0;
    *ret_argument = argument.body;
    return argument.end;
}

bool literal_read(bytes text, size_t at, struct literal *ret)
{
    uint8_t c = at < text.len ? text.at[at] : 0;
    enum literal_form form;
    if (c == '"' || c == '\'') {
        if (!quoted_read(text, at, ret))
            return false;
        format_read(text, ret);
        return true;
    }
    if (c == '[')
        return char_read(text, at, ret);
    size_t inside = ascii_alnum(c) && c > '9' ? call_read(text, at, &form) : 0;
    if (!inside || inside >= text.len)
        return false;
    if (form == LITERAL_NUMBERS) {
        ret->form = form;
        ret->quote = '"';
        return numbers_read(text, inside, ret);
    }
    if ((text.at[inside] != '"' && text.at[inside] != '\'') || !quoted_read(text, inside, ret))
        return false;
    ret->form = form;
    ret->end = literal_skip(text, ret->end);
    if (ret->end >= text.len || text.at[ret->end] != ')' ||
        (form == LITERAL_BASE64 && !base64_is_text(ret->body)))
        return false;
    ret->end++;
    return true;
}

/* --- values --- */

static bool shown(uint32_t rune)
{
    return rune >= ' ' && rune < 0x7f && rune != '"' && rune != '\'' && rune != '\\';
}

/* Hexadecimal digits, `least` to `most`; their count, 0 for too few. */
static size_t hex_read(bytes text, size_t least, size_t most, uint32_t *ret)
{
    size_t n = 0;
    uint32_t value = 0;
    for (; n < most && n < text.len && ascii_hex(text.at[n]) >= 0; n++)
        value = value << 4 | (uint32_t)ascii_hex(text.at[n]);
    *ret = value;
    return n >= least ? n : 0;
}

/* "\x41", "\u0041", "\u{41}", "\101" at the front: the length, 0 for others. */
static size_t escape_read(bytes text, uint32_t *ret)
{
    uint8_t c = text.len > 2 ? text.at[1] : 0;
    size_t n;
    if (c == 'x')
        return (n = hex_read(bytes_slice(text, 2, 2), 2, 2, ret)) ? n + 2 : 0;
    if (c == 'u' && text.at[2] == '{') {
        n = hex_read(bytes_slice(text, 3, 6), 1, 6, ret);
        return n && n + 3 < text.len && text.at[n + 3] == '}' ? n + 4 : 0;
    }
    if (c == 'u')
        return (n = hex_read(bytes_slice(text, 2, 4), 4, 4, ret)) ? n + 2 : 0;
    if (c < '0' || c > '3')
        return 0;
    uint32_t value = 0;
    for (n = 1; n < 4 && n < text.len && text.at[n] >= '0' && text.at[n] <= '7'; n++)
        value = value << 3 | (uint32_t)(text.at[n] - '0');
    *ret = value;
    return n == 4 ? n : 0;
}

static unsigned put_quoted(struct writer *writer, bytes body, enum script script)
{
    unsigned changes = 0;
    uint8_t tick = script == SCRIPT_POWER ? '`' : '\\';
    for (size_t i = 0; i < body.len && !writer->full;) {
        size_t from = i;
        while (i < body.len && body.at[i] != '\\' && body.at[i] != tick)
            i++;
        writer_put(writer, words_part(body, from, i));
        if (i >= body.len)
            break;
        uint8_t c = body.at[i];
        uint32_t rune = 0;
        size_t size = c == '\\' ? escape_read(bytes_slice(body, i, 12), &rune) : 0;
        if (size && shown(rune)) {
            writer_byte(writer, (uint8_t)rune);
            changes++;
            i += size;
        } else if (c == '\\' && i + 1 < body.len && !size) {
            writer_put(writer, bytes_slice(body, i, 2));
            i += 2;
        } else if (c == '`' && script == SCRIPT_POWER && i + 1 < body.len &&
                   ascii_alnum(body.at[i + 1]) && !memchr("ntr0abfveu", body.at[i + 1], 10)) {
            changes++;
            i++;
        } else {
            writer_byte(writer, c);
            i++;
        }
    }
    return changes;
}

static unsigned put_percent(struct writer *writer, bytes body)
{
    unsigned changes = 0;
    for (size_t i = 0; i < body.len;) {
        uint32_t rune = 0;
        size_t size = 0;
        if (body.at[i] == '%' && i + 2 < body.len) {
            bool wide = ascii_lower(body.at[i + 1]) == 'u';
            size =
                hex_read(bytes_slice(body, i + 1 + wide, 4), wide ? 4 : 2, wide ? 4 : 2, &rune);
            size += size ? 1u + wide : 0;
        }
        if (size && (shown(rune) || words_space((uint8_t)rune)) && rune < 0x80) {
            writer_byte(writer, (uint8_t)rune);
            changes++;
            i += size;
        } else {
            writer_byte(writer, body.at[i++]);
        }
    }
    return changes;
}

static unsigned put_numbers(struct writer *writer, bytes body)
{
    unsigned changes = 0;
    int64_t value;
    bytes rest = body;
    while (sum_read(&rest, &value)) {
        writer_rune(writer, (uint32_t)value);
        changes++;
        if (!rest.len)
            break;
        rest = bytes_slice(rest, 1, rest.len);
    }
    return changes;
}

static unsigned put_format(struct writer *writer, const struct literal *literal,
                           enum script script)
{
    bytes arguments[ARGUMENTS], text = literal->arguments;
    unsigned count = 0;
    struct literal argument;
    for (size_t at = literal_skip(text, 0); count < ARGUMENTS && at < text.len;) {
        if (!quoted_read(text, at, &argument))
            break;
        arguments[count++] = bytes_slice(argument.body, 0, ARGUMENT_MAX);
        at = literal_skip(text, literal_skip(text, argument.end) + 1);
    }
    for (size_t i = 0; i < literal->body.len && !writer->full;) {
        bytes rest = bytes_slice(literal->body, i + 1, 4);
        uint64_t index;
        size_t size = rest.len;
        if (literal->body.at[i] == '{' && words_number(&rest, &index) && index < count &&
            rest.len && rest.at[0] == '}') {
            put_quoted(writer, arguments[index], script);
            i += size - rest.len + 2;
        } else {
            writer_byte(writer, literal->body.at[i++]);
        }
    }
    return 1;
}

unsigned literal_put(struct writer *writer, struct arena *arena, const struct literal *literal,
                     enum script script)
{
    switch (literal->form) {
    case LITERAL_NUMBERS:
        return put_numbers(writer, literal->body);
    case LITERAL_PERCENT:
        return put_percent(writer, literal->body);
    case LITERAL_BASE64:
        writer_put(writer,
                   transfer_copy(arena, TRANSFER_BASE64, literal->body, literal->body.len));
        return 1;
    case LITERAL_FORMAT:
        return put_format(writer, literal, script);
    case LITERAL_QUOTED:
        break;
    }
    return put_quoted(writer, literal->body, script);
}

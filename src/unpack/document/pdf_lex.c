#include "unpack/document/pdf_lex.h"

#include <string.h>

enum { NEST_MAX = 1 << 20 /* brackets in brackets */ };

/* White space, 7.2.2, and delimiters; what is neither is regular. */
enum { REGULAR, SPACE, DELIMITER };

static const uint8_t class_of[256] = {
    [0] = SPACE,       ['\t'] = SPACE,    ['\n'] = SPACE,    ['\f'] = SPACE,
    ['\r'] = SPACE,    [' '] = SPACE,     ['('] = DELIMITER, [')'] = DELIMITER,
    ['<'] = DELIMITER, ['>'] = DELIMITER, ['['] = DELIMITER, [']'] = DELIMITER,
    ['{'] = DELIMITER, ['}'] = DELIMITER, ['/'] = DELIMITER, ['%'] = DELIMITER,
};

/* Moves past bytes that are there, and returns them. */
static inline bytes take(bytes *rest, size_t len)
{
    bytes taken = {rest->at, len};
    *rest = (bytes){rest->at + len, rest->len - len};
    return taken;
}

/* End of the regular characters from `len` on. */
static inline size_t regular_end(bytes text, size_t len)
{
    while (len < text.len && class_of[text.at[len]] == REGULAR)
        len++;
    return len;
}

static inline void skip_space(bytes *rest)
{
    size_t at = 0;
    bool comment = false;
    for (; at < rest->len; at++) {
        uint8_t c = rest->at[at];
        if (comment)
            comment = c != '\n' && c != '\r';
        else if (c == '%')
            comment = true;
        else if (class_of[c] != SPACE)
            break;
    }
    (void)take(rest, at);
}

/* Behind the '('; the text is up to its ')', or all there is. */
static bytes lex_string(bytes *rest)
{
    size_t at = 0, depth = 1;
    for (; at < rest->len; at++) {
        uint8_t c = rest->at[at];
        if (c == '\\')
            at++;
        else if (c == '(')
            depth++;
        else if (c == ')' && --depth == 0)
            break;
    }
    bytes text = bytes_slice(*rest, 0, at);
    *rest = bytes_slice(*rest, at + 1, rest->len);
    return text;
}

static struct pdf_token lex_word(bytes *rest)
{
    enum { MAX_DIGITS = 18 }; /* of an int64_t, whatever they are */

    uint8_t first = rest->at[0];
    size_t sign = first == '-' || first == '+', digits = sign;
    uint64_t number = 0;
    for (; digits < rest->len && (uint8_t)(rest->at[digits] - '0') < 10; digits++)
        number = number * 10 + (uint64_t)(rest->at[digits] - '0');
    size_t len = regular_end(*rest, digits);
    /* A bracket that closes nothing is a word, too. */
    struct pdf_token token = {PDF_WORD, take(rest, len ? len : 1), 0};
    if (len == digits && digits > sign && digits - sign <= MAX_DIGITS) {
        token.kind = PDF_NUMBER;
        token.number = first == '-' ? -(int64_t)number : (int64_t)number;
    }
    return token;
}

static struct pdf_token lex_hex(bytes *rest)
{
    const uint8_t *end = rest->len ? memchr(rest->at, '>', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->at) : rest->len;
    struct pdf_token token = {PDF_HEX, bytes_slice(*rest, 0, len), 0};
    *rest = bytes_slice(*rest, len + 1, rest->len);
    return token;
}

struct pdf_token pdf_lex(bytes *rest)
{
    skip_space(rest);
    if (rest->len == 0)
        return (struct pdf_token){PDF_END, *rest, 0};
    uint8_t c = rest->at[0], next = rest->len > 1 ? rest->at[1] : 0;
    if (class_of[c] == REGULAR)
        return lex_word(rest);
    if ((c == '<' && next == '<') || (c == '>' && next == '>'))
        return (struct pdf_token){c == '<' ? PDF_DICT : PDF_DICT_END, take(rest, 2), 0};
    if (c != '/' && c != '(' && c != '<' && c != '[' && c != ']')
        return lex_word(rest);
    bytes bracket = take(rest, 1);
    if (c == '/')
        return (struct pdf_token){PDF_NAME, take(rest, regular_end(*rest, 0)), 0};
    if (c == '(')
        return (struct pdf_token){PDF_STRING, lex_string(rest), 0};
    if (c == '<')
        return lex_hex(rest);
    return (struct pdf_token){c == '[' ? PDF_ARRAY : PDF_ARRAY_END, bracket, 0};
}

struct pdf_token pdf_lex_peek(bytes rest)
{
    return pdf_lex(&rest);
}

bool pdf_lex_name_is(bytes name, const char *what)
{
    size_t at = 0;
    for (; *what; what++) {
        if (at >= name.len)
            return false;
        uint8_t c = name.at[at++];
        if (c == '#' && at + 2 <= name.len && ascii_hex(name.at[at]) >= 0 &&
            ascii_hex(name.at[at + 1]) >= 0) {
            c = (uint8_t)(ascii_hex(name.at[at]) << 4 | ascii_hex(name.at[at + 1]));
            at += 2;
        }
        if (c != (uint8_t)*what)
            return false;
    }
    return at == name.len;
}

bool pdf_lex_reference(bytes *rest, uint32_t *ret_number)
{
    bytes copy = *rest;
    struct pdf_token number = pdf_lex(&copy);
    if (number.kind != PDF_NUMBER || number.number < 0 || number.number > INT32_MAX ||
        pdf_lex(&copy).kind != PDF_NUMBER)
        return false;
    struct pdf_token word = pdf_lex(&copy);
    if (word.kind != PDF_WORD || !bytes_is(word.text, "R"))
        return false;
    *ret_number = (uint32_t)number.number;
    *rest = copy;
    return true;
}

void pdf_lex_skip(bytes *rest)
{
    uint32_t number;
    unsigned depth = 0;
    if (pdf_lex_reference(rest, &number))
        return;
    do {
        bytes before = *rest;
        switch (pdf_lex(rest).kind) {
        case PDF_END:
            return;
        case PDF_DICT:
        case PDF_ARRAY:
            depth++;
            break;
        case PDF_DICT_END:
        case PDF_ARRAY_END:
            if (depth == 0) { /* the end of what it stands in */
                *rest = before;
                return;
            }
            depth--;
            break;
        default:
            break;
        }
    } while (depth && depth < NEST_MAX);
}

bool pdf_lex_find(bytes dict, const char *key, bytes *ret)
{
    if (pdf_lex(&dict).kind != PDF_DICT)
        return false;
    for (;;) {
        struct pdf_token token = pdf_lex(&dict);
        if (token.kind == PDF_END || token.kind == PDF_DICT_END)
            return false;
        if (token.kind != PDF_NAME)
            continue; /* junk where a key should be */
        if (pdf_lex_name_is(token.text, key)) {
            *ret = dict;
            return true;
        }
        pdf_lex_skip(&dict);
    }
}

int64_t pdf_lex_find_number(bytes dict, const char *key, int64_t otherwise)
{
    bytes value;
    if (!pdf_lex_find(dict, key, &value))
        return otherwise;
    struct pdf_token token = pdf_lex(&value);
    return token.kind == PDF_NUMBER ? token.number : otherwise;
}

static bytes hex_decode(bytes text, uint8_t *to)
{
    size_t len = 0, digits = 0;
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = ascii_hex(text.at[i]);
        if (digit < 0)
            continue;
        value = value << 4 | (unsigned)digit;
        if (++digits % 2 == 0)
            to[len++] = (uint8_t)value;
    }
    if (digits % 2)
        to[len++] = (uint8_t)(value << 4);
    return (bytes){to, len};
}

/* One escape behind its backslash; returns how much of the text it is. */
static size_t escape_decode(bytes text, uint8_t *to, size_t *len)
{
    static const char from[] = "nrtbf", into[] = "\n\r\t\b\f";
    if (text.len == 0)
        return 0;
    uint8_t c = text.at[0];
    if (c >= '0' && c <= '7') {
        unsigned value = 0;
        size_t i = 0;
        for (; i < 3 && i < text.len && text.at[i] >= '0' && text.at[i] <= '7'; i++)
            value = value * 8 + (text.at[i] - '0');
        to[(*len)++] = (uint8_t)value;
        return i;
    }
    if (c == '\r' || c == '\n') /* a line goes on */
        return c == '\r' && text.len > 1 && text.at[1] == '\n' ? 2 : 1;
    const char *known = memchr(from, c, 5);
    to[(*len)++] = known ? (uint8_t)into[known - from] : c;
    return 1;
}

bytes pdf_lex_string(struct arena *arena, const struct pdf_token *token)
{
    bytes text = token->text;
    uint8_t *to = arena_push_raw(arena, text.len + 1);
    size_t len = 0;
    if (!to)
        return (bytes){NULL, 0};
    if (token->kind == PDF_HEX)
        return hex_decode(text, to);
    for (size_t i = 0; i < text.len;)
        if (text.at[i] == '\\')
            i += 1 + escape_decode(bytes_slice(text, i + 1, text.len), to, &len);
        else
            to[len++] = text.at[i++];
    return (bytes){to, len};
}

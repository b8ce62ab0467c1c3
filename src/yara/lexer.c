/* Tokens of the YARA language: libyara/lexer.l of YARA 4.5.8 is the reference for what is a
 * token; docs/yara-language.md lists what is added (digit separators, flags of a regular
 * expression in any order, a byte order mark). */
#include "yara/lexer.h"

#include <stdio.h>
#include <string.h>

#include "rules/node.h"

static const struct {
    char text[12];
    uint8_t len;
} keywords[] = {
    {"all", 3},      {"and", 3},         {"any", 3},          {"ascii", 5},     {"at", 2},
    {"base64", 6},   {"base64wide", 10}, {"condition", 9},    {"contains", 8},  {"defined", 7},
    {"endswith", 8}, {"entrypoint", 10}, {"false", 5},        {"filesize", 8},  {"for", 3},
    {"fullword", 8}, {"global", 6},      {"icontains", 9},    {"iendswith", 9}, {"iequals", 7},
    {"import", 6},   {"in", 2},          {"istartswith", 11}, {"matches", 7},   {"meta", 4},
    {"nocase", 6},   {"none", 4},        {"not", 3},          {"of", 2},        {"or", 2},
    {"private", 7},  {"rule", 4},        {"startswith", 10},  {"strings", 7},   {"them", 4},
    {"true", 4},     {"wide", 4},        {"xor", 3},
};

_Static_assert(COUNT(keywords) == TOKEN_XOR - TOKEN_KEYWORD + 1, "a keyword per token");

void lexer_init(struct lexer *lexer, bytes text)
{
    if (text.len > (1u << 30))
        text.len = 1u << 30;
    *lexer = (struct lexer){.text = text, .line = 1};
    if (text.len >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0)
        lexer->at = lexer->line_at = 3;
}

static inline int byte_at(const struct lexer *lexer, size_t at)
{
    return at < lexer->text.len ? lexer->text.at[at] : -1;
}

static inline bool is_word(int c)
{
    return c >= 0 && (ascii_alnum((uint8_t)c) || c == '_');
}

static void new_line(struct lexer *lexer, uint32_t after)
{
    lexer->line++;
    lexer->line_at = after;
}

/* Space and comments. A block comment that is not closed reaches to the end, as in YARA. */
static void skip_blank(struct lexer *lexer)
{
    const uint8_t *text = lexer->text.at;
    uint32_t n = (uint32_t)lexer->text.len, at = lexer->at;
    while (at < n) {
        uint8_t c = text[at];
        if (c == '\n') {
            new_line(lexer, ++at);
        } else if (c == ' ' || c == '\t' || c == '\r') {
            at++;
        } else if (c == '/' && at + 1 < n && text[at + 1] == '/') {
            const uint8_t *end = memchr(text + at, '\n', n - at);
            at = end ? (uint32_t)(end - text) : n;
        } else if (c == '/' && at + 1 < n && text[at + 1] == '*') {
            for (at += 2; at < n && !(text[at] == '*' && at + 1 < n && text[at + 1] == '/');)
                if (text[at++] == '\n')
                    new_line(lexer, at);
            at = at < n ? at + 2 : n;
        } else {
            break;
        }
    }
    lexer->at = at;
}

static void bad(struct token *token, const char *problem)
{
    token->kind = TOKEN_BAD;
    token->problem = problem;
}

/* A text that goes wrong is skipped to the end of its line, or there would be a second fault
 * at each quote that follows. */
static uint32_t end_of_line(const struct lexer *lexer, uint32_t at)
{
    const uint8_t *end = memchr(lexer->text.at + at, '\n', lexer->text.len - at);
    return end ? (uint32_t)(end - lexer->text.at) : (uint32_t)lexer->text.len;
}

static uint32_t scan_text(const struct lexer *lexer, struct token *token)
{
    uint32_t at = token->at + 1;
    token->kind = TOKEN_TEXT;
    for (;;) {
        int c = byte_at(lexer, at);
        if (c == '"')
            break;
        if (c < 0 || c == '\n') {
            bad(token, "unterminated string");
            return at;
        }
        at++;
        if (c != '\\')
            continue;
        token->flags |= TOKEN_HAS_ESCAPE;
        c = byte_at(lexer, at++);
        if (c == 'x' && ascii_hex((uint8_t)byte_at(lexer, at)) >= 0 &&
            ascii_hex((uint8_t)byte_at(lexer, at + 1)) >= 0) {
            at += 2;
        } else if (c < 0 || c == '\n') {
            bad(token, "unterminated string");
            return at - 1;
        } else if (!strchr("trn\"\\", c) || c == 0) {
            bad(token, "illegal escape sequence");
            return end_of_line(lexer, at);
        }
    }
    token->text = bytes_slice(lexer->text, token->at + 1, at - token->at - 1);
    return at + 1;
}

static uint32_t scan_regex(const struct lexer *lexer, struct token *token)
{
    uint32_t at = token->at + 1;
    token->kind = TOKEN_REGEX;
    for (int c; (c = byte_at(lexer, at)) != '/'; at++) {
        if (c == '\\')
            c = byte_at(lexer, ++at);
        if (c < 0 || c == '\n') {
            bad(token, "unterminated regular expression");
            return at > lexer->text.len ? (uint32_t)lexer->text.len : at;
        }
    }
    token->text = bytes_slice(lexer->text, token->at + 1, at - token->at - 1);
    at++;
    if (byte_at(lexer, at) == 'i') {
        token->flags |= TOKEN_NOCASE_REGEX;
        at++;
    }
    if (byte_at(lexer, at) == 's') {
        token->flags |= TOKEN_DOTALL_REGEX;
        at++;
        if (byte_at(lexer, at) == 'i' && !is_word(byte_at(lexer, at + 1))) {
            token->flags |= TOKEN_NOCASE_REGEX;
            at++;
        }
    }
    return at;
}

/* Digits of a base with single `_` between them; false when they do not fit in 63 bits. */
static bool scan_digits(const struct lexer *lexer, uint32_t *at, unsigned base, uint64_t *ret)
{
    bool fits = true;
    uint64_t value = 0;
    for (;; ++*at) {
        int c = byte_at(lexer, *at);
        if (c == '_') {
            int next = ascii_hex((uint8_t)byte_at(lexer, *at + 1));
            if (next < 0 || (unsigned)next >= base)
                break;
            continue;
        }
        int digit = ascii_hex((uint8_t)c);
        if (digit < 0 || (unsigned)digit >= base)
            break;
        if (value > ((uint64_t)INT64_MAX - (unsigned)digit) / base)
            fits = false;
        else
            value = value * base + (unsigned)digit;
    }
    *ret = value;
    return fits;
}

/* Digits, `.`, digits. 19 digits are kept, which is more than a double holds. */
static uint32_t scan_real(const struct lexer *lexer, struct token *token, uint32_t at)
{
    uint64_t digits = 0, ignored;
    long double divisor = 1, factor = 1; /* powers of ten, exact up to 10^27 */
    bool fraction = false;
    at++;
    scan_digits(lexer, &at, 10, &ignored);
    for (uint32_t i = token->at; i < at; i++) {
        uint8_t c = lexer->text.at[i];
        bool keep = digits < UINT64_MAX / 10 - 1;
        if (c == '.')
            fraction = true;
        if (c == '.' || c == '_')
            continue;
        if (keep)
            digits = digits * 10 + (c - '0');
        if (keep && fraction)
            divisor *= 10;
        else if (!keep && !fraction)
            factor *= 10;
    }
    token->kind = TOKEN_DOUBLE;
    token->real = (double)((long double)digits * factor / divisor);
    return at;
}

static uint32_t scan_number(const struct lexer *lexer, struct token *token)
{
    uint32_t at = token->at;
    uint64_t value;
    int mark = byte_at(lexer, at + 1), digit = ascii_hex((uint8_t)byte_at(lexer, at + 2));
    bool fits, prefixed = lexer->text.at[at] == '0';
    token->kind = TOKEN_NUMBER;
    if (prefixed && mark == 'x' && digit >= 0) {
        at += 2;
        fits = scan_digits(lexer, &at, 16, &value);
    } else if (prefixed && mark == 'o' && digit >= 0 && digit < 8) {
        at += 2;
        fits = scan_digits(lexer, &at, 8, &value);
    } else {
        fits = scan_digits(lexer, &at, 10, &value);
        int c = byte_at(lexer, at + 1);
        if (byte_at(lexer, at) == '.' && c >= '0' && c <= '9')
            return scan_real(lexer, token, at);
        int unit = byte_at(lexer, at);
        if ((unit == 'K' || unit == 'M') && c == 'B') {
            uint64_t factor = unit == 'K' ? 1024 : 1048576;
            fits = fits && value <= INT64_MAX / factor;
            value *= factor;
            at += 2;
        }
    }
    if (!fits) {
        bad(token, "integer overflow");
        token->flags |= TOKEN_OVERFLOW;
    } else {
        token->integer = (int64_t)value;
    }
    return at;
}

static bool integer_function(bytes word, int64_t *ret)
{
    bytes rest = word;
    int64_t aux = READ_SIGNED;
    if (rest.at[0] == 'u') {
        aux = 0;
        rest = bytes_slice(rest, 1, rest.len);
    }
    if (rest.len < 4 || memcmp(rest.at, "int", 3) != 0)
        return false;
    rest = bytes_slice(rest, 3, rest.len);
    if (rest.len > 2 && memcmp(rest.at + rest.len - 2, "be", 2) == 0) {
        aux |= READ_BIG;
        rest.len -= 2;
    }
    if (bytes_is(rest, "8"))
        aux |= 1;
    else if (bytes_is(rest, "16"))
        aux |= 2;
    else if (bytes_is(rest, "32"))
        aux |= 4;
    else
        return bytes_is(rest, "8be") ? (*ret = aux | 1, true) : false;
    *ret = aux;
    return true;
}

static void classify_word(struct token *token)
{
    bytes word = token->text;
    token->kind = TOKEN_IDENTIFIER;
    if (word.len > 128) {
        bad(token, "identifier too long");
        return;
    }
    if (word.len < 2 || word.len > 11)
        return;
    if ((word.at[0] == 'u' || word.at[0] == 'i') && integer_function(word, &token->integer)) {
        token->kind = TOKEN_INTEGER_FUNCTION;
        return;
    }
    for (size_t i = 0; i < COUNT(keywords); i++) {
        if (keywords[i].text[0] < (char)word.at[0])
            continue;
        if (keywords[i].text[0] > (char)word.at[0])
            return;
        if (keywords[i].len == word.len && memcmp(keywords[i].text, word.at, word.len) == 0) {
            token->kind = (uint16_t)(TOKEN_KEYWORD + i);
            return;
        }
    }
}

static uint32_t scan_word(const struct lexer *lexer, uint32_t at)
{
    while (is_word(byte_at(lexer, at)))
        at++;
    return at;
}

static uint32_t scan_pattern_name(const struct lexer *lexer, struct token *token)
{
    uint32_t end = scan_word(lexer, token->at + 1);
    switch (lexer->text.at[token->at]) {
    case '$':
        token->kind = TOKEN_STRING_ID;
        break;
    case '#':
        token->kind = TOKEN_STRING_COUNT;
        break;
    case '@':
        token->kind = TOKEN_STRING_OFFSET;
        break;
    default:
        token->kind = TOKEN_STRING_LENGTH;
        break;
    }
    if (token->kind == TOKEN_STRING_ID && byte_at(lexer, end) == '*') {
        token->kind = TOKEN_STRING_WILD;
        end++;
    }
    token->text = bytes_slice(lexer->text, token->at, end - token->at);
    return end;
}

static uint32_t scan_operator(const struct lexer *lexer, struct token *token)
{
    static const struct {
        char text[3];
        uint16_t kind;
    } pairs[] = {
        {"..", TOKEN_DOT_DOT}, {"==", TOKEN_EQ},  {"!=", TOKEN_NE},  {"<=", TOKEN_LE},
        {">=", TOKEN_GE},      {"<<", TOKEN_SHL}, {">>", TOKEN_SHR},
    };

    int c = lexer->text.at[token->at], next = byte_at(lexer, token->at + 1);
    for (size_t i = 0; i < COUNT(pairs); i++)
        if (pairs[i].text[0] == c && pairs[i].text[1] == next) {
            token->kind = pairs[i].kind;
            return token->at + 2;
        }
    if (c == '!')
        return scan_pattern_name(lexer, token);
    token->kind = (uint16_t)(c == '<' ? TOKEN_LT : c == '>' ? TOKEN_GT : c);
    if (c < 32 || c >= 127)
        bad(token, "non-ascii character");
    return token->at + 1;
}

void lexer_next(struct lexer *lexer, struct token *ret)
{
    lexer->last_end = lexer->at;
    skip_blank(lexer);
    *ret = (struct token){.line = lexer->line, .at = lexer->at, .line_at = lexer->line_at};
    if (lexer->at >= lexer->text.len)
        return;
    uint8_t c = lexer->text.at[lexer->at];
    uint32_t end;
    if (c >= '0' && c <= '9') {
        end = scan_number(lexer, ret);
    } else if (is_word(c)) {
        end = scan_word(lexer, ret->at);
        ret->text = bytes_slice(lexer->text, ret->at, end - ret->at);
        classify_word(ret);
    } else if (c == '$' || c == '#' || c == '@') {
        end = scan_pattern_name(lexer, ret);
    } else if (c == '"') {
        end = scan_text(lexer, ret);
    } else if (c == '/') {
        end = scan_regex(lexer, ret);
    } else {
        end = scan_operator(lexer, ret);
    }
    ret->len = end - ret->at;
    lexer->at = end;
}

/* `x`, `o` and `_` are for numbers in jumps. */
static bool is_hex_text(int c)
{
    if (ascii_hex((uint8_t)c) >= 0)
        return true;
    switch (c) {
    case '-':
    case '|':
    case '~':
    case '?':
    case '[':
    case ']':
    case '(':
    case ')':
    case 'x':
    case 'o':
    case '_':
        return true;
    default:
        return false;
    }
}

bool lexer_hex(struct lexer *lexer, const struct token *brace, struct token *ret,
               uint32_t *bad_at)
{
    struct lexer scan = *lexer;
    scan.at = brace->at + 1;
    scan.line = brace->line;
    scan.line_at = brace->line_at;
    for (int c; (c = byte_at(&scan, scan.at)) != '}';) {
        uint32_t before = scan.at;
        skip_blank(&scan);
        if (scan.at != before)
            continue;
        if (!is_hex_text(c)) {
            *bad_at = scan.at;
            return false;
        }
        scan.at++;
    }
    *ret = *brace;
    ret->kind = TOKEN_HEX;
    ret->text = bytes_slice(scan.text, brace->at + 1, scan.at - brace->at - 1);
    ret->len = ++scan.at - brace->at;
    *bad_at = brace->at;
    if (ret->text.len == 0)
        return false;
    *lexer = scan;
    return true;
}

size_t lexer_unescape(bytes text, uint8_t *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c == '\\' && ++i < text.len) {
            c = text.at[i];
            if (c == 't')
                c = '\t';
            else if (c == 'n')
                c = '\n';
            else if (c == 'r')
                c = '\r';
            else if (c == 'x' && i + 2 < text.len) {
                c = (uint8_t)(ascii_hex(text.at[i + 1]) << 4 | ascii_hex(text.at[i + 2]));
                i += 2;
            }
        }
        ret[n++] = c;
    }
    return n;
}

const char *lexer_kind_name(unsigned kind, char buffer[static 8])
{
    static const char *const names[] = {
        "..",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "<<",
        ">>",
        "identifier",
        "string identifier",
        "string identifier with wildcard",
        "string count",
        "string offset",
        "string length",
        "integer number",
        "floating point number",
        "integer function",
        "text string",
        "hex string",
        "regular expression",
        "bad token",
    };
    static const char *const words[] = {
        "<all>",      "<and>",        "<any>",         "<ascii>",     "<at>",
        "<base64>",   "<base64wide>", "<condition>",   "<contains>",  "<defined>",
        "<endswith>", "<entrypoint>", "<false>",       "<filesize>",  "<for>",
        "<fullword>", "<global>",     "<icontains>",   "<iendswith>", "<iequals>",
        "<import>",   "<in>",         "<istartswith>", "<matches>",   "<meta>",
        "<nocase>",   "<none>",       "<not>",         "<of>",        "<or>",
        "<private>",  "<rule>",       "<startswith>",  "<strings>",   "<them>",
        "<true>",     "<wide>",       "<xor>",
    };
    _Static_assert(COUNT(words) == COUNT(keywords), "a name per keyword");
    _Static_assert(COUNT(names) == TOKEN_KEYWORD - TOKEN_DOT_DOT, "a name per kind");
    if (kind == TOKEN_END)
        return "end of file";
    if (kind >= TOKEN_KEYWORD && kind <= TOKEN_XOR)
        return words[kind - TOKEN_KEYWORD];
    if (kind >= TOKEN_DOT_DOT && kind < TOKEN_KEYWORD)
        return names[kind - TOKEN_DOT_DOT];
    snprintf(buffer, 8, kind == '\\' ? "'\\%c'" : "'%c'", (char)kind);
    return buffer;
}

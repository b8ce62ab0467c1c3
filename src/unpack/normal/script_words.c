/* The words of ECMAScript 3 as ClamAV reads them: no regular expressions; a comment of one line
 * ends at a blank too, since pages have no ends of lines any more; a quote ends a text unless a
 * backslash stands before it. */
#include "unpack/normal/script_state.h"

#include <string.h>

static const char *const reserved[] = {
    "abstract", "boolean",   "break",      "byte",     "case",         "catch",  "char",
    "class",    "const",     "continue",   "debugger", "default",      "delete", "do",
    "double",   "else",      "enum",       "export",   "extends",      "false",  "final",
    "finally",  "float",     "for",        "function", "goto",         "if",     "implements",
    "import",   "in",        "instanceof", "int",      "interface",    "long",   "native",
    "new",      "null",      "package",    "private",  "protected",    "public", "return",
    "short",    "static",    "super",      "switch",   "synchronized", "this",   "throw",
    "throws",   "transient", "true",       "try",      "typeof",       "var",    "void",
    "volatile", "while",     "with"};

/* The longer first. */
static const char *const operators[] = {
    ">>>=", "===", ">>>", "!==", "<<=", ">>=", "<<", "<=", "==", ">=", ">>", "||", "--",
    "!=",   "&&",  "++",  "*=",  "/=",  "%=",  "+=", "-=", "&=", "^=", "|=", "=",  "+",
    "&",    ":",   "/",   "!",   ">",   "<",   "-",  "*",  "|",  "%",  "?",  "~",  "^"};

static const struct {
    char sign;
    enum script_kind kind;
    const char *text;
} signs[] = {
    {'[', SCRIPT_BRACKET, "["},     {']', SCRIPT_BRACKET_END, "]"},
    {'{', SCRIPT_BRACE, "{"},       {'}', SCRIPT_BRACE_END, "}"},
    {'(', SCRIPT_PARENTHESIS, "("}, {')', SCRIPT_PARENTHESIS_END, ")"},
    {',', SCRIPT_COMMA, ","},       {'.', SCRIPT_DOT, "."},
    {';', SCRIPT_SEMICOLON, ";"},
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool in_name(uint8_t c)
{
    return ascii_alnum(c) || c == '_' || c == '$';
}

void script_byte(struct script *script, script_text *to, uint8_t c)
{
    uint8_t *at = vec_push(script->arena, to);
    if (at)
        *at = c;
    else
        script->failed = true;
}

/* A copy of the word, which then is empty. */
static bytes word_done(struct script *script)
{
    bytes word = arena_copy(script->arena, (bytes){script->word.at, script->word.n});
    script->word.n = 0;
    if (!word.at) {
        script->failed = true;
        return bytes_of("");
    }
    return word;
}

/* --- texts --- */

/* A character in UTF-8, but for 0, which becomes 1. */
static void put_rune(struct script *script, script_text *to, uint32_t rune)
{
    if (rune < 0x80) {
        script_byte(script, to, rune ? (uint8_t)rune : 1);
    } else if (rune < 0x800) {
        script_byte(script, to, (uint8_t)(0xc0 | rune >> 6));
        script_byte(script, to, (uint8_t)(0x80 | (rune & 0x3f)));
    } else {
        script_byte(script, to, (uint8_t)(0xe0 | rune >> 12));
        script_byte(script, to, (uint8_t)(0x80 | (rune >> 6 & 0x3f)));
        script_byte(script, to, (uint8_t)(0x80 | (rune & 0x3f)));
    }
}

/* Digits that are none: 0, and the last of them makes all bits ones, as ClamAV has it. */
static uint32_t read_hex(const uint8_t *at, int count)
{
    uint32_t value = 0;
    for (int i = 0; i < count; i++) {
        int digit = ascii_hex(at[i]);
        if (i == count - 1)
            return (value << 4) | (uint32_t)digit;
        value = value << 4 | (uint32_t)(digit < 0 ? 0 : digit);
    }
    return value;
}

static uint8_t escape_of(uint8_t c)
{
    switch (c) {
    case '0':
        return 0;
    case 'b':
        return '\b';
    case 't':
        return '\t';
    case 'n':
        return '\n';
    case 'v':
        return '\v';
    case 'f':
        return '\f';
    case 'r':
        return '\r';
    default:
        return c;
    }
}

void script_literal(struct script *script, script_text *to, bytes text)
{
    for (size_t i = 0; i < text.len && !script->failed; i++) {
        uint8_t c = text.at[i];
        if (c == '\\' && i + 1 < text.len) {
            uint8_t sign = text.at[++i];
            if (sign == 'u' && i + 4 < text.len) {
                put_rune(script, to, read_hex(text.at + i + 1, 4) & 0xffff);
                i += 4;
                continue;
            }
            if (sign == 'x') {
                if (i + 2 < text.len)
                    c = (uint8_t)read_hex(text.at + i + 1, 2);
                i += 2;
            } else if (sign != 'u') {
                c = escape_of(sign);
            }
        }
        script_byte(script, to, c ? c : 1);
    }
}

/* Up to the quote: one behind a backslash does not count. */
static enum script_kind lex_text(struct script *script, uint8_t quote, struct script_token *ret)
{
    bytes rest = bytes_slice(script->piece, script->at, script->piece.len);
    const uint8_t *end = rest.at, *past = rest.at + rest.len;
    while (rest.len && end < past && (end = memchr(end, quote, (size_t)(past - end))) &&
           end > rest.at && end[-1] == '\\')
        end++;
    if (!rest.len || end == past)
        end = NULL;
    size_t size = end ? (size_t)(end - rest.at) : rest.len;
    script_literal(script, &script->word, bytes_slice(rest, 0, size));
    script->at += size + (end != NULL);
    script->lexing = end ? SCRIPT_LEXING : quote == '"' ? SCRIPT_IN_DOUBLE : SCRIPT_IN_SINGLE;
    if (!end)
        return SCRIPT_END;
    ret->text = word_done(script);
    return SCRIPT_TEXT;
}

/* --- numbers --- */

/* As C's atoi: what does not fit loses its upper half. */
static int64_t integer_of(bytes word)
{
    int64_t value = 0;
    for (size_t i = 0; i < word.len && is_digit(word.at[i]); i++)
        if (value > (INT64_MAX - (word.at[i] - '0')) / 10)
            value = INT64_MAX;
        else
            value = value * 10 + (word.at[i] - '0');
    return (int32_t)value;
}

static double real_of(bytes word)
{
    double value = 0, scale = 1;
    int exponent = 0;
    size_t i = 0;
    bool point = false, minus = false;
    for (; i < word.len && (is_digit(word.at[i]) || word.at[i] == '.'); i++) {
        if (word.at[i] == '.') {
            point = true;
            continue;
        }
        value = value * 10 + (word.at[i] - '0');
        scale *= point ? 10 : 1;
    }
    if (i + 1 < word.len) {
        minus = word.at[++i] == '-';
        i += minus || word.at[i] == '+';
        for (; i < word.len && is_digit(word.at[i]) && exponent < 1000; i++)
            exponent = exponent * 10 + (word.at[i] - '0');
    }
    for (value /= scale; exponent > 0; exponent--)
        value = minus ? value / 10 : value * 10;
    return value;
}

static enum script_kind lex_number(struct script *script, struct script_token *ret)
{
    bytes piece = script->piece;
    bool real = false; /* by the point in this piece: what went before is forgotten */
    script->lexing = SCRIPT_IN_NUMBER;
    while (script->at < piece.len && !script->failed) {
        uint8_t c = piece.at[script->at];
        bool exponent = (c == 'e' || c == 'E') && real;
        if (!is_digit(c) && !(c == '.' && !real) && !exponent)
            break;
        script->at++;
        real |= c == '.';
        script_byte(script, &script->word, c);
        if (exponent) {
            uint8_t next = script->at < piece.len ? piece.at[script->at] : 0;
            if (next != '+' && next != '-' && !is_digit(next)) {
                script->at -= script->at == piece.len;
                break;
            }
            script_byte(script, &script->word, next);
            script->at++;
        }
    }
    if (script->at >= piece.len)
        return SCRIPT_END;
    script->lexing = SCRIPT_LEXING;
    bytes word = word_done(script);
    if (real)
        ret->real = real_of(word);
    else
        ret->integer = integer_of(word);
    return real ? SCRIPT_REAL : SCRIPT_INTEGER;
}

/* --- names and operators --- */

static enum script_kind name_kind(bytes word)
{
    size_t from = 0, to = COUNT(reserved);
    while (from < to) {
        size_t middle = (from + to) / 2;
        int order = bytes_compare(bytes_of(reserved[middle]), word);
        if (order == 0)
            return bytes_is(word, "var")        ? SCRIPT_VAR
                   : bytes_is(word, "function") ? SCRIPT_FUNCTION
                                                : SCRIPT_OTHER;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return SCRIPT_NAME;
}

static enum script_kind lex_name(struct script *script, struct script_token *ret)
{
    bytes piece = script->piece;
    script->lexing = SCRIPT_IN_NAME;
    while (script->at < piece.len && !script->failed) {
        uint8_t c = piece.at[script->at];
        if (in_name(c)) {
            script_byte(script, &script->word, c);
            script->at++;
            continue;
        }
        if (c == '\\') {
            bool unicode = script->at + 1 < piece.len && piece.at[script->at + 1] == 'u';
            script->at += 1 + (size_t)unicode;
            if (unicode) {
                script_byte(script, &script->word, c);
                continue;
            }
            if (script->at + 1 == piece.len)
                script->at++;
        }
        script->lexing = SCRIPT_LEXING;
        ret->text = word_done(script);
        return name_kind(ret->text);
    }
    return SCRIPT_END;
}

static enum script_kind lex_operator(struct script *script, struct script_token *ret)
{
    bytes rest = bytes_slice(script->piece, script->at, script->piece.len);
    for (size_t i = 0; i < COUNT(operators); i++) {
        bytes sign = bytes_of(operators[i]);
        if (sign.len > rest.len || memcmp(rest.at, sign.at, sign.len) != 0)
            continue;
        script->at += sign.len;
        ret->text = sign;
        return sign.len == 1 && sign.at[0] == '+' ? SCRIPT_PLUS : SCRIPT_OTHER;
    }
    script->at++;
    return SCRIPT_END;
}

/* --- what is no token --- */

static void skip_comment(struct script *script)
{
    bytes piece = script->piece;
    size_t end = bytes_find(piece, bytes_of("*/"), script->at);
    script->at = end == SIZE_MAX ? piece.len : end + 2;
    if (end != SIZE_MAX)
        script->lexing = SCRIPT_LEXING;
}

static void skip_line(struct script *script)
{
    bytes piece = script->piece;
    while (script->at < piece.len && piece.at[script->at] != '\n' &&
           piece.at[script->at] != ' ')
        script->at++;
    script->lexing = SCRIPT_LEXING;
}

/* A token that begins here; SCRIPT_END: nothing did, go on. */
static enum script_kind lex_first(struct script *script, struct script_token *ret)
{
    bytes piece = script->piece;
    uint8_t c = piece.at[script->at];
    uint8_t next = script->at + 1 < piece.len ? piece.at[script->at + 1] : 0;
    script->word.n = 0;
    for (size_t i = 0; i < COUNT(signs); i++)
        if ((uint8_t)signs[i].sign == c) {
            script->at++;
            ret->text = bytes_of(signs[i].text);
            return signs[i].kind;
        }
    if (is_digit(c))
        return lex_number(script, ret);
    if (in_name(c) || c == '\\')
        return lex_name(script, ret);
    if (c == '/' && (next == '*' || next == '/')) {
        script->at += 2;
        script->lexing = next == '*' ? SCRIPT_IN_COMMENT : SCRIPT_IN_LINE_COMMENT;
        return SCRIPT_END;
    }
    if (c && strchr("!%&*+-/:<=>?^|~", c))
        return lex_operator(script, ret);
    script->at++;
    return c == '"' || c == '\'' ? lex_text(script, c, ret) : SCRIPT_END;
}

enum script_kind script_lex(struct script *script, struct script_token *ret)
{
    enum script_kind kind = SCRIPT_END;
    while (script->at < script->piece.len && kind == SCRIPT_END && !script->failed) {
        switch (script->lexing) {
        case SCRIPT_LEXING:
            kind = lex_first(script, ret);
            break;
        case SCRIPT_IN_COMMENT:
            skip_comment(script);
            break;
        case SCRIPT_IN_LINE_COMMENT:
            skip_line(script);
            break;
        case SCRIPT_IN_NUMBER:
            kind = lex_number(script, ret);
            break;
        case SCRIPT_IN_DOUBLE:
        case SCRIPT_IN_SINGLE:
            kind = lex_text(script, script->lexing == SCRIPT_IN_DOUBLE ? '"' : '\'', ret);
            break;
        case SCRIPT_IN_NAME:
            kind = lex_name(script, ret);
            break;
        }
    }
    return kind;
}

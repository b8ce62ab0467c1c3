/* lexer — YARA rule text in, tokens out, one at a time.
 *
 * Allocates nothing: a token is a view of the text. Strings and regular expressions are only
 * delimited here; their escapes are resolved by who uses them. A lexer is a small value: copy
 * it to look ahead. */
#pragma once
#include "base/base.h"

enum token_kind {
    TOKEN_END = 0,
    /* Single characters stand for themselves, as '{'. */
    TOKEN_DOT_DOT = 256,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_SHL,
    TOKEN_SHR,
    TOKEN_IDENTIFIER,
    TOKEN_STRING_ID,     /* $a */
    TOKEN_STRING_WILD,   /* $a* */
    TOKEN_STRING_COUNT,  /* #a */
    TOKEN_STRING_OFFSET, /* @a */
    TOKEN_STRING_LENGTH, /* !a */
    TOKEN_NUMBER,
    TOKEN_DOUBLE,
    TOKEN_INTEGER_FUNCTION, /* integer: aux of NODE_READ */
    TOKEN_TEXT,
    TOKEN_HEX, /* only from lexer_hex */
    TOKEN_REGEX,
    TOKEN_BAD, /* `problem` says what is wrong */
    /* Keywords, in the order of the table in lexer.c. */
    TOKEN_KEYWORD,
    TOKEN_ALL = TOKEN_KEYWORD,
    TOKEN_AND,
    TOKEN_ANY,
    TOKEN_ASCII,
    TOKEN_AT,
    TOKEN_BASE64,
    TOKEN_BASE64WIDE,
    TOKEN_CONDITION,
    TOKEN_CONTAINS,
    TOKEN_DEFINED,
    TOKEN_ENDSWITH,
    TOKEN_ENTRYPOINT,
    TOKEN_FALSE,
    TOKEN_FILESIZE,
    TOKEN_FOR,
    TOKEN_FULLWORD,
    TOKEN_GLOBAL,
    TOKEN_ICONTAINS,
    TOKEN_IENDSWITH,
    TOKEN_IEQUALS,
    TOKEN_IMPORT,
    TOKEN_IN,
    TOKEN_ISTARTSWITH,
    TOKEN_MATCHES,
    TOKEN_META,
    TOKEN_NOCASE,
    TOKEN_NONE,
    TOKEN_NOT,
    TOKEN_OF,
    TOKEN_OR,
    TOKEN_PRIVATE,
    TOKEN_RULE,
    TOKEN_STARTSWITH,
    TOKEN_STRINGS,
    TOKEN_THEM,
    TOKEN_TRUE,
    TOKEN_WIDE,
    TOKEN_XOR,
};

enum token_flag {
    TOKEN_NOCASE_REGEX = 1, /* /x/i */
    TOKEN_DOTALL_REGEX = 2, /* /x/s */
    TOKEN_HAS_ESCAPE = 4,   /* TEXT: there is a backslash in it */
    TOKEN_OVERFLOW = 8,     /* BAD: a number over 63 bits, not a fault of syntax */
};

struct token {
    uint16_t kind; /* enum token_kind or a character */
    uint16_t flags;
    uint32_t line;    /* from 1 */
    uint32_t at, len; /* in the text */
    uint32_t line_at; /* where its line begins */
    bytes text;       /* identifiers and patterns with their mark, inside of quotes, slashes */

    union {
        int64_t integer;
        double real;
        const char *problem;
    };
};

struct lexer {
    bytes text;
    uint32_t at, line, line_at;
    uint32_t last_end; /* where the token before ended */
};

/* Texts over 1 GiB are cut. Skips a byte order mark. */
void lexer_init(struct lexer *lexer, bytes text);
/* The next token; TOKEN_END for ever at the end. */
void lexer_next(struct lexer *lexer, struct token *ret);
/* Reads the `{` token `brace` again as a hex string: true, and *ret with what is between the
 * braces; the lexer stands behind it. False, and nothing moved, where it is none; then *bad
 * is the offset in the text of the first byte that does not fit. */
bool lexer_hex(struct lexer *lexer, const struct token *brace, struct token *ret,
               uint32_t *bad);
/* How YARA names a kind of token in its messages: `identifier`, `<rule>`, `'{'`. The text is
 * static or in `buffer`. */
const char *lexer_kind_name(unsigned kind, char buffer[static 8]);
/* Resolves \t \r \n \" \\ and \xHH of a TOKEN_TEXT into ret[text.len]; its length. */
size_t lexer_unescape(bytes text, uint8_t *ret);

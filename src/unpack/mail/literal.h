/* literal — string values in scripts of any language, as they are written to hide what they
 * say: 'a\x62c', Chr(97) & Chr(98), String.fromCharCode(97,98), [char]97, unescape("%61"),
 * atob("YQ=="),
 * "{1}{0}" -f 'b','a'. */
#pragma once
#include "unpack/mail/writer.h"

enum script {
    SCRIPT_JS = 1,    /* and what is like it: comments, escapes */
    SCRIPT_VBS = 2,   /* "'" begins a comment */
    SCRIPT_POWER = 4, /* "`" escapes */
    SCRIPT_BATCH = 8, /* "^" escapes */
    SCRIPT_OTHER = 16,
};

enum literal_form {
    LITERAL_QUOTED,
    LITERAL_NUMBERS, /* body: numbers with commas */
    LITERAL_PERCENT,
    LITERAL_BASE64,
    LITERAL_FORMAT, /* body: the format; arguments: what follows -f */
};

struct literal {
    enum literal_form form;
    bytes body, arguments;
    size_t end;    /* past it */
    uint8_t quote; /* that stands around it */
};

/* The literal at `at`, if one begins there. */
bool literal_read(bytes text, size_t at, struct literal *ret);
/* The argument when at `at` stands a call that decodes base64 with one string: its end; 0 if
 * not. */
size_t literal_base64_call(bytes text, size_t at, bytes *ret_argument);
/* Writes the value without quotes; returns how many escapes were resolved. */
unsigned literal_put(struct writer *writer, struct arena *arena, const struct literal *literal,
                     enum script script);

/* True for letters, digits, "_" and "$". */
static inline bool literal_word_char(uint8_t c)
{
    return ascii_alnum(c) || c == '_' || c == '$';
}

/* Past white space, line ends and continuations. */
size_t literal_skip(bytes text, size_t at);

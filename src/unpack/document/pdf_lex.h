/* pdf_lex — tokens of PDF: ISO 32000-1, 7.2 and 7.3. Values are views of the text; nothing is
 * built. */
#pragma once
#include "base/arena.h"

enum pdf_kind {
    PDF_END,
    PDF_NAME,   /* text: behind the '/' */
    PDF_NUMBER, /* whole numbers only: others are words */
    PDF_STRING, /* text: between the parentheses */
    PDF_HEX,    /* text: between < and > */
    PDF_WORD,   /* obj, R, true, stream ... */
    PDF_DICT,
    PDF_DICT_END,
    PDF_ARRAY,
    PDF_ARRAY_END,
};

struct pdf_token {
    enum pdf_kind kind;
    bytes text;
    int64_t number;
};

/* The next token; PDF_END at the end. Never fails: what is nothing is a word. */
struct pdf_token pdf_lex(bytes *rest);
/* The next token is looked at and stays. */
struct pdf_token pdf_lex_peek(bytes rest);
/* The names are the same, #xx decoded in the first. */
bool pdf_lex_name_is(bytes name, const char *what);
/* "N G R" at the head: its object's number; *rest moves on. */
bool pdf_lex_reference(bytes *rest, uint32_t *ret_number);
/* Moves past one value, whatever is nested in it. */
void pdf_lex_skip(bytes *rest);
/* The value of a key of the dictionary that `dict` begins with: *ret begins with it. */
bool pdf_lex_find(bytes dict, const char *key, bytes *ret);
/* The number that is the key's value, or `otherwise`. */
int64_t pdf_lex_find_number(bytes dict, const char *key, int64_t otherwise);
/* What a PDF_STRING or PDF_HEX stands for, in the arena; .at NULL when that is full. */
bytes pdf_lex_string(struct arena *arena, const struct pdf_token *token);

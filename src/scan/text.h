/* text — output while it is being made: a growing buffer on the heap.
 *
 * A buffer that could not grow stays `failed` and takes nothing more; whoever writes it out
 * says so. Reused from file to file without giving memory back. */
#pragma once
#include "base/base.h"

struct text {
    char *at;
    size_t len, room;
    bool failed;
};

void text_free(struct text *text);
/* Gives back the room that is not used. */
void text_fit(struct text *text);
void text_add(struct text *text, const void *at, size_t len);
void text_byte(struct text *text, char c);
void text_word(struct text *text, const char *word);
void text_printf(struct text *text, const char *fmt, ...) LIKE_PRINTF(2, 3);
void text_number(struct text *text, uint64_t number);
void text_hex(struct text *text, bytes view);

/* For a terminal or a line of a log: control characters, DEL, bytes that are no UTF-8 and the
 * invisible characters that reverse text become \xNN; a backslash stays as it is. */
void text_visible(struct text *text, bytes view);
/* A JSON string with its quotes. What is no UTF-8 becomes U+FFFD. */
void text_json(struct text *text, bytes view);
/* A file name as a relative or absolute URI reference (RFC 3986), percent-encoded. */
void text_uri(struct text *text, bytes path);

/* Length of the UTF-8 character at the start of the view, 0 when there is none (overlong forms
 * and surrogates are none). *ret, where not NULL, is its code point. */
size_t text_character(bytes view, uint32_t *ret);
/* True when all of it is UTF-8. */
bool text_is_utf8(bytes view);

/* "1.4 GB", "312 kB", "17 B". */
void text_size(struct text *text, uint64_t size);
/* "12,345". */
void text_grouped(struct text *text, uint64_t number);

/* Writes all of it to fd and empties it. -errno; -EPIPE when nobody reads any more. */
int text_write(struct text *text, int fd) MUST_USE;

/* text — texts that formats derive: UTF-16 to UTF-8, and lines put into the child that is
 * being written. */
#pragma once
#include "unpack/unpack.h"

/* UTF-16, little endian, to UTF-8 in the arena, without the NULs at its end; what is no
 * character becomes U+FFFD. An odd last byte is dropped. Empty when the arena is full. */
bytes text_utf8(struct arena *arena, bytes utf16);
/* Puts a text of at most 500 bytes (what is longer is cut) into the child. False: return. */
bool text_put(struct unpack *unpack, const char *fmt, ...) MUST_USE LIKE_PRINTF(2, 3);
/* Puts UTF-16, little endian, as UTF-8. False: return. */
bool text_put_utf16(struct unpack *unpack, bytes utf16) MUST_USE;
/* bytes_same as that text. */
bool text_is(bytes a, const char *b);
/* Begins with `head`, whatever the case of ASCII letters. */
bool text_begins(bytes text, const char *head);
/* The part before the first NUL. */
bytes text_until_nul(bytes view);
/* The part behind the last '/' or '\'. */
bytes text_base(bytes path);

/* message — how the compiler says what is wrong, and where. */
#pragma once
#include "yara/compiler.h"

/* Reports an error at `where` (the next token when NULL) and makes the rule faulty. `code` is
 * YARA's name of the error, lower case without ERROR_. Returns -1. */
int message_error(struct yara_compiler *c, const struct token *where, const char *code,
                  const char *fmt, ...) LIKE_PRINTF(4, 5);
void message_warning(struct yara_compiler *c, const struct token *where, const char *code,
                     const char *fmt, ...) LIKE_PRINTF(4, 5);
/* `syntax error, unexpected ..., expecting ...` at the next token. `expecting` is a list as
 * "identifier or '{'", or NULL. Returns -1. */
int message_unexpected(struct yara_compiler *c, const char *expecting);
/* A token of `len` bytes at offset `at` of the text, at or behind `near`, for pointing inside a
 * token. */
struct token message_spot(const struct yara_compiler *c, const struct token *near, size_t at,
                          size_t len);
/* The arena is full: said once. Returns -1. */
int message_full(struct yara_compiler *c);

/* reader — taking tokens one after the other. */
#pragma once
#include "yara/message.h"

/* Goes on to the token after c->token. */
void reader_take(struct yara_compiler *c);
/* Takes the next token if it is of that kind. */
bool reader_accept(struct yara_compiler *c, unsigned kind);
/* Takes the next token, or reports that it should have been of that kind: -1. */
int reader_expect(struct yara_compiler *c, unsigned kind);
/* The token after c->token. */
struct token reader_peek(const struct yara_compiler *c);
/* True when the next token is that word, which is no keyword. */
bool reader_at_word(const struct yara_compiler *c, const char *word);
/* Text of a TOKEN_TEXT with its escapes resolved, borrowed or in the arena. */
int reader_text(struct yara_compiler *c, const struct token *token, bytes *ret);
/* Skips, silently, to where a rule, an import or an include begins, or to the end. */
void reader_skip_rule(struct yara_compiler *c);

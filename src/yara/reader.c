#include "yara/reader.h"

void reader_take(struct yara_compiler *c)
{
    lexer_next(&c->lexer, &c->token);
}

bool reader_accept(struct yara_compiler *c, unsigned kind)
{
    if (c->token.kind != kind)
        return false;
    reader_take(c);
    return true;
}

int reader_expect(struct yara_compiler *c, unsigned kind)
{
    char buffer[8];
    if (!reader_accept(c, kind))
        return message_unexpected(c, lexer_kind_name(kind, buffer));
    return 0;
}

struct token reader_peek(const struct yara_compiler *c)
{
    struct lexer ahead = c->lexer;
    struct token token;
    lexer_next(&ahead, &token);
    return token;
}

bool reader_at_word(const struct yara_compiler *c, const char *word)
{
    return c->token.kind == TOKEN_IDENTIFIER && bytes_is(c->token.text, word);
}

int reader_text(struct yara_compiler *c, const struct token *token, bytes *ret)
{
    *ret = token->text;
    if (!(token->flags & TOKEN_HAS_ESCAPE))
        return 0;
    uint8_t *copy = arena_push_raw(c->arena, token->text.len);
    if (!copy)
        return message_full(c);
    *ret = (bytes){copy, lexer_unescape(token->text, copy)};
    return 0;
}

/* Skips a run of `private` and `global`; true, and the run not skipped, when a rule follows:
 * `private` alone may be the modifier of a pattern. */
static bool begins_rule(struct yara_compiler *c)
{
    struct lexer lexer = c->lexer;
    struct token first = c->token;
    while (c->token.kind == TOKEN_PRIVATE || c->token.kind == TOKEN_GLOBAL)
        reader_take(c);
    if (c->token.kind != TOKEN_RULE || reader_peek(c).kind != TOKEN_IDENTIFIER)
        return false;
    c->lexer = lexer;
    c->token = first;
    return true;
}

void reader_skip_rule(struct yara_compiler *c)
{
    while (c->token.kind != TOKEN_END) {
        unsigned kind = c->token.kind;
        if ((kind == TOKEN_RULE || kind == TOKEN_PRIVATE || kind == TOKEN_GLOBAL) &&
            begins_rule(c))
            return;
        if ((kind == TOKEN_IMPORT || reader_at_word(c, "include")) &&
            reader_peek(c).kind == TOKEN_TEXT)
            return;
        if (c->token.kind != TOKEN_END && (kind != TOKEN_PRIVATE && kind != TOKEN_GLOBAL))
            reader_take(c);
    }
}

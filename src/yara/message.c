#include "yara/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bytes line_of(const struct yara_compiler *c, const struct token *where)
{
    bytes text = c->lexer.text;
    bytes rest = bytes_slice(text, where->line_at, text.len);
    const uint8_t *end = rest.len ? memchr(rest.at, '\n', rest.len) : NULL;
    if (end)
        rest.len = (size_t)(end - rest.at);
    if (rest.len && rest.at[rest.len - 1] == '\r')
        rest.len--;
    return rest;
}

static void deliver(struct yara_compiler *c, enum yara_severity severity,
                    const struct token *where, const char *code, const char *text)
{
    if (!where)
        where = &c->token;
    struct yara_message message = {
        .severity = severity,
        .code = code,
        .file = c->frame ? c->frame->source->name : (bytes){0},
        .line = where->line,
        .column = where->at - where->line_at + 1,
        .length = where->len ? where->len : 1,
        .source_line = line_of(c, where),
        .rule = c->in_rule ? c->rule_name : (bytes){0},
        .text = text,
    };
    c->options.message(c->options.message_context, &message);
}

int message_error(struct yara_compiler *c, const struct token *where, const char *code,
                  const char *fmt, ...)
{
    char text[512];
    va_list args;
    c->faulty = true;
    if (c->silent || c->gave_up)
        return -1;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->errors++;
    deliver(c, YARA_ERROR, where, code, text);
    if (c->errors >= c->max_errors) {
        c->gave_up = true;
        deliver(c, YARA_ERROR, where, "too_many_errors", "too many errors, giving up");
    }
    return -1;
}

void message_warning(struct yara_compiler *c, const struct token *where, const char *code,
                     const char *fmt, ...)
{
    char text[512];
    va_list args;
    if (c->silent || c->gave_up || c->options.no_warnings)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    deliver(c, YARA_WARNING, where, code, text);
}

int message_unexpected(struct yara_compiler *c, const char *expecting)
{
    char buffer[8];
    const struct token *token = &c->token;
    if (token->kind == TOKEN_BAD && (token->flags & TOKEN_OVERFLOW))
        return message_error(c, token, "integer_overflow", "integer overflow in \"%.*s\"",
                             (int)(token->len > 100 ? 100 : token->len),
                             (const char *)c->lexer.text.at + token->at);
    if (token->kind == TOKEN_BAD)
        return message_error(c, token, "syntax_error", "%s", token->problem);
    struct lexer lexer = c->lexer;
    struct token hex;
    uint32_t ignored;
    bool is_hex = token->kind == '{' && lexer_hex(&lexer, token, &hex, &ignored);
    const char *name = lexer_kind_name(is_hex ? TOKEN_HEX : token->kind, buffer);
    if (!expecting)
        return message_error(c, token, "syntax_error", "syntax error, unexpected %s", name);
    return message_error(c, token, "syntax_error", "syntax error, unexpected %s, expecting %s",
                         name, expecting);
}

struct token message_spot(const struct yara_compiler *c, const struct token *near, size_t at,
                          size_t len)
{
    struct token spot = *near;
    if (at > c->lexer.text.len)
        at = c->lexer.text.len;
    for (size_t i = near->at; i < at; i++)
        if (c->lexer.text.at[i] == '\n') {
            spot.line++;
            spot.line_at = (uint32_t)i + 1;
        }
    spot.at = (uint32_t)at;
    spot.len = (uint32_t)len;
    return spot;
}

int message_full(struct yara_compiler *c)
{
    if (!c->full)
        message_error(c, NULL, "insufficient_memory", "not enough memory");
    c->full = true;
    c->gave_up = true;
    return -1;
}

/* ClamAV's form of scripts (1.4; docs.clamav.net has no description): tokens without comments
 * and blanks, in lower case; texts in ", joined where they are added, their escapes read;
 * variables, functions and parameters called n000, n001 ... in the order of their last
 * declaration; what unescape(), eval() and two known packers are given, in place of the call.
 */
#include "unpack/normal/script_state.h"

#include <stdio.h>
#include <string.h>

enum { MAP_FIRST = 64, NUMBER_MAX = 400 };

bool script_charge(struct script *script, uint64_t steps)
{
    if (!budget_charge(script->budget, steps))
        script->failed = true;
    return !script->failed;
}

/* --- names and variables --- */

/* Where a key is looked for first in a table of a size that is a power of two. */
static uint32_t place_of(uint64_t key, uint32_t size)
{
    return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (size - 1);
}

static bool map_grow(struct script *script, struct script_map *map)
{
    struct script_map grown = {.size = map->size ? 2 * map->size : MAP_FIRST};
    grown.at = PUSH_ARRAY(script->arena, struct script_place, grown.size);
    if (!grown.at || !script_charge(script, grown.size)) {
        script->failed = true;
        return false;
    }
    for (uint32_t i = 0; i < map->size; i++) {
        if (!map->at[i].key)
            continue;
        uint32_t k = place_of(map->at[i].key, grown.size);
        while (grown.at[k].key)
            k = (k + 1) & (grown.size - 1);
        grown.at[k] = map->at[i];
    }
    grown.used = map->used;
    *map = grown;
    return true;
}

/* The number of a name; a new one if need be. */
static uint32_t name_number(struct script *script, bytes name)
{
    struct script_map *map = &script->names;
    if (2 * map->used >= map->size && !map_grow(script, map))
        return 0;
    uint64_t key = hash64(name, 0) | 1;
    uint32_t i = place_of(key, map->size);
    for (; map->at[i].key; i = (i + 1) & (map->size - 1)) {
        if (!script_charge(script, 1))
            return 0;
        if (map->at[i].key == key && bytes_equal(script->spellings.at[map->at[i].value], name))
            return map->at[i].value;
    }
    bytes *spelling = vec_push(script->arena, &script->spellings);
    if (!spelling) {
        script->failed = true;
        return 0;
    }
    *spelling = name;
    map->at[i] = (struct script_place){key, script->spellings.n - 1};
    map->used++;
    return script->spellings.n - 1;
}

/* Where a variable of a scope is kept, or would be. NULL: the script has failed. */
static struct script_place *variable_place(struct script *script, uint32_t scope, uint32_t name)
{
    struct script_map *map = &script->variables;
    if (2 * map->used >= map->size && !map_grow(script, map))
        return NULL;
    uint64_t key = (uint64_t)(scope + 1) << 32 | name;
    uint32_t i = place_of(key, map->size);
    for (; map->at[i].key && map->at[i].key != key; i = (i + 1) & (map->size - 1))
        if (!script_charge(script, 1))
            return NULL;
    return &map->at[i];
}

static void declare(struct script *script, uint32_t scope, uint32_t name)
{
    struct script_place *place = variable_place(script, scope, name);
    if (!place)
        return;
    if (!place->key)
        script->variables.used++;
    place->key = (uint64_t)(scope + 1) << 32 | name;
    place->value = script->variable_count++;
}

uint32_t script_variable(struct script *script, uint32_t scope, uint32_t name)
{
    for (; scope != SCRIPT_NONE; scope = script->scopes.at[scope].up) {
        const struct script_place *place = variable_place(script, scope, name);
        if (!place || !script_charge(script, 1))
            break;
        if (place->key)
            return place->value;
    }
    return SCRIPT_NONE;
}

static void open_scope(struct script *script)
{
    struct script_scope *scope = vec_push(script->arena, &script->scopes);
    if (!scope) {
        script->failed = true;
        return;
    }
    scope->up = script->scopes.n == 1 ? SCRIPT_NONE : script->scope;
    script->scope = script->scopes.n - 1;
}

/* --- parsing --- */

static void add_token(struct script *script, const struct script_token *token)
{
    struct script_token *added = vec_push(script->arena, &script->tokens);
    if (added)
        *added = *token;
    else
        script->failed = true;
}

static void parse_name(struct script *script, struct script_token *token)
{
    struct script_scope *scope = &script->scopes.at[script->scope];
    if (scope->last == SCRIPT_DOT) {
        token->kind = SCRIPT_MEMBER;
        return;
    }
    token->name = name_number(script, token->text);
    switch (scope->expects) {
    case SCRIPT_EXPECTS_VARIABLE:
    case SCRIPT_EXPECTS_PARAMETER:
        declare(script, script->scope, token->name);
        scope->expects = SCRIPT_EXPECTS_VALUE;
        scope->brackets = 0;
        break;
    case SCRIPT_EXPECTS_FUNCTION:
        declare(script, script->scope, token->name);
        scope->expects = SCRIPT_EXPECTS_PARAMETERS;
        break;
    default:
        break;
    }
}

/* A function's end brings back the scope around it. */
static void parse_brace_end(struct script *script, struct script_token *token)
{
    struct script_scope *scope = &script->scopes.at[script->scope];
    scope->braces -= scope->braces > 0;
    if (scope->braces || scope->up == SCRIPT_NONE)
        return;
    add_token(script, token);
    token->kind = SCRIPT_FUNCTION_END;
    script->scope = scope->up;
}

static void parse_sign(struct script *script, enum script_kind kind)
{
    struct script_scope *scope = &script->scopes.at[script->scope];
    bool head = scope->expects == SCRIPT_EXPECTS_FUNCTION ||
                scope->expects == SCRIPT_EXPECTS_PARAMETERS;
    if (kind == SCRIPT_VAR) {
        scope->expects = SCRIPT_EXPECTS_VARIABLE;
    } else if (kind == SCRIPT_PARENTHESIS && head) {
        scope->expects = SCRIPT_EXPECTS_PARAMETER;
    } else if (kind == SCRIPT_PARENTHESIS_END && scope->expects == SCRIPT_EXPECTS_PARAMETERS) {
        scope->expects = SCRIPT_EXPECTS_NONE;
    } else if (kind == SCRIPT_BRACE) {
        if (head || scope->expects == SCRIPT_EXPECTS_PARAMETER)
            scope->expects = SCRIPT_EXPECTS_NONE;
        scope->braces++;
    } else if (kind == SCRIPT_BRACKET) {
        scope->brackets++;
    } else if (kind == SCRIPT_BRACKET_END) {
        scope->brackets -= scope->brackets > 0;
    } else if (!scope->brackets && !scope->braces) {
        if (kind == SCRIPT_COMMA && scope->expects == SCRIPT_EXPECTS_VALUE)
            scope->expects = SCRIPT_EXPECTS_VARIABLE;
        else if (kind == SCRIPT_SEMICOLON)
            scope->expects = SCRIPT_EXPECTS_NONE;
    }
}

static void join_more(struct script *script, bytes text)
{
    uint8_t *at = vec_push_many(script->arena, &script->joined_text, text.len);
    if (!at)
        script->failed = true;
    else if (text.len)
        memcpy(at, text.at, text.len);
}

/* "a" + "b": one text. False: there is nothing to join it with. */
static bool join_text(struct script *script, bytes text)
{
    uint32_t n = script->tokens.n;
    if (n < 2 || script->tokens.at[n - 1].kind != SCRIPT_PLUS ||
        script->tokens.at[n - 2].kind != SCRIPT_TEXT)
        return false;
    struct script_token *token = &script->tokens.at[n - 2];
    if (script->joined != n - 2) {
        memset(&script->joined_text, 0, sizeof script->joined_text);
        join_more(script, token->text);
    }
    join_more(script, text);
    script->joined = n - 2;
    script->tokens.n--;
    token->text = (bytes){script->joined_text.at, script->joined_text.n};
    return true;
}

void script_parse(struct script *script, bytes piece)
{
    struct script_token token = {0};
    enum script_kind kind;
    script->piece = piece;
    script->at = 0;
    if (!script_charge(script, piece.len))
        return;
    while ((kind = script_lex(script, &token)) != SCRIPT_END && !script->failed) {
        token.kind = kind;
        if (kind == SCRIPT_NAME)
            parse_name(script, &token);
        else if (kind == SCRIPT_BRACE_END)
            parse_brace_end(script, &token);
        else if (kind == SCRIPT_FUNCTION)
            open_scope(script);
        else if (kind != SCRIPT_TEXT)
            parse_sign(script, kind);
        else if (join_text(script, token.text))
            continue;
        if (script->failed)
            break;
        struct script_scope *scope = &script->scopes.at[script->scope];
        if (kind == SCRIPT_FUNCTION) {
            scope->expects = SCRIPT_EXPECTS_FUNCTION;
            token.name = script->scope;
        }
        scope->last = kind;
        add_token(script, &token);
    }
}

/* --- writing --- */

static bool is_word(uint8_t c)
{
    return ascii_alnum(c);
}

static void put_text(struct output *out, bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        output_byte(out, c == ' ' || (c >= '\t' && c <= '\r') ? ' ' : ascii_lower(c));
    }
}

/* `last` is the sign before it, for whether a blank has to stand between; returns its own. */
static uint8_t put_token(struct script *script, const struct script_token *token,
                         struct output *out, uint8_t last)
{
    char number[NUMBER_MAX];
    bytes text = bytes_of("function");
    uint8_t first = 'a', end = 'a';
    uint32_t variable;
    switch (token->kind) {
    case SCRIPT_TEXT:
        output_byte(out, '"');
        put_text(out, token->text);
        output_byte(out, '"');
        return '"';
    case SCRIPT_INTEGER:
    case SCRIPT_REAL:
        if (token->kind == SCRIPT_REAL)
            snprintf(number, sizeof number, "%g", token->real);
        else
            snprintf(number, sizeof number, "%lld", (long long)token->integer);
        text = bytes_of(number);
        break;
    case SCRIPT_NAME:
        text = token->text;
        variable = script_variable(script, script->scope, token->name);
        if (variable != SCRIPT_NONE) {
            snprintf(number, sizeof number, "n%03u", variable);
            text = bytes_of(number);
        }
        break;
    case SCRIPT_FUNCTION:
        break;
    default:
        text = token->text;
        if (!text.len)
            return 0;
        first = text.at[0];
        end = text.at[text.len - 1];
    }
    if (is_word(last) && is_word(first))
        output_byte(out, ' ');
    put_text(out, text);
    return end;
}

/* ClamAV's own sign for the end: names and texts may end so as well. */
static void put_script(struct script *script, struct output *out)
{
    bytes end = bytes_of("</script>");
    size_t from = out->n;
    uint8_t last = 0;
    if (out->n)
        output_byte(out, '\n');
    output_put(out, bytes_of("<script>"));
    script->scope = 0;
    for (uint32_t i = 0; i < script->tokens.n && !out->full; i++) {
        size_t before = out->n;
        if (script_enter(script, &script->tokens.at[i]))
            last = put_token(script, &script->tokens.at[i], out, last);
        if (!script_charge(script, out->n - before + 1))
            return;
    }
    if (out->n - from < end.len || memcmp(out->at + out->n - end.len, end.at, end.len) != 0)
        output_put(out, end);
}

/* --- the door --- */

struct script *script_new(struct arena *arena, struct budget *budget)
{
    struct script *script = PUSH(arena, struct script);
    if (!script)
        return NULL;
    script->arena = arena;
    script->budget = budget;
    script->joined = SCRIPT_NONE;
    open_scope(script);
    return script->failed ? NULL : script;
}

void script_feed(struct script *script, bytes piece)
{
    if (!script->failed)
        script_parse(script, piece);
}

/* What the end cut off: a text, calls. */
static void close_open(struct script *script)
{
    const struct script_token end = {.kind = SCRIPT_PARENTHESIS_END, .text = bytes_of(")")};
    uint32_t open = 0;
    if (script->lexing == SCRIPT_IN_DOUBLE || script->lexing == SCRIPT_IN_SINGLE)
        script_parse(script, bytes_of(script->lexing == SCRIPT_IN_DOUBLE ? "\"" : "'"));
    for (uint32_t i = 0; i < script->tokens.n; i++) {
        if (script->tokens.at[i].kind == SCRIPT_PARENTHESIS)
            open++;
        else if (script->tokens.at[i].kind == SCRIPT_PARENTHESIS_END)
            open -= open > 0;
    }
    for (; open && !script->failed; open--)
        add_token(script, &end);
}

bool script_finish(struct script *script, struct output *out)
{
    close_open(script);
    if (!script->failed)
        script_fold(script);
    if (!script->failed)
        script_unpack(script);
    if (!script->failed)
        put_script(script, out);
    return !script->failed;
}

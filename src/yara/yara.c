/* Sources: rules, imports and includes. */
#include "yara/yara.h"

#include <errno.h>
#include <string.h>

#include "yara/message.h"
#include "yara/reader.h"
#include "yara/rule.h"

/* Steps that are more than linear in the text: sets with wildcards, mostly. */
enum { WORK = 500 * 1000 * 1000, INCLUDE_WORK = 10 * 1000 };

static const struct field no_fields[] = {FIELD_END};

struct yara_compiler *yara_compiler_new(struct draft *draft, const struct yara_options *options)
{
    struct yara_compiler *c = PUSH(draft->arena, struct yara_compiler);
    if (!c)
        return NULL;
    c->draft = draft;
    c->arena = draft->arena;
    c->options = *options;
    c->max_errors = options->max_errors ? options->max_errors : COMPILER_MAX_ERRORS;
    c->work = WORK;
    draft->fingerprint = module_fingerprint();
    /* Lists are slices of these, and one without members must begin somewhere too. */
    if (!vec_push(c->arena, &c->items))
        return NULL;
    c->items.n = 0;
    return c;
}

static int import_module(struct yara_compiler *c, const struct token *token, bytes name)
{
    uint32_t before;
    if (name.len == 0 || memchr(name.at, 0, name.len))
        return message_error(c, token, "invalid_module_name", "invalid module name \"%.*s\"",
                             (int)name.len, name.len ? (const char *)name.at : "");
    if (names_find(&c->modules, c->name_space, name, &before))
        return 0;
    const struct module *module = module_find(name);
    struct known_module *known = vec_push(c->arena, &c->known_modules);
    if (!known ||
        !names_put(&c->modules, c->arena, c->name_space, name, c->known_modules.n - 1))
        return message_full(c);
    known->fields = module ? module->fields : no_fields;
    if (!module)
        return message_error(c, token, "unknown_module", "unknown module \"%.*s\"",
                             (int)name.len, (const char *)name.at);
    known->number = draft_module(c->draft, name);
    return known->number == DRAFT_FULL ? message_full(c) : 0;
}

/* import "name" */
static int read_import(struct yara_compiler *c)
{
    bytes name;
    reader_take(c);
    struct token token = c->token;
    if (reader_expect(c, TOKEN_TEXT) < 0 || reader_text(c, &token, &name) < 0)
        return -1;
    import_module(c, &token, name);
    return c->full ? -1 : 0;
}

static int read_source(struct yara_compiler *c, const struct yara_source *source,
                       const struct source_frame *outer);

/* Reads another source in the midst of this one. */
static void read_included(struct yara_compiler *c, const struct token *token,
                          const struct yara_source *source)
{
    const struct source_frame *frame = c->frame;
    for (const struct source_frame *outer = frame; outer; outer = outer->outer)
        if (bytes_equal(outer->source->name, source->name)) {
            message_error(c, token, "includes_circular_reference",
                          "includes circular reference");
            return;
        }
    if (frame->depth >= COMPILER_MAX_INCLUDES) {
        message_error(c, token, "include_depth_exceeded", "includes depth exceeded");
        return;
    }
    /* Files that include each other twice, 16 deep, are no joke. */
    if (c->work < INCLUDE_WORK + source->text.len) {
        message_error(c, token, "too_complex", "the rules are too complex");
        return;
    }
    c->work -= INCLUDE_WORK + source->text.len;
    struct lexer lexer = c->lexer;
    struct token next = c->token;
    read_source(c, source, frame);
    c->frame = frame;
    c->lexer = lexer;
    c->token = next;
}

/* include "name" */
static int read_include(struct yara_compiler *c)
{
    struct yara_source source = {.name_space = c->frame->source->name_space};
    struct why why = {""};
    reader_take(c);
    struct token token = c->token;
    int length = token.text.len > 200 ? 200 : (int)token.text.len;
    reader_take(c);
    if (!c->options.include) {
        message_error(c, &token, "includes_disabled", "includes are disabled");
        return 0;
    }
    if (c->options.include(c->options.include_context, token.text, c->frame->source->name,
                           &source, &why) < 0) {
        message_error(c, &token, "include_failed", "can't open include file: %.*s", length,
                      (const char *)token.text.at);
        return 0;
    }
    source.name_space = c->frame->source->name_space;
    read_included(c, &token, &source);
    return 0;
}

/* One rule, import or include. */
static int read_part(struct yara_compiler *c)
{
    if (c->token.kind == TOKEN_IMPORT)
        return read_import(c);
    if (reader_at_word(c, "include") && reader_peek(c).kind == TOKEN_TEXT)
        return read_include(c);
    return rule_read(c);
}

static int read_source(struct yara_compiler *c, const struct yara_source *source,
                       const struct source_frame *outer)
{
    struct source_frame frame = {source, outer, outer ? outer->depth + 1 : 1};
    c->frame = &frame;
    c->in_rule = false;
    lexer_init(&c->lexer, source->text);
    reader_take(c);
    while (c->token.kind != TOKEN_END && !c->gave_up) {
        uint32_t at = c->token.at;
        if (read_part(c) == 0 || c->gave_up)
            continue;
        c->in_rule = false;
        c->silent = true;
        if (c->token.at == at)
            reader_take(c);
        reader_skip_rule(c);
        c->silent = false;
    }
    c->frame = NULL;
    return c->full ? -ENOMEM : 0;
}

int yara_compile(struct yara_compiler *c, const struct yara_source *source,
                 uint32_t *ret_errors)
{
    c->errors = 0;
    c->gave_up = c->full;
    c->name_space = draft_namespace(c->draft, source->name_space);
    if (c->name_space == DRAFT_FULL || c->full)
        return -ENOMEM;
    int error = read_source(c, source, NULL);
    if (!error)
        *ret_errors = c->errors;
    return error;
}

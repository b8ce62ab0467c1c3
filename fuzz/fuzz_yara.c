/* The YARA language: lexer, parser, checker, and what they hand on.
 *
 * Properties: every message lies inside the text; a text that compiles gives a ruleset that
 * opens, and compiled again gives the same one, byte by byte. */
#include <stdlib.h>
#include <string.h>

#include "rules/draft.h"
#include "yara/module.h"
#include "yara/yara.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
    if (!what)
        abort();
}

static void hear(void *context, const struct yara_message *message)
{
    const bytes *text = context;
    size_t lines = 1;
    for (size_t i = 0; i < text->len; i++)
        lines += text->at[i] == '\n';
    require(message->line >= 1 && message->line <= lines);
    require(message->column >= 1 && message->column <= text->len + 1);
    require(message->source_line.len <= text->len);
    require(message->source_line.len == 0 ||
            (message->source_line.at >= text->at &&
             message->source_line.at + message->source_line.len <= text->at + text->len));
    require(message->text[0] && message->code[0]);
}

/* The sealed ruleset in `arena`, or nothing. */
static bytes compile(bytes text, bool strict, struct arena *arena)
{
    struct draft *draft = draft_new(arena);
    struct yara_options options = {
        .message = hear, .message_context = &text, .strict_4 = strict, .max_errors = 20};
    struct yara_source source = {.text = text, .name_space = bytes_of("default")};
    uint32_t errors = 0;
    bytes file = {0};
    if (!draft)
        return file;
    draft_external(draft, bytes_of("ext"), TYPE_INT, 1, 0, file);
    struct yara_compiler *compiler = yara_compiler_new(draft, &options);
    if (!compiler || yara_compile(compiler, &source, &errors) < 0)
        return file;
    if (draft_seal(draft, arena, &file, NULL) < 0)
        return (bytes){0};
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *one = arena_new(64 << 20), *other = arena_new(64 << 20);
    bytes text = {data, size};
    bytes first = compile(text, size % 2, one), second = compile(text, size % 2, other);
    require(bytes_equal(first, second));
    if (first.len) {
        struct ruleset set;
        require(ruleset_open(first, module_fingerprint(), &set, NULL) == 0);
    }
    arena_free(one);
    arena_free(other);
    return 0;
}

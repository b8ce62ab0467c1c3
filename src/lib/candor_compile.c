/* libcandor's compiler and rules: a thin cover over definitions/definitions. */
#include "lib/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VARIABLES_MAX = 256 };

struct candor_compiler {
    struct definitions_loader *loader; /* made with the first source */
    struct external variables[VARIABLES_MAX];
    uint32_t variable_count;
    void (*message)(void *context, const struct candor_message *message);
    void *context;
};

const char *candor_version(void)
{
    return CANDOR_VERSION;
}

int candor_fail(struct candor_error *error, int code, const char *text)
{
    if (error)
        snprintf(error->text, sizeof error->text, "%s", text);
    return code;
}

struct candor_compiler *candor_compiler_new(void)
{
    return calloc(1, sizeof(struct candor_compiler));
}

void candor_compiler_free(struct candor_compiler *compiler)
{
    if (!compiler)
        return;
    definitions_loader_free(compiler->loader);
    for (uint32_t i = 0; i < compiler->variable_count; i++) {
        free((void *)(uintptr_t)compiler->variables[i].name.at);
        free((void *)(uintptr_t)compiler->variables[i].text.at);
    }
    free(compiler);
}

void candor_on_message(struct candor_compiler *compiler,
                       void (*message)(void *context, const struct candor_message *message),
                       void *context)
{
    compiler->message = message;
    compiler->context = context;
}

static void copy_view(char *to, size_t room, bytes view)
{
    snprintf(to, room, "%.*s", (int)(view.len < room ? view.len : room), (const char *)view.at);
}

static void pass_message(void *context, const struct yara_message *message)
{
    struct candor_compiler *compiler = context;
    char file[1024], rule[256];
    if (!compiler->message)
        return;
    copy_view(file, sizeof file, message->file);
    copy_view(rule, sizeof rule, message->rule);
    const struct candor_message out = {.is_error = message->severity == YARA_ERROR,
                                       .code = message->code,
                                       .text = message->text,
                                       .file = file,
                                       .rule = rule,
                                       .line = message->line,
                                       .column = message->column};
    compiler->message(compiler->context, &out);
}

static int define(struct candor_compiler *compiler, const char *name, struct external value)
{
    if (compiler->loader)
        return -EBUSY;
    if (compiler->variable_count == VARIABLES_MAX)
        return -E2BIG;
    for (uint32_t i = 0; i < compiler->variable_count; i++)
        if (bytes_is(compiler->variables[i].name, name))
            return -EEXIST;
    char *kept = strdup(name);
    char *text = value.type == TYPE_STRING ? strdup((const char *)value.text.at) : NULL;
    if (!kept || (value.type == TYPE_STRING && !text)) {
        free(kept);
        free(text);
        return -ENOMEM;
    }
    value.name = bytes_of(kept);
    if (text)
        value.text = bytes_of(text);
    compiler->variables[compiler->variable_count++] = value;
    return 0;
}

int candor_define_int(struct candor_compiler *compiler, const char *name, int64_t value)
{
    return define(compiler, name, (struct external){.type = TYPE_INT, .integer = value});
}

int candor_define_bool(struct candor_compiler *compiler, const char *name, bool value)
{
    return define(compiler, name, (struct external){.type = TYPE_BOOL, .integer = value});
}

int candor_define_float(struct candor_compiler *compiler, const char *name, double value)
{
    return define(compiler, name, (struct external){.type = TYPE_FLOAT, .real = value});
}

int candor_define_text(struct candor_compiler *compiler, const char *name, const char *value)
{
    return define(compiler, name,
                  (struct external){.type = TYPE_STRING, .text = bytes_of(value)});
}

static bool begin(struct candor_compiler *compiler)
{
    const struct definitions_options options = {.message = pass_message,
                                                .message_context = compiler,
                                                .externals = compiler->variables,
                                                .external_count = compiler->variable_count};
    if (!compiler->loader)
        compiler->loader = definitions_loader_new(&options);
    return compiler->loader != NULL;
}

static int result(int code, uint32_t errors, const struct why *why, struct candor_error *error)
{
    if (code)
        return candor_fail(error, code, why->text);
    return errors > INT32_MAX ? INT32_MAX : (int)errors;
}

int candor_add_text(struct candor_compiler *compiler, const char *text, size_t length,
                    const char *name, const char *name_space, struct candor_error *error)
{
    struct why why;
    uint32_t errors = 0;
    if (!begin(compiler))
        return candor_fail(error, -ENOMEM, "out of memory");
    int code = definitions_add_text(compiler->loader, (bytes){(const uint8_t *)text, length},
                                    name ? name : "", name_space, &errors, &why);
    return result(code, errors, &why, error);
}

int candor_add_file(struct candor_compiler *compiler, const char *path, const char *name_space,
                    struct candor_error *error)
{
    struct why why;
    uint32_t errors = 0;
    if (!begin(compiler))
        return candor_fail(error, -ENOMEM, "out of memory");
    int code = definitions_add_file(compiler->loader, path, name_space, &errors, &why);
    return result(code, errors, &why, error);
}

int candor_compile(struct candor_compiler *compiler, struct candor_rules **ret,
                   struct candor_error *error)
{
    struct why why;
    struct candor_rules *rules = calloc(1, sizeof *rules);
    if (!rules || !begin(compiler)) {
        free(rules);
        return candor_fail(error, -ENOMEM, "out of memory");
    }
    int code = definitions_seal(compiler->loader, &rules->definitions, &why);
    if (code) {
        free(rules);
        return candor_fail(error, code, why.text);
    }
    *ret = rules;
    return 0;
}

int candor_rules_open(const char *path, struct candor_rules **ret, struct candor_error *error)
{
    struct why why;
    struct candor_rules *rules = calloc(1, sizeof *rules);
    int code = rules ? definitions_map(path, &rules->definitions, &why)
                     : fail(&why, ENOMEM, "out of memory");
    if (code) {
        free(rules);
        return candor_fail(error, code, why.text);
    }
    *ret = rules;
    return 0;
}

int candor_rules_save(const struct candor_rules *rules, const char *path,
                      struct candor_error *error)
{
    struct why why;
    int code = definitions_save(&rules->definitions, path, &why);
    return code ? candor_fail(error, code, why.text) : 0;
}

uint32_t candor_rules_count(const struct candor_rules *rules)
{
    return rules->definitions.set.rule_count;
}

void candor_rules_free(struct candor_rules *rules)
{
    if (rules)
        definitions_close(&rules->definitions);
    free(rules);
}

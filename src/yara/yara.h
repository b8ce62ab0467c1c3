/* yara — the YARA language: rule text goes in, rules in a draft come out, with every error and
 * warning on the way. The door of this folder.
 *
 * Language: YARA 4.5 (docs/writingrules), and those additions of YARA-X that do not contradict
 * it; docs/yara-language.md lists them and the differences. Text is hostile: depth, size,
 * number of errors and time (budget) are limited. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "rules/draft.h"

struct yara_source {
    bytes text;
    bytes name;       /* file name as the user gave it, or "" */
    bytes name_space; /* "default" where the user gave none */
};

/* Answers `include "name"`. `from` is the name of the including source. Fills ret->text and
 * ret->name (a name that is equal for equal files: it is how cycles are found); the text must
 * live as long as the compilation. -E... with the reason when it cannot be had. */
typedef int yara_include_fn(void *context, bytes name, bytes from, struct yara_source *ret,
                            struct why *why);

enum yara_severity { YARA_WARNING, YARA_ERROR };

/* One finding about the rule text. All views are borrowed for the length of the call. */
struct yara_message {
    enum yara_severity severity;
    const char *code; /* stable, one word per kind: "syntax_error", "duplicate_rule", ... */
    bytes file;       /* source name */
    uint32_t line, column, length; /* from 1; column and length in bytes */
    bytes source_line;             /* the line itself, without its end */
    bytes rule;                    /* rule it is in, or empty */
    const char *text; /* what is wrong, and what was expected; YARA 4.5's wording where it has
                       * one, so that `candor yara` prints what yara prints */
};

typedef void yara_message_fn(void *context, const struct yara_message *message);

struct yara_options {
    yara_include_fn *include; /* NULL: includes are errors */
    void *include_context;
    yara_message_fn *message; /* required */
    void *message_context;
    bool strict_4; /* YARA 4.5 wherever it and YARA-X differ (`candor yara`) */
    bool no_warnings;
    uint32_t max_errors; /* after these it gives up on the source; 0 = 1000 */
};

struct yara_compiler;

/* One compiler per draft. Externals are defined on the draft beforehand. NULL: arena full. */
struct yara_compiler *yara_compiler_new(struct draft *draft,
                                        const struct yara_options *options);

/* Adds the rules of one source. Faulty rules are reported and left out, good ones of the same
 * source are kept in the draft. 0 with *ret_errors = 0: all good. 0 with *ret_errors > 0: so
 * many were reported. <0: -ENOMEM or -E2BIG, limits of the arena. */
int yara_compile(struct yara_compiler *compiler, const struct yara_source *source,
                 uint32_t *ret_errors) MUST_USE;

/* compiler — what the parts of the compiler share: the state of one compilation.
 *
 * One pass: conditions are checked and written into the draft while they are read; there is no
 * syntax tree. Functions that read return 0, or -1 when the text could not be followed any
 * further (already reported: the caller gives up the rule). A fault that can be read past is
 * reported, makes the rule faulty, and reading goes on; what it stood in becomes an expression
 * of TYPE_UNDEFINED, about which nothing more is said. */
#pragma once
#include "base/arena.h"
#include "rules/draft.h"
#include "yara/lexer.h"
#include "yara/module.h"
#include "yara/names.h"
#include "yara/yara.h"

enum {
    COMPILER_MAX_INCLUDES = 16,    /* as YARA */
    COMPILER_MAX_LOOPS = 4,        /* as YARA */
    COMPILER_MAX_NESTING = 400,    /* of parentheses and prefixes, for the sake of the stack */
    COMPILER_MAX_DEPTH = 500,      /* of a condition's tree, for the sake of who evaluates it */
    COMPILER_MAX_PATTERNS = 10000, /* in a rule, as YARA */
    COMPILER_MAX_ARGUMENTS = 128,
    COMPILER_MAX_ERRORS = 1000,
};

/* A declared pattern of the rule being read. */
struct declared {
    bytes name; /* with its `$` */
    struct token token;
    uint32_t flags; /* enum pattern_flag */
    struct pattern_code code;
    bool compiled, anonymous, referenced;
    /* Whether it is used only as `$a at constant`, decided as YARA does: see declare_used. */
    bool literal, fixed;
    int64_t fixed_offset; /* RULESET_ANY_OFFSET until the first `at` */
};

struct expr {
    uint8_t type; /* enum value_type; UNDEFINED: faulty, already reported */
    uint8_t item; /* of ARRAY and DICT */
    bool primary; /* may be an operand: not the result of a comparison, `and`, `of` ... */
    bool known;   /* its value is known now: `integer` or `text` */
    uint16_t depth;
    uint32_t node;
    int64_t integer;
    bytes text;
    /* Of objects: members of STRUCT or of the items; functions: their structure is `node`. */
    const struct field *members;
    const struct field *function;
    uint32_t function_index;
    bytes name;         /* the last identifier in it, for messages */
    struct token start; /* where it begins */
};

struct variable {
    bytes name;
    struct expr value; /* type and members; node is not used */
    uint32_t slot;
};

struct known_rule {
    bytes name;
    uint32_t name_space;
    uint32_t number; /* RULESET_NONE: faulty, left out */
};

struct known_module {
    const struct field *fields;
    uint32_t number;
};

struct source_frame {
    const struct yara_source *source;
    const struct source_frame *outer;
    unsigned depth;
};

struct yara_compiler {
    struct draft *draft;
    struct arena *arena;
    struct yara_options options;
    uint32_t errors, max_errors;
    uint64_t work; /* left for what is more than linear in the text */
    bool full, gave_up;

    struct names rules, modules, fields, wildcards, patterns;
    VEC(struct known_rule) known_rules;
    VEC(struct known_module) known_modules;
    VEC(uint8_t) wildcard_lengths; /* [name space * 17 + length / 8]: lengths in use */

    /* The source being read. */
    const struct source_frame *frame;
    uint32_t name_space;
    struct lexer lexer;
    struct token token; /* the next one, not yet taken */
    bool silent;        /* no messages: skipping to the next rule */

    /* The rule being read. */
    bytes rule_name;
    bool in_rule, faulty, too_deep;
    uint32_t rule_serial, pattern_base;
    VEC(struct declared) declared;
    VEC(struct variable) variables;
    VEC(uint32_t) items; /* a stack of nodes and patterns: lists that are being read */
    bool keep_object;    /* the next operand may be an object: `with a = pe.sections[0]` */
    uint32_t slots_used, loops, pattern_loops, nesting;
};

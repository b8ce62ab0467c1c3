/* draft — a ruleset while it is being written: the front ends (yara/, clamav/) add rules,
 * patterns and nodes; `draft_seal` finds anchors and turns it into a ruleset file.
 *
 * A draft lives in the arena it was made with. Functions that return a number return
 * DRAFT_FULL when the arena is full; `draft->full` is then set and stays set, so a front end
 * may check once at the end. Everything added is copied or interned. */
#pragma once
#include "base/arena.h"
#include "match/pattern.h"
#include "rules/node.h"
#include "rules/ruleset.h"

enum { DRAFT_FULL = 0xffffffff };

struct draft_program {
    bytes program;
    struct pattern_literal *literals;
    uint32_t literal_count;
    uint32_t flags; /* enum ruleset_program_flag */
    uint32_t max_length;
    int64_t fixed_offset;
};

/* Patterns that conditions ask for together, wherever in the draft they stand. */
struct draft_group {
    uint32_t key; /* whatever the front end calls it */
    VEC(uint32_t) patterns;
};

struct draft_index;
struct hashes_build;

struct draft {
    struct arena *arena;
    bool full;
    bool unfiltered;      /* seal without anchors, gates and order: the slow truth for tests */
    uint64_t fingerprint; /* of the module tables in use: module_fingerprint() */
    VEC(uint8_t) texts;
    VEC(struct node) nodes;
    VEC(uint32_t) links;
    VEC(struct ruleset_rule) rules;
    VEC(struct ruleset_pattern) patterns;
    VEC(struct ruleset_meta) metas;
    VEC(struct ruleset_external) externals;
    VEC(struct ruleset_module) modules;
    VEC(uint32_t) namespaces; /* texts offsets of their names */
    VEC(uint32_t) tags;       /* texts offsets */
    VEC(struct draft_program) programs;
    VEC(struct ruleset_password) passwords;
    VEC(struct types_row) types;
    VEC(struct ruleset_url) urls;
    VEC(struct ruleset_icon) icons;
    VEC(struct ruleset_signer) signers;
    VEC(struct ruleset_catalogued) catalogue;
    VEC(struct draft_group) groups;
    VEC(uint32_t) targets;       /* of each rule: TARGET_BITs */
    struct hashes_build *hashes; /* hash signatures (match/hashes.h), or NULL */
    /* Where the ruleset goes: room(room_context, size) gives bytes on a 64-byte border. NULL:
     * the arena that it is sealed in. */
    void *(*room)(void *context, size_t size);
    void *room_context;
    /* Or, instead of that, NULL or: writes a part of the ruleset into a file that is empty.
     * False when that cannot be. */
    bool (*put)(void *context, uint64_t at, bytes part);
    /* With `put`, or NULL: instead of `hashes`, the size of a table that another process has
     * written into that file at RULESET_HASHES. False when there is none to be had. */
    bool (*table)(void *context, size_t *ret_size);
    void *table_context;
    uint32_t rule_nodes, rule_links; /* nodes and links before the rule that was begun last */
    struct draft_index *index;       /* what is interned already */
};

struct draft *draft_new(struct arena *arena); /* NULL when the arena is full */

/* A NUL-terminated copy among the texts, the same offset for the same bytes. */
uint32_t draft_text(struct draft *draft, bytes text);
uint32_t draft_node(struct draft *draft, struct node node);
/* Start in links of a copy of items[0..count). */
uint32_t draft_links(struct draft *draft, const uint32_t *items, uint32_t count);
/* Shorthands. */
uint32_t draft_int(struct draft *draft, int64_t value);
uint32_t draft_bool(struct draft *draft, bool value);
uint32_t draft_float(struct draft *draft, double value);
uint32_t draft_string(struct draft *draft, bytes text);
uint32_t draft_unary(struct draft *draft, enum node_op op, enum value_type type, uint32_t a);
uint32_t draft_binary(struct draft *draft, enum node_op op, enum value_type type, uint32_t a,
                      uint32_t b);

/* The number of a namespace, module or external; made when new. */
uint32_t draft_namespace(struct draft *draft, bytes name);
uint32_t draft_module(struct draft *draft, bytes name);
/* Defines a variable with its default value, once per name: a second definition of the same
 * name replaces the value if the type is the same, else DRAFT_FULL without setting full. */
uint32_t draft_external(struct draft *draft, bytes name, enum value_type type, int64_t integer,
                        double real, bytes string);
/* DRAFT_FULL when there is none of that name. */
uint32_t draft_find_external(const struct draft *draft, bytes name);

/* Adds a program (one for all patterns with the same bytes and the same fixed offset) and
 * returns its number. `fixed_offset` is RULESET_ANY_OFFSET, or the only offset at which the
 * pattern may match (YARA: a pattern used only as `$a at CONSTANT` matches there alone). */
uint32_t draft_program(struct draft *draft, const struct pattern_code *code, uint32_t flags,
                       int64_t fixed_offset);

/* Writes a rule. Usage: rule = draft_rule_begin(...); then its tags, metas and patterns, which
 * become consecutive; nodes; then draft_rule_end with the condition's root. */
uint32_t draft_rule_begin(struct draft *draft, bytes name, uint32_t name_space, uint32_t flags);
uint32_t draft_tag(struct draft *draft, bytes name);
uint32_t draft_meta(struct draft *draft, bytes name, enum value_type type, int64_t integer,
                    double real, bytes string);
/* `name` with its `$`; just "$" for an anonymous pattern. `program` from draft_program; `flags`
 * of enum pattern_flag. Returns the pattern's number for use in nodes. */
uint32_t draft_pattern(struct draft *draft, bytes name, uint32_t flags, uint32_t program);
/* Adds a pattern to a group of patterns, and a node (NODE_GROUP) for all that the group will
 * have when the draft is sealed. A pattern of a group must stay: its rule is not dropped any
 * more. */
void draft_group_add(struct draft *draft, uint32_t key, uint32_t pattern);
uint32_t draft_group_node(struct draft *draft, uint32_t key);
void draft_rule_end(struct draft *draft, uint32_t condition, uint32_t slots);
/* Of the rule that was begun last: the objects it is for (TARGET_BITs; a rule is for
 * TARGET_RULES unless told otherwise), and the line a signature stands in. */
void draft_rule_targets(struct draft *draft, uint32_t targets);
void draft_rule_line(struct draft *draft, uint32_t line);
/* Takes back the rule that was begun last, with its patterns, when it turned out faulty. */
void draft_rule_drop(struct draft *draft);

/* Finds the anchors, builds the filter and lays the file out. *ret is in `arena` (or where
 * `room` says), 64-byte aligned, and can be written to disk as it is or given to ruleset_open;
 * with `put` it has no `at`, but its size. -ENOMEM, -E2BIG, -EIO. */
int draft_seal(struct draft *draft, struct arena *arena, bytes *ret, struct why *why) MUST_USE;

/* scanner_state — what a scanner remembers; private to engine/.
 *
 * Arrays over all rules or programs are never cleared between objects: an entry is valid when
 * its stamp equals the number of the current object. */
#pragma once
#include "engine/engine.h"
#include "match/literals.h"
#include "rules/kind.h"

struct program_state {
    uint32_t seen;  /* a literal of it was seen in this object */
    uint32_t known; /* `exists` and `matches` are of this object */
    bool exists;
    uint64_t from; /* no match begins before: valid when seen, in objects of one block */
    struct matches *matches; /* all of them, or NULL when not yet looked for */
};

enum rule_result { RULE_FALSE, RULE_TRUE, RULE_RUNNING };

struct rule_state {
    uint32_t awake; /* put on the list of this object */
    uint32_t known; /* `result` is of this object */
    uint32_t result;
};

struct module_state {
    const struct module *module; /* NULL: not in this build */
    uint32_t loaded;             /* the object it was loaded for */
    struct module_input input;
};

struct place;
struct expressions;
struct group_matches;

struct scanner {
    const struct ruleset *set;
    struct scanner_options options;
    struct arena *home;  /* what lives as long as the scanner */
    struct arena *arena; /* what lives as long as an object */
    struct budget budget;
    struct literals_scratch **scratch; /* one for each filter */
    uint32_t stamp;                    /* number of the current object */
    struct program_state *programs;
    struct rule_state *rules;
    struct module_state *modules;
    uint32_t *failed; /* per namespace: stamp when a global rule of it is false */
    struct value *externals;
    uint32_t *awake; /* rules that may match this object */
    uint32_t awake_count;
    const struct object_input *object;
    uint64_t size;    /* sum of the blocks */
    uint32_t magic;   /* the first four bytes */
    enum kind kind;   /* by them */
    uint32_t targets; /* what the object is: TARGET_BITs */
    uint32_t depth;   /* of conditions under evaluation */
    struct finding *findings;
    struct place *place; /* of this object, when place_known is its number (place.c) */
    uint32_t place_known;
    struct group_matches
        *groups; /* of this object, when groups_known is its number (followed.c) */
    uint32_t groups_known;
    struct expressions *expressions; /* compiled so far (expression.c) */
};

/* found.c */
/* True when no literal of a program was seen that cannot match without one. */
bool found_denied(const struct scanner *scanner, uint32_t program);
/* True when only a search tells whether the program matches. */
bool found_is_open(struct scanner *scanner, uint32_t program);
/* The answer of such a search. */
void found_settle(struct scanner *scanner, uint32_t program, bool exists);
bool found_exists(struct scanner *scanner, uint32_t program);
const struct matches *found_matches(struct scanner *scanner, uint32_t program);
bool found_at(struct scanner *scanner, uint32_t program, uint64_t offset);
/* Index of the first match at or after `offset`. */
uint32_t found_first(const struct matches *matches, uint64_t offset);
bytes found_code(const struct scanner *scanner, uint32_t program);

/* expression.c: the answers about all objects until now. */
void expression_forget(struct scanner *scanner);

/* load.c: a module's root for the current object, NULL where there is none. */
struct module_input *load_module(struct scanner *scanner, uint32_t module);

/* entrypoint.c: the `entrypoint` variable: offset of the first instruction of a PE or ELF file
 * (address, in a process). False when it is neither. */
bool entrypoint_find(const struct object_input *object, uint64_t *ret);

/* condition.c */
bool condition_holds(struct scanner *scanner, uint32_t rule);

/* ahead.c: looks for several patterns that the rules that are awake will ask for in one pass,
 * before each asks for its own. */
void look_ahead(struct scanner *scanner);

/* possible.c: false when what the filter denied is enough to say no. */
bool condition_possible(const struct scanner *scanner, uint32_t rule);

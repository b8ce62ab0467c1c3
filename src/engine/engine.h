/* engine — object in, verdict out. The door of the engine.
 *
 * A scanner belongs to one thread; a ruleset is shared by all. The engine opens nothing, knows
 * no clock and keeps nothing between objects but its scratch memory. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "match/pattern.h"
#include "rules/ruleset.h"
#include "yara/module.h"

struct hash_later;
struct scanner;

/* A variable's value for the objects that follow. `name` must be an external of the ruleset;
 * a name that is not is ignored (false). The text is borrowed until replaced. */
bool scanner_set(struct scanner *scanner, bytes name, struct value value);

struct scanner_options {
    uint64_t steps; /* budget of one object; 0 = a default that suits files of 1 GiB */
    size_t memory;  /* arena of one object; 0 = 256 MiB */
    const volatile bool *stop; /* see budget */
    struct hash_later *later;  /* hash_later.h; NULL: all digests at once. Borrowed */
};

struct scanner *scanner_new(const struct ruleset *set, const struct scanner_options *options);
struct scanner *scanner_free(struct scanner *scanner);

/* A member of a container, as the container describes it; sizes are UINT64_MAX where it does
 * not. */
struct object_member {
    bytes name;
    uint64_t container_size, packed_size, size;
    uint32_t position; /* from 0 or 1, as ClamAV counts in containers of the kind */
    bool encrypted;
};

/* What an object looks like; called for rules that ask, each time. */
struct object_look {
    void *to;
    /* The hash of the picture that it is (picture/picture.h); false: it is none. */
    bool (*picture)(void *to, uint64_t *ret);
    /* Whether an icon of the program that it is is like one of these groups (picture/icon.h).
     */
    bool (*icon)(void *to, const char *group1, const char *group2);
    /* Whether row `row` of the signers of a ruleset blocks who signed it (signer/signer.h). */
    bool (*blocked)(void *to, uint32_t row);
    /* A signature asks for it to be looked at as another type, too (enum filetype). */
    void (*handle)(void *to, uint32_t type);
};

struct object_input {
    const struct block *blocks; /* a file: one, base 0 */
    uint32_t block_count;
    bool is_process;       /* memory of a process: `filesize` is undefined */
    uint32_t targets;      /* TARGET_BITs; 0: of TARGET_RULES alone */
    const uint16_t *types; /* enum filetype of the containers around it, outermost first */
    uint32_t type_count;
    const struct object_member *member; /* or NULL */
    const struct object_look *look;     /* or NULL */
    enum url_fault url_fault; /* of an object that stands for a link in it, TARGET_LINK */
    int64_t now;
    void (*log)(void *to, bytes text); /* console module; may be NULL */
    void *log_to;
    /* Data for modules (-x): the answer for a module's name, empty when there is none. */
    bytes (*module_data)(void *to, bytes module);
    void *module_data_to;
};

struct finding {
    uint32_t rule; /* number in the ruleset; from rule_count on, of a hash signature */
};

struct verdict {
    const struct finding *findings; /* matching rules that are not private, in order */
    uint32_t finding_count;
    enum limit limit; /* not LIMIT_NONE: not fully examined, and why */
    bool trusted; /* a .fp or .sfp signature says that findings of signatures are mistakes */
};

/* Examines one object. *ret and everything reached through the functions below stay valid until
 * the scanner's next call. <0 only for -ENOMEM of the scanner itself. */
int scanner_scan(struct scanner *scanner, const struct object_input *object,
                 struct verdict *ret) MUST_USE;

/* Matches of pattern `number` of the ruleset in the last object: searched now if the condition
 * did not need them. */
const struct matches *scanner_matches(struct scanner *scanner, uint32_t pattern);

/* The root structure of a module for the last object, loaded and filled; NULL when the ruleset
 * does not import it or memory ran out. For dumps (-D). */
struct object *scanner_module(struct scanner *scanner, uint32_t module);
/* What module functions get, for object_fill_all and object_read. */
struct module_input *scanner_module_input(struct scanner *scanner, uint32_t module);

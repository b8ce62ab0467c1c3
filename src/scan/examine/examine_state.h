/* examine_state — what an examiner knows; private to examine*.c:
 *
 *     examine.c         the door; containers are opened, and what is in them is handed on
 *     examine_object.c  what rules and signatures say of one object */
#pragma once
#include "scan/alerts.h"
#include "scan/batch.h"
#include "scan/examine/examine.h"
#include "scan/facts.h"
#include "scan/later.h"
#include "scan/look.h"
#include "scan/urls.h"

#include <limits.h>

/* A rule that was found in the object at hand. */
struct found {
    uint32_t set, rule;
};

struct examiner {
    struct examine_options options;
    struct examine_control *control;
    struct scanner *scanners[EXAMINE_MAX_SETS];
    struct hash_later *later; /* NULL: no ruleset has digests */
    uint32_t wanted[EXAMINE_MAX_SETS];
    uint32_t targets;    /* TARGET_BITs of all signatures: for which views are made */
    struct arena *kept;  /* for as long as the examiner */
    struct types *table; /* of types; NULL: the built-in one */
    struct look look;
    struct urls urls;
    enum url_fault url_fault; /* of the link that is looked at */
    struct block block;       /* the scanners look at these until the next object */
    struct object_input object;
    uint16_t types[FACTS_DEPTH]; /* of the containers around it, where signatures ask */
    uint32_t type_count;
    const struct object_member *member; /* while it is the object */
    const char *limits;                 /* that the scanners ran into at the object */
    struct reply_object *viewed;        /* whose views are scanned */
    struct found found[32];
    uint32_t found_count;
    struct region region;
    struct budget budget;
    struct unpack_run run;
    struct reply reply;
    struct reply_object *at;    /* the container that is open */
    struct examine_place place; /* in it */
    const struct examine_file *file;
    const struct examine_share *share;
    struct batch batch; /* children of the open container, not yet examined */
    const struct unpack *batch_parent;
    uint32_t batch_from;                 /* the place of the first of them */
    struct unpack around[EXAMINE_CHAIN]; /* the containers of a part */
    char part_path[EXAMINE_PATH];
    bytes owner;
    bool stopped; /* by the watcher */
    char cwd[PATH_MAX];
    char path[4 * PATH_MAX];
    char extension[256];
};

/* --- examine_object.c --- */

/* Matches an object, its views and its links, and writes down what was found and what was not
 * examined. False when the watcher said stop. */
bool examine_object_match(struct examiner *examiner, struct reply_object *object);
/* Runs the scanners on an object's bytes, or on a view of it. */
void examine_object_scan(struct examiner *examiner, struct reply_object *object, bytes data,
                         uint32_t targets);
/* Writes down its SHA-256. */
void examine_object_digest(struct examiner *examiner, const struct reply_object *object);

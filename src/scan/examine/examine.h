/* examine — one file and everything in it under all rulesets: runs the engine on the file,
 * opens it if it is a container, does the same with each object in it, and writes down what
 * came of it (reply.h). One examiner per thread or worker. */
#pragma once
#include "alert/alert.h"
#include "engine/engine.h"
#include "engine/hash_later.h"
#include "scan/content.h"
#include "scan/reply.h"

enum { EXAMINE_MAX_SETS = REPLY_SETS, EXAMINE_OWNER = 64, EXAMINE_TAGS = HASH_LATER_TAGS };

struct examine_options {
    const struct definitions *sets;
    int set_count;
    int64_t now;                      /* seconds since 1970 */
    const struct external *externals; /* the user's own, over the rulesets' defaults */
    uint32_t external_count;
    struct unpack_limits limits;
    size_t memory;          /* for unpacked objects that are examined at the same time */
    const bytes *passwords; /* tried on what is encrypted */
    uint32_t password_count;
    uint32_t matches;     /* of each pattern written down; 0: no patterns either */
    uint32_t match_bytes; /* of each match, at most REPLY_MATCH */
    bool tree;            /* announce every object */
    bool digests;         /* SHA-256 of what something was found in */
    uint32_t icons;       /* that are compared in a program; 0: a customary number */
    bool no_signers;      /* do not ask who signed a program */
    bool first_signer;    /* of those who are blocked, only find the first */
    const struct alert_options *alerts; /* NULL: none are asked for */
    bool no_links;                      /* leave links as they are; else: */
    bool insecure_links; /* find all links that are shown as https and are not ... */
    bool cloaked_links;  /* ... or have a NUL, not only to hosts that are watched */
};

/* What an examiner is at. Objects have numbers that only depend on the way to them, not on what
 * was examined before or by whom; the file's own is 0. */
struct examine_place {
    uint64_t object;
    uint32_t stage;    /* the row that has it open: unpack_stage_name. 0: rules are matched */
    uint32_t children; /* how many came out of it so far */
};

/* What whoever watches an examiner shares with it: from another thread or, in shared memory,
 * another process. Cleared by the watcher before a file. */
struct examine_control {
    volatile bool stop;        /* end this file */
    volatile bool interrupted; /* because the whole scan ends, not because of its time */
    volatile struct examine_place place;
};

enum { EXAMINE_FAULT = 160 };

/* What is not to be tried again, as it cost a worker; noted as a gap when it is met. */
struct examine_skip {
    struct examine_place place; /* stage 0: the object's matching; else what the row would do
                                   after so many children */
    bool whole;                 /* the object is neither matched nor opened */
    char text[EXAMINE_FAULT];   /* why */
};

enum {
    EXAMINE_CHAIN = 32,       /* containers around a part */
    EXAMINE_PART = 128 << 10, /* smaller objects are parts only together */
    EXAMINE_PATH = 8 << 10,
};

/* A container around a part. */
struct examine_container {
    uint16_t stage; /* unpack_stage */
    uint16_t type;  /* enum filetype, where signatures ask */
};

/* A large object in a file, or small ones of one container, for someone else to examine. */
struct examine_part {
    bytes path;  /* of the file, and below it, as if containers were folders; NUL-terminated */
    size_t name; /* length of its name at the end of the path */
    bytes data;
    const struct examine_container *chain; /* around it, outermost first */
    uint32_t depth;                        /* how many */
    bool batch; /* data: batch.h, in what `room` gave; the path: of the container */
};

/* Takes parts, or refuses (false): then they are examined here. */
struct examine_share {
    void *to;
    /* Whether one would be taken now. */
    bool (*wants)(void *to);
    bool (*offer)(void *to, const struct examine_part *part, uint32_t *ret_number);
    /* Where a batch may be put together, if one would be taken; else NULL. */
    uint8_t *(*room)(void *to, size_t *ret_size);
};

/* A file, or a part of one. */
struct examine_file {
    bytes path;  /* NUL-terminated, as the user reached it */
    size_t name; /* length of its name at the end of the path */
    bytes owner; /* the name of its owner */
    const struct content *content;
    const struct examine_container *chain; /* of a part */
    uint32_t depth;
    bool batch;                        /* the content is objects out of one container */
    const struct examine_share *share; /* or NULL */
    /* Digests may be put off until examiner_settle, which tells by the tag, below EXAMINE_TAGS;
     * `stays`: the content stays where it is until then. */
    bool put_off, stays;
    uint32_t tag;
    const struct examine_skip *skips;
    uint32_t skip_count;
    /* Told of every place before anything happens there; NULL: nobody asks. */
    void (*tell)(void *to, const struct examine_place *place);
    void *tell_to;
};

/* Length of what follows the last slash. */
size_t examine_name(bytes path);

struct examiner;

/* NULL when memory is out. The control is borrowed. */
struct examiner *examiner_new(const struct examine_options *options,
                              struct examine_control *control);
struct examiner *examiner_free(struct examiner *examiner);
/* Examines a file and appends the reply. */
void examiner_file(struct examiner *examiner, const struct examine_file *file,
                   struct text *out);

enum examine_later {
    LATER_WAITS, /* something of the file with the tag is put off */
    LATER_NOTHING,
    LATER_KNOWN, /* the file must be examined again, without putting off, as what was said of it
                    is not all */
};

/* What came of what was put off; with `now`, it is computed. */
enum examine_later examiner_settle(struct examiner *examiner, uint32_t tag, bool now);
/* Opens what libraries open at their first use, before a process starts workers: these inherit
 * it, and cannot open anything. */
void examine_warm(const struct examine_options *options);
/* Whether some ruleset asks for the owner's name. */
bool examine_wants_owner(const struct examine_options *options);
/* Milliseconds of the monotonic clock. */
int64_t examine_clock(void);
/* "too much work": what a limit means, for reports. */
const char *examine_limit_text(enum limit limit);

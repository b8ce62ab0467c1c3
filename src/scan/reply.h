/* reply — what came of one file and everything in it, as bounded bytes that cross from a worker
 * to the program that reports, and as plain data after they were read.
 *
 * Records, little-endian, one after the other; object 0 is the file itself and is not
 * announced:
 *
 *     1 OBJECT   u32 parent, u64 size, u8 flags (1: partial), u8 n, kind[n], u16 n, name[n]
 *                takes the next number, from 1; the parent's number is smaller
 *     2 FINDING  u32 object, u8 set, u32 rule
 *     3 PATTERN  u32 pattern, u32 matches in all               of the FINDING before
 *     4 MATCH    u64 offset, u32 length, u8 xor key, u16 n, data[n]   of the PATTERN before
 *     5 GAP      u32 object, u8 kind, u8 n, text[n], u16 n, member[n]
 *     6 PART     u32 part, then as OBJECT: what came of it is a reply of its own
 *     7 END      i32 error, u8 flags (1: cut), u64 size, examined, objects, unpacked, members,
 *                written, findings, gaps[GAPS]                 closes the reply
 *
 *     8 DIGEST   u32 object, SHA-256[32]
 *     9 BATCH    u32 object, u32 part: what came of some of its children is a reply of its own,
 *                in which the object is number 0
 *    10 KIND     u8 n, kind[n]: of object 0; before the first that is said of it or in it,
 * where it is a container
 *    11 ALERT    u32 object, u8 alert: enum alert, where it was asked for
 *
 * Objects are announced when something is said of them, so a clean file is one END. Whoever
 * reads trusts nothing: numbers, lengths and order are checked, and texts stay hostile. */
#pragma once
#include "base/arena.h"
#include "definitions/definitions.h"
#include "scan/text.h"
#include "unpack/unpack.h"

enum {
    REPLY_MAX = 4 << 20, /* bytes of one reply */
    REPLY_NAME = 4096,   /* of a name; longer ones are cut */
    REPLY_TEXT = 255,    /* of a reason */
    REPLY_MATCH = 256,   /* of a match */
    REPLY_SETS = 8,
    REPLY_SHA256 = 32,
    REPLY_OBJECT_DEPTH = 256,
};

enum examine_verdict {
    VERDICT_CLEAN,
    VERDICT_FOUND,
    VERDICT_PARTIAL, /* not fully examined, nothing found in what was */
    VERDICT_ERROR,   /* not examined */
    VERDICT_COUNT,
};

/* "clean", "found", "partial", "error". */
const char *examine_verdict_word(enum examine_verdict verdict);

/* --- read --- */

struct examined_object {
    uint32_t parent; /* number; of the file itself: 0 */
    uint32_t depth;  /* 0: the file itself */
    bool partial;    /* not all of it could be unpacked */
    uint64_t size;
    bytes name, kind; /* hostile text; kind "" where it is no container, or nobody said */
    bytes sha256;     /* empty where it was not asked for */
};

struct examined_match {
    uint64_t offset;
    uint32_t length;
    uint8_t xor_key;
    bytes data; /* the first bytes of it */
};

struct examined_pattern {
    uint32_t number; /* in the ruleset */
    uint32_t count;  /* matches in all */
    uint32_t match_start, match_count;
};

struct examined_finding {
    uint32_t object, set, rule;
    uint32_t pattern_start, pattern_count;
};

/* Something that was not examined: `member` of the object, or, where it is empty, the rest of
 * the object itself. */
struct examined_gap {
    uint32_t object;
    enum gap kind;
    bytes member, text;
};

/* What was asked for besides signatures (alert.h). */
struct examined_alert {
    uint32_t object;
    uint8_t alert; /* enum alert, below ALERTS */
};

/* What --quarantine made of a file. */
struct examined_move {
    bool tried;
    char id[24];         /* of the entry; empty: it was not moved */
    char reason[240];    /* why not */
    uint64_t names_left; /* other names of the file, which stay */
};

/* What came of one file. Everything lies in the arena it was read into, or in the reply. */
struct examined {
    enum examine_verdict verdict;
    bytes path;
    uint64_t size;     /* of the file */
    uint64_t examined; /* bytes of it that were examined */
    uint64_t objects;  /* found in it, itself not counted */
    uint64_t unpacked; /* bytes of them */
    const char *error; /* why it was not examined, or NULL */
    char error_text[200];
    bool vanished; /* it was gone when its turn came */
    bool special;  /* it turned out to be no regular file */
    bool cut;      /* more was to be said than a reply holds */
    struct examined_move move;
    const struct definitions *sets;
    uint64_t finding_count, gap_counts[GAPS]; /* in all, listed or not */
    VEC(struct examined_object) object;       /* the announced ones; [0] is the file */
    VEC(struct examined_finding) finding;
    VEC(struct examined_pattern) pattern;
    VEC(struct examined_match) match;
    VEC(struct examined_gap) gap;
    VEC(struct examined_alert) alert;
};

/* A reply, and those about its parts: large objects in the file that other workers examined,
 * by their numbers. One that was given up has a fault instead. */
struct reply_part {
    bytes reply, fault;
    bytes died; /* it cost workers, the last of them so: some object was left out */
    const struct reply_part *const *parts;
    uint32_t count;
};

/* Reads a reply about the file at `path`. Views point into `reply`. -EBADMSG when it is not
 * what a worker in its senses writes; -ENOMEM. */
int reply_read(const struct reply_part *reply, bytes path, const struct definitions *sets,
               int set_count, struct arena *arena, struct examined *ret) MUST_USE;
/* Whether all parts together kept to the limits that each kept to for itself. */
bool reply_within(const struct reply_part *reply, const struct unpack_limits *limits);
/* What came of a file that was not examined: `error` is -errno. `max` is the size that -EFBIG
 * is about. */
void reply_unexamined(int error, uint64_t size, uint64_t max, bytes path, struct arena *arena,
                      struct examined *ret);
/* The same for one that cost a worker: everything of it is a gap. The text is borrowed. */
void reply_fault(bytes text, uint64_t size, bytes path, struct arena *arena,
                 struct examined *ret);

/* --- write --- */

/* One object on the way from the file to what is examined now: announced when needed. */
struct reply_object {
    struct reply_object *up; /* NULL: the file itself */
    bytes name, data;
    bool partial, announced, letter, derived;
    bool unread;   /* not even its kind is asked */
    uint16_t type; /* enum filetype, where signatures ask */
    uint32_t number;
    uint32_t trusted; /* bits: in which rulesets a signature trusts it, or a container of it */
};

struct reply {
    struct text *out; /* appended to */
    size_t from;      /* where this reply begins */
    size_t gap_bytes;
    uint32_t announced;
    bool cut, batched, kind_said; /* batched: there is a BATCH in it */
    uint64_t size, examined, objects, unpacked, members, written, findings, gaps[GAPS];
};

void reply_begin(struct reply *reply, struct text *out);
void reply_object(struct reply *reply, struct reply_object *object);
/* Whether it is far from full. */
bool reply_has_room(const struct reply *reply);
/* The object is examined elsewhere. False: there is no room to say so. */
bool reply_part(struct reply *reply, struct reply_object *object, uint32_t part);
/* Some of its children are examined elsewhere. False as above. */
bool reply_batch(struct reply *reply, struct reply_object *object, uint32_t part);
void reply_finding(struct reply *reply, struct reply_object *object, uint32_t set,
                   uint32_t rule);
void reply_pattern(struct reply *reply, uint32_t pattern, uint32_t count);
void reply_match(struct reply *reply, uint64_t offset, uint32_t length, uint8_t xor_key,
                 bytes data);
void reply_gap(struct reply *reply, struct reply_object *object, enum gap kind, bytes member,
               const char *text);
void reply_alert(struct reply *reply, struct reply_object *object, uint8_t alert);
/* Of an object in which something was found. */
void reply_digest(struct reply *reply, const struct reply_object *object,
                  const uint8_t sha256[REPLY_SHA256]);
/* `error`: 0, or the -errno for which the file was not examined. */
void reply_end(struct reply *reply, int error);

/* unpack — containers and documents to the objects in them. The door of this folder.
 *
 * An object's bytes go in; every object it contains comes out, each once, through a sink that
 * examines it and may open it in turn. What could not be opened comes out as a gap, with its
 * kind and reason: nothing is left out in silence. Pure: no files, no clock, no memory of its
 * own; other people's libraries are behind src/shim.
 *
 * A format is one file and one row (struct unpack_format) of its group's table. Its `open`
 * reads `unpack->data` through checked reads, charges the budget in every loop that input
 * drives, and hands out children in one of two ways:
 *
 *     unpack_view(u, name, part)               a slice of the container, as it stands
 *     unpack_begin(u, name);                   or decoded: begin, then any number of
 *     at = unpack_room(u, &room); ... unpack_wrote(u, n);   and   unpack_put(u, bytes);
 *     unpack_end(u);                           and end: now it is examined
 *
 * Each returns false when the whole examination has to stop (a limit was reached, the user
 * interrupted): `open` then returns. Damage is no reason to stop: a gap is noted and the next
 * member is tried. Half a member is better than none: what was decoded before the damage is
 * handed out, after unpack_gap. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "base/region.h"

/* Why something in a container was not examined. */
enum gap {
    GAP_ENCRYPTED,   /* and no password opened it */
    GAP_LIMIT,       /* too deep, too many, too large, too much work */
    GAP_DAMAGED,     /* the format's rules are broken */
    GAP_UNSUPPORTED, /* a method or version nobody here knows */
    GAP_FAULT,       /* the parser was stopped: it crashed, looped or ate memory */
    GAPS,
};

/* "encrypted", "limit", "damaged", "unsupported", "fault". */
const char *gap_word(enum gap gap);

/* What one object and everything in it may cost. 0 is none, not "no limit". */
struct unpack_limits {
    uint32_t depth;     /* containers in containers */
    uint64_t members;   /* objects in all */
    uint64_t bytes;     /* unpacked in all */
    uint64_t one;       /* unpacked of one member */
    uint32_t passwords; /* tried on one container */
};

struct unpack;

/* An object that was found in a container. */
struct unpack_child {
    bytes name;   /* as the container has it: any bytes, `/` between folders; may be empty */
    bytes data;   /* until the sink returns */
    bool partial; /* not all of it: a gap was noted for the rest */
    bool letter;  /* a text that a mail program shows: its links are what the reader sees */
    bool derived; /* no part of the container's bytes: what it says, put together */
};

/* What a container says of a member, opened or not. */
struct unpack_member {
    bytes name;
    uint64_t packed_size, size; /* UINT64_MAX where it does not say */
    uint32_t number;            /* of those in the container, from 0 */
    bool encrypted;
};

struct unpack_sink {
    void *to;
    /* False: stop everything. */
    bool (*child)(void *to, const struct unpack *parent, const struct unpack_child *child);
    /* `member` is the child it is about, empty when about the container itself. `text` is fit
     * to show a person, without a full stop: "encrypted with AES-256". */
    void (*gap)(void *to, const struct unpack *parent, bytes member, enum gap gap,
                const char *text);
    /* The row that is at work from now on (unpack_stage_name): it begins with its container, or
     * goes on after a child. False: it is not to, and the sink says why. Then 0: it is done.
     * For the post-mortem too. May be NULL. */
    bool (*stage)(void *to, uint32_t stage);
    /* Before a member is opened, in containers whose format calls unpack_member. May be NULL.
     */
    void (*member)(void *to, const struct unpack *parent, const struct unpack_member *member);
};

/* One examination of one file: shared by all containers in it. */
struct unpack_run {
    struct unpack_limits limits;
    const bytes *passwords; /* the user's, then customary ones */
    uint32_t password_count;
    struct budget *budget;
    struct arena *arena;   /* for the formats' own tables; given back after each container */
    struct region *region; /* for the children */
    struct unpack_sink sink;
    uint32_t stage; /* the row now at work, 0 for none */
    /* For those who look for files in damaged disks: of a disk its files come out, never all of
     * it in one piece, and files without a name, too. */
    bool files_only;
    /* Told what unpack_put copies, and where in the child: true, and it need not be copied.
     * May be NULL. */
    bool (*copied)(void *to, size_t at, bytes data);
    bool clean; /* the region is zeros wherever nothing was written since it was opened */
    /* Used up so far. */
    uint64_t members, bytes;
    bool stopped;
    bool leaves; /* and stopped: only the container at hand ends */
};

/* A magic number; the first of a list with length 0 ends it. */
struct unpack_magic {
    uint32_t at;
    uint8_t length;
    const char *bytes;
};

/* As the place of a first magic of length 0: probe is given the name, which tells more than the
 * bytes. */
enum { UNPACK_MAGICS = 8, UNPACK_NAMED = 1 };

struct unpack_format {
    const char *name; /* "zip": as reports show it; NULL ends a table */
    struct unpack_magic magics[UNPACK_MAGICS]; /* one must be there; none listed: ask probe */
    /* Further proof, cheap: looks at no more than the first 4 KiB and fixed places. May be NULL
     * when there are magics. */
    bool (*probe)(bytes data);
    void (*open)(struct unpack *unpack);
};

/* One container while it is open. */
struct unpack {
    bytes data;
    bytes name;              /* what its own container calls it, or the file's name */
    unsigned depth;          /* 0: the file itself */
    const struct unpack *up; /* the container it lies in, or NULL */
    const struct unpack_format *format;
    struct unpack_run *run;
    struct arena *arena; /* as the run's */
    struct budget *budget;
    bool writing;     /* a child was begun and not ended */
    bool full;        /* and is as large as one may be: what else is put is left out */
    uint32_t members; /* that the format told of by unpack_member */
    /* Private: the child being written. */
    bytes child_name;
    size_t child_from;
    bool partial;
    bool letter, derived; /* of what is handed out from now on */
};

/* Opens an object if it is a container (or several kinds of container at once: all of them).
 * The region and the arena are afterwards as before. True when some format fitted. */
bool unpack_object(struct unpack_run *run, const struct unpack *up, bytes name, bytes data);
/* "zip": the name of the row that a stage number stands for; "" for others. */
const char *unpack_stage_name(uint32_t stage);
/* The number of the row that opened a container, and the row of a number: NULL for none. */
uint32_t unpack_stage(const struct unpack *unpack);
const struct unpack_format *unpack_stage_format(uint32_t stage);
/* The name of the first format that fits, or NULL: costs no more than its probes. */
const char *unpack_kind(bytes data);

/* --- for formats --- */

/* Tells what the container says of the member that comes next, even if it is empty or cannot be
 * opened. Sizes that are not known are UINT64_MAX. */
void unpack_member(struct unpack *unpack, bytes name, uint64_t packed_size, uint64_t size,
                   bool encrypted);
bool unpack_view(struct unpack *unpack, bytes name, bytes part) MUST_USE;
/* The name is borrowed until unpack_end. One child at a time. */
bool unpack_begin(struct unpack *unpack, bytes name) MUST_USE;
/* Where the child goes on, and how much may be written there: at least 64 KiB. NULL when a
 * limit is reached (which is noted): if `run->stopped`, return; else end the child and go on
 * with the next. */
uint8_t *unpack_room(struct unpack *unpack, size_t *ret_room) MUST_USE;
/* `size` bytes were written at unpack_room. Charges the budget. */
bool unpack_wrote(struct unpack *unpack, size_t size) MUST_USE;
/* Appends a copy; what goes over the member's limit is left out. False: return. */
bool unpack_put(struct unpack *unpack, bytes data) MUST_USE;
/* What was written of the child so far: the window of decoders that look back. */
bytes unpack_written(const struct unpack *unpack);
/* Examines the child. One that is empty is counted and not examined. */
bool unpack_end(struct unpack *unpack) MUST_USE;
/* Forgets the child that was begun. */
void unpack_drop(struct unpack *unpack);
/* Intermediates, and what others are derived from: a child is begun and written as always, then
 * kept: not examined, not counted. Its bytes stay good until what was marked before it is
 * released, or the container is closed. unpack_end_kept examines and counts it first. */
size_t unpack_mark(const struct unpack *unpack);
bytes unpack_keep(struct unpack *unpack);
bool unpack_end_kept(struct unpack *unpack, bytes *ret) MUST_USE;
void unpack_release(struct unpack *unpack, size_t mark);
/* Notes what was not examined: of the child being written, else of `member`, else (empty) of
 * the container itself. A child being written is marked partial. */
void unpack_gap(struct unpack *unpack, bytes member, enum gap gap, const char *fmt, ...)
    LIKE_PRINTF(4, 5);

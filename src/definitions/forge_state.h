/* forge_state — letters and workers; private to forge.c and forge_pair.c. */
#pragma once
#include "definitions/forge.h"
#include "sandbox/sandbox.h"

enum {
    PARTS = 5,
    SAY_MAX = 4 << 20, /* bytes of one error with its line */
    FDS = DATABASE_FILES,
    SAYS_MAX = 1 << 20, /* letters from the worker for one of ours */
    HISTORY_MAX = 16 << 20,
    AHEAD_MOST = 64, /* databases that are open for the second worker */
    SEAL_TRIES = 100,
    SEAL_PAUSE_MS = 100
};

/* The box holds the largest rule file. Pages that were never written to cost nothing. */
#define BOX ((size_t)1 << 30)
/* Of the texts that the worker keeps. */
#define TEXTS_MAX ((size_t)4 << 30)
#define SET_MAX   ((size_t)4 << 30)

enum letter_kind {
    LETTER_ADD,
    LETTER_DATABASE,
    LETTER_SEAL,
    LETTER_ASK,
    LETTER_SAY,
    LETTER_NEED, /* the size of the table of hash signatures */
    LETTER_DONE
};

/* What goes through the socket; its parts lie one behind the other in the box. */
struct letter {
    uint32_t kind;
    int32_t error;
    uint32_t numbers[4];
    uint32_t fds; /* bits: which descriptors come with it */
    uint64_t lengths[PARTS];
    uint64_t size; /* of the ruleset, or of the table */
};

/* A database for the second worker. */
struct waiting {
    struct waiting *next;
    struct database_files files;
    bool done, said; /* that it could not be read */
    int error;
    struct why why;
    char path[];
};

struct forge {
    const struct definitions_options *options;
    enum clamav_part part;
    struct forge *beside; /* the second worker, or NULL */
    /* Of the second worker, in the order in which they came. */
    struct waiting *all, *now, **end;
    size_t all_count;
    struct definitions_clamav found;
    /* Databases in the order in which they came: base names, malloc'd. */
    char **names;
    size_t name_count;
    struct sandbox_child child;
    int socket;
    int set;        /* a file without a name, for the ruleset; of both workers the same */
    bool is_placed; /* it is where it will be kept, and not in memory */
    uint8_t *box;
    bool sealed;
    uint64_t sealed_size; /* then: of what is in `set` */
    bytes history;        /* then: of what was read; malloc'd */
    /* The worker's. */
    struct definitions_loader *loader;
    struct arena *texts;
};

/* With descriptors (fds[FDS], or NULL), which stay open here. The letter says which of them
 * there are. */
bool forge_send(int socket, struct letter *letter, const int *fds);
/* Descriptors that come with it are put into fds[FDS], -1 where there is none; NULL: none are
 * taken. */
bool forge_receive(int socket, struct letter *ret, int *fds);
/* False when the box is too small. */
bool forge_pack(uint8_t *box, struct letter *letter, const bytes *parts, size_t count);
/* Views of the parts in `from`, which has `max` bytes. False when the lengths lie. */
bool forge_unpack(const uint8_t *from, uint64_t max, const struct letter *letter,
                  bytes ret[PARTS]);
/* -EFAULT: how the worker ended. */
int forge_ended(struct forge *forge, struct why *why);
/* -EFAULT: the worker answered what it could not have meant, and does not get another chance.
 */
int forge_nonsense(struct forge *forge, struct why *why);
/* The worker's reason, without what a terminal would obey. */
int forge_refusal(int error, bytes reason, struct why *why);
/* Sends a letter, with descriptors, and serves the worker until it is done with it. *ret gets
 * the parts of the answer, also with an error. */
int forge_call(struct forge *forge, struct letter *letter, const int *fds, bytes ret[PARTS],
               struct why *why);
/* What a worker has counted; false when it cannot be. */
bool forge_take_counts(bytes from, struct definitions_clamav *ret);
/* Starts a worker for a part of the databases, which goes into the ruleset of the `first` one;
 * NULL: into one of its own. */
int forge_start(const struct definitions_options *options, enum clamav_part part,
                const struct forge *first, struct forge **ret, struct why *why);
/* Until there is something to read from the worker; meanwhile the second one is served. */
void forge_wait(struct forge *forge);
/* What waited for the second worker, or was read by it. */
void forge_forget(struct forge *forge);

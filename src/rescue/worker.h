/* worker — the sealed process in which everything is read that ransomware left: encrypted
 * files, keys that strangers handed out, and what came out. The door to formats, keys and
 * proofs for those who open files.
 *
 *     job (files, names, syncing)                worker (profile_writer)
 *     worker_new: files of keys as bytes   ──►   warms up, is sealed, reads the keys
 *     a request, with descriptors          ──►   one answer, of fixed size, no pointers
 *
 * A worker may read what it is handed, and write at the places it chooses to what it is handed
 * for writing; nothing else. What it says is checked for bounds, never believed further: text
 * is tamed, numbers of keys and formats are in range. One request at a time; a worker that
 * dies, or talks nonsense, is ended and costs what it was at. */
#pragma once
#include "rescue/format.h"
#include "rescue/proof.h"
#include "sandbox/sandbox.h"

enum {
    WORKER_NAME = 256,  /* bytes of a file name, with its NUL */
    WORKER_SECRET = 64, /* bytes of a key that was found */
    WORKER_KEYS = 65536,
    WORKER_HASH = 32,     /* SHA-256 */
    WORKER_KEY_NO = -1,   /* no key opens it */
    WORKER_KEY_OWN = -2,  /* the file holds its own */
    WORKER_KEY_PAIR = -3, /* what originals show, of worker_teach */
    WORKER_FDS = 2,
};

/* A file of keys, or a key as text: borrowed until the last worker_new. */
struct worker_key_file {
    bytes data, origin;
};

/* A key that a search found, or that was handed on. */
struct worker_found {
    int32_t family;
    uint32_t kind; /* enum key_kind */
    uint64_t seed;
    uint64_t only; /* source_mark of the file, when no other has it; else 0 */
    uint16_t secret_len;
    uint8_t secret[WORKER_SECRET];
};

/* An original and its encrypted copy, opened; the caller keeps the descriptors. */
struct worker_pair {
    int plain, encrypted;
    uint64_t plain_size, encrypted_size;
};

struct worker_options {
    const struct worker_key_file *keys;
    size_t key_count;
    const struct worker_found *found; /* behind the keys in the ring */
    size_t found_count;
    const struct worker_pair *pairs; /* at most LEARNED_PAIRS (learned.h) */
    size_t pair_count;
    bytes extension;             /* what was put behind names */
    struct worker_share *shares; /* WORKER_SHARES, in memory that all workers share; or NULL */
};

/* A file that two workers write: one from its begin, the other, while it waits for the first,
 * from its end, in parts. Shared by both and by nobody else; begun anew for each file. */
struct worker_share {
    uint64_t taken;         /* parts from the begin in the low half, from the end in the high */
    volatile uint64_t done; /* so far it is written from its begin on; UINT64_MAX: all of it */
};

enum { WORKER_SHARES = 16, WORKER_SHARE_PART = 8 << 20 };

enum worker_kind {
    WORKER_KEYRING, /* how many keys there are, and what could not be read */
    WORKER_KEY,     /* `key`: what it is */
    WORKER_PLAN,    /* fd 0: the encrypted file; which format, which key, what would come out;
                       `key`: that one first, where the file confirms none */
    WORKER_APPLY,   /* fd 0, fd 1: writes what comes out; more with `with`; shared with a
                       WORKER_PROOF by `share` */
    WORKER_COMPARE, /* without writing: only the hash */
    WORKER_PROOF,   /* fd 0: what came out; with `share`: what comes out, of which it writes
                       parts while it waits; fd 1: the encrypted file, of `other` bytes */
    WORKER_DIGEST,  /* fd 0: its hash */
    WORKER_SEEK,    /* fd 0: searches a part of what `family` can have as keys (seed.h); fd 1,
                       if any: where it keeps how far it is */
    WORKER_KEEP,    /* `found` becomes the next key of the ring */
    WORKER_PAIR,    /* fd 0, fd 1: an original of `other` bytes, and its encrypted copy */
    WORKER_LEARN,   /* from all of those; `name`: what was put behind names */
    WORKER_KINDS,
};

/* What WORKER_APPLY does along the way: no byte is read again from the disk for it. */
enum worker_with {
    WORKER_WITH_HASH = 1,  /* hashes the encrypted file */
    WORKER_WITH_PROOF = 2, /* looks at what came out: as WORKER_PROOF, and whether it is
                              encrypted once more if that does not prove it */
    WORKER_WITH_AFTER = 4, /* hashes what comes out */
};

struct worker_request {
    uint32_t kind;
    uint32_t with;       /* WORKER_APPLY: enum worker_with */
    uint32_t ticket;     /* WORKER_PLAN: what opens the file is kept, for a WORKER_APPLY or
                            WORKER_COMPARE with the same one; 0: it is not */
    bool follows;        /* fd 0 is still written: see worker_page.limit */
    int32_t family, key; /* places in `formats` and in the ring, or WORKER_KEY_OWN */
    uint64_t size;       /* of the file of fd 0; WORKER_PAIR: of fd 1 */
    uint64_t other;
    uint32_t share; /* place in the shares and 1, of a file that two write; 0: one does */
    bool sparse;    /* WORKER_APPLY: zeros need not be written */
    /* WORKER_SEEK: which of how many parts; when the file was changed. `key`: of a file of
     * about the same time, or WORKER_KEY_NO. */
    uint32_t part, parts;
    int64_t changed;
    struct worker_found found;
    uint16_t name_len, out_len;
    uint8_t name[WORKER_NAME]; /* of the file of fd 0, without folders */
    uint8_t out[WORKER_NAME];  /* WORKER_WITH_PROOF: what the file of fd 1 will be called */
};

struct worker_ring {
    uint32_t keys, unread; /* `unread`: files of keys in which there was none */
    struct why why;        /* of the last of those, with its name */
};

struct worker_key {
    uint32_t kind;
    char text[160], origin[160];
};

struct worker_plan {
    int32_t family; /* -1: none fits */
    int32_t key;    /* place in the ring, or WORKER_KEY_... */
    uint32_t fit;   /* enum fit */
    uint32_t wants; /* as format.keys */
    bool guess, partial, decrypted, sizes_known;
    bool seeks; /* it can be written from anywhere on: by several */
    uint64_t plain, lost;
    char variant[80];
    struct why reason;  /* why it is of this family */
    struct why refusal; /* why no key opens it */
    uint16_t name_len;  /* 0: the file does not tell its name */
    uint8_t name[WORKER_NAME];
};

struct worker_written {
    uint64_t size;
    uint8_t hash[WORKER_HASH];
};

struct worker_proof {
    uint32_t proof; /* enum proof */
    uint64_t good;
    bool settles;  /* it is not encrypted once more */
    char kind[32]; /* "": unknown */
    struct why reason;
};

struct worker_learned {
    uint32_t pairs, given; /* how many agree */
    bool useful;           /* other files are opened by it */
    char words[512];       /* what was done, for people */
};

struct worker_applied {
    struct worker_written plain;
    uint8_t before[WORKER_HASH]; /* WORKER_WITH_HASH */
    struct worker_proof proof;   /* WORKER_WITH_PROOF */
    int32_t again;               /* the format that what came out is of by its mark, -1: none */
};

struct worker_reply {
    uint32_t kind;
    int32_t error; /* 0 or -E...; then only `why` counts */
    struct why why;

    union {
        struct worker_ring ring;
        struct worker_key key;
        struct worker_plan plan;
        struct worker_written written;
        struct worker_applied applied;
        struct worker_proof proof;
        struct worker_found found;
        struct worker_learned learned;
    };
};

/* Shared with the worker, each word written by one side. */
struct worker_page {
    volatile uint64_t done;  /* the worker's: bytes of the request it is at */
    volatile uint64_t alive; /* the worker's: changes while it does anything */
    volatile uint64_t limit; /* the job's: so many bytes of fd 0 may be read by now, of a
                                request that follows; only ever more */
    volatile bool stop;      /* the job's */
};

struct worker {
    struct sandbox_child child;
    int socket; /* readable when there is an answer, or the worker is gone; -1: none */
    struct worker_page *page;
    uint32_t kind; /* of the request it is at */
    uint32_t keys;
};

/* Whether a file is surely encrypted by what a plan says: it bears the mark, or confirms a key.
 */
static inline bool worker_plan_sure(const struct worker_plan *plan)
{
    return plan->family >= 0 &&
           (plan->fit == FIT_IS || (plan->key != WORKER_KEY_NO && !plan->guess));
}

/* Starts a worker and asks for its ring. From a process without other threads. */
int worker_new(const struct worker_options *options, struct worker *ret,
               struct walls *ret_walls, struct worker_ring *ret_ring, struct why *why) MUST_USE;
/* Hands a request to an idle worker. -EPIPE: it is gone. */
int worker_send(struct worker *worker, const struct worker_request *request, const int *fds,
                size_t count, struct why *why) MUST_USE;
/* Waits for its answer. 0 with *ret, whose `error` is the request's; -EFAULT: the worker was
 * stopped or talked nonsense, and has been ended. */
int worker_receive(struct worker *worker, struct worker_reply *ret, struct why *why) MUST_USE;
/* Both. */
int worker_ask(struct worker *worker, const struct worker_request *request, const int *fds,
               size_t count, struct worker_reply *ret, struct why *why) MUST_USE;
/* Has it learn from the pairs of the options, as worker_new does by itself. */
int worker_teach(struct worker *worker, const struct worker_options *options,
                 struct worker_learned *ret, struct why *why) MUST_USE;
/* A worker that is gone is fine. */
void worker_end(struct worker *worker);

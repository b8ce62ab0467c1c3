/* job — files back from ransomware: what is planned, what is written, and what became of it.
 * The door of this folder.
 *
 *     paths ── plan (workers recognise, try keys) ──► space ──► recover, for each file:
 *
 *         open, and still the one that was planned
 *         .candor-rescue-ID-N beside it (or below --output), in the journal before
 *         a worker writes what comes out, and hashes it
 *         a worker checks what came out (proof.h); a worker hashes the encrypted file
 *         owner, mode, times, attributes, holes
 *         fsync, rename to a name that nobody has, fsync of the directory, journal
 *
 * Nothing that is there is changed, moved or overwritten: what is killed at any moment has the
 * encrypted file in its place, and what came out whole under its name, or not at all. */
#pragma once
#include "rescue/job/journal.h"
#include "rescue/job/names.h"
#include "rescue/job/team.h"

enum job_state {
    JOB_PLANNED,   /* a key opens it */
    JOB_NO_KEY,    /* its format is known; no key opens it */
    JOB_MAYBE,     /* it can be of a format that leaves no mark; no key opens it */
    JOB_UNREAD,    /* it could not be read: `why` */
    JOB_RECOVERED, /* it lies beside, under `out` */
    JOB_ALREADY,   /* it lay there before */
    JOB_AGAIN,     /* it lies beside, and is encrypted once more: `why` says with what */
    JOB_DAMAGED,   /* what came out is not right: it was not kept, or under a telling name */
    JOB_FAILED,    /* something failed: `why` */
    JOB_STATES,
};

struct job_file {
    bytes path; /* absolute, NUL-terminated */
    size_t name;
    bytes root;   /* what the user named, of which it is a part */
    bytes out;    /* name of what comes out, without folders */
    bytes folder; /* where that goes, absolute */
    struct journal_file identity;
    enum job_state state;
    int32_t family, key;
    uint64_t plain, lost;
    uint64_t
        allocated; /* bytes that it takes on its disk: fewer than its size where it has holes */
    uint32_t ticket; /* under which `slot`, a worker, keeps what opens it */
    unsigned slot;
    bool begun, guess, partial, decrypted, sizes_known, seeks, hashed;
    bool already;       /* an earlier run recovered it */
    const char *beside; /* why a dry run gives it another name than it had */
    const char *variant;
    const char *reason, *why; /* of the family; of the state */
    enum proof proof;
    const char *kind, *proof_reason;
    uint8_t before[WORKER_HASH], after[WORKER_HASH];
};

struct job_options {
    const char *const *paths;
    size_t path_count;
    const char *output;  /* below which everything is written; NULL: beside the originals */
    const char *journal; /* directory; NULL: the customary one */
    const struct worker_key_file *keys;
    size_t key_count;
    unsigned workers;
    bool dry_run, keep_failed;
    bool hashes; /* SHA-256 of each file before and after: half of the work, for who reads them
                  */
    const char *const *originals; /* directories; none: pairs are looked for below the paths */
    size_t original_count;
    bool search; /* for keys that nobody has, where a format allows it */
    const volatile bool *stop;
    void *context;
    /* What was planned for a file, before anything is written; then what became of it. */
    void (*planned)(void *context, const struct job_file *file);
    void (*finished)(void *context, const struct job_file *file);
    /* What goes on, for a line of progress. */
    void (*progress)(void *context, const char *what, uint64_t files, uint64_t all_files,
                     uint64_t done, uint64_t all);
    /* Something that was left out, or worth knowing. */
    void (*note)(void *context, const char *text);
};

struct job_key {
    char text[160], origin[160];
    uint32_t kind;
    uint64_t opened; /* files */
};

struct job {
    const struct job_options *options;
    struct arena *arena;
    struct team team;
    struct journal journal;
    struct journal_past past;
    VEC(struct job_file *) file;
    VEC(struct job_file *) unknown; /* files of no known format */
    VEC(struct job_key) key;
    char learned[64]; /* what speaks for what originals showed */
    uint32_t tickets;
    uint64_t seen;                  /* regular files that were looked at */
    uint64_t unopened;              /* files and folders that could not be opened */
    uint64_t bytes_done, bytes_all; /* of what is written */
    uint64_t count[JOB_STATES];
    uint64_t proofs[PROOF_PROVEN + 1]; /* of those that are recovered */
    bool stopped;
};

/* The whole of it. 0 when it went to its end, whatever became of the files; -ENOSPC: there is
 * not enough space for the plan, and nothing was written; -ECANCELED: it was stopped. */
int job_run(const struct job_options *options, struct job *ret, struct why *why) MUST_USE;
void job_free(struct job *job);
/* "proven", "no key": for people, and for programs. */
const char *job_state_word(enum job_state state);
const char *job_proof_word(enum proof proof);
/* A worker for each processor, at most four. */
unsigned job_workers(void);

/* task — one file while it is recovered: what recover.c asks of workers about it, and settle.c
 * puts on the disk. Private to this folder. */
#pragma once
#include "rescue/job/job.h"

#include <pthread.h>
#include <sys/stat.h>

enum step {
    STEP_COMPARE, /* what would come out is hashed: a file of that name is there */
    STEP_OTHER,   /* that file is hashed */
    STEP_APPLY,
    STEP_PROOF,
    STEP_AGAIN, /* is what came out encrypted? */
    STEP_DIGEST,
};

/* A large file keeps up to three workers: one writes, one hashes the encrypted file, one
 * follows the writer and looks at what came out. */
enum { PART_MAIN, PART_HASH, PART_PROOF, PARTS };

/* What one worker is at. */
struct part {
    struct task *task;
    enum step step;
    unsigned slot;
    bool running, follows;
};

struct task {
    struct recover *recover;
    struct job_file *file;
    int source, folder, out, other;
    struct part part[PARTS];
    unsigned tried; /* names */
    bool compared;  /* `hash` is known */
    bool begun;     /* the temporary file exists */
    bool keep;
    bool tamed;  /* its name is one that names_tame gave */
    bool there;  /* meanwhile another run put the same bytes under its name */
    bool sparse; /* the encrypted file has holes */
    bool large;
    /* Its place in the team's shares, and 1, while it is written or looked at: who looks at
     * what comes out writes, too, while it waits. 0: none. */
    uint32_t share;
    unsigned with; /* enum worker_with, of what the writer was asked */
    bool apart;    /* each step is asked for by itself: a worker died at it */
    bool applied, proved, looked, hashed;
    const char *failed; /* when the last worker is done with it; with `failed_state` */
    enum job_state failed_state;
    uint32_t number;
    uint64_t size, flushed; /* `flushed`: so far the kernel was told to write it */
    uint8_t hash[WORKER_HASH];
    struct stat st;
    uint64_t device; /* of `out` */
    bool synced;     /* the first of its device among those that settle: it was synced */
    int disk_error;  /* of putting `out` on the disk, with `disk_why` */
    struct why disk_why;
    struct journal_file made; /* `out` as it was put on the disk */
    char temporary[JOURNAL_TEMPORARY], name[NAMES_MAX];
};

/* So many files wait for the disk together. */
enum { READY_MOST = 128 };

struct batch {
    struct task *task[READY_MOST];
    size_t count;
    uint64_t bytes;
};

/* Directories that are likely to be needed again: each worker is at its own. */
enum { FOLDERS = 8 };

struct folders {
    struct folder {
        bytes path, made; /* as it was asked for; as it is called on its disk */
        int fd;           /* -1: none */
    } at[FOLDERS];

    unsigned next;
};

struct recover {
    struct job *job;
    struct arena *facts;
    struct batch ready;
    size_t ready_most; /* files: fewer than READY_MOST where few can be open */
    /* Those before: a thread that makes no other calls puts them on the disk meanwhile. */
    struct batch going;
    /* Those before them: they have their names, which are on the disk when `going` is. */
    struct batch named;
    pthread_t thread;
    bool runs;                          /* `thread` is to be joined */
    struct task *large[TEAM_MOST];      /* those that are written now */
    struct task *shares[WORKER_SHARES]; /* whose each place in the team's shares is */
    uint32_t next[TEAM_MOST], next_any; /* place in job->file */
    struct folders from, to;
    struct why said;      /* what could last not be given back beside the bytes, */
    uint64_t said_device; /* on this device: it is said once */
    int error;            /* the journal cannot be written: nothing more is begun */
    struct why why;
};

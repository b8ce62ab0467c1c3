/* scan_state — one scan while it runs; private to scan.c and the two ways to examine: in sealed
 * workers (scan_workers.c), or in threads of this process (scan_threads.c). */
#pragma once
#include "scan/progress.h"
#include "scan/scan.h"

#include <pthread.h>

enum { SCAN_TICK_MS = 100 };

#define SCAN_REPLY_MEMORY ((size_t)256 << 20) /* a reply that was read */

struct scan;

struct scan_way {
    /* Before the first file. Sets scan->hands. */
    int (*start)(struct scan *scan, struct why *why);
    void (*put)(struct scan *scan, const struct walk_file *file);
    /* Text at this place in the order. */
    void (*note)(struct scan *scan, bytes out, bytes err);
    /* Waits until all is examined and emitted, and adds to scan->counts. Gives back what start
     * made, also where that failed. */
    int (*finish)(struct scan *scan, struct why *why);
};

struct scan {
    const struct scan_options *options;
    struct report_context context;
    struct progress progress;
    void *hands; /* the way's own */
    struct report_counts counts;
    bool wants_owner;
    int jobs;
    pthread_mutex_t output;
    struct text notes;
    bool begun; /* a piece of separated output is out */
    int write_error;
    volatile bool stop;
};

/* What came of one file: counted and reported. */
void scan_outcome(struct scan *scan, struct report_counts *counts, struct examined *examined,
                  bool named, struct text *out, struct text *err);
/* Writes a piece of the report, under the lock of the output. */
void scan_write(struct scan *scan, struct text *out, struct text *err);
/* scan_quarantine.c: moves a file with findings out of its place, and writes down in *examined
 * what came of it. */
struct pool_result;
void scan_quarantine(struct scan *scan, const struct pool_result *result,
                     struct examined *examined);
/* True when a signal asked to end early. */
bool scan_interrupted(void);
/* How the paths are walked: every file to those who examine, all else to the report. */
void scan_walk_options(struct scan *scan, struct walk_options *ret);

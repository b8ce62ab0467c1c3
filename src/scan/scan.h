/* scan — paths in, report out: walks, examines in parallel, reports, and stops cleanly. The
 * door of this folder. */
#pragma once
#include "quarantine/vault.h"
#include "scan/examine/examine.h"
#include "scan/report.h"

/* The ways to examine (scan_state.h). */
struct scan_way;
extern const struct scan_way scan_workers;
extern const struct scan_way scan_threads;

/* Where files come from that a walk of another kind finds, in its order. */
struct scan_feed {
    void *to;
    /* False: it is over. */
    bool (*file)(void *to, const struct walk_file *file);
    /* Text at this place in the order. */
    void (*note)(void *to, bytes out, bytes err);
};

struct scan_options {
    const struct scan_way *way;     /* scan_workers, or scan_threads: without walls */
    struct examine_options examine; /* matches and match_bytes: as the report wants them */
    uint32_t faulty_rules;
    const struct report *report;
    const char *const *paths; /* may be empty when files_from is given */
    int path_count;
    const char *files_from; /* a list of paths, "-" for standard input, or NULL */
    bool zero_ended;        /* the list is separated by NULs instead of newlines */
    const char *const *excludes;
    int exclude_count;
    bool one_file_system, color, verbose, explain, no_clean, quiet;
    int jobs; /* 0: as many as there are processors */
    uint64_t max_size;
    struct vault *vault; /* files with findings are moved there; NULL: they stay */
    int64_t timeout_ms;  /* for one file; 0: none */
    /* Instead of the paths, or NULL. */
    void (*feed)(void *context, const struct scan_feed *feed);
    void *feed_context;
    /* After each file was reported, or NULL; `seen` is of the descriptor that was examined. */
    void (*after)(void *context, const struct examined *examined, const struct stat *seen,
                  struct text *out, struct text *err);
    void *after_context;
    /* Before a piece of the report is written: may change it, or NULL. */
    void (*written)(void *context, struct text *out, struct text *err);
    void *written_context;
    struct report_clamscan *clamscan; /* of that report */
};

struct scan_result {
    struct report_counts counts;
    int interrupted; /* the signal, or 0 */
    bool unread;     /* nobody reads the report any more (EPIPE) */
};

/* Scans and writes the report to fd 1. <0 when it could not begin, or the report could not be
 * written. SIGINT, SIGTERM and SIGHUP end it early, with the report of what was done; a second
 * one ends the program at once. */
int scan_run(const struct scan_options *options, struct scan_result *ret,
             struct why *why) MUST_USE;

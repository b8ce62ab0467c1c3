/* report — the ways to write down what came of a scan: for people, JSON Lines, SARIF. */
#pragma once
#include "sandbox/walls.h"
#include "scan/reply.h"
#include "scan/walk.h"

/* What a scan came to. */
struct report_counts {
    uint64_t files, bytes;      /* examined, whatever came of it */
    uint64_t objects, unpacked; /* found in them, and their bytes */
    uint64_t verdicts[VERDICT_COUNT];
    uint64_t findings, not_fully; /* rules that matched; files not fully examined */
    uint64_t gaps[GAPS];          /* what was not examined in them */
    uint64_t skips[WALK_SKIPS];
    uint64_t vanished;
    uint64_t moved, not_moved; /* files with findings, to quarantine */
};

/* How clamscan's report is to be, and what it counts as it goes. */
struct report_clamscan {
    bool only_found, no_ok, verbose, archive_verbose, quiet, to_stdout, bell;
    bool all;      /* findings of one file, not only the first */
    bool all_gaps; /* said, not only some of each file */
    bool alert_archives, alert_documents, alert_limits, alert_macros;
    bool alerts_first; /* before findings */
    bool copies;
    const char *version;
    const char *input;       /* paths that begin so are standard input, or NULL */
    uint64_t known;          /* signatures */
    int64_t began, began_ms; /* seconds since 1970; milliseconds of examine_clock */
    /* Whether findings of a name are left out, or NULL. */
    bool (*excluded)(const void *context, const char *name);
    const void *context;
    bool logs;       /* there is a log */
    bool found;      /* in the last file */
    struct text log; /* of it: whoever scans writes it out */
    uint64_t files, directories, infected, errors, not_fully, not_moved, not_removed;
    uint64_t blocks_read, blocks_examined; /* of 4 KiB */
};

enum report_clamscan_level { CLAMSCAN_OK, CLAMSCAN_INFO, CLAMSCAN_WARNING, CLAMSCAN_ERROR };

/* One line: words, a path, and words after it. Lines that end in OK are not for the log. */
void report_clamscan_say(struct report_clamscan *own, enum report_clamscan_level level,
                         struct text *out, struct text *err, const char *head, bytes path,
                         const char *fmt, ...) LIKE_PRINTF(7, 8);

/* Moves the lines of the log out of what is about to be written: into own->log. */
void report_clamscan_divert(struct report_clamscan *own, struct text *out, struct text *err);
/* The summary. */
void report_clamscan_summary(struct report_clamscan *own, struct text *out);

struct report_context {
    const struct definitions *sets;
    int set_count;
    uint32_t rule_count, faulty_rules;
    bool color, verbose, no_clean, tree, explain,
        moves;                 /* moves: files with findings go to quarantine */
    uint32_t max_bytes;        /* of one match written out */
    uint8_t *seen[REPLY_SETS]; /* SARIF: a byte for each rule that was found */
    bool interrupted;
    int64_t started, elapsed_ms; /* seconds since 1970, milliseconds */
    bool walled;                 /* examined in workers */
    struct walls walls;          /* what stands around them */
    struct report_clamscan *clamscan;
};

struct report {
    /* Pieces of output begin with a comma that falls away from the first. */
    bool separated;
    /* What goes to err is kept and handed to `end` instead of shown. */
    bool keeps_notes;
    uint32_t max_matches; /* of one pattern, written out where details are */
    uint32_t max_bytes;   /* of one match */
    bool always_details;  /* or only with `verbose` */
    void (*begin)(const struct report_context *context, struct text *out, struct text *err);
    void (*file)(const struct report_context *context, const struct examined *examined,
                 struct text *out, struct text *err);
    /* Something that was not examined on the way; links and excluded names are only counted. */
    void (*skip)(const struct report_context *context, enum walk_skip reason, bytes path,
                 int error, struct text *out, struct text *err);
    void (*end)(const struct report_context *context, const struct report_counts *counts,
                bytes notes, struct text *out);
};

extern const struct report report_text;
extern const struct report report_json;
extern const struct report report_sarif;
extern const struct report report_clamscan;

/* Parts that more than one report needs. */

/* Meta `name` of a rule as text, or NULL. */
const char *report_meta(const struct ruleset *set, const struct ruleset_rule *rule,
                        const char *name);
const struct ruleset *report_set(const struct examined *examined,
                                 const struct examined_finding *finding);
/* An empty one for a hash signature. */
const struct ruleset_rule *report_rule(const struct examined *examined,
                                       const struct examined_finding *finding);
/* What a finding is called. */
void report_label(const struct examined *examined, const struct examined_finding *finding,
                  struct ruleset_label *ret);
/* Printable characters as they are, others as \xNN. */
void report_printable(struct text *out, bytes view);
/* report/report_explain.c: everything about one finding, as lines or as a member of its object.
 */
void report_explain_text(struct text *out, const struct examined *examined,
                         const struct examined_finding *finding);
void report_explain_json(struct text *out, const struct examined *examined,
                         const struct examined_finding *finding);
/* The names from the file itself, or from the first object in it, to the object: at most
 * REPLY_OBJECT_DEPTH + 1. Returns how many. */
size_t report_names(const struct examined *examined, uint32_t object, bytes member,
                    bool with_file, bytes *ret_names);

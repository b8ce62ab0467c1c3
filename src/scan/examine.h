/* examine — one file under all rulesets: opens it, sets the variables that describe it, runs
 * the engine, and says what came of it. One examiner per thread. */
#pragma once
#include "engine/engine.h"
#include "scan/content.h"
#include "scan/definitions.h"
#include "scan/walk.h"

enum { EXAMINE_MAX_SETS = 8 };

enum examine_verdict {
    VERDICT_CLEAN,
    VERDICT_FOUND,
    VERDICT_PARTIAL, /* not fully examined, nothing found in what was */
    VERDICT_ERROR,   /* not examined */
    VERDICT_COUNT,
};

/* "clean", "found", "partial", "error". */
const char *examine_verdict_word(enum examine_verdict verdict);

struct examine_options {
    const struct definitions *sets;
    int set_count;
    uint64_t max_size;                /* larger files are not examined; 0: no such limit */
    int64_t timeout_ms;               /* for one file; 0: none */
    int64_t now;                      /* seconds since 1970 */
    const struct external *externals; /* the user's own, over the rulesets' defaults */
    uint32_t external_count;
};

/* What came of one file. Views live until the examiner's next file. */
struct examined {
    enum examine_verdict verdict;
    bytes path;
    uint64_t size;
    bytes data;
    char reason[160]; /* why not fully examined; "" when it was */
    bool vanished;    /* it was gone when its turn came */
    bool special;     /* it turned out to be no regular file */
    uint32_t finding_count;
    int set_count;

    struct {
        const struct ruleset *set;
        struct scanner *scanner;
        struct verdict verdict;
    } sets[EXAMINE_MAX_SETS];
};

struct examiner;

struct examiner *examiner_new(const struct examine_options *options);
struct examiner *examiner_free(struct examiner *examiner);
void examiner_file(struct examiner *examiner, const struct walk_file *file,
                   struct examined *ret);
/* From another thread: stops the file under examination when its time is up, or `all`. */
void examiner_tick(struct examiner *examiner, int64_t now_ms, bool all);
/* Milliseconds of the monotonic clock. */
int64_t examiner_clock(void);
/* "too much work": what a limit means, for reports. */
const char *examine_limit_text(enum limit limit);

/* rule — which bytes of a file a program encrypts, said for any size.
 *
 *     0       head      start        start+stride                       size-tail    size
 *     ├────────┤          ├─run─┤      ├─run─┤      ├─run─┤  ...           ├──────────┤
 *
 * Parts that the rule does not have are 0. Ends are cut to the file, or to a multiple of
 * `grain`, as block ciphers leave the last bytes alone. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"

struct pair_rule {
    uint64_t head;               /* UINT64_MAX: the whole file */
    uint64_t start, run, stride; /* stride 0: one run */
    uint64_t count;              /* runs, 0: to the end of the file */
    uint64_t tail;
    uint32_t grain; /* 0 is 1 */
    bool whole;     /* a run that does not fit as a whole is not encrypted */
    /* Of a file in `parts` parts: but for the last, the first size*percent/100/(parts-1 parts)
     * bytes of each; see rule.c. 0: no such rule. */
    uint32_t parts, percent;

    uint64_t from, to; /* the smallest and largest file that it was seen in */
    uint32_t pairs;    /* how many it explains */
};

/* Encrypted bytes of one file: [at, end). */
struct pair_run {
    uint64_t at, end;
};

enum { RUNS_KEPT = 4096, RUNS_GAP = 16, RULE_PARTS = 4, RULE_SLACK = 3 };

/* Where an original and its encrypted copy differ. Equal bytes in a row end a run only when
 * they are RUNS_GAP or more: any encrypted byte is by chance the plain one, once in 256. */
struct pair_runs {
    uint64_t size;        /* of the plain file */
    uint64_t count;       /* runs in all */
    uint64_t differing;   /* bytes from the starts to the ends of the runs */
    struct pair_run *run; /* the first RUNS_KEPT */
    struct pair_run last;
};

/* `count` runs of `length` bytes, the first at `at`, each `step` further. */
struct pair_part {
    uint64_t at, length, count, step;
};

/* What is encrypted in a file of that size: parts in order, which do not overlap. Their number.
 */
size_t rule_parts(const struct pair_rule *rule, uint64_t size,
                  struct pair_part ret[RULE_PARTS]);

/* The same one by one: struct rule_walk walk = rule_walk(...); while (rule_walk_next(...)). */
struct rule_walk {
    struct pair_part part[RULE_PARTS];
    size_t parts, i;
    uint64_t k;
};

struct rule_walk rule_walk(const struct pair_rule *rule, uint64_t size);
bool rule_walk_next(struct rule_walk *walk, struct pair_run *ret);
/* Whether the rule says what was seen. A budget that ran out: no. */
bool rule_explains(const struct pair_rule *rule, const struct pair_runs *runs,
                   struct budget *budget);
/* Rules that say what was seen in one file, the likelier first; their number. */
size_t rule_fit(const struct pair_runs *runs, struct budget *budget, struct pair_rule *ret,
                size_t max);
/* The fewest rules that explain the files: ret[i] with from, to and pairs; their number.
 * chosen[file]: the index of its rule, -1: none explains it. */
size_t rule_choose(const struct pair_runs *files, size_t count, struct budget *budget,
                   struct pair_rule *ret, size_t max, int *chosen);
/* The rule for files of that size; NULL when there is none at all. *ret_guess: no file of about
 * that size was seen. */
const struct pair_rule *rule_for(const struct pair_rule *rules, size_t count, uint64_t size,
                                 bool *ret_guess);
/* "the first 2048 bytes", "64 bytes every 192", for people. */
bytes rule_words(const struct pair_rule *rule, struct arena *arena);

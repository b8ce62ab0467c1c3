/* re_exec — runs a program's code at a place in an object. */
#pragma once
#include "match/re/re_memo.h"

enum {
    EXEC_LIMIT = 4096,  /* bytes looked at each way, YARA's YR_RE_SCAN_LIMIT */
    EXEC_FIBERS = 1024, /* threads alive at once, RE_MAX_FIBERS */
    EXEC_INLINE = 4,    /* counters of a thread that need no arena */
    EXEC_STARTS = EXEC_LIMIT + 1,
    EXEC_CHARGE = 256,  /* work between two charges */
    MEMO_EFFORT = 4096, /* steps of threads before it pays to remember them */
};

/* Threads of the general matcher and positions of the simple one. Large: one per search. */
struct re_exec {
    const struct program *program;
    bytes data;
    struct budget *budget;
    uint32_t depth;     /* counters per thread */
    uint16_t *counters; /* [EXEC_FIBERS][depth] */
    uint16_t free, head, tail, made;
    uint32_t work;
    bool failed;     /* a limit was met; the budget knows which */
    uint32_t effort; /* steps made by threads so far, a measure of when to remember them */
    struct arena *arena;
    struct re_memo *memo; /* made when the effort is large; NULL before */
    uint32_t generation;  /* of `seen`; 0: it holds anything */

    struct fiber {
        uint32_t ip;
        int32_t gap; /* bytes of an OP_GAP already taken, -1 outside */
        uint16_t next, prev;
        int16_t top; /* of its counters, -1 when there are none */
    } fibers[EXEC_FIBERS];

    struct {
        uint32_t generation;
        uint16_t fiber;
    } seen[2 * EXEC_FIBERS];

    uint16_t inline_counters[EXEC_FIBERS * EXEC_INLINE];
    uint16_t positions[2][EXEC_STARTS];
};

/* False when the arena is full (only programs that nest counted repetitions deeply need it). */
bool re_exec_init(struct re_exec *exec, const struct program *program, bytes data,
                  struct arena *arena, struct budget *budget);

/* Counts work done, and charges the budget for it now and then. False when it ran out. */
static inline bool re_exec_charge(struct re_exec *x, uint32_t work)
{
    x->work += work;
    if (x->work < EXEC_CHARGE)
        return true;
    if (x->effort < MEMO_EFFORT)
        x->effort += x->work;
    if (!budget_charge(x->budget, x->work))
        x->failed = true;
    x->work = 0;
    return !x->failed;
}

/* General matcher. Bytes matched from `at` on, or -1. */
int re_exec_forward(struct re_exec *exec, uint32_t start, size_t at, bool wide);
/* False when the code of no atom of the group (of struct program_atom, not 0) matches forward
 * from `at`. Quick, for the many places where that is so; true when it would be work to know.
 */
bool re_exec_possible(struct re_exec *exec, uint32_t group, size_t at, bool wide);
/* All lengths that match backward from `at`, ascending, each once; their number. */
uint32_t re_exec_backward(struct re_exec *exec, uint32_t start, size_t at, bool wide,
                          uint16_t ret[static EXEC_STARTS]);
/* The first match anywhere in data, in YARA's terms: the bytes from its start to where the
 * match ends, or -1. */
int re_exec_scan(struct re_exec *exec, uint32_t start);

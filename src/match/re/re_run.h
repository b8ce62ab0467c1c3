/* re_run — the threads of a run of re_exec; private to it. */
#pragma once
#include "match/re/re_exec.h"

enum { NO_FIBER = 0xffff };

/* One run. */
struct run {
    struct re_exec *x;
    const struct re_inst *insts;
    const struct re_set *sets;
    int64_t at, step; /* where it began; +-width */
    int64_t size;     /* of data */
    uint32_t width;   /* 1, or 2 for wide */
    uint32_t matched, most, start;
    bool backward, all, scan;
    int result;
    uint16_t *starts;
    uint32_t start_count;
};

uint16_t *re_run_counters(struct re_exec *x, uint16_t fiber);
/* A new thread, in no list; NO_FIBER and x->failed when there are too many. */
uint16_t re_run_fiber(struct re_exec *x);
/* Drops the thread and those behind it. */
void re_run_drop_from(struct re_exec *x, uint16_t fiber);
/* Drops threads in the state of one before them. */
void re_run_drop_doubles(struct re_exec *x);
bool re_run_is_word_at(const struct run *r, int64_t at);
/* Advances every thread by one byte. */
void re_run_step(struct run *r);
/* Adds a thread that begins at instruction `start`, the last in order. */
bool re_run_add(struct run *r, uint32_t start);
/* Lets the threads run from where they stand to the end. */
void re_run_threads(struct run *r);

/* filter — a list of system calls to the program that the kernel runs at each of them
 * (libseccomp). Pure: loads nothing. */
#pragma once
#include "base/base.h"

/* What must hold for a call to be granted. Several rows for a call: one must hold. */
enum filter_test {
    FILTER_END,           /* ends a list */
    FILTER_ANY,           /* whatever its arguments */
    FILTER_EQUAL,         /* argument `arg` is `value` */
    FILTER_WITHIN,        /* argument `arg` has no bit outside `value` */
    FILTER_REFUSE,        /* not granted: fails with errno `value` instead of killing */
    FILTER_REFUSE_UNLESS, /* fails with EACCES unless argument `arg` is `value` */
};

struct filter_row {
    enum filter_test test;
    int call; /* SYS_... of this machine */
    unsigned arg;
    uint64_t value;
    /* Where not 0: argument `and_arg` has no bit outside it, besides. */
    unsigned and_arg;
    uint64_t and_within;
};

enum { FILTER_MAX = 2048 };

/* As the kernel's struct sock_filter, which this header does not want to include. */
struct filter_step {
    uint16_t code;
    uint8_t jump_true, jump_false;
    uint32_t k;
};

struct filter {
    uint16_t length;
    struct filter_step steps[FILTER_MAX];
};

/* What becomes of calls that are in no list. */
enum filter_rest { FILTER_REST_KILLS, FILTER_REST_IS_GRANTED };

/* The filter that does what the lists say; calls of another machine (32 bit, x32) kill the
 * process. `lists` are each ended by FILTER_END. */
int filter_compile(const struct filter_row *const *lists, size_t count, enum filter_rest rest,
                   struct filter *ret, struct why *why) MUST_USE;

/* tap — the whole test framework: a test is a function, a failure is a line you can read. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

#define CHECK(what) tap_check((what), #what, __FILE__, __LINE__)
#define CHECK_STR(got, want)                                                                   \
    do {                                                                                       \
        const char *got_ = (got), *want_ = (want);                                             \
        if (!tap_check(strcmp(got_, want_) == 0, #got, __FILE__, __LINE__))                    \
            printf("#   got  \"%s\"\n#   want \"%s\"\n", got_, want_);                         \
    } while (0)
#define CHECK_INT(got, want)                                                                   \
    do {                                                                                       \
        long long got_ = (long long)(got), want_ = (long long)(want);                          \
        if (!tap_check(got_ == want_, #got, __FILE__, __LINE__))                               \
            printf("#   got  %lld\n#   want %lld\n", got_, want_);                             \
    } while (0)

static inline bool tap_check(bool good, const char *what, const char *file, int line)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++tap_count, what);
    if (!good) {
        tap_failed++;
        printf("#   at %s:%d\n", file, line);
    }
    return good;
}

/* The test needs something this machine lacks: says so and counts as skipped. */
static inline void tap_skip(const char *what, const char *reason)
{
    printf("ok %d - %s # SKIP %s\n", ++tap_count, what, reason);
}

static inline int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed != 0;
}

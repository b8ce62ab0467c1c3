/* clamscan_load — the databases that clamscan would use, as open rulesets. */
#pragma once
#include "cmd/clamscan_options.h"
#include "definitions/cache.h"

enum { CLAMSCAN_SETS = CACHE_SETS };

struct clamscan_sets {
    struct definitions at[CLAMSCAN_SETS];
    int n;
    uint64_t known; /* signatures */
};

/* Where databases are when nobody says so: as freshclam.conf has it. */
const char *clamscan_database(char *path, size_t size);
/* Opens what --database names. Faults in it are said on standard error; what cannot be used at
 * all is an error. */
int clamscan_load(const struct clamscan_arguments *arguments, struct clamscan_sets *ret,
                  struct why *why) MUST_USE;
/* The number of the daily database in a directory and the time of it, as `clamscan --version`
 * shows them: 0 where there is none. */
uint32_t clamscan_daily(const char *directory, int64_t *ret_time);
/* -ESTALE when the newest signed database is older than --fail-if-cvd-older-than. */
int clamscan_check_age(const struct clamscan_arguments *arguments, int64_t now,
                       struct why *why) MUST_USE;

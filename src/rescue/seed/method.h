/* method — one way to find a key: one file in this folder and one row in seed.c. */
#pragma once
#include "rescue/seed/seed.h"

struct seed_method {
    const char *family;   /* the format's */
    const char *describe; /* "all 2147483648 seeds of .NET's Random" */
    bool remembers;       /* uses seed_case.memory and .part */
    bool unmarked;        /* files of the family may bear no mark */
    bool each;            /* each file has a key of its own */
    uint64_t (*total)(const struct seed_case *what);
    int (*find)(const struct seed_case *what, struct arena *arena, struct key *ret,
                struct why *why);
};

extern const struct seed_method seed_blackbasta;
extern const struct seed_method seed_dmalocker;
extern const struct seed_method seed_linuxencoder1;
extern const struct seed_method seed_princess;
extern const struct seed_method seed_prometheus;
extern const struct seed_method seed_solidbit;
extern const struct seed_method seed_teslacrypt2;

/* proof — whether a file that came out is what it was: by checksums and structure, never by the
 * first bytes alone.
 *
 * A kind of file is one file in proof/ and one row in its table. Read through a source, in
 * bounded memory and steps: what came out may be hostile or noise. */
#pragma once
#include "base/budget.h"
#include "rescue/source.h"

enum proof {
    PROOF_FAILED,  /* it begins as a kind of file whose structure then breaks, or it is noise */
    PROOF_UNKNOWN, /* nothing is known about such files */
    PROOF_PLAUSIBLE, /* structure holds, 40 bits at least, but a wrong byte could go unseen */
    PROOF_PROVEN,    /* checksums cover what is in it, structure the rest */
};

struct proof_result {
    enum proof proof;
    const char *kind;  /* "PNG", NULL: unknown */
    struct why reason; /* "all 14 chunks have their CRC-32" */
    uint64_t good;     /* bytes from the start up to which all is well */
    bool settles;      /* nothing is left open: it is not encrypted once more */
};

/* `plain->name` only helps to choose. -E...: the source could not be read. */
int proof_check(const struct source *plain, struct arena *arena, struct budget *budget,
                struct proof_result *ret, struct why *why) MUST_USE;

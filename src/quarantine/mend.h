/* mend — what killed processes left in a vault: unfinished entries are dropped, removals that
 * were begun are finished. What a living process works on is left alone. */
#pragma once
#include "quarantine/vault.h"

struct mend_counts {
    unsigned dropped;  /* unfinished entries and files */
    unsigned finished; /* removals */
};

/* Goes on after a failure; the reason is that of the first. */
int mend_vault(struct vault *vault, struct mend_counts *ret, struct why *why) MUST_USE;

/* passwords — words of a text that may be the password of an archive sent with it. */
#pragma once
#include "unpack/mail/transfer.h"

enum {
    PASSWORDS_NEAR = 24, /* words that stand after "password" and the like, and in quotes */
    PASSWORDS_FAR = 40,  /* others */
};

struct passwords {
    struct arena *arena;
    bytes near[PASSWORDS_NEAR], far[PASSWORDS_FAR];
    uint32_t near_count, far_count;
};

bool passwords_full(const struct passwords *passwords);
/* Reads the first 16 KiB of a text, markup left out. */
void passwords_add_text(struct passwords *passwords, enum transfer how, bytes body);
/* Puts the words before the run's own passwords, the likely ones, and behind them, the others.
 * The caller restores run->passwords and its count when it is done. */
void passwords_into(const struct passwords *passwords, struct unpack_run *run);

/* table — ciphers that give each block always the same image: what one file shows of a block
 * holds in all others. Substitution of bytes, and block ciphers in ECB. */
#pragma once
#include "rescue/pair/stream.h"

enum { TABLE_ENTRIES = 1 << 20 };

struct pair_table {
    uint32_t block; /* bytes: 1, 8 or 16 */
    uint32_t n, slots;
    uint32_t *slot;    /* number of an entry + 1, 0: free */
    uint8_t *entry;    /* the encrypted block, then the plain one */
    uint64_t agreed;   /* blocks that came again with the same plain block */
    uint64_t conflict; /* with another one */
    bool full;         /* there were more blocks than TABLE_ENTRIES */
};

/* The smallest block that explains the samples of the first pair: as a guess whose period is
 * the block. ret->pairs is 0 when there is none. */
void table_detect(const struct stream_samples *samples, struct arena *arena,
                  struct stream_guess *ret);
/* All blocks of the pairs whose rules are not NULL: sets table, block, agreed, pairs of the
 * scheme. bad[i]: the pair contradicts those before it. */
int table_learn(const struct pair *pairs, size_t count, const struct pair_rule *const *rules,
                uint32_t block, struct arena *arena, struct budget *budget,
                struct pair_scheme *scheme, bool *bad, struct why *why) MUST_USE;
/* Puts the plain blocks in the place of the encrypted ones; returns how many were not known
 * and stay. What is shorter than a block stays too. */
uint64_t table_undo(const struct pair_table *table, uint8_t *data, size_t len);

/* literals_tiny — how literals of two and three bytes are entered in a table. */
#pragma once
#include "match/literals/literals_table.h"

/* Spelling `number`, 0 to 3, of the first two bytes: with nocase, each letter in both cases.
 * False when there is no such spelling. */
static inline bool literals_tiny_spelling(const struct literal *literal, uint32_t number,
                                          uint8_t pair[2])
{
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t byte = literal->text.at[i], flipped = byte & 0xDF;
        bool is_letter = literal->nocase && ascii_lower(flipped) == byte && flipped != byte;
        if (number >> i & 1 && !is_letter)
            return false;
        pair[i] = number >> i & 1 ? flipped : byte;
    }
    return true;
}

/* Sorts the first bytes of literals[numbers[0..count)], all of the same length, into classes:
 * fills ret->first and ret->third, which come zeroed. False without memory. */
bool literals_tiny_classes(const struct literal *literals, const uint32_t *numbers,
                           uint32_t count, struct arena *temporary,
                           struct tiny_gate *ret) MUST_USE;

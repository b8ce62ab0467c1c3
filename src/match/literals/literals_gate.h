/* literals_gate — sorts the windows of DENSE into the classes of its gate. */
#pragma once
#include "match/literals/literals_table.h"

/* More than that would let too much through to be worth a gate. */
enum { GATE_MOST = 320 };

struct gate_window {
    uint8_t at[GATE_WIDTH];
    bool nocase;
};

/* *ret, in `arena`, is the gate for windows[0..count), or NULL where it would be of no use.
 * False: no memory. */
bool literals_gate(const struct gate_window *windows, uint32_t count, struct arena *arena,
                   struct dense_gate **ret) MUST_USE;

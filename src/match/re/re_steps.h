/* re_steps — the simple matcher, for hex strings without alternatives: a set of positions goes
 * through a row of bytes and gaps, steps[first..last) of the program. */
#pragma once
#include "match/re/re_exec.h"

/* Bytes matched from `at` on, the fewest, or -1. */
int re_steps_forward(struct re_exec *exec, uint32_t first, uint32_t last, size_t at);
/* All lengths that match backward from `at`, ascending, each once; their number. */
uint32_t re_steps_backward(struct re_exec *exec, uint32_t first, uint32_t last, size_t at,
                           uint16_t ret[static EXEC_STARTS]);

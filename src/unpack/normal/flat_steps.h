/* flat_steps — flat_text by vectors. Private to this folder. */
#pragma once
#include "base/base.h"

#if defined(__x86_64__)
/* Flattens `text`, a multiple of 64 bytes, into `to`, which has room for as many. *blank:
 * whether a blank was the last that was kept, before and after. The length of what was written.
 */
size_t flat_avx512(bytes text, uint8_t *to, bool *blank);
size_t flat_avx2(bytes text, uint8_t *to, bool *blank);
#endif

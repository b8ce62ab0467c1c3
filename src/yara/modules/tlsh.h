/* tlsh — Trend Micro's locality sensitive hash, as telfhash uses it: 128 buckets, one byte of
 * checksum, version 1. Source: J. Oliver, C. Cheng, Y. Chen, "TLSH - A Locality Sensitive
 * Hash", 2013. We hash and never compare, so the distance half of the scheme is left out. */
#pragma once
#include "base/budget.h"

enum { TLSH_TEXT = 72 }; /* "T1" and 35 bytes in hexadecimal */

/* Hash of the bytes into ret, with a NUL. False, and *ret empty, where the scheme has no answer
 * (fewer than 50 bytes or too little variety) or the budget is used up. */
bool tlsh_text(bytes data, struct budget *budget, char ret[static TLSH_TEXT + 1]);

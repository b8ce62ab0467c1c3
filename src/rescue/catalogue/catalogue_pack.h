/* catalogue_pack — the catalogue as one block of bytes, for the program to carry.
 *
 *     magic    "CDRRANS2"
 *     sources  u16 count, each a text
 *     families u16 count; u32 count of facts
 *     family   texts name, title, seen, advice, checked, told_by; u8 rescue; lists of texts:
 * also, formats; u16 count of lineage, each two texts: family, how fact     u8 kind, u16
 * family, u16 source, i64 at, text, value (a text)
 *
 * Numbers are little endian; a text is u16 length and its bytes; a list is u16 count and its
 * texts. */
#pragma once
#include "rescue/catalogue/catalogue.h"

#define CATALOGUE_MAGIC "CDRRANS2"

enum { MARKER_MAX = 64 };

/* -E2BIG when a text is over 65,535 bytes or a list over as many; -ENOMEM. */
int catalogue_pack(const struct catalogue *catalogue, struct arena *arena, bytes *ret,
                   struct why *why) MUST_USE;

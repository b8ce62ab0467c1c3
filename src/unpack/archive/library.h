/* library — archives through libarchive. */
#pragma once
#include "shim/libarchive.h"
#include "unpack/archive/decode.h"

/* Hands out all members of an archive that lies in `parts`. *ret_seen: how many
 * bytes of them were read. False: return. */
bool library_open(struct unpack *unpack, enum libarchive_kind kind, const bytes *parts,
                  size_t count, uint64_t *ret_seen);
/* The first member of such an archive into the child that was begun, as it is. */
enum decoded library_decode(struct unpack *unpack, enum libarchive_kind kind,
                            const bytes *parts, size_t count);

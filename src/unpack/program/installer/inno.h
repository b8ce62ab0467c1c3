/* inno — what the files of the Inno Setup reader share. */
#pragma once
#include "unpack/unpack.h"

bool inno_probe(bytes data);
void inno_open(struct unpack *unpack);
/* What an installer has beside it: a slice of its data, or its header alone. */
void inno_slice_open(struct unpack *unpack);

/* --- inno_names.c --- */

/* Finds the names of `count` files in the header block, by the index of their place; .at is
 * NULL for one that was not found. NULL when the arena is full. */
bytes *inno_names_find(struct unpack *unpack, bytes header, bool wide, unsigned version,
                       uint32_t count);

/* --- inno_filter.c --- */

/* Makes the targets of calls and jumps relative again, in place. */
void inno_unfilter(uint8_t *at, size_t size, unsigned version);

enum inno_version {
    INNO_4108 = 0x04010800,
    INNO_4205 = 0x04020500,
    INNO_5200 = 0x05020000,
    INNO_5205 = 0x05020500,
    INNO_5309 = 0x05030900,
    INNO_6300 = 0x06030000,
    INNO_6400 = 0x06040000,
    INNO_6500 = 0x06050000,
};

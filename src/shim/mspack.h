/* mspack — Microsoft's cabinets, compiled help and compressed files, by libmspack, from memory.
 *
 * Results come through calls: begin, any number of writes, end, for each member. */
#pragma once
#include "base/base.h"

enum mspack_kind { MSPACK_CAB, MSPACK_CHM, MSPACK_SZDD, MSPACK_KWAJ };

struct mspack_out {
    void *to;
    /* `size` may be wrong. False from any of these: stop. */
    bool (*begin)(void *to, bytes name, uint64_t size);
    bool (*write)(void *to, bytes data);
    /* What is decoded is charged here even where nothing is written. */
    bool (*work)(void *to, uint64_t steps);
    /* `fault`: what is wrong with the member, or NULL. */
    bool (*end)(void *to, const char *fault);
};

/* All members. NULL, or what is wrong with the whole. */
const char *mspack_open(enum mspack_kind kind, bytes data, const struct mspack_out *out);

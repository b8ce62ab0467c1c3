/* plain — programs that are nothing but one text: the bodies of most signatures, by the
 * million, so they are small and made in one step.
 *
 *   struct program_plain      this header
 *   uint8_t[length]           the text; of a caseless one in lower case
 *   padding to 8 bytes */
#pragma once
#include "match/program.h"

struct program_plain {
    uint32_t magic, size; /* as in struct program */
    uint8_t kind;         /* PROGRAM_PLAIN */
    uint8_t masked;       /* 0 or 1 */
    uint8_t reserved[2];
    uint32_t flags; /* as in struct program: PATTERN_ASCII, perhaps PATTERN_NOCASE */
    uint32_t length;
    uint32_t run, run_length; /* bytes in a row of which all bits count: looked for first */
    uint8_t text[];
};

/* A program out of the hexadecimal text of a signature's body, and the literal that is in each
 * match, inside it. *ret_fits is false for bodies that are more than bytes, `??`, half bytes
 * and
 * `{n}`, and for those that ClamAV would not take: nothing is made then. `flags`:
 * PATTERN_NOCASE or 0. False when the arena is full. */
bool plain_compile(bytes hex, uint32_t flags, struct arena *arena, struct pattern_code *ret,
                   bool *ret_fits) MUST_USE;
bool plain_valid(bytes program);

static inline bool plain_is(bytes program)
{
    return ((const struct program_plain *)(const void *)program.at)->kind == PROGRAM_PLAIN;
}

/* As the functions of pattern.h. */
bool plain_find(bytes program, bytes object, uint64_t base, struct arena *arena,
                struct budget *budget, struct matches *ret);
bool plain_exists(bytes program, bytes object, size_t from, struct budget *budget);
/* What finds the rarest bytes of the text; how far the last of them lies behind its beginning.
 */
size_t plain_finder(bytes program, struct finder *ret);
bool plain_at(bytes program, bytes object, size_t offset, struct match *ret);

/* literals — which of many literals occur in an object, in one pass.
 *
 * Build side: up to some hundred thousand literals become one position-independent table
 * (bitmaps, buckets, the literals themselves) that lives in the ruleset file. Scan side: the
 * table and an object go in, the numbers of the literals that occur come out, each once.
 * One plain C reference and AVX2 and AVX-512 variants give the same answer; the variant is
 * chosen at start and can be forced (see base/cpu.h). */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "match/pattern.h"

struct literal {
    bytes text;  /* 1 byte or more */
    bool nocase; /* then `text` is ASCII lower case */
    /* Occurrences with something else around them are none; at most LITERAL_CONTEXT bytes. A
     * repetition of one byte has none. */
    struct literal_context context;
};

enum { LITERAL_CONTEXT = 512 };

/* Builds the table for literals[0..count), whose index is the number reported. The result is in
 * `arena`, 64-byte aligned in its own address and relocatable to any 64-byte aligned one.
 * `group_bits`, where not NULL, has one byte per literal: bit g set = wanted in objects of
 * group g (see literals_scan). -ENOMEM, or -E2BIG over 2^24 literals. */
int literals_build(const struct literal *literals, const uint8_t *group_bits, uint32_t count,
                   struct arena *arena, bytes *ret, struct why *why) MUST_USE;

/* True when a table read from a file is well formed: all offsets and counts inside it. */
bool literals_valid(bytes table, uint32_t count);

/* How often a window is met in clean files, 0 (never) to 255, logarithmic: what the choice of
 * windows rests on. Also used by the anchor solver: the cost of a literal is that of its rarest
 * window. Lower is better. */
uint32_t literal_cost(bytes text, bool nocase);

/* Scratch of one thread: reused from object to object, made for one table. */
struct literals_scratch;
struct literals_scratch *literals_scratch_new(bytes table);
struct literals_scratch *literals_scratch_free(struct literals_scratch *scratch);

/* The scan goes forward in blocks, and reports a literal once, anywhere in the first block that
 * has it. */
enum { LITERAL_SLACK = 32 << 10 };

struct literal_hit {
    uint32_t literal;
    uint64_t offset; /* of one occurrence; none begins LITERAL_SLACK bytes or more before it */
};

/* Scans object for all literals whose group bits meet `groups` (0xff: all). Hits of this call
 * are in *ret (owned by the scratch, valid until its next use), each literal once, in no
 * particular order. False when the budget ran out; the hits until there are given. */
bool literals_scan(bytes table, bytes object, uint8_t groups, struct literals_scratch *scratch,
                   struct budget *budget, const struct literal_hit **ret, uint32_t *ret_count);

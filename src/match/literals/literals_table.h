/* literals_table — the layout of the table that literals_build makes and literals_scan reads.
 *
 * A table is a header, and sections that it names by offset from its own start, each 64-byte
 * aligned. Numbers are those of the machine (little endian on all we run on).
 *
 * How a literal is found. Literals of four bytes and more belong to one of three classes. Each
 * has windows of `width` bytes that are looked up at every `stride`-th position of the object:
 *
 *     class   width  stride  literals of
 *     LONG      8      4     11 bytes and more, where there are many
 *     MIDDLE    4      4     6 bytes and more
 *     DENSE     4      1     4 and 5 bytes, and longer ones all of whose windows are common
 *
 * A literal is entered with `stride` windows in a row, so that one of them falls on a multiple
 * of the stride wherever the literal lies. Which row: the one that is rarest in clean files. A
 * window goes, folded and hashed, through the class's first bitmap (small, in the L2 cache),
 * what is left through a second one with an independent hash, and the rest into a bucket of
 * entries, whose literals are compared with the object.
 *
 * The first bitmap is read by words of 32 bits, and a word answers twice. LONG: a hash of the
 * window chooses the word, and two bits of it are to be set. The others: the word is chosen by
 * three bytes, the core, and its bits speak of their neighbours: the lower half has one for
 * each class of the byte before them, the upper half one for each class of the byte after.
 *
 * MIDDLE has cores at every fourth position, p + 1, and wants both bits. The window is the core
 * and the byte after, at p + 1; or, at the end of a literal that has just six bytes, the byte
 * before and the core, at p. What the literal does not say of a neighbour sets all its bits.
 *
 * DENSE has cores at every second position, for two windows: the one with the byte before them,
 * at p, and the one with the byte after, at p + 1. One bit is enough, for its own window. Where
 * it has few literals there is a gate beside the bitmap, which says the same, more coarsely, in
 * vector registers: literals are sorted into eight classes, and four bytes pass when some class
 * has the lower seven bits of each in its place.
 *
 * Literals of two and three bytes are TINY. There is a gate for those of two and one for those
 * of three: their first bytes are sorted into eight classes, and a b c passes when a bit is set
 * in first[a] & second[b] & third[c], bit k saying that a is of class k and literals of that
 * class go on with b and with c. Without the vector instructions for it, pairs are looked up in
 * a bitmap instead. Pairs are dropped from both once all their literals were seen, so that each
 * scan has its own `second` and bitmap.
 * Literals of one byte, repetitions of one byte, and some others that nearly every object has
 * are SOLO: each is searched by itself, until it was seen. Repetitions of the same byte are a
 * chain from short to long, of which only one is searched at a time. */
#pragma once
#include "match/frequency.h"
#include "match/literals.h"

#define LITERALS_MAGIC 0x327374696c646e63u /* "cndlits2" */

enum literals_class { LONG, MIDDLE, DENSE, CLASSES };

enum {
    LITERALS_ALIGN = 64,
    LITERALS_MAX = 1 << 24,
    TINY_CLASSES = 8,
    TINY_BUCKETS = 1024,
    TINY_WORDS = 65536 / 32, /* of a bitmap of pairs, or of hashed triples */
    SOLO_HEADS = 640, /* 512 of one byte, with and without nocase, and some that are common */
    LITERAL_NOCASE = 1,
    LITERAL_TINY = 2,
    TINY_GATES = 2,
    GATE_WIDTH = 4,
};

/* `at` is from the start of the table; `count` is of elements. */
struct section {
    uint64_t at, count;
};

struct class_table {
    uint32_t first_bits, second_bits, bucket_bits; /* log2 of the sizes */
    uint32_t literals;                             /* 0: the class is not looked for */
    uint32_t cut, unused;         /* MIDDLE: windows that end where their literal does */
    struct section first, second; /* bitmaps, uint32_t */
    struct section buckets;       /* uint32_t: first entry; one more than buckets */
    struct section entries;       /* struct entry */
};

/* What follows a look-up: `used` bytes at `probe` of the literal, up to eight and away from the
 * window where there are enough, folded. Only where the object has them too is the literal
 * itself looked at. */
struct entry {
    uint64_t want;
    uint32_t literal : 24;
    uint32_t check : 8; /* of the hash of the window */
    uint8_t back;       /* of the window, from the start of the literal */
    uint8_t probe, used, groups;
};

struct tiny_entry {
    uint32_t literal;
    uint8_t pair[2];  /* the first two bytes as they stand in the object */
    uint8_t third[2]; /* what may come then: twice the same, or a letter in both cases */
    uint8_t gate;     /* the length of the literal less two */
    uint8_t groups, unused[2];
};

struct tiny_gate {
    uint8_t first[256], third[256];
};

/* Bit k of at[i][byte & 127]: class k has such a byte as its i-th. */
struct dense_gate {
    uint8_t at[GATE_WIDTH][128];
};

struct solo {
    uint32_t literal;
    uint32_t next;          /* solo of the same byte that is not shorter: greater; or 0 */
    uint32_t first, second; /* offsets in the literal of two bytes that are looked for */
    uint8_t groups, is_run, is_head, unused;
};

struct record {
    uint64_t text; /* from the start of section texts */
    uint32_t length;
    uint32_t next; /* another literal of the same text, with a greater number; or 0 */
    uint32_t head; /* the first literal of this text: the one that is searched */
    uint8_t flags, groups;
    uint16_t lead;    /* of the text in its context */
    uint64_t context; /* in section texts: as many bytes of values, and of masks */
    uint32_t around;  /* length of the context, 0: none */
    uint32_t unused;
};

struct literals_table {
    uint64_t magic, size;
    uint32_t count, tiny;
    struct class_table classes[CLASSES];
    struct section dense_gate;   /* struct dense_gate: one or none */
    struct section tiny_gates;   /* struct tiny_gate: TINY_GATES of them */
    struct section tiny_triples; /* bitmap, uint32_t: TINY_WORDS of them */
    struct section
        tiny_buckets; /* uint32_t: first entry of each of TINY_BUCKETS, and the end */
    struct section tiny_entries; /* struct tiny_entry */
    struct section solos;        /* struct solo */
    struct section records;      /* struct record, one for each literal */
    struct section texts;        /* uint8_t */
};

static inline uint32_t class_width(enum literals_class class)
{
    return class == LONG ? 8 : 4;
}

static inline uint32_t class_stride(enum literals_class class)
{
    return class == DENSE ? 1 : 4;
}

/* The hashes of the first bitmap: 32-bit multiplications, which vectors have too.
 *
 * The word of a core: `triple` in the lower three bytes. */
static inline uint32_t window_word(uint32_t triple, uint32_t bits)
{
    triple &= FOLD32 & 0xFFFFFF;
    return (triple ^ triple >> 15) * 0x9E3779B1u >> (37 - bits);
}

/* One of the 16 classes of the fourth byte; upper bits are ignored. Class 0 is NUL (and space)
 * alone, so that runs of it do not pass for the sake of what stands at their ends. */
static inline uint32_t window_side(uint32_t byte)
{
    byte &= FOLD32 & 0xFF;
    uint32_t side = (byte ^ byte >> 4) & 15;
    return side ? side : byte != 0;
}

static inline uint32_t window_hash8(uint32_t a, uint32_t b)
{
    b = (b & FOLD32) * 0x85EBCA77u;
    b = (b << 15 | b >> 17) ^ (a & FOLD32);
    return (b ^ b >> 15) * 0x9E3779B1u;
}

/* LONG: the word of a hash, and its two bits. */
static inline uint32_t window_long_word(uint32_t hash, uint32_t bits)
{
    return hash >> (37 - bits);
}

static inline uint32_t window_long_bits(uint32_t hash)
{
    return 1u << (hash >> 4 & 31) | 1u << (hash >> 9 & 31);
}

/* The hash of everything behind it: top bits the bucket, bits 12.. the second bitmap. `window`
 * is zero-extended where it has four bytes. */
static inline uint64_t window_hash(uint64_t window)
{
    uint64_t h = (window & FOLD64) * 0x9FB21C651E98DF25u;
    h ^= h >> 32;
    return h * 0xD6E8FEB86659FD93u;
}

static inline uint32_t window_second(uint64_t hash, uint32_t bits)
{
    return (uint32_t)(hash >> 12) & ((1u << bits) - 1);
}

static inline uint32_t window_bucket(uint64_t hash, uint32_t bits)
{
    return (uint32_t)(hash >> (64 - bits));
}

static inline uint32_t window_check(uint64_t hash)
{
    return (uint32_t)(hash & 0xff);
}

/* Bit in the bitmap of the first three bytes of literals that have three. */
static inline uint32_t tiny_triple(uint8_t a, uint8_t b, uint8_t c)
{
    return ((uint32_t)(a | b << 8 | c << 16) * 0x9E3779B1u) >> 16;
}

static inline uint32_t tiny_bucket(uint8_t a, uint8_t b)
{
    return ((uint32_t)(a | b << 8) * 0x9E3779B1u) >> 22;
}

static inline const void *section_at(const struct literals_table *table, struct section section)
{
    return (const uint8_t *)table + section.at;
}

/* How many bytes the vector steps may read past the last position they look at. */
enum { STEP = 64, LOOKAHEAD = 32 };

/* The parts of the scan that have variants. Positions are 0..n of `at`, n a multiple of STEP,
 * and at[n + LOOKAHEAD) is readable. `out` has room for n + STEP numbers, and gets the
 * positions that pass; the answer is their count. */
struct literals_steps {
    uint32_t (*find[CLASSES])(const uint32_t *first, uint32_t bits, const uint8_t *at,
                              uint32_t n, uint32_t *out);
    /* The same of DENSE by its gate; NULL where the bitmap is as fast. */
    uint32_t (*few)(const struct dense_gate *gate, const uint8_t *at, uint32_t n,
                    uint32_t *out);
    /* The first i below n with a[i] == x and b[i] == y, or n. Reads nothing else. */
    size_t (*both)(const uint8_t *a, const uint8_t *b, size_t n, uint8_t x, uint8_t y);
    /* Positions that may begin a tiny literal: by the gate, or by the bitmap of pairs. */
    uint32_t (*tiny)(const struct tiny_gate *gate, const uint8_t second[256],
                     const uint32_t pairs[TINY_WORDS], const uint8_t *at, uint32_t n,
                     uint32_t *out);
    bool has_gates; /* else one call of `tiny` with the bitmap serves for all */
};

/* The reference's `tiny`, which other variants use too. */
uint32_t literals_plain_tiny(const struct tiny_gate *gate, const uint8_t second[256],
                             const uint32_t pairs[TINY_WORDS], const uint8_t *at, uint32_t n,
                             uint32_t *out);

extern const struct literals_steps literals_scalar, literals_avx2, literals_avx512;

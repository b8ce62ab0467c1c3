/* hashes_layout — how a table of hash signatures lies in memory; private to this folder.
 *
 *   front     struct hashes_front; the sources and their names; of each part its gate and its
 *             index; the directories of shapes and records. One checksum, checked when the
 *             table is opened.
 *   buckets   of each part: the digests, in the order of their values, cut into buckets by
 *             their first `bits` bits. A bucket of n digests: n in 4 bytes; n times what is
 * left of a digest (without the whole bytes that all in the bucket share); n numbers of `width`
 * bytes; a checksum. On a border of 8 bytes, and within one page where it is smaller than that.
 *   shapes    texts with a NUL where a number goes: `Win.Trojan.Agent-\0`. In blocks, each with
 *             a checksum: a length byte and the text.
 *   records   of each signature in the order of numbers, its size, name and line. In blocks,
 *             each with a checksum; a record is told as its difference from the one before:
 *
 *     byte     bits 0-1  the number in the name: none; one more than the last; the last; told
 *              bit 2     the line is told, else it is the next
 *              bits 3-7  the shape: place in the list of the last used, or RECORD_SHAPE: told
 *     varint   size: 0 any; 2 * size; 2 * size / 512 + 1 where that is whole
 *     varint   shape, where told
 *     zigzag   number less the last one, where told
 *     varint   line: how many further; 0: varint source, varint line
 *
 * A part is a scope and a kind of digest. Its index has a page for INDEX_BUCKETS buckets in a
 * row, struct index_page: where they begin, and a sieve, which nearly every digest that is not
 * there does not pass: of the line of 64 bytes that bytes 4 to 7 of the digest choose,
 * SIEVE_BITS bits are set, which bytes 8 to 15 choose. So a digest that is not there costs one
 * page, and a lookup two. A gate says which sizes have signatures: bitmaps of
 * 65,536 sizes each where there are any, and one bitmap of hashed values for sizes of 4 MiB and
 * more. Checksums are the low half of hash64, seeded with the place, so that a bucket in the
 * wrong place is damage too. Little-endian; offsets count from the start of the table. */
#pragma once
#include "match/hashes.h"

#include <string.h>

enum {
    HASHES_VERSION = 2,
    HASHES_PARTS = HASH_SCOPES * HASH_DIGESTS,
    HASHES_BITS = 24,   /* that buckets are told apart by, at most */
    HASHES_BUCKET = 22, /* digests in a bucket, about: more than this, less than twice */
    HASHES_PAGE = 4096,
    INDEX_BUCKETS = 64,
    SIEVE_LINES = 60,
    SIEVE_WORDS = 8, /* of a line */
    SIEVE_BITS = 6,
    BUCKET_UNIT = 8,     /* borders that buckets begin on */
    GATE_PAGE = 1 << 16, /* sizes */
    GATE_PAGES = 64,
    GATE_LARGE_BITS = 26,  /* of the hashed bitmap at most */
    RECORDS_IN_BLOCK = 64, /* a power of two */
    SHAPES_IN_BLOCK = 32,
    SHAPE_MAX = 224, /* bytes */
    RECORD_RECENT = 31,
    RECORD_SHAPE = 31, /* instead of a place in the list */
    CHECKSUM = 4,
    BUCKET_FRONT = 4, /* the number of its digests */
};

#define HASHES_MAGIC 0x48534143u /* "CASH" */
#define HASHES_ALIGN 64

enum record_number { NUMBER_NONE, NUMBER_NEXT, NUMBER_SAME, NUMBER_TOLD };

enum { RECORD_LINE = 4 };

/* Seeds of checksums: the kind of thing above its number. */
enum hashes_thing { THING_FRONT, THING_SHAPES, THING_RECORDS, THING_BUCKETS };

struct index_page {
    uint32_t start[INDEX_BUCKETS]; /* in units, from the part's first bucket */
    uint64_t sieve[SIEVE_LINES][SIEVE_WORDS];
};

_Static_assert(sizeof(struct index_page) == HASHES_PAGE, "one page is read to say no");

struct hashes_part {
    uint64_t index; /* struct index_page[hashes_index_pages(bits)] */
    uint64_t buckets, buckets_size;
    uint64_t gate; /* uint16_t[GATE_PAGES]: 0, or number of a page; pages; the hashed bitmap */
    uint32_t gate_pages, gate_log; /* of the hashed bitmap's bits; 0: no large sizes */
    uint32_t count, bits;
    uint32_t any; /* signatures for any size */
    uint32_t reserved;
};

/* Blocks of bytes one behind the other; the directory has one more entry than blocks. */
struct hashes_blocks {
    uint64_t directory; /* uint32_t[blocks + 1]: offsets from `at` */
    uint64_t at, size;
    uint32_t count; /* of things in the blocks */
    uint32_t blocks;
};

struct hashes_source {
    uint32_t name; /* in the names of sources */
    uint32_t official;
};

struct hashes_front {
    uint32_t magic, version;
    uint64_t size, front_size;
    uint64_t checksum; /* of the front from here on */
    uint32_t count, width, source_count, reserved;
    uint64_t sources, source_names, source_names_size;
    struct hashes_blocks shapes, records;
    struct hashes_part parts[HASHES_PARTS];
};

enum { FRONT_CHECKED = 32 }; /* where what the checksum is of begins */

_Static_assert(sizeof(struct hashes_front) % 8 == 0, "fronts are mapped from files");

/* What a record says. */
struct hashes_record {
    uint32_t size, shape, number, source, line;
    bool numbered;
};

/* The names' shapes used last, the newest first; private to reading and writing records. */
struct hashes_recent {
    uint32_t shapes[RECORD_RECENT];
    uint32_t n;
};

static inline uint32_t hashes_checksum(bytes what, enum hashes_thing thing, uint64_t number)
{
    return (uint32_t)hash64(what, (uint64_t)thing << 60 ^ number);
}

/* A size of GATE_PAGE * GATE_PAGES and more, as a bit of the hashed bitmap. */
static inline uint32_t hashes_gate_bit(uint32_t size, uint32_t log)
{
    return size * 0x9E3779B1u >> (32 - log);
}

/* The first `bits` bits of a digest. */
static inline uint32_t hashes_bucket(const uint8_t *value, uint32_t bits)
{
    return bits ? load_be32(value) >> (32 - bits) : 0;
}

static inline uint32_t hashes_index_pages(uint32_t bits)
{
    return ((UINT32_C(1) << bits) + INDEX_BUCKETS - 1) / INDEX_BUCKETS;
}

/* The line of a sieve that a digest is in, and the number of bit `i` of it there. */
static inline uint32_t hashes_sieve_line(const uint8_t *value)
{
    return (uint32_t)((uint64_t)load_le32(value + 4) * SIEVE_LINES >> 32);
}

static inline uint32_t hashes_sieve_bit(uint64_t choice, uint32_t i)
{
    return choice >> 9 * i & 511;
}

/* To the front, as the newest; what was `place` from the front (RECORD_RECENT: new) moves. */
static inline void hashes_recent_use(struct hashes_recent *recent, uint32_t place,
                                     uint32_t shape)
{
    if (place == RECORD_RECENT) {
        if (recent->n < RECORD_RECENT)
            recent->n++;
        place = recent->n - 1;
    }
    memmove(recent->shapes + 1, recent->shapes, place * sizeof *recent->shapes);
    recent->shapes[0] = shape;
}

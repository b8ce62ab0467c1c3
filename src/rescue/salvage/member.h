/* member — what can be read of a compressed member in which there is ciphertext. */
#pragma once
#include "rescue/salvage/salvage.h"

enum { MEMBER_STORED = 0, MEMBER_DEFLATE = 8 };

struct member {
    bytes name;
    uint64_t local;        /* where its local header is, or was */
    uint64_t data;         /* where its data begins */
    uint64_t packed, size; /* when sized */
    uint64_t next;         /* what follows it */
    uint32_t crc;
    uint16_t method, flags, time, date;
    bool header, central, sized, whole;
};

/* Stored: all of it, ciphertext as zeros. Deflate: its beginning; then, behind each gap, what
 * comes after the next block begins. As one file below `folder`, gaps marked where it is text.
 */
void member_give(struct salvage *salvage, const struct member *member, bytes folder);

/* What is missing in a stream that was read. */
struct member_gaps {
    uint64_t gaps, unknown; /* stretches of packed bytes; bytes that came out unknown */
    bool cut;               /* what comes behind the last gap is not there */
};

/* A deflate stream in [from, to), whose plain size is known or UINT64_MAX; the part was begun.
 * Puts what can be read: what is not known is a question mark in text, zero elsewhere. Where
 * it is not known how much a gap held, text goes on behind a line that says so, and the rest
 * ends there. */
struct member_gaps member_inflate(struct salvage *salvage, uint64_t from, uint64_t to,
                                  uint64_t size, bool text);
/* The same of what is no text: what its own type can give back of it, or all of it with zeros
 * for what is not known. False: it is too large, or nothing of it is left. */
bool member_unpacked(struct salvage *salvage, bytes name, uint64_t from, uint64_t to,
                     uint64_t size);
/* Ends the part, and says what is missing in it. */
void member_end(struct salvage *salvage, enum salvage_verdict verdict, bool text,
                const struct member_gaps *gaps);

/* Decodes a deflate stream to its end; false when it is damaged. */
bool member_decodes(struct salvage *salvage, bytes in, uint32_t *ret_crc, uint64_t *ret_size,
                    size_t *ret_used) MUST_USE;

enum member_says {
    MEMBER_READS,  /* whole blocks */
    MEMBER_BREAKS, /* ciphertext begins in it */
    MEMBER_LOST,   /* from there on nothing could be read */
};

/* What a deflate stream that begins at `at_stream` of `stream` proves by its codes. In places
 * of `stream`. */
void member_prove(struct salvage *salvage, bytes stream, uint64_t at_stream,
                  void (*prove)(void *to, uint64_t from, uint64_t until, enum member_says says),
                  void *to);
/* The same said to the map; `at`: where the stream lies in the file. */
void member_tell(struct map *map, uint64_t at, uint64_t from, uint64_t until,
                 enum member_says says);

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

/* A deflate stream in [from, to), whose plain size is known or UINT64_MAX; the part was begun.
 * Puts what can be read; the number of gaps. */
uint64_t member_inflate(struct salvage *salvage, uint64_t from, uint64_t to, uint64_t size,
                        bool text);

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

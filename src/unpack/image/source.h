/* source — the bytes of a disk or of a part of one, wherever they lie: in one piece in the
 * file, scattered over a virtual disk, or compressed. What reads file systems reads through
 * this. */
#pragma once
#include "unpack/unpack.h"

/* Bytes that lie in a row. */
struct source_piece {
    const uint8_t *at; /* NULL: zeros */
    uint64_t len;
    bool stable; /* good until the container is closed, else until the next question */
};

struct source {
    uint64_t size;
    struct budget *budget;
    /* What begins at `at` < size. False when damaged there; len is at least 1, and may go
     * beyond the size. NULL for a source in one piece. */
    bool (*map)(struct source *source, uint64_t at, struct source_piece *ret);
    void *state;
    bytes flat;           /* when map is NULL */
    struct source *under; /* of a part: the whole, and where the part begins in it */
    uint64_t from;
};

/* Index behind the last of `count` chunks that begins at or before `at`, 0 when none does.
 * Chunks are `size` bytes each, sorted by their first member, a uint64_t: where they begin. */
size_t source_chunk(const void *chunks, size_t size, size_t count, uint64_t at);

struct source source_flat(bytes data, struct budget *budget);
/* A part of `under`, which must live as long; cut to what is there. */
struct source source_part(struct source *under, uint64_t from, uint64_t size);
/* What begins at `at`, as far as it lies in a row and in the source. False past its end, and
 * where it is damaged. */
bool source_at(struct source *source, uint64_t at, struct source_piece *ret) MUST_USE;
/* All of [at, at+len) in one view that stays good; .at NULL when there is none. */
bytes source_view(struct source *source, uint64_t at, uint64_t len);
/* Copies. False when some of it is outside or damaged. */
bool source_copy(struct source *source, uint64_t at, void *to, size_t len) MUST_USE;
/* A view where there is one, else a copy in the arena; .at NULL when neither. */
bytes source_bytes(struct source *source, uint64_t at, size_t len, struct arena *arena);

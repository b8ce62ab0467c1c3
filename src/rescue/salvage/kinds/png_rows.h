/* png_rows — where the rows of a picture lie in what was decoded of its data.
 *
 * A row is a filter (0 to 4) and the row's bytes, all rows of a picture are equally long. What
 * was decoded are pieces with gaps between them of which it is known only about how many bytes
 * they held. How long a row is and where rows begin is told by the filters: no gap by itself
 * says enough, all together do. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"

#define PNG_NOWHERE UINT64_MAX

/* A stretch that was decoded in one go, in symbols: bytes, above 255 not known. */
struct png_piece {
    size_t from, to;
    bool first, last; /* begins with the picture; ends with it */
    uint64_t lost;    /* packed bytes of the gap before it */
    uint64_t packed;  /* bytes that it came out of */
    /* Set by png_rows_place. */
    uint64_t at; /* of its first symbol in the picture, whose rows begin at multiples of `row`;
                  * PNG_NOWHERE when nothing tells it for sure */
};

struct png_rows {
    struct arena *arena;
    struct budget *budget;
    const uint16_t *raw;
    struct png_piece *pieces;
    uint32_t n;
    size_t row;      /* bytes of a row, its filter included; 0: not known */
    uint64_t height; /* rows, 0: not known */
};

/* Gives all pieces their places. Rows whose number a gap does not tell are guessed. False: what
 * there is are no such rows, or memory ran out. */
bool png_rows_place(struct png_rows *rows) MUST_USE;
/* The same when the length of a row is not known. False also when nothing tells it. */
bool png_rows_find(struct png_rows *rows) MUST_USE;
/* How many rows the pieces reach to. */
uint64_t png_rows_count(const struct png_rows *rows);

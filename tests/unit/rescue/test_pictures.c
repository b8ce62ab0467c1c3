/* Rows of a picture out of pieces of it: where they lie, against where they were cut out. */
#include "rescue/salvage/kinds/png_rows.h"
#include "tap.h"

#include <stdlib.h>

enum { ROW = 2401, ROWS = 700, SIZE = ROW * ROWS, LOST = 64, HELD = 98, PIECES_MOST = 400 };

static uint64_t state = 88172645463325252;

static uint64_t number(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 20) % below;
}

/* What differences in a photograph look like: small, up or down, and among them filters. */
static uint16_t difference(uint64_t spread)
{
    int sum = 0;
    for (int i = 0; i < 3; i++)
        sum += (int)number(spread) - (int)(spread / 2);
    return (uint16_t)(sum & 255);
}

/* The picture with a gap behind each `stride` bytes that came out, of which nobody knows quite
 * how much it held. Returns how many pieces there are. */
static uint32_t cut(struct png_piece *pieces, uint64_t *true_at, size_t stride)
{
    uint32_t n = 0;
    for (size_t at = 5000; at + stride < SIZE && n < PIECES_MOST; n++) {
        size_t size = stride + number(40);
        pieces[n] = (struct png_piece){
            .from = at, .to = at + size, .lost = n ? LOST : 0, .packed = size * LOST / HELD};
        true_at[n] = at;
        at += size + HELD - 5 + number(11);
    }
    return n;
}

static void rows_are_placed(size_t stride, bool picture, bool misread)
{
    uint16_t *raw = calloc(SIZE + 4096, sizeof *raw);
    struct png_piece *pieces = calloc(PIECES_MOST, sizeof *pieces);
    uint64_t *true_at = calloc(PIECES_MOST, sizeof *true_at);
    for (size_t i = 0; i < SIZE; i++)
        raw[i] = !picture       ? (uint16_t)number(256)
                 : i % ROW == 0 ? (uint16_t)(number(9) ? 4 : 1)
                                : difference(i / ROW % 3 ? 60 : 20);
    /* A row in the middle begins with what is no filter. */
    if (misread)
        raw[(size_t)ROW * (ROWS / 2 + 1)] = 77;
    struct arena *arena = arena_new((size_t)64 << 20);
    struct budget budget = {.steps = UINT64_MAX / 2};
    struct png_rows rows = {arena, &budget, raw, pieces, cut(pieces, true_at, stride), 0, 0};
    bool found = png_rows_find(&rows);
    CHECK_INT(found ? rows.row : 0, picture ? ROW : 0);
    if (picture && found && rows.row == ROW) {
        uint32_t placed = 0, wrong = 0;
        /* What lies before the first piece is not known: whole rows may be missing. */
        uint64_t before = true_at[0] / ROW * ROW;
        for (uint32_t i = 0; i < rows.n; i++) {
            placed += pieces[i].at != PNG_NOWHERE;
            wrong += pieces[i].at != PNG_NOWHERE && pieces[i].at + before != true_at[i];
        }
        CHECK_INT(wrong, 0);
        CHECK(placed * 20 >= rows.n * 19);
        CHECK(png_rows_count(&rows) * ROW + before <= SIZE);
    }
    arena_free(arena);
    free(true_at);
    free(pieces);
    free(raw);
}

int main(void)
{
    rows_are_placed(ROW * 5 / 2, true, false);
    rows_are_placed(ROW * 4, true, false);
    rows_are_placed(ROW * 20, true, false);
    rows_are_placed(ROW * 300, true, true);
    rows_are_placed(ROW * 4, false, false);
    return tap_done();
}

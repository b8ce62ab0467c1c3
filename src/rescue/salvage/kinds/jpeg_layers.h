/* jpeg_layers — the scans of a progressive JPEG (ITU T.81, annex G), with gaps in them.
 *
 * Each scan (a layer here) brings some bits of some coefficients of all blocks. What comes
 * before its first gap is read as ever. Behind its last gap codes fall into step by themselves,
 * and as the scan ends with the picture's last block, counting to the end tells where they
 * belong. Scans that refine coefficients need all that came before of the same block: they end
 * at the first gap, but for those of the DC, of one bit for each block. */
#pragma once
#include "rescue/salvage/kinds/jpeg_scan.h"
#include "rescue/salvage/salvage.h"

enum { JPEG_LAYERS = 32, JPEG_COEFFICIENTS = 64 };

struct jpeg_layer {
    uint64_t head, from, to;            /* of the file: its segments, its data */
    uint64_t read, tail;                /* what was read: up to here, and from here on */
    bool ends;                          /* with a marker that is there */
    uint8_t count, of[JPEG_COMPONENTS]; /* components */
    const struct jpeg_code *code[JPEG_COMPONENTS];
    uint8_t first, last, high, low; /* Ss, Se, Ah, Al */
    uint32_t restart;
};

struct jpeg_part {
    uint32_t wide, high;                  /* blocks of a scan of this one alone */
    uint32_t stride, rows;                /* of what is kept: whole MCUs */
    int16_t (*blocks)[JPEG_COEFFICIENTS]; /* in the order in which they are coded */
    uint32_t *seen;                       /* of each block: bits of the layers that were read */
};

struct jpeg_picture {
    struct salvage *salvage;
    struct jpeg_head head;   /* of what is written: tables of annex K */
    struct jpeg_head tables; /* that hold behind the last scan's head */
    uint64_t frame;          /* where SOF is */
    uint8_t id[JPEG_COMPONENTS], table[JPEG_COMPONENTS];
    struct jpeg_part parts[JPEG_COMPONENTS];
    struct jpeg_layer layers[JPEG_LAYERS];
    uint32_t layer_count;
};

/* Where segments that begin at `at` end with the head of a scan that can be, 0: they do not. */
uint64_t jpeg_chain(bytes file, uint64_t at);
/* The frame and the first scan's head. False: it is no progressive picture that is read here.
 */
bool jpeg_picture_head(struct jpeg_picture *picture, struct salvage *salvage) MUST_USE;
/* All layers that the map leaves. False: no memory, or nothing is left. */
bool jpeg_picture_read(struct jpeg_picture *picture) MUST_USE;
/* As a part, baseline. */
void jpeg_picture_give(struct jpeg_picture *picture);

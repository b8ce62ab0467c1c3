/* jpeg_bits — the bits of entropy-coded data, and Huffman codes in them (ITU-T T.81, annexes C
 * and F). Private to this folder. */
#pragma once
#include "rescue/proof/proof_reader.h"

struct jpeg_huffman {
    /* Of the next 9 bits: length << 8 | symbol of the code they begin with; 0: a longer one. */
    uint16_t fast[512];
    int32_t most[18]; /* largest code of each length, -1: none; [17] is larger than any */
    int32_t delta[17];
    uint8_t symbol[256];
    uint16_t symbols; /* 0: there is no such table */
};

/* Reads the 16 counts and the symbols; bytes used, 0: they are no code. */
size_t jpeg_huffman_read(struct jpeg_huffman *ret, bytes data);

struct jpeg_bits {
    struct reader *reader;
    const uint8_t *next, *end; /* of a view */
    uint64_t at;               /* of `next`; at the marker when there was one */
    uint64_t bits;             /* the next ones, from the highest on */
    unsigned have;
    unsigned over; /* bits that were made up, behind the end of the data */
    bool marker;
};

void jpeg_bits_begin(struct jpeg_bits *ret, struct reader *reader, uint64_t at);
/* The next `n` bits, at most 16. */
uint32_t jpeg_bits_take(struct jpeg_bits *bits, unsigned n);
/* The number of that many bits (F.2.2.1, EXTEND). */
int32_t jpeg_bits_value(struct jpeg_bits *bits, unsigned n);
/* The next symbol, -1: no code is like that. */
int jpeg_bits_symbol(struct jpeg_bits *bits, const struct jpeg_huffman *code);
/* More bits were taken than there are. */
bool jpeg_bits_over(const struct jpeg_bits *bits);
/* Whether only the padding of the last byte is left before a marker; `at` is there then. */
bool jpeg_bits_end(struct jpeg_bits *bits);
/* Goes on behind this marker, which has to be here. */
bool jpeg_bits_restart(struct jpeg_bits *bits, uint8_t marker);

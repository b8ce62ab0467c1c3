/* proof_reader — a plain file, or a part of one, read in bounded memory for those who check it.
 * Private to this folder.
 *
 * Bytes come as views of one window, good until the next view. Every view charges the budget;
 * a budget that is used up, or a file that cannot be read, ends all reading: views are empty
 * then, and proof_check says what happened, whatever the kind of file made of it. */
#pragma once
#include "base/budget.h"
#include "rescue/source.h"

enum { READER_WINDOW = 256 << 10 };

struct reader_window {
    const struct source *source;
    struct arena *arena;
    struct budget *budget;
    uint8_t *bytes;
    uint64_t at; /* where in the source it begins */
    size_t len;
    int error; /* of the source: -E..., `why` is filled */
    struct why why;
};

/* A part of the source: offsets of the functions below are in it. */
struct reader {
    struct reader_window *window;
    uint64_t base, size;
};

/* The part [at, at+len), cut to what is there. */
struct reader proof_reader_part(const struct reader *reader, uint64_t at, uint64_t len);
/* Up to `want` bytes at `at`, at most READER_WINDOW; fewer at the end; all that the window has
 * when `want` is 0. */
bytes proof_reader_view(struct reader *reader, uint64_t at, size_t want);
/* The byte at `at`, -1: there is none. */
int proof_reader_byte(struct reader *reader, uint64_t at);
/* False when the bytes are not all there. */
bool proof_reader_take(struct reader *reader, uint64_t at, void *ret, size_t len);
bool reader_le32(struct reader *reader, uint64_t at, uint32_t *ret);
bool reader_be32(struct reader *reader, uint64_t at, uint32_t *ret);
/* CRC-32 (zip's) of [at, at+len), which must be there. */
bool reader_crc32(struct reader *reader, uint64_t at, uint64_t len, uint32_t *ret);
/* Where `needle` (at most 64 bytes) lies first in [at, to), or UINT64_MAX. */
uint64_t proof_reader_find(struct reader *reader, bytes needle, uint64_t at, uint64_t to);
/* Whether [at, to) is all of that byte. */
bool reader_is_all(struct reader *reader, uint64_t at, uint64_t to, uint8_t byte);
/* Charges work that is not reading. */
bool proof_reader_charge(struct reader *reader, uint64_t steps);

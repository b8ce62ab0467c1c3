/* chunks — the encrypted bytes of an entry, written and read in one pass whatever their number;
 * entry.h has the layout. */
#pragma once
#include "quarantine/entry.h"
#include "shim/aead.h"

struct chunks;

/* Nonces: entry.h. */
void chunks_nonce(uint64_t number, bool data, bool last, uint8_t ret[AEAD_NONCE]);

/* From offset `at` of fd, which is borrowed. NULL when memory is out. */
struct chunks *chunks_new(enum aead_way way, int fd, uint64_t at, const uint8_t key[AEAD_KEY]);
/* Returns NULL. */
struct chunks *chunks_free(struct chunks *chunks);
int chunks_write(struct chunks *chunks, bytes data, struct why *why) MUST_USE;
/* Writes the last chunk. */
int chunks_write_end(struct chunks *chunks, struct why *why) MUST_USE;
/* Exactly `len` bytes; -EBADMSG when they are not what was written, or not there. */
int chunks_read(struct chunks *chunks, uint8_t *ret, size_t len, struct why *why) MUST_USE;
/* -EBADMSG unless all was read, to the last chunk. */
int chunks_read_end(struct chunks *chunks, struct why *why) MUST_USE;

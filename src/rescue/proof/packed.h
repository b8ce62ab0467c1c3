/* packed — a compressed stream in a plain file, unpacked only to see that it is whole. Private
 * to this folder. */
#pragma once
#include "rescue/proof/proof_reader.h"
#include "shim/stream.h"

struct packed {
    enum stream_state state; /* STREAM_END: whole. STREAM_MORE: cut short, or over `max` */
    uint64_t used;           /* bytes of the stream */
    uint64_t size;           /* bytes that came out */
    uint32_t crc;            /* zip's CRC-32 of them */
};

/* Unpacks the stream at `at`, which may be `len` bytes long, until more than `max` came out. */
void packed_run(struct reader *reader, uint64_t at, uint64_t len, enum stream_kind kind,
                uint64_t max, struct packed *ret);

/* writer — byte after byte to the child being written. */
#pragma once
#include "unpack/unpack.h"

struct writer {
    struct unpack *unpack;
    uint8_t *at;
    size_t n, room; /* written since the last flush, and its maximum */
    bool full;      /* a limit was reached: the rest is dropped */
};

/* Makes room; false when there is none. */
bool writer_more(struct writer *writer);
void writer_put(struct writer *writer, bytes data);
/* A character as UTF-8; what is none becomes U+FFFD. */
void writer_rune(struct writer *writer, uint32_t rune);
/* False: the examination has to stop. */
bool writer_flush(struct writer *writer) MUST_USE;

static inline void writer_byte(struct writer *writer, uint8_t byte)
{
    if (writer->n < writer->room || writer_more(writer))
        writer->at[writer->n++] = byte;
}

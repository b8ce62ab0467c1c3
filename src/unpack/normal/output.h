/* output — byte after byte into room that was set aside. */
#pragma once
#include "base/base.h"

struct output {
    uint8_t *at;
    size_t n, size;
    bool full; /* something found no room */
};

static inline void output_byte(struct output *output, uint8_t c)
{
    if (output->n < output->size)
        output->at[output->n++] = c;
    else
        output->full = true;
}

static inline void output_put(struct output *output, bytes data)
{
    for (size_t i = 0; i < data.len; i++)
        output_byte(output, data.at[i]);
}

/* markup_word — as much of a name or value as is kept. */
#pragma once
#include "base/base.h"

enum { MARKUP_NAME = 1024 }; /* of tags, attributes, values and references */

struct markup_word {
    size_t len;
    uint8_t at[MARKUP_NAME];
};

static inline void markup_keep(struct markup_word *word, uint8_t c)
{
    if (word->len < MARKUP_NAME)
        word->at[word->len++] = c;
}

/* letterhead — the headers of a letter, and texts among its properties. */
#pragma once
#include "rescue/salvage/mail/letter.h"

struct letter_words {
    bytes text;
    const char *charset; /* what it is in */
};

/* A text of at most so many bytes; empty where it is none, or not whole. */
struct letter_words letterhead_words(const struct heap *heap, uint16_t id, uint32_t most);
/* The first of these that is there. */
struct letter_words letterhead_first(const struct heap *heap, const uint16_t *ids, size_t n);
/* What texts that are not UTF-16 are in. */
const char *letterhead_charset(const struct heap *heap);
/* All headers but for those of the bodies; `lost`: its properties are. */
bool letterhead_put(struct letter *letter, const struct heap *heap, bool lost) MUST_USE;

/* note_learn — a model out of notes (note_model.h). The same samples in the same order give
 * the same bytes. */
#pragma once
#include "rescue/identify/note_model.h"

struct note_sample {
    uint32_t family; /* index of its name */
    bytes file;      /* name of its file; empty: it tells nothing */
    struct note_features features;
};

struct note_judge {
    int32_t bias;
    int16_t word[NOTE_WORDS];
};

/* Learns what sets ransom notes apart from other texts. */
void note_learn_judge(const struct note_sample *notes, size_t note_count,
                      const struct note_sample *others, size_t other_count, struct arena *arena,
                      struct note_judge *ret);
/* The file. `families` are the names that samples refer to, each at most 255 bytes; those of
 * `without` (an index in samples, SIZE_MAX: none) is left out, for tests. -E2BIG over 65,535
 * notes, -ENOMEM. */
int note_learn_model(const struct note_sample *samples, size_t count, size_t without,
                     const bytes *families, uint32_t family_count,
                     const struct note_judge *judge, struct arena *arena, bytes *ret,
                     struct why *why) MUST_USE;

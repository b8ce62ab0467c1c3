/* base64 — the encodings that a text may have inside base64 data. */
#pragma once
#include "match/re/re.h"

/* The tree of alternatives: for each form that source->flags ask for, the text as it is
 * encoded when 0, 1 or 2 bytes precede it, without the characters that neighbours share. False
 * when the arena is full. */
bool base64_tree(const struct pattern_source *source, struct arena *arena,
                 struct re_tree *ret) MUST_USE;

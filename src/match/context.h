/* context — the bytes around a necessary literal: a literal that is common by itself is rarely
 * found with the right ones beside it. */
#pragma once
#include "match/pattern.h"
#include "match/re/re.h"

enum { CONTEXT_SIDE = 32 }; /* bytes looked at on either side of the literal */

/* What every match of the tree has around `text`, which each of them contains: value and mask
 * of the place where most is known; empty when nothing is, and for a repetition of one byte. In
 * the arena. False when that is full. */
bool context_find(const struct re_node *root, bool dotall, bytes text, struct arena *arena,
                  struct literal_context *ret) MUST_USE;

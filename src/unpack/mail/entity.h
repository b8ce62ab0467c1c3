/* entity — character references of HTML: "&amp;", "&#65;", "&#x41". */
#pragma once
#include "base/arena.h"

/* The character that the reference at the front stands for; its length, 0 when it is none. */
size_t entity_read(bytes text, uint32_t *ret_rune);
/* A text with its references decoded; the text itself when there are none. */
bytes entity_decoded(struct arena *arena, bytes text);

/* script — JavaScript read and written anew: without comments, with texts joined and variables
 * called by number. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "unpack/normal/output.h"

struct script;

/* NULL when memory is out. */
struct script *script_new(struct arena *arena, struct budget *budget);
/* The next piece: words do not go on from one to the next, texts do. */
void script_feed(struct script *script, bytes piece);
/* Writes it as "<script>...</script>"; false when memory or the budget did not suffice. */
bool script_finish(struct script *script, struct output *out) MUST_USE;

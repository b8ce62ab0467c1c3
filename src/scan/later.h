/* later — the memory of an examiner for digests that are put off (engine/hash_later.h). */
#pragma once
#include "definitions/definitions.h"
#include "engine/hash_later.h"

/* For these rulesets. False when memory is out; *ret stays NULL where none has digests. */
bool later_new(const struct definitions *sets, int set_count, struct hash_later **ret);
/* NULL is fine. Returns NULL. */
struct hash_later *later_free(struct hash_later *later);

/* rescue_describe — what was found out about files, in words and as JSON. */
#pragma once
#include "rescue/identify/sighting.h"
#include "scan/text.h"

/* "a ransom note", "an encrypted file". */
const char *rescue_describe_kind(uint32_t kind);
/* Lines that begin with spaces: family, how sure, why, lineage, what can be done. */
void rescue_describe_text(const struct knowledge *knowledge, const struct sighting *sighting,
                          struct text *out);
/* Members of an object, without its braces and without a comma before the first. */
void rescue_describe_json(const struct knowledge *knowledge, const struct sighting *sighting,
                          struct text *out);
/* "built from Conti, by the same group as Karakurt"; false: nothing is known. */
bool rescue_describe_lineage(const struct knowledge *knowledge, uint32_t family,
                             struct text *out);
/* What can be done about a family: a sentence or more. */
void rescue_describe_advice(const struct knowledge *knowledge, uint32_t family,
                            struct text *out);

/* knowledge — the catalogue and the model of notes together, as the program carries them.
 *
 *     magic     "CDRKNOW1"
 *     sizes     u64 of the catalogue, u64 of the model
 *     catalogue catalogue_pack.h, padded with zeros to 8 bytes
 *     model     note_model.h
 *
 * Families are counted through: first the catalogue's, then those that only the model has. */
#pragma once
#include "rescue/catalogue/catalogue.h"
#include "rescue/identify/note_model.h"

#define KNOWLEDGE_MAGIC "CDRKNOW1"

struct knowledge {
    struct catalogue catalogue;
    struct note_model model;
    uint32_t families;
    uint16_t *of_model; /* the family that the model's is */
    bytes *model_only;  /* names of families behind the catalogue's */
};

int knowledge_pack(bytes catalogue, bytes model, struct arena *arena, bytes *ret,
                   struct why *why) MUST_USE;
/* The bytes, aligned to 8, are borrowed. -EBADMSG, -ENOMEM. */
int knowledge_open(bytes packed, struct arena *arena, struct knowledge *ret,
                   struct why *why) MUST_USE;
/* Of parts that are open. -ENOMEM. */
int knowledge_join(const struct catalogue *catalogue, const struct note_model *model,
                   struct arena *arena, struct knowledge *ret, struct why *why) MUST_USE;
/* "lockbit3" */
bytes knowledge_name(const struct knowledge *knowledge, uint32_t family);
/* "LockBit 3.0 (Black)" */
bytes knowledge_title(const struct knowledge *knowledge, uint32_t family);
/* NULL when only the model knows it. */
const struct catalogue_family *knowledge_family(const struct knowledge *knowledge,
                                                uint32_t family);

/* published — master keys that authors, leaks or the police have published: tried for everybody
 * whose files fit. Each names its family and where it came from. */
#pragma once
#include "rescue/key.h"

/* Adds them all. 0 or -ENOMEM. */
int published_add(struct keyring *ring, struct arena *arena) MUST_USE;
/* That of one family. -ENOENT: none. */
int published_key(const char *family, struct arena *arena, struct key *ret) MUST_USE;
/* The secret of Petya's authors, on secp192k1. */
extern const uint8_t published_petya[24];

/* embedded — the definitions that this program carries.
 *
 * They lie in the program masked: unmasked, the texts that rules look for would make the
 * program itself look like all the malware it knows, to its own rules and to other scanners. */
#pragma once
#include "base/base.h"

/* Masks bytes, or takes the mask off again: each is XORed with a number that its place gives,
 * so that no single key uncovers them. `from` and `to` may be the same. */
void embedded_mask(const uint8_t *from, uint8_t *to, size_t size);

/* A sealed ruleset, 64-byte aligned, unmasked on the first call into memory that stays for the
 * life of the program; empty when there is no memory. For the main thread. */
bytes embedded_definitions(void);

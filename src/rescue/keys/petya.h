/* petya — the key of a disk that Petya, Mischa or GoldenEye encrypted, out of the identifier
 * that it shows.
 *
 * The identifier is base58 of a point of secp192k1 and the key, sealed for the authors' secret,
 * which they published in July 2017 (Janus). Red and green Petya, and Mischa: two characters
 * before it, green and Mischa: six behind it. Facts: hasherezade, petya_key. */
#pragma once
#include "rescue/key.h"

/* What kind of identifier a text is, by its length: NULL, or "Petya (red)", "Petya (green) or
 * Mischa", "GoldenEye". White space and hyphens at both ends are skipped. */
const char *petya_kind(bytes text);
/* The key: 16 characters, or 32 hexadecimal digits for GoldenEye. -EBADMSG with what is wrong
 * with the text: characters, length, a point that is not on the curve, a key that is no text.
 */
int petya_key(bytes text, struct arena *arena, bytes *ret, struct why *why) MUST_USE;

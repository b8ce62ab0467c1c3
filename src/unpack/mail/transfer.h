/* transfer — content transfer encodings: RFC 2045 section 6 (quoted-printable, base64), and
 * RFC 2047 section 4.2 ("Q").
 *
 * As lenient as the most lenient mail program: what a decoder may skip is skipped. */
#pragma once
#include "unpack/base64.h"
#include "unpack/unpack.h"

enum transfer { TRANSFER_PLAIN, TRANSFER_BASE64, TRANSFER_QUOTED, TRANSFER_UU, TRANSFER_YENC };

struct base64 {
    bytes in; /* what is left */
    uint32_t bits;
    uint8_t count, pads; /* characters of the quantum so far; "=" since */
};

/* Decodes on: writes at most `room` (at least 3) bytes, returns how many; 0 at the end. Other
 * characters are skipped, missing padding is fine; after padding it goes on where the next line
 * is base64 too. */
size_t base64_decode(struct base64 *state, uint8_t *out, size_t room);
/* The same for quoted-printable; *in moves on. */
size_t quoted_decode(bytes *in, uint8_t *out, size_t room);

/* Decodes all of `body` (plain, base64 or quoted-printable) to the child being written; false:
 * the examination has to stop. */
bool transfer_put(struct unpack *unpack, enum transfer how, bytes body) MUST_USE;
/* Decodes the first `max` bytes into the arena; .at is NULL over its maximum. */
bytes transfer_copy(struct arena *arena, enum transfer how, bytes body, size_t max);

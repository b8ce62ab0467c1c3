/* lzo — LZO1X, as squashfs and lzop use it. */
#pragma once
#include "base/base.h"

/* Decodes one block; *ret_len is what was written, also before damage. False when damaged, or
 * larger than the room. */
bool lzo_decode(bytes in, uint8_t *out, size_t room, size_t *ret_len) MUST_USE;

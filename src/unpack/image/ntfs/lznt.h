/* lznt — LZNT1, the compression of files in NTFS ([MS-XCA] section 2.5). */
#pragma once
#include "base/base.h"

/* Decodes chunks until the input, its end mark or the room ends; *ret_len is what was written,
 * also before damage. False when damaged. */
bool lznt_decode(bytes in, uint8_t *out, size_t room, size_t *ret_len) MUST_USE;

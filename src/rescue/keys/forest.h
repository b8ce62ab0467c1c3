/* forest — the password of BlackByte 1 out of the file 'forest.png' that it fetched, for files
 * of other victims than those whose password is published.
 *
 *     0     40  the password, padded (PKCS #7), triple DES in ECB
 *     1064  32  of which MD5 is the key, its first half used twice
 *
 * Facts: Trustwave SpiderLabs, BlackByteDecryptor. */
#pragma once
#include "rescue/key.h"

/* 0 with a password in the arena; -ENOENT: no such file. */
int forest_password(bytes file, struct arena *arena, bytes *ret) MUST_USE;

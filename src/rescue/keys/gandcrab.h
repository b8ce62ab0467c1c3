/* gandcrab — the victim's RSA key out of a note of GandCrab 5.2, by the published master key.
 *
 *     "---BEGIN GANDCRAB KEY---", base64 of:
 *     0      4     not known
 *     4    256     Salsa20 key, sealed for the master key (PKCS #1 v1.5, the other way round)
 *     0x104 256    nonce, sealed alike
 *     0x204 0x494  CryptoAPI PRIVATEKEYBLOB of RSA-2048, Salsa20
 *
 * Facts: Azha0, GandCrab_Decryptor. */
#pragma once
#include "rescue/key.h"

/* The note is text, in UTF-16 or one byte a character. 0 with the key; -ENOENT: no such note;
 * -EBADMSG: damaged; -EKEYREJECTED: of another version, whose master key is another. */
int gandcrab_key(bytes note, struct arena *arena, struct key *ret, struct why *why) MUST_USE;

/* zip_cipher — encrypted members of zip files, with the passwords of the run. */
#pragma once
#include "unpack/archive/zip.h"

/* Hands out the member whose encrypted data is `in`, or notes that no password opens it.
 * False: return. */
bool zip_cipher_member(struct unpack *unpack, const struct zip_entry *entry, bytes in);

/* cms — signed, compressed and encrypted messages of S/MIME (smime.p7m): RFC 5652, RFC 3274. */
#pragma once
#include "unpack/unpack.h"

bool cms_probe(bytes data);
void cms_open(struct unpack *unpack);
/* "-----BEGIN PKCS7-----": base64 of the same. */
void cms_open_text(struct unpack *unpack);

/* detached — signatures that lie beside what they sign: CMS (RFC 5652), by OpenSSL's libcrypto.
 */
#pragma once
#include "base/base.h"

/* Whether `signature` (DER in base64) signs `content`, by a certificate that leads to one of
 * `certificates` (PEM, one after the other) and is good today. *signer gets the signing
 * certificate's common name, NUL-terminated and cut to `size`; empty when it does not. */
bool detached_verify(bytes signature, bytes content, bytes certificates, char *signer,
                     size_t size);

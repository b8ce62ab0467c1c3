/* certificate — of the X.509 certificates (RFC 5280) in a program's signature, what ClamAV 1.4
 * looks at. */
#pragma once
#include "shim/digest.h"
#include "signer/der.h"

enum { CERTIFICATE_SHA = 20, CERTIFICATE_KEY_LEAST = 128, CERTIFICATE_KEY_MOST = 513 };

/* How something is signed. */
enum certificate_algorithm {
    SIGNED_ANY, /* a database's certificate */
    SIGNED_MD5,
    SIGNED_SHA1,
    SIGNED_SHA256,
    SIGNED_SHA384,
    SIGNED_SHA512,
    SIGNED_MD2, /* and without a digest: never verified */
    SIGNED_BARE,
};

struct certificate {
    uint8_t subject[CERTIFICATE_SHA], issuer[CERTIFICATE_SHA], serial[CERTIFICATE_SHA];
    bool any_serial;
    enum certificate_algorithm algorithm;
    uint8_t digest[DIGEST_MAX]; /* of what is signed in it */
    bytes modulus, exponent, signature;
    int64_t not_before, not_after; /* seconds since 1970 */
    bool signs_certificates, signs_code, signs_times;
};

enum certificate_state {
    CERTIFICATE_READ,
    CERTIFICATE_ODD, /* it is left out; what follows can be read */
    CERTIFICATE_BAD, /* nothing after it can be read */
};

/* The next certificate. Views into the file. */
enum certificate_state certificate_read(struct der *from, struct certificate *ret);
/* An AlgorithmIdentifier. Of names that it does not know, ClamAV takes the last of its list. */
bool certificate_algorithm(struct der *from, enum certificate_algorithm *ret) MUST_USE;
/* The same for digests alone. */
bool certificate_digest(struct der *from, enum digest_kind *ret) MUST_USE;
/* "rsaEncryption", and nothing else. */
bool certificate_is_rsa(struct der *from) MUST_USE;
/* The digest that an algorithm signs; false: none that is verified here. */
bool certificate_kind(enum certificate_algorithm algorithm, enum digest_kind *ret);
/* Whether `signature` is one by the certificate's key, of a digest. PKCS #1 v1.5. */
bool certificate_verify(const struct certificate *by, bytes signature, enum digest_kind kind,
                        const uint8_t *digest);

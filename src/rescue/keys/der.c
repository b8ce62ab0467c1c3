/* der — private keys in ASN.1's distinguished encoding.
 *
 *     RSAPrivateKey ::= SEQUENCE { 0, n, e, d, p, q, ... }                  RFC 8017, A.1.2
 *     PrivateKeyInfo ::= SEQUENCE { 0 or 1, SEQUENCE { OID, parameters }, OCTET STRING, ... }
 *                                                                           RFC 5958, 2
 *         1.2.840.113549.1.1.1: an RSAPrivateKey; 1.3.101.110: an OCTET STRING of 32 bytes
 *         (X25519, RFC 8410, 7); 1.2.840.10045.2.1: an ECPrivateKey, its curve in parameters
 *     ECPrivateKey ::= SEQUENCE { 1, OCTET STRING, [0] curve OPTIONAL, ... } RFC 5915, 3
 *     EncryptedPrivateKeyInfo ::= SEQUENCE { SEQUENCE { OID, ... }, OCTET STRING }
 *     SubjectPublicKeyInfo ::= SEQUENCE { SEQUENCE { OID, ... }, BIT STRING }
 */
#include "rescue/keys/reading.h"

#include <errno.h>
#include <stdio.h>

enum { INTEGER = 0x02, BITS = 0x03, OCTETS = 0x04, OID = 0x06, SEQUENCE = 0x30, CURVE = 0xa0 };

/* The next element's content, which *rest moves past. False when it is of another type, or not
 * all there. */
static bool take(bytes *rest, uint8_t type, bytes *ret)
{
    if (rest->len < 2 || rest->at[0] != type)
        return false;
    size_t len = rest->at[1], at = 2;
    if (len & 0x80) {
        size_t count = len & 0x7f;
        if (count == 0 || count > 4 || !bytes_has(*rest, 2, count))
            return false;
        for (len = 0; count; count--)
            len = len << 8 | rest->at[at++];
    }
    if (!bytes_has(*rest, at, len))
        return false;
    *ret = bytes_slice(*rest, at, len);
    *rest = bytes_slice(*rest, at + len, SIZE_MAX);
    return true;
}

static bool is(bytes view, const char *text, size_t len)
{
    return bytes_equal(view, (bytes){.at = (const uint8_t *)text, .len = len});
}

static int rsa(struct reading *reading, bytes rest)
{
    struct privatekey key;
    if (!take(&rest, INTEGER, &key.n) || !take(&rest, INTEGER, &key.e) ||
        !take(&rest, INTEGER, &key.d) || !take(&rest, INTEGER, &key.p) ||
        !take(&rest, INTEGER, &key.q))
        return 0;
    return reading_rsa(reading, key, true);
}

static int elliptic(struct reading *reading, bytes secret, bytes curve)
{
    uint8_t filled[32] = {0};
    bool k256 = is(curve, "\x2b\x81\x04\x00\x0a", 5),
         k192 = is(curve, "\x2b\x81\x04\x00\x1f", 5);
    size_t size = k256 ? 32 : 24;
    if ((!k256 && !k192) || secret.len > size) {
        snprintf(reading->said.text, sizeof reading->said.text,
                 "an elliptic key of a curve that no known ransomware uses");
        return 0;
    }
    for (size_t i = 0; i < secret.len; i++)
        filled[size - secret.len + i] = secret.at[i];
    return reading_add(reading, (struct key){.kind = k256 ? KEY_SECP256K1 : KEY_SECP192K1,
                                             .secret = {.at = filled, .len = size}});
}

/* What follows the 1 of an ECPrivateKey; `curve` may be empty. */
static int sec1(struct reading *reading, bytes rest, bytes curve)
{
    bytes secret, inner;
    if (!take(&rest, OCTETS, &secret))
        return 0;
    if (take(&rest, CURVE, &inner))
        (void)take(&inner, OID, &curve);
    return elliptic(reading, secret, curve);
}

static int pkcs8(struct reading *reading, bytes algorithm, bytes rest)
{
    bytes oid, curve = {0}, inner, octets, version;
    if (!take(&algorithm, OID, &oid) || !take(&rest, OCTETS, &octets))
        return 0;
    (void)take(&algorithm, OID, &curve);
    if (is(oid, "\x2b\x65\x6e", 3) && take(&octets, OCTETS, &inner) && inner.len == X25519_SIZE)
        return reading_add(reading, (struct key){.kind = KEY_CURVE25519, .secret = inner});
    if (!take(&octets, SEQUENCE, &inner) || !take(&inner, INTEGER, &version))
        return 0;
    if (is(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9))
        return rsa(reading, inner);
    if (is(oid, "\x2a\x86\x48\xce\x3d\x02\x01", 7))
        return sec1(reading, inner, curve);
    return 0;
}

/* A public key opens nothing, unless it was made badly: its modulus is kept for seed/weak.h. */
static int public_key(struct reading *reading, bytes algorithm, bytes bits)
{
    bytes oid, inner, n;
    snprintf(reading->said.text, sizeof reading->said.text,
             "a public key: it cannot open files");
    if (!take(&algorithm, OID, &oid) || !is(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9) ||
        !bits.len || *bits.at)
        return 0;
    bits = bytes_slice(bits, 1, SIZE_MAX);
    if (!take(&bits, SEQUENCE, &inner) || !take(&inner, INTEGER, &n))
        return 0;
    unsigned before = reading->found;
    int error = reading_number(reading, n, 'n');
    reading->found = before;
    return error;
}

int reading_der(struct reading *reading, bytes view)
{
    bytes rest, version, part;
    if (!take(&view, SEQUENCE, &rest))
        return 0;
    if (!take(&rest, INTEGER, &version)) {
        bytes bits;
        if (!take(&rest, SEQUENCE, &part))
            return 0;
        if (rest.len && rest.at[0] == OCTETS)
            snprintf(reading->said.text, sizeof reading->said.text,
                     "the key is encrypted: decrypt it first, as with "
                     "'openssl pkey -in FILE -out OTHER'");
        return take(&rest, BITS, &bits) ? public_key(reading, part, bits) : 0;
    }
    if (take(&rest, SEQUENCE, &part))
        return pkcs8(reading, part, rest);
    if (is(version, "\x01", 1) && rest.len && rest.at[0] == OCTETS)
        return sec1(reading, rest, (bytes){0});
    return is(version, "\0", 1) ? rsa(reading, rest) : 0;
}

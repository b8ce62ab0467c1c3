/* authenticode_walk — what the files of the authenticode shim share: one reading of one blob.
 */
#pragma once
#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "shim/authenticode.h"

enum { AUTHENTICODE_MAX_VALUES = 16 }; /* of one attribute */

/* What became of a signature. */
enum signature_state {
    SIGNATURE_GOOD,    /* right in itself */
    SIGNATURE_BAD,     /* read, but not right */
    SIGNATURE_DROPPED, /* too broken to show, unless it names another digest than the file's */
};

struct signature_entry {
    struct authenticode_signature shown;
    enum signature_state state;
    const EVP_MD *method; /* of the file's digest, NULL for one that OpenSSL lacks */
};

struct walk {
    struct arena *arena;
    struct budget *budget;
    bool full; /* the arena */
    VEC(struct signature_entry) entries;
};

struct certificate_list {
    struct authenticode_certificate *at;
    uint32_t n, cap;
};

/* A copy in the arena; .at is NULL for no text, and when the arena is full. */
bytes walk_text(struct walk *walk, const char *text);
bytes walk_hex(struct walk *walk, const uint8_t *data, size_t len);
/* Long name of an algorithm: "sha256". */
bytes walk_algorithm(struct walk *walk, const X509_ALGOR *algorithm);
/* The string in a value of any type, or NULL. A SEQUENCE or SET is its whole DER. */
const ASN1_STRING *walk_string(const ASN1_TYPE *value);
bytes walk_bytes(const ASN1_STRING *string);
int64_t walk_seconds(const ASN1_TIME *time);
/* The first attribute with that dotted OID, or NULL. */
X509_ATTRIBUTE *walk_attribute(const STACK_OF(X509_ATTRIBUTE) * attributes, const char *oid);
/* Number of its values that are read. */
int walk_values(X509_ATTRIBUTE *attribute);

/* authenticode_certificate.c: adds all certificates of a stack to a list. */
void walk_certificates(struct walk *walk, const STACK_OF(X509) * certs,
                       struct certificate_list *list);
/* The certificates from the signer's up, as far as the stack has them. */
struct authenticode_chain walk_chain(struct walk *walk, X509 *signer, STACK_OF(X509) * certs);

/* authenticode_stamp.c: a PKCS #9 countersignature of `signature`, made by one of certs. */
struct authenticode_stamp walk_countersignature(struct walk *walk, bytes der,
                                                STACK_OF(X509) * certs, bytes signature);
/* An RFC 3161 time stamp of `signature`, as Microsoft embeds it; its certificates are added to
 * the list. */
struct authenticode_stamp walk_timestamp(struct walk *walk, bytes der, bytes signature,
                                         struct certificate_list *list);

/* authenticode_certificate — X.509 certificates as facts, in the spelling of YARA. */
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509_vfy.h>

#include "shim/authenticode_walk.h"
#include "shim/digest.h"

enum {
    NAME_SIZE = 256,   /* YARA cuts longer names */
    SERIAL_MAX = 22,   /* 20 bytes by RFC 5280, and type and length */
    CHAIN_COST = 5000, /* steps for each certificate that may belong to a chain */
    CERTIFICATE_COST = 20000,
};

/* OpenSSL 3 writes "\/" for a slash inside a name, older ones did not. */
static bytes name_text(struct walk *walk, const X509_NAME *name)
{
    char text[NAME_SIZE] = "";
    X509_NAME_oneline(name, text, sizeof text);
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        if (p[0] == '\\' && p[1] == '/')
            p++;
        text[n++] = *p;
    }
    text[n] = 0;
    return walk_text(walk, text);
}

static bytes serial_text(struct walk *walk, const ASN1_INTEGER *serial)
{
    uint8_t der[SERIAL_MAX], *end = der;
    char text[3 * SERIAL_MAX];
    int size = i2d_ASN1_INTEGER(serial, NULL);
    if (size < 3 || size > SERIAL_MAX)
        return (bytes){0};
    size = i2d_ASN1_INTEGER(serial, &end) - 2;
    for (int i = 0; i < size; i++) {
        digest_hex(der + 2 + i, 1, text + 3 * i);
        text[3 * i + 2] = ':';
    }
    text[3 * size - 1] = 0;
    return walk_text(walk, text);
}

static void read_certificate(struct walk *walk, X509 *x509,
                             struct authenticode_certificate *ret)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    char oid[80] = "";
    int algorithm = X509_get_signature_nid(x509);
    if (X509_digest(x509, EVP_sha1(), digest, &size) == 1)
        ret->thumbprint = walk_hex(walk, digest, size);
    ret->issuer = name_text(walk, X509_get_issuer_name(x509));
    ret->subject = name_text(walk, X509_get_subject_name(x509));
    ret->version = X509_get_version(x509) + 1;
    ret->algorithm = walk_text(walk, OBJ_nid2ln(algorithm));
    OBJ_obj2txt(oid, sizeof oid, OBJ_nid2obj(algorithm), 1);
    ret->algorithm_oid = walk_text(walk, oid);
    ret->serial = serial_text(walk, X509_get0_serialNumber(x509));
    ret->not_before = walk_seconds(X509_get0_notBefore(x509));
    ret->not_after = walk_seconds(X509_get0_notAfter(x509));
}

void walk_certificates(struct walk *walk, const STACK_OF(X509) * certs,
                       struct certificate_list *list)
{
    for (int i = 0; i < sk_X509_num(certs); i++) {
        if (!budget_charge(walk->budget, CERTIFICATE_COST))
            return;
        struct authenticode_certificate *added = vec_push(walk->arena, list);
        if (!added) {
            walk->full = true;
            return;
        }
        read_certificate(walk, sk_X509_value(certs, i), added);
    }
}

/* The verification fails for want of a trusted root; what is wanted is the chain that it builds
 * on the way. */
struct authenticode_chain walk_chain(struct walk *walk, X509 *signer, STACK_OF(X509) * certs)
{
    struct authenticode_chain chain = {0};
    int count = sk_X509_num(certs);
    if (!certs || !budget_charge(walk->budget, (uint64_t)count * CHAIN_COST))
        return chain;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (store && context && X509_STORE_CTX_init(context, store, signer, certs) == 1) {
        struct certificate_list list = {0};
        X509_verify_cert(context);
        walk_certificates(walk, X509_STORE_CTX_get0_chain(context), &list);
        chain = (struct authenticode_chain){list.at, list.n};
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return chain;
}

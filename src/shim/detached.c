#include "shim/detached.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum { SIGNATURE_MAX = 1 << 20 };

static CMS_ContentInfo *decode(bytes signature)
{
    CMS_ContentInfo *cms = NULL;
    unsigned char *der =
        signature.len && signature.len < SIGNATURE_MAX ? malloc(signature.len) : NULL;
    int size = der ? EVP_DecodeBlock(der, signature.at, (int)signature.len) : -1;
    if (size > 0) {
        const unsigned char *at = der;
        cms = d2i_CMS_ContentInfo(NULL, &at, size);
    }
    free(der);
    return cms;
}

/* NULL when there is no certificate in the text. */
static X509_STORE *make_store(bytes certificates)
{
    X509_STORE *store = X509_STORE_new();
    BIO *bio = certificates.len && certificates.len <= INT_MAX
                   ? BIO_new_mem_buf(certificates.at, (int)certificates.len)
                   : NULL;
    X509 *one;
    int count = 0;
    while (store && bio && (one = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        count += X509_STORE_add_cert(store, one) == 1;
        X509_free(one);
    }
    BIO_free(bio);
    if (count)
        return store;
    X509_STORE_free(store);
    return NULL;
}

static void name_signer(CMS_ContentInfo *cms, char *signer, size_t size)
{
    STACK_OF(X509) *signers = CMS_get0_signers(cms);
    if (signers && sk_X509_num(signers) > 0)
        X509_NAME_get_text_by_NID(X509_get_subject_name(sk_X509_value(signers, 0)),
                                  NID_commonName, signer, (int)size);
    sk_X509_free(signers);
}

bool detached_verify(bytes signature, bytes content, bytes certificates, char *signer,
                     size_t size)
{
    CMS_ContentInfo *cms = decode(signature);
    X509_STORE *store = make_store(certificates);
    BIO *bio = content.len <= INT_MAX ? BIO_new_mem_buf(content.at, (int)content.len) : NULL;
    signer[0] = 0;
    bool good = cms && store && bio &&
                CMS_verify(cms, NULL, store, bio, NULL, CMS_BINARY | CMS_DETACHED) == 1;
    if (good)
        name_signer(cms, signer, size);
    BIO_free(bio);
    X509_STORE_free(store);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return good;
}

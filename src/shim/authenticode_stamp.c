/* authenticode_stamp — countersignatures: who saw a signature, and when.
 *
 * PKCS #9 (RFC 2985 section 5.3.6): a SignerInfo whose messageDigest is that of the signature
 * and whose certificate lies in the SignedData it belongs to. RFC 3161: a SignedData of its
 * own, whose content, TSTInfo, holds the digest of the signature and the time. */
#include <string.h>

#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ts.h>

#include "shim/authenticode_walk.h"

enum {
    STAMP_COST = 200000, /* steps: about one RSA operation */
    MAX_METHODS = 16,    /* digest algorithms of a SignedData */
};

/* True when `digest` is that of the signature. */
static bool is_digest_of(const EVP_MD *method, bytes digest, bytes signature)
{
    uint8_t computed[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    return EVP_Digest(signature.at, signature.len, computed, &size, method, NULL) == 1 &&
           bytes_equal(digest, (bytes){computed, size});
}

/* --- PKCS #9 --- */

/* True when what the key recovers from the signature is the digest, bare (as some old stampers
 * signed it) or in a DigestInfo. */
static bool recovers_digest(EVP_PKEY *key, bytes signature, bytes digest)
{
    uint8_t clear[4096];
    size_t size = sizeof clear;
    EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool good =
        context && EVP_PKEY_get_size(key) <= (int)sizeof clear &&
        EVP_PKEY_verify_recover_init(context) == 1 &&
        EVP_PKEY_verify_recover(context, clear, &size, signature.at, signature.len) == 1;
    EVP_PKEY_CTX_free(context);
    if (!good || size == digest.len)
        return good && bytes_equal((bytes){clear, size}, digest);
    const uint8_t *at = clear;
    X509_SIG *info = d2i_X509_SIG(NULL, &at, (long)size);
    const ASN1_OCTET_STRING *inside = NULL;
    if (info)
        X509_SIG_get0(info, NULL, &inside);
    good = inside && bytes_equal(walk_bytes(inside), digest);
    X509_SIG_free(info);
    return good;
}

static bool signs_attributes(PKCS7_SIGNER_INFO *signer, const EVP_MD *method, X509 *cert)
{
    uint8_t digest[EVP_MAX_MD_SIZE], *der = NULL;
    unsigned int size = 0;
    int len = ASN1_item_i2d((const ASN1_VALUE *)signer->auth_attr, &der,
                            ASN1_ITEM_rptr(PKCS7_ATTR_VERIFY));
    bool good = len > 0 && EVP_Digest(der, (size_t)len, digest, &size, method, NULL) == 1;
    OPENSSL_free(der);
    return good && recovers_digest(X509_get0_pubkey(cert), walk_bytes(signer->enc_digest),
                                   (bytes){digest, size});
}

static void read_countersigner(struct walk *walk, PKCS7_SIGNER_INFO *signer,
                               STACK_OF(X509) * certs, bytes signature,
                               struct authenticode_stamp *ret)
{
    ret->digest_name = walk_algorithm(walk, signer->digest_alg);
    ASN1_TYPE *time = PKCS7_get_signed_attribute(signer, NID_pkcs9_signingTime);
    if (!time)
        return;
    ret->time = walk_seconds(walk_string(time));
    X509 *cert = X509_find_by_issuer_and_serial(certs, signer->issuer_and_serial->issuer,
                                                signer->issuer_and_serial->serial);
    if (!cert)
        return;
    ret->chain = walk_chain(walk, cert, certs);
    bytes digest =
        walk_bytes(walk_string(PKCS7_get_signed_attribute(signer, NID_pkcs9_messageDigest)));
    const EVP_MD *method = EVP_get_digestbyobj(signer->digest_alg->algorithm);
    if (digest.len == 0 || !method)
        return;
    ret->digest = walk_hex(walk, digest.at, digest.len);
    ret->verified =
        signs_attributes(signer, method, cert) && is_digest_of(method, digest, signature);
}

struct authenticode_stamp walk_countersignature(struct walk *walk, bytes der,
                                                STACK_OF(X509) * certs, bytes signature)
{
    struct authenticode_stamp stamp = {0};
    const uint8_t *at = der.at;
    if (!budget_charge(walk->budget, STAMP_COST))
        return stamp;
    PKCS7_SIGNER_INFO *signer = d2i_PKCS7_SIGNER_INFO(NULL, &at, (long)der.len);
    if (signer)
        read_countersigner(walk, signer, certs, signature, &stamp);
    PKCS7_SIGNER_INFO_free(signer);
    return stamp;
}

/* --- RFC 3161 --- */

/* A time stamp token: PKCS #7, or CMS where OpenSSL's PKCS #7 cannot read it. */
struct token {
    PKCS7 *pkcs7;
    CMS_ContentInfo *cms;
    TS_TST_INFO *info;
    STACK_OF(X509) * certs; /* borrowed from pkcs7, own for cms */
    X509 *signer;           /* one of certs, or NULL */
};

static void token_done(struct token *token)
{
    if (token->cms)
        sk_X509_pop_free(token->certs, X509_free);
    TS_TST_INFO_free(token->info);
    CMS_ContentInfo_free(token->cms);
    PKCS7_free(token->pkcs7);
}

static bool open_pkcs7(struct token *token)
{
    if (!PKCS7_type_is_signed(token->pkcs7) || !token->pkcs7->d.sign)
        return false;
    token->info = PKCS7_to_TS_TST_INFO(token->pkcs7);
    token->certs = token->pkcs7->d.sign->cert;
    STACK_OF(X509) *signers = PKCS7_get0_signers(token->pkcs7, token->certs, 0);
    token->signer = sk_X509_value(signers, 0);
    sk_X509_free(signers);
    return token->info;
}

static bool open_cms(struct token *token)
{
    const ASN1_OBJECT *type = CMS_get0_eContentType(token->cms);
    ASN1_OCTET_STRING **content = CMS_get0_content(token->cms);
    if (!type || OBJ_obj2nid(type) != NID_id_smime_ct_TSTInfo || !content || !*content)
        return false;
    bytes der = walk_bytes(*content);
    token->info = d2i_TS_TST_INFO(NULL, &der.at, (long)der.len);
    token->certs = CMS_get1_certs(token->cms);
    STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(token->cms);
    for (int i = 0; i < sk_CMS_SignerInfo_num(signers) && i < MAX_METHODS; i++)
        for (int k = 0; k < sk_X509_num(token->certs) && !token->signer; k++)
            if (CMS_SignerInfo_cert_cmp(sk_CMS_SignerInfo_value(signers, i),
                                        sk_X509_value(token->certs, k)) == 0)
                token->signer = sk_X509_value(token->certs, k);
    return token->info;
}

static bool token_open(bytes der, struct token *ret)
{
    const uint8_t *at = der.at;
    ret->pkcs7 = d2i_PKCS7(NULL, &at, (long)der.len);
    if (ret->pkcs7)
        return open_pkcs7(ret);
    at = der.at;
    ret->cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.len);
    return ret->cms && open_cms(ret);
}

static void drain(BIO *bio)
{
    uint8_t buffer[4096];
    while (bio && BIO_read(bio, buffer, sizeof buffer) > 0)
        continue;
}

/* The chain to a trusted root is not looked at. */
static bool token_verifies(struct token *token)
{
    bool good = false;
    BIO *bio = NULL;
    if (TS_TST_INFO_get_version(token->info) != 1)
        return false;
    if (token->pkcs7) {
        if (sk_X509_ALGOR_num(token->pkcs7->d.sign->md_algs) > MAX_METHODS)
            return false;
        drain(bio = PKCS7_dataInit(token->pkcs7, NULL));
        PKCS7_SIGNER_INFO *signer =
            sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(token->pkcs7), 0);
        good = PKCS7_signatureVerify(bio, token->pkcs7, signer, token->signer) == 1;
    } else {
        CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(token->cms), 0);
        drain(bio = CMS_dataInit(token->cms, NULL));
        CMS_SignerInfo_set1_signer_cert(signer, token->signer);
        good = bio && CMS_SignerInfo_verify_content(signer, bio) == 1 &&
               (CMS_signed_get_attr_count(signer) < 0 || CMS_SignerInfo_verify(signer) == 1);
    }
    BIO_free_all(bio);
    return good;
}

static void read_token(struct walk *walk, struct token *token, bytes signature,
                       struct certificate_list *list, struct authenticode_stamp *ret)
{
    const ASN1_GENERALIZEDTIME *time = TS_TST_INFO_get_time(token->info);
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(token->info);
    if (!time)
        return;
    ret->time = walk_seconds(time);
    if (!token->signer || !imprint)
        return;
    walk_certificates(walk, token->certs, list);
    ret->chain = walk_chain(walk, token->signer, token->certs);
    X509_ALGOR *algorithm = TS_MSG_IMPRINT_get_algo(imprint);
    bytes digest = walk_bytes(TS_MSG_IMPRINT_get_msg(imprint));
    ret->digest_name = walk_algorithm(walk, algorithm);
    const EVP_MD *method = EVP_get_digestbyobj(algorithm->algorithm);
    if (digest.len == 0)
        return;
    ret->digest = walk_hex(walk, digest.at, digest.len);
    ret->verified = method && is_digest_of(method, digest, signature) && token_verifies(token);
}

struct authenticode_stamp walk_timestamp(struct walk *walk, bytes der, bytes signature,
                                         struct certificate_list *list)
{
    struct authenticode_stamp stamp = {0};
    struct token token = {0};
    if (budget_charge(walk->budget, STAMP_COST + der.len * 16) && token_open(der, &token))
        read_token(walk, &token, signature, list, &stamp);
    token_done(&token);
    return stamp;
}

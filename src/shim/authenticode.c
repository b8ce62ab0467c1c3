/* authenticode — PKCS #7 as Windows signs files with it.
 *
 *   SignedData   content: SpcIndirectDataContent = SEQUENCE {
 *                  SEQUENCE { OID, what the file is }, DigestInfo of the file }
 *                signer 0, authenticated: messageDigest of the content, SpcSpOpusInfo
 *                signer 0, not authenticated: further SignedData; PKCS #9 countersignature or
 *                RFC 3161 time stamp of the signer's signature
 *
 * "Windows Authenticode Portable Executable Signature Format" (2008), RFC 2315, RFC 2985
 * section 5.3.6, RFC 3161. Only the first signer and the first attribute of a kind count, as in
 * Windows. OpenSSL hands out unions: nothing is taken from one without a look at its type. */
#include "shim/authenticode.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <openssl/x509.h>

#include "shim/authenticode_walk.h"
#include "shim/digest.h"

enum {
    SIGNATURE_COST = 300000, /* steps: about one RSA operation and what surrounds it */
    MAX_DEPTH = 4,           /* of signatures in signatures */
    MAX_SIGNATURES = 64,
    MAX_METHODS = 16, /* digest algorithms of a SignedData: each digests the content */
};

static const char oid_content[] = "1.3.6.1.4.1.311.2.1.4";
static const char oid_opus_info[] = "1.3.6.1.4.1.311.2.1.12";
static const char oid_nested[] = "1.3.6.1.4.1.311.2.4.1";
static const char oid_timestamp[] = "1.3.6.1.4.1.311.3.3.1";

/* --- what the files of this shim share --- */

bytes walk_text(struct walk *walk, const char *text)
{
    if (!text)
        return (bytes){0};
    bytes copy = arena_copy(walk->arena, bytes_of(text));
    walk->full |= !copy.at;
    return copy;
}

bytes walk_hex(struct walk *walk, const uint8_t *data, size_t len)
{
    char *text = arena_push_raw(walk->arena, 2 * len + 1);
    walk->full |= !text;
    if (!text)
        return (bytes){0};
    digest_hex(data, len, text);
    return (bytes){(uint8_t *)text, 2 * len};
}

bytes walk_algorithm(struct walk *walk, const X509_ALGOR *algorithm)
{
    return walk_text(walk, OBJ_nid2ln(OBJ_obj2nid(algorithm->algorithm)));
}

const ASN1_STRING *walk_string(const ASN1_TYPE *value)
{
    if (!value || value->type == V_ASN1_BOOLEAN || value->type == V_ASN1_NULL ||
        value->type == V_ASN1_OBJECT)
        return NULL;
    return value->value.asn1_string;
}

bytes walk_bytes(const ASN1_STRING *string)
{
    int len = string ? ASN1_STRING_length(string) : 0;
    return (bytes){string ? ASN1_STRING_get0_data(string) : NULL, len > 0 ? (size_t)len : 0};
}

/* A time that cannot be read is the one that YARA makes of it: 31 December 1899. */
int64_t walk_seconds(const ASN1_TIME *time)
{
    struct tm tm = {0};
    if (time && !ASN1_TIME_to_tm(time, &tm))
        memset(&tm, 0, sizeof tm);
    return timegm(&tm);
}

X509_ATTRIBUTE *walk_attribute(const STACK_OF(X509_ATTRIBUTE) * attributes, const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = attributes && object ? X509at_get_attr_by_OBJ(attributes, object, -1) : -1;
    ASN1_OBJECT_free(object);
    return at >= 0 ? X509at_get_attr(attributes, at) : NULL;
}

int walk_values(X509_ATTRIBUTE *attribute)
{
    int count = attribute ? X509_ATTRIBUTE_count(attribute) : 0;
    return count < AUTHENTICODE_MAX_VALUES ? count : AUTHENTICODE_MAX_VALUES;
}

/* --- the content: the file's digest --- */

static bool object_is(const ASN1_OBJECT *object, const char *oid)
{
    char text[80];
    return OBJ_obj2txt(text, sizeof text, object, 1) > 0 && strcmp(text, oid) == 0;
}

/* Moves *der into the DER element it begins with and cuts it to that. False when it is not of
 * that tag and class, or not all there. */
static bool der_enter(bytes *der, int tag, int class)
{
    const uint8_t *at = der->at;
    long len = 0;
    int got_tag = 0, got_class = 0;
    int result = ASN1_get_object(&at, &len, &got_tag, &got_class, (long)der->len);
    if (result & 0x80 || got_tag != tag || got_class != class)
        return false;
    size_t head = (size_t)(at - der->at);
    /* An element of indefinite length reaches to the end of what holds it. */
    *der = (bytes){at, result & 1 ? der->len - head : (size_t)len};
    return true;
}

/* The digest of the file that was signed. NULL when the content is of another kind. */
static X509_SIG *read_content(PKCS7 *content)
{
    if (!content || !object_is(content->type, oid_content) || !content->d.other ||
        content->d.other->type != V_ASN1_SEQUENCE)
        return NULL;
    bytes der = walk_bytes(walk_string(content->d.other));
    if (!der_enter(&der, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL))
        return NULL;
    const uint8_t *at = der.at;
    /* The first part has the shape of an AlgorithmIdentifier: an OID and anything. */
    X509_ALGOR *data = d2i_X509_ALGOR(NULL, &at, (long)der.len);
    if (!data)
        return NULL;
    X509_ALGOR_free(data);
    return d2i_X509_SIG(NULL, &at, (long)(der.at + der.len - at));
}

/* SpcSpOpusInfo = SEQUENCE { [0] { [0] BMPString or [1] IA5String } OPTIONAL, ... } */
static bytes program_name(struct walk *walk, const ASN1_TYPE *opus_info)
{
    bytes none = {0}, whole = walk_bytes(walk_string(opus_info)), der = whole;
    int type = V_ASN1_BMPSTRING;
    if (!der_enter(&der, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL) ||
        !der_enter(&der, 0, V_ASN1_CONTEXT_SPECIFIC))
        return none;
    if (!der_enter(&der, 0, V_ASN1_CONTEXT_SPECIFIC)) {
        type = V_ASN1_IA5STRING;
        if (!der_enter(&der, 1, V_ASN1_CONTEXT_SPECIFIC))
            return none;
    }
    ASN1_STRING *string = ASN1_STRING_type_new(type);
    uint8_t *utf8 = NULL;
    if (string && ASN1_STRING_set(string, der.at, (int)der.len) == 1) {
        int len = ASN1_STRING_to_UTF8(&utf8, string);
        if (len >= 0 && (size_t)len < whole.len)
            none = walk_text(walk, (const char *)utf8);
    }
    OPENSSL_free(utf8);
    ASN1_STRING_free(string);
    return none;
}

/* --- one signature --- */

/* True when the signature is that of the signer over the content. */
static bool verify(PKCS7 *pkcs7, PKCS7_SIGNER_INFO *signer, X509 *cert)
{
    bytes content = walk_bytes(walk_string(pkcs7->d.sign->contents->d.other));
    uint64_t version = 0;
    uint8_t buffer[4096];
    if (sk_X509_ALGOR_num(pkcs7->d.sign->md_algs) > MAX_METHODS)
        return false;
    /* RFC 2315 signs the inside of the element; later versions of SignedData all of it. */
    if (ASN1_INTEGER_get_uint64(&version, pkcs7->d.sign->version) == 1 && version == 1)
        der_enter(&content, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    BIO *memory = BIO_new_mem_buf(content.at, (int)content.len);
    BIO *bio = memory ? PKCS7_dataInit(pkcs7, memory) : NULL;
    if (!bio) {
        BIO_free(memory);
        return false;
    }
    while (BIO_read(bio, buffer, sizeof buffer) > 0)
        continue;
    bool good = PKCS7_signatureVerify(bio, pkcs7, signer, cert) == 1;
    BIO_free_all(bio);
    return good;
}

static void read_stamps(struct walk *walk, PKCS7 *pkcs7, PKCS7_SIGNER_INFO *signer,
                        struct authenticode_signature *ret, struct certificate_list *list)
{
    X509_ATTRIBUTE *old =
        walk_attribute(signer->unauth_attr, "1.2.840.113549.1.9.6"); /* PKCS #9 */
    X509_ATTRIBUTE *new = walk_attribute(signer->unauth_attr, oid_timestamp);
    bytes signature = walk_bytes(signer->enc_digest);
    VEC(struct authenticode_stamp) stamps = {0};
    for (int i = 0; i < walk_values(old) + walk_values(new) && !walk->full; i++) {
        bool is_old = i < walk_values(old);
        const ASN1_TYPE *value = is_old ? X509_ATTRIBUTE_get0_type(old, i)
                                        : X509_ATTRIBUTE_get0_type(new, i - walk_values(old));
        struct authenticode_stamp *added = value ? vec_push(walk->arena, &stamps) : NULL;
        if (value && !added)
            walk->full = true;
        if (!added)
            break;
        bytes der = walk_bytes(walk_string(value));
        *added = is_old ? walk_countersignature(walk, der, pkcs7->d.sign->cert, signature)
                        : walk_timestamp(walk, der, signature, list);
    }
    ret->stamps = stamps.at;
    ret->stamp_count = stamps.n;
}

static enum signature_state read_signer(struct walk *walk, PKCS7 *pkcs7,
                                        PKCS7_SIGNER_INFO *signer,
                                        struct authenticode_signature *ret)
{
    STACK_OF(X509) *certs = pkcs7->d.sign->cert;
    STACK_OF(X509) *signers = PKCS7_get0_signers(pkcs7, certs, 0);
    X509 *cert = sk_X509_value(signers, 0);
    sk_X509_free(signers);
    if (!cert)
        return SIGNATURE_DROPPED;
    ret->chain = walk_chain(walk, cert, certs);
    ASN1_TYPE *digest = PKCS7_get_signed_attribute(signer, NID_pkcs9_messageDigest);
    if (!digest)
        return SIGNATURE_BAD;
    bytes message = walk_bytes(walk_string(digest));
    ret->signer_digest_name = walk_algorithm(walk, signer->digest_alg);
    if (message.len)
        ret->signer_digest = walk_hex(walk, message.at, message.len);
    X509_ATTRIBUTE *opus = walk_attribute(signer->auth_attr, oid_opus_info);
    if (opus)
        ret->signer_program = program_name(walk, X509_ATTRIBUTE_get0_type(opus, 0));
    return verify(pkcs7, signer, cert) ? SIGNATURE_GOOD : SIGNATURE_BAD;
}

static void read_signature(struct walk *walk, bytes der, int depth);

static void read_nested(struct walk *walk, PKCS7_SIGNER_INFO *signer, int depth)
{
    X509_ATTRIBUTE *nested = walk_attribute(signer->unauth_attr, oid_nested);
    for (int i = 0; i < walk_values(nested) && depth < MAX_DEPTH; i++) {
        bytes der = walk_bytes(walk_string(X509_ATTRIBUTE_get0_type(nested, i)));
        if (der.len)
            read_signature(walk, der, depth + 1);
    }
}

/* Fills one entry. Those of nested signatures are added behind it on the way. */
static enum signature_state read_signed_data(struct walk *walk, PKCS7 *pkcs7, int depth,
                                             struct signature_entry *ret)
{
    struct certificate_list list = {0};
    struct authenticode_signature *shown = &ret->shown;
    walk_certificates(walk, pkcs7->d.sign->cert, &list);
    shown->certificates = (struct authenticode_chain){list.at, list.n};
    X509_SIG *content = read_content(pkcs7->d.sign->contents);
    if (!content)
        return SIGNATURE_BAD;
    const X509_ALGOR *algorithm;
    const ASN1_OCTET_STRING *digest;
    X509_SIG_get0(content, &algorithm, &digest);
    shown->digest_name = walk_algorithm(walk, algorithm);
    bytes value = walk_bytes(digest);
    if (value.len) {
        shown->digest = walk_hex(walk, value.at, value.len);
        ret->method = EVP_get_digestbyname(OBJ_nid2ln(OBJ_obj2nid(algorithm->algorithm)));
    }
    X509_SIG_free(content);

    shown->has_signer = true;
    PKCS7_SIGNER_INFO *signer = sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(pkcs7), 0);
    if (!signer)
        return SIGNATURE_DROPPED;
    read_nested(walk, signer, depth);
    read_stamps(walk, pkcs7, signer, shown, &list);
    shown->certificates = (struct authenticode_chain){list.at, list.n};
    return read_signer(walk, pkcs7, signer, shown);
}

static void read_signature(struct walk *walk, bytes der, int depth)
{
    if (walk->entries.n >= MAX_SIGNATURES || walk->full ||
        !budget_charge(walk->budget, SIGNATURE_COST + der.len * 16))
        return;
    struct signature_entry entry = {.state = SIGNATURE_DROPPED};
    const uint8_t *at = der.at;
    PKCS7 *pkcs7 = d2i_PKCS7(NULL, &at, (long)der.len);
    uint32_t number = walk->entries.n;
    if (pkcs7 && PKCS7_type_is_signed(pkcs7) && pkcs7->d.sign) {
        if (!vec_push(walk->arena, &walk->entries))
            walk->full = true;
        else
            entry.state = read_signed_data(walk, pkcs7, depth, &entry);
        if (number < walk->entries.n)
            walk->entries.at[number] = entry;
    }
    PKCS7_free(pkcs7);
}

/* --- the file --- */

/* Compares the digest that was signed with the file's, and says at last what holds. */
static void check_file(struct walk *walk, struct signature_entry *entry, const bytes *file,
                       size_t count)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    uint64_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += file[i].len;
    if (!entry->method || !budget_charge(walk->budget, length)) {
        entry->state = entry->state == SIGNATURE_GOOD ? SIGNATURE_BAD : entry->state;
        return;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = count && context && EVP_DigestInit_ex(context, entry->method, NULL) == 1;
    for (size_t i = 0; good && i < count; i++)
        good = EVP_DigestUpdate(context, file[i].at, file[i].len) == 1;
    good = good && EVP_DigestFinal_ex(context, digest, &size) == 1;
    EVP_MD_CTX_free(context);
    if (!good) {
        entry->state = entry->state == SIGNATURE_GOOD ? SIGNATURE_DROPPED : entry->state;
        return;
    }
    entry->shown.file_digest = walk_hex(walk, digest, size);
    if (!bytes_equal(entry->shown.file_digest, entry->shown.digest))
        entry->state = SIGNATURE_BAD;
}

int authenticode_read(bytes pkcs7, const bytes *file, size_t count, struct arena *arena,
                      struct budget *budget, struct authenticode *ret)
{
    struct walk walk = {.arena = arena, .budget = budget};
    read_signature(&walk, bytes_slice(pkcs7, 0, INT32_MAX), 0);
    struct authenticode_signature *shown =
        PUSH_ARRAY(arena, struct authenticode_signature, walk.entries.n);
    uint32_t n = 0;
    for (uint32_t i = 0; shown && i < walk.entries.n; i++) {
        struct signature_entry *entry = &walk.entries.at[i];
        check_file(&walk, entry, file, count);
        entry->shown.verified = entry->state == SIGNATURE_GOOD;
        if (entry->state != SIGNATURE_DROPPED)
            shown[n++] = entry->shown;
    }
    ERR_clear_error();
    if (walk.full || !shown)
        return -ENOMEM;
    *ret = (struct authenticode){shown, n};
    return 0;
}

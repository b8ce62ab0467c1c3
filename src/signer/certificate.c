/* Certificate:  SEQUENCE { tbs, algorithm, BIT STRING signature }
 * tbs: SEQUENCE { [0] version, serial, algorithm, issuer, SEQUENCE { from, to }, subject,
 *   SEQUENCE { algorithm, BIT STRING { SEQUENCE { modulus, exponent } } },
 *   [1], [2], [3] SEQUENCE OF SEQUENCE { name, BOOLEAN critical, OCTET STRING } }
 *
 * RFC 5280 section 4.1. What is asked of it, and what is let pass, is as in clamscan 1.4. */
#include "signer/certificate.h"

#include "shim/rsa.h"

#include <string.h>

#define NAME(text)                                                                             \
    {                                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                                              \
    }

#define PKCS1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01"

static const struct algorithm {
    bytes name;
    enum certificate_algorithm algorithm;
} algorithms[] = {
    {NAME("\x2b\x0e\x03\x02\x1d"), SIGNED_SHA1},
    {NAME(PKCS1 "\x05"), SIGNED_SHA1},
    {NAME(PKCS1 "\x04"), SIGNED_MD5},
    {NAME(PKCS1 "\x01"), SIGNED_BARE},
    {NAME(PKCS1 "\x02"), SIGNED_MD2},
    {NAME(PKCS1 "\x0b"), SIGNED_SHA256},
    {NAME(PKCS1 "\x0c"), SIGNED_SHA384},
};

static const struct algorithm digests[] = {
    {NAME("\x2b\x0e\x03\x02\x1a"), SIGNED_SHA1},
    {NAME(PKCS1 "\x05"), SIGNED_SHA1},
    {NAME("\x2a\x86\x48\x86\xf7\x0d\x02\x05"), SIGNED_MD5},
    {NAME(PKCS1 "\x04"), SIGNED_MD5},
    {NAME("\x60\x86\x48\x01\x65\x03\x04\x02\x01"), SIGNED_SHA256},
    {NAME(PKCS1 "\x0b"), SIGNED_SHA256},
    {NAME("\x60\x86\x48\x01\x65\x03\x04\x02\x02"), SIGNED_SHA384},
    {NAME(PKCS1 "\x0c"), SIGNED_SHA384},
};

/* DigestInfo of RFC 8017 section 9.2 up to the digest. */
static const bytes infos[] = {
    [DIGEST_MD5] =
        NAME("\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\0\x04\x10"),
    [DIGEST_SHA1] = NAME("\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\0\x04\x14"),
    [DIGEST_SHA256] =
        NAME("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\0\x04\x20"),
    [DIGEST_SHA384] =
        NAME("\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\0\x04\x30"),
    [DIGEST_SHA512] =
        NAME("\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\0\x04\x40"),
};

/* The name in an AlgorithmIdentifier, behind which nothing but a NULL stands. */
static bool read_name(struct der *from, bytes *ret)
{
    struct der_item list, name;
    if (!der_take(from, DER_LIST, &list) || !der_take(&list.in, DER_NAME, &name) ||
        (list.in.left && !der_expect(&list.in, DER_NULL, (bytes){0})) || list.in.left)
        return false;
    *ret = der_content(&name);
    return true;
}

/* What is in no row counts as SHA-512. */
static bool look_up(struct der *from, const struct algorithm *rows, size_t count,
                    enum certificate_algorithm *ret)
{
    bytes name;
    if (!read_name(from, &name) || !name.len)
        return false;
    *ret = SIGNED_SHA512;
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(name, rows[i].name))
            *ret = rows[i].algorithm;
    return true;
}

bool certificate_algorithm(struct der *from, enum certificate_algorithm *ret)
{
    return look_up(from, algorithms, COUNT(algorithms), ret);
}

bool certificate_digest(struct der *from, enum digest_kind *ret)
{
    enum certificate_algorithm algorithm;
    return look_up(from, digests, COUNT(digests), &algorithm) &&
           certificate_kind(algorithm, ret);
}

bool certificate_is_rsa(struct der *from)
{
    bytes name;
    return read_name(from, &name) && bytes_equal(name, (bytes)NAME(PKCS1 "\x01"));
}

bool certificate_kind(enum certificate_algorithm algorithm, enum digest_kind *ret)
{
    static const enum digest_kind kinds[] = {[SIGNED_MD5] = DIGEST_MD5,
                                             [SIGNED_SHA1] = DIGEST_SHA1,
                                             [SIGNED_SHA256] = DIGEST_SHA256,
                                             [SIGNED_SHA384] = DIGEST_SHA384,
                                             [SIGNED_SHA512] = DIGEST_SHA512};

    if (algorithm < SIGNED_MD5 || algorithm > SIGNED_SHA512)
        return false;
    *ret = kinds[algorithm];
    return true;
}

static bytes without_zeros(bytes number)
{
    while (number.len && !number.at[0])
        number = bytes_slice(number, 1, number.len);
    return number;
}

static bool read_key(struct der *from, struct certificate *ret)
{
    struct der_item info, bits, list, number;
    if (!der_take(from, DER_LIST, &info) || !certificate_is_rsa(&info.in) ||
        !der_take(&info.in, DER_BITS, &bits) || info.in.left || !bits.in.left ||
        bits.in.file.at[bits.in.at] != 0)
        return false;
    bits.in.at++;
    bits.in.left--;
    if (!der_take(&bits.in, DER_LIST, &list) || bits.in.left ||
        !der_take(&list.in, DER_INTEGER, &number) || number.in.left < CERTIFICATE_KEY_LEAST ||
        number.in.left > CERTIFICATE_KEY_MOST)
        return false;
    uint32_t length = number.in.left;
    ret->modulus = without_zeros(der_content(&number));
    if (!der_take(&list.in, DER_INTEGER, &number) || list.in.left || !number.in.left ||
        number.in.left > length)
        return false;
    ret->exponent = without_zeros(der_content(&number));
    return ret->modulus.len > 0;
}

static bool read_key_usage(const struct der_item *value, struct certificate *ret)
{
    bytes text = der_content(value);
    if (text.len < 4 || text.len > 5 || text.at[0] != DER_BITS || text.at[1] != text.len - 2 ||
        text.at[2] > 7)
        return false;
    uint32_t usage = text.at[3];
    if (text.len == 4)
        usage &= ~((1U << text.at[2]) - 1);
    ret->signs_certificates = usage & 4;
    return true;
}

static bool read_purposes(struct der_item *value, struct certificate *ret)
{
    static const bytes code = NAME("\x2b\x06\x01\x05\x05\x07\x03\x03");
    static const bytes times = NAME("\x2b\x06\x01\x05\x05\x07\x03\x08");
    struct der_item list, name;
    if (!der_take(&value->in, DER_LIST, &list) || value->in.left)
        return false;
    while (list.in.left) {
        if (!der_take(&list.in, DER_NAME, &name))
            return false;
        bytes text = der_content(&name);
        if (text.len != 8 && text.len != 10)
            continue;
        ret->signs_code |= bytes_equal(bytes_slice(text, 0, 8), code);
        ret->signs_times |= bytes_equal(bytes_slice(text, 0, 8), times);
    }
    return true;
}

static bool read_constraints(struct der_item *value, struct certificate *ret)
{
    struct der_item list, item;
    if (!der_take(&value->in, DER_LIST, &list))
        return false;
    ret->signs_certificates = false;
    if (!list.in.left)
        return true;
    if (!der_next(&list.in, &item) || (item.type != DER_BOOLEAN && item.type != DER_INTEGER) ||
        (item.type == DER_BOOLEAN && item.in.left != 1))
        return false;
    if (item.type == DER_BOOLEAN)
        ret->signs_certificates = item.in.file.at[item.in.at] != 0;
    return true;
}

/* What one extension says; the two flags: it is one of these. */
static bool read_extension(struct der *from, struct certificate *ret, bool *ret_usage,
                           bool *ret_purposes)
{
    struct der_item extension, name, value;
    if (!der_take(from, DER_LIST, &extension) || !der_take(&extension.in, DER_NAME, &name) ||
        !der_next(&extension.in, &value))
        return false;
    if (value.type == DER_BOOLEAN && (value.in.left != 1 || !der_next(&extension.in, &value)))
        return false;
    if (value.type != DER_BYTES || extension.in.left)
        return false;
    bytes text = der_content(&name);
    if (text.len != 3 || text.at[0] != 0x55 || text.at[1] != 0x1d)
        return true;
    switch (text.at[2]) {
    case 15:
        *ret_usage = true;
        return read_key_usage(&value, ret);
    case 37:
        *ret_purposes = true;
        return read_purposes(&value, ret);
    case 19:
        return read_constraints(&value, ret);
    default:
        return true;
    }
}

/* [1], [2], [3], each once at most. */
static bool read_extensions(struct der *from, struct certificate *ret)
{
    uint32_t last = DER_PART;
    while (from->left) {
        struct der_item part, list;
        bool has_usage = false, has_purposes = false;
        if (!der_next(from, &part) || part.type <= last || part.type > DER_PART + 3)
            return false;
        last = part.type;
        if (part.type != DER_PART + 3)
            continue;
        if (!der_take(&part.in, DER_LIST, &list))
            return false;
        if (part.in.left) /* let pass */
            continue;
        while (list.in.left)
            if (!read_extension(&list.in, ret, &has_usage, &has_purposes))
                return false;
        if (!has_purposes)
            ret->signs_code = ret->signs_times = true;
        if (!has_usage)
            ret->signs_certificates = true;
    }
    return true;
}

static bool sha_of(const struct der_item *item, uint8_t ret[CERTIFICATE_SHA])
{
    bytes content = der_content(item);
    return digest_parts(DIGEST_SHA1, &content, 1, ret);
}

/* Version and serial number. */
static bool read_start(struct der *tbs, struct certificate *ret, bool *ret_old)
{
    struct der_item item;
    if (!der_next(tbs, &item))
        return false;
    *ret_old = item.type == DER_INTEGER; /* version 1 says nothing of what it is for */
    if (*ret_old)
        ret->signs_certificates = ret->signs_times = true;
    else if (item.type != DER_PART || !der_expect(&item.in, DER_INTEGER, (bytes)NAME("\x02")) ||
             item.in.left || !der_take(tbs, DER_INTEGER, &item))
        return false;
    return sha_of(&item, ret->serial);
}

static bool read_signed(struct der *tbs, struct certificate *ret)
{
    struct der_item issuer, validity, subject;
    bool is_old;
    return read_start(tbs, ret, &is_old) && certificate_algorithm(tbs, &ret->algorithm) &&
           der_take(tbs, DER_LIST, &issuer) && der_take(tbs, DER_LIST, &validity) &&
           der_time(&validity.in, &ret->not_before) &&
           der_time(&validity.in, &ret->not_after) && ret->not_before < ret->not_after &&
           !validity.in.left && der_take(tbs, DER_LIST, &subject) &&
           sha_of(&subject, ret->subject) && read_key(tbs, ret) && !(is_old && tbs->left) &&
           read_extensions(tbs, ret) && sha_of(&issuer, ret->issuer);
}

enum certificate_state certificate_read(struct der *from, struct certificate *ret)
{
    struct der_item whole, tbs, bits;
    enum certificate_algorithm algorithm;
    enum digest_kind kind;
    *ret = (struct certificate){0};
    if (!der_take(from, DER_LIST, &whole))
        return CERTIFICATE_BAD;
    if (!der_take(&whole.in, DER_LIST, &tbs))
        return CERTIFICATE_ODD;
    bytes text = der_whole(&tbs);
    if (!read_signed(&tbs.in, ret) || !certificate_algorithm(&whole.in, &algorithm) ||
        algorithm != ret->algorithm || !der_take(&whole.in, DER_BITS, &bits) ||
        bits.in.left > CERTIFICATE_KEY_MOST || whole.in.left ||
        !certificate_kind(algorithm, &kind) || !digest_parts(kind, &text, 1, ret->digest))
        return CERTIFICATE_ODD;
    ret->signature = without_zeros(der_content(&bits));
    return CERTIFICATE_READ;
}

bool certificate_verify(const struct certificate *by, bytes signature, enum digest_kind kind,
                        const uint8_t *digest)
{
    uint8_t block[CERTIFICATE_KEY_MOST];
    size_t size = by->modulus.len, length = digest_size(kind), at = 2;
    bytes info = infos[kind];
    bytes number = without_zeros(signature);
    if (size > sizeof block || size + 1 < number.len || size > number.len + 1 ||
        size < info.len + length + 11 ||
        !rsa_power(by->modulus, by->exponent, number, block, size) || block[0] != 0 ||
        block[1] != 1)
        return false;
    while (at < size && block[at] == 0xff)
        at++;
    return at >= 10 && size - at == 1 + info.len + length && block[at] == 0 &&
           memcmp(block + at + 1, info.at, info.len) == 0 &&
           memcmp(block + at + 1 + info.len, digest, length) == 0;
}

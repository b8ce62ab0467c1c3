/* The standard security handler.
 *
 *   /V 1, 2  RC4 of 40 bits or /Length bits    /R 2, 3   7.6.3.3, algorithm 2
 *   /V 4     by /CF: V2 (RC4), AESV2           /R 4
 *   /V 5     AESV3: AES of 256 bits            /R 5 (Adobe's supplement), 6: ISO 32000-2,
 *            algorithms 2.A and 2.B
 *   /O, /U   32 bytes, of R 5 and 6: 48, digest, validation salt, key salt
 *
 * Of RC4 and AESV2 each object has its key: MD5 of the file's key, 3 bytes of its number, 2 of
 * its generation and, with AES, "sAlT". AES is CBC, its first block the initial vector. */
#include "unpack/document/pdf_crypt.h"

#include "shim/cipher.h"
#include "shim/digest.h"
#include "unpack/document/pdf_lex.h"
#include "unpack/document/rc4.h"

#include <string.h>

enum { PASSWORD_MAX = 127 };

struct handler {
    struct unpack *unpack;
    int64_t revision;
    size_t key_size;
    uint32_t permissions;
    bytes id, owner, user, owner_key, user_key; /* O, U, OE, UE */
    bool metadata;
};

static const uint8_t padding[33] =
    "\x28\xbf\x4e\x5e\x4e\x75\x8a\x41\x64\x00\x4e\x56\xff\xfa\x01"
    "\x08\x2e\x2e\x00\xb6\xd0\x68\x3e\x80\x2f\x0c\xa9\xfe\x64\x53"
    "\x69\x7a";

static void pad(bytes password, uint8_t ret[static 32])
{
    size_t len = password.len < 32 ? password.len : 32;
    if (len)
        memcpy(ret, password.at, len);
    memcpy(ret + len, padding, 32 - len);
}

static bool md5(const bytes *parts, size_t count, uint8_t *ret)
{
    return digest_parts(DIGEST_MD5, parts, count, ret);
}

static void rc4_once(bytes key, bytes in, uint8_t *out)
{
    struct rc4 rc4;
    rc4_start(&rc4, key);
    rc4_run(&rc4, in, out);
}

/* RC4 with the key, and with it changed by 1 to 19 (or 19 to 1 first). */
static void rc4_twenty(bytes key, uint8_t *data, size_t size, bool downwards)
{
    for (unsigned i = 0; i < 20; i++) {
        uint8_t changed[32];
        unsigned by = downwards ? 19 - i : i;
        for (size_t k = 0; k < key.len; k++)
            changed[k] = (uint8_t)(key.at[k] ^ by);
        rc4_once((bytes){changed, key.len}, (bytes){data, size}, data);
    }
}

/* Algorithm 2: the file's key from a user password. */
static bool key_compute(const struct handler *h, bytes password, uint8_t *ret)
{
    uint8_t padded[32], sum[DIGEST_MAX],
        permissions[4] = {(uint8_t)h->permissions, (uint8_t)(h->permissions >> 8),
                          (uint8_t)(h->permissions >> 16), (uint8_t)(h->permissions >> 24)};
    static const uint8_t all[4] = {0xff, 0xff, 0xff, 0xff};
    pad(password, padded);
    const bytes parts[] = {{padded, 32},
                           bytes_slice(h->owner, 0, 32),
                           {permissions, 4},
                           h->id,
                           {all, h->revision >= 4 && !h->metadata ? 4 : 0}};
    bool good = md5(parts, COUNT(parts), sum);
    for (unsigned i = 0; good && i < 50 && h->revision >= 3; i++)
        good = md5(&(bytes){sum, h->key_size}, 1, sum);
    memcpy(ret, sum, h->key_size);
    return good;
}

/* Algorithm 6: is it the user password? */
static bool user_fits(const struct handler *h, bytes password, uint8_t *ret_key)
{
    uint8_t check[DIGEST_MAX];
    if (!key_compute(h, password, ret_key))
        return false;
    bytes key = {ret_key, h->key_size};
    if (h->revision < 3) {
        rc4_once(key, (bytes){padding, 32}, check);
        return memcmp(check, h->user.at, 32) == 0;
    }
    const bytes parts[] = {{padding, 32}, h->id};
    if (!md5(parts, 2, check))
        return false;
    rc4_twenty(key, check, 16, false);
    return memcmp(check, h->user.at, 16) == 0;
}

/* Algorithm 7: the owner's password gives the user's. */
static bool owner_fits(const struct handler *h, bytes password, uint8_t *ret_key)
{
    uint8_t padded[32], sum[DIGEST_MAX], user[32];
    pad(password, padded);
    bool good = md5(&(bytes){padded, 32}, 1, sum);
    for (unsigned i = 0; good && i < 50 && h->revision >= 3; i++)
        good = md5(&(bytes){sum, 16}, 1, sum);
    memcpy(user, h->owner.at, 32);
    bytes key = {sum, h->key_size};
    if (h->revision < 3)
        rc4_once(key, (bytes){user, 32}, user);
    else
        rc4_twenty(key, user, 32, true);
    return good && user_fits(h, (bytes){user, 32}, ret_key);
}

/* Algorithm 2.B, of revision 6; of revision 5 one SHA-256. */
static bool hash_2b(const struct handler *h, bytes password, bytes salt, bytes more,
                    uint8_t ret[static DIGEST_MAX])
{
    enum { TIMES = 64, PART = PASSWORD_MAX + DIGEST_MAX + 48 };

    static const enum digest_kind kinds[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};

    uint8_t data[TIMES * PART];
    size_t size = 32;
    const bytes parts[] = {password, salt, more};
    bool good = digest_parts(DIGEST_SHA256, parts, 3, ret);
    for (unsigned round = 0, last = 0; good && h->revision >= 6; round++) {
        size_t len = 0;
        if (round >= 64 && last + 32 <= round)
            break;
        const bytes one[] = {password, {ret, size}, more};
        for (size_t i = 0; i < 3; i++) {
            if (one[i].len)
                memcpy(data + len, one[i].at, one[i].len);
            len += one[i].len;
        }
        for (size_t i = 1; i < TIMES; i++)
            memcpy(data + i * len, data, len);
        uint8_t iv[16];
        memcpy(iv, ret + 16, 16);
        good = budget_charge(h->unpack->budget, TIMES * PART / 8) &&
               cipher_aes(CIPHER_CBC, CIPHER_ENCRYPT, (bytes){ret, 16}, iv,
                          (bytes){data, TIMES * len}, data);
        unsigned sum = 0; /* modulo 3, 256 is 1 */
        for (size_t i = 0; i < 16; i++)
            sum += data[i];
        last = data[TIMES * len - 1];
        size = digest_size(kinds[sum % 3]);
        good = good && digest_parts(kinds[sum % 3], &(bytes){data, TIMES * len}, 1, ret);
    }
    return good;
}

static bool hash_fits(const struct handler *h, bytes password, bool owner, uint8_t *ret_key)
{
    uint8_t sum[DIGEST_MAX], iv[16] = {0};
    bytes from = owner ? h->owner : h->user, packed = owner ? h->owner_key : h->user_key,
          more = bytes_slice(h->user, 0, owner ? 48 : 0);
    if (from.len < 48 || packed.len < 32 || (owner && more.len < 48))
        return false;
    password.len = password.len < PASSWORD_MAX ? password.len : PASSWORD_MAX;
    return hash_2b(h, password, bytes_slice(from, 32, 8), more, sum) &&
           memcmp(sum, from.at, 32) == 0 &&
           hash_2b(h, password, bytes_slice(from, 40, 8), more, sum) &&
           cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){sum, 32}, iv,
                      bytes_slice(packed, 0, 32), ret_key);
}

static bool password_fits(const struct handler *h, bytes password, uint8_t *ret_key)
{
    if (h->revision >= 5)
        return hash_fits(h, password, false, ret_key) || hash_fits(h, password, true, ret_key);
    return user_fits(h, password, ret_key) || owner_fits(h, password, ret_key);
}

/* --- the dictionary --- */

static bytes string_of(struct unpack *u, bytes dict, const char *key)
{
    bytes value;
    if (!pdf_lex_find(dict, key, &value))
        return (bytes){NULL, 0};
    struct pdf_token token = pdf_lex(&value);
    return token.kind == PDF_STRING || token.kind == PDF_HEX ? pdf_lex_string(u->arena, &token)
                                                             : (bytes){NULL, 0};
}

static enum pdf_method method_of(bytes dict, const char *key, int64_t version)
{
    bytes value, filters, filter, method;
    if (version < 4)
        return PDF_RC4;
    if (!pdf_lex_find(dict, key, &value) || !pdf_lex_find(dict, "CF", &filters))
        return PDF_PLAIN;
    bytes name = pdf_lex(&value).text;
    char text[64];
    if (name.len >= sizeof text || pdf_lex_name_is(name, "Identity"))
        return PDF_PLAIN;
    memcpy(text, name.at, name.len);
    text[name.len] = 0;
    if (!pdf_lex_find(filters, text, &filter) || !pdf_lex_find(filter, "CFM", &method))
        return PDF_PLAIN;
    bytes what = pdf_lex(&method).text;
    return pdf_lex_name_is(what, "AESV2")   ? PDF_AES128
           : pdf_lex_name_is(what, "AESV3") ? PDF_AES256
           : pdf_lex_name_is(what, "V2")    ? PDF_RC4
                                            : PDF_PLAIN;
}

static bool handler_read(struct handler *h, bytes dict, int64_t version)
{
    bytes value;
    struct unpack *u = h->unpack;
    int64_t bits = pdf_lex_find_number(dict, "Length", version == 4 ? 128 : 40);
    h->revision = pdf_lex_find_number(dict, "R", 0);
    h->permissions = (uint32_t)pdf_lex_find_number(dict, "P", 0);
    h->owner = string_of(u, dict, "O");
    h->user = string_of(u, dict, "U");
    h->owner_key = string_of(u, dict, "OE");
    h->user_key = string_of(u, dict, "UE");
    h->metadata = !pdf_lex_find(dict, "EncryptMetadata", &value) ||
                  !bytes_is(pdf_lex(&value).text, "false");
    if (bits <= 16)
        bits *= 8; /* some count bytes */
    h->key_size = version == 1 ? 5 : version == 4 ? 16 : version == 5 ? 32 : (size_t)(bits / 8);
    return h->revision >= 2 && h->revision <= 6 && version >= 1 && version <= 5 &&
           h->key_size >= 5 && h->key_size <= (version == 5 ? 32 : 16) && h->owner.len >= 32 &&
           h->user.len >= 32;
}

void pdf_crypt_open(struct pdf_crypt *ret, struct unpack *u, bytes dict, bytes id)
{
    struct handler handler = {.unpack = u, .id = id};
    int64_t version = pdf_lex_find_number(dict, "V", 0);
    bytes value, none = bytes_of("");
    *ret = (struct pdf_crypt){.encrypted = true};
    if (!pdf_lex_find(dict, "Filter", &value) ||
        !pdf_lex_name_is(pdf_lex(&value).text, "Standard") ||
        !handler_read(&handler, dict, version)) {
        unpack_gap(u, none, GAP_ENCRYPTED, "encrypted in a way that is not known");
        return;
    }
    ret->key_size = handler.key_size;
    ret->metadata = handler.metadata;
    ret->streams = method_of(dict, "StmF", version);
    ret->strings = method_of(dict, "StrF", version);
    uint32_t max = u->run->limits.passwords, count = u->run->password_count;
    ret->open = password_fits(&handler, none, ret->key);
    for (uint32_t i = 0; !ret->open && i < count && i < max; i++)
        ret->open = budget_charge(u->budget, 4096) &&
                    password_fits(&handler, u->run->passwords[i], ret->key);
    if (!ret->open)
        unpack_gap(u, none, GAP_ENCRYPTED, "encrypted with %s",
                   version >= 5                 ? "AES-256"
                   : ret->streams == PDF_AES128 ? "AES-128"
                                                : "RC4");
}

size_t pdf_crypt_run(const struct pdf_crypt *crypt, enum pdf_method method, uint32_t number,
                     uint32_t generation, bytes in, uint8_t *out)
{
    uint8_t sum[DIGEST_MAX], iv[16];
    uint8_t tail[9] = {(uint8_t)number,
                       (uint8_t)(number >> 8),
                       (uint8_t)(number >> 16),
                       (uint8_t)generation,
                       (uint8_t)(generation >> 8),
                       's',
                       'A',
                       'l',
                       'T'};
    bytes key = {crypt->key, crypt->key_size};
    const bytes parts[] = {key, {tail, method == PDF_AES128 ? 9 : 5}};
    if (method != PDF_AES256) {
        if (!md5(parts, 2, sum))
            return 0;
        key = (bytes){sum, key.len + 5 < 16 ? key.len + 5 : 16};
    }
    if (method == PDF_RC4) {
        rc4_once(key, in, out);
        return in.len;
    }
    if (in.len < 32)
        return 0;
    memcpy(iv, in.at, 16);
    size_t size = (in.len - 16) & ~(size_t)15;
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, key, iv, bytes_slice(in, 16, size), out))
        return 0;
    uint8_t pads = out[size - 1];
    return pads >= 1 && pads <= 16 ? size - pads : size;
}

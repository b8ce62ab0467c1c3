/* EncryptionInfo, [MS-OFFCRYPTO], little endian: u16 major, u16 minor, then
 *
 *   4.4   u32 0x40, XML: keyData and p:encryptedKey with their attributes in base64
 *   n.2   u32 flags, u32 size; header: flags, 0, algorithm, hash, key bits, provider, 0, 0,
 *         name; verifier: u32 16, salt, encrypted verifier of 16 bytes, u32 size of its hash,
 *         encrypted hash
 *   1.1   salt, encrypted verifier, encrypted MD5 of it, of 16 bytes each
 *
 * A password is UTF-16. Agile hashes it 100,000 times, standard 50,000 times: the budget pays.
 */
#include "unpack/document/officekey.h"

#include "base/unicode.h"
#include "shim/cipher.h"
#include "shim/digest.h"
#include "unpack/base64.h"
#include "unpack/document/rc4.h"
#include "unpack/document/text.h"

#include <string.h>

enum {
    PASSWORD_MAX = 255, /* characters */
    SPIN_MAX = 10000000,
    STEPS_PER_SPIN = 16,
    SEGMENT = 4096,
    RC4_ALGORITHM = 0x6801,
};

struct password {
    uint8_t utf16[2 * PASSWORD_MAX];
    size_t size;
};

struct agile {
    enum digest_kind hash;
    size_t key_size, block_size;
    int64_t spins;
    uint8_t salt[64], input[64], value[128], secret[128];
    size_t salt_size, input_size, value_size, secret_size;
};

/* The n-th to try; false when there are no more. */
static bool password_at(const struct unpack *u, uint32_t n, struct password *ret)
{
    const struct unpack_run *run = u->run;
    if (n >= 2 && (n - 2 >= run->password_count || n - 2 >= run->limits.passwords))
        return false;
    bytes password = n == 0   ? bytes_of("VelvetSweatshop")
                     : n == 1 ? bytes_of("")
                              : run->passwords[n - 2];
    ret->size = utf16_of(password, ret->utf16, sizeof ret->utf16);
    return true;
}

static bool digest_two(enum digest_kind kind, bytes a, bytes b, uint8_t *ret)
{
    const bytes parts[] = {a, b};
    return digest_parts(kind, parts, 2, ret);
}

/* --- agile --- */

static bytes attribute(bytes tag, const char *name)
{
    size_t at = bytes_find(tag, bytes_of(name), 0);
    if (at == SIZE_MAX)
        return (bytes){NULL, 0};
    bytes rest = bytes_slice(tag, at + strlen(name), tag.len), value;
    return bytes_cut(&rest, '"', &value) ? value : (bytes){NULL, 0};
}

static int64_t attribute_number(bytes tag, const char *name)
{
    bytes text = attribute(tag, name);
    int64_t number = 0;
    for (size_t i = 0; i < text.len && i < 10; i++)
        number = number * 10 + (text.at[i] >= '0' && text.at[i] <= '9' ? text.at[i] - '0' : 0);
    return number;
}

static size_t attribute_base64(bytes tag, const char *name, uint8_t *ret, size_t max)
{
    bytes text = attribute(tag, name);
    return base64_letters(&(struct base64_held){0}, &text, ret, max);
}

static bool hash_of(bytes name, enum digest_kind *ret)
{
    static const struct {
        const char *name;
        enum digest_kind kind;
    } rows[] = {{"SHA512", DIGEST_SHA512}, {"SHA384", DIGEST_SHA384}, {"SHA256", DIGEST_SHA256},
                {"SHA1", DIGEST_SHA1},     {"SHA-1", DIGEST_SHA1},    {"MD5", DIGEST_MD5}};

    for (size_t i = 0; i < COUNT(rows); i++)
        if (text_is(name, rows[i].name)) {
            *ret = rows[i].kind;
            return true;
        }
    return false;
}

static bool agile_read(struct officekey *key, struct agile *agile, bytes xml)
{
    size_t data_at = bytes_find(xml, bytes_of("<keyData "), 0),
           key_at = bytes_find(xml, bytes_of("encryptedKey "), 0);
    enum digest_kind hash;
    if (data_at == SIZE_MAX || key_at == SIZE_MAX)
        return false;
    bytes data = bytes_slice(xml, data_at, 1024), own = bytes_slice(xml, key_at, 4096);
    key->salt_size = attribute_base64(data, " saltValue=\"", key->salt, sizeof key->salt);
    key->block_size = (size_t)attribute_number(data, " blockSize=\"");
    key->size = (size_t)attribute_number(data, " keyBits=\"") / 8;
    if (!hash_of(attribute(data, " hashAlgorithm=\""), &hash) ||
        !hash_of(attribute(own, " hashAlgorithm=\""), &agile->hash) ||
        !bytes_is(attribute(data, " cipherAlgorithm=\""), "AES"))
        return false;
    key->hash = (uint8_t)hash;
    agile->spins = attribute_number(own, " spinCount=\"");
    agile->key_size = (size_t)attribute_number(own, " keyBits=\"") / 8;
    agile->block_size = (size_t)attribute_number(own, " blockSize=\"");
    agile->salt_size = attribute_base64(own, " saltValue=\"", agile->salt, sizeof agile->salt);
    agile->input_size = attribute_base64(own, " encryptedVerifierHashInput=\"", agile->input,
                                         sizeof agile->input);
    agile->value_size = attribute_base64(own, " encryptedVerifierHashValue=\"", agile->value,
                                         sizeof agile->value);
    agile->secret_size =
        attribute_base64(own, " encryptedKeyValue=\"", agile->secret, sizeof agile->secret);
    return agile->spins <= SPIN_MAX && agile->key_size <= 32 && key->size <= 32 &&
           agile->block_size == CIPHER_BLOCK && key->block_size == CIPHER_BLOCK &&
           agile->input_size >= 16 && agile->value_size >= digest_size(agile->hash) &&
           agile->secret_size >= key->size && agile->salt_size >= 16;
}

/* Decrypts one of the three with the key that the password and the block's name give. */
static bool agile_decrypt(const struct agile *agile, const uint8_t *state,
                          const uint8_t block[static 8], const uint8_t *in, size_t size,
                          uint8_t *out)
{
    uint8_t derived[DIGEST_MAX], iv[CIPHER_BLOCK];
    size_t len = digest_size(agile->hash);
    memset(derived, 0x36, sizeof derived);
    memcpy(iv, agile->salt, sizeof iv);
    return digest_two(agile->hash, (bytes){state, len}, (bytes){block, 8}, derived) &&
           cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){derived, agile->key_size}, iv,
                      (bytes){in, size}, out);
}

static bool agile_fits(const struct agile *agile, struct officekey *key,
                       const struct password *password)
{
    static const uint8_t input_block[8] = {0xfe, 0xa7, 0xd2, 0x76, 0x3b, 0x4b, 0x9e, 0x79},
                         value_block[8] = {0xd7, 0xaa, 0x0f, 0x6d, 0x30, 0x61, 0x34, 0x4e},
                         key_block[8] = {0x14, 0x6e, 0x0b, 0xe7, 0xab, 0xac, 0xd0, 0xd6};
    uint8_t state[DIGEST_MAX], input[64], value[128] = {0}, secret[128], sum[DIGEST_MAX];
    if (!digest_two(agile->hash, (bytes){agile->salt, agile->salt_size},
                    (bytes){password->utf16, password->size}, state) ||
        !digest_rounds(agile->hash, state, (uint32_t)agile->spins, true) ||
        !agile_decrypt(agile, state, input_block, agile->input, agile->input_size, input) ||
        !agile_decrypt(agile, state, value_block, agile->value, agile->value_size, value) ||
        !digest_two(agile->hash, (bytes){input, agile->salt_size < 64 ? agile->salt_size : 64},
                    (bytes){NULL, 0}, sum) ||
        memcmp(sum, value, digest_size(agile->hash)) != 0)
        return false;
    if (!agile_decrypt(agile, state, key_block, agile->secret, agile->secret_size, secret))
        return false;
    memcpy(key->secret, secret, key->size);
    return true;
}

/* --- standard, and RC4 of the CryptoAPI --- */

struct verifier {
    uint8_t salt[16], input[16], value[32];
    size_t value_size;
};

static bool header_read(struct officekey *key, struct verifier *ret, bytes info)
{
    uint32_t size, algorithm, bits, hash_size;
    if (!bytes_le32(info, 8, &size) || size < 32 || !bytes_has(info, 12, (uint64_t)size + 40))
        return false;
    bytes header = bytes_slice(info, 12, size), rest = bytes_slice(info, 12 + size, info.len);
    algorithm = load_le32(header.at + 8);
    bits = load_le32(header.at + 16);
    hash_size = load_le32(rest.at + 36);
    key->kind = algorithm == RC4_ALGORITHM ? OFFICEKEY_API : OFFICEKEY_STANDARD;
    key->size = bits ? bits / 8 : 5;
    key->hash = DIGEST_SHA1;
    memcpy(ret->salt, rest.at + 4, 16);
    memcpy(ret->input, rest.at + 20, 16);
    ret->value_size = key->kind == OFFICEKEY_API ? 20 : 32;
    if (!bytes_has(rest, 40, ret->value_size) || hash_size > 32)
        return false;
    memcpy(ret->value, rest.at + 40, ret->value_size);
    return key->size >= 5 && key->size <= (key->kind == OFFICEKEY_API ? 16u : 32u);
}

static bool standard_fits(const struct verifier *v, struct officekey *key,
                          const struct password *password)
{
    static const uint8_t zero[4] = {0};
    uint8_t state[DIGEST_MAX], one[64], derived[2 * DIGEST_MAX], input[16], value[32];
    if (!digest_two(DIGEST_SHA1, (bytes){v->salt, 16}, (bytes){password->utf16, password->size},
                    state) ||
        !digest_rounds(DIGEST_SHA1, state, 50000, true) ||
        !digest_two(DIGEST_SHA1, (bytes){state, 20}, (bytes){zero, 4}, state))
        return false;
    for (unsigned part = 0; part < 2; part++) {
        memset(one, part ? 0x5c : 0x36, sizeof one);
        for (size_t i = 0; i < 20; i++)
            one[i] ^= state[i];
        if (!digest_two(DIGEST_SHA1, (bytes){one, 64}, (bytes){NULL, 0}, derived + 20 * part))
            return false;
    }
    bytes aes = {derived, key->size};
    memcpy(key->secret, derived, key->size);
    return cipher_aes(CIPHER_ECB, CIPHER_DECRYPT, aes, NULL, (bytes){v->input, 16}, input) &&
           cipher_aes(CIPHER_ECB, CIPHER_DECRYPT, aes, NULL, (bytes){v->value, 32}, value) &&
           digest_two(DIGEST_SHA1, (bytes){input, 16}, (bytes){NULL, 0}, state) &&
           memcmp(state, value, 20) == 0;
}

size_t officekey_block(const struct officekey *key, uint32_t block, uint8_t *ret)
{
    const uint8_t number[4] = {(uint8_t)block, (uint8_t)(block >> 8), (uint8_t)(block >> 16),
                               (uint8_t)(block >> 24)};
    bool api = key->kind == OFFICEKEY_API;
    bytes secret = {key->secret, api ? 20 : 5};
    if (!digest_two(api ? DIGEST_SHA1 : DIGEST_MD5, secret, (bytes){number, 4}, ret))
        return 0;
    if (!api)
        return 16;
    if (key->size > 5)
        return key->size;
    memset(ret + 5, 0, 11); /* 40 bits, in a key of 128 */
    return 16;
}

static bool rc4_fits(const struct verifier *v, struct officekey *key,
                     const struct password *password)
{
    uint8_t state[DIGEST_MAX], many[16 * 21], block[DIGEST_MAX], input[16], value[32];
    enum digest_kind hash = key->kind == OFFICEKEY_API ? DIGEST_SHA1 : DIGEST_MD5;
    bytes text = {password->utf16, password->size};
    if (hash == DIGEST_SHA1) {
        if (!digest_two(hash, (bytes){v->salt, 16}, text, key->secret))
            return false;
    } else {
        if (!digest_two(hash, text, (bytes){NULL, 0}, state))
            return false;
        for (size_t i = 0; i < 16; i++) {
            memcpy(many + 21 * i, state, 5);
            memcpy(many + 21 * i + 5, v->salt, 16);
        }
        if (!digest_two(hash, (bytes){many, sizeof many}, (bytes){NULL, 0}, key->secret))
            return false;
    }
    struct rc4 rc4;
    rc4_start(&rc4, (bytes){block, officekey_block(key, 0, block)});
    rc4_run(&rc4, (bytes){v->input, 16}, input);
    rc4_run(&rc4, (bytes){v->value, v->value_size}, value);
    return digest_two(hash, (bytes){input, 16}, (bytes){NULL, 0}, state) &&
           memcmp(state, value, digest_size(hash)) == 0;
}

/* --- the door --- */

static bool info_read(struct officekey *key, struct agile *agile, struct verifier *verifier,
                      bytes info)
{
    uint16_t major = 0, minor = 0;
    if (!bytes_le16(info, 0, &major) || !bytes_le16(info, 2, &minor))
        return false;
    if (major == 4 && minor == 4) {
        key->kind = OFFICEKEY_AGILE;
        return agile_read(key, agile, bytes_slice(info, 8, info.len));
    }
    if (minor == 2 && major >= 2 && major <= 4)
        return header_read(key, verifier, info);
    if (major != 1 || minor != 1 || info.len < 52)
        return false;
    key->kind = OFFICEKEY_RC4;
    memcpy(verifier->salt, info.at + 4, 16);
    memcpy(verifier->input, info.at + 20, 16);
    memcpy(verifier->value, info.at + 36, 16);
    verifier->value_size = 16;
    return true;
}

bool officekey_open(struct officekey *ret, struct unpack *u, bytes name, bytes info)
{
    struct agile agile = {0};
    struct verifier verifier = {0};
    struct password password;
    *ret = (struct officekey){0};
    if (!info_read(ret, &agile, &verifier, info)) {
        unpack_gap(u, name, GAP_ENCRYPTED, "encrypted in a way that is not known");
        return false;
    }
    uint64_t cost = ret->kind == OFFICEKEY_AGILE      ? (uint64_t)agile.spins
                    : ret->kind == OFFICEKEY_STANDARD ? 50000
                                                      : 64;
    for (uint32_t n = 0; password_at(u, n, &password); n++) {
        if (!budget_charge(u->budget, cost * STEPS_PER_SPIN))
            break;
        bool fits = ret->kind == OFFICEKEY_AGILE      ? agile_fits(&agile, ret, &password)
                    : ret->kind == OFFICEKEY_STANDARD ? standard_fits(&verifier, ret, &password)
                                                      : rc4_fits(&verifier, ret, &password);
        if (fits)
            return true;
    }
    unpack_gap(u, name, GAP_ENCRYPTED, "encrypted with %s",
               ret->kind == OFFICEKEY_AGILE || ret->kind == OFFICEKEY_STANDARD ? "AES" : "RC4");
    return false;
}

/* 2.3.7.1: is it the password? */
static bool xor_fits(bytes password, uint16_t verifier)
{
    unsigned sum = 0;
    for (size_t i = password.len + 1; i > 0; i--) {
        unsigned byte = i > 1 ? password.at[i - 2] : (unsigned)password.len;
        sum = ((sum >> 14 & 1) | (sum << 1 & 0x7fff)) ^ byte;
    }
    return (sum ^ 0xce4b) == verifier;
}

bool officekey_open_xor(struct officekey *ret, struct unpack *u, bytes name, uint16_t key,
                        uint16_t verifier)
{
    static const uint8_t pads[15] = {0xbb, 0xff, 0xff, 0xba, 0xff, 0xff, 0xb9, 0x80,
                                     0x00, 0xbe, 0x0f, 0x00, 0xbf, 0x0f, 0x00};
    const struct unpack_run *run = u->run;
    bytes password = bytes_of("VelvetSweatshop");
    bool fits = xor_fits(password, verifier);
    for (uint32_t i = 0; !fits && i < run->password_count && i < run->limits.passwords; i++) {
        password = run->passwords[i];
        fits = password.len > 0 && password.len <= 15 && xor_fits(password, verifier);
    }
    if (!fits) {
        unpack_gap(u, name, GAP_ENCRYPTED, "encrypted with XOR");
        return false;
    }
    *ret = (struct officekey){.kind = OFFICEKEY_XOR, .size = 16};
    for (size_t i = 0; i < 16; i++) {
        uint8_t byte = i < password.len ? password.at[i] : pads[i - password.len];
        byte ^= (uint8_t)(i % 2 ? key >> 8 : key);
        ret->secret[i] = (uint8_t)(byte >> 1 | byte << 7);
    }
    return true;
}

bool officekey_package(const struct officekey *key, struct unpack *u, bytes package)
{
    uint64_t size;
    if (!bytes_le64(package, 0, &size))
        return true;
    bytes rest = bytes_slice(package, 8, package.len);
    for (uint32_t segment = 0; rest.len >= CIPHER_BLOCK && size; segment++) {
        uint8_t out[SEGMENT], sum[DIGEST_MAX];
        const uint8_t number[4] = {(uint8_t)segment, (uint8_t)(segment >> 8),
                                   (uint8_t)(segment >> 16), (uint8_t)(segment >> 24)};
        bytes part = bytes_slice(rest, 0, SEGMENT);
        part.len &= ~(size_t)(CIPHER_BLOCK - 1);
        bool agile = key->kind == OFFICEKEY_AGILE;
        if ((agile &&
             !digest_two((enum digest_kind)key->hash, (bytes){key->salt, key->salt_size},
                         (bytes){number, 4}, sum)) ||
            !cipher_aes(agile ? CIPHER_CBC : CIPHER_ECB, CIPHER_DECRYPT,
                        (bytes){key->secret, key->size}, sum, part, out))
            break;
        rest = bytes_slice(rest, part.len, rest.len);
        if (part.len > size)
            part.len = (size_t)size;
        size -= part.len;
        if (!unpack_put(u, (bytes){out, part.len}))
            return false;
    }
    if (size)
        unpack_gap(u, bytes_of(""), GAP_DAMAGED, "cut short by %llu bytes",
                   (unsigned long long)size);
    return true;
}

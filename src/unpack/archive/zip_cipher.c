/* Encrypted members of zip files.
 *
 *     ZipCrypto (APPNOTE.TXT 6.1)      12 bytes, the last of which tells a wrong password from
 * a right one 255 times in 256; data WinZip AES (AE-1 and AE-2, "AES Encryption Information",
 * WinZip, 2009) salt of 8, 12 or 16 bytes; 2 bytes that tell a wrong password; data; 10 bytes
 * of HMAC-SHA1
 *
 * Deciphered data lies in the region, below the child. */
#include "unpack/archive/zip_cipher.h"

#include "shim/winzip.h"

enum { CRYPTO_HEADER = 12, AES_CHECK = 2, AES_KEY_STEPS = 200000 };

struct crypto {
    uint32_t keys[3];
    uint32_t table[256];
};

/* --- ZipCrypto --- */

static uint32_t crc_byte(const struct crypto *crypto, uint32_t crc, uint8_t byte)
{
    return crc >> 8 ^ crypto->table[(crc ^ byte) & 0xff];
}

static void crypto_feed(struct crypto *crypto, uint8_t plain)
{
    uint32_t *keys = crypto->keys;
    keys[0] = crc_byte(crypto, keys[0], plain);
    keys[1] = (keys[1] + (keys[0] & 0xff)) * 134775813u + 1;
    keys[2] = crc_byte(crypto, keys[2], (uint8_t)(keys[1] >> 24));
}

static uint8_t crypto_byte(struct crypto *crypto, uint8_t cipher)
{
    uint32_t mask = (crypto->keys[2] | 2) & 0xffff;
    uint8_t plain = (uint8_t)(cipher ^ (mask * (mask ^ 1) >> 8));
    crypto_feed(crypto, plain);
    return plain;
}

static void crypto_start(struct crypto *crypto, bytes password)
{
    static const uint32_t first[] = {0x12345678, 0x23456789, 0x34567890};
    memcpy(crypto->keys, first, sizeof first);
    for (size_t i = 0; i < password.len; i++)
        crypto_feed(crypto, password.at[i]);
}

static void crypto_table(struct crypto *crypto)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        crypto->table[i] = crc;
    }
}

/* Deciphers `in` to `out`, when the password can be right. */
static bool crypto_opens(struct crypto *crypto, const struct zip_entry *entry, bytes password,
                         bytes in, uint8_t *out)
{
    uint8_t last = 0, by_crc = (uint8_t)(entry->crc >> 24),
            by_time = (uint8_t)(entry->time >> 8);
    crypto_start(crypto, password);
    for (size_t i = 0; i < CRYPTO_HEADER; i++)
        last = crypto_byte(crypto, in.at[i]);
    if (last != by_crc && !(entry->flags & ZIP_TRAILED && last == by_time))
        return false;
    for (size_t i = CRYPTO_HEADER; i < in.len; i++)
        out[i - CRYPTO_HEADER] = crypto_byte(crypto, in.at[i]);
    return true;
}

/* --- both --- */

static size_t salt_size(const struct zip_entry *entry)
{
    return 4 + 4 * (size_t)entry->aes_key;
}

/* The plain data of one member with one password into out[0..]: false when it is not that
 * password. */
static bool decipher(struct crypto *crypto, const struct zip_entry *entry, bytes password,
                     bytes in, uint8_t *out, size_t *ret_size)
{
    if (entry->method == ZIP_AES) {
        size_t salt = salt_size(entry), frame = salt + AES_CHECK + WINZIP_MAC;
        *ret_size = in.len - frame;
        return winzip_open(password, bytes_slice(in, 0, salt), 8 + 8 * (size_t)entry->aes_key,
                           bytes_slice(in, salt, in.len), out);
    }
    *ret_size = in.len - CRYPTO_HEADER;
    return crypto_opens(crypto, entry, password, in, out);
}

/* Decodes what was deciphered. Returns false, and no child is open, when that shows that the
 * password was a wrong one that passed for right. */
static bool decode_plain(struct unpack *unpack, const struct zip_entry *entry, bytes plain,
                         bool certain, bool *ret_more)
{
    unsigned method = entry->method == ZIP_AES ? entry->aes_method : entry->method;
    bool has_crc = entry->sized && (entry->method != ZIP_AES || entry->aes_version == 1);
    *ret_more = unpack_begin(unpack, entry->name);
    if (!*ret_more)
        return true;
    enum decoded how = zip_decode(unpack, entry, method, &plain);
    bytes out = unpack_written(unpack);
    bool right = how != DECODED_DAMAGED && how != DECODED_CUT &&
                 (how != DECODED || !has_crc || stream_crc32(0, out) == entry->crc);
    if (!right && !certain) {
        unpack_drop(unpack);
        return false;
    }
    *ret_more = decode_noted(unpack, how);
    if (*ret_more && !right && how == DECODED)
        unpack_gap(unpack, entry->name, GAP_DAMAGED, "its checksum is wrong");
    *ret_more = *ret_more && unpack_end(unpack);
    return true;
}

/* Every password in turn. True when one opened the member, or no more is wanted. */
static bool try_passwords(struct unpack *unpack, const struct zip_entry *entry, bytes in,
                          uint8_t *scratch, bool *ret_more)
{
    struct unpack_run *run = unpack->run;
    struct crypto crypto;
    uint32_t count = run->password_count;
    if (count > run->limits.passwords)
        count = run->limits.passwords;
    crypto_table(&crypto);
    for (uint32_t i = 0; i < count; i++) {
        size_t size = 0;
        if (!budget_charge(unpack->budget, entry->method == ZIP_AES ? AES_KEY_STEPS : 1000)) {
            *ret_more = false;
            return true;
        }
        if (!decipher(&crypto, entry, run->passwords[i], in, scratch, &size))
            continue;
        if (!budget_charge(unpack->budget, in.len / 2)) {
            *ret_more = false;
            return true;
        }
        if (decode_plain(unpack, entry, (bytes){scratch, size}, entry->method == ZIP_AES,
                         ret_more))
            return true;
    }
    return false;
}

static const char *cipher_name(const struct zip_entry *entry)
{
    static const char *const names[] = {"AES", "AES-128", "AES-192", "AES-256"};
    if (entry->flags & ZIP_STRONG)
        return "PKWARE strong encryption";
    return entry->method == ZIP_AES ? names[entry->aes_key & 3] : "ZipCrypto";
}

bool zip_cipher_member(struct unpack *unpack, const struct zip_entry *entry, bytes in)
{
    struct region *region = unpack->run->region;
    size_t top = region->used;
    bool aes = entry->method == ZIP_AES, more = true, opened = false;
    size_t frame = aes ? salt_size(entry) + AES_CHECK + WINZIP_MAC : CRYPTO_HEADER;
    bool known = !(entry->flags & ZIP_STRONG) && (!aes || (entry->aes_key - 1u) < 3);
    if (known && in.len < frame) {
        unpack_gap(unpack, entry->name, GAP_DAMAGED, "its encrypted data is cut short");
        return true;
    }
    if (known && region_left(region) < in.len) {
        unpack_gap(unpack, entry->name, GAP_LIMIT, "too large to be deciphered");
        return true;
    }
    if (known) {
        uint8_t *scratch = region->at + top;
        region_take(region, in.len);
        opened = try_passwords(unpack, entry, in, scratch, &more);
        region->used = top;
    }
    if (!opened)
        unpack_gap(unpack, entry->name, GAP_ENCRYPTED, "encrypted with %s", cipher_name(entry));
    return more;
}

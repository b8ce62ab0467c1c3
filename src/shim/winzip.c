#include "shim/winzip.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum { ROUNDS = 1000, CHECK = 2, KEY_MAX = 32, SHA1_SIZE = 20, BLOCK = 16, BLOCKS = 256 };

/* AES in counter mode; the counter is little endian and begins with 1. */
static bool decipher(const uint8_t *key, size_t key_size, bytes in, uint8_t *out)
{
    uint8_t counters[BLOCKS * BLOCK], mask[BLOCKS * BLOCK];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = key_size == 16   ? EVP_aes_128_ecb()
                               : key_size == 24 ? EVP_aes_192_ecb()
                                                : EVP_aes_256_ecb();
    bool good = context && EVP_EncryptInit_ex(context, cipher, NULL, key, NULL) == 1;
    uint64_t counter = 1;
    memset(counters, 0, sizeof counters);
    for (size_t at = 0; good && at < in.len; at += sizeof mask) {
        int made;
        for (size_t i = 0; i < BLOCKS; i++, counter++)
            for (unsigned byte = 0; byte < 8; byte++)
                counters[i * BLOCK + byte] = (uint8_t)(counter >> 8 * byte);
        good = EVP_EncryptUpdate(context, mask, &made, counters, sizeof counters) == 1;
        for (size_t i = 0; i < sizeof mask && at + i < in.len; i++)
            out[at + i] = in.at[at + i] ^ mask[i];
    }
    EVP_CIPHER_CTX_free(context);
    return good;
}

bool winzip_open(bytes password, bytes salt, size_t key_size, bytes data, uint8_t *out)
{
    uint8_t keys[2 * KEY_MAX + CHECK], mac[EVP_MAX_MD_SIZE];
    unsigned mac_size = 0;
    if (data.len < CHECK + WINZIP_MAC || key_size > KEY_MAX || password.len > INT_MAX)
        return false;
    bytes cipher = bytes_slice(data, CHECK, data.len - CHECK - WINZIP_MAC);
    if (PKCS5_PBKDF2_HMAC((const char *)password.at, (int)password.len, salt.at, (int)salt.len,
                          ROUNDS, EVP_sha1(), (int)(2 * key_size + CHECK), keys) != 1 ||
        memcmp(keys + 2 * key_size, data.at, CHECK) != 0)
        return false;
    if (!HMAC(EVP_sha1(), keys + key_size, (int)key_size, cipher.at, cipher.len, mac,
              &mac_size) ||
        memcmp(mac, data.at + CHECK + cipher.len, WINZIP_MAC) != 0)
        return false;
    return decipher(keys, key_size, cipher, out);
}

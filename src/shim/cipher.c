#include "shim/cipher.h"

#include <openssl/evp.h>
#include <string.h>

enum { PART = 1 << 20 /* libcrypto counts in int */ };

static const EVP_CIPHER *method(enum cipher_mode mode, size_t key)
{
    switch (key) {
    case 16:
        return mode == CIPHER_CBC ? EVP_aes_128_cbc() : EVP_aes_128_ecb();
    case 24:
        return mode == CIPHER_CBC ? EVP_aes_192_cbc() : EVP_aes_192_ecb();
    case 32:
        return mode == CIPHER_CBC ? EVP_aes_256_cbc() : EVP_aes_256_ecb();
    }
    return NULL;
}

bool cipher_aes(enum cipher_mode mode, enum cipher_way way, bytes key, uint8_t *iv, bytes in,
                uint8_t *out)
{
    const EVP_CIPHER *cipher = method(mode, key.len);
    size_t left = in.len & ~(size_t)(CIPHER_BLOCK - 1);
    uint8_t last[CIPHER_BLOCK];
    if (!cipher || left == 0)
        return cipher != NULL;
    if (way == CIPHER_DECRYPT)
        memcpy(last, in.at + left - CIPHER_BLOCK, CIPHER_BLOCK);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = context &&
                EVP_CipherInit_ex(context, cipher, NULL, key.at, mode == CIPHER_CBC ? iv : NULL,
                                  way == CIPHER_ENCRYPT) == 1 &&
                EVP_CIPHER_CTX_set_padding(context, 0) == 1;
    for (size_t at = 0; good && at < left;) {
        size_t part = left - at < PART ? left - at : PART;
        int wrote = 0;
        good = EVP_CipherUpdate(context, out + at, &wrote, in.at + at, (int)part) == 1 &&
               wrote == (int)part;
        at += part;
    }
    EVP_CIPHER_CTX_free(context);
    if (good && mode == CIPHER_CBC)
        memcpy(iv, way == CIPHER_DECRYPT ? last : out + left - CIPHER_BLOCK, CIPHER_BLOCK);
    return good;
}

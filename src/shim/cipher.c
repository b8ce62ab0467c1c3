#include "shim/cipher.h"

#include <openssl/evp.h>
#include <stdlib.h>
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
    if (!cipher || mode == CIPHER_CTR || left == 0)
        return cipher && mode != CIPHER_CTR;
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

struct cipher {
    EVP_CIPHER_CTX *context;
};

static const EVP_CIPHER *pick(enum cipher_kind kind, enum cipher_mode mode, size_t key)
{
    if (kind == CIPHER_DES3 && mode != CIPHER_CTR)
        return key == 16   ? mode == CIPHER_CBC ? EVP_des_ede_cbc() : EVP_des_ede_ecb()
                 : key == 24 ? mode == CIPHER_CBC ? EVP_des_ede3_cbc() : EVP_des_ede3_ecb()
                             : NULL;
    if (kind == CIPHER_AES && mode == CIPHER_CTR)
        return key == 16   ? EVP_aes_128_ctr()
               : key == 24 ? EVP_aes_192_ctr()
               : key == 32 ? EVP_aes_256_ctr()
                           : NULL;
    return kind == CIPHER_AES ? method(mode, key) : NULL;
}

struct cipher *cipher_new(enum cipher_kind kind, enum cipher_mode mode, enum cipher_way way,
                          bytes key)
{
    const EVP_CIPHER *type = pick(kind, mode, key.len);
    EVP_CIPHER_CTX *context = type ? EVP_CIPHER_CTX_new() : NULL;
    struct cipher *cipher = context ? malloc(sizeof *cipher) : NULL;
    static const uint8_t zero[CIPHER_BLOCK];
    if (!cipher ||
        EVP_CipherInit_ex(context, type, NULL, key.at, zero, way == CIPHER_ENCRYPT) != 1 ||
        EVP_CIPHER_CTX_set_padding(context, 0) != 1) {
        EVP_CIPHER_CTX_free(context);
        free(cipher);
        return NULL;
    }
    cipher->context = context;
    return cipher;
}

struct cipher *cipher_free(struct cipher *cipher)
{
    if (cipher)
        EVP_CIPHER_CTX_free(cipher->context);
    free(cipher);
    return NULL;
}

bool cipher_begin(struct cipher *cipher, const uint8_t *iv)
{
    return EVP_CipherInit_ex(cipher->context, NULL, NULL, NULL, iv, -1) == 1;
}

bool cipher_add(struct cipher *cipher, const uint8_t *in, uint8_t *out, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t part = len - at < PART ? len - at : PART;
        int wrote = 0;
        if (EVP_CipherUpdate(cipher->context, out + at, &wrote, in + at, (int)part) != 1 ||
            wrote != (int)part)
            return false;
        at += part;
    }
    return true;
}

bool cipher_gcm_open(bytes key, bytes nonce, bytes in, const uint8_t tag[16], uint8_t *out)
{
    const EVP_CIPHER *type = key.len == 16   ? EVP_aes_128_gcm()
                             : key.len == 24 ? EVP_aes_192_gcm()
                             : key.len == 32 ? EVP_aes_256_gcm()
                                             : NULL;
    EVP_CIPHER_CTX *context =
        type && nonce.len && nonce.len <= 128 ? EVP_CIPHER_CTX_new() : NULL;
    struct cipher cipher = {context};
    uint8_t copy[16];
    int wrote = 0;
    memcpy(copy, tag, sizeof copy);
    bool good =
        context && EVP_DecryptInit_ex(context, type, NULL, NULL, NULL) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_IVLEN, (int)nonce.len, NULL) == 1 &&
        EVP_DecryptInit_ex(context, NULL, NULL, key.at, nonce.at) == 1 &&
        cipher_add(&cipher, in.at, out, in.len) &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, 16, copy) == 1 &&
        EVP_DecryptFinal_ex(context, copy, &wrote) == 1;
    EVP_CIPHER_CTX_free(context);
    return good;
}

#include "shim/aead.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

struct aead {
    EVP_CIPHER_CTX *context;
};

struct aead *aead_new(enum aead_way way, const uint8_t key[AEAD_KEY])
{
    struct aead *aead = malloc(sizeof *aead);
    if (!aead)
        return NULL;
    aead->context = EVP_CIPHER_CTX_new();
    if (!aead->context || EVP_CipherInit_ex(aead->context, EVP_aes_256_gcm(), NULL, key, NULL,
                                            way == AEAD_SEAL) != 1)
        return aead_free(aead);
    return aead;
}

struct aead *aead_free(struct aead *aead)
{
    if (aead)
        EVP_CIPHER_CTX_free(aead->context);
    free(aead);
    return NULL;
}

/* Nonce, what is authenticated only, and the bytes themselves. -1: as it was made. */
static bool run(EVP_CIPHER_CTX *context, const uint8_t *nonce, bytes with, bytes in,
                uint8_t *out)
{
    int n = 0;
    if (with.len > INT_MAX || in.len > INT_MAX)
        return false;
    return EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, -1) == 1 &&
           (!with.len || EVP_CipherUpdate(context, NULL, &n, with.at, (int)with.len) == 1) &&
           (!in.len ||
            (EVP_CipherUpdate(context, out, &n, in.at, (int)in.len) == 1 && n == (int)in.len));
}

bool aead_seal(struct aead *aead, const uint8_t nonce[AEAD_NONCE], bytes with, bytes in,
               uint8_t *out)
{
    uint8_t none[16];
    int n = 0;
    return run(aead->context, nonce, with, in, out) &&
           EVP_CipherFinal_ex(aead->context, none, &n) == 1 && n == 0 &&
           EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, out + in.len) ==
               1;
}

bool aead_open(struct aead *aead, const uint8_t nonce[AEAD_NONCE], bytes with, bytes in,
               uint8_t *out)
{
    uint8_t tag[AEAD_TAG], none[16];
    int n = 0;
    if (in.len < AEAD_TAG)
        return false;
    bytes body = bytes_slice(in, 0, in.len - AEAD_TAG);
    for (int i = 0; i < AEAD_TAG; i++)
        tag[i] = in.at[body.len + (size_t)i];
    return run(aead->context, nonce, with, body, out) &&
           EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, tag) == 1 &&
           EVP_CipherFinal_ex(aead->context, none, &n) == 1;
}

bool aead_derive(const uint8_t key[AEAD_KEY], bytes salt, uint8_t ret[AEAD_KEY])
{
    unsigned len = AEAD_KEY;
    return HMAC(EVP_sha256(), key, AEAD_KEY, salt.at, salt.len, ret, &len) != NULL &&
           len == AEAD_KEY;
}

#include "shim/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 4096 };

struct digest {
    EVP_MD_CTX *context;
};

size_t digest_size(enum digest_kind kind)
{
    static const size_t size[] = {16, 20, 32, 48, 64};
    return size[kind];
}

static const EVP_MD *method(enum digest_kind kind)
{
    switch (kind) {
    case DIGEST_MD5:
        return EVP_md5();
    case DIGEST_SHA1:
        return EVP_sha1();
    case DIGEST_SHA256:
        return EVP_sha256();
    case DIGEST_SHA384:
        return EVP_sha384();
    case DIGEST_SHA512:
        return EVP_sha512();
    }
    return NULL;
}

bool digest_parts(enum digest_kind kind, const bytes *parts, size_t count, uint8_t *ret)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, method(kind), NULL) == 1;
    for (size_t i = 0; good && i < count; i++)
        good = EVP_DigestUpdate(context, parts[i].at, parts[i].len) == 1;
    good = good && EVP_DigestFinal_ex(context, ret, NULL) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

struct digest *digest_new(enum digest_kind kind)
{
    struct digest *digest = malloc(sizeof *digest);
    if (!digest)
        return NULL;
    digest->context = EVP_MD_CTX_new();
    if (!digest->context || EVP_DigestInit_ex(digest->context, method(kind), NULL) != 1)
        return digest_free(digest);
    return digest;
}

bool digest_add(struct digest *digest, bytes part)
{
    return !part.len || EVP_DigestUpdate(digest->context, part.at, part.len) == 1;
}

bool digest_add_numbered(struct digest *digest, bytes text, unsigned size, uint64_t from,
                         uint64_t to)
{
    uint8_t batch[BATCH];
    size_t row = text.len + size, rows = row ? BATCH / row : 0, n = 0;
    if (rows == 0)
        return false;
    for (size_t i = 0; i < rows && text.len; i++)
        memcpy(batch + i * row, text.at, text.len);
    for (; from < to; from += n) {
        for (n = 0; n < rows && from + n < to; n++)
            for (unsigned byte = 0; byte < size; byte++)
                batch[n * row + text.len + byte] = (uint8_t)((from + n) >> 8 * byte);
        if (EVP_DigestUpdate(digest->context, batch, n * row) != 1)
            return false;
    }
    return true;
}

bool digest_peek(const struct digest *digest, uint8_t *ret)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_MD_CTX_copy_ex(context, digest->context) == 1 &&
                EVP_DigestFinal_ex(context, ret, NULL) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

bool digest_end(struct digest *digest, uint8_t *ret)
{
    return EVP_DigestFinal_ex(digest->context, ret, NULL) == 1;
}

struct digest *digest_free(struct digest *digest)
{
    if (digest)
        EVP_MD_CTX_free(digest->context);
    free(digest);
    return NULL;
}

bool digest_rounds(enum digest_kind kind, uint8_t *state, uint32_t rounds, bool number_first)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = digest_size(kind);
    /* Set up once: looking the method up costs as much as a short digest. */
    bool good = context && EVP_DigestInit_ex(context, method(kind), NULL) == 1;
    for (uint32_t i = 0; good && i < rounds; i++) {
        const uint8_t number[4] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16),
                                   (uint8_t)(i >> 24)};
        good = EVP_DigestInit_ex(context, NULL, NULL) == 1 &&
               (!number_first || EVP_DigestUpdate(context, number, sizeof number) == 1) &&
               EVP_DigestUpdate(context, state, size) == 1 &&
               (number_first || EVP_DigestUpdate(context, number, sizeof number) == 1) &&
               EVP_DigestFinal_ex(context, state, NULL) == 1;
    }
    EVP_MD_CTX_free(context);
    return good;
}

bool digest_stretch(enum digest_kind kind, bytes password, bytes salt, uint32_t rounds,
                    uint8_t *ret, size_t size)
{
    return password.len <= INT_MAX && rounds <= INT_MAX && size <= INT_MAX &&
           PKCS5_PBKDF2_HMAC((const char *)password.at, (int)password.len, salt.at,
                             (int)salt.len, (int)rounds, method(kind), (int)size, ret) == 1;
}

void digest_hex(const uint8_t *digest, size_t size, char *ret)
{
    for (size_t i = 0; i < size; i++) {
        ret[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        ret[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    ret[2 * size] = 0;
}

#include "shim/privatekey.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

enum {
    TRIES = 26, /* bases, of which at least each second splits a modulus */
};

/* Numbers of one calculation: given back all at once. */
struct numbers {
    BN_CTX *context;
    BIGNUM *n, *e, *d, *p, *q;
};

static void numbers_end(struct numbers *numbers)
{
    BN_CTX_end(numbers->context);
    BN_CTX_free(numbers->context);
}

static bool load(BIGNUM *ret, bytes number)
{
    return number.len <= PRIVATEKEY_MAX + 8 &&
           BN_bin2bn(number.len ? number.at : (const uint8_t *)"", (int)number.len, ret);
}

/* False: nothing is held. */
static bool numbers_begin(struct numbers *ret, const struct privatekey *key)
{
    *ret = (struct numbers){.context = BN_CTX_new()};
    if (!ret->context)
        return false;
    BN_CTX_start(ret->context);
    ret->n = BN_CTX_get(ret->context);
    ret->e = BN_CTX_get(ret->context);
    ret->d = BN_CTX_get(ret->context);
    ret->p = BN_CTX_get(ret->context);
    ret->q = BN_CTX_get(ret->context);
    if (ret->q && load(ret->n, key->n) && load(ret->e, key->e) && load(ret->d, key->d) &&
        load(ret->p, key->p) && load(ret->q, key->q))
        return true;
    numbers_end(ret);
    return false;
}

static bytes without_zeros(bytes number)
{
    while (number.len && !*number.at) {
        number.at++;
        number.len--;
    }
    return number;
}

size_t privatekey_size(const struct privatekey *key)
{
    size_t size = without_zeros(key->n).len;
    return size <= PRIVATEKEY_MAX ? size : 0;
}

/* --------------------------------------------------------------------- the numbers of a key */

/* Whether d is 1/e modulo a prime less 1. */
static bool is_inverse(const struct numbers *key, const BIGNUM *prime)
{
    BN_CTX_start(key->context);
    BIGNUM *less = BN_CTX_get(key->context), *rest = BN_CTX_get(key->context);
    bool found = rest && BN_sub(less, prime, BN_value_one()) &&
                 BN_mod_mul(rest, key->d, key->e, less, key->context) && BN_is_one(rest);
    BN_CTX_end(key->context);
    return found;
}

/* Whether (2^d)^e is 2 again modulo n: for e, or for one of the exponents in use, which e then
 * becomes. Where primes came with them, and tell it, there is no power to calculate. */
static bool is_pair(const struct numbers *key, bool told)
{
    if (told && !BN_is_zero(key->e) && !BN_is_zero(key->p) && is_inverse(key, key->p) &&
        is_inverse(key, key->q))
        return true;
    static const unsigned usual[] = {65537, 3, 17, 5, 7, 11, 13, 19, 23, 29, 31, 37, 41, 257};
    BN_CTX_start(key->context);
    BIGNUM *two = BN_CTX_get(key->context), *power = BN_CTX_get(key->context);
    BIGNUM *back = BN_CTX_get(key->context);
    bool guess = BN_is_zero(key->e), found = false;
    bool good =
        back && BN_set_word(two, 2) && BN_mod_exp(power, two, key->d, key->n, key->context);
    for (size_t i = 0; good && !found && i < (guess ? COUNT(usual) : 1); i++) {
        good = (!guess || BN_set_word(key->e, usual[i])) &&
               BN_mod_exp(back, power, key->e, key->n, key->context);
        found = good && !BN_cmp(back, two);
    }
    if (guess && !found)
        BN_zero(key->e);
    BN_CTX_end(key->context);
    return found;
}

/* One base x to the odd part of ed-1, squared until it is 1: a root of 1 beside 1 and n-1
 * splits n. */
static bool split_by(const struct numbers *key, unsigned base, const BIGNUM *odd, int twos)
{
    BN_CTX_start(key->context);
    BIGNUM *x = BN_CTX_get(key->context), *last = BN_CTX_get(key->context);
    bool split = false, good = last && BN_set_word(x, base) &&
                               BN_mod_exp(x, x, odd, key->n, key->context) && BN_copy(last, x);
    for (int i = 0; good && i < twos && !BN_is_one(x); i++) {
        good = BN_copy(last, x) && BN_mod_sqr(x, x, key->n, key->context);
        if (good && BN_is_one(x) && BN_sub_word(last, 1) &&
            BN_gcd(key->p, last, key->n, key->context))
            split = !BN_is_one(key->p) && BN_cmp(key->p, key->n) != 0;
    }
    BN_CTX_end(key->context);
    return split;
}

/* p from n, e and d: NIST SP 800-56B, appendix C.1, with small bases in turn. */
static bool split(const struct numbers *key)
{
    BN_CTX_start(key->context);
    BIGNUM *odd = BN_CTX_get(key->context);
    bool good = odd && BN_mul(odd, key->e, key->d, key->context) && BN_sub_word(odd, 1) &&
                !BN_is_zero(odd) && !BN_is_odd(odd);
    int twos = 0;
    while (good && !BN_is_odd(odd)) {
        good = BN_rshift1(odd, odd);
        twos++;
    }
    bool found = false;
    for (unsigned base = 2; good && !found && base < TRIES; base++)
        found = split_by(key, base, odd, twos);
    BN_CTX_end(key->context);
    return found;
}

/* d from e and (p-1)(q-1). */
static bool invert(const struct numbers *key)
{
    BN_CTX_start(key->context);
    BIGNUM *order = BN_CTX_get(key->context), *other = BN_CTX_get(key->context);
    bool good = other && BN_sub(order, key->p, BN_value_one()) &&
                BN_sub(other, key->q, BN_value_one()) &&
                BN_mul(order, order, other, key->context) &&
                BN_mod_inverse(key->d, key->e, order, key->context);
    BN_CTX_end(key->context);
    return good;
}

/* The other factor by division. False when it leaves a rest. */
static bool divide(const struct numbers *key)
{
    BN_CTX_start(key->context);
    BIGNUM *rest = BN_CTX_get(key->context);
    bool good = rest && !BN_is_zero(key->p) && !BN_is_one(key->p) &&
                BN_div(key->q, rest, key->n, key->p, key->context) && BN_is_zero(rest) &&
                !BN_is_one(key->q);
    BN_CTX_end(key->context);
    return good;
}

static int complete(const struct numbers *key, struct why *why)
{
    if (BN_is_zero(key->p))
        BN_swap(key->p, key->q);
    if (BN_is_zero(key->n) && !BN_is_zero(key->p) && !BN_is_zero(key->q) &&
        !BN_mul(key->n, key->p, key->q, key->context))
        return fail(why, ENOMEM, "out of memory");
    if (BN_is_zero(key->n) || !BN_is_odd(key->n) || BN_is_one(key->n))
        return fail(why, EBADMSG, "an RSA key without a modulus");
    if (BN_num_bytes(key->n) > PRIVATEKEY_MAX)
        return fail(why, EMSGSIZE, "an RSA key of more than %d bits", 8 * PRIVATEKEY_MAX);

    if (!BN_is_zero(key->p) && !divide(key))
        return fail(why, EBADMSG, "an RSA key whose modulus is not the product of its primes");
    bool told = !BN_is_zero(key->d);
    if (!told && (BN_is_zero(key->p) || BN_is_zero(key->e) || !invert(key)))
        return fail(why, EBADMSG, "an RSA key without its private exponent");
    if (BN_is_one(key->d) || BN_cmp(key->d, key->n) >= 0)
        return fail(why, EBADMSG, "an RSA key whose exponent does not fit its modulus");
    bool given = !BN_is_zero(key->e);
    if (!is_pair(key, told) && given)
        return fail(why, EBADMSG, "an RSA key whose two exponents are not a pair");
    if (BN_is_zero(key->p) && !BN_is_zero(key->e) && split(key) && !divide(key))
        return fail(why, EBADMSG, "an RSA key whose modulus cannot be divided");
    return 0;
}

static bool store(const BIGNUM *number, struct arena *arena, bytes *ret)
{
    size_t len = (size_t)BN_num_bytes(number);
    uint8_t *at = arena_push(arena, len);
    if (!at || BN_bn2binpad(number, at, (int)len) != (int)len)
        return false;
    *ret = (bytes){.at = at, .len = len};
    return true;
}

/* What every use of the key by its primes would calculate anew. */
static bool shorten(const struct numbers *key, struct arena *arena, struct privatekey *ret)
{
    if (BN_is_zero(key->p) || BN_is_zero(key->q))
        return true;
    BN_CTX_start(key->context);
    BIGNUM *less = BN_CTX_get(key->context), *dp = BN_CTX_get(key->context);
    BIGNUM *dq = BN_CTX_get(key->context), *inverse = BN_CTX_get(key->context);
    bool good = inverse && BN_sub(less, key->p, BN_value_one()) &&
                BN_nnmod(dp, key->d, less, key->context) &&
                BN_sub(less, key->q, BN_value_one()) &&
                BN_nnmod(dq, key->d, less, key->context) && store(dp, arena, &ret->dp) &&
                store(dq, arena, &ret->dq);
    /* Primes that are equal have none: the key is used without it. */
    if (good && BN_mod_inverse(inverse, key->q, key->p, key->context))
        good = store(inverse, arena, &ret->inverse);
    BN_CTX_end(key->context);
    return good;
}

/* By the Chinese remainder theorem where what it needs is there: a quarter of the time, and
 * half of that where libcrypto has two powers at once. `x` is replaced. */
static bool power(const struct numbers *key, const struct privatekey *given, BIGNUM *x)
{
    if (!given->inverse.len || !BN_is_odd(key->p) || !BN_is_odd(key->q))
        return BN_mod_exp(x, x, key->d, key->n, key->context);

    BN_CTX_start(key->context);
    BIGNUM *dp = BN_CTX_get(key->context), *dq = BN_CTX_get(key->context);
    BIGNUM *a = BN_CTX_get(key->context), *b = BN_CTX_get(key->context);
    BIGNUM *inverse = BN_CTX_get(key->context);
    bool good = inverse && load(dp, given->dp) && load(dq, given->dq) &&
                load(inverse, given->inverse) && BN_nnmod(a, x, key->p, key->context) &&
                BN_nnmod(b, x, key->q, key->context) &&
                BN_mod_exp_mont_consttime_x2(a, a, dp, key->p, NULL, b, b, dq, key->q, NULL,
                                             key->context) &&
                BN_mod_sub(a, a, b, key->p, key->context) &&
                BN_mod_mul(a, a, inverse, key->p, key->context) &&
                BN_mul(a, a, key->q, key->context) && BN_add(x, a, b);
    BN_CTX_end(key->context);
    return good;
}

/* Whether the way by the primes comes to the same: they may be products of primes themselves,
 * of a modulus that has more than two. */
static bool shortcut_holds(const struct numbers *key, const struct privatekey *full)
{
    BN_CTX_start(key->context);
    BIGNUM *by_primes = BN_CTX_get(key->context), *plain = BN_CTX_get(key->context);
    bool holds = plain && BN_set_word(by_primes, 2) && power(key, full, by_primes) &&
                 BN_set_word(plain, 2) &&
                 BN_mod_exp(plain, plain, key->d, key->n, key->context) &&
                 !BN_cmp(plain, by_primes);
    BN_CTX_end(key->context);
    return holds;
}

int privatekey_complete(struct privatekey *key, struct arena *arena, struct why *why)
{
    struct privatekey full = {.n = {0}};
    struct numbers numbers;
    if (key->n.len > PRIVATEKEY_MAX + 8 || key->e.len > PRIVATEKEY_MAX + 8 ||
        key->d.len > PRIVATEKEY_MAX + 8 || key->p.len > PRIVATEKEY_MAX + 8 ||
        key->q.len > PRIVATEKEY_MAX + 8)
        return fail(why, EMSGSIZE, "an RSA key of more than %d bits", 8 * PRIVATEKEY_MAX);
    if (!numbers_begin(&numbers, key))
        return fail(why, ENOMEM, "out of memory");

    bool primes = !BN_is_zero(numbers.p) || !BN_is_zero(numbers.q);
    int error = complete(&numbers, why);
    if (!error && (!store(numbers.n, arena, &full.n) || !store(numbers.e, arena, &full.e) ||
                   !store(numbers.d, arena, &full.d) || !store(numbers.p, arena, &full.p) ||
                   !store(numbers.q, arena, &full.q) || !shorten(&numbers, arena, &full)))
        error = fail(why, ENOMEM, "out of memory");
    if (!error && !primes && full.inverse.len && !shortcut_holds(&numbers, &full))
        full.inverse = (bytes){0};
    numbers_end(&numbers);
    ERR_clear_error();
    if (!error)
        *key = full;
    return error;
}

/* ------------------------------------------------------------------------ opening with it */

/* What was opened before: `number` is `len` bytes. */
static bool remembered(const struct privatekey *key, const uint8_t *number, size_t len,
                       uint8_t *ret)
{
    size_t size = privatekey_size(key);
    const uint8_t *n = key->n.at + (key->n.len - size);
    for (size_t i = 0; key->memory && i < COUNT(key->memory->opened); i++) {
        struct privatekey_opened *row = &key->memory->opened[i];
        if (row->size == size && row->sealed_size == len && !memcmp(row->sealed, number, len) &&
            !memcmp(row->n, n, size)) {
            memcpy(ret, row->number, size);
            row->used = ++key->memory->clock;
            return true;
        }
    }
    return false;
}

static void remember(const struct privatekey *key, const uint8_t *number, size_t len,
                     const uint8_t *opened)
{
    if (!key->memory)
        return;
    struct privatekey_opened *row = key->memory->opened;
    for (size_t i = 1; i < COUNT(key->memory->opened); i++)
        if (key->memory->opened[i].used < row->used)
            row = &key->memory->opened[i];
    row->used = ++key->memory->clock;
    row->size = privatekey_size(key);
    row->sealed_size = len;
    memcpy(row->n, key->n.at + (key->n.len - row->size), row->size);
    memcpy(row->sealed, number, len);
    memcpy(row->number, opened, row->size);
}

int privatekey_raw(const struct privatekey *key, enum privatekey_order order, bytes sealed,
                   uint8_t *ret, struct why *why)
{
    size_t size = privatekey_size(key);
    if (!size || !(key->n.at[key->n.len - 1] & 1) || key->d.len > PRIVATEKEY_MAX + 8)
        return fail(why, EINVAL, "not an RSA private key that can be used");
    if (sealed.len > PRIVATEKEY_MAX)
        return fail(why, EKEYREJECTED, "sealed for a larger RSA key than the one of %zu bits",
                    8 * size);
    uint8_t number[PRIVATEKEY_MAX];
    for (size_t i = 0; i < sealed.len; i++)
        number[i] = sealed.at[order == PRIVATEKEY_BIG ? i : sealed.len - 1 - i];
    if (remembered(key, number, sealed.len, ret))
        return 0;

    struct numbers numbers;
    if (!numbers_begin(&numbers, key))
        return fail(why, ENOMEM, "out of memory");
    int error = 0;
    BIGNUM *x = BN_CTX_get(numbers.context);
    if (!x || !BN_bin2bn(number, (int)sealed.len, x))
        error = fail(why, ENOMEM, "out of memory");
    else if (BN_cmp(x, numbers.n) >= 0)
        error = fail(why, EKEYREJECTED, "sealed for another RSA key than the one of %zu bits",
                     8 * size);
    else if (!power(&numbers, key, x) || BN_bn2binpad(x, ret, (int)size) != (int)size)
        error = fail(why, EINVAL, "not an RSA private key that can be used");
    numbers_end(&numbers);
    ERR_clear_error();
    if (!error)
        remember(key, number, sealed.len, ret);
    return error;
}

static int does_not_fit(const struct privatekey *key, struct why *why)
{
    return fail(why, EKEYREJECTED, "sealed for another RSA key than the one of %zu bits",
                8 * privatekey_size(key));
}

int privatekey_pkcs1(const struct privatekey *key, enum privatekey_order order, bytes sealed,
                     uint8_t *ret, size_t *len, struct why *why)
{
    uint8_t block[PRIVATEKEY_MAX];
    size_t size = privatekey_size(key), at = 2;
    int error = privatekey_raw(key, order, sealed, block, why);
    if (error)
        return error;
    while (at < size && block[at])
        at++;
    if (size < 11 || block[0] != 0 || block[1] != 2 || at < 10 || at == size)
        return does_not_fit(key, why);
    *len = size - at - 1;
    memcpy(ret, block + at + 1, *len);
    return 0;
}

static const EVP_MD *method(enum privatekey_hash hash)
{
    switch (hash) {
    case PRIVATEKEY_MD5:
        return EVP_md5();
    case PRIVATEKEY_SHA1:
        return EVP_sha1();
    case PRIVATEKEY_SHA256:
        return EVP_sha256();
    case PRIVATEKEY_SHA384:
        return EVP_sha384();
    case PRIVATEKEY_SHA512:
        return EVP_sha512();
    case PRIVATEKEY_SHA3_256:
        return EVP_sha3_256();
    case PRIVATEKEY_SHA3_512:
        return EVP_sha3_512();
    }
    return NULL;
}

/* XORs the mask MGF1 (RFC 8017, B.2.1) of the seed into data. */
static bool mask(enum privatekey_hash hash, const uint8_t *seed, size_t seed_len, uint8_t *data,
                 size_t len)
{
    uint8_t input[PRIVATEKEY_MAX + 4], digest[EVP_MAX_MD_SIZE];
    const EVP_MD *with = method(hash);
    size_t part = (size_t)EVP_MD_get_size(with);
    memcpy(input, seed, seed_len);
    for (size_t at = 0, round = 0; at < len; at += part, round++) {
        input[seed_len] = (uint8_t)(round >> 24);
        input[seed_len + 1] = (uint8_t)(round >> 16);
        input[seed_len + 2] = (uint8_t)(round >> 8);
        input[seed_len + 3] = (uint8_t)round;
        if (EVP_Digest(input, seed_len + 4, digest, NULL, with, NULL) != 1)
            return false;
        for (size_t i = 0; i < part && at + i < len; i++)
            data[at + i] ^= digest[i];
    }
    return true;
}

int privatekey_oaep(const struct privatekey *key, enum privatekey_order order,
                    enum privatekey_hash hash, enum privatekey_hash mask_hash, bytes sealed,
                    uint8_t *ret, size_t *len, struct why *why)
{
    uint8_t block[PRIVATEKEY_MAX], label[EVP_MAX_MD_SIZE];
    size_t size = privatekey_size(key), part = (size_t)EVP_MD_get_size(method(hash));
    int error = privatekey_raw(key, order, sealed, block, why);
    if (error)
        return error;
    if (size < 2 * part + 2 || block[0] != 0)
        return does_not_fit(key, why);

    /* 00, seed, then the digest of the label, zeros, 01 and the message. */
    uint8_t *seed = block + 1, *data = seed + part;
    size_t data_len = size - part - 1, at = part;
    if (!mask(mask_hash, data, data_len, seed, part) ||
        !mask(mask_hash, seed, part, data, data_len) ||
        EVP_Digest("", 0, label, NULL, method(hash), NULL) != 1)
        return fail(why, ENOMEM, "libcrypto refused");
    while (at < data_len && !data[at])
        at++;
    if (memcmp(data, label, part) != 0 || at == data_len || data[at] != 1)
        return does_not_fit(key, why);
    *len = data_len - at - 1;
    memcpy(ret, data + at + 1, *len);
    return 0;
}

/* -------------------------------------------------------------------------------- X25519 */

bool x25519_shared(const uint8_t secret[X25519_SIZE], const uint8_t point[X25519_SIZE],
                   uint8_t ret[X25519_SIZE])
{
    EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, X25519_SIZE);
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, X25519_SIZE);
    EVP_PKEY_CTX *context = mine ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
    size_t size = X25519_SIZE;
    bool good = context && theirs && EVP_PKEY_derive_init(context) == 1 &&
                EVP_PKEY_derive_set_peer(context, theirs) == 1 &&
                EVP_PKEY_derive(context, ret, &size) == 1 && size == X25519_SIZE;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(mine);
    if (!good)
        ERR_clear_error();
    return good;
}

bool x25519_public(const uint8_t secret[X25519_SIZE], uint8_t ret[X25519_SIZE])
{
    EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, X25519_SIZE);
    size_t size = X25519_SIZE;
    bool good =
        mine && EVP_PKEY_get_raw_public_key(mine, ret, &size) == 1 && size == X25519_SIZE;
    EVP_PKEY_free(mine);
    if (!good)
        ERR_clear_error();
    return good;
}

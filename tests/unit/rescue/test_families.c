/* Families with test encryptors: what these write is recognised, decoded to the byte, and
 * refused with a wrong key or when damaged. The encryptors follow the layouts that the formats'
 * files give; they know nothing of files, and their keys are here. */
#include "crypt/chacha.h"
#include "crypt/generator.h"
#include "crypt/salsa.h"
#include "rescue/formats/families.h"
#include "samples.h"
#include "shim/cipher.h"
#include "shim/curve.h"
#include "shim/digest.h"
#include "shim/privatekey.h"
#include "shim/rsa.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

/* A key made for this test. */
static const char rsa_p[] =
    "ff3be3442cb8b7abf7b67ec20f6bac3fc63d5d3f0696e8319210811324a3d8c7b6f94fff35da6c1fa3beb085"
    "8ce3f01f333a842b19a944ddaedf04f746732762b15ebad006042c85f1204d26982efa8d4f75a62d7f5b66fe"
    "e0f129ebe06866eda08aca45ff36a566718d8f694054cb7269ed9800ce289d4aeb898d9f81cf32e9";
static const char rsa_q[] =
    "c4359ad7cce0548cedc0c4cc4f34d9f22749a7746947bc7093a4ac4719de6059149cef0a988c5a5354d32a32"
    "1d853927efc3833663f2c1180e7a37448badbd7426c6f4c0a4934dfd5e1203e5623e17abddeed6bb903d0da1"
    "362f1d543ca3c5bb7798ef76777ebe620aea6754e8b87cf193d63f5b9e21b8fb86f338679348f0df";
static const char rsa_n[] =
    "2469502125945717368754681292781067656177224926050988667432643738897508133583084900211098"
    "4797763723519140900162750029771316606141739977594702900654443514928571005406109787203903"
    "7613969857224703923917061392331932401159600820758142419417504843222567951916742575058369"
    "4288120025830561259295511088721399308436352089587304623826222697801645639220563374032562"
    "0083004234313118857311259844893492242552589600867402926793715932476923558486506230815578"
    "2919356265532475107699003064877121148407204918673886583962916422590942427760625594357018"
    "0622602483343312041051432918079107903083304924605867210344978395446778237184982962194251"
    "9";

static struct arena *arena;

static uint8_t *room(size_t len)
{
    uint8_t *ret = arena_push(arena, len + 1);
    if (!ret)
        abort();
    return ret;
}

static bytes unhex(const char *text)
{
    bytes hex = bytes_of(text);
    uint8_t *ret = room(hex.len / 2);
    CHECK(bytes_unhex(hex, ret));
    return (bytes){ret, hex.len / 2};
}

/* Noise that repeats itself: keys, sealed parts. */
static bytes noise(size_t len, unsigned seed)
{
    struct generator_glibc random;
    uint8_t *ret = room(len);
    generator_glibc_seed(&random, seed);
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)(generator_glibc_next(&random) >> 7);
    return (bytes){ret, len};
}

static bytes plain_of(size_t len)
{
    static const char line[] = "All that was written here, line after line, is to come back.\n";
    uint8_t *ret = room(len);
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)line[(i + i / 977) % (sizeof line - 1)];
    return (bytes){ret, len};
}

static bytes join(const bytes *parts, size_t n)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    uint8_t *ret = room(len);
    for (size_t i = 0; i < n; at += parts[i++].len)
        if (parts[i].len)
            memcpy(ret + at, parts[i].at, parts[i].len);
    return (bytes){ret, len};
}

#define JOIN(...) join((bytes[]){__VA_ARGS__}, COUNT(((bytes[]){__VA_ARGS__})))

static bytes copy(bytes data)
{
    return JOIN(data);
}

/* Filled up to whole blocks of `block` bytes with zeros. */
static bytes zeros_up_to(bytes data, size_t block)
{
    size_t more = (block - data.len % block) % block;
    return JOIN(data, ((bytes){room(more), more}));
}

/* PKCS #7. */
static bytes padded(bytes data)
{
    size_t fill = 16 - data.len % 16;
    uint8_t *end = room(fill);
    memset(end, (int)fill, fill);
    return JOIN(data, ((bytes){end, fill}));
}

static bytes aes(enum cipher_mode mode, bytes key, const uint8_t *iv, bytes data)
{
    uint8_t chain[16] = {0}, *ret = room(data.len);
    if (iv)
        memcpy(chain, iv, 16);
    if (data.len)
        memcpy(ret, data.at, data.len);
    CHECK(cipher_aes(mode, CIPHER_ENCRYPT, key, chain, data, ret));
    return (bytes){ret, data.len};
}

/* CFB with 128 bits of feedback. */
static bytes cfb(bytes key, const uint8_t *iv, bytes data)
{
    uint8_t chain[16], *ret = room(data.len);
    memcpy(chain, iv, 16);
    for (size_t at = 0; at < data.len; at += 16) {
        uint8_t stream[16];
        cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL, (bytes){chain, 16}, stream);
        for (size_t i = 0; i < 16 && at + i < data.len; i++)
            chain[i] = ret[at + i] = data.at[at + i] ^ stream[i];
    }
    return (bytes){ret, data.len};
}

static bytes le(uint64_t number, size_t len)
{
    uint8_t *ret = room(len);
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)(number >> 8 * i);
    return (bytes){ret, len};
}

static bytes text(const char *text)
{
    return bytes_of(text);
}

static bytes sha256(bytes data)
{
    uint8_t *ret = room(32);
    digest_parts(DIGEST_SHA256, &data, 1, ret);
    return (bytes){ret, 32};
}

/* PKCS #1 v1.5 under the test key; `little` as CryptoAPI writes it. */
static bytes rsa(bytes message)
{
    uint8_t block[256] = {0, 2}, *ret = room(256);
    bytes fill = noise(256, 77);
    for (size_t i = 2; i < 255 - message.len; i++)
        block[i] = fill.at[i] | 1;
    memcpy(block + 256 - message.len, message.at, message.len);
    uint8_t sealed[256];
    CHECK(rsa_recover(rsa_n, "65537", (bytes){block, 256}, sealed, 256));
    for (size_t i = 0; i < 256; i++)
        ret[i] = sealed[255 - i];
    return (bytes){ret, 256};
}

static bytes base64(bytes data)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *ret = room(data.len / 3 * 4 + 4);
    size_t n = 0;
    for (size_t i = 0; i < data.len; i += 3) {
        uint32_t word = 0;
        for (size_t k = 0; k < 3; k++)
            word = word << 8 | (i + k < data.len ? data.at[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            ret[n++] = i + k > data.len ? '=' : (uint8_t)letters[word >> (18 - 6 * k) & 63];
    }
    return (bytes){ret, n};
}

/* --- encryptors: bytes and a key to bytes --- */

static bytes prometheus(bytes plain, const struct key *key)
{
    uint8_t secret[32], *ret = room(plain.len);
    if (plain.len)
        memcpy(ret, plain.at, plain.len);
    prometheus_key((uint32_t)key->seed, secret);
    struct salsa salsa;
    CHECK(salsa_set(&salsa, 20, (bytes){secret, 32}, text("\1\2\3\4\5\6\7\x08"), 0));
    salsa_xor(&salsa, 0, ret, plain.len);
    return (bytes){ret, plain.len};
}

static bytes hexadecimal(bytes data)
{
    uint8_t *ret = room(130);
    digest_hex(data.at, 64, (char *)ret);
    return (bytes){ret, 130};
}

static bytes point(bytes secret, const uint8_t *of)
{
    uint8_t *ret = room(65);
    struct curve *curve = curve_new(CURVE_SECP256K1);
    ret[0] = 4;
    CHECK(curve_multiply(curve, secret.at, of, ret + 1));
    curve_free(curve);
    return (bytes){ret, 65};
}

static bytes teslacrypt2(bytes plain, const struct key *key)
{
    uint8_t *turned = room(32);
    size_t zeros = 0;
    while (!key->secret.at[zeros])
        zeros++;
    memcpy(turned, key->secret.at + zeros, 32 - zeros);
    bytes iv = noise(16, 3);
    return JOIN(text("\xde\xad\xbe\xef"), point(noise(32, 1), NULL), hexadecimal(noise(64, 2)),
                point(key->secret, NULL), hexadecimal(noise(64, 4)), iv, le(plain.len, 4),
                aes(CIPHER_CBC, (bytes){turned, 32}, iv.at, padded(plain)));
}

/* To a public point: under SHA-256 of the shared x. */
static bytes seal(bytes secret, bytes of, bytes message)
{
    bytes shared = point(secret, of.at + 1);
    return aes(CIPHER_CBC, sha256(bytes_slice(shared, 1, 32)), NULL, message);
}

static bytes teslacrypt3(bytes plain, const struct key *key)
{
    bytes before = noise(32, 5), g = sha256(before), x = noise(32, 6), y = noise(32, 7);
    bytes secret = noise(32, 8), iv = noise(16, 9), none = {room(31), 31};
    bytes points[] = {point(x, NULL), point(g, NULL), point(y, NULL)};
    return JOIN(le(0, 8), noise(8, 10), le(0, 8), points[0],
                seal(x, point(key->secret, NULL), before), none, points[1], le(0, 3), points[2],
                seal(y, points[1], secret), none, iv, le(plain.len, 4),
                aes(CIPHER_CBC, secret, iv.at, padded(plain)));
}

static bytes linuxencoder3(bytes plain, const struct key *key)
{
    (void)key;
    uint8_t *iv = room(16), *secret = room(32);
    memcpy(iv, "\x40\x93\xad\xa3\xff\x7f\0\0\0\0\0\0\0\0\0\x10", 16);
    iv[15] |= plain.len & 15;
    memcpy(secret, iv, 16);
    bytes data = zeros_up_to(plain, 16);
    uint8_t *out = room(data.len);
    const uint8_t *chain = iv;
    for (size_t at = 0; at < data.len; at += 32) {
        bytes part = bytes_slice(data, at, 32);
        memcpy(out + at, aes(CIPHER_CBC, (bytes){secret, 32}, chain, part).at, part.len);
        chain = out + at;
    }
    return JOIN(le(256, 4), noise(256, 11), ((bytes){iv, 16}), ((bytes){out, data.len}));
}

/* The third file of a run. */
static bytes linuxencoder1(bytes plain, const struct key *key)
{
    uint64_t state = generator_musl_seed((uint32_t)key->seed);
    uint8_t secret[16], *iv = room(16);
    for (unsigned i = 0; i < 3; i++)
        linuxencoder1_next(&state, secret, iv);
    iv[15] = (uint8_t)(0x50 | (plain.len & 15));
    return JOIN(le(0100644, 4), le(256, 4), noise(256, 12), ((bytes){iv, 16}),
                aes(CIPHER_CBC, (bytes){secret, 16}, iv, zeros_up_to(plain, 16)));
}

static bytes echoraix(bytes plain, const struct key *key)
{
    bytes iv = noise(16, 13);
    bytes mark = {(const uint8_t *)"\0\0\0\0\0\0\0eCh0raix", 15};
    return JOIN(iv, cfb(key->secret, iv.at, JOIN(plain, mark)));
}

static bytes gandcrab(bytes plain, const struct key *key)
{
    (void)key;
    bytes secret = noise(32, 14), nonce = noise(8, 15), data = copy(plain);
    uint64_t parts = (plain.len + (1 << 20) - 1) >> 20;
    uint8_t *out = room(plain.len);
    if (plain.len)
        memcpy(out, data.at, data.len);
    if (parts > 2)
        parts = 2;
    for (uint64_t i = 0; i < parts; i++) {
        struct salsa salsa;
        salsa_set(&salsa, 20, secret, nonce, 0);
        size_t left = plain.len - (i << 20);
        salsa_xor(&salsa, 0, out + (i << 20), left < 1 << 20 ? left : 1 << 20);
    }
    return JOIN(((bytes){out, plain.len}), rsa(secret), rsa(nonce), le(plain.len, 8),
                le(parts, 8), le(9, 4), le(0x0003828193892918, 8));
}

static bytes maze(bytes plain, const struct key *key)
{
    (void)key;
    bytes message = noise(40, 16);
    uint8_t *out = room(plain.len);
    if (plain.len)
        memcpy(out, plain.at, plain.len);
    struct chacha chacha;
    chacha_set(&chacha, 8, bytes_slice(message, 0, 32), bytes_slice(message, 32, 8), 0);
    chacha_xor(&chacha, 0, out, plain.len);
    return JOIN(((bytes){out, plain.len}), rsa(message), le(7, 4), text("\x66\x11\x61\x66"));
}

static bytes blackbasta(bytes plain, const struct key *key)
{
    uint8_t *out = room(plain.len);
    for (size_t i = 0; i < plain.len; i++) {
        bool coded = plain.len < 5000 ? i < (plain.len & ~(size_t)63)
                                      : i % 192 < 64 && i / 192 * 192 + 64 <= plain.len;
        out[i] =
            plain.at[i] ^ (coded ? key->secret.at[(plain.len < 5000 ? i : i % 192) % 64] : 0);
    }
    bytes end = {(const uint8_t *)"\6..........abcdefghijk\0", 23};
    return JOIN(((bytes){out, plain.len}), noise(314 - 23, 17), end);
}

static bytes nemucod(bytes plain, const struct key *key)
{
    uint8_t *out = room(plain.len);
    for (size_t i = 0; i < plain.len; i++)
        out[i] = plain.at[i] ^ (i < 2048 ? key->secret.at[i % key->secret.len] : 0);
    return (bytes){out, plain.len};
}

static bytes dmalocker(bytes plain, const struct key *key)
{
    size_t part = plain.len / 45;
    uint8_t *out = room(plain.len);
    for (size_t i = 0; i <= 45; i++) {
        bytes data = i < 45 ? bytes_slice(plain, i * part, part)
                            : bytes_slice(plain, 45 * part, plain.len);
        if (!data.len)
            continue;
        memcpy(out + i * part, data.at, data.len);
        bytes whole = bytes_slice(data, 0, data.len & ~(size_t)15);
        memcpy(out + i * part, aes(CIPHER_ECB, key->secret, NULL, whole).at, whole.len);
    }
    return JOIN(text("!DMALOCK"), noise(128, 18), ((bytes){out, plain.len}));
}

static bytes princess(bytes plain, const struct key *key)
{
    uint8_t secret[16];
    CHECK(princess_key(key->secret, key->secret.len, secret));
    return aes(CIPHER_CBC, (bytes){secret, 16}, NULL, zeros_up_to(plain, 128));
}

static bytes stretched(bytes password, bytes salt, uint32_t rounds)
{
    uint8_t *ret = room(48);
    CHECK(digest_stretch(DIGEST_SHA1, password, salt, rounds, ret, 48));
    return (bytes){ret, 48};
}

static bytes blackbyte(bytes plain, const struct key *key)
{
    bytes made = stretched(key->secret, text("\1\2\3\4\5\6\7\x08"), 1000);
    bytes secret = bytes_slice(made, 0, 16);
    const uint8_t *iv = made.at + 16;
    if (plain.len <= 3 << 20)
        return aes(CIPHER_CBC, secret, iv, padded(plain));
    size_t part = plain.len > 15 << 20 ? 5 << 20 : 1 << 20;
    return JOIN(aes(CIPHER_CBC, secret, iv, bytes_slice(plain, 0, part)),
                bytes_slice(plain, part, plain.len - 2 * part),
                aes(CIPHER_CBC, secret, iv, bytes_slice(plain, plain.len - part, part)));
}

static bytes chaos(bytes plain, const struct key *key)
{
    bytes made = stretched(key->secret, text("\1\2\3\4\5\6\7\x08"), 1000);
    return JOIN(text("<EncryptedKey>"), base64(noise(256, 19)), text("<EncryptedKey>"),
                base64(aes(CIPHER_CBC, bytes_slice(made, 0, 32), made.at + 32, padded(plain))));
}

static bytes onyx2(bytes plain, const struct key *key)
{
    bytes salt = text("\1\2\3\4\5\6\7\x08"), made = stretched(key->secret, salt, 1);
    return JOIN(salt, cfb(bytes_slice(made, 0, 32), made.at + 32, padded(plain)),
                base64(noise(256, 20)));
}

static bytes solidbit(bytes plain, const struct key *key)
{
    uint8_t secret[16];
    chaos_text((uint32_t)key->seed, secret, 16);
    return JOIN(aes(CIPHER_CBC, (bytes){secret, 16}, secret, padded(plain)),
                base64(noise(256, 21)));
}

/* --- what is asked of each --- */

struct family {
    const struct format *format;
    bytes (*encrypt)(bytes plain, const struct key *key);
    struct key key, wrong;
    enum fit fit; /* of a file of 5,000 bytes */
    const char *name;
    size_t filled; /* to whole blocks of that many bytes, which stay */
    bool marked;   /* a wrong key is seen by the format alone */
};

static int opened(const struct family *family, bytes file, const struct key *key, bytes *ret,
                  bool *guess)
{
    struct source source = source_of_bytes(file, text(family->name));
    struct recipe recipe = {0};
    struct why why = {""};
    int error = family->format->open(&source, key, arena, &recipe, &why);
    CHECK((error == 0) == (why.text[0] == 0));
    *guess = recipe.guess;
    return error ? error : recipe_bytes(&recipe, &source, arena, ret, &why);
}

static void decodes(const struct family *family, size_t len)
{
    bytes plain = plain_of(len), file = family->encrypt(plain, &family->key), got = {0};
    bool guess;
    CHECK_INT(opened(family, file, &family->key, &got, &guess), 0);
    if (family->filled)
        plain = zeros_up_to(plain, family->filled);
    if (!tap_check(bytes_equal(got, plain), family->format->family, __FILE__, __LINE__))
        printf("#   size %zu\n", len);
}

static void recognised(const struct family *family)
{
    bytes file = family->encrypt(plain_of(5000), &family->key);
    struct source source = source_of_bytes(file, text(family->name));
    const struct format *formats_found[20];
    struct recognition fits[20];
    size_t n = format_recognise(&source, formats_found, fits, COUNT(fits)), at = 0;
    while (at < n && formats_found[at] != family->format)
        at++;
    CHECK(at < n);
    CHECK_INT(at < n ? fits[at].fit : FIT_NO, family->fit);
    for (size_t i = 0; i < n; i++)
        if (i != at && fits[i].fit == FIT_IS)
            CHECK_STR(formats_found[i]->family, family->format->family);
}

/* Never a wrong plain file that the format says is right. */
static void refuses(const struct family *family)
{
    bytes plain = plain_of(3001), file = family->encrypt(plain, &family->key), got = {0};
    bool guess = false;
    int error = opened(family, file, &family->wrong, &got, &guess);
    bool any = family->format->keys == 0;
    CHECK(error || any || (guess && !family->marked));
    CHECK(error || any || !bytes_equal(got, plain));

    static const size_t cuts[] = {1, 15, 16, 300, 2900};
    for (size_t i = 0; i < COUNT(cuts); i++) {
        if (file.len < cuts[i])
            continue;
        bytes cut = copy(bytes_slice(file, 0, file.len - cuts[i]));
        error = opened(family, cut, &family->key, &got, &guess);
        /* Without an error: what is there is right. */
        size_t same = got.len < plain.len ? got.len : plain.len;
        CHECK(error || guess || (same && !memcmp(got.at, plain.at, same - (same & 15))));
    }
    bytes empty = {room(0), 0};
    opened(family, empty, &family->key, &got, &guess);

    bytes twice = family->encrypt(file, &family->key);
    /* Not told apart from noise, or what it was before the second time. */
    error = opened(family, twice, &family->key, &got, &guess);
    CHECK(error == -EKEYREJECTED || (!error && (family->filled || bytes_equal(got, file))));
    struct key none = {.kind = KEY_CURVE25519, .secret = noise(32, 30)};
    error = opened(family, file, &none, &got, &guess);
    CHECK(error == -EKEYREJECTED || family->format->keys == 0);
}

static struct key secret_key(enum key_kind kind, bytes secret)
{
    return (struct key){.kind = kind, .secret = secret};
}

static struct key seed_key(uint64_t seed)
{
    return (struct key){.kind = KEY_SEED, .seed = seed};
}

static struct key rsa_key(void)
{
    struct privatekey key = {.p = unhex(rsa_p), .q = unhex(rsa_q), .e = unhex("010001")};
    CHECK_INT(privatekey_complete(&key, arena, NULL), 0);
    return (struct key){.kind = KEY_RSA,
                        .rsa = {.n = key.n, .e = key.e, .d = key.d, .p = key.p, .q = key.q}};
}

/* d of the test key is no longer right. */
static struct key wrong_rsa_key(void)
{
    struct key key = rsa_key();
    uint8_t *d = room(key.rsa.d.len);
    memcpy(d, key.rsa.d.at, key.rsa.d.len);
    d[key.rsa.d.len - 1] ^= 2;
    key.rsa.d = (bytes){d, key.rsa.d.len};
    key.rsa.p = key.rsa.q = (bytes){0};
    return key;
}

static void ask(struct family family)
{
    static const size_t sizes[] = {0,    1,    15,   16,   17,   31,   32,   33,   47,
                                   48,   63,   64,   65,   127,  128,  129,  191,  192,
                                   193,  719,  720,  721,  2047, 2048, 2049, 4999, 5000,
                                   5001, 5063, 5064, 5192, 5255, 5256, 5257, 9000, 70001};
    static const size_t large[] = {(1 << 20) - 1,  1 << 20,        (1 << 20) + 1,
                                   (2 << 20) + 17, (3 << 20) - 16, 3 << 20,
                                   (3 << 20) + 1,  (3 << 20) + 16, (15 << 20) + 5};
    bool blocks = family.format == &format_linuxencoder1 ||
                  family.format == &format_linuxencoder3; /* which have no empty files */
    for (size_t i = blocks; i < COUNT(sizes); i++) {
        struct arena_mark mark = arena_mark(arena);
        decodes(&family, sizes[i]);
        arena_pop(arena, mark);
    }
    for (size_t i = 0; i < COUNT(large); i++) {
        struct arena_mark mark = arena_mark(arena);
        if (family.format == &format_gandcrab || family.format == &format_blackbyte)
            decodes(&family, large[i]);
        arena_pop(arena, mark);
    }
    recognised(&family);
    refuses(&family);
}

/* The same, kept as files. */
static void keep(const struct family *family)
{
    static const size_t lens[] = {9000, 3500000};
    for (size_t i = 0; i < COUNT(lens); i++) {
        struct arena_mark mark = arena_mark(arena);
        uint8_t *content = room(lens[i]);
        memcpy(content, noise(lens[i], 50).at, lens[i]);
        bytes plain = samples_png(content, lens[i]);
        bytes once = family->encrypt(plain, &family->key);
        samples_keep(family->format->family, plain, once, family->encrypt(once, &family->key),
                     &family->key, &family->wrong);
        arena_pop(arena, mark);
    }
}

int main(void)
{
    arena = arena_new((size_t)512 << 20);
    uint8_t leading[32] = {0, 0, 0x7f, 1, 2, 3};
    bytes b32 = noise(32, 40), c32 = noise(32, 41), b64 = noise(64, 42), c64 = noise(64, 43);
    struct key k32 = secret_key(KEY_BYTES, b32), w32 = secret_key(KEY_BYTES, c32);
    struct key password = secret_key(KEY_TEXT, text("correct horse battery")),
               wrong = secret_key(KEY_TEXT, text("correct horse batterz"));
    struct key zeros = secret_key(KEY_BYTES, (bytes){leading, 32});
    struct key master = secret_key(KEY_SECP256K1, b32), other = secret_key(KEY_SECP256K1, c32);
    const struct family families[] = {
        {&format_blackbasta, blackbasta, secret_key(KEY_STREAM, b64),
         secret_key(KEY_STREAM, c64), FIT_IS, "a.abc", 0, false},
        {&format_blackbyte, blackbyte, password, wrong, FIT_CAN_BE, "a.blackbyte", 0, false},
        {&format_chaos, chaos, password, wrong, FIT_IS, "a.x1y2", 0, false},
        {&format_dmalocker, dmalocker, k32, w32, FIT_IS, "a.txt", 0, false},
        {&format_echoraix, echoraix, k32, w32, FIT_CAN_BE, "a.encrypt", 0, false},
        {&format_gandcrab, gandcrab, rsa_key(), wrong_rsa_key(), FIT_IS, "a.x", 0, true},
        {&format_linuxencoder1, linuxencoder1, seed_key(1447000000), seed_key(1447000001),
         FIT_IS, "a", 0, true},
        {&format_linuxencoder3, linuxencoder3, k32, w32, FIT_IS, "a", 0, true},
        {&format_maze, maze, rsa_key(), wrong_rsa_key(), FIT_IS, "a.QjV", 0, true},
        {&format_nemucod, nemucod, secret_key(KEY_BYTES, b64), secret_key(KEY_BYTES, c64),
         FIT_CAN_BE, "a.crypted", 0, false},
        {&format_onyx2, onyx2, password, wrong, FIT_IS, "a.onyx", 0, false},
        {&format_princess, princess, password, wrong, FIT_CAN_BE, "a.abcd", 128, false},
        {&format_prometheus, prometheus, seed_key(615750), seed_key(615751), FIT_CAN_BE,
         "a.PROM[x]", 0, false},
        {&format_solidbit, solidbit, seed_key(12345678), seed_key(12345679), FIT_CAN_BE,
         "a.SolidBit", 0, false},
        {&format_teslacrypt2, teslacrypt2, k32, w32, FIT_IS, "a.vvv", 0, true},
        {&format_teslacrypt2, teslacrypt2, zeros, w32, FIT_IS, "a.vvv", 0, true},
        {&format_teslacrypt3, teslacrypt3, master, other, FIT_IS, "a.micro", 0, true},
    };
    for (size_t i = 0; i < COUNT(families); i++) {
        printf("# %s\n", families[i].format->family);
        if (samples_folder())
            keep(&families[i]);
        else
            ask(families[i]);
    }
    arena_free(arena);
    return tap_done();
}

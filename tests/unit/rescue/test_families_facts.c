/* Families of which no published file was at hand: test encryptors that follow the layouts in
 * the formats' files, from bytes to bytes, with the keys of this test. */
#include "crypt/chacha.h"
#include "crypt/hc128.h"
#include "crypt/salsa.h"
#include "crypt/sosemanuk.h"
#include "rescue/formats/families.h"
#include "samples.h"
#include "sealing.h"
#include "shim/cipher.h"
#include "shim/crypto.h"
#include "shim/stream.h"
#include "writing.h"

#include <unistd.h>

static const size_t sizes[] = {0, 1, 4, 5, 6, 15, 16, 17, 63, 64, 65, 100, 4096, 8192, 50001};

static bytes of(const void *at, size_t len)
{
    return (bytes){.at = at, .len = len};
}

static struct key rsa_of(const char *n, const char *d)
{
    return (struct key){.kind = KEY_RSA, .rsa = sealing_key(arena, n, d)};
}

static void chacha(unsigned rounds, bytes key, bytes nonce, uint64_t counter, uint8_t *data,
                   size_t len)
{
    struct chacha cipher;
    if (!chacha_set(&cipher, rounds, key, nonce, counter))
        abort();
    chacha_xor(&cipher, 0, data, len);
}

/* A key that only the plain file's first bytes can check: as comes_back, but a wrong key of the
 * same kind is refused where there are enough of them. */
static void comes_back_unchecked(const struct format *format, struct writing file,
                                 const struct key *key, const struct key *other, bytes plain,
                                 enum fit fit)
{
    struct recipe recipe;
    struct why why = {""};
    bytes ret = {0};
    char text[80];
    bool good = !opened(format, file, "x", key, &ret, &recipe, &why) && bytes_equal(ret, plain);
    int wrong = opened(format, file, "x", other, &ret, &recipe, NULL);
    bool told = plain.len < 4096 ? wrong || recipe.guess : wrong == -EKEYREJECTED;
    snprintf(text, sizeof text, "%s: %zu bytes", format->family, plain.len);
    tap_check(good && told && fit_of(format, file) >= fit, text, __FILE__, __LINE__);
    if (!good || !told)
        printf("# good %d wrong %d: %s\n", good, wrong, why.text);
}

static struct writing conti(bytes plain, uint8_t mode, uint8_t share)
{
    struct privatekey rsa = sealing_key(arena, rsa4096_n, rsa4096_d);
    struct writing file = begin(plain, 600);
    bytes key = noise(40, 3);
    size_t n = plain.len, chunk = n, count = 1, gap = 0;
    if (mode == 0x26)
        chunk = n < 1 << 20 ? n : (size_t)1 << 20;
    if (mode == 0x25) {
        static const uint8_t of_share[] = {
            [10] = 4,  [15] = 5,  [20] = 7,  [25] = 9,  [30] = 10, [35] = 12,
            [40] = 14, [50] = 10, [60] = 20, [70] = 23, [80] = 27};
        count = share == 50 ? 5 : 3;
        chunk = n / 100 * of_share[share];
        gap = share == 50 ? chunk : (n - 3 * chunk) / 2;
    }
    for (size_t i = 0; i < count; i++)
        chacha(8, bytes_slice(key, 0, 32), bytes_slice(key, 32, 8), i * ((chunk + 63) / 64),
               file.at + i * (chunk + gap), chunk);
    CHECK(sealing_pkcs1(arena, &rsa, true, key, add(&file, NULL, 512)));
    add(&file, noise(12, 9).at, 12);
    add_number(&file, mode, 1);
    add_number(&file, share, 1);
    add_number(&file, n, 8);
    return file;
}

static void conti_comes_back(void)
{
    static const uint8_t shares[] = {10, 15, 20, 25, 30, 35, 40, 50, 60, 70, 80};
    struct key key = rsa_of(rsa4096_n, rsa4096_d), other = rsa_of(rsa8192_n, rsa8192_d);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        bytes plain = plain_of(sizes[i]);
        comes_back(&format_conti, conti(plain, 0x24, 0), "x", &key, &other, plain, FIT_IS,
                   "all");
        comes_back(&format_conti, conti(plain, 0x26, 0), "x", &key, &other, plain, FIT_IS,
                   "head");
        uint8_t share = shares[i % COUNT(shares)];
        comes_back(&format_conti, conti(plain, 0x25, share), "x", &key, &other, plain, FIT_IS,
                   "chunks");
    }
    bytes plain = plain_of((1 << 20) + 5000), ret;
    comes_back(&format_conti, conti(plain, 0x26, 0), "x", &key, &other, plain, FIT_IS, "head");
    for (size_t i = 0; i < COUNT(shares); i++)
        comes_back(&format_conti, conti(plain, 0x25, shares[i]), "x", &key, &other, plain,
                   FIT_IS, "chunks");
    struct recipe recipe;
    struct writing file = conti(plain_of(1000), 0x25, 40);
    file.at[file.len - 9] = 41;
    CHECK_INT(opened(&format_conti, file, "x", &key, &ret, &recipe, NULL), -ENOTSUP);
}

static struct writing stop(bytes plain, const char *uuid)
{
    struct writing file = begin(plain, 400);
    struct salsa salsa;
    size_t rest = plain.len > 5 ? plain.len - 5 : 0;
    CHECK(salsa_set(&salsa, 20, of(uuid, 32), of(uuid, 8), 0));
    salsa_xor(&salsa, 0, file.at + 5, rest < 153600 ? rest : 153600);
    add(&file, noise(256, 1).at, 256);
    add(&file, "0123456789012345678901234567890123456789", 40);
    add(&file, "{36A698B9-D67C-4E07-BE82-0EC5B14B4DF5}", 38);
    return file;
}

static void stop_comes_back(void)
{
    static const char uuid[] = "89a1b2c3-0011-4222-8333-445566778899";
    struct key key = {.kind = KEY_TEXT, .secret = of(uuid, 36)};
    struct key other = {.kind = KEY_TEXT,
                        .secret = of("99a1b2c3-0011-4222-8333-445566778899", 36)};
    static const size_t large[] = {153604, 153605, 153606, 400000};
    for (size_t i = 0; i < COUNT(sizes) + COUNT(large); i++) {
        bytes plain = plain_of(i < COUNT(sizes) ? sizes[i] : large[i - COUNT(sizes)]);
        comes_back_unchecked(&format_stop, stop(plain, uuid), &key, &other, plain, FIT_IS);
    }
    struct key wrong = rsa_of(rsa2048_n, rsa2048_d);
    struct recipe recipe;
    bytes ret;
    CHECK_INT(opened(&format_stop, stop(plain_of(500), uuid), "x", &wrong, &ret, &recipe, NULL),
              -EKEYREJECTED);
}

/* Proven by a published file of one size; here of others. */
static struct writing megazord(bytes plain, const uint8_t *secret, const uint8_t *pub)
{
    struct writing file = begin(plain, 40);
    struct sosemanuk cipher;
    uint8_t shared[32], own[32];
    CHECK(x25519_public(secret, own) && x25519_shared(secret, pub, shared));
    CHECK(sosemanuk_set(&cipher, of(shared, 15), of(shared + 16, 16)));
    sosemanuk_xor(&cipher, file.at, plain.len);
    add_number(&file, 0, 8);
    add(&file, own, 32);
    return file;
}

static void megazord_comes_back(void)
{
    bytes master = noise(32, 21), wrong = noise(32, 22), own = noise(32, 23);
    uint8_t pub[32];
    struct key key = {.kind = KEY_CURVE25519, .secret = master};
    struct key other = {.kind = KEY_CURVE25519, .secret = wrong};
    static const size_t large[] = {65535, 65536, 65537, 1 << 20};
    CHECK(x25519_public(master.at, pub));
    for (size_t i = 0; i < COUNT(sizes) + COUNT(large); i++) {
        bytes plain = plain_of(i < COUNT(sizes) ? sizes[i] : large[i - COUNT(sizes)]);
        comes_back_unchecked(&format_megazord, megazord(plain, own.at, pub), &key, &other,
                             plain, plain.len > 512 ? FIT_IS : FIT_CAN_BE);
    }
}

static struct writing magniber(bytes plain, bytes own)
{
    struct privatekey rsa = sealing_key(arena, rsa2048_n, rsa2048_d);
    uint8_t iv[16], fill = (uint8_t)(16 - plain.len % 16);
    for (size_t j = 0; j < 16; j++)
        iv[j] = own.at[2 * j];
    struct writing file = begin(plain, 400);
    memset(add(&file, NULL, fill), fill, fill);
    CHECK(cipher_aes(CIPHER_CBC, CIPHER_ENCRYPT, own, iv, of(file.at, file.len), file.at));
    CHECK(sealing_pkcs1(arena, &rsa, true, own, add(&file, NULL, 256)));
    return file;
}

static const char word_text[] = "7b87952a42d79d02";

static struct writing goodmorning(bytes plain)
{
    struct writing file = begin((bytes){0}, plain.len + 100);
    bytes word = of(word_text, 16);
    uint8_t iv[16], digest[32];
    char size[32];
    snprintf(size, sizeof size, "%016zu", plain.len);
    add(&file, size, 16);
    add(&file, noise(16, 77).at, 16);
    if (plain.len)
        add(&file, plain.at, plain.len);
    add(&file, room(16), (16 - plain.len % 16) % 16);
    CHECK(digest_parts(DIGEST_SHA256, &word, 1, digest));
    memcpy(iv, file.at + 16, 16);
    CHECK(cipher_aes(CIPHER_CBC, CIPHER_ENCRYPT, of(digest, 32), iv,
                     of(file.at + 32, file.len - 32), file.at + 32));
    return file;
}

static void cbc_comes_back(void)
{
    struct key key = rsa_of(rsa2048_n, rsa2048_d), other = rsa_of(session_n, session_d);
    struct key word = {.kind = KEY_TEXT, .secret = of(word_text, 16)};
    struct key wrong = {.kind = KEY_TEXT, .secret = of("7b87952a42d79d03", 16)};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        bytes plain = plain_of(sizes[i]);
        comes_back(&format_magniber, magniber(plain, noise(32, i)), "x", &key, &other, plain,
                   plain.len > 4000 ? FIT_CAN_BE : FIT_NO, "all");
        comes_back_unchecked(&format_goodmorning, goodmorning(plain), &word, &wrong, plain,
                             FIT_IS);
    }
}

static void cfb(bytes key, const uint8_t *iv, uint8_t *data, size_t len)
{
    uint8_t block[16];
    memcpy(block, iv, 16);
    for (size_t at = 0; at < len; at += 16) {
        if (!cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL, of(block, 16), block))
            abort();
        for (size_t i = 0; i < 16 && at + i < len; i++)
            block[i] = data[at + i] ^= block[i];
    }
}

static struct writing hsharada(bytes plain, bytes own, const uint8_t *sealed)
{
    struct writing file = begin(plain, 300);
    cfb(bytes_slice(own, 0, 32), own.at + 32, file.at, plain.len);
    add(&file, sealed, 256);
    return file;
}

static void hsharada_comes_back(void)
{
    struct privatekey rsa = sealing_key(arena, rsa2048_n, rsa2048_d);
    struct key key = rsa_of(rsa2048_n, rsa2048_d), other = rsa_of(session_n, session_d);
    bytes own = noise(48, 4);
    uint8_t sealed[256];
    CHECK(sealing_pkcs1(arena, &rsa, false, own, sealed));
    for (size_t i = 0; i < COUNT(sizes); i++) {
        bytes plain = plain_of(sizes[i]);
        struct writing file = hsharada(plain, own, sealed);
        comes_back(&format_hsharada, file, "x", &key, &other, plain,
                   plain.len > 4000 ? FIT_CAN_BE : FIT_NO, "all");
    }

    /* Where the blocks of large files lie: 25 MiB of each 678, up to 8 GiB. */
    static const struct {
        uint64_t size;
        uint32_t pieces;
        uint64_t count, rest;
    } cases[] = {{(25ULL << 20) - 1, 1, 1, 0},
                 {25ULL << 20, 1, 1, 0},
                 {(678ULL << 20) + 10, 2, 1, 10},
                 {(703ULL << 20), 1, 2, 0},
                 {20ULL << 30, 1, 13, 0}};

    char name[] = "/tmp/candor-hsharada-XXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct recipe recipe = {0};
        CHECK(pwrite(fd, sealed, 256, (off_t)cases[i].size) == 256);
        struct source source = source_of_file(fd, cases[i].size + 256, bytes_of("x"));
        CHECK_INT(format_hsharada.open(&source, &key, arena, &recipe, NULL), 0);
        CHECK_INT(recipe.piece.n, cases[i].pieces);
        CHECK_INT((long long)(recipe.piece.at[0].count ? recipe.piece.at[0].count : 1),
                  (long long)cases[i].count);
        if (recipe.piece.n > 1)
            CHECK_INT((long long)recipe.piece.at[1].length, (long long)cases[i].rest);
    }
    close(fd);
}

struct babuk {
    bytes secret; /* of the attacker */
    uint8_t own_pub[32], shared[32];
};

static struct babuk babuk_of(void)
{
    struct babuk ret = {.secret = noise(32, 5)};
    bytes own = noise(32, 6);
    uint8_t pub[32];
    CHECK(x25519_public(ret.secret.at, pub) && x25519_public(own.at, ret.own_pub));
    CHECK(x25519_shared(own.at, pub, ret.shared));
    return ret;
}

static struct writing babuk_nas(bytes plain, const struct babuk *with)
{
    uint8_t made[64];
    bytes parts[] = {of(with->shared, 32), of(made, 32)};
    CHECK(digest_parts(DIGEST_SHA256, &parts[0], 1, made));
    CHECK(digest_parts(DIGEST_SHA256, &parts[1], 1, made + 32));
    struct writing file = begin(plain, 40);
    struct chacha cipher;
    CHECK(chacha_set(&cipher, 20, of(made, 32), of(made + 42, 12), 0));
    if (plain.len > 20 << 20)
        for (size_t j = 0; j < plain.len / (10 << 20); j++)
            chacha_xor(&cipher, j << 20, file.at + j * (10 << 20), 1 << 20);
    else
        chacha_xor(&cipher, 0, file.at, plain.len < 4 << 20 ? plain.len : 4 << 20);
    add(&file, with->own_pub, 32);
    add(&file, "\xab\xbc\xcd\xde\xef\xf0", 6);
    return file;
}

static struct writing babuk_esxi(bytes plain, const struct babuk *with)
{
    static const uint8_t iv[16];
    uint8_t made[32];
    bytes part = of(with->shared, 32);
    struct writing file = begin(plain, 40);
    struct sosemanuk cipher;
    CHECK(digest_parts(DIGEST_SHA256, &part, 1, made));
    CHECK(sosemanuk_set(&cipher, of(made, 32), of(iv, 16)));
    sosemanuk_xor(&cipher, file.at, plain.len);
    add(&file, with->own_pub, 32);
    return file;
}

static void babuk_comes_back(void)
{
    struct babuk with = babuk_of();
    struct key key = {.kind = KEY_CURVE25519, .secret = with.secret};
    struct key other = {.kind = KEY_CURVE25519, .secret = noise(32, 7)};
    static const size_t large[] = {4 << 20, (4 << 20) + 1, 20 << 20, (20 << 20) + 1};
    for (size_t i = 0; i < COUNT(sizes) + COUNT(large); i++) {
        bytes plain = plain_of(i < COUNT(sizes) ? sizes[i] : large[i - COUNT(sizes)]);
        comes_back_unchecked(&format_babuk_nas, babuk_nas(plain, &with), &key, &other, plain,
                             FIT_IS);
        comes_back_unchecked(&format_babuk_esxi, babuk_esxi(plain, &with), &key, &other, plain,
                             plain.len > 4096 ? FIT_CAN_BE : FIT_NO);
    }
}

static struct writing babuk_windows(bytes plain, const struct babuk *with)
{
    uint8_t made[64];
    bytes part = of(with->shared, 32);
    CHECK(digest_parts(DIGEST_SHA512, &part, 1, made));
    struct writing file = begin(plain, 70);
    struct hc128 cipher;
    size_t n = plain.len, blocks = 1, block = n > 64 ? n / 10 : n, step = 0;
    if (n > 5 << 20) {
        blocks = n > 20 << 20 ? n / (10 << 20) : 3;
        step = n > 20 << 20 ? 10 << 20 : n / 3;
        block = 1 << 20;
    }
    CHECK(hc128_set(&cipher, of(made, 32), of(made + 32, 32)));
    for (size_t j = 0; j < blocks; j++)
        hc128_xor(&cipher, file.at + j * step, block);
    add(&file, with->own_pub, 32);
    add_number(&file, proxima_checksum(made, 64), 4);
    add(&file, "choung dong looks like hot dog!!", 32);
    return file;
}

static void babuk_windows_comes_back(void)
{
    struct babuk with = babuk_of();
    struct key key = {.kind = KEY_CURVE25519, .secret = with.secret};
    struct key other = {.kind = KEY_CURVE25519, .secret = noise(32, 7)};
    static const size_t large[] = {5 << 20, (5 << 20) + 1, 20 << 20, (20 << 20) + 1};
    for (size_t i = 0; i < COUNT(sizes) + COUNT(large); i++) {
        bytes plain = plain_of(i < COUNT(sizes) ? sizes[i] : large[i - COUNT(sizes)]);
        struct writing file = babuk_windows(plain, &with);
        struct recipe recipe;
        bytes ret;
        CHECK(fit_of(&format_babuk_windows, file) == FIT_IS);
        CHECK_INT(opened(&format_babuk_windows, file, "x", &key, &ret, &recipe, NULL), 0);
        CHECK(bytes_equal(ret, plain) && !recipe.guess);
        int wrong = opened(&format_babuk_windows, file, "x", &other, &ret, &recipe, NULL);
        CHECK(plain.len < 50000 ? wrong || recipe.guess : wrong == -EKEYREJECTED);
    }
}

static void alphv_xor(bytes key, uint64_t position, uint8_t *data, size_t len)
{
    uint8_t block[16];
    for (size_t i = 0; i < len; i++) {
        uint64_t number = (position + i) / 16;
        if (i == 0 || (position + i) % 16 == 0) {
            memset(block, 0, 16);
            for (size_t j = 0; j < 8; j++)
                block[j] = (uint8_t)(number >> 8 * j);
            if (!cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL, of(block, 16), block))
                abort();
        }
        data[i] ^= block[(position + i) % 16];
    }
}

static uint16_t crc16(const uint8_t *data, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len * 8; i++) {
        uint32_t bit = (sum ^ (uint32_t)data[i / 8] >> i % 8) & 1;
        sum = sum >> 1 ^ (bit ? 0xa001 : 0);
    }
    return (uint16_t)sum;
}

/* `units` of 512 bytes for what is sealed; published files have more than it needs. */
static struct writing alphv(bytes plain, size_t first, size_t chunk, size_t gap, size_t end,
                            unsigned units)
{
    static const char path[] = "C:\\x\\a.doc";
    struct privatekey rsa = sealing_key(arena, rsa2048_n, rsa2048_d);
    struct writing file = begin(plain, 300 + units * 512), text = begin((bytes){0}, 200);
    bytes key = noise(16, 8);
    size_t at = 0;
    if (first) {
        alphv_xor(key, 0, file.at, first < end ? first : end);
        at = first + gap;
    }
    for (; at < end; at += chunk + gap)
        alphv_xor(key, at, file.at + at, chunk < end - at ? chunk : end - at);
    add(&text, room(18), 18);
    add_number(&text, 65536, 4);
    add_number(&text, end, 8);
    add_number(&text, first, 8);
    add_number(&text, chunk, 8);
    add_number(&text, gap, 8);
    add_number(&text, plain.len, 8);
    add_number(&text, plain.len, 8);
    add(&text, room(16), 12);
    add_number(&text, 1, 1);
    add_number(&text, strlen(path), 8);
    add(&text, path, strlen(path));
    uint16_t sum = crc16(text.at + 6, text.len - 6);
    text.at[4] = (uint8_t)sum;
    text.at[5] = (uint8_t)(sum >> 8);
    CHECK(sealing_pkcs1(arena, &rsa, false, key, add(&file, NULL, 256)));
    alphv_xor(key, file.len, text.at, text.len);
    add_number(&file, 0, 1);
    add_number(&file, text.len, 1);
    add(&file, text.at, text.len);
    add(&file, room(units * 512), units * 512 - 2 - text.len);
    add_number(&file, units, 2);
    add(&file, noise(32, 2).at, 32);
    return file;
}

static void alphv_comes_back(void)
{
    struct key key = rsa_of(rsa2048_n, rsa2048_d), other = rsa_of(session_n, session_d);
    static const size_t ways[][3] = {
        {0, 1 << 30, 0}, {16, 100, 1000}, {1000, 17, 33}, {0, 4096, 4096}, {1 << 20, 64, 64}};
    for (size_t way = 0; way < COUNT(ways); way++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            bytes plain = plain_of(sizes[i]);
            size_t end = way == 1 ? plain.len / 2 : plain.len;
            comes_back(&format_alphv,
                       alphv(plain, ways[way][0], ways[way][1], ways[way][2], end,
                             1 + 3 * (unsigned)(i % 2)),
                       "x", &key, &other, plain, FIT_CAN_BE, "chunks");
        }
    struct recipe recipe;
    bytes ret;
    CHECK_INT(opened(&format_alphv, alphv(plain_of(9), 0, 4, 1, 9, 4), "x", &key, &ret, &recipe,
                     NULL),
              0);
    CHECK(bytes_is(recipe.name, "a.doc"));
}

static struct writing moneymessage(bytes plain, bytes secret)
{
    bytes nonce = noise(12, 3);
    struct writing file = begin(plain, 200);
    for (size_t at = 0; at < plain.len; at += 8192)
        chacha(20, secret, nonce, 7, file.at + at,
               plain.len - at < 8192 ? plain.len - at : 8192);
    uint8_t *tail = file.at + file.len;
    add_number(&file, 144, 4);
    add(&file, noise(144, 4).at, 144);
    add_number(&file, 7, 4);
    add(&file, nonce.at, 12);
    add_number(&file, 0, 4);
    add_number(&file, stream_crc32(0, of(tail, 168)), 4);
    return file;
}

static void moneymessage_comes_back(void)
{
    struct key key = {.kind = KEY_BYTES, .secret = noise(32, 1)};
    struct key other = {.kind = KEY_BYTES, .secret = noise(32, 2)};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        bytes plain = plain_of(sizes[i]);
        comes_back_unchecked(&format_moneymessage, moneymessage(plain, key.secret), &key,
                             &other, plain, FIT_IS);
    }
}

static bytes sample_of(size_t len)
{
    uint8_t *content = room(len);
    memcpy(content, noise(len, 50).at, len);
    return samples_png(content, len);
}

/* The same, kept as files. */
static void keep(bytes plain)
{
    static const char uuid[] = "89a1b2c3-0011-4222-8333-445566778899";
    struct key rsa2048 = rsa_of(rsa2048_n, rsa2048_d), rsa4096 = rsa_of(rsa4096_n, rsa4096_d);
    struct key other = rsa_of(session_n, session_d), rsa8192 = rsa_of(rsa8192_n, rsa8192_d);
    struct key text = {.kind = KEY_TEXT, .secret = of(uuid, 36)};
    struct key text_other = {.kind = KEY_TEXT,
                             .secret = of("99a1b2c3-0011-4222-8333-445566778899", 36)};
    struct key word = {.kind = KEY_TEXT, .secret = of(word_text, 16)};
    struct key word_other = {.kind = KEY_TEXT, .secret = of("7b87952a42d79d03", 16)};
    struct key raw = {.kind = KEY_BYTES, .secret = noise(32, 1)};
    struct key raw_other = {.kind = KEY_BYTES, .secret = noise(32, 2)};
    struct babuk with = babuk_of();
    struct key curve = {.kind = KEY_CURVE25519, .secret = with.secret};
    struct key curve_other = {.kind = KEY_CURVE25519, .secret = noise(32, 7)};
    struct key master = {.kind = KEY_CURVE25519, .secret = noise(32, 21)};
    struct privatekey rsa = sealing_key(arena, rsa2048_n, rsa2048_d);
    bytes own = noise(48, 4);
    uint8_t pub[32], sealed[256];
    CHECK(x25519_public(master.secret.at, pub) &&
          sealing_pkcs1(arena, &rsa, false, own, sealed));
    SAMPLES_KEEP("conti", plain, conti(in, plain.len < 100000 ? 0x24 : 0x25, 50), &rsa4096,
                 &rsa8192);
    SAMPLES_KEEP("stop", plain, stop(in, uuid), &text, &text_other);
    SAMPLES_KEEP("megazord", plain, megazord(in, noise(32, 23).at, pub), &master, &curve_other);
    SAMPLES_KEEP("magniber", plain, magniber(in, noise(32, 3)), &rsa2048, &other);
    SAMPLES_KEEP("goodmorning", plain, goodmorning(in), &word, &word_other);
    SAMPLES_KEEP("hsharada", plain, hsharada(in, own, sealed), &rsa2048, &other);
    SAMPLES_KEEP("babuk_nas", plain, babuk_nas(in, &with), &curve, &curve_other);
    SAMPLES_KEEP("babuk_esxi", plain, babuk_esxi(in, &with), &curve, &curve_other);
    SAMPLES_KEEP("babuk_windows", plain, babuk_windows(in, &with), &curve, &curve_other);
    SAMPLES_KEEP("alphv", plain, alphv(in, 0, 65536, 40000, in.len, 4), &rsa2048, &other);
    SAMPLES_KEEP("moneymessage", plain, moneymessage(in, raw.secret), &raw, &raw_other);
}

int main(void)
{
    crypto_warm();
    if (samples_folder()) {
        arena = arena_new(2UL << 30);
        keep(sample_of(9000));
        keep(sample_of(3500000));
        return tap_done();
    }
    arena = arena_new(2UL << 30);
    conti_comes_back();
    stop_comes_back();
    megazord_comes_back();
    cbc_comes_back();
    hsharada_comes_back();
    babuk_comes_back();
    babuk_windows_comes_back();
    alphv_comes_back();
    moneymessage_comes_back();
    arena_free(arena);
    return tap_done();
}

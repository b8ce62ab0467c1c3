/* Akira for Linux, whose keys come from the times when they were drawn: a test encryptor from
 * bytes to bytes, with the times of this test.
 *
 * Facts: github.com/juaninf/akira-bruteforce (what is encrypted, and with what); nettle's
 * yarrow256.c (what a time becomes); RFC 7008 (KCipher-2). */
#include "crypt/chacha.h"
#include "crypt/kcipher2.h"
#include "rescue/formats/families.h"
#include "samples.h"
#include "shim/cipher.h"
#include "shim/crypto.h"
#include "shim/digest.h"
#include "writing.h"

enum { CHUNK = 65535, SEALED = 512 };

struct times {
    uint64_t at[4];
    unsigned percent;
};

static const struct times right = {
    {1786077189676504001, 1786077189676504033, 1786077189676504072, 1786077189678050965}, 15};

static void sha256(const bytes *parts, size_t count, uint8_t ret[32])
{
    if (!digest_parts(DIGEST_SHA256, parts, count, ret))
        abort();
}

static void aes(const uint8_t key[32], const uint8_t in[16], uint8_t out[16])
{
    if (!cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, (bytes){.at = key, .len = 32}, NULL,
                    (bytes){.at = in, .len = 16}, out))
        abort();
}

/* yarrow256_seed with the digits, then yarrow256_random. */
static void drawn(uint64_t time, uint8_t *ret, size_t len)
{
    char digits[24];
    uint8_t begin[32], key[32], counter[16] = {0}, block[16];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)time);
    bytes seed = bytes_of(digits);
    sha256(&seed, 1, begin);
    memcpy(key, begin, 32);
    for (unsigned i = 1; i < 1500; i++) {
        uint8_t count[4], next[32];
        samples_big(count, i);
        bytes parts[] = {
            {.at = key, .len = 32}, {.at = begin, .len = 32}, {.at = count, .len = 4}};
        sha256(parts, 3, next);
        memcpy(key, next, 32);
    }
    aes(key, counter, counter);
    for (size_t at = 0; at < len; at++) {
        if (at % 16 == 0) {
            aes(key, counter, block);
            for (int i = 15; i >= 0 && ++counter[i] == 0; i--)
                ;
        }
        ret[at] = block[at % 16];
    }
}

/* The streams of one file, which run on from part to part. */
struct streams {
    struct kcipher2 outer;
    struct chacha inner;
    uint64_t inner_blocks;
};

static void streams_begin(struct streams *ret, const struct times *times)
{
    uint8_t key[32], nonce[16], outer[16], iv[16];
    drawn(times->at[0], key, 32);
    drawn(times->at[1], nonce, 16);
    drawn(times->at[2], outer, 16);
    drawn(times->at[3], iv, 16);
    kcipher2_prepare(&ret->outer);
    ret->inner_blocks = 0;
    if (!kcipher2_set(&ret->outer, (bytes){.at = outer, .len = 16},
                      (bytes){.at = iv, .len = 16}) ||
        !chacha_set(&ret->inner, 8, (bytes){.at = key, .len = 32},
                    (bytes){.at = nonce, .len = 8}, 0))
        abort();
}

/* First and last chunk of a part with the one, those between with the other. */
static void lock_part(struct streams *streams, uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len; at += CHUNK) {
        size_t n = len - at < CHUNK ? len - at : CHUNK;
        if (at == 0 || len - at <= CHUNK) {
            kcipher2_xor(&streams->outer, data + at, n);
            continue;
        }
        chacha_xor(&streams->inner, streams->inner_blocks * 64, data + at, n);
        streams->inner_blocks += (n + 63) / 64;
    }
}

static struct writing akira_linux(bytes plain, const struct times *times)
{
    struct writing file = begin(plain, SEALED);
    struct streams streams;
    size_t parts = times->percent > 49 ? 5 : 3,
           block = plain.len * times->percent / 100 / parts,
           step = (plain.len - block * (parts - 1)) / parts;
    streams_begin(&streams, times);
    for (size_t i = 0; i + 1 < parts; i++)
        lock_part(&streams, file.at + i * step, block);
    add(&file, noise(SEALED, 77 + plain.len).at, SEALED);
    return file;
}

static struct key key_of(const struct times *times)
{
    char *text = (char *)room(200);
    snprintf(text, 200, "t1=%llu t2=%llu t3=%llu t4=%llu percent=%u",
             (unsigned long long)times->at[0], (unsigned long long)times->at[1],
             (unsigned long long)times->at[2], (unsigned long long)times->at[3],
             times->percent);
    return (struct key){.kind = KEY_TEXT, .secret = bytes_of(text)};
}

/* With its times the plain file; with one of them off by a nanosecond something else, and never
 * without saying that it is a guess. */
static void comes_back_by_times(size_t size, unsigned percent, enum fit fit)
{
    struct times times = right;
    times.percent = percent;
    bytes plain = plain_of(size), ret = {0};
    struct writing file = akira_linux(plain, &times);
    struct key key = key_of(&times);
    struct recipe recipe;
    struct why why = {""};
    char text[100];
    bool good = !opened(&format_akiralinux, file, "a", &key, &ret, &recipe, &why) &&
                bytes_equal(ret, plain) && fit_of(&format_akiralinux, file) >= fit;
    size_t block = size * percent / 100 / (percent > 49 ? 5 : 3);
    for (size_t i = 0; good && i < 4; i++) {
        /* The first two encrypt what lies between a part's first and last chunk. */
        if (!block || (i < 2 && block <= 2 * CHUNK))
            continue;
        struct times off = times;
        off.at[i]++;
        struct key other = key_of(&off);
        int error = opened(&format_akiralinux, file, "a", &other, &ret, &recipe, NULL);
        good = error || (recipe.guess && !bytes_equal(ret, plain)) ||
               (i < 2 && !bytes_equal(ret, plain));
    }
    snprintf(text, sizeof text, "akira-linux: %zu bytes, %u percent", size, percent);
    tap_check(good, text, __FILE__, __LINE__);
    if (!good)
        printf("# %s\n", why.text);
}

static void without_two_times(void)
{
    /* The parts that KCipher-2 encrypted, and how much is left as it is. */
    bytes plain = plain_of(3000000), ret = {0};
    struct writing file = akira_linux(plain, &right);
    struct key key = {.kind = KEY_TEXT,
                      .secret = bytes_of("1786077189676504072 1786077189678050965")};
    struct recipe recipe;
    size_t block = 150000, step = (plain.len - 2 * block) / 3, wrong = 0;
    CHECK_INT(opened(&format_akiralinux, file, "a", &key, &ret, &recipe, NULL), 0);
    CHECK_INT(recipe.lost, 2 * CHUNK);
    for (size_t i = 0; i < ret.len && ret.len == plain.len; i++) {
        bool between = i % step >= CHUNK && i % step < 2 * CHUNK && i < 2 * step;
        wrong += !between && ret.at[i] != plain.at[i];
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(ret.len, plain.len);
    (void)block;
}

static void keep_samples(size_t len)
{
    uint8_t *content = room(len);
    memcpy(content, noise(len, 50).at, len);
    bytes plain = samples_png(content, len);
    struct times off = right;
    off.at[2] -= 1000000000;
    off.at[3] -= 1000000000;
    struct key key = key_of(&right), other = key_of(&off);
    SAMPLES_KEEP("akiralinux", plain, akira_linux(in, &right), &key, &other);
}

int main(void)
{
    static const size_t sizes[] = {1,       19,      20,      21,      4096,    70000,  1310699,
                                   1310700, 1310720, 2621400, 2621420, 2700000, 6000000};
    crypto_warm();
    arena = arena_new(1UL << 30);
    if (samples_folder()) {
        keep_samples(12000); /* of smaller files too little is encrypted to be seen */
        keep_samples(3500000);
        return tap_done();
    }
    for (size_t i = 0; i < COUNT(sizes); i++)
        comes_back_by_times(sizes[i], 15, sizes[i] > 20000 ? FIT_CAN_BE : FIT_NO);
    for (unsigned percent = 1; percent <= 55; percent += 6)
        comes_back_by_times(700000, percent, FIT_NO);
    comes_back_by_times(700000, 49, FIT_NO);
    comes_back_by_times(700000, 50, FIT_NO);
    arena_reset(arena);
    without_two_times();
    arena_free(arena);
    return tap_done();
}

/* Proton, Shinra, Proxima, Qilin and Trinity, which use stream ciphers: test encryptors that
 * follow the layouts in the formats' files, from bytes to bytes, with the keys of this test. */
#include "crypt/blake2b.h"
#include "crypt/blake3.h"
#include "crypt/chacha.h"
#include "crypt/salsa.h"
#include "rescue/formats/families.h"
#include "samples.h"
#include "sealing.h"
#include "shim/cipher.h"
#include "shim/crypto.h"
#include "writing.h"

#include <unistd.h>

static const size_t sizes[] = {0, 1, 15, 16, 17, 63, 64, 65, 4096, 70000};

struct pair {
    uint8_t secret[32], pub[32];
};

static struct pair pair_of(uint64_t seed)
{
    struct pair ret;
    memcpy(ret.secret, noise(32, seed).at, 32);
    CHECK(x25519_public(ret.secret, ret.pub));
    return ret;
}

static struct key key_of(const struct pair *pair)
{
    return (struct key){.kind = KEY_CURVE25519, .secret = {.at = pair->secret, .len = 32}};
}

static bytes of(const uint8_t *at, size_t len)
{
    return (bytes){.at = at, .len = len};
}

static void chacha(unsigned rounds, const uint8_t *key, bytes nonce, uint64_t counter,
                   uint64_t position, uint8_t *data, size_t len)
{
    struct chacha cipher;
    if (!chacha_set(&cipher, rounds, of(key, 32), nonce, counter))
        abort();
    chacha_xor(&cipher, position, data, len);
}

/* ------------------------------------------------------------------------ Proton and Shinra */

static const uint64_t limits[] = {0x600000,   0x3200000,   0x6400000,  0x1f400000,
                                  0x80000000, 0x300000000, 0x600000000};

static unsigned many(uint64_t size)
{
    unsigned counts[] = {4, 16, 32, 64, 128, 256, 512, 1024}, i = 0;
    while (i < COUNT(limits) && size >= limits[i])
        i++;
    return counts[i];
}

/* The key that the holder of `secret` derives for the public key of `other`, which is in the
 * file: from the other side, as the one who seals knows it. */
static void derive(const struct pair *other, const uint8_t *pub, bool own_first, uint8_t *ret)
{
    uint8_t shared[32];
    CHECK(x25519_shared(other->secret, pub, shared));
    bytes parts[] = {of(shared, 32), of(own_first ? pub : other->pub, 32),
                     of(own_first ? other->pub : pub, 32)};
    blake3_parts(parts, 3, ret, 32);
}

static struct writing proton(bytes plain, unsigned count, const struct pair *master)
{
    struct pair session = pair_of(2), one = pair_of(3), two = pair_of(4);
    struct writing file = begin(plain, 200);
    bytes nonce = noise(24, 5), other = noise(24, 6);
    uint8_t key[32];
    derive(&one, session.pub, false, key);
    if (plain.len <= 0x180000) {
        chacha(20, key, nonce, 1, 0, file.at, plain.len);
    } else {
        for (unsigned i = 0; i < count; i++) {
            size_t at = i + 1 < count ? i * (plain.len / count) : plain.len - 0x40000;
            chacha(20, key, nonce, 1, i * 0x40000ULL, file.at + at, 0x40000);
        }
    }
    add(&file, nonce.at, 24);
    add(&file, one.pub, 32);
    uint8_t *keys = add(&file, &session, 64);
    derive(&two, master->pub, false, key);
    chacha(20, key, other, 1, 0, keys, 64);
    add(&file, other.at, 24);
    add(&file, two.pub, 32);
    return file;
}

static void proton_comes_back(void)
{
    struct pair master = pair_of(1), wrong = pair_of(99);
    struct key key = key_of(&master), other = key_of(&wrong);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        bytes plain = plain_of(sizes[i]);
        comes_back(&format_proton, proton(plain, 3, &master), "a.txt.[m@m].Proton", &key,
                   &other, plain, plain.len > 1000 ? FIT_CAN_BE : FIT_NO, "all");
    }
    static const size_t large[] = {0x180000, 0x180001, 0x600000};
    for (size_t i = 0; i < COUNT(large); i++) {
        bytes plain = plain_of(large[i]), dense = noise(large[i], 12);
        unsigned count = many(large[i]);
        comes_back(&format_proton, proton(plain, 3, &master), "a.txt.[m@m].Proton", &key,
                   &other, plain, FIT_CAN_BE, "three blocks");
        comes_back(&format_proton, proton(plain, count, &master), "a.mdf.[m@m].Proton", &key,
                   &other, plain, FIT_CAN_BE, "many blocks");
        comes_back(&format_proton, proton(dense, count, &master), "a.zip.[m@m].Proton", &key,
                   &other, dense, FIT_CAN_BE, "many blocks of noise, by the name");
        comes_back(&format_proton, proton(plain, count, &master), "aGVsbG8", &key, &other,
                   plain, FIT_CAN_BE, "many blocks, without a name");
    }
}

static void add_box(struct writing *file, bytes message, const struct pair *pair, bytes nonce,
                    const uint8_t *pub)
{
    uint8_t key[32];
    uint8_t *data = add(file, message.at, message.len);
    derive(pair, pub, true, key);
    chacha(20, key, nonce, 1, 0, data, message.len);
    add(file, noise(16, 3).at, 16);
    add(file, nonce.at, 12);
    add(file, pair->pub, 32);
}

static struct writing shinra(bytes plain, const char *name, unsigned count, uint32_t unit,
                             const struct pair *master)
{
    struct pair session = pair_of(2), one = pair_of(3), two = pair_of(4);
    struct writing file = begin(plain, 800 + unit), message = begin((bytes){0}, 584);
    bytes key = noise(32, 7), iv = noise(16, 8);
    uint8_t *stream = room(plain.len + 16);
    for (size_t at = 0; at < plain.len; at += 16) {
        unsigned carry = 0;
        memcpy(stream + at, iv.at, 16);
        for (size_t i = 0; i < 16; i++) {
            carry += stream[at + 15 - i] + (i < 8 ? (uint8_t)((at / 16) >> 8 * i) : 0U);
            stream[at + 15 - i] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    CHECK(cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL,
                     of(stream, (plain.len + 15) & ~15UL), stream));
    size_t step = plain.len / count, done = 0;
    step += (unit - step % unit) % unit;
    if (plain.len <= 0x70000)
        count = 1;
    for (unsigned i = 0; i < count; i++) {
        size_t at = i * step, size = plain.len <= 0x70000 ? plain.len : 0x15000;
        for (size_t j = 0; j < size && at + j < plain.len; j++)
            file.at[at + j] ^= stream[done++];
    }
    add(&message, key.at, 32);
    add(&message, iv.at, 16);
    add_number(&message, plain.len, 8);
    add_number(&message, unit, 4);
    for (size_t i = 0; i <= strlen(name); i++)
        add_number(&message, (uint8_t)name[i], 2);
    add(&message, room(524), 524 - 2 * (strlen(name) + 1));
    add(&file, room(unit), (unit - plain.len % unit) % unit);
    add_box(&file, of(message.at, message.len), &one, noise(12, 10), session.pub);
    add_box(&file, of((const uint8_t *)&session, 64), &two, noise(12, 11), master->pub);
    return file;
}

static void shinra_comes_back(void)
{
    struct pair master = pair_of(1), session = pair_of(2), wrong = pair_of(99);
    struct key key = key_of(&master), own = key_of(&session), other = key_of(&wrong);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        bytes plain = plain_of(sizes[i]);
        comes_back(&format_shinra, shinra(plain, "a.txt", 3, 16, &master), "x", &key, &other,
                   plain, plain.len > 4096 ? FIT_CAN_BE : FIT_NO, "all");
    }
    static const size_t large[] = {0x70000, 0x70001, 0x600000};
    for (size_t i = 0; i < COUNT(large); i++) {
        bytes plain = plain_of(large[i]);
        comes_back(&format_shinra, shinra(plain, "a.txt", 3, 4096, &master), "x", &key, &other,
                   plain, FIT_CAN_BE, "three blocks");
        comes_back(&format_shinra, shinra(plain, "a.vmdk", many(large[i]), 512, &master), "x",
                   &own, &other, plain, FIT_CAN_BE, "many blocks, the session's key");
    }
    struct recipe recipe;
    bytes ret;
    CHECK_INT(opened(&format_shinra, shinra(plain_of(10), "b c.db", 3, 16, &master), "x", &key,
                     &ret, &recipe, NULL),
              0);
    CHECK(bytes_is(recipe.name, "b c.db"));
}

/* ----------------------------------------------------------------------------------- Proxima
 */

static uint32_t checksum(bytes data)
{
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < 8 * data.len; i++) {
        uint32_t bit = data.at[i / 8] >> (7 - i % 8) & 1;
        sum = (sum << 1) ^ ((sum >> 31 ^ bit) ? 0x04c11db7 : 0);
    }
    return sum;
}

struct proxima {
    unsigned size, mode, rounds;
    uint32_t block;
    uint64_t gap; /* size 48 and 52: in blocks */
    bool standard, session;
};

static void proxima_key(const struct pair *pair, const uint8_t *pub, uint8_t ret[32])
{
    uint8_t shared[32];
    bytes part = of(shared, 32);
    CHECK(x25519_shared(pair->secret, pub, shared) &&
          digest_parts(DIGEST_SHA256, &part, 1, ret));
}

static struct writing proxima(bytes plain, struct proxima how, const struct pair *own)
{
    struct writing file = begin(plain, 300);
    struct pair one = pair_of(3), two = pair_of(4), master = pair_of(1);
    struct chacha cipher;
    uint8_t key[32], info[16] = {0};
    uint64_t position = 0, blocks = 0;
    bytes nonce = noise(8, 5);
    proxima_key(&one, own->pub, key);
    CHECK(chacha_set(&cipher, how.rounds, of(key, 32), nonce, 0));
    if (!how.standard)
        memcpy(cipher.state, "hardcore blowjob", 16);
    if (how.size == 64 || how.size == 72) {
        info[0] = (uint8_t)how.mode;
        for (int i = 0; i < 8; i++)
            info[8 + i] = (uint8_t)(how.gap >> 8 * i);
        chacha_xor(&cipher, 0, info, 16);
        position = 16;
    } else {
        how.gap *= how.block;
        how.mode = 3;
    }
    for (size_t at = 0; at < plain.len; at += how.block + (how.mode == 3 ? how.gap : 0)) {
        size_t size = how.block < plain.len - at ? how.block : plain.len - at;
        chacha_xor(&cipher, position, file.at + at, size);
        position += size;
        blocks++;
        if (how.mode == 2)
            break;
    }
    if (how.size == 64 || how.size == 72)
        add(&file, info, 16);
    else
        add_number(&file, how.gap / how.block, 4);
    add(&file, one.pub, 32);
    add(&file, nonce.at, 8);
    add_number(&file, checksum(of(key, 32)), 4);
    if (how.size != 48)
        add_number(&file, checksum(of(one.pub, 32)), 4);
    if (how.size == 72)
        add_number(&file, blocks, 8);
    if (how.session) {
        proxima_key(&two, master.pub, key);
        for (int i = 0; i < 32; i++)
            *add(&file, NULL, 1) = own->secret[i] ^ key[i];
        add(&file, own->pub, 32);
        add(&file, two.pub, 32);
        add_number(&file, checksum(of(key, 32)), 4);
        add_number(&file, 0, 4);
    }
    return file;
}

static void proxima_comes_back(void)
{
    static const struct proxima ways[] = {
        {64, 1, 8, 1 << 20, 0, false, false},      {64, 2, 8, 1 << 20, 0, false, false},
        {64, 3, 8, 1 << 20, 300000, false, false}, {64, 1, 8, 1 << 20, 0, true, false},
        {64, 3, 8, 1 << 20, 5, false, true},       {72, 1, 8, 1 << 18, 0, false, false},
        {72, 2, 8, 1 << 18, 0, false, false},      {72, 3, 8, 1 << 18, 100, false, false},
        {52, 3, 12, 1 << 17, 0, true, false},      {52, 3, 12, 1 << 17, 2, true, false},
        {48, 3, 12, 1 << 17, 0, true, false},      {48, 3, 12, 1 << 17, 1, true, false},
    };
    static const size_t large[] = {(1 << 17) + 1, 1 << 18, (1 << 20) + 400000};
    struct pair own = pair_of(2), master = pair_of(1), wrong = pair_of(99);
    struct key key = key_of(&own), sealed = key_of(&master), other = key_of(&wrong);
    for (size_t way = 0; way < COUNT(ways); way++) {
        char what[60];
        snprintf(what, sizeof what, "trailer of %u, mode %u%s", ways[way].size, ways[way].mode,
                 ways[way].session ? ", by the master key" : "");
        for (size_t i = 0; i < COUNT(sizes) + COUNT(large); i++) {
            bytes plain = plain_of(i < COUNT(sizes) ? sizes[i] : large[i - COUNT(sizes)]);
            bool marked = ways[way].size != 48;
            comes_back(&format_proxima, proxima(plain, ways[way], &own), "x",
                       ways[way].session ? &sealed : &key, &other, plain,
                       marked             ? FIT_IS
                       : plain.len > 1000 ? FIT_CAN_BE
                                          : FIT_NO,
                       what);
        }
    }
}

/* ------------------------------------------------------------------------------------- Qilin
 */

static void little_counter(bytes key, bytes nonce, uint64_t from, uint8_t *data, size_t len)
{
    uint8_t block[16];
    for (size_t i = 0; i < len; i++) {
        uint64_t number = (from + i) / 16;
        unsigned carry = 0;
        for (size_t j = 0; j < 16 && (!i || (from + i) % 16 == 0); j++) {
            carry += nonce.at[j] + (j < 8 ? (uint8_t)(number >> 8 * j) : 0U);
            block[j] = (uint8_t)carry;
            carry >>= 8;
        }
        if ((!i || (from + i) % 16 == 0) &&
            !cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL, of(block, 16), block))
            abort();
        data[i] ^= block[(from + i) % 16];
    }
}

static struct writing qilin(bytes plain, uint64_t chunk, uint64_t gap, bool aes)
{
    struct writing file = begin(plain, 600), message = begin((bytes){0}, 65);
    struct privatekey rsa = sealing_key(arena, rsa4096_n, rsa4096_d);
    bytes key = noise(32, 1);
    uint8_t *nonce = room(16);
    memset(nonce, 0xff, 16); /* the counter is carried over */
    nonce[15] = 0x12;
    uint64_t done = 0;
    for (size_t at = 0; at < plain.len;) {
        size_t size = chunk < plain.len - at ? (size_t)chunk : plain.len - at;
        if (aes)
            little_counter(key, of(nonce, 16), done, file.at + at, size);
        else
            chacha(20, key.at, of(nonce, 12), 0, done, file.at + at, size);
        done += size;
        at += size;
        if (gap == UINT64_MAX || gap >= plain.len - at)
            break;
        at += gap;
    }
    add(&message, key.at, 32);
    add(&message, nonce, 16);
    add_number(&message, chunk, 8);
    add_number(&message, gap, 8);
    add_number(&message, aes, 1);
    CHECK(sealing_oaep(arena, &rsa, of(message.at, message.len), add(&file, NULL, 512)));
    add_number(&file, UINT64_MAX, 8);
    add(&file, "-----END CIPHERTEXT BLOCK-----", 30);
    return file;
}

static void qilin_comes_back(void)
{
    struct key key = {.kind = KEY_RSA, .rsa = sealing_key(arena, rsa4096_n, rsa4096_d)};
    struct key other = {.kind = KEY_RSA, .rsa = sealing_key(arena, rsa8192_n, rsa8192_d)};
    static const uint64_t ways[][2] = {{UINT64_MAX, UINT64_MAX},
                                       {1000, UINT64_MAX},
                                       {64, 0},
                                       {1000, 3000},
                                       {17, 1},
                                       {70000, 70000},
                                       {UINT64_MAX, 16},
                                       {4096, UINT64_MAX - 1}};
    for (size_t way = 0; way < COUNT(ways); way++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            bytes plain = plain_of(sizes[i]);
            comes_back(&format_qilin, qilin(plain, ways[way][0], ways[way][1], way % 2), "x",
                       &key, &other, plain, FIT_IS, way % 2 ? "AES" : "ChaCha20");
        }
    /* Treated twice: what comes out is the first treatment's file, and says so. */
    bytes plain = plain_of(5000), ret;
    struct writing once = qilin(plain, 1000, 500, false), back;
    struct writing twice = qilin(of(once.at, once.len), 1000, 500, true);
    struct recipe recipe;
    CHECK_INT(opened(&format_qilin, twice, "x", &key, &ret, &recipe, NULL), 0);
    CHECK(bytes_equal(ret, of(once.at, once.len)));
    back = begin(ret, 0);
    CHECK_INT(fit_of(&format_qilin, back), FIT_IS);
}

/* ----------------------------------------------------------------------------------- Trinity
 */

static void seal_box(const struct pair *one, const uint8_t *pub, bytes message, uint8_t *ret)
{
    static const uint8_t zero[16];
    uint8_t shared[32], key[32], nonce[24];
    struct salsa salsa;
    bytes parts[] = {of(one->pub, 32), of(pub, 32)};
    blake2b_parts(parts, 2, nonce, 24);
    CHECK(x25519_shared(one->secret, pub, shared));
    salsa_hash(20, shared, zero, key);
    CHECK(salsa_set(&salsa, 20, of(key, 32), of(nonce, 24), 0));
    memcpy(ret, one->pub, 32);
    memset(ret + 32, 0x77, 16);
    memcpy(ret + 48, message.at, message.len);
    salsa_xor(&salsa, 32, ret + 48, message.len);
}

static void add_base64(struct writing *file, const uint8_t *data, size_t len)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)data[i] << 16;
        bits |= i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= i + 2 < len ? data[i + 2] : 0;
        for (size_t j = 0; j < 4; j++)
            *add(file, NULL, 1) =
                i + j <= len ? (uint8_t)letters[bits >> (18 - 6 * j) & 63] : '=';
    }
}

/* What stands behind the plain file. */
static struct writing trinity_trailer(uint64_t size, const uint8_t *key, bytes nonce,
                                      const struct pair *master)
{
    struct writing ret = begin((bytes){0}, 512);
    struct pair session = pair_of(2), one = pair_of(3), two = pair_of(4);
    uint8_t sealed[136];
    bytes session_key = noise(32, 8), session_nonce = noise(24, 9);
    seal_box(&one, session.pub, of(key, 32), add(&ret, NULL, 80));
    add(&ret, nonce.at, 24);
    memcpy(sealed, session.secret, 32);
    chacha(20, session_key.at, session_nonce, 0, 0, sealed, 32);
    seal_box(&two, master->pub, session_key, sealed + 32);
    memcpy(sealed + 112, session_nonce.at, 24);
    size_t text = ret.len;
    add(&ret, "user name;13677986024120011616;", 31);
    add_base64(&ret, sealed, 136);
    add(&ret, ";", 1);
    add_base64(&ret, session.pub, 32);
    char number[32];
    int len = snprintf(number, sizeof number, ";%llu;", (unsigned long long)size);
    add(&ret, number, (size_t)len);
    memset(add(&ret, NULL, 408 - (ret.len - text)), 0, 0);
    return ret;
}

static void trinity_comes_back(void)
{
    struct pair master = pair_of(1), session = pair_of(2), wrong = pair_of(99);
    struct key key = key_of(&master), own = key_of(&session), other = key_of(&wrong);
    bytes file_key = noise(32, 6), nonce = noise(24, 7);
    static const size_t large[] = {(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3000000};
    for (size_t i = 0; i < COUNT(sizes) + COUNT(large); i++) {
        bytes plain = plain_of(i < COUNT(sizes) ? sizes[i] : large[i - COUNT(sizes)]);
        struct writing file = begin(plain, 512);
        chacha(20, file_key.at, nonce, 0, 0, file.at,
               plain.len < 1 << 20 ? plain.len : (size_t)1 << 20);
        struct writing end = trinity_trailer(plain.len, file_key.at, nonce, &master);
        add(&file, end.at, end.len);
        comes_back(&format_trinity, file, "x", i % 2 ? &key : &own, &other, plain, FIT_IS,
                   "one block");
    }
}

static int keep(void *context, bytes part)
{
    struct writing *ret = context;
    add(ret, part.at, part.len);
    return 0;
}

/* A second block, 128 MiB from the first, in a file of which little is on the disk. */
static void trinity_goes_on(void)
{
    enum { STEP = 1 << 27, REST = 5000 };
    struct pair master = pair_of(1);
    struct key key = key_of(&master);
    uint8_t *nonce = room(24), *next = room(24), name[] = "/tmp/candor-trinity-XXXXXX";
    bytes file_key = noise(32, 6), plain = plain_of(REST);
    struct writing block = begin(plain, 0), ret = begin((bytes){0}, REST + 16);
    memset(nonce, 0xff, 3);
    memset(nonce + 3, 0x11, 21);
    memset(next + 3, 0x11, 21);
    next[3] = 0x12;
    chacha(20, file_key.at, of(next, 24), 0, 0, block.at, REST);
    struct writing end = trinity_trailer(STEP + REST, file_key.at, of(nonce, 24), &master);
    int fd = mkstemp((char *)name);
    unlink((char *)name);
    CHECK(pwrite(fd, block.at, REST, STEP) == REST);
    CHECK(pwrite(fd, end.at, end.len, STEP + REST) == (ssize_t)end.len);
    struct source source = source_of_file(fd, STEP + REST + end.len, bytes_of("x"));
    struct recipe recipe = {0};
    struct why why = {""};
    CHECK_INT(format_trinity.open(&source, &key, arena, &recipe, &why), 0);
    CHECK_INT(recipe_apply(&recipe, &source, STEP - 16, keep, &ret, &why), 0);
    CHECK_STR(why.text, "");
    CHECK(ret.len == REST + 16 && !memcmp(ret.at + 16, plain.at, REST));
    CHECK(ret.at[0] == 0 && ret.at[15] == 0);
    close(fd);
}

/* ---------------------------------------------------------------------------- kept as files */

static bytes sample_of(size_t len)
{
    uint8_t *content = room(len);
    memcpy(content, noise(len, 50).at, len);
    return samples_png(content, len);
}

static struct writing trinity(bytes plain, const struct pair *master)
{
    struct writing file = begin(plain, 512);
    bytes key = noise(32, 6), nonce = noise(24, 7);
    chacha(20, key.at, nonce, 0, 0, file.at, plain.len < 1 << 20 ? plain.len : (size_t)1 << 20);
    struct writing end = trinity_trailer(plain.len, key.at, nonce, master);
    add(&file, end.at, end.len);
    return file;
}

static void keep_samples(bytes plain)
{
    struct pair master = pair_of(1), own = pair_of(2), wrong = pair_of(99);
    struct key key = key_of(&master), own_key = key_of(&own), other = key_of(&wrong);
    struct key rsa = {.kind = KEY_RSA, .rsa = sealing_key(arena, rsa4096_n, rsa4096_d)};
    struct key rsa_other = {.kind = KEY_RSA, .rsa = sealing_key(arena, rsa8192_n, rsa8192_d)};
    const struct proxima way = {64, 3, 8, 1 << 20, 300000, false, false};
    SAMPLES_KEEP("proton", plain, proton(in, 3, &master), &key, &other);
    SAMPLES_KEEP("shinra", plain, shinra(in, "a.png", 3, 4096, &master), &key, &other);
    SAMPLES_KEEP("proxima", plain, proxima(in, way, &own), &own_key, &other);
    SAMPLES_KEEP("qilin", plain, qilin(in, 65536, 100000, true), &rsa, &rsa_other);
    SAMPLES_KEEP("trinity", plain, trinity(in, &master), &key, &other);
}

int main(void)
{
    crypto_warm();
    if (samples_folder()) {
        arena = arena_new(2UL << 30);
        keep_samples(sample_of(9000));
        keep_samples(sample_of(3500000));
        return tap_done();
    }
    arena = arena_new(3UL << 30);
    proton_comes_back();
    arena_reset(arena);
    shinra_comes_back();
    arena_reset(arena);
    proxima_comes_back();
    arena_reset(arena);
    qilin_comes_back();
    trinity_comes_back();
    trinity_goes_on();
    arena_free(arena);
    return tap_done();
}

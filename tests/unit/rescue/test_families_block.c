/* MedusaLocker 3, Phobos, Play and Zeppelin, which use block ciphers: test encryptors that
 * follow the layouts in the formats' files, from bytes to bytes, with the keys of this test. */
#include "crypt/rc4.h"
#include "rescue/formats/families.h"
#include "samples.h"
#include "sealing.h"
#include "shim/cipher.h"
#include "shim/crypto.h"
#include "shim/stream.h"
#include "writing.h"

static const size_t sizes[] = {0, 1, 15, 16, 17, 4095, 4096, 4097, 8192, 50000};

static void cbc(bytes key, uint8_t *iv, uint8_t *data, size_t len)
{
    if (!cipher_aes(CIPHER_CBC, CIPHER_ENCRYPT, key, iv, (bytes){.at = data, .len = len}, data))
        abort();
}

static struct key rsa_of(const char *n, const char *d)
{
    return (struct key){.kind = KEY_RSA, .rsa = sealing_key(arena, n, d)};
}

/* --------------------------------------------------------------------------- MedusaLocker 3 */

static bytes turned(const char *hex, size_t size)
{
    bytes view = sealing_hex(arena, hex);
    uint8_t *ret = room(size);
    for (size_t i = 0; i < view.len; i++)
        ret[i] = view.at[view.len - 1 - i];
    return (bytes){.at = ret, .len = size};
}

static bytes session_blob(void)
{
    struct writing blob = begin((bytes){0}, 2000);
    add_number(&blob, 0x0207, 4);
    add_number(&blob, 0xa400, 4);
    add(&blob, "RSA2", 4);
    add_number(&blob, 2048, 4);
    add_number(&blob, 65537, 4);
    add(&blob, turned(session_n, 256).at, 256);
    add(&blob, turned(session_p, 128).at, 128);
    add(&blob, turned(session_q, 128).at, 128);
    add(&blob, room(384), 384);
    add(&blob, turned(session_d, 256).at, 256);
    return (bytes){.at = blob.at, .len = blob.len};
}

static struct writing medusalocker(bytes plain, uint32_t mode, uint32_t block, uint32_t gap)
{
    struct writing file = begin(plain, 1556);
    struct privatekey master = sealing_key(arena, rsa2048_n, rsa2048_d);
    struct privatekey session = sealing_key(arena, session_n, session_d);
    bytes key = noise(32, 7), blob = session_blob();
    for (size_t at = 0; at < plain.len;) {
        size_t size = block < plain.len - at ? block : plain.len - at;
        if (!cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL,
                        (bytes){.at = file.at + at, .len = size}, file.at + at))
            abort();
        at += size;
        if (mode == 1)
            at += gap < plain.len - at ? gap : plain.len - at;
    }
    for (size_t at = 0; at < blob.len; at += 240)
        CHECK(sealing_pkcs1(arena, &master, true, bytes_slice(blob, at, 240),
                            add(&file, NULL, 256)));
    CHECK(sealing_pkcs1(arena, &session, true, key, add(&file, NULL, 256)));
    add_number(&file, plain.len, 8);
    add_number(&file, mode, 4);
    add_number(&file, block, 4);
    add_number(&file, gap, 4);
    return file;
}

static void medusalocker_comes_back(void)
{
    struct key master = rsa_of(rsa2048_n, rsa2048_d), session = rsa_of(session_n, session_d);
    struct key other = rsa_of(rsa1024_n, rsa1024_d);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        bytes plain = plain_of(sizes[i]);
        comes_back(&format_medusalocker3, medusalocker(plain, 1, 4096, 1000), "x", &master,
                   &other, plain, FIT_IS, "gaps");
        comes_back(&format_medusalocker3, medusalocker(plain, 1, 4100, 4096), "x", &session,
                   &other, plain, FIT_IS, "odd blocks, the session's key");
        comes_back(&format_medusalocker3, medusalocker(plain, 0, 1 << 20, 7), "x", &master,
                   &other, plain, FIT_IS, "whole");
    }
}

/* ------------------------------------------------------------------------------------ Phobos
 */

static void phobos_end(struct writing *file, bytes block, bytes key, bytes iv, size_t padding)
{
    struct privatekey rsa = sealing_key(arena, rsa1024_n, rsa1024_d);
    struct writing message = begin(key, 16);
    uint8_t chain[16];
    size_t size = (block.len + 15) / 16 * 16;
    uint8_t *end = add(file, room(size), size);
    memcpy(end, block.at, block.len);
    memcpy(chain, iv.at, 16);
    cbc(key, chain, end, size);
    add(file, room(20), 20);
    add(file, iv.at, 16);
    add_number(file, padding, 4);
    add(&message, "\xba\x0b\xab\xc0\xff\xee\0\0", 8);
    CHECK(sealing_pkcs1(arena, &rsa, false, (bytes){.at = message.at, .len = message.len},
                        add(file, NULL, 128)));
    add_number(file, size + 178, 4);
    add(file, "\xba\x0b\xab\xc0\xff\xee", 6);
}

static void put(uint8_t *at, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static const char path[] = "C\0:\0\\\0a\0\\\0b\0.\0t\0x\0t\0\0\0";

static struct writing phobos_whole(bytes plain, bytes key, bytes iv)
{
    size_t padding = 16 - plain.len % 16;
    struct writing file = begin(plain, 2000);
    uint8_t *head = room(32 + sizeof path), chain[16];
    add(&file, room(padding), padding);
    memcpy(chain, iv.at, 16);
    cbc(key, chain, file.at, file.len);
    put(head + 4, 2, 4);
    put(head + 8, 0xf0a75e12, 4);
    put(head + 24, 32, 4);
    memcpy(head + 32, path, sizeof path);
    phobos_end(&file, (bytes){.at = head, .len = 32 + sizeof path}, key, iv, padding);
    return file;
}

static struct writing phobos_pieces(bytes plain, bytes key, bytes iv, size_t each)
{
    enum { COUNT_ = 3 };
    struct writing file = begin(plain, 4000 + 3 * each);
    size_t end = 32 + 8 * COUNT_ + COUNT_ * each;
    uint8_t *head = room(end + sizeof path);
    put(head + 4, 1, 4);
    put(head + 8, 0xaf77bc0f, 4);
    put(head + 12, COUNT_, 4);
    put(head + 16, each, 4);
    put(head + 24, end, 4);
    memcpy(head + end, path, sizeof path);
    for (size_t i = 0; i < COUNT_; i++) {
        size_t at = i * (plain.len - each) / (COUNT_ - 1);
        put(head + 32 + 8 * i, at, 8);
        memcpy(head + 32 + 8 * COUNT_ + i * each, plain.at + at, each);
        memset(file.at + at, 0, each);
    }
    bytes data = {.at = head + 32 + 8 * COUNT_, .len = COUNT_ * each};
    put(head + 20, stream_crc32(0, data), 4);
    phobos_end(&file, (bytes){.at = head, .len = end + sizeof path}, key, iv, 0);
    return file;
}

static void phobos_comes_back(void)
{
    bytes key = noise(32, 1), iv = noise(16, 2);
    struct key rsa = rsa_of(rsa1024_n, rsa1024_d), wrong = rsa_of(session_n, session_d);
    struct key plain_key = {.kind = KEY_BYTES, .secret = key};
    struct key other = {.kind = KEY_BYTES, .secret = noise(32, 9)};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        bytes plain = plain_of(sizes[i]);
        comes_back(&format_phobos, phobos_whole(plain, key, iv), "x", &rsa, &wrong, plain,
                   FIT_IS, "whole, RSA");
        comes_back(&format_phobos, phobos_whole(plain, key, iv), "x", &plain_key, &other, plain,
                   FIT_IS, "whole, AES");
        if (plain.len >= 3000)
            comes_back(&format_phobos, phobos_pieces(plain, key, iv, 1000), "x", &plain_key,
                       &other, plain, FIT_IS, "pieces");
    }
    struct recipe recipe;
    bytes ret;
    struct writing file = phobos_pieces(plain_of(9000), key, iv, 1000);
    CHECK_INT(opened(&format_phobos, file, "x", &plain_key, &ret, &recipe, NULL), 0);
    CHECK(bytes_is(recipe.name, "b.txt"));
    file.at[9000 + 200] ^= 1; /* of a piece: its CRC-32 tells */
    CHECK_INT(opened(&format_phobos, file, "x", &plain_key, &ret, &recipe, NULL), -EBADMSG);
}

/* -------------------------------------------------------------------------------------- Play
 */

/* As doc/xxhash_spec.md of xxHash has it, for 16 bytes. */
static uint32_t xxhash(const uint8_t *data, uint32_t seed)
{
    const uint32_t p1 = 2654435761U, p2 = 2246822519U, p3 = 3266489917U;
    uint32_t acc[4] = {seed + p1 + p2, seed + p2, seed, seed - p1}, h;
    for (int i = 0; i < 4; i++) {
        acc[i] += load_le32(data + 4 * i) * p2;
        acc[i] = (acc[i] << 13 | acc[i] >> 19) * p1;
    }
    h = (acc[0] << 1 | acc[0] >> 31) + (acc[1] << 7 | acc[1] >> 25) +
        (acc[2] << 12 | acc[2] >> 20) + (acc[3] << 18 | acc[3] >> 14) + 16;
    h = (h ^ h >> 15) * p2;
    h = (h ^ h >> 13) * p3;
    return h ^ h >> 16;
}

struct play {
    unsigned keys, step, large, mode, padding;
    uint32_t block;
    uint64_t blocks;
};

static void play_trailer(struct writing *file, const struct play *how)
{
    struct privatekey rsa = sealing_key(arena, rsa8192_n, rsa8192_d);
    bytes mark = noise(16, 5);
    uint32_t seed = 0;
    for (uint32_t i = 0; i < 16; i++)
        seed = (seed + mark.at[i] + i) & 0xffff;
    add(file, mark.at, 16);
    add_number(file, how->padding, 2);
    add_number(file, how->step, 2);
    add_number(file, how->large, 2);
    add_number(file, how->mode, 2);
    add_number(file, how->block, 4);
    add_number(file, xxhash(mark.at, seed), 4);
    add_number(file, how->blocks, 8);
    for (unsigned i = 0; i < how->keys; i++) {
        uint8_t *blob = room(576);
        put(blob, 560, 4);
        memcpy(blob + 4, "KSSM", 4);
        put(blob + 24, 32, 4);
        memcpy(blob + 28, noise(32, 10 + i).at, 32);
        memcpy(blob + 560, noise(16, 20 + i).at, 16);
        CHECK(sealing_pkcs1(arena, &rsa, false, (bytes){.at = blob, .len = 576},
                            add(file, NULL, 1024)));
    }
}

static struct writing play_small(bytes plain)
{
    struct play how = {.keys = 1, .block = 4096, .padding = (unsigned)(16 - plain.len % 16)};
    struct writing file = begin(plain, 4000);
    uint8_t iv[16];
    add(&file, room(16), how.padding);
    how.blocks = (file.len + 4095) / 4096;
    memcpy(iv, noise(16, 20).at, 16);
    cbc(noise(32, 10), iv, file.at, file.len);
    play_trailer(&file, &how);
    return file;
}

/* AES-GCM's keystream: counter 2 on. */
static void gcm(bytes key, const uint8_t nonce[12], uint64_t from, uint8_t *data, size_t len)
{
    uint8_t block[16];
    for (size_t i = 0; i < len; i++) {
        uint64_t at = from + i;
        uint32_t number = (uint32_t)(at / 16 + 2);
        if (i && at % 16) {
            data[i] ^= block[at % 16];
            continue;
        }
        memcpy(block, nonce, 12);
        for (int j = 0; j < 4; j++)
            block[15 - j] = (uint8_t)(number >> 8 * j);
        if (!cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL, (bytes){.at = block, .len = 16},
                        block))
            abort();
        data[i] ^= block[at % 16];
    }
}

static struct writing play_large(bytes plain, struct play how)
{
    struct writing file = begin(plain, 6000);
    uint8_t iv[16], first[16];
    size_t block = how.block;
    add(&file, room(16), 16);
    size_t body = file.len, whole = (body - 2 * block) / block,
           rest = (body - 2 * block) % block;
    memcpy(iv, noise(16, 20).at, 16);
    cbc(noise(32, 10), iv, file.at, block);
    cbc(noise(32, 10), iv, file.at + body - block, block);
    memcpy(first, file.at + body - block, how.padding);
    memset(file.at + body - block, 0xee, how.padding);
    add(&file, first, how.padding);
    how.blocks = 2;
    size_t step = how.step > 1 ? how.step : 1, at = block;
    uint64_t done = 0;
    memcpy(iv, noise(16, 21).at, 16);
    bytes key = noise(32, 11);
    for (size_t left = whole; how.keys == 2; left -= step) {
        size_t size = left >= step ? block : rest;
        at += left >= step ? (step - 1) * block : left * block;
        if (how.mode == 2)
            gcm(key, iv, done, file.at + at, size);
        else if (how.mode == 1)
            cbc(key, iv, file.at + at, size);
        how.blocks += size != 0;
        done += size;
        at += block;
        if (left < step)
            break;
    }
    play_trailer(&file, &how);
    return file;
}

static void play_comes_back(void)
{
    struct key key = rsa_of(rsa8192_n, rsa8192_d), other = rsa_of(rsa4096_n, rsa4096_d);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        bytes plain = plain_of(sizes[i]);
        comes_back(&format_play, play_small(plain), "x", &key, &other, plain, FIT_IS, "small");
    }
    static const size_t large[] = {2048, 2047, 2049, 3000, 4096, 5000, 20000, 20001};
    for (size_t i = 0; i < COUNT(large); i++)
        for (unsigned mode = 0; mode < 3; mode++) {
            struct play how = {.keys = mode ? 2 : 1,
                               .large = 1,
                               .mode = mode,
                               .step = (unsigned)i % 4,
                               .padding = (unsigned)(i * 5 % 17),
                               .block = 1024};
            bytes plain = plain_of(large[i]);
            comes_back(&format_play, play_large(plain, how), "x", &key, &other, plain, FIT_IS,
                       mode == 0   ? "large"
                       : mode == 1 ? "large, CBC between"
                                   : "large, GCM between");
        }
}

/* ---------------------------------------------------------------------------------- Zeppelin
 */

static void add_part(struct writing *file, bytes part)
{
    struct rc4 rc4;
    bytes key = noise(32, part.len);
    add_number(file, part.len + 32, 4);
    add(file, key.at, 32);
    CHECK(rc4_set(&rc4, key));
    rc4_xor(&rc4, add(file, part.at, part.len), part.len);
}

/* Big endian to decimal digits. */
static bytes digits(const uint8_t *number, size_t size)
{
    char text[400];
    size_t len = 0;
    uint8_t *rest = room(size), *ret;
    memcpy(rest, number, size);
    for (bool more = true; more && len < sizeof text;) {
        unsigned left = 0;
        more = false;
        for (size_t i = 0; i < size; i++) {
            left = left << 8 | rest[i];
            rest[i] = (uint8_t)(left / 10);
            left %= 10;
            more |= rest[i] != 0;
        }
        text[len++] = (char)('0' + left);
    }
    ret = room(len);
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)text[len - 1 - i];
    return (bytes){.at = ret, .len = len};
}

static struct writing zeppelin(bytes plain, size_t block, size_t count, uint64_t seed)
{
    static const char mark[] =
        "\xda\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xbf\r\n\xb3ZEPPELIN\xb3\r\n"
        "\xc0\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xd9\r\n";
    struct privatekey rsa = sealing_key(arena, rsa512_n, rsa512_d);
    struct writing stretch = begin((bytes){0}, block * count + 200);
    struct writing file = begin(plain, 6000 + 8 * count),
                   offsets = begin((bytes){0}, 8 * count);
    bytes key = noise(48, seed);
    uint8_t iv[16], sealed[PRIVATEKEY_MAX];
    add(&stretch, mark, 36);
    uint8_t *head = add(&stretch, room(16), 16);
    add(&stretch, "666", 3);
    for (size_t i = 0; i < count; i++) {
        size_t at = count > 1 ? i * (plain.len - block) / (count - 1) : 0;
        add_number(&offsets, at, 8);
        add(&stretch, plain.at + at, block);
    }
    put(head + 8, stretch.len - 52, 8);
    add(&stretch, room(16), (16 - (stretch.len - 52) % 16) % 16);
    put(head, stretch.len - 52, 8);
    memcpy(iv, key.at + 32, 16);
    cbc(bytes_slice(key, 0, 32), iv, stretch.at + 52, stretch.len - 52);
    for (size_t i = 0; i < count; i++)
        memcpy(file.at + load_le64(offsets.at + 8 * i), stretch.at + i * block, block);
    add(&file, stretch.at + count * block, stretch.len - count * block);
    size_t trailer = file.len;
    add_part(&file, (bytes){.at = offsets.at, .len = offsets.len});
    CHECK(sealing_raw(arena, &rsa, key, sealed));
    add_part(&file, digits(sealed, 64));
    add_part(&file, noise(900, 3));
    add_number(&file, block, 4);
    add_number(&file, plain.len, 8);
    add_number(&file, file.len - trailer + 4, 4);
    return file;
}

static void zeppelin_comes_back(void)
{
    struct key key = rsa_of(rsa512_n, rsa512_d), other = rsa_of(rsa1024_n, rsa1024_d);

    static const struct {
        size_t size, block, count;
    } cases[] = {{1, 1, 1},       {15, 15, 1},     {36, 36, 1},      {100, 100, 1},
                 {51, 51, 1},     {52, 52, 1},     {200, 64, 2},     {5000, 1024, 2},
                 {5000, 1000, 3}, {5000, 1000, 5}, {70000, 4096, 7}, {70001, 61, 300}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        bytes plain = plain_of(cases[i].size);
        comes_back(&format_zeppelin, zeppelin(plain, cases[i].block, cases[i].count, 40 + i),
                   "x", &key, &other, plain, FIT_IS, "blocks");
    }
}

/* ---------------------------------------------------------------------------- kept as files */

static bytes sample_of(size_t len)
{
    uint8_t *content = room(len);
    memcpy(content, noise(len, 50).at, len);
    return samples_png(content, len);
}

static void keep(bytes plain)
{
    struct key rsa2048 = rsa_of(rsa2048_n, rsa2048_d), rsa1024 = rsa_of(rsa1024_n, rsa1024_d);
    struct key rsa8192 = rsa_of(rsa8192_n, rsa8192_d), rsa512 = rsa_of(rsa512_n, rsa512_d);
    struct key rsa4096 = rsa_of(rsa4096_n, rsa4096_d), other = rsa_of(session_n, session_d);
    struct play how = {
        .keys = 2, .large = 1, .mode = 2, .step = 3, .padding = 7, .block = 1024};
    SAMPLES_KEEP("medusalocker3", plain, medusalocker(in, 1, 4096, 1000), &rsa2048, &other);
    if (plain.len < 100000)
        SAMPLES_KEEP("phobos", plain, phobos_whole(in, noise(32, 1), noise(16, 2)), &rsa1024,
                     &other);
    else
        SAMPLES_KEEP("phobos", plain, phobos_pieces(in, noise(32, 1), noise(16, 2), 262144),
                     &rsa1024, &other);
    if (plain.len < 100000)
        SAMPLES_KEEP("play", plain, play_small(in), &rsa8192, &rsa4096);
    else
        SAMPLES_KEEP("play", plain, play_large(in, how), &rsa8192, &rsa4096);
    SAMPLES_KEEP("zeppelin", plain, zeppelin(in, 1024, plain.len < 100000 ? 5 : 300, 45),
                 &rsa512, &rsa1024);
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
    arena = arena_new(1U << 30);
    medusalocker_comes_back();
    phobos_comes_back();
    play_comes_back();
    zeppelin_comes_back();
    arena_free(arena);
    return tap_done();
}

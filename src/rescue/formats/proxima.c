/* Proxima (BlackShadow, Cylance, BTC, ...): ChaCha over all of the file, its first block, or
 * blocks with gaps. Four trailers are known, told apart by their size:
 *
 *     64: 16 what was done, by the first bytes of the stream: u32 1 all, 2 first block only, 3
 * gaps; 4 unused; u64 gap.  32 public key.  8 nonce.  u32 checksum of the key.  u32 of the
 *            public key.  ChaCha8, blocks of 1 MiB.  Behind it may stand (Cylance) 100 bytes,
 * the sealed session key, and 4 more 72: the same and u64 number of blocks that were done;
 * blocks of 256 KiB 48: u32 gap in blocks.  32 public key.  8 nonce.  u32 checksum of the key.
 * ChaCha12, blocks of 128 KiB 52: the same and u32 checksum of the public key
 *
 * Key: SHA-256 of the secret agreed on by X25519. Checksum: CRC-32, most significant bit first,
 * begun with ones. The constants of ChaCha8 are "hardcore blowjob" but in BTC: what comes out
 * of the first 16 bytes tells. Sealed session key: 32 XORed with a key; public key 32; public
 * key for the key 32; u32 checksum of the key. Facts: github.com/rivitna/Malware,
 * Proxima/proxima*_decrypt_file.py and proxima_crypt.py. */
#include "crypt/chacha.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/known.h"
#include "shim/digest.h"

#include <errno.h>
#include <string.h>

enum { KEY = 32, NONCE = 8, INFO = 16, SESSION = 100, TRAILER_MAX = 72 + SESSION + 4 };

struct variant {
    const char *name;
    uint8_t size, behind; /* of the trailer, and of what follows it */
    uint8_t pub, checked; /* offsets of the public key and of its checksum (0: has none) */
    uint8_t rounds;
    uint32_t block;
};

static const struct variant variants[] = {
    {"trailer of 64 bytes", 64, 0, 16, 60, 8, 1 << 20},
    {"trailer of 64 bytes and a session key", 64, SESSION + 4, 16, 60, 8, 1 << 20},
    {"trailer of 72 bytes", 72, 0, 16, 60, 8, 1 << 18},
    {"trailer of 52 bytes", 52, 0, 4, 48, 12, 1 << 17},
    {"trailer of 48 bytes", 48, 0, 4, 0, 12, 1 << 17},
};

uint32_t proxima_checksum(const uint8_t *data, size_t len)
{
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        sum ^= (uint32_t)data[i] << 24;
        for (int bit = 0; bit < 8; bit++)
            sum = sum << 1 ^ (sum >> 31 ? 0x04c11db7 : 0);
    }
    return sum;
}

/* Where a variant's trailer begins in the last TRAILER_MAX bytes. */
static const uint8_t *place(const uint8_t *tail, const struct variant *variant)
{
    return tail + TRAILER_MAX - variant->size - variant->behind;
}

static int tail_of(const struct source *source, uint8_t tail[TRAILER_MAX], struct why *why)
{
    size_t len = source->size < TRAILER_MAX ? (size_t)source->size : TRAILER_MAX;
    memset(tail, 0, TRAILER_MAX);
    return source_tail(source, tail + TRAILER_MAX - len, len, why);
}

static bool is_checked(const uint8_t *trailer, const struct variant *variant)
{
    return variant->checked && load_le32(trailer + variant->checked) ==
                                   proxima_checksum(trailer + variant->pub, KEY);
}

static int proxima_recognise(const struct source *source, struct recognition *ret,
                             struct why *why)
{
    uint8_t tail[TRAILER_MAX];
    int error = tail_of(source, tail, why);
    for (size_t i = 0; !error && i < COUNT(variants); i++) {
        const struct variant *variant = &variants[i];
        uint32_t whole = variant->size + variant->behind;
        if (source->size < whole || !is_checked(place(tail, variant), variant))
            continue;
        ret->fit = FIT_IS;
        ret->variant = variant->behind || variant->size == 72 ? variant->name
                                                              : "trailer of 64 or 52 bytes";
        ret->plain = variant->behind || variant->size == 72 ? source->size - whole : UINT64_MAX;
        fail(&ret->reason, 1, "a public key with its checksum %u bytes before the end",
             whole - variant->pub);
        return 0;
    }
    if (error || source->size <= 48 || tail[TRAILER_MAX - 48 + 4 + 31] & 0x80 ||
        load_le32(tail + TRAILER_MAX - 48) > 4096)
        return error;
    uint8_t head[KNOWN_HEAD];
    size_t len = source->size < KNOWN_HEAD ? (size_t)source->size : KNOWN_HEAD;
    error = source_read(source, 0, head, len, why);
    if (error || !known_noise((bytes){.at = head, .len = len}))
        return error;
    ret->fit = FIT_CAN_BE;
    ret->variant = variants[COUNT(variants) - 1].name;
    ret->plain = source->size - 48;
    fail(&ret->reason, 1, "its last 48 bytes can be a gap, a public key and a nonce");
    return 0;
}

static bool derive(const uint8_t secret[KEY], const uint8_t pub[KEY], uint8_t ret[KEY])
{
    uint8_t shared[KEY];
    bytes part = {.at = shared, .len = KEY};
    return x25519_shared(secret, pub, shared) && digest_parts(DIGEST_SHA256, &part, 1, ret);
}

/* The session's secret out of what follows Cylance's trailer. */
static bool session_of(const uint8_t sealed[SESSION], const uint8_t master[KEY],
                       uint8_t ret[KEY])
{
    uint8_t key[KEY], pub[KEY];
    if (!derive(master, sealed + 64, key) ||
        proxima_checksum(key, KEY) != load_le32(sealed + 96))
        return false;
    for (size_t i = 0; i < KEY; i++)
        ret[i] = sealed[i] ^ key[i];
    return x25519_public(ret, pub) && !memcmp(pub, sealed + 32, KEY);
}

/* Whether a secret gives the key whose checksum the trailer bears. */
static bool is_key(const uint8_t *trailer, const struct variant *variant, const uint8_t *secret,
                   uint8_t ret[KEY])
{
    const uint8_t *pub = trailer + variant->pub;
    return derive(secret, pub, ret) &&
           proxima_checksum(ret, KEY) == load_le32(pub + KEY + NONCE);
}

struct stream {
    struct chacha chacha;
    uint64_t skip; /* bytes of the stream before the file's first */
};

static void stream_xor(void *context, uint64_t position, uint8_t *data, size_t len)
{
    const struct stream *stream = context;
    chacha_xor(&stream->chacha, stream->skip + position, data, len);
}

/* What was done, out of the trailer's first 16 bytes: false when it is none of what is known.
 */
static bool info_of(struct stream *stream, const uint8_t *trailer, uint32_t *mode,
                    uint64_t *gap)
{
    uint8_t info[INFO];
    memcpy(info, trailer, INFO);
    chacha_xor(&stream->chacha, 0, info, INFO);
    stream->skip = INFO;
    *mode = load_le32(info);
    *gap = load_le64(info + 8);
    return *mode >= 1 && *mode <= 3;
}

static int stream_of(const struct variant *variant, const uint8_t *trailer, bytes key,
                     struct stream *ret, uint32_t *mode, uint64_t *gap, struct why *why)
{
    static const char constants[] = "hardcore blowjob";
    const uint8_t *nonce = trailer + variant->pub + KEY;
    *ret = (struct stream){0};
    if (!chacha_set(&ret->chacha, variant->rounds, key, (bytes){.at = nonce, .len = NONCE}, 0))
        return fail(why, EINVAL, "no key of ChaCha");
    if (variant->pub != INFO) {
        *mode = 3;
        *gap = (uint64_t)load_le32(trailer) * variant->block;
        return 0;
    }
    if (info_of(ret, trailer, mode, gap))
        return 0;
    for (size_t i = 0; i < 4; i++)
        ret->chacha.state[i] = load_le32((const uint8_t *)constants + 4 * i);
    if (info_of(ret, trailer, mode, gap))
        return 0;
    return fail(why, ENOTSUP, "the key is right, but what was done to the file is not known");
}

static int blocks(struct recipe *recipe, struct arena *arena, int stream, uint64_t block,
                  uint64_t gap, uint64_t most, struct why *why)
{
    uint64_t size = recipe->size, step;
    if (__builtin_add_overflow(block, gap, &step))
        step = UINT64_MAX;
    uint64_t whole = size >= block ? (size - block) / step + 1 : 0;
    bool ended = whole >= most;
    whole = ended ? most : whole;
    struct recipe_piece piece = {
        .length = whole ? block : 0, .count = whole, .step = step, .stream = stream};
    int error = compose_piece(recipe, arena, &piece, why);
    uint64_t begin;
    if (error || ended || __builtin_mul_overflow(whole, step, &begin) || begin >= size)
        return error;
    piece = (struct recipe_piece){
        .at = begin, .from = begin, .length = size - begin, .stream = stream};
    return compose_piece(recipe, arena, &piece, why);
}

/* What a variant makes of the file with this secret. 1: not this variant, or not the key. */
static int try_variant(const struct source *source, const struct variant *variant,
                       const uint8_t *tail, const uint8_t *secret, struct stream *stream,
                       uint32_t *mode, uint64_t *gap, struct why *why)
{
    const uint8_t *trailer = place(tail, variant);
    uint8_t session[KEY], key[KEY];
    if (source->size < (uint32_t)variant->size + variant->behind ||
        (variant->checked && !is_checked(trailer, variant)))
        return 1;
    bool good = is_key(trailer, variant, secret, key);
    if (!good && variant->behind && session_of(trailer + variant->size, secret, session))
        good = is_key(trailer, variant, session, key);
    if (!good)
        return 1;
    return stream_of(variant, trailer, (bytes){.at = key, .len = KEY}, stream, mode, gap, why);
}

static int proxima_open(const struct source *source, const struct key *key, struct arena *arena,
                        struct recipe *ret, struct why *why)
{
    uint8_t tail[TRAILER_MAX];
    const struct variant *variant = variants;
    struct stream *stream = PUSH(arena, struct stream);
    uint32_t mode = 0;
    uint64_t gap = 0, most = UINT64_MAX;
    int error = tail_of(source, tail, why), last = 1;
    if (error)
        return error;
    if (!stream)
        return fail(why, ENOMEM, "no memory for a key");
    if (key->secret.len != KEY)
        return fail(why, EKEYREJECTED, "no Curve25519 key");
    /* Trailers of 64 and of 52 bytes have their keys and checksums in the same places: what was
     * done comes out of the longer one only. */
    for (; variant < variants + COUNT(variants); variant++) {
        error = try_variant(source, variant, tail, key->secret.at, stream, &mode, &gap, why);
        if (!error)
            break;
        last = error < 0 ? error : last;
    }
    if (error)
        return last < 0 ? last
                        : fail(why, EKEYREJECTED, "not the key whose checksum the file bears");
    if (variant->size == 72)
        most = load_le64(place(tail, variant) + 64);
    if (mode == 2 && most > 1)
        most = 1;

    ret->size = source->size - variant->size - variant->behind;
    struct recipe_stream own = {
        .cipher = RECIPE_OWN, .apply = stream_xor, .context = stream, .grain = 1};
    int number = compose_stream(ret, arena, &own, why);
    if (number < 0)
        return number;
    return blocks(ret, arena, number, variant->block, mode == 3 ? gap : 0, most, why);
}

const struct format format_proxima = {
    .family = "proxima",
    .title = "Proxima (BlackShadow, Cylance)",
    .facts = "github.com/rivitna/Malware, Proxima",
    .proven = true,
    .keys = 1U << KEY_CURVE25519,
    .recognise = proxima_recognise,
    .open = proxima_open,
};

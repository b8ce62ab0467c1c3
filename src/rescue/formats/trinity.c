/* Trinity: XChaCha20 over the first MiB of each 128 MiB.
 *
 *     0 ─── blocks ─── [anything] ─── size-512
 *            80  the file's key in a libsodium sealed box for the session's key
 *            24  nonce of the first block; each block's is one more (little endian)
 *           408  text, filled up: "user;victim;sealed session key;session's public key;size;"
 *
 * The session's secret key, sealed for the master key, in base64: XChaCha20 of it 32, a sealed
 * box with the key for that 80, nonce 24. A sealed box: public key 32, tag 16, XSalsa20 of the
 * message; nonce BLAKE2b-192(public key, receiver's); it is told to be right by the session's
 * public key, not by its tag. Facts: github.com/rivitna/Malware,
 * Trinity/trinity_decrypt_file.py and trinity_crypt.py. */
#include "crypt/blake2b.h"
#include "crypt/chacha.h"
#include "crypt/salsa.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "unpack/base64.h"

#include <errno.h>
#include <string.h>

enum {
    KEY = 32,
    BOX = 80,
    NONCE = 24,
    TEXT = 408,
    TRAILER = BOX + NONCE + TEXT,
    SESSION = KEY + BOX + NONCE,
    ENTRIES = 5,
    BLOCK = 1 << 20,
    STEP = 1 << 27,
};

struct trailer {
    uint8_t box[BOX], nonce[NONCE], session[SESSION], pub[KEY];
    uint64_t plain;
};

static bool decode(bytes text, uint8_t *ret, size_t size)
{
    struct base64_held held = {0};
    for (size_t i = 0; i < text.len; i++)
        if (base64_value(text.at[i]) == BASE64_OUTSIDE && text.at[i] != '=')
            return false;
    return text.len == (size + 2) / 3 * 4 && base64_letters(&held, &text, ret, size) == size;
}

static bool number(bytes text, uint64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9' || __builtin_mul_overflow(*ret, 10, ret) ||
            __builtin_add_overflow(*ret, text.at[i] - '0', ret))
            return false;
    return text.len != 0;
}

/* -EBADMSG: not Trinity's. */
static int trailer_of(const struct source *source, struct trailer *ret, struct why *why)
{
    uint8_t tail[TRAILER];
    if (source->size < TRAILER)
        return fail(why, EBADMSG, "shorter than Trinity's trailer");
    int error = source_tail(source, tail, TRAILER, why);
    if (error)
        return error;
    memcpy(ret->box, tail, BOX);
    memcpy(ret->nonce, tail + BOX, NONCE);
    bytes text = {.at = tail + BOX + NONCE, .len = TEXT}, entry[ENTRIES];
    const uint8_t *end = memchr(text.at, 0, TEXT);
    text.len = end ? (size_t)(end - text.at) : TEXT;
    for (size_t i = 0; i < ENTRIES; i++)
        if (!bytes_cut(&text, ';', &entry[i]))
            return fail(why, EBADMSG, "no five entries in the text at its end");
    while (entry[4].len && entry[4].at[entry[4].len - 1] == ' ')
        entry[4].len--;
    if (!decode(entry[2], ret->session, SESSION) || !decode(entry[3], ret->pub, KEY) ||
        !number(entry[4], &ret->plain))
        return fail(why, EBADMSG, "no keys and size in the text at its end");
    return 0;
}

static int trinity_recognise(const struct source *source, struct recognition *ret,
                             struct why *why)
{
    struct trailer trailer;
    int error = trailer_of(source, &trailer, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    ret->fit = FIT_IS;
    ret->plain = trailer.plain;
    ret->partial = trailer.plain > BLOCK;
    fail(&ret->reason, 1,
         "its last 408 bytes are text with a sealed key, a public key and %llu",
         (unsigned long long)trailer.plain);
    return 0;
}

/* The 32 bytes in a sealed box. */
static bool unbox(const uint8_t box[BOX], const uint8_t secret[KEY], uint8_t ret[KEY])
{
    static const uint8_t zero[16];
    uint8_t own[KEY], shared[KEY], key[KEY], nonce[NONCE];
    struct salsa salsa;
    if (!x25519_public(secret, own) || !x25519_shared(secret, box, shared))
        return false;
    bytes parts[] = {{.at = box, .len = KEY}, {.at = own, .len = KEY}};
    blake2b_parts(parts, COUNT(parts), nonce, NONCE);
    salsa_hash(20, shared, zero, key);
    if (!salsa_set(&salsa, 20, (bytes){.at = key, .len = KEY},
                   (bytes){.at = nonce, .len = NONCE}, 0))
        return false;
    memcpy(ret, box + KEY + 16, KEY);
    salsa_xor(&salsa, 32, ret, KEY); /* the first 32 bytes are Poly1305's key */
    return true;
}

static bool session_of(const struct trailer *trailer, const uint8_t master[KEY],
                       uint8_t ret[KEY])
{
    uint8_t key[KEY], pub[KEY];
    struct chacha chacha;
    if (!unbox(trailer->session + KEY, master, key) ||
        !chacha_set(&chacha, 20, (bytes){.at = key, .len = KEY},
                    (bytes){.at = trailer->session + KEY + BOX, .len = NONCE}, 0))
        return false;
    memcpy(ret, trailer->session, KEY);
    chacha_xor(&chacha, 0, ret, KEY);
    return x25519_public(ret, pub) && !memcmp(pub, trailer->pub, KEY);
}

struct blocks {
    uint8_t key[KEY], nonce[NONCE];
};

static void blocks_xor(void *context, uint64_t position, uint8_t *data, size_t len)
{
    const struct blocks *blocks = context;
    while (len) {
        uint64_t block = position / BLOCK, within = position % BLOCK, carry = block;
        size_t part = len < BLOCK - within ? len : (size_t)(BLOCK - within);
        uint8_t nonce[NONCE];
        struct chacha chacha;
        for (size_t i = 0; i < NONCE; i++) {
            carry += blocks->nonce[i];
            nonce[i] = (uint8_t)carry;
            carry >>= 8;
        }
        if (chacha_set(&chacha, 20, (bytes){.at = blocks->key, .len = KEY},
                       (bytes){.at = nonce, .len = NONCE}, 0))
            chacha_xor(&chacha, within, data, part);
        position += part;
        data += part;
        len -= part;
    }
}

static int trinity_open(const struct source *source, const struct key *key, struct arena *arena,
                        struct recipe *ret, struct why *why)
{
    struct trailer trailer;
    uint8_t session[KEY], pub[KEY];
    int error = trailer_of(source, &trailer, why);
    if (error)
        return error;
    if (trailer.plain > source->size - TRAILER)
        return fail(why, EBADMSG, "cut short: %llu bytes where %llu and a trailer are expected",
                    (unsigned long long)source->size, (unsigned long long)trailer.plain);
    struct blocks *blocks = PUSH(arena, struct blocks);
    if (!blocks)
        return fail(why, ENOMEM, "no memory for a key");
    if (key->secret.len != KEY || !x25519_public(key->secret.at, pub))
        return fail(why, EKEYREJECTED, "no Curve25519 key");
    if (!memcmp(pub, trailer.pub, KEY))
        memcpy(session, key->secret.at, KEY);
    else if (!session_of(&trailer, key->secret.at, session))
        return fail(why, EKEYREJECTED,
                    "neither the session's key nor the master key of this file");
    if (!unbox(trailer.box, session, blocks->key))
        return fail(why, EBADMSG, "the box with the file's key is damaged");
    memcpy(blocks->nonce, trailer.nonce, NONCE);

    uint64_t size = ret->size = trailer.plain;
    uint64_t whole = size >= BLOCK ? (size - BLOCK) / STEP + 1 : 0;
    struct recipe_stream stream = {
        .cipher = RECIPE_OWN, .apply = blocks_xor, .context = blocks, .grain = 1};
    int stream_number = compose_stream(ret, arena, &stream, why);
    if (stream_number < 0)
        return stream_number;
    struct recipe_piece piece = {
        .length = whole ? BLOCK : 0, .count = whole, .step = STEP, .stream = stream_number};
    error = compose_piece(ret, arena, &piece, why);
    if (error || size <= whole * STEP)
        return error;
    piece = (struct recipe_piece){.at = whole * STEP,
                                  .from = whole * STEP,
                                  .length = size - whole * STEP,
                                  .stream = stream_number};
    return compose_piece(ret, arena, &piece, why);
}

const struct format format_trinity = {
    .family = "trinity",
    .title = "Trinity",
    .facts = "github.com/rivitna/Malware, Trinity",
    .proven = true,
    .keys = 1U << KEY_CURVE25519,
    .recognise = trinity_recognise,
    .open = trinity_open,
};

/* TeslaRVNG of 2024 (Secles): two keys of its session, RSA and X25519, seal each file's.
 *
 *     0         4   FE E7 6B B3
 *     4         4   number of the session's keys
 *     8         R   sealed, R is the size of the session's RSA key: OAEP, SHA-384
 *     8+R           the file from there on; of a file of at most 8+R bytes all of it
 *     size      8+R what lay under the first bytes
 *     size+8+R  3   DC 2D 7F
 *
 *     sealed: 43 | public key 32. The 43: ChaCha20, key 32 and nonce 8 out of SHA-384 of what
 *     X25519 agrees on: ChaCha20 key 32, nonce 8, u8 blocks that are skipped, u16 length of a
 *     block in 64 KiB
 *
 * ChaCha20 runs on over blocks (2 MiB at most where some are skipped), so many of which are
 * passed over after each; where some are, the last block of the file is encrypted as well.
 * Names: NAME.id[ID].[contact].secles. Facts: github.com/f6-dfir/Ransomware,
 * TeslaRVNG/tools/secles_decrypt_file.py and secles_crypt.py. Nothing in the file tells whether
 * the X25519 key is right but what comes out. */
#include "crypt/chacha.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"
#include "shim/digest.h"

#include <errno.h>
#include <string.h>

enum {
    BEGIN = 8,
    END = 3,
    KEY = 32,
    NONCE = 8,
    INNER = KEY + NONCE + 3,
    MESSAGE = INNER + KEY,
    FAST_MOST = 0x200000,
};

#define BEGIN_MARK 0xb36be7feU

static const uint8_t end_mark[END] = {0xdc, 0x2d, 0x7f};

static int is_marked(const struct source *source, bool *ret, struct why *why)
{
    uint8_t begin[4], end[END];
    *ret = false;
    if (source->size < BEGIN + END)
        return 0;
    int error = source_read(source, 0, begin, sizeof begin, why);
    if (!error)
        error = source_tail(source, end, END, why);
    *ret = !error && load_le32(begin) == BEGIN_MARK && !memcmp(end, end_mark, END);
    return error;
}

static int teslarvng_recognise(const struct source *source, struct recognition *ret,
                               struct why *why)
{
    bool is;
    int error = is_marked(source, &is, why);
    if (error || !is)
        return error;
    ret->fit = FIT_IS;
    ret->bits = 8 * (4 + END);
    fail(&ret->reason, 1, "'fe e7 6b b3' at its begin, 'dc 2d 7f' at its end");
    return 0;
}

/* What is sealed, by that RSA key. */
static int unseal(const struct source *source, const struct key *key, struct arena *arena,
                  bytes *ret, struct why *why)
{
    bytes sealed;
    size_t len = privatekey_size(&key->rsa);
    if (!len || source->size < BEGIN + END + len)
        return fail(why, EKEYREJECTED, "too short for what an RSA key of %zu bits seals",
                    8 * len);
    int error = source_take(source, BEGIN, len, arena, &sealed, why);
    if (!error)
        error = sealed_oaep_by(key, PRIVATEKEY_SHA384, sealed, arena, ret, why);
    if (!error && ret->len < MESSAGE)
        error = fail(why, EBADMSG, "%zu sealed bytes, not %u", ret->len, (unsigned)MESSAGE);
    return error;
}

/* By the one of the keys that came with `key` that opens it; its size goes to *sealed. */
static int unseal_by_any(const struct source *source, const struct key *key,
                         struct arena *arena, bytes *ret, uint64_t *sealed, struct why *why)
{
    int error = fail(why, EKEYREJECTED,
                     "it is sealed with RSA as well, and no such key came "
                     "with this one");
    for (uint32_t i = 0; key->ring && i < key->ring->key.n && error; i++) {
        const struct key *other = &key->ring->key.at[i];
        if (other->kind != KEY_RSA)
            continue;
        error = unseal(source, other, arena, ret, why);
        *sealed = privatekey_size(&other->rsa);
    }
    return error;
}

/* What X25519 seals in it: false for no key. */
static bool inner_of(bytes message, const struct key *key, uint8_t ret[INNER])
{
    uint8_t shared[KEY], made[DIGEST_MAX];
    bytes part = {.at = shared, .len = KEY};
    struct chacha chacha;
    if (key->secret.len != KEY || !x25519_shared(key->secret.at, message.at + INNER, shared) ||
        !digest_parts(DIGEST_SHA384, &part, 1, made) ||
        !chacha_set(&chacha, 20, (bytes){.at = made, .len = KEY},
                    (bytes){.at = made + KEY, .len = NONCE}, 0))
        return false;
    memcpy(ret, message.at, INNER);
    chacha_xor(&chacha, 0, ret, INNER);
    return true;
}

/* The first block: what lies under the header is behind the file. */
static int first_block(struct recipe *recipe, struct arena *arena, int stream, uint64_t header,
                       uint64_t block, struct why *why)
{
    bool all = block <= header;
    struct recipe_piece piece = {
        .from = all ? header : recipe->size, .length = all ? block : header, .stream = stream};
    int error = compose_piece(recipe, arena, &piece, why);
    if (error || all)
        return error;
    piece = (struct recipe_piece){
        .at = header, .from = header, .length = block - header, .stream = stream};
    return compose_piece(recipe, arena, &piece, why);
}

static int in_place(struct recipe *recipe, struct arena *arena, int stream, uint64_t at,
                    uint64_t length, struct why *why)
{
    struct recipe_piece piece = {.at = at, .from = at, .length = length, .stream = stream};
    return compose_piece(recipe, arena, &piece, why);
}

static int blocks(struct recipe *recipe, struct arena *arena, int stream, uint64_t header,
                  const uint8_t settings[3], struct why *why)
{
    uint64_t size = recipe->size, skip = settings[0];
    uint64_t block = (uint64_t)load_le16(settings + 1) << 16;
    if (skip && block > FAST_MOST)
        block = FAST_MOST;
    uint64_t step = block * (skip + 1);
    block = block < size ? block : size;
    bool last = skip && size > block;
    uint64_t stop = last ? size - block : size;
    uint64_t whole = step < stop && stop - step >= block ? (stop - step - block) / step + 1 : 0;
    int error = first_block(recipe, arena, stream, header, block, why);
    struct recipe_piece piece = {.at = step,
                                 .from = step,
                                 .length = whole ? block : 0,
                                 .count = whole,
                                 .step = step,
                                 .stream = stream};
    if (!error)
        error = compose_piece(recipe, arena, &piece, why);
    uint64_t at = step * (whole + 1);
    if (!error && at < stop)
        error = in_place(recipe, arena, stream, at, stop - at, why);
    if (error || !last)
        return error;
    at = stop > block ? stop : block;
    return in_place(recipe, arena, stream, at, size - at, why);
}

static int teslarvng_open(const struct source *source, const struct key *key,
                          struct arena *arena, struct recipe *ret, struct why *why)
{
    bytes message = {0};
    uint64_t sealed = 0;
    bool is;
    uint8_t *inner = arena_push(arena, INNER);
    if (!inner)
        return fail(why, ENOMEM, "no memory for a key");
    int error = is_marked(source, &is, why);
    if (!error && !is)
        error = fail(why, EBADMSG, "without the marks of Secles");
    if (error)
        return error;
    if (key->kind == KEY_RSA) {
        error = unseal(source, key, arena, &message, why);
        return error ? error
                     : fail(why, ENOKEY,
                            "the RSA key is right; the Curve25519 key of the same "
                            "session is wanted with it");
    }
    error = unseal_by_any(source, key, arena, &message, &sealed, why);
    if (error)
        return error;
    if (!inner_of(message, key, inner) || !load_le16(inner + KEY + NONCE + 1))
        return fail(why, EKEYREJECTED, "not the Curve25519 key of that session");
    uint64_t header = BEGIN + sealed;
    ret->size = source->size - header - END;
    struct recipe_stream stream = {.cipher = RECIPE_CHACHA,
                                   .rounds = 20,
                                   .key = {.at = inner, .len = KEY},
                                   .iv = {.at = inner + KEY, .len = NONCE}};
    int number = compose_stream(ret, arena, &stream, why);
    error = number < 0 ? number : blocks(ret, arena, number, header, inner + KEY + NONCE, why);
    ret->guess = true;
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_teslarvng = {
    .family = "teslarvng",
    .title = "TeslaRVNG (Secles)",
    .facts = "github.com/f6-dfir/Ransomware, TeslaRVNG",
    .proven = true,
    .keys = 1U << KEY_RSA | 1U << KEY_CURVE25519,
    .recognise = teslarvng_recognise,
    .open = teslarvng_open,
};

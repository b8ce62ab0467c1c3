/* INC Ransom: of each 3,000,000 bytes of the file the first 1,000,000 through AES-128-CTR,
 * which runs on; behind the data
 *
 *     -35  32  an X25519 public key
 *      -3   3  "INC"
 *
 * Of SHA-512 of the shared secret, bytes 0 to 15 are the key, 16 to 31 the first counter block,
 * big endian. Facts: github.com/rivitna/Malware, Inc/inc_decrypt_file.py. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/digest.h"
#include "shim/privatekey.h"

#include <errno.h>
#include <string.h>

enum { PUBLIC = 32, TRAILER = PUBLIC + 3, PART = 1000000, STEP = 3 * PART, KEY = 16 };

static int trailer_of(const struct source *source, uint8_t ret[TRAILER], struct why *why)
{
    int error = source->size < TRAILER ? -EBADMSG : source_tail(source, ret, TRAILER, why);
    if (error && error != -EBADMSG)
        return error;
    if (error || memcmp(ret + PUBLIC, "INC", 3) != 0 || ret[PUBLIC - 1] & 0x80 ||
        !compose_chance(source, source->size - 3, PUBLIC))
        return fail(why, EBADMSG, "no public key and 'INC' at the file's end");
    return 0;
}

static int inc_recognise(const struct source *source, struct recognition *ret, struct why *why)
{
    uint8_t trailer[TRAILER];
    int error = trailer_of(source, trailer, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    uint64_t plain = source->size - TRAILER;
    size_t head = plain < 4096 ? (size_t)plain : 4096;
    bool noise = compose_chance(source, head, head);
    /* 24 bits of the mark, one of the key, and more of the noise. */
    ret->fit = noise && plain >= 512 ? FIT_IS : noise ? FIT_CAN_BE : FIT_NO;
    ret->partial = plain > PART;
    ret->plain = plain;
    fail(&ret->reason, 1, "'INC' behind a public key, noise at the start");
    return 0;
}

static int inc_open(const struct source *source, const struct key *key, struct arena *arena,
                    struct recipe *ret, struct why *why)
{
    uint8_t trailer[TRAILER], shared[X25519_SIZE], *hash = arena_push(arena, DIGEST_MAX);
    if (!hash)
        return fail(why, ENOMEM, "no memory for a key");
    int error = trailer_of(source, trailer, why);
    if (error)
        return error;
    bytes secret = {shared, sizeof shared};
    if (key->secret.len != X25519_SIZE || !x25519_shared(key->secret.at, trailer, shared) ||
        !digest_parts(DIGEST_SHA512, &secret, 1, hash))
        return fail(why, EKEYREJECTED, "no shared secret of this key and the file's");
    ret->size = source->size - TRAILER;
    struct recipe_stream stream = {
        .cipher = RECIPE_AES_CTR, .key = {hash, KEY}, .iv = {hash + KEY, 16}};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    uint64_t whole = ret->size / STEP + (ret->size % STEP >= PART), at = whole * STEP;
    struct recipe_piece piece = {
        .length = PART, .count = whole, .step = STEP, .stream = number};
    if (whole)
        error = compose_piece(ret, arena, &piece, why);
    if (!error && at < ret->size) {
        piece = (struct recipe_piece){
            .at = at, .from = at, .length = ret->size - at, .stream = number};
        error = compose_piece(ret, arena, &piece, why);
    }
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_inc = {
    .family = "inc",
    .title = "INC Ransom",
    .facts = "github.com/rivitna/Malware, Inc",
    .proven = true,
    .keys = 1U << KEY_CURVE25519,
    .recognise = inc_recognise,
    .open = inc_open,
};

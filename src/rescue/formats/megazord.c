/* Megazord (of Akira, 2023): all of the file through Sosemanuk, behind it
 *
 *     -40   8  0
 *     -32  32  an X25519 public key
 *
 * Of the shared secret, bytes 0 to 14 are the key and 16 to 31 the IV.
 * Facts: github.com/rivitna/Malware, Akira/megazord_decrypt_file.py. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/privatekey.h"

#include <errno.h>

enum { PUBLIC = 32, ZEROS = 8, TRAILER = PUBLIC + ZEROS, KEY = 15, IV_AT = 16, IV = 16 };

static int trailer_of(const struct source *source, uint8_t ret[TRAILER], struct why *why)
{
    int error = source->size < TRAILER ? -EBADMSG : source_tail(source, ret, TRAILER, why);
    if (error && error != -EBADMSG)
        return error;
    /* A number below 2^255 - 19. */
    if (error || load_le64(ret) || ret[TRAILER - 1] & 0x80 ||
        !compose_chance(source, source->size, PUBLIC))
        return fail(why, EBADMSG, "no 8 zeros and public key at the file's end");
    return 0;
}

static int megazord_recognise(const struct source *source, struct recognition *ret,
                              struct why *why)
{
    uint8_t trailer[TRAILER];
    int error = trailer_of(source, trailer, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    uint64_t plain = source->size - TRAILER;
    size_t near = plain < 4096 ? (size_t)plain : 4096;
    bool noise = compose_chance(source, near, near) && compose_chance(source, plain, near);
    ret->fit = noise && plain >= 512 ? FIT_IS : noise ? FIT_CAN_BE : FIT_NO;
    ret->plain = plain;
    fail(&ret->reason, 1, "8 zeros and a public key behind noise");
    return 0;
}

static int megazord_open(const struct source *source, const struct key *key,
                         struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t trailer[TRAILER], *shared = arena_push(arena, X25519_SIZE);
    if (!shared)
        return fail(why, ENOMEM, "no memory for a key");
    int error = trailer_of(source, trailer, why);
    if (error)
        return error;
    if (key->secret.len != X25519_SIZE ||
        !x25519_shared(key->secret.at, trailer + ZEROS, shared))
        return fail(why, EKEYREJECTED, "no shared secret of this key and the file's");
    ret->size = source->size - TRAILER;
    struct recipe_stream stream = {
        .cipher = RECIPE_SOSEMANUK, .key = {shared, KEY}, .iv = {shared + IV_AT, IV}};
    int number = compose_stream(ret, arena, &stream, why);
    struct recipe_piece piece = {.length = ret->size, .stream = number};
    error = number < 0 ? number : compose_piece(ret, arena, &piece, why);
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_megazord = {
    .family = "megazord",
    .title = "Megazord",
    .facts = "github.com/rivitna/Malware, Akira",
    .proven = true,
    .keys = 1U << KEY_CURVE25519,
    .recognise = megazord_recognise,
    .open = megazord_open,
};

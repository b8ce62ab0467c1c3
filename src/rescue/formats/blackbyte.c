/* BlackByte 1 (.blackbyte): AES-128-CBC under one key and one IV for everything.
 *
 *     up to 3 MiB    the whole file, padded (PKCS #7)
 *     above          the first and the last 1 MiB; 5 MiB above 15 MiB, 50 MiB above 150 MiB
 *
 * Key and IV are 32 bytes of PBKDF2 (HMAC-SHA-1, salt 01 .. 08, 1,000 rounds) of a password
 * that a file 'forest.png' hides: keys/forest.c. Nothing in an encrypted file marks the family.
 * Facts: Trustwave SpiderLabs, BlackByteDecryptor, and its published file. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/digest.h"

#include <errno.h>
#include <string.h>

enum { BLOCK = 16, KEY = 16, MIB = 1 << 20 };

static int blackbyte_recognise(const struct source *source, struct recognition *ret,
                               struct why *why)
{
    (void)why;
    bool small = source->size <= 3 * MIB + BLOCK && source->size % BLOCK == 0;
    if (!source->size || (!small && source->size <= 3 * MIB) || !compose_unmarked(source))
        return 0;
    ret->fit = FIT_CAN_BE;
    ret->partial = !small;
    if (!small)
        ret->plain = source->size;
    fail(&ret->reason, 1, "noise at its start and end%s%s",
         small ? ", and of whole blocks" : "",
         compose_named(source, ".blackbyte") ? ", and named '.blackbyte'" : "");
    return 0;
}

/* First and last part, each with the IV. */
static int large(const struct source *source, bytes key, bytes iv, struct arena *arena,
                 struct recipe *ret, struct why *why)
{
    uint64_t part = source->size > 150 * MIB  ? 50 * MIB
                    : source->size > 15 * MIB ? 5 * MIB
                                              : MIB;
    struct recipe_stream stream = {.cipher = RECIPE_AES_CBC, .key = key, .iv = iv};
    ret->size = source->size;
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    uint64_t last = source->size - part;
    struct recipe_piece pieces[] = {
        {.length = part, .stream = number, .start = RECIPE_RESTART},
        {.at = last, .from = last, .length = part, .stream = number, .start = RECIPE_RESTART},
    };
    int error = compose_piece(ret, arena, &pieces[0], why);
    return error ? error : compose_piece(ret, arena, &pieces[1], why);
}

static int blackbyte_open(const struct source *source, const struct key *key,
                          struct arena *arena, struct recipe *ret, struct why *why)
{
    static const uint8_t salt[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t *made = arena_push(arena, KEY + BLOCK);
    if (!made)
        return fail(why, ENOMEM, "no memory for a key");
    if ((key->kind != KEY_TEXT && key->kind != KEY_BYTES) || !key->secret.len)
        return fail(why, EKEYREJECTED, "a key of BlackByte 1 is the password in 'forest.png'");
    if (!digest_stretch(DIGEST_SHA1, key->secret, (bytes){salt, sizeof salt}, 1000, made,
                        KEY + BLOCK))
        return fail(why, EIO, "libcrypto does not compute PBKDF2");
    bytes secret = {made, KEY}, iv = {made + KEY, BLOCK};
    uint64_t size = source->size;
    if (!size || (size <= 3 * MIB && size % BLOCK))
        return fail(why, EBADMSG, "BlackByte's files of up to 3 MiB are of whole blocks");

    /* 3 MiB and a block: padded, or one above the limit. */
    if (size <= 3 * MIB + BLOCK && size % BLOCK == 0) {
        int fill = compose_padding(source, 0, size, secret, iv.at, why);
        if (fill < 0)
            return fill;
        if (!fill && size <= 3 * MIB)
            return fail(why, EKEYREJECTED, "the password does not give a padding at the end");
        if (fill) {
            ret->size = size - (unsigned)fill;
            int error = compose_cbc(source, 0, secret, iv.at, arena, ret, why);
            return error ? error : compose_try(ret, source, arena, why);
        }
    }
    int error = large(source, secret, iv, arena, ret, why);
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_blackbyte = {
    .family = "blackbyte",
    .title = "BlackByte 1",
    .facts = "Trustwave SpiderLabs, BlackByteDecryptor",
    .proven = true,
    .keys = 1 << KEY_BYTES | 1 << KEY_TEXT,
    .recognise = blackbyte_recognise,
    .open = blackbyte_open,
};

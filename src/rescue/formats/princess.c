/* Princess Locker 1: AES-128-CBC over the whole file, IV 0, in parts of 128 bytes, the last one
 * filled up with zeros. Nothing marks the family, and how many zeros there are is not written.
 *
 * The key is a text of 21 to 32 characters of [0-9A-Za-z] by Microsoft C's rand, seeded with
 * the time in seconds; as a key serve the first 16 bytes of SHA-256 of as many *bytes* of the
 * text in UTF-16 as it has characters: half of it. Facts: hasherezade, princesslocker_decrypt.
 */
#include "crypt/generator.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/digest.h"

#include <errno.h>
#include <string.h>

enum { LEAST = 21, MOST = 32, PART = 128, KEY = 16 };

void princess_text(uint32_t seed, uint8_t ret[32])
{
    static const char letters[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (unsigned i = 0; i < MOST; i++)
        ret[i] = (uint8_t)letters[generator_msvc_next(&seed) % (sizeof letters - 1)];
}

bool princess_key(bytes text, size_t len, uint8_t ret[16])
{
    uint8_t wide[MOST] = {0}, digest[32];
    bytes part = {wide, len};
    if (len > MOST || text.len < (len + 1) / 2)
        return false;
    for (size_t i = 0; i < len; i += 2)
        wide[i] = text.at[i / 2];
    if (!digest_parts(DIGEST_SHA256, &part, 1, digest))
        return false;
    memcpy(ret, digest, KEY);
    return true;
}

static int princess_recognise(const struct source *source, struct recognition *ret,
                              struct why *why)
{
    (void)why;
    if (source->size % PART || !compose_unmarked(source))
        return 0;
    ret->fit = FIT_CAN_BE;
    fail(&ret->reason, 1, "noise from its first to its last byte, and a multiple of 128 bytes");
    return 0;
}

static int princess_open(const struct source *source, const struct key *key,
                         struct arena *arena, struct recipe *ret, struct why *why)
{
    static const uint8_t iv[16];
    uint8_t *made = arena_push(arena, KEY);
    if (!made)
        return fail(why, ENOMEM, "no memory for a key");
    if (source->size % 16)
        return fail(why, EBADMSG, "Princess Locker's files are of whole blocks of 16 bytes");
    bytes secret = {made, KEY};
    bool text = (key->kind == KEY_TEXT || key->kind == KEY_BYTES) && key->secret.len >= LEAST &&
                key->secret.len <= MOST;
    if (!text && !compose_secret(key, KEY, &secret))
        return fail(why, EKEYREJECTED, "a key of Princess Locker is of 21 to 32 characters");
    if (text && !princess_key(key->secret, key->secret.len, made))
        return fail(why, EIO, "libcrypto does not compute SHA-256");
    ret->size = source->size;
    int error = compose_cbc(source, 0, secret, iv, arena, ret, why);
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_princess = {
    .family = "princess",
    .title = "Princess Locker 1",
    .facts = "hasherezade, princesslocker_decrypt",
    .keys = 1 << KEY_BYTES | 1 << KEY_TEXT,
    .recognise = princess_recognise,
    .open = princess_open,
};

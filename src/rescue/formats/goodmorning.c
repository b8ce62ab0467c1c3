/* GoodMorning: AES-256-CBC over the whole file.
 *
 *     0 the plain file's size, 16 decimal digits.  16 IV.  32 whole blocks
 *
 * The key is SHA-256 of a password of 80 characters. Facts: github.com/rivitna/Malware,
 * GoodMorning/gm_decrypt_file.py. No published file was at hand. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/digest.h"

#include <errno.h>

enum { DIGITS = 16, HEAD = 32, AES = 16, CHUNK = 1 << 16 };

/* False: not GoodMorning's. */
static bool size_of(const struct source *source, const uint8_t *head, uint64_t *ret)
{
    bool any = false;
    *ret = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        if (head[i] == ' ' && !any)
            continue;
        if (head[i] < '0' || head[i] > '9')
            return false;
        any = true;
        *ret = *ret * 10 + (head[i] - '0');
    }
    uint64_t body = source->size - HEAD;
    return any && body % AES == 0 && *ret <= body && body - *ret <= AES;
}

static int goodmorning_recognise(const struct source *source, struct recognition *ret,
                                 struct why *why)
{
    uint8_t head[HEAD];
    if (source->size < HEAD)
        return 0;
    int error = source_read(source, 0, head, HEAD, why);
    if (error || !size_of(source, head, &ret->plain))
        return error;
    ret->fit = FIT_IS;
    fail(&ret->reason, 1, "it begins with the plain file's size in 16 digits");
    return 0;
}

static int goodmorning_open(const struct source *source, const struct key *key,
                            struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t *head = arena_push(arena, HEAD + 32);
    if (!head)
        return fail(why, ENOMEM, "no memory for a key");
    if (source->size < HEAD)
        return fail(why, EBADMSG, "shorter than a size and an IV");
    int error = source_read(source, 0, head, HEAD, why);
    if (error)
        return error;
    if (!size_of(source, head, &ret->size))
        return fail(why, EBADMSG, "it does not begin with its plain size in 16 digits");
    bytes secret = key->secret;
    if (key->kind == KEY_TEXT) {
        if (!digest_parts(DIGEST_SHA256, &secret, 1, head + HEAD))
            return fail(why, ENOMEM, "libcrypto refused");
        secret = (bytes){.at = head + HEAD, .len = 32};
    }
    if (secret.len != 32)
        return fail(why, EKEYREJECTED, "not a password, nor 32 bytes");
    error = compose_cbc(source, HEAD, secret, head + DIGITS, arena, ret, why);
    ret->guess = true;
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_goodmorning = {
    .family = "goodmorning",
    .title = "GoodMorning",
    .facts = "github.com/rivitna/Malware, GoodMorning",
    .keys = 1U << KEY_TEXT | 1U << KEY_BYTES,
    .recognise = goodmorning_recognise,
    .open = goodmorning_open,
};

/* Magniber: AES-256-CBC over the whole file, filled up by PKCS #7.
 *
 *     0 ─── the file ─── size-256
 *           256 the key, 32, sealed by RSA-2048, PKCS #1 v1.5, the number little endian
 *
 * The IV is every other byte of the key. Facts: github.com/rivitna/Malware,
 * Magniber/magniber_decrypt_file.py. No published file was at hand. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"

#include <errno.h>

enum { RSA = 256, KEY = 32, AES = 16 };

static int magniber_recognise(const struct source *source, struct recognition *ret,
                              struct why *why)
{
    (void)why;
    if (source->size < RSA + AES || source->size % AES || !compose_unmarked(source))
        return 0;
    ret->fit = FIT_CAN_BE;
    fail(&ret->reason, 1, "noise from its first to its last byte, in whole blocks of 16");
    return 0;
}

static int magniber_open(const struct source *source, const struct key *key,
                         struct arena *arena, struct recipe *ret, struct why *why)
{
    bytes sealed, message;
    uint8_t *iv = arena_push(arena, AES);
    if (!iv)
        return fail(why, ENOMEM, "no memory for a key");
    if (source->size < RSA + AES || source->size % AES)
        return fail(why, EBADMSG, "Magniber's files are of whole blocks of 16 bytes");
    int error = source_take(source, source->size - RSA, RSA, arena, &sealed, why);
    if (!error)
        error = sealed_pkcs1(key, sealed, KEY, arena, &message, why);
    if (error)
        return error;
    for (size_t i = 0; i < AES; i++)
        iv[i] = message.at[2 * i];
    message = bytes_slice(message, 0, KEY);
    int fill = compose_padding(source, 0, source->size - RSA, message, iv, why);
    if (fill < 0)
        return fill;
    if (!fill)
        return fail(why, EKEYREJECTED, "no padding at the end comes out with it");
    ret->size = source->size - RSA - (uint64_t)fill;
    return compose_cbc(source, 0, message, iv, arena, ret, why);
}

const struct format format_magniber = {
    .family = "magniber",
    .title = "Magniber",
    .facts = "github.com/rivitna/Malware, Magniber",
    .keys = 1U << KEY_RSA,
    .recognise = magniber_recognise,
    .open = magniber_open,
};

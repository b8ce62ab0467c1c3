/* HsHarada: AES-256-CFB over all of a file below 25 MiB, else over 25 MiB of each 678, up to 8
 * GiB.
 *
 *     0 ─── the file ─── size-256
 *           256 key 32 and IV 16, sealed by RSA-2048, PKCS #1 v1.5
 *
 * The stream runs on from block to block. Facts: github.com/rivitna/Malware,
 * HsHarada/hsharada_decrypt_file.py. No published file was at hand. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"

#include <errno.h>

enum { RSA = 256, MESSAGE = 48, BLOCK = 25 << 20, STEP = 678 << 20 };

static int hsharada_recognise(const struct source *source, struct recognition *ret,
                              struct why *why)
{
    (void)why;
    if (source->size < RSA || !compose_unmarked(source))
        return 0;
    ret->fit = FIT_CAN_BE;
    ret->plain = source->size - RSA;
    ret->partial = ret->plain > BLOCK;
    fail(&ret->reason, 1, "noise from its first to its last byte");
    return 0;
}

static int hsharada_open(const struct source *source, const struct key *key,
                         struct arena *arena, struct recipe *ret, struct why *why)
{
    const uint64_t end = UINT64_C(8) << 30;
    uint8_t sealed[RSA], opened[PRIVATEKEY_MAX];
    size_t len;
    if (source->size < RSA || privatekey_size(&key->rsa) != RSA)
        return fail(why, EKEYREJECTED, "HsHarada's keys have 2048 bits");
    int error = source_tail(source, sealed, RSA, why);
    if (!error)
        error = privatekey_pkcs1(&key->rsa, PRIVATEKEY_BIG, (bytes){.at = sealed, .len = RSA},
                                 opened, &len, why);
    if (error)
        return error;
    bytes message = arena_copy(arena, (bytes){.at = opened, .len = len});
    if (!message.at)
        return fail(why, ENOMEM, "no memory for a key");
    if (len != MESSAGE)
        return fail(why, EKEYREJECTED, "what it opens is no key and IV");

    uint64_t size = ret->size = source->size - RSA;
    struct recipe_stream stream = {.cipher = RECIPE_AES_CFB,
                                   .key = bytes_slice(message, 0, 32),
                                   .iv = bytes_slice(message, 32, 16)};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    uint64_t reach = size < end ? size : end;
    uint64_t whole = size >= BLOCK ? (size - BLOCK) / STEP + 1 : 0;
    whole = whole < (end + STEP - 1) / STEP ? whole : (end + STEP - 1) / STEP;
    struct recipe_piece piece = {
        .length = whole ? BLOCK : 0, .count = whole, .step = STEP, .stream = number};
    error = compose_piece(ret, arena, &piece, why);
    uint64_t at = whole * STEP;
    if (error || at >= reach)
        return error;
    piece = (struct recipe_piece){.at = at, .from = at, .length = size - at, .stream = number};
    return compose_piece(ret, arena, &piece, why);
}

const struct format format_hsharada = {
    .family = "hsharada",
    .title = "HsHarada",
    .facts = "github.com/rivitna/Malware, HsHarada",
    .keys = 1U << KEY_RSA,
    .recognise = hsharada_recognise,
    .open = hsharada_open,
};

/* Nemucod (.crypted): the first 2,048 bytes are XORed with a short text, over and over; the
 * rest is as it was. Nothing marks the family.
 * Facts: Emsisoft's description of its decryptor. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/known.h"

#include <errno.h>

enum { HEAD = 2048 };

static int nemucod_recognise(const struct source *source, struct recognition *ret,
                             struct why *why)
{
    (void)why;
    uint8_t head[HEAD];
    size_t len = source->size < HEAD ? (size_t)source->size : HEAD;
    if (!compose_named(source, ".crypted") || source_read(source, 0, head, len, NULL) ||
        known_bits((bytes){head, len}, source->size) >= KNOWN_SURE)
        return 0;
    ret->fit = FIT_CAN_BE;
    ret->plain = source->size;
    ret->partial = source->size > HEAD;
    fail(&ret->reason, 1, "named '.crypted', and its start is of no known kind");
    return 0;
}

static int nemucod_open(const struct source *source, const struct key *key, struct arena *arena,
                        struct recipe *ret, struct why *why)
{
    if ((key->kind != KEY_BYTES && key->kind != KEY_TEXT && key->kind != KEY_STREAM) ||
        key->secret.len == 0 || (key->kind == KEY_STREAM && key->at != 0))
        return fail(why, EKEYREJECTED, "a key of Nemucod is a text, or keystream from 0 on");
    ret->size = source->size;
    uint64_t len = source->size < HEAD ? source->size : HEAD;
    if (key->kind == KEY_STREAM && key->secret.len < len)
        return fail(why, EKEYREJECTED, "%zu bytes of keystream for %llu encrypted ones",
                    key->secret.len, (unsigned long long)len);
    struct recipe_stream stream = {.cipher = RECIPE_XOR, .key = key->secret};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    struct recipe_piece piece = {.length = len, .stream = number};
    int error = compose_piece(ret, arena, &piece, why);
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_nemucod = {
    .family = "nemucod",
    .title = "Nemucod",
    .facts = "Emsisoft's description",
    .keys = 1 << KEY_BYTES | 1 << KEY_TEXT | 1 << KEY_STREAM,
    .recognise = nemucod_recognise,
    .open = nemucod_open,
};

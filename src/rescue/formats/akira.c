/* Akira for Windows (and its second version), little endian; behind the data:
 *
 *     -534  512  RSA-4096, PKCS #1 v1.5, the number the other way round: ChaCha key 32, nonce 8
 *      -22   12  0
 *      -10    1  0 full, 1 part, 2 spot
 *       -9    1  percent
 *       -8    8  size of the plain file
 *
 * ChaCha of 8 rounds with a 64-bit counter. Full: all; part: the first percent of the file;
 * spot: 2 parts of a third of that (percent below 50) or 4 of a fifth, which lie a third
 * (fifth) of the rest apart and begin a block of the keystream each. Facts:
 * github.com/rivitna/Malware, Akira/akira_decrypt_file.py. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"

#include <errno.h>

enum { SEALED = 512, TRAILER = SEALED + 22, KEY = 32, NONCE = 8, BLOCK = 64 };

enum mode { FULL, PART, SPOT };

struct trailer {
    uint8_t sealed[SEALED];
    enum mode mode;
    unsigned percent;
    uint64_t plain;
};

static int trailer_of(const struct source *source, struct trailer *ret, struct why *why)
{
    uint8_t at[TRAILER];
    int error = source->size < TRAILER ? -EBADMSG : source_tail(source, at, TRAILER, why);
    if (error && error != -EBADMSG)
        return error;
    if (error || at[SEALED + 12] > SPOT || at[SEALED + 13] > 100 ||
        load_le64(at + SEALED + 14) != source->size - TRAILER)
        return fail(why, EBADMSG, "no size, mode and percentage of Akira at the file's end");
    for (size_t i = 0; i < SEALED; i++)
        ret->sealed[i] = at[i];
    ret->mode = (enum mode)at[SEALED + 12];
    ret->percent = at[SEALED + 13];
    ret->plain = source->size - TRAILER;
    return 0;
}

static int akira_recognise(const struct source *source, struct recognition *ret,
                           struct why *why)
{
    static const char *const names[] = {"full", "part", "spot"};
    struct trailer trailer = {0};
    int error = trailer_of(source, &trailer, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    if (!compose_chance(source, source->size - 22, SEALED))
        return 0;
    ret->fit = FIT_IS;
    ret->variant = names[trailer.mode];
    ret->partial = trailer.mode != FULL;
    ret->plain = trailer.plain;
    fail(&ret->reason, 1, "the size of the plain file in its last 8 bytes, mode and %u percent",
         trailer.percent);
    return 0;
}

/* From 56 percent on the parts overlap: what lies in two of them was encrypted twice. */
static int overlapping(struct recipe *ret, int stream, uint64_t length, uint64_t count,
                       uint64_t step, struct arena *arena, struct why *why)
{
    int error = 0;
    for (uint64_t i = 0; i < count && !error; i++) {
        struct recipe_piece piece = {.at = i * step,
                                     .from = i * step,
                                     .length = length,
                                     .stream = stream,
                                     .start = RECIPE_SEEK,
                                     .position = i * ((length + BLOCK - 1) / BLOCK) * BLOCK,
                                     .over = i != 0};
        error = compose_piece(ret, arena, &piece, why);
    }
    return error;
}

static int spots(const struct trailer *trailer, struct recipe *ret, int stream,
                 struct arena *arena, struct why *why)
{
    uint64_t size = trailer->plain;
    uint64_t share = size / 100 * trailer->percent + size % 100 * trailer->percent / 100;
    uint64_t parts = 1, count = 1, length = trailer->mode == FULL ? size : share, step = 0;
    if (trailer->mode == SPOT) {
        parts = trailer->percent < 50 ? 3 : 5;
        count = parts - 1;
        length = share / parts;
        step = (size - length * count) / parts;
    }
    if (count > 1 && step < length)
        return overlapping(ret, stream, length, count, step, arena, why);
    struct recipe_piece piece = {.length = length,
                                 .count = count,
                                 .step = step,
                                 .stream = stream,
                                 .skip = (BLOCK - length % BLOCK) % BLOCK};
    return compose_piece(ret, arena, &piece, why);
}

static int akira_open(const struct source *source, const struct key *key, struct arena *arena,
                      struct recipe *ret, struct why *why)
{
    struct trailer trailer = {0};
    bytes own;
    int error = trailer_of(source, &trailer, why);
    if (!error)
        error =
            sealed_pkcs1(key, (bytes){trailer.sealed, SEALED}, KEY + NONCE, arena, &own, why);
    if (error)
        return error;
    ret->size = trailer.plain;
    struct recipe_stream stream = {.cipher = RECIPE_CHACHA,
                                   .rounds = 8,
                                   .key = bytes_slice(own, 0, KEY),
                                   .iv = bytes_slice(own, KEY, NONCE)};
    int number = compose_stream(ret, arena, &stream, why);
    return number < 0 ? number : spots(&trailer, ret, number, arena, why);
}

const struct format format_akira = {
    .family = "akira",
    .title = "Akira (Windows)",
    .facts = "github.com/rivitna/Malware, Akira",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = akira_recognise,
    .open = akira_open,
};

/* Conti 3 and what was made of its source (Gazprom, Meow, Monti, ...): ChaCha8 over all of the
 * file, its first MiB, or three to five chunks.
 *
 *     0 ─── the file ─── size-534
 *           512 key 32 and nonce 8, sealed by RSA-4096, PKCS #1 v1.5, the number little endian
 *            12 unknown
 *             1 0x24 all, 0x25 chunks, 0x26 first MiB.  1 per cent.  8 size of the plain file
 *
 * Each chunk begins with a block of ChaCha's. Facts: github.com/rivitna/Malware,
 * Conti/conti_decrypt_file.py and conti_crypt.py. No published file was at hand. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"

#include <errno.h>

enum { RSA = 512, TRAILER = RSA + 22, HEADER = 1 << 20, BLOCK = 64 };

/* -EBADMSG: not Conti's. */
static int trailer_of(const struct source *source, uint8_t tail[22], struct why *why)
{
    if (source->size < TRAILER)
        return fail(why, EBADMSG, "shorter than Conti's trailer");
    int error = source_tail(source, tail, 22, why);
    if (error)
        return error;
    if (tail[12] < 0x24 || tail[12] > 0x26 || load_le64(tail + 14) != source->size - TRAILER)
        return fail(why, EBADMSG, "its last 10 bytes do not tell how it was treated");
    return 0;
}

static int conti_recognise(const struct source *source, struct recognition *ret,
                           struct why *why)
{
    uint8_t tail[22];
    int error = trailer_of(source, tail, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    ret->fit = FIT_IS;
    ret->plain = source->size - TRAILER;
    ret->partial = tail[12] != 0x24;
    ret->variant = tail[12] == 0x24 ? "all" : tail[12] == 0x25 ? "chunks" : "first MiB";
    fail(&ret->reason, 1, "its last 10 bytes: %#x and the plain file's size", tail[12]);
    return 0;
}

/* Size of a chunk, their number, and the gap; -ENOTSUP for another share. */
static int chunks_of(const uint8_t *tail, uint64_t size, uint64_t *chunk, unsigned *count,
                     uint64_t *gap, struct why *why)
{
    static const uint8_t shares[][2] = {{10, 4},  {15, 5},  {20, 7},  {25, 9},
                                        {30, 10}, {35, 12}, {40, 14}, {60, 20},
                                        {70, 23}, {80, 27}, {50, 10}};
    *count = 1;
    *gap = 0;
    *chunk = tail[12] == 0x26 && size > HEADER ? HEADER : size;
    if (tail[12] != 0x25)
        return 0;
    for (size_t i = 0; i < COUNT(shares); i++)
        if (shares[i][0] == tail[13]) {
            *chunk = size / 100 * shares[i][1];
            *count = tail[13] == 50 ? 5 : 3;
            *gap = tail[13] == 50 ? *chunk : (size - 3 * *chunk) / 2;
            return 0;
        }
    return fail(why, ENOTSUP, "chunks for %u per cent are not known", tail[13]);
}

static int conti_open(const struct source *source, const struct key *key, struct arena *arena,
                      struct recipe *ret, struct why *why)
{
    uint8_t tail[22];
    bytes sealed, message;
    uint64_t chunk, gap;
    unsigned count;
    int error = trailer_of(source, tail, why);
    if (!error)
        error = chunks_of(tail, source->size - TRAILER, &chunk, &count, &gap, why);
    if (!error)
        error = source_take(source, source->size - TRAILER, RSA, arena, &sealed, why);
    if (!error)
        error = sealed_pkcs1(key, sealed, 40, arena, &message, why);
    if (error)
        return error;
    ret->size = source->size - TRAILER;
    struct recipe_stream stream = {.cipher = RECIPE_CHACHA,
                                   .rounds = 8,
                                   .key = bytes_slice(message, 0, 32),
                                   .iv = bytes_slice(message, 32, 8)};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    for (unsigned i = 0; !error && i < count; i++) {
        uint64_t at = i * (chunk + gap), step = (chunk + BLOCK - 1) / BLOCK * BLOCK;
        struct recipe_piece piece = {.at = at,
                                     .from = at,
                                     .length = chunk,
                                     .stream = number,
                                     .start = RECIPE_SEEK,
                                     .position = i * step};
        error = compose_piece(ret, arena, &piece, why);
    }
    return error;
}

const struct format format_conti = {
    .family = "conti",
    .title = "Conti",
    .facts = "github.com/rivitna/Malware, Conti",
    .keys = 1U << KEY_RSA,
    .recognise = conti_recognise,
    .open = conti_open,
};

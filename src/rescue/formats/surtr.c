/* Surtr: behind the data
 *
 *     5    "SURTR"
 *     128  sealed by RSA-1024, PKCS #1 v1.5, the number the other way round: HC-128's key 32,
 *          IV 32
 *     4    "****"
 *
 * HC-128 over the file up to 1 MiB; 0x70000 bytes at its begin and end up to 5 MiB; 1 MiB at
 * the begin, in the middle and at the end up to 20 MiB; 1 MiB of each whole 10 MiB of larger
 * ones, the last one at the end. Names: NAME.[mail].[id].Surtr. Facts:
 * github.com/f6-dfir/Ransomware, Surtr/tools/surtr_decrypt_file.py and surtr_crypt.py. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"

#include <errno.h>
#include <string.h>

enum {
    BEGIN = 5,
    SEALED = 128,
    END = 4,
    TRAILER = BEGIN + SEALED + END,
    KEY = 32,
    MIB = 1 << 20,
    EDGE = 0x70000,
    STEP = 10 * MIB,
};

/* 0 with the trailer; -EBADMSG: none. */
static int trailer_of(const struct source *source, uint8_t ret[TRAILER], struct why *why)
{
    if (source->size < TRAILER)
        return fail(why, EBADMSG, "shorter than Surtr's trailer");
    int error = source_tail(source, ret, TRAILER, why);
    if (error)
        return error;
    if (memcmp(ret, "SURTR", BEGIN) != 0 || memcmp(ret + BEGIN + SEALED, "****", END) != 0)
        return fail(why, EBADMSG, "no 'SURTR' and '****' around what is sealed at its end");
    return 0;
}

static int surtr_recognise(const struct source *source, struct recognition *ret,
                           struct why *why)
{
    uint8_t trailer[TRAILER];
    int error = trailer_of(source, trailer, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    ret->fit = FIT_IS;
    ret->bits = 8 * (BEGIN + END);
    ret->plain = source->size - TRAILER;
    ret->partial = ret->plain > MIB;
    fail(&ret->reason, 1, "'SURTR' %u bytes before the end, '****' at the end",
         (unsigned)TRAILER);
    return 0;
}

static int pieces(struct recipe *ret, struct arena *arena, int stream, struct why *why)
{
    uint64_t size = ret->size;
    struct recipe_piece piece = {.length = MIB, .stream = stream};
    if (size <= MIB) {
        piece.length = size;
    } else if (size <= 5 * MIB) {
        piece.length = EDGE;
        piece.count = 2;
        piece.step = size - EDGE;
    } else if (size <= 20 * MIB) {
        piece.count = 3;
        piece.step = size / 2 - MIB / 2;
    } else {
        piece.count = size / STEP - 1;
        piece.step = STEP;
    }
    int error = compose_piece(ret, arena, &piece, why);
    if (error || size <= 20 * MIB)
        return error;
    piece = (struct recipe_piece){
        .at = size - MIB, .from = size - MIB, .length = MIB, .stream = stream};
    return compose_piece(ret, arena, &piece, why);
}

static int surtr_open(const struct source *source, const struct key *key, struct arena *arena,
                      struct recipe *ret, struct why *why)
{
    uint8_t trailer[TRAILER];
    bytes own;
    int error = trailer_of(source, trailer, why);
    if (!error)
        error = sealed_pkcs1(key, (bytes){trailer + BEGIN, SEALED}, 2 * KEY, arena, &own, why);
    if (error)
        return error;
    ret->size = source->size - TRAILER;
    struct recipe_stream stream = {.cipher = RECIPE_HC128,
                                   .key = bytes_slice(own, 0, KEY),
                                   .iv = bytes_slice(own, KEY, KEY)};
    int number = compose_stream(ret, arena, &stream, why);
    return number < 0 ? number : pieces(ret, arena, number, why);
}

const struct format format_surtr = {
    .family = "surtr",
    .title = "Surtr",
    .facts = "github.com/f6-dfir/Ransomware, Surtr",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = surtr_recognise,
    .open = surtr_open,
};

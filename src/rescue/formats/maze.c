/* Maze; behind the data:
 *
 *     -264  256  ChaCha8 key of 32 bytes and nonce of 8, sealed with RSA-2048 (PKCS #1 v1.5, as
 *                CryptoAPI has it: the number the other way round)
 *     -8      4  not known
 *     -4      4  66 11 61 66
 *
 * ChaCha of 8 rounds, counter 0, over all before it. Facts: rivitna, Malware (MIT). */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"

#include <errno.h>
#include <string.h>

enum { TRAILER = 264, SEALED = 256, KEY = 32, NONCE = 8 };

static bool trailer_of(const struct source *source, uint8_t ret[TRAILER])
{
    return !source_tail(source, ret, TRAILER, NULL) &&
           load_be32(ret + TRAILER - 4) == 0x66116166;
}

static int maze_recognise(const struct source *source, struct recognition *ret, struct why *why)
{
    (void)why;
    uint8_t trailer[TRAILER];
    if (!trailer_of(source, trailer))
        return 0;
    ret->fit = FIT_IS;
    ret->plain = source->size - TRAILER;
    fail(&ret->reason, 1, "66 11 61 66 at its end");
    return 0;
}

static int maze_open(const struct source *source, const struct key *key, struct arena *arena,
                     struct recipe *ret, struct why *why)
{
    uint8_t trailer[TRAILER];
    bytes message;
    if (!trailer_of(source, trailer))
        return fail(why, EBADMSG, "no mark of Maze at the file's end");
    int error = sealed_pkcs1(key, (bytes){trailer, SEALED}, KEY + NONCE, arena, &message, why);
    if (error)
        return error;
    ret->size = source->size - TRAILER;
    struct recipe_stream stream = {.cipher = RECIPE_CHACHA,
                                   .rounds = 8,
                                   .key = bytes_slice(message, 0, KEY),
                                   .iv = bytes_slice(message, KEY, NONCE)};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    struct recipe_piece piece = {.length = ret->size, .stream = number};
    return compose_piece(ret, arena, &piece, why);
}

const struct format format_maze = {
    .family = "maze",
    .title = "Maze",
    .facts = "rivitna, Malware",
    .keys = 1 << KEY_RSA,
    .recognise = maze_recognise,
    .open = maze_open,
};

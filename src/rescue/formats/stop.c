/* STOP (Djvu): Salsa20 over bytes 5 to 153,605.
 *
 *     0 ─── the file ─── size-334
 *           256  a UUID as text, sealed by RSA-2048, OAEP with SHA-1; its first 32 characters
 *                are the key, its first 8 the nonce
 *            40  name of the RSA key
 *            38  "{36A698B9-D67C-4E07-BE82-0EC5B14B4DF5}"
 *
 * Facts: github.com/rivitna/Malware, STOP/stop_decrypt_file.py. No published file was at hand.
 */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"

#include <errno.h>
#include <string.h>

enum { RSA = 256, MARK = 38, TRAILER = RSA + 40 + MARK, BEGIN = 5, MOST = 153600 };

static const char mark[] = "{36A698B9-D67C-4E07-BE82-0EC5B14B4DF5}";

static int stop_recognise(const struct source *source, struct recognition *ret, struct why *why)
{
    int error = compose_end_mark(source, mark, TRAILER, ret, why);
    ret->partial = ret->fit == FIT_IS;
    return error;
}

static int stop_open(const struct source *source, const struct key *key, struct arena *arena,
                     struct recipe *ret, struct why *why)
{
    struct recognition seen = {0};
    bytes sealed, message = key->secret;
    int error = stop_recognise(source, &seen, why);
    if (error)
        return error;
    if (seen.fit != FIT_IS)
        return fail(why, EBADMSG, "no '%s' at its end", mark);
    if (key->kind == KEY_RSA) {
        error = source_take(source, source->size - TRAILER, RSA, arena, &sealed, why);
        if (!error)
            error = sealed_oaep(key, sealed, arena, &message, why);
        if (error)
            return error;
    }
    if (message.len < 32)
        return fail(why, EKEYREJECTED, "shorter than a key of STOP");
    ret->size = source->size - TRAILER;
    struct recipe_stream stream = {.cipher = RECIPE_SALSA,
                                   .rounds = 20,
                                   .key = bytes_slice(message, 0, 32),
                                   .iv = bytes_slice(message, 0, 8)};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    uint64_t rest = ret->size > BEGIN ? ret->size - BEGIN : 0;
    struct recipe_piece piece = {
        .at = BEGIN, .from = BEGIN, .length = rest < MOST ? rest : MOST, .stream = number};
    error = compose_piece(ret, arena, &piece, why);
    return error || key->kind == KEY_RSA ? error : compose_try(ret, source, arena, why);
}

const struct format format_stop = {
    .family = "stop",
    .title = "STOP (Djvu)",
    .facts = "github.com/rivitna/Malware, STOP",
    .keys = 1U << KEY_RSA | 1U << KEY_TEXT,
    .recognise = stop_recognise,
    .open = stop_open,
};

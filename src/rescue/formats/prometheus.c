/* Prometheus, of the Thanos and Hakbit line.
 *
 *     0      ..  Salsa20(key, nonce 01 02 .. 08, counter 0)
 *     -694  684  base64 of 512 bytes, sealed
 *     -10    10  "GotAllDone"
 *
 * The key is 32 characters that .NET's Random gives for the milliseconds since Windows started:
 * Next(33, 127), drawn again where it is 34 or 92. Files without the trailer are known, too.
 * Like the published decryptor, and to the byte as in its published pairs, this one runs over
 * the trailer, which is left behind the plain file as 694 bytes of noise. Large files are said
 * to be treated in another way, which is not known.
 * Facts: CyCraft, Prometheus-Decryptor (MIT), and its published pairs. */
#include "crypt/generator.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "unpack/base64.h"

#include <errno.h>
#include <string.h>

enum { KEY = 32 };

void prometheus_key(uint32_t seed, uint8_t ret[32])
{
    struct generator_dotnet random;
    generator_dotnet_seed(&random, (int32_t)seed);
    for (unsigned i = 0; i < KEY;) {
        ret[i] = (uint8_t)generator_dotnet_next(&random, 33, 127);
        i += ret[i] != 34 && ret[i] != 92;
    }
}

/* The trailer, which is not encrypted. */
static bool trailer(const struct source *source)
{
    uint8_t end[16];
    if (source_tail(source, end, sizeof end, NULL) || memcmp(end + 6, "GotAllDone", 10) != 0)
        return false;
    for (unsigned i = 0; i < 5; i++)
        if (base64_value(end[i]) == BASE64_OUTSIDE)
            return false;
    return true;
}

static int prometheus_recognise(const struct source *source, struct recognition *ret,
                                struct why *why)
{
    (void)why;
    bool marked = trailer(source);
    if (!marked && !compose_unmarked(source))
        return 0;
    ret->fit = marked ? FIT_IS : FIT_CAN_BE;
    ret->plain = source->size;
    fail(&ret->reason, 1,
         marked ? "base64 and 'GotAllDone' at its end"
                : "noise from its first to its last byte");
    return 0;
}

static int prometheus_open(const struct source *source, const struct key *key,
                           struct arena *arena, struct recipe *ret, struct why *why)
{
    static const uint8_t nonce[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    bytes secret;
    if (key->kind == KEY_SEED) {
        uint8_t *made = arena_push(arena, KEY);
        if (!made)
            return fail(why, ENOMEM, "no memory for a key");
        if (key->seed > INT32_MAX)
            return fail(why, EKEYREJECTED, "seed %llu is larger than any of .NET's Random",
                        (unsigned long long)key->seed);
        prometheus_key((uint32_t)key->seed, made);
        secret = (bytes){made, KEY};
    } else if (!compose_secret(key, KEY, &secret)) {
        return fail(why, EKEYREJECTED, "a key of Prometheus is a seed, or 32 characters");
    }
    ret->size = source->size;
    struct recipe_stream stream = {
        .cipher = RECIPE_SALSA, .rounds = 20, .key = secret, .iv = {nonce, sizeof nonce}};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    struct recipe_piece piece = {.length = source->size, .stream = number};
    int error = compose_piece(ret, arena, &piece, why);
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_prometheus = {
    .family = "prometheus",
    .title = "Prometheus (Thanos)",
    .facts = "CyCraft, Prometheus-Decryptor",
    .proven = true,
    .keys = 1 << KEY_SEED | 1 << KEY_BYTES | 1 << KEY_TEXT,
    .recognise = prometheus_recognise,
    .open = prometheus_open,
};

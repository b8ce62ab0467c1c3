/* LokiLocker and BlackBit: 256 bytes behind the data, sealed with RSA-2048 (OAEP, SHA-1): one
 * or three of: AES-256 key 32, nonce 12, GCM's tag 16. A file below 1,572,864 bytes is one such
 * message; of a larger one 262,144 bytes at the start, in the middle and at the end are.
 * Names: [mail][8 hex digits]name.Loki or .BlackBit.
 * Facts: github.com/rivitna/Malware, LokiLocker/loki_decrypt_file.py. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/ranges.h"
#include "rescue/formats/sealed.h"

#include <errno.h>

enum {
    SEALED = 256,
    KEY = 32,
    NONCE = 12,
    TAG = 16,
    ONE = KEY + NONCE + TAG,
    LARGE = 1572864,
    SPOT = 0x40000,
    SPOTS = 3,
};

static bool named(const struct source *source)
{
    size_t end = bytes_find(source->name, bytes_of("]["), 0);
    return source->name.len && source->name.at[0] == '[' && end != SIZE_MAX &&
           bytes_find(source->name, bytes_of("]"), end + 2) != SIZE_MAX;
}

static int lokilocker_recognise(const struct source *source, struct recognition *ret,
                                struct why *why)
{
    (void)why;
    if (source->size < SEALED || !compose_chance(source, source->size, SEALED))
        return 0;
    uint64_t plain = source->size - SEALED;
    size_t part = plain < 4096 ? (size_t)plain : 4096;
    if (!compose_chance(source, part, part) || !compose_chance(source, plain, part))
        return 0;
    uint64_t middle = plain / 2 - SPOT / 2;
    if (plain >= LARGE && !compose_chance(source, middle + 4096, 4096))
        return 0;
    ret->fit = FIT_CAN_BE;
    ret->partial = plain >= LARGE;
    ret->plain = plain;
    ret->bits = named(source) ? 8 : 0;
    fail(&ret->reason, 1, "noise where it is encrypted, and 256 bytes of it at the end%s",
         named(source) ? "; [mail][id] before its name" : "");
    if (plain < LARGE)
        return 0;
    const struct ranges_part spots[SPOTS] = {{0, SPOT}, {middle, SPOT}, {plain - SPOT, SPOT}};
    int edges = ranges_edges(source, spots, SPOTS, plain);
    if (edges < RANGES_SURE)
        return 0;
    ret->fit = FIT_IS;
    ret->bits = (unsigned)edges * RANGES_EDGE_BITS;
    fail(&ret->reason, 1,
         "256 KiB of noise begin and end at the very %d places where it encrypts", edges);
    return 0;
}

static int spot(const struct source *source, bytes own, uint64_t at, uint64_t length,
                struct arena *arena, struct recipe *ret, struct why *why)
{
    bytes key = bytes_slice(own, 0, KEY), nonce = bytes_slice(own, KEY, NONCE);
    int error =
        compose_tagged(source, at, length, key, nonce, own.at + KEY + NONCE, arena, why);
    int stream = error ? error : compose_gcm(ret, arena, key, nonce, why);
    struct recipe_piece piece = {.at = at, .from = at, .length = length, .stream = stream};
    return stream < 0 ? stream : compose_piece(ret, arena, &piece, why);
}

static int lokilocker_open(const struct source *source, const struct key *key,
                           struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t sealed[SEALED];
    bytes own;
    if (source->size < SEALED)
        return fail(why, EBADMSG, "shorter than what is sealed at its end");
    int error = source_tail(source, sealed, SEALED, why);
    if (!error)
        error = sealed_oaep(key, (bytes){sealed, SEALED}, arena, &own, why);
    if (error)
        return error;
    ret->size = source->size - SEALED;
    size_t parts = ret->size < LARGE ? 1 : SPOTS;
    if (own.len < parts * ONE)
        return fail(why, EBADMSG, "%zu sealed bytes, not the %zu of its keys", own.len,
                    parts * ONE);
    if (parts == 1)
        return spot(source, own, 0, ret->size, arena, ret, why);
    const uint64_t at[SPOTS] = {0, ret->size / 2 - SPOT / 2, ret->size - SPOT};
    for (size_t i = 0; i < SPOTS && !error; i++)
        error = spot(source, bytes_slice(own, i * ONE, ONE), at[i], SPOT, arena, ret, why);
    return error;
}

const struct format format_lokilocker = {
    .family = "lokilocker",
    .title = "LokiLocker, BlackBit",
    .facts = "github.com/rivitna/Malware, LokiLocker",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = lokilocker_recognise,
    .open = lokilocker_open,
};

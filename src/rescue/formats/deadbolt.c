/* DeadBolt: the whole file by AES-128 in CBC, filled up with zeros to whole blocks, then 128
 * bytes
 *
 *     0    8   "DEADBOLT"
 *     8    8   size of the file
 *     16   16  number of the victim
 *     32   16  IV
 *     48   32  SHA-256 of the victim's key
 *     80   32  SHA-256 of the master key
 *     112  16  zeros
 *
 * The victim's key follows from the master key: the first 16 bytes of SHA-256 of it and the
 * victim's number. Names: NAME.deadbolt. Facts: github.com/rivitna/Malware,
 * DeadBolt/deadbolt_demo/main.go. No published file was at hand. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/digest.h"

#include <errno.h>
#include <string.h>

enum {
    TRAILER = 128,
    MARK = 8,
    VICTIM = 16,
    IV = 32,
    OWN_HASH = 48,
    MASTER_HASH = 80,
    ZEROS = 112,
    KEY = 16,
    HASH = 32,
};

/* 0 with the trailer; -EBADMSG: none. */
static int trailer_of(const struct source *source, uint8_t ret[TRAILER], struct why *why)
{
    static const uint8_t zeros[TRAILER - ZEROS];
    if (source->size < TRAILER)
        return fail(why, EBADMSG, "shorter than DeadBolt's trailer");
    int error = source_tail(source, ret, TRAILER, why);
    if (error)
        return error;
    if (memcmp(ret, "DEADBOLT", MARK) != 0 || memcmp(ret + ZEROS, zeros, sizeof zeros) != 0)
        return fail(why, EBADMSG, "no 'DEADBOLT' %u bytes before its end", (unsigned)TRAILER);
    return 0;
}

static int deadbolt_recognise(const struct source *source, struct recognition *ret,
                              struct why *why)
{
    uint8_t trailer[TRAILER];
    int error = trailer_of(source, trailer, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    ret->fit = FIT_IS;
    ret->bits = 8 * (MARK + TRAILER - ZEROS);
    ret->plain = load_le64(trailer + MARK);
    fail(&ret->reason, 1, "'DEADBOLT' %u bytes before its end", (unsigned)TRAILER);
    return 0;
}

static bool is_hash_of(bytes key, const uint8_t *hash)
{
    uint8_t made[HASH];
    return digest_parts(DIGEST_SHA256, &key, 1, made) && !memcmp(made, hash, HASH);
}

/* The victim's key, by itself or out of the master key. */
static bool own_key(const uint8_t *trailer, bytes given, uint8_t ret[KEY])
{
    uint8_t made[HASH];
    const bytes parts[] = {given, {.at = trailer + VICTIM, .len = 16}};
    if (is_hash_of(given, trailer + OWN_HASH)) {
        memcpy(ret, given.at, KEY);
        return true;
    }
    if (!is_hash_of(given, trailer + MASTER_HASH) ||
        !digest_parts(DIGEST_SHA256, parts, COUNT(parts), made))
        return false;
    memcpy(ret, made, KEY);
    return is_hash_of((bytes){.at = ret, .len = KEY}, trailer + OWN_HASH);
}

static int deadbolt_open(const struct source *source, const struct key *key,
                         struct arena *arena, struct recipe *ret, struct why *why)
{
    bytes given;
    uint8_t *trailer = arena_push(arena, TRAILER), *own = arena_push(arena, KEY);
    if (!trailer || !own)
        return fail(why, ENOMEM, "no memory for a key");
    int error = trailer_of(source, trailer, why);
    if (error)
        return error;
    if (!compose_secret(key, KEY, &given) || !own_key(trailer, given, own))
        return fail(why, EKEYREJECTED, "not the key whose SHA-256 the file bears");
    uint64_t body = source->size - TRAILER;
    ret->size = load_le64(trailer + MARK);
    if (ret->size > body || body - ret->size >= 16 || body % 16)
        return fail(why, EBADMSG, "%llu bytes before its trailer, where %llu are expected",
                    (unsigned long long)body, (unsigned long long)ret->size);
    return compose_cbc(source, 0, (bytes){.at = own, .len = KEY}, trailer + IV, arena, ret,
                       why);
}

const struct format format_deadbolt = {
    .family = "deadbolt",
    .title = "DeadBolt",
    .facts = "github.com/rivitna/Malware, DeadBolt",
    .keys = 1U << KEY_BYTES | 1U << KEY_TEXT,
    .recognise = deadbolt_recognise,
    .open = deadbolt_open,
};

/* LockBit 3.0 (Black), little endian; behind the data
 *
 *     v bytes of metadata | 2 v | 4 check of what follows | 128 sealed
 *
 *     sealed: RSA-1024 without padding, the number the other way round: 64 bytes state of a
 *     Salsa20 (all key, no constants), ... the first 4 bytes of the modulus at a place that its
 *     last 4 bytes tell
 *     metadata, through that Salsa20: name (UTF-16, aPLib) | 2 its packed length | 8 space |
 *     4 first | 4 next | 64 state of the file's Salsa20
 *
 * Encrypted: (first + 1) * 128 KiB at the start; if space is not 0 then (next + 1) * 128 KiB,
 * first * 128 KiB + space behind it, and further ones next * 128 KiB + space behind each other;
 * the stream runs on. The check is made with the first 4 bytes of the modulus.
 * Facts: github.com/rivitna/Malware, LockBit3/lb3_decrypt_file.py, lb3_crypt.py, aplib.py. */
#include "base/unicode.h"
#include "crypt/salsa.h"
#include "rescue/formats/aplib.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/privatekey.h"

#include <errno.h>
#include <string.h>

enum {
    SEALED = 128,
    FIXED = SEALED + 4 + 2,
    FIELDS = 2 + 8 + 4 + 4 + 64, /* of the metadata, behind the name */
    METADATA_MAX = 0x2e0 - FIXED,
    STATE = 64,
    PART = 0x20000,
    NAME_MAX_BYTES = 1024,
};

struct trailer {
    uint8_t metadata[METADATA_MAX], check[4], sealed[SEALED];
    size_t len;
};

static int trailer_of(const struct source *source, struct trailer *ret, struct why *why)
{
    uint8_t fixed[FIXED];
    int error = source->size < FIXED ? -EBADMSG : source_tail(source, fixed, FIXED, why);
    if (error && error != -EBADMSG)
        return error;
    ret->len = error ? 0 : load_le16(fixed);
    if (ret->len < FIELDS + 2 || ret->len > METADATA_MAX || source->size < FIXED + ret->len)
        return fail(why, EBADMSG, "no length of metadata 134 bytes before the end");
    memcpy(ret->check, fixed + 2, 4);
    memcpy(ret->sealed, fixed + 6, SEALED);
    return source_read(source, source->size - FIXED - ret->len, ret->metadata, ret->len, why);
}

static int lockbit3_recognise(const struct source *source, struct recognition *ret,
                              struct why *why)
{
    struct trailer trailer = {0};
    int error = trailer_of(source, &trailer, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    uint64_t plain = source->size - FIXED - trailer.len;
    size_t head = plain < 4096 ? (size_t)plain : 4096;
    if (!compose_chance(source, source->size, SEALED) || !compose_chance(source, head, head) ||
        !compose_chance(source, source->size - FIXED, trailer.len))
        return 0;
    ret->fit = FIT_CAN_BE;
    ret->partial = plain > PART;
    ret->plain = plain;
    ret->bits = 6; /* so many of 16 bits are right by chance */
    fail(&ret->reason, 1, "a length that fits, %zu, before 132 sealed bytes, and noise",
         trailer.len);
    return 0;
}

/* A sum like Adler's, three times; only with the modulus can it be checked. */
static uint32_t check_of(const uint8_t sealed[SEALED], uint32_t modulus)
{
    uint32_t hash = 0x0d6917a;
    for (unsigned round = 0; round < 3; round++) {
        uint64_t low = hash & 0xffff, high = hash >> 16;
        for (size_t i = 0; i < SEALED; i++) {
            low += sealed[i];
            high += low;
        }
        hash = (uint32_t)(low % 0x1000f + (high % 0x1000f << 16)) ^ modulus;
        hash = __builtin_bswap32(hash);
    }
    return hash;
}

/* The sealed bytes as they were, and whether they are of this key. */
static int open_sealed(const struct trailer *trailer, const struct key *key,
                       uint8_t ret[SEALED], struct why *why)
{
    size_t n = key->rsa.n.len;
    if (privatekey_size(&key->rsa) != SEALED || n < SEALED)
        return fail(why, EKEYREJECTED, "sealed with RSA of 1024 bits, the key is another");
    uint32_t modulus = load_be32(key->rsa.n.at + n - 4);
    if (check_of(trailer->sealed, modulus) != load_le32(trailer->check))
        return fail(why, EKEYREJECTED, "the check at its end is not this key's, or damaged");
    uint8_t number[PRIVATEKEY_MAX];
    int error = privatekey_raw(&key->rsa, PRIVATEKEY_LITTLE, (bytes){trailer->sealed, SEALED},
                               number, why);
    if (error)
        return error;
    for (size_t i = 0; i < SEALED; i++)
        ret[i] = number[SEALED - 1 - i];
    uint32_t draw = load_le32(ret + SEALED - 4) * 0x8088405 + 1;
    size_t at = (size_t)((uint64_t)draw * 0x78 >> 32);
    return load_le32(ret + at) == modulus
               ? 0
               : fail(why, EKEYREJECTED, "what it opens does not name its own modulus");
}

static int parts(const uint8_t *fields, struct recipe *ret, int stream, struct arena *arena,
                 struct why *why)
{
    uint64_t space = load_le64(fields), first = (load_le32(fields + 8) + UINT64_C(1)) * PART;
    uint64_t next = (load_le32(fields + 12) + UINT64_C(1)) * PART, at, step;
    struct recipe_piece piece = {.length = first < ret->size ? first : ret->size,
                                 .stream = stream};
    int error = compose_piece(ret, arena, &piece, why);
    if (error || !space)
        return error;
    if (__builtin_add_overflow(first - PART, space, &at) || at >= ret->size)
        return 0;
    if (__builtin_add_overflow(next - PART, space, &step) || at < first || step < next)
        return fail(why, EBADMSG, "encrypted parts that overlap");
    uint64_t whole = ret->size - at >= next ? (ret->size - at - next) / step + 1 : 0;
    piece = (struct recipe_piece){
        .at = at, .from = at, .length = next, .count = whole, .step = step, .stream = stream};
    if (whole)
        error = compose_piece(ret, arena, &piece, why);
    at += whole * step;
    if (error || at >= ret->size)
        return error;
    piece =
        (struct recipe_piece){.at = at, .from = at, .length = ret->size - at, .stream = stream};
    return compose_piece(ret, arena, &piece, why);
}

/* UTF-16 up to its NUL; names that cannot be read stay empty. */
static bytes name_of(bytes packed, struct arena *arena)
{
    uint8_t wide[NAME_MAX_BYTES], text[3 * NAME_MAX_BYTES / 2 + 4];
    size_t len = aplib_unpack(packed, wide, sizeof wide), used = 0;
    for (bytes rest = {wide, len & ~(size_t)1}; rest.len && load_le16(rest.at);)
        used += utf8_put(text + used, utf16_next(&rest, false));
    return used ? arena_copy(arena, (bytes){text, used}) : (bytes){0};
}

static int lockbit3_open(const struct source *source, const struct key *key,
                         struct arena *arena, struct recipe *ret, struct why *why)
{
    struct trailer trailer = {0};
    uint8_t own[SEALED], *state = arena_push(arena, STATE);
    if (!state)
        return fail(why, ENOMEM, "no memory for a key");
    int error = trailer_of(source, &trailer, why);
    if (!error)
        error = open_sealed(&trailer, key, own, why);
    if (error)
        return error;
    struct salsa salsa;
    if (!salsa_set_state(&salsa, 20, own))
        return fail(why, EINVAL, "Salsa20 is not taken");
    salsa_xor(&salsa, 0, trailer.metadata, trailer.len);

    const uint8_t *fields = trailer.metadata + trailer.len - FIELDS;
    size_t packed = load_le16(fields), room = trailer.len - FIELDS;
    ret->name = name_of((bytes){trailer.metadata, packed < room ? packed : room}, arena);
    memcpy(state, fields + FIELDS - STATE, STATE);
    ret->size = source->size - FIXED - trailer.len;
    struct recipe_stream stream = {.cipher = RECIPE_SALSA, .rounds = 20, .key = {state, STATE}};
    int number = compose_stream(ret, arena, &stream, why);
    return number < 0 ? number : parts(fields + 2, ret, number, arena, why);
}

const struct format format_lockbit3 = {
    .family = "lockbit3",
    .title = "LockBit 3.0 (Black)",
    .facts = "github.com/rivitna/Malware, LockBit3",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = lockbit3_recognise,
    .open = lockbit3_open,
};

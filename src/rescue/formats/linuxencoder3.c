/* Linux.Encoder 3.
 *
 *     0    4  00 01 00 00: 256, the length of what follows
 *     4  256  sealed with RSA
 *     260 16  IV; its last byte's low four bits: bytes of the last block that count, 0 is 16
 *     276 ..  AES-256-CBC in parts of 32 bytes, the last of 16 or 32
 *
 * The key is the IV and 16 zeros: everybody can open these files. Each part begins with the
 * first half of the encrypted part before as its IV, so that the first halves chain with each
 * other, and each second half with the first half before it.
 * Facts: ransomware notes of the project, checked with PLED's published file. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/known.h"
#include "shim/cipher.h"

#include <errno.h>
#include <string.h>

enum { IV = 260, DATA = 276, BLOCK = 16 };

/* Whole blocks, and 256 bytes that are sealed: TrueType fonts begin alike, but are not noise.
 */
static bool header_of(const struct source *source, uint8_t ret[DATA])
{
    if (source->size < DATA + BLOCK || (source->size - DATA) % BLOCK != 0 ||
        source_read(source, 0, ret, DATA, NULL) || load_le32(ret) != 256)
        return false;
    bool seen[256] = {false};
    unsigned different = 0;
    for (unsigned i = 4; i < IV; i++) {
        different += !seen[ret[i]];
        seen[ret[i]] = true;
    }
    return different >= 120; /* of noise 162, give or take 7 */
}

/* How much of the last block counts. */
static unsigned last(const uint8_t *header)
{
    unsigned n = header[IV + BLOCK - 1] & 15;
    return n ? n : BLOCK;
}

/* The first block by the key that the file itself tells. */
static bool first_block(const struct source *source, const uint8_t *header, uint8_t ret[BLOCK])
{
    uint8_t key[32] = {0}, iv[BLOCK], block[BLOCK];
    memcpy(key, header + IV, BLOCK);
    memcpy(iv, header + IV, BLOCK);
    return !source_read(source, DATA, block, BLOCK, NULL) &&
           cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){key, sizeof key}, iv,
                      (bytes){block, BLOCK}, ret);
}

/* The IV was left as the stack had it: an address, zeros, a count. */
static bool stack(const uint8_t *header)
{
    for (unsigned i = 6; i < BLOCK - 1; i++)
        if (header[IV + i])
            return false;
    return header[IV + BLOCK - 1] < BLOCK * 2;
}

static int linuxencoder3_recognise(const struct source *source, struct recognition *ret,
                                   struct why *why)
{
    (void)why;
    uint8_t header[DATA], block[BLOCK];
    if (!header_of(source, header) || !first_block(source, header, block))
        return 0;
    bool known = known_bits((bytes){block, BLOCK}, UINT64_MAX) >= 32;
    ret->fit = stack(header) || known ? FIT_IS : FIT_CAN_BE;
    ret->variant = "3";
    ret->plain = source->size - DATA - BLOCK + last(header);
    fail(&ret->reason, 1, "a sealed part of 256 bytes and an IV at its start%s",
         known ? ", which opens it" : "");
    return 0;
}

static int linuxencoder3_open(const struct source *source, const struct key *key,
                              struct arena *arena, struct recipe *ret, struct why *why)
{
    (void)key;
    uint8_t *header = arena_push_raw(arena, DATA), *made = arena_push(arena, 32);
    uint8_t *end = arena_push(arena, BLOCK);
    if (!header || !made || !end)
        return fail(why, ENOMEM, "no memory for a header");
    if (!header_of(source, header))
        return fail(why, EBADMSG, "no header of Linux.Encoder 3, or not whole blocks");
    memcpy(made, header + IV, BLOCK);
    uint64_t len = source->size - DATA, whole = len - BLOCK;
    ret->size = whole + last(header);
    bytes key32 = {made, 32};

    /* Two streams: all blocks, of which each second one comes out right, and the first ones. */
    struct recipe_stream stream = {
        .cipher = RECIPE_AES_CBC, .key = key32, .iv = {header + IV, BLOCK}};
    int all = compose_stream(ret, arena, &stream, why);
    int first = all < 0 ? all : compose_stream(ret, arena, &stream, why);
    if (first < 0)
        return first;
    struct recipe_piece pieces[] = {
        {.from = DATA, .length = whole, .stream = all},
        {.from = DATA,
         .length = BLOCK,
         .stream = first,
         .step = 2 * BLOCK,
         .count = (whole / BLOCK + 1) / 2},
    };
    int error = 0;
    for (size_t i = 0; i < COUNT(pieces) && whole && !error; i++)
        error = compose_piece(ret, arena, &pieces[i], why);
    if (error)
        return error;

    /* The last block: its IV is one block back, or two when it begins a part. */
    uint64_t back = whole / BLOCK % 2 ? BLOCK : 2 * BLOCK;
    uint8_t before[BLOCK], block[BLOCK];
    memcpy(before, header + IV, BLOCK);
    error = whole ? source_read(source, DATA + whole - back, before, BLOCK, why) : 0;
    if (!error)
        error = source_read(source, DATA + whole, block, BLOCK, why);
    if (error)
        return error;
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, key32, before, (bytes){block, BLOCK}, end))
        return fail(why, EIO, "libcrypto does not decrypt AES");
    struct recipe_piece piece = {.at = whole,
                                 .length = last(header),
                                 .stream = RECIPE_GIVEN,
                                 .given = {end, last(header)}};
    error = compose_piece(ret, arena, &piece, why);
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_linuxencoder3 = {
    .family = "linuxencoder3",
    .title = "Linux.Encoder 3",
    .facts = "checked with PLED's published file",
    .proven = true,
    .keys = 0,
    .recognise = linuxencoder3_recognise,
    .open = linuxencoder3_open,
};

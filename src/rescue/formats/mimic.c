/* Mimic (Elpaco, N3ww4v3): 82 bytes behind the data, each field XORed by itself with the begin
 * of the same ChaCha20 keystream:
 *
 *     0   1  least size in MiB of files that are encrypted in parts (versions 3 and later)
 *     1   1  size of the trailer (the same)
 *     2  32  public key, plain
 *     34 32  the file's key
 *     66  8  size of the file
 *     74  1  percent of a part that is encrypted
 *     75  1  version, '1' and later
 *     76  6  "iskey", 0
 *
 * Its key: HKDF-SHA-256 of what X25519 agrees on, no salt, "DontDecompileMePlease". ChaCha20 of
 * RFC 8439 from block 1 on, nonce 0; it begins anew with each block of data, too. Small files:
 * all, in blocks of 8 MiB. Others: a block at the begin, one at the end, and others in between,
 * whose number, places and sizes come out of the letters of the file's key in base64, by
 * floating point (struct spread). As "iskey" is known, so are the keystream's first six bytes,
 * and with them the size. Facts: github.com/f6-dfir/Ransomware,
 * Mimic/tools/mimic_decrypt_file.py. */
#include "crypt/chacha.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/aead.h"

#include <errno.h>
#include <string.h>

enum {
    TRAILER = 82,
    LEAST = 0,
    LENGTH = 1,
    PUBLIC = 2,
    OWN = 34,
    SIZE = 66,
    PERCENT = 74,
    VERSION = 75,
    MARK = 76,
    MARK_LEN = 6,
    KEY = 32,
    LETTERS = 43, /* of a key in base64, without padding */
    MIB = 1 << 20,
    MOST = 8 * MIB,
};

static const char mark[] = "iskey"; /* with its NUL */
static const uint8_t nonce[12];

/* --- what is known without a key --- */

struct seen {
    uint64_t size; /* of the plain file, its lower 48 bits */
    uint8_t version;
};

static int seen_of(const struct source *source, uint8_t trailer[TRAILER], struct seen *ret,
                   struct why *why)
{
    size_t len = source->size < TRAILER ? (size_t)source->size : TRAILER;
    if (len < TRAILER - PUBLIC)
        return fail(why, EBADMSG, "shorter than Mimic's trailer");
    memset(trailer, 0, TRAILER);
    int error = source_tail(source, trailer + TRAILER - len, len, why);
    if (error)
        return error;
    uint8_t size[8] = {0};
    for (size_t i = 0; i < MARK_LEN; i++)
        size[i] = trailer[SIZE + i] ^ trailer[MARK + i] ^ (uint8_t)mark[i];
    ret->size = load_le64(size);
    ret->version = trailer[VERSION] ^ trailer[MARK] ^ (uint8_t)mark[0];
    return 0;
}

static int mimic_recognise(const struct source *source, struct recognition *ret,
                           struct why *why)
{
    enum { SIZE_BITS = 47, VERSION_BITS = 4 };

    uint8_t trailer[TRAILER];
    struct seen seen = {0};
    int error = seen_of(source, trailer, &seen, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    /* Versions 1 and 2 do not have the first two bytes. */
    bool early = seen.version == '1' || seen.version == '2';
    if (seen.version < '1' || seen.version > '9' ||
        source->size - seen.size != (early ? TRAILER - PUBLIC : TRAILER))
        return 0;
    ret->fit = FIT_IS;
    ret->bits = SIZE_BITS + VERSION_BITS;
    ret->plain = seen.size;
    fail(&ret->reason, 1,
         "with 'iskey' under its last 6 bytes, the 6 at %u before the end are its size",
         (unsigned)(TRAILER - SIZE));
    return 0;
}

/* --- its key --- */

static bool extract(const uint8_t *secret, const uint8_t *pub, uint8_t ret[KEY])
{
    static const char words[] = "DontDecompileMePlease\1";
    const uint8_t zeros[KEY] = {0};
    uint8_t shared[KEY], pseudo[KEY];
    return x25519_shared(secret, pub, shared) &&
           aead_derive(zeros, (bytes){.at = shared, .len = KEY}, pseudo) &&
           aead_derive(pseudo, bytes_of(words), ret);
}

/* What one field is, of at most KEY bytes. */
static void field(const struct chacha *chacha, uint8_t *trailer, size_t at, size_t len)
{
    chacha_xor(chacha, 0, trailer + at, len);
}

/* The trailer with its fields in plain. */
static int opened(uint8_t trailer[TRAILER], const struct key *key, struct why *why)
{
    static const uint8_t fields[][2] = {{LEAST, 1},   {LENGTH, 1},  {OWN, KEY},      {SIZE, 8},
                                        {PERCENT, 1}, {VERSION, 1}, {MARK, MARK_LEN}};
    uint8_t own[KEY];
    struct chacha chacha;
    if (key->secret.len != KEY || !extract(key->secret.at, trailer + PUBLIC, own) ||
        !chacha_set(&chacha, 20, (bytes){.at = own, .len = KEY},
                    (bytes){.at = nonce, .len = sizeof nonce}, 1))
        return fail(why, EKEYREJECTED, "no Curve25519 key, or no public key in the file");
    for (size_t i = 0; i < COUNT(fields); i++)
        field(&chacha, trailer, fields[i][0], fields[i][1]);
    if (memcmp(trailer + MARK, mark, MARK_LEN) != 0)
        return fail(why, EKEYREJECTED, "not the key for which the file's own was sealed");
    return 0;
}

/* --- its parts --- */

/* As the family calculates: each step is rounded to a double by itself, on every machine. */
static double times(double a, double b)
{
    volatile double ret = a * b;
    return ret;
}

static double plus(double a, double b)
{
    volatile double ret = a + b;
    return ret;
}

/* A number of 0 to 0.3 out of letters. */
static double weight(const char *letters, size_t len)
{
    double ret = 0;
    for (size_t i = 0; i < len; i++)
        ret = plus(ret, times(letters[i], i & 1 ? 0.0001 : 0.00001));
    return ret;
}

static void letters_of(const uint8_t key[KEY], char ret[LETTERS])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < LETTERS; i++) {
        size_t bit = 6 * i, at = bit / 8;
        unsigned two = (unsigned)key[at] << 8 | (at + 1 < KEY ? key[at + 1] : 0);
        ret[i] = alphabet[two >> (10 - bit % 8) & 63];
    }
}

/* The parts between the first block and the last. */
struct spread {
    char letters[LETTERS];
    uint64_t count, part, least, most, first;
};

static bool spread_of(const uint8_t *trailer, uint64_t size, uint64_t block, struct spread *ret)
{
    uint64_t rest = size - 2 * block, each = 2 * (rest >> 24) + 1;
    letters_of(trailer + OWN, ret->letters);
    double share = times(weight(ret->letters, LETTERS), 1.4);
    uint64_t more = (uint64_t)((double)each / 0.6) - each + 1;
    ret->count = (uint64_t)plus(times((double)more, share), (double)each);
    ret->first = block;
    ret->part = rest / ret->count;
    uint64_t length = ret->part * trailer[PERCENT] / 100;
    ret->least = (uint64_t)times((double)length, 0.85);
    ret->most = 2 * length - ret->least;
    if (ret->most > ret->part) {
        ret->most = ret->part;
        ret->least = 2 * length - ret->part;
    }
    return trailer[PERCENT] <= 100;
}

static struct recipe_piece nth(const struct spread *spread, uint64_t i)
{
    uint64_t turn = i > LETTERS ? i % LETTERS - 1 : i;
    /* What would be -1 after 43 turns is taken as 1. */
    if (!turn || turn == UINT64_MAX)
        turn = 1;
    double share = times(weight(spread->letters + LETTERS - turn, turn), 1.4);
    double wide = times((double)(spread->most - spread->least + 1), share);
    uint64_t length = (uint64_t)plus((double)spread->least, wide);
    length = length < MOST ? length : MOST;
    double moved = times(share, (double)(spread->part - length + 1));
    uint64_t at = (uint64_t)plus((double)(spread->part * i + spread->first), moved);
    return (struct recipe_piece){
        .at = at, .from = at, .length = length, .start = RECIPE_RESTART};
}

static int parts(struct recipe *ret, const uint8_t *trailer, struct arena *arena,
                 struct why *why)
{
    enum { BIG = 10 * MIB };

    struct spread spread;
    uint64_t size = ret->size;
    uint64_t block = trailer[VERSION] >= '3' && size < BIG ? MIB / 2 : MIB;
    if (size < 2 * block)
        return fail(why, ENOTSUP, "%llu bytes in parts, which is not known of so few",
                    (unsigned long long)size);
    if (!spread_of(trailer, size, block, &spread))
        return fail(why, EBADMSG, "%u percent of it", (unsigned)trailer[PERCENT]);
    struct recipe_piece piece = {.length = block, .start = RECIPE_RESTART};
    int error = compose_piece(ret, arena, &piece, why);
    for (uint64_t i = 0; i < spread.count && !error; i++) {
        piece = nth(&spread, i);
        if (!piece.length)
            continue;
        if (piece.at >= size - block || piece.length > size - block - piece.at)
            return fail(why, EBADMSG, "a part that reaches into the last block");
        error = compose_piece(ret, arena, &piece, why);
    }
    piece = (struct recipe_piece){
        .at = size - block, .from = size - block, .length = block, .start = RECIPE_RESTART};
    return error ? error : compose_piece(ret, arena, &piece, why);
}

static int whole(struct recipe *ret, struct arena *arena, struct why *why)
{
    uint64_t count = ret->size / MOST, at = count * MOST;
    struct recipe_piece piece = {
        .length = count ? MOST : 0, .count = count, .step = MOST, .start = RECIPE_RESTART};
    int error = compose_piece(ret, arena, &piece, why);
    piece = (struct recipe_piece){
        .at = at, .from = at, .length = ret->size - at, .start = RECIPE_RESTART};
    return error ? error : compose_piece(ret, arena, &piece, why);
}

static int mimic_open(const struct source *source, const struct key *key, struct arena *arena,
                      struct recipe *ret, struct why *why)
{
    enum { EARLY_LEAST = 50 * MIB };

    struct seen seen = {0};
    uint8_t *trailer = arena_push(arena, TRAILER);
    if (!trailer)
        return fail(why, ENOMEM, "no memory for a key");
    int error = seen_of(source, trailer, &seen, why);
    if (!error)
        error = opened(trailer, key, why);
    if (error)
        return error;
    ret->size = load_le64(trailer + SIZE);
    if (ret->size > source->size - (TRAILER - PUBLIC))
        return fail(why, EBADMSG, "cut short: %llu bytes where %llu and a trailer are expected",
                    (unsigned long long)source->size, (unsigned long long)ret->size);
    struct recipe_stream stream = {.cipher = RECIPE_CHACHA,
                                   .rounds = 20,
                                   .key = {.at = trailer + OWN, .len = KEY},
                                   .iv = {.at = nonce, .len = sizeof nonce},
                                   .counter = 1};
    int number = compose_stream(ret, arena, &stream, why);
    uint64_t least =
        trailer[VERSION] >= '3' ? (uint64_t)trailer[LEAST] * MIB : (uint64_t)EARLY_LEAST;
    if (number < 0)
        return number;
    return ret->size < least ? whole(ret, arena, why) : parts(ret, trailer, arena, why);
}

const struct format format_mimic = {
    .family = "mimic",
    .title = "Mimic (Elpaco)",
    .facts = "github.com/f6-dfir/Ransomware, Mimic",
    .proven = true,
    .keys = 1U << KEY_CURVE25519,
    .recognise = mimic_recognise,
    .open = mimic_open,
};

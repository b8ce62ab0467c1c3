/* Proton: XChaCha20 over all of a small file, over some blocks of a larger one; and Shinra,
 * which followed it, with AES-256-CTR.
 *
 * Proton
 *     0 ─── blocks of 256 KiB ─── size-176
 *           24 nonce. 32 public key: the file's key by the session's secret
 *           64 the session's secret and public key, by XChaCha20.  24 nonce. 32 public key: the
 * key of that by the master key key = BLAKE3(secret agreed on by X25519, public key in the
 * file, own public key); the stream begins with its second block of 64 (the first is Poly1305's
 * key; no tag is kept). Up to 1.5 MiB: all. Larger: 3 blocks, or 4 to 1024 for archives and
 * databases, which their names tell; at multiples of size / count, the last one at the end.
 *
 * Shinra
 *     0 ─── blocks of 84 KiB ─── the file's end, filled up to a unit (512 bytes) ─── size-768
 *           644 a box for the session: 32 key; 16 first counter block; 8 size; 4 unit; 524
 * name, UTF-16 124 a box for the master key: the session's secret and public key A box:
 * ChaCha20-Poly1305 of the message, tag 16, nonce 12, public key 32; key = BLAKE3(secret agreed
 * on, own public key, the box's). Up to 448 KiB: all. Larger: 3 to 16 blocks, or 4 to 1024, at
 * multiples of size / count, rounded up to units.
 *
 * Facts: github.com/rivitna/Malware, Proton/proton_decrypt_file.py and shinra_decrypt_file.py.
 */
#include "crypt/blake3.h"
#include "crypt/chacha.h"
#include "crypt/curve25519.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/ranges.h"
#include "rescue/known.h"

#include <errno.h>
#include <string.h>

enum {
    KEY = 32,
    PROTON_NONCE = 24,
    PROTON_TRAILER = 2 * PROTON_NONCE + 4 * KEY,
    PROTON_SMALL = 0x180000,
    PROTON_BLOCK = 0x40000,
    BOX_MORE = 16 + 12 + KEY,
    SHINRA_NAME = 524,
    SHINRA_MESSAGE = 32 + 16 + 8 + 4 + SHINRA_NAME,
    SHINRA_FILE = SHINRA_MESSAGE + BOX_MORE,
    SHINRA_SESSION = 2 * KEY + BOX_MORE,
    SHINRA_TRAILER = SHINRA_FILE + SHINRA_SESSION,
    SHINRA_UNIT = 1 << 20, /* largest that is believed: a disk's sectors, 512 or 4,096 */
    SHINRA_SMALL = 0x70000,
    SHINRA_BLOCK = 0x15000,
    PROBE = 4096,
    PUBLIC_BITS = 10, /* two public keys of X25519: 1 of 1,024 random places is such a pair */
};

/* ------------------------------------------------------------------------- names and counts */

static const char *const important[] = {
    ".rar",     ".zip",      ".ckp",    ".db3",    ".dbf",    ".dbc",    "dbs",
    ".dbt",     ".dbv",      ".frm",    ".mdf",    ".mrg",    ".mwb",    ".myd",
    ".ndf",     ".qry",      ".sdb",    ".sdf",    ".sql",    ".tmd",    ".wdb",
    ".bz2",     ".tgz",      ".lzo",    ".db",     ".7z",     ".sqlite", ".accdb",
    ".sqlite3", ".sqlitedb", ".db-wal", ".db-shm", ".dacpac",
};

static const char *const important_too[] = {
    ".1c",  ".1cd", ".vmdk", ".vmem", ".iso", ".tar", ".fdb",
    ".csv", ".mdb", ".sl2",  ".mpd",  ".rsd", ".tib",
};

static bool ends(bytes name, const char *end)
{
    size_t len = strlen(end);
    return name.len >= len && bytes_same(bytes_slice(name, name.len - len, len), bytes_of(end));
}

static bool ends_in_one(bytes name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ends(name, list[i]))
            return true;
    return false;
}

static unsigned count_important(uint64_t size)
{
    static const struct {
        uint64_t below;
        unsigned count;
    } steps[] = {{0x600000, 4},     {0x3200000, 16},    {0x6400000, 32},   {0x1f400000, 64},
                 {0x80000000, 128}, {0x300000000, 256}, {0x600000000, 512}};

    for (size_t i = 0; i < COUNT(steps); i++)
        if (size < steps[i].below)
            return steps[i].count;
    return 1024;
}

/* Of other files, in Shinra. */
static unsigned count_other(uint64_t size)
{
    static const struct {
        uint64_t below;
        unsigned count;
    } steps[] = {
        {0x1e00000, 3}, {0xc800000, 4}, {0x1f400000, 5}, {0x40000000, 8}, {0x80000000, 12}};

    for (size_t i = 0; i < COUNT(steps); i++)
        if (size < steps[i].below)
            return steps[i].count;
    return 16;
}

/* The name without what Proton put behind it: ".[mail].Proton". */
static bytes name_before(bytes name)
{
    size_t end = name.len;
    for (size_t i = 0; i + 1 < name.len; i++)
        if (name.at[i] == '.' && name.at[i + 1] == '[')
            end = i;
    return bytes_slice(name, 0, end);
}

/* ------------------------------------------------------------------------------------- keys */

/* BLAKE3 of what two keys agree on and of both public keys, in either order. */
static bool derive(const uint8_t secret[KEY], const uint8_t pub[KEY], bool own_first,
                   uint8_t ret[KEY])
{
    uint8_t shared[KEY], own[KEY];
    if (!x25519_public(secret, own) || !x25519_shared(secret, pub, shared))
        return false;
    bytes parts[] = {{.at = shared, .len = KEY},
                     {.at = own_first ? own : pub, .len = KEY},
                     {.at = own_first ? pub : own, .len = KEY}};
    blake3_parts(parts, COUNT(parts), ret, KEY);
    return true;
}

static bool is_pair(const uint8_t keys[2 * KEY])
{
    uint8_t pub[KEY];
    return x25519_public(keys, pub) && !memcmp(pub, keys + KEY, KEY);
}

static bool decrypt(const uint8_t key[KEY], bytes nonce, uint8_t *data, size_t len)
{
    struct chacha chacha;
    if (!chacha_set(&chacha, 20, (bytes){.at = key, .len = KEY}, nonce, 1))
        return false;
    chacha_xor(&chacha, 0, data, len);
    return true;
}

static const uint8_t *secret_of(const struct key *key)
{
    return key->secret.len == KEY ? key->secret.at : (const uint8_t *)NULL;
}

/* ----------------------------------------------------------------------------------- Proton */

static uint64_t place(uint64_t size, unsigned count, unsigned block)
{
    return block + 1 < count ? block * (size / count) : size - PROTON_BLOCK;
}

/* Edges of its blocks that are where so many blocks would be, of the first three and the last.
 */
static int proton_edges(const struct source *source, uint64_t size, unsigned count)
{
    struct ranges_part parts[4];
    size_t n = 0;
    for (unsigned block = 0; block < count; block++)
        if (block < 3 || block + 1 == count)
            parts[n++] = (struct ranges_part){place(size, count, block), PROTON_BLOCK};
    return ranges_edges(source, parts, n, size);
}

static int proton_recognise(const struct source *source, struct recognition *ret,
                            struct why *why)
{
    uint8_t tail[PROTON_TRAILER];
    if (source->size < PROTON_TRAILER)
        return 0;
    int error = source_tail(source, tail, sizeof tail, why);
    if (error || !compose_unmarked(source) || !curve25519_is_public(tail + PROTON_NONCE) ||
        !curve25519_is_public(tail + PROTON_TRAILER - KEY))
        return error;
    ret->fit = FIT_CAN_BE;
    ret->plain = source->size - PROTON_TRAILER;
    ret->partial = ret->plain > PROTON_SMALL;
    ret->bits = PUBLIC_BITS;
    fail(&ret->reason, 1,
         "two public keys of Curve25519 at their places in its last 176 bytes: so has 1 of "
         "1,000 files of noise");
    if (!ret->partial)
        return 0;
    int few = proton_edges(source, ret->plain, 3);
    int many = proton_edges(source, ret->plain, count_important(ret->plain));
    int edges = few > many ? few : many;
    if (edges < RANGES_SURE)
        return 0;
    ret->fit = FIT_IS;
    ret->bits += (unsigned)edges * RANGES_EDGE_BITS;
    fail(
        &ret->reason, 1,
        "two public keys of Curve25519 in its last 176 bytes, and noise begins and ends at the "
        "very %d places where it encrypts",
        edges);
    return 0;
}

static bool is_noise(const struct source *source, uint64_t at)
{
    uint8_t part[PROBE];
    return source_read(source, at, part, sizeof part, NULL) == 0 &&
           known_noise((bytes){.at = part, .len = sizeof part});
}

/* Whether any of `count` blocks reaches into the probe at `at`. */
static bool covers(uint64_t size, unsigned count, uint64_t at)
{
    uint64_t block = at / (size / count);
    for (uint64_t i = block ? block - 1 : 0; i <= block + 1; i++) {
        uint64_t begin = place(size, count, i < count ? (unsigned)i : count - 1);
        if (at + PROBE > begin && at < begin + PROTON_BLOCK)
            return true;
    }
    return false;
}

/* A place that is done when there are `count` blocks, but not when there are `other`; 0: none.
 */
static uint64_t telling(uint64_t size, unsigned count, unsigned other)
{
    for (unsigned block = 1; block < count; block++)
        for (uint64_t at = 0; at < PROTON_BLOCK; at += PROBE)
            if (!covers(size, other, place(size, count, block) + at))
                return place(size, count, block) + at;
    return 0;
}

/* Which blocks were done is told by the kind of file, that by its name; where there is plain
 * text in a place that only one of the two would have done, by that. */
static unsigned proton_count(const struct source *source, uint64_t size, bool *guess)
{
    bytes name = name_before(source->name);
    unsigned many = count_important(size);
    bool named = memchr(name.len ? name.at : (const uint8_t *)"", '.', name.len) != NULL;
    uint64_t few_at = telling(size, 3, many), many_at = telling(size, many, 3);
    if (few_at && many_at) {
        bool by_few = is_noise(source, few_at), by_many = is_noise(source, many_at);
        if (by_few != by_many)
            return by_few ? 3 : many;
    }
    *guess = !named;
    return ends_in_one(name, important, COUNT(important)) ? many : 3;
}

static int proton_blocks(const struct source *source, struct arena *arena, struct recipe *ret,
                         int stream, struct why *why)
{
    uint64_t size = ret->size;
    struct recipe_piece piece = {.length = size, .stream = stream};
    if (size <= PROTON_SMALL)
        return compose_piece(ret, arena, &piece, why);
    unsigned count = proton_count(source, size, &ret->guess);
    piece = (struct recipe_piece){
        .length = PROTON_BLOCK, .count = count - 1, .step = size / count, .stream = stream};
    int error = compose_piece(ret, arena, &piece, why);
    piece = (struct recipe_piece){.at = size - PROTON_BLOCK,
                                  .from = size - PROTON_BLOCK,
                                  .length = PROTON_BLOCK,
                                  .stream = stream};
    return error ? error : compose_piece(ret, arena, &piece, why);
}

static int proton_open(const struct source *source, const struct key *key, struct arena *arena,
                       struct recipe *ret, struct why *why)
{
    uint8_t *tail = arena_push(arena, PROTON_TRAILER + KEY), sealing[KEY];
    if (!tail)
        return fail(why, ENOMEM, "no memory for a trailer");
    if (source->size < PROTON_TRAILER)
        return fail(why, EBADMSG, "shorter than Proton's trailer");
    int error = source_tail(source, tail, PROTON_TRAILER, why);
    if (error)
        return error;
    uint8_t *session = tail + PROTON_NONCE + KEY, *nonce = session + 2 * KEY;
    uint8_t *file_key = tail + PROTON_TRAILER;
    const uint8_t *secret = secret_of(key);
    if (!secret || !derive(secret, nonce + PROTON_NONCE, false, sealing) ||
        !decrypt(sealing, (bytes){.at = nonce, .len = PROTON_NONCE}, session, 2 * KEY))
        return fail(why, EKEYREJECTED, "no Curve25519 key");
    /* A session's own key proves nothing here: only when it is said to be for this family. */
    bool master = is_pair(session);
    if (!master && !key->family)
        return fail(why, EKEYREJECTED, "no session key comes out of the trailer with it");
    ret->guess = !master;
    if (!derive(master ? session : secret, tail + PROTON_NONCE, false, file_key))
        return fail(why, EBADMSG, "a public key that is none");

    ret->size = source->size - PROTON_TRAILER;
    struct recipe_stream stream = {.cipher = RECIPE_CHACHA,
                                   .rounds = 20,
                                   .key = {.at = file_key, .len = KEY},
                                   .iv = {.at = tail, .len = PROTON_NONCE},
                                   .counter = 1};
    int number = compose_stream(ret, arena, &stream, why);
    return number < 0 ? number : proton_blocks(source, arena, ret, number, why);
}

/* ----------------------------------------------------------------------------------- Shinra */

/* The message of a box, in place. What it must hold tells whether the key was right. */
static bool unbox(uint8_t *box, size_t message, const uint8_t secret[KEY])
{
    uint8_t key[KEY];
    return derive(secret, box + message + 28, true, key) &&
           decrypt(key, (bytes){.at = box + message + 16, .len = 12}, box, message);
}

static int shinra_recognise(const struct source *source, struct recognition *ret,
                            struct why *why)
{
    uint8_t tail[SHINRA_TRAILER], head[SHINRA_TRAILER];
    if (source->size < SHINRA_TRAILER)
        return 0;
    int error = source_tail(source, tail, sizeof tail, why);
    if (!error)
        error = source_read(source, 0, head, sizeof head, why);
    if (error || !known_noise((bytes){.at = tail, .len = sizeof tail}) ||
        !known_noise((bytes){.at = head, .len = sizeof head}) ||
        !curve25519_is_public(tail + SHINRA_FILE - KEY) ||
        !curve25519_is_public(tail + SHINRA_TRAILER - KEY))
        return error;
    ret->fit = FIT_CAN_BE;
    /* Filled up to a unit, which only the key tells: how long the plain file is, is not known.
     */
    ret->partial = source->size - SHINRA_TRAILER > SHINRA_SMALL + 4096;
    ret->bits = PUBLIC_BITS;
    fail(&ret->reason, 1,
         "two public keys of Curve25519 at their places in its last 768 bytes: so has 1 of "
         "1,000 files of noise");
    return 0;
}

/* UTF-16 to UTF-8; what is no character ends it. */
static bytes name_of(const uint8_t *at, struct arena *arena)
{
    uint8_t *ret = arena_push(arena, SHINRA_NAME * 3 / 2);
    size_t len = 0;
    for (size_t i = 0; ret && i + 1 < SHINRA_NAME; i += 2) {
        uint16_t c = load_le16(at + i);
        if (!c || (c & 0xf800) == 0xd800)
            break;
        if (c < 0x80) {
            ret[len++] = (uint8_t)c;
        } else if (c < 0x800) {
            ret[len++] = (uint8_t)(0xc0 | c >> 6);
            ret[len++] = (uint8_t)(0x80 | (c & 0x3f));
        } else {
            ret[len++] = (uint8_t)(0xe0 | c >> 12);
            ret[len++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
            ret[len++] = (uint8_t)(0x80 | (c & 0x3f));
        }
    }
    return (bytes){.at = ret, .len = len};
}

static int shinra_blocks(struct arena *arena, struct recipe *ret, int stream, uint32_t unit,
                         struct why *why)
{
    uint64_t size = ret->size, step;
    struct recipe_piece piece = {.length = size, .stream = stream};
    if (size <= SHINRA_SMALL)
        return compose_piece(ret, arena, &piece, why);
    bool many = ends_in_one(ret->name, important, COUNT(important)) ||
                ends_in_one(ret->name, important_too, COUNT(important_too));
    unsigned count = many ? count_important(size) : count_other(size);
    step = size / count;
    step += (unit - step % unit) % unit;
    if (step < SHINRA_BLOCK)
        return fail(why, EBADMSG, "blocks that overlap");
    /* Rounded up, the last ones can begin behind the end. */
    uint64_t whole = (size - SHINRA_BLOCK) / step + 1;
    whole = whole < count ? whole : count;
    piece = (struct recipe_piece){
        .length = SHINRA_BLOCK, .count = whole, .step = step, .stream = stream};
    int error = compose_piece(ret, arena, &piece, why);
    uint64_t begin = whole * step;
    if (error || whole == count || begin >= size)
        return error;
    piece = (struct recipe_piece){
        .at = begin, .from = begin, .length = size - begin, .stream = stream};
    return compose_piece(ret, arena, &piece, why);
}

static int shinra_open(const struct source *source, const struct key *key, struct arena *arena,
                       struct recipe *ret, struct why *why)
{
    uint8_t *tail = arena_push(arena, SHINRA_TRAILER);
    const uint8_t *secret = secret_of(key);
    if (!tail)
        return fail(why, ENOMEM, "no memory for a trailer");
    if (source->size < SHINRA_TRAILER)
        return fail(why, EBADMSG, "shorter than Shinra's trailer");
    int error = source_tail(source, tail, SHINRA_TRAILER, why);
    if (error)
        return error;
    uint8_t *session = tail + SHINRA_FILE;
    if (!secret || !unbox(session, 2 * KEY, secret))
        return fail(why, EKEYREJECTED, "no Curve25519 key");
    if (is_pair(session))
        secret = session;
    if (!unbox(tail, SHINRA_MESSAGE, secret))
        return fail(why, EKEYREJECTED, "nothing comes out of the trailer with it");
    uint64_t body = source->size - SHINRA_TRAILER;
    uint32_t unit = load_le32(tail + 56);
    ret->size = load_le64(tail + 48);
    if (ret->size > body || body - ret->size > SHINRA_UNIT)
        return fail(why, EKEYREJECTED,
                    "the file's size does not come out of the trailer with it");
    if (!unit || unit > SHINRA_UNIT)
        return fail(why, EBADMSG, "blocks in units of %u bytes", unit);
    ret->name = name_of(tail + 60, arena);
    struct recipe_stream stream = {.cipher = RECIPE_AES_CTR,
                                   .key = {.at = tail, .len = KEY},
                                   .iv = {.at = tail + KEY, .len = 16}};
    int number = compose_stream(ret, arena, &stream, why);
    return number < 0 ? number : shinra_blocks(arena, ret, number, unit, why);
}

const struct format format_proton = {
    .family = "proton",
    .title = "Proton",
    .facts = "github.com/rivitna/Malware, Proton",
    .proven = true,
    .keys = 1U << KEY_CURVE25519,
    .recognise = proton_recognise,
    .open = proton_open,
};

const struct format format_shinra = {
    .family = "shinra",
    .title = "Shinra",
    .facts = "github.com/rivitna/Malware, Proton",
    .proven = true,
    .keys = 1U << KEY_CURVE25519,
    .recognise = shinra_recognise,
    .open = shinra_open,
};

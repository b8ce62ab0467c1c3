/* Babuk for Windows, ESXi and NAS; many families were made of the source that leaked in 2021.
 *
 *     Windows  0 ─── the file ─── size-68: public key 32, CRC-32 of the key and IV (as
 * Proxima's), "choung dong looks like hot dog!!" HC-128 with a key and an IV of 32 bytes each,
 * SHA-512 of what X25519 agrees on; up to 64 bytes: all; 5 MiB: the first tenth; 20 MiB: 1 MiB
 * of each third; larger: 1 MiB of each whole 10 MiB ESXi   0 ─── the file ─── size-32: public
 * key 32 Sosemanuk, IV 0, over the first 512 MiB NAS    0 ─── the file ─── size-38: public key
 * 32, then ab bc cd de ef f0 ChaCha20; up to 20 MiB: the first 4 MiB; larger: 1 MiB of each
 * whole 10 MiB
 *
 * Key: SHA-256 of what X25519 agrees on; nonce of NAS: bytes 10 to 22 of SHA-256 of the key.
 * Nothing else checks a key. Facts: github.com/rivitna/Malware,
 * Babuk/babuk_esxi_decrypt_file.py and babuk_nas_decrypt_file.py, and a script of the same kind
 * for Windows. No published file was at hand. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/digest.h"

#include <errno.h>
#include <string.h>

enum {
    KEY = 32,
    MARK = 6,
    NAS = KEY + MARK,
    WINDOWS_MARK = 32,
    WINDOWS = KEY + 4 + WINDOWS_MARK,
    ESXI_MOST = 0x20000000,
    MIB = 1 << 20,
};

static const char windows_mark[] = "choung dong looks like hot dog!!";

static const uint8_t mark[MARK] = {0xab, 0xbc, 0xcd, 0xde, 0xef, 0xf0};

/* Key, digest of the key, into the arena; `pub` at `behind` bytes before the end. */
static int derive(const struct source *source, const struct key *key, uint64_t behind,
                  struct arena *arena, uint8_t **ret, struct why *why)
{
    uint8_t pub[KEY], shared[KEY], *made = arena_push(arena, 64 + 16);
    bytes parts[] = {{.at = shared, .len = KEY}, {.at = made, .len = KEY}};
    if (!made)
        return fail(why, ENOMEM, "no memory for a key");
    if (source->size < behind)
        return fail(why, EBADMSG, "shorter than Babuk's trailer");
    int error = source_read(source, source->size - behind, pub, KEY, why);
    if (error)
        return error;
    if (key->secret.len != KEY || !x25519_shared(key->secret.at, pub, shared) ||
        !digest_parts(DIGEST_SHA256, &parts[0], 1, made) ||
        !digest_parts(DIGEST_SHA256, &parts[1], 1, made + KEY))
        return fail(why, EKEYREJECTED, "no Curve25519 key, or no public key in the file");
    *ret = made;
    return 0;
}

/* The last `len` bytes of a file that may be a mark. */
static int is_marked(const struct source *source, const void *wanted, size_t len, bool *ret,
                     struct why *why)
{
    uint8_t tail[WINDOWS_MARK];
    *ret = false;
    if (source->size < KEY + len)
        return 0;
    int error = source_tail(source, tail, len, why);
    *ret = !error && !memcmp(tail, wanted, len);
    return error;
}

static int babuk_windows_recognise(const struct source *source, struct recognition *ret,
                                   struct why *why)
{
    bool is;
    int error = is_marked(source, windows_mark, WINDOWS_MARK, &is, why);
    if (error || !is || source->size < WINDOWS)
        return error;
    ret->fit = FIT_IS;
    ret->variant = "Windows";
    ret->plain = source->size - WINDOWS;
    ret->partial = ret->plain > 64;
    fail(&ret->reason, 1, "'%s' at its end", windows_mark);
    return 0;
}

/* Key and IV, 64 bytes, into the arena, and whether the file's checksum is theirs. */
static int derive_windows(const struct source *source, const struct key *key,
                          struct arena *arena, uint8_t **ret, bool *checked, struct why *why)
{
    uint8_t trailer[KEY + 4], shared[KEY];
    bytes part = {.at = shared, .len = KEY};
    *ret = arena_push(arena, 64);
    if (!*ret)
        return fail(why, ENOMEM, "no memory for a key");
    int error = source_read(source, source->size - WINDOWS, trailer, sizeof trailer, why);
    if (error)
        return error;
    if (key->secret.len != KEY || !x25519_shared(key->secret.at, trailer, shared) ||
        !digest_parts(DIGEST_SHA512, &part, 1, *ret))
        return fail(why, EKEYREJECTED, "no Curve25519 key, or no public key in the file");
    *checked = proxima_checksum(*ret, 64) == load_le32(trailer + KEY);
    return 0;
}

static int windows_pieces(struct recipe *ret, struct arena *arena, int stream, struct why *why)
{
    uint64_t size = ret->size;
    struct recipe_piece piece = {.length = MIB, .stream = stream};
    if (size > 20 * MIB) {
        piece.step = 10 * MIB;
        piece.count = size / piece.step;
    } else if (size > 5 * MIB) {
        piece.step = size / 3;
        piece.count = 3;
    } else {
        piece.length = size > 64 ? size / 10 : size;
    }
    return compose_piece(ret, arena, &piece, why);
}

static int babuk_windows_open(const struct source *source, const struct key *key,
                              struct arena *arena, struct recipe *ret, struct why *why)
{
    struct recognition seen = {0};
    uint8_t *made = NULL;
    bool checked = false;
    int error = babuk_windows_recognise(source, &seen, why);
    if (!error && seen.fit != FIT_IS)
        error = fail(why, EBADMSG, "no '%s' at its end", windows_mark);
    if (!error)
        error = derive_windows(source, key, arena, &made, &checked, why);
    if (error)
        return error;
    ret->size = source->size - WINDOWS;
    struct recipe_stream stream = {.cipher = RECIPE_HC128,
                                   .key = {.at = made, .len = KEY},
                                   .iv = {.at = made + KEY, .len = KEY}};
    int number = compose_stream(ret, arena, &stream, why);
    error = number < 0 ? number : windows_pieces(ret, arena, number, why);
    /* What the checksum covers is told in two ways: where it does not fit, the file's start has
     * to tell. */
    ret->guess = !checked;
    return error || checked ? error : compose_try(ret, source, arena, why);
}

static int babuk_nas_recognise(const struct source *source, struct recognition *ret,
                               struct why *why)
{
    bool is;
    int error = is_marked(source, mark, MARK, &is, why);
    if (error || !is)
        return error;
    ret->fit = FIT_IS;
    ret->variant = "NAS";
    ret->plain = source->size - NAS;
    ret->partial = ret->plain > 4 * MIB;
    fail(&ret->reason, 1, "'ab bc cd de ef f0' at its end");
    return 0;
}

static int babuk_nas_open(const struct source *source, const struct key *key,
                          struct arena *arena, struct recipe *ret, struct why *why)
{
    struct recognition seen = {0};
    uint8_t *made = NULL;
    int error = babuk_nas_recognise(source, &seen, why);
    if (!error && seen.fit != FIT_IS)
        error = fail(why, EBADMSG, "no 'ab bc cd de ef f0' at its end");
    if (!error)
        error = derive(source, key, NAS, arena, &made, why);
    if (error)
        return error;
    uint64_t size = ret->size = source->size - NAS;
    struct recipe_stream stream = {.cipher = RECIPE_CHACHA,
                                   .rounds = 20,
                                   .key = {.at = made, .len = KEY},
                                   .iv = {.at = made + KEY + 10, .len = 12}};
    struct recipe_piece piece = {.length = size < 4 * MIB ? size : 4 * MIB,
                                 .stream = compose_stream(ret, arena, &stream, why)};
    if (piece.stream < 0)
        return piece.stream;
    if (size > 20 * MIB) {
        piece.length = MIB;
        piece.step = 10 * MIB;
        piece.count = size / piece.step;
    }
    error = compose_piece(ret, arena, &piece, why);
    ret->guess = true;
    return error ? error : compose_try(ret, source, arena, why);
}

static int babuk_esxi_recognise(const struct source *source, struct recognition *ret,
                                struct why *why)
{
    uint8_t tail[KEY];
    if (source->size < KEY || !compose_unmarked(source))
        return 0;
    int error = source_tail(source, tail, KEY, why);
    /* The field's prime has 255 bits. */
    if (error || tail[KEY - 1] & 0x80)
        return error;
    ret->fit = FIT_CAN_BE;
    ret->variant = "ESXi";
    ret->plain = source->size - KEY;
    ret->partial = ret->plain > ESXI_MOST;
    fail(&ret->reason, 1, "its last 32 bytes can be a public key");
    return 0;
}

static int babuk_esxi_open(const struct source *source, const struct key *key,
                           struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t *made = NULL;
    int error = derive(source, key, KEY, arena, &made, why);
    if (error)
        return error;
    uint64_t size = ret->size = source->size - KEY;
    struct recipe_stream stream = {.cipher = RECIPE_SOSEMANUK,
                                   .key = {.at = made, .len = KEY},
                                   .iv = {.at = made + 64, .len = 16}};
    struct recipe_piece piece = {.length = size < ESXI_MOST ? size : ESXI_MOST,
                                 .stream = compose_stream(ret, arena, &stream, why)};
    if (piece.stream < 0)
        return piece.stream;
    error = compose_piece(ret, arena, &piece, why);
    ret->guess = true;
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_babuk_nas = {
    .family = "babuk_nas",
    .title = "Babuk for NAS",
    .facts = "github.com/rivitna/Malware, Babuk",
    .keys = 1U << KEY_CURVE25519,
    .recognise = babuk_nas_recognise,
    .open = babuk_nas_open,
};

const struct format format_babuk_esxi = {
    .family = "babuk_esxi",
    .title = "Babuk for ESXi",
    .facts = "github.com/rivitna/Malware, Babuk",
    .keys = 1U << KEY_CURVE25519,
    .recognise = babuk_esxi_recognise,
    .open = babuk_esxi_open,
};

const struct format format_babuk_windows = {
    .family = "babuk_windows",
    .title = "Babuk for Windows",
    .facts = "github.com/rivitna/Malware, Babuk",
    .keys = 1U << KEY_CURVE25519,
    .recognise = babuk_windows_recognise,
    .open = babuk_windows_open,
};

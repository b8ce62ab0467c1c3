/* MedusaLocker 3: AES-256-ECB over all of the file, or over blocks with gaps between them.
 *
 *     0 ─── blocks ─── size-1556
 *           1280  the session's private key (a CryptoAPI blob), sealed with the master key in
 *                 parts of 256 bytes
 *            256  the AES key, sealed with the session's key
 *              8  bytes of the plain file, or of that part of it that is treated
 *              4  1: gaps; else none
 *              4  size of a block; what is left of it behind whole blocks of AES stays plain
 *              4  size of a gap
 *
 * RSA: PKCS #1 v1.5, the number little endian. Facts: github.com/rivitna/Malware,
 * MedusaLocker3/ml3_decrypt_file.py and ml3_crypt.py. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"

#include <errno.h>

enum { RSA = 256, SESSION = 5 * RSA, TRAILER = SESSION + RSA + 20 };

struct layout {
    uint64_t plain, treated, block, gap;
};

static int layout_of(const struct source *source, struct layout *ret, struct why *why)
{
    uint8_t tail[20];
    if (source->size < TRAILER)
        return fail(why, EBADMSG, "shorter than MedusaLocker's trailer");
    int error = source_tail(source, tail, sizeof tail, why);
    if (error)
        return error;
    *ret = (struct layout){.plain = source->size - TRAILER,
                           .treated = load_le64(tail),
                           .block = load_le32(tail + 12),
                           .gap = load_le32(tail + 8) == 1 ? load_le32(tail + 16) : 0};
    if (ret->treated > ret->plain || (ret->treated && !ret->block))
        return fail(
            why, EBADMSG,
            "the trailer tells of %llu bytes in blocks of %llu, where the file has %llu",
            (unsigned long long)ret->treated, (unsigned long long)ret->block,
            (unsigned long long)ret->plain);
    return 0;
}

static int medusalocker3_recognise(const struct source *source, struct recognition *ret,
                                   struct why *why)
{
    struct layout layout;
    uint8_t mode[4];
    if (source->size < TRAILER)
        return 0;
    int error = source_read(source, source->size - 12, mode, sizeof mode, why);
    if (error || layout_of(source, &layout, NULL) || load_le32(mode) > 2)
        return error;
    if (layout.treated != layout.plain || layout.block < 16)
        return 0;
    ret->fit = FIT_IS;
    ret->plain = layout.plain;
    ret->partial = layout.gap != 0;
    ret->variant = layout.gap ? "blocks with gaps" : "whole";
    fail(&ret->reason, 1, "a trailer of 1556 bytes that tells the plain file's size, %llu",
         (unsigned long long)layout.plain);
    return 0;
}

/* The session's key, out of the parts that the master key opens, into *ret. */
static int session(const struct key *master, bytes sealed, struct arena *arena, struct key *ret,
                   struct why *why)
{
    uint8_t blob[SESSION], part[PRIVATEKEY_MAX];
    size_t size = privatekey_size(&master->rsa), filled = 0, len;
    if (!size || SESSION % size)
        return fail(why, EKEYREJECTED, "not of the size of a MedusaLocker key");
    for (size_t at = 0; at < SESSION; at += size) {
        int error = privatekey_pkcs1(&master->rsa, PRIVATEKEY_LITTLE,
                                     bytes_slice(sealed, at, size), part, &len, why);
        if (error)
            return error;
        for (size_t i = 0; i < len && filled < SESSION; i++)
            blob[filled++] = part[i];
    }
    struct keyring ring = {0};
    int error =
        keyring_add(&ring, (bytes){.at = blob, .len = filled}, master->origin, arena, why);
    if (error == -ENOMEM)
        return error;
    if (error || ring.key.n != 1 || ring.key.at[0].kind != KEY_RSA)
        return fail(why, EKEYREJECTED, "what it opens is no session key");
    *ret = ring.key.at[0];
    return 0;
}

static int aes_key(const struct source *source, const struct key *key, struct arena *arena,
                   bytes *ret, struct why *why)
{
    bytes sealed;
    uint8_t plain[PRIVATEKEY_MAX];
    size_t len;
    struct key own = *key;
    int error = source_take(source, source->size - TRAILER, SESSION + RSA, arena, &sealed, why);
    if (error)
        return error;
    bytes last = bytes_slice(sealed, SESSION, RSA);
    error = session(key, sealed, arena, &own, why);
    if (error == -ENOMEM)
        return error;
    /* Without a session's key in it, the key may be the session's own. */
    error = privatekey_pkcs1(&own.rsa, PRIVATEKEY_LITTLE, last, plain, &len, why);
    if (!error && len != 16 && len != 24 && len != 32)
        error = fail(why, EKEYREJECTED, "what it opens is no AES key");
    if (error)
        return error;
    *ret = arena_copy(arena, (bytes){.at = plain, .len = len});
    return ret->at ? 0 : fail(why, ENOMEM, "no memory for a key");
}

static int medusalocker3_open(const struct source *source, const struct key *key,
                              struct arena *arena, struct recipe *ret, struct why *why)
{
    struct layout layout;
    struct recipe_stream stream = {.cipher = RECIPE_AES_ECB};
    int error = layout_of(source, &layout, why);
    if (!error)
        error = aes_key(source, key, arena, &stream.key, why);
    if (error)
        return error;
    ret->size = layout.plain;
    int number = compose_stream(ret, arena, &stream, why);
    uint64_t step = layout.block + layout.gap;
    uint64_t whole = layout.treated >= layout.block && layout.block
                         ? (layout.treated - layout.block) / step + 1
                         : 0;
    uint64_t rest = layout.treated > whole * step ? layout.treated - whole * step : 0;
    struct recipe_piece blocks = {
        .length = whole ? layout.block : 0, .count = whole, .step = step, .stream = number};
    struct recipe_piece last = {
        .at = whole * step, .from = whole * step, .length = rest, .stream = number};
    if (number < 0)
        return number;
    error = compose_piece(ret, arena, &blocks, why);
    return error ? error : compose_piece(ret, arena, &last, why);
}

const struct format format_medusalocker3 = {
    .family = "medusalocker3",
    .title = "MedusaLocker 3",
    .facts = "github.com/rivitna/Malware, MedusaLocker3",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = medusalocker3_recognise,
    .open = medusalocker3_open,
};

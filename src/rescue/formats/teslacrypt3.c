/* TeslaCrypt 3 and 4 (.xxx, .ttt, .micro, .mp3, none), little endian.
 *
 *     0       8  zeros, then 8 of the victim's, then 8 zeros
 *     0x18   65  public point X: 04, x, y of secp256k1
 *     0x59   32  G', sealed with X
 *     0x98   65  public key QD of the secret g = SHA-256(G')
 *     0xdc   65  public point Y
 *     0x11d  32  the file's key, sealed with Y
 *     0x15c  16  IV
 *     0x16c   4  size of the plain file
 *     0x170  ..  AES-256-CBC, padded
 *
 * Sealed with a point: AES-256-CBC, no IV, under SHA-256 of the x of secret * point; the secret
 * is the authors' master key for X (published by them in May 2016) and g for Y.
 * Facts: Cisco Talos, TeslaDecrypt. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/cipher.h"
#include "shim/curve.h"
#include "shim/digest.h"

#include <errno.h>
#include <string.h>

enum {
    POINT_X = 0x18,
    SEALED_G = 0x59,
    POINT_QD = 0x98,
    POINT_Y = 0xdc,
    SEALED_KEY = 0x11d,
    IV = 0x15c,
    SIZE = 0x16c,
    DATA = 0x170,
    KEY = 32
};

static bool header_of(const struct source *source, uint8_t ret[DATA])
{
    return source->size >= DATA && !source_read(source, 0, ret, DATA, NULL) &&
           load_le64(ret) == 0 && load_le64(ret + 8) != 0 && load_le64(ret + 16) == 0 &&
           ret[POINT_X] == 4 && ret[POINT_QD] == 4 && ret[POINT_Y] == 4;
}

static int teslacrypt3_recognise(const struct source *source, struct recognition *ret,
                                 struct why *why)
{
    (void)why;
    uint8_t header[DATA];
    if (!header_of(source, header))
        return 0;
    ret->fit = FIT_IS;
    ret->variant = "3 or 4";
    ret->plain = load_le32(header + SIZE);
    fail(&ret->reason, 1, "an identifier between zeros and three public keys at its start");
    return 0;
}

static bool unseal(const struct curve *curve, const uint8_t *secret, const uint8_t *point,
                   const uint8_t *sealed, uint8_t ret[KEY])
{
    uint8_t shared[2 * KEY], key[KEY], iv[CIPHER_BLOCK] = {0};
    bytes x = {shared, KEY};
    return curve_multiply(curve, secret, point + 1, shared) &&
           digest_parts(DIGEST_SHA256, &x, 1, key) &&
           cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){key, KEY}, iv, (bytes){sealed, KEY},
                      ret);
}

/* g by the master key, or the key is g itself. */
static bool victim_secret(const struct curve *curve, const uint8_t *secret,
                          const uint8_t *header, uint8_t ret[KEY])
{
    uint8_t made[KEY];
    bytes whole = {made, KEY};
    if (curve_owns(curve, secret, header + POINT_QD + 1)) {
        memcpy(ret, secret, KEY);
        return true;
    }
    return unseal(curve, secret, header + POINT_X, header + SEALED_G, made) &&
           digest_parts(DIGEST_SHA256, &whole, 1, ret) &&
           curve_owns(curve, ret, header + POINT_QD + 1);
}

static int teslacrypt3_open(const struct source *source, const struct key *key,
                            struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t *header = arena_push_raw(arena, DATA), *made = arena_push(arena, KEY), g[KEY];
    if (!header || !made)
        return fail(why, ENOMEM, "no memory for a header");
    if (!header_of(source, header))
        return fail(why, EBADMSG, "no header of TeslaCrypt 3 or 4 at the file's start");
    if (key->kind != KEY_SECP256K1 || key->secret.len != KEY)
        return fail(why, EKEYREJECTED, "a key of TeslaCrypt 3 and 4 is a scalar of 32 bytes");
    struct curve *curve = curve_new(CURVE_SECP256K1);
    if (!curve)
        return fail(why, ENOMEM, "no memory for a curve");
    bool good = victim_secret(curve, key->secret.at, header, g);
    bool opened = good && unseal(curve, g, header + POINT_Y, header + SEALED_KEY, made);
    curve_free(curve);
    if (!good)
        return fail(why, EKEYREJECTED, "the key does not give the secret of the file's QD");
    if (!opened)
        return fail(why, EBADMSG, "the file's second public key is not on the curve");
    ret->size = load_le32(header + SIZE);
    return compose_cbc(source, DATA, (bytes){made, KEY}, header + IV, arena, ret, why);
}

const struct format format_teslacrypt3 = {
    .family = "teslacrypt3",
    .title = "TeslaCrypt 3 and 4",
    .facts = "Cisco Talos, TeslaDecrypt; the authors' master key of May 2016",
    .keys = 1 << KEY_SECP256K1,
    .recognise = teslacrypt3_recognise,
    .open = teslacrypt3_open,
};

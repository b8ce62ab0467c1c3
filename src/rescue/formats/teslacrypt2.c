/* TeslaCrypt 0.3.4a to 2.2 (.vvv, .ccc, .zzz, .aaa, .abc), little endian.
 *
 *     0      4  de ad be ef, or zeros
 *     4     65  public key of the payment: 04, x, y of secp256k1
 *     0x45 130  hexadecimal digits, then zeros: a multiple of that key's secret
 *     0xc7  65  public key of the file
 *     0x108 130  hexadecimal digits, then zeros: a multiple of the file's secret
 *     0x18a  16  IV
 *     0x19a   4  size of the plain file
 *     0x19e  ..  AES-256-CBC, padded
 *
 * The key is the secret of the file's public key, 32 bytes big endian, its leading zeros moved
 * to the end. Facts: Googulator, TeslaCrack, and its published pairs. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/curve.h"

#include <errno.h>
#include <string.h>

enum { PUBLIC = 0xc7, MULTIPLE = 0x108, IV = 0x18a, SIZE = 0x19a, DATA = 0x19e, KEY = 32 };

/* 100 to 128 hexadecimal digits, then zeros up to 130. */
static bool multiple(const uint8_t *at)
{
    size_t digits = 0;
    while (digits < 128 && ascii_hex(at[digits]) >= 0)
        digits++;
    for (size_t i = digits; i < 130; i++)
        if (at[i])
            return false;
    return digits >= 100;
}

static bool header_of(const struct source *source, uint8_t ret[DATA])
{
    return source->size >= DATA && !source_read(source, 0, ret, DATA, NULL) &&
           (load_be32(ret) == 0xdeadbeef || load_be32(ret) == 0) && ret[4] == 4 &&
           ret[PUBLIC] == 4 && multiple(ret + 0x45) && multiple(ret + MULTIPLE);
}

static int teslacrypt2_recognise(const struct source *source, struct recognition *ret,
                                 struct why *why)
{
    (void)why;
    uint8_t header[DATA];
    if (!header_of(source, header))
        return 0;
    ret->fit = FIT_IS;
    ret->variant = "2.x";
    ret->plain = load_le32(header + SIZE);
    fail(&ret->reason, 1, "two public keys and two multiples in hexadecimal at its start");
    return 0;
}

/* Whether `secret` is that of the file's public key; if so, the AES key. */
static bool fits(const struct curve *curve, const uint8_t *secret, const uint8_t *header,
                 uint8_t ret[KEY])
{
    if (!curve_owns(curve, secret, header + PUBLIC + 1))
        return false;
    size_t zeros = 0;
    while (zeros < KEY && !secret[zeros])
        zeros++;
    memset(ret, 0, KEY);
    memcpy(ret, secret + zeros, KEY - zeros);
    return true;
}

/* The secret may come as it is, or as the AES key that was made of it. */
static int aes_key(const uint8_t *secret, const uint8_t *header, uint8_t *ret, struct why *why)
{
    struct curve *curve = curve_new(CURVE_SECP256K1);
    if (!curve)
        return fail(why, ENOMEM, "no memory for a curve");
    uint8_t turned[KEY];
    memcpy(turned, secret, KEY);
    bool good = fits(curve, turned, header, ret);
    for (unsigned zeros = 0; !good && zeros < 8 && turned[KEY - 1] == 0; zeros++) {
        memmove(turned + 1, turned, KEY - 1);
        turned[0] = 0;
        good = fits(curve, turned, header, ret);
    }
    curve_free(curve);
    return good ? 0
                : fail(why, EKEYREJECTED, "the key is not the secret of the file's public key");
}

static int teslacrypt2_open(const struct source *source, const struct key *key,
                            struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t *header = arena_push_raw(arena, DATA), *made = arena_push(arena, KEY);
    if (!header || !made)
        return fail(why, ENOMEM, "no memory for a header");
    if (!header_of(source, header))
        return fail(why, EBADMSG, "no header of TeslaCrypt 2 at the file's start");
    if (key->secret.len != KEY || (key->kind != KEY_BYTES && key->kind != KEY_SECP256K1))
        return fail(why, EKEYREJECTED, "a key of TeslaCrypt 2 is of 32 bytes");
    int error = aes_key(key->secret.at, header, made, why);
    if (error)
        return error;
    ret->size = load_le32(header + SIZE);
    return compose_cbc(source, DATA, (bytes){made, KEY}, header + IV, arena, ret, why);
}

const struct format format_teslacrypt2 = {
    .family = "teslacrypt2",
    .title = "TeslaCrypt 2",
    .facts = "Googulator, TeslaCrack",
    .proven = true,
    .keys = 1 << KEY_BYTES | 1 << KEY_SECP256K1,
    .recognise = teslacrypt2_recognise,
    .open = teslacrypt2_open,
};

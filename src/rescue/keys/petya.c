/* The identifier, decoded:
 *
 *     0   49  04, x, y of a point of secp192k1
 *     49  16  the key: AES-256-ECB, and in all but GoldenEye XORed with bytes 0 to 15
 *     65   6  GoldenEye alone: not known
 *
 * AES's key is the first half of SHA-512 of the x of secret * point, in which mbed TLS's use
 * went wrong: as many bytes are hashed as x has bits, x behind zeros. */
#include "rescue/keys/petya.h"

#include "rescue/keys/published.h"
#include "shim/cipher.h"
#include "shim/curve.h"
#include "shim/digest.h"

#include <errno.h>
#include <string.h>

enum { POINT = 49, KEY = 16, SIZE = POINT + KEY, LONG = SIZE + 6, COORDINATE = 24 };

struct line {
    const char *kind;
    size_t least, most;    /* characters */
    size_t before, behind; /* of which these are left out */
    size_t size;           /* decoded */
    bool plain;            /* not XORed, no text */
};

static const struct line lines[] = {
    {"Petya (red)", 88, 91, 2, 0, SIZE, false},
    {"Petya (green) or Mischa", 94, 97, 2, 6, SIZE, false},
    {"GoldenEye", 94, 98, 0, 0, LONG, true},
};

static int digit(uint8_t c)
{
    static const char letters[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    const char *at = c ? strchr(letters, c) : NULL;
    return at ? (int)(at - letters) : -1;
}

/* Base58 to exactly `size` bytes. */
static bool decode(bytes text, uint8_t *ret, size_t size)
{
    memset(ret, 0, size);
    for (size_t i = 0; i < text.len; i++) {
        int carry = digit(text.at[i]);
        if (carry < 0)
            return false;
        for (size_t k = size; k--;) {
            carry += ret[k] * 58;
            ret[k] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry)
            return false;
    }
    return ret[0] == 4;
}

static unsigned bits(const uint8_t *number, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (number[i])
            return (unsigned)(len - i) * 8 + 24 - (unsigned)__builtin_clz(number[i]);
    return 0;
}

/* False: the point is not on the curve. */
static bool unseal(const uint8_t *data, uint8_t ret[KEY])
{
    uint8_t shared[2 * COORDINATE], hashed[8 * COORDINATE] = {0}, digest[64];
    struct curve *curve = curve_new(CURVE_SECP192K1);
    bool good = curve && curve_multiply(curve, published_petya, data + 1, shared);
    curve_free(curve);
    size_t len = good ? bits(shared, COORDINATE) : 0;
    if (len < COORDINATE)
        return false;
    memcpy(hashed + len - COORDINATE, shared, COORDINATE);
    bytes whole = {hashed, len};
    return digest_parts(DIGEST_SHA512, &whole, 1, digest) &&
           cipher_aes(CIPHER_ECB, CIPHER_DECRYPT, (bytes){digest, 32}, NULL,
                      (bytes){data + POINT, KEY}, ret);
}

static bool is_text(const uint8_t *key)
{
    for (unsigned i = 0; i < KEY; i++)
        if (!ascii_alnum(key[i]))
            return false;
    return true;
}

/* The key by one line's rules. Some identifiers can be read by two lines' rules: only one gives
 * a point of the curve and a text. */
static bool open_as(const struct line *line, bytes text, uint8_t ret[KEY])
{
    uint8_t data[LONG];
    if (text.len < line->least || text.len > line->most ||
        !decode(bytes_slice(text, line->before, text.len - line->before - line->behind), data,
                line->size) ||
        !unseal(data, ret))
        return false;
    for (unsigned i = 0; i < KEY && !line->plain; i++)
        ret[i] ^= data[i];
    return line->plain || is_text(ret);
}

static const struct line *line_of(bytes text, uint8_t key[KEY])
{
    for (size_t i = 0; i < COUNT(lines); i++)
        if (open_as(&lines[i], text, key))
            return &lines[i];
    return NULL;
}

const char *petya_kind(bytes text)
{
    uint8_t key[KEY];
    const struct line *line = line_of(bytes_trim(text, " \t\r\n-"), key);
    return line ? line->kind : NULL;
}

int petya_key(bytes text, struct arena *arena, bytes *ret, struct why *why)
{
    uint8_t key[KEY];
    text = bytes_trim(text, " \t\r\n-");
    const struct line *line = line_of(text, key);
    if (!line)
        return fail(why, EBADMSG,
                    "no identifier of Petya, Mischa or GoldenEye, or a character is wrong: %zu "
                    "characters",
                    text.len);
    char hex[2 * KEY + 1];
    digest_hex(key, KEY, hex);
    *ret = arena_copy(arena,
                      line->plain ? (bytes){(const uint8_t *)hex, 2 * KEY} : (bytes){key, KEY});
    return ret->at ? 0 : fail(why, ENOMEM, "no memory for a key");
}

#include "rescue/keys/secles.h"

#include "crypt/chacha.h"
#include "rescue/formats/sealed.h"
#include "shim/cipher.h"
#include "shim/digest.h"

#include <errno.h>
#include <string.h>

enum {
    KEY = 32,
    AES_NONCE = 12,
    TAG = 16,
    NONCE = 8,
    SESSIONS_MAX = 64,
    BEFORE_ECC = 2 + 20 + 2 + 4 + 4, /* marks, victim, number */
    ALL = BEFORE_ECC + KEY + 3,
};

bool secles_can_be(bytes file)
{
    if (file.len < 512)
        return false;
    const uint8_t *mark = file.at + file.len - SECLES_MARK;
    return (mark[0] == 0x2d || mark[0] == 0x56) && mark[1] == 1;
}

/* What AES-GCM seals, by the first of the RSA keys that opens it. Empty: none does. */
static bytes by_rsa(struct reading *reading, bytes data)
{
    const struct keyring *ring = reading->ring;
    for (uint32_t i = 0; i < ring->key.n; i++) {
        const struct key *key = &ring->key.at[i];
        size_t size = key->kind == KEY_RSA ? privatekey_size(&key->rsa) : 0;
        bytes own;
        if (!size || data.len < size + TAG + KEY ||
            sealed_oaep_by(key, PRIVATEKEY_SHA384, bytes_slice(data, data.len - size, size),
                           reading->arena, &own, NULL) ||
            own.len < KEY + AES_NONCE)
            continue;
        bytes in = bytes_slice(data, 0, data.len - size - TAG);
        uint8_t *out = arena_push(reading->arena, in.len + 1);
        if (out && cipher_gcm_open(bytes_slice(own, 0, KEY), bytes_slice(own, KEY, AES_NONCE),
                                   in, in.at + in.len, out))
            return (bytes){.at = out, .len = in.len};
    }
    return (bytes){0};
}

static bool is_record(bytes text, size_t at)
{
    const uint8_t *p = text.at + at;
    return !memcmp(p, ">^", 2) && !memcmp(p + 22, "<~", 2) && !memcmp(p + 28, ":A6N", 4) &&
           !memcmp(p + BEFORE_ECC + KEY, "Z5,", 3);
}

/* Where the last record begins; SIZE_MAX: there is none. */
static size_t last_record(bytes text)
{
    for (size_t at = text.len < ALL ? 0 : text.len - ALL + 1; at; at--)
        if (is_record(text, at - 1))
            return at - 1;
    return SIZE_MAX;
}

/* What ChaCha20 seals, by the first of the X25519 keys that gives a record. */
static bytes by_curve(struct reading *reading, bytes sealed, size_t *ret_at)
{
    const struct keyring *ring = reading->ring;
    bytes in = bytes_slice(sealed, 0, sealed.len - KEY);
    uint8_t *out = arena_push(reading->arena, in.len + 1);
    for (uint32_t i = 0; out && i < ring->key.n; i++) {
        const struct key *key = &ring->key.at[i];
        uint8_t shared[KEY], made[DIGEST_MAX];
        bytes part = {.at = shared, .len = KEY};
        struct chacha chacha;
        if (key->kind != KEY_CURVE25519 || key->secret.len != KEY ||
            !x25519_shared(key->secret.at, in.at + in.len, shared) ||
            !digest_parts(DIGEST_SHA384, &part, 1, made) ||
            !chacha_set(&chacha, 20, (bytes){.at = made, .len = KEY},
                        (bytes){.at = made + KEY, .len = NONCE}, 0))
            continue;
        memcpy(out, in.at, in.len);
        chacha_xor(&chacha, 0, out, in.len);
        *ret_at = last_record((bytes){.at = out, .len = in.len});
        if (*ret_at != SIZE_MAX)
            return (bytes){.at = out, .len = in.len};
    }
    return (bytes){0};
}

int secles_open(struct reading *reading, bytes data)
{
    int error = 0;
    for (unsigned i = 0; i < SESSIONS_MAX && !error; i++) {
        size_t at = 0;
        bytes sealed = by_rsa(reading, data);
        bytes text = sealed.len > KEY ? by_curve(reading, sealed, &at) : (bytes){0};
        if (!text.len)
            return 0;
        error = reading_bytes(reading, bytes_slice(text, at + BEFORE_ECC, KEY));
        if (!error)
            error = reading_der(reading, bytes_slice(text, at + ALL, SIZE_MAX));
        data = bytes_slice(text, 0, at);
    }
    return error;
}

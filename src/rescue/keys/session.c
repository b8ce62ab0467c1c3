#include "rescue/keys/session.h"

#include "rescue/formats/sealed.h"
#include "rescue/keys/secles.h"
#include "unpack/base64.h"

#include <errno.h>
#include <string.h>

enum {
    LEAST = 128, /* bytes of the shortest modulus that was seen */
    FILE_MAX = 1 << 16,
    WAITING_MAX = 16,
    TRIES_MAX = 256, /* exponentiations for each file that is read */
};

/* Pieces that may be padded each by itself. Empty: there is something else in it. */
static bytes decoded(struct arena *arena, bytes text)
{
    uint8_t *ret = arena_push(arena, text.len);
    size_t len = 0;
    while (ret && text.len) {
        struct base64_held held = {0};
        bytes piece;
        (void)bytes_cut(&text, '=', &piece);
        for (size_t i = 0; i < piece.len; i++)
            if (base64_value(piece.at[i]) == BASE64_OUTSIDE &&
                !memchr(" \t\r\n", piece.at[i], 4))
                return (bytes){0};
        len += base64_letters(&held, &piece, ret + len, piece.len);
    }
    return (bytes){.at = ret, .len = ret ? len : 0};
}

int session_wait(struct reading *reading, bytes file)
{
    struct keyring *ring = reading->ring;
    if (file.len < LEAST || file.len > FILE_MAX || ring->sealed.n >= WAITING_MAX)
        return 0;
    bool secles = secles_can_be(file);
    bytes data = secles
                     ? arena_copy(reading->arena, bytes_slice(file, 0, file.len - SECLES_MARK))
                     : decoded(reading->arena, file);
    if (data.len < LEAST || (data.len % 64 && !secles))
        return 0;
    for (uint32_t i = 0; i < ring->sealed.n; i++)
        if (bytes_equal(ring->sealed.at[i].data, data))
            return 0;
    struct keyring_sealed *place = vec_push(reading->arena, &ring->sealed);
    if (!place)
        return -ENOMEM;
    *place = (struct keyring_sealed){.data = data, .origin = reading->origin, .secles = secles};
    return 0;
}

enum padding { REVERSED, OAEP, STRAIGHT, PADDINGS };

static int unseal(const struct key *key, enum padding padding, bytes piece, struct arena *arena,
                  bytes *ret)
{
    if (padding == OAEP)
        return sealed_oaep(key, piece, arena, ret, NULL);
    if (padding == REVERSED)
        return sealed_pkcs1(key, piece, 1, arena, ret, NULL);
    uint8_t *room = arena_push(arena, piece.len);
    size_t len = 0;
    int error =
        room ? privatekey_pkcs1(&key->rsa, PRIVATEKEY_BIG, piece, room, &len, NULL) : -ENOMEM;
    *ret = (bytes){.at = room, .len = error ? 0 : len};
    return error;
}

/* All pieces, one after the other; empty: not with that key. */
static bytes opened(const struct key *key, enum padding padding, bytes data,
                    struct arena *arena, unsigned *tries)
{
    size_t size = privatekey_size(&key->rsa), len = 0;
    uint8_t *ret = arena_push(arena, data.len);
    for (size_t at = 0; ret && at < data.len; at += size) {
        bytes part;
        ++*tries;
        if (unseal(key, padding, bytes_slice(data, at, size), arena, &part))
            return (bytes){0};
        memcpy(ret + len, part.at, part.len);
        len += part.len;
    }
    return (bytes){.at = ret, .len = ret ? len : 0};
}

static int try_key(struct reading *reading, struct keyring_sealed *sealed,
                   const struct key *key, unsigned *tries)
{
    size_t size = privatekey_size(&key->rsa);
    if (key->kind != KEY_RSA || size < LEAST || sealed->data.len % size)
        return 0;
    int error = 0;
    for (enum padding padding = 0; padding < PADDINGS && !sealed->opened && !error; padding++) {
        bytes plain = opened(key, padding, sealed->data, reading->arena, tries);
        unsigned before = reading->found;
        bytes origin = reading->origin;
        reading->origin = sealed->origin;
        if (plain.len)
            error = reading_any(reading, plain);
        reading->origin = origin;
        sealed->opened = reading->found > before;
    }
    return error;
}

static int open_secles(struct reading *reading, struct keyring_sealed *sealed)
{
    unsigned before = reading->found;
    bytes origin = reading->origin;
    if (sealed->opened || sealed->tried == reading->ring->key.n)
        return 0;
    sealed->tried = reading->ring->key.n;
    reading->origin = sealed->origin;
    int error = secles_open(reading, sealed->data);
    reading->origin = origin;
    sealed->opened = reading->found > before;
    return error;
}

int session_open(struct reading *reading)
{
    struct keyring *ring = reading->ring;
    unsigned tries = 0;
    int error = 0;
    for (uint32_t i = 0; i < ring->sealed.n && !error; i++) {
        struct keyring_sealed *sealed = &ring->sealed.at[i];
        if (sealed->secles) {
            error = open_secles(reading, sealed);
            continue;
        }
        /* What is opened may add keys, and move those that are there. */
        for (; sealed->tried < ring->key.n && !sealed->opened && tries < TRIES_MAX && !error;
             sealed->tried++) {
            struct key key = ring->key.at[sealed->tried];
            error = try_key(reading, sealed, &key, &tries);
        }
    }
    return error;
}

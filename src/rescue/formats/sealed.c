#include "rescue/formats/sealed.h"

#include <errno.h>

/* Checks the key and takes room for a message. */
static int begin(const struct key *key, bytes sealed, struct privatekey *ret, uint8_t **room,
                 struct arena *arena, struct why *why)
{
    if (key->kind != KEY_RSA)
        return fail(why, EKEYREJECTED, "this family wants a private RSA key");
    *ret = key->rsa;
    size_t size = privatekey_size(ret);
    if (size != sealed.len)
        return fail(why, EKEYREJECTED, "sealed with RSA of %zu bits, the key is of %zu",
                    sealed.len * 8, size * 8);
    *room = arena_push(arena, size);
    return *room ? 0 : fail(why, ENOMEM, "no memory for a message");
}

int sealed_pkcs1(const struct key *key, bytes sealed, size_t least, struct arena *arena,
                 bytes *ret, struct why *why)
{
    struct privatekey private;
    uint8_t *room = NULL;
    size_t len = 0;
    int error = begin(key, sealed, &private, &room, arena, why);
    if (!error)
        error = privatekey_pkcs1(&private, PRIVATEKEY_LITTLE, sealed, room, &len, why);
    if (error)
        return error;
    if (len < least)
        return fail(why, EKEYREJECTED, "a message of %zu bytes, not the %zu that are sealed",
                    len, least);
    *ret = (bytes){room, len};
    return 0;
}

int sealed_oaep_by(const struct key *key, enum privatekey_hash hash, bytes sealed,
                   struct arena *arena, bytes *ret, struct why *why)
{
    struct privatekey private;
    uint8_t *room = NULL;
    size_t len = 0;
    int error = begin(key, sealed, &private, &room, arena, why);
    if (!error)
        error = privatekey_oaep(&private, PRIVATEKEY_BIG, hash, hash, sealed, room, &len, why);
    if (error)
        return error;
    *ret = (bytes){room, len};
    return 0;
}

int sealed_oaep(const struct key *key, bytes sealed, struct arena *arena, bytes *ret,
                struct why *why)
{
    return sealed_oaep_by(key, PRIVATEKEY_SHA1, sealed, arena, ret, why);
}

#include "rescue/keys/published.h"

#include "shim/privatekey.h"

#include <errno.h>

const uint8_t published_petya[24] = {0x38, 0xdd, 0x46, 0x80, 0x1c, 0xe6, 0x18, 0x83,
                                     0x43, 0x30, 0x48, 0xd6, 0xd8, 0xc6, 0xab, 0x8b,
                                     0xe1, 0x86, 0x54, 0xa2, 0x69, 0x5b, 0x47, 0x23};

struct published {
    const char *family, *origin;
    enum key_kind kind;
    const char *secret; /* hexadecimal; KEY_TEXT: as it is; KEY_RSA: p */
    const char *q;
};

static const struct published keys[] = {
    {"teslacrypt3", "published by TeslaCrypt's authors in May 2016", KEY_SECP256K1,
     "440a241dd80fcc5664e861989db716e08ce627d8d40c7ea360ae855c727a49ee", NULL},
    {"petya", "published by Petya's author (Janus) in July 2017", KEY_SECP192K1,
     "38dd46801ce61883433048d6d8c6ab8be18654a2695b4723", NULL},
    {"blackbyte", "in forest.png, published by Trustwave in October 2021", KEY_TEXT,
     "=hQ;d'%44eLHt!W8AU9y?(FO:<swB[F#<F", NULL},
    {"gandcrab", "GandCrab 5.2's master key, as in Azha0, GandCrab_Decryptor", KEY_RSA,
     "fd4075f3c00965058c69baa5bafaccca23041c76f072cd9557fca6d5d8c140dbfeeadd5a954bb3732b32b5bf"
     "90cde68b9d3cc5849110f1b8ced439a82629ceae55f399fddd0b1b7de4193156060358cfcd0f9bc2dcfbe623"
     "474af3f6c13142ca1712b72621c083e0661a626ba798f0046c92da302596145690244c65d1ac10d3",
     "dde49159222814d2800e1ed21b8d457c1f762bbc01bdccc1ff0a8cee447a9f125b73135b4e0110356133804d"
     "07175abbc2e330b546c42ceb60af11f27b877490b16fdabba9f8eff45ec5d7cd7e5d222f6af69811efeb7434"
     "76b6515b55f20dde0342d2181698f5f318c674767991140d9554564388c9c1536485a28d5186d7bf"},
};

static bytes unhex(const char *text, struct arena *arena)
{
    bytes hex = bytes_of(text);
    uint8_t *ret = arena_push(arena, hex.len / 2);
    return ret && bytes_unhex(hex, ret) ? (bytes){ret, hex.len / 2} : (bytes){0};
}

static int rsa(const struct published *from, struct key *key, struct arena *arena)
{
    static const uint8_t exponent[3] = {1, 0, 1};
    struct privatekey numbers = {.p = unhex(from->secret, arena),
                                 .q = unhex(from->q, arena),
                                 .e = {exponent, sizeof exponent}};
    if (!numbers.p.at || !numbers.q.at || privatekey_complete(&numbers, arena, NULL))
        return -ENOMEM;
    key->rsa = numbers;
    return 0;
}

int published_key(const char *family, struct arena *arena, struct key *ret)
{
    for (size_t i = 0; i < COUNT(keys); i++) {
        const struct published *from = &keys[i];
        if (!bytes_is(bytes_of(family), from->family))
            continue;
        *ret = (struct key){
            .kind = from->kind, .family = from->family, .origin = bytes_of(from->origin)};
        if (from->kind == KEY_RSA)
            return rsa(from, ret, arena);
        ret->secret =
            from->kind == KEY_TEXT ? bytes_of(from->secret) : unhex(from->secret, arena);
        return ret->secret.at ? 0 : -ENOMEM;
    }
    return -ENOENT;
}

int published_add(struct keyring *ring, struct arena *arena)
{
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct key *key = vec_push(arena, &ring->key);
        if (!key || published_key(keys[i].family, arena, key))
            return -ENOMEM;
    }
    return 0;
}

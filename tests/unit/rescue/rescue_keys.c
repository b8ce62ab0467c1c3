/* rescue_keys FILE... — what keyring_add makes of the files: for tests/unit/rescue/keys.py. One
 * line for each key: kind, its numbers or bytes in hex; "waiting N" for numbers without their
 * other half; "error NAME: reason". */
#include "rescue/key.h"
#include "shim/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(const char *name, bytes view)
{
    if (!view.len)
        return;
    printf(" %s=", name);
    for (size_t i = 0; i < view.len; i++)
        printf("%02x", view.at[i]);
}

static bytes contents(const char *path, struct arena *arena)
{
    enum { MAX = 4 << 20 };

    FILE *file = fopen(path, "rb");
    uint8_t *at = arena_push_raw(arena, MAX);
    size_t len = file && at ? fread(at, 1, MAX, file) : 0;
    if (file)
        fclose(file);
    return (bytes){.at = at, .len = len};
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"rsa",   "curve25519", "secp256k1", "secp192k1",
                                        "bytes", "text",       "stream",    "seed"};
    struct arena *arena = arena_new(256 << 20);
    struct keyring ring = {0};
    crypto_warm();
    for (int i = 1; i < argc; i++) {
        struct why why = {""};
        const char *name = strrchr(argv[i], '/');
        name = name ? name + 1 : argv[i];
        if (keyring_add(&ring, contents(argv[i], arena), bytes_of(name), arena, &why))
            printf("error %s: %s\n", name, why.text);
    }
    for (size_t i = 0; i < ring.key.n; i++) {
        const struct key *key = &ring.key.at[i];
        char text[80];
        printf("%s", kinds[key->kind]);
        put("n", key->rsa.n);
        put("e", key->rsa.e);
        put("d", key->rsa.d);
        put("p", key->rsa.p);
        put("q", key->rsa.q);
        put("secret", key->secret);
        put("pub", key->pub);
        if (key->family)
            printf(" family=%s", key->family);
        printf(" # %s\n", key_describe(key, text, sizeof text));
    }
    if (ring.number.n)
        printf("waiting %u\n", ring.number.n);
    arena_free(arena);
    return 0;
}

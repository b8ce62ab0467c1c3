#include "rescue/keys/forest.h"

#include "shim/cipher.h"
#include "shim/digest.h"

#include <errno.h>

enum { SEALED = 40, KEY_AT = 1064, SIZE = 1096, BLOCK = 8 };

int forest_password(bytes file, struct arena *arena, bytes *ret)
{
    uint8_t key[16], *text = arena_push(arena, SEALED);
    bytes seed = bytes_slice(file, KEY_AT, SIZE - KEY_AT);
    if (file.len != SIZE)
        return -ENOENT;
    if (!text || !digest_parts(DIGEST_MD5, &seed, 1, key))
        return -ENOMEM;
    struct cipher *cipher =
        cipher_new(CIPHER_DES3, CIPHER_ECB, CIPHER_DECRYPT, (bytes){key, sizeof key});
    bool good =
        cipher && cipher_begin(cipher, NULL) && cipher_add(cipher, file.at, text, SEALED);
    cipher_free(cipher);
    uint8_t fill = text[SEALED - 1];
    if (!good || fill == 0 || fill > BLOCK)
        return -ENOENT;
    for (size_t i = 0; i < SEALED; i++)
        if (i < (size_t)(SEALED - fill) ? text[i] < 0x20 || text[i] > 0x7e : text[i] != fill)
            return -ENOENT;
    *ret = (bytes){text, SEALED - fill};
    return 0;
}

#include "unpack/archive/rar/rar.h"

#include "shim/cipher.h"

bool rar_put_deciphered(struct unpack *unpack, bytes key, const uint8_t *iv, bytes in,
                        uint64_t size)
{
    uint8_t chain[CIPHER_BLOCK];
    memcpy(chain, iv, sizeof chain);
    while (size && in.len >= CIPHER_BLOCK) {
        size_t room;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            return !unpack->run->stopped;
        room = (room < in.len ? room : in.len) & ~(size_t)(CIPHER_BLOCK - 1);
        if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, key, chain, bytes_slice(in, 0, room), at))
            return false;
        in = bytes_slice(in, room, in.len);
        room = room < size ? room : (size_t)size;
        size -= room;
        if (!unpack_wrote(unpack, room))
            return false;
    }
    return true;
}

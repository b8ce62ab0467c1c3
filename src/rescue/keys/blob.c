/* blob — private keys as programs keep them.
 *
 * CryptoAPI, PRIVATEKEYBLOB, little endian:
 *     0 u8 7, u8 2, u16 0, u32 0xa400 (exchange) or 0x2400 (signature); 8 "RSA2";
 *     12 u32 bits; 16 u32 e; 20 n; p, q, d mod p-1, d mod q-1, 1/q mod p of half its size each;
 * d CNG, big endian but for the sizes: 0 "RSA2" or "RSA3"; 4 u32 bits; 8 u32 sizes of e, n, p,
 * q; 24 e, n, p, q; after "RSA3" then d mod p-1, d mod q-1, 1/q mod p, d. Play's has "RSA3" and
 * ends after q. (learn.microsoft.com: "RSA/Schannel Key BLOBs", "BCRYPT_RSAKEY_BLOB") Packed:
 * two numbers of one size, d then n (LockBit 3: little endian; Phobos: big endian). A Phobos
 * decryptor's keys: 0 u32 number of keys ^ 0x17f31aab; 4 u32 CRC-32 of what follows ^ the same;
 * 8 for each key: the 128 bytes that the files bear, and the 32 bytes of their AES key
 *     (github.com/rivitna/Malware, Phobos/phobos_decrypt_keys.py) */
#include "rescue/keys/reading.h"

#include "shim/stream.h"

#include <errno.h>
#include <string.h>

static bytes turned(struct arena *arena, bytes view)
{
    uint8_t *at = arena_push(arena, view.len);
    for (size_t i = 0; at && i < view.len; i++)
        at[i] = view.at[view.len - 1 - i];
    return (bytes){.at = at, .len = at ? view.len : 0};
}

static int cryptoapi(struct reading *reading, bytes view)
{
    uint32_t bits = load_le32(view.at + 12);
    size_t size = bits / 8, half = (bits + 15) / 16;
    if (bits % 8 || size == 0 || size > PRIVATEKEY_MAX ||
        !bytes_has(view, 20, 2 * size + 5 * half))
        return 0;
    struct arena *arena = reading->arena;
    struct privatekey key = {
        .e = turned(arena, bytes_slice(view, 16, 4)),
        .n = turned(arena, bytes_slice(view, 20, size)),
        .p = turned(arena, bytes_slice(view, 20 + size, half)),
        .q = turned(arena, bytes_slice(view, 20 + size + half, half)),
        .d = turned(arena, bytes_slice(view, 20 + size + 5 * half, size)),
    };
    return key.d.at ? reading_rsa(reading, key, true) : -ENOMEM;
}

static int cng(struct reading *reading, bytes view)
{
    uint32_t size[4];
    bytes part[4];
    size_t at = 24;
    for (size_t i = 0; i < COUNT(size); i++) {
        size[i] = load_le32(view.at + 8 + 4 * i);
        if (!bytes_has(view, at, size[i]))
            return 0;
        part[i] = bytes_slice(view, at, size[i]);
        at += size[i];
    }
    return reading_rsa(
        reading, (struct privatekey){.e = part[0], .n = part[1], .p = part[2], .q = part[3]},
        true);
}

int reading_blob(struct reading *reading, bytes view)
{
    if (view.len > 20 && view.at[0] == 7 && !memcmp(view.at + 8, "RSA2", 4))
        return cryptoapi(reading, view);
    if (view.len > 24 && (!memcmp(view.at, "RSA2", 4) || !memcmp(view.at, "RSA3", 4)))
        return cng(reading, view);
    return 0;
}

int reading_packed(struct reading *reading, bytes view)
{
    static const size_t sizes[] = {64, 128, 256, 384, 512, 1024};
    size_t half = view.len / 2, i = 0;
    while (i < COUNT(sizes) && sizes[i] != half)
        i++;
    if (view.len % 2 || i == COUNT(sizes))
        return 0;
    bytes first = bytes_slice(view, 0, half), second = bytes_slice(view, half, half);
    bytes turned_first = turned(reading->arena, first);
    bytes turned_second = turned(reading->arena, second);
    if (!turned_first.at || !turned_second.at)
        return -ENOMEM;
    const struct privatekey readings[] = {
        {.d = turned_first, .n = turned_second},
        {.d = first, .n = second},
        {.n = turned_first, .d = turned_second},
        {.n = first, .d = second},
    };
    unsigned before = reading->found;
    struct why said = reading->said;
    int error = 0;
    for (i = 0; !error && i < COUNT(readings) && reading->found == before; i++)
        error = reading_rsa(reading, readings[i], true);
    reading->said = said;
    return error;
}

int reading_phobos(struct reading *reading, bytes view)
{
    enum { XOR = 0x17f31aab, ENTRY = 160 };

    uint32_t count, sum;
    if (!bytes_le32(view, 0, &count) || !bytes_le32(view, 4, &sum))
        return 0;
    count ^= XOR;
    if (count == 0 || count > (view.len - 8) / ENTRY)
        return 0;
    if (stream_crc32(0, bytes_slice(view, 8, (size_t)count * ENTRY)) != (sum ^ XOR))
        return 0;
    int error = 0;
    for (size_t at = 8; !error && count; count--, at += ENTRY)
        error = reading_add(reading, (struct key){.kind = KEY_BYTES,
                                                  .pub = bytes_slice(view, at, 128),
                                                  .secret = bytes_slice(view, at + 128, 32),
                                                  .family = "phobos"});
    return error;
}

int reading_binary(struct reading *reading, bytes view)
{
    int (*const forms[])(struct reading *, bytes) = {reading_der, reading_blob, reading_phobos,
                                                     reading_packed};
    unsigned before = reading->found;
    int error = 0;
    for (size_t i = 0; !error && i < COUNT(forms) && reading->found == before; i++)
        error = forms[i](reading, view);
    return error;
}

/* samples — what test encryptors write, kept as files for tests/rescue/harm.py, which has the
 * program open them whole, damaged and with other keys. A test keeps them instead of running
 * when CANDOR_SAMPLES names a directory.
 *
 * FAMILY-SIZE.plain, .locked, .twice (encrypted twice), .key, .other (a wrong key). */
#pragma once
#include "rescue/key.h"
#include "shim/stream.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline const char *samples_folder(void)
{
    return getenv("CANDOR_SAMPLES");
}

static inline void samples_big(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline uint8_t *samples_chunk(uint8_t *at, const char *kind, uint32_t len)
{
    samples_big(at, len);
    memcpy(at + 4, kind, 4);
    samples_big(at + 8 + len, stream_crc32(0, (bytes){.at = at + 4, .len = len + 4}));
    return at + 12 + len;
}

/* A PNG of `len` bytes in which each has its CRC-32: nothing that is wrong in it goes unseen.
 * `content`: len bytes, replaced by it. */
static inline bytes samples_png(uint8_t *content, size_t len)
{
    static const uint8_t head[] = "\0\0\0\x08\0\0\0\x08\x08\0\0\0\0";
    memcpy(content, "\x89PNG\r\n\x1a\n", 8);
    memcpy(content + 16, head, 13);
    uint8_t *at = samples_chunk(content + 8, "IHDR", 13);
    at = samples_chunk(at, "IDAT", (uint32_t)(len - (size_t)(at - content) - 24));
    samples_chunk(at, "IEND", 0);
    return (bytes){.at = content, .len = len};
}

static inline FILE *samples_open(const char *family, size_t size, const char *ending)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s-%zu.%s", samples_folder(), family, size, ending);
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    return file;
}

static inline void samples_write(const char *family, size_t size, const char *ending,
                                 bytes data)
{
    FILE *file = samples_open(family, size, ending);
    CHECK(fwrite(data.at, 1, data.len, file) == data.len);
    fclose(file);
}

static inline void samples_hex(FILE *file, const char *name, bytes number)
{
    fputs(name, file);
    for (size_t i = 0; i < number.len; i++)
        fprintf(file, "%02x", number.at[i]);
    fputc('\n', file);
}

static inline void samples_key(const char *family, size_t size, const char *ending,
                               const struct key *key)
{
    if (key->kind == KEY_SEED || key->kind == KEY_STREAM)
        return; /* which cannot be handed over */
    FILE *file = samples_open(family, size, ending);
    if (key->kind == KEY_RSA) {
        samples_hex(file, "n = 0x", key->rsa.n);
        samples_hex(file, "d = 0x", key->rsa.d);
    } else if (key->kind == KEY_TEXT) {
        fwrite(key->secret.at, 1, key->secret.len, file);
    } else {
        samples_hex(file, "", key->secret);
    }
    fclose(file);
}

static inline void samples_keep(const char *family, bytes plain, bytes once, bytes twice,
                                const struct key *key, const struct key *other)
{
    samples_write(family, plain.len, "plain", plain);
    samples_write(family, plain.len, "locked", once);
    samples_write(family, plain.len, "twice", twice);
    samples_key(family, plain.len, "key", key);
    samples_key(family, plain.len, "other", other);
}

/* `make`: an encryptor's call, of the bytes `in`. */
#define SAMPLES_KEEP(family, plain, make, key, other)                                          \
    do {                                                                                       \
        bytes in = plain;                                                                      \
        struct writing samples_once = make;                                                    \
        in = (bytes){.at = samples_once.at, .len = samples_once.len};                          \
        struct writing samples_twice = make;                                                   \
        samples_keep(family, plain, in,                                                        \
                     (bytes){.at = samples_twice.at, .len = samples_twice.len}, key, other);   \
    } while (0)

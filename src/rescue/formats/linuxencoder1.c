/* Linux.Encoder 1, little endian.
 *
 *     0       4  the file's mode, as stat has it: a regular file
 *     4       4  n, length of what follows
 *     8       n  the key, sealed with RSA
 *     8 + n  16  IV; the last byte's low four bits: bytes of the last block that count, 0 is 16
 *     24 + n ..  AES-128-CBC
 *
 * Key and IV come from musl's rand, seeded with the time in seconds, in one stream for all
 * files: 16 characters of 69, then 16 bytes, of which the last one is replaced.
 * Facts: Bitdefender's decryptor as kept by eugenekolo, linux-ransomware-decrypter. */
#include "crypt/generator.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"

#include <errno.h>
#include <string.h>

enum {
    BLOCK = 16,
    SEALED = 512,   /* most bytes of the sealed key */
    FILES = 200000, /* most files that one run of a generator is looked through for */
};

static const char letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,.-#'?!";

void linuxencoder1_next(uint64_t *state, uint8_t key[BLOCK], uint8_t iv[BLOCK])
{
    for (unsigned i = 0; i < BLOCK; i++)
        key[i] = (uint8_t)letters[generator_musl_next(state) % (sizeof letters - 1)];
    for (unsigned i = 0; i < BLOCK; i++)
        iv[i] = (uint8_t)generator_musl_next(state);
}

/* Where the data begins, 0: this is no such file. */
static uint64_t data_of(const struct source *source, uint8_t iv[BLOCK])
{
    uint8_t start[8];
    if (source_read(source, 0, start, sizeof start, NULL))
        return 0;
    uint32_t mode = load_le32(start), sealed = load_le32(start + 4);
    if ((mode & ~07777u) != 0100000 || sealed < 64 || sealed > SEALED || sealed % 32)
        return 0;
    uint64_t data = sizeof start + sealed + BLOCK;
    if (source->size < data + BLOCK || (source->size - data) % BLOCK ||
        source_read(source, data - BLOCK, iv, BLOCK, NULL))
        return 0;
    return data;
}

static unsigned last(const uint8_t *iv)
{
    return iv[BLOCK - 1] & 15 ? iv[BLOCK - 1] & 15 : BLOCK;
}

bool linuxencoder1_iv(const struct source *source, uint8_t ret[16])
{
    return data_of(source, ret) != 0;
}

static int linuxencoder1_recognise(const struct source *source, struct recognition *ret,
                                   struct why *why)
{
    (void)why;
    uint8_t iv[BLOCK];
    uint64_t data = data_of(source, iv);
    if (!data)
        return 0;
    ret->fit = FIT_IS;
    ret->variant = "1";
    ret->plain = source->size - data - BLOCK + last(iv);
    fail(&ret->reason, 1, "a file's mode, a sealed key of %u bytes and whole blocks",
         (unsigned)(data - 24));
    return 0;
}

/* The key to an IV, in the order in which a generator gave them. */
static bool key_by_seed(uint64_t seed, const uint8_t *iv, uint8_t ret[BLOCK])
{
    uint64_t state = generator_musl_seed((uint32_t)seed);
    for (unsigned i = 0; i < FILES; i++) {
        uint8_t drawn[BLOCK];
        linuxencoder1_next(&state, ret, drawn);
        if (!memcmp(drawn, iv, BLOCK - 1))
            return true;
    }
    return false;
}

static int linuxencoder1_open(const struct source *source, const struct key *key,
                              struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t *made = arena_push(arena, BLOCK), *iv = arena_push(arena, BLOCK);
    if (!made || !iv)
        return fail(why, ENOMEM, "no memory for a key");
    uint64_t data = data_of(source, iv);
    if (!data)
        return fail(why, EBADMSG, "no header of Linux.Encoder 1, or not whole blocks");
    bytes secret = {made, BLOCK};
    bool certain = key->kind == KEY_SEED;
    if (certain && !key_by_seed(key->seed, iv, made))
        return fail(why, EKEYREJECTED, "the file's IV does not come from the seed %llu",
                    (unsigned long long)key->seed);
    if (!certain && !compose_secret(key, BLOCK, &secret))
        return fail(why, EKEYREJECTED, "a key of Linux.Encoder 1 is of 16 bytes");
    ret->size = source->size - data - BLOCK + last(iv);
    int error = compose_cbc(source, data, secret, iv, arena, ret, why);
    return error || certain ? error : compose_try(ret, source, arena, why);
}

const struct format format_linuxencoder1 = {
    .family = "linuxencoder1",
    .title = "Linux.Encoder 1",
    .facts = "Bitdefender's decryptor, as kept by eugenekolo",
    .keys = 1 << KEY_SEED | 1 << KEY_BYTES | 1 << KEY_TEXT,
    .recognise = linuxencoder1_recognise,
    .open = linuxencoder1_open,
};

/* eCh0raix (QNAPCrypt).
 *
 *     0   16  IV
 *     16  ..  AES-256-CFB128 of the plain file and 15 more bytes: seven zeros, "eCh0raix"
 *
 * The key is 32 characters. Files without the mark at the end are known, too.
 * Facts: vricosti, ech0raix_decryptor, and its published pair. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/cipher.h"

#include <errno.h>
#include <string.h>

enum { BLOCK = 16, KEY = 32, MARK = 15 };

static const uint8_t mark[] = "\0\0\0\0\0\0\0eCh0raix";

static int echoraix_recognise(const struct source *source, struct recognition *ret,
                              struct why *why)
{
    (void)why;
    bool named = compose_named(source, ".encrypt");
    if (source->size < BLOCK + 1 || !compose_unmarked(source))
        return 0;
    ret->fit = FIT_CAN_BE;
    fail(&ret->reason, 1, "noise from its first to its last byte%s",
         named ? ", and named '.encrypt'" : "");
    return 0;
}

/* The last 15 bytes: whether they are the mark; -EBADMSG when it is cut, or there is something
 * behind it. CFB: plain is sealed ^ E(sealed before). */
static int marked(const struct source *source, bytes key, bool *ret, struct why *why)
{
    *ret = false;
    uint64_t len = source->size - BLOCK;
    if (len < MARK)
        return 0;
    uint64_t from = (len - MARK) / BLOCK * BLOCK;
    uint8_t part[3 * BLOCK], stream[3 * BLOCK];
    size_t size = (size_t)(len - from); /* at most 30 */
    int error = source_read(source, from, part, BLOCK + size, why);
    if (error)
        return error;
    if (!cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL, (bytes){part, 2 * BLOCK}, stream))
        return fail(why, EIO, "libcrypto does not encrypt AES");
    for (size_t i = 0; i < size; i++)
        part[BLOCK + i] ^= stream[i];
    bytes end = {part + BLOCK, size};
    *ret = !memcmp(end.at + size - MARK, mark, MARK);
    return *ret || bytes_find(end, (bytes){mark, MARK / 2 + 2}, 0) == SIZE_MAX
               ? 0
               : fail(why, EBADMSG, "its mark 'eCh0raix' is not whole at its end");
}

static int echoraix_open(const struct source *source, const struct key *key,
                         struct arena *arena, struct recipe *ret, struct why *why)
{
    bytes secret, iv;
    if (source->size <= BLOCK)
        return fail(why, EBADMSG, "too small for an IV and data");
    if (!compose_secret(key, KEY, &secret))
        return fail(why, EKEYREJECTED, "a key of eCh0raix is 32 characters");
    bool has_mark;
    int error = marked(source, secret, &has_mark, why);
    if (!error)
        error = source_take(source, 0, BLOCK, arena, &iv, why);
    if (error)
        return error;
    ret->size = source->size - BLOCK - (has_mark ? MARK : 0);
    struct recipe_stream stream = {.cipher = RECIPE_AES_CFB, .key = secret, .iv = iv};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    struct recipe_piece piece = {.from = BLOCK, .length = ret->size, .stream = number};
    error = compose_piece(ret, arena, &piece, why);
    return error || has_mark ? error : compose_try(ret, source, arena, why);
}

const struct format format_echoraix = {
    .family = "echoraix",
    .title = "eCh0raix (QNAPCrypt)",
    .facts = "vricosti, ech0raix_decryptor",
    .keys = 1 << KEY_BYTES | 1 << KEY_TEXT,
    .recognise = echoraix_recognise,
    .open = echoraix_open,
};

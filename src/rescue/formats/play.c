/* Play: AES-CBC over all of a small file, over the first and the last block of a larger one; a
 * second key may have treated blocks between.
 *
 *     0 ─── the file ─── P bytes ─── size-1064, or size-2088 with a second key
 *           16 mark.  16 u16 P, bytes of padding.  18 u16 step.  20 u16 1: large
 *           22 u16 between: 1 CBC, 2 GCM.  24 u32 size of a block.  28 u32 xxHash32 of the mark
 *           32 u64 number of blocks.  40 sealed key 1024.  1064 the second one
 *
 *     sealed by RSA-8192, PKCS #1 v1.5: 560 bytes "KSSM" (24 u32 size of the key, 28 the key),
 * IV 16
 *
 * Large: the first block and the last one are one stream. The last one ends at P bytes before
 * the trailer; those P bytes are its own first ones, which were taken away; its last 16 are
 * padding, of which nothing stays. Between: each `step`-th block from the second on, as far as
 * the number of blocks goes, and what is left behind the last whole one. Small: the padding
 * lies within what was treated. Facts: github.com/rivitna/Malware, Play/play_decrypt_file.py
 * and xxhash32.py. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/cipher.h"

#include <errno.h>
#include <string.h>

enum {
    MARK = 16,
    HEAD = 40,
    SEALED = 1024,
    TRAILER = HEAD + SEALED,
    BLOB = 560,
    KEY_AT = 24,
    AES = 16,
    BLOCK_MAX = 1 << 26,
};

struct layout {
    unsigned keys;
    uint64_t trailer, padding, step, block, blocks;
    bool large;
    unsigned mode;
};

struct opened {
    bytes key;
    uint8_t iv[AES];
};

/* ------------------------------------------------------------------------------ the trailer */

/* xxHash32 of 16 bytes (github.com/Cyan4973/xxHash, doc/xxhash_spec.md), the seed out of them.
 */
static uint32_t hash(const uint8_t mark[MARK])
{
    static const uint32_t primes[] = {0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f};
    static const uint8_t turns[] = {1, 7, 12, 18};
    uint32_t seed = 0, sum = MARK;
    for (uint32_t i = 0; i < MARK; i++)
        seed = (seed + mark[i] + i) & 0xffff;
    const uint32_t begin[] = {seed + primes[0] + primes[1], seed + primes[1], seed,
                              seed - primes[0]};
    for (size_t i = 0; i < 4; i++) {
        uint32_t lane = begin[i] + load_le32(mark + 4 * i) * primes[1];
        lane = (lane << 13 | lane >> 19) * primes[0];
        sum += lane << turns[i] | lane >> (32 - turns[i]);
    }
    sum = (sum ^ sum >> 15) * primes[1];
    sum = (sum ^ sum >> 13) * primes[2];
    return sum ^ sum >> 16;
}

/* -EBADMSG: not Play's. */
static int layout_of(const struct source *source, struct layout *ret, struct why *why)
{
    uint8_t head[HEAD];
    for (unsigned keys = 1; keys <= 2; keys++) {
        uint64_t trailer = HEAD + keys * SEALED;
        if (source->size < trailer)
            break;
        int error = source_read(source, source->size - trailer, head, HEAD, why);
        if (error)
            return error;
        if (hash(head) != load_le32(head + 28))
            continue;
        *ret = (struct layout){
            .keys = keys,
            .trailer = trailer,
            .padding = load_le16(head + 16),
            .step = load_le16(head + 18),
            .large = load_le16(head + 20) != 0,
            .mode = load_le16(head + 22),
            .block = load_le32(head + 24),
            .blocks = load_le64(head + 32),
        };
        return 0;
    }
    return fail(why, EBADMSG, "no mark with its xxHash32 at its end");
}

static int play_recognise(const struct source *source, struct recognition *ret, struct why *why)
{
    struct layout layout;
    int error = layout_of(source, &layout, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    uint64_t behind = layout.trailer + layout.padding + (layout.large ? AES : 0);
    ret->fit = FIT_IS;
    ret->variant = layout.keys == 2 ? "two keys" : layout.large ? "large" : "small";
    ret->partial = layout.large;
    ret->plain = behind <= source->size ? source->size - behind : UINT64_MAX;
    fail(&ret->reason, 1, "16 bytes with their xxHash32, %llu bytes before the end",
         (unsigned long long)layout.trailer);
    return 0;
}

/* The key and IV in the sealed part `number`. */
static int open_sealed(const struct source *source, const struct layout *layout,
                       const struct key *key, unsigned number, struct arena *arena,
                       struct opened *ret, struct why *why)
{
    uint8_t sealed[SEALED], blob[PRIVATEKEY_MAX];
    size_t len;
    int error = source_read(source, source->size - layout->trailer + HEAD + number * SEALED,
                            sealed, SEALED, why);
    if (!error)
        error = privatekey_pkcs1(&key->rsa, PRIVATEKEY_BIG,
                                 (bytes){.at = sealed, .len = SEALED}, blob, &len, why);
    if (error)
        return error;
    uint32_t size = len >= BLOB + AES ? load_le32(blob + KEY_AT) : 0;
    if ((size != 16 && size != 24 && size != 32) || memcmp(blob + 4, "KSSM", 4) != 0)
        return fail(why, EKEYREJECTED, "what it opens is no key of Windows");
    ret->key = arena_copy(arena, (bytes){.at = blob + KEY_AT + 4, .len = size});
    if (!ret->key.at)
        return fail(why, ENOMEM, "no memory for a key");
    memcpy(ret->iv, blob + BLOB, AES);
    return 0;
}

/* ------------------------------------------------------------------------------- the recipe */

/* CBC over `length` bytes of the encrypted file at `from`, to the same place, as a stream of
 * its own. A last block that the plain file has not all of is decrypted here. */
static int chain(const struct source *source, struct recipe *ret, struct arena *arena,
                 bytes key, const uint8_t iv[AES], uint64_t from, uint64_t length,
                 struct why *why)
{
    uint64_t end = length < ret->size - from ? length : ret->size - from;
    uint64_t whole = end - end % AES;
    struct recipe_stream stream = {
        .cipher = RECIPE_AES_CBC, .key = key, .iv = arena_copy(arena, (bytes){iv, AES})};
    if (!stream.iv.at)
        return fail(why, ENOMEM, "no memory for a stream");
    int number = compose_stream(ret, arena, &stream, why);
    struct recipe_piece piece = {.at = from, .from = from, .length = whole, .stream = number};
    int error = number < 0 ? number : compose_piece(ret, arena, &piece, why);
    if (error || end == whole || length - whole < AES)
        return error;

    uint8_t before[AES], *last = arena_push(arena, AES);
    if (!last)
        return fail(why, ENOMEM, "no memory for a block");
    memcpy(before, iv, AES);
    if (whole)
        error = source_read(source, from + whole - AES, before, AES, why);
    if (!error)
        error = source_read(source, from + whole, last, AES, why);
    if (error)
        return error;
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, key, before, (bytes){last, AES}, last))
        return fail(why, ENOMEM, "libcrypto refused");
    piece = (struct recipe_piece){.at = from + whole,
                                  .length = end - whole,
                                  .stream = RECIPE_GIVEN,
                                  .given = {last, (size_t)(end - whole)}};
    return compose_piece(ret, arena, &piece, why);
}

/* The last block's head, whose first bytes lie elsewhere: decrypted here. Behind it the stream
 * goes on from bytes that are where they belong. */
static int last_head(const struct source *source, const struct layout *layout, uint64_t at,
                     const uint8_t before[AES], const struct opened *own, size_t len,
                     struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t iv[AES], *head = arena_push(arena, len);
    if (!head)
        return fail(why, ENOMEM, "no memory for a block");
    size_t moved = (size_t)layout->padding;
    int error = source_read(source, at, head, len, why);
    if (!error)
        error = source_read(source, source->size - layout->trailer - moved, head, moved, why);
    if (error)
        return error;
    memcpy(iv, before, AES);
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, own->key, iv, (bytes){head, len}, head))
        return fail(why, ENOMEM, "libcrypto refused");
    size_t kept = len < ret->size - at ? len : (size_t)(ret->size - at);
    struct recipe_piece piece = {
        .at = at, .length = kept, .stream = RECIPE_GIVEN, .given = {head, kept}};
    return compose_piece(ret, arena, &piece, why);
}

static int ends_of_large(const struct source *source, const struct layout *layout,
                         const struct opened *own, struct arena *arena, struct recipe *ret,
                         struct why *why)
{
    uint64_t block = layout->block,
             at = source->size - layout->trailer - layout->padding - block;
    int error = chain(source, ret, arena, own->key, own->iv, 0, block, why);
    uint8_t before[AES];
    /* Whole blocks with the bytes that were moved, and one more, whose chain they end. */
    size_t head = (size_t)(layout->padding + AES - 1) / AES * AES + (layout->padding ? AES : 0);
    if (head > block)
        head = (size_t)block;
    if (!error)
        error = source_read(source, block - AES, before, AES, why);
    if (!error && head)
        error = last_head(source, layout, at, before, own, head, arena, ret, why);
    if (!error && head)
        error = source_read(source, at + head - AES, before, AES, why);
    if (error || head == block)
        return error;
    return chain(source, ret, arena, own->key, before, at + head, block - head, why);
}

static int between(const struct layout *layout, const struct opened *second, uint64_t middle,
                   struct arena *arena, struct recipe *ret, struct why *why)
{
    uint64_t block = layout->block, step = layout->step > 1 ? layout->step : 1;
    uint64_t whole = middle / block, rest = middle % block, count = whole / step;
    uint64_t left = layout->blocks > 2 ? layout->blocks - 2 : 0;
    bool gcm = layout->mode == 2;
    struct recipe_stream stream = {.cipher = gcm ? RECIPE_AES_GCM : RECIPE_AES_CBC,
                                   .key = second->key,
                                   .iv =
                                       arena_copy(arena, (bytes){second->iv, gcm ? 12 : AES})};
    if (!stream.iv.at)
        return fail(why, ENOMEM, "no memory for a stream");
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    uint64_t done = count < left ? count : left, at = block + (step - 1) * block;
    struct recipe_piece piece = {.at = at,
                                 .from = at,
                                 .length = done ? block : 0,
                                 .count = done,
                                 .step = step * block,
                                 .stream = number};
    int error = compose_piece(ret, arena, &piece, why);
    if (error || !rest || done == left)
        return error;
    at = block + whole * block;
    piece = (struct recipe_piece){.at = at, .from = at, .length = rest, .stream = number};
    return compose_piece(ret, arena, &piece, why);
}

static int large(const struct source *source, const struct layout *layout,
                 const struct opened own[2], struct arena *arena, struct recipe *ret,
                 struct why *why)
{
    uint64_t body = source->size - layout->trailer - layout->padding;
    if (body < 2 * layout->block || layout->padding > layout->block)
        return fail(why, EBADMSG, "too short for a first and a last block of %llu bytes",
                    (unsigned long long)layout->block);
    ret->size = body - AES;
    int error = 0;
    if (layout->keys == 2 && (layout->mode == 1 || layout->mode == 2))
        error = between(layout, &own[1], body - 2 * layout->block, arena, ret, why);
    if (error || layout->blocks < 2)
        return error;
    return ends_of_large(source, layout, &own[0], arena, ret, why);
}

static int small(const struct source *source, const struct layout *layout,
                 const struct opened *own, struct arena *arena, struct recipe *ret,
                 struct why *why)
{
    uint64_t body = source->size - layout->trailer, treated;
    if (layout->padding > body)
        return fail(why, EBADMSG, "shorter than its padding");
    ret->size = body - layout->padding;
    if (__builtin_mul_overflow(layout->block, layout->blocks, &treated) || treated > body)
        treated = body;
    if (treated < AES)
        return 0;
    return chain(source, ret, arena, own->key, own->iv, 0, treated, why);
}

static int play_open(const struct source *source, const struct key *key, struct arena *arena,
                     struct recipe *ret, struct why *why)
{
    struct layout layout;
    struct opened own[2];
    int error = layout_of(source, &layout, why);
    for (unsigned i = 0; !error && i < layout.keys; i++)
        error = open_sealed(source, &layout, key, i, arena, &own[i], why);
    if (error)
        return error;
    if (!layout.block || layout.block % AES || layout.block > BLOCK_MAX ||
        source->size < layout.trailer + layout.padding)
        return fail(why, EBADMSG, "blocks of %llu bytes", (unsigned long long)layout.block);
    return layout.large ? large(source, &layout, own, arena, ret, why)
                        : small(source, &layout, &own[0], arena, ret, why);
}

const struct format format_play = {
    .family = "play",
    .title = "Play",
    .facts = "github.com/rivitna/Malware, Play",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = play_recognise,
    .open = play_open,
};

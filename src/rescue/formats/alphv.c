/* ALPHV (BlackCat) 3, "Sphynx": AES-128-CTR with a little-endian counter over chunks, the
 * counter at each place what it would be had all been treated.
 *
 *     0 ─── the file ─── [N * 512 bytes of what follows the sealed key]
 *           256 the AES key, sealed by RSA-2048, PKCS #1 v1.5
 *             2 big endian: size of the description; then the description, by the same key and
 * counter as if it stood two bytes before; filled up to N * 512, which is more than it needs 2
 * N.  32 mark, made of the public key
 *
 *     description: 4 u16 CRC-16/ARC of what follows; 18 u32 size of a block; 22 u64 each: end,
 * first chunk, chunk, gap, plain file's size, the same; 74 u8 0: 12 bytes follow, else 16, from
 * here; u8 1: u64 length and the file's path
 *
 * Facts: github.com/rivitna/Malware, BlackCat/ALPHV3/alphv3_sphx_decrypt_file.py, _crypt.py and
 * _hash.py. */
#include "rescue/formats/compose.h"
#include "rescue/formats/counter.h"
#include "rescue/formats/families.h"

#include <errno.h>
#include <string.h>

enum { RSA = 256, UNIT = 512, TAIL = 34, KEY = 16, UNITS_MAX = 64, LEAST = 71 };

/* Where the sealed key begins, and the description's size. -EBADMSG: not ALPHV's. */
static int trailer_of(const struct source *source, uint64_t *begin, size_t *size,
                      struct why *why)
{
    uint8_t tail[TAIL], head[2];
    if (source->size < TAIL + RSA + UNIT)
        return fail(why, EBADMSG, "shorter than ALPHV's trailer");
    int error = source_tail(source, tail, TAIL, why);
    if (error)
        return error;
    uint64_t units = load_le16(tail), all = TAIL + RSA + units * UNIT;
    if (!units || units > UNITS_MAX || all > source->size)
        return fail(why, EBADMSG, "no description of ALPHV before its last 34 bytes");
    *begin = source->size - all;
    error = source_read(source, *begin + RSA, head, sizeof head, why);
    if (error)
        return error;
    *size = load_be16(head);
    if (*size < LEAST || *size + 2 > units * UNIT)
        return fail(why, EBADMSG, "no description of ALPHV before its last 34 bytes");
    return 0;
}

static int alphv_recognise(const struct source *source, struct recognition *ret,
                           struct why *why)
{
    uint64_t begin = 0;
    size_t size = 0;
    int error = trailer_of(source, &begin, &size, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    ret->fit = FIT_CAN_BE;
    ret->partial = true;
    fail(&ret->reason, 1, "a description of %zu bytes can stand before its last 34", size);
    return 0;
}

static uint16_t crc16(bytes view)
{
    uint16_t sum = 0;
    for (size_t i = 0; i < view.len; i++) {
        sum ^= view.at[i];
        for (int bit = 0; bit < 8; bit++)
            sum = (uint16_t)(sum >> 1 ^ (sum & 1 ? 0xa001 : 0));
    }
    return sum;
}

struct layout {
    struct counter counter;
    uint8_t key[KEY];
    uint64_t end, first, chunk, gap, size;
};

/* The stream's bytes are those of the chunks; its keystream is the file's. */
static void chunks_xor(void *context, uint64_t position, uint8_t *data, size_t len)
{
    const struct layout *layout = context;
    while (len) {
        uint64_t at = position, left = layout->first - position;
        if (position >= layout->first) {
            uint64_t within = (position - layout->first) % layout->chunk;
            uint64_t before = (position - layout->first) / layout->chunk;
            at = (layout->first ? layout->first + layout->gap : 0) +
                 before * (layout->chunk + layout->gap) + within;
            left = layout->chunk - within;
        }
        size_t part = left < len ? (size_t)left : len;
        counter_xor(&layout->counter, at, data, part);
        position += part;
        data += part;
        len -= part;
    }
}

/* The description, decrypted. -EKEYREJECTED: its checksum is another. */
static int describe(const struct source *source, const struct key *key, struct arena *arena,
                    struct layout *ret, bytes *description, struct why *why)
{
    uint64_t begin = 0;
    size_t size = 0, len;
    bytes sealed;
    uint8_t opened[PRIVATEKEY_MAX];
    int error = trailer_of(source, &begin, &size, why);
    if (!error)
        error = source_take(source, begin, RSA + 2 + size, arena, &sealed, why);
    if (!error)
        error = privatekey_pkcs1(&key->rsa, PRIVATEKEY_BIG, bytes_slice(sealed, 0, RSA), opened,
                                 &len, why);
    if (error)
        return error;
    if (len < KEY)
        return fail(why, EKEYREJECTED, "what it opens is no AES key");
    memcpy(ret->key, opened, KEY);
    ret->counter.key = (bytes){.at = ret->key, .len = KEY};
    *description = arena_copy(arena, bytes_slice(sealed, RSA + 2, size));
    if (!description->at)
        return fail(why, ENOMEM, "no memory for a description");
    /* It lies in the arena, and is ours. */
    counter_xor(&ret->counter, begin + RSA, (uint8_t *)(uintptr_t)description->at, size);
    if (load_le16(description->at + 4) != crc16(bytes_slice(*description, 6, SIZE_MAX)))
        return fail(why, EKEYREJECTED, "the description's CRC-16 does not come out with it");
    const uint8_t *at = description->at + 22;
    ret->end = load_le64(at);
    ret->first = load_le64(at + 8);
    ret->chunk = load_le64(at + 16);
    ret->gap = load_le64(at + 24);
    ret->size = load_le64(at + 32);
    if (ret->size > begin || ret->end > begin)
        return fail(why, EBADMSG, "the description tells of more bytes than there are");
    return 0;
}

static bytes name_of(bytes description)
{
    size_t at = 70;
    at += description.at[at] ? 16 : 12;
    uint64_t len;
    if (!bytes_has(description, at, 1) || !description.at[at] ||
        !bytes_le64(description, at + 1, &len) || !bytes_has(description, at + 9, len))
        return (bytes){0};
    bytes path = bytes_slice(description, at + 9, (size_t)len);
    for (size_t i = path.len; i-- > 0;)
        if (path.at[i] == '\\' || path.at[i] == '/')
            return bytes_slice(path, i + 1, SIZE_MAX);
    return path;
}

static int add_piece(struct recipe *ret, struct arena *arena, int stream, uint64_t at,
                     uint64_t length, uint64_t count, uint64_t step, struct why *why)
{
    struct recipe_piece piece = {.at = at,
                                 .from = at,
                                 .length = count ? length : 0,
                                 .count = count,
                                 .step = step,
                                 .stream = stream};
    return compose_piece(ret, arena, &piece, why);
}

static int alphv_open(const struct source *source, const struct key *key, struct arena *arena,
                      struct recipe *ret, struct why *why)
{
    struct layout *layout = PUSH(arena, struct layout);
    bytes description;
    if (!layout)
        return fail(why, ENOMEM, "no memory for a key");
    int error = describe(source, key, arena, layout, &description, why);
    if (error)
        return error;
    ret->size = layout->size;
    ret->name = name_of(description);
    struct recipe_stream stream = {
        .cipher = RECIPE_OWN, .apply = chunks_xor, .context = layout, .grain = 1};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    uint64_t end = layout->end < ret->size ? layout->end : ret->size, step;
    uint64_t first = layout->first < end ? layout->first : end;
    error = add_piece(ret, arena, number, 0, first, 1, 0, why);
    uint64_t at = 0;
    if (layout->first && __builtin_add_overflow(layout->first, layout->gap, &at))
        return error;
    if (error || at >= end)
        return error;
    if (!layout->chunk)
        return fail(why, EBADMSG, "chunks of no bytes");
    if (__builtin_add_overflow(layout->chunk, layout->gap, &step))
        step = UINT64_MAX;
    uint64_t left = end - at;
    uint64_t whole = left >= layout->chunk ? (left - layout->chunk) / step + 1 : 0;
    error = add_piece(ret, arena, number, at, layout->chunk, whole, step, why);
    uint64_t done;
    if (error || __builtin_mul_overflow(whole, step, &done) || done >= left)
        return error;
    return add_piece(ret, arena, number, at + done, left - done, 1, 0, why);
}

const struct format format_alphv = {
    .family = "alphv",
    .title = "ALPHV (BlackCat) 3, Sphynx",
    .facts = "github.com/rivitna/Malware, BlackCat/ALPHV3",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = alphv_recognise,
    .open = alphv_open,
};

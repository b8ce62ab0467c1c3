/* Zeppelin: AES-256-CBC over one stretch of bytes that is spread over blocks of the file.
 *
 *     the stretch: mark 36 (a frame around "ZEPPELIN"); u64 bytes of the encrypted part; u64 of
 *     the plain part; the encrypted part. Plain: "666" and the bytes of the blocks, one after
 * the other the file: block i at offset[i] holds bytes i*B .. i*B+B of the stretch (offset[0]
 * is 0); what is left of it stands at the end of the plain file behind that: three parts, u32
 * size and RC4 with its first 32 bytes as key: the offsets, u64 each; the AES key and IV, 48
 * bytes, by bare RSA of about 512 bits, a decimal number; the RSA key, sealed by another; u32
 * B; u64 bytes of the plain file; u32 bytes from the three parts on
 *
 * Facts: github.com/rivitna/Malware, Zeppelin/zep_decrypt_file.py, zep_crypt.py, zep_dec.py. */
#include "crypt/rc4.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/cipher.h"

#include <errno.h>
#include <string.h>

enum {
    MARK = 36,
    HEAD = MARK + 16,
    PREFIX = 3,
    AES = 16,
    KEY = 48,
    PARTS_MAX = 1 << 20,
    BLOCKS_MAX = 1000, /* each is a stream */
    DIGITS_MAX = 1300,
};

static const uint8_t mark[MARK + 1] = "\xda\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xc4\xbf\r\n\xb3ZEPPELIN"
                                      "\xb3\r\n\xc0\xc4\xc4\xc4\xc4\xc4\xc4"
                                      "\xc4\xc4\xd9\r\n";

struct layout {
    const struct source *source;
    uint64_t block, plain, count;
    const uint8_t *offsets; /* u64, little endian */
    uint64_t sealed_size, plain_size;
    bytes number; /* the sealed key, decimal */
    uint8_t key[KEY];
};

static int zeppelin_recognise(const struct source *source, struct recognition *ret,
                              struct why *why)
{
    uint8_t head[MARK], tail[16];
    if (source->size < MARK + sizeof tail)
        return 0;
    int error = source_read(source, 0, head, MARK, why);
    if (error || memcmp(head, mark, MARK) != 0)
        return error;
    error = source_tail(source, tail, sizeof tail, why);
    ret->fit = FIT_IS;
    uint64_t plain = load_le64(tail + 4);
    ret->plain = plain < source->size ? plain : UINT64_MAX;
    ret->partial = true;
    fail(&ret->reason, 1, "it begins with a frame around 'ZEPPELIN'");
    return error;
}

/* ----------------------------------------------------------------------------- the trailer */

/* The next of the three parts, decrypted in place. */
static bool part_of(bytes *rest, bytes *ret)
{
    uint32_t size;
    struct rc4 rc4;
    if (!bytes_le32(*rest, 0, &size) || size < 32 || !bytes_has(*rest, 4, size) ||
        !rc4_set(&rc4, bytes_slice(*rest, 4, 32)))
        return false;
    *ret = bytes_slice(*rest, 36, size - 32);
    /* It lies in the arena, and is ours. */
    rc4_xor(&rc4, (uint8_t *)(uintptr_t)ret->at, ret->len);
    *rest = bytes_slice(*rest, 4 + (size_t)size, SIZE_MAX);
    return true;
}

static int layout_of(const struct source *source, struct arena *arena, struct layout *ret,
                     struct why *why)
{
    uint8_t head[HEAD], tail[4];
    bytes rest, offsets, sealed;
    if (source->size < HEAD + sizeof tail)
        return fail(why, EBADMSG, "shorter than Zeppelin's mark and trailer");
    int error = source_read(source, 0, head, HEAD, why);
    if (!error)
        error = source_tail(source, tail, sizeof tail, why);
    if (error)
        return error;
    uint32_t size = load_le32(tail);
    if (memcmp(head, mark, MARK) != 0 || size > PARTS_MAX || size > source->size || size < 16)
        return fail(why, EBADMSG, "no trailer of Zeppelin at its end");
    error = source_take(source, source->size - size, size, arena, &rest, why);
    if (error)
        return error;
    if (!part_of(&rest, &offsets) || !part_of(&rest, &ret->number) ||
        !part_of(&rest, &sealed) || rest.len != 16)
        return fail(why, EBADMSG, "no three parts in the trailer");
    ret->source = source;
    ret->offsets = offsets.at;
    ret->count = offsets.len / 8;
    ret->block = load_le32(rest.at);
    ret->plain = load_le64(rest.at + 4);
    ret->sealed_size = load_le64(head + MARK);
    ret->plain_size = load_le64(head + MARK + 8);
    uint64_t all = source->size - size;
    if (!ret->block || !ret->count || ret->count > BLOCKS_MAX || offsets.len % 8 ||
        ret->plain > all || ret->sealed_size > all || ret->plain_size > ret->sealed_size ||
        ret->sealed_size % AES ||
        ret->plain + HEAD + ret->sealed_size > all + ret->count * ret->block)
        return fail(why, EBADMSG, "damaged or cut short: %llu blocks of %llu bytes in %llu",
                    (unsigned long long)ret->count, (unsigned long long)ret->block,
                    (unsigned long long)source->size);
    return 0;
}

/* Decimal to big endian; false for other digits or too many. */
static bool decimal(bytes text, uint8_t *ret, size_t size)
{
    memset(ret, 0, size);
    for (size_t i = 0; i < text.len; i++) {
        unsigned carry = text.at[i] - (unsigned)'0';
        if (carry > 9 || text.len > DIGITS_MAX)
            return false;
        for (size_t j = size; j-- > 0;) {
            carry += 10U * ret[j];
            ret[j] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry)
            return false;
    }
    return text.len != 0;
}

static int key_of(struct layout *layout, const struct key *key, struct why *why)
{
    uint8_t sealed[DIGITS_MAX / 2], opened[PRIVATEKEY_MAX];
    size_t size = privatekey_size(&key->rsa);
    if (!size || size > sizeof sealed)
        return fail(why, EKEYREJECTED, "not of the size of a Zeppelin key");
    if (!decimal(layout->number, sealed, size))
        return fail(why, EKEYREJECTED, "the sealed key is larger than this RSA key");
    int error = privatekey_raw(&key->rsa, PRIVATEKEY_BIG, (bytes){sealed, size}, opened, why);
    if (error)
        return error;
    for (size_t i = 0; i + KEY < size; i++)
        if (opened[i])
            return fail(why, EKEYREJECTED, "what it opens is longer than a key");
    if (size < KEY)
        return fail(why, EKEYREJECTED, "not of the size of a Zeppelin key");
    memcpy(layout->key, opened + size - KEY, KEY);
    return 0;
}

/* ----------------------------------------------------------------------------- the stretch */

/* Where byte `at` of the stretch lies in the file, and how many follow it there. */
static uint64_t place(const struct layout *layout, uint64_t at, uint64_t *run)
{
    uint64_t block = at / layout->block;
    if (block >= layout->count) {
        *run = UINT64_MAX;
        return layout->plain + (at - layout->count * layout->block);
    }
    *run = layout->block - at % layout->block;
    return load_le64(layout->offsets + 8 * block) + at % layout->block;
}

static int gather(const struct layout *layout, uint64_t at, uint8_t *ret, size_t len,
                  struct why *why)
{
    while (len) {
        uint64_t run, from = place(layout, at, &run);
        size_t part = run < len ? (size_t)run : len;
        int error = source_read(layout->source, from, ret, part, why);
        if (error)
            return error;
        at += part;
        ret += part;
        len -= part;
    }
    return 0;
}

/* Bytes [from, to) of the plain stretch, decrypted here. */
static int decrypt(const struct layout *layout, uint64_t from, uint64_t to, struct arena *arena,
                   bytes *ret, struct why *why)
{
    uint64_t begin = from - from % AES, end = (to + AES - 1) / AES * AES;
    size_t len = (size_t)(end - begin);
    uint8_t iv[AES], *data = arena_push(arena, len);
    if (!data)
        return fail(why, ENOMEM, "no memory for a block");
    memcpy(iv, layout->key + 32, AES);
    int error = begin ? gather(layout, HEAD + begin - AES, iv, AES, why) : 0;
    if (!error)
        error = gather(layout, HEAD + begin, data, len, why);
    if (error)
        return error;
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){layout->key, 32}, iv,
                    (bytes){data, len}, data))
        return fail(why, ENOMEM, "libcrypto refused");
    *ret = (bytes){data + (from - begin), (size_t)(to - from)};
    return 0;
}

static int given(const struct layout *layout, uint64_t from, uint64_t to, uint64_t at,
                 struct arena *arena, struct recipe *ret, struct why *why)
{
    struct recipe_piece piece = {.at = at, .length = to - from, .stream = RECIPE_GIVEN};
    if (from == to)
        return 0;
    int error = decrypt(layout, from, to, arena, &piece.given, why);
    return error ? error : compose_piece(ret, arena, &piece, why);
}

/* Whole blocks of AES that lie in one place: `from` of the stretch to `at` of the plain file.
 */
static int run_of(const struct layout *layout, uint64_t from, uint64_t len, uint64_t at,
                  struct arena *arena, struct recipe *ret, struct why *why)
{
    uint64_t run;
    uint8_t *iv = arena_push(arena, AES);
    if (!iv)
        return fail(why, ENOMEM, "no memory for a stream");
    memcpy(iv, layout->key + 32, AES);
    int error = from ? gather(layout, HEAD + from - AES, iv, AES, why) : 0;
    if (error)
        return error;
    struct recipe_stream stream = {
        .cipher = RECIPE_AES_CBC, .key = {layout->key, 32}, .iv = {iv, AES}};
    struct recipe_piece piece = {.at = at,
                                 .from = place(layout, HEAD + from, &run),
                                 .length = len,
                                 .stream = compose_stream(ret, arena, &stream, why)};
    return piece.stream < 0 ? piece.stream : compose_piece(ret, arena, &piece, why);
}

/* Bytes [from, to) of the plain stretch go to `at`: what lies in one place as a stream, the
 * ends decrypted here. */
static int fill(const struct layout *layout, uint64_t from, uint64_t to, uint64_t at,
                struct arena *arena, struct recipe *ret, struct why *why)
{
    uint64_t run;
    (void)place(layout, HEAD + from, &run);
    uint64_t end = run < to - from ? from + run : to;
    uint64_t first = (from + AES - 1) / AES * AES, last = end - end % AES;
    int error;
    if (first >= last)
        return given(layout, from, to, at, arena, ret, why);
    error = given(layout, from, first, at, arena, ret, why);
    if (!error)
        error = run_of(layout, first, last - first, at + (first - from), arena, ret, why);
    return error ? error : given(layout, last, to, at + (last - from), arena, ret, why);
}

static int zeppelin_open(const struct source *source, const struct key *key,
                         struct arena *arena, struct recipe *ret, struct why *why)
{
    struct layout *layout = PUSH(arena, struct layout);
    bytes prefix = {0};
    if (!layout)
        return fail(why, ENOMEM, "no memory for a key");
    int error = layout_of(source, arena, layout, why);
    if (!error)
        error = key_of(layout, key, why);
    if (!error && layout->plain_size >= PREFIX)
        error = decrypt(layout, 0, PREFIX, arena, &prefix, why);
    if (error)
        return error;
    if (!bytes_is(prefix, "666"))
        return fail(why, EKEYREJECTED, "'666' does not come out at the begin with it");

    ret->size = layout->plain;
    for (uint64_t i = 0; !error && i < layout->count; i++) {
        uint64_t from = PREFIX + i * layout->block, at = load_le64(layout->offsets + 8 * i);
        uint64_t to = from + layout->block;
        to = to < layout->plain_size ? to : layout->plain_size;
        if (at > ret->size)
            return fail(why, EBADMSG, "a block behind the end of the file");
        if (from >= to)
            break;
        if (to - from > ret->size - at)
            to = from + (ret->size - at);
        error = fill(layout, from, to, at, arena, ret, why);
    }
    return error;
}

const struct format format_zeppelin = {
    .family = "zeppelin",
    .title = "Zeppelin",
    .facts = "github.com/rivitna/Malware, Zeppelin",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = zeppelin_recognise,
    .open = zeppelin_open,
};

/* Phobos (8Base, Eking, ...): AES-256-CBC over all of a small file; out of a larger one some
 * pieces are taken to its end, encrypted there, and zeros left in their places.
 *
 *     0 ─── the file ─── size-footer ─── end block, whole blocks of AES ─── size-178
 *           20 zeros
 *           20 IV 16, of the file and of the end block.  36 u32 bytes of padding
 *           40 the AES key and a few bytes more, sealed by RSA-1024, PKCS #1 v1.5
 *          168 u32 size of the end block and of these 178 bytes.  172 the attacker's id, 6
 *
 *     end block: 4 u32 mode, 1 pieces or 2 all; 8 u32 af77bc0f or f0a75e12; 12 u32 number of
 * pieces, size of each, CRC-32 of all; 24 u32 place of the file's path in UTF-16; 32 u64 place
 * of each piece; then the pieces
 *
 * Facts: github.com/rivitna/Malware, Phobos/phobos_decrypt_file.py and phobos_decrypt_keys.py.
 */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/cipher.h"
#include "shim/stream.h"

#include <errno.h>
#include <string.h>

enum {
    TRAILER = 178,
    IV = 20,
    PADDING = 36,
    SEALED = 40,
    RSA = 128,
    FOOTER = 168,
    KEY = 32,
    END_MAX = 32 << 20, /* of an end block; three pieces of 256 KiB are usual */
    PIECES_MAX = 4096,
    NAME_MAX = 1024,
};

/* The last 178 bytes and what follows from them. -EBADMSG: not Phobos'. */
static int trailer_of(const struct source *source, uint8_t tail[TRAILER], uint64_t *body,
                      struct why *why)
{
    if (source->size < TRAILER)
        return fail(why, EBADMSG, "shorter than Phobos' trailer");
    int error = source_tail(source, tail, TRAILER, why);
    if (error)
        return error;
    uint32_t footer = load_le32(tail + FOOTER), padding = load_le32(tail + PADDING);
    uint8_t zeros = 0;
    for (size_t i = 0; i < IV; i++)
        zeros |= tail[i];
    if (zeros || footer <= TRAILER || (footer - TRAILER) % 16 || footer > source->size ||
        padding > 16)
        return fail(why, EBADMSG, "no trailer of Phobos at its end");
    *body = source->size - footer;
    return 0;
}

static int phobos_recognise(const struct source *source, struct recognition *ret,
                            struct why *why)
{
    uint8_t tail[TRAILER];
    uint64_t body;
    int error = trailer_of(source, tail, &body, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    ret->fit = FIT_IS;
    fail(&ret->reason, 1, "20 zeros 178 bytes before the end, and a footer of %u bytes",
         load_le32(tail + FOOTER));
    return 0;
}

static int key_of(const struct key *key, const uint8_t *tail, uint8_t ret[KEY], struct why *why)
{
    bytes sealed = {.at = tail + SEALED, .len = RSA};
    uint8_t opened[PRIVATEKEY_MAX];
    size_t len;
    if (key->kind == KEY_BYTES) {
        if (key->secret.len != KEY)
            return fail(why, EKEYREJECTED, "Phobos' keys have 32 bytes");
        if (key->pub.len && !bytes_equal(key->pub, sealed))
            return fail(why, EKEYREJECTED, "the key of other files of Phobos");
        memcpy(ret, key->secret.at, KEY);
        return 0;
    }
    int error = privatekey_pkcs1(&key->rsa, PRIVATEKEY_BIG, sealed, opened, &len, why);
    if (error)
        return error;
    if (len < KEY)
        return fail(why, EKEYREJECTED, "what it opens is shorter than a key");
    memcpy(ret, opened, KEY);
    return 0;
}

/* The decrypted end block. Its mark tells whether the key was right. */
static int end_block(const struct source *source, const uint8_t *tail, const uint8_t *key,
                     uint64_t body, struct arena *arena, bytes *ret, struct why *why)
{
    static const uint32_t marks[] = {0xaf77bc0f, 0xf0a75e12};
    size_t size = load_le32(tail + FOOTER) - TRAILER;
    uint8_t iv[16], *plain;
    if (size > END_MAX || size < 32)
        return fail(why, EBADMSG, "an end block of %zu bytes", size);
    plain = arena_push_raw(arena, size);
    if (!plain)
        return fail(why, ENOMEM, "no memory for an end block of %zu bytes", size);
    int error = source_read(source, body, plain, size, why);
    if (error)
        return error;
    memcpy(iv, tail + IV, sizeof iv);
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){.at = key, .len = KEY}, iv,
                    (bytes){.at = plain, .len = size}, plain))
        return fail(why, ENOMEM, "libcrypto refused");
    uint32_t mode = load_le32(plain + 4);
    if ((mode != 1 && mode != 2) || load_le32(plain + 8) != marks[mode - 1])
        return fail(why, EKEYREJECTED, "the end block's mark does not come out with it");
    *ret = (bytes){.at = plain, .len = size};
    return 0;
}

/* The last part of the path, in UTF-8; empty when there is none. */
static bytes name_of(bytes block, struct arena *arena)
{
    uint32_t at = load_le32(block.at + 24);
    uint8_t *ret = arena_push(arena, NAME_MAX * 3);
    size_t len = 0;
    for (size_t i = 0; ret && i < NAME_MAX && bytes_has(block, at, 2); i++, at += 2) {
        uint16_t c = load_le16(block.at + at);
        if (!c || (c & 0xf800) == 0xd800)
            break;
        if (c == '\\') {
            len = 0;
        } else if (c < 0x80) {
            ret[len++] = (uint8_t)c;
        } else {
            if (c >= 0x800)
                ret[len++] = (uint8_t)(0xe0 | c >> 12);
            ret[len++] = (uint8_t)(c < 0x800 ? 0xc0 | c >> 6 : 0x80 | (c >> 6 & 0x3f));
            ret[len++] = (uint8_t)(0x80 | (c & 0x3f));
        }
    }
    return (bytes){.at = ret, .len = len};
}

static int pieces(bytes block, struct arena *arena, struct recipe *ret, struct why *why)
{
    uint64_t count = load_le32(block.at + 12), each = load_le32(block.at + 16);
    if (count > PIECES_MAX || !bytes_has(block, 32, count * (8 + each)))
        return fail(why, EBADMSG, "the end block is too short for %llu pieces of %llu bytes",
                    (unsigned long long)count, (unsigned long long)each);
    bytes data = bytes_slice(block, 32 + 8 * count, count * each);
    if (stream_crc32(0, data) != load_le32(block.at + 20))
        return fail(why, EBADMSG, "the pieces in the end block have another CRC-32");
    for (size_t i = 0; i < count; i++) {
        uint64_t at = load_le64(block.at + 32 + 8 * i);
        if (at > ret->size)
            return fail(why, EBADMSG, "a piece behind the end of the file");
        bytes part = bytes_slice(data, i * each, each < ret->size - at ? each : ret->size - at);
        struct recipe_piece piece = {
            .at = at, .length = part.len, .stream = RECIPE_GIVEN, .given = part};
        int error = compose_piece(ret, arena, &piece, why);
        if (error)
            return error;
    }
    return 0;
}

static int phobos_open(const struct source *source, const struct key *key, struct arena *arena,
                       struct recipe *ret, struct why *why)
{
    uint8_t *tail = arena_push(arena, TRAILER + KEY);
    bytes block;
    uint64_t body;
    if (!tail)
        return fail(why, ENOMEM, "no memory for a trailer");
    uint8_t *own = tail + TRAILER;
    int error = trailer_of(source, tail, &body, why);
    if (!error)
        error = key_of(key, tail, own, why);
    if (!error)
        error = end_block(source, tail, own, body, arena, &block, why);
    if (error)
        return error;
    ret->name = name_of(block, arena);
    ret->size = body;
    if (load_le32(block.at + 4) == 1)
        return pieces(block, arena, ret, why);

    uint32_t padding = load_le32(tail + PADDING);
    if (body % 16 || padding > body)
        return fail(why, EBADMSG, "a file of %llu bytes, which is no whole number of blocks",
                    (unsigned long long)body);
    ret->size = body - padding;
    return compose_cbc(source, 0, (bytes){.at = own, .len = KEY}, tail + IV, arena, ret, why);
}

const struct format format_phobos = {
    .family = "phobos",
    .title = "Phobos (8Base)",
    .facts = "github.com/rivitna/Malware, Phobos",
    .proven = true,
    .keys = 1U << KEY_BYTES | 1U << KEY_RSA,
    .recognise = phobos_recognise,
    .open = phobos_open,
};

/* HardBit 4: the begin and the end of the file, each by itself as .NET's AES-256 in CBC pads it
 * (PKCS #7), all with one key and one IV; the begin's padding takes the place of bytes that are
 * kept behind:
 *
 *     0   begin, encrypted | what is not encrypted | end, encrypted |
 *     -n  the file's name, UTF-16, encrypted | bytes that lay under the begin's padding |
 *     -40 five u64: length of the name, of the end, of the file, of those bytes, of the begin
 *
 * Key: PBKDF2 with SHA-1 of the password, salt "Ivan Medvedev", 1000 rounds. The IV is handed
 * over as well: the decryptor has it, no file does. The paddings tell that a password is right,
 * the name that an IV is. Names: RANDOM.[id-ID].[mail].hardbit4. Facts:
 * github.com/f6-dfir/Ransomware, HardBit/tools/hb4_decrypt_file.py. */
#include "base/unicode.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/cipher.h"
#include "shim/digest.h"

#include <errno.h>
#include <string.h>

enum {
    FOOTER = 40,
    KEY = 32,
    IV = 16,
    BLOCK = 16,
    NAME_MAX_BYTES = 1040,
    ROUNDS = 1000,
};

struct footer {
    uint64_t name, end, size, kept, begin;
    uint64_t body; /* bytes before all of it */
};

/* 0 with the footer; -EBADMSG: sizes that do not belong together. */
static int footer_of(const struct source *source, struct footer *ret, struct why *why)
{
    uint8_t at[FOOTER];
    if (source->size < FOOTER)
        return fail(why, EBADMSG, "shorter than HardBit's five sizes");
    int error = source_tail(source, at, FOOTER, why);
    if (error)
        return error;
    *ret = (struct footer){.name = load_le64(at),
                           .end = load_le64(at + 8),
                           .size = load_le64(at + 16),
                           .kept = load_le64(at + 24),
                           .begin = load_le64(at + 32)};
    uint64_t room = source->size - FOOTER;
    bool good = ret->name >= BLOCK && ret->name <= NAME_MAX_BYTES && ret->name % BLOCK == 0 &&
                ret->kept <= BLOCK && ret->name + ret->kept <= room;
    ret->body = good ? room - ret->name - ret->kept : 0;
    good = good && ret->begin >= BLOCK && ret->end >= BLOCK && ret->begin % BLOCK == 0 &&
           ret->end % BLOCK == 0 && ret->begin <= ret->body &&
           ret->end <= ret->body - ret->begin && ret->size <= ret->body &&
           ret->body - ret->size <= 2 * BLOCK;
    return good ? 0
                : fail(why, EBADMSG,
                       "the five sizes at its end are not those of a file of %llu bytes",
                       (unsigned long long)source->size);
}

static int hardbit_recognise(const struct source *source, struct recognition *ret,
                             struct why *why)
{
    /* Of 64 bits each: the sum is that of the file to within a few bits, three are multiples of
     * 16, two are small. */
    enum { BITS = 60 + 3 * 4 + 53 + 59 };

    struct footer footer;
    int error = footer_of(source, &footer, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    ret->fit = FIT_IS;
    ret->bits = BITS;
    ret->variant = "4";
    ret->plain = footer.size;
    ret->partial = footer.begin + footer.end < footer.body;
    fail(&ret->reason, 1, "five sizes at its end that add up to its own");
    return 0;
}

/* `len` bytes of whole blocks at `at`, decrypted, their last one's padding taken away; *ret is
 * false when there is none. */
static int decrypt(const struct source *source, uint64_t at, uint64_t len, const uint8_t *key,
                   const uint8_t *iv, struct arena *arena, bytes *ret, bool *padded,
                   struct why *why)
{
    bytes in;
    uint8_t chain[IV], *out = arena_push(arena, (size_t)len + 1);
    if (!out)
        return fail(why, ENOMEM, "no memory for a part");
    int error = source_take(source, at, (size_t)len, arena, &in, why);
    if (error)
        return error;
    memcpy(chain, iv, IV);
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){.at = key, .len = KEY}, chain, in, out))
        return fail(why, EIO, "libcrypto does not decrypt AES");
    uint8_t fill = out[len - 1];
    *padded = fill >= 1 && fill <= BLOCK;
    for (unsigned i = 0; *padded && i < fill; i++)
        *padded = out[len - 1 - i] == fill;
    *ret = (bytes){.at = out, .len = (size_t)len - (*padded ? fill : 0)};
    return 0;
}

/* The last one or two blocks of a part: bytes of padding, 0 when the key is wrong. */
static int padding(const struct source *source, uint64_t at, uint64_t len, const uint8_t *key,
                   const uint8_t *iv, struct arena *arena, unsigned *ret, struct why *why)
{
    bytes end;
    uint8_t before[IV];
    bool padded = false;
    memcpy(before, iv, IV);
    int error = len > BLOCK ? source_read(source, at + len - 2 * BLOCK, before, IV, why) : 0;
    if (!error)
        error =
            decrypt(source, at + len - BLOCK, BLOCK, key, before, arena, &end, &padded, why);
    *ret = !error && padded ? BLOCK - (unsigned)end.len : 0;
    return error;
}

/* UTF-16 that a file may be called, in UTF-8. *points counts, of the first block, which is all
 * that an IV changes, the units of the alphabet of the one before or of ASCII (each: 1 of 128
 * by chance), and the bytes of padding. */
static bool name_of(bytes wide, size_t padded, struct arena *arena, bytes *ret,
                    unsigned *points)
{
    uint8_t text[3 * NAME_MAX_BYTES / 2 + 4];
    size_t used = 0;
    if (wide.len % 2 || !wide.len || wide.len > NAME_MAX_BYTES)
        return false;
    for (bytes rest = wide; rest.len;) {
        uint32_t character = utf16_next(&rest, false);
        if (character < ' ' || character == UNICODE_REPLACEMENT || character == 0x7f ||
            (character < 0x80 && strchr("<>:\"/\\|?*", (int)character)))
            return false;
        used += utf8_put(text + used, character);
    }
    *points = wide.len < IV ? (unsigned)padded : 0;
    for (size_t i = 0; i < wide.len && i < IV; i += 2)
        *points += !wide.at[i + 1] || (i && wide.at[i + 1] == wide.at[i - 1]);
    *ret = arena_copy(arena, (bytes){text, used});
    return ret->at;
}

/* --- what comes out --- */

struct opened {
    const uint8_t *key, *iv;
    unsigned begin_fill, end_fill; /* bytes of padding */
};

/* A part of `length` plain bytes: whole blocks by the recipe, the last ones given. */
static int part(const struct source *source, const struct opened *own, uint64_t at,
                uint64_t length, struct arena *arena, struct recipe *ret, struct why *why)
{
    struct recipe_stream stream = {.cipher = RECIPE_AES_CBC,
                                   .key = {.at = own->key, .len = KEY},
                                   .iv = {.at = own->iv, .len = IV}};
    int number = compose_stream(ret, arena, &stream, why);
    uint64_t whole = length & ~UINT64_C(15);
    struct recipe_piece piece = {.at = at, .from = at, .length = whole, .stream = number};
    int error = number < 0 ? number : compose_piece(ret, arena, &piece, why);
    if (error || whole == length)
        return error;
    uint8_t before[IV];
    bytes last;
    bool padded;
    memcpy(before, own->iv, IV);
    if (whole)
        error = source_read(source, at + whole - BLOCK, before, IV, why);
    if (!error)
        error =
            decrypt(source, at + whole, BLOCK, own->key, before, arena, &last, &padded, why);
    piece = (struct recipe_piece){.at = at + whole,
                                  .length = length - whole,
                                  .stream = RECIPE_GIVEN,
                                  .given = {last.at, (size_t)(length - whole)}};
    return error ? error : compose_piece(ret, arena, &piece, why);
}

static int pieces(const struct source *source, const struct footer *footer,
                  const struct opened *own, struct arena *arena, struct recipe *ret,
                  struct why *why)
{
    uint64_t begin = footer->begin - own->begin_fill, end = footer->end - own->end_fill;
    bool small = !end && !footer->kept && begin == footer->size;
    if (!small && (begin + footer->kept != footer->begin ||
                   footer->body - footer->end + end != footer->size))
        return fail(why, EBADMSG, "what is encrypted is not as long as its sizes say");
    ret->size = footer->size;
    int error = part(source, own, 0, begin, arena, ret, why);
    if (error || small)
        return error;
    bytes kept;
    error = source_take(source, footer->body + footer->name, (size_t)footer->kept, arena, &kept,
                        why);
    struct recipe_piece piece = {
        .at = begin, .length = kept.len, .stream = RECIPE_GIVEN, .given = kept};
    if (!error)
        error = compose_piece(ret, arena, &piece, why);
    return error ? error : part(source, own, footer->body - footer->end, end, arena, ret, why);
}

/* Whether the password's key gives paddings; where one block is all, the IV is looked at. */
static int check_key(const struct source *source, const struct footer *footer,
                     struct opened *own, struct arena *arena, struct why *why)
{
    int error =
        padding(source, 0, footer->begin, own->key, own->iv, arena, &own->begin_fill, why);
    if (!error)
        error = padding(source, footer->body - footer->end, footer->end, own->key, own->iv,
                        arena, &own->end_fill, why);
    if (!error && ((!own->begin_fill && footer->begin > BLOCK) ||
                   (!own->end_fill && footer->end > BLOCK)))
        error = fail(why, EKEYREJECTED, "not the password: what it decrypts has no padding");
    return error;
}

/* With one of the keys that came with the password as IV; 1: it is not the one. A name that
 * hardly tells is believed where the file's begin is that of a known kind. */
static int try_iv(const struct source *source, const struct footer *footer, struct opened *own,
                  struct arena *arena, struct recipe *ret, struct why *why)
{
    enum { SURE = 4 };

    bytes wide;
    bool padded = false;
    unsigned points = 0;
    *ret = (struct recipe){0};
    int error = decrypt(source, footer->body, footer->name, own->key, own->iv, arena, &wide,
                        &padded, why);
    if (!error)
        error = check_key(source, footer, own, arena, why);
    if (error)
        return error == -EKEYREJECTED ? 1 : error;
    if (!padded || !own->begin_fill || !own->end_fill ||
        !name_of(wide, footer->name - wide.len, arena, &ret->name, &points))
        return 1;
    error = pieces(source, footer, own, arena, ret, why);
    if (error || points >= SURE)
        return error;
    error = compose_try(ret, source, arena, why);
    return error == -EKEYREJECTED || (!error && ret->guess) ? 1 : error;
}

static int find_iv(const struct source *source, const struct footer *footer,
                   const struct key *key, struct opened *own, struct arena *arena,
                   struct recipe *ret, struct why *why)
{
    for (uint32_t i = 0; key->ring && i < key->ring->key.n; i++) {
        const struct key *other = &key->ring->key.at[i];
        if (other->kind != KEY_BYTES || other->secret.len != IV)
            continue;
        own->iv = other->secret.at;
        int error = try_iv(source, footer, own, arena, ret, why);
        if (error != 1)
            return error;
    }
    return fail(why, ENOKEY,
                "the password is right; the IV of 16 bytes is wanted with it, as a file");
}

static int hardbit_open(const struct source *source, const struct key *key, struct arena *arena,
                        struct recipe *ret, struct why *why)
{
    static const uint8_t no_iv[IV];
    struct footer footer;
    uint8_t *made = arena_push(arena, KEY);
    struct opened own = {.key = made, .iv = no_iv};
    if (!made)
        return fail(why, ENOMEM, "no memory for a key");
    int error = footer_of(source, &footer, why);
    if (error)
        return error;
    if (key->kind != KEY_TEXT ||
        !digest_stretch(DIGEST_SHA1, key->secret, bytes_of("Ivan Medvedev"), ROUNDS, made, KEY))
        return fail(why, EKEYREJECTED, "HardBit's files are opened with a password");
    error = check_key(source, &footer, &own, arena, why);
    if (!error)
        error = find_iv(source, &footer, key, &own, arena, ret, why);
    return error;
}

const struct format format_hardbit = {
    .family = "hardbit",
    .title = "HardBit",
    .facts = "github.com/f6-dfir/Ransomware, HardBit",
    .proven = true,
    .keys = 1U << KEY_TEXT,
    .recognise = hardbit_recognise,
    .open = hardbit_open,
};

/* Chaos and its kin Onyx 2 and SolidBit.
 *
 *     Chaos      "<EncryptedKey>", base64 of RSA, "<EncryptedKey>" or "</EncryptedKey>", then
 *                base64 of AES-256-CBC of the plain file, padded (PKCS #7)
 *     Onyx 2     01 02 .. 08, the salt; AES-256-CFB128, padded; base64 of RSA-2048: 344 bytes
 *     SolidBit   AES-128-CBC, padded; base64 of RSA-2048: 344 bytes
 *
 * The password is drawn for each file by .NET's Random, 20 or 40 characters of those in
 * chaos_text. Chaos and Onyx 2 stretch it (PBKDF2, HMAC-SHA-1; 1,000 rounds with salt 01 .. 08,
 * one round with the salt) to key and IV; SolidBit takes 16 characters as key and as IV.
 * Chaos overwrites files above about 2 MB with noise: those are lost.
 * Facts: Truesec, TSDecryptors. */
#include "crypt/generator.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"
#include "shim/cipher.h"
#include "shim/digest.h"
#include "unpack/base64.h"

#include <errno.h>
#include <string.h>

enum {
    BLOCK = 16,
    KEY = 32,
    HEAD = 512,
    SEALED = 344, /* base64 of 256 bytes */
    MOST = 16 << 20,
};

static const uint8_t salt[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static const char letters[CHAOS_LETTERS + 1] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890*!=&?&/";

void chaos_letters(uint8_t ret[CHAOS_LETTERS])
{
    memcpy(ret, letters, CHAOS_LETTERS);
}

void chaos_text(uint32_t seed, uint8_t *ret, size_t len)
{
    struct generator_dotnet random;
    generator_dotnet_seed(&random, (int32_t)seed);
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)letters[generator_dotnet_next(&random, 0, CHAOS_LETTERS)];
}

/* The parts of a Chaos file. */
struct chaos {
    bytes sealed;  /* base64 */
    uint64_t data; /* where the base64 of the data begins */
};

static bool chaos_parts(const struct source *source, uint8_t head[HEAD], struct chaos *ret)
{
    size_t len = source->size < HEAD ? (size_t)source->size : HEAD;
    bytes view = {head, len}, open = bytes_of("<EncryptedKey>");
    if (len < 64 || source_read(source, 0, head, len, NULL) ||
        !bytes_equal(bytes_slice(view, 0, open.len), open))
        return false;
    size_t end = bytes_find(view, bytes_of("<"), open.len);
    size_t behind = end == SIZE_MAX ? SIZE_MAX : bytes_find(view, bytes_of(">"), end);
    if (behind == SIZE_MAX)
        return false;
    ret->sealed = bytes_slice(view, open.len, end - open.len);
    ret->data = behind + 1;
    return true;
}

static int chaos_recognise(const struct source *source, struct recognition *ret,
                           struct why *why)
{
    (void)why;
    uint8_t head[HEAD];
    struct chaos parts;
    if (!chaos_parts(source, head, &parts))
        return 0;
    ret->fit = FIT_IS;
    fail(&ret->reason, 1, "'<EncryptedKey>' at its start");
    return 0;
}

static size_t decode(bytes text, uint8_t *ret, size_t room)
{
    struct base64_held held = {0};
    return base64_letters(&held, &text, ret, room);
}

/* Key and IV out of whatever key it is. */
static int chaos_key(const struct key *key, bytes sealed, struct arena *arena,
                     uint8_t ret[KEY + BLOCK], struct why *why)
{
    uint8_t number[HEAD];
    bytes password = key->secret;
    int error = 0;
    if (key->kind == KEY_BYTES && key->secret.len == KEY + BLOCK) {
        memcpy(ret, key->secret.at, KEY + BLOCK);
        return 0;
    }
    if (key->kind == KEY_RSA)
        error = sealed_oaep(key, (bytes){number, decode(sealed, number, sizeof number)}, arena,
                            &password, why);
    else if (key->kind != KEY_TEXT && key->kind != KEY_BYTES)
        error = fail(why, EKEYREJECTED, "a key of Chaos is a password, or key and IV");
    if (error)
        return error;
    return digest_stretch(DIGEST_SHA1, password, (bytes){salt, sizeof salt}, 1000, ret,
                          KEY + BLOCK)
               ? 0
               : fail(why, EIO, "libcrypto does not compute PBKDF2");
}

/* The base64 of the data is decoded here, into the arena: such files are small. */
static int chaos_data(const struct source *source, uint64_t at, struct arena *arena, bytes *ret,
                      struct why *why)
{
    uint64_t len = source->size - at;
    bytes text;
    if (len > MOST)
        return fail(why, ENOTSUP, "larger than any file that Chaos encrypts: overwritten");
    int error = source_take(source, at, (size_t)len, arena, &text, why);
    if (error)
        return error;
    for (size_t i = 0; i < text.len; i++)
        if (base64_value(text.at[i]) == BASE64_OUTSIDE && text.at[i] != '=')
            return fail(why, EBADMSG, "byte %zu of the data is not base64", i);
    uint8_t *data = arena_push_raw(arena, text.len);
    if (!data)
        return fail(why, ENOMEM, "no memory for %zu bytes", text.len);
    *ret = (bytes){data, decode(text, data, text.len)};
    return ret->len && ret->len % BLOCK == 0
               ? 0
               : fail(why, EBADMSG, "%zu bytes of data are no whole blocks", ret->len);
}

/* Encrypted bytes given, AES over them, and the last block, which is cut. */
static int chaos_recipe(bytes data, bytes key, bytes iv, size_t fill, struct arena *arena,
                        struct recipe *ret, struct why *why)
{
    size_t whole = data.len - BLOCK;
    uint8_t before[BLOCK], *last = arena_push(arena, BLOCK);
    if (!last)
        return fail(why, ENOMEM, "no memory for a recipe");
    memcpy(before, whole ? data.at + whole - BLOCK : iv.at, BLOCK);
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, key, before, bytes_slice(data, whole, BLOCK),
                    last))
        return fail(why, EIO, "libcrypto does not decrypt AES");
    struct recipe_stream stream = {.cipher = RECIPE_AES_CBC, .key = key, .iv = iv};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    ret->size = data.len - fill;
    struct recipe_piece pieces[] = {
        {.length = whole, .stream = RECIPE_GIVEN, .given = bytes_slice(data, 0, whole)},
        {.length = whole, .stream = number, .over = true},
        {.at = whole,
         .length = BLOCK - fill,
         .stream = RECIPE_GIVEN,
         .given = {last, BLOCK - fill}},
    };
    for (size_t i = 0; i < COUNT(pieces); i++) {
        int error = compose_piece(ret, arena, &pieces[i], why);
        if (error)
            return error;
    }
    return 0;
}

static int chaos_open(const struct source *source, const struct key *key, struct arena *arena,
                      struct recipe *ret, struct why *why)
{
    uint8_t head[HEAD], *made = arena_push(arena, KEY + BLOCK);
    struct chaos parts;
    bytes data;
    if (!made)
        return fail(why, ENOMEM, "no memory for a key");
    if (!chaos_parts(source, head, &parts))
        return fail(why, EBADMSG, "no '<EncryptedKey>' at the file's start");
    int error = chaos_key(key, parts.sealed, arena, made, why);
    if (!error)
        error = chaos_data(source, parts.data, arena, &data, why);
    if (error)
        return error;
    bytes secret = {made, KEY}, iv = {made + KEY, BLOCK};
    struct source memory = source_of_bytes(data, (bytes){0});
    int fill = compose_padding(&memory, 0, data.len, secret, iv.at, why);
    if (fill <= 0)
        return fill ? fill : fail(why, EKEYREJECTED, "the key does not give a padding");
    error = chaos_recipe(data, secret, iv, (size_t)fill, arena, ret, why);
    return error ? error : compose_try(ret, source, arena, why);
}

/* 344 characters of base64 at the end: 256 bytes. */
static bool sealed_end(const struct source *source)
{
    uint8_t end[SEALED];
    if (source_tail(source, end, SEALED, NULL) || end[SEALED - 1] != '=' ||
        end[SEALED - 2] != '=')
        return false;
    for (size_t i = 0; i < SEALED - 2; i++)
        if (base64_value(end[i]) == BASE64_OUTSIDE)
            return false;
    return true;
}

static int solidbit_recognise(const struct source *source, struct recognition *ret,
                              struct why *why)
{
    (void)why;
    if (!sealed_end(source) || source->size == SEALED || (source->size - SEALED) % BLOCK)
        return 0;
    ret->fit = FIT_CAN_BE;
    fail(&ret->reason, 1, "whole blocks, then base64 of 256 bytes at its end");
    return 0;
}

static int solidbit_open(const struct source *source, const struct key *key,
                         struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t *made = arena_push(arena, BLOCK);
    bytes secret = {made, BLOCK};
    if (!made)
        return fail(why, ENOMEM, "no memory for a key");
    if (!sealed_end(source) || source->size == SEALED || (source->size - SEALED) % BLOCK)
        return fail(why, EBADMSG, "no whole blocks before a base64 of 256 bytes at its end");
    if (key->kind == KEY_SEED && key->seed <= INT32_MAX)
        chaos_text((uint32_t)key->seed, made, BLOCK);
    else if (!compose_secret(key, BLOCK, &secret))
        return fail(why, EKEYREJECTED, "a key of SolidBit is a seed, or 16 characters");
    uint64_t len = source->size - SEALED;
    int fill = compose_padding(source, 0, len, secret, secret.at, why);
    if (fill <= 0)
        return fill ? fill : fail(why, EKEYREJECTED, "the key does not give a padding");
    ret->size = len - (unsigned)fill;
    int error = compose_cbc(source, 0, secret, secret.at, arena, ret, why);
    return error ? error : compose_try(ret, source, arena, why);
}

static bool onyx2_file(const struct source *source)
{
    uint8_t head[sizeof salt];
    return source->size > sizeof salt + SEALED &&
           (source->size - sizeof salt - SEALED) % BLOCK == 0 &&
           !source_read(source, 0, head, sizeof head, NULL) &&
           !memcmp(head, salt, sizeof salt) && sealed_end(source);
}

static int onyx2_recognise(const struct source *source, struct recognition *ret,
                           struct why *why)
{
    (void)why;
    if (!onyx2_file(source))
        return 0;
    ret->fit = FIT_IS;
    fail(&ret->reason, 1, "01 to 08 at its start and base64 of 256 bytes at its end");
    return 0;
}

/* The padding behind CFB: the last block is sealed ^ E(the one before). */
static int onyx2_padding(const struct source *source, uint64_t len, bytes key, bytes iv,
                         struct why *why)
{
    uint8_t before[BLOCK], last[BLOCK], stream[BLOCK];
    memcpy(before, iv.at, BLOCK);
    uint64_t at = sizeof salt + len - BLOCK;
    int error = len > BLOCK ? source_read(source, at - BLOCK, before, BLOCK, why) : 0;
    if (!error)
        error = source_read(source, at, last, BLOCK, why);
    if (error)
        return error;
    if (!cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL, (bytes){before, BLOCK}, stream))
        return fail(why, EIO, "libcrypto does not encrypt AES");
    uint8_t fill = last[BLOCK - 1] ^ stream[BLOCK - 1];
    for (unsigned i = 0; fill && fill <= BLOCK && i < fill; i++)
        if ((last[BLOCK - 1 - i] ^ stream[BLOCK - 1 - i]) != fill)
            return 0;
    return fill <= BLOCK ? fill : 0;
}

static int onyx2_open(const struct source *source, const struct key *key, struct arena *arena,
                      struct recipe *ret, struct why *why)
{
    uint8_t *made = arena_push(arena, KEY + BLOCK);
    if (!made)
        return fail(why, ENOMEM, "no memory for a key");
    if (!onyx2_file(source))
        return fail(why, EBADMSG, "no salt, whole blocks and base64 as Onyx 2 writes them");
    if (key->kind != KEY_TEXT && key->kind != KEY_BYTES)
        return fail(why, EKEYREJECTED, "a key of Onyx 2 is a password");
    if (!digest_stretch(DIGEST_SHA1, key->secret, (bytes){salt, sizeof salt}, 1, made,
                        KEY + BLOCK))
        return fail(why, EIO, "libcrypto does not compute PBKDF2");
    bytes secret = {made, KEY}, iv = {made + KEY, BLOCK};
    uint64_t len = source->size - sizeof salt - SEALED;
    int fill = onyx2_padding(source, len, secret, iv, why);
    if (fill <= 0)
        return fill ? fill : fail(why, EKEYREJECTED, "the password does not give a padding");
    ret->size = len - (unsigned)fill;
    struct recipe_stream stream = {.cipher = RECIPE_AES_CFB, .key = secret, .iv = iv};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    struct recipe_piece piece = {.from = sizeof salt, .length = ret->size, .stream = number};
    int error = compose_piece(ret, arena, &piece, why);
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_chaos = {
    .family = "chaos",
    .title = "Chaos",
    .facts = "Truesec, TSDecryptors",
    .keys = 1 << KEY_BYTES | 1 << KEY_TEXT | 1 << KEY_RSA,
    .recognise = chaos_recognise,
    .open = chaos_open,
};

const struct format format_onyx2 = {
    .family = "onyx2",
    .title = "Onyx 2",
    .facts = "Truesec, TSDecryptors",
    .keys = 1 << KEY_BYTES | 1 << KEY_TEXT,
    .recognise = onyx2_recognise,
    .open = onyx2_open,
};

const struct format format_solidbit = {
    .family = "solidbit",
    .title = "SolidBit",
    .facts = "Truesec, TSDecryptors",
    .keys = 1 << KEY_SEED | 1 << KEY_BYTES | 1 << KEY_TEXT,
    .recognise = solidbit_recognise,
    .open = solidbit_open,
};

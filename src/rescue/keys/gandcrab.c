#include "rescue/keys/gandcrab.h"

#include "crypt/salsa.h"
#include "rescue/formats/sealed.h"
#include "rescue/keys/published.h"
#include "shim/privatekey.h"
#include "unpack/base64.h"

#include <errno.h>
#include <string.h>

enum { SEALED = 256, KEY_AT = 4, NONCE_AT = 0x104, BLOB_AT = 0x204, BLOB = 0x494, KEY = 32 };

/* The letters of a text, whatever the width of its characters. */
static bytes narrow(bytes note, struct arena *arena)
{
    uint8_t *ret = arena_push_raw(arena, note.len);
    size_t n = 0;
    for (size_t i = 0; ret && i < note.len; i++)
        if (note.at[i])
            ret[n++] = note.at[i];
    return (bytes){ret, n};
}

static uint8_t *turned(bytes number, struct arena *arena)
{
    uint8_t *ret = arena_push(arena, number.len);
    for (size_t i = 0; ret && i < number.len; i++)
        ret[i] = number.at[number.len - 1 - i];
    return ret;
}

/* PRIVATEKEYBLOB: header of 20 bytes, n, p, q, ..., little endian. */
static int read_blob(bytes blob, struct arena *arena, struct key *ret, struct why *why)
{
    static const uint8_t start[] = {7, 2, 0, 0, 0, 0xa4, 0, 0, 'R', 'S', 'A', '2', 0, 8, 0, 0};
    static const uint8_t exponent[3] = {1, 0, 1};
    if (memcmp(blob.at, start, sizeof start) != 0)
        return fail(why, EKEYREJECTED,
                    "the master key of GandCrab 5.2 does not open this note");
    uint8_t *p = turned(bytes_slice(blob, 276, 128), arena);
    uint8_t *q = turned(bytes_slice(blob, 404, 128), arena);
    if (!p || !q)
        return fail(why, ENOMEM, "no memory for a key");
    struct privatekey numbers = {.p = {p, 128}, .q = {q, 128}, .e = {exponent, 3}};
    int error = privatekey_complete(&numbers, arena, why);
    if (error)
        return error;
    *ret = (struct key){
        .kind = KEY_RSA,
        .family = "gandcrab",
        .origin = bytes_of("GandCrab's note, by the published master key"),
        .rsa = {
            .n = numbers.n, .e = numbers.e, .d = numbers.d, .p = numbers.p, .q = numbers.q}};
    return 0;
}

int gandcrab_key(bytes note, struct arena *arena, struct key *ret, struct why *why)
{
    bytes text = narrow(bytes_slice(note, 0, 1 << 20), arena);
    bytes begin = bytes_of("---BEGIN GANDCRAB KEY---");
    size_t at = text.at ? bytes_find(text, begin, 0) : SIZE_MAX;
    if (at == SIZE_MAX)
        return fail(why, ENOENT, "no key of GandCrab in this text");
    bytes rest = bytes_slice(text, at + begin.len, text.len);
    rest.len = bytes_find(rest, bytes_of("---"), 0) == SIZE_MAX
                   ? rest.len
                   : bytes_find(rest, bytes_of("---"), 0);
    struct base64_held held = {0};
    uint8_t *data = arena_push(arena, BLOB_AT + BLOB);
    if (!data)
        return fail(why, ENOMEM, "no memory for a key");
    if (base64_letters(&held, &rest, data, BLOB_AT + BLOB) < BLOB_AT + BLOB)
        return fail(why, EBADMSG, "the note's key is cut short");

    struct key master;
    bytes key, nonce;
    struct salsa salsa;
    if (published_key("gandcrab", arena, &master))
        return fail(why, ENOMEM, "no memory for a key");
    int error = sealed_pkcs1(&master, (bytes){data + KEY_AT, SEALED}, KEY, arena, &key, why);
    if (!error)
        error = sealed_pkcs1(&master, (bytes){data + NONCE_AT, SEALED}, 8, arena, &nonce, why);
    if (error)
        return error;
    if (!salsa_set(&salsa, 20, key, nonce, 0))
        return fail(why, EBADMSG, "the note's key is of %zu bytes", key.len);
    salsa_xor(&salsa, 0, data + BLOB_AT, BLOB);
    return read_blob((bytes){data + BLOB_AT, BLOB}, arena, ret, why);
}

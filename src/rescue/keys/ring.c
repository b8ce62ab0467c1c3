#include "rescue/keys/reading.h"
#include "rescue/keys/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, WAITING_MAX = 16 };

static bool same(const struct key *a, const struct key *b)
{
    return a->kind == b->kind && a->family == b->family && bytes_equal(a->secret, b->secret) &&
           bytes_equal(a->pub, b->pub) && bytes_equal(a->rsa.n, b->rsa.n) &&
           bytes_equal(a->rsa.d, b->rsa.d) && a->seed == b->seed && a->at == b->at;
}

int reading_add(struct reading *reading, struct key key)
{
    reading->found++;
    for (size_t i = 0; i < reading->ring->key.n; i++)
        if (same(&reading->ring->key.at[i], &key))
            return 0;
    if (reading->ring->key.n >= READING_KEYS) {
        reading->ring->full = true;
        return 0;
    }
    struct key *place = vec_push(reading->arena, &reading->ring->key);
    bytes secret = arena_copy(reading->arena, key.secret);
    bytes pub = arena_copy(reading->arena, key.pub);
    if (!place || !secret.at || !pub.at)
        return -ENOMEM;
    *place = key;
    place->secret = secret;
    place->pub = pub;
    place->origin = reading->origin;
    place->ring = reading->ring;
    return 0;
}

/* What an exponentiation costs grows with the third power of the size. */
static bool affordable(struct reading *reading, const struct privatekey *numbers)
{
    enum { UNIT = 128, ALL = 8000 };

    uint64_t size = numbers->n.len > numbers->d.len ? numbers->n.len : numbers->d.len;
    size = (size > 2 * numbers->p.len ? size : 2 * numbers->p.len) / UNIT + 1;
    reading->spent += size * size * size;
    return reading->spent <= ALL;
}

int reading_rsa(struct reading *reading, struct privatekey numbers, bool sure)
{
    struct why why = {""};
    if (!affordable(reading, &numbers))
        return 0;
    int error = privatekey_complete(&numbers, reading->arena, &why);
    if (error == -ENOMEM)
        return error;
    if (error) {
        reading->said = why;
        return 0;
    }
    if (sure && !numbers.e.len)
        return 0;
    return reading_add(reading, (struct key){.kind = KEY_RSA, .rsa = numbers});
}

/* ------------------------------------------------------------ numbers that wait for others */

/* d is about as long as n, and below it. */
static bool can_be_pair(bytes n, bytes d)
{
    return n.len >= d.len && n.len - d.len <= 8 && n.at[n.len - 1] & 1 &&
           (n.len > d.len || memcmp(d.at, n.at, n.len) < 0);
}

static int join(struct reading *reading, const struct keyring_number *a,
                const struct keyring_number *b)
{
    bool swap = a->name == 'd' || b->name == 'n' || !can_be_pair(a->number, b->number);
    const struct keyring_number *n = swap ? b : a, *d = swap ? a : b;
    if (n->name == 'd' || d->name == 'n' || !can_be_pair(n->number, d->number))
        return 0;
    return reading_rsa(reading, (struct privatekey){.n = n->number, .d = d->number}, false);
}

/* From the name of a file that holds one number: "rsa155_n.txt". */
static char name_from_origin(bytes origin)
{
    size_t end = origin.len;
    for (size_t i = 0; i < origin.len; i++)
        if (origin.at[i] == '.')
            end = i;
        else if (origin.at[i] == '/')
            end = origin.len;
    if (end < 1 || (end > 1 && ascii_alnum(origin.at[end - 2])))
        return 0;
    char last = (char)ascii_lower(origin.at[end - 1]);
    return last == 'n' || last == 'd' ? last : 0;
}

int reading_number(struct reading *reading, bytes number, char name)
{
    while (number.len && !*number.at)
        number = bytes_slice(number, 1, SIZE_MAX);
    if (number.len < READING_NUMBER || number.len > PRIVATEKEY_MAX)
        return 0;
    struct keyring *ring = reading->ring;
    struct keyring_number own = {.number = arena_copy(reading->arena, number),
                                 .name = name ? name : name_from_origin(reading->origin)};
    if (!own.number.at)
        return -ENOMEM;
    reading->found++;
    for (size_t i = 0; i < ring->number.n; i++)
        if (bytes_equal(ring->number.at[i].number, number))
            return 0;
    for (size_t i = 0; i < ring->number.n; i++) {
        struct keyring_number other = ring->number.at[i];
        int error = join(reading, &other, &own);
        if (error)
            return error;
    }
    if (ring->number.n >= WAITING_MAX)
        return 0;
    struct keyring_number *place = vec_push(reading->arena, &ring->number);
    if (!place)
        return -ENOMEM;
    *place = own;
    return 0;
}

/* --------------------------------------------------------------------------- whole files */

static bool is_text(bytes view)
{
    for (size_t i = 0; i < view.len; i++)
        if (view.at[i] < 0x20 && view.at[i] != '\n' && view.at[i] != '\r' && view.at[i] != '\t')
            return false;
    return view.len != 0;
}

/* UTF-16 as Notepad saves it, little endian with its mark, to bytes: other letters than those
 * of Latin-1 are in no key. */
static bytes narrowed(struct arena *arena, bytes view)
{
    uint8_t *at = arena_push(arena, view.len / 2);
    for (size_t i = 0; at && i < view.len / 2 - 1; i++)
        at[i] = view.at[2 * i + 3] ? '?' : view.at[2 * i + 2];
    return (bytes){.at = at, .len = at ? view.len / 2 - 1 : 0};
}

static bool is_usual(size_t len)
{
    return len == 16 || len == 24 || len == 32 || len == 64;
}

/* One in 40 keys of 32 bytes has no control character, and may begin or end with what is cut
 * off from a text, or have a line's end inside. */
static bool is_key_like_text(bytes view)
{
    bool any = false;
    for (size_t i = 0; i < view.len; i++)
        any |= view.at[i] >= 0x7f;
    return any && is_usual(view.len);
}

/* Bytes that nothing else explains. */
static int raw(struct reading *reading, bytes view)
{
    int error = 0;
    if (is_usual(view.len) || !is_text(view))
        error = reading_bytes(reading, view);
    if (!error && view.len && view.len % 64 == 0 && !is_text(view))
        error = reading_number(reading, view, 0);
    return error;
}

int reading_any(struct reading *reading, bytes view)
{
    if (reading->depth >= READING_DEPTH)
        return 0;
    reading->depth++;
    unsigned before = reading->found;
    int error = 0;
    if (view.len >= 4 && view.at[0] == 0xff && view.at[1] == 0xfe)
        view = narrowed(reading->arena, view);
    if (view.len >= 3 && !memcmp(view.at, "\xef\xbb\xbf", 3))
        view = bytes_slice(view, 3, SIZE_MAX);
    error = reading_binary(reading, view);
    bool plain = !error && reading->found == before;
    if (plain && is_text(view))
        error = reading_text(reading, view);
    if (plain && !error && (reading->found == before || is_key_like_text(view)))
        error = raw(reading, view);
    reading->depth--;
    return error;
}

int reading_bytes(struct reading *reading, bytes view)
{
    if (view.len < 8 || view.len > 64)
        return 0;
    uint8_t pub[X25519_SIZE] = {0};
    bool pair =
        view.len == 64 && x25519_public(view.at, pub) && !memcmp(pub, view.at + 32, sizeof pub);
    struct key key = {.secret = view, .kind = KEY_BYTES};
    int error = reading_add(reading, key);
    if (!error && (view.len == 32 || pair)) {
        key.kind = KEY_CURVE25519;
        key.secret.len = 32;
        key.pub = pair ? bytes_slice(view, 32, 32) : (bytes){0};
        error = reading_add(reading, key);
    }
    if (!error && view.len == 32) {
        key.kind = KEY_SECP256K1;
        error = reading_add(reading, key);
    }
    if (!error && view.len == 24) {
        key.kind = KEY_SECP192K1;
        error = reading_add(reading, key);
    }
    return error;
}

int keyring_add(struct keyring *ring, bytes file, bytes origin, struct arena *arena,
                struct why *why)
{
    bytes name = arena_copy(arena, origin);
    if (!name.at)
        return fail(why, ENOMEM, "too many keys for the memory there is");
    struct reading reading = {.ring = ring, .arena = arena, .origin = name};
    if (file.len > FILE_MAX)
        return fail(why, EBADMSG, "too large for a file of keys: %zu bytes", file.len);
    uint32_t sealed = ring->sealed.n;
    int error = reading_family(&reading, file);
    /* What a master key opens is no list of keys in base64, as which it could be read. */
    if (!error && !reading.found)
        error = session_wait(&reading, file);
    if (!error && !reading.found)
        error = session_open(&reading);
    if (!error && !reading.found)
        error = reading_any(&reading, file);
    if (ring->sealed.n > sealed)
        ring->sealed.at[sealed].only = !reading.found;
    if (!error)
        error = session_open(&reading);
    if (error)
        return fail(why, -error, "too many keys for the memory there is");
    if (reading.found || ring->sealed.n > sealed)
        return 0;
    if (reading.said.text[0])
        return fail(why, EBADMSG, "%s", reading.said.text);
    return fail(
        why, EBADMSG,
        "no key in it: expected PEM, DER, XML, a Windows key blob, hex, base64, decimal "
        "numbers, or 16 to 64 bytes");
}

/* ----------------------------------------------------------------------------- for people */

const char *key_describe(const struct key *key, char *ret, size_t size)
{
    size_t bits = 8 * privatekey_size(&key->rsa);
    switch (key->kind) {
    case KEY_RSA:
        for (uint8_t top = bits ? key->rsa.n.at[key->rsa.n.len - bits / 8] : 0x80; top < 0x80;
             top = (uint8_t)(top << 1))
            bits--;
        snprintf(ret, size, "RSA private key of %zu bits%s", bits,
                 key->rsa.e.len ? "" : ", not checked");
        break;
    case KEY_CURVE25519:
        snprintf(ret, size, "Curve25519 private key");
        break;
    case KEY_SECP256K1:
        snprintf(ret, size, "secp256k1 private key");
        break;
    case KEY_SECP192K1:
        snprintf(ret, size, "secp192k1 private key");
        break;
    case KEY_BYTES:
        snprintf(ret, size, "symmetric key of %zu bits", 8 * key->secret.len);
        break;
    case KEY_TEXT:
        snprintf(ret, size, "password of %zu characters", key->secret.len);
        break;
    case KEY_STREAM:
        snprintf(ret, size, "keystream of %zu bytes", key->secret.len);
        break;
    case KEY_SEED:
        snprintf(ret, size, "seed %llu", (unsigned long long)key->seed);
        break;
    }
    return ret;
}

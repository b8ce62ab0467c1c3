/* RCRU64: AES-256-GCM over chunks, of which only the first one's nonce is known.
 *
 *     0 ─── the file, one byte more ─── ["nqpso5938fh71jfu"]
 *             5  "wenf="
 *           256  sealed by RSA-2048, OAEP with SHA-1: ... "d7j3" key 32 "y9a0" nonces "m5ha"
 * ...
 *            ..  ["P7A1s" chunk ":" gap "$f1;" ... "Fs1z3" bytes in all], chunk and gap as
 * decimal fractions of 1,024,000 bytes: chunks with gaps 6  ["&4r*3d"]
 *
 * Without gaps: up to 512,000 bytes before "wenf=" are one chunk and 16 bytes of text, its
 * nonce of 32 bytes; more come in chunks of 512,000, nonce 12 bytes, from 2,048,000 on in
 * chunks of 185,000, nonce 32. How the nonces of further chunks are made is not published: such
 * files are refused. Facts: github.com/rivitna/Malware, RCRU64/rcru64_decrypt_file.py. No
 * published file was at hand. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"

#include <errno.h>
#include <string.h>

enum {
    RSA = 256,
    TAIL = 512,   /* that is looked through */
    FOOTER = 300, /* most behind "wenf=", with it */
    SMALL = 512000,
    BIG = 2048000,
    UNIT = 1024000,
    TAG = 16,
    KEY = 32,
};

struct layout {
    uint64_t body;  /* bytes before "wenf=" */
    uint64_t chunk; /* the first one */
    uint64_t whole; /* bytes that chunks and gaps take */
    size_t nonce;
    uint64_t plain;
};

static size_t find(bytes in, const char *what)
{
    const uint8_t *at = in.len ? memmem(in.at, in.len, what, strlen(what)) : NULL;
    return at ? (size_t)(at - in.at) : SIZE_MAX;
}

/* A decimal fraction, times `unit`, up to `end`. */
static bool fraction(bytes text, const char *end, uint64_t unit, uint64_t *ret)
{
    size_t len = find(text, end), digits = 0;
    uint64_t whole = 0, part = 0, scale = 1;
    bool point = false;
    for (size_t i = 0; len != SIZE_MAX && i < len && i < 18; i++) {
        uint8_t c = text.at[i];
        if (c == '.' && !point) {
            point = true;
        } else if (c < '0' || c > '9') {
            return false;
        } else if (!point) {
            whole = whole * 10 + (c - '0');
            digits++;
        } else if (scale < 1000000) {
            part = part * 10 + (c - '0');
            scale *= 10;
        }
    }
    *ret = (whole < UINT32_MAX ? whole : UINT32_MAX) * unit + part * unit / scale;
    return digits && len < 18;
}

/* What the end says; false: not RCRU64's. `sealed`: where the key lies. */
static int layout_of(const struct source *source, struct layout *ret, uint64_t *sealed,
                     struct why *why)
{
    uint8_t room[TAIL];
    bytes tail = {room, source->size < TAIL ? (size_t)source->size : TAIL};
    int error = source_tail(source, room, tail.len, why);
    if (error)
        return error;
    if (tail.len > 6 && !memcmp(room + tail.len - 6, "&4r*3d", 6))
        tail.len -= 6;
    if (tail.len > FOOTER)
        tail = bytes_slice(tail, tail.len - FOOTER, FOOTER);
    size_t at = find(tail, "wenf=");
    if (at == SIZE_MAX || tail.len - at < 5 + RSA)
        return fail(why, EBADMSG, "no 'wenf=' and sealed key at its end");
    ret->body = source->size -
                (size_t)(room + (source->size < TAIL ? source->size : TAIL) - (tail.at + at));
    *sealed = ret->body + 5;
    bytes more = bytes_slice(tail, at + 5 + RSA, SIZE_MAX);
    ret->nonce = ret->body > SMALL && ret->body < BIG ? 12 : 32;
    ret->plain = ret->body ? ret->body - 1 : 0;
    ret->whole = ret->plain;
    if (more.len > 5 && !memcmp(more.at, "P7A1s", 5)) {
        uint64_t gap, all;
        size_t size = find(more, "Fs1z3"), colon = find(more, ":");
        if (size == SIZE_MAX || colon == SIZE_MAX ||
            !fraction(bytes_slice(more, 5, SIZE_MAX), ":", UNIT, &ret->chunk) ||
            !fraction(bytes_slice(more, colon + 1, SIZE_MAX), "$f1;", UNIT, &gap))
            return fail(why, EBADMSG, "chunks that are not told as RCRU64 does");
        bytes digits = bytes_slice(more, size + 5, SIZE_MAX);
        for (all = 0;
             digits.len && digits.at[0] >= '0' && digits.at[0] <= '9' && all < 1ull << 50;
             digits = bytes_slice(digits, 1, SIZE_MAX))
            all = all * 10 + (digits.at[0] - '0');
        ret->nonce = 12;
        ret->whole = all < ret->plain ? all : ret->plain;
        if (ret->whole <= ret->chunk + gap && ret->whole > ret->chunk)
            ret->whole = ret->chunk;
        return 0;
    }
    ret->chunk = ret->body >= BIG ? 0x2d2a8 : SMALL;
    if (ret->body <= SMALL) {
        if (ret->body < TAG + 1)
            return fail(why, EBADMSG, "shorter than a byte and a mark");
        ret->plain = ret->whole = ret->body - TAG - 1;
    }
    return 0;
}

static int rcru64_recognise(const struct source *source, struct recognition *ret,
                            struct why *why)
{
    struct layout layout;
    uint64_t sealed;
    int error = layout_of(source, &layout, &sealed, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    ret->fit = FIT_IS;
    ret->plain = layout.plain;
    ret->partial = layout.whole < layout.plain;
    fail(&ret->reason, 1, "'wenf=' and a sealed key at its end");
    return 0;
}

/* Key and nonces out of what was sealed. */
static int parse(bytes message, size_t nonce, bytes *ret_key, bytes *ret_nonce, struct why *why)
{
    size_t at = find(message, "d7j3");
    bytes key = at == SIZE_MAX ? (bytes){0} : bytes_slice(message, at + 4, SIZE_MAX);
    *ret_key = bytes_slice(key, 0, KEY);
    bytes rest = bytes_slice(key, KEY, SIZE_MAX);
    if (rest.len < 4 || memcmp(rest.at, "y9a0", 4) != 0)
        return fail(why, EBADMSG, "no key of 32 bytes between the marks of what was sealed");
    rest = bytes_slice(rest, 4, SIZE_MAX);
    at = find(rest, "m5ha");
    if (at == SIZE_MAX || at < nonce)
        return fail(why, EBADMSG, "no nonce of %zu bytes in what was sealed", nonce);
    *ret_nonce = bytes_slice(rest, 0, nonce);
    return 0;
}

static int rcru64_open(const struct source *source, const struct key *key, struct arena *arena,
                       struct recipe *ret, struct why *why)
{
    struct layout layout;
    uint64_t place;
    bytes sealed, message, own, nonce;
    int error = layout_of(source, &layout, &place, why);
    if (!error)
        error = source_take(source, place, RSA, arena, &sealed, why);
    if (!error)
        error = sealed_oaep(key, sealed, arena, &message, why);
    if (!error)
        error = parse(message, layout.nonce, &own, &nonce, why);
    if (error)
        return error;
    if (layout.whole > layout.chunk)
        return fail(
            why, ENOTSUP,
            "it is in chunks of %llu bytes; how the second one's nonce is made is not known",
            (unsigned long long)layout.chunk);
    ret->size = layout.plain;
    int stream = compose_gcm(ret, arena, own, nonce, why);
    if (stream < 0)
        return stream;
    struct recipe_piece piece = {.length = layout.whole, .stream = stream};
    return compose_piece(ret, arena, &piece, why);
}

const struct format format_rcru64 = {
    .family = "rcru64",
    .title = "RCRU64",
    .facts = "github.com/rivitna/Malware, RCRU64",
    .keys = 1U << KEY_RSA,
    .recognise = rcru64_recognise,
    .open = rcru64_open,
};

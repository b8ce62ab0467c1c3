/* Enmity, and Mammon of the same line: AES-256-GCM with a nonce of 16 bytes; behind the data
 *
 *     Enmity   2 "N:" or "K:" | name | 512 sealed | 2 "LB", "DB", or nothing
 *     Mammon   (2 "K:") | 512 sealed
 *
 *     sealed by RSA-4096, OAEP, SHA-1: key 32, nonce 16
 *
 * Whole ("LB"; without a mark below 1 MiB; Mammon "K:"): all bytes, then the tag of 16. In
 * parts ("DB": 1 MiB; no mark: 0x19999 bytes) at each 10 MiB, one message without a tag; the
 * last one lies 20 MiB (its own length) before the end at least. Mammon without a mark: the
 * first 0x32000 bytes; ".v2", a second pass over that: 64 KiB at each 0x650000. Facts:
 * github.com/rivitna/Malware, Enmity/enmity_decrypt_file.py, mammon_decrypt_file.py. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"

#include <errno.h>
#include <string.h>

enum {
    SEALED = 512,
    NAME_MAX_BYTES = 260,
    FOOTER_MAX = 2 + NAME_MAX_BYTES + SEALED + 2,
    KEY = 32,
    NONCE = 16,
    TAG = 16,
    SMALL = 1 << 20,
    PART = 0x19999,
    STEP = 10 << 20,
};

enum { BITS_LEAST = 20, BITS_SURE = 32 };

enum mode { UNSAID, WHOLE, PARTS };

struct footer {
    enum mode mode;
    uint64_t body; /* bytes before it */
    uint8_t name[NAME_MAX_BYTES];
    size_t name_len;
    uint8_t sealed[SEALED];
};

/* A name has no byte that Windows forbids. */
static bool is_name(bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || strchr("<>:\"/\\|?*\x7f", text.at[i]))
            return false;
    return text.len >= 3 && text.len <= NAME_MAX_BYTES;
}

static int footer_of(const struct source *source, struct footer *ret, struct why *why)
{
    uint8_t at[FOOTER_MAX];
    size_t len = source->size < FOOTER_MAX ? (size_t)source->size : FOOTER_MAX;
    int error = source_tail(source, at, len, why);
    if (error)
        return error;
    size_t end = len;
    ret->mode = UNSAID;
    if (len >= 2 && at[len - 1] == 'B' && (at[len - 2] == 'L' || at[len - 2] == 'D')) {
        ret->mode = at[len - 2] == 'L' ? WHOLE : PARTS;
        end -= 2;
    }
    size_t sealed = end >= SEALED ? end - SEALED : 0, name = sealed;
    while (name && at[name - 1] != ':')
        name--;
    bytes text = {at + name, sealed - name};
    if (name < 2 || (at[name - 2] != 'N' && at[name - 2] != 'K') || !is_name(text))
        return fail(why, EBADMSG, "no 'N:' or 'K:' and name before what is sealed");
    ret->body = source->size - (len - (name - 2));
    memcpy(ret->name, text.at, text.len);
    ret->name_len = text.len;
    memcpy(ret->sealed, at + sealed, SEALED);
    return 0;
}

/* Sequences of two to four bytes that begin as UTF-8's do, with as many behind. */
static bool is_utf8(bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t lead = text.at[i];
        size_t more = lead < 0x80   ? 0
                      : lead < 0xc2 ? SIZE_MAX
                      : lead < 0xe0 ? 1
                      : lead < 0xf0 ? 2
                                    : 3;
        if (more == SIZE_MAX || lead > 0xf4 || more >= text.len - i)
            return false;
        for (; more; more--)
            if ((text.at[++i] & 0xc0) != 0x80)
                return false;
    }
    return true;
}

/* What speaks against chance, in bits: the mark, which may stand at any of 260 places; letters,
 * digits and signs of ASCII (86 of 256 bytes), others two bits each when they are UTF-8; an
 * ending of letters and digits; a begin that is noise and of no known kind. */
static unsigned bits_of(const struct source *source, const struct footer *footer)
{
    enum { MARK = 16, PLACES = 8, ENDING = 5, HEAD = 7 };

    bytes name = {footer->name, footer->name_len};
    unsigned ascii = 0, other = 0;
    size_t dot = 0, plain = 0;
    for (size_t i = 0; i < name.len; i++) {
        ascii += name.at[i] < 0x7f;
        other += name.at[i] >= 0x7f;
        if (name.at[i] == '.')
            dot = i;
    }
    for (size_t i = dot + 1; dot && i < name.len; i++)
        plain += ascii_alnum(name.at[i]);
    bool ending = dot && plain && plain == name.len - dot - 1 && plain <= 8;
    bool text = !other || is_utf8(name);
    return MARK - PLACES + ascii * 3 / 2 + (text ? 2 * other : 0) + (ending ? ENDING : 0) +
           (compose_unmarked(source) ? HEAD : 0) + (footer->mode == UNSAID ? 0 : 2 * 8 - 1);
}

static int enmity_recognise(const struct source *source, struct recognition *ret,
                            struct why *why)
{
    struct footer footer = {0};
    int error = footer_of(source, &footer, why);
    if (error)
        return error == -EBADMSG ? 0 : error;
    bool marked = footer.mode != UNSAID;
    if (!compose_chance(source, source->size - (marked ? 2 : 0), SEALED))
        return 0;
    ret->bits = bits_of(source, &footer);
    if (ret->bits < BITS_LEAST)
        return 0;
    ret->fit = ret->bits >= BITS_SURE ? FIT_IS : FIT_CAN_BE;
    ret->partial = footer.mode == PARTS || (!marked && footer.body >= SMALL + TAG);
    ret->plain = ret->partial || footer.body < TAG ? footer.body : footer.body - TAG;
    if (!marked && footer.body >= SMALL && footer.body < SMALL + TAG)
        ret->plain = UINT64_MAX;
    fail(&ret->reason, 1, "'N:' or 'K:' and a file name before 512 sealed bytes%s",
         marked ? ", 'LB' or 'DB' at the end" : "");
    return 0;
}

struct opened {
    bytes key, nonce;
};

static int open_sealed(const struct key *key, const uint8_t sealed[SEALED], struct arena *arena,
                       struct opened *ret, struct why *why)
{
    bytes own;
    int error = sealed_oaep(key, (bytes){sealed, SEALED}, arena, &own, why);
    if (!error && own.len < KEY + NONCE)
        return fail(why, EBADMSG, "%zu sealed bytes, not the 48 of a key", own.len);
    ret->key = bytes_slice(own, 0, KEY);
    ret->nonce = bytes_slice(own, KEY, NONCE);
    return error;
}

static int whole(const struct source *source, const struct opened *own, uint64_t body,
                 struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t tag[TAG];
    if (body < TAG)
        return fail(why, EBADMSG, "too short for the tag of GCM");
    ret->size = body - TAG;
    int error = source_read(source, ret->size, tag, TAG, why);
    if (!error && ret->size <= 1 << 24)
        error = compose_tagged(source, 0, ret->size, own->key, own->nonce, tag, arena, why);
    int stream = error ? error : compose_gcm(ret, arena, own->key, own->nonce, why);
    struct recipe_piece piece = {.length = ret->size, .stream = stream};
    return stream < 0 ? stream : compose_piece(ret, arena, &piece, why);
}

/* Parts of `part` bytes at each `step`, where `behind` bytes or more are left. */
static int parts(const struct opened *own, uint64_t body, uint64_t part, uint64_t step,
                 uint64_t behind, struct arena *arena, struct recipe *ret, struct why *why)
{
    ret->size = body;
    if (body < behind)
        return 0;
    int stream = compose_gcm(ret, arena, own->key, own->nonce, why);
    struct recipe_piece piece = {
        .length = part, .count = (body - behind) / step + 1, .step = step, .stream = stream};
    return stream < 0 ? stream : compose_piece(ret, arena, &piece, why);
}

static int enmity_open(const struct source *source, const struct key *key, struct arena *arena,
                       struct recipe *ret, struct why *why)
{
    /* The last part of "DB" that is treated begins below this. */
    static const uint64_t last = 0x15000000000, behind = 0x1400000;
    struct footer footer = {0};
    struct opened own = {0};
    int error = footer_of(source, &footer, why);
    if (!error)
        error = open_sealed(key, footer.sealed, arena, &own, why);
    if (error)
        return error;
    ret->name = arena_copy(arena, (bytes){footer.name, footer.name_len});
    if (!ret->name.at)
        return fail(why, ENOMEM, "no memory for a name");
    if (footer.mode == PARTS) {
        uint64_t body = footer.body < last + behind ? footer.body : last + behind;
        error = parts(&own, body, 1 << 20, STEP, behind, arena, ret, why);
        ret->size = footer.body;
        return error;
    }
    if (footer.mode == WHOLE || footer.body < SMALL)
        return whole(source, &own, footer.body, arena, ret, why);
    if (footer.body < SMALL + TAG) {
        error = whole(source, &own, footer.body, arena, ret, why);
        if (error != -EBADMSG)
            return error;
    }
    return parts(&own, footer.body, PART, STEP, PART, arena, ret, why);
}

const struct format format_enmity = {
    .family = "enmity",
    .title = "Enmity",
    .facts = "github.com/rivitna/Malware, Enmity",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = enmity_recognise,
    .open = enmity_open,
};

static bool second_pass(const struct source *source)
{
    return compose_named(source, ".v2");
}

static int mammon_recognise(const struct source *source, struct recognition *ret,
                            struct why *why)
{
    (void)why;
    struct footer footer = {0};
    size_t head = source->size < SEALED + 4096 ? 0 : 4096;
    if (!compose_chance(source, source->size, SEALED) || !head ||
        !compose_chance(source, head, head) || !footer_of(source, &footer, NULL))
        return 0;
    ret->fit = FIT_CAN_BE;
    ret->variant = second_pass(source) ? "second pass" : NULL;
    ret->partial = true;
    fail(&ret->reason, 1, "noise at the start, and 512 bytes of it at the end");
    return 0;
}

static int mammon_open(const struct source *source, const struct key *key, struct arena *arena,
                       struct recipe *ret, struct why *why)
{
    enum { FIRST = 0x32000, SPOT = 0x10000, SPACE = 0x640000 };

    uint8_t sealed[SEALED], mark[2] = {0};
    struct opened own = {0};
    if (source->size < SEALED)
        return fail(why, EBADMSG, "shorter than what is sealed at its end");
    uint64_t body = source->size - SEALED;
    int error = source_tail(source, sealed, SEALED, why);
    if (!error)
        error = open_sealed(key, sealed, arena, &own, why);
    if (!error && body >= 2)
        error = source_read(source, body - 2, mark, 2, why);
    if (error)
        return error;
    if (second_pass(source))
        return body <= SPACE
                   ? (ret->size = body, 0)
                   : parts(&own, body, SPOT, SPOT + SPACE, SPACE + 1, arena, ret, why);
    if (mark[0] == 'K' && mark[1] == ':')
        return whole(source, &own, body - 2, arena, ret, why);
    return parts(&own, body, body < FIRST ? body : FIRST, body + 1, 0, arena, ret, why);
}

const struct format format_mammon = {
    .family = "mammon",
    .title = "Mammon",
    .facts = "github.com/rivitna/Malware, Enmity",
    .keys = 1U << KEY_RSA,
    .recognise = mammon_recognise,
    .open = mammon_open,
};

/* RCRU64: AES-256-GCM over chunks; the first one's nonce is sealed with the key, those of the
 * others are the same for all files.
 *
 *     0 ─── the file, one byte more ─── ["nqpso5938fh71jfu" or "qpso5938fh71jf"]
 *             5  "wenf="
 *           256  sealed by RSA-2048, OAEP with SHA-1: ... "d7j3" key 32 "y9a0" nonces "m5ha"
 * ...
 *            ..  ["P7A1s" chunk ":" gap "$f1;" ... "Fs1z3" bytes in all], chunk and gap as
 * decimal fractions of 1,024,000 bytes: chunks with gaps 6  ["&4r*3d"]
 *
 * Without gaps, by the number of bytes before "wenf=":
 *
 *     up to 512,000      one chunk, but for 16 bytes at its end; nonce of 32 bytes
 *     below 2,048,000    chunks of 512,000, but for 2 bytes at the end; first nonce of 12
 *     more               185,000 bytes at the begin, nonce of 32; the last 512,000 but for 16,
 *                        nonce of 32, the same in all files
 *
 * The nonce of each further chunk is 12 bytes: a word of 64 bits, and its second half again.
 * The word is made of the one before as SpookyHash (version 2, "ShortEnd") mixes.
 *
 * Facts: github.com/rivitna/Malware, RCRU64/rcru64_decrypt_file.py and fast_nonce.bin. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"
#include "shim/cipher.h"

#include <errno.h>
#include <string.h>

enum {
    RSA = 256,
    TAIL = 512,   /* that is looked through */
    FOOTER = 300, /* most behind "wenf=", with it */
    SMALL = 512000,
    BIG = 2048000,
    BEGIN = 0x2d298, /* of big files without gaps */
    UNIT = 1024000,
    LEAST = 1000, /* bytes of a chunk: smaller ones are in no file, and take long */
    MARK = 16,
    KEY = 32,
    NONCE = 12,
};

enum layout_kind { ONE_CHUNK, CHUNKS, BOTH_ENDS };

struct layout {
    enum layout_kind kind;
    uint64_t body; /* bytes before "wenf=" */
    uint64_t chunk, gap;
    uint64_t whole; /* bytes that chunks and gaps take */
    size_t nonce;   /* bytes of the first chunk's */
    bool marked;    /* may end in a mark, which is encrypted: `plain` is the most it can be */
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

/* Chunks with gaps, as the text behind the key tells. */
static int layout_told(bytes more, struct layout *ret, struct why *why)
{
    uint64_t all = 0;
    size_t size = find(more, "Fs1z3"), colon = find(more, ":");
    if (size == SIZE_MAX || colon == SIZE_MAX ||
        !fraction(bytes_slice(more, 5, SIZE_MAX), ":", UNIT, &ret->chunk) ||
        !fraction(bytes_slice(more, colon + 1, SIZE_MAX), "$f1;", UNIT, &ret->gap))
        return fail(why, EBADMSG, "chunks that are not told as RCRU64 does");
    bytes digits = bytes_slice(more, size + 5, SIZE_MAX);
    for (; digits.len && digits.at[0] >= '0' && digits.at[0] <= '9' && all < 1ull << 50;
         digits = bytes_slice(digits, 1, SIZE_MAX))
        all = all * 10 + (digits.at[0] - '0');
    if (ret->chunk < LEAST)
        return fail(why, EBADMSG, "chunks of %llu bytes", (unsigned long long)ret->chunk);
    ret->kind = CHUNKS;
    ret->nonce = NONCE;
    ret->whole = all < ret->plain ? all : ret->plain;
    return 0;
}

/* Where a mark begins in the last 16 bytes; 16: there is none. */
static size_t mark_at(bytes end, enum layout_kind kind)
{
    size_t at = find(end, "nqpso5938fh71jfu");
    if (at == SIZE_MAX && kind == ONE_CHUNK)
        at = find(end, "qpso5938fh71jf");
    return at < MARK ? at : MARK;
}

static int layout_untold(const struct source *source, struct layout *ret, struct why *why)
{
    uint8_t end[MARK];
    ret->chunk = SMALL;
    ret->nonce = KEY;
    if (ret->body >= BIG) {
        ret->kind = BOTH_ENDS;
        return 0;
    }
    if (ret->body < MARK + 1)
        return fail(why, EBADMSG, "shorter than a byte and a mark");
    if (ret->body > SMALL) {
        ret->kind = CHUNKS;
        ret->whole = ret->body - 2;
        ret->nonce = NONCE;
        ret->marked = true;
        return 0;
    }
    int error = source_read(source, ret->body - MARK, end, MARK, why);
    ret->plain = ret->body - MARK + mark_at((bytes){end, MARK}, ONE_CHUNK) - 1;
    ret->whole = ret->plain < ret->body - MARK ? ret->plain : ret->body - MARK;
    return error;
}

/* What the end says. -EBADMSG: not RCRU64's. `sealed`: where the key lies. */
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
    *ret = (struct layout){0};
    ret->body = source->size -
                (size_t)(room + (source->size < TAIL ? source->size : TAIL) - (tail.at + at));
    *sealed = ret->body + 5;
    ret->plain = ret->body ? ret->body - 1 : 0;
    ret->whole = ret->plain;
    bytes more = bytes_slice(tail, at + 5 + RSA, SIZE_MAX);
    if (more.len > 5 && !memcmp(more.at, "P7A1s", 5))
        return layout_told(more, ret, why);
    return layout_untold(source, ret, why);
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
    ret->plain = layout.marked ? 0 : layout.plain;
    ret->partial = layout.kind == BOTH_ENDS || layout.gap || layout.whole + MARK < layout.plain;
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

/* ------------------------------------------------------------------------ further nonces */

static uint64_t turn(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

/* The next word of 64 bits: the mixing of four words that ends SpookyHash's short messages,
 * of which two are the seeds, 4815. */
static uint64_t next_word(uint64_t word)
{
    static const unsigned bits[] = {15, 52, 26, 51, 28, 9, 47, 54, 32, 25, 63};
    uint64_t h[4] = {4815, 4815, word + 0xdeadbeefdeadbeef, 0xe6adbeefdeadbeef};
    for (unsigned i = 0; i < COUNT(bits); i++) {
        uint64_t *to = &h[(i + 3) % 4], *from = &h[(i + 2) % 4];
        *to ^= *from;
        *from = turn(*from, bits[i]);
        *to += *from;
    }
    return h[0];
}

/* A stream that begins anew with each chunk. Of the words before the nonces every `stride`th is
 * kept: the others are made from there. */
struct chunks {
    bytes key;
    uint8_t first[NONCE];
    uint64_t chunk, stride;
    uint64_t *word;
};

enum { WORDS = 4096 };

static struct chunks *chunks_new(uint64_t chunk, uint64_t whole, bytes key, bytes nonce,
                                 struct arena *arena)
{
    struct chunks *ret = PUSH(arena, struct chunks);
    uint64_t count = whole / chunk + 1, word;
    if (!ret)
        return NULL;
    *ret = (struct chunks){.key = key, .chunk = chunk, .stride = count / WORDS + 1};
    memcpy(ret->first, nonce.at, NONCE);
    memcpy(&word, "sxuojgdg", sizeof word);
    ret->word = PUSH_ARRAY(arena, uint64_t, (size_t)(count / ret->stride + 1));
    for (uint64_t i = 0; ret->word && i < count; i++) {
        if (i % ret->stride == 0)
            ret->word[i / ret->stride] = word;
        word = __builtin_bswap64(next_word(word));
    }
    return ret->word ? ret : NULL;
}

/* The 12 bytes before the counter of GCM's blocks. */
static void nonce_of(const struct chunks *chunks, uint64_t number, uint8_t ret[NONCE])
{
    if (!number) {
        memcpy(ret, chunks->first, NONCE);
        return;
    }
    uint64_t word = chunks->word[number / chunks->stride];
    for (uint64_t i = 0; i < number % chunks->stride; i++)
        word = __builtin_bswap64(next_word(word));
    memcpy(ret, &word, 8);
    memcpy(ret + 8, (uint8_t *)&word + 4, 4);
}

static void chunks_xor(void *context, uint64_t position, uint8_t *data, size_t len)
{
    enum { PART = 16384, BLOCK = 16, FIRST = 2 /* the counter of GCM's first block of data */ };

    const struct chunks *chunks = context;
    uint8_t stream[PART], nonce[NONCE];
    while (len) {
        uint64_t at = position % chunks->chunk, left = chunks->chunk - at;
        size_t within = at % BLOCK, part = PART - within < len ? PART - within : len;
        part = part < left ? part : (size_t)left;
        size_t size = (within + part + BLOCK - 1) / BLOCK * BLOCK;
        nonce_of(chunks, position / chunks->chunk, nonce);
        for (size_t i = 0; i < size; i += BLOCK) {
            uint32_t counter = __builtin_bswap32((uint32_t)((at + i) / BLOCK + FIRST));
            memcpy(stream + i, nonce, NONCE);
            memcpy(stream + i + NONCE, &counter, sizeof counter);
        }
        /* It refuses nothing but keys of other sizes. */
        (void)cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, chunks->key, NULL, (bytes){stream, size},
                         stream);
        for (size_t i = 0; i < part; i++)
            data[i] ^= stream[within + i];
        position += part;
        data += part;
        len -= part;
    }
}

/* --------------------------------------------------------------------------------- the file */

static int add_piece(struct recipe *ret, struct arena *arena, int stream, uint64_t at,
                     uint64_t length, struct why *why)
{
    struct recipe_piece piece = {.at = at, .from = at, .length = length, .stream = stream};
    return compose_piece(ret, arena, &piece, why);
}

static int add_chunks(const struct layout *layout, bytes key, bytes nonce, struct recipe *ret,
                      struct arena *arena, struct why *why)
{
    uint64_t step = layout->chunk + layout->gap, done = layout->whole / step * step;
    struct chunks *chunks = chunks_new(layout->chunk, layout->whole, key, nonce, arena);
    if (!chunks)
        return fail(why, ENOMEM, "no memory for a list of nonces");
    struct recipe_stream stream = {
        .cipher = RECIPE_OWN, .apply = chunks_xor, .context = chunks, .grain = 1};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    struct recipe_piece piece = {.length = done ? layout->chunk : 0,
                                 .count = layout->whole / step,
                                 .step = step,
                                 .stream = number};
    int error = compose_piece(ret, arena, &piece, why);
    uint64_t rest = layout->whole - done;
    return error ? error
                 : add_piece(ret, arena, number, done,
                             rest < layout->chunk ? rest : layout->chunk, why);
}

static int add_ends(const struct layout *layout, bytes key, bytes nonce, struct recipe *ret,
                    struct arena *arena, struct why *why)
{
    /* The nonce of all last chunks. */
    static const uint8_t last[KEY] = {
        0x70, 0x20, 0xf0, 0x36, 0x4e, 0x24, 0x59, 0xbc, 0x3a, 0x0f, 0x0b,
        0x6f, 0x39, 0x55, 0x45, 0x61, 0x9e, 0xcd, 0x18, 0xf7, 0x12, 0x1e,
        0x26, 0x3b, 0x2f, 0x90, 0x45, 0x23, 0x61, 0x62, 0x9f, 0x4b,
    };
    int first = compose_gcm(ret, arena, key, nonce, why);
    int error = first < 0 ? first : add_piece(ret, arena, first, 0, BEGIN, why);
    int second = error ? error : compose_gcm(ret, arena, key, (bytes){last, KEY}, why);
    return second < 0 ? second
                      : add_piece(ret, arena, second, layout->body - SMALL, SMALL - MARK, why);
}

static int keep(void *context, bytes part)
{
    bytes *all = context;
    memcpy((uint8_t *)(uintptr_t)all->at + all->len, part.at, part.len);
    all->len += part.len;
    return 0;
}

static int add_all(const struct layout *layout, bytes key, bytes nonce, struct recipe *ret,
                   struct arena *arena, struct why *why)
{
    if (layout->kind == CHUNKS)
        return add_chunks(layout, key, nonce, ret, arena, why);
    if (layout->kind == BOTH_ENDS)
        return add_ends(layout, key, nonce, ret, arena, why);
    int stream = compose_gcm(ret, arena, key, nonce, why);
    return stream < 0 ? stream : add_piece(ret, arena, stream, 0, layout->whole, why);
}

/* Where the plain file ends: a byte before the mark that can be behind it, encrypted. */
static int find_end(const struct source *source, struct layout *layout, bytes key, bytes nonce,
                    struct arena *arena, struct why *why)
{
    uint8_t room[MARK];
    bytes end = {room, 0};
    struct recipe whole = {.size = layout->body};
    struct recipe_sink sink = {.write = keep, .context = &end};
    int error = add_all(layout, key, nonce, &whole, arena, why);
    if (!error)
        error = recipe_part(&whole, source, layout->body - MARK, layout->body, &sink, why);
    layout->plain = layout->body - MARK + mark_at(end, layout->kind) - 1;
    layout->whole = layout->whole < layout->plain ? layout->whole : layout->plain;
    return error;
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
    if (!error && layout.marked)
        error = find_end(source, &layout, own, nonce, arena, why);
    ret->size = layout.plain;
    return error ? error : add_all(&layout, own, nonce, ret, arena, why);
}

const struct format format_rcru64 = {
    .family = "rcru64",
    .title = "RCRU64",
    .facts = "github.com/rivitna/Malware, RCRU64",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = rcru64_recognise,
    .open = rcru64_open,
};

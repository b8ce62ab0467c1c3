/* Akira for Linux and ESXi, 2024: 512 bytes sealed with RSA-4096 behind the data, no mark. What
 * was sealed can be made again from the times, in nanoseconds, when it was drawn: t1 ChaCha8
 * key 32, t2 nonce 16 (8 of it used), t3 KCipher2 key 16, t4 IV 16, each out of nettle's
 * yarrow256, seeded with the decimal digits of its time; the words of the last two the other
 * way round.
 *
 * Of a file of n bytes, percent p (15 unless told otherwise): 3 parts (5 from 50 percent on),
 * each begins with n*p/100/parts encrypted bytes, but for the last. In those, 65,535 at a time:
 * first and last KCipher2, which runs on through the file; between ChaCha8, each beginning a
 * block of its keystream, running on too.
 * Facts: github.com/juaninf/akira-bruteforce, decrypt.c; nettle, yarrow256.c. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/ranges.h"
#include "shim/cipher.h"
#include "shim/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    SEALED = 512,
    PART = 0xffff,
    PERCENT = 15,
    PARTS_MOST = 4,
    ROUNDS_OF_SEED = 1500,
    TIMES = 5, /* t1 t2 t3 t4 and the percentage */
};

/* The first `len` (a multiple of 16) bytes of yarrow256 after a seed: a hash of the hash, 1500
 * times, is the key of AES-256; the counter begins with the cipher of zero. */
static bool yarrow(uint64_t time, uint8_t *ret, size_t len)
{
    char text[24];
    uint8_t first[32], hash[32], counter[16] = {0};
    int digits = snprintf(text, sizeof text, "%llu", (unsigned long long)time);
    bytes seed = {(const uint8_t *)text, (size_t)digits};
    bool good = digest_parts(DIGEST_SHA256, &seed, 1, first);
    memcpy(hash, first, sizeof hash);
    for (uint32_t i = 1; good && i < ROUNDS_OF_SEED; i++) {
        uint8_t number[4] = {0, 0, (uint8_t)(i >> 8), (uint8_t)i};
        const bytes parts[] = {{hash, 32}, {first, 32}, {number, 4}};
        uint8_t next[32];
        good = digest_parts(DIGEST_SHA256, parts, 3, next);
        memcpy(hash, next, sizeof hash);
    }
    bytes key = {hash, 32};
    good = good &&
           cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL, (bytes){counter, 16}, counter);
    for (size_t at = 0; good && at < len; at += 16) {
        good =
            cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL, (bytes){counter, 16}, ret + at);
        for (size_t i = 16; i-- && !++counter[i];)
            ;
    }
    return good;
}

struct layout {
    uint64_t size, block, step, parts;
};

static struct layout layout_of(uint64_t size, uint64_t percent)
{
    uint64_t parts = percent > 49 ? 5 : 3;
    uint64_t share = size / 100 * percent + size % 100 * percent / 100;
    struct layout ret = {.size = size, .block = share / parts, .parts = parts - 1};
    ret.step = (size - ret.block * ret.parts) / parts;
    return ret;
}

/* Edges of its parts that are where this percentage puts them; -1: something else is there. */
static int edges_of(const struct source *source, const struct layout *layout)
{
    struct ranges_part parts[PARTS_MOST];
    for (uint64_t i = 0; i < layout->parts; i++)
        parts[i] = (struct ranges_part){i * layout->step, layout->block};
    return ranges_edges(source, parts, layout->parts, layout->size);
}

/* The percentage whose edges are all there; 0: none. */
static uint64_t percent_of(const struct source *source, int *edges)
{
    uint64_t size = source->size - SEALED;
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t percent = i == 0 ? PERCENT : i;
        struct layout layout = layout_of(size, percent);
        if (layout.block < 512 || layout.step <= layout.block)
            continue;
        *edges = edges_of(source, &layout);
        if (*edges >= RANGES_SURE)
            return percent;
    }
    *edges = 0;
    return 0;
}

static int akiralinux_recognise(const struct source *source, struct recognition *ret,
                                struct why *why)
{
    (void)why;
    if (source->size <= SEALED || !compose_chance(source, source->size, SEALED))
        return 0;
    struct layout layout = layout_of(source->size - SEALED, PERCENT);
    size_t head = layout.block < 4096 ? (size_t)layout.block : 4096;
    if (head < 512 || !compose_chance(source, head, head))
        return 0;
    /* A file that is noise all through says nothing of this family. */
    ret->fit = FIT_CAN_BE;
    ret->variant = "2024";
    ret->partial = true;
    ret->plain = source->size - SEALED;
    fail(&ret->reason, 1, "noise where it is encrypted, and 512 bytes of it at the end");
    int edges = 0;
    uint64_t percent = percent_of(source, &edges);
    if (percent) {
        ret->fit = FIT_IS;
        ret->bits = (unsigned)edges * RANGES_EDGE_BITS;
        fail(&ret->reason, 1,
             "noise begins and ends at the very %d places where it encrypts %llu percent, and "
             "512 bytes of it are at the end",
             edges, (unsigned long long)percent);
    }
    return 0;
}

/* One word: "t1=" to "t4=", "percent=", or a number alone, which is the next of t3, t4. */
static int time_of(bytes word, uint64_t ret[TIMES], size_t *bare, struct why *why)
{
    static const char *const names[TIMES] = {"t1=", "t2=", "t3=", "t4=", "percent="};
    size_t which = TIMES;
    for (size_t i = 0; i < TIMES; i++)
        if (bytes_same(bytes_slice(word, 0, strlen(names[i])), bytes_of(names[i]))) {
            which = i;
            word = bytes_slice(word, strlen(names[i]), word.len);
        }
    if (which == TIMES && *bare < 4)
        which = (*bare)++;
    uint64_t number = 0;
    for (size_t i = 0; i < word.len && which < TIMES; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            which = TIMES;
        number = number * 10 + (word.at[i] & 15U);
    }
    if (which == TIMES || !word.len || word.len > 19)
        return fail(why, EKEYREJECTED,
                    "this family wants times in nanoseconds: 't3=... t4=...', t1 and t2 too");
    ret[which] = number;
    return 0;
}

static int times_of(const struct key *key, uint64_t ret[TIMES], struct why *why)
{
    bytes rest = key->secret, word;
    size_t bare = 2;
    for (size_t i = 0; i < TIMES; i++)
        ret[i] = i == TIMES - 1 ? PERCENT : 0;
    while (bytes_cut(&rest, ' ', &word)) {
        int error = word.len ? time_of(word, ret, &bare, why) : 0;
        if (error)
            return error;
    }
    if (!ret[2] || !ret[3] || !ret[0] != !ret[1] || !ret[4] || ret[4] > 100)
        return fail(why, EKEYREJECTED,
                    "this family wants times in nanoseconds: 't3=... t4=...', t1 and t2 too");
    return 0;
}

/* The encrypted bytes of one part, from `at` on. `between`: stream of ChaCha8, or RECIPE_COPY
 * when its times are not known. */
static int one_part(struct recipe *ret, struct arena *arena, uint64_t at, uint64_t block,
                    int outer, int between, struct why *why)
{
    uint64_t chunks = (block + PART - 1) / PART;
    struct recipe_piece piece = {
        .at = at, .from = at, .length = block < PART ? block : PART, .stream = outer};
    int error = compose_piece(ret, arena, &piece, why);
    if (error || chunks < 2)
        return error;
    piece.at = piece.from = at + PART;
    piece.stream = between;
    piece.count = chunks - 2;
    piece.step = PART;
    piece.skip = 1; /* each begins a block of 64 bytes */
    if (piece.count) {
        error = compose_piece(ret, arena, &piece, why);
        ret->lost += between == RECIPE_COPY ? piece.count * PART : 0;
    }
    uint64_t last = at + (chunks - 1) * PART;
    piece = (struct recipe_piece){
        .at = last, .from = last, .length = at + block - last, .stream = outer};
    return error ? error : compose_piece(ret, arena, &piece, why);
}

static int akiralinux_open(const struct source *source, const struct key *key,
                           struct arena *arena, struct recipe *ret, struct why *why)
{
    uint64_t time[TIMES];
    if (source->size <= SEALED)
        return fail(why, EBADMSG, "shorter than what is sealed at its end");
    int error = times_of(key, time, why);
    if (error)
        return error;
    uint8_t *own = arena_push(arena, 80);
    if (!own)
        return fail(why, ENOMEM, "no memory for keys");
    if (!yarrow(time[0], own, 32) || !yarrow(time[1], own + 32, 16) ||
        !yarrow(time[2], own + 48, 16) || !yarrow(time[3], own + 64, 16))
        return fail(why, EIO, "libcrypto does not hash");

    struct layout layout = layout_of(source->size - SEALED, time[4]);
    ret->size = layout.size;
    struct recipe_stream outer = {
        .cipher = RECIPE_KCIPHER2, .key = {own + 48, 16}, .iv = {own + 64, 16}};
    struct recipe_stream inner = {
        .cipher = RECIPE_CHACHA, .rounds = 8, .key = {own, 32}, .iv = {own + 32, 8}};
    int first = compose_stream(ret, arena, &outer, why), second = RECIPE_COPY;
    if (first >= 0 && time[0])
        second = compose_stream(ret, arena, &inner, why);
    error = first < 0 ? first : second < RECIPE_COPY ? second : 0;
    for (uint64_t i = 0; i < layout.parts && !error; i++)
        error = one_part(ret, arena, i * layout.step, layout.block, first, second, why);
    if (!error)
        error = compose_try(ret, source, arena, why);
    if (error != -EKEYREJECTED)
        return error;
    /* Times come from a search that has looked at the file; noise may be what it was. */
    ret->guess = true;
    return 0;
}

const struct format format_akiralinux = {
    .family = "akira-linux",
    .title = "Akira (Linux, ESXi, 2024)",
    .facts = "github.com/juaninf/akira-bruteforce",
    .keys = 1U << KEY_TEXT,
    .recognise = akiralinux_recognise,
    .open = akiralinux_open,
};

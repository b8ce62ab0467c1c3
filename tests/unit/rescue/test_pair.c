/* The pair engine against encryptors made here: pure functions from bytes to bytes. Each scheme
 * is learned from a few pairs, then other files of other sizes have to come out as they were,
 * compared whole by SHA-256. */
#include "rescue/pair/pair.h"
#include "shim/cipher.h"
#include "shim/digest.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

enum { ADDED = 4096, STREAM = 4 << 20, FILES = 12 };

static uint64_t state;

static uint64_t draw(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void draw_bytes(uint64_t seed, uint8_t *ret, size_t len)
{
    state = seed;
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)draw();
}

/* Text, stretches of zeros and of noise: as documents and disks are. */
static uint8_t *make_plain(uint64_t seed, size_t len)
{
    static const char words[] = "the invoice of last month and what was said about it in Kyiv ";
    uint8_t *ret = malloc(len + 1);
    state = seed;
    for (size_t i = 0; i < len;) {
        uint64_t kind = draw() % 4, n = 16 + draw() % 600;
        for (; n && i < len; n--, i++)
            ret[i] = kind == 0   ? 0
                     : kind == 1 ? (uint8_t)draw()
                                 : (uint8_t)words[(i * 7 + seed) % (sizeof words - 1)];
    }
    return ret;
}

static uint8_t stream[STREAM];

/* What an encryptor makes: room for ADDED more bytes than the plain file. */
struct made {
    uint8_t *at;
    size_t len;
};

static void join(uint8_t *at, size_t from, size_t end, size_t place)
{
    for (size_t i = from; i < end; i++)
        at[i] ^= stream[place++ % STREAM];
}

static void join_period(uint8_t *at, size_t from, size_t end, size_t period)
{
    for (size_t i = from; i < end; i++)
        at[i] ^= stream[i % period];
}

static void one_byte(struct made *m, unsigned n)
{
    (void)n;
    for (size_t i = 0; i < m->len; i++)
        m->at[i] ^= 0x5a;
}

static void bytes_turned(struct made *m, unsigned n)
{
    (void)n;
    for (size_t i = 0; i < m->len; i++)
        m->at[i] = (uint8_t)~m->at[i];
}

static void key_of_13(struct made *m, unsigned n)
{
    (void)n;
    join_period(m->at, 0, m->len, 13);
}

static void key_of_4096(struct made *m, unsigned n)
{
    (void)n;
    join_period(m->at, 0, m->len, 4096);
}

static void added_key(struct made *m, unsigned n)
{
    (void)n;
    for (size_t i = 0; i < m->len; i++)
        m->at[i] = (uint8_t)(m->at[i] + stream[i % 29]);
}

static void one_stream(struct made *m, unsigned n)
{
    (void)n;
    join(m->at, 0, m->len, 0);
}

/* GandCrab's way, with smaller parts. */
static void restarts_16k(struct made *m, unsigned n)
{
    (void)n;
    join_period(m->at, 0, m->len, 16384);
}

/* Nemucod's way. */
static void head_2048(struct made *m, unsigned n)
{
    (void)n;
    join_period(m->at, 0, m->len < 2048 ? m->len : 2048, 255);
}

/* Black Basta's way: 64 bytes of stream again and again, by three rules of size. */
static void basta(struct made *m, unsigned n)
{
    (void)n;
    if (m->len < 5000)
        for (size_t at = 0; at + 64 <= m->len; at += 64)
            join(m->at, at, at + 64, 0);
    else if (m->len <= 200000)
        for (size_t at = 0; at < m->len; at += 192)
            join(m->at, at, at + 64 < m->len ? at + 64 : m->len, 0);
    else {
        for (size_t at = 0; at < 5000; at += 64)
            join(m->at, at, at + 64 < 5000 ? at + 64 : 5000, 0);
        for (size_t at = 5000; at < m->len; at += 6400)
            join(m->at, at, at + 64 < m->len ? at + 64 : m->len, 0);
    }
}

static void stripes(struct made *m, int place)
{
    size_t used = 0;
    for (size_t at = 512; at < m->len; at += 3000) {
        size_t end = at + 1000 < m->len ? at + 1000 : m->len;
        join(m->at, at, end, place == PAIR_BY_OFFSET ? at : place == PAIR_RUNS_ON ? used : 0);
        used += end - at;
    }
}

static void stripes_by_offset(struct made *m, unsigned n)
{
    (void)n;
    stripes(m, PAIR_BY_OFFSET);
}

static void stripes_run_on(struct made *m, unsigned n)
{
    (void)n;
    stripes(m, PAIR_RUNS_ON);
}

static void stripes_each(struct made *m, unsigned n)
{
    (void)n;
    stripes(m, PAIR_EACH_RUN);
}

/* BlackByte's way, with a stream: both ends. */
static void both_ends(struct made *m, unsigned n)
{
    (void)n;
    if (m->len <= 3000) {
        join(m->at, 0, m->len, 0);
        return;
    }
    join(m->at, 0, 1000, 0);
    join(m->at, m->len - 1000, m->len, 0);
}

/* Akira's way: a share of the file in two pieces. */
static void percent(struct made *m, unsigned n)
{
    (void)n;
    size_t piece = m->len * 15 / 100 / 3, step = piece + (m->len - piece * 2) / 3;
    join(m->at, 0, piece, 0);
    join(m->at, step, step + piece, piece);
}

static void add_around(struct made *m, size_t before, size_t after, unsigned n)
{
    memmove(m->at + before, m->at, m->len);
    draw_bytes(1000 + n, m->at, before);
    draw_bytes(2000 + n, m->at + before + m->len, after);
    m->len += before + after;
}

static void header_and_key(struct made *m, unsigned n)
{
    join_period(m->at, 0, m->len, 37);
    add_around(m, 300, 0, n);
}

static void header_and_stream(struct made *m, unsigned n)
{
    join(m->at, 0, m->len, 0);
    add_around(m, 136, 256, n);
}

static void trailer_and_head(struct made *m, unsigned n)
{
    join(m->at, 0, m->len < 1024 ? m->len : 1024, 0);
    add_around(m, 0, 268, n);
}

static void header_and_stripes(struct made *m, unsigned n)
{
    stripes_by_offset(m, n);
    add_around(m, 64, 512, n);
}

/* Padded to blocks of 16, the size as a number before it all. */
static void padded_with_size(struct made *m, unsigned n)
{
    size_t len = m->len, pad = 16 - len % 16;
    memset(m->at + len, (int)pad, pad);
    m->len += pad;
    join_period(m->at, 0, m->len, 77);
    add_around(m, 32, 0, n);
    for (unsigned i = 0; i < 8; i++)
        m->at[12 + i] = (uint8_t)(len >> 8 * i);
}

static void only_wrapped(struct made *m, unsigned n)
{
    add_around(m, 24, 8, n);
}

static void substitution(struct made *m, unsigned n)
{
    (void)n;
    for (size_t i = 0; i < m->len; i++)
        m->at[i] = (uint8_t)(m->at[i] * 77 + 5) ^ 0x33;
}

static const uint8_t aes_key[32] = "0123456789abcdef0123456789abcde";

static void ecb(struct made *m, unsigned n)
{
    (void)n;
    cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, (bytes){aes_key, 32}, NULL,
               (bytes){m->at, m->len & ~(size_t)15}, m->at);
}

static void cbc(struct made *m, unsigned n)
{
    uint8_t iv[16];
    draw_bytes(n, iv, sizeof iv);
    cipher_aes(CIPHER_CBC, CIPHER_ENCRYPT, (bytes){aes_key, 32}, iv,
               (bytes){m->at, m->len & ~(size_t)15}, m->at);
}

static void own_streams(struct made *m, unsigned n)
{
    uint8_t *own = malloc(m->len);
    draw_bytes(5000 + n, own, m->len);
    for (size_t i = 0; i < m->len; i++)
        m->at[i] ^= own[i];
    free(own);
}

static void own_keys(struct made *m, unsigned n)
{
    uint8_t own[100];
    draw_bytes(6000 + n, own, sizeof own);
    for (size_t i = 0; i < m->len; i++)
        m->at[i] ^= own[i % sizeof own];
}

struct scheme_case {
    const char *name;
    void (*encrypt)(struct made *made, unsigned n);
    enum pair_method method;
    uint64_t period;
    const size_t *pairs;
};

/* The first sizes are pairs, the others files that have no original. */
static const size_t usual[] = {250000, 90000, 40001, 4100, 0};
static const size_t uneven[] = {100001, 54321, 33333, 12346, 0};
static const size_t by_size[] = {250000, 199990, 90000, 5001, 4950, 4100, 201000, 0};
static const size_t targets[] = {249999, 100003, 30000, 8000, 4099, 700, 33, 5, 0};

static bool is_same(bytes a, bytes b)
{
    uint8_t x[DIGEST_MAX], y[DIGEST_MAX];
    return a.len == b.len && digest_parts(DIGEST_SHA256, &a, 1, x) &&
           digest_parts(DIGEST_SHA256, &b, 1, y) && memcmp(x, y, 32) == 0;
}

/* Carries out a recipe as this engine writes them. */
static bytes carry_out(const struct recipe *recipe, bytes file, struct arena *arena)
{
    uint8_t *ret = arena_push(arena, (size_t)recipe->size + 1);
    memcpy(ret, file.at, (size_t)recipe->size);
    for (uint32_t i = 0; i < recipe->piece.n; i++) {
        struct recipe_piece piece = recipe->piece.at[i];
        uint64_t count = piece.count ? piece.count : 1;
        for (uint64_t k = 0; k < count; k++) {
            uint8_t *at = ret + piece.at + k * piece.step;
            memcpy(at, file.at + piece.from + k * piece.step, (size_t)piece.length);
            if (piece.stream >= 0) {
                const struct recipe_stream *s = &recipe->stream.at[piece.stream];
                s->apply(s->context, 0, at, (size_t)piece.length);
            }
        }
    }
    return (bytes){ret, (size_t)recipe->size};
}

static struct pair make_pair(const struct scheme_case *one, unsigned n, size_t len)
{
    uint8_t *plain = make_plain(n, len);
    struct made made = {malloc(len + ADDED), len};
    memcpy(made.at, plain, len);
    one->encrypt(&made, n);
    return (struct pair){source_of_bytes((bytes){plain, len}, bytes_of("a")),
                         source_of_bytes((bytes){made.at, made.len}, bytes_of("a.locked"))};
}

static void pair_free(struct pair pair)
{
    free((void *)(uintptr_t)pair.plain.memory.at);
    free((void *)(uintptr_t)pair.encrypted.memory.at);
}

static void open_others(const struct scheme_case *one, const struct pair_scheme *scheme,
                        struct arena *arena)
{
    size_t good = 0, n = 0;
    for (; targets[n]; n++) {
        struct pair other = make_pair(one, 100 + (unsigned)n, targets[n]);
        struct recipe recipe;
        struct why why = {""};
        int error = pair_recipe(scheme, &other.encrypted, arena, &recipe, &why);
        bytes out = {0};
        if (!error)
            out = carry_out(&recipe, other.encrypted.memory, arena);
        bool same = !error && is_same(out, other.plain.memory) && !recipe.lost;
        if (!same)
            printf("# %s, %zu bytes: %s, lost %llu\n", one->name, targets[n],
                   error ? why.text : "differs", (unsigned long long)recipe.lost);
        good += same;
        pair_free(other);
    }
    if (!tap_check(good == n, one->name, __FILE__, __LINE__))
        printf("#   %zu of %zu files came out\n", good, n);
}

static void scheme_is_learned(const struct scheme_case *one)
{
    struct pair pairs[FILES];
    size_t count = 0;
    for (; one->pairs[count]; count++)
        pairs[count] = make_pair(one, (unsigned)count + 1, one->pairs[count]);
    struct arena *arena = arena_new((size_t)2 * PAIR_ARENA);
    struct budget budget = {.steps = 1u << 30};
    struct pair_scheme scheme;
    struct why why = {""};
    int error = pair_learn(pairs, count, arena, &budget, &scheme, &why);
    CHECK_INT(error, 0);
    bytes words = error ? bytes_of(why.text) : pair_words(&scheme, arena);
    printf("# %s: %.*s\n", one->name, (int)words.len, (const char *)words.at);
    CHECK_INT(scheme.method, one->method);
    CHECK_INT(scheme.period, one->period);
    CHECK(scheme.pairs == count);
    if (!error)
        open_others(one, &scheme, arena);
    for (size_t i = 0; i < count; i++)
        pair_free(pairs[i]);
    arena_free(arena);
}

static const struct scheme_case cases[] = {
    {"one byte", one_byte, PAIR_XOR, 1, usual},
    {"all bits turned", bytes_turned, PAIR_XOR, 1, usual},
    {"a key of 13 bytes", key_of_13, PAIR_XOR, 13, usual},
    {"a key of 4096 bytes", key_of_4096, PAIR_XOR, 4096, usual},
    {"a key added", added_key, PAIR_ADD, 29, usual},
    {"one stream for all files", one_stream, PAIR_XOR, 0, usual},
    {"a stream that restarts", restarts_16k, PAIR_XOR, 16384, usual},
    {"a key on the head", head_2048, PAIR_XOR, 255, usual},
    {"64 bytes in 192, by size", basta, PAIR_XOR, 64, by_size},
    {"stripes by offset", stripes_by_offset, PAIR_XOR, 0, usual},
    {"stripes that run on", stripes_run_on, PAIR_XOR, 0, usual},
    {"stripes that begin anew", stripes_each, PAIR_XOR, 0, usual},
    {"both ends", both_ends, PAIR_XOR, 0, usual},
    {"a share of the file", percent, PAIR_XOR, 0, usual},
    {"a header and a key", header_and_key, PAIR_XOR, 37, usual},
    {"a header and a stream", header_and_stream, PAIR_XOR, 0, usual},
    {"a trailer and a head", trailer_and_head, PAIR_XOR, 0, usual},
    {"a header and stripes", header_and_stripes, PAIR_XOR, 0, usual},
    {"padded, its size in a header", padded_with_size, PAIR_XOR, 77, uneven},
    {"only wrapped", only_wrapped, PAIR_SAME, 0, usual},
    {"substitution", substitution, PAIR_TABLE, 0, usual},
};

struct taught {
    struct pair pairs[FILES];
    size_t count;
    struct arena *arena;
    struct pair_scheme scheme;
    struct why why;
    int error;
};

static struct taught teach(void (*encrypt)(struct made *, unsigned), const size_t *sizes)
{
    struct taught t = {.arena = arena_new((size_t)2 * PAIR_ARENA)};
    struct scheme_case one = {.encrypt = encrypt};
    struct budget budget = {.steps = 1u << 30};
    for (; sizes[t.count]; t.count++)
        t.pairs[t.count] = make_pair(&one, (unsigned)t.count + 1, sizes[t.count]);
    t.error = pair_learn(t.pairs, t.count, t.arena, &budget, &t.scheme, &t.why);
    return t;
}

static void forget(struct taught *t)
{
    for (size_t i = 0; i < t->count; i++)
        pair_free(t->pairs[i]);
    arena_free(t->arena);
}

/* Sound ciphers, and keys that differ from file to file, are not opened by pairs. */
static void what_cannot_be_opened_is_said(void)
{
    void (*const sound[])(struct made *, unsigned) = {cbc, own_streams};
    for (size_t i = 0; i < COUNT(sound); i++) {
        struct taught t = teach(sound[i], usual);
        struct recipe recipe;
        CHECK_INT(t.error, 0);
        CHECK_INT(t.scheme.method, PAIR_CIPHER);
        CHECK_INT(pair_recipe(&t.scheme, &t.pairs[0].encrypted, t.arena, &recipe, NULL),
                  -ENOTSUP);
        forget(&t);
    }
    struct taught t = teach(own_keys, usual);
    CHECK_INT(t.scheme.pairs, 1);
    CHECK(!t.scheme.shared);
    forget(&t);
}

/* Blocks that no pair showed stay encrypted and are counted; the others are right. */
static void ecb_is_a_codebook(void)
{
    struct taught t = teach(ecb, usual);
    struct scheme_case one = {.name = "ECB", .encrypt = ecb};
    CHECK_INT(t.scheme.method, PAIR_TABLE);
    CHECK_INT(t.scheme.block, 16);
    CHECK(t.scheme.shared);
    struct pair other = make_pair(&one, 77, 100007);
    struct recipe recipe;
    CHECK_INT(pair_recipe(&t.scheme, &other.encrypted, t.arena, &recipe, NULL), 0);
    bytes out = carry_out(&recipe, other.encrypted.memory, t.arena);
    const uint8_t *plain = other.plain.memory.at, *locked = other.encrypted.memory.at;
    uint64_t lost = 0, right = 0;
    for (size_t i = 0; i < 100000; i += 16) {
        bool good = memcmp(out.at + i, plain + i, 16) == 0;
        right += good;
        if (!good && memcmp(out.at + i, locked + i, 16) == 0)
            lost += 16;
    }
    CHECK_INT(recipe.lost, lost);
    CHECK(right > 1000);
    CHECK_INT(right * 16 + lost, 100000);
    CHECK(memcmp(out.at + 100000, plain + 100000, 7) == 0);
    pair_free(other);

    struct pair known = make_pair(&one, 1, 250000);
    CHECK_INT(pair_recipe(&t.scheme, &known.encrypted, t.arena, &recipe, NULL), 0);
    CHECK_INT(recipe.lost, 0);
    out = carry_out(&recipe, known.encrypted.memory, t.arena);
    CHECK(is_same(out, known.plain.memory));
    pair_free(known);
    forget(&t);
}

/* A stream that is shorter than a file: what it does not reach is lost, and said so. */
static void what_is_not_reached_is_lost(void)
{
    static const size_t sizes[] = {30000, 20000, 0};
    void (*const ways[])(struct made *, unsigned) = {one_stream, stripes_by_offset,
                                                     stripes_run_on};
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct taught t = teach(ways[i], sizes);
        struct scheme_case one = {.encrypt = ways[i]};
        struct pair other = make_pair(&one, 50, 90000);
        struct recipe recipe;
        uint64_t wrong = 0;
        CHECK_INT(pair_recipe(&t.scheme, &other.encrypted, t.arena, &recipe, NULL), 0);
        bytes out = carry_out(&recipe, other.encrypted.memory, t.arena);
        for (size_t k = 0; k < 90000; k++)
            wrong += out.at[k] != other.plain.memory.at[k];
        CHECK(recipe.guess);
        CHECK(recipe.lost > 15000);
        CHECK(wrong <= recipe.lost && wrong > recipe.lost - recipe.lost / 100);
        pair_free(other);
        forget(&t);
    }
}

/* Stripes under a period of which a part is not known: what is lost is counted by cycles, as
 * one by one would count it. */
static void stripes_of_a_long_key(struct made *m, unsigned n)
{
    (void)n;
    for (size_t at = 0; at < m->len; at += 300)
        for (size_t i = at; i < at + 40 && i < m->len; i++)
            m->at[i] ^= stream[i % 1000];
}

static void what_is_lost_of_a_period_is_counted(void)
{
    struct pair_span spans[] = {{.at = 0, .len = 350}, {.at = 500, .len = 320}};
    struct pair_rule rule = {.run = 40, .stride = 300, .from = 1000, .to = 1000, .pairs = 1};
    struct pair_scheme scheme = {.method = PAIR_XOR, .place = PAIR_BY_OFFSET, .period = 1000};
    struct scheme_case one = {.encrypt = stripes_of_a_long_key};
    struct arena *arena = arena_new(PAIR_ARENA);
    scheme.rule.at = &rule;
    scheme.span.at = spans;
    scheme.rule.n = 1;
    scheme.span.n = COUNT(spans);
    scheme.key = (bytes){stream, 1000};
    for (size_t size = 100000; size < 100300; size += 37) {
        struct pair other = make_pair(&one, 50, size);
        struct recipe recipe;
        uint64_t wrong = 0, left = 0;
        CHECK_INT(pair_recipe(&scheme, &other.encrypted, arena, &recipe, NULL), 0);
        bytes out = carry_out(&recipe, other.encrypted.memory, arena);
        for (size_t i = 0; i < size; i++) {
            wrong += out.at[i] != other.plain.memory.at[i];
            left += i % 300 < 40 && !(i % 1000 < 350 || (i % 1000 >= 500 && i % 1000 < 820));
        }
        CHECK_INT(recipe.lost, left);
        CHECK(wrong <= left && wrong > left / 2);
        pair_free(other);
    }
    arena_free(arena);
}

static void one_pair_alone_is_not_confirmed(void)
{
    static const size_t sizes[] = {30000, 0};
    struct taught t = teach(one_stream, sizes);
    CHECK_INT(t.scheme.method, PAIR_XOR);
    CHECK_INT(t.scheme.agreed, 0);
    CHECK(!t.scheme.shared);
    forget(&t);
}

/* An original of another version does not spoil what the others tell. */
static void a_false_pair_is_left_out(void)
{
    struct taught t = teach(one_stream, usual);
    struct pair pairs[FILES];
    memcpy(pairs, t.pairs, sizeof pairs);
    struct scheme_case one = {.encrypt = own_streams};
    pairs[t.count] = make_pair(&one, 9, 300000);
    struct budget budget = {.steps = 1u << 30};
    struct pair_scheme scheme;
    CHECK_INT(pair_learn(pairs, t.count + 1, t.arena, &budget, &scheme, NULL), 0);
    CHECK_INT(scheme.method, PAIR_XOR);
    CHECK_INT(scheme.pairs, t.count);
    CHECK_INT(scheme.against, 300000);
    CHECK_INT(pair_length(&scheme), 250000);
    pair_free(pairs[t.count]);
    forget(&t);
}

static void what_is_no_pair_is_refused(void)
{
    struct pair pair = {source_of_bytes(bytes_of("0123456789"), bytes_of("a")),
                        source_of_bytes(bytes_of("0123456789"), bytes_of("b"))};
    struct arena *arena = arena_new(PAIR_ARENA);
    struct budget budget = {.steps = 1u << 20};
    struct pair_scheme scheme;
    struct why why;
    CHECK_INT(pair_learn(&pair, 1, arena, &budget, &scheme, &why), -ENODATA);
    CHECK_INT(pair_learn(&pair, 0, arena, &budget, &scheme, &why), -ENODATA);
    arena_free(arena);
}

int main(void)
{
    draw_bytes(7, stream, sizeof stream);
    for (size_t i = 0; i < COUNT(cases); i++)
        scheme_is_learned(&cases[i]);
    what_cannot_be_opened_is_said();
    ecb_is_a_codebook();
    what_is_not_reached_is_lost();
    what_is_lost_of_a_period_is_counted();
    one_pair_alone_is_not_confirmed();
    a_false_pair_is_left_out();
    what_is_no_pair_is_refused();
    return tap_done();
}

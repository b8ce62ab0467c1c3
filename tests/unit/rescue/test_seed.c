/* Searches for keys, in small ranges around what is hidden in files that test encryptors made.
 */
#include "base/cpu.h"
#include "crypt/generator.h"
#include "crypt/salsa.h"
#include "rescue/formats/families.h"
#include "rescue/seed/dotnet.h"
#include "rescue/seed/lookout.h"
#include "rescue/seed/seed.h"
#include "rescue/seed/weak.h"
#include "shim/cipher.h"
#include "shim/curve.h"
#include "shim/digest.h"
#include "shim/factor.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

/* libecm 7.0.5 keeps four small numbers of each curve (src/shim/factor.c). */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);

__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libgmp";
}

static struct arena *arena;

static const char line[] =
    "It was a dark and stormy night; the rain fell in torrents, except.\n";

/* Sixteen lanes of linear forms against the generator itself. */
static void lanes_are_the_generator(void)
{
    static const uint32_t starts[] = {0,         615744,     161803380,  161803399,
                                      200000000, 1999999999, 2147483600, 2147483632};
    struct dotnet_forms forms;
    uint32_t steps[DOTNET_DRAWS + 2];
    unsigned wrong = 0;
    dotnet_forms_make(&forms);
    dotnet_steps(&forms, steps);
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct dotnet_lanes lanes;
        dotnet_lanes_start(&lanes, &forms, starts[i]);
        for (unsigned round = 0; round < 50; round++, dotnet_lanes_next(&lanes, steps)) {
            dotnet_wide first, second;
            dotnet_overflows(&lanes, &first, &second);
            for (unsigned lane = 0; lane < DOTNET_LANES; lane++) {
                struct generator_dotnet one, same;
                if (lanes.seed[lane] > INT32_MAX)
                    continue;
                generator_dotnet_seed(&one, (int32_t)lanes.seed[lane]);
                same = one;
                for (unsigned k = 0; k < DOTNET_DRAWS; k++) {
                    dotnet_wide n = dotnet_draw(&lanes, &forms.draw[k], k, first, second);
                    uint32_t want = (uint32_t)generator_dotnet_sample(&one);
                    uint32_t range = (uint32_t)generator_dotnet_next(&same, 0, 94);
                    if (n[lane])
                        wrong += n[lane] != want || dotnet_range(n, 94)[lane] != range;
                }
            }
        }
    }
    CHECK_INT(wrong, 0);
}

typedef void making(const struct lookout *, struct lookout_table *, struct lookout_keys *);
typedef void trying(const void *, uint64_t, uint64_t, struct hunt_best *);

/* Keys of blocks against those made one by one, where a table is new and where it has moved on;
 * few seeds go the slow way. */
static void keys_are_those(const struct lookout *lookout, making *make, unsigned lanes)
{
    static const uint32_t starts[] = {0, 615744, 161803000, 161803399, 1234567890, 2147479552};
    static struct lookout_keys made;
    static struct lookout_table table;
    unsigned wrong = 0, slow = 0;
    for (size_t i = 0; i < COUNT(starts); i++) {
        lookout_table_make(lookout, starts[i], lanes, &table);
        for (unsigned block = 0; block < LOOKOUT_BLOCKS; block++) {
            make(lookout, &table, &made);
            for (unsigned n = 0; n < lanes; n++) {
                uint8_t key[LOOKOUT_KEY];
                slow += made.slow[n] != 0;
                if (made.slow[n])
                    continue;
                prometheus_key(starts[i] + block * lanes + n, key);
                for (size_t w = 0; w < LOOKOUT_KEY / 4; w++)
                    wrong += load_le32(key + 4 * w) != made.word[w][n];
            }
        }
    }
    CHECK_INT(wrong, 0);
    CHECK(slow < 100);
}

/* Heads of all sorts are found, each in one of 3,000 seeds. */
static void heads_are_found(struct lookout *lookout, trying *try)
{
#define HEAD(text)                                                                             \
    {                                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                                              \
    }
    static const bytes heads[] = {
        HEAD("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        HEAD("\0\0\0\x20"
             "ftypisom"),
        HEAD("\xff\xd8\xff\xe0\0\x10JFIF\0"),
        HEAD("%PDF-1.7"),
        HEAD("Plain text, as people write it; and then some more of it, so that it is known."),
        HEAD("\tText that begins with a tab stop and goes on for a while, until it is enough."),
        HEAD("\xef\xbb\xbfText that begins with a byte order mark and goes on for a while."),
        HEAD("\xc3\x84\xc3\xb6 \xe2\x82\xac text of many alphabets and signs, of more than "
             "sixty-four "
             "bytes."),
        HEAD("a\xe2\x82\xac\xc3\xa9 text of many alphabets and signs, of more than sixty-four "
             "bytes."),
    };
    uint8_t nonce[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (size_t i = 0; i < COUNT(heads); i++) {
        uint32_t seed = (uint32_t)(i * 123456789 + 1500);
        struct hunt_best best = {0};
        struct salsa salsa;
        uint8_t key[32];
        memset(lookout->head, 0, 64);
        memcpy(lookout->head, heads[i].at, heads[i].len < 64 ? heads[i].len : 64);
        prometheus_key(seed, key);
        CHECK(salsa_set(&salsa, 20, (bytes){key, 32}, (bytes){nonce, 8}, 0));
        salsa_xor(&salsa, 0, lookout->head, 64);
        memcpy(lookout->cipher, lookout->head, 8);
        lookout->len = 64;
        lookout->size = 1 << 20;
        try(lookout, seed - 1500, seed + 1500, &best);
        CHECK(best.bits > 20 && best.position == seed);
    }
}

static void lookouts(void)
{
    static struct lookout lookout;
    lookout_make(&lookout);
#if defined(__x86_64__)
    if (cpu_level() >= CPU_AVX2) {
        keys_are_those(&lookout, lookout_avx2_keys, 32);
        heads_are_found(&lookout, lookout_avx2);
    }
    if (cpu_level() >= CPU_AVX512) {
        keys_are_those(&lookout, lookout_avx512_keys, 64);
        heads_are_found(&lookout, lookout_avx512);
    }
#endif
}

static struct seed_case case_of(const struct source *source, const struct format *format)
{
    return (struct seed_case){.source = source, .format = format};
}

/* What is found opens the file to what it was. */
static void finds(const struct seed_case *what, bytes plain)
{
    struct key key = {0};
    struct recipe recipe = {0};
    struct why why = {""};
    bytes got = {0};
    CHECK(seed_has(what->format));
    CHECK_INT(seed_find(what, arena, &key, &why), 0);
    CHECK_STR(why.text, "");
    CHECK_INT(what->format->open(what->source, &key, arena, &recipe, NULL), 0);
    CHECK_INT(recipe_bytes(&recipe, what->source, arena, &got, NULL), 0);
    CHECK(bytes_equal(bytes_slice(got, 0, plain.len), plain));
}

static uint8_t file[20000];
static uint8_t plain[20000];

static bytes plain_of(size_t len)
{
    for (size_t i = 0; i < len; i++)
        plain[i] = (uint8_t)line[i % (sizeof line - 1)];
    return (bytes){plain, len};
}

static void prometheus(void)
{
    static const uint32_t seeds[] = {5, 161803500, 2147483647};
    for (size_t i = 0; i < COUNT(seeds); i++) {
        uint8_t key[32];
        struct salsa salsa;
        bytes text = plain_of(5000);
        prometheus_key(seeds[i], key);
        CHECK(salsa_set(&salsa, 20, (bytes){key, 32}, bytes_of("\1\2\3\4\5\6\7\x08"), 0));
        memcpy(file, text.at, text.len);
        salsa_xor(&salsa, 0, file, text.len);
        struct source source = source_of_bytes((bytes){file, text.len}, (bytes){0});
        struct seed_case what = case_of(&source, &format_prometheus);
        CHECK(seed_total(&what) == 1ull << 31);
        what.from = seeds[i] > 3000 ? seeds[i] - 3000 : 0;
        what.to = seeds[i] + 2ull;
        what.threads = 2;
        finds(&what, text);

        /* Next to a known one. */
        struct key near = {.kind = KEY_SEED, .seed = seeds[i] > 31 ? seeds[i] - 31 : 0};
        what.near = &near;
        what.from = 0;
        what.to = 1;
        finds(&what, text);

        struct key key_found;
        what.near = NULL;
        what.from = 1000;
        what.to = 2000;
        CHECK_INT(seed_find(&what, arena, &key_found, NULL), -ENOENT);
        bool stop = true;
        what.stop = &stop;
        CHECK_INT(seed_find(&what, arena, &key_found, NULL), -ECANCELED);
    }
}

static void solidbit(void)
{
    uint8_t key[16], iv[16];
    bytes text = plain_of(4999);
    plain[4999] = 1; /* padding */
    chaos_text(1700000001, key, 16);
    memcpy(iv, key, 16);
    CHECK(cipher_aes(CIPHER_CBC, CIPHER_ENCRYPT, (bytes){key, 16}, iv, (bytes){plain, 4992},
                     file));
    memset(plain + 4999, 9, 9);
    CHECK(cipher_aes(CIPHER_CBC, CIPHER_ENCRYPT, (bytes){key, 16}, iv,
                     (bytes){plain + 4992, 16}, file + 4992));
    memset(file + 5008, 'A', 342);
    memset(file + 5350, '=', 2);
    struct source source = source_of_bytes((bytes){file, 5352}, (bytes){0});
    struct seed_case what = case_of(&source, &format_solidbit);
    what.from = 1700000000 - 50;
    what.to = 1700000000 + 50;
    finds(&what, text);
}

static void linuxencoder1(void)
{
    uint64_t state = generator_musl_seed(1447000000);
    uint8_t key[16], iv[16], chain[16];
    bytes text = plain_of(160);
    for (unsigned i = 0; i < 20; i++)
        linuxencoder1_next(&state, key, iv);
    memcpy(file, "\xa4\x81\0\0\0\1\0\0", 8);
    memset(file + 8, 0x77, 256);
    iv[15] &= 0xf0;
    memcpy(file + 264, iv, 16);
    memcpy(chain, iv, 16);
    CHECK(cipher_aes(CIPHER_CBC, CIPHER_ENCRYPT, (bytes){key, 16}, chain, text, file + 280));
    struct source source = source_of_bytes((bytes){file, 440}, (bytes){0});
    struct seed_case what = case_of(&source, &format_linuxencoder1);
    struct key none;
    CHECK_INT(seed_find(&what, arena, &none, NULL), -ENOTSUP);
    what.changed = 1447000005;
    what.from = 60;
    what.to = 70;
    finds(&what, text);
}

static void dmalocker(void)
{
    uint32_t random = 1456000000;
    uint8_t key[32];
    bytes text = plain_of(45 * 160);
    for (unsigned i = 0; i < 5; i++)
        dmalocker_next(1, &random, key);
    memcpy(file, "!DMALOCK", 8);
    memset(file + 8, 0x55, 128);
    CHECK(cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, (bytes){key, 32}, NULL, text, file + 136));
    struct source source = source_of_bytes((bytes){file, 136 + text.len}, (bytes){0});
    struct seed_case what = case_of(&source, &format_dmalocker);
    what.changed = 1456000002;
    what.from = 58;
    what.to = 66;
    finds(&what, text);
}

static void princess(void)
{
    uint8_t text[32], key[16], iv[16] = {0};
    bytes data = plain_of(1280);
    princess_text(1470000000, text);
    CHECK(princess_key((bytes){text, 32}, 25, key));
    CHECK(cipher_aes(CIPHER_CBC, CIPHER_ENCRYPT, (bytes){key, 16}, iv, data, file));
    struct source source = source_of_bytes((bytes){file, data.len}, (bytes){0});
    struct seed_case what = case_of(&source, &format_princess);
    what.changed = 1470000009;
    what.from = 60;
    what.to = 75;
    finds(&what, data);
}

/* What a long search keeps, and where it was when it called. */
struct kept {
    uint8_t at[16 * 1024];
    unsigned calls;
    uint64_t first;
    bool stop, stops; /* `stops` before the second curve */
};

static bool kept_read(void *context, uint64_t at, void *ret, size_t len)
{
    struct kept *kept = context;
    memcpy(ret, kept->at + at, len);
    return kept->at[at] != 0;
}

static bool kept_write(void *context, uint64_t at, const void *data, size_t len)
{
    struct kept *kept = context;
    memcpy(kept->at + at, data, len);
    return true;
}

static void kept_progress(void *context, uint64_t tried, uint64_t all)
{
    struct kept *kept = context;
    if (!kept->calls++)
        kept->first = tried;
    kept->stop |= kept->stops && kept->calls == 2 && tried < all;
}

/* Stopped in its second curve, it goes on with the third; what is kept of another number, or is
 * damaged, does no harm. */
static void goes_on(struct seed_case *what, bytes text)
{
    static struct kept kept;
    const struct seed_memory memory = {&kept, kept_read, kept_write};
    struct key key;
    memset(kept.at, 0x41, 1024);
    memcpy(kept.at, "ECM1", 4);
    kept.stops = true;
    what->memory = &memory;
    what->stop = &kept.stop;
    what->progress = kept_progress;
    what->context = &kept;
    CHECK_INT(seed_find(what, arena, &key, NULL), -ECANCELED);
    CHECK_INT(kept.first, 0);
    CHECK(!memcmp(kept.at + 1024, "ECM1\2\0\0\0", 8) && kept.at[2048] == 0);
    memset(kept.at + 1024 + 76 + 64 * 13, 0xff, 64);
    kept.at[1024 + 72] = 14;

    kept.calls = 0;
    kept.stop = kept.stops = false;
    finds(what, text);
    CHECK_INT(kept.first, 2);

    kept.calls = 0;
    what->part = 1;
    what->parts = 2;
    CHECK_INT(seed_find(what, arena, &key, NULL), 0);
    CHECK(kept.calls == 0 || kept.first % 2 == 1);
}

/* A secret of small primes and one large one, times another such number. */
static void teslacrypt2(void)
{
    static const uint32_t primes[] = {65537, 1000003, 15485863, 32452843, 49979687, 67867967};
    struct factor_number secret, other, both;
    uint8_t digits[2 * FACTOR_BYTES + 1], point[64], iv[16] = {7}, chain[16];
    /* 2^127 - 1 and 2^61 - 1 are primes. */
    uint8_t large[16] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint8_t second[8] = {0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    CHECK(factor_of_bytes((bytes){large, 16}, &secret));
    CHECK(factor_is_prime(&secret));
    CHECK_INT(factor_bits(&secret), 127);
    CHECK(factor_of_bytes((bytes){second, 8}, &other));
    CHECK(factor_is_prime(&other));
    for (size_t i = 0; i < COUNT(primes); i++) {
        struct factor_number prime;
        factor_of_int(primes[i], &prime);
        CHECK(factor_is_prime(&prime));
        CHECK(factor_multiply(&secret, &prime, &secret));
        if (factor_bits(&secret) > 230)
            break;
    }
    CHECK(factor_bits(&secret) > 220 && factor_bits(&secret) <= 256);
    CHECK(factor_multiply(&secret, &other, &both));

    struct curve *curve = curve_new(CURVE_SECP256K1);
    const uint8_t *key = secret.at + FACTOR_BYTES - 32;
    CHECK(curve_multiply(curve, key, NULL, point));
    curve_free(curve);
    digest_hex(both.at + FACTOR_BYTES - 64, 64, (char *)digits);
    memset(file, 0, 0x19e);
    memcpy(file, "\xde\xad\xbe\xef\4", 5);
    memset(file + 0x45, 'A', 128);
    file[0xc7] = 4;
    memcpy(file + 0xc8, point, 64);
    memcpy(file + 0x108, digits, 128);
    memcpy(file + 0x18a, iv, 16);
    file[0x19a] = 96;
    bytes text = plain_of(96);
    memcpy(chain, iv, 16);
    uint8_t turned[32] = {0};
    size_t zeros = 0;
    while (!key[zeros])
        zeros++;
    memcpy(turned, key + zeros, 32 - zeros);
    CHECK(
        cipher_aes(CIPHER_CBC, CIPHER_ENCRYPT, (bytes){turned, 32}, chain, text, file + 0x19e));
    struct source source = source_of_bytes((bytes){file, 0x19e + 96}, (bytes){0});
    struct seed_case what = case_of(&source, &format_teslacrypt2);
    finds(&what, text);
    goes_on(&what, text);
}

/* p and q that are close, and a shared p. */
static void weak_numbers(void)
{
    struct factor_number p, q, r, n, m, got;
    factor_of_int(4294967291u, &p);
    factor_of_int(4294967279u, &q);
    factor_of_int(2147483647, &r);
    CHECK(factor_multiply(&p, &q, &n) && factor_multiply(&p, &r, &m));
    CHECK(factor_close(&n, 1000, &got));
    CHECK(!memcmp(&got, &p, sizeof p) || !memcmp(&got, &q, sizeof q));
    CHECK(!factor_close(&m, 1000, &got));
    factor_common(&n, &m, &got);
    CHECK(!memcmp(&got, &p, sizeof p));
    CHECK_INT(factor_small(&r, 1000), 0);
    CHECK(factor_divide(&m, &r) && !memcmp(&m, &p, sizeof p));
    CHECK(!factor_divide(&m, &r));
}

static bytes shown(const struct factor_number *number)
{
    return arena_copy(arena, (bytes){number->at, sizeof number->at});
}

static void weak_moduli(void)
{
    /* 2^127 - 1, 2^107 - 1 and two numbers above 2^126. */
    static const uint8_t near[2][16] = {
        {0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x17},
        {0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x51},
    };
    uint8_t ones[16];
    memset(ones, 0xff, sizeof ones);
    ones[0] = 0x7f;
    struct factor_number large, small, other, n, m;
    factor_of_bytes((bytes){ones, 16}, &large);
    ones[0] = 0x07;
    factor_of_bytes((bytes){ones, 14}, &other);
    factor_of_int(65537, &small);
    struct key key;
    struct why why = {""};

    CHECK(factor_multiply(&large, &small, &n));
    struct weak_case what = {.n = shown(&n), .e = {(const uint8_t *)"\x11", 1}};
    CHECK_INT(weak_find(&what, arena, &key, &why), 0);
    CHECK(bytes_is(key.origin, "factored: a small prime"));
    CHECK(key.kind == KEY_RSA && key.rsa.d.len);

    CHECK(factor_is_prime(&large) && factor_is_prime(&other));
    CHECK(factor_multiply(&large, &other, &n));
    what.n = shown(&n);
    CHECK_INT(weak_find(&what, arena, &key, &why), -ENOENT);
    factor_of_int(4294967291u, &small);
    CHECK(factor_multiply(&large, &small, &m));
    bytes others[] = {shown(&m)};
    what.others = others;
    what.count = 1;
    CHECK_INT(weak_find(&what, arena, &key, &why), 0);
    CHECK(bytes_is(key.origin, "factored: a prime shared with another key"));

    /* Whatever the two are, their product is told apart into equal halves. */
    struct factor_number a, b, got;
    factor_of_bytes((bytes){near[0], 16}, &a);
    factor_of_bytes((bytes){near[1], 16}, &b);
    CHECK(factor_multiply(&a, &b, &n) && factor_close(&n, 1000, &got));
    CHECK(!memcmp(&got, &a, sizeof a) || !memcmp(&got, &b, sizeof b));
}

int main(void)
{
    arena = arena_new((size_t)64 << 20);
    lanes_are_the_generator();
    lookouts();
    prometheus();
    solidbit();
    linuxencoder1();
    dmalocker();
    princess();
    weak_numbers();
    weak_moduli();
    teslacrypt2();
    CHECK(!seed_has(&format_maze));
    arena_free(arena);
    return tap_done();
}

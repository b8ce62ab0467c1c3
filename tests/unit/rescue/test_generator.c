#include "crypt/generator.h"
#include "crypt/gorandom.h"
#include "crypt/mersenne.h"
#include "tap.h"

#include <stdlib.h>

/* As .NET prints `new Random(seed).Next()`. */
static void dotnet_as_published(void)
{
    static const struct {
        int32_t seed, want[3];
    } rows[] = {
        {0, {1559595546, 1755192844, 1649316166}},
        {1, {534011718, 237820880, 1002897798}},
        {42, {1434747710, 302596119, 269548474}},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct generator_dotnet g, negative;
        generator_dotnet_seed(&g, rows[i].seed);
        generator_dotnet_seed(&negative, -rows[i].seed);
        for (size_t n = 0; n < COUNT(rows[i].want); n++) {
            CHECK_INT(generator_dotnet_sample(&g), rows[i].want[n]);
            CHECK_INT(generator_dotnet_sample(&negative), rows[i].want[n]);
        }
    }
    struct generator_dotnet g, same;
    generator_dotnet_seed(&g, INT32_MIN);
    generator_dotnet_seed(&same, INT32_MAX);
    CHECK_INT(generator_dotnet_sample(&g), generator_dotnet_sample(&same));

    generator_dotnet_seed(&g, 0);
    CHECK_INT(generator_dotnet_next(&g, 33, 127), 33 + 1559595546 * 94ll / 0x7fffffff);
    CHECK_INT(generator_dotnet_next(&g, 5, 5), 5);
    uint8_t drawn[2];
    generator_dotnet_fill(&g, drawn, 2);
    CHECK_INT(drawn[0], 1649316166 & 0xff);
}

static void glibc_as_glibc(void)
{
    static const uint32_t seeds[] = {0, 1, 2, 1594311321, 0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < COUNT(seeds); i++) {
        struct generator_glibc g;
        struct random_data data = {0};
        char state[128];
        CHECK_INT(initstate_r(seeds[i], state, sizeof state, &data), 0);
        generator_glibc_seed(&g, seeds[i]);
        unsigned wrong = 0;
        for (unsigned n = 0; n < 1000; n++) {
            int32_t want;
            random_r(&data, &want);
            wrong += generator_glibc_next(&g) != (uint32_t)want;
        }
        CHECK_INT(wrong, 0);
    }
}

static void linear_ones(void)
{
    uint32_t state = 1;
    static const uint32_t msvc[] = {41, 18467, 6334, 26500, 19169};
    for (size_t i = 0; i < COUNT(msvc); i++)
        CHECK_INT(generator_msvc_next(&state), msvc[i]);

    uint64_t musl = generator_musl_seed(1);
    CHECK_INT(generator_musl_next(&musl), 0);
    CHECK_INT(generator_musl_next(&musl), 6364136223846793006 >> 33);
    musl = generator_musl_seed(0);
    CHECK_INT(musl, 0xffffffff);

    state = 1;
    CHECK_INT(generator_delphi_next(&state, 100), 0x08088406ll * 100 >> 32);
    CHECK_INT(state, 0x08088406);
}

/* Java 17: new Random(42), new Random(-1594311321000L). */
static void java_as_java(void)
{
    uint64_t state = generator_java_seed(42);
    CHECK_INT(generator_java_next(&state, 32), -1170105035);
    CHECK_INT(generator_java_below(&state, 62), 41);
    CHECK_INT(generator_java_below(&state, 64), 43);
    CHECK_INT(generator_java_below(&state, 1500000000), 102948884);
    int64_t high = generator_java_next(&state, 32);
    CHECK_INT(high * (1ll << 32) + generator_java_next(&state, 32), 5694868678511409995);
    uint8_t got[7];
    generator_java_fill(&state, got, sizeof got);
    CHECK(!memcmp(got, "\x83\x9d\xee\x46\x6d\x85\x2c", 7));

    state = generator_java_seed(-1594311321000);
    CHECK_INT(generator_java_next(&state, 32), 298695088);
    static const int32_t drawn_again[] = {138322109, 698935201, 89404654};
    for (size_t i = 0; i < COUNT(drawn_again); i++)
        CHECK_INT(generator_java_below(&state, 1073741825), drawn_again[i]);
}

/* Python 3's random, g++ 12's std::mt19937; the standard says what the 10000th number is. */
static void mersenne_as_python_and_c(void)
{
    struct mersenne m;
    uint32_t words[] = {1594311321};
    mersenne_seed_words(&m, words, 1);
    CHECK_INT(mersenne_next(&m), 4058925405);
    CHECK_INT(mersenne_bits(&m, 32), 1265553582);
    CHECK_INT(mersenne_bits(&m, 5), 4);
    static const uint32_t below[] = {58, 36, 31, 33, 36, 19};
    for (size_t i = 0; i < COUNT(below); i++)
        CHECK_INT(mersenne_below(&m, 62), below[i]);

    uint32_t two[] = {7, 256}; /* 2^40 + 7 */
    mersenne_seed_words(&m, two, 2);
    CHECK_INT(mersenne_next(&m), 2635837658);
    for (unsigned i = 0; i < 2002; i++)
        mersenne_next(&m);
    CHECK_INT(mersenne_next(&m), 2985880481);

    mersenne_seed(&m, 1594311321);
    CHECK_INT(mersenne_next(&m), 978987017);
    mersenne_seed(&m, 5489);
    for (unsigned i = 0; i < 9999; i++)
        mersenne_next(&m);
    CHECK_INT(mersenne_next(&m), 4123659995);
}

/* Go's math/rand. */
static void go_as_go(void)
{
    static uint64_t table[GORANDOM_SIZE];
    gorandom_table(table);
    struct gorandom r;
    gorandom_seed(&r, table, 1);
    CHECK_INT(gorandom_int63(&r), 5577006791947779410);
    CHECK_INT(gorandom_next(&r), 8674665223082153551);
    CHECK_INT(gorandom_int31n(&r, 62), 37);
    CHECK_INT(gorandom_int31n(&r, 64), 59);
    CHECK_INT(gorandom_int31n(&r, 1000000), 902081);
    uint8_t got[10];
    gorandom_fill(&r, got, sizeof got);
    CHECK(!memcmp(got, "\xd8\x68\x1d\x0d\x86\xd1\xe9\x1e\x00\x16", 10));

    gorandom_seed(&r, table, 1594311321);
    for (unsigned i = 0; i < 2000; i++)
        gorandom_next(&r);
    CHECK(gorandom_next(&r) == 15553914047647454967u);
    CHECK(gorandom_next(&r) == 11919320456599614215u);
    gorandom_seed(&r, table, 0);
    CHECK(gorandom_next(&r) == 8717895732742165505u);
    gorandom_seed(&r, table, -5000000000);
    CHECK(gorandom_next(&r) == 1729734503516423670u);
}

int main(void)
{
    dotnet_as_published();
    glibc_as_glibc();
    linear_ones();
    java_as_java();
    mersenne_as_python_and_c();
    go_as_go();
    return tap_done();
}

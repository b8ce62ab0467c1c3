#include "crypt/generator.h"
#include "rescue/known.h"
#include "tap.h"

static unsigned bits(const char *text, size_t len, uint64_t size)
{
    return known_bits((bytes){(const uint8_t *)text, len}, size);
}

static void counts_what_it_knows(void)
{
    CHECK(bits("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16, UINT64_MAX) >= 120);
    CHECK(bits("\x89PNG\r\n\x1b\n\0\0\0\rIHDR", 16, UINT64_MAX) == 0);
    CHECK(bits("PK\3\4\x14\0\6\0\x08\0\0\0\x21\0\1\2\3\4\0\0\0\0\0\0\0\0\x13\0\0\0[Content_"
               "Types].xml",
               49, UINT64_MAX) >= 68);
    CHECK(bits("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", 16, UINT64_MAX) >= KNOWN_SURE);
    CHECK(bits("short text", 10, 10) >= 5);
    CHECK(bits("short text", 10, 11) == 0);
    CHECK(bits("RIFF\x1c\0\0\0....", 12, UINT64_MAX) == 0);
    CHECK(bits("RIFF\x1c\0\0\0........", 16, 36) >= KNOWN_SURE);
    CHECK(bits("", 0, 0) == 0);
}

/* 100,000 random heads of 64 bytes: none looks like anything, and of 4 KiB all are noise. */
static void random_is_nothing(void)
{
    struct generator_glibc random;
    generator_glibc_seed(&random, 1);
    unsigned most = 0, quiet = 0;
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t head[64];
        for (unsigned k = 0; k < sizeof head; k++)
            head[k] = (uint8_t)(generator_glibc_next(&random) >> 8);
        unsigned n = known_bits((bytes){head, sizeof head}, 1000);
        most = n > most ? n : most;
    }
    CHECK(most <= 20);
    for (unsigned i = 0; i < 100; i++) {
        uint8_t part[KNOWN_HEAD];
        for (unsigned k = 0; k < sizeof part; k++)
            part[k] = (uint8_t)(generator_glibc_next(&random) >> 8);
        quiet += !known_noise((bytes){part, sizeof part});
    }
    CHECK_INT(quiet, 0);
    uint8_t text[KNOWN_HEAD];
    memset(text, 'a', sizeof text);
    CHECK(!known_noise((bytes){text, sizeof text}));
    CHECK(!known_noise((bytes){text, 100}));
}

int main(void)
{
    counts_what_it_knows();
    random_is_nothing();
    return tap_done();
}

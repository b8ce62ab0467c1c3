#include "crypt/blake2b.h"
#include "crypt/blake3.h"
#include "tap.h"

enum { MOST = 2049 };

static uint8_t input[MOST];

static void digest(bool third, size_t len, size_t cut, char *ret, size_t size)
{
    uint8_t out[64];
    bytes parts[] = {{.at = input, .len = cut}, {0}, {.at = input + cut, .len = len - cut}};
    if (third)
        blake3_parts(parts, 3, out, size);
    else
        blake2b_parts(parts, 3, out, size);
    for (size_t i = 0; i < size; i++)
        snprintf(ret + 2 * i, 3, "%02x", out[i]);
}

/* BLAKE3's own test_vectors.json: bytes 0, 1, ... 250, 0, ... */
static void agrees_with_the_vectors_of_blake3(void)
{
    static const struct {
        size_t len;
        const char *digest;
    } cases[] = {
        {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
        {1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
        {1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
        {1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
        {2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"},
        {2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[129];
        for (size_t cut = 0; cut <= cases[i].len; cut += 683) {
            digest(true, cases[i].len, cut, text, 32);
            CHECK_STR(text, cases[i].digest);
        }
    }
    bytes abc = bytes_of("abc");
    uint8_t out[32];
    blake3_parts(&abc, 1, out, sizeof out);
    CHECK(out[0] == 0x64 && out[1] == 0x37 && out[2] == 0xb3 && out[31] == 0x85);
}

/* RFC 7693, appendix A; the others by Python's hashlib. */
static void agrees_with_other_blake2b(void)
{
    char text[129];
    bytes abc = bytes_of("abc");
    uint8_t out[64];
    blake2b_parts(&abc, 1, out, sizeof out);
    static const uint8_t first[] = {0xba, 0x80, 0xa5, 0x3f, 0x98, 0x1c, 0x4d, 0x0d};
    CHECK(!memcmp(out, first, sizeof first));
    CHECK(out[63] == 0x23);

    static const struct {
        size_t len;
        const char *digest;
    } cases[] = {
        {0, "ab3b5331a7135ed50d0f182d026e60abdb3646fd51bcf8a3"},
        {3, "369857c269fb76833b9d8988c5ab554775be0c7022ab179f"},
        {127, "61995cfb6553446ec9fe9a5e33352a3c7eee7679c2191cde"},
        {128, "2f5f6c3d92c87ec6916cd0034fea92dfd83b28dc91485d41"},
        {129, "921c466b582e135fab21c8e052fe3715d9113bcd864276ba"},
        {300, "fdddba3306d69e1243d7b6aac355ba0d0eeea4f7459bca6c"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        digest(false, cases[i].len, cases[i].len / 3, text, 24);
        CHECK_STR(text, cases[i].digest);
    }
}

int main(void)
{
    for (size_t i = 0; i < MOST; i++)
        input[i] = (uint8_t)(i % 251);
    agrees_with_the_vectors_of_blake3();
    agrees_with_other_blake2b();
    return tap_done();
}

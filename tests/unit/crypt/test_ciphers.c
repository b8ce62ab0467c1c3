/* The keystreams of the specifications, whole and in pieces, for each level of the CPU. */
#include "base/cpu.h"
#include "crypt/chacha.h"
#include "crypt/hc128.h"
#include "crypt/kcipher2.h"
#include "crypt/rc4.h"
#include "crypt/salsa.h"
#include "crypt/sosemanuk.h"
#include "tap.h"

#include <stdlib.h>

enum cipher { CHACHA, SALSA, RC4, HC128, KCIPHER2, SOSEMANUK };

/* One row: a cipher and `position` bytes into its keystream. */
static const struct vector {
    const char *source;
    enum cipher cipher;
    unsigned rounds;
    const char *key, *iv;
    uint64_t counter, position;
    const char *stream;
} vectors[] = {
    {"draft-strombergson-chacha-test-vectors-01, TC1", CHACHA, 8,
     "0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000", 0,
     0,
     "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e"
     "984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42"
     "d2aefa0deaa5c151bf0adb6c01f2a5adc0fd581259f9a2aadcf20f8fd566a26b"
     "5032ec38bbc5da98ee0c6f568b872a65a08abf251deb21bb4b56e5d8821e68aa"},
    {"draft-strombergson-chacha-test-vectors-01, TC1", CHACHA, 12,
     "0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000", 0,
     0,
     "9bf49a6a0755f953811fce125f2683d50429c3bb49e074147e0089a52eae155f"
     "0564f879d27ae3c02ce82834acfa8c793a629f2ca0de6919610be82f411326be"
     "0bd58841203e74fe86fc71338ce0173dc628ebb719bdcbcc151585214cc089b4"},
    {"draft-strombergson-chacha-test-vectors-01, TC1", CHACHA, 20,
     "00000000000000000000000000000000", "0000000000000000", 0, 0,
     "89670952608364fd00b2f90936f031c8e756e15dba04b8493d00429259b20f46"
     "cc04f111246b6c2ce066be3bfb32d9aa0fddfbc12123d4b9e44f34dca05a103f"},
    {"the reference of ChaCha8, from block -1 on", CHACHA, 8,
     "0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000",
     UINT64_MAX, 0,
     "df8a0bceca2fbb111f29978fa9a64407c68ced975ff55a24707265d0687e6aef"
     "b3597eac46e4b0a79b3a49c8b0f1775ac3edd7eb6a6d9bcb38f276517a79e014"
     "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e"},
    {"RFC 8439, 2.4.2", CHACHA, 20,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "000000000000004a00000000", 0, 64,
     "224f51f3401bd9e12fde276fb8631ded8c131f823d2c06e27e4fcaec9ef3cf78"
     "8a3b0aa372600a92b57974cded2b9334794cba40c63e34cdea212c4cf07d41b7"},
    {"eSTREAM Salsa20, 256 bits, set 1, 0", SALSA, 20,
     "8000000000000000000000000000000000000000000000000000000000000000", "0000000000000000", 0,
     0,
     "e3be8fdd8beca2e3ea8ef9475b29a6e7003951e1097a5c38d23b7a5fad9f6844"
     "b22c97559e2723c7cbbd3fe4fc8d9a0744652a83e72a9c461876af4d7ef1a117"},
    {"eSTREAM Salsa20, 256 bits, set 1, 0", SALSA, 20,
     "8000000000000000000000000000000000000000000000000000000000000000", "0000000000000000", 0,
     192,
     "57be81f47b17d9ae7c4ff15429a73e10acf250ed3a90a93c711308a74c6216a9"
     "ed84cd126da7f28e8abf8bb63517e1ca98e712f4fb2e1a6aed9fdc73291faa17"},
    {"eSTREAM Salsa20, 128 bits, set 1, 0", SALSA, 20, "80000000000000000000000000000000",
     "0000000000000000", 0, 0,
     "4dfa5e481da23ea09a31022050859936da52fcee218005164f267cb65f5cfd7f"
     "2b4f97e0ff16924a52df269515110a07f9e460bc65ef95da58f740b7d1dbb0aa"},
    {"NaCl, XSalsa20", SALSA, 20,
     "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389",
     "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37", 0, 0,
     "eea6a7251c1e72916d11c2cb214d3c252539121d8e234e652d651fa4c8cff880"},
    {"RFC 6229, 40 bits", RC4, 0, "0102030405", "", 0, 0, "b2396305f03dc027ccc3524a0a1118a8"},
    {"RFC 6229, 128 bits", RC4, 0, "0102030405060708090a0b0c0d0e0f10", "", 0, 0,
     "9ac7cc9a609d1ef7b2932899cde41b97"},
    {"eSTREAM HC-128, set 2, 0", HC128, 0, "00000000000000000000000000000000",
     "00000000000000000000000000000000", 0, 0,
     "82001573a003fd3b7fd72ffb0eaf63aac62f12deb629dca72785a66268ec758b"
     "1edb36900560898178e0ad009abf1f491330dc1c246e3d6cb264f6900271d59c"},
    {"eSTREAM HC-128, set 6, 1", HC128, 0, "0558abfe51a4f74a9df04396e93c8fe2",
     "167de44bb21980e74eb51c83ea51b81f", 0, 0,
     "4f864bf3c96d0363b1903f0739189138f6ed2bc0af583feea0cea66ba7e06e63"
     "fb28bf8b3ca0031d24abb511c57dd17bfc2861c32400072cb680df2e58a5cecc"},
    {"RFC 7008, A.1", KCIPHER2, 0, "00000000000000000000000000000000",
     "00000000000000000000000000000000", 0, 0,
     "f871ebef945b7272e40c04941dff05370b981a59fbc8ac57566d3b02c179dbb4"
     "3b46f1f033554c725de68bcc9872858f575496024062f0e9f932c998226db6ba"},
    {"RFC 7008, A.1", KCIPHER2, 0, "a37b7d012f897076fe08c22d142bb2cf",
     "33a6ee60e57927e08b45cc4ca30ede4a", 0, 0,
     "60e9a6b67b4c2524fe726d44ad5b402e31d0d1ba5ca233a4afc74be7d6069d36"
     "4a75bb6cd8d5b7f038aaaa284ae4cd2fe2e5313dfc6ccd8f9d2484f20f86c50d"},
    {"RFC 7008, A.1", KCIPHER2, 0, "3d62e9b18e5b042f42df43cc7175c96e",
     "777cefe4541300c8adcaca8a0b48cd55", 0, 0,
     "690f108d84f44ac7bf257bd7e394f6c9aa1192c38e200c6e073c8078ac18aad1"
     "d4b8dade688023682fa4207683dea5a44c1d95eae959f5b42611f41ea40f0a58"},
    {"Sosemanuk, reference, test 1", SOSEMANUK, 0, "a7c083feb7",
     "00112233445566778899aabbccddeeff", 0, 0,
     "fe81d2162c9a100d04895c454a77515bbe6a431a935cb90e2221ebb7ef502328"
     "943539492eff6310c871054c2889cc728f82e86b1afff4334b6127a13a155c75"
     "151630bd482eb673ff5db477fa6c53ebe1a4ec38c23c5400c315455d93a2aced"
     "9598604727fa340d5f2a8bd757b77833f74bd2bc049313c80616b4a06268ae35"},
    {"Sosemanuk, reference, test 2", SOSEMANUK, 0, "00112233445566778899aabbccddeeff",
     "8899aabbccddeeff0011223344556677", 0, 0,
     "fa61dbeb71178131a77c714bd2eabf4e1394207a25698aa1308f2f063a0f7606"
     "04cf67569ba59a3dfad7f00145c78d29c5ffe5f964950486424451952c84039d"},
    {"eSTREAM Sosemanuk, 256 bits, set 6, 3", SOSEMANUK, 0,
     "0f62b5085bae0154a7fa4da0f34699ec3f92e5388bde3184d72a7dd02376c91c",
     "288ff65dc42b92f960c72e95fc63ca31", 0, 0,
     "1fc4f2e266b21c24fddb3492d40a3fa6de32cdf13908511e84420abdfa1d3b0f"
     "ec600f83409c57cbe0394b90cdb1d759243efd8b8e2ab7bc453a8d8a3515183e"},
};

enum { LONG = 5000 };

static bytes unhex(const char *text, uint8_t *ret)
{
    CHECK(bytes_unhex(bytes_of(text), ret));
    return (bytes){ret, strlen(text) / 2};
}

/* The keystream's bytes [from, from + len), in parts of `part`. */
static bool stream(const struct vector *vector, uint64_t from, size_t len, size_t part,
                   uint8_t *ret)
{
    static union {
        struct chacha chacha;
        struct salsa salsa;
        struct rc4 rc4;
        struct hc128 hc128;
        struct kcipher2 kcipher2;
        struct sosemanuk sosemanuk;
    } all;

    uint8_t at[2][64], *run = calloc(1, from + len);
    bytes key = unhex(vector->key, at[0]), iv = unhex(vector->iv, at[1]);
    bool good = false;
    switch (vector->cipher) {
    case CHACHA:
        good = chacha_set(&all.chacha, vector->rounds, key, iv, vector->counter);
        break;
    case SALSA:
        good = salsa_set(&all.salsa, vector->rounds, key, iv, vector->counter);
        break;
    case RC4:
        good = rc4_set(&all.rc4, key);
        break;
    case HC128:
        good = hc128_set(&all.hc128, key, iv);
        break;
    case KCIPHER2:
        kcipher2_prepare(&all.kcipher2);
        good = kcipher2_set(&all.kcipher2, key, iv);
        break;
    case SOSEMANUK:
        good = sosemanuk_set(&all.sosemanuk, key, iv);
        break;
    }
    bool seeks = vector->cipher == CHACHA || vector->cipher == SALSA;
    for (uint64_t i = seeks ? from : 0; i < from + len; i += part) {
        size_t size = from + len - i < part ? (size_t)(from + len - i) : part;
        if (vector->cipher == CHACHA)
            chacha_xor(&all.chacha, i, run + i, size);
        else if (vector->cipher == SALSA)
            salsa_xor(&all.salsa, i, run + i, size);
        else if (vector->cipher == RC4)
            rc4_xor(&all.rc4, run + i, size);
        else if (vector->cipher == HC128)
            hc128_xor(&all.hc128, run + i, size);
        else if (vector->cipher == KCIPHER2)
            kcipher2_xor(&all.kcipher2, run + i, size);
        else
            sosemanuk_xor(&all.sosemanuk, run + i, size);
    }
    memcpy(ret, run + from, len);
    free(run);
    return good;
}

static void keystreams_are_those_of_the_specification(void)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const struct vector *vector = &vectors[i];
        uint8_t want[256], got[256];
        bytes expected = unhex(vector->stream, want);
        CHECK(stream(vector, vector->position, expected.len, 256, got));
        if (!tap_check(!memcmp(got, want, expected.len), vector->source, __FILE__, __LINE__))
            printf("#   row %zu\n", i);
    }
}

static void pieces_are_parts_of_the_whole(void)
{
    static const size_t parts[] = {1, 3, 16, 64, 100, 512, 513, 1024};
    static uint8_t whole[LONG], got[LONG];
    int different = 0;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        CHECK(stream(&vectors[i], 0, LONG, 1, whole));
        for (size_t j = 0; j < COUNT(parts); j++) {
            stream(&vectors[i], 0, LONG, parts[j], got);
            different += memcmp(got, whole, LONG) != 0;
            stream(&vectors[i], 77 * j + 1, 2000, parts[j], got);
            different += memcmp(got, whole + 77 * j + 1, 2000) != 0;
        }
    }
    CHECK_INT(different, 0);
}

/* A 12-byte nonce leaves a counter of 32 bits; with 8 bytes it carries. */
static void counters_wrap_where_they_should(void)
{
    static const uint8_t key[32];
    struct chacha narrow, wide, next;
    CHECK(chacha_set(&narrow, 20, (bytes){key, 32}, (bytes){key, 12}, 0xfffffffc));
    CHECK(chacha_set(&wide, 20, (bytes){key, 32}, (bytes){key, 8}, 0xfffffffc));
    uint8_t a[1024] = {0}, b[1024] = {0}, c[1024] = {0};
    chacha_xor(&narrow, 0, a, sizeof a);
    chacha_xor(&wide, 0, b, sizeof b);
    CHECK(!memcmp(a, b, 256));
    CHECK(memcmp(a + 256, b + 256, 64) != 0);
    CHECK(chacha_set(&next, 20, (bytes){key, 32}, (bytes){key, 12}, 0));
    chacha_xor(&next, 0, c, 768);
    CHECK(!memcmp(a + 256, c, 768));
    memset(c, 0, sizeof c);
    CHECK(chacha_set(&next, 20, (bytes){key, 32}, (bytes){key, 8}, UINT64_C(1) << 32));
    chacha_xor(&next, 0, c, 768);
    CHECK(!memcmp(b + 256, c, 768));
}

static void hashes_and_states(void)
{
    uint8_t key[32], nonce[16], want[32], got[32];
    unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", key);
    unhex("000000090000004a0000000031415927", nonce);
    unhex("82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc", want);
    chacha_hash(20, key, nonce, got);
    CHECK(!memcmp(got, want, 32)); /* draft-irtf-cfrg-xchacha-03, 2.2.1 */

    struct salsa salsa, raw;
    CHECK(salsa_set(&salsa, 20, (bytes){key, 32}, (bytes){nonce, 8}, 5));
    CHECK(salsa_set_state(&raw, 20, (const uint8_t *)salsa.state));
    uint8_t a[700] = {0}, b[700] = {0};
    salsa_xor(&salsa, 3, a, sizeof a);
    salsa_xor(&raw, 3, b, sizeof b);
    CHECK(!memcmp(a, b, sizeof a));
}

static void wrong_sizes_are_refused(void)
{
    static const uint8_t zero[64];
    struct chacha chacha;
    struct salsa salsa;
    struct rc4 rc4;
    struct hc128 hc128;
    struct sosemanuk sosemanuk;
    CHECK(!chacha_set(&chacha, 7, (bytes){zero, 32}, (bytes){zero, 8}, 0));
    CHECK(!chacha_set(&chacha, 0, (bytes){zero, 32}, (bytes){zero, 8}, 0));
    CHECK(!chacha_set(&chacha, 8, (bytes){zero, 31}, (bytes){zero, 8}, 0));
    CHECK(!chacha_set(&chacha, 8, (bytes){zero, 16}, (bytes){zero, 24}, 0));
    CHECK(!salsa_set(&salsa, 20, (bytes){zero, 32}, (bytes){zero, 12}, 0));
    CHECK(!rc4_set(&rc4, (bytes){zero, 0}));
    CHECK(!hc128_set(&hc128, (bytes){zero, 16}, (bytes){zero, 8}));
    CHECK(!sosemanuk_set(&sosemanuk, (bytes){zero, 33}, (bytes){zero, 16}));
}

int main(void)
{
    static const enum cpu_level levels[] = {CPU_AVX512, CPU_AVX2, CPU_SCALAR};

    for (size_t i = 0; i < COUNT(levels); i++) {
        cpu_force(levels[i]);
        keystreams_are_those_of_the_specification();
        pieces_are_parts_of_the_whole();
        counters_wrap_where_they_should();
    }
    hashes_and_states();
    wrong_sizes_are_refused();
    return tap_done();
}

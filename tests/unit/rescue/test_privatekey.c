#include "shim/crypto.h"
#include "shim/privatekey.h"
#include "tap.h"

#include <errno.h>

/* A key that `openssl genrsa` made for this test, and a message that `openssl pkeyutl
 * -encrypt` sealed with it. */
static const char modulus[] =
    "bc94a5634b05676b63ca0722ea3e5de21543fad023a84b58775c22aa712654d7ba2c967b15b268d2"
    "4ee5ba77dc77d972d91544af4d7c86bac7ad3fa93eeb577357baf1f2d67272c2c4c5f3e17b4706ba"
    "cbfb401df47fe6e7975ec583e9c1d57bcab452f369992b02e64a09a59d2923575c967f6080058341"
    "13931265d32074dc9b545e1101da70ba3b192beebec6ce30dc2933b6d937518ef4d3f9a9e7681fc6"
    "9d0614c702f040650ba163e42c2ff142a60984ad18bcc145161dc08ca32af017";
static const char private[] =
    "6ef9aee662d4b84aab3bcdbd4f4a0a67ac8a07c48ae75407a89e30cc4aaffb07c4c8ce797a883645"
    "6526adf83166da314aecc831bd90c59c8f3b36167c2f74942d1197a6876a6c7c8fddca2a6c289d1e"
    "3a420e3652971e2435a110ed1317fd6fcb70c8fbce390b291b9d8da0583a40f271889904426e9dad"
    "61872dd160e14ffb50893edeb80d85c4a63bb5e4b7b45a895f3dd4c9d6ac191678f9b1bd28924981"
    "925bf77fca82b3684853e66c570867a240d90137750c7571f98b7c372e4f85d9";
static const char prime1[] =
    "f06432b7a4ccfc94b890c8fa907ed73e75b2343fe9017149dad31340434d1121645d9a7e61d8e372"
    "660c8d6b2215c88e100d147e7057c43ecbb848bc2a43bc543a8b98d179f4c2bb0f654362dc295e18"
    "897a1b0f9c68ee04e1ed3a46a938330b";
static const char prime2[] =
    "c8d33f05b589cd03568c6125c8899add084caeb71440887d827735fdbcaded3fc2f0281a3aa8962e"
    "4521fdf82e5eec92cb87f084dc5bac7e647656bc3802f0a908d9efcc05b0a9dbcc0e779acfdf1356"
    "0627ea62aa9639f978b713044e1c5ea5";
static const char by_pkcs1[] =
    "aa0b256e5d85b056b70a82a010e5b4541d1d007f95803c7a5ad51483c5b9651c7b77b972309e0997"
    "e8785d5540d3c331dd9aee8860316c7694183f473ade55289c0f9ccc78e4d3203a3ee36e1ea92089"
    "aeaaaa7f32d4bc8d9244094b4f26176abed7038d2ab997a9a4aa7d166020514d7a8f3ab5cf9b0e1a"
    "c65c97770137010331d86b995292d2764bc2805da9b2e99c6b43a24f408a1451cd45fc7504e30dec"
    "43f31e750b754fead207742952ced30184672214384fcaf565ab0f1acc0b3ae1";
static const char by_oaep_sha1[] =
    "b8aaead2d91e20b2aa58ec79382ca8e5d230bb359eed23e8b4530490d56e5be1e32dda8d4e1eaee7"
    "ea33e497055420edbfd5e3f6d11c3f38deceb443ba75ef3f29e39f6579400522dc5bb9e96904f4a7"
    "f4a12d79330105a995e39e3e9254e8541f7def7e7f2f07494b109bb4dd34483190753ec55271d055"
    "34e9359459dedc61864bca99d6bb85df31dc3105f0aa17962390b453f66329a10dc6de8b3bdcd696"
    "19f37260d5a571e0b925d10d00d032ba7051afa487083ffd1f99ef99393d1b30";
static const char by_oaep_sha256[] =
    "a5b45e720ecabc2b9eac020082d897d4ace90ec4a3a0a089cf5431349160c81673173819d2718392"
    "24d10ec328e80ee21761ded4c5fb9744717a5c9608728f6716a5e6e32693125b83e77f2e742eea3c"
    "7089df7c5a8a02f6dc1e343179e2ef0e9d6eacb21b909ed1c084c3b5aef07541b66f2e6cd2683479"
    "21f57bd54774767482a55e3eb62998de235c8035c6e0704f06b46b76e2d5828284cf6cb1767f27e9"
    "1f08ce2076c1bda1dc4fd8da95bc4216dd0246442fa709f835a2e0523f7777cf";
static const char by_oaep_sha256_sha1[] =
    "3f21f2a058c790532f57fb48b7fe75db6615607989d8f216224c711b753f782a8d52e9813ff39b57"
    "c5c538da2482fa0148da913b649f1d3ee817fe36e15fa66ad84d049ee0c47313442c04bcf2218658"
    "6927d1d8cd2114d42574993d09a686551c9014b46a486e813210dded9bc5a648726715e196b1846b"
    "9199cce0d6f5b1d5cc7bf305b49de73839c9b44f47b43203d4e184e83a6fd877667bd5697af5fac9"
    "e01e5cda976577eccd3f1de8ab4143fca2f4556e2ab79e35d6ba61f70c3bc75a";
static const char by_oaep_sha512[] =
    "8440ec09ecba07ad922dfbfef5d753ed53b69800137763221da2bf5a9abb718373ae2a4be82a25c1"
    "03b35b95780ae531411d7ee073163988f63ad9a917cc3dc2cbdd3a3e911e752ef115b1d998eeda10"
    "a68cc5fe03d31bc2de86a3a5ee018df27fb4270f143a94220ca0a2c4a0a359c293c2b50504d1b16b"
    "19763c044a69069db180b7c603695e2fdb43f7fc79e40bf1aa27db82bf37eb41091744d5c165973b"
    "4f53bbd8deea17029569f31104d21d88857be7be394a91978503eae4e1a5c6d0";
static const char by_oaep_sha3[] =
    "6b882048c52adb954044816ee31d0f78a4d7f0b12265f475dbde49907e0e728ce760abfebb8df65e"
    "e090861ecf7bb1dccd96a7733c55c9b7575ea748f7bb0894e4d0b7b4f19a52f335547e22cccce70f"
    "d54554fddabb1251515debdd1e8242caec6b3d7344bf93cb928ff895165c0d028436ab2831bc7851"
    "5f26eebe299f4c4ec65c3abe25f7786390bd96f42e325527f4e90b9fdbd33e4221b7a1267b6fb90f"
    "32b9d8a835b42e7c5b278362bedc991089bf2113a7101a80c8238cb50f3ac8b0";
static const char message[] = "a message of a few words";

static struct arena *arena;

static bytes hex(const char *text)
{
    size_t len = strlen(text) / 2;
    uint8_t *at = arena_push(arena, len);
    for (size_t i = 0; at && i < len; i++)
        at[i] = (uint8_t)(ascii_hex((uint8_t)text[2 * i]) << 4 |
                          ascii_hex((uint8_t)text[2 * i + 1]));
    return (bytes){.at = at, .len = at ? len : 0};
}

static bytes turned(bytes view)
{
    uint8_t *at = arena_push(arena, view.len);
    for (size_t i = 0; at && i < view.len; i++)
        at[i] = view.at[view.len - 1 - i];
    return (bytes){.at = at, .len = at ? view.len : 0};
}

static bool is_whole(const struct privatekey *key)
{
    bytes p = hex(prime1), q = hex(prime2);
    bool primes = (bytes_equal(key->p, p) && bytes_equal(key->q, q)) ||
                  (bytes_equal(key->p, q) && bytes_equal(key->q, p));
    return primes && bytes_equal(key->n, hex(modulus)) && bytes_equal(key->d, hex(private)) &&
           bytes_equal(key->e, hex("010001"));
}

static void fills_in_what_follows(void)
{
    struct privatekey keys[] = {
        {.n = hex(modulus), .d = hex(private)},
        {.n = hex(modulus), .e = hex("00010001"), .d = hex(private)},
        {.n = hex(modulus), .d = hex(private), .p = hex(prime1)},
        {.n = hex(modulus), .d = hex(private), .q = hex(prime1)},
        {.p = hex(prime1), .e = hex("010001"), .q = hex(prime2), .n = hex(modulus)},
        {.n = hex(modulus), .e = hex("010001"), .p = hex(prime2)},
    };
    for (size_t i = 0; i < COUNT(keys); i++) {
        CHECK_INT(privatekey_complete(&keys[i], arena, NULL), 0);
        /* d of p and q may be another one of the same use. */
        if (i >= 4)
            keys[i].d = hex(private);
        CHECK(is_whole(&keys[i]));
    }
}

static void refuses_what_is_no_key(void)
{
    struct why why;
    struct privatekey other = {.n = hex(modulus), .e = hex("03"), .d = hex(private)};
    CHECK_INT(privatekey_complete(&other, arena, &why), -EBADMSG);
    CHECK_STR(why.text, "an RSA key whose two exponents are not a pair");
    other = (struct privatekey){.n = hex(modulus), .d = hex(private), .p = hex("0101")};
    CHECK_INT(privatekey_complete(&other, arena, &why), -EBADMSG);
    CHECK_STR(why.text, "an RSA key whose modulus is not the product of its primes");
    other = (struct privatekey){.n = hex(modulus), .e = hex("010001")};
    CHECK_INT(privatekey_complete(&other, arena, &why), -EBADMSG);
    CHECK_STR(why.text, "an RSA key without its private exponent");
    other = (struct privatekey){0};
    CHECK_INT(privatekey_complete(&other, arena, NULL), -EBADMSG);
    CHECK_INT((long long)privatekey_size(&other), 0);
}

static bool opens(const struct privatekey *key, const char *sealed, int hash, int mask)
{
    uint8_t big[PRIVATEKEY_MAX], little[PRIVATEKEY_MAX];
    size_t len = 0, turned_len = 0;
    bytes view = hex(sealed), back = turned(view);
    int error = hash < 0 ? privatekey_pkcs1(key, PRIVATEKEY_BIG, view, big, &len, NULL)
                         : privatekey_oaep(key, PRIVATEKEY_BIG, (enum privatekey_hash)hash,
                                           (enum privatekey_hash)mask, view, big, &len, NULL);
    int other =
        hash < 0 ? privatekey_pkcs1(key, PRIVATEKEY_LITTLE, back, little, &turned_len, NULL)
                 : privatekey_oaep(key, PRIVATEKEY_LITTLE, (enum privatekey_hash)hash,
                                   (enum privatekey_hash)mask, back, little, &turned_len, NULL);
    return !error && !other && bytes_is((bytes){.at = big, .len = len}, message) &&
           bytes_is((bytes){.at = little, .len = turned_len}, message);
}

static void opens_what_openssl_sealed(void)
{
    struct privatekey bare = {.n = hex(modulus), .d = hex(private)}, whole = bare;
    CHECK_INT(privatekey_complete(&whole, arena, NULL), 0);
    const struct privatekey *const keys[] = {&bare, &whole};
    for (size_t i = 0; i < COUNT(keys); i++) {
        CHECK(opens(keys[i], by_pkcs1, -1, -1));
        CHECK(opens(keys[i], by_oaep_sha1, PRIVATEKEY_SHA1, PRIVATEKEY_SHA1));
        CHECK(opens(keys[i], by_oaep_sha256, PRIVATEKEY_SHA256, PRIVATEKEY_SHA256));
        CHECK(opens(keys[i], by_oaep_sha256_sha1, PRIVATEKEY_SHA256, PRIVATEKEY_SHA1));
        CHECK(opens(keys[i], by_oaep_sha512, PRIVATEKEY_SHA512, PRIVATEKEY_SHA512));
        CHECK(opens(keys[i], by_oaep_sha3, PRIVATEKEY_SHA3_512, PRIVATEKEY_SHA3_512));
        CHECK(!opens(keys[i], by_oaep_sha256, PRIVATEKEY_SHA256, PRIVATEKEY_SHA1));
        CHECK(!opens(keys[i], by_pkcs1, PRIVATEKEY_SHA1, PRIVATEKEY_SHA1));
        CHECK(!opens(keys[i], by_oaep_sha1, -1, -1));
    }
}

static void says_what_does_not_fit(void)
{
    struct privatekey key = {.n = hex(modulus), .d = hex(private)};
    uint8_t out[PRIVATEKEY_MAX], all[PRIVATEKEY_MAX];
    size_t len;
    struct why why;
    memset(all, 0xff, sizeof all);
    CHECK_INT(privatekey_raw(&key, PRIVATEKEY_BIG, (bytes){.at = all, .len = 192}, out, &why),
              -EKEYREJECTED);
    CHECK_STR(why.text, "sealed for another RSA key than the one of 1536 bits");
    CHECK_INT(
        privatekey_raw(&key, PRIVATEKEY_BIG, (bytes){.at = all, .len = sizeof all}, out, NULL),
        -EKEYREJECTED);
    CHECK_INT(privatekey_raw(&(struct privatekey){0}, PRIVATEKEY_BIG, hex("02"), out, NULL),
              -EINVAL);
    /* 1 and 0 stay what they are: no padding. */
    CHECK_INT(privatekey_raw(&key, PRIVATEKEY_BIG, hex("01"), out, NULL), 0);
    CHECK_INT(out[191], 1);
    CHECK_INT(privatekey_pkcs1(&key, PRIVATEKEY_BIG, hex("01"), out, &len, NULL),
              -EKEYREJECTED);
    CHECK_INT(privatekey_pkcs1(&key, PRIVATEKEY_BIG, (bytes){0}, out, &len, NULL),
              -EKEYREJECTED);
}

/* RFC 7748, 6.1. */
static void agrees_on_a_secret(void)
{
    bytes alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    bytes alice_public =
        hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    bytes bob_public = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    bytes shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    uint8_t out[X25519_SIZE];
    CHECK(x25519_public(alice.at, out));
    CHECK(!memcmp(out, alice_public.at, sizeof out));
    CHECK(x25519_shared(alice.at, bob_public.at, out));
    CHECK(!memcmp(out, shared.at, sizeof out));
    memset(out, 0, sizeof out);
    CHECK(!x25519_shared(alice.at, out, out));
}

int main(void)
{
    crypto_warm();
    arena = arena_new(1 << 20);
    fills_in_what_follows();
    refuses_what_is_no_key();
    opens_what_openssl_sealed();
    says_what_does_not_fit();
    agrees_on_a_secret();
    arena_free(arena);
    return tap_done();
}

/* Published keys, and what families hide keys in. The identifiers of Petya and their keys are
 * those of hasherezade, petya_key (tests/). */
#include "crypt/salsa.h"
#include "rescue/keys/forest.h"
#include "rescue/keys/gandcrab.h"
#include "rescue/keys/petya.h"
#include "rescue/keys/published.h"
#include "shim/cipher.h"
#include "shim/curve.h"
#include "shim/digest.h"
#include "tap.h"

#include <errno.h>

static struct arena *arena;

static bool opens(const char *text, const char *want)
{
    bytes got = {0};
    struct why why = {""};
    int error = petya_key(bytes_of(text), arena, &got, &why);
    return want ? !error && bytes_is(got, want) : error == -EBADMSG && why.text[0];
}

static void identifiers_of_petya(void)
{
    CHECK(
        opens("e4Q8ffSQY1yvicQi2FERwAoYQLfRPJ9b9pukbkSQ3Pk21KJr9DXZbfqXZDFKnnKZRPJ5MXvNAC9eajU"
              "sqRCNu43hQ2",
              "rU95BhkeU4Eua2q3"));
    CHECK(opens(
        "  88QCVsQJ1v7zXRXhtTSxkC9ZNJi6G4gxikkpNLQZJVAHZHmLdS7LM43zdpUBooz3aRgJVgLR61wqqxvy"
        "yQRRhshPMC\n",
        "msV7BwS7EXWNhaDb"));
    CHECK(opens(
        "a5PhwcoxzctW7vUN5B5oPLTf64cnTe4ZWJyx5tKGHhHJQvSFMfPNAHiZcazmSdz6ZWo4uaYKtmC3rQj6g"
        "67wCmrZDu918bA1",
        "H9UM88r4k49QWmNk"));
    CHECK(opens(
        "b4QjQkFw2h8ua41xCUJRDYKTNWkiXGRuozLL2dWwFtFMEzku24i6D7phY2ht7QZXgqi1xxZNY1nhiJ4YL"
        "ygF2GGgiZ908FA1",
        "vW2ebtSboq7gBdUU"));
    CHECK(opens(
        "rzvj43fWvf5ef3Nq6W7Z4Zbzoehmh557m972QhMedVHQvLyju3mx7BrRb5XpkvD21JUVw1M9Cs74AvZpzG"
        "TWp4xbp9aVqsoL",
        "f63117737990bd58de1d91a63a9156a0"));
    CHECK_STR(
        petya_kind(bytes_of("rzvj43fWvf5ef3Nq6W7Z4Zbzoehmh557m972QhMedVHQvLyju3mx7BrRb5Xpkv"
                            "D21JUVw1M9Cs74AvZpzGTWp4xbp9aVqsoL")),
        "GoldenEye");
    /* A wrong character, one too few, nothing. */
    CHECK(
        opens("e4Q8ffSQY1yvicQi2FERwAoYQLfRPJ9b9pukbkSQ3Pk21KJr9DXZbfqXZDFKnnKZRPJ5MXvNAC9eajU"
              "sqRCNu43hQ3",
              NULL));
    CHECK(
        opens("e4Q8ffSQY1yvicQi2FERwAoYQLfRPJ9b9pukbkSQ3Pk21KJr9DXZbfqXZDFKnnKZRPJ5MXvNAC9eajU"
              "sqRCNu43h",
              NULL));
    CHECK(opens("", NULL));
    CHECK(!petya_kind(bytes_of("not an identifier")));
}

static void published(void)
{
    struct keyring ring = {0};
    CHECK_INT(published_add(&ring, arena), 0);
    CHECK(ring.key.n >= 4);
    struct key key;
    CHECK_INT(published_key("gandcrab", arena, &key), 0);
    CHECK(key.kind == KEY_RSA && key.rsa.n.len == 256 && key.rsa.d.len > 200);
    CHECK_INT(published_key("nobody", arena, &key), -ENOENT);
    CHECK_INT(published_key("petya", arena, &key), 0);
    CHECK(bytes_equal(key.secret, (bytes){published_petya, sizeof published_petya}));
}

/* A file as forest.png is, of a password made here. */
static void forest(void)
{
    uint8_t file[1096], key[16], padded[40] = "a password, thirty-six characters..!";
    bytes seed = {file + 1064, 32}, got = {0};
    for (size_t i = 0; i < sizeof file; i++)
        file[i] = (uint8_t)(i * 7);
    memset(padded + 36, 4, 4);
    CHECK(digest_parts(DIGEST_MD5, &seed, 1, key));
    struct cipher *cipher =
        cipher_new(CIPHER_DES3, CIPHER_ECB, CIPHER_ENCRYPT, (bytes){key, sizeof key});
    CHECK(cipher && cipher_begin(cipher, NULL) && cipher_add(cipher, padded, file, 40));
    cipher_free(cipher);
    CHECK_INT(forest_password((bytes){file, sizeof file}, arena, &got), 0);
    CHECK(bytes_is(got, "a password, thirty-six characters..!"));
    file[3] ^= 1;
    CHECK_INT(forest_password((bytes){file, sizeof file}, arena, &got), -ENOENT);
    CHECK_INT(forest_password((bytes){file, 1095}, arena, &got), -ENOENT);
}

static void gandcrab(void)
{
    struct key key;
    struct why why = {""};
    CHECK_INT(gandcrab_key(bytes_of("a note of someone else"), arena, &key, &why), -ENOENT);
    CHECK_INT(
        gandcrab_key(bytes_of("---BEGIN GANDCRAB KEY---\nlAQAAAAA\n---END"), arena, &key, &why),
        -EBADMSG);
}

int main(void)
{
    arena = arena_new(4 << 20);
    identifiers_of_petya();
    published();
    forest();
    gandcrab();
    arena_free(arena);
    return tap_done();
}

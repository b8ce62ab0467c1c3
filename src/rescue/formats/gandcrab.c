/* GandCrab 5.2, little endian; behind the data:
 *
 *     -0x21c  256  Salsa20 key of 32 bytes, sealed with RSA-2048 (PKCS #1 v1.5, as CryptoAPI
 *                  has it: the number the other way round)
 *     -0x11c  256  nonce of 8 bytes, sealed alike
 *     -0x1c     8  size of the plain file
 *     -0x14     8  n, how many parts of 1 MiB are encrypted, from the start on
 *     -0x0c     4  not known
 *     -0x08     8  18 29 89 93 81 82 03 00
 *
 * Each part begins its Salsa20 anew. The RSA key is the victim's: keys/gandcrab.c gets it out
 * of the note. Facts: Azha0, GandCrab_Decryptor. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"

#include <errno.h>
#include <string.h>

enum { TRAILER = 0x21c, SEALED = 256, KEY = 32, NONCE = 8, PART = 1 << 20 };

static bool trailer_of(const struct source *source, uint8_t ret[TRAILER])
{
    return !source_tail(source, ret, TRAILER, NULL) &&
           load_le64(ret + 0x214) == 0x0003828193892918;
}

static int gandcrab_recognise(const struct source *source, struct recognition *ret,
                              struct why *why)
{
    (void)why;
    uint8_t trailer[TRAILER];
    if (!trailer_of(source, trailer))
        return 0;
    ret->fit = FIT_IS;
    ret->variant = "5.2";
    ret->plain = source->size - TRAILER;
    ret->partial = ret->plain / PART > load_le64(trailer + 0x208);
    fail(&ret->reason, 1, "its mark of 8 bytes at the end");
    return 0;
}

/* Parts of 1 MiB, the last one shorter. */
static int parts(struct recipe *recipe, struct arena *arena, uint64_t n, int stream,
                 struct why *why)
{
    uint64_t whole = recipe->size / PART < n ? recipe->size / PART : n;
    uint64_t rest = n > whole ? recipe->size - whole * PART : 0;
    struct recipe_piece pieces[] = {
        {.length = whole ? PART : 0,
         .count = whole,
         .step = PART,
         .stream = stream,
         .start = RECIPE_RESTART},
        {.at = whole * PART,
         .from = whole * PART,
         .length = rest,
         .stream = stream,
         .start = RECIPE_RESTART},
    };
    int error = compose_piece(recipe, arena, &pieces[0], why);
    return error ? error : compose_piece(recipe, arena, &pieces[1], why);
}

static int gandcrab_open(const struct source *source, const struct key *key,
                         struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t trailer[TRAILER];
    if (!trailer_of(source, trailer))
        return fail(why, EBADMSG, "no mark of GandCrab 5.2 at the file's end");
    bytes secret, nonce;
    int error = sealed_pkcs1(key, (bytes){trailer, SEALED}, KEY, arena, &secret, why);
    if (!error)
        error = sealed_pkcs1(key, (bytes){trailer + SEALED, SEALED}, NONCE, arena, &nonce, why);
    if (error)
        return error;
    if (secret.len != KEY || nonce.len != NONCE)
        return fail(why, EBADMSG, "a key of %zu and a nonce of %zu bytes instead of 32 and 8",
                    secret.len, nonce.len);
    ret->size = source->size - TRAILER;
    if (load_le64(trailer + 0x200) != ret->size)
        return fail(why, EBADMSG, "it says that it was of %llu bytes, but is of %llu",
                    (unsigned long long)load_le64(trailer + 0x200),
                    (unsigned long long)ret->size);
    struct recipe_stream stream = {
        .cipher = RECIPE_SALSA, .rounds = 20, .key = secret, .iv = nonce};
    int number = compose_stream(ret, arena, &stream, why);
    return number < 0 ? number : parts(ret, arena, load_le64(trailer + 0x208), number, why);
}

const struct format format_gandcrab = {
    .family = "gandcrab",
    .title = "GandCrab 5.2",
    .facts = "Azha0, GandCrab_Decryptor",
    .keys = 1 << KEY_RSA,
    .recognise = gandcrab_recognise,
    .open = gandcrab_open,
};

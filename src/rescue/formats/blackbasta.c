/* Black Basta, strain of about April 2023; n is the size of the plain file, behind which 314
 * bytes are, the 23rd from the end 06, the last 12 a text and a zero:
 *
 *     n < 5000      [0, n rounded down to 64)
 *     n <= 1 GiB    64 bytes at 0, 192, 384, ...
 *     n > 1 GiB     [0, 5000), then 64 bytes at 5000, 11400, 17800, ...; whole ones only
 *
 * Each 64 bytes are XORed with the same 64 bytes: that is the key, found by what the rest of
 * the file tells (seed/blackbasta.c). Of the first 5000 bytes of a file above 1 GiB, the 64
 * bytes are not the key. Facts: SRLabs, black-basta-buster. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"

#include <errno.h>
#include <string.h>

enum { KEY = 64, TRAILER = 314, SMALL = 5000 };

static const uint64_t LARGE = 1 << 30;

/* What the end says: 0 nothing, 1 perhaps, 2 surely. */
static int trailer(const struct source *source)
{
    uint8_t end[23];
    if (source->size < TRAILER || source_tail(source, end, sizeof end, NULL) || end[0] != 6 ||
        end[22] != 0)
        return 0;
    bool letters = true;
    for (unsigned i = 11; i < 22; i++) {
        if (end[i] < 0x21 || end[i] > 0x7e)
            return 0;
        letters &= ascii_alnum(end[i]);
    }
    return letters ? 2 : 1;
}

static int blackbasta_recognise(const struct source *source, struct recognition *ret,
                                struct why *why)
{
    (void)why;
    int says = trailer(source);
    if (!says)
        return 0;
    ret->fit = says == 2 ? FIT_IS : FIT_CAN_BE;
    ret->variant = "2023";
    ret->plain = source->size - TRAILER;
    ret->partial = ret->plain >= SMALL;
    fail(&ret->reason, 1, "version 6 and a text of 11 characters at the end of its trailer");
    return 0;
}

static int blackbasta_open(const struct source *source, const struct key *key,
                           struct arena *arena, struct recipe *ret, struct why *why)
{
    bytes secret;
    if (!compose_secret(key, KEY, &secret))
        return fail(why, EKEYREJECTED, "a key of Black Basta is its 64 bytes of keystream");
    if (!trailer(source))
        return fail(why, EBADMSG, "no trailer of Black Basta at the file's end");
    uint64_t n = source->size - TRAILER;
    ret->size = n;
    struct recipe_stream stream = {.cipher = RECIPE_XOR, .key = secret};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    struct recipe_piece piece = {
        .length = KEY, .step = 192, .stream = number, .start = RECIPE_RESTART};
    if (n < SMALL) {
        piece.length = n & ~UINT64_C(63);
    } else if (n <= LARGE) {
        piece.count = (n - KEY) / piece.step + 1;
    } else {
        piece.at = piece.from = SMALL;
        piece.step = 6400;
        piece.count = (n - SMALL - KEY) / piece.step + 1;
        ret->lost = SMALL;
    }
    int error = compose_piece(ret, arena, &piece, why);
    if (error || n > LARGE) {
        ret->guess = !key->only; /* a search has looked at all of the file */
        return error;
    }
    return compose_try(ret, source, arena, why);
}

const struct format format_blackbasta = {
    .family = "blackbasta",
    .title = "Black Basta (2023)",
    .facts = "SRLabs, black-basta-buster",
    .keys = 1 << KEY_BYTES | 1 << KEY_STREAM,
    .recognise = blackbasta_recognise,
    .open = blackbasta_open,
};

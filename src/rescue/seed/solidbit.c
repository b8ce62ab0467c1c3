/* SolidBit: sixteen characters drawn by .NET's Random are the key and the IV of AES-128-CBC.
 * The draws are made for sixteen seeds at once, AES for one after the other by libcrypto. */
#include "crypt/generator.h"
#include "rescue/formats/families.h"
#include "rescue/known.h"
#include "rescue/seed/dotnet.h"
#include "rescue/seed/hunt.h"
#include "rescue/seed/method.h"
#include "shim/cipher.h"

#include <errno.h>
#include <string.h>

enum { BLOCK = 16, SEALED = 344, CHUNK = 1 << 16 };

struct lookout {
    struct known_quick quick;
    struct dotnet_forms forms;
    uint32_t steps[DOTNET_DRAWS + 2];
    uint8_t head[KNOWN_HEAD];
    uint8_t letter[CHAOS_LETTERS];
    size_t len; /* whole blocks */
    uint64_t size;
};

static unsigned weigh(const struct lookout *lookout, const uint8_t key[BLOCK])
{
    uint8_t iv[BLOCK], plain[KNOWN_HEAD];
    memcpy(iv, key, BLOCK);
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){key, BLOCK}, iv,
                    (bytes){lookout->head, BLOCK}, plain) ||
        !known_quick_pass(&lookout->quick, load_le32(plain), load_le32(plain + 4)))
        return 0;
    memcpy(iv, key, BLOCK);
    if (!cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, (bytes){key, BLOCK}, iv,
                    (bytes){lookout->head, lookout->len}, plain))
        return 0;
    return known_bits((bytes){plain, lookout->len}, UINT64_MAX);
}

static void hunt_seeds(const void *state, uint64_t from, uint64_t to, struct hunt_best *best)
{
    const struct lookout *lookout = state;
    struct dotnet_lanes lanes;
    dotnet_lanes_start(&lanes, &lookout->forms, (uint32_t)from);
    for (uint64_t at = from; at < to; at += DOTNET_LANES) {
        uint8_t key[DOTNET_LANES][BLOCK];
        dotnet_wide first, second, zero = {0};
        dotnet_overflows(&lanes, &first, &second);
        for (unsigned i = 0; i < BLOCK; i++) {
            dotnet_wide n = dotnet_draw(&lanes, &lookout->forms.draw[i], i, first, second);
            dotnet_wide letter = dotnet_range(n, CHAOS_LETTERS);
            zero |= (dotnet_wide)(n == 0);
            for (unsigned lane = 0; lane < DOTNET_LANES; lane++)
                key[lane][i] = lookout->letter[letter[lane]];
        }
        for (unsigned lane = 0; lane < DOTNET_LANES && at + lane < to; lane++) {
            if (zero[lane])
                chaos_text((uint32_t)(at + lane), key[lane], BLOCK);
            hunt_keep(best, weigh(lookout, key[lane]), at + lane, 0);
        }
        dotnet_lanes_next(&lanes, lookout->steps);
    }
}

static bool finds_itself(const struct lookout *real, struct lookout *copy)
{
    uint8_t plain[2 * BLOCK] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", key[BLOCK], iv[BLOCK];
    struct hunt_best best = {0};
    *copy = *real;
    copy->len = sizeof plain;
    chaos_text(1234567891, key, BLOCK);
    memcpy(iv, key, BLOCK);
    if (!cipher_aes(CIPHER_CBC, CIPHER_ENCRYPT, (bytes){key, BLOCK}, iv,
                    (bytes){plain, sizeof plain}, copy->head))
        return false;
    hunt_seeds(copy, 1234567800, 1234567900, &best);
    return best.bits > 100 && best.position == 1234567891;
}

static int begin(const struct seed_case *what, struct lookout *ret, struct why *why)
{
    if (what->source->size < SEALED + BLOCK)
        return fail(why, EBADMSG, "too small for data and a sealed key");
    ret->size = what->source->size - SEALED;
    ret->len = ret->size < KNOWN_HEAD ? (size_t)ret->size & ~(size_t)15 : KNOWN_HEAD;
    known_quick_make(&ret->quick);
    dotnet_forms_make(&ret->forms);
    dotnet_steps(&ret->forms, ret->steps);
    chaos_letters(ret->letter);
    return source_read(what->source, 0, ret->head, ret->len, why);
}

static int solidbit_find(const struct seed_case *what, struct arena *arena, struct key *ret,
                         struct why *why)
{
    struct lookout *lookout = PUSH_ARRAY(arena, struct lookout, 2);
    if (!lookout)
        return fail(why, ENOMEM, "no memory for a search");
    int error = begin(what, lookout, why);
    if (error)
        return error;
    if (!finds_itself(lookout, lookout + 1))
        return fail(why, ENOTRECOVERABLE, "the search does not find what it hid for itself");
    struct hunt hunt = {.what = what, .chunk = CHUNK, .try = hunt_seeds, .state = lookout};
    return hunt_dotnet(&hunt, arena, ret, why);
}

const struct seed_method seed_solidbit = {
    .family = "solidbit",
    .describe = "all 2147483648 seeds of .NET's Random",
    .total = hunt_dotnet_total,
    .find = solidbit_find,
};

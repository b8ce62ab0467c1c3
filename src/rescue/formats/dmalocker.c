/* DMA Locker 1 and 2.
 *
 *     0     8  "!DMALOCK"; "!DMALOCK3.0" and later seal in ways that are not known here
 *     8   128  the key, sealed
 *     136  ..  AES-256-ECB: at most 1,000,000,000 bytes, in 45 parts of the same length and
 * what is left of that; of each part the bytes behind its last whole block are plain
 *
 * The key is 32 characters of Microsoft C's rand, seeded with the time in seconds: digits and
 * letters in version 1, any byte but 0 and 255 in version 2. One stream for all files.
 * Facts: hasherezade, dma_unlocker. */
#include "crypt/generator.h"
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"

#include <errno.h>
#include <string.h>

enum { HEADER = 136, KEY = 32, PARTS = 45 };

static const uint64_t MOST = 1000000000;

static uint8_t letter(uint32_t *state)
{
    uint32_t which = generator_msvc_next(state) % 100;
    uint32_t n = generator_msvc_next(state);
    return (uint8_t)(which < 24 ? 'a' + n % 25 : which < 50 ? '0' + n % 10 : 'A' + n % 25);
}

void dmalocker_next(unsigned version, uint32_t *state, uint8_t ret[32])
{
    for (unsigned i = 0; i < KEY; i++)
        ret[i] = version == 1 ? letter(state) : (uint8_t)(generator_msvc_next(state) % 254 + 1);
}

static bool header_of(const struct source *source, uint8_t ret[12])
{
    return source->size >= HEADER && !source_read(source, 0, ret, 12, NULL) &&
           !memcmp(ret, "!DMALOCK", 8);
}

static bool later(const uint8_t *header)
{
    return header[8] >= '3' && header[8] <= '9' && header[9] == '.';
}

static int dmalocker_recognise(const struct source *source, struct recognition *ret,
                               struct why *why)
{
    (void)why;
    uint8_t header[12];
    if (!header_of(source, header))
        return 0;
    ret->fit = FIT_IS;
    ret->variant = later(header) ? "3 or later" : "1 or 2";
    ret->plain = later(header) ? UINT64_MAX : source->size - HEADER;
    fail(&ret->reason, 1, "'!DMALOCK' at its start");
    return 0;
}

static int dmalocker_open(const struct source *source, const struct key *key,
                          struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t header[12];
    bytes secret;
    if (!header_of(source, header))
        return fail(why, EBADMSG, "no mark of DMA Locker at the file's start");
    if (later(header))
        return fail(why, ENOTSUP, "the format of DMA Locker 3 and later is not known");
    if (!compose_secret(key, KEY, &secret))
        return fail(why, EKEYREJECTED, "a key of DMA Locker is of 32 bytes");
    ret->size = source->size - HEADER;
    uint64_t coded = ret->size < MOST ? ret->size : MOST;
    uint64_t part = coded / PARTS, rest = coded - part * PARTS;
    struct recipe_stream stream = {.cipher = RECIPE_AES_ECB, .key = secret};
    int number = compose_stream(ret, arena, &stream, why);
    if (number < 0)
        return number;
    struct recipe_piece pieces[] = {
        {.from = HEADER, .length = ret->size, .stream = RECIPE_COPY},
        {.from = HEADER, .length = part, .count = PARTS, .step = part, .stream = number},
        {.at = part * PARTS, .from = HEADER + part * PARTS, .length = rest, .stream = number},
    };
    for (size_t i = 0; i < COUNT(pieces); i++) {
        int error = compose_piece(ret, arena, &pieces[i], why);
        if (error)
            return error;
    }
    return compose_try(ret, source, arena, why);
}

const struct format format_dmalocker = {
    .family = "dmalocker",
    .title = "DMA Locker 1 and 2",
    .facts = "hasherezade, dma_unlocker",
    .keys = 1 << KEY_BYTES | 1 << KEY_TEXT,
    .recognise = dmalocker_recognise,
    .open = dmalocker_open,
};

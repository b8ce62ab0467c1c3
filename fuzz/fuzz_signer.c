/* Target: signed programs and catalogues. The first certificate that is found in the input is
 * trusted, and blocked. Property: what is asked again is answered alike, and the arena is given
 * back. */
#include "signer/certificate.h"
#include "signer/signer.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY ((size_t)16 << 20)
#define STEPS  4000000

/* False: there is none. */
static bool find_certificate(bytes file, struct certificate *ret)
{
    for (size_t i = 0; i + 4 < file.len && i < 8192; i++) {
        struct der from = {file, i, (uint32_t)(file.len - i)};
        if (file.at[i] == DER_LIST && certificate_read(&from, ret) == CERTIFICATE_READ)
            return true;
    }
    return false;
}

static void ask(const struct ruleset *set, bytes file, struct arena *arena)
{
    static struct signer_verdict verdicts[2];
    for (int i = 0; i < 2; i++) {
        struct budget budget = {.steps = STEPS};
        memset(&verdicts[i], 0, sizeof verdicts[i]);
        signer_check(set, file, 1800000000, arena, &budget, &verdicts[i]);
        if (arena_used(arena))
            abort();
    }
    if (verdicts[0].trusted != verdicts[1].trusted ||
        verdicts[0].blocked_count != verdicts[1].blocked_count)
        abort();
    struct budget budget = {.steps = STEPS};
    struct signer_list list;
    uint32_t sum = 0;
    if (signer_catalogue(set, file, 1800000000, arena, &budget, &list))
        for (uint32_t i = 0; i < list.entry_count; i++)
            sum += list.entries[i].digest.at[list.entries[i].digest.len - 1];
    if (sum > 255 * list.entry_count)
        abort();
    for (uint32_t i = 0; i < list.vouched_count; i++)
        if (list.vouched[i].row.flags & SIGNER_BLOCKED || !list.vouched[i].key.len)
            abort();
    arena_reset(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const bytes file = {data, size};
    struct arena *arena = arena_new(MEMORY);
    struct certificate found;
    struct ruleset_signer rows[2] = {
        {.flags = SIGNER_CODE | SIGNER_TIMES | SIGNER_CERTIFICATES | SIGNER_ANY_SERIAL}};
    struct ruleset set = {.texts = file, .signers = rows};
    struct ruleset_catalogued listed = {CATALOGUE_PROGRAM, 20, {0}};
    if (!arena)
        abort();
    if (find_certificate(file, &found)) {
        memcpy(rows[0].subject, found.subject, sizeof rows[0].subject);
        rows[0].key = (uint32_t)(found.modulus.at - data);
        rows[0].key_length = (uint32_t)found.modulus.len;
        rows[0].exponent = (uint32_t)(found.exponent.at - data);
        rows[0].exponent_length = (uint32_t)found.exponent.len;
        rows[0].not_after = INT64_MAX;
        rows[1] = rows[0];
        rows[1].flags = SIGNER_BLOCKED | SIGNER_ANY_SERIAL;
        set.signer_count = 2;
    }
    set.catalogue = &listed;
    set.catalogue_count = size % 2;
    ask(&set, file, arena);
    arena_free(arena);
    return 0;
}

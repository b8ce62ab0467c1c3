/* Files as ransomware leaves them: recognised by every family, opened with keys of every kind,
 * those of the tests among them, and what comes out is taken, in part. */
#include "rescue/format.h"
#include "shim/crypto.h"

#include <stdlib.h>
#include <string.h>

/* Keys of the seeds: numbers that look like chance, as tests/unit/rescue/writing.h makes them.
 */
static void noise(uint8_t *ret, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        ret[i] = (uint8_t)(seed >> 56);
    }
}

static int count(void *context, bytes part)
{
    size_t *left = context;
    if (part.len > *left)
        return -1;
    *left -= part.len;
    return 0;
}

static void open_with(const struct format *format, const struct source *source,
                      const struct key *key)
{
    struct arena *arena = arena_new(64 << 20);
    struct recipe recipe = {0};
    struct why why;
    size_t left = 4 << 20;
    int error = format->open(source, key, arena, &recipe, &why);
    if (!error)
        error = recipe_apply(&recipe, source, 0, count, &left, &why);
    (void)error;
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char words[] = "89a1b2c3-0011-4222-8333-445566778899";
    static uint8_t secret[8][32], number[64];
    static struct key beside[] = {{.kind = KEY_BYTES, .secret = {secret[0], 16}},
                                  {.kind = KEY_CURVE25519, .secret = {secret[0], 32}}};
    static const struct keyring ring = {.key = {.at = beside, .n = COUNT(beside)}};
    static bool ready;
    struct source source = source_of_bytes((bytes){data, size}, bytes_of("a.txt.[m@m].x"));
    if (!ready) {
        crypto_warm();
        memset(number, 0xd7, sizeof number);
        for (size_t i = 0; i < COUNT(secret); i++)
            noise(secret[i], sizeof secret[i], i);
        ready = true;
    }
    for (const struct format *const *format = formats; *format; format++) {
        struct recognition fit = {.plain = UINT64_MAX};
        struct why why;
        if ((*format)->recognise(&source, &fit, &why) || fit.fit == FIT_NO)
            continue;
        for (size_t i = 0; i < COUNT(secret); i++)
            for (unsigned kind = 0; kind <= KEY_SEED; kind++) {
                struct key key = {.kind = (enum key_kind)kind,
                                  .seed = i,
                                  .secret = {secret[i], kind == KEY_SECP192K1 ? 24 : 32}};
                if (kind == KEY_TEXT)
                    key.secret = i ? bytes_of("7b87952a42d79d02") : bytes_of(words);
                key.ring = &ring;
                key.rsa = (struct privatekey){.n = {number, 64}, .d = {number, 32}};
                if ((*format)->keys & 1U << kind && (i < 2 || kind == KEY_CURVE25519))
                    open_with(*format, &source, &key);
            }
    }
    return 0;
}

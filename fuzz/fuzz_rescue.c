/* Encrypted files: every format looks at them and opens them with a key of each kind. The
 * private exponents are 1, so that what is "sealed" is what the file says. What is recognised
 * and opened is the same twice, what comes out is no larger than the file but for a little, and
 * the same from its middle on. */
#include "rescue/format.h"
#include "shim/crypto.h"

#include <stdlib.h>
#include <string.h>

enum { OUTPUT = 1 << 20, ARENA = 32 << 20, GROWTH = 1 << 20 };

struct output {
    uint64_t size, hash, skip; /* of the bytes behind `skip` */
};

static int add(void *context, bytes part)
{
    struct output *output = context;
    for (size_t i = 0; i < part.len; i++)
        if (output->size++ >= output->skip)
            output->hash = output->hash * 31 + part.at[i] + 1;
    return output->size > OUTPUT ? -1 : 0;
}

static void must(bool good)
{
    if (!good)
        abort();
}

static void carry_out(const struct recipe *recipe, const struct source *source)
{
    must(recipe->size <= source->size + GROWTH);
    struct output all = {.skip = recipe->size / 2}, half = {0};
    int error = recipe_apply(recipe, source, 0, add, &all, NULL);
    if (error || recipe->size > OUTPUT)
        return;
    must(all.size == recipe->size);
    must(!recipe_apply(recipe, source, recipe->size / 2, add, &half, NULL));
    must(half.hash == all.hash && half.size == recipe->size - recipe->size / 2);
}

static void try(const struct format *format, const struct source *source, const struct key *key)
{
    int error[2] = {0};
    uint64_t size[2] = {0};
    for (int i = 0; i < 2; i++) {
        struct arena *arena = arena_new(ARENA);
        struct recipe recipe = {0};
        error[i] = format->open(source, key, arena, &recipe, NULL);
        size[i] = error[i] ? 0 : recipe.size;
        if (!error[i] && i)
            carry_out(&recipe, source);
        arena_free(arena);
    }
    must(error[0] == error[1] && size[0] == size[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t modulus[1024];
    static const uint8_t one[1] = {1}, secret[32] = {8};
    static const uint16_t sizes[] = {128, 256, 512, 640, 1024};
    struct key keys[COUNT(sizes) + 6] = {0};
    size_t n = 0;
    crypto_warm();
    memset(modulus, 0xff, sizeof modulus);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        keys[n].kind = KEY_RSA;
        keys[n].rsa.n = (bytes){modulus, sizes[i]};
        keys[n].rsa.e = keys[n].rsa.d = (bytes){one, 1};
        n++;
    }
    keys[n++] = (struct key){.kind = KEY_CURVE25519, .secret = {secret, 32}};
    keys[n++] = (struct key){.kind = KEY_BYTES, .secret = {secret, 32}};
    keys[n++] = (struct key){.kind = KEY_BYTES, .secret = {secret, 16}};
    keys[n++] = (struct key){.kind = KEY_TEXT, .secret = bytes_of("t1=1 t2=2 t3=3 t4=4")};
    keys[n++] = (struct key){.kind = KEY_STREAM, .secret = {secret, 32}};
    keys[n++] = (struct key){.kind = KEY_SEED, .seed = 5};

    /* Each came with all the others. */
    const struct keyring ring = {.key = {.at = keys, .n = (uint32_t)n}};
    for (size_t i = 0; i < n; i++)
        keys[i].ring = &ring;

    struct source source = source_of_bytes((bytes){data, size}, bytes_of("a.v2"));
    for (const struct format *const *format = formats; *format; format++) {
        struct recognition fit = {.plain = UINT64_MAX}, again = {.plain = UINT64_MAX};
        must((*format)->recognise(&source, &fit, NULL) ==
             (*format)->recognise(&source, &again, NULL));
        must(fit.fit == again.fit && fit.plain == again.plain);
        for (size_t i = 0; i < n; i++)
            if ((*format)->keys >> keys[i].kind & 1)
                try(*format, &source, &keys[i]);
    }
    return 0;
}

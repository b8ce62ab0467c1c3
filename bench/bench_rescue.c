/* bench_rescue — GB a CPU second that recipe_apply decrypts, cipher by cipher, in memory.
 *
 * usage: bench_rescue        (beside it: openssl speed -evp aes-256-cbc -decrypt) */
#include "rescue/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SIZE = 256 << 20 };

static int drop(void *context, bytes part)
{
    *(uint64_t *)context += part.at[0];
    return 0;
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(void)
{
    static const uint8_t key[32];

    static const struct {
        const char *name;
        enum recipe_cipher cipher;
        unsigned rounds;
        size_t key, iv;
    } rows[] = {
        {"copy", RECIPE_XOR, 0, 1, 0},
        {"AES-256-CBC", RECIPE_AES_CBC, 0, 32, 16},
        {"AES-256-CTR", RECIPE_AES_CTR, 0, 32, 16},
        {"AES-256-CFB", RECIPE_AES_CFB, 0, 32, 16},
        {"ChaCha8", RECIPE_CHACHA, 8, 32, 8},
        {"ChaCha20", RECIPE_CHACHA, 20, 32, 8},
        {"Salsa20", RECIPE_SALSA, 20, 32, 8},
        {"Sosemanuk", RECIPE_SOSEMANUK, 0, 32, 16},
        {"KCipher2", RECIPE_KCIPHER2, 0, 16, 16},
        {"HC-128", RECIPE_HC128, 0, 16, 16},
    };

    uint8_t *file = calloc(1, SIZE);
    if (!file)
        return 1;
    for (size_t i = 0; i < SIZE; i += 4096)
        file[i] = 1;
    struct source source = source_of_bytes((bytes){file, SIZE}, bytes_of("a"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct recipe_stream stream = {.cipher = rows[i].cipher,
                                       .rounds = rows[i].rounds,
                                       .key = {key, rows[i].key},
                                       .iv = {key, rows[i].iv}};
        struct recipe_piece piece = {.length = SIZE, .stream = i ? 0 : RECIPE_COPY};
        struct recipe recipe = {
            .size = SIZE, .stream = {&stream, 1, 1}, .piece = {&piece, 1, 1}};
        uint64_t sum = 0;
        double begin = cpu_seconds();
        if (recipe_apply(&recipe, &source, 0, drop, &sum, NULL))
            return 1;
        printf("%-12s %6.2f GB/s\n", rows[i].name, SIZE / (cpu_seconds() - begin) / 1e9);
    }
    free(file);
    return 0;
}

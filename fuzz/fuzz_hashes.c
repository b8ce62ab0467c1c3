/* Tables of hash signatures, damaged: looking up never crashes, and what it says is either what
 * the undamaged table says or that something is damaged.
 *
 * An input is a list of changes to a table made here, five bytes each: place (u32, little
 * endian), mask; an input whose first byte is 0xff is a table as it is. */
#include "match/hashes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIGNATURES = 300, FOUND = 4, CHANGE = 5 };

static struct arena *arena;
static bytes table;
static uint8_t values[SIGNATURES][32];
static char names[SIGNATURES][32];

static uint32_t size_of(uint32_t i)
{
    return i % 17 == 0 ? (uint32_t)HASH_ANY_SIZE : i % 7 == 0 ? 9000000 + i : 40 + i * 77;
}

static struct hash_signature signature(uint32_t i)
{
    struct hash_signature one = {.scope = (enum hash_scope)(i % 9 % HASH_SCOPES),
                                 .digest = (enum hash_digest)(i % 11 % HASH_DIGESTS)};
    one.size = size_of(i);
    one.value = values[i];
    one.name = bytes_of(names[i]);
    one.official = i % 3 == 0;
    one.source = i / 200;
    one.line = i;
    return one;
}

static void make_table(void)
{
    arena = arena_new((size_t)64 << 20);
    struct hashes_build *build = hashes_new(arena);
    hashes_source(build, bytes_of("main.hdb"));
    hashes_source(build, bytes_of("own.mdb"));
    for (uint32_t i = 0; i < SIGNATURES; i++) {
        for (uint32_t k = 0; k < 32; k++)
            values[i][k] =
                (uint8_t)(hash64((bytes){(const uint8_t *)&i, 4}, k / 4) >> 8 * (k % 4));
        switch (i % 3) {
        case 0:
            snprintf(names[i], sizeof names[i], "Win.Trojan.A-%u", i);
            break;
        case 1:
            snprintf(names[i], sizeof names[i], "Doc.B-%u-0", i);
            break;
        default:
            snprintf(names[i], sizeof names[i], "Plain%u.x", i);
        }
        struct hash_signature one = signature(i);
        if (!hashes_add(build, &one))
            abort();
    }
    if (hashes_seal(build, arena, &table, NULL) < 0)
        abort();
}

/* All is asked; `honest` when what is found must be right. */
static void ask(const struct hashes *hashes, bool honest)
{
    for (uint32_t i = 0; i < SIGNATURES; i++) {
        struct hash_signature one = signature(i);
        uint64_t size = one.size == HASH_ANY_SIZE ? 5 : one.size;
        uint32_t found[FOUND], n;
        struct hash_label label;
        hashes_wants(hashes, one.scope, one.digest, size);
        if (hashes_find(hashes, one.scope, one.digest, size, one.value, found, FOUND, &n) < 0) {
            if (n)
                abort();
            continue;
        }
        if (honest && (n != 1 || found[0] != i))
            abort();
        for (uint32_t k = 0; k < n; k++)
            if (hashes_label(hashes, found[k], &label) == 0 && honest &&
                (strncmp(label.name, names[i], strlen(names[i])) != 0 || label.line != i))
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hashes hashes;
    if (!table.at)
        make_table();
    bool is_whole = size && data[0] == 0xff;
    size_t length = is_whole ? size - 1 : table.len;
    uint8_t *copy = aligned_alloc(64, (length + 63) / 64 * 64 + 64);
    if (!copy)
        return 0;
    memcpy(copy, is_whole ? data + 1 : table.at, length);
    for (size_t i = 0; !is_whole && i + CHANGE <= size; i += CHANGE)
        copy[load_le32(data + i) % length] ^= data[i + 4];
    if (hashes_open((bytes){copy, length}, &hashes, NULL) == 0)
        ask(&hashes, !is_whole);
    free(copy);
    return 0;
}

#include "rescue/zip/attack.h"

#include "rescue/zip/core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    Z_MIDDLES = 1 << 14, /* values of Z's bits 2 to 15, of which 64 give a byte of the stream */
    Z_HIGHS = 64,        /* of bits 10 to 15 */
    Z_UPPER = 1 << 22,   /* of bits 10 to 31 */
    LAST = ATTACK_ROW - 1,
};

/* The values of bits 2 to 15 of Z that give a byte of the stream, sorted: those with given bits
 * 10 to 15 stand together, from start[byte][high] to start[byte][high + 1]. */
struct middles {
    uint16_t value[256][64];
    uint8_t start[256][Z_HIGHS + 1];
};

static void middles_fill(struct middles *ret)
{
    uint8_t n[256] = {0};
    for (uint32_t z = 0; z < Z_MIDDLES; z++) {
        uint8_t byte = zipcrypto_stream(z << 2);
        if (z % 256 == 0)
            for (unsigned k = 0; k < 256; k++)
                ret->start[k][z / 256] = n[k];
        ret->value[byte][n[byte]++] = (uint16_t)(z << 2);
    }
    for (unsigned k = 0; k < 256; k++)
        ret->start[k][Z_HIGHS] = n[k];
}

/* --- the known bytes --- */

static int by_place(const void *a, const void *b)
{
    const struct attack_known *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The longest row of known bytes: where it begins in `known`, and its length. */
static size_t longest_row(const struct attack_known *known, size_t count, size_t *ret_len)
{
    size_t best = 0;
    *ret_len = 0;
    for (size_t i = 0, from = 0; i < count; i++) {
        if (i && known[i].at != known[i - 1].at + 1)
            from = i;
        if (i - from + 1 > *ret_len) {
            *ret_len = i - from + 1;
            best = from;
        }
    }
    return best;
}

static int check_known(bytes encrypted, struct attack_known *known, size_t count,
                       struct why *why)
{
    if (count)
        qsort(known, count, sizeof *known, by_place);
    for (size_t i = 0; i < count; i++) {
        if (known[i].at >= encrypted.len)
            return fail(why, EINVAL, "known byte %zu lies behind the encrypted data", i);
        if (i && known[i].at == known[i - 1].at)
            return fail(why, EINVAL, "two known bytes for one place");
    }
    if (count < ATTACK_KNOWN)
        return fail(why, EINVAL, "%zu bytes are known: %d are needed", count, ATTACK_KNOWN);
    return 0;
}

/* --- the values of Z --- */

struct values {
    uint32_t *at;
    uint32_t n;
};

static uint8_t stream_at(bytes encrypted, const struct attack_known *known)
{
    return encrypted.at[known->at] ^ known->plain;
}

static struct values first_values(const struct middles *middles, uint8_t byte, uint32_t *room)
{
    struct values ret = {room, 0};
    for (uint32_t high = 0; high < 1u << 16; high++)
        for (unsigned i = 0; i < 64; i++)
            ret.at[ret.n++] = high << 16 | middles->value[byte][i];
    return ret;
}

/* From the values of Z to those before the byte that came before: `byte` of the stream. */
static struct values values_before(const struct middles *middles, struct values z, uint8_t byte,
                                   uint64_t *seen, uint32_t *room)
{
    struct values ret = {room, 0};
    memset(seen, 0, Z_UPPER / 8);
    for (uint32_t i = 0; i < z.n; i++) {
        uint32_t upper = zipcrypto_uncrc(z.at[i], 0) >> 10;
        seen[upper / 64] |= 1ull << upper % 64;
    }
    for (uint32_t word = 0; word < Z_UPPER / 64; word++)
        for (uint64_t bits = seen[word]; bits; bits &= bits - 1) {
            uint32_t upper = word * 64 + (uint32_t)__builtin_ctzll(bits),
                     high = upper % Z_HIGHS;
            for (unsigned k = middles->start[byte][high]; k < middles->start[byte][high + 1];
                 k++)
                ret.at[ret.n++] = upper >> 6 << 16 | middles->value[byte][k];
        }
    return ret;
}

static int find_values(struct attack *attack, const struct attack_known *row, size_t len,
                       struct arena *arena, struct why *why)
{
    uint32_t *best = arena_push_raw(arena, sizeof(uint32_t) << 22);
    struct arena_mark mark = arena_mark(arena);
    uint32_t *room[2] = {arena_push_raw(arena, sizeof(uint32_t) << 22),
                         arena_push_raw(arena, sizeof(uint32_t) << 22)};
    uint64_t *seen = PUSH_ARRAY(arena, uint64_t, Z_UPPER / 64);
    struct middles *middles = PUSH(arena, struct middles);
    if (!best || !room[0] || !room[1] || !seen || !middles)
        return fail(why, ENOMEM, "no memory for the values of Z");

    middles_fill(middles);
    size_t at = len - 1;
    struct values z = first_values(middles, stream_at(attack->encrypted, &row[at]), room[0]);
    attack->values = UINT32_MAX;
    for (unsigned turn = 1;; turn ^= 1) {
        if (z.n < attack->values) {
            memcpy(best, z.at, sizeof(uint32_t) * z.n);
            attack->values = z.n;
            attack->row = row[at].at - LAST;
        }
        if (at == LAST)
            break;
        at--;
        z = values_before(middles, z, stream_at(attack->encrypted, &row[at]), seen, room[turn]);
    }
    arena_pop(arena, mark);
    attack->z = best;
    return 0;
}

int attack_begin(bytes encrypted, struct attack_known *known, size_t count, struct arena *arena,
                 struct attack *ret, struct why *why)
{
    int error = check_known(encrypted, known, count, why);
    if (error)
        return error;
    size_t len, from = longest_row(known, count, &len);
    if (len < ATTACK_ROW)
        return fail(why, EINVAL, "%zu known bytes stand in a row: %d are needed", len,
                    ATTACK_ROW);
    if (len > ATTACK_MOST)
        len = ATTACK_MOST;

    *ret = (struct attack){.encrypted = encrypted, .known = known, .count = count};
    ret->core = PUSH(arena, struct attack_core);
    if (!ret->core)
        return fail(why, ENOMEM, "no memory for the values of Z");
    error = find_values(ret, known + from, len, arena, why);
    if (error)
        return error;
    uint8_t plain[ATTACK_ROW];
    for (size_t i = 0; i < ATTACK_ROW; i++)
        plain[i] = known[from + (ret->row - known[from].at) + i].plain;
    core_prepare(ret->core, plain);
    return 0;
}

/* --- keys --- */

/* Whether the keys before byte `at` give the known bytes from there on. */
static bool fits_on(bytes encrypted, const struct attack_known *known, size_t count,
                    uint64_t at, struct zip_keys keys)
{
    size_t i = 0;
    while (i < count && known[i].at < at)
        i++;
    for (; i < count; at++) {
        uint8_t plain = encrypted.at[at] ^ zipcrypto_stream(keys.z);
        if (known[i].at == at && known[i++].plain != plain)
            return false;
        zipcrypto_next(&keys, plain);
    }
    return true;
}

/* The keys before the first byte, when those before byte `at` give the known bytes before it.
 */
static bool fits_back(bytes encrypted, const struct attack_known *known, size_t count,
                      uint64_t at, struct zip_keys *keys)
{
    size_t i = count;
    while (i && known[i - 1].at >= at)
        i--;
    while (at--) {
        zipcrypto_back(keys, encrypted.at[at]);
        uint8_t plain = encrypted.at[at] ^ zipcrypto_stream(keys->z);
        if (i && known[i - 1].at == at && known[--i].plain != plain)
            return false;
    }
    return true;
}

bool attack_fits(bytes encrypted, const struct attack_known *known, size_t count,
                 struct zip_keys keys)
{
    return fits_on(encrypted, known, count, 0, keys);
}

/* --- the run --- */

struct run {
    const struct attack *attack;
    core_ways *ways;
    struct middles middles;
    struct core_way way;
    uint8_t stream[ATTACK_ROW], plain[ATTACK_ROW];
    uint32_t z[ATTACK_ROW]; /* Z[1..7] whole, Z[0] without its two lowest bits */
    struct core_list list;
    const volatile bool *stop;
    struct zip_keys found;
};

static bool try_way(struct run *run, uint32_t t, uint32_t packed)
{
    const struct attack *attack = run->attack;
    uint32_t y = t * ZIPCRYPTO_FACTOR + 1;
    for (unsigned i = 4; i--;)
        y = (y + (packed >> 8 * i & 0xff)) * ZIPCRYPTO_FACTOR + 1;
    struct zip_keys keys = {core_x7(run->plain, packed), y, run->z[LAST]};
    uint64_t at = attack->row + LAST;
    if (!fits_on(attack->encrypted, attack->known, attack->count, at, keys) ||
        !fits_back(attack->encrypted, attack->known, attack->count, at, &keys))
        return false;
    run->found = keys;
    return true;
}

static bool try_list(struct run *run)
{
    for (uint32_t from = 0; from < CORE_ROOTS; from += CORE_CHUNK) {
        uint32_t to = CORE_ROOTS - from < CORE_CHUNK ? CORE_ROOTS : from + CORE_CHUNK;
        size_t n = run->ways(run->attack->core, &run->list, from, to, &run->way);
        for (size_t i = 0; i < n; i++)
            if (try_way(run, run->way.t[0][i], run->way.x[0][i]))
                return true;
    }
    return false;
}

/* From Z[i] to what Z[i-1] can have been, down to Z[0]. */
static bool explore(struct run *run, unsigned i)
{
    uint32_t upper = zipcrypto_uncrc(run->z[i] & ~3u, 0);
    uint8_t byte = run->stream[i - 1];
    unsigned high = upper >> 10 & (Z_HIGHS - 1);
    for (unsigned k = run->middles.start[byte][high]; k < run->middles.start[byte][high + 1];
         k++) {
        uint32_t before = (upper & 0xffff0000) | run->middles.value[byte][k];
        run->z[i] = (run->z[i] & ~3u) | ((upper ^ before) >> 8 & 3);
        if (i < LAST)
            run->list.y[i + 1] = (uint8_t)(zipcrypto_uncrc(run->z[i + 1], 0) ^ run->z[i]);
        run->z[i - 1] = before;
        if (i > 1) {
            if (explore(run, i - 1))
                return true;
            continue;
        }
        run->list.back = (uint8_t)zipcrypto_uncrc(run->z[1], 0);
        run->list.z0 = (uint8_t)before;
        if (try_list(run))
            return true;
        if (run->stop && *run->stop)
            return false;
    }
    return false;
}

static void run_begin(struct run *run, const struct attack *attack)
{
    size_t i = 0;
    while (attack->known[i].at != attack->row)
        i++;
    for (unsigned k = 0; k < ATTACK_ROW; k++) {
        run->plain[k] = attack->known[i + k].plain;
        run->stream[k] = stream_at(attack->encrypted, &attack->known[i + k]);
    }
    run->attack = attack;
    middles_fill(&run->middles);
}

bool attack_run(const struct attack *attack, uint32_t from, uint32_t to, enum cpu_level level,
                const volatile bool *stop, struct zip_keys *ret)
{
    struct run run;
    run.ways = level == CPU_AVX512 ? core_avx512 : level == CPU_AVX2 ? core_avx2 : core_scalar;
    run.stop = stop;
    run_begin(&run, attack);
    for (uint32_t i = from; i < to && i < attack->values && !(stop && *stop); i++) {
        run.z[LAST] = attack->z[i];
        if (explore(&run, LAST)) {
            *ret = run.found;
            return true;
        }
    }
    return false;
}

#include "rescue/zip/core.h"

#include "rescue/zip/zipcrypto.h"

/* X[4] from the low bytes of X[4] to X[7]: each step shifts X down by a byte, so that its bytes
 * come into sight one after the other. */
static uint32_t x4_of(const uint8_t *plain, uint32_t packed)
{
    uint32_t x4 = packed >> 24, x5 = packed >> 16 & 0xff, x6 = packed >> 8 & 0xff;
    uint32_t t4 = zipcrypto_crc(x4, plain[4]), t5 = zipcrypto_crc(x5, plain[5]);
    uint32_t t6 = zipcrypto_crc(x6, plain[6]);
    return (x4 | x5 << 8 | x6 << 16 | packed << 24) ^ t4 << 8 ^ t5 << 16 ^ t6 << 24;
}

uint32_t core_x7(const uint8_t *plain, uint32_t packed)
{
    uint32_t x = x4_of(plain, packed);
    for (size_t i = 4; i < 7; i++)
        x = zipcrypto_crc(x, plain[i]);
    return x;
}

/* x[3] and x[2] of four low bytes. */
static uint32_t low_of(const uint8_t *plain, uint32_t packed)
{
    uint32_t x3 = zipcrypto_uncrc(x4_of(plain, packed), plain[3]);
    uint32_t x2 = zipcrypto_uncrc(x3, plain[2]);
    return (x3 & 0xff) | (x2 & 0xff) << 8;
}

/* For each start of a window, what lies in any window that starts there: see core.h. */
static void fill(uint16_t *table, unsigned shift, uint32_t factor)
{
    uint32_t cells = 1u << (32 - shift);
    for (uint32_t cell = 0; cell < cells; cell++) {
        uint32_t start = cell << shift, found[2], none = 0, n = 0;
        for (uint32_t x = 0; x < 256; x++) {
            uint32_t away = x * factor - start;
            if (away <= CORE_WINDOW + (1u << shift) && n < 2)
                found[n++] = x;
            else if (away > 1u << 30 && away < 3u << 30)
                none = x;
        }
        while (n < 2)
            found[n++] = none;
        table[cell] = (uint16_t)(found[0] | found[1] << 8);
    }
}

void core_prepare(struct attack_core *core, const uint8_t *plain)
{
    fill(core->level, CORE_LEVEL_SHIFT, ZIPCRYPTO_INVERSE);
    fill(core->root, CORE_ROOT_SHIFT, ZIPCRYPTO_FACTOR);
    uint32_t base = low_of(plain, 0);
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t x = 0; x < 256; x++)
            core->low[i][x] = low_of(plain, x << 8 * i) ^ (i ? base : 0);
}

/* Values of T[7] for which the high byte of Y[7] is right. */
static size_t roots(const struct attack_core *core, const struct core_list *list, uint32_t from,
                    uint32_t to, uint32_t *t)
{
    size_t n = 0;
    for (uint32_t h = from; h < to; h++) {
        uint32_t base = ((uint32_t)list->y[6] << 24) + (h << 8);
        uint32_t want = ((uint32_t)list->y[7] << 24) - base * ZIPCRYPTO_FACTOR - 1;
        uint32_t found = core->root[want >> CORE_ROOT_SHIFT];
        for (unsigned k = 0; k < 2; k++, found >>= 8) {
            uint32_t low = found & 0xff;
            t[n] = base + low;
            n += low * ZIPCRYPTO_FACTOR - want < 1u << 24;
        }
    }
    return n;
}

static size_t level(const struct attack_core *core, uint8_t y, const uint32_t *t,
                    const uint32_t *x, size_t n, uint32_t *ret_t, uint32_t *ret_x)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t next = (t[i] - 1) * ZIPCRYPTO_INVERSE;
        uint32_t want = next - ((uint32_t)y << 24) - CORE_WINDOW;
        uint32_t found = core->level[want >> CORE_LEVEL_SHIFT];
        for (unsigned k = 0; k < 2; k++, found >>= 8) {
            uint32_t step = (found & 0xff) * ZIPCRYPTO_INVERSE;
            ret_t[kept] = next - step;
            ret_x[kept] = x[i] >> 8 | found << 24;
            kept += step - want <= CORE_WINDOW;
        }
    }
    return kept;
}

static size_t leaves(const struct attack_core *core, const struct core_list *list, size_t n,
                     struct core_way *way)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t t = way->t[0][i], x = way->x[0][i];
        uint32_t low = core->low[0][x & 0xff] ^ core->low[1][x >> 8 & 0xff] ^
                       core->low[2][x >> 16 & 0xff] ^ core->low[3][x >> 24];
        uint32_t y2 = t - (low & 0xff);
        uint32_t y1 = (y2 - 1) * ZIPCRYPTO_INVERSE - (low >> 8);
        way->t[0][kept] = t;
        way->x[0][kept] = x;
        kept += ((y1 >> 24 ^ list->back ^ list->z0) & 0xfc) == 0;
    }
    return kept;
}

size_t core_scalar(const struct attack_core *core, const struct core_list *list, uint32_t from,
                   uint32_t to, struct core_way *way)
{
    size_t n = roots(core, list, from, to, way->t[0]);
    for (size_t i = 0; i < n; i++)
        way->x[0][i] = 0;
    for (unsigned i = 0; i < 4; i++)
        n = level(core, list->y[5 - i], way->t[i & 1], way->x[i & 1], n, way->t[!(i & 1)],
                  way->x[!(i & 1)]);
    return leaves(core, list, n, way);
}

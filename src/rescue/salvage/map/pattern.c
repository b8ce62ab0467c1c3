/* Facts, read in public decryptors and write-ups:
 *   Black Basta   64 bytes of every 192 up to 1 GiB, then 5,000 bytes and 64 of every 6,400;
 *                 up to 4,999 bytes all (srlabs, Black Basta Buster); the second is tried for
 *                 smaller files, too
 *   Akira         over 2,000,000 bytes: below 50 % two runs of a third of the share, a third of
 *                 the rest apart, from 50 % on four of five; smaller: the share at the head; a
 *                 trailer of 534 or 512 bytes (rivitna/Malware, Akira)
 *   Play          over 16,711,680 bytes: blocks of 1 MiB, the first, the last, and every n-th
 *                 between; smaller: from the head on (rivitna/Malware, Play)
 *   Qilin         runs and gaps out of its configuration; a trailer of 550 (rivitna, Qilin)
 *   BlackCat      a head, then runs and gaps (rivitna, BlackCat/ALPHV3)
 *   LockBit 3     a head and runs in units of 128 KiB, gaps by size (rivitna, LockBit3)
 *   Royal         over 5,245,000 bytes: tenths of the file, of each the share given, cut to 16;
 *                 a trailer of 532 or 528. That it takes a share of each file is published
 *                 (https://www.darkreading.com/cyberattacks-data-breaches/royal-ransomware-novel-
 *                 spin-encryption-tactics); the sizes and the tenths are not confirmed
 *   BianLian      runs and gaps of one size: not confirmed
 * Configurable runs are looked for on a grid of the values that configurations have. */
#include "rescue/salvage/map/pattern.h"

enum {
    KIB = 1 << 10,
    MIB = 1 << 20,
    BASTA_SMALL = 5000,
    AKIRA_SPOTS = 2000000,
    PLAY_SMALL = 16711680,
    ROYAL_WHOLE = 5245000,
    LOCKBIT_UNIT = 0x20000,
    CHOICES = 1 << 16, /* of a family: 0 is where its choice does not show */
};

/* The ways, as rules begin. */
enum { BASTA = 1, AKIRA, PLAY, ROYAL, LOCKBIT, RUNS, BLACKCAT, BLACKCAT_LARGE, HEAD };

static uint32_t rule_of(uint32_t way, uint64_t choice)
{
    return way * CHOICES + (uint32_t)choice;
}

bool pattern_alike(uint32_t rule, uint32_t other)
{
    return rule && other && rule / CHOICES == other / CHOICES &&
           (rule == other || rule % CHOICES == 0 || other % CHOICES == 0);
}

struct pattern_walk pattern_walk(const struct pattern *pattern, uint64_t size)
{
    uint64_t end = size - (pattern->trailer < size ? pattern->trailer : size);
    return (struct pattern_walk){pattern, end, pattern->start,
                                 pattern->count ? pattern->count : UINT64_MAX, 0};
}

bool pattern_next(struct pattern_walk *walk, uint64_t *ret_from, uint64_t *ret_to)
{
    const struct pattern *p = walk->pattern;
    if (walk->step == 0) {
        walk->step = 1;
        *ret_from = 0;
        *ret_to = p->head < walk->end ? p->head : walk->end;
        if (*ret_to)
            return true;
    }
    if (walk->step == 1) {
        if (p->run && walk->left && walk->at < walk->end) {
            *ret_from = walk->at;
            *ret_to = walk->end - walk->at < p->run ? walk->end : walk->at + p->run;
            walk->left = p->stride ? walk->left - 1 : 0;
            walk->at = walk->end - walk->at <= p->stride ? walk->end : walk->at + p->stride;
            return true;
        }
        walk->step = 2;
        if (p->tail) {
            *ret_from = walk->end - (p->tail < walk->end ? p->tail : walk->end);
            *ret_to = walk->end;
            return *ret_to > *ret_from;
        }
    }
    return false;
}

typedef void taker(void *to, const struct pattern *pattern);

static void basta(uint64_t size, taker *take, void *to)
{
    struct pattern p = {.family = "Black Basta", .run = 64, .stride = 192, .fixed = true};
    static const uint64_t trailers[] = {0, 133, 150, 314};
    for (size_t i = 0; i < COUNT(trailers); i++) {
        if (trailers[i] >= size)
            continue;
        p.trailer = trailers[i];
        uint64_t n = size - p.trailer, whole = n & ~(uint64_t)63;
        p.head = 0;
        p.start = 0;
        p.stride = 192;
        p.count = whole / 192 + (whole % 192 != 0);
        if (n < BASTA_SMALL) {
            p.head = whole;
            p.start = whole;
            p.count = 1;
        }
        if (n > (uint64_t)1 << 30) {
            p.head = p.start = BASTA_SMALL;
            p.stride = 6400;
            p.count = 0;
        }
        p.rule = rule_of(BASTA, n < BASTA_SMALL ? 0 : p.stride);
        if (p.count || p.head)
            take(to, &p);
        p.head = p.start = BASTA_SMALL;
        p.stride = 6400;
        p.rule = rule_of(BASTA, p.stride);
        p.count = 0;
        if (n > BASTA_SMALL && n <= (uint64_t)1 << 30)
            take(to, &p);
    }
}

static void akira(uint64_t size, taker *take, void *to)
{
    static const uint64_t trailers[] = {534, 512, 0};
    for (size_t i = 0; i < COUNT(trailers); i++) {
        if (trailers[i] >= size)
            continue;
        uint64_t n = size - trailers[i];
        for (uint64_t percent = 1; percent < 100; percent++) {
            struct pattern p = {.family = "Akira",
                                .trailer = trailers[i],
                                .odd = percent % 5 ? 6 : percent != 15,
                                .rule = rule_of(AKIRA, percent)};
            uint64_t share = n / 100 * percent + n % 100 * percent / 100;
            uint64_t parts = percent < 50 ? 3 : 5;
            if (n <= AKIRA_SPOTS) {
                p.head = share;
            } else {
                p.run = share / parts;
                p.count = parts - 1;
                p.stride = (n - p.run * p.count) / parts;
            }
            take(to, &p);
        }
    }
}

static void play(uint64_t size, taker *take, void *to)
{
    static const uint64_t trailers[] = {1064, 0};
    for (size_t i = 0; i < COUNT(trailers); i++) {
        if (trailers[i] >= size)
            continue;
        struct pattern small = {
            .family = "Play", .head = MIB, .trailer = trailers[i], .rule = rule_of(PLAY, 0)};
        if (size - trailers[i] <= PLAY_SMALL) {
            take(to, &small);
            continue;
        }
        for (uint64_t step = 1; step <= 16; step++) {
            struct pattern p = {.family = "Play",
                                .head = MIB,
                                .tail = MIB,
                                .start = step * MIB,
                                .run = MIB,
                                .stride = step * MIB,
                                .trailer = trailers[i],
                                .rule = rule_of(PLAY, step)};
            /* Whole blocks only, and none that reaches into the last. */
            uint64_t blocks = (size - trailers[i] - 2 * MIB) / MIB;
            p.count = blocks / step;
            if (step > 1 && p.count)
                take(to, &p);
        }
    }
}

static void royal(uint64_t size, taker *take, void *to)
{
    static const uint64_t trailers[] = {532, 528, 0};
    for (size_t i = 0; i < COUNT(trailers); i++) {
        if (trailers[i] >= size || size - trailers[i] <= ROYAL_WHOLE)
            continue;
        uint64_t tenth = (size - trailers[i]) / 10;
        for (uint64_t percent = 1; percent < 100; percent++) {
            struct pattern p = {.family = "Royal",
                                .stride = tenth,
                                .count = 10,
                                .run = tenth * percent / 100 & ~(uint64_t)15,
                                .trailer = trailers[i],
                                .odd = percent % 5 ? 6 : 0,
                                .rule = rule_of(ROYAL, percent)};
            take(to, &p);
        }
    }
}

static void lockbit(uint64_t size, taker *take, void *to)
{
    for (uint64_t head = 1; head <= 8; head *= 2)
        for (uint64_t gap = 1; gap <= 64; gap++) {
            struct pattern p = {.family = "LockBit 3",
                                .head = head * LOCKBIT_UNIT,
                                .run = LOCKBIT_UNIT,
                                .stride = (gap + 1) * LOCKBIT_UNIT,
                                .start = (head + gap) * LOCKBIT_UNIT,
                                .rule = rule_of(LOCKBIT, head << 8 | gap)};
            if (p.start < size)
                take(to, &p);
        }
}

/* Runs and gaps of a configuration. */
static void configured(const char *family, uint32_t way, uint64_t size, uint64_t head,
                       uint64_t trailer, taker *take, void *to)
{
    static const uint64_t sizes[] = {
        16,        32,        64,       128,      256,      512,      1 * KIB,
        2 * KIB,   4 * KIB,   8 * KIB,  16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB,
        256 * KIB, 512 * KIB, 1 * MIB,  2 * MIB,  4 * MIB,  5 * MIB,  8 * MIB,
        10 * MIB,  16 * MIB,  25 * MIB, 32 * MIB, 50 * MIB, 64 * MIB, 100 * MIB,
        1000000,   5000000,   10000000, 25000000, 50000000};
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t k = 0; k < COUNT(sizes); k++) {
            struct pattern p = {.family = family,
                                .head = head,
                                .start = head,
                                .run = sizes[i],
                                .stride = sizes[i] + sizes[k],
                                .trailer = trailer,
                                .rule = rule_of(way, i * COUNT(sizes) + k + 1)};
            p.start = head ? head + sizes[k] : 0;
            if (p.start < size && (head || sizes[i] < size) && size / p.stride < 1 << 22)
                take(to, &p);
        }
}

void pattern_known(uint64_t size, void (*take)(void *to, const struct pattern *pattern),
                   void *to)
{
    basta(size, take, to);
    akira(size, take, to);
    play(size, take, to);
    royal(size, take, to);
    lockbit(size, take, to);
    configured("Qilin or BianLian", RUNS, size, 0, size > 550 ? 550 : 0, take, to);
    configured("Qilin or BianLian", RUNS, size, 0, 0, take, to);
    configured("BlackCat", BLACKCAT, size, 1 * MIB, 0, take, to);
    configured("BlackCat", BLACKCAT_LARGE, size, 10 * MIB, 0, take, to);
    for (uint64_t head = 4 * KIB; head < size && head <= 1024 * (uint64_t)MIB; head *= 2) {
        struct pattern p = {.family = NULL,
                            .head = head,
                            .rule = rule_of(HEAD, 64u - (unsigned)__builtin_clzll(head))};
        take(to, &p);
    }
}

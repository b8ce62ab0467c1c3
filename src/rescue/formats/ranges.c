/* Of 32 bytes of noise about 30 differ, 20 or fewer in less than one case of 10^9; of texts,
 * tables and zeros hardly ever more. */
#include "rescue/formats/ranges.h"

#include "rescue/known.h"

enum { INSIDE = 2048, INSIDE_LEAST = 512, OUTSIDE = 32, NOISE_LEAST = 24, PLAIN_MOST = 20 };

static unsigned kinds(const uint8_t *at, size_t len)
{
    uint64_t seen[4] = {0};
    unsigned n = 0;
    for (size_t i = 0; i < len; i++)
        seen[at[i] / 64] |= UINT64_C(1) << at[i] % 64;
    for (size_t i = 0; i < COUNT(seen); i++)
        n += (unsigned)__builtin_popcountll(seen[i]);
    return n;
}

/* Whether it is noise up to both its ends. */
static bool is_noise(const struct source *source, uint64_t at, uint64_t length)
{
    uint8_t part[INSIDE];
    size_t n = length < INSIDE ? (size_t)length : INSIDE;
    return n >= INSIDE_LEAST && !source_read(source, at, part, n, NULL) &&
           known_noise((bytes){part, n}) && kinds(part, OUTSIDE) >= NOISE_LEAST &&
           kinds(part + n - OUTSIDE, OUTSIDE) >= NOISE_LEAST;
}

static bool is_plain(const struct source *source, uint64_t at)
{
    uint8_t part[OUTSIDE];
    return !source_read(source, at, part, OUTSIDE, NULL) && kinds(part, OUTSIDE) <= PLAIN_MOST;
}

/* Outer sides that are no noise: 32 bytes each. */
static int count_plain(const struct source *source, const struct ranges_part *parts,
                       size_t count, uint64_t end)
{
    int plain = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t at = parts[i].at, to = at + parts[i].length;
        if (to < at || to > end)
            return -1;
        plain += at >= OUTSIDE && is_plain(source, at - OUTSIDE);
        plain += to < end && end - to >= OUTSIDE && is_plain(source, to);
    }
    return plain;
}

int ranges_edges(const struct source *source, const struct ranges_part *parts, size_t count,
                 uint64_t end)
{
    uint64_t last = count ? parts[count - 1].at + parts[count - 1].length : 0;
    uint64_t behind = source->size - end;
    int edges = count_plain(source, parts, count, end);
    bool closes = edges >= 0 && last < end && end - last >= OUTSIDE && behind >= INSIDE_LEAST &&
                  is_plain(source, end - OUTSIDE);
    /* What is noise all over is asked no more: that costs a hundred times as much. */
    if (edges < 0 || (!edges && !closes))
        return edges;
    for (size_t i = 0; i < count; i++) {
        uint64_t to = parts[i].at + parts[i].length;
        uint64_t inside = parts[i].length < INSIDE ? parts[i].length : INSIDE;
        if (!is_noise(source, parts[i].at, parts[i].length) ||
            !is_noise(source, to - inside, inside))
            return -1;
    }
    return edges + (closes && is_noise(source, end, behind));
}

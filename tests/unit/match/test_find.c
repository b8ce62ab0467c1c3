/* The finder's variants report the same candidates, and those are what the masks say. */
#include "base/cpu.h"
#include "match/find.h"
#include "tap.h"

#include <stdlib.h>

enum { SIZE = 3000, KEPT = 4 * SIZE };

static uint64_t state = 88172645463325252u;

static uint32_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 11);
}

static uint32_t scan_all(const struct finder *finder, bytes object, size_t from, size_t limit,
                         struct find_hit *ret)
{
    struct find_hit batch[FIND_BATCH];
    uint32_t n = 0;

    for (size_t at = from; at < limit;) {
        uint32_t count = finder_scan(finder, object, &at, limit, batch);
        for (uint32_t i = 0; i < count; i++)
            ret[n++] = batch[i];
    }
    return n;
}

struct sequence {
    uint8_t value[4], mask[4];
    uint32_t length;
};

static struct sequence random_sequence(void)
{
    static const uint8_t masks[] = {0xff, 0xff, 0xff, 0xdf, 0xf0, 0x0f, 0};
    struct sequence s = {.length = 1 + next_random() % 4};

    for (uint32_t i = 0; i < s.length; i++) {
        s.mask[i] = masks[next_random() % COUNT(masks)];
        s.value[i] = (uint8_t)(next_random() % 5 * 51) & s.mask[i];
    }
    return s;
}

static bool is_at(const struct sequence *s, bytes object, size_t end, bool delta)
{
    if (end + 1 < s->length + delta)
        return false;
    for (uint32_t i = 0; i < s->length; i++) {
        size_t at = end + 1 - s->length + i;
        uint8_t c = object.at[at];
        if (delta)
            c ^= object.at[at - 1];
        if ((c & s->mask[i]) != s->value[i])
            return false;
    }
    return true;
}

/* Every sequence found where it is; candidates ascending and inside the limits. */
static bool complete(const struct sequence *s, uint32_t count, bytes object, size_t from,
                     size_t limit, bool delta, const struct find_hit *hits, uint32_t n)
{
    uint32_t k = 0;

    for (size_t end = from; end < limit; end++) {
        uint8_t want = 0, got = 0;
        for (uint32_t i = 0; i < count; i++)
            if (is_at(&s[i], object, end, delta))
                want |= (uint8_t)(1 << (i & 7));
        if (k < n && hits[k].end == end)
            got = hits[k++].buckets;
        if (want & ~got)
            return false;
    }
    return k == n;
}

static bool race(uint32_t round)
{
    static uint8_t data[SIZE];
    static struct find_hit hits[KEPT];
    struct sequence s[9];
    struct finder finder;
    uint32_t count = 1 + next_random() % 9, n;
    bool delta = round % 3 == 0;
    size_t size = round % 5 ? next_random() % SIZE : next_random() % 80, from, limit;

    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(next_random() % (round % 4 ? 5 : 256) * 51);
    finder_init(&finder, delta);
    for (uint32_t i = 0; i < count; i++) {
        s[i] = random_sequence();
        finder_add(&finder, i & 7, s[i].value, s[i].mask, s[i].length);
    }
    from = size ? next_random() % size / 4 : 0;
    limit = size - (size ? next_random() % (size - from + 1) / 4 : 0);
    n = scan_all(&finder, (bytes){data, size}, from, limit, hits);
    if (!complete(s, count, (bytes){data, size}, from, limit, delta, hits, n))
        return false;
    return true;
}

/* A hash of everything that a level reports for the same random inputs. */
static uint64_t report_of_level(void)
{
    static uint8_t data[SIZE];
    static struct find_hit hits[KEPT];
    uint64_t hash = 0;

    state = 12345;
    for (uint32_t round = 0; round < 300; round++) {
        struct finder finder;
        size_t size = next_random() % SIZE;
        uint32_t n;
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)(next_random() % 7 * 40);
        finder_init(&finder, round & 1);
        for (uint32_t i = 0; i < 1 + round % 8; i++) {
            struct sequence s = random_sequence();
            finder_add(&finder, i, s.value, s.mask, s.length);
        }
        n = scan_all(&finder, (bytes){data, size}, 0, size, hits);
        for (uint32_t i = 0; i < n; i++)
            hash = hash * 31 + hits[i].end * 257 + hits[i].buckets;
    }
    return hash;
}

int main(void)
{
    static const struct {
        enum cpu_level level;
        const char *name;
    } levels[] = {{CPU_AVX2, "avx2"}, {CPU_SCALAR, "scalar"}};

    uint64_t first = report_of_level();
    uint32_t bad = 0;

    for (uint32_t round = 0; round < 1000; round++)
        bad += !race(round);
    CHECK_INT(bad, 0);
    for (size_t i = 0; i < COUNT(levels); i++) {
        if (cpu_level() <= levels[i].level && levels[i].level != CPU_SCALAR) {
            tap_skip(levels[i].name, "no better level to compare with");
            continue;
        }
        cpu_force(levels[i].level);
        CHECK(report_of_level() == first);
    }
    return tap_done();
}

#include "match/literals_table.h"

#include "base/cpu.h"

#include <string.h>

enum {
    /* Positions looked at before the next step: the bytes stay in the L1 cache. */
    BLOCK = 16 << 10,
    FIRST_HITS = 256,
};

struct literals_scratch {
    struct arena *arena;
    const struct literals_table *table;
    const struct literals_steps *steps;
    uint64_t *fired; /* one bit a literal that is searched for; only those behind `hits` */
    VEC(struct literal_hit) hits;
    uint32_t out[BLOCK + STEP];
    uint32_t solos[SOLO_MAX], solo_count; /* those still looked for */

    /* Which pairs of tiny literals are still looked for, and by how many entries. `whole` is
     * the state at the start of an object. */
    struct tiny_state {
        uint8_t second[256];
        uint32_t live[TINY_CLASSES][256], left;
    } tiny, whole;
};

/* One call of literals_scan. */
struct scan {
    const struct literals_table *table;
    struct literals_scratch *scratch;
    bytes object;
    uint8_t groups;
    struct budget *budget;
};

static void tiny_add(struct tiny_state *state, const uint8_t *first, const uint8_t pair[2],
                     int by)
{
    uint32_t class = (uint32_t)__builtin_ctz(first[pair[0]] | 1u << TINY_CLASSES);
    if (class == TINY_CLASSES)
        return;
    uint32_t *live = &state->live[class][pair[1]];
    *live += (uint32_t)by;
    if (*live)
        state->second[pair[1]] |= (uint8_t)(1u << class);
    else
        state->second[pair[1]] &= (uint8_t) ~(1u << class);
    state->left += (uint32_t)by;
}

static const struct literals_steps *steps_for(enum cpu_level level)
{
#if defined(__x86_64__)
    if (level == CPU_AVX512)
        return &literals_avx512;
    if (level == CPU_AVX2)
        return &literals_avx2;
#endif
    (void)level;
    return &literals_scalar;
}

struct literals_scratch *literals_scratch_new(bytes from)
{
    const struct literals_table *table = (const void *)from.at;
    size_t words = (table->count + 63) / 64;
    size_t max = sizeof(struct literals_scratch) + words * 8 + (size_t)table->count * 64;
    struct arena *arena = arena_new(max + (64 << 10));
    struct literals_scratch *scratch = arena ? PUSH(arena, struct literals_scratch) : NULL;
    uint64_t *fired = scratch ? PUSH_ARRAY(arena, uint64_t, words) : NULL;
    if (!fired) {
        arena_free(arena);
        return NULL;
    }
    scratch->arena = arena;
    scratch->table = table;
    scratch->fired = fired;
    scratch->steps = steps_for(cpu_level());
    const uint8_t *first = section_at(table, table->tiny_first);
    const struct tiny_entry *entries = section_at(table, table->tiny_entries);
    for (uint64_t i = 0; i < table->tiny_entries.count; i++)
        tiny_add(&scratch->whole, first, entries[i].pair, 1);
    scratch->tiny = scratch->whole;
    return scratch;
}

struct literals_scratch *literals_scratch_free(struct literals_scratch *scratch)
{
    if (scratch)
        arena_free(scratch->arena);
    return NULL;
}

static bool has_fired(const struct literals_scratch *scratch, uint32_t literal)
{
    return scratch->fired[literal / 64] >> literal % 64 & 1;
}

/* Reports a literal that is searched for, and those of the same text. False when there is no
 * memory for it. */
static bool fire(struct scan *scan, uint32_t literal, uint64_t offset)
{
    struct literals_scratch *scratch = scan->scratch;
    const struct record *records = section_at(scan->table, scan->table->records);
    for (uint32_t next = literal;; next = records[next].next) {
        if (records[next].groups & scan->groups) {
            struct literal_hit *hit = vec_push(scratch->arena, &scratch->hits);
            if (!hit) {
                budget_hit(scan->budget, LIMIT_MEMORY);
                return false;
            }
            *hit = (struct literal_hit){.literal = next, .offset = offset};
        }
        if (!records[next].next)
            break;
    }
    scratch->fired[literal / 64] |= 1ull << literal % 64;
    return true;
}

static bool text_is_at(const struct literals_table *table, uint32_t literal, const uint8_t *at)
{
    const struct record *record =
        (const struct record *)section_at(table, table->records) + literal;
    const uint8_t *text = (const uint8_t *)section_at(table, table->texts) + record->text;
    if (!(record->flags & LITERAL_NOCASE))
        return memcmp(text, at, record->length) == 0;
    for (uint32_t i = 0; i < record->length; i++)
        if (ascii_lower(at[i]) != text[i])
            return false;
    return true;
}

/* True when the whole literal lies in the object with byte `back` of it at `position`. */
static bool literal_is_at(const struct scan *scan, uint32_t literal, uint64_t position,
                          uint8_t back)
{
    const struct record *records = section_at(scan->table, scan->table->records);
    return position >= back &&
           bytes_has(scan->object, position - back, records[literal].length) &&
           text_is_at(scan->table, literal, scan->object.at + position - back);
}

/* Looks up the windows at base + out[0..n): all lie inside the object. */
static bool verify(struct scan *scan, enum literals_class c, uint64_t base, uint32_t n)
{
    const struct class_table *class = &scan->table->classes[c];
    const uint32_t *buckets = section_at(scan->table, class->buckets);
    const struct entry *entries = section_at(scan->table, class->entries);
    const uint32_t *out = scan->scratch->out;
    const uint8_t *at = scan->object.at + base;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t hash =
            window_hash(c == LONG ? load_le64(at + out[i]) : load_le32(at + out[i]));
        uint32_t bucket = window_bucket(hash, class->bucket_bits);
        if (buckets[bucket + 1] - buckets[bucket] > 8 &&
            !budget_charge(scan->budget, buckets[bucket + 1] - buckets[bucket]))
            return false;
        for (uint32_t k = buckets[bucket]; k < buckets[bucket + 1]; k++) {
            const struct entry *entry = &entries[k];
            if (entry->check != (uint32_t)hash || !(entry->groups & scan->groups) ||
                has_fired(scan->scratch, entry->literal))
                continue;
            if (literal_is_at(scan, entry->literal, base + out[i], entry->back) &&
                !fire(scan, entry->literal, base + out[i] - entry->back))
                return false;
        }
    }
    return true;
}

/* A tiny literal was seen: its pairs need not be looked for any more. */
static void tiny_drop(struct scan *scan, uint32_t literal, const struct tiny_entry *entries,
                      const struct tiny_entry *entry)
{
    const uint8_t *first = section_at(scan->table, scan->table->tiny_first);
    const uint32_t *buckets = section_at(scan->table, scan->table->tiny_buckets);
    for (uint32_t flip = 0; flip < 4; flip++) {
        uint8_t a = (uint8_t)(entry->pair[0] ^ (flip & 1) << 5);
        uint8_t b = (uint8_t)(entry->pair[1] ^ (flip >> 1) << 5);
        uint32_t bucket = tiny_bucket(a, b);
        for (uint32_t k = buckets[bucket]; k < buckets[bucket + 1]; k++)
            if (entries[k].literal == literal && entries[k].pair[0] == a &&
                entries[k].pair[1] == b)
                tiny_add(&scan->scratch->tiny, first, entries[k].pair, -1);
    }
}

static bool verify_tiny(struct scan *scan, uint64_t base, uint32_t n)
{
    const uint32_t *buckets = section_at(scan->table, scan->table->tiny_buckets);
    const struct tiny_entry *entries = section_at(scan->table, scan->table->tiny_entries);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t position = base + scan->scratch->out[i];
        const uint8_t *at = scan->object.at + position;
        uint32_t bucket = tiny_bucket(at[0], at[1]);
        for (uint32_t k = buckets[bucket]; k < buckets[bucket + 1]; k++) {
            const struct tiny_entry *entry = &entries[k];
            if (entry->pair[0] != at[0] || entry->pair[1] != at[1] ||
                !(entry->groups & scan->groups) || has_fired(scan->scratch, entry->literal) ||
                !literal_is_at(scan, entry->literal, position, entry->back))
                continue;
            if (!fire(scan, entry->literal, position - entry->back))
                return false;
            tiny_drop(scan, entry->literal, entries, entry);
        }
    }
    return true;
}

/* Drops from out[0..n) what does not lie inside the object with all its `width` bytes. The
 * numbers rise, so that only the last can be out. */
static uint32_t cut_inside(const struct scan *scan, uint64_t base, uint32_t width, uint32_t n)
{
    const uint32_t *out = scan->scratch->out;
    while (n > 0 && !bytes_has(scan->object, base + out[n - 1], width))
        n--;
    return n;
}

/* All classes over the positions base .. base + n, whose bytes are at `at`: in the object, or
 * in a padded copy of its end. */
static bool scan_positions(struct scan *scan, uint64_t base, const uint8_t *at, uint32_t n)
{
    struct literals_scratch *scratch = scan->scratch;
    const struct literals_table *table = scan->table;
    for (int c = 0; c < CLASSES; c++) {
        const struct class_table *class = &table->classes[c];
        if (!class->literals)
            continue;
        uint32_t found = scratch->steps->find[c](section_at(table, class->first),
                                                 class->first_bits, at, n, scratch->out);
        found = cut_inside(scan, base, class_width((enum literals_class)c), found);
        found = scratch->steps->keep[c](section_at(table, class->second), class->second_bits,
                                        scan->object.at + base, scratch->out, found);
        if (!verify(scan, (enum literals_class)c, base, found))
            return false;
    }
    if (scratch->tiny.left) {
        uint32_t found = scratch->steps->pairs(section_at(table, table->tiny_first),
                                               scratch->tiny.second, at, n, scratch->out);
        found = cut_inside(scan, base, 2, found);
        if (!verify_tiny(scan, base, found))
            return false;
    }
    return true;
}

/* Offset of a literal that begins in [from, to), or SIZE_MAX. */
static size_t solo_find(const struct scan *scan, uint32_t literal, size_t from, size_t to)
{
    const struct record *records = section_at(scan->table, scan->table->records);
    const uint8_t *texts = section_at(scan->table, scan->table->texts);
    const struct record *record = &records[literal];
    bytes text = {texts + record->text, record->length};
    if (!bytes_has(scan->object, from, text.len))
        return SIZE_MAX;
    size_t starts = scan->object.len - text.len + 1;
    bytes hay =
        bytes_slice(scan->object, from, (to < starts ? to : starts) - from + text.len - 1);
    if (!(record->flags & LITERAL_NOCASE)) {
        size_t at = bytes_find(hay, text, 0);
        return at == SIZE_MAX ? SIZE_MAX : from + at;
    }
    for (size_t i = 0; i + text.len <= hay.len; i++)
        if (ascii_lower(hay.at[i]) == text.at[0] &&
            text_is_at(scan->table, literal, hay.at + i))
            return from + i;
    return SIZE_MAX;
}

static bool scan_solos(struct scan *scan, size_t from, size_t to)
{
    struct literals_scratch *scratch = scan->scratch;
    uint32_t left = 0;
    for (uint32_t i = 0; i < scratch->solo_count; i++) {
        size_t at = solo_find(scan, scratch->solos[i], from, to);
        if (at == SIZE_MAX)
            scratch->solos[left++] = scratch->solos[i];
        else if (!fire(scan, scratch->solos[i], at))
            return false;
    }
    scratch->solo_count = left;
    return true;
}

static bool scan_block(struct scan *scan, size_t from)
{
    bytes object = scan->object;
    size_t n = object.len - from < BLOCK ? object.len - from : BLOCK;
    if (!budget_charge(scan->budget, n) || !scan_solos(scan, from, from + n))
        return false;
    /* What can be read where it stands, STEP positions at a time. */
    size_t left = object.len - from;
    size_t direct = left >= n + LOOKAHEAD ? n : left > LOOKAHEAD ? left - LOOKAHEAD : 0;
    direct &= ~(size_t)(STEP - 1);
    if (direct && !scan_positions(scan, from, object.at + from, (uint32_t)direct))
        return false;
    if (direct == n)
        return true;
    uint8_t copy[3 * STEP + LOOKAHEAD] = {0};
    size_t tail = n - direct, copied = left - direct;
    if (copied > sizeof copy)
        copied = sizeof copy;
    memcpy(copy, object.at + from + direct, copied);
    return scan_positions(scan, from + direct, copy,
                          (uint32_t)((tail + STEP - 1) & ~(size_t)(STEP - 1)));
}

static void forget_hits(struct literals_scratch *scratch, uint8_t groups)
{
    const struct literals_table *table = scratch->table;
    const struct record *records = section_at(table, table->records);
    const uint32_t *solos = section_at(table, table->solos);
    for (uint32_t i = 0; i < scratch->hits.n; i++)
        scratch->fired[records[scratch->hits.at[i].literal].head / 64] = 0;
    scratch->hits.n = 0;
    if (scratch->tiny.left != scratch->whole.left)
        scratch->tiny = scratch->whole;
    scratch->solo_count = 0;
    for (uint64_t i = 0; i < table->solos.count; i++) {
        uint8_t wanted = 0;
        for (uint32_t next = solos[i];; next = records[next].next) {
            wanted |= records[next].groups;
            if (!records[next].next)
                break;
        }
        if (wanted & groups)
            scratch->solos[scratch->solo_count++] = solos[i];
    }
}

bool literals_scan(bytes table, bytes object, uint8_t groups, struct literals_scratch *scratch,
                   struct budget *budget, const struct literal_hit **ret, uint32_t *ret_count)
{
    struct scan scan = {.table = (const void *)table.at,
                        .scratch = scratch,
                        .object = object,
                        .groups = groups,
                        .budget = budget};
    forget_hits(scratch, groups);
    bool whole = true;
    for (size_t from = 0; whole && from < object.len; from += BLOCK)
        whole = scan_block(&scan, from);
    *ret = scratch->hits.at;
    *ret_count = scratch->hits.n;
    return whole;
}

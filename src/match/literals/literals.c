#include "match/literals/literals_table.h"

#include "base/cpu.h"

#include <string.h>

enum {
    /* Positions looked at before the next step: the bytes stay in the L1 cache. */
    BLOCK = 16 << 10,
    BATCH = 256, /* candidates whose memory is fetched ahead */
    DEAD = 512,
    DEAD_NUMBER = (1 << 24) - 1,
};

_Static_assert(BLOCK + 256 <= LITERAL_SLACK, "what literals.h says of hits");

struct literals_scratch {
    struct arena *arena;
    const struct literals_table *table;
    const struct literals_steps *steps;
    uint64_t *fired; /* one bit a literal that is searched for; only those behind `hits` */
    VEC(struct literal_hit) hits;
    uint32_t out[BLOCK + STEP];
    uint64_t hashes[BATCH]; /* of the windows at out[0..) of a batch */
    /* Windows all of whose literals were seen, in this object: a hash, and in its lower bits
     * the number of the object, which makes those of earlier objects void. */
    uint64_t dead[DEAD];
    uint64_t object;
    uint32_t solos[SOLO_HEADS], solo_count; /* those still looked for */

    /* The tiny literals that are still looked for: see literals_table.h. */
    struct tiny_state {
        uint8_t second[TINY_GATES][256];
        uint16_t live[TINY_GATES][TINY_CLASSES][256]; /* entries behind each bit of `second` */
        uint32_t left[TINY_GATES];
        uint32_t pairs[TINY_WORDS]; /* of any literal */
        uint32_t twos[TINY_WORDS];  /* of literals of two bytes */
    } tiny;
};

/* One call of literals_scan. */
struct scan {
    const struct literals_table *table;
    struct literals_scratch *scratch;
    bytes object;
    uint8_t groups;
    struct budget *budget;
};

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

static bool has_fired(const struct literals_scratch *scratch, uint32_t literal)
{
    return scratch->fired[literal / 64] >> literal % 64 & 1;
}

/* Whether some literal with these two bytes is still looked for; `is_two`: one of two bytes. */
static bool pair_is_wanted(const struct literals_scratch *scratch, const uint8_t pair[2],
                           bool is_two)
{
    const struct literals_table *table = scratch->table;
    const uint32_t *buckets = section_at(table, table->tiny_buckets);
    const struct tiny_entry *entries = section_at(table, table->tiny_entries);
    uint32_t bucket = tiny_bucket(pair[0], pair[1]);
    for (uint32_t k = buckets[bucket]; k < buckets[bucket + 1]; k++)
        if (entries[k].pair[0] == pair[0] && entries[k].pair[1] == pair[1] &&
            (!is_two || entries[k].gate == 0) && !has_fired(scratch, entries[k].literal))
            return true;
    return false;
}

/* Looks for one more entry, or one less. */
static void tiny_add(struct literals_scratch *scratch, const struct tiny_entry *entry,
                     bool is_more)
{
    struct tiny_state *tiny = &scratch->tiny;
    const struct tiny_gate *gate =
        (const struct tiny_gate *)section_at(scratch->table, scratch->table->tiny_gates) +
        entry->gate;
    uint32_t class =
        (uint32_t)__builtin_ctz(gate->first[entry->pair[0]] | 1u << (TINY_CLASSES - 1));
    uint16_t *live = &tiny->live[entry->gate][class][entry->pair[1]];
    uint8_t *second = &tiny->second[entry->gate][entry->pair[1]];
    uint32_t pair = (uint32_t)(entry->pair[0] | entry->pair[1] << 8), bit = 1u << (pair & 31);
    tiny->left[entry->gate] += is_more ? 1u : UINT32_MAX;
    /* A count that is full stays so: its bit is never dropped. */
    if (*live != UINT16_MAX)
        *live = (uint16_t)(*live + (is_more ? 1 : -1));
    if (is_more) {
        *second |= (uint8_t)(1u << class);
        tiny->pairs[pair >> 5] |= bit;
        if (entry->gate == 0)
            tiny->twos[pair >> 5] |= bit;
        return;
    }
    if (*live == 0)
        *second &= (uint8_t) ~(1u << class);
    if (entry->gate == 0 && !pair_is_wanted(scratch, entry->pair, true))
        tiny->twos[pair >> 5] &= ~bit;
    if (!pair_is_wanted(scratch, entry->pair, false))
        tiny->pairs[pair >> 5] &= ~bit;
}

/* Adds or drops all entries of a literal: one for each spelling of its first two bytes. */
static void tiny_change(struct literals_scratch *scratch, uint32_t literal, bool is_more)
{
    const struct literals_table *table = scratch->table;
    const struct record *record =
        (const struct record *)section_at(table, table->records) + literal;
    const uint8_t *text = (const uint8_t *)section_at(table, table->texts) + record->text;
    const uint32_t *buckets = section_at(table, table->tiny_buckets);
    const struct tiny_entry *entries = section_at(table, table->tiny_entries);
    uint32_t spellings = record->flags & LITERAL_NOCASE ? 4 : 1;
    for (uint32_t flip = 0; flip < spellings; flip++) {
        uint8_t a = (uint8_t)(text[0] ^ (flip & 1) << 5),
                b = (uint8_t)(text[1] ^ (flip >> 1) << 5);
        uint32_t bucket = tiny_bucket(a, b);
        for (uint32_t k = buckets[bucket]; k < buckets[bucket + 1]; k++)
            if (entries[k].literal == literal && entries[k].pair[0] == a &&
                entries[k].pair[1] == b)
                tiny_add(scratch, &entries[k], is_more);
    }
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
    const struct tiny_entry *entries = section_at(table, table->tiny_entries);
    for (uint64_t i = 0; i < table->tiny_entries.count; i++)
        tiny_add(scratch, &entries[i], true);
    return scratch;
}

struct literals_scratch *literals_scratch_free(struct literals_scratch *scratch)
{
    if (scratch)
        arena_free(scratch->arena);
    return NULL;
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

/* Whether what is around the literal at `offset` is what counts. */
static bool context_is_at(const struct scan *scan, uint32_t literal, uint64_t offset)
{
    const struct record *record =
        (const struct record *)section_at(scan->table, scan->table->records) + literal;
    const uint8_t *value =
        (const uint8_t *)section_at(scan->table, scan->table->texts) + record->context;
    const uint8_t *mask = value + record->around;
    if (record->around == 0)
        return true;
    if (offset < record->lead ||
        !bytes_has(scan->object, offset - record->lead, record->around))
        return false;
    const uint8_t *at = scan->object.at + offset - record->lead;
    uint32_t i = 0;
    for (; i + 8 <= record->around; i += 8)
        if ((load_le64(at + i) & load_le64(mask + i)) != load_le64(value + i))
            return false;
    for (; i < record->around; i++)
        if ((at[i] & mask[i]) != value[i])
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
           text_is_at(scan->table, literal, scan->object.at + position - back) &&
           context_is_at(scan, literal, position - back);
}

/* Whether the bytes that the entry has of its literal are in the object, which has eight bytes
 * or more. Without branches: most of the time the answer cannot be foreseen. Near the end of
 * the object it may say yes wrongly. */
static inline bool entry_fits(bytes object, const struct entry *entry, uint64_t position)
{
    uint64_t at = position - entry->back + entry->probe, last = object.len - 8;
    uint64_t over = at > last ? at - last : 0;
    uint64_t there = load_le64(object.at + (at - over)) >> 8 * (over & 7);
    uint64_t mask = UINT64_MAX >> (64 - 8 * entry->used);
    return (over < 8) & (int)((((there & FOLD64) ^ entry->want) & mask) == 0);
}

/* Looks at all entries of a bucket for a window at `position`. *is_dead: all that have it were
 * seen before. */
static bool verify_bucket(struct scan *scan, const struct entry *entry, const struct entry *end,
                          uint64_t hash, uint64_t position, bool *is_dead)
{
    bool is_alive = false, is_short = scan->object.len < 8;
    for (; entry < end; entry++) {
        bool is_wanted = (entry->check == window_check(hash)) &
                         (int)((entry->groups & scan->groups) != 0) &
                         (int)!has_fired(scan->scratch, entry->literal);
        is_alive |= is_wanted;
        if ((int)is_wanted & (int)(is_short || entry_fits(scan->object, entry, position)) &&
            literal_is_at(scan, entry->literal, position, entry->back) &&
            !fire(scan, entry->literal, position - entry->back))
            return false;
    }
    *is_dead = !is_alive;
    return true;
}

static uint64_t dead_mark(const struct literals_scratch *scratch, enum literals_class c,
                          uint64_t h)
{
    return ((h + ((uint64_t)c << 60)) & ~(uint64_t)DEAD_NUMBER) | scratch->object;
}

/* Of the windows at at + out[0..n), those that pass the second bitmap and are not dead: their
 * places go to `ret`, their hashes to the scratch. */
static uint32_t keep(struct scan *scan, enum literals_class c, const uint8_t *at,
                     const uint32_t *out, uint32_t n, uint32_t ret[static BATCH])
{
    struct literals_scratch *scratch = scan->scratch;
    const struct class_table *class = &scan->table->classes[c];
    const uint32_t *second = section_at(scan->table, class->second);
    const uint32_t *buckets = section_at(scan->table, class->buckets);
    uint64_t *hashes = scratch->hashes;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *window = at + out[i];
        hashes[i] = window_hash(c == LONG ? load_le64(window) : load_le32(window));
        __builtin_prefetch(&second[window_second(hashes[i], class->second_bits) >> 5]);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t h = hashes[i];
        uint32_t bit = window_second(h, class->second_bits);
        bool is_dead = scratch->dead[h % DEAD] == dead_mark(scratch, c, h);
        ret[kept] = out[i];
        hashes[kept] = h;
        kept += (second[bit >> 5] >> (bit & 31) & 1) & !is_dead;
    }
    for (uint32_t i = 0; i < kept; i++)
        __builtin_prefetch(&buckets[window_bucket(hashes[i], class->bucket_bits)]);
    return kept;
}

/* Looks up the windows at base + out[0..n), n up to BATCH: all lie inside the object. */
static bool verify_batch(struct scan *scan, enum literals_class c, uint64_t base,
                         const uint32_t *out, uint32_t n)
{
    struct literals_scratch *scratch = scan->scratch;
    const struct class_table *class = &scan->table->classes[c];
    const uint32_t *buckets = section_at(scan->table, class->buckets);
    const struct entry *entries = section_at(scan->table, class->entries);
    uint32_t begin[BATCH], end[BATCH], kept[BATCH], steps = 0;
    n = keep(scan, c, scan->object.at + base, out, n, kept);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bucket = window_bucket(scratch->hashes[i], class->bucket_bits);
        begin[i] = buckets[bucket];
        end[i] = buckets[bucket + 1];
        steps += end[i] - begin[i];
        __builtin_prefetch(&entries[begin[i]]);
    }
    if (!budget_charge(scan->budget, steps))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        bool is_dead;
        if (!verify_bucket(scan, entries + begin[i], entries + end[i], scratch->hashes[i],
                           base + kept[i], &is_dead))
            return false;
        uint64_t *dead = &scratch->dead[scratch->hashes[i] % DEAD];
        *dead = is_dead ? dead_mark(scratch, c, scratch->hashes[i]) : *dead;
    }
    return true;
}

/* Drops from out[0..n), positions below base + `scanned`, what does not lie inside the object
 * with all its `width` bytes. */
static uint32_t cut_inside(const struct scan *scan, uint64_t base, uint32_t scanned,
                           uint32_t width, uint32_t n)
{
    uint32_t *out = scan->scratch->out, kept = 0;
    if (bytes_has(scan->object, base + scanned, width))
        return n;
    for (uint32_t i = 0; i < n; i++)
        if (bytes_has(scan->object, base + out[i], width))
            out[kept++] = out[i];
    return kept;
}

static bool verify(struct scan *scan, enum literals_class c, uint64_t base, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += BATCH) {
        uint32_t some = n - i < BATCH ? n - i : BATCH;
        if (!verify_batch(scan, c, base, scan->scratch->out + i, some))
            return false;
    }
    return true;
}

/* The pair and the third byte, where there is one, as in the entry. */
static bool tiny_is_at(const struct tiny_entry *entry, bytes object, uint64_t position)
{
    const uint8_t *at = object.at + position;
    if (entry->pair[0] != at[0] || entry->pair[1] != at[1])
        return false;
    return entry->gate == 0 || (bytes_has(object, position, 3) &&
                                (entry->third[0] == at[2] || entry->third[1] == at[2]));
}

/* Keeps those of out[0..n) whose pair or triple some literal has; `at` may be padded. */
static uint32_t keep_tiny(struct scan *scan, const uint8_t *at, uint32_t n)
{
    const struct tiny_state *tiny = &scan->scratch->tiny;
    const uint32_t *triples = section_at(scan->table, scan->table->tiny_triples);
    uint32_t *out = scan->scratch->out, kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *here = at + out[i];
        uint32_t pair = load_le16(here), triple = tiny_triple(here[0], here[1], here[2]);
        uint32_t passes = tiny->twos[pair >> 5] >> (pair & 31);
        passes |= tiny->pairs[pair >> 5] >> (pair & 31) & triples[triple >> 5] >> (triple & 31);
        out[kept] = out[i];
        kept += passes & 1;
    }
    return kept;
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
            if (!tiny_is_at(entry, scan->object, position) || !(entry->groups & scan->groups) ||
                has_fired(scan->scratch, entry->literal) ||
                !context_is_at(scan, entry->literal, position))
                continue;
            if (!fire(scan, entry->literal, position))
                return false;
            tiny_change(scan->scratch, entry->literal, false);
        }
    }
    return true;
}

static bool scan_class(struct scan *scan, enum literals_class c, uint64_t base,
                       const uint8_t *at, uint32_t n)
{
    const struct literals_table *table = scan->table;
    const struct literals_steps *steps = scan->scratch->steps;
    const struct class_table *class = &table->classes[c];
    uint32_t *out = scan->scratch->out, found;
    if (!class->literals)
        return true;
    if (c == DENSE && table->dense_gate.count && steps->few)
        found = steps->few(section_at(table, table->dense_gate), at, n, out);
    else
        found = steps->find[c](section_at(table, class->first), class->first_bits, at, n, out);
    found = cut_inside(scan, base, n, class_width(c), found);
    if ((c != MIDDLE || class->cut) && !verify(scan, c, base, found))
        return false;
    return c != MIDDLE ||
           verify(scan, c, base + 1, cut_inside(scan, base + 1, n, class_width(c), found));
}

/* All classes over the positions base .. base + n, whose bytes are at `at`: in the object, or
 * in a padded copy of its end. */
static bool scan_positions(struct scan *scan, uint64_t base, const uint8_t *at, uint32_t n)
{
    struct literals_scratch *scratch = scan->scratch;
    const struct literals_table *table = scan->table;
    for (int c = 0; c < CLASSES; c++)
        if (!scan_class(scan, (enum literals_class)c, base, at, n))
            return false;
    const struct tiny_gate *gates = section_at(table, table->tiny_gates);
    for (uint32_t gate = 0; gate < TINY_GATES; gate++) {
        if (scratch->tiny.left[gate] == 0)
            continue;
        uint32_t found = scratch->steps->tiny(&gates[gate], scratch->tiny.second[gate],
                                              scratch->tiny.pairs, at, n, scratch->out);
        found = keep_tiny(scan, at, cut_inside(scan, base, n, 2, found));
        if (!verify_tiny(scan, base, found))
            return false;
        if (!scratch->steps->has_gates)
            break;
    }
    return true;
}

/* The solo itself, or the next one of its chain that the groups want; UINT32_MAX: none. */
static uint32_t solo_wanted(const struct solo *solos, uint32_t number, uint8_t groups)
{
    while (!(solos[number].groups & groups)) {
        number = solos[number].next;
        if (number == 0)
            return UINT32_MAX;
    }
    return number;
}

/* Where the literal may begin: the next place in [from, to) that has two bytes of it and room
 * for the rest. SIZE_MAX: nowhere. */
static size_t solo_next(const struct scan *scan, const struct solo *solo, bytes text,
                        size_t from, size_t to)
{
    bytes object = scan->object;
    if (from >= to || !bytes_has(object, from, text.len))
        return SIZE_MAX;
    size_t n = object.len - text.len - from + 1;
    n = n < to - from ? n : to - from;
    const uint8_t *a = object.at + from + solo->first, *b = object.at + from + solo->second;
    uint8_t x = text.at[solo->first], y = text.at[solo->second];
    size_t at = scan->scratch->steps->both(a, b, n, x, y);
    return at < n ? from + at : SIZE_MAX;
}

static bytes text_of(const struct scan *scan, uint32_t literal)
{
    const struct record *records = section_at(scan->table, scan->table->records);
    const uint8_t *texts = section_at(scan->table, scan->table->texts);
    return (bytes){texts + records[literal].text, records[literal].length};
}

/* Looks for repetitions of a byte that begin in [from, to), from *number on, and leaves in it
 * the first one of the chain that was not found. False when there is no memory for a hit. */
static bool find_runs(struct scan *scan, uint32_t *number, size_t from, size_t to)
{
    const struct solo *solos = section_at(scan->table, scan->table->solos);
    bytes object = scan->object, text = text_of(scan, solos[*number].literal);
    for (;;) {
        from = solo_next(scan, &solos[*number], text, from, to);
        if (from == SIZE_MAX)
            return true;
        size_t end = from + text.len;
        while (end > from && object.at[end - 1] == text.at[0])
            end--;
        if (end > from) {
            /* Nothing that begins before the byte that differs is long enough. */
            from = end;
            continue;
        }
        end = from + text.len;
        do {
            if (!fire(scan, solos[*number].literal, from))
                return false;
            *number = solos[*number].next;
            *number = *number ? solo_wanted(solos, *number, scan->groups) : UINT32_MAX;
            if (*number == UINT32_MAX)
                return true;
            text = text_of(scan, solos[*number].literal);
            while (end < object.len && end - from < text.len && object.at[end] == text.at[0])
                end++;
        } while (end - from >= text.len);
        from = end;
    }
}

static bool find_solo(struct scan *scan, uint32_t *number, size_t from, size_t to)
{
    const struct solo *solo =
        (const struct solo *)section_at(scan->table, scan->table->solos) + *number;
    bytes text = text_of(scan, solo->literal);
    uint8_t upper = (uint8_t)(text.at[0] ^ 0x20);
    size_t at = from;
    while ((at = solo_next(scan, solo, text, at, to)) != SIZE_MAX &&
           !(text_is_at(scan->table, solo->literal, scan->object.at + at) &&
             context_is_at(scan, solo->literal, at)))
        at++;
    /* One byte with nocase: its other spelling. */
    if (at == SIZE_MAX && text.len == 1 && ascii_lower(upper) == text.at[0])
        at = solo_next(scan, solo, (bytes){&upper, 1}, from, to);
    if (at == SIZE_MAX)
        return true;
    *number = UINT32_MAX;
    return fire(scan, solo->literal, at);
}

static bool scan_solos(struct scan *scan, size_t from, size_t to)
{
    struct literals_scratch *scratch = scan->scratch;
    const struct solo *solos = section_at(scan->table, scan->table->solos);
    uint32_t left = 0;
    for (uint32_t i = 0; i < scratch->solo_count; i++) {
        uint32_t number = scratch->solos[i];
        if (!(solos[number].is_run ? find_runs : find_solo)(scan, &number, from, to))
            return false;
        if (number != UINT32_MAX)
            scratch->solos[left++] = number;
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
    const struct solo *solos = section_at(table, table->solos);
    for (uint32_t i = 0; i < scratch->hits.n; i++) {
        uint32_t head = records[scratch->hits.at[i].literal].head;
        if (!has_fired(scratch, head))
            continue;
        scratch->fired[head / 64] &= ~(1ull << head % 64);
        if (records[head].flags & LITERAL_TINY)
            tiny_change(scratch, head, true);
    }
    scratch->hits.n = 0;
    if (scratch->object++ == DEAD_NUMBER) {
        memset(scratch->dead, 0, sizeof scratch->dead);
        scratch->object = 1;
    }
    scratch->solo_count = 0;
    for (uint32_t i = 0; i < (uint32_t)table->solos.count; i++) {
        uint32_t number = solos[i].is_head ? solo_wanted(solos, i, groups) : UINT32_MAX;
        if (number != UINT32_MAX)
            scratch->solos[scratch->solo_count++] = number;
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

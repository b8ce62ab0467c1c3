#include "match/literals/literals_gate.h"
#include "match/literals/literals_tiny.h"

#include <errno.h>
#include <string.h>

enum {
    /* Windows after the first 64 are not tried: the longer the literal, the less there is to
     * gain. Fits struct entry.back. */
    WINDOWS = 64,
    /* Share of positions, on the scale of costs, from which a window is common: 2^-14 moves a
     * literal to DENSE; 2^-12 makes a repetition a SOLO, and 2^-7 any other: from there on
     * searching it alone is cheaper than meeting it. */
    COMMON = 255 - 8 * 14,
    RUN = 255 - 8 * 12,
    SOLO = 255 - 8 * 7,
    SOLO_COMMON = 8,
    /* One class less to look up at all positions is worth more than windows that are rarer: so
     * many literals of LONG, or fewer, go to MIDDLE; where there are more, so many of MIDDLE,
     * or fewer, go to DENSE. */
    LONG_FEW = 8192,
    MIDDLE_FEW = 8192,
};

struct choice {
    uint32_t cost;
    uint8_t class, back;
};

struct plan {
    const struct literal *literals;
    const uint8_t *group_bits;
    uint32_t count;
    struct arena *temporary;
    struct choice *choices;
    uint32_t *next;    /* duplicates: see struct record */
    bool *is_repeated; /* an earlier literal stands for it */
    VEC(struct solo) solos;
    struct dense_gate *gate; /* or NULL */
    uint32_t tiny;
    uint64_t text_size;
};

enum { TINY = CLASSES, SOLITARY };

enum { QUADS = FREQUENCY_ROW };

_Static_assert(WINDOWS + 16 <= QUADS, "all windows that are tried have room");

/* Costs of windows of eight bytes: of two halves that are neither independent nor the same. */
static void join_halves(const uint8_t *quads, uint32_t count, uint8_t *ret)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t a = quads[i], b = quads[i + 4], low = a < b ? a : b, high = a < b ? b : a;
        uint8_t less = (uint8_t)(255 - high) / 2;
        ret[i] = low > less ? (uint8_t)(low - less) : 0;
    }
}

/* Of each place the dearest of costs[0..stride) from it on: the most frequent decides. */
static void keep_worst(const uint8_t *costs, uint32_t stride, uint32_t count, uint8_t *ret)
{
    memcpy(ret, costs, count);
    for (uint32_t k = 1; k < stride; k++)
        for (uint32_t i = 0; i < count; i++)
            ret[i] = costs[i + k] > ret[i] ? costs[i + k] : ret[i];
}

static void choose_least(const uint8_t *costs, uint32_t count, struct choice *best)
{
    for (uint32_t i = 0; i < count; i++)
        if (costs[i] < best->cost) {
            best->cost = costs[i];
            best->back = (uint8_t)i;
        }
}

/* The place with the rarest windows at at[0..stride). */
static struct choice choose_row(const uint8_t *quads, uint32_t quad_count,
                                enum literals_class c)
{
    uint32_t width = class_width(c), stride = class_stride(c), used = width - 4 + stride;
    uint8_t costs[QUADS], worst[QUADS];
    struct choice best = {.cost = UINT32_MAX, .class = (uint8_t)c};
    if (quad_count < used)
        return best;
    uint32_t count = quad_count - used + 1;
    if (width == 8) {
        join_halves(quads, count + stride - 1, costs);
        quads = costs;
    }
    keep_worst(quads, stride, count, worst);
    choose_least(worst, count, &best);
    return best;
}

/* The same for MIDDLE, by the windows of its cores. The last one of a literal has no byte after
 * it, but one before. */
static struct choice choose_cores(const uint8_t *quads, uint32_t quad_count)
{
    uint8_t worst[QUADS];
    struct choice best = {.cost = UINT32_MAX, .class = MIDDLE};
    if (quad_count < 3)
        return best;
    uint32_t count = quad_count - 2;
    keep_worst(quads, 3, count, worst);
    for (uint32_t i = 0; i + 3 < quad_count; i++)
        worst[i] = quads[i + 3] > worst[i] ? quads[i + 3] : worst[i];
    choose_least(worst, count, &best);
    return best;
}

static enum literals_class class_of(size_t length)
{
    return length >= 11 ? LONG : length >= 6 ? MIDDLE : DENSE;
}

static struct choice choose_window(bytes text, enum literals_class class)
{
    uint8_t quads[QUADS];
    uint32_t count =
        text.len - 3 > WINDOWS + 16 ? (uint32_t)WINDOWS + 16 : (uint32_t)text.len - 3;
    frequency_quads(text.at, count, quads);
    struct choice best =
        class == MIDDLE ? choose_cores(quads, count) : choose_row(quads, count, class);
    if (best.cost <= COMMON || best.class == DENSE)
        return best;
    struct choice dense = choose_row(quads, count, DENSE);
    return dense.cost + 16 <= best.cost ? dense : best;
}

uint32_t literal_cost(bytes text, bool nocase)
{
    if (text.len >= 4)
        return choose_window(text, class_of(text.len)).cost;
    if (text.len == 0)
        return 255;
    /* A short literal costs more than its hits: it is looked for at every byte. */
    static const uint32_t extra[4] = {0, 60, 40, 24};
    uint32_t cost = frequency_short(text, nocase) + extra[text.len];
    return cost > 255 ? 255 : cost;
}

static uint64_t literal_hash(const struct literal *literal)
{
    return hash64(literal->context.value, hash64(literal->text, literal->nocase));
}

static bool same_literal(const struct literal *a, const struct literal *b)
{
    return a->nocase == b->nocase && bytes_equal(a->text, b->text) &&
           a->context.lead == b->context.lead &&
           bytes_equal(a->context.value, b->context.value) &&
           bytes_equal(a->context.mask, b->context.mask);
}

/* Links literals of the same text: the first one is searched, and stands for all. */
static bool link_repeated(struct plan *plan)
{
    uint32_t size = 64;
    while (size < plan->count * 2)
        size *= 2;
    uint32_t *slots = PUSH_ARRAY(plan->temporary, uint32_t, size);
    uint32_t *last = PUSH_ARRAY(plan->temporary, uint32_t, plan->count);
    if (!slots || !last)
        return false;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct literal *literal = &plan->literals[i];
        uint32_t at = (uint32_t)(literal_hash(literal) >> 7) & (size - 1);
        for (; slots[at]; at = (at + 1) & (size - 1)) {
            uint32_t head = slots[at] - 1;
            const struct literal *other = &plan->literals[head];
            if (same_literal(other, literal)) {
                plan->next[last[head]] = i;
                last[head] = i;
                plan->is_repeated[i] = true;
                break;
            }
        }
        if (!slots[at])
            slots[at] = i + 1;
        last[i] = plan->is_repeated[i] ? 0 : i;
    }
    return true;
}

static uint8_t groups_of(const struct plan *plan, uint32_t literal)
{
    uint8_t groups = 0;
    if (!plan->group_bits)
        return 0xff;
    do {
        groups |= plan->group_bits[literal];
        literal = plan->next[literal];
    } while (literal);
    return groups;
}

static bool is_letter(uint8_t byte)
{
    return ascii_alnum(byte) && byte > '9';
}

static bool is_run(const struct literal *literal)
{
    bytes text = literal->text;
    return !(literal->nocase && is_letter(text.at[0])) &&
           (text.len == 1 || memcmp(text.at, text.at + 1, text.len - 1) == 0);
}

/* Whether to search the literal by itself because it is a common repetition of one byte. */
static bool is_common_run(const struct plan *plan, uint32_t i)
{
    bytes text = plan->literals[i].text;
    if (!is_run(&plan->literals[i]))
        return false;
    uint32_t cost =
        text.len < 4 ? frequency_pair(text.at[0], text.at[0]) : plan->choices[i].cost;
    return text.len == 1 || cost >= RUN;
}

static bool add_solo(struct plan *plan, uint32_t literal)
{
    struct solo *solo = vec_push(plan->temporary, &plan->solos);
    if (!solo)
        return false;
    bytes text = plan->literals[literal].text;
    *solo = (struct solo){.literal = literal,
                          .second = (uint32_t)text.len - 1,
                          .groups = groups_of(plan, literal),
                          .is_run = is_run(&plan->literals[literal]),
                          .is_head = true};
    plan->tiny -= plan->choices[literal].class == TINY;
    plan->choices[literal].class = SOLITARY;
    if (solo->is_run)
        return true;
    uint32_t best = UINT32_MAX;
    for (uint32_t k = 0; k + 1 < text.len; k++) {
        uint32_t cost = frequency_pair(text.at[k], text.at[k + 1]);
        if (cost < best) {
            best = cost;
            solo->first = k;
            solo->second = k + 1;
        }
    }
    return true;
}

/* Repetitions, chained by byte from short to long. */
static bool pick_runs(struct plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->is_repeated[i])
            continue;
        if ((plan->literals[i].text.len == 1 || is_common_run(plan, i)) && !add_solo(plan, i))
            return false;
    }
    struct solo *solos = plan->solos.at;
    for (uint32_t i = 0; i < plan->solos.n; i++) {
        /* Insertion: there are some dozens. */
        struct solo moved = solos[i];
        bytes text = plan->literals[moved.literal].text;
        uint32_t at = i;
        for (; at > 0 && moved.is_run; at--) {
            bytes before = plan->literals[solos[at - 1].literal].text;
            if (solos[at - 1].is_run &&
                (before.at[0] < text.at[0] ||
                 (before.at[0] == text.at[0] && before.len <= text.len)))
                break;
            solos[at] = solos[at - 1];
        }
        solos[at] = moved;
    }
    for (uint32_t i = 1; i < plan->solos.n; i++) {
        const uint8_t *text = plan->literals[solos[i].literal].text.at;
        if (solos[i].is_run && plan->literals[solos[i - 1].literal].text.at[0] == text[0]) {
            solos[i - 1].next = i;
            solos[i].is_head = false;
        }
    }
    return true;
}

/* The few other literals that nearly every object has: they end soon when searched alone, and
 * would be met at every corner by the classes. */
static bool pick_common(struct plan *plan)
{
    uint32_t best[SOLO_COMMON + 1], n = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct choice *choice = &plan->choices[i];
        if (choice->class >= CLASSES || choice->cost < SOLO || plan->is_repeated[i] ||
            plan->literals[i].nocase)
            continue;
        uint32_t at = n;
        for (; at > 0 && plan->choices[best[at - 1]].cost < choice->cost; at--)
            best[at] = best[at - 1];
        best[at] = i;
        n += n < SOLO_COMMON;
    }
    for (uint32_t i = 0; i < n; i++)
        if (!add_solo(plan, best[i]))
            return false;
    return true;
}

static void merge_class(struct plan *plan, enum literals_class from, enum literals_class to)
{
    for (uint32_t i = 0; i < plan->count; i++)
        if (!plan->is_repeated[i] && plan->choices[i].class == from)
            plan->choices[i] = choose_window(plan->literals[i].text, to);
}

static void merge_classes(struct plan *plan)
{
    uint32_t count[SOLITARY + 1] = {0};
    for (uint32_t i = 0; i < plan->count; i++)
        count[plan->choices[i].class] += !plan->is_repeated[i];
    if (count[LONG] <= LONG_FEW)
        merge_class(plan, LONG, MIDDLE);
    else if (count[MIDDLE] <= MIDDLE_FEW)
        merge_class(plan, MIDDLE, DENSE);
}

static int plan_make(struct plan *plan, struct why *why)
{
    plan->choices = PUSH_ARRAY(plan->temporary, struct choice, plan->count);
    plan->next = PUSH_ARRAY(plan->temporary, uint32_t, plan->count);
    plan->is_repeated = PUSH_ARRAY(plan->temporary, bool, plan->count);
    if (!plan->choices || !plan->next || !plan->is_repeated || !link_repeated(plan))
        return fail(why, ENOMEM, "no memory to plan %u literals", plan->count);
    for (uint32_t i = 0; i < plan->count; i++) {
        bytes text = plan->literals[i].text;
        const struct literal_context *context = &plan->literals[i].context;
        if (text.len == 0 || text.len > UINT32_MAX / 2)
            return fail(why, EINVAL, "literal %u has %zu bytes", i, text.len);
        if (context->value.len > LITERAL_CONTEXT || context->mask.len != context->value.len ||
            (context->value.len && is_run(&plan->literals[i])))
            return fail(why, EINVAL, "literal %u has a context of %zu bytes", i,
                        context->value.len);
        if (plan->is_repeated[i])
            continue;
        plan->text_size += text.len + 2 * plan->literals[i].context.value.len;
        if (text.len <= 3) {
            plan->choices[i].class = TINY;
            plan->tiny++;
        } else {
            plan->choices[i] = choose_window(text, class_of(text.len));
        }
    }
    merge_classes(plan);
    if (!pick_runs(plan) || !pick_common(plan))
        return fail(why, ENOMEM, "no memory to plan %u literals", plan->count);
    return 0;
}

/* Sections are laid out in the order of these calls. */
static struct section place(uint64_t *end, uint64_t count, size_t size)
{
    struct section section = {.at = *end, .count = count};
    *end += (count * size + LITERALS_ALIGN - 1) / LITERALS_ALIGN * LITERALS_ALIGN;
    return section;
}

static uint32_t log2_at_least(uint64_t n, uint32_t min, uint32_t max)
{
    uint32_t bits = min;
    while (bits < max && 1ull << bits < n)
        bits++;
    return bits;
}

static void place_class(struct class_table *to, enum literals_class c, uint32_t literals,
                        uint64_t *end)
{
    uint64_t entries = (uint64_t)literals * class_stride(c);
    /* The first bitmap: no larger than what stays in the L2 cache beside the others. Bits an
     * entry: the larger, the fewer go on, but the more look-ups miss the L1 cache. */
    uint32_t largest = c == DENSE ? 20 : 23, share = c == DENSE ? 128 : 24;
    to->literals = literals;
    to->first_bits = log2_at_least(entries * share, 12, largest);
    to->second_bits = log2_at_least(entries * 24, 12, 24);
    to->bucket_bits = log2_at_least(entries, 8, 24);
    to->first = place(end, 1ull << (to->first_bits - 5), 4);
    to->second = place(end, 1ull << (to->second_bits - 5), 4);
    to->buckets = place(end, (1ull << to->bucket_bits) + 1, 4);
    to->entries = place(end, entries, sizeof(struct entry));
}

static uint64_t place_all(const struct plan *plan, uint32_t tiny_entries,
                          struct literals_table *to)
{
    uint64_t end = sizeof *to;
    uint32_t literals[SOLITARY + 1] = {0};
    end = (end + LITERALS_ALIGN - 1) / LITERALS_ALIGN * LITERALS_ALIGN;
    for (uint32_t i = 0; i < plan->count; i++)
        literals[plan->choices[i].class] += !plan->is_repeated[i];
    for (int c = 0; c < CLASSES; c++)
        place_class(&to->classes[c], (enum literals_class)c, literals[c], &end);
    to->tiny = plan->tiny;
    to->dense_gate = place(&end, plan->gate != NULL, sizeof(struct dense_gate));
    to->tiny_gates = place(&end, TINY_GATES, sizeof(struct tiny_gate));
    to->tiny_triples = place(&end, TINY_WORDS, 4);
    to->tiny_buckets = place(&end, TINY_BUCKETS + 1, 4);
    to->tiny_entries = place(&end, tiny_entries, sizeof(struct tiny_entry));
    to->solos = place(&end, plan->solos.n, sizeof(struct solo));
    to->records = place(&end, plan->count, sizeof(struct record));
    to->texts = place(&end, plan->text_size, 1);
    to->magic = LITERALS_MAGIC;
    to->count = plan->count;
    to->size = end;
    return end;
}

static void *section_write(struct literals_table *table, struct section section)
{
    return (uint8_t *)table + section.at;
}

/* Returns the end of the texts. */
static uint64_t fill_context(struct record *record, const struct literal_context *context,
                             uint8_t *texts, uint64_t end)
{
    size_t length = context->value.len;
    if (length == 0)
        return end;
    record->context = end;
    record->around = (uint32_t)length;
    record->lead = (uint16_t)context->lead;
    memcpy(texts + end, context->value.at, length);
    memcpy(texts + end + length, context->mask.at, length);
    return end + 2 * length;
}

static void fill_records(const struct plan *plan, struct literals_table *table)
{
    struct record *records = section_write(table, table->records);
    uint8_t *texts = section_write(table, table->texts);
    uint64_t end = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct literal *literal = &plan->literals[i];
        records[i].next = plan->next[i];
        records[i].length = (uint32_t)literal->text.len;
        records[i].flags = (uint8_t)((literal->nocase ? LITERAL_NOCASE : 0) |
                                     (plan->choices[i].class == TINY ? LITERAL_TINY : 0));
        records[i].groups = plan->group_bits ? plan->group_bits[i] : 0xff;
        if (plan->is_repeated[i])
            continue;
        records[i].text = end;
        records[i].head = i;
        memcpy(texts + end, literal->text.at, literal->text.len);
        end += literal->text.len;
        end = fill_context(&records[i], &literal->context, texts, end);
    }
    /* Repetitions come after what they repeat. */
    for (uint32_t i = 0; i < plan->count; i++)
        if (plan->next[i]) {
            records[plan->next[i]].text = records[i].text;
            records[plan->next[i]].head = records[i].head;
        }
    struct solo *solos = section_write(table, table->solos);
    if (plan->solos.n)
        memcpy(solos, plan->solos.at, plan->solos.n * sizeof *solos);
}

/* Turns counts of each bucket into where its entries begin; filling then moves each start to
 * the next bucket's, and buckets_shift moves them back. */
static void buckets_sum(uint32_t *buckets, uint64_t count)
{
    uint32_t sum = 0;
    for (uint64_t i = 0; i <= count; i++) {
        uint32_t here = buckets[i];
        buckets[i] = sum;
        sum += here;
    }
}

static void buckets_shift(uint32_t *buckets, uint64_t count)
{
    memmove(buckets + 1, buckets, count * sizeof *buckets);
    buckets[0] = 0;
}

/* What bits of a word of MIDDLE a core at text.at[core] sets. */
static uint32_t core_bits(bytes text, uint32_t core)
{
    uint32_t before = core ? 1u << window_side(text.at[core - 1]) : 0xffff;
    uint32_t after = core + 3 < text.len ? 1u << window_side(text.at[core + 3]) : 0xffff;
    return before | after << 16;
}

/* The windows of a literal in its class: where the k-th begins. */
static uint32_t window_of(const struct plan *plan, uint32_t i, uint32_t k)
{
    uint32_t at = plan->choices[i].back + k;
    bool is_cut = plan->choices[i].class == MIDDLE && at + 4 > plan->literals[i].text.len;
    return at - is_cut;
}

static void class_count(const struct plan *plan, uint32_t i, uint32_t k,
                        struct literals_table *table)
{
    enum literals_class c = (enum literals_class)plan->choices[i].class;
    struct class_table *to = &table->classes[c];
    bytes text = plan->literals[i].text;
    uint32_t at = window_of(plan, i, k), core = plan->choices[i].back + k;
    const uint8_t *window = text.at + at;
    uint32_t *first = section_write(table, to->first),
             *second = section_write(table, to->second);
    uint32_t *buckets = section_write(table, to->buckets), low = load_le32(window);
    uint64_t hash = window_hash(c == LONG ? load_le64(window) : low);
    uint32_t bit = window_second(hash, to->second_bits);
    if (c == DENSE) {
        first[window_word(low >> 8, to->first_bits)] |= 1u << window_side(low);
        first[window_word(low, to->first_bits)] |= 0x10000u << window_side(low >> 24);
    } else if (c == MIDDLE) {
        first[window_word(low >> 8 * (core - at), to->first_bits)] |= core_bits(text, core);
        to->cut += core != at;
    } else {
        uint32_t h = window_hash8(low, load_le32(window + 4));
        first[window_long_word(h, to->first_bits)] |= window_long_bits(h);
    }
    second[bit >> 5] |= 1u << (bit & 31);
    buckets[window_bucket(hash, to->bucket_bits)]++;
}

static struct entry entry_of(const struct plan *plan, uint32_t i, uint32_t back, uint64_t hash)
{
    bytes text = plan->literals[i].text;
    uint32_t width = class_width((enum literals_class)plan->choices[i].class), probe = 0;
    uint32_t used = text.len < 8 ? (uint32_t)text.len : 8;
    if (back + width + used <= text.len)
        probe = back + width;
    else if (back < text.len - used - back)
        probe = (uint32_t)text.len - used;
    else
        probe = back > used ? back - used : 0;
    struct entry entry = {.literal = i & (LITERALS_MAX - 1),
                          .check = window_check(hash) & 0xff,
                          .back = (uint8_t)back,
                          .probe = (uint8_t)(probe > 255 ? 0 : probe),
                          .used = (uint8_t)used,
                          .groups = groups_of(plan, i)};
    for (uint32_t k = 0; k < used; k++)
        entry.want |= (uint64_t)text.at[entry.probe + k] << 8 * k;
    entry.want &= FOLD64;
    return entry;
}

static void fill_classes(const struct plan *plan, struct literals_table *table)
{
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < plan->count; i++) {
            struct choice choice = plan->choices[i];
            if (choice.class >= CLASSES || plan->is_repeated[i])
                continue;
            enum literals_class c = (enum literals_class)choice.class;
            struct class_table *to = &table->classes[c];
            uint32_t *buckets = section_write(table, to->buckets);
            struct entry *entries = section_write(table, to->entries);
            for (uint32_t k = 0; k < class_stride(c); k++) {
                uint32_t back = window_of(plan, i, k);
                const uint8_t *window = plan->literals[i].text.at + back;
                if (pass == 0) {
                    class_count(plan, i, k, table);
                    continue;
                }
                uint64_t h = window_hash(c == LONG ? load_le64(window) : load_le32(window));
                entries[buckets[window_bucket(h, to->bucket_bits)]++] =
                    entry_of(plan, i, back, h);
            }
        }
        for (int c = 0; c < CLASSES; c++) {
            struct class_table *to = &table->classes[c];
            uint32_t *buckets = section_write(table, to->buckets);
            (pass == 0 ? buckets_sum : buckets_shift)(buckets, 1ull << to->bucket_bits);
        }
    }
}

static uint32_t collect_tiny(const struct plan *plan, struct tiny_entry *entries)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->choices[i].class != TINY || plan->is_repeated[i])
            continue;
        for (uint32_t k = 0; k < 4; k++) {
            struct tiny_entry entry = {.literal = i,
                                       .gate = (uint8_t)(plan->literals[i].text.len - 2),
                                       .groups = groups_of(plan, i)};
            if (entry.gate == 1) {
                uint8_t third = plan->literals[i].text.at[2];
                bool is_both = plan->literals[i].nocase && is_letter(third);
                entry.third[0] = third;
                entry.third[1] = is_both ? third ^ 0x20 : third;
            }
            if (literals_tiny_spelling(&plan->literals[i], k, entry.pair))
                entries[n++] = entry;
        }
    }
    return n;
}

static bool fill_tiny(struct plan *plan, struct literals_table *table,
                      const struct tiny_entry *from, uint32_t count)
{
    uint32_t *buckets = section_write(table, table->tiny_buckets);
    struct tiny_entry *entries = section_write(table, table->tiny_entries);
    struct tiny_gate *gates = section_write(table, table->tiny_gates);
    for (uint32_t i = 0; i < count; i++)
        buckets[tiny_bucket(from[i].pair[0], from[i].pair[1])]++;
    buckets_sum(buckets, TINY_BUCKETS);
    for (uint32_t i = 0; i < count; i++)
        entries[buckets[tiny_bucket(from[i].pair[0], from[i].pair[1])]++] = from[i];
    buckets_shift(buckets, TINY_BUCKETS);
    uint32_t *triples = section_write(table, table->tiny_triples);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < 2 && from[i].gate == 1; k++) {
            uint32_t bit = tiny_triple(from[i].pair[0], from[i].pair[1], from[i].third[k]);
            triples[bit >> 5] |= 1u << (bit & 31);
        }
    uint32_t *numbers = PUSH_ARRAY(plan->temporary, uint32_t, count);
    if (!numbers)
        return false;
    for (unsigned gate = 0; gate < TINY_GATES; gate++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < count; i++)
            if (from[i].gate == gate && (n == 0 || numbers[n - 1] != from[i].literal))
                numbers[n++] = from[i].literal;
        if (n &&
            !literals_tiny_classes(plan->literals, numbers, n, plan->temporary, &gates[gate]))
            return false;
    }
    return true;
}

/* A gate for DENSE, where its literals are few enough. False: no memory. */
static bool plan_gate(struct plan *plan)
{
    struct gate_window *windows = PUSH_ARRAY(plan->temporary, struct gate_window, GATE_MOST);
    uint32_t n = 0;
    if (!windows)
        return false;
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->is_repeated[i] || plan->choices[i].class != DENSE)
            continue;
        if (n == GATE_MOST)
            return true;
        memcpy(windows[n].at, plan->literals[i].text.at + plan->choices[i].back, GATE_WIDTH);
        windows[n++].nocase = plan->literals[i].nocase;
    }
    return literals_gate(windows, n, plan->temporary, &plan->gate);
}

static int table_make(struct plan *plan, struct arena *arena, bytes *ret, struct why *why)
{
    int error = plan_make(plan, why);
    if (error < 0)
        return error;
    struct tiny_entry *tiny =
        PUSH_ARRAY(plan->temporary, struct tiny_entry, (size_t)plan->tiny * 4 + 1);
    if (!tiny || !plan_gate(plan))
        return fail(why, ENOMEM, "no memory to plan %u literals", plan->count);
    uint32_t tiny_entries = collect_tiny(plan, tiny);
    struct literals_table header = {0};
    uint64_t size = place_all(plan, tiny_entries, &header);
    uint8_t *memory = arena_push(arena, size + LITERALS_ALIGN);
    if (!memory)
        return fail(why, ENOMEM, "no memory for the table of %u literals", plan->count);
    memory += -(uintptr_t)memory % LITERALS_ALIGN;
    struct literals_table *table = (struct literals_table *)(void *)memory;
    *table = header;
    if (plan->gate)
        *(struct dense_gate *)section_write(table, table->dense_gate) = *plan->gate;
    fill_records(plan, table);
    fill_classes(plan, table);
    if (tiny_entries && !fill_tiny(plan, table, tiny, tiny_entries))
        return fail(why, ENOMEM, "no memory to plan %u literals", plan->count);
    *ret = (bytes){memory, size};
    return 0;
}

int literals_build(const struct literal *literals, const uint8_t *group_bits, uint32_t count,
                   struct arena *arena, bytes *ret, struct why *why)
{
    if (count > LITERALS_MAX)
        return fail(why, E2BIG, "%u literals are more than %u", count, (unsigned)LITERALS_MAX);
    struct plan plan = {.literals = literals, .group_bits = group_bits, .count = count};
    plan.temporary = arena_new((size_t)count * 192 + (4 << 20));
    if (!plan.temporary)
        return fail(why, ENOMEM, "no memory to plan %u literals", count);
    int error = table_make(&plan, arena, ret, why);
    arena_free(plan.temporary);
    return error;
}

/* Blocks are kept in a hash table by their image; a second, smaller one by the plain block sees
 * to it that a block has no two images, as it has under a stream. */
#include "rescue/pair/table.h"

#include <errno.h>
#include <string.h>

enum { SAMPLE_ENTRIES = 1 << 17, TABLE_WINDOW = 256 << 10, TABLE_TOLD = 64 };

static struct pair_table *table_new(uint32_t block, uint32_t entries, struct arena *arena)
{
    struct pair_table *table = PUSH(arena, struct pair_table);
    if (!table)
        return NULL;
    table->block = block;
    table->slots = entries * 2;
    table->slot = PUSH_ARRAY(arena, uint32_t, table->slots);
    table->entry = arena_push_raw(arena, (size_t)entries * block * 2);
    return table->slot && table->entry ? table : NULL;
}

/* The slot of an encrypted block, or the free one where it belongs. */
static uint32_t *slot_of(const struct pair_table *table, const uint8_t *block)
{
    uint32_t at = (uint32_t)hash64((bytes){block, table->block}, 0) & (table->slots - 1);
    while (table->slot[at] &&
           memcmp(table->entry + (size_t)(table->slot[at] - 1) * 2 * table->block, block,
                  table->block) != 0)
        at = (at + 1) & (table->slots - 1);
    return &table->slot[at];
}

static const uint8_t *value_of(const struct pair_table *table, uint32_t slot)
{
    return table->entry + ((size_t)(slot - 1) * 2 + 1) * table->block;
}

/* What a key has for a value: true when the table has it already, from before `mark`. */
static bool table_add(struct pair_table *table, const uint8_t *key, const uint8_t *value,
                      uint32_t mark)
{
    uint32_t *slot = slot_of(table, key);
    if (*slot) {
        bool same = memcmp(value_of(table, *slot), value, table->block) == 0;
        table->agreed += same;
        table->conflict += !same;
        return same && *slot <= mark;
    }
    if (table->n == table->slots / 2) {
        table->full = true;
        return false;
    }
    uint8_t *entry = table->entry + (size_t)table->n * 2 * table->block;
    memcpy(entry, key, table->block);
    memcpy(entry + table->block, value, table->block);
    *slot = ++table->n;
    return false;
}

/* Takes back all entries but the first `n`. */
static void table_forget(struct pair_table *table, uint32_t n)
{
    memset(table->slot, 0, table->slots * sizeof *table->slot);
    table->n = n;
    for (uint32_t i = 0; i < n; i++)
        *slot_of(table, table->entry + (size_t)i * 2 * table->block) = i + 1;
}

/* Blocks have one image each, and images one block: both ways are watched. */
struct both_ways {
    struct pair_table *image, *block; /* by the encrypted block, by the plain one */
    uint64_t shared;                  /* blocks that came again from another pair */
    uint32_t mark;                    /* entries before this pair */
};

static bool both_new(struct both_ways *both, uint32_t block, uint32_t entries,
                     struct arena *arena)
{
    *both = (struct both_ways){.image = table_new(block, entries, arena)};
    both->block = table_new(block, block == 1 ? 256 : SAMPLE_ENTRIES, arena);
    return both->image && both->block;
}

static void both_add(struct both_ways *both, const uint8_t *encrypted, const uint8_t *plain,
                     size_t len)
{
    uint32_t block = both->image->block;
    for (size_t at = 0; len - at >= block; at += block) {
        both->shared += table_add(both->image, encrypted + at, plain + at, both->mark);
        table_add(both->block, plain + at, encrypted + at, 0);
    }
}

static uint64_t both_conflict(const struct both_ways *both)
{
    return both->image->conflict + both->block->conflict;
}

/* Blocks that have to come again before anything is believed. */
static uint64_t enough(uint32_t block)
{
    return block == 1 ? TABLE_TOLD : 4;
}

/* How many pairs a table of such blocks explains: 0 when not the first one. */
static void judge(uint32_t block, const struct stream_samples *samples, struct arena *arena,
                  struct stream_guess *ret)
{
    struct arena_mark mark = arena_mark(arena);
    struct both_ways both;
    bool room = both_new(&both, block, SAMPLE_ENTRIES, arena);
    *ret = (struct stream_guess){.method = PAIR_TABLE, .period = block};
    for (uint32_t i = 0; room && i < samples->fragment.n;) {
        uint32_t pair = samples->fragment.at[i].pair;
        uint64_t agreed = both.image->agreed, conflict = both_conflict(&both);
        both.shared = 0;
        both.mark = both.image->n;
        for (; i < samples->fragment.n && samples->fragment.at[i].pair == pair; i++)
            both_add(&both, samples->fragment.at[i].encrypted, samples->fragment.at[i].plain,
                     samples->fragment.at[i].len);
        bool good = both_conflict(&both) == conflict && (!ret->pairs || both.shared);
        if (!ret->pairs && (!good || both.image->agreed < enough(block)))
            break;
        ret->shared |= ret->pairs && good;
        ret->pairs += good;
        ret->agreed += good ? (both.image->agreed - agreed) * block : 0;
    }
    arena_pop(arena, mark);
}

void table_detect(const struct stream_samples *samples, struct arena *arena,
                  struct stream_guess *ret)
{
    static const uint32_t blocks[] = {1, 8, 16};
    for (size_t i = 0; i < COUNT(blocks); i++) {
        judge(blocks[i], samples, arena, ret);
        if (ret->pairs)
            return;
    }
}

struct table_job {
    struct both_ways both;
    uint8_t *window;
    uint64_t prefix;
    struct budget *budget;
};

static int learn_run(struct table_job *job, const struct pair *pair, struct pair_run run,
                     struct why *why)
{
    for (uint64_t at = run.at; at < run.end;) {
        size_t len = run.end - at < TABLE_WINDOW ? (size_t)(run.end - at) : TABLE_WINDOW;
        if (!budget_charge(job->budget, len))
            return 0;
        int error = source_read(&pair->plain, at, job->window, len, why);
        if (!error)
            error = source_read(&pair->encrypted, job->prefix + at, job->window + TABLE_WINDOW,
                                len, why);
        if (error)
            return error;
        both_add(&job->both, job->window + TABLE_WINDOW, job->window, len);
        at += len;
    }
    return 0;
}

int table_learn(const struct pair *pairs, size_t count, const struct pair_rule *const *rules,
                uint32_t block, struct arena *arena, struct budget *budget,
                struct pair_scheme *scheme, bool *bad, struct why *why)
{
    struct table_job job = {.prefix = scheme->prefix, .budget = budget};
    job.window = arena_push_raw(arena, (size_t)2 * TABLE_WINDOW);
    if (!both_new(&job.both, block, block == 1 ? 256 : TABLE_ENTRIES, arena) || !job.window)
        return fail(why, ENOMEM, "no memory for a table of blocks");

    struct pair_table *table = job.both.image;
    for (size_t i = 0; i < count; i++) {
        struct pair_table before = *table;
        uint64_t conflict = both_conflict(&job.both);
        bad[i] = true;
        if (!rules[i])
            continue;
        job.both.shared = 0;
        job.both.mark = table->n;
        struct rule_walk walk = rule_walk(rules[i], pairs[i].plain.size);
        struct pair_run run;
        while (rule_walk_next(&walk, &run)) {
            int error = learn_run(&job, &pairs[i], run, why);
            if (error)
                return error;
        }
        bad[i] = both_conflict(&job.both) != conflict;
        scheme->shared |= !bad[i] && scheme->pairs && job.both.shared;
        scheme->pairs += !bad[i];
        if (!bad[i])
            continue;
        scheme->against += pairs[i].plain.size;
        table_forget(table, before.n);
        table->agreed = before.agreed;
        table->full = before.full;
    }
    scheme->table = table;
    scheme->block = block;
    scheme->agreed = table->agreed * block;
    return 0;
}

uint64_t table_undo(const struct pair_table *table, uint8_t *data, size_t len)
{
    uint64_t unknown = 0;
    for (size_t at = 0; len - at >= table->block; at += table->block) {
        uint32_t slot = *slot_of(table, data + at);
        if (slot)
            memcpy(data + at, value_of(table, slot), table->block);
        unknown += !slot;
    }
    return unknown;
}

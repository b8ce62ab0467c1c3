#include "match/literals/literals_table.h"

static bool section_fits(const struct literals_table *table, struct section section,
                         size_t size)
{
    return section.at % LITERALS_ALIGN == 0 && section.at >= sizeof *table &&
           section.at <= table->size && section.count <= (table->size - section.at) / size;
}

/* Bucket starts rise, and the last is the number of entries. */
static bool buckets_rise(const struct literals_table *table, struct section section,
                         uint64_t entries)
{
    const uint32_t *buckets = section_at(table, section);
    for (uint64_t i = 1; i < section.count; i++)
        if (buckets[i] < buckets[i - 1])
            return false;
    return buckets[0] == 0 && buckets[section.count - 1] == entries;
}

static bool class_is_valid(const struct literals_table *table, const struct class_table *class)
{
    if (class->first_bits < 7 || class->first_bits > 31 || class->second_bits < 5 ||
        class->second_bits > 31 || class->bucket_bits < 1 || class->bucket_bits > 31)
        return false;
    if (class->first.count != 1ull << (class->first_bits - 5) ||
        class->second.count != 1ull << (class->second_bits - 5) ||
        class->buckets.count != (1ull << class->bucket_bits) + 1)
        return false;
    if (!section_fits(table, class->first, 4) || !section_fits(table, class->second, 4) ||
        !section_fits(table, class->buckets, 4) ||
        !section_fits(table, class->entries, sizeof(struct entry)) ||
        !buckets_rise(table, class->buckets, class->entries.count))
        return false;
    const struct entry *entries = section_at(table, class->entries);
    for (uint64_t i = 0; i < class->entries.count; i++)
        if (entries[i].literal >= table->count || entries[i].used < 1 || entries[i].used > 8)
            return false;
    return true;
}

static bool tiny_is_valid(const struct literals_table *table)
{
    if (table->tiny_gates.count != TINY_GATES ||
        !section_fits(table, table->tiny_gates, sizeof(struct tiny_gate)) ||
        table->tiny_triples.count != TINY_WORDS ||
        !section_fits(table, table->tiny_triples, 4) ||
        table->tiny_buckets.count != TINY_BUCKETS + 1 ||
        !section_fits(table, table->tiny_buckets, 4) ||
        !section_fits(table, table->tiny_entries, sizeof(struct tiny_entry)) ||
        !buckets_rise(table, table->tiny_buckets, table->tiny_entries.count))
        return false;
    const struct tiny_entry *entries = section_at(table, table->tiny_entries);
    for (uint64_t i = 0; i < table->tiny_entries.count; i++)
        if (entries[i].literal >= table->count || entries[i].gate >= TINY_GATES)
            return false;
    return true;
}

static bool records_are_valid(const struct literals_table *table)
{
    if (table->records.count != table->count ||
        !section_fits(table, table->records, sizeof(struct record)) ||
        !section_fits(table, table->texts, 1))
        return false;
    const struct record *records = section_at(table, table->records);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct record *record = &records[i];
        if (record->length == 0 || record->length > table->texts.count ||
            record->text > table->texts.count - record->length)
            return false;
        if (record->around > LITERAL_CONTEXT || record->context > table->texts.count ||
            2 * record->around > table->texts.count - record->context)
            return false;
        if ((record->flags & LITERAL_TINY && record->length < 2) || record->head > i ||
            (record->next && (record->next <= i || record->next >= table->count)))
            return false;
    }
    return true;
}

static bool solos_are_valid(const struct literals_table *table)
{
    if (!section_fits(table, table->solos, sizeof(struct solo)))
        return false;
    const struct solo *solos = section_at(table, table->solos);
    const struct record *records = section_at(table, table->records);
    uint32_t heads = 0;
    for (uint64_t i = 0; i < table->solos.count; i++) {
        const struct solo *solo = &solos[i];
        if (solo->literal >= table->count || solo->first >= records[solo->literal].length ||
            solo->second >= records[solo->literal].length)
            return false;
        if (solo->next && (solo->next <= i || solo->next >= table->solos.count))
            return false;
        heads += solo->is_head != 0;
    }
    return heads <= SOLO_HEADS;
}

bool literals_valid(bytes from, uint32_t count)
{
    const struct literals_table *table = (const void *)from.at;
    if ((uintptr_t)from.at % LITERALS_ALIGN || from.len < sizeof *table ||
        table->magic != LITERALS_MAGIC || table->size != from.len || table->count != count ||
        count > LITERALS_MAX)
        return false;
    for (int c = 0; c < CLASSES; c++)
        if (!class_is_valid(table, &table->classes[c]))
            return false;
    if (table->dense_gate.count > 1 ||
        !section_fits(table, table->dense_gate, sizeof(struct dense_gate)))
        return false;
    return tiny_is_valid(table) && records_are_valid(table) && solos_are_valid(table);
}

#include "rescue/catalogue/catalogue.h"

#include "rescue/catalogue/catalogue_pack.h"
#include "rescue/identify/note_feature.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *catalogue_rescue_text(enum catalogue_rescue rescue)
{
    static const char *const texts[] = {"unknown", "decryptable now",
                                        "decryptable in part, or for some versions",
                                        "with a key", "not today"};
    return texts[rescue];
}

const char *catalogue_rescue_word(enum catalogue_rescue rescue)
{
    static const char *const words[] = {"unknown", "now", "some", "key", "not-today"};
    return words[rescue];
}

enum { MAYBE_BITS = 1 << 16 };

/* --- reading what catalogue_pack.c wrote --- */

struct cursor {
    bytes rest;
    struct arena *arena;
    bool bad;
};

static uint64_t number(struct cursor *cursor, size_t size)
{
    uint64_t value = 0;
    if (cursor->rest.len < size) {
        cursor->bad = true;
        return 0;
    }
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)cursor->rest.at[i] << 8 * i;
    cursor->rest = bytes_slice(cursor->rest, size, cursor->rest.len);
    return value;
}

static bytes view(struct cursor *cursor)
{
    size_t len = (size_t)number(cursor, 2);
    if (len > cursor->rest.len) {
        cursor->bad = true;
        return (bytes){0};
    }
    bytes text = {cursor->rest.at, len};
    cursor->rest = bytes_slice(cursor->rest, len, cursor->rest.len);
    return text;
}

static const bytes *views(struct cursor *cursor, uint16_t *count)
{
    *count = (uint16_t)number(cursor, 2);
    if (*count > cursor->rest.len / 2)
        cursor->bad = true;
    bytes *list = cursor->bad ? NULL : PUSH_ARRAY(cursor->arena, bytes, *count);
    for (uint16_t i = 0; list && i < *count; i++)
        list[i] = view(cursor);
    cursor->bad |= !list;
    return list;
}

static void read_family(struct cursor *cursor, struct catalogue_family *ret)
{
    ret->name = view(cursor);
    ret->title = view(cursor);
    ret->seen = view(cursor);
    ret->advice = view(cursor);
    ret->checked = view(cursor);
    ret->told_by = view(cursor);
    uint64_t rescue = number(cursor, 1);
    cursor->bad |= rescue > RESCUE_NOT_TODAY;
    ret->rescue = cursor->bad ? RESCUE_UNKNOWN : (enum catalogue_rescue)rescue;
    ret->also = views(cursor, &ret->also_count);
    ret->formats = views(cursor, &ret->format_count);
    ret->lineage_count = (uint16_t)number(cursor, 2);
    cursor->bad |= ret->lineage_count > cursor->rest.len / 4;
    struct catalogue_lineage *lineage =
        cursor->bad ? NULL
                    : PUSH_ARRAY(cursor->arena, struct catalogue_lineage, ret->lineage_count);
    for (uint16_t i = 0; lineage && i < ret->lineage_count; i++) {
        lineage[i].family = view(cursor);
        lineage[i].how = view(cursor);
    }
    ret->lineage = lineage;
    cursor->bad |= !lineage;
}

static void read_fact(struct cursor *cursor, const struct catalogue *catalogue,
                      struct catalogue_fact *ret)
{
    uint64_t kind = number(cursor, 1);
    ret->family = (uint16_t)number(cursor, 2);
    ret->source = (uint16_t)number(cursor, 2);
    ret->at = (int64_t)number(cursor, 8);
    ret->text = view(cursor);
    ret->value = view(cursor);
    cursor->bad |= kind >= FACT_KINDS || ret->family >= catalogue->family_count ||
                   ret->source >= catalogue->source_count ||
                   (kind == FACT_MARKER && (!ret->value.len || ret->value.len > MARKER_MAX));
    ret->kind = cursor->bad ? FACT_EXTENSION : (enum catalogue_kind)kind;
}

static void read_all(struct cursor *cursor, struct catalogue *ret)
{
    uint16_t sources;
    ret->source = views(cursor, &sources);
    ret->source_count = sources;
    ret->family_count = (uint32_t)number(cursor, 2);
    ret->fact_count = (uint32_t)number(cursor, 4);
    if (cursor->bad || ret->family_count > cursor->rest.len / 19 ||
        ret->fact_count > cursor->rest.len / 17) {
        cursor->bad = true;
        return;
    }
    struct catalogue_family *family =
        PUSH_ARRAY(cursor->arena, struct catalogue_family, ret->family_count + 1);
    ret->fact = PUSH_ARRAY(cursor->arena, struct catalogue_fact, ret->fact_count + 1);
    ret->family = family;
    cursor->bad |= !family || !ret->fact;
    for (uint32_t i = 0; !cursor->bad && i < ret->family_count; i++)
        read_family(cursor, &family[i]);
    for (uint32_t i = 0; !cursor->bad && i < ret->fact_count; i++)
        read_fact(cursor, ret, &ret->fact[i]);
}

int catalogue_open(bytes packed, struct arena *arena, struct catalogue *ret, struct why *why)
{
    struct cursor cursor = {packed, arena, false};
    struct catalogue catalogue = {0};
    if (packed.len < 8 || memcmp(packed.at, CATALOGUE_MAGIC, 8) != 0)
        return fail(why, EBADMSG, "not a catalogue of ransomware");
    cursor.rest = bytes_slice(packed, 8, packed.len);
    read_all(&cursor, &catalogue);
    if (cursor.bad || cursor.rest.len)
        return fail(why, EBADMSG, "the catalogue of ransomware is damaged");
    *ret = catalogue;
    return catalogue_index(ret, arena, why);
}

/* --- tables --- */

static uint64_t key_hash(enum catalogue_kind kind, bytes text)
{
    uint8_t low[256];
    if (kind == FACT_BRAND)
        return note_feature_name(text) + kind;
    size_t len = text.len < sizeof low ? text.len : sizeof low;
    for (size_t i = 0; i < len; i++)
        low[i] = ascii_lower(text.at[i]);
    return hash64((bytes){low, len}, 0) + kind;
}

static int by_hash(const void *a, const void *b)
{
    const struct catalogue_key *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->fact < y->fact ? -1 : x->fact > y->fact;
}

static bool has_wildcard(const struct catalogue_fact *fact)
{
    return fact->kind == FACT_MARKER || ((fact->kind == FACT_FILE || fact->kind == FACT_NOTE) &&
                                         memchr(fact->text.at, '{', fact->text.len));
}

static void count_users(struct catalogue *catalogue)
{
    for (uint32_t i = 0, end; i < catalogue->key_count; i = end) {
        uint16_t users = 0;
        int last = -1;
        for (end = i;
             end < catalogue->key_count && catalogue->key[end].hash == catalogue->key[i].hash;
             end++) {
            int family = catalogue->fact[catalogue->key[end].fact].family;
            users = (uint16_t)(users + (family != last));
            last = family;
        }
        for (uint32_t k = i; k < end; k++)
            catalogue->fact[catalogue->key[k].fact].users = users;
    }
}

int catalogue_index(struct catalogue *catalogue, struct arena *arena, struct why *why)
{
    catalogue->key = PUSH_ARRAY(arena, struct catalogue_key, catalogue->fact_count + 1);
    catalogue->pattern = PUSH_ARRAY(arena, uint32_t, catalogue->fact_count + 1);
    catalogue->maybe = PUSH_ARRAY(arena, uint64_t, MAYBE_BITS / 64);
    if (!catalogue->key || !catalogue->pattern || !catalogue->maybe)
        return fail(why, ENOMEM, "no memory for the catalogue of ransomware");
    catalogue->key_count = catalogue->pattern_count = 0;
    for (uint32_t i = 0; i < catalogue->fact_count; i++) {
        struct catalogue_fact *fact = &catalogue->fact[i];
        fact->users = 1;
        if (has_wildcard(fact))
            catalogue->pattern[catalogue->pattern_count++] = i;
        else
            catalogue->key[catalogue->key_count++] =
                (struct catalogue_key){key_hash(fact->kind, fact->text), i};
    }
    if (catalogue->key_count)
        qsort(catalogue->key, catalogue->key_count, sizeof *catalogue->key, by_hash);
    for (uint32_t i = 0; i < catalogue->key_count; i++) {
        uint64_t bit = catalogue->key[i].hash % MAYBE_BITS;
        catalogue->maybe[bit / 64] |= (uint64_t)1 << bit % 64;
    }
    count_users(catalogue);
    return 0;
}

static uint32_t lower(const struct catalogue *catalogue, uint64_t hash)
{
    uint32_t low = 0, high = catalogue->key_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (catalogue->key[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void catalogue_find(const struct catalogue *catalogue, enum catalogue_kind kind, bytes text,
                    void (*take)(void *context, const struct catalogue_fact *fact),
                    void *context)
{
    uint64_t hash = key_hash(kind, text);
    for (uint32_t i = lower(catalogue, hash);
         i < catalogue->key_count && catalogue->key[i].hash == hash; i++) {
        const struct catalogue_fact *fact = &catalogue->fact[catalogue->key[i].fact];
        if (fact->kind == kind && (kind == FACT_BRAND || bytes_same(fact->text, text)))
            take(context, fact);
    }
}

void catalogue_find_hash(const struct catalogue *catalogue, enum catalogue_kind kind,
                         uint64_t hash,
                         void (*take)(void *context, const struct catalogue_fact *fact),
                         void *context)
{
    uint64_t bit = (hash + kind) % MAYBE_BITS;
    if (!(catalogue->maybe[bit / 64] >> bit % 64 & 1))
        return;
    for (uint32_t i = lower(catalogue, hash + kind);
         i < catalogue->key_count && catalogue->key[i].hash == hash + kind; i++)
        if (catalogue->fact[catalogue->key[i].fact].kind == kind)
            take(context, &catalogue->fact[catalogue->key[i].fact]);
}

int catalogue_family(const struct catalogue *catalogue, bytes name)
{
    for (uint32_t i = 0; i < catalogue->family_count; i++)
        if (bytes_same(catalogue->family[i].name, name))
            return (int)i;
    for (uint32_t i = 0; i < catalogue->family_count; i++)
        for (uint16_t k = 0; k < catalogue->family[i].also_count; k++)
            if (bytes_same(catalogue->family[i].also[k], name))
                return (int)i;
    return -1;
}

static bool came_from(const struct catalogue *catalogue, int a, bytes name, int steps)
{
    const struct catalogue_family *family = &catalogue->family[a];
    for (uint16_t i = 0; i < family->lineage_count; i++) {
        if (bytes_same(family->lineage[i].family, name))
            return true;
        int next = steps ? catalogue_family(catalogue, family->lineage[i].family) : -1;
        if (next >= 0 && next != a && came_from(catalogue, next, name, steps - 1))
            return true;
    }
    return false;
}

bool catalogue_unconfirmed(const struct catalogue *catalogue, const struct catalogue_fact *fact)
{
    return bytes_is(catalogue->source[fact->source], CATALOGUE_UNCONFIRMED);
}

bool catalogue_related(const struct catalogue *catalogue, int a, int b)
{
    int known = (int)catalogue->family_count;
    if (a < 0 || b < 0)
        return false;
    if (a >= known || b >= known)
        return a == b;
    return a == b || came_from(catalogue, a, catalogue->family[b].name, 1) ||
           came_from(catalogue, b, catalogue->family[a].name, 1);
}

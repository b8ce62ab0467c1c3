/* How marks of several parts are put together follows ClamAV: of each part but the last, the
 * ends of the last nine are remembered; a part counts when one of those before it ends at a
 * fitting distance. Parts are met in the order of their pairs of exact bytes. */
#include "filetype/types.h"

#include "filetype/marks.h"

#include <string.h>

enum {
    REMEMBERED = 9,
    SLOTS = REMEMBERED + 1, /* the first says which was written last, 0: none yet */
    PAIR_WORDS = 65536 / 32,
    BUCKETS = 4096,
    UNSET = UINT32_MAX,
};

struct types {
    bytes texts;
    const struct types_row *rows;
    uint32_t count, marks;
    bool replaces;
    bool makes[FILETYPES];
    uint32_t first[PAIR_WORDS]; /* pairs of first parts */
    uint32_t any[PAIR_WORDS];   /* of all parts */
    uint32_t bucket[BUCKETS];   /* number of a row, from 1 */
    uint32_t *next;             /* of each row: the next in its bucket */
    uint32_t *state;            /* of marks of several parts: parts times SLOTS */
    uint32_t *state_of; /* where in it that of each mark begins, and the last one ends */
    uint32_t *touched;  /* marks whose state is not that of the start */
    bool *is_touched;
    uint32_t touched_count;
};

bool types_row_valid(const struct types_row *row, bytes texts)
{
    return row->length && row->length <= TYPES_LENGTH &&
           bytes_has(texts, row->text, 2 * (uint64_t)row->length) && row->kind <= TYPES_MARK &&
           row->type < FILETYPES && row->before < FILETYPES && row->mark < TYPES_ROWS &&
           row->parts && row->parts <= TYPES_PARTS && row->part < row->parts &&
           (row->kind == TYPES_MAGIC || (row->length >= 2 && row->pair <= row->length - 2));
}

static uint16_t pair_of(const struct types *types, const struct types_row *row)
{
    return load_le16(types->texts.at + row->text + row->pair);
}

static uint32_t bucket_of(uint16_t pair)
{
    return (pair * UINT32_C(0x9e3779b1)) >> 20;
}

static void set_pair(uint32_t *set, uint16_t pair)
{
    set[pair / 32] |= UINT32_C(1) << pair % 32;
}

/* Rows of a bucket stand in their order. */
static void add_mark(struct types *types, uint32_t number)
{
    const struct types_row *row = &types->rows[number];
    uint16_t pair = pair_of(types, row);
    uint32_t *at = &types->bucket[bucket_of(pair)];
    while (*at)
        at = &types->next[*at - 1];
    *at = number + 1;
    if (!row->part)
        set_pair(types->first, pair);
    set_pair(types->any, pair);
}

static void forget(struct types *types, uint32_t mark)
{
    for (uint32_t i = types->state_of[mark]; i < types->state_of[mark + 1]; i += SLOTS) {
        memset(types->state + i, 0xff, SLOTS * sizeof *types->state);
        types->state[i] = 0;
    }
}

/* Room for what is remembered of each mark. */
static bool make_states(struct types *types, struct arena *arena)
{
    uint32_t *parts = PUSH_ARRAY(arena, uint32_t, types->marks);
    size_t size = 0;
    types->state_of = PUSH_ARRAY(arena, uint32_t, types->marks + 1);
    types->touched = PUSH_ARRAY(arena, uint32_t, types->marks);
    types->is_touched = PUSH_ARRAY(arena, bool, types->marks);
    if (!parts || !types->state_of || !types->touched || !types->is_touched)
        return false;
    for (uint32_t i = 0; i < types->count; i++) {
        const struct types_row *row = &types->rows[i];
        if (row->kind == TYPES_MARK && parts[row->mark] < row->parts)
            parts[row->mark] = row->parts;
    }
    for (uint32_t i = 0; i < types->marks; i++) {
        size += (size_t)parts[i] * SLOTS;
        types->state_of[i + 1] = (uint32_t)size;
    }
    types->state = PUSH_ARRAY(arena, uint32_t, size);
    for (uint32_t i = 0; types->state && i < types->marks; i++)
        forget(types, i);
    return types->state != NULL;
}

struct types *types_new(struct arena *arena, bytes texts, const struct types_row *rows,
                        uint32_t count, bool *ret_full)
{
    struct types *types = count ? PUSH(arena, struct types) : NULL;
    *ret_full = count > 0;
    if (!types)
        return NULL;
    *types = (struct types){.texts = texts, .rows = rows, .count = count};
    types->next = PUSH_ARRAY(arena, uint32_t, count);
    if (!types->next)
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        types->makes[rows[i].type] = true;
        types->replaces |= rows[i].kind == TYPES_MAGIC;
        if (rows[i].kind == TYPES_MARK && rows[i].mark >= types->marks)
            types->marks = rows[i].mark + 1;
    }
    if (!make_states(types, arena))
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].kind == TYPES_MARK)
            add_mark(types, i);
    *ret_full = false;
    return types;
}

bool types_replace(const struct types *types)
{
    return types && types->replaces;
}

bool types_make(const struct types *types, enum filetype type)
{
    return types->makes[type];
}

static bool fits_at(const struct types *types, const struct types_row *row, bytes data,
                    uint64_t at)
{
    if (!bytes_has(data, at, row->length))
        return false;
    const uint8_t *want = types->texts.at + row->text, *mask = want + row->length;
    for (uint32_t i = 0; i < row->length; i++)
        if ((data.at[at + i] & mask[i]) != want[i])
            return false;
    return true;
}

bool types_magic(const struct types *types, bytes head, enum filetype *ret)
{
    for (uint32_t i = types->count; i-- > 0;) {
        const struct types_row *row = &types->rows[i];
        if (row->kind == TYPES_MAGIC && fits_at(types, row, head, row->at)) {
            *ret = (enum filetype)row->type;
            return true;
        }
    }
    return false;
}

/* One look through some data. */
struct look {
    struct types *types;
    bytes data;
    enum filetype type;
    bool whole;
    const uint32_t *pairs; /* that count now */
    struct marks *found;
};

/* Whether the first part of a mark may stand there. */
static bool place_fits(const struct look *look, const struct types_row *row, size_t at)
{
    uint64_t from = row->at;
    if (row->span == TYPES_ANYWHERE && !row->from_end)
        return true;
    if (row->from_end) {
        if (!look->whole || look->data.len < row->at)
            return false;
        from = look->data.len - row->at;
    }
    return at >= from && at - from <= row->span;
}

/* Which of the remembered ends of the part before fits this one; 0: none. */
static uint32_t end_before(const uint32_t *ends, const struct types_row *row, size_t at)
{
    for (uint32_t i = 1; i < SLOTS && ends[i] != UNSET; i++)
        if (at >= ends[i] && (!row->gap_max || at - ends[i] <= row->gap_max) &&
            at - ends[i] >= row->gap_min)
            return i;
    return 0;
}

/* True when the part is the last of a mark that is complete; *ret_start is where it began. */
static bool join_part(struct look *look, const struct types_row *row, size_t at,
                      size_t *ret_start)
{
    struct types *types = look->types;
    uint32_t *state = types->state + types->state_of[row->mark];
    uint32_t *mine = state + (size_t)row->part * SLOTS, fit = 0;
    uint32_t *starts = state + (size_t)(row->parts - 1) * SLOTS;
    if (row->part) {
        fit = end_before(mine - SLOTS, row, at);
        if (!fit)
            return false;
        if (row->part + 1 == row->parts) {
            *ret_start = starts[fit] == UNSET ? at : starts[fit];
            return true;
        }
    } else if (!types->is_touched[row->mark]) {
        types->is_touched[row->mark] = true;
        types->touched[types->touched_count++] = row->mark;
    }
    *mine = *mine == REMEMBERED ? 2 : *mine + 1;
    mine[*mine] = (uint32_t)(at + row->length);
    if (!row->part)
        starts[*mine] = (uint32_t)at;
    look->pairs = types->any;
    return false;
}

/* False: this decides. */
static bool look_at(struct look *look, const struct types_row *row, size_t at)
{
    struct types *types = look->types;
    size_t start = at;
    if (!row->part && !place_fits(look, row, at))
        return true;
    if (row->part && !types->state[types->state_of[row->mark] + (row->part - 1) * SLOTS])
        return true;
    if (!fits_at(types, row, look->data, at))
        return true;
    if (row->parts > 1 && !join_part(look, row, at, &start))
        return true;
    if (row->before != FILETYPE_ANY && row->before != look->type)
        return true;
    bool goes_on = marks_take(look->found, (enum filetype)row->type, start);
    if (row->parts > 1 && look->found->type == (enum filetype)row->type)
        forget(types, row->mark);
    return goes_on;
}

static bool look_here(struct look *look, size_t at, uint16_t pair)
{
    const struct types *types = look->types;
    for (uint32_t i = types->bucket[bucket_of(pair)]; i; i = types->next[i - 1]) {
        const struct types_row *row = &types->rows[i - 1];
        if (pair_of(types, row) == pair && at >= row->pair &&
            !look_at(look, row, at - row->pair))
            return false;
    }
    return true;
}

static void forget_touched(struct types *types)
{
    for (uint32_t i = 0; i < types->touched_count; i++) {
        forget(types, types->touched[i]);
        types->is_touched[types->touched[i]] = false;
    }
    types->touched_count = 0;
}

void types_marks(struct types *types, bytes data, enum filetype type, bool whole,
                 struct marks *found)
{
    struct look look = {types, data, type, whole, types->first, found};
    bool goes_on = true;
    if (data.len > UINT32_MAX - TYPES_LENGTH)
        data.len = UINT32_MAX - TYPES_LENGTH;
    for (size_t i = 0; goes_on && i + 1 < data.len; i++) {
        uint16_t pair = load_le16(data.at + i);
        if (look.pairs[pair / 32] >> pair % 32 & 1)
            goes_on = look_here(&look, i, pair);
    }
    forget_touched(types);
}

#include "yara/module.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* A slot whose `fill` has run is marked in `len`, which neither an undefined value nor a
 * structure, array or dict needs otherwise. */
enum { FILLED = 1 };

/* From this many keys on a dict is searched through `index`, a table of 2 * room positions in
 * entries + 1, probed linearly: hostile files can hold many thousand keys. */
enum { DICT_INDEXED = 16 };

/* --- making --- */

static struct object *container_new(struct arena *arena, const struct field *field)
{
    struct object *self = PUSH(arena, struct object);
    if (!self)
        return NULL;
    self->type = field->type;
    self->item = field->item;
    self->members = field->members;
    return self;
}

static bool slot_init(struct arena *arena, const struct field *field, struct value *slot)
{
    switch (field->type) {
    case TYPE_INT:
        if (field->constant)
            *slot = VALUE_INT(field->integer);
        return true;
    case TYPE_STRING:
        if (field->constant)
            *slot = value_bytes(bytes_of(field->text));
        return true;
    case TYPE_STRUCT:
        slot->object = object_new(arena, field->members);
        break;
    case TYPE_ARRAY:
    case TYPE_DICT:
        slot->object = container_new(arena, field);
        break;
    default:
        return true;
    }
    slot->type = (uint8_t)field->type;
    return slot->object;
}

struct object *object_new(struct arena *arena, const struct field *members)
{
    uint32_t count = 0;
    while (members[count].name)
        count++;
    struct object *self = PUSH(arena, struct object);
    struct value *slots = PUSH_ARRAY(arena, struct value, count);
    if (!self || !slots)
        return NULL;
    *self = (struct object){
        .type = TYPE_STRUCT, .members = members, .count = count, .room = count, .slots = slots};
    for (uint32_t i = 0; i < count; i++)
        if (members[i].type != TYPE_FUNCTION && !slot_init(arena, &members[i], &slots[i]))
            return NULL;
    return self;
}

/* --- fields by name --- */

int field_index(const struct field *members, const char *name)
{
    for (int i = 0; members[i].name; i++)
        if (strcmp(members[i].name, name) == 0)
            return i;
    return -1;
}

/* Load functions set fields in the order of their table, so the search begins after the field
 * that was found last: most are found at once, in tables of hundreds. */
static uint32_t member_index(const struct object *self, uint32_t from, const char *name)
{
    assert(self->type == TYPE_STRUCT);
    for (uint32_t i = from; i < self->count; i++)
        if (strcmp(self->members[i].name, name) == 0)
            return i;
    for (uint32_t i = 0; i < from; i++)
        if (strcmp(self->members[i].name, name) == 0)
            return i;
    assert(!"a field of that name");
    return 0;
}

void object_set(struct object *self, const char *name, struct value value)
{
    uint32_t i = member_index(self, self->next, name);
    assert(value.type == self->members[i].type || value.type == TYPE_UNDEFINED);
    self->slots[i] = value;
    self->next = i + 1;
}

void object_set_int(struct object *self, const char *name, int64_t value)
{
    object_set(self, name, VALUE_INT(value));
}

void object_set_float(struct object *self, const char *name, double value)
{
    object_set(self, name, VALUE_FLOAT(value));
}

void object_set_text(struct object *self, const char *name, bytes value)
{
    object_set(self, name, value_bytes(value));
}

struct object *object_member(struct object *self, const char *name)
{
    uint32_t i = member_index(self, self->next, name);
    enum value_type type = self->members[i].type;
    assert(type == TYPE_STRUCT || type == TYPE_ARRAY || type == TYPE_DICT);
    self->next = i + 1;
    return self->slots[i].object;
}

struct value object_get(const struct object *self, const char *name)
{
    return self->slots[member_index(self, self->next, name)];
}

/* --- arrays --- */

/* Room for `count` slots; those that are new are undefined. */
static bool array_grow(struct arena *arena, struct object *array, uint64_t count)
{
    assert(array->type == TYPE_ARRAY);
    if (count > UINT32_MAX / 2)
        return false;
    if (count > array->room) {
        uint32_t room = array->room ? array->room * 2 : 8;
        if (room < count)
            room = (uint32_t)count;
        struct value *slots = PUSH_ARRAY(arena, struct value, room);
        if (!slots)
            return false;
        if (array->count)
            memcpy(slots, array->slots, array->count * sizeof *slots);
        array->slots = slots;
        array->room = room;
    }
    if (count > array->count)
        array->count = (uint32_t)count;
    return true;
}

bool array_set(struct arena *arena, struct object *array, uint32_t index, struct value value)
{
    assert(value.type == array->item || value.type == TYPE_UNDEFINED);
    if (!array_grow(arena, array, (uint64_t)index + 1))
        return false;
    array->slots[index] = value;
    return true;
}

bool array_push_value(struct arena *arena, struct object *array, struct value value)
{
    return array_set(arena, array, array->count, value);
}

struct object *array_at(struct arena *arena, struct object *array, uint32_t index)
{
    assert(array->item == TYPE_STRUCT);
    if (index < array->count && array->slots[index].type == TYPE_STRUCT)
        return array->slots[index].object;
    struct object *item = object_new(arena, array->members);
    if (!item || !array_grow(arena, array, (uint64_t)index + 1))
        return NULL;
    array->slots[index] = (struct value){.type = TYPE_STRUCT, .object = item};
    return item;
}

struct object *array_push(struct arena *arena, struct object *array)
{
    return array_at(arena, array, array->count);
}

/* --- dicts --- */

/* The place in `index` where the key is, or where it would go. */
static uint32_t *dict_place(const struct object *dict, bytes key)
{
    uint32_t size = dict->room * 2, at = (uint32_t)(hash64(key, 0) % size);
    while (dict->index[at] && !bytes_equal(dict->entries[dict->index[at] - 1].key, key))
        at = at + 1 == size ? 0 : at + 1;
    return &dict->index[at];
}

static struct entry *dict_search(const struct object *dict, bytes key)
{
    assert(dict->type == TYPE_DICT);
    if (dict->index) {
        uint32_t found = *dict_place(dict, key);
        return found ? &dict->entries[found - 1] : NULL;
    }
    for (uint32_t i = 0; i < dict->count; i++)
        if (bytes_equal(dict->entries[i].key, key))
            return &dict->entries[i];
    return NULL;
}

static bool dict_grow(struct arena *arena, struct object *dict)
{
    uint32_t room = dict->room ? dict->room * 2 : DICT_INDEXED / 2;
    struct entry *entries = PUSH_ARRAY(arena, struct entry, room);
    uint32_t *index = room > DICT_INDEXED ? PUSH_ARRAY(arena, uint32_t, room * 2) : NULL;
    if (!entries || (room > DICT_INDEXED && !index))
        return false;
    if (dict->count)
        memcpy(entries, dict->entries, dict->count * sizeof *entries);
    dict->entries = entries;
    dict->room = room;
    dict->index = index;
    for (uint32_t i = 0; index && i < dict->count; i++)
        *dict_place(dict, entries[i].key) = i + 1;
    return true;
}

static struct entry *dict_add(struct arena *arena, struct object *dict, bytes key)
{
    if (dict->count >= UINT32_MAX / 8 || (dict->count == dict->room && !dict_grow(arena, dict)))
        return NULL;
    if (dict->index)
        *dict_place(dict, key) = dict->count + 1;
    struct entry *entry = &dict->entries[dict->count++];
    *entry = (struct entry){.key = key};
    return entry;
}

struct object *dict_at(struct arena *arena, struct object *dict, bytes key)
{
    assert(dict->item == TYPE_STRUCT);
    struct entry *entry = dict_search(dict, key);
    if (entry)
        return entry->value.object;
    struct object *item = object_new(arena, dict->members);
    if (!item || !(entry = dict_add(arena, dict, key)))
        return NULL;
    entry->value = (struct value){.type = TYPE_STRUCT, .object = item};
    return item;
}

bool dict_set(struct arena *arena, struct object *dict, bytes key, struct value value)
{
    assert(value.type == dict->item || value.type == TYPE_UNDEFINED);
    struct entry *entry = dict_search(dict, key);
    if (!entry && !(entry = dict_add(arena, dict, key)))
        return false;
    entry->value = value;
    return true;
}

const struct value *dict_find(const struct object *dict, bytes key)
{
    const struct entry *entry = dict_search(dict, key);
    return entry ? &entry->value : NULL;
}

/* --- reading --- */

/* Runs a field's `fill` unless it ran before, and marks all fields that share it. They are
 * marked first: a fill may read its own structure. */
static int slot_fill(struct module_input *in, struct object *self, uint32_t index)
{
    int (*fill)(struct module_input *, struct object *) = self->members[index].fill;
    if (self->slots[index].len == FILLED)
        return 0;
    for (uint32_t i = 0; i < self->count; i++) {
        enum value_type type = self->slots[i].type;
        if (self->members[i].fill == fill && (type == TYPE_UNDEFINED || type >= TYPE_STRUCT))
            self->slots[i].len = FILLED;
    }
    return fill(in, self);
}

int object_read(struct module_input *in, struct object *self, uint32_t index, struct value *ret)
{
    assert(self->type == TYPE_STRUCT && index < self->count);
    enum value_type type = self->slots[index].type;
    if (self->members[index].fill && (type == TYPE_UNDEFINED || type >= TYPE_STRUCT)) {
        int error = slot_fill(in, self, index);
        if (error)
            return error;
    }
    *ret = self->slots[index];
    return 0;
}

static int value_fill_all(struct module_input *in, const struct value *value)
{
    return value->type >= TYPE_STRUCT ? object_fill_all(in, value->object) : 0;
}

int object_fill_all(struct module_input *in, struct object *self)
{
    int error = 0;
    for (uint32_t i = 0; i < self->count && !error; i++) {
        struct value value = {0};
        if (self->type == TYPE_STRUCT)
            error = object_read(in, self, i, &value);
        else
            value = self->type == TYPE_DICT ? self->entries[i].value : self->slots[i];
        if (!error)
            error = value_fill_all(in, &value);
    }
    return error;
}

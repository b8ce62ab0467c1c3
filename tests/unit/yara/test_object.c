#include "tap.h"
#include "yara/dump.h"

#include <stdlib.h>

static const struct field point[] = {FIELD_INT("x"), FIELD_CONST("unit", 7),
                                     FIELD_ARRAY("tags", TYPE_STRING), FIELD_END};
static int fills;

static int fill_late(struct module_input *in, struct object *self)
{
    fills++;
    object_set_int(self, "late", 5);
    return array_push_value(in->arena, object_member(self, "late_list"), VALUE_INT(1)) ? 0 : -1;
}

static const struct overload calls[] = {{"ii", 's', NULL}, {0}};
static const struct field fields[] = {
    FIELD_CONST("ONE", 1),
    FIELD_CONST_TEXT("FOO", "foo"),
    FIELD_INT("n"),
    FIELD_FLOAT("f"),
    FIELD_STRING("text"),
    FIELD_STRUCT("centre", point),
    FIELD_ARRAY_OF("points", point),
    FIELD_ARRAY("list", TYPE_INT),
    FIELD_DICT("dict", TYPE_STRING),
    FIELD_DICT_OF("places", point),
    FIELD_FUNCTION("call", calls),
    {.name = "late", .type = TYPE_INT, .fill = fill_late},
    {.name = "late_list", .type = TYPE_ARRAY, .item = TYPE_INT, .fill = fill_late},
    {.name = "never", .type = TYPE_INT, .fill = fill_late},
    FIELD_END};

static struct arena *arena;

static void new_objects_have_constants_and_containers(void)
{
    struct object *root = object_new(arena, fields);
    CHECK_INT(root->count, 14);
    CHECK_INT(object_get(root, "ONE").integer, 1);
    struct value foo = object_get(root, "FOO");
    CHECK(foo.type == TYPE_STRING && foo.len == 3);
    CHECK_INT(object_get(root, "n").type, TYPE_UNDEFINED);
    CHECK_INT(object_get(object_member(root, "centre"), "unit").integer, 7);
    CHECK_INT(object_member(root, "points")->count, 0);
    CHECK(object_member(root, "dict")->type == TYPE_DICT);
    CHECK_INT(field_index(fields, "text"), 4);
    CHECK_INT(field_index(fields, "tex"), -1);
}

static void setters_find_fields_in_any_order(void)
{
    struct object *root = object_new(arena, fields);
    object_set_text(root, "text", bytes_of("t"));
    object_set_int(root, "n", -3);
    object_set_float(root, "f", 0.5);
    CHECK_INT(object_get(root, "n").integer, -3);
    CHECK(object_get(root, "f").real == 0.5);
    CHECK_INT(object_get(root, "text").len, 1);
    object_set(root, "n", VALUE_NONE);
    CHECK_INT(object_get(root, "n").type, TYPE_UNDEFINED);
}

static void arrays_grow_and_keep_holes(void)
{
    struct object *root = object_new(arena, fields);
    struct object *list = object_member(root, "list");
    for (int i = 0; i < 1000; i++)
        if (!array_push_value(arena, list, VALUE_INT(i)))
            CHECK(!"room");
    CHECK_INT(list->count, 1000);
    CHECK_INT(list->slots[999].integer, 999);
    CHECK(array_set(arena, list, 2000, VALUE_INT(1)));
    CHECK_INT(list->count, 2001);
    CHECK_INT(list->slots[1500].type, TYPE_UNDEFINED);
    CHECK(!array_set(arena, list, UINT32_MAX, VALUE_INT(1)));
    CHECK(!array_set(arena, list, 1 << 28, VALUE_INT(1)));
    CHECK_INT(list->count, 2001);

    struct object *points = object_member(root, "points");
    struct object *third = array_at(arena, points, 2);
    CHECK(third && third == array_at(arena, points, 2));
    CHECK_INT(points->slots[0].type, TYPE_UNDEFINED);
    CHECK_INT(object_get(third, "unit").integer, 7);
    CHECK(array_push(arena, points) && points->count == 4);
}

static void dicts_find_few_and_many_keys(void)
{
    struct object *root = object_new(arena, fields);
    struct object *dict = object_member(root, "dict");
    int missing = 0;
    for (int i = 0; i < 5000; i++) {
        bytes key = arena_printf(arena, "key %d", i);
        if (!dict_set(arena, dict, key, value_bytes(key)))
            missing++;
        if (i % 7 == 0 && !dict_set(arena, dict, key, value_bytes(bytes_of("again"))))
            missing++;
    }
    CHECK_INT(dict->count, 5000);
    for (int i = 0; i < 5000; i++) {
        char key[32];
        snprintf(key, sizeof key, "key %d", i);
        const struct value *value = dict_find(dict, bytes_of(key));
        if (!value || value->len != (i % 7 ? strlen(key) : 5))
            missing++;
    }
    CHECK_INT(missing, 0);
    CHECK(!dict_find(dict, bytes_of("key")));
    CHECK(bytes_is(dict->entries[4999].key, "key 4999"));
    struct object *places = object_member(root, "places");
    struct object *here = dict_at(arena, places, bytes_of("here"));
    CHECK(here && here == dict_at(arena, places, bytes_of("here")) && places->count == 1);
}

static void fills_run_once_when_first_read(void)
{
    struct module_input in = {.arena = arena, .root = object_new(arena, fields)};
    struct value value;
    fills = 0;
    CHECK_INT(object_read(&in, in.root, 2, &value), 0);
    CHECK(value.type == TYPE_UNDEFINED && fills == 0);
    CHECK_INT(object_read(&in, in.root, 11, &value), 0);
    CHECK(value.integer == 5 && fills == 1);
    CHECK_INT(object_read(&in, in.root, 12, &value), 0);
    CHECK(value.object->count == 1 && fills == 1);
    CHECK_INT(object_read(&in, in.root, 13, &value), 0);
    CHECK(value.type == TYPE_UNDEFINED && fills == 1);
    CHECK(object_fill_all(&in, in.root) == 0 && fills == 1);
}

static char text[4096];

static void to_text(void *to, bytes part)
{
    (void)to;
    size_t len = strlen(text);
    if (part.len < sizeof text - len)
        memcpy(text + len, part.at, part.len);
}

static void dumps_are_yara_s(void)
{
    struct object *root = object_new(arena, fields);
    object_set_float(root, "f", 127.5);
    object_set_text(root, "text", (bytes){(const uint8_t *)"a\0\"\x80~", 5});
    object_set_int(array_at(arena, object_member(root, "points"), 1), "x", 2);
    struct object *places = object_member(root, "places");
    struct object *tags = object_member(dict_at(arena, places, bytes_of("here")), "tags");
    (void)!array_push_value(arena, tags, value_bytes(bytes_of("")));
    dump_module("m", root, to_text, NULL);
    CHECK_STR(text, "m\n"
                    "\tnever = YR_UNDEFINED\n"
                    "\tlate_list\n"
                    "\tlate = YR_UNDEFINED\n"
                    "\tplaces\n"
                    "\t\there\n"
                    "\t\t\tx = YR_UNDEFINED\n"
                    "\t\t\tunit = 7\n"
                    "\t\t\ttags\n"
                    "\t\t\t\t[0] = \"\"\n"
                    "\tdict\n"
                    "\tlist\n"
                    "\tpoints\n"
                    "\t\t[1]\n"
                    "\t\t\tx = 2\n"
                    "\t\t\tunit = 7\n"
                    "\t\t\ttags\n"
                    "\tcentre\n"
                    "\t\ttags\n"
                    "\t\tunit = 7\n"
                    "\t\tx = YR_UNDEFINED\n"
                    "\ttext = \"a\\x00\"\\x80~\"\n"
                    "\tf = 127.500000\n"
                    "\tn = YR_UNDEFINED\n"
                    "\tFOO = \"foo\"\n"
                    "\tONE = 1\n");
}

static void full_arenas_are_refused(void)
{
    /* Every maximum up to what suffices: nothing may be half made and used. */
    bool enough = false;
    for (size_t max = 0; !enough && max < 4096; max += 16) {
        struct arena *small = arena_new(max);
        struct object *root = object_new(small, fields);
        enough = root && dict_at(small, object_member(root, "places"), bytes_of("k"));
        arena_free(small);
    }
    CHECK(enough);
}

static void rows_are_sorted_and_found(void)
{
    const char *before = "";
    for (const struct module *const *row = module_table; *row; row++) {
        CHECK(strcmp(before, (*row)->name) < 0);
        CHECK(module_find(bytes_of((*row)->name)) == *row);
        before = (*row)->name;
    }
    CHECK(!module_find(bytes_of("tim")) && !module_find(bytes_of("")));
    CHECK(module_fingerprint() != 0);
}

int main(void)
{
    arena = arena_new(64 << 20);
    new_objects_have_constants_and_containers();
    setters_find_fields_in_any_order();
    arrays_grow_and_keep_holes();
    dicts_find_few_and_many_keys();
    fills_run_once_when_first_read();
    dumps_are_yara_s();
    full_arenas_are_refused();
    rows_are_sorted_and_found();
    arena_free(arena);
    return tap_done();
}

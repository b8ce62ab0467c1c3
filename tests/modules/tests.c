/* The module "tests" that YARA's own published test cases import: fields of every type, values
 * that are there and values that are not. */
#include "yara/modules/table.h"

#include <errno.h>
#include <string.h>

MODULE_DECLARE(tests)

static int fsum_2(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    *ret = VALUE_FLOAT(args[0].real + args[1].real);
    return 0;
}

static int fsum_3(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    *ret = VALUE_FLOAT(args[0].real + args[1].real + args[2].real);
    return 0;
}

static int isum_2(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    *ret = VALUE_INT((uint64_t)args[0].integer + (uint64_t)args[1].integer);
    return 0;
}

static int isum_3(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    *ret = VALUE_INT((uint64_t)args[0].integer + (uint64_t)args[1].integer +
                     (uint64_t)args[2].integer);
    return 0;
}

static int length(struct module_input *in, const struct value *args, struct value *ret)
{
    const uint8_t *end = args[0].len ? memchr(args[0].text, 0, args[0].len) : NULL;
    (void)in;
    *ret = VALUE_INT(end ? end - args[0].text : args[0].len);
    return 0;
}

static int empty(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    (void)args;
    *ret = value_bytes(bytes_of(""));
    return 0;
}

static int match(struct module_input *in, const struct value *args, struct value *ret)
{
    if (in->regex)
        *ret = VALUE_INT(in->regex(in, &args[0], (bytes){args[1].text, args[1].len}));
    return 0;
}

static int foobar(struct module_input *in, const struct value *args, struct value *ret)
{
    int64_t n = args[0].integer;
    (void)in;
    *ret = value_bytes(bytes_of(n == 1 ? "foo" : n == 2 ? "bar" : "oops"));
    return 0;
}

static const struct overload match_calls[] = {{"rs", 'i', match}, {0}},
                             isum_calls[] = {{"ii", 'i', isum_2}, {"iii", 'i', isum_3}, {0}},
                             fsum_calls[] = {{"ff", 'f', fsum_2}, {"fff", 'f', fsum_3}, {0}},
                             length_calls[] = {{"s", 'i', length}, {0}},
                             empty_calls[] = {{"", 's', empty}, {0}},
                             foobar_calls[] = {{"i", 's', foobar}, {0}};

static const struct field constants[] = {FIELD_INT("one"), FIELD_INT("two"),
                                         FIELD_STRING("foo"), FIELD_STRING("empty"), FIELD_END},
                          undefined[] = {FIELD_INT("i"), FIELD_FLOAT("f"), FIELD_END},
                          pairs[] = {FIELD_INT("i"), FIELD_STRING("s"), FIELD_END},
                          unused_int[] = {FIELD_INT("unused"), FIELD_END},
                          unused_text[] = {FIELD_STRING("unused"), FIELD_END},
                          nested[] = {FIELD_ARRAY_OF("struct_array", unused_text),
                                      FIELD_DICT_OF("struct_dict", unused_text), FIELD_END},
                          fields[] = {FIELD_STRUCT("constants", constants),
                                      FIELD_STRUCT("undefined", undefined),
                                      FIELD_STRING("module_data"),
                                      FIELD_ARRAY("integer_array", TYPE_INT),
                                      FIELD_ARRAY("string_array", TYPE_STRING),
                                      FIELD_DICT("integer_dict", TYPE_INT),
                                      FIELD_DICT("string_dict", TYPE_STRING),
                                      FIELD_ARRAY_OF("struct_array", pairs),
                                      FIELD_DICT_OF("struct_dict", pairs),
                                      FIELD_DICT_OF("empty_struct_dict", unused_int),
                                      FIELD_ARRAY_OF("empty_struct_array", nested),
                                      FIELD_FUNCTION("match", match_calls),
                                      FIELD_FUNCTION("isum", isum_calls),
                                      FIELD_FUNCTION("fsum", fsum_calls),
                                      FIELD_FUNCTION("length", length_calls),
                                      FIELD_FUNCTION("empty", empty_calls),
                                      FIELD_FUNCTION("foobar", foobar_calls),
                                      FIELD_END};

static int fill_lists(struct module_input *in)
{
    struct arena *arena = in->arena;
    struct object *list = object_member(in->root, "integer_array");
    for (int i = 0; i < 3; i++)
        if (!array_set(arena, list, (uint32_t)i, VALUE_INT(i)))
            return -ENOMEM;
    if (!array_set(arena, list, 256, VALUE_INT(256)))
        return -ENOMEM;
    static const char *const words[] = {"foo", "bar", "baz"};
    list = object_member(in->root, "string_array");
    for (size_t i = 0; i < COUNT(words); i++)
        if (!array_push_value(arena, list, value_bytes(bytes_of(words[i]))))
            return -ENOMEM;
    bytes holed = {(const uint8_t *)"foo\0bar", 7};
    return array_push_value(arena, list, value_bytes(holed)) ? 0 : -ENOMEM;
}

static int fill_structures(struct module_input *in)
{
    struct arena *arena = in->arena;
    bytes foo = bytes_of("foo"), bar = bytes_of("bar");
    struct object *dict = object_member(in->root, "string_dict");
    if (!dict_set(arena, dict, foo, value_bytes(foo)) ||
        !dict_set(arena, dict, bar, value_bytes(bar)))
        return -ENOMEM;
    struct object *pair = array_at(arena, object_member(in->root, "struct_array"), 1);
    if (!pair)
        return -ENOMEM;
    object_set_int(pair, "i", 1);
    pair = dict_at(arena, object_member(in->root, "struct_dict"), foo);
    if (!pair)
        return -ENOMEM;
    object_set_int(pair, "i", 1);
    object_set_text(pair, "s", foo);
    return 0;
}

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    if (!in->root)
        return -ENOMEM;
    struct object *values = object_member(in->root, "constants");
    object_set_int(values, "one", 1);
    object_set_int(values, "two", 2);
    object_set_text(values, "foo", bytes_of("foo"));
    object_set_text(values, "empty", bytes_of(""));
    if (in->extra.len)
        object_set_text(in->root, "module_data", in->extra);
    int error = fill_lists(in);
    return error ? error : fill_structures(in);
}

const struct module module_tests = {.name = "tests", .fields = fields, .load = load};

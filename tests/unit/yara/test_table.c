#include "tap.h"
#include "yara/module.h"

int main(void)
{
    struct budget budget = {.steps = 1000};
    struct module_input in = {
        .arena = arena_new(1 << 20), .budget = &budget, .extra = bytes_of("data")};
    const struct module *tests = module_find(bytes_of("tests"));
    CHECK(module_find(bytes_of("math")) && module_find(bytes_of("time")));
    if (!CHECK(tests && tests->load(&in) == 0))
        return tap_done();
    struct object *list = object_member(in.root, "integer_array");
    CHECK(list->count == 257 && list->slots[256].integer == 256);
    CHECK_INT(list->slots[255].type, TYPE_UNDEFINED);
    const struct value *foo = dict_find(object_member(in.root, "struct_dict"), bytes_of("foo"));
    CHECK(foo && object_get(foo->object, "i").integer == 1);
    CHECK_INT(object_get(in.root, "module_data").len, 4);
    arena_free(in.arena);
    return tap_done();
}

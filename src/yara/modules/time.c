#include "yara/modules/table.h"

#include <errno.h>

static int now(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)args;
    *ret = VALUE_INT(in->now);
    return 0;
}

static const struct overload now_calls[] = {{"", 'i', now}, {0}};

static const struct field fields[] = {FIELD_FUNCTION("now", now_calls), FIELD_END};

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    return in->root ? 0 : -ENOMEM;
}

const struct module module_time = {.name = "time", .fields = fields, .load = load};

#include "yara/dump.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_INDENT = 31 };

struct dump {
    dump_sink_fn *sink;
    void *to;
};

static void put(const struct dump *dump, const char *text, size_t len)
{
    if (len)
        dump->sink(dump->to, (bytes){(const uint8_t *)text, len});
}

static void put_text(const struct dump *dump, const char *text)
{
    put(dump, text, strlen(text));
}

static LIKE_PRINTF(2, 3) void putf(const struct dump *dump, const char *fmt, ...)
{
    char text[400]; /* the largest double takes 317 */
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put(dump, text, len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

static void put_indent(const struct dump *dump, int indent)
{
    static const char tabs[] = "\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t";
    _Static_assert(sizeof tabs == MAX_INDENT + 1, "a tab for each level");
    put(dump, tabs, (size_t)(indent < MAX_INDENT ? indent : MAX_INDENT));
}

/* Up to the first NUL: YARA keeps names and keys as C strings. */
static void put_key(const struct dump *dump, bytes key)
{
    size_t len = 0;
    while (len < key.len && key.at[len])
        len++;
    put(dump, (const char *)key.at, len);
}

static void put_string(const struct dump *dump, const struct value *value)
{
    const char *text = (const char *)value->text;
    size_t plain = 0;
    put_text(dump, " = \"");
    for (size_t i = 0; i < value->len; i++) {
        uint8_t c = value->text[i];
        if (c >= ' ' && c <= '~')
            continue;
        put(dump, text + plain, i - plain);
        putf(dump, "\\x%02x", c);
        plain = i + 1;
    }
    if (value->len)
        put(dump, text + plain, value->len - plain);
    put_text(dump, "\"");
}

static void put_object(const struct dump *dump, const struct object *self, int indent,
                       int depth);

static void put_value(const struct dump *dump, const struct value *value, int indent, int depth)
{
    switch (value->type) {
    case TYPE_BOOL:
    case TYPE_INT:
        putf(dump, " = %" PRId64, value->integer);
        break;
    case TYPE_FLOAT:
        putf(dump, " = %f", value->real);
        break;
    case TYPE_STRING:
        put_string(dump, value);
        break;
    case TYPE_STRUCT:
    case TYPE_ARRAY:
    case TYPE_DICT:
        put_object(dump, value->object, indent, depth);
        break;
    default:
        put_text(dump, " = YR_UNDEFINED");
    }
}

static void put_members(const struct dump *dump, const struct object *self, int indent,
                        int depth)
{
    for (uint32_t n = 0; n < self->count; n++) {
        uint32_t i = depth & 1 ? n : self->count - 1 - n;
        const struct field *field = &self->members[i];
        if (field->type == TYPE_FUNCTION)
            continue;
        put_text(dump, "\n");
        put_indent(dump, indent + 1);
        put_text(dump, field->name);
        put_value(dump, &self->slots[i], indent + 1, depth);
    }
}

/* `depth` counts the arrays and dicts above. */
static void put_object(const struct dump *dump, const struct object *self, int indent,
                       int depth)
{
    if (self->type == TYPE_STRUCT) {
        put_members(dump, self, indent, depth);
        return;
    }
    for (uint32_t i = 0; i < self->count; i++) {
        bool is_dict = self->type == TYPE_DICT;
        const struct value *value = is_dict ? &self->entries[i].value : &self->slots[i];
        if (!is_dict && value->type == TYPE_UNDEFINED)
            continue; /* a hole */
        put_text(dump, "\n");
        put_indent(dump, indent);
        if (is_dict) {
            put_text(dump, "\t");
            put_key(dump, self->entries[i].key);
        } else {
            putf(dump, "\t[%" PRIu32 "]", i);
        }
        put_value(dump, value, indent + 1, depth + 1);
    }
}

void dump_module(const char *name, const struct object *root, dump_sink_fn *sink, void *to)
{
    struct dump dump = {sink, to};
    put_text(&dump, name);
    put_object(&dump, root, 0, 0);
    put_text(&dump, "\n");
}

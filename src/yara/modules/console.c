/* The console module of YARA 4.5 (docs/modules/console): always 1, and a line for the driver.
 */
#include "yara/modules/table.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* A C string in YARA: it ends with its first NUL. */
static bytes message_of(const struct value *value)
{
    bytes head = {0}, rest = {value->text, value->len};
    bytes_cut(&rest, 0, &head);
    return head;
}

/* The text with every byte that is not printable as \xNN; .at is NULL when the arena is full.
 */
static bytes escape(struct arena *arena, const struct value *value)
{
    uint8_t *text = arena_push_raw(arena, (size_t)value->len * 4);
    size_t len = 0;
    if (!text)
        return (bytes){0};
    for (uint32_t i = 0; i < value->len; i++) {
        uint8_t c = value->text[i];
        if (c >= ' ' && c <= '~') {
            text[len++] = c;
            continue;
        }
        memcpy(text + len, "\\x", 2);
        text[len + 2] = (uint8_t) "0123456789abcdef"[c >> 4];
        text[len + 3] = (uint8_t) "0123456789abcdef"[c & 15];
        len += 4;
    }
    return (bytes){text, len};
}

/* Hands message and text on as one line. */
static int say(struct module_input *in, bytes message, bytes text, struct value *ret)
{
    if (!text.at)
        return -ENOMEM;
    if (!in->log) {
        *ret = VALUE_INT(1);
        return 0;
    }
    uint8_t *line = arena_push_raw(in->arena, message.len + text.len);
    if (!line)
        return -ENOMEM;
    if (message.len)
        memcpy(line, message.at, message.len);
    memcpy(line + message.len, text.at, text.len);
    in->log(in->log_to, (bytes){line, message.len + text.len});
    *ret = VALUE_INT(1);
    return 0;
}

static int log_string(struct module_input *in, const struct value *args, struct value *ret)
{
    return say(in, (bytes){0}, escape(in->arena, &args[0]), ret);
}

static int log_string_message(struct module_input *in, const struct value *args,
                              struct value *ret)
{
    return say(in, message_of(&args[0]), escape(in->arena, &args[1]), ret);
}

static int log_int(struct module_input *in, const struct value *args, struct value *ret)
{
    return say(in, (bytes){0}, arena_printf(in->arena, "%" PRId64, args[0].integer), ret);
}

static int log_int_message(struct module_input *in, const struct value *args, struct value *ret)
{
    return say(in, message_of(&args[0]), arena_printf(in->arena, "%" PRId64, args[1].integer),
               ret);
}

static int log_float(struct module_input *in, const struct value *args, struct value *ret)
{
    return say(in, (bytes){0}, arena_printf(in->arena, "%f", args[0].real), ret);
}

static int log_float_message(struct module_input *in, const struct value *args,
                             struct value *ret)
{
    return say(in, message_of(&args[0]), arena_printf(in->arena, "%f", args[1].real), ret);
}

static bytes hex_of(struct arena *arena, int64_t value)
{
    return arena_printf(arena, "0x%" PRIx64, (uint64_t)value);
}

static int hex_int(struct module_input *in, const struct value *args, struct value *ret)
{
    return say(in, (bytes){0}, hex_of(in->arena, args[0].integer), ret);
}

static int hex_int_message(struct module_input *in, const struct value *args, struct value *ret)
{
    return say(in, message_of(&args[0]), hex_of(in->arena, args[1].integer), ret);
}

static const struct overload log_calls[] = {{"s", 'i', log_string},
                                            {"ss", 'i', log_string_message},
                                            {"i", 'i', log_int},
                                            {"si", 'i', log_int_message},
                                            {"f", 'i', log_float},
                                            {"sf", 'i', log_float_message},
                                            {0}},
                             hex_calls[] = {
                                 {"i", 'i', hex_int}, {"si", 'i', hex_int_message}, {0}};

static const struct field fields[] = {FIELD_FUNCTION("log", log_calls),
                                      FIELD_FUNCTION("hex", hex_calls), FIELD_END};

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    return in->root ? 0 : -ENOMEM;
}

const struct module module_console = {.name = "console", .fields = fields, .load = load};

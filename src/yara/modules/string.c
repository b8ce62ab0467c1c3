/* The string module of YARA 4.5 (docs/modules/string). Numbers are read as C's strtoll reads
 * them, up to the first NUL. */
#include "yara/modules/table.h"

#include <errno.h>

static int digit_of(uint8_t c, int base)
{
    int digit = c >= '0' && c <= '9' ? c - '0' : 99;
    if (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')
        digit = ascii_lower(c) - 'a' + 10;
    return digit < base ? digit : -1;
}

/* Takes "0x" where a digit follows it, and finds out the base where it is 0. */
static int base_cut(bytes *text, int base)
{
    bool zero = text->len && text->at[0] == '0';
    bool hex = zero && text->len > 2 && ascii_lower(text->at[1]) == 'x' &&
               digit_of(text->at[2], 16) >= 0;
    if (hex && (base == 0 || base == 16)) {
        *text = bytes_slice(*text, 2, text->len);
        return 16;
    }
    if (base == 0)
        return zero ? 8 : 10;
    return base;
}

static bool number_read(bytes text, int base, int64_t *ret)
{
    bool negative = false;
    uint64_t value = 0, limit = INT64_MAX;
    while (text.len && (text.at[0] == ' ' || (text.at[0] >= '\t' && text.at[0] <= '\r')))
        text = bytes_slice(text, 1, text.len);
    if (text.len && (text.at[0] == '-' || text.at[0] == '+')) {
        negative = text.at[0] == '-';
        limit += negative;
        text = bytes_slice(text, 1, text.len);
    }
    base = base_cut(&text, base);
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.at[i], base);
        if (digit < 0 || value > (limit - (uint64_t)digit) / (uint64_t)base)
            return false;
        value = value * (uint64_t)base + (uint64_t)digit;
    }
    *ret = (int64_t)(negative ? -value : value);
    return true;
}

static int number_of(const struct value *text, int64_t base, struct value *ret)
{
    bytes head, rest = {text->text, text->len};
    int64_t value;
    if (base != 0 && (base < 2 || base > 36))
        return 0;
    if (bytes_cut(&rest, 0, &head) && number_read(head, (int)base, &value))
        *ret = VALUE_INT(value);
    return 0;
}

static int to_int(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    return number_of(&args[0], 0, ret);
}

static int to_int_with_base(struct module_input *in, const struct value *args,
                            struct value *ret)
{
    (void)in;
    return number_of(&args[0], args[1].integer, ret);
}

static int length(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    *ret = VALUE_INT(args[0].len);
    return 0;
}

static const struct overload to_int_calls[] = {{"s", 'i', to_int},
                                               {"si", 'i', to_int_with_base},
                                               {0}},
                             length_calls[] = {{"s", 'i', length}, {0}};

static const struct field fields[] = {FIELD_FUNCTION("to_int", to_int_calls),
                                      FIELD_FUNCTION("length", length_calls), FIELD_END};

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    return in->root ? 0 : -ENOMEM;
}

const struct module module_string = {.name = "string", .fields = fields, .load = load};

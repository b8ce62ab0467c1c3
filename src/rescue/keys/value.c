/* value — text that is no more than one value: hexadecimal, base64 (RFC 4648, both alphabets)
 * or decimal, with white space, colons and "0x" as people and programs write them. */
#include "rescue/keys/reading.h"

#include "unpack/base64.h"

#include <errno.h>
#include <string.h>

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bytes reading_hex(struct arena *arena, bytes text)
{
    text = bytes_trim(text, " \n\r\t");
    if (text.len > 2 && text.at[0] == '0' && ascii_lower(text.at[1]) == 'x')
        text = bytes_slice(text, 2, SIZE_MAX);
    size_t digits = 0, at = 0;
    for (size_t i = 0; i < text.len; i++)
        if (ascii_hex(text.at[i]) >= 0)
            digits++;
        else if (!is_space(text.at[i]) && text.at[i] != ':' && text.at[i] != '-')
            return (bytes){0};
    uint8_t *ret = digits ? arena_push(arena, (digits + 1) / 2) : NULL;
    /* An odd number of digits is a number without its first zero. */
    at = digits % 2;
    for (size_t i = 0; ret && i < text.len; i++)
        if (ascii_hex(text.at[i]) >= 0) {
            ret[at / 2] = (uint8_t)(ret[at / 2] << 4 | ascii_hex(text.at[i]));
            at++;
        }
    return (bytes){.at = ret, .len = ret ? (digits + 1) / 2 : 0};
}

bytes reading_base64(struct arena *arena, bytes text)
{
    text = bytes_trim(text, " \n\r\t");
    uint8_t *ret = text.len >= 8 ? arena_push(arena, text.len / 4 * 3 + 3) : NULL;
    size_t letters = 0, padding = 0, at = 0;
    uint32_t bits = 0;
    for (size_t i = 0; ret && i < text.len; i++) {
        uint8_t c = text.at[i], value = base64_value(c == '-' ? '+' : c == '_' ? '/' : c);
        /* As JSON and C write line ends. */
        if (c == '\\' && i + 1 < text.len && (text.at[i + 1] == 'n' || text.at[i + 1] == 'r'))
            i++;
        else if (c == '=')
            padding++;
        else if (!is_space(c) && (value == BASE64_OUTSIDE || padding))
            return (bytes){0};
        else if (!is_space(c)) {
            bits = bits << 6 | value;
            static const uint8_t shift[] = {0, 0, 4, 2};
            if (++letters % 4 != 1)
                ret[at++] = (uint8_t)(bits >> shift[letters % 4]);
        }
    }
    if (!ret || padding > 2 || letters % 4 == 1 || (padding && (letters + padding) % 4))
        return (bytes){0};
    return (bytes){.at = ret, .len = at};
}

bytes reading_decimal(struct arena *arena, bytes text)
{
    enum { DIGITS_MAX = 3200 /* of PRIVATEKEY_MAX bytes */ };

    text = bytes_trim(text, " \n\r\t");
    if (text.len == 0 || text.len > DIGITS_MAX)
        return (bytes){0};
    size_t size = text.len / 2 + 1, top;
    uint8_t *ret = arena_push(arena, size);
    /* Least byte last; `top` is the first that is not zero. */
    top = size;
    for (size_t i = 0; ret && i < text.len; i++) {
        if (is_space(text.at[i]))
            continue;
        if (text.at[i] < '0' || text.at[i] > '9')
            return (bytes){0};
        unsigned carry = text.at[i] - '0';
        for (size_t j = size; j-- > 0 && (carry || j >= top);) {
            carry += 10U * ret[j];
            ret[j] = (uint8_t)carry;
            carry >>= 8;
            if (ret[j] && j < top)
                top = j;
        }
    }
    return (bytes){.at = ret ? ret + top : NULL, .len = ret ? size - top : 0};
}

/* Lengths that keys have: other bytes in base64 are rather something else. */
static bool is_key_size(size_t len)
{
    return len == 16 || len == 24 || len == 32 || len == 48 || len == 64;
}

static int from_hex(struct reading *reading, bytes text, bytes view)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++)
        digits += ascii_hex(text.at[i]) >= 0;
    int error = digits % 2 ? 0 : reading_binary(reading, view);
    if (!error && digits % 2 == 0)
        error = reading_bytes(reading, view);
    return error;
}

static int from_base64(struct reading *reading, bytes view)
{
    unsigned before = reading->found;
    int error = reading_any(reading, view);
    if (!error && reading->found == before && is_key_size(view.len))
        error = reading_bytes(reading, view);
    if (!error && reading->found == before && view.len % 64 == 0)
        error = reading_number(reading, view, 0);
    return error;
}

bool reading_is_decimal(bytes text)
{
    enum { ENOUGH = 60 /* digits, of which no hexadecimal number is without a letter */ };

    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] >= '0' && text.at[i] <= '9')
            digits++;
        else if (!is_space(text.at[i]))
            return false;
    return digits > ENOUGH && digits != 64 && digits != 96 && digits != 128;
}

int reading_value(struct reading *reading, bytes text)
{
    unsigned before = reading->found;
    bytes hex = {0};
    if (!reading_is_decimal(text))
        hex = reading_hex(reading->arena, text);
    int error = hex.at ? from_hex(reading, text, hex) : 0;
    if (!error && hex.at && reading->found == before)
        error = reading_number(reading, hex, 0);
    bytes decimal = reading_decimal(reading->arena, text);
    if (!error && decimal.at)
        error = reading_number(reading, decimal, 0);
    bytes base64 = {0};
    if (!error && reading->found == before)
        base64 = reading_base64(reading->arena, text);
    if (!error && base64.at)
        error = from_base64(reading, base64);
    return error;
}

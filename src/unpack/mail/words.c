#include "unpack/mail/words.h"

#include <string.h>

bool words_rest_starts(bytes view, const char *text)
{
    size_t i = 0;
    for (; text[i]; i++)
        if (i >= view.len || ascii_lower(view.at[i]) != (uint8_t)text[i])
            return false;
    return true;
}

bool words_rest_same(bytes view, const char *text)
{
    return view.len == strlen(text) && words_rest_starts(view, text);
}

bytes words_trim(bytes view)
{
    while (view.len && words_space(view.at[view.len - 1]))
        view.len--;
    while (view.len && words_space(view.at[0])) {
        view.at++;
        view.len--;
    }
    return view;
}

bool words_line(bytes *rest, bytes *line)
{
    if (!rest->len || !bytes_cut(rest, '\n', line))
        return false;
    while (line->len && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

size_t words_find(bytes hay, const char *text, size_t from)
{
    size_t size = strlen(text);
    uint8_t low = (uint8_t)text[0], high = low >= 'a' && low <= 'z' ? low & 0xdf : low;
    if (size > hay.len)
        return SIZE_MAX;
    for (size_t i = from; i <= hay.len - size; i++)
        if ((hay.at[i] == low || hay.at[i] == high) &&
            words_start(bytes_slice(hay, i, size), text))
            return i;
    return SIZE_MAX;
}

bool words_number(bytes *rest, uint64_t *ret)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < rest->len && rest->at[i] >= '0' && rest->at[i] <= '9'; i++) {
        value = value * 10 + (uint64_t)(rest->at[i] - '0');
        if (value >> 53)
            return false;
    }
    if (i == 0)
        return false;
    *rest = bytes_slice(*rest, i, rest->len);
    *ret = value;
    return true;
}

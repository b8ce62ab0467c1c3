#include "unpack/mail/mime_param.h"

#include "unpack/mail/words.h"

#include <string.h>

/* Past a comment at the front, which may hold comments. */
static size_t comment_length(bytes text)
{
    unsigned depth = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\\')
            i++;
        else if (text.at[i] == '(')
            depth++;
        else if (text.at[i] == ')' && --depth == 0)
            return i + 1;
    }
    return 1; /* no comment: never closed */
}

static void skip_blank(bytes *rest)
{
    unsigned comments = 8;
    while (rest->len) {
        if (words_space(rest->at[0]))
            *rest = bytes_slice(*rest, 1, rest->len);
        else if (rest->at[0] == '(' && comments-- > 0)
            *rest = bytes_slice(*rest, comment_length(*rest), rest->len);
        else
            return;
    }
}

/* "name*3*" to its three parts. */
static void split_name(struct mime_param *param)
{
    bytes rest = param->name, head;
    uint64_t index = 0;
    if (!bytes_cut(&rest, '*', &head))
        return;
    param->name = words_trim(head);
    if (!rest.at)
        return;
    param->coded = true;
    if (words_number(&rest, &index)) {
        param->continued = true;
        param->index = index < MIME_PARAMS ? (uint32_t)index : MIME_PARAMS;
        param->coded = rest.len > 0 && rest.at[0] == '*';
    }
}

/* A quoted value: the bytes up to the next quote that is not escaped, or all that is left. */
static bytes quoted_value(bytes *rest)
{
    size_t i = 1;
    while (i < rest->len && rest->at[i] != '"')
        i += rest->at[i] == '\\' ? 2 : 1;
    bytes value = words_part(*rest, 1, i);
    *rest = bytes_slice(*rest, i + 1, rest->len);
    return value;
}

static bytes token_value(bytes *rest)
{
    size_t i = 0;
    while (i < rest->len && rest->at[i] != ';' && rest->at[i] != '(')
        i++;
    bytes value = words_trim(bytes_slice(*rest, 0, i));
    *rest = bytes_slice(*rest, i, rest->len);
    return value.len ? value : bytes_of("");
}

void mime_params_read(bytes value, struct mime_params *ret)
{
    bytes rest = value;
    ret->count = 0;
    while (rest.len && ret->count < MIME_PARAMS) {
        size_t i = 0;
        while (i < rest.len && rest.at[i] != ';')
            i++;
        rest = bytes_slice(rest, i + 1, rest.len);
        skip_blank(&rest);
        for (i = 0; i < rest.len && rest.at[i] != '=' && rest.at[i] != ';';)
            i++;
        if (i == 0 || i >= rest.len || rest.at[i] != '=')
            continue;
        struct mime_param *param = &ret->at[ret->count++];
        *param = (struct mime_param){.name = words_trim(bytes_slice(rest, 0, i))};
        split_name(param);
        rest = bytes_slice(rest, i + 1, rest.len);
        skip_blank(&rest);
        param->quoted = rest.len && rest.at[0] == '"';
        param->value = param->quoted ? quoted_value(&rest) : token_value(&rest);
    }
}

bytes mime_param_plain(struct arena *arena, const struct mime_param *param)
{
    bytes value = param->value;
    size_t n = 0;
    uint8_t *at = param->quoted ? arena_push_raw(arena, value.len + 1) : NULL;
    if (!at)
        return value;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\\' && i + 1 < value.len)
            i++;
        at[n++] = value.at[i];
    }
    return (bytes){at, n};
}

/* Appends a piece; of a coded one the percent signs are decoded, of the first coded one the
 * charset and language are left out. */
static size_t put_piece(uint8_t *out, const struct mime_param *param, bytes value, bool first)
{
    size_t n = 0, i = 0;
    if (param->coded && first) {
        const uint8_t *one = value.len ? memchr(value.at, '\'', value.len) : NULL;
        size_t at = one ? (size_t)(one - value.at) + 1 : 0;
        const uint8_t *two = one ? memchr(value.at + at, '\'', value.len - at) : NULL;
        i = two ? (size_t)(two - value.at) + 1 : 0;
    }
    for (; i < value.len; i++) {
        int high = -1, low = -1;
        if (param->coded && value.at[i] == '%' && i + 2 < value.len) {
            high = ascii_hex(value.at[i + 1]);
            low = ascii_hex(value.at[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            out[n++] = (uint8_t)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = value.at[i];
        }
    }
    return n;
}

bytes mime_params_joined(struct arena *arena, const struct mime_params *params,
                         const char *name)
{
    const struct mime_param *single = NULL, *pieces[MIME_PARAMS] = {NULL};
    size_t size = 1, n = 0;
    for (unsigned i = 0; i < params->count; i++) {
        const struct mime_param *param = &params->at[i];
        if (!words_same(param->name, name))
            continue;
        size += param->value.len;
        if (!param->continued && (!single || param->coded || !single->coded))
            single = param;
        else if (param->continued && param->index < MIME_PARAMS)
            pieces[param->index] = param;
    }
    uint8_t *at = size > 1 ? arena_push_raw(arena, size) : NULL;
    if (!at)
        return (bytes){NULL, 0};
    if (single && (single->coded || !pieces[0]))
        n = put_piece(at, single, mime_param_plain(arena, single), true);
    else
        for (unsigned i = 0; i < MIME_PARAMS && pieces[i]; i++)
            n += put_piece(at + n, pieces[i], mime_param_plain(arena, pieces[i]), i == 0);
    return (bytes){at, n};
}

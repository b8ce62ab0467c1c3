#include "rescue/keys/fields.h"

#include <errno.h>
#include <string.h>

enum { NAME_MAX = 40, FIELDS_MAX = 512 };

enum part { PART_N, PART_E, PART_D, PART_P, PART_Q, PARTS, PART_KEY, PART_WORD, PART_OTHER };

/* The values of one RSA key, as text. */
struct group {
    bytes value[PARTS];
    bool any;
};

static const struct {
    const char *name;
    enum part part;
} names[] = {
    {"n", PART_N},
    {"modulus", PART_N},
    {"rsan", PART_N},
    {"e", PART_E},
    {"publicexponent", PART_E},
    {"exponent", PART_E},
    {"rsae", PART_E},
    {"d", PART_D},
    {"privateexponent", PART_D},
    {"rsad", PART_D},
    {"p", PART_P},
    {"prime1", PART_P},
    {"q", PART_Q},
    {"prime2", PART_Q},
    {"x", PART_OTHER},
};

static enum part part_of(bytes name)
{
    static const char *const key_words[] = {"key", "priv", "secret", "aes", "chacha", "salsa"};
    char plain[NAME_MAX + 1] = "";
    size_t len = 0;
    for (size_t i = 0; i < name.len && len < NAME_MAX; i++)
        if (ascii_alnum(name.at[i]))
            plain[len++] = (char)ascii_lower(name.at[i]);
    for (size_t i = 0; i < COUNT(names); i++)
        if (!strcmp(plain, names[i].name))
            return names[i].part;
    if (strstr(plain, "pass") || strstr(plain, "pwd"))
        return PART_WORD;
    if (strstr(plain, "public") || strstr(plain, "pubkey"))
        return PART_OTHER;
    for (size_t i = 0; i < COUNT(key_words); i++)
        if (strstr(plain, key_words[i]))
            return PART_KEY;
    return PART_OTHER;
}

/* ------------------------------------------------------------------------- RSA by its parts */

typedef bytes (*decoder)(struct arena *, bytes);

static const decoder decoders[] = {reading_hex, reading_decimal, reading_base64};

/* Public exponents are short, and decimal unless they begin with a zero. */
static bytes exponent(struct arena *arena, bytes text, size_t way)
{
    size_t end = bytes_find(text, bytes_of(" "), 0);
    text = bytes_slice(text, 0, end);
    return text.len ? decoders[way](arena, text) : (bytes){0};
}

static int group_try(struct reading *reading, const struct group *group, decoder decode)
{
    struct arena *arena = reading->arena;
    struct privatekey key = {0};
    bytes *const number[PARTS] = {&key.n, NULL, &key.d, &key.p, &key.q};
    for (size_t i = 0; i < PARTS; i++)
        if (number[i] && group->value[i].len)
            *number[i] = decode(arena, group->value[i]);
    unsigned before = reading->found;
    int error = 0;
    if (key.n.len && key.d.len)
        error = reading_rsa(reading, key, true);
    for (size_t i = 0; !error && reading->found == before && i < COUNT(decoders); i++) {
        key.e = exponent(arena, group->value[PART_E], (i + 1) % COUNT(decoders));
        if (key.e.len)
            error = reading_rsa(reading, key, true);
    }
    return error;
}

/* One number of a key, or two that nothing proves to be a pair. */
static int group_halves(struct reading *reading, const struct group *group)
{
    int error = 0;
    for (size_t i = 0; !error && i < 2; i++) {
        bytes text = group->value[i ? PART_D : PART_N];
        unsigned before = reading->found;
        for (size_t j = 0;
             !error && text.len && reading->found == before && j < COUNT(decoders); j++) {
            bytes number = {0};
            if (j > 0 || !reading_is_decimal(text))
                number = decoders[j](reading->arena, text);
            if (number.at)
                error = reading_number(reading, number, i ? 'd' : 'n');
        }
        /* JWK keeps a Curve25519 secret under the name of an exponent. */
        if (!error && i && reading->found == before && text.len)
            error = reading_value(reading, text);
    }
    return error;
}

static int group_end(struct reading *reading, struct group *group)
{
    unsigned before = reading->found;
    int error = 0;
    if (group->any)
        for (size_t i = 0; !error && i < COUNT(decoders) && reading->found == before; i++)
            error = group_try(reading, group, decoders[i]);
    if (!error && group->any && reading->found == before)
        error = group_halves(reading, group);
    *group = (struct group){0};
    return error;
}

/* -------------------------------------------------------------------------------- fields */

static int field(struct reading *reading, struct group *group, bytes name, bytes value)
{
    enum part part = part_of(name);
    int error = 0;
    if (part < PARTS) {
        if (group->value[part].len)
            error = group_end(reading, group);
        group->value[part] = value;
        group->any = true;
        return error;
    }
    if (part == PART_WORD && value.len <= 128)
        return reading_add(reading, (struct key){.kind = KEY_TEXT, .secret = value});
    if (part == PART_KEY)
        return reading_value(reading, value);
    if (value.len < 64)
        return 0;
    bytes view = reading_base64(reading->arena, value);
    if (view.at)
        error = reading_binary(reading, view);
    view = error ? (bytes){0} : reading_hex(reading->arena, value);
    return view.at ? reading_binary(reading, view) : error;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bytes stripped(bytes text)
{
    while (text.len && (is_blank(text.at[0]) || text.at[0] == '"' || text.at[0] == '\''))
        text = bytes_slice(text, 1, SIZE_MAX);
    while (text.len && (is_blank(text.at[text.len - 1]) || text.at[text.len - 1] == '"' ||
                        text.at[text.len - 1] == '\'' || text.at[text.len - 1] == ',' ||
                        text.at[text.len - 1] == ';'))
        text.len--;
    return text;
}

/* End of a number that goes on in lines that are indented and all digits, as after "modulus:"
 * in OpenSSL's text. */
static size_t end_of_lines(bytes text, size_t at)
{
    size_t end = at;
    while (at < text.len && text.at[at] == '\n' && at + 1 < text.len &&
           is_blank(text.at[at + 1])) {
        for (at++; at < text.len && text.at[at] != '\n'; at++)
            if (!is_blank(text.at[at]) && text.at[at] != ':' && ascii_hex(text.at[at]) < 0)
                return end;
        end = at;
    }
    return end;
}

/* The value that begins at `at`, behind the mark; *at moves past it. */
static bytes value_at(bytes text, size_t *at)
{
    size_t begin = *at, end;
    while (begin < text.len && is_blank(text.at[begin]))
        begin++;
    uint8_t quote = begin < text.len ? text.at[begin] : 0;
    if (quote == '"' || quote == '\'') {
        for (end = begin + 1; end < text.len && text.at[end] != quote; end++)
            ;
        *at = end + (end < text.len);
        return bytes_slice(text, begin + 1, end - begin - 1);
    }
    for (end = begin; end < text.len && text.at[end] != '\n' && text.at[end] != ',' &&
                      text.at[end] != '}' && text.at[end] != '<';
         end++)
        ;
    if (end == begin || (end < text.len && text.at[end] == '\n' && end - begin < 2))
        end = end_of_lines(text, end);
    *at = end;
    return stripped(bytes_slice(text, begin, end - begin));
}

/* <Name>value</Name> at `at`: false when other elements are inside, or it has no end. */
static bool element_at(bytes text, size_t *at, bytes *name, bytes *value)
{
    size_t open = *at + 1, close = open;
    while (close < text.len && close - open <= NAME_MAX && ascii_alnum(text.at[close]))
        close++;
    if (close >= text.len || text.at[close] != '>' || close == open)
        return false;
    size_t end = close + 1;
    while (end < text.len && text.at[end] != '<')
        end++;
    if (end + 1 >= text.len || text.at[end + 1] != '/')
        return false;
    *name = bytes_slice(text, open, close - open);
    *value = bytes_slice(text, close + 1, end - close - 1);
    *at = end + 2;
    return true;
}

int fields_read(struct reading *reading, bytes text)
{
    struct group group = {0};
    int error = 0;
    unsigned count = 0;
    size_t start = 0;
    for (size_t at = 0; !error && at < text.len && count < FIELDS_MAX;) {
        uint8_t c = text.at[at];
        bytes name, value;
        if (c == '<' && element_at(text, &at, &name, &value)) {
            error = field(reading, &group, name, value);
            start = at;
            count++;
        } else if ((c == ':' || c == '=') && at > start) {
            name = stripped(bytes_slice(text, start, at - start));
            at++;
            if (name.len && name.len <= NAME_MAX) {
                value = value_at(text, &at);
                error = field(reading, &group, name, value);
                count++;
            }
            start = at;
        } else {
            at++;
            if (c == '\n' || c == '{' || c == ',' || c == ';' || c == '<' || c == '>' ||
                c == '[')
                start = at;
        }
    }
    return error ? error : group_end(reading, &group);
}

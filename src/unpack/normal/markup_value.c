/* Attribute values, references ("&amp;", "&#38;") and "data:" URLs in them. */
#include "unpack/normal/markup_state.h"
#include "unpack/normal/references.h"

#include <string.h>

static const uint8_t mark[] = "data:";

/* The attribute has been read: kept if it is one of those that are asked for. */
static void value_done(struct markup *markup)
{
    bytes name = {markup->name.at, markup->name.len};
    bool href = bytes_is(name, "href") && !markup->has_href;
    bool src = bytes_is(name, "src") && !markup->has_src;
    struct markup_word *to = href ? &markup->href : &markup->src;
    bytes value = {markup->value.at, markup->value.len};
    const uint8_t *end = value.len ? memchr(value.at, 0, value.len) : NULL;
    if (end)
        value.len = (size_t)(end - value.at);
    if (value.len && value.at[0] == '"') /* with the quote at its end */
        value = bytes_slice(value, 1, value.len > 2 ? value.len - 2 : 0);
    if (markup->links)
        links_value(markup, name, value);
    if (href || src) {
        to->len = value.len;
        if (value.len)
            memcpy(to->at, value.at, value.len);
        markup->has_href |= href;
        markup->has_src |= src;
    }
}

static void end_value(struct markup *markup)
{
    value_done(markup);
    markup->name.len = 0;
    markup_go(markup, MARKUP_SKIP, MARKUP_NAMED);
}

static void put_value(struct markup *markup, uint8_t shown, uint8_t kept)
{
    markup_page(markup, shown);
    markup_keep(&markup->value, kept);
}

/* After "data:": the page gets to see no more of it. */
static void begin_data(struct markup *markup)
{
    struct output *page = &markup->views->page;
    if (page->n)
        page->n--;
    if (markup->quote)
        markup_page(markup, '"');
    markup->value.len = 0;
    markup_go(markup, MARKUP_DATA_TYPE, MARKUP_NAMED);
}

static bool at_data(const struct markup *markup)
{
    const struct markup_word *value = &markup->value;
    size_t quoted = value->len == sizeof mark;
    return (quoted || value->len == sizeof mark - 1) && (!quoted || value->at[0] == '"') &&
           memcmp(value->at + quoted, mark, sizeof mark - 1) == 0;
}

static void in_quote(struct markup *markup, uint8_t c)
{
    bool first = markup->value.len == 0;
    bool last = !first && !markup->escaped && markup->quote == c;
    if (first)
        markup->quote = c;
    put_value(markup, '"', '"');
    markup->at++;
    if (last)
        end_value(markup);
}

/* White space or `>`: the end of a value without quotes; in quotes one of it is kept, and the
 * quotes are forgotten. */
static void in_gap(struct markup *markup, uint8_t c)
{
    if (!markup->quote) {
        end_value(markup);
        return;
    }
    put_value(markup, c, plain_space(c) ? ' ' : '>');
    markup->quote = 0;
    markup->at++;
    markup_go(markup, MARKUP_SKIP, MARKUP_VALUE);
}

/* False: the character was the second half of another. */
static bool in_plain(struct markup *markup, uint8_t c)
{
    uint32_t wide = markup->wide_value;
    if (wide && (c < 0x80 || wide >= 0x10000)) {
        markup->wide_value = 0;
        if (markup_wide(markup, wide, c, &markup->value)) {
            markup->at++;
            return false;
        }
    }
    if (c >= 0x80)
        markup->wide_value = markup->wide_value << 8 | c;
    else
        put_value(markup, ascii_lower(c), c);
    markup->at++;
    return true;
}

void markup_in_value(struct markup *markup, uint8_t c)
{
    bool looks = true;
    if (at_data(markup)) {
        begin_data(markup);
    } else if (c == '&') {
        markup->at++;
        markup_go(markup, MARKUP_REFERENCE, MARKUP_VALUE);
    } else if (c == '\'' || c == '"') {
        in_quote(markup, c);
    } else if (plain_space(c) || c == '>') {
        in_gap(markup, c);
    } else {
        looks = in_plain(markup, c);
    }
    if (looks)
        markup->escaped = markup->line[markup->at] == '\\';
}

/* --- references --- */

void markup_in_reference(struct markup *markup, uint8_t c)
{
    bool number = c == '#';
    markup->state = number ? MARKUP_REFERENCE_NUMBER : MARKUP_REFERENCE_NAME;
    if (number) {
        markup->number = 0;
        markup->hex = false;
        markup->at++;
    }
}

/* As it is shown in the page: itself up to 0xfe, full stops as such, else "&#x203a;". */
static size_t write_rune(uint16_t rune, uint8_t to[8])
{
    static const char digits[] = "0123456789abcdef";
    if (rune < 0xff || rune == 0x3002 || rune == 0xff0e || rune == 0xfe52) {
        to[0] = rune < 0xff ? (uint8_t)rune : '.';
        return rune != 0;
    }
    memcpy(to, "&#x....;", 8);
    for (int i = 0; i < 4; i++)
        to[3 + i] = (uint8_t)digits[rune >> (12 - 4 * i) & 15];
    return 8;
}

/* To the page, and to the value if it is in one. */
static void put_both(struct markup *markup, uint8_t c)
{
    markup_page(markup, c);
    if (markup->next == MARKUP_VALUE)
        markup_keep(&markup->value, c);
}

static void put_name(struct markup *markup)
{
    put_both(markup, '&');
    for (size_t i = 0; i < markup->reference.len; i++)
        put_both(markup, ascii_lower(markup->reference.at[i]));
}

void markup_in_reference_name(struct markup *markup, uint8_t c)
{
    struct markup_word *name = &markup->reference;
    if ((ascii_alnum(c) || c == '_' || c == ':' || c == '-') && name->len < MARKUP_NAME) {
        name->at[name->len++] = c;
        markup->at++;
        return;
    }
    uint32_t rune = c == ';' ? references_value((bytes){name->at, name->len}) : 0;
    if (rune) {
        uint8_t shown[8];
        size_t size = write_rune((uint16_t)rune, shown);
        for (size_t i = 0; i < size; i++)
            put_both(markup, shown[i]);
    } else {
        put_name(markup);
        if (c == ';')
            put_both(markup, ';');
    }
    markup->at += c == ';';
    name->len = 0;
    markup_return(markup);
}

void markup_end_reference(struct markup *markup)
{
    const struct markup_word *name = &markup->reference;
    uint32_t rune = references_value((bytes){name->at, name->len});
    uint8_t shown[8];
    markup->next = MARKUP_ENDED;
    if (rune)
        output_put(&markup->views->page, (bytes){shown, write_rune((uint16_t)rune, shown)});
    else if (name->len)
        put_name(markup);
}

static void put_number(struct markup *markup)
{
    uint8_t shown[8];
    if (markup->next == MARKUP_VALUE)
        markup_keep(&markup->value, (uint8_t)markup->number);
    if (markup->number < 0x80)
        markup_page(markup, ascii_lower((uint8_t)markup->number));
    else
        output_put(&markup->views->page,
                   (bytes){shown, write_rune((uint16_t)markup->number, shown)});
}

void markup_in_reference_number(struct markup *markup, uint8_t c)
{
    int digit = ascii_hex(c);
    if (markup->number == 0 && (c == 'x' || c == 'X')) {
        markup->hex = true;
        markup->at++;
    } else if (c == ';') {
        put_number(markup);
        markup->at++;
        markup_return(markup);
    } else if (digit >= 0 && (digit < 10 || markup->hex)) {
        int64_t base = markup->hex && markup->number < INT64_MAX / 16 ? 16 : 10;
        markup->at++;
        if (markup->number >= INT64_MAX / base || /* or one more would be too much */
            __builtin_add_overflow(markup->number * base, digit, &markup->number)) {
            markup_page(markup, (uint8_t)markup->number);
            markup_return(markup);
        }
    } else {
        markup_page(markup, (uint8_t)markup->number);
        markup_return(markup);
    }
}

/* --- data: URLs --- */

static void data_refused(struct markup *markup)
{
    markup->name.len = 0;
    markup_go(markup, MARKUP_SKIP, MARKUP_NAMED);
}

void markup_in_data_type(struct markup *markup, uint8_t c)
{
    bool space = plain_space(c) || c == '>';
    if ((c == '\'' || c == '"') && !markup->escaped && markup->quote == c) {
        markup->at++;
        data_refused(markup);
    } else if (space && !markup->quote) {
        data_refused(markup);
    } else if (space) {
        markup->quote = 0;
        markup->at++;
        markup_go(markup, MARKUP_SKIP, MARKUP_DATA_TYPE);
    } else {
        markup->at++;
        if (c == ',') {
            markup->binary = true;
            markup_go(markup, MARKUP_DATA, MARKUP_ENDED);
        }
    }
    markup->escaped = markup->line[markup->at] == '\\';
}

void markup_in_data(struct markup *markup, uint8_t c)
{
    bool space = plain_space(c) || c == '>', quote = c == '\'' || c == '"';
    markup->at++;
    if (c == '&') {
        markup_go(markup, MARKUP_REFERENCE, MARKUP_DATA);
    } else if (c == '%') {
        markup->digits = 0;
        markup->number = 0;
        markup_go(markup, MARKUP_DATA_DIGITS, MARKUP_DATA);
    } else if ((quote && !markup->escaped && markup->quote == c) || (space && !markup->quote)) {
        markup->state = MARKUP_DATA_END;
    }
    markup->escaped = markup->line[markup->at] == '\\';
}

/* Up to two, or one that is none. */
void markup_in_data_digits(struct markup *markup, uint8_t c)
{
    markup->at++;
    if (++markup->digits == 2 || ascii_hex(c) < 0)
        markup->state = MARKUP_DATA;
}

/* Rich Text Format, specification 1.9.1, as Word reads it:
 *
 *   { }           groups          \word-12 or \word   control words, a blank behind belongs to
 * it
 *   \'hh          a character     \*                  the next word's group may be ignored
 *   \binN         N bytes, as they are, behind one blank
 *
 * Binary parts are hex: of the groups objdata (an OLE 1 object, object.h), pict, datastore,
 * themedata and such. Whatever is no hex digit between the digits is passed over: blanks,
 * control words, ignorable groups; that is how malicious files hide their objects.
 *
 * Out come "objdata 1" and so on with the objects in them, and "[fields]": a text of templates
 * and of those field instructions that load or run something. */
#include "unpack/document/rtf.h"
#include "base/unicode.h"

#include "unpack/document/object.h"
#include "unpack/document/text.h"

#include <string.h>

enum {
    DEPTH_MAX = 1 << 16,
    WORD_MAX = 64, /* Word's control words are shorter */
    BUFFER = 4096,
    FIELD_MAX = 1 << 14,
};

enum destination {
    BODY,
    IGNORED, /* \* and a word that holds nothing for us, inside a binary part */
    HEX,
    FIELD,
};

struct rtf {
    struct unpack *unpack;
    bytes data;
    size_t at;
    unsigned depth;
    uint8_t *groups; /* enum destination of each open group */
    bool starred;    /* \* was seen, and no word since */
    /* The binary part being written. */
    unsigned hex_depth; /* of its group; 0: none */
    const char *hex_word;
    size_t mark;
    unsigned parts;
    uint8_t buffer[BUFFER];
    size_t filled;
    uint8_t nibble;
    bool half;
    /* The field being collected. */
    unsigned field_depth;
    uint8_t *field;
    size_t field_size;
    VEC(bytes) fields;
    bool stop;
};

static enum destination destination_of(const struct rtf *rtf)
{
    return rtf->depth < DEPTH_MAX ? (enum destination)rtf->groups[rtf->depth] : IGNORED;
}

static void destination_set(struct rtf *rtf, enum destination destination)
{
    if (rtf->depth < DEPTH_MAX)
        rtf->groups[rtf->depth] = (uint8_t)destination;
}

/* --- binary parts --- */

static void hex_flush(struct rtf *rtf)
{
    if (!unpack_put(rtf->unpack, (bytes){rtf->buffer, rtf->filled}))
        rtf->stop = true;
    rtf->filled = 0;
}

static void hex_byte(struct rtf *rtf, uint8_t byte)
{
    rtf->buffer[rtf->filled++] = byte;
    if (rtf->filled == BUFFER)
        hex_flush(rtf);
}

static void hex_digit(struct rtf *rtf, uint8_t c)
{
    int digit = ascii_hex(c);
    if (digit < 0)
        return;
    if (rtf->half)
        hex_byte(rtf, (uint8_t)(rtf->nibble << 4 | digit));
    rtf->nibble = (uint8_t)digit;
    rtf->half = !rtf->half;
}

static void hex_begin(struct rtf *rtf, const char *word)
{
    bytes name = arena_printf(rtf->unpack->arena, "%s %u", word, ++rtf->parts);
    rtf->half = false;
    rtf->filled = 0;
    rtf->hex_depth = rtf->depth;
    rtf->hex_word = word;
    rtf->mark = unpack_mark(rtf->unpack);
    destination_set(rtf, HEX);
    if (!name.at || !unpack_begin(rtf->unpack, name))
        rtf->stop = true;
}

/* A compound file somewhere in the data: behind a header that is not what it should be, or
 * with its digits out of step. */
static bool compound_search(struct unpack *u, bytes data)
{
    static const bytes magic = {(const uint8_t *)"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8};
    static const bytes shifted = {(const uint8_t *)"\x0c\xf1\x1e\x0a\x1b\x11\xae", 7};
    size_t at = bytes_find(data, magic, 0);
    if (at != SIZE_MAX)
        return unpack_view(u, bytes_of("object"), bytes_slice(data, at, data.len));
    at = bytes_find(data, shifted, 1);
    if (at == SIZE_MAX || (data.at[at - 1] & 15) != 0xd)
        return true;
    if (!unpack_begin(u, bytes_of("object")))
        return false;
    for (at--; at + 1 < data.len;) {
        size_t room, n = 0;
        uint8_t *to = unpack_room(u, &room);
        if (!to)
            break;
        for (; n < room && at + 1 < data.len; n++, at++)
            to[n] = (uint8_t)(data.at[at] << 4 | data.at[at + 1] >> 4);
        if (!unpack_wrote(u, n))
            return false;
    }
    return unpack_end(u);
}

static bool is_ole1(bytes data)
{
    uint32_t format, class;
    return bytes_le32(data, 4, &format) && (format == 1 || format == 2) &&
           bytes_le32(data, 8, &class) && class <= 256 && bytes_has(data, 12, class);
}

static void hex_end(struct rtf *rtf)
{
    struct unpack *u = rtf->unpack;
    bytes data;
    hex_flush(rtf);
    rtf->hex_depth = 0;
    if (rtf->stop || !unpack_end_kept(u, &data)) {
        rtf->stop = true;
        return;
    }
    if (strcmp(rtf->hex_word, "objdata") == 0 && data.len) {
        bool more = is_ole1(data) ? object_ole1(u, data) : compound_search(u, data);
        rtf->stop |= !more;
    }
    unpack_release(u, rtf->mark);
}

/* --- fields --- */

static void field_byte(struct rtf *rtf, uint8_t c)
{
    if (rtf->field_size < FIELD_MAX && c != '\r' && c != '\n')
        rtf->field[rtf->field_size++] = c;
}

static void field_begin(struct rtf *rtf)
{
    destination_set(rtf, FIELD);
    rtf->field_depth = rtf->depth;
    rtf->field_size = 0;
}

static bool field_counts(bytes text)
{
    static const char *const words[] = {"HYPERLINK", "INCLUDE",  "DDE", "LINK", "IMPORT",
                                        "EMBED",     "AUTOTEXT", "://", "\\\\"};
    for (size_t at = 0; at < text.len; at++)
        for (size_t i = 0; i < COUNT(words); i++)
            if (text_begins(bytes_slice(text, at, 16), words[i]))
                return true;
    return false;
}

static void field_end(struct rtf *rtf)
{
    bytes text = {rtf->field, rtf->field_size};
    rtf->field_depth = 0;
    if (!budget_charge(rtf->unpack->budget, text.len) || !field_counts(text))
        return;
    bytes *added = vec_push(rtf->unpack->arena, &rtf->fields);
    if (added)
        *added = arena_copy(rtf->unpack->arena, text);
}

static bool fields_put(struct rtf *rtf)
{
    struct unpack *u = rtf->unpack;
    if (rtf->fields.n == 0)
        return true;
    if (!unpack_begin(u, bytes_of("[fields]")))
        return false;
    for (uint32_t i = 0; i < rtf->fields.n; i++)
        if (!unpack_put(u, rtf->fields.at[i]) || !unpack_put(u, bytes_of("\n")))
            return false;
    return unpack_end(u);
}

/* --- tokens --- */

/* Words whose group holds hex. */
static const char *hex_word_of(bytes word)
{
    static const char *const words[] = {
        "objdata", "pict",    "datastore",    "themedata",
        "fontemb", "oledata", "passwordhash", "colorschememapping"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (bytes_is(word, words[i]))
            return words[i];
    return NULL;
}

/* Words whose group is no part of the group around it, also without \*. */
static bool is_destination(bytes word)
{
    static const char *const words[] = {
        "fonttbl", "colortbl", "stylesheet", "info",     "author",   "title",      "comment",
        "subject", "keywords", "operator",   "doccomm",  "footnote", "header",     "footer",
        "result",  "object",   "objclass",   "objname",  "shppict",  "nonshppict", "shpinst",
        "shprslt", "field",    "fldrslt",    "listtext", "pntext",   "xe",         "tc",
        "rxe",     "txe",      "annotation", "atnid",    "private1"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (bytes_is(word, words[i]))
            return true;
    return false;
}

static void bin_read(struct rtf *rtf, int64_t count)
{
    bytes part = bytes_slice(rtf->data, rtf->at, count > 0 ? (size_t)count : 0);
    rtf->at += part.len;
    if (destination_of(rtf) != HEX)
        return;
    hex_flush(rtf);
    rtf->half = false;
    if (!rtf->stop && !unpack_put(rtf->unpack, part))
        rtf->stop = true;
}

static void word_apply(struct rtf *rtf, bytes word, bool has_number, int64_t number)
{
    const char *hex = hex_word_of(word);
    bool starred = rtf->starred;
    rtf->starred = false;
    if (bytes_is(word, "bin") && has_number)
        bin_read(rtf, number);
    else if (hex && !rtf->hex_depth && rtf->depth)
        hex_begin(rtf, hex);
    else if (hex && rtf->hex_depth && strcmp(hex, "objdata") == 0 &&
             strcmp(rtf->hex_word, "objdata") != 0)
        hex_end(rtf), hex_begin(rtf, hex); /* an object within a picture */
    else if (rtf->depth > rtf->hex_depth && rtf->hex_depth && (starred || is_destination(word)))
        destination_set(rtf, IGNORED);
    else if (!rtf->hex_depth && !rtf->field_depth && rtf->depth &&
             (bytes_is(word, "fldinst") || bytes_is(word, "template")))
        field_begin(rtf);
    else if (bytes_is(word, "u") && has_number && destination_of(rtf) == FIELD) {
        uint8_t utf8[4];
        size_t size = utf8_put(utf8, (uint32_t)number & 0xffff);
        for (size_t i = 0; i < size; i++)
            field_byte(rtf, utf8[i]);
    }
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Behind the backslash. */
static void word_read(struct rtf *rtf)
{
    bytes d = rtf->data;
    size_t from = rtf->at, at = from;
    while (at < d.len && is_letter(d.at[at]) && at - from < WORD_MAX)
        at++;
    bytes word = bytes_slice(d, from, at - from);
    bool minus = at < d.len && d.at[at] == '-', has_number = false;
    int64_t number = 0;
    at += minus;
    for (unsigned i = 0; i < 10 && at < d.len && d.at[at] >= '0' && d.at[at] <= '9';
         i++, at++) {
        number = number * 10 + (d.at[at] - '0');
        has_number = true;
    }
    if (at < d.len && d.at[at] == ' ')
        at++;
    rtf->at = at;
    word_apply(rtf, word, has_number, minus ? -number : number);
}

static void symbol_read(struct rtf *rtf)
{
    if (rtf->at >= rtf->data.len)
        return;
    uint8_t c = rtf->data.at[rtf->at];
    if (is_letter(c)) {
        word_read(rtf);
        return;
    }
    rtf->at++;
    if (c == '*') {
        rtf->starred = true;
    } else if (c == '\'') {
        bytes digits = bytes_slice(rtf->data, rtf->at, 2);
        unsigned value = 0;
        for (size_t i = 0; i < digits.len; i++) {
            uint8_t low = ascii_lower(digits.at[i]);
            value = value << 4 | (unsigned)(low >= 'a' ? low - 'a' + 10 : low - '0');
        }
        rtf->at += digits.len;
        if (destination_of(rtf) == FIELD)
            field_byte(rtf, (uint8_t)value);
    } else if (destination_of(rtf) == FIELD && (c == '\\' || c == '{' || c == '}')) {
        field_byte(rtf, c);
    }
}

static void group_open(struct rtf *rtf)
{
    enum destination outer = destination_of(rtf);
    rtf->depth++;
    rtf->starred = false;
    destination_set(rtf, outer);
}

static void group_close(struct rtf *rtf)
{
    if (rtf->hex_depth && rtf->depth == rtf->hex_depth)
        hex_end(rtf);
    if (rtf->field_depth && rtf->depth == rtf->field_depth)
        field_end(rtf);
    rtf->depth -= rtf->depth > 0;
    rtf->starred = false;
}

static void text_read(struct rtf *rtf)
{
    size_t from = rtf->at, at = from;
    bytes d = rtf->data;
    while (at < d.len && d.at[at] != '{' && d.at[at] != '}' && d.at[at] != '\\')
        at++;
    rtf->at = at;
    enum destination destination = destination_of(rtf);
    for (size_t i = from; i < at && !rtf->stop && destination == HEX; i++)
        hex_digit(rtf, d.at[i]);
    for (size_t i = from; i < at && destination == FIELD; i++)
        field_byte(rtf, d.at[i]);
    if (!budget_charge(rtf->unpack->budget, (at - from) / 8 + 1))
        rtf->stop = true;
}

void rtf_open(struct unpack *u)
{
    struct rtf rtf = {.unpack = u,
                      .data = u->data,
                      .groups = arena_push(u->arena, DEPTH_MAX),
                      .field = arena_push(u->arena, FIELD_MAX)};
    if (!rtf.groups || !rtf.field) {
        unpack_gap(u, bytes_of(""), GAP_LIMIT, "no memory");
        return;
    }
    while (rtf.at < rtf.data.len && !rtf.stop) {
        uint8_t c = rtf.data.at[rtf.at];
        if (c != '{' && c != '}' && c != '\\') {
            text_read(&rtf);
            continue;
        }
        rtf.at++;
        if (c == '\\')
            symbol_read(&rtf);
        else if (c == '{')
            group_open(&rtf);
        else
            group_close(&rtf);
        rtf.stop |= !budget_charge(u->budget, 2);
    }
    if (rtf.hex_depth && !rtf.stop) {
        unpack_gap(u, bytes_of(""), GAP_DAMAGED, "cut short within %s", rtf.hex_word);
        hex_end(&rtf);
    } else if (rtf.depth > 0 && !rtf.stop) {
        unpack_gap(u, bytes_of(""), GAP_DAMAGED, "cut short: %u groups are open", rtf.depth);
    }
    if (rtf.stop && u->writing)
        unpack_drop(u);
    if (rtf.stop && !u->run->stopped)
        unpack_gap(u, bytes_of(""), GAP_LIMIT, "too much work");
    if (!rtf.stop && !fields_put(&rtf))
        return;
}

#include "rescue/identify/note_text.h"

#include "base/unicode.h"

#include <errno.h>
#include <string.h>

struct sink {
    uint8_t *at;
    size_t len, room;
};

static void put(struct sink *sink, uint8_t byte)
{
    if (sink->len < sink->room)
        sink->at[sink->len++] = byte;
}

static void put_character(struct sink *sink, uint32_t character)
{
    uint8_t text[4];
    size_t n = utf8_put(text, character <= 0x10ffff ? character : UNICODE_REPLACEMENT);
    for (size_t i = 0; i < n; i++)
        put(sink, text[i]);
}

/* --- UTF-16 --- */

/* Without a byte order mark: western texts have every other byte zero. */
static int utf16_kind(bytes file)
{
    size_t look = file.len < 512 ? file.len : 512, even = 0, odd = 0;
    if (file.len >= 2 && file.at[0] == 0xff && file.at[1] == 0xfe)
        return 1;
    if (file.len >= 2 && file.at[0] == 0xfe && file.at[1] == 0xff)
        return 2;
    for (size_t i = 0; i + 1 < look; i += 2) {
        even += !file.at[i];
        odd += !file.at[i + 1];
    }
    if (odd > look / 4 && even < look / 32)
        return 1;
    return even > look / 4 && odd < look / 32 ? 2 : 0;
}

static int decode(bytes file, struct arena *arena, bytes *ret, struct why *why)
{
    int kind = utf16_kind(file);
    if (!kind) {
        bool marked = file.len >= 3 && !memcmp(file.at, "\xef\xbb\xbf", 3);
        *ret = bytes_slice(file, marked ? 3 : 0, file.len);
        return 0;
    }
    struct sink sink = {arena_push_raw(arena, file.len / 2 * 3 + 4), 0, file.len / 2 * 3 + 4};
    if (!sink.at)
        return fail(why, ENOMEM, "no memory for the words of a note");
    bytes rest = file;
    while (rest.len >= 2) {
        uint32_t character = utf16_next(&rest, kind == 2);
        if (character != 0xfeff)
            put_character(&sink, character);
    }
    *ret = (bytes){sink.at, sink.len};
    return 0;
}

/* --- HTML, HTA --- */

static bool begins(bytes text, size_t at, const char *word)
{
    size_t len = strlen(word);
    return bytes_has(text, at, len) &&
           bytes_same((bytes){text.at + at, len}, (bytes){(const uint8_t *)word, len});
}

static bool is_markup(bytes text)
{
    static const char *const marks[] = {"<html", "<body", "<div",      "<p>",
                                        "<br",   "<hta:", "<!doctype", "<head"};
    size_t look = text.len < 4096 ? text.len : 4096;
    for (size_t i = 0; i < look; i++)
        for (size_t k = 0; text.at[i] == '<' && k < COUNT(marks); k++)
            if (begins(text, i, marks[k]))
                return true;
    return false;
}

/* Behind the next `mark`, the end when there is none. */
static size_t behind(bytes text, size_t at, const char *mark)
{
    size_t len = strlen(mark);
    for (; at + len <= text.len; at++)
        if (text.at[at] == (uint8_t)mark[0] && begins(text, at, mark))
            return at + len;
    return text.len;
}

static size_t skip_tag(bytes text, size_t at)
{
    if (begins(text, at, "<!--"))
        return behind(text, at, "-->");
    if (begins(text, at, "<script"))
        return behind(text, at, "</script>");
    if (begins(text, at, "<style"))
        return behind(text, at, "</style>");
    return behind(text, at, ">");
}

/* &name; and &#number;: how many bytes it takes, 0: it is none. */
static size_t entity(bytes text, size_t at, uint32_t *ret)
{
    static const struct {
        const char *name;
        uint32_t character;
    } rows[] = {{"nbsp;", ' '}, {"amp;", '&'},  {"lt;", '<'},
                {"gt;", '>'},   {"quot;", '"'}, {"apos;", '\''}};

    for (size_t i = 0; i < COUNT(rows); i++)
        if (begins(text, at + 1, rows[i].name)) {
            *ret = rows[i].character;
            return 1 + strlen(rows[i].name);
        }
    if (!begins(text, at + 1, "#"))
        return 0;
    bool hex = begins(text, at + 2, "x");
    size_t i = at + 2 + hex, start = i;
    uint32_t value = 0;
    for (; i < text.len && i < start + 7; i++) {
        int digit = ascii_hex(text.at[i]);
        if (digit < 0 || (!hex && digit > 9))
            break;
        value = value * (hex ? 16 : 10) + (uint32_t)digit;
    }
    if (i == start || i >= text.len || text.at[i] != ';')
        return 0;
    *ret = value;
    return i + 1 - at;
}

static void strip_markup(bytes text, struct sink *sink)
{
    for (size_t at = 0; at < text.len && sink->len < sink->room;) {
        uint32_t character;
        size_t n;
        if (text.at[at] == '<') {
            at = skip_tag(text, at);
            put(sink, ' ');
        } else if (text.at[at] == '&' && (n = entity(text, at, &character))) {
            put_character(sink, character);
            at += n;
        } else {
            put(sink, text.at[at++]);
        }
    }
}

/* --- RTF (Rich Text Format 1.9.1) --- */

/* A control word or symbol at a backslash; behind it. */
static size_t control(bytes text, size_t at, struct sink *sink)
{
    size_t i = at + 1;
    if (i >= text.len)
        return text.len;
    if (text.at[i] == '\'') {
        int high = i + 2 < text.len ? ascii_hex(text.at[i + 1]) : -1;
        int low = high >= 0 ? ascii_hex(text.at[i + 2]) : -1;
        if (low >= 0)
            put_character(sink, (uint32_t)(high * 16 + low));
        return i + 3;
    }
    if (!ascii_alnum(text.at[i])) {
        if (text.at[i] == '\\' || text.at[i] == '{' || text.at[i] == '}')
            put(sink, text.at[i]);
        return i + 1;
    }
    size_t word = i;
    while (i < text.len && ascii_alnum(text.at[i]) && !(text.at[i] >= '0' && text.at[i] <= '9'))
        i++;
    size_t len = i - word;
    uint32_t number = 0;
    bool minus = i < text.len && text.at[i] == '-';
    for (i += minus; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++)
        number = (number * 10 + text.at[i] - '0') & 0xfffff;
    if (len == 1 && text.at[word] == 'u')
        put_character(sink, (minus ? 65536 - number : number) & 0xffff);
    if (begins(text, word, "par") || begins(text, word, "line") || begins(text, word, "tab"))
        put(sink, '\n');
    return i < text.len && text.at[i] == ' ' ? i + 1 : i;
}

static bool hidden_group(bytes text, size_t at)
{
    static const char *const groups[] = {"{\\*",          "{\\fonttbl", "{\\colortbl",
                                         "{\\stylesheet", "{\\info",    "{\\pict"};
    for (size_t i = 0; i < COUNT(groups); i++)
        if (begins(text, at, groups[i]))
            return true;
    return false;
}

static void strip_rtf(bytes text, struct sink *sink)
{
    size_t depth = 0, hidden = 0;
    for (size_t at = 0; at < text.len && sink->len < sink->room;) {
        uint8_t byte = text.at[at];
        if (byte == '{') {
            depth++;
            if (!hidden && hidden_group(text, at))
                hidden = depth;
            at++;
        } else if (byte == '}') {
            hidden = hidden == depth ? 0 : hidden;
            depth -= depth > 0;
            at++;
        } else if (hidden) {
            at += byte == '\\' ? 2 : 1;
        } else if (byte == '\\') {
            at = control(text, at, sink);
        } else {
            if (byte != '\r' && byte != '\n')
                put(sink, byte);
            at++;
        }
    }
}

/* --- */

/* Texts have hardly a control character. */
static bool is_text(bytes text)
{
    size_t look = text.len < 4096 ? text.len : 4096, odd = 0;
    for (size_t i = 0; i < look; i++)
        odd += (text.at[i] < 32 && text.at[i] != '\n' && text.at[i] != '\r' &&
                text.at[i] != '\t' && text.at[i] != '\f' && text.at[i] != 0x1b) ||
               text.at[i] == 127;
    return look && odd * 50 <= look;
}

int note_text_plain(bytes file, struct arena *arena, bytes *ret, struct why *why)
{
    bytes text = {0};
    if (file.len > NOTE_TEXT_FILE)
        return fail(why, EBADMSG, "too large for a note");
    int error = decode(file, arena, &text, why);
    if (error)
        return error;
    if (!is_text(text))
        return fail(why, EBADMSG, "not a text");
    struct sink sink = {arena_push_raw(arena, NOTE_TEXT_MAX), 0, NOTE_TEXT_MAX};
    if (!sink.at)
        return fail(why, ENOMEM, "no memory for the words of a note");
    if (begins(text, 0, "{\\rtf"))
        strip_rtf(text, &sink);
    else if (is_markup(text))
        strip_markup(text, &sink);
    else
        for (size_t i = 0; i < text.len && sink.len < sink.room; i++)
            put(&sink, text.at[i]);
    *ret = (bytes){sink.at, sink.len};
    return 0;
}

/* What comes out of a page:
 *
 *     [text]              what a reader sees: references decoded, white space collapsed
 *     [scripts]           scripts, event attributes, "javascript:" links; ASP and PHP blocks
 *     [links]             where it points to and what it loads, one a line
 *     [data N] TYPE       "data:" URLs, decoded
 *
 * Tags are read as browsers read them, roughly: HTML Living Standard 13.2.5. Comments are left
 * out, those of "<!--[if" only as far as the condition. */
#include "unpack/mail/html.h"

#include "unpack/mail/entity.h"
#include "unpack/mail/transfer.h"
#include "unpack/mail/words.h"
#include "unpack/mail/writer.h"

#include <string.h>

enum {
    PROBED = 512,
    PROBED_TAGS = 24,
    TELLING_ANYWHERE = 6, /* of the tags below */
    LISTED_MAX = 1 << 20, /* scripts, and links */
    BEFORE_DATA = 128,    /* "data:image/svg+xml;charset=utf-8" */
    TYPE_MAX = 64,
};

typedef VEC(bytes) bytes_list;

struct html {
    struct unpack *unpack;
    struct writer text;
    size_t at;
    bytes_list scripts, links;
    bool any, blank; /* [text]: something was written; a blank is due */
    bool full;
    bool no_comment_end, no_asp_end, no_php_end; /* none follows: do not look again */
};

/* Tags that only pages have, so near to the beginning. */
static const char *const telling[] = {
    "html",  "head",  "body",  "script", "iframe", "svg",           "title",
    "meta ", "link ", "table", "div",    "p>",     "a href",        "img ",
    "br",    "style", "form",  "object", "center", "font",          "frame",
    "job",   "%@",    "span",  "h1",     "base ",  "!doctype html", "hta:application",
};

bool html_probe(bytes data)
{
    bytes head = bytes_slice(data, 0, PROBED);
    size_t at = 0;
    bool first = true;
    for (unsigned tags = 0; tags < PROBED_TAGS && at < head.len; tags++) {
        const uint8_t *hit = memchr(head.at + at, '<', head.len - at);
        if (!hit)
            return false;
        at = (size_t)(hit - head.at) + 1;
        /* Outside of the first place only what no program's text has by chance. */
        size_t count = first && words_trim(bytes_slice(head, 0, at)).len == 1
                           ? COUNT(telling)
                           : TELLING_ANYWHERE;
        for (size_t i = 0; i < count; i++)
            if (words_start(bytes_slice(head, at, 16), telling[i]) &&
                at + strlen(telling[i]) < head.len) {
                uint8_t after = head.at[at + strlen(telling[i])];
                if (!ascii_alnum(after) || telling[i][strlen(telling[i]) - 1] == ' ')
                    return true;
            }
        first = false;
    }
    return false;
}

/* --- lists --- */

static void list_add(struct html *html, bytes_list *list, bytes item)
{
    bytes *added = NULL;
    if (!item.len || html->full)
        return;
    if (list->n < LISTED_MAX)
        added = vec_push(html->unpack->arena, list);
    if (added)
        *added = item;
    else
        html->full = true;
}

/* --- visible text --- */

static void put_visible(struct html *html, bytes text)
{
    struct writer *writer = &html->text;
    uint32_t rune = 0;
    for (size_t i = 0; i < text.len;) {
        size_t from = i;
        while (i < text.len && text.at[i] > ' ' && text.at[i] != '&')
            i++;
        if (i > from) {
            if (html->blank)
                writer_byte(writer, ' ');
            html->blank = false;
            html->any = true;
            writer_put(writer, words_part(text, from, i));
            continue;
        }
        uint8_t c = text.at[i];
        size_t size = c == '&' ? entity_read(bytes_slice(text, i, text.len), &rune) : 0;
        i += size ? size : 1;
        rune = size ? rune : c;
        if (rune <= ' ') {
            html->blank = html->any;
            continue;
        }
        if (html->blank)
            writer_byte(writer, ' ');
        html->blank = false;
        html->any = true;
        if (size)
            writer_rune(writer, rune);
        else
            writer_byte(writer, c);
    }
}

static bool breaks_line(bytes name)
{
    static const char *const names[] = {"br", "p",     "div",    "tr", "li",
                                        "h1", "h2",    "h3",     "td", "th",
                                        "hr", "table", "option", "ul", "title"};
    for (size_t i = 0; i < COUNT(names); i++)
        if (words_same(name, names[i]))
            return true;
    return false;
}

/* --- tags --- */

static bool is_link(bytes name)
{
    static const char *const names[] = {
        "href",   "src",      "action",  "data",       "background", "poster", "formaction",
        "srcset", "codebase", "classid", "xlink:href", "dynsrc",     "lowsrc", "manifest"};
    for (size_t i = 0; i < COUNT(names); i++)
        if (words_same(name, names[i]))
            return true;
    return false;
}

static void take_attribute(struct html *html, bytes name, bytes raw)
{
    bool event = name.len > 3 && words_start(name, "on");
    bool link = is_link(name), content = words_same(name, "content");
    if (!event && !link && !content)
        return;
    bytes value = words_trim(entity_decoded(html->unpack->arena, raw));
    if (event || words_start(value, "javascript:") || words_start(value, "vbscript:"))
        list_add(html, &html->scripts, value);
    else if (link && !words_start(value, "data:"))
        list_add(html, &html->links, value);
    else if (content && words_find(bytes_slice(value, 0, PROBED), "url=", 0) != SIZE_MAX)
        list_add(html, &html->links, value);
    else if (link &&
             (value.at != words_trim(raw).at ||
              words_find(bytes_slice(value, 0, BEFORE_DATA), ";base64,", 0) == SIZE_MAX))
        list_add(html, &html->links, value); /* a data: URL that the search does not find */
}

static size_t skip_space(bytes data, size_t i)
{
    while (i < data.len && words_space(data.at[i]))
        i++;
    return i;
}

/* One attribute from `i` on; returns past it. */
static size_t read_attribute(struct html *html, bytes data, size_t i)
{
    size_t from = i;
    while (i < data.len && !words_space(data.at[i]) && data.at[i] != '=' && data.at[i] != '>' &&
           data.at[i] != '/')
        i++;
    bytes name = words_part(data, from, i);
    size_t next = skip_space(data, i);
    if (next >= data.len || data.at[next] != '=')
        return i > from ? i : i + 1;
    i = skip_space(data, next + 1);
    uint8_t quote = i < data.len ? data.at[i] : 0;
    bytes value;
    if (quote == '"' || quote == '\'') {
        const uint8_t *end = memchr(data.at + i + 1, quote, data.len - i - 1);
        size_t to = end ? (size_t)(end - data.at) : data.len;
        value = words_part(data, i + 1, to);
        i = end ? to + 1 : to;
    } else {
        from = i;
        while (i < data.len && !words_space(data.at[i]) && data.at[i] != '>')
            i++;
        value = words_part(data, from, i);
    }
    take_attribute(html, name, value);
    return i;
}

/* Offset of "</name" from `from` on, or the end. */
static size_t find_close(bytes data, const char *name, size_t from)
{
    while (from < data.len) {
        const uint8_t *hit = memchr(data.at + from, '<', data.len - from);
        if (!hit)
            break;
        from = (size_t)(hit - data.at) + 1;
        bytes rest = bytes_slice(data, from, 16);
        if (rest.len && rest.at[0] == '/' && words_start(bytes_slice(rest, 1, 15), name))
            return from - 1;
    }
    return data.len;
}

/* A tag, its name standing at html->at. */
static void read_tag(struct html *html, bytes data)
{
    size_t i = html->at, from = i;
    bool close = data.at[i] == '/';
    i += close;
    while (i < data.len && (ascii_alnum(data.at[i]) || data.at[i] == ':' || data.at[i] == '-'))
        i++;
    bytes name = words_part(data, from + close, i);
    while ((i = skip_space(data, i)) < data.len && data.at[i] != '>')
        i = data.at[i] == '/' ? i + 1 : read_attribute(html, data, i);
    i += i < data.len;
    if (breaks_line(name))
        html->blank = html->any;
    bool script = !close && words_same(name, "script");
    if (script || (!close && words_same(name, "style"))) {
        size_t end = find_close(data, script ? "script" : "style", i);
        if (script)
            list_add(html, &html->scripts, words_trim(words_part(data, i, end)));
        i = end;
    }
    html->at = i;
}

/* --- what stands in "<!", "<%" and "<?" --- */

/* Past the next `mark`; without one, `from`, and *none is set. */
static size_t past(bytes data, const char *mark, size_t from, bool *none)
{
    size_t at = *none ? SIZE_MAX : bytes_find(data, bytes_of(mark), from);
    if (at == SIZE_MAX)
        *none = true;
    return at == SIZE_MAX ? from : at + strlen(mark);
}

static void read_marked(struct html *html, bytes data)
{
    size_t i = html->at; /* at "!", "%" or "?" */
    bytes rest = bytes_slice(data, i, 16);
    if (words_start(rest, "!--[if")) {
        const uint8_t *end = memchr(data.at + i, '>', data.len - i);
        html->at = end ? (size_t)(end - data.at) + 1 : data.len;
    } else if (words_start(rest, "!--")) {
        html->at = past(data, "-->", i + 3, &html->no_comment_end);
    } else if (words_start(rest, "![cdata[")) {
        html->at = i + 8;
    } else if (rest.at[0] == '!') {
        const uint8_t *end = memchr(data.at + i, '>', data.len - i);
        html->at = end ? (size_t)(end - data.at) + 1 : data.len;
    } else {
        bool asp = rest.at[0] == '%';
        bool *none = asp ? &html->no_asp_end : &html->no_php_end;
        html->at = past(data, asp ? "%>" : "?>", i + 1, none);
        if (*none)
            html->at = data.len;
        if (!words_start(rest, "?xml"))
            list_add(html, &html->scripts, words_part(data, i + 1, html->at));
    }
}

static bool read_page(struct html *html)
{
    bytes data = html->unpack->data;
    while (html->at < data.len && !html->unpack->run->stopped) {
        const uint8_t *hit = memchr(data.at + html->at, '<', data.len - html->at);
        size_t mark = hit ? (size_t)(hit - data.at) : data.len;
        put_visible(html, words_part(data, html->at, mark));
        html->at = mark + 1;
        if (html->at >= data.len)
            break;
        uint8_t c = data.at[html->at];
        if (c == '!' || c == '%' || c == '?')
            read_marked(html, data);
        else if (c == '/' || (ascii_alnum(c) && c > '9'))
            read_tag(html, data);
        else
            put_visible(html, bytes_of("<"));
    }
    return writer_flush(&html->text);
}

/* --- data: URLs --- */

/* What belongs to base64 in a URL: also white space and %XX. */
static size_t data_length(bytes text, bool *ret_percent)
{
    size_t i = 0;
    *ret_percent = false;
    for (; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c == '%')
            *ret_percent = true;
        else if (base64_value(c) > 63 && c != '=' && !words_space(c))
            break;
    }
    return i;
}

static bytes percent_decoded(struct arena *arena, bytes text)
{
    size_t n = 0;
    uint8_t *at = arena_push_raw(arena, text.len + 1);
    if (!at)
        return text;
    for (size_t i = 0; i < text.len; i++) {
        int high = -1, low = -1;
        if (text.at[i] == '%' && i + 2 < text.len) {
            high = ascii_hex(text.at[i + 1]);
            low = ascii_hex(text.at[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            at[n++] = (uint8_t)(high << 4 | low);
            i += 2;
        } else {
            at[n++] = text.at[i];
        }
    }
    return (bytes){at, n};
}

static bool in_url(uint8_t c)
{
    return ascii_alnum(c) || (c && strchr("/+-.;=:_&#%!*", c));
}

bool html_data_urls(struct unpack *unpack, bytes text)
{
    static const char mark[] = ";base64,";
    size_t at = 0;
    unsigned number = 0;
    while ((at = bytes_find(text, bytes_of(mark), at)) != SIZE_MAX) {
        size_t from = at > BEFORE_DATA ? at - BEFORE_DATA : 0, start = SIZE_MAX;
        bytes before = words_part(text, from, at);
        for (size_t i = before.len; i-- > 0 && start == SIZE_MAX && in_url(before.at[i]);)
            if (words_start(bytes_slice(before, i, 5), "data:"))
                start = i + 5;
        bytes rest = bytes_slice(text, at + strlen(mark), text.len), kind;
        bool percent;
        size_t size = data_length(rest, &percent);
        at += strlen(mark) + size;
        if (start == SIZE_MAX || size < 4)
            continue;
        kind = bytes_slice(before, start, TYPE_MAX);
        rest = bytes_slice(rest, 0, size);
        if (percent)
            rest = percent_decoded(unpack->arena, rest);
        bytes name = arena_printf(unpack->arena, "[data %u] %.*s", ++number, (int)kind.len,
                                  kind.len ? (const char *)kind.at : "");
        if (!unpack_begin(unpack, name.at ? name : bytes_of("[data]")) ||
            !transfer_put(unpack, TRANSFER_BASE64, rest) || !unpack_end(unpack))
            return false;
    }
    return true;
}

/* Other data: URLs, and those that references hide. */
static bool link_data(struct html *html, bytes link)
{
    struct unpack *unpack = html->unpack;
    bytes rest = link, head;
    if (!words_start(link, "data:") || !bytes_cut(&rest, ',', &head) || !rest.len)
        return true;
    if (words_find(head, ";base64", 0) != SIZE_MAX)
        return html_data_urls(unpack, link);
    head = bytes_slice(head, 5, TYPE_MAX);
    bytes name = arena_printf(unpack->arena, "[data] %.*s", (int)head.len,
                              head.len ? (const char *)head.at : "");
    return unpack_begin(unpack, name.at ? name : bytes_of("[data]")) &&
           unpack_put(unpack, percent_decoded(unpack->arena, rest)) && unpack_end(unpack);
}

static bool put_list(struct unpack *unpack, const bytes_list *list, const char *name)
{
    if (!list->n)
        return true;
    if (!unpack_begin(unpack, bytes_of(name)))
        return false;
    for (uint32_t i = 0; i < list->n; i++)
        if (!unpack_put(unpack, list->at[i]) || !unpack_put(unpack, bytes_of("\n")))
            return false;
    return unpack_end(unpack);
}

void html_open(struct unpack *unpack)
{
    struct html html = {.unpack = unpack, .text = {.unpack = unpack}};
    unpack->derived = true;
    if (!budget_charge(unpack->budget, unpack->data.len) ||
        !unpack_begin(unpack, bytes_of("[text]")))
        return;
    bool more = read_page(&html);
    if (more && !html.any)
        unpack_drop(unpack);
    else
        more = more && unpack_end(unpack);
    if (!more)
        return;
    if (html.full)
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "not all scripts and links are examined");
    if (!put_list(unpack, &html.scripts, "[scripts]") ||
        !put_list(unpack, &html.links, "[links]"))
        return;
    unpack->derived = false;
    if (!html_data_urls(unpack, unpack->data))
        return;
    for (uint32_t i = 0; i < html.links.n; i++)
        if (!link_data(&html, html.links.at[i]))
            return;
}

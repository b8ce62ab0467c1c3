#include "unpack/normal/links.h"

#include "unpack/normal/markup_state.h"

#include <string.h>

enum { FOUND_MOST = 10000, ADDRESS_MOST = 1023 };

static bool tag_is(const struct markup *markup, const char *text)
{
    return bytes_is((bytes){markup->tag.at, markup->tag.len}, text);
}

/* Text behind what there is; full stops of other scripts become full stops. */
static void append(struct markup_word *word, bytes text)
{
    uint32_t wide = 0;
    for (size_t i = 0; i < text.len && word->len < MARKUP_NAME; i++) {
        uint8_t c = text.at[i];
        if (wide && (c < 0x80 || wide >= 0x10000)) {
            bool big5 = wide == 0xa1 && (c == 'C' || c == 'D' || c == 'O');
            if (big5 || wide == 0xe38082 || wide == 0xefbc8e || wide == 0xefb992) {
                markup_keep(word, '.');
            } else {
                for (int shift = wide >= 0x10000 ? 16
                                 : wide >= 0x100 ? 8
                                                 : 0;
                     shift >= 0; shift -= 8)
                    markup_keep(word, (uint8_t)(wide >> shift));
            }
            wide = 0;
            if (big5)
                continue;
        }
        if (c >= 0x80)
            wide = wide << 8 | c;
        else
            markup_keep(word, c);
    }
}

static bytes copy_word(struct links *links, const struct markup_word *word)
{
    bytes copy = arena_copy(links->arena, (bytes){word->at, word->len});
    links->failed |= !copy.at;
    return copy;
}

/* The text of a link is known. */
static void close_text(struct links *links, uint32_t number)
{
    if (number && number <= links->found.n)
        links->found.at[number - 1].text = copy_word(links, &links->text);
    links->text.len = 0;
}

static void add(struct links *links, enum links_place place, bytes value, bytes text)
{
    struct links_found *found =
        links->found.n < FOUND_MOST ? vec_push(links->arena, &links->found) : NULL;
    bytes copy = arena_copy(links->arena, value);
    links->failed |= !found || !copy.at;
    if (found)
        *found = (struct links_found){copy, text, place};
}

void links_line(struct markup *markup)
{
    markup->links->begin = 0;
}

/* The open link's text in this line, up to `end`. */
static void append_line(struct markup *markup, size_t end)
{
    struct links *links = markup->links;
    if (links->inside && links->begun && end > links->begin)
        append(&links->text, (bytes){markup->line + links->begin, end - links->begin});
}

void links_line_end(struct markup *markup)
{
    append_line(markup, markup->at);
}

void links_mark(struct markup *markup)
{
    append_line(markup, markup->at - 1);
    markup->links->begun &= !markup->links->inside;
}

static void keep_value(struct markup_word *word, bool *has, bytes value)
{
    if (*has)
        return;
    *has = true;
    word->len = 0;
    for (size_t i = 0; i < value.len; i++)
        markup_keep(word, value.at[i]);
}

void links_value(struct markup *markup, bytes name, bytes value)
{
    struct links *links = markup->links;
    if (bytes_is(name, "title"))
        keep_value(&links->title, &links->has_title, value);
    else if (bytes_is(name, "action"))
        keep_value(&links->action, &links->has_action, value);
    else if (bytes_is(name, "dynsrc"))
        keep_value(&links->dynsrc, &links->has_dynsrc, value);
}

/* An address beside a link: in its title, or in a form. */
static void add_beside(struct links *links, enum links_place place, bytes value, bytes text,
                       bool fresh)
{
    add(links, place, value, (bytes){0});
    if (fresh)
        links->text.len = 0;
    append(&links->text, text);
    close_text(links, links->found.n);
}

static void open_link(struct markup *markup)
{
    struct links *links = markup->links;
    const bytes href = {markup->href.at, markup->href.len};
    if (!markup->has_href || !href.len)
        return;
    if (links->inside) {
        close_text(links, links->inside);
        links->inside = 0;
    }
    if (links->has_title)
        add_beside(links, LINKS_OTHER, (bytes){links->title.at, links->title.len}, href, false);
    if (links->form.at)
        add_beside(links, LINKS_OTHER, href, links->form, true);
    add(links, LINKS_HREF, href, (bytes){0});
    links->inside = links->found.n;
    links->begin = markup->at;
    links->begun = true;
    links->text.len = 0;
}

/* What is shown within a link or a form. */
static void add_shown(struct links *links, enum links_place place, bool has,
                      const struct markup_word *word)
{
    const bytes value = {word->at, word->len};
    if (!has || !value.len)
        return;
    uint32_t around = links->inside;
    add(links, place, value,
        around && around <= links->found.n ? links->found.at[around - 1].value : (bytes){0});
    if (links->form.at)
        add_beside(links, LINKS_OTHER, value, links->form, true);
}

static void close_tag(struct markup *markup)
{
    struct links *links = markup->links;
    if (links->inside) {
        if (tag_is(markup, "/a")) {
            close_text(links, links->inside);
            links->inside = 0;
        }
        links->begin = markup->at;
        links->begun = true;
    }
    if (tag_is(markup, "/form"))
        links->form = (bytes){0};
}

static void open_tag(struct markup *markup)
{
    struct links *links = markup->links;
    if (links->inside && !links->begun) {
        links->begin = markup->at;
        links->begun = true;
    }
    if (tag_is(markup, "a")) {
        open_link(markup);
    } else if (tag_is(markup, "form")) {
        if (links->has_action)
            links->form = copy_word(links, &links->action);
    } else if (tag_is(markup, "img")) {
        add_shown(links, LINKS_IMAGE, markup->has_src, &markup->src);
        add_shown(links, LINKS_OTHER, links->has_dynsrc, &links->dynsrc);
    } else if (tag_is(markup, "iframe")) {
        add_shown(links, LINKS_OTHER, markup->has_src, &markup->src);
    } else if (tag_is(markup, "area")) {
        add_shown(links, LINKS_OTHER, markup->has_href, &markup->href);
    }
}

void links_tag(struct markup *markup)
{
    struct links *links = markup->links;
    if (markup->tag.len && markup->tag.at[0] == '/')
        close_tag(markup);
    else if (!tag_is(markup, "script") && !tag_is(markup, "style") && !tag_is(markup, "%@"))
        open_tag(markup);
    links->has_title = links->has_action = links->has_dynsrc = false;
}

/* "http:", "https:" or "ftp:" at `at` of a text, and ten bytes to come. */
static bool at_address(bytes text, size_t at)
{
    static const char *const heads[] = {"http:", "ftp:"};
    for (size_t i = 0; i < COUNT(heads); i++)
        if (bytes_same(bytes_slice(text, at, 4), bytes_slice(bytes_of(heads[i]), 0, 4)) &&
            (i || text.at[at + 4] == ':' || (text.at[at + 5] == 's' && text.at[at + 6] == ':')))
            return true;
    return false;
}

/* Addresses in a text without links; they are shown as nothing. */
static void find_addresses(struct links *links, bytes text)
{
    for (size_t at = 0; at + 10 < text.len; at++) {
        if (!at_address(text, at))
            continue;
        size_t len = 4;
        while (at + len < text.len && len < ADDRESS_MOST && text.at[at + len] != ' ' &&
               text.at[at + len] != '\n' && text.at[at + len] != '\t')
            len++;
        add(links, LINKS_HREF, bytes_slice(text, at, len), (bytes){0});
        at += len;
    }
}

bool links_read(bytes page, struct arena *arena, struct budget *budget, struct links *ret)
{
    struct markup_views none = {.page = {.n = 0}};
    struct markup *markup = PUSH(arena, struct markup);
    *ret = (struct links){.arena = arena};
    if (!markup)
        return false;
    markup->links = ret;
    bool whole = markup_run(markup, page, arena, budget, &none);
    close_text(ret, ret->inside);
    if (!ret->found.n)
        find_addresses(ret, page);
    return whole && !ret->failed;
}

#include "unpack/normal/normal.h"

#include "filetype/plain.h"
#include "unpack/normal/flat.h"
#include "unpack/normal/markup.h"

#define TEXT_TARGETS (TARGET_BIT(TARGET_ANY) | TARGET_BIT(TARGET_TEXT))
#define HTML_TARGETS (TARGET_BIT(TARGET_ANY) | TARGET_BIT(TARGET_HTML))

/* Larger pages are not matched without their tags: so does ClamAV. */
enum { WORDS_MAX = 8 << 20 };

uint32_t normal_targets(enum filetype type)
{
    switch (type) {
    case FILETYPE_TEXT_ASCII:
    case FILETYPE_TEXT_UTF8:
    case FILETYPE_TEXT_UTF16LE:
    case FILETYPE_TEXT_UTF16BE:
        return TEXT_TARGETS;
    case FILETYPE_HTML:
    case FILETYPE_HTML_UTF16:
        return HTML_TARGETS | TARGET_BIT(TARGET_TEXT); /* scripts */
    default:
        return 0;
    }
}

/* Takes room for an output from the region's top; less than asked for where it is short. */
static struct output take_room(struct region *region, size_t size)
{
    size_t left = region_left(region);
    struct output output = {.at = region->at + region->used, .size = size < left ? size : left};
    region_take(region, output.size);
    return output;
}

static bool hand_out(const struct normal *normal, const struct output *output, uint32_t targets)
{
    bytes view = {output->at, output->n};
    return !view.len || !(targets & normal->wanted) || normal->take(normal->to, view, targets);
}

static bool put_text(const struct normal *normal, bytes data)
{
    struct output out = take_room(normal->region, data.len + 1);
    if (!budget_charge(normal->budget, data.len))
        return false;
    flat_text(data, &out);
    hand_out(normal, &out, TEXT_TARGETS);
    return !out.full;
}

static bool put_page(const struct normal *normal, bytes data)
{
    struct markup_views views = {.page = take_room(normal->region, MARKUP_PAGE(data.len)),
                                 .words = take_room(normal->region, MARKUP_WORDS(data.len))};
    views.script = take_room(normal->region, NORMAL_MAX(data.len));
    bool whole = markup_views(data, normal->arena, normal->budget, &views);
    whole &= !views.page.full && !views.words.full && !views.script.full;
    if (hand_out(normal, &views.page, HTML_TARGETS) &&
        (data.len > WORDS_MAX || hand_out(normal, &views.words, HTML_TARGETS)))
        hand_out(normal, &views.script, HTML_TARGETS | TARGET_BIT(TARGET_TEXT));
    return whole;
}

/* Pages of two bytes a character are read as if they had one. */
static bool put_wide_page(const struct normal *normal, bytes data)
{
    struct output narrow = take_room(normal->region, data.len / 2);
    bytes fits = bytes_slice(data, 0, 2 * narrow.size);
    if (!budget_charge(normal->budget, data.len))
        return false;
    narrow.n = plain_narrow(fits, PLAIN_LITTLE, narrow.at);
    return put_page(normal, (bytes){narrow.at, narrow.n}) && fits.len + 1 >= data.len;
}

bool normal_views(const struct normal *normal, bytes data, enum filetype type)
{
    struct arena_mark mark = arena_mark(normal->arena);
    size_t top = normal->region->used;
    bool whole = true;
    if (!(normal_targets(type) & normal->wanted))
        return true;
    if (type == FILETYPE_HTML)
        whole = put_page(normal, data);
    else if (type == FILETYPE_HTML_UTF16)
        whole = put_wide_page(normal, data);
    else
        whole = put_text(normal, data);
    normal->region->used = top;
    arena_pop(normal->arena, mark);
    return whole;
}

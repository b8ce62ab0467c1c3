/* The views are those of ClamAV 1.4, byte for byte (tests/oracle/views.py); where they look
 * odd, so do its signatures. What they are:
 *
 *   page    everything in lower case, white space as one blank, ' as ", references decoded;
 *           comments are left out, but for those in scripts; attributes as ` name="value"`
 *   words   text outside of tags, scripts and styles; the targets of links and images as they
 *           stand in the page
 *
 * A page is read in lines of at most 8,191 bytes that end at white space where there is some;
 * white space at the start of a line is skipped, NULs are left out. Reading is a machine of
 * states, with one to come `next` once the present one has done its part. */
#include "unpack/normal/markup_state.h"

#include <string.h>

/* --- lines --- */

/* The length of a line that ends after its last white space, or all of it. */
static size_t line_cut(const uint8_t *line, size_t len)
{
    size_t to = len;
    while (to > 1 && !plain_space(line[to - 1]))
        to--;
    return to <= 1 ? len : to;
}

static bool line_next(struct markup *markup)
{
    bytes rest = bytes_slice(markup->data, markup->offset, markup->data.len);
    size_t taken = rest.len < MARKUP_LINE ? rest.len : MARKUP_LINE;
    if (!rest.len || !budget_charge(markup->budget, taken)) {
        markup->failed |= rest.len != 0;
        return false;
    }
    if (!memchr(rest.at, 0, taken)) {
        memcpy(markup->line, rest.at, taken);
        markup->len = taken;
    } else {
        markup->len = 0;
        for (taken = 0; taken < rest.len && markup->len < MARKUP_LINE; taken++)
            if (rest.at[taken])
                markup->line[markup->len++] = rest.at[taken];
        if (!budget_charge(markup->budget, taken)) {
            markup->failed = true;
            return false;
        }
    }
    markup->offset += taken;
    if (taken < rest.len && !plain_space(rest.at[taken]) && markup->len) {
        size_t cut = line_cut(markup->line, markup->len);
        markup->offset -= markup->len - cut;
        markup->len = cut;
    }
    markup->line[markup->len] = 0;
    markup->at = 0;
    return true;
}

/* --- scripts --- */

/* Hands what the line has of the open script up to here to who reads it. */
static void script_take(struct markup *markup, bool last)
{
    if (!markup->script)
        return;
    if (markup->at > markup->script_from)
        script_feed(markup->script, (bytes){markup->line + markup->script_from,
                                            markup->at - markup->script_from});
    markup->script_from = 0;
    if (last) {
        markup->failed |= !script_finish(markup->script, &markup->views->script);
        markup->script = NULL;
    }
}

static void script_begin(struct markup *markup)
{
    if (markup->script || !markup->views->script.size)
        return;
    markup->script = script_new(markup->arena, markup->budget);
    markup->failed |= !markup->script;
    markup->script_from = markup->at;
}

/* --- text and tags --- */

static void words_blank(struct markup *markup)
{
    if (!markup->blank)
        output_byte(&markup->views->words, ' ');
    markup->blank = true;
}

/* What stands in both views as it is, up to what does not: most of a page. */
static void put_plain(struct markup *markup)
{
    struct output *page = &markup->views->page, *words = &markup->views->words;
    size_t at = markup->at;
    for (uint8_t c = markup->line[at]; c > ' ' && c < 0x80 && c != '<' && c != '&';
         c = markup->line[++at]) {
        output_byte(page, ascii_lower(c));
        output_byte(words, ascii_lower(c));
    }
    markup->at = at;
}

static void in_text(struct markup *markup, uint8_t c)
{
    bool outside = markup->inside == MARKUP_OUTSIDE;
    bool space = plain_space(c);
    if (outside && (c == '<' || c == '&' || space))
        words_blank(markup);
    if (space) {
        markup_go(markup, MARKUP_SHRINK, MARKUP_TEXT);
        return;
    }
    markup->at++;
    if (c == '<') {
        if (markup->links)
            links_mark(markup);
        markup_page(markup, '<');
        markup->tag.len = 0;
        markup_go(markup, MARKUP_SKIP, MARKUP_TAG);
    } else if (c == '&') {
        markup_go(markup, MARKUP_REFERENCE, MARKUP_TEXT);
    } else if (c >= 0x80) {
        markup->wide = c;
        markup_go(markup, MARKUP_WIDE, MARKUP_TEXT);
    } else {
        uint8_t lower = !outside && c == '\'' ? '"' : ascii_lower(c);
        markup_page(markup, lower);
        if (outside && c < ' ') {
            words_blank(markup);
        } else if (outside) {
            output_byte(&markup->views->words, lower);
            markup->blank = false;
            put_plain(markup);
        }
    }
}

bool markup_wide(struct markup *markup, uint32_t wide, uint8_t c, struct markup_word *value)
{
    struct output *words = value ? NULL : &markup->views->words;
    bool big5 = wide == 0xa1 && (c == 'C' || c == 'D' || c == 'O');
    uint8_t parts[] = {(uint8_t)(wide >> 16), (uint8_t)(wide >> 8), (uint8_t)wide};
    if (big5 || wide == 0xe38082 || wide == 0xefbc8e || wide == 0xefb992) {
        markup_page(markup, '.');
        if (words)
            output_byte(words, '.');
        else
            markup_keep(value, '.');
        return big5;
    }
    for (int i = parts[0] ? 0 : parts[1] ? 1 : 2; i < 3; i++) {
        markup_page(markup, parts[i]);
        if (words)
            output_byte(words, parts[i == 2 ? 1 : i]);
        else
            markup_keep(value, parts[i]);
    }
    return false;
}

static void in_wide(struct markup *markup, uint8_t c)
{
    if (c >= 0x80 && markup->wide < 0x10000) {
        markup->wide = markup->wide << 8 | c;
        markup->at++;
        return;
    }
    bool taken = markup_wide(markup, markup->wide, c, NULL);
    markup->wide = 0;
    markup->at += taken;
    if (!taken)
        markup_go(markup, markup->next, MARKUP_TEXT);
}

static void in_tag(struct markup *markup, uint8_t c)
{
    bool outside = markup->inside == MARKUP_OUTSIDE;
    if (markup->tag.len == 0 && c == '!') {
        struct output *page = &markup->views->page;
        if (!outside)
            markup_page(markup, '!');
        else if (page->n)
            page->n--;
        markup_go(markup, MARKUP_COMMENT, MARKUP_ENDED);
        markup->at++;
    } else if (c == '>') {
        markup_page(markup, '>');
        markup->at++;
        markup_go(markup, MARKUP_SKIP, MARKUP_ACT);
    } else if (plain_space(c)) {
        markup->name.len = 0;
        markup_go(markup, MARKUP_SKIP, outside ? MARKUP_NAMED : MARKUP_ACT);
    } else {
        markup_page(markup, ascii_lower(c));
        if (!outside && markup->tag.len == 0 && c != '/')
            markup->state = MARKUP_TEXT; /* in a script only its end is a tag */
        markup_keep(&markup->tag, ascii_lower(c));
        markup->at++;
    }
}

static void begin_value(struct markup *markup)
{
    markup_page(markup, '=');
    markup->at++;
    markup->escaped = false;
    markup->quote = 0;
    markup->value.len = 0;
    markup_go(markup, MARKUP_SKIP, MARKUP_VALUE);
}

/* An attribute without a value: hides one of its name that has. */
static void no_value(struct markup *markup)
{
    bytes name = {markup->name.at, markup->name.len};
    if (bytes_is(name, "href") && !markup->has_href) {
        markup->has_href = true;
        markup->href.len = 0;
    } else if (bytes_is(name, "src") && !markup->has_src) {
        markup->has_src = true;
        markup->src.len = 0;
    }
}

static void in_name(struct markup *markup, uint8_t c)
{
    if (c == '=') {
        begin_value(markup);
    } else if (plain_space(c)) {
        markup->at++;
        markup_go(markup, MARKUP_SKIP, MARKUP_NAMED_BLANK);
    } else if (c == '>') {
        markup_page(markup, '>');
        no_value(markup);
        markup->at++;
        markup_go(markup, MARKUP_ACT, MARKUP_ENDED);
    } else {
        if (markup->name.len == 0)
            markup_page(markup, ' ');
        markup_page(markup, ascii_lower(c));
        markup_keep(&markup->name, ascii_lower(c));
        markup->at++;
    }
}

static void in_name_blank(struct markup *markup, uint8_t c)
{
    if (c == '=') {
        begin_value(markup);
        return;
    }
    no_value(markup);
    markup->name.len = 0;
    markup_go(markup, MARKUP_NAMED, MARKUP_ENDED);
}

static void in_comment(struct markup *markup, uint8_t c)
{
    if (markup->inside != MARKUP_OUTSIDE && !plain_space(c))
        markup_page(markup, c == '\'' ? '"' : ascii_lower(c));
    if (c == '>')
        markup_go(markup, MARKUP_SKIP, MARKUP_TEXT);
    markup->at++;
}

static bool word_is(const struct markup_word *word, const char *text)
{
    return bytes_is((bytes){word->at, word->len}, text);
}

/* Text up to a NUL: values are kept as they came. */
static void words_put(struct markup *markup, const struct markup_word *word)
{
    for (size_t i = 0; i < word->len && word->at[i]; i++)
        output_byte(&markup->views->words, word->at[i]);
    output_byte(&markup->views->words, ' ');
    markup->blank = true;
}

static void act_on_tag(struct markup *markup)
{
    const struct markup_word *tag = &markup->tag;
    markup_go(markup, MARKUP_SKIP, MARKUP_TEXT);
    if (markup->links)
        links_tag(markup);
    if (word_is(tag, "/script")) {
        markup->inside = MARKUP_OUTSIDE;
        script_take(markup, true);
    } else if (word_is(tag, "/style") && markup->inside == MARKUP_STYLE) {
        markup->inside = MARKUP_OUTSIDE;
        if (markup->at < markup->style_from + strlen("</style>"))
            markup_go(markup, MARKUP_ENDED, MARKUP_ENDED); /* cut apart by a line's end */
    } else if (word_is(tag, "script")) {
        markup->inside = MARKUP_SCRIPT;
        script_begin(markup);
    } else if (word_is(tag, "style")) {
        markup->inside = MARKUP_STYLE;
        markup->style_from = markup->at;
    } else if (word_is(tag, "a") && markup->has_href && markup->href.len &&
               markup->href.at[0]) {
        words_put(markup, &markup->href);
    } else if (word_is(tag, "img") && markup->has_src && markup->src.len && markup->src.at[0]) {
        words_put(markup, &markup->src);
    }
    markup->has_href = markup->has_src = false;
}

/* --- the machine --- */

static void in_blank(struct markup *markup, uint8_t c)
{
    if (plain_space(c)) {
        markup->at++;
        return;
    }
    if (markup->state == MARKUP_SHRINK && markup->inside == MARKUP_OUTSIDE)
        markup_page(markup, ' ');
    markup_return(markup);
}

static void end_data(struct markup *markup, uint8_t c)
{
    (void)c;
    markup->escaped = markup->binary = false;
    markup->quote = 0;
    markup_go(markup, MARKUP_SKIP, MARKUP_NAMED);
}

static void act(struct markup *markup, uint8_t c)
{
    (void)c;
    act_on_tag(markup);
}

/* One character in each state: consumed or not. */
static void (*const in_state[MARKUP_STATES])(struct markup *markup, uint8_t c) = {
    [MARKUP_TEXT] = in_text,
    [MARKUP_SKIP] = in_blank,
    [MARKUP_SHRINK] = in_blank,
    [MARKUP_WIDE] = in_wide,
    [MARKUP_TAG] = in_tag,
    [MARKUP_NAMED] = in_name,
    [MARKUP_NAMED_BLANK] = in_name_blank,
    [MARKUP_VALUE] = markup_in_value,
    [MARKUP_COMMENT] = in_comment,
    [MARKUP_ACT] = act,
    [MARKUP_REFERENCE] = markup_in_reference,
    [MARKUP_REFERENCE_NAME] = markup_in_reference_name,
    [MARKUP_REFERENCE_NUMBER] = markup_in_reference_number,
    [MARKUP_DATA_TYPE] = markup_in_data_type,
    [MARKUP_DATA] = markup_in_data,
    [MARKUP_DATA_END] = end_data,
    [MARKUP_DATA_DIGITS] = markup_in_data_digits,
};

/* False: reading ends here. */
static bool read_line(struct markup *markup)
{
    while (plain_space(markup->line[markup->at]))
        markup->at++;
    while (markup->line[markup->at]) {
        uint8_t *c = &markup->line[markup->at];
        if (!markup->binary && *c == '\n')
            *c = ' ';
        if (!markup->binary && *c == '\r') {
            markup->at++;
            continue;
        }
        if (markup->state == MARKUP_ENDED)
            return false;
        in_state[markup->state](markup, *c);
    }
    return true;
}

bool markup_views(bytes page, struct arena *arena, struct budget *budget,
                  struct markup_views *views)
{
    struct markup *markup = PUSH(arena, struct markup);
    return markup && markup_run(markup, page, arena, budget, views);
}

bool markup_run(struct markup *markup, bytes page, struct arena *arena, struct budget *budget,
                struct markup_views *views)
{
    markup->views = views;
    markup->arena = arena;
    markup->budget = budget;
    markup->data = page;
    markup_go(markup, MARKUP_TEXT, MARKUP_ENDED);
    bool whole = true;
    while (whole && line_next(markup)) {
        if (markup->inside == MARKUP_STYLE)
            markup->style_from = 0;
        if (markup->links)
            links_line(markup);
        whole = read_line(markup);
        if (markup->links)
            links_line_end(markup);
        if (whole)
            script_take(markup, markup->inside == MARKUP_OUTSIDE);
        if (markup->next == markup->state)
            markup->next = MARKUP_ENDED;
    }
    if (whole)
        markup_end_reference(markup);
    if (markup->script)
        markup->failed |= !script_finish(markup->script, &views->script);
    return !markup->failed;
}

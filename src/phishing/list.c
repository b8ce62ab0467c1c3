#include "phishing/list.h"

#include <string.h>

/* Of one pattern on one line. */
static const struct pcre_limits limits = {.calls = 100000, .depth = 2000};

bool list_make(const struct ruleset *set, enum url_kind host, enum url_kind pattern,
               struct arena *arena, struct list *ret)
{
    struct list_row *rows = PUSH_ARRAY(arena, struct list_row, set->url_count);
    uint32_t count = 0;
    for (uint32_t i = 0; rows && i < set->url_count; i++) {
        const struct ruleset_url *link = &set->urls[i];
        if (link->kind != host && link->kind != pattern)
            continue;
        struct list_row *row = &rows[count];
        row->text = bytes_slice(set->texts, link->text, link->length);
        if (link->kind == pattern) {
            struct why why = {""};
            row->pcre = pcre_compile(row->text, 0, arena, &why);
            if (!row->pcre && !why.text[0])
                return false;
            if (!row->pcre)
                continue; /* of a ruleset that was not made here */
        }
        count++;
    }
    *ret = (struct list){rows, count};
    return rows != NULL;
}

/* The character before the `at`th of what was shown, its blanks not counted. */
static char shown_at(const struct list_shown *shown, size_t at)
{
    const char *text = shown->text;
    at += shown->host_from;
    while (*text && !ascii_alnum((uint8_t)*text))
        text++;
    for (; *text && at; at--) {
        while (*text == ' ')
            text++;
        text += *text != 0;
    }
    while (*text == ' ')
        text++;
    if (at && !*text)
        return 0;
    return text > shown->text ? text[-1] : *text;
}

static char char_at(const struct list_shown *shown, bytes line, size_t at)
{
    if (shown)
        return shown_at(shown, at);
    return at && at <= line.len ? (char)line.at[at - 1] : at ? 0 : (char)line.at[0];
}

/* A host fits itself and what is below it. */
static bool fits_host(bytes host, bytes line, const struct list_shown *shown)
{
    if (host.len > line.len ||
        !bytes_equal(bytes_slice(line, line.len - host.len, host.len), host))
        return false;
    char after = char_at(shown, line, line.len + 1);
    if (after && after != ' ' && after != '/' && after != '?')
        return false;
    if (host.len == line.len)
        return true;
    char before = char_at(shown, line, line.len - host.len);
    return before == '.' || before == ' ';
}

/* "www mybank.com" is "www.mybank.com": its first dot is moved there. */
static void put_dot(struct address *to, size_t host)
{
    size_t len = strlen(to->at), skipped = to->at[0] == '.';
    if (len - skipped < host + 1 || to->at[len - host - 1] == '.')
        return;
    memmove(to->at, to->at + 1, len - host - 1);
    to->at[len - host - 1] = '.';
}

bool list_fits(const struct list *list, struct address *to, const struct address *shown,
               const struct list_shown *shown_host, struct arena *arena, struct budget *budget)
{
    char text[2 * ADDRESS_ROOM + 2];
    const char *first = to->at + (to->at[0] == '.');
    const char *second = shown->at + (shown->at[0] == '.');
    size_t len = strlen(first);
    memcpy(text, first, len);
    if (!shown_host) {
        size_t more = strlen(second);
        text[len++] = ':';
        memcpy(text + len, second, more);
        len += more;
    }
    text[len++] = '/';
    const bytes line = {(const uint8_t *)text, len};
    for (uint32_t i = 0; len >= 3 && i < list->count; i++) {
        const struct list_row *row = &list->rows[i];
        if (!budget_charge(budget, 16))
            return false;
        if (!row->pcre) {
            if (!fits_host(row->text, line, shown_host))
                continue;
            if (shown_host)
                put_dot(to, row->text.len - 1);
            return true;
        }
        struct arena_mark mark = arena_mark(arena);
        struct pcre_search search = {.data = line, .until = SIZE_MAX, .limits = limits};
        enum pcre_result found = pcre_find(row->pcre, &search, arena);
        arena_pop(arena, mark);
        if (found == PCRE_MATCH)
            return true;
    }
    return false;
}

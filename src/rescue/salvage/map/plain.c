/* Text, tables, logs, mail boxes: what is plain, in order, with a line in place of each gap.
 * A mail box (RFC 4155) gives its messages: a line "From " after an empty line begins one. */
#include "rescue/salvage/salvage.h"

#include <string.h>

enum { LOOK_MOST = 1 << 20, LOOK_LEAST = 64, GAP_LINE = 64 };

static bool is_text(uint8_t c)
{
    return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\n' || c == '\r' || c >= 0x80;
}

/* In 1/1000 of the plain bytes, of the first MiB of them. */
static unsigned text_share(struct salvage *salvage, uint64_t *ret_high)
{
    uint64_t seen = 0, text = 0, high = 0, size = salvage->file.len;
    for (uint64_t at = map_plain_next(&salvage->map, 0, size); at < size && seen < LOOK_MOST;) {
        uint64_t end = map_plain_end(&salvage->map, at, size);
        for (uint64_t i = at; i < end && seen < LOOK_MOST; i++, seen++) {
            text += is_text(salvage->file.at[i]);
            high += salvage->file.at[i] >= 0x80;
        }
        at = map_plain_next(&salvage->map, end, size);
    }
    *ret_high = high * 1000 / (seen ? seen : 1);
    return seen < LOOK_LEAST ? 0 : (unsigned)(text * 1000 / seen);
}

static const char *const known[] = {"csv",  "log", "json", "xml", "html", "htm", "sql", "md",
                                    "mbox", "eml", "ini",  "c",   "py",   "tsv", "txt"};

int plain_fits(struct salvage *salvage)
{
    uint64_t high;
    bool named = false;
    for (size_t i = 0; i < COUNT(known); i++)
        named |= salvage_named(salvage, known[i]);
    /* What lies in a container has its own name, and little of it may be left. */
    if (salvage->depth && !named)
        return 0;
    unsigned share = text_share(salvage, &high);
    return share >= 995 && high < 300 ? 30 : share > 950 && high < 100 ? 10 : 0;
}

static bool put_gap(struct salvage *salvage, uint64_t from, uint64_t to)
{
    uint64_t size = to - from;
    if (size < GAP_LINE)
        return salvage_text(salvage, "[%llu?]", (unsigned long long)size);
    return salvage_text(salvage, "\n[%llu bytes encrypted]\n", (unsigned long long)size);
}

void plain_give(struct salvage *salvage)
{
    const char *extension = "txt";
    if (!salvage_solve(salvage))
        return;
    uint64_t size = salvage->file.len - salvage->map.trailer, gaps = 0;
    for (size_t i = 0; i < COUNT(known); i++)
        if (salvage_named(salvage, known[i]))
            extension = known[i];
    if (!salvage_begin(salvage, salvage_name(salvage, extension), "text"))
        return;
    for (uint64_t at = 0; at < size;) {
        uint64_t end = map_plain_end(&salvage->map, at, size);
        uint64_t next = map_plain_next(&salvage->map, end, size);
        if (!salvage_put(salvage, bytes_slice(salvage->file, (size_t)at, (size_t)(end - at))))
            return;
        salvage_gives(salvage, at, end);
        if (next > end && !put_gap(salvage, end, next))
            return;
        gaps += next > end;
        at = next;
    }
    (void)salvage_end(salvage, gaps ? SALVAGE_PARTIAL : SALVAGE_PLAUSIBLE,
                      "%llu gaps, each marked", (unsigned long long)gaps);
}

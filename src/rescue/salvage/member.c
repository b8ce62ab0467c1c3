#include "rescue/salvage/member.h"

#include "rescue/salvage/inflate.h"
#include "shim/stream.h"

#include <string.h>

enum { OUT = 4096, LEAST = 64, LOOK_MOST = 64 << 20, END_SLACK = 2048, OUT_SIZE = 1 << 16 };

struct writer {
    struct salvage *salvage;
    bool text;
    uint64_t unknown, wrote;
};

/* Unknown bytes: a question mark in text, zeros elsewhere. */
static bool put_symbols(void *to, const uint16_t *symbols, size_t n)
{
    struct writer *writer = to;
    uint8_t out[OUT];
    for (size_t i = 0; i < n;) {
        size_t k = 0;
        for (; k < OUT && i < n; k++, i++) {
            bool known = symbols[i] < INFLATE_UNKNOWN;
            out[k] = known ? (uint8_t)symbols[i] : writer->text ? '?' : 0;
            writer->unknown += !known;
        }
        if (!salvage_put(writer->salvage, (bytes){out, k}))
            return false;
    }
    writer->wrote += n;
    return true;
}

static bool put_gap(struct writer *writer, uint64_t size)
{
    return !writer->text || salvage_text(writer->salvage, "\n[%llu packed bytes lost]\n",
                                         (unsigned long long)size);
}

/* Places inflate behind the gap that ends at `from`, in [.., to) of the file; false when
 * nothing can be read there. `base`: where the stream begins. */
static bool go_on(struct salvage *salvage, struct inflate *inflate, uint64_t base,
                  uint64_t from, uint64_t to)
{
    bytes in = bytes_slice(salvage->file, (size_t)base, (size_t)(to - base));
    uint64_t bit = (from - base) * 8, found, most = (to - base) * 8;
    if (inflate->known && inflate_step_in(inflate, in, bit))
        return true;
    if (most - bit > (uint64_t)LOOK_MOST * 8)
        most = bit + (uint64_t)LOOK_MOST * 8;
    if (!inflate_find(inflate, in, bit, most, salvage->budget, &found))
        return false;
    inflate_open(inflate, in, found, salvage->budget);
    return true;
}

uint64_t member_inflate(struct salvage *salvage, uint64_t from, uint64_t to, uint64_t size,
                        bool text)
{
    struct arena_mark mark = arena_mark(salvage->arena);
    struct inflate *inflate = arena_push_raw(salvage->arena, sizeof *inflate);
    struct writer writer = {salvage, text, 0, 0};
    uint64_t gaps = 0, lost = from, at = from;
    (void)size, (void)mark;
    if (!inflate)
        return 1;
    inflate->known = false;
    while (at < to && !salvage->stopped) {
        uint64_t end = map_plain_end(&salvage->map, at, to);
        bytes in = bytes_slice(salvage->file, (size_t)from, (size_t)(end - from));
        bool ready = false;
        if (end > at && at == from) {
            inflate_open(inflate, in, 0, salvage->budget);
            ready = true;
        } else if (end >= at + LEAST) {
            ready = go_on(salvage, inflate, from, at, end);
        }
        /* Where what comes behind a gap belongs is not known: only text can do without. */
        if (ready && !text && at > from)
            break;
        if (ready) {
            uint64_t start = from + inflate->bit / 8;
            if (start > lost && !put_gap(&writer, start - lost))
                break;
            gaps += start > lost;
            inflate->put = put_symbols;
            inflate->to = &writer;
            enum inflate_end how = inflate_run(inflate);
            lost = from + (inflate->bit + 7) / 8;
            if (lost > end)
                lost = end;
            salvage_gives(salvage, start, lost);
            if (how == INFLATE_FINAL && lost + END_SLACK < to)
                how = INFLATE_DAMAGED;
            if (how == INFLATE_FINAL || how == INFLATE_STOPPED)
                return gaps;
            /* Codes that are none, in bytes that the map takes for plain: go on behind. */
            if (how == INFLATE_DAMAGED && lost < end) {
                inflate->known = false;
                at = lost + 1;
                continue;
            }
        }
        at = map_plain_next(&salvage->map, end > at ? end : at + 1, to);
    }
    if (lost < to) {
        gaps++;
        (void)put_gap(&writer, to - lost);
    }
    return gaps;
}

void member_tell(struct map *map, uint64_t at, uint64_t from, uint64_t until,
                 enum member_says says)
{
    if (says == MEMBER_READS)
        map_decode(map, at + from, at + until);
    else if (says == MEMBER_BREAKS)
        map_break(map, at + from, at + until, true);
    else
        map_lose(map, at + from, at + until);
}

void member_prove(struct salvage *salvage, bytes stream, uint64_t at_stream,
                  void (*prove)(void *to, uint64_t from, uint64_t until, enum member_says says),
                  void *to)
{
    struct inflate *inflate = arena_push_raw(salvage->arena, sizeof *inflate);
    uint64_t bit = at_stream * 8, end = (uint64_t)stream.len * 8;
    bool begin = true;
    while (inflate && bit < end) {
        uint64_t before = bit;
        bool found = begin || inflate_find(inflate, stream, bit, end, salvage->budget, &bit);
        if (!begin)
            prove(to, before / 8, found ? bit / 8 : stream.len, MEMBER_LOST);
        if (!found)
            return;
        inflate_open(inflate, stream, bit, salvage->budget);
        enum inflate_end how = inflate_run(inflate);
        uint64_t last = inflate->solid == UINT64_MAX ? bit : inflate->solid;
        if (last > bit)
            prove(to, bit / 8, last / 8, MEMBER_READS);
        /* A last block long before the end is a chance of codes in ciphertext. */
        if (how == INFLATE_FINAL && inflate->bit + END_SLACK * 8 < end)
            how = INFLATE_DAMAGED;
        if (how == INFLATE_FINAL)
            prove(to, last / 8, (inflate->bit + 7) / 8, MEMBER_READS);
        if (how != INFLATE_DAMAGED)
            return;
        prove(to, last / 8, inflate->bit / 8 + 1, MEMBER_BREAKS);
        bit = inflate->bit > bit ? inflate->bit : bit + 1;
        begin = false;
    }
}

bool member_decodes(struct salvage *salvage, bytes in, uint32_t *ret_crc, uint64_t *ret_size,
                    size_t *ret_used)
{
    uint8_t *out = arena_push_raw(salvage->arena, OUT_SIZE);
    struct stream *stream = out ? stream_new(STREAM_DEFLATE) : NULL;
    enum stream_state state = stream ? STREAM_MORE : STREAM_TOO_LARGE;
    bytes left = in;
    *ret_crc = 0;
    *ret_size = 0;
    while (state == STREAM_MORE) {
        size_t wrote, before = left.len;
        state = stream_run(stream, &left, out, OUT_SIZE, &wrote);
        *ret_crc = stream_crc32(*ret_crc, (bytes){out, wrote});
        *ret_size += wrote;
        if (!budget_charge(salvage->budget, wrote / 4 + 64) || (!wrote && left.len == before))
            break;
    }
    stream_free(stream);
    *ret_used = in.len - left.len;
    return state == STREAM_END;
}

static bool is_text_name(bytes name)
{
    static const char *const ends[] = {".xml", ".rels", ".txt", ".html", ".htm",
                                       ".csv", ".json", ".css", ".js",   ".svg",
                                       ".md",  ".log",  ".sql", ".tsv"};
    for (size_t i = 0; i < COUNT(ends); i++) {
        size_t len = strlen(ends[i]);
        if (name.len >= len &&
            bytes_same(bytes_slice(name, name.len - len, len), bytes_of(ends[i])))
            return true;
    }
    return false;
}

void member_give(struct salvage *salvage, const struct member *member, bytes folder)
{
    uint64_t to = member->sized ? member->data + member->packed : member->next;
    if (to > member->next && member->next > member->data)
        to = member->next;
    if (to > salvage->file.len)
        to = salvage->file.len;
    if (member->data >= to || (member->flags & 1) ||
        map_plain_size(&salvage->map, member->data, to) < LEAST)
        return;
    bytes name =
        arena_printf(salvage->arena, "%.*s/%.*s", (int)folder.len, (const char *)folder.at,
                     (int)member->name.len, (const char *)member->name.at);
    bool text = is_text_name(member->name);
    if (!name.at || (member->method != MEMBER_STORED && member->method != MEMBER_DEFLATE) ||
        (member->method == MEMBER_STORED && !map_is_plain(&salvage->map, member->data, to))) {
        /* As it stands there: its own type may give back more of it than bytes. */
        if (name.at && member->method == MEMBER_STORED)
            (void)!salvage_child(salvage, name, member->data, to);
        return;
    }
    if (!salvage_begin(salvage, name, "member"))
        return;
    salvage_counts(salvage, 1);
    if (member->method == MEMBER_STORED) {
        if (salvage_put_blanked(salvage, member->data, to))
            (void)salvage_end(salvage, SALVAGE_PARTIAL, "its checksum does not hold");
        return;
    }
    uint64_t gaps = member_inflate(salvage, member->data, to,
                                   member->sized ? member->size : UINT64_MAX, text);
    (void)salvage_end(salvage, SALVAGE_PARTIAL, "%llu gaps", (unsigned long long)gaps);
}

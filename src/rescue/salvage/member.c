#include "rescue/salvage/member.h"

#include "rescue/salvage/packed/packed.h"
#include "shim/stream.h"

#include <string.h>

enum {
    OUT = 4096,
    LEAST = 64,
    END_SLACK = 2048,
    OUT_SIZE = 1 << 16,
    GATHER_MOST = 24 << 20,
    GATHER_ROOM = 8 << 20, /* for what is known of it */
    HOLES_MOST = 1 << 18,
    ALIKE_TEXT = 1, /* streams that explain each other */
    ALIKE_OTHER,
};

struct writer {
    struct salvage *salvage;
    bool text;
    uint64_t unknown;
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
    return true;
}

static bool put_line(struct writer *writer, uint64_t packed)
{
    return !writer->text || salvage_text(writer->salvage, "\n[%llu packed bytes lost]\n",
                                         (unsigned long long)packed);
}

/* Where what comes behind it belongs must be known: only text can do without. */
static bool put_gap(void *to, uint64_t packed, uint64_t size)
{
    static const uint8_t zeros[OUT];
    struct writer *writer = to;
    if (writer->text)
        return put_line(writer, packed);
    if (size == JOINT_UNKNOWN)
        return false;
    for (uint64_t left = size, n; left; left -= n) {
        n = left < OUT ? left : OUT;
        if (!salvage_put(writer->salvage, (bytes){zeros, (size_t)n}))
            return false;
    }
    writer->unknown += size;
    return true;
}

static void came(void *to, uint64_t from, uint64_t until)
{
    struct writer *writer = to;
    salvage_gives(writer->salvage, from, until);
}

struct member_gaps member_inflate(struct salvage *salvage, uint64_t from, uint64_t to,
                                  uint64_t size, bool text)
{
    struct writer writer = {salvage, text, 0};
    struct packed_taker taker = {put_symbols, put_gap, came, &writer};
    struct packed_result result;
    if (packed_read(salvage, from, to, true, size, text ? ALIKE_TEXT : ALIKE_OTHER, &taker,
                    &result) < 0)
        return (struct member_gaps){.gaps = 1, .cut = true};
    bool cut = result.refused || (!result.ended && result.lost < to);
    if (cut)
        (void)put_line(&writer, to - result.lost);
    return (struct member_gaps){result.gaps + cut, writer.unknown, cut};
}

/* --- what is to be read by its own type is put together first --- */

struct gathering {
    uint8_t *into;
    uint64_t size, used, given; /* given: as far as scales tell */
    struct arena *arena;
    VEC(struct map_range) holes;
    VEC(struct salvage_scale) scales;
};

static bool gather_hole(struct gathering *gathering, uint64_t from, uint64_t to)
{
    struct map_range *last =
        gathering->holes.n ? &gathering->holes.at[gathering->holes.n - 1] : NULL;
    if (last && last->to == from) {
        last->to = to;
        return true;
    }
    last = from < to && gathering->holes.n < HOLES_MOST
               ? vec_push(gathering->arena, &gathering->holes)
               : NULL;
    if (last)
        *last = (struct map_range){from, to};
    return last || from >= to;
}

static bool gather(void *to, const uint16_t *symbols, size_t n)
{
    struct gathering *gathering = to;
    if (n > gathering->size - gathering->used)
        return false;
    for (size_t i = 0; i < n; i++, gathering->used++) {
        bool known = symbols[i] < INFLATE_UNKNOWN;
        gathering->into[gathering->used] = known ? (uint8_t)symbols[i] : 0;
        if (!known && !gather_hole(gathering, gathering->used, gathering->used + 1))
            return false;
    }
    return true;
}

static bool gather_gap(void *to, uint64_t packed, uint64_t size)
{
    struct gathering *gathering = to;
    (void)packed;
    if (size == JOINT_UNKNOWN || size > gathering->size - gathering->used ||
        !gather_hole(gathering, gathering->used, gathering->used + size))
        return false;
    gathering->used += size;
    gathering->given = gathering->used;
    return true;
}

static void gather_came(void *to, uint64_t from, uint64_t until)
{
    struct gathering *gathering = to;
    struct salvage_scale *scale = gathering->used > gathering->given && until > from
                                      ? vec_push(gathering->arena, &gathering->scales)
                                      : NULL;
    if (scale)
        *scale = (struct salvage_scale){gathering->given, gathering->used - gathering->given,
                                        from, until - from};
    gathering->given = gathering->used;
}

static bool give_gathered(struct salvage *salvage, struct gathering *gathering, bytes name)
{
    struct salvage inner = {.file = {gathering->into, (size_t)gathering->size},
                            .name = name,
                            .places = salvage->places,
                            .place_count = salvage->place_count,
                            .scales = gathering->scales.at,
                            .scale_count = gathering->scales.n};
    if (!inner.scales || !gather_hole(gathering, gathering->used, gathering->size) ||
        map_given(&inner.map, inner.file, gathering->holes.at, gathering->holes.n,
                  gathering->arena, salvage->budget) < 0)
        return false;
    struct arena_mark mark = arena_mark(salvage->arena);
    if (!salvage_child_of(salvage, &inner))
        salvage->stopped = true;
    arena_pop(salvage->arena, mark);
    return true;
}

bool member_unpacked(struct salvage *salvage, bytes name, uint64_t from, uint64_t to,
                     uint64_t size)
{
    if (size > GATHER_MOST)
        return false;
    struct gathering gathering = {.size = size, .arena = arena_new((size_t)size + GATHER_ROOM)};
    struct packed_taker taker = {gather, gather_gap, gather_came, &gathering};
    struct packed_result result;
    bool given =
        gathering.arena && (gathering.into = arena_push(gathering.arena, (size_t)size + 1)) &&
        packed_read(salvage, from, to, true, size, ALIKE_OTHER, &taker, &result) == 0 &&
        give_gathered(salvage, &gathering, name);
    arena_free(gathering.arena);
    return given;
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

void member_end(struct salvage *salvage, enum salvage_verdict verdict, bool text,
                const struct member_gaps *gaps)
{
    (void)salvage_end(salvage, verdict, "%llu gaps, %llu bytes are not known (%s)%s",
                      (unsigned long long)gaps->gaps, (unsigned long long)gaps->unknown,
                      text ? "question marks" : "zeros", gaps->cut ? ", cut short" : "");
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
    if (!text && member->sized && member->method == MEMBER_DEFLATE &&
        member_unpacked(salvage, name, member->data, to, member->size))
        return;
    if (!salvage_begin(salvage, name, "member"))
        return;
    salvage_counts(salvage, 1);
    if (member->method == MEMBER_STORED) {
        if (salvage_put_blanked(salvage, member->data, to))
            (void)salvage_end(salvage, SALVAGE_PARTIAL, "its checksum does not hold");
        return;
    }
    struct member_gaps gaps = member_inflate(salvage, member->data, to,
                                             member->sized ? member->size : UINT64_MAX, text);
    member_end(salvage, SALVAGE_PARTIAL, text, &gaps);
}

#include "unpack/unpack.h"

#include "unpack/formats.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    ROOM_MIN = 64 << 10,
    ROOM_MAX = 4 << 20, /* handed out at once: limits are looked at in between */
    STAGE_GROUP = 256,  /* rows of one group, in stage numbers */
};

static const struct unpack_format *const groups[] = UNPACK_GROUPS;

const char *gap_word(enum gap gap)
{
    static const char *const words[GAPS] = {"encrypted", "limit", "damaged", "unsupported",
                                            "fault"};
    return words[gap];
}

static bool has_magic(const struct unpack_magic *magic, bytes data)
{
    return bytes_has(data, magic->at, magic->length) &&
           memcmp(data.at + magic->at, magic->bytes, magic->length) == 0;
}

static bool format_fits(const struct unpack_format *format, bytes name, bytes data)
{
    if (format->magics[0].length == 0 && format->magics[0].at == UNPACK_NAMED)
        return format->probe(name);
    bool found = format->magics[0].length == 0;
    for (size_t i = 0; !found && i < UNPACK_MAGICS && format->magics[i].length; i++)
        found = has_magic(&format->magics[i], data);
    return found && (!format->probe || format->probe(data));
}

/* The rows as one sequence: a group's first row follows the last of the group before. */
static const struct unpack_format *row_at(uint32_t stage)
{
    return groups[stage / STAGE_GROUP] + stage % STAGE_GROUP;
}

static bool row_next(uint32_t *stage)
{
    if (row_at(*stage)->name)
        ++*stage;
    while (!row_at(*stage)->name) {
        *stage = (*stage / STAGE_GROUP + 1) * STAGE_GROUP;
        if (*stage / STAGE_GROUP >= COUNT(groups))
            return false;
    }
    return true;
}

/* First row at or after *stage that fits. */
static const struct unpack_format *row_fitting(uint32_t *stage, bytes name, bytes data)
{
    bool more = row_at(*stage)->name || row_next(stage);
    for (; more; more = row_next(stage))
        if (format_fits(row_at(*stage), name, data))
            return row_at(*stage);
    return NULL;
}

const struct unpack_format *unpack_stage_format(uint32_t stage)
{
    uint32_t row = 0;
    do {
        if (row + 1 == stage && row_at(row)->name)
            return row_at(row);
    } while (stage && row_next(&row));
    return NULL;
}

uint32_t unpack_stage(const struct unpack *unpack)
{
    uint32_t row = 0;
    do {
        if (row_at(row) == unpack->format)
            return row + 1;
    } while (row_next(&row));
    return 0;
}

const char *unpack_stage_name(uint32_t stage)
{
    const struct unpack_format *format = unpack_stage_format(stage);
    return format ? format->name : "";
}

const char *unpack_kind(bytes data)
{
    uint32_t stage = 0;
    const struct unpack_format *format = row_fitting(&stage, bytes_of(""), data);
    return format ? format->name : NULL;
}

/* Says which row is at work. False: it is not to be. */
static bool set_stage(struct unpack_run *run, uint32_t stage)
{
    run->stage = stage;
    return !run->sink.stage || run->sink.stage(run->sink.to, stage);
}

static void open_as(struct unpack_run *run, const struct unpack *up, bytes name, bytes data,
                    uint32_t stage)
{
    struct unpack unpack = {.data = data,
                            .name = name,
                            .depth = up ? up->depth + 1 : 0,
                            .up = up,
                            .format = row_at(stage),
                            .run = run,
                            .arena = run->arena,
                            .budget = run->budget};
    if (unpack.depth >= run->limits.depth) {
        unpack_gap(&unpack, bytes_of(""), GAP_LIMIT, "nested deeper than %u containers",
                   run->limits.depth);
        return;
    }
    struct arena_mark mark = arena_mark(run->arena);
    size_t top = run->region->used;
    uint32_t before = run->stage;
    if (set_stage(run, stage + 1))
        unpack.format->open(&unpack);
    if (run->leaves)
        run->leaves = run->stopped = false;
    if (run->budget->hit == LIMIT_STOPPED)
        run->stopped = true;
    set_stage(run, before);
    run->region->used = top;
    arena_pop(run->arena, mark);
}

bool unpack_object(struct unpack_run *run, const struct unpack *up, bytes name, bytes data)
{
    uint32_t stage = 0;
    bool any = false, too_deep = (up ? up->depth + 1 : 0) >= run->limits.depth;
    while (!run->stopped && row_fitting(&stage, name, data)) {
        any = true;
        open_as(run, up, name, data, stage);
        if (too_deep || !row_next(&stage))
            break;
    }
    return any;
}

void unpack_gap(struct unpack *unpack, bytes member, enum gap gap, const char *fmt, ...)
{
    char text[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (unpack->writing) {
        unpack->partial = true;
        member = unpack->child_name;
    }
    unpack->run->sink.gap(unpack->run->sink.to, unpack, member, gap, text);
}

/* Ends the examination: no container goes on after this. */
static bool stop_for(struct unpack *unpack, const char *before, uint64_t limit,
                     const char *after)
{
    if (!unpack->run->stopped)
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "%s %llu %s", before,
                   (unsigned long long)limit, after);
    unpack->run->stopped = true;
    return false;
}

static bool hand_out(struct unpack *unpack, bytes name, bytes data, bool partial)
{
    struct unpack_run *run = unpack->run;
    const struct unpack_child child = {.name = name,
                                       .data = data,
                                       .partial = partial,
                                       .letter = unpack->letter,
                                       .derived = unpack->derived};
    if (data.len == 0)
        return true;
    uint32_t before = run->stage;
    run->stage = 0;
    if (!run->sink.child(run->sink.to, unpack, &child))
        run->stopped = true;
    if (!set_stage(run, before) && !run->stopped)
        run->leaves = run->stopped = true;
    return !run->stopped;
}

/* Counts one more member. */
static bool count_member(struct unpack *unpack)
{
    struct unpack_run *run = unpack->run;
    if (run->stopped || !budget_charge(run->budget, 64))
        return false;
    if (run->members >= run->limits.members)
        return stop_for(unpack, "more than", run->limits.members, "members");
    run->members++;
    return true;
}

void unpack_member(struct unpack *unpack, bytes name, uint64_t packed_size, uint64_t size,
                   bool encrypted)
{
    const struct unpack_sink *sink = &unpack->run->sink;
    const struct unpack_member member = {.name = name,
                                         .packed_size = packed_size,
                                         .size = size,
                                         .number = unpack->members++,
                                         .encrypted = encrypted};
    if (sink->member && !unpack->run->stopped)
        sink->member(sink->to, unpack, &member);
}

bool unpack_view(struct unpack *unpack, bytes name, bytes part)
{
    return count_member(unpack) && hand_out(unpack, name, part, false);
}

bool unpack_begin(struct unpack *unpack, bytes name)
{
    if (!count_member(unpack))
        return false;
    unpack->child_name = name;
    unpack->child_from = unpack->run->region->used;
    unpack->writing = true;
    unpack->partial = unpack->full = false;
    return true;
}

uint8_t *unpack_room(struct unpack *unpack, size_t *ret_room)
{
    struct unpack_run *run = unpack->run;
    size_t written = run->region->used - unpack->child_from, room = region_left(run->region);
    *ret_room = 0;
    if (run->stopped)
        return NULL;
    if (written >= run->limits.one) {
        if (!unpack->full)
            unpack_gap(unpack, unpack->child_name, GAP_LIMIT, "larger than %llu bytes unpacked",
                       (unsigned long long)run->limits.one);
        unpack->full = true;
        return NULL;
    }
    if (run->bytes >= run->limits.bytes)
        stop_for(unpack, "more than", run->limits.bytes, "bytes unpacked in all");
    else if (room < ROOM_MIN)
        stop_for(unpack, "needs more than", run->region->size, "bytes of memory");
    if (run->stopped)
        return NULL;
    *ret_room = room < ROOM_MAX ? room : ROOM_MAX;
    return run->region->at + run->region->used;
}

bool unpack_wrote(struct unpack *unpack, size_t size)
{
    struct unpack_run *run = unpack->run;
    region_take(run->region, size);
    run->bytes += size;
    return budget_charge(run->budget, size / 4 + 1) && !run->stopped;
}

bool unpack_put(struct unpack *unpack, bytes data)
{
    while (data.len) {
        size_t room;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            return !unpack->run->stopped;
        room = room < data.len ? room : data.len;
        if (!unpack->run->copied ||
            !unpack->run->copied(unpack->run->sink.to,
                                 unpack->run->region->used - unpack->child_from,
                                 (bytes){data.at, room}))
            memcpy(at, data.at, room);
        if (!unpack_wrote(unpack, room))
            return false;
        data = bytes_slice(data, room, data.len);
    }
    return true;
}

bytes unpack_written(const struct unpack *unpack)
{
    const struct region *region = unpack->run->region;
    return (bytes){region->at + unpack->child_from, region->used - unpack->child_from};
}

void unpack_drop(struct unpack *unpack)
{
    unpack->run->region->used = unpack->child_from;
    unpack->writing = false;
}

bool unpack_end_kept(struct unpack *unpack, bytes *ret)
{
    *ret = unpack_written(unpack);
    unpack->writing = false;
    return hand_out(unpack, unpack->child_name, *ret, unpack->partial) && !unpack->run->stopped;
}

bool unpack_end(struct unpack *unpack)
{
    bytes data;
    bool more = unpack_end_kept(unpack, &data);
    unpack->run->region->used = unpack->child_from;
    return more;
}

size_t unpack_mark(const struct unpack *unpack)
{
    return unpack->run->region->used;
}

bytes unpack_keep(struct unpack *unpack)
{
    unpack->writing = false;
    unpack->run->members--;
    return unpack_written(unpack);
}

void unpack_release(struct unpack *unpack, size_t mark)
{
    unpack->run->region->used = mark;
}

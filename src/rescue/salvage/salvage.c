#include "rescue/salvage/salvage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ZEROS = 4096, SPANS_MOST = 1 << 20, NAME_MOST = 200, DEPTH_MOST = 3, FILE_LEAST = 64 };

static const struct salvage_type types[] = {
    {"disk image", disk_fits, disk_give}, {"zip", zip_fits, zip_give},
    {"tar", tar_fits, tar_give},          {"gzip", gzip_fits, gzip_give},
    {"SQLite", sqlite_fits, sqlite_give}, {"PDF", pdf_fits, pdf_give},
    {"PNG", png_fits, png_give},          {"JPEG", jpeg_fits, jpeg_give},
    {"MP4", mp4_fits, mp4_give},          {"mail store", mail_fits, mail_give},
    {"text", plain_fits, plain_give},
};

bool salvage_solve(struct salvage *salvage)
{
    map_solve(&salvage->map);
    if (salvage->waits && !salvage->map.given && !salvage->map.sure)
        salvage->stopped = salvage->waited = true;
    return !salvage->stopped;
}

bool salvage_begin(struct salvage *salvage, bytes name, const char *kind)
{
    salvage->spans.n = 0;
    salvage->rows = 0;
    salvage->parts++;
    if (!salvage->stopped && !salvage->sink.begin(salvage->sink.to, name, kind))
        salvage->stopped = true;
    return !salvage->stopped;
}

bool salvage_put(struct salvage *salvage, bytes data)
{
    if (!salvage->stopped && data.len &&
        (!salvage->sink.put(salvage->sink.to, data) ||
         !budget_charge(salvage->budget, data.len / 16 + 1)))
        salvage->stopped = true;
    return !salvage->stopped;
}

bool salvage_text(struct salvage *salvage, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (n < 0)
        return !salvage->stopped;
    return salvage_put(salvage, (bytes){(const uint8_t *)line,
                                        (size_t)n < sizeof line ? (size_t)n : sizeof line - 1});
}

static void span_add(struct salvage *salvage, uint64_t from, uint64_t to)
{
    struct salvage_span *last =
        salvage->spans.n ? &salvage->spans.at[salvage->spans.n - 1] : NULL;
    if (from >= to)
        return;
    if (last && last->to == from) {
        last->to = to;
        return;
    }
    struct salvage_span *span =
        salvage->spans.n < SPANS_MOST ? vec_push(salvage->arena, &salvage->spans) : NULL;
    if (span)
        *span = (struct salvage_span){from, to};
}

/* The first place that ends behind `at`. */
static size_t place_of(const struct salvage *salvage, uint64_t at)
{
    size_t low = 0, high = salvage->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct window_place *place = &salvage->places[middle];
        if (place->at + place->len <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void give_outer(struct salvage *salvage, uint64_t from, uint64_t to)
{
    if (!salvage->places) {
        span_add(salvage, from, to);
        return;
    }
    for (size_t i = place_of(salvage, from); i < salvage->place_count; i++) {
        const struct window_place *place = &salvage->places[i];
        if (place->at >= to)
            return;
        uint64_t a = from > place->at ? from - place->at : 0;
        uint64_t b = to - place->at < place->len ? to - place->at : place->len;
        span_add(salvage, place->outer + a, place->outer + b);
    }
}

void salvage_gives(struct salvage *salvage, uint64_t from, uint64_t to)
{
    if (!salvage->scales)
        give_outer(salvage, from, to);
    for (size_t i = 0; salvage->scales && i < salvage->scale_count; i++) {
        const struct salvage_scale *scale = &salvage->scales[i];
        uint64_t a = from > scale->at ? from - scale->at : 0;
        uint64_t b = to > scale->at ? to - scale->at : 0;
        b = b < scale->len ? b : scale->len;
        /* No more than a few hundred MB each: the products fit. */
        if (a < b)
            give_outer(salvage, scale->outer + a * scale->packed / scale->len,
                       scale->outer + b * scale->packed / scale->len);
    }
}

void salvage_counts(struct salvage *salvage, uint64_t count)
{
    salvage->rows += count;
}

/* What came out of a disk is not looked for again among what is left of it. */
static void keep_spans(struct salvage *salvage)
{
    struct salvage_span *at =
        salvage->given && salvage->spans.n
            ? vec_push_many(salvage->keep, &salvage->given->spans, salvage->spans.n)
            : NULL;
    if (at)
        memcpy(at, salvage->spans.at, salvage->spans.n * sizeof *at);
}

bool salvage_end(struct salvage *salvage, enum salvage_verdict verdict, const char *fmt, ...)
{
    char note[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(note, sizeof note, fmt, args);
    va_end(args);
    keep_spans(salvage);
    if (!salvage->stopped && !salvage->sink.end(salvage->sink.to, verdict, salvage->rows, note,
                                                salvage->spans.at, salvage->spans.n))
        salvage->stopped = true;
    return !salvage->stopped;
}

bool salvage_put_blanked(struct salvage *salvage, uint64_t from, uint64_t to)
{
    static const uint8_t zeros[ZEROS];
    while (from < to) {
        uint64_t end = map_plain_end(&salvage->map, from, to);
        if (!salvage_put(salvage,
                         bytes_slice(salvage->file, (size_t)from, (size_t)(end - from))))
            return false;
        salvage_gives(salvage, from, end);
        from = map_plain_next(&salvage->map, end, to);
        for (uint64_t at = end; at < from; at += ZEROS) {
            size_t n = from - at < ZEROS ? (size_t)(from - at) : ZEROS;
            if (!salvage_put(salvage, (bytes){zeros, n}))
                return false;
        }
    }
    return true;
}

/* Place of `.extension` in the name, whole between two dots or a dot and the end; the last one.
 * SIZE_MAX: not there. */
static size_t extension_at(bytes name, const char *extension)
{
    size_t len = strlen(extension);
    for (size_t at = name.len; at-- > 0;) {
        bytes part = bytes_slice(name, at + 1, len);
        if (name.at[at] == '.' && part.len == len && bytes_same(part, bytes_of(extension)) &&
            (at + 1 + len == name.len || name.at[at + 1 + len] == '.'))
            return at;
    }
    return SIZE_MAX;
}

bool salvage_named(const struct salvage *salvage, const char *extension)
{
    return extension_at(salvage->name, extension) != SIZE_MAX;
}

bytes salvage_name(struct salvage *salvage, const char *extension)
{
    size_t at = extension_at(salvage->name, extension);
    bytes stem = bytes_slice(salvage->name, 0, at == SIZE_MAX ? NAME_MOST : at);
    bytes name = arena_printf(salvage->arena, "%.*s.%s", (int)stem.len, (const char *)stem.at,
                              extension);
    return name.at ? name : stem;
}

bool salvage_child_of(struct salvage *salvage, struct salvage *inner)
{
    struct why why;
    inner->arena = salvage->arena;
    inner->budget = salvage->budget;
    inner->region = salvage->region;
    inner->sink = salvage->sink;
    inner->given = salvage->given;
    inner->keep = salvage->keep;
    inner->depth = salvage->depth + 1;
    struct map *map = &inner->map;
    uint64_t size = inner->file.len;
    if ((map->total || salvage->torn) && inner->depth <= DEPTH_MOST &&
        salvage_inner(inner, &why) == 0 && inner->parts) {
        salvage->stopped |= inner->stopped;
        return !salvage->stopped;
    }
    bool fine = !inner->stopped && salvage_begin(inner, inner->name, "file");
    salvage_counts(inner, 1);
    if (fine && salvage_put_blanked(inner, 0, size))
        (void)(map->total
                   ? salvage_end(inner, SALVAGE_PARTIAL,
                                 "%llu bytes are not known, and zeros here",
                                 (unsigned long long)map->total)
                   : salvage_end(inner, SALVAGE_PLAUSIBLE, "%s",
                                 salvage->guessed ? "whole, if it lay in one piece" : "whole"));
    salvage->stopped |= inner->stopped;
    return !salvage->stopped;
}

bool salvage_child(struct salvage *salvage, bytes name, uint64_t from, uint64_t to)
{
    struct arena_mark mark = arena_mark(salvage->arena);
    struct window_place place = {0, from, to - from};
    struct salvage inner = {.file =
                                bytes_slice(salvage->file, (size_t)from, (size_t)(to - from)),
                            .name = name,
                            .places = &place,
                            .place_count = 1};
    bool more = true;
    if (salvage->places) {
        /* In a container in a container: the outer places, moved. */
        struct window_place *moved =
            PUSH_ARRAY(salvage->arena, struct window_place, salvage->place_count);
        size_t n = 0;
        for (size_t i = 0; moved && i < salvage->place_count; i++) {
            struct window_place p = salvage->places[i];
            if (p.at + p.len <= from || p.at >= to)
                continue;
            uint64_t cut = p.at < from ? from - p.at : 0;
            uint64_t end = p.at + p.len < to ? p.at + p.len : to;
            moved[n++] =
                (struct window_place){p.at + cut - from, p.outer + cut, end - p.at - cut};
        }
        inner.places = moved;
        inner.place_count = n;
    }
    if (from < to && to <= salvage->file.len &&
        map_part(&inner.map, &salvage->map, from, to) == 0 &&
        (map_plain_size(&inner.map, 0, to - from) > 0))
        more = salvage_child_of(salvage, &inner);
    arena_pop(salvage->arena, mark);
    return more;
}

int salvage_inner(struct salvage *salvage, struct why *why)
{
    const struct salvage_type *best = NULL;
    int most = 0;
    /* Smaller ones are never encrypted in part; readers may look at so much unasked. */
    for (size_t i = 0; salvage->file.len >= FILE_LEAST && i < COUNT(types); i++) {
        int fits = types[i].fits(salvage);
        if (fits > most) {
            most = fits;
            best = &types[i];
        }
    }
    salvage->kind = best ? best->name : NULL;
    if (best)
        best->give(salvage);
    if (salvage->waited)
        return fail(why, EAGAIN, "what is encrypted is not sure yet");
    if (salvage->stopped || salvage->budget->steps == 0)
        return fail(why, ECANCELED, "stopped before all of the file was looked at");
    return 0;
}

int salvage_run(struct salvage *salvage, struct why *why)
{
    int error = map_open(&salvage->map, salvage->file, salvage->arena, salvage->budget, why);
    return error < 0 ? error : salvage_inner(salvage, why);
}

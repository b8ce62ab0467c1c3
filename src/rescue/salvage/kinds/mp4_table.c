/* The tables of a track (ISO/IEC 14496-12, 8.6 and 8.7), each version (1), flags (3), then
 *   stsz  size of all or 0, count, sizes        stco, co64  count, places of chunks
 *   stsc  count, (first chunk, samples of each, description) from that chunk on
 *   stts  count, (samples, how long each lasts)  ctts  count, (samples, shift)
 *   stss  count, numbers of the samples that stand by themselves
 * An entry under ciphertext is not known; what depends on it neither. */
#include "rescue/salvage/kinds/mp4.h"

#include <string.h>

enum { SAMPLES_MOST = 1 << 21, HEAD = 8, FULL = 4 };

bool mp4_next(bytes file, uint64_t *at, uint64_t end, uint32_t *ret_kind, struct mp4_box *ret)
{
    if (*at > end || end > file.len || end - *at < HEAD)
        return false;
    uint64_t size = load_be32(file.at + *at), head = HEAD;
    *ret_kind = load_be32(file.at + *at + 4);
    if (size == 1 && end - *at >= 2 * HEAD) {
        size = load_be64(file.at + *at + HEAD);
        head = 2 * HEAD;
    }
    if (size == 0)
        size = end - *at;
    if (size < head || size > end - *at)
        return false;
    *ret = (struct mp4_box){*at + head, *at + size};
    *at += size;
    return true;
}

struct mp4_box mp4_find(bytes file, struct mp4_box in, const char *kind)
{
    struct mp4_box box;
    uint32_t found, wanted = load_be32((const uint8_t *)kind);
    for (uint64_t at = in.at; mp4_next(file, &at, in.end, &found, &box);)
        if (found == wanted)
            return box;
    return (struct mp4_box){0, 0};
}

/* A table whose entries are `width` bytes, behind `skip` bytes. */
struct table {
    const struct salvage *salvage;
    uint64_t at;
    uint32_t count, width;
};

static bool is_plain(const struct salvage *salvage, uint64_t from, uint64_t size)
{
    return bytes_has(salvage->file, from, size) &&
           map_is_plain(&salvage->map, from, from + size);
}

static struct table table_of(const struct mp4 *mp4, const struct mp4_track *track,
                             const char *kind, uint64_t skip, uint32_t width)
{
    struct mp4_box box = mp4_find(mp4->salvage->file, track->table, kind);
    struct table table = {mp4->salvage, box.at + skip + 4, 0, width};
    if (box.end < box.at + skip + 4)
        return table;
    uint64_t room = (box.end - table.at) / width, n = room;
    if (is_plain(mp4->salvage, box.at + skip, 4))
        n = load_be32(mp4->salvage->file.at + box.at + skip);
    table.count = (uint32_t)(n < room ? n : room);
    return table;
}

/* An entry; false when it is not known. */
static bool entry(const struct table *table, uint32_t i, const uint8_t **ret)
{
    uint64_t at = table->at + (uint64_t)i * table->width;
    *ret = table->salvage->file.at + at;
    return i < table->count && is_plain(table->salvage, at, table->width);
}

static bool read_sizes(struct mp4 *mp4, struct mp4_track *track)
{
    bytes file = mp4->salvage->file;
    struct mp4_box box = mp4_find(file, track->table, "stsz");
    if (box.end < box.at + 12 || !box.end || !is_plain(mp4->salvage, box.at, 12))
        return false;
    uint32_t all = load_be32(file.at + box.at + 4), count = load_be32(file.at + box.at + 8);
    struct table sizes = table_of(mp4, track, "stsz", 8, 4);
    if (count > SAMPLES_MOST || (!all && count > sizes.count))
        return false;
    if (!track->samples || track->room < count) {
        track->samples = PUSH_ARRAY(mp4->salvage->arena, struct mp4_sample, count + 1);
        track->room = count;
    } else {
        memset(track->samples, 0, count * sizeof *track->samples);
    }
    track->count = track->samples ? count : 0;
    for (uint32_t i = 0; i < track->count; i++) {
        const uint8_t *p;
        track->samples[i].size = all ? all : entry(&sizes, i, &p) ? load_be32(p) : 0;
    }
    return track->count > 0;
}

/* Places: samples of a chunk follow each other. One of unknown size hides those behind it. */
static void read_places(struct mp4 *mp4, struct mp4_track *track)
{
    struct table near = table_of(mp4, track, "stco", FULL, 4);
    struct table far = table_of(mp4, track, "co64", FULL, 8);
    struct table runs = table_of(mp4, track, "stsc", FULL, 12);
    const struct table *chunks = far.count ? &far : &near;
    const uint8_t *run, *p;
    uint32_t sample = 0, index = 0;
    for (uint32_t chunk = 1; chunk <= chunks->count && sample < track->count; chunk++) {
        while (entry(&runs, index + 1, &p) && load_be32(p) <= chunk)
            index++;
        if (!entry(&runs, index, &run) ||
            (index + 1 < runs.count && !entry(&runs, index + 1, &p)))
            return;
        uint32_t n = load_be32(run + 4);
        bool known = entry(chunks, chunk - 1, &p);
        uint64_t at = !known ? 0 : chunks == &far ? load_be64(p) : load_be32(p);
        for (; n && sample < track->count; n--, sample++) {
            struct mp4_sample *s = &track->samples[sample];
            s->description = load_be32(run + 8);
            s->at = at;
            if (!s->size)
                at = 0;
            if (at)
                at += s->size;
        }
        if (!budget_charge(mp4->salvage->budget, 16))
            return;
    }
}

static void read_times(struct mp4 *mp4, struct mp4_track *track)
{
    struct table times = table_of(mp4, track, "stts", FULL, 8);
    struct table shifts = table_of(mp4, track, "ctts", FULL, 8);
    struct table syncs = table_of(mp4, track, "stss", FULL, 4);
    const uint8_t *p;
    uint32_t lasts = 0, sample = 0;
    for (uint32_t i = 0; i < times.count && sample < track->count; i++) {
        uint32_t n = entry(&times, i, &p) ? load_be32(p) : 1;
        lasts = entry(&times, i, &p) ? load_be32(p + 4) : lasts;
        for (; n && sample < track->count; n--)
            track->samples[sample++].lasts = lasts;
    }
    for (; sample < track->count; sample++)
        track->samples[sample].lasts = lasts;
    sample = 0;
    for (uint32_t i = 0; i < shifts.count && sample < track->count; i++) {
        uint32_t n = entry(&shifts, i, &p) ? load_be32(p) : 1;
        int32_t shift = entry(&shifts, i, &p) ? (int32_t)load_be32(p + 4) : 0;
        for (; n && sample < track->count; n--)
            track->samples[sample++].shift = shift;
    }
    track->shifted = shifts.count > 0;
    if (track->shifted)
        track->shift_version = mp4->salvage->file.at[shifts.at - 8];
    track->synced = syncs.count > 0;
    for (uint32_t i = 0; i < syncs.count; i++)
        if (entry(&syncs, i, &p) && load_be32(p) && load_be32(p) <= track->count)
            track->samples[load_be32(p) - 1].sync = true;
    uint64_t time = 0;
    for (uint32_t i = 0; i < track->count; i++) {
        track->samples[i].time = time;
        time += track->samples[i].lasts;
    }
}

/* Units of H.264 and H.265 stand behind their lengths; how long those are, the configuration
 * says (ISO/IEC 14496-15: avcC byte 4, hvcC byte 21, each in its two lowest bits). */
static unsigned unit_of(const struct mp4 *mp4, const struct mp4_track *track)
{
    struct mp4_box box = mp4_find(mp4->salvage->file, track->table, "stsd");
    bytes all = bytes_slice(mp4->salvage->file, (size_t)box.at, (size_t)(box.end - box.at));
    size_t avc = bytes_find(all, bytes_of("avcC"), 0),
           hvc = bytes_find(all, bytes_of("hvcC"), 0);
    size_t at = avc != SIZE_MAX ? avc + 8 : hvc != SIZE_MAX ? hvc + 25 : SIZE_MAX;
    return at < all.len ? (all.at[at] & 3u) + 1 : 0;
}

bool mp4_read_track(struct mp4 *mp4, struct mp4_track *track)
{
    bytes file = mp4->salvage->file;
    struct mp4_box media = mp4_find(file, track->whole, "mdia");
    struct mp4_box inner = mp4_find(file, media, "minf"), head = mp4_find(file, media, "mdhd");
    struct mp4_box described;
    track->table = mp4_find(file, inner, "stbl");
    described = mp4_find(file, track->table, "stsd");
    if (!described.end || head.end < head.at + 24 ||
        !is_plain(mp4->salvage, head.at, head.end - head.at) ||
        !is_plain(mp4->salvage, described.at, described.end - described.at) ||
        !read_sizes(mp4, track))
        return false;
    track->scale = load_be32(file.at + head.at + (file.at[head.at] == 1 ? 20 : 12));
    track->unit = unit_of(mp4, track);
    read_places(mp4, track);
    read_times(mp4, track);
    return track->scale > 0;
}

/* A film of the samples that are kept, each a chunk of its own: ftyp, moov, mdat. What was
 * shown before a lost sample stays until the next; sound and picture stay together by an edit
 * list (ISO/IEC 14496-12, 8.6.6). */
#include "rescue/salvage/kinds/mp4.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAD = 8,
    FAR_HEAD = 16, /* of mdat */
    EACH = 36,     /* bytes that the tables need of a sample, at most */
    ROOM = 1 << 16,
    BOXES = 8, /* in each other */
    NO_MEDIA = -1,
};

struct writer {
    struct mp4 *mp4;
    uint8_t *at;
    uint64_t used, room;
    uint64_t open[BOXES];
    unsigned depth;
    bool full;
};

static void put(struct writer *writer, const uint8_t *from, uint64_t size)
{
    if (size > writer->room - writer->used) {
        writer->full = true;
        return;
    }
    memcpy(writer->at + writer->used, from, (size_t)size);
    writer->used += size;
}

static void set32(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put32(struct writer *writer, uint64_t value)
{
    uint8_t word[4];
    set32(word, value);
    put(writer, word, sizeof word);
}

static void begin(struct writer *writer, const char *kind)
{
    writer->open[writer->depth++] = writer->used;
    put32(writer, 0);
    put(writer, (const uint8_t *)kind, 4);
}

static void end(struct writer *writer)
{
    uint64_t from = writer->open[--writer->depth];
    if (!writer->full)
        set32(writer->at + from, writer->used - from);
}

/* The box as it is, ciphertext as zeros. */
static void copy(struct writer *writer, struct mp4_box in, const char *kind)
{
    static const uint8_t none[1];
    const struct salvage *salvage = writer->mp4->salvage;
    struct mp4_box box = mp4_find(salvage->file, in, kind);
    if (!box.end)
        return;
    begin(writer, kind);
    for (uint64_t at = box.at; at < box.end;) {
        uint64_t stop = map_plain_end(&salvage->map, at, box.end);
        put(writer, salvage->file.at + at, stop - at);
        for (at = stop; at < map_plain_next(&salvage->map, stop, box.end); at++)
            put(writer, none, 1);
    }
    end(writer);
}

/* --- the tables of a track --- */

static const struct mp4_sample *next_kept(const struct mp4_track *track, uint32_t *i)
{
    while (*i < track->count)
        if (track->samples[(*i)++].keep)
            return &track->samples[*i - 1];
    return NULL;
}

/* Runs of equal values: how many, the value. */
struct runs {
    struct writer *writer;
    uint64_t place, value;
    uint32_t count, n;
};

static struct runs runs_begin(struct writer *writer, const char *kind, uint32_t version)
{
    begin(writer, kind);
    put32(writer, version << 24);
    put32(writer, 0);
    return (struct runs){writer, writer->used - 4, 0, 0, 0};
}

static void runs_close(struct runs *runs)
{
    if (!runs->n)
        return;
    put32(runs->writer, runs->n);
    put32(runs->writer, runs->value);
    runs->count++;
    runs->n = 0;
}

static void runs_add(struct runs *runs, uint64_t value)
{
    if (runs->n && runs->value != value)
        runs_close(runs);
    runs->value = value;
    runs->n++;
}

static void runs_end(struct runs *runs)
{
    runs_close(runs);
    if (!runs->writer->full)
        set32(runs->writer->at + runs->place, runs->count);
    end(runs->writer);
}

/* One that is followed by lost ones lasts until the next. */
static uint64_t put_times(struct writer *writer, const struct mp4_track *track)
{
    struct runs runs = runs_begin(writer, "stts", 0);
    uint32_t i = 0;
    uint64_t total = 0;
    const struct mp4_sample *sample = next_kept(track, &i), *next;
    for (; sample; sample = next) {
        next = next_kept(track, &i);
        uint64_t lasts = next ? next->time - sample->time : sample->lasts;
        total += lasts;
        runs_add(&runs, lasts);
    }
    runs_end(&runs);
    return total;
}

static void put_shifts(struct writer *writer, const struct mp4_track *track)
{
    const struct mp4_sample *sample;
    struct runs runs = runs_begin(writer, "ctts", track->shift_version);
    for (uint32_t i = 0; (sample = next_kept(track, &i));)
        runs_add(&runs, (uint32_t)sample->shift);
    runs_end(&runs);
}

static void put_syncs(struct writer *writer, const struct mp4_track *track)
{
    const struct mp4_sample *sample;
    begin(writer, "stss");
    put32(writer, 0);
    uint64_t place = writer->used, count = 0, number = 0;
    put32(writer, 0);
    for (uint32_t i = 0; (sample = next_kept(track, &i));) {
        number++;
        if (!sample->sync)
            continue;
        put32(writer, number);
        count++;
    }
    if (!writer->full)
        set32(writer->at + place, count);
    end(writer);
}

/* Every sample is a chunk: (first chunk, 1, description) where the description changes. */
static void put_chunks(struct writer *writer, const struct mp4_track *track)
{
    const struct mp4_sample *sample;
    uint32_t last = 0;
    begin(writer, "stsc");
    put32(writer, 0);
    uint64_t place = writer->used, count = 0, number = 0;
    put32(writer, 0);
    for (uint32_t i = 0; (sample = next_kept(track, &i));) {
        number++;
        if (sample->description == last && number > 1)
            continue;
        last = sample->description;
        put32(writer, number);
        put32(writer, 1);
        put32(writer, last);
        count++;
    }
    if (!writer->full)
        set32(writer->at + place, count);
    end(writer);
}

static void put_sizes(struct writer *writer, const struct mp4_track *track)
{
    const struct mp4_sample *sample;
    begin(writer, "stsz");
    put32(writer, 0);
    put32(writer, 0);
    put32(writer, track->kept);
    for (uint32_t i = 0; (sample = next_kept(track, &i));)
        put32(writer, sample->size);
    end(writer);
}

static void put_places(struct writer *writer, const struct mp4_track *track, uint64_t base)
{
    const struct mp4_sample *sample;
    begin(writer, "co64");
    put32(writer, 0);
    put32(writer, track->kept);
    for (uint32_t i = 0; (sample = next_kept(track, &i));) {
        put32(writer, (sample->put + base) >> 32);
        put32(writer, sample->put + base);
    }
    end(writer);
}

/* --- when the track begins --- */

/* What the first edit of the old film says: nothing for `*ret_empty`, then from `*ret_from` of
 * the track on. */
static void read_edits(const struct writer *writer, const struct mp4_track *track,
                       uint64_t *ret_empty, uint64_t *ret_from)
{
    const struct salvage *salvage = writer->mp4->salvage;
    struct mp4_box edits = mp4_find(salvage->file, track->whole, "edts");
    struct mp4_box list = mp4_find(salvage->file, edits, "elst");
    *ret_empty = *ret_from = 0;
    if (list.end < list.at + 8 || !map_is_plain(&salvage->map, list.at, list.end) ||
        salvage->file.at[list.at] != 0)
        return;
    uint32_t n = load_be32(salvage->file.at + list.at + 4);
    for (uint64_t at = list.at + 8; n && at + 12 <= list.end; at += 12, n--) {
        const uint8_t *p = salvage->file.at + at;
        if ((int32_t)load_be32(p + 4) != NO_MEDIA) {
            *ret_from = load_be32(p + 4);
            return;
        }
        *ret_empty += load_be32(p);
    }
}

static void put_edits(struct writer *writer, const struct mp4_track *track)
{
    uint32_t i = 0, scale = writer->mp4->scale;
    const struct mp4_sample *first = next_kept(track, &i);
    uint64_t empty, from, begun = first ? first->time : 0;
    if (!scale || begun > UINT64_MAX / 2 / scale)
        return;
    read_edits(writer, track, &empty, &from);
    if (begun >= from) {
        empty += (begun - from) * scale / track->scale;
        from = 0;
    } else {
        from -= begun;
    }
    const struct mp4_sample *last = &track->samples[track->count - 1];
    uint64_t lasts = (last->time + last->lasts - begun) / track->scale * scale + scale;
    begin(writer, "edts");
    begin(writer, "elst");
    put32(writer, 0);
    put32(writer, empty ? 2 : 1);
    if (empty) {
        put32(writer, empty);
        put32(writer, (uint32_t)NO_MEDIA);
        put32(writer, 1 << 16);
    }
    put32(writer, lasts);
    put32(writer, from);
    put32(writer, 1 << 16);
    end(writer);
    end(writer);
}

/* --- the film --- */

static void put_track(struct writer *writer, const struct mp4_track *track, uint64_t base)
{
    static const char *const media_heads[] = {"vmhd", "smhd", "nmhd", "gmhd", "dinf"};
    bytes file = writer->mp4->salvage->file;
    struct mp4_box media = mp4_find(file, track->whole, "mdia");
    struct mp4_box inner = mp4_find(file, media, "minf");
    begin(writer, "trak");
    copy(writer, track->whole, "tkhd");
    put_edits(writer, track);
    begin(writer, "mdia");
    copy(writer, media, "mdhd");
    copy(writer, media, "hdlr");
    begin(writer, "minf");
    for (size_t i = 0; i < COUNT(media_heads); i++)
        copy(writer, inner, media_heads[i]);
    begin(writer, "stbl");
    copy(writer, track->table, "stsd");
    (void)put_times(writer, track);
    if (track->shifted)
        put_shifts(writer, track);
    if (track->synced)
        put_syncs(writer, track);
    put_chunks(writer, track);
    put_sizes(writer, track);
    put_places(writer, track, base);
    for (int i = 0; i < 4; i++)
        end(writer);
}

static void put_movie(struct writer *writer, uint64_t base)
{
    static const uint8_t brand[] = "isom\0\0\2\0isomiso2mp41";
    struct mp4 *mp4 = writer->mp4;
    writer->used = 0;
    begin(writer, "ftyp");
    put(writer, brand, sizeof brand - 1);
    end(writer);
    begin(writer, "moov");
    copy(writer, mp4->movie, "mvhd");
    for (unsigned i = 0; i < mp4->count; i++)
        if (mp4->tracks[i].kept)
            put_track(writer, &mp4->tracks[i], base);
    end(writer);
}

static int compare(const void *a, const void *b)
{
    const struct mp4_sample *const *x = a, *const *y = b;
    return (*x)->at < (*y)->at ? -1 : (*x)->at > (*y)->at;
}

/* The samples that are kept, in the order of the file; each once. */
static struct mp4_sample **in_order(struct mp4 *mp4, uint64_t *ret_count, uint64_t *ret_size)
{
    uint64_t all = 0, n = 0;
    for (unsigned i = 0; i < mp4->count; i++)
        all += mp4->tracks[i].kept;
    struct mp4_sample **samples =
        PUSH_ARRAY(mp4->salvage->arena, struct mp4_sample *, (size_t)all + 1);
    *ret_count = samples ? all : 0;
    *ret_size = 0;
    for (unsigned i = 0; samples && i < mp4->count; i++)
        for (uint32_t k = 0; k < mp4->tracks[i].count; k++)
            if (mp4->tracks[i].samples[k].keep)
                samples[n++] = &mp4->tracks[i].samples[k];
    if (n > 1)
        qsort(samples, (size_t)n, sizeof(struct mp4_sample *), compare);
    for (uint64_t i = 0; i < n; i++) {
        samples[i]->put = *ret_size;
        *ret_size += samples[i]->size;
    }
    return samples;
}

static bool put_samples(struct salvage *salvage, struct mp4_sample **samples, uint64_t count,
                        uint64_t size)
{
    uint8_t head[FAR_HEAD] = {0, 0, 0, 1, 'm', 'd', 'a', 't'};
    set32(head + HEAD, (size + FAR_HEAD) >> 32);
    set32(head + HEAD + 4, size + FAR_HEAD);
    if (!salvage_put(salvage, (bytes){head, sizeof head}))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        const struct mp4_sample *sample = samples[i];
        if (!salvage_put(salvage, bytes_slice(salvage->file, (size_t)sample->at, sample->size)))
            return false;
        salvage_gives(salvage, sample->at, sample->at + sample->size);
    }
    return true;
}

void mp4_write(struct mp4 *mp4)
{
    struct salvage *salvage = mp4->salvage;
    struct mp4_box head = mp4_find(salvage->file, mp4->movie, "mvhd");
    uint64_t count, size, all = 0;
    struct mp4_sample **samples = in_order(mp4, &count, &size);
    struct writer writer = {.mp4 = mp4, .room = ROOM + EACH * count};
    for (unsigned i = 0; i < mp4->count; i++) {
        struct mp4_box described = mp4_find(salvage->file, mp4->tracks[i].table, "stsd");
        writer.room += ROOM + (described.end - described.at);
        all += mp4->tracks[i].count;
    }
    if (head.end >= head.at + 24 && map_is_plain(&salvage->map, head.at, head.end))
        mp4->scale =
            load_be32(salvage->file.at + head.at + (salvage->file.at[head.at] == 1 ? 20 : 12));
    writer.at = samples ? arena_push_raw(salvage->arena, (size_t)writer.room) : NULL;
    if (!writer.at)
        return;
    /* Twice: where samples are follows from how long the tables are. */
    put_movie(&writer, 0);
    put_movie(&writer, writer.used + FAR_HEAD);
    if (writer.full || !salvage_begin(salvage, salvage_name(salvage, "mp4"), "MP4") ||
        !salvage_put(salvage, (bytes){writer.at, (size_t)writer.used}))
        return;
    salvage_counts(salvage, count);
    if (put_samples(salvage, samples, count, size))
        (void)salvage_end(salvage, SALVAGE_PARTIAL, "%llu of %llu pictures and pieces of sound",
                          (unsigned long long)count, (unsigned long long)all);
}

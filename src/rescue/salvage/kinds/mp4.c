/* MP4, MOV, M4A (ISO/IEC 14496-12): boxes of a size (4 bytes), a kind (4) and what is in them,
 * or more boxes. `mdat` holds the samples (pictures, pieces of sound) one after the other,
 * `moov` the tables that say where each is; without it nobody can tell what is what.
 *
 * A new film is written of the samples without ciphertext, each shown when it was, with tables
 * of its own. The units of a picture stand behind their lengths, which add up to the sample:
 * where they do not, there is ciphertext. */
#include "rescue/salvage/kinds/mp4.h"

#include <string.h>

enum { HEAD = 8 };

static const char *const names[] = {"mp4", "m4v", "m4a", "mov", "3gp"};

int mp4_fits(struct salvage *salvage)
{
    for (size_t i = 0; i < COUNT(names); i++)
        if (salvage_named(salvage, names[i]))
            return 94;
    return bytes_is(bytes_slice(salvage->file, 4, 4), "ftyp") ? 88 : 0;
}

/* By itself, wherever it is: the boxes before it may be lost. */
static bool find_movie(struct mp4 *mp4)
{
    bytes file = mp4->salvage->file;
    for (size_t at = 4; (at = bytes_find(file, bytes_of("moov"), at)) != SIZE_MAX; at += 4) {
        uint64_t from = at - 4;
        uint32_t kind;
        if (!budget_charge(mp4->salvage->budget, 64))
            return false;
        if (bytes_is(bytes_slice(file, at + HEAD, 4), "mvhd") &&
            mp4_next(file, &from, file.len, &kind, &mp4->movie))
            return true;
    }
    return false;
}

/* Each by itself, too. What was read before is read anew, in the same memory. */
static void read_tracks(struct mp4 *mp4)
{
    bytes file = bytes_slice(mp4->salvage->file, 0, (size_t)mp4->movie.end);
    mp4->count = 0;
    for (size_t at = (size_t)mp4->movie.at;
         mp4->count < MP4_TRACKS && (at = bytes_find(file, bytes_of("trak"), at)) != SIZE_MAX;
         at += 4) {
        struct mp4_track *track = &mp4->tracks[mp4->count];
        uint64_t from = at - 4;
        uint32_t kind;
        *track = (struct mp4_track){.samples = track->samples, .room = track->room};
        if (bytes_is(bytes_slice(file, at + HEAD, 4), "tkhd") &&
            mp4_next(file, &from, file.len, &kind, &track->whole))
            mp4->count += mp4_read_track(mp4, track);
    }
}

static bool units_fit(const struct mp4 *mp4, const struct mp4_track *track,
                      const struct mp4_sample *sample)
{
    const uint8_t *p = mp4->salvage->file.at + sample->at;
    uint64_t at = 0;
    while (at + track->unit <= sample->size) {
        uint64_t n = 0;
        for (unsigned i = 0; i < track->unit; i++)
            n = n << 8 | p[at + i];
        at += track->unit + n;
    }
    return at == sample->size;
}

static bool is_there(const struct mp4 *mp4, const struct mp4_sample *sample)
{
    return sample->at && sample->size &&
           bytes_has(mp4->salvage->file, sample->at, sample->size);
}

static void prove_track(struct mp4 *mp4, const struct mp4_track *track)
{
    struct map *map = &mp4->salvage->map;
    uint32_t fit = 0, all = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; track->unit && i < track->count; i++) {
            const struct mp4_sample *sample = &track->samples[i];
            if (!is_there(mp4, sample))
                continue;
            bool fits = units_fit(mp4, track, sample);
            all += !pass;
            fit += !pass && fits;
            if (pass && fits)
                map_prove(map, sample->at, sample->at + track->unit);
            else if (pass)
                map_break(map, sample->at, sample->at + sample->size, false);
            if (!budget_charge(mp4->salvage->budget, 16))
                return;
        }
        /* Tables that are wrong of most samples say nothing of the others. */
        if (fit * 4 < all)
            return;
    }
}

static void prove(struct mp4 *mp4)
{
    bytes file = mp4->salvage->file;
    if (file.len > HEAD && !bytes_is(bytes_slice(file, 4, 4), "ftyp"))
        map_break(&mp4->salvage->map, 0, HEAD, false);
    map_prove(&mp4->salvage->map, mp4->movie.at - HEAD, mp4->movie.at + HEAD);
    for (unsigned i = 0; i < mp4->count; i++)
        prove_track(mp4, &mp4->tracks[i]);
}

static uint64_t choose(struct mp4 *mp4)
{
    uint64_t kept = 0;
    for (unsigned i = 0; i < mp4->count; i++) {
        struct mp4_track *track = &mp4->tracks[i];
        track->kept = 0;
        for (uint32_t k = 0; k < track->count; k++) {
            struct mp4_sample *sample = &track->samples[k];
            sample->keep =
                is_there(mp4, sample) &&
                map_is_plain(&mp4->salvage->map, sample->at, sample->at + sample->size) &&
                (!track->unit || units_fit(mp4, track, sample));
            track->kept += sample->keep;
        }
        kept += track->kept;
    }
    return kept;
}

void mp4_give(struct salvage *salvage)
{
    struct mp4 *mp4 = PUSH(salvage->arena, struct mp4);
    if (!mp4)
        return;
    mp4->salvage = salvage;
    bool found = find_movie(mp4);
    if (found) {
        read_tracks(mp4);
        prove(mp4);
    }
    if (!salvage_solve(salvage) || !found)
        return;
    /* Now that it is known which entries of the tables are ciphertext. */
    read_tracks(mp4);
    if (choose(mp4))
        mp4_write(mp4);
}

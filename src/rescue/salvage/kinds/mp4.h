/* mp4 — films: what the tables of one say, and a new one of the samples that are whole. */
#pragma once
#include "rescue/salvage/salvage.h"

enum { MP4_TRACKS = 16 };

/* Bytes of the file behind a box's head. */
struct mp4_box {
    uint64_t at, end;
};

struct mp4_sample {
    uint64_t at; /* 0: not known */
    uint64_t time;
    uint32_t size, lasts, description;
    int32_t shift; /* from decoding to showing */
    bool sync, keep;
    uint64_t put; /* where it is in the new film */
};

struct mp4_track {
    struct mp4_box whole, table; /* trak, stbl */
    struct mp4_sample *samples;
    uint32_t count, kept, room; /* room: samples that there is memory for */
    uint32_t scale;             /* units of time in a second */
    bool synced;                /* it says which samples stand by themselves */
    bool shifted;               /* and when which is shown, as `shift` of this version */
    uint8_t shift_version;
    unsigned unit; /* bytes of the length before each unit of a picture, 0: there is none */
};

struct mp4 {
    struct salvage *salvage;
    struct mp4_box type, movie; /* ftyp, moov; end 0: not there */
    uint32_t scale;
    struct mp4_track tracks[MP4_TRACKS];
    unsigned count;
};

/* The next box in [*at, end), of which *at is moved to the end. False: none, or it makes no
 * sense. */
bool mp4_next(bytes file, uint64_t *at, uint64_t end, uint32_t *ret_kind,
              struct mp4_box *ret) MUST_USE;
/* The first box of a kind in another; end 0: there is none. */
struct mp4_box mp4_find(bytes file, struct mp4_box in, const char *kind);
/* The tables of a track whose `whole` is set; with what of them is plain. */
bool mp4_read_track(struct mp4 *mp4, struct mp4_track *track) MUST_USE;
/* A new film of the samples to keep. */
void mp4_write(struct mp4 *mp4);

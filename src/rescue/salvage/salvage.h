/* salvage — what survives in a partly encrypted file, given back in files that open.
 *
 * The file is read as a mapping. A type (zip, PDF, disk image ...) is one file here and one row
 * in salvage.c: it tells whether the file is, or was, of it, helps the map with what it can
 * prove, and hands parts out through a sink: begin, any number of puts, end with a verdict.
 * Everything here reads hostile bytes: pure, bounded, for a sealed worker. */
#pragma once
#include "base/region.h"
#include "rescue/salvage/map/map.h"
#include "rescue/salvage/window.h"

enum salvage_verdict {
    SALVAGE_PROVEN,    /* a checksum or the structure holds over all of it */
    SALVAGE_PLAUSIBLE, /* made of bytes that the map says are plain */
    SALVAGE_PARTIAL,   /* with gaps, or cut: the note says how */
};

/* A part of the input that is in a part. */
struct salvage_span {
    uint64_t from, to;
};

struct salvage_sink {
    void *to;
    /* A new file. `name` is hostile: any bytes, `/` between folders. `kind` is a literal: what
     * the part is, as "zip". False: stop. */
    bool (*begin)(void *to, bytes name, const char *kind);
    bool (*put)(void *to, bytes data);
    /* `rows`: how many members, pages, messages ... are in it. */
    bool (*end)(void *to, enum salvage_verdict verdict, uint64_t rows, const char *note,
                const struct salvage_span *spans, size_t n);
};

/* Unpacked bytes [at, at + len) came out of packed ones [outer, outer + packed) of what they
 * lie in: sorted by `at`. */
struct salvage_scale {
    uint64_t at, len, outer, packed;
};

struct salvage_given {
    VEC(struct salvage_span) spans;
};

struct salvage {
    bytes file;
    uint8_t *patch; /* the same bytes when they are private and may be changed, or NULL */
    struct window *window; /* through which they are seen, or NULL: they are in memory */
    bytes name; /* of the file, without folders; the ransomware's extension may be on it */
    struct arena *arena;
    struct budget *budget;
    struct region *region; /* address space for scattered files, or NULL: no disks */
    struct salvage_sink sink;
    struct map map;
    bool waits;     /* -EAGAIN before anything is handed out when the map is not sure */
    unsigned depth; /* of containers in containers */
    /* Of what lies in a container: its places in the outermost file, else none. */
    const struct window_place *places;
    size_t place_count;
    /* Of what was unpacked: whence; places are those of what it lay in. */
    const struct salvage_scale *scales;
    size_t scale_count;
    /* Of a disk: keeps what its parts gave, in no order; shared with what lies in it. */
    struct salvage_given *given;
    struct arena *keep; /* where that is kept */
    bool torn;          /* of a disk: what comes next lacks its begin or its end */
    bool guessed;       /* of a disk: that these bytes are one file is in part a guess */
    /* Private. */
    const char *kind; /* the type that was found, NULL: none */
    VEC(struct salvage_span) spans;
    uint64_t rows, parts; /* parts: that were begun */
    bool stopped, waited;
    struct packed_room *room; /* for streams that are unpacked */
};

struct salvage_type {
    const char *name;
    /* 0: no; else how surely, up to 100. The map's statistics are there, no structure yet. */
    int (*fits)(struct salvage *salvage);
    /* Proves and breaks what it can, for the map; then gives what there is. */
    void (*give)(struct salvage *salvage);
};

/* Makes the map, chooses the type, hands out parts. 0 also when nothing survives; -ENOMEM,
 * -ECANCELED (budget, or the sink stopped it), -EAGAIN (see `waits`). */
int salvage_run(struct salvage *salvage, struct why *why) MUST_USE;
/* The same for a piece of a container, whose map is known. */
int salvage_inner(struct salvage *salvage, struct why *why) MUST_USE;

/* --- for types --- */

/* Solves the map with what was proven. False: return at once. */
bool salvage_solve(struct salvage *salvage) MUST_USE;
/* False: return at once. */
bool salvage_begin(struct salvage *salvage, bytes name, const char *kind) MUST_USE;
bool salvage_put(struct salvage *salvage, bytes data) MUST_USE;
bool salvage_text(struct salvage *salvage, const char *fmt, ...) LIKE_PRINTF(2, 3);
/* The part holds what is in these bytes of the file; `count` members came with them. */
void salvage_gives(struct salvage *salvage, uint64_t from, uint64_t to);
void salvage_counts(struct salvage *salvage, uint64_t count);
bool salvage_end(struct salvage *salvage, enum salvage_verdict verdict, const char *fmt, ...)
    LIKE_PRINTF(3, 4);
/* Puts the plain bytes of [from, to) and says so; ciphertext becomes zeros. */
bool salvage_put_blanked(struct salvage *salvage, uint64_t from, uint64_t to) MUST_USE;
/* A file that lies in [from, to), as it stands: itself when all of it is plain, else what its
 * own type can give back, else with zeros for ciphertext. `name` has its folders. */
bool salvage_child(struct salvage *salvage, bytes name, uint64_t from, uint64_t to) MUST_USE;
/* The same of bytes that were put together elsewhere, `inner` having its places and map. */
bool salvage_child_of(struct salvage *salvage, struct salvage *inner) MUST_USE;
/* True when one of the file's extensions is this one, whatever follows it. */
bool salvage_named(const struct salvage *salvage, const char *extension);
/* The file's name up to the known extension, or with `extension` put behind it where there is
 * none; in the arena. */
bytes salvage_name(struct salvage *salvage, const char *extension);

/* The types. */
int pdf_fits(struct salvage *salvage);
void pdf_give(struct salvage *salvage);
int sqlite_fits(struct salvage *salvage);
void sqlite_give(struct salvage *salvage);
int disk_fits(struct salvage *salvage);
void disk_give(struct salvage *salvage);
int png_fits(struct salvage *salvage);
void png_give(struct salvage *salvage);
int jpeg_fits(struct salvage *salvage);
void jpeg_give(struct salvage *salvage);
/* Whether the plain bytes from `from` on keep the rule of a JPEG's scan: noise breaks it every
 * 260 bytes. */
bool jpeg_is_scan(struct salvage *salvage, uint64_t from);
int mp4_fits(struct salvage *salvage);
void mp4_give(struct salvage *salvage);
int gzip_fits(struct salvage *salvage);
void gzip_give(struct salvage *salvage);
int tar_fits(struct salvage *salvage);
void tar_give(struct salvage *salvage);
int zip_fits(struct salvage *salvage);
void zip_give(struct salvage *salvage);
/* Packages that lie in the file in one piece: what their checksums say to the map. */
void zip_prove(struct salvage *salvage);
/* Mail stores of Outlook: mail/. */
int mail_fits(struct salvage *salvage);
void mail_give(struct salvage *salvage);
int plain_fits(struct salvage *salvage);
void plain_give(struct salvage *salvage);

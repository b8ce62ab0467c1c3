/* libarchive — archives of many formats, read from memory by libarchive.
 *
 * One format at a time, so that its guessing cannot take a text for an archive. It reads no
 * file but the bytes it is given and asks for no password: encrypted members are told as such.
 */
#pragma once
#include "base/base.h"

enum libarchive_kind {
    LIBARCHIVE_TAR,
    LIBARCHIVE_CPIO,
    LIBARCHIVE_AR,
    LIBARCHIVE_7Z,
    LIBARCHIVE_RAR, /* before 5 */
    LIBARCHIVE_RAR5,
    LIBARCHIVE_LHA,
    LIBARCHIVE_ZIP, /* from a local header on */
    LIBARCHIVE_KINDS,
};

enum libarchive_state {
    LIBARCHIVE_GOOD,
    LIBARCHIVE_WARNED, /* good, but something about it is wrong: the reason says what */
    LIBARCHIVE_END,    /* no more members, or no more data of this one */
    LIBARCHIVE_FAILED, /* this member cannot be read; others may be */
    LIBARCHIVE_LOST,   /* nothing more can be read */
};

struct libarchive_member {
    bytes name; /* until the next member */
    bool file;  /* has content: is no folder, link or device */
    bool encrypted;
    uint64_t size; /* UINT64_MAX: unknown */
};

struct libarchive;

/* An archive that lies in `count` <= 2 parts, one after the other. NULL: `why`. */
struct libarchive *libarchive_open(enum libarchive_kind kind, const bytes *parts, size_t count,
                                   struct why *why);
/* NULL is fine. */
void libarchive_close(struct libarchive *archive);
enum libarchive_state libarchive_next(struct libarchive *archive, struct libarchive_member *ret,
                                      struct why *why);
/* The next block of the member's content and where it belongs; what lies between blocks is
 * zeros. It is good until the next call; a part of the archive's own bytes where that is
 * possible. */
enum libarchive_state libarchive_data(struct libarchive *archive, bytes *ret_block,
                                      uint64_t *ret_offset, struct why *why);
/* How many of the archive's bytes have been read so far. */
uint64_t libarchive_consumed(struct libarchive *archive);

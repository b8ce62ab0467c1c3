/* box — letters as text: headers, and bodies that are encoded so that a mail
 * box (RFC 4155) can hold them whatever is in them. */
#pragma once
#include "rescue/salvage/salvage.h"

enum { BOX_BUFFER = 8192, BOX_LINE = 57 };

struct box {
    struct salvage *salvage;
    bool mute; /* nothing is written */
    size_t used;
    uint8_t buffer[BOX_BUFFER];
};

/* False, from all of these: the sink wants no more. */
bool box_put(struct box *box, bytes data) MUST_USE;
bool box_line(struct box *box, const char *fmt, ...) LIKE_PRINTF(2, 3) MUST_USE;
bool box_flush(struct box *box) MUST_USE;

/* Words of a header, as encoded words (RFC 2047) where they are not ASCII.
 * `charset` is what they are in. */
bool box_words(struct box *box, bytes words, const char *charset) MUST_USE;
/* A parameter with its name: ` filename="..."`, by RFC 2231 where it is not
 * ASCII. */
bool box_parameter(struct box *box, const char *name, bytes value,
                   const char *charset) MUST_USE;

/* Quoted-printable (RFC 2045, 6.7): lines end with LF; no line begins with
 * "From ". */
struct box_quoted {
    struct box *box;
    unsigned column;
    uint8_t held; /* a blank or CR of which it is not known what follows, or 0 */
};

bool box_quote(struct box_quoted *quoted, bytes data) MUST_USE;
bool box_quote_end(struct box_quoted *quoted) MUST_USE;

/* UTF-16, little endian, in pieces. */
struct box_wide {
    struct box_quoted quoted;
    uint8_t held[4];
    unsigned count; /* of what is held: half a unit, half a pair */
    bool skip;      /* the next byte is the second half of a unit of which the first is
                       lost */
};

bool box_widen(struct box_wide *wide, bytes data) MUST_USE;
/* So many bytes are missing, 0: it is not known how many. A line says so. */
bool box_wide_gap(struct box_wide *wide, uint64_t gap) MUST_USE;

struct box_base64 {
    struct box *box;
    uint8_t held[BOX_LINE];
    size_t count;
};

bool box_base64(struct box_base64 *base64, bytes data) MUST_USE;
bool box_base64_zeros(struct box_base64 *base64, uint64_t count) MUST_USE;
bool box_base64_end(struct box_base64 *base64) MUST_USE;

/* UTF-16 as UTF-8, in the arena; without the NULs at its end. */
bytes box_utf8(struct arena *arena, bytes wide);
/* Latin-1 as UTF-8, in the arena. */
bytes box_latin(struct arena *arena, bytes narrow);
/* The name of a code page of Windows, NULL: it is not known. */
const char *box_charset(uint32_t page);
/* "Mon, 01 Jan 2024 10:00:00 +0000", or as in a mail box, for a time of 100 ns
 * since 1601. */
void box_date(uint64_t time, bool box, char *to, size_t size);

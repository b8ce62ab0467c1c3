/* mime_header — the header fields of a message or of a part: RFC 5322 section 2.2, RFC 2045
 * section 5, RFC 2183, parameters of RFC 2231, encoded words of RFC 2047.
 *
 * Where mail programs differ about a header, all their readings are listed: each Content-Type,
 * each boundary, each encoding, all places where the body may start. */
#pragma once
#include "unpack/mail/transfer.h"

enum {
    MIME_TYPES = 4,
    MIME_BOUNDARIES = 4,
    MIME_ENCODINGS = 3,
    MIME_BODIES = 3,
};

struct mime_field {
    bytes name, value; /* the value with its folds */
};

struct mime_header {
    bytes types[MIME_TYPES]; /* values of Content-Type, unfolded */
    bytes boundaries[MIME_BOUNDARIES];
    enum transfer encodings[MIME_ENCODINGS];
    bytes bodies[MIME_BODIES];
    unsigned type_count, boundary_count, encoding_count, body_count;
    bytes name;    /* file name of an attachment, decoded to UTF-8 where we can; or empty */
    bytes subject; /* raw */
    bool disposed, attached; /* it says what is to be done with it; that it is to be saved */
    bool typed_name;         /* its type gives a name */
    bool coded, plain;       /* an encoding is named; it is 7bit */
    bool more;               /* there were more readings than are listed */
};

/* The next field; false at the blank line or at the end: *rest is then the body. A line that
 * is no field is skipped; the first one stays in *odd, for there others end the header. */
bool mime_field_next(bytes *rest, struct mime_field *ret, bytes *odd);
/* True when a header like a message's stands at the front: known names, within 4 KiB. */
bool mime_header_fits(bytes data);
/* "Name:" as a line's beginning. */
bool mime_field_shaped(bytes line);
/* Reads a header. Everything in it lives in the arena or views `entity`. */
void mime_header_read(struct arena *arena, bytes entity, struct mime_header *ret);
/* True when one of the types starts so (lower case). */
bool mime_header_is(const struct mime_header *header, const char *type);
/* Encoded words to UTF-8; the text itself when there are none. */
bytes mime_words(struct arena *arena, bytes text);

/* decode — compressed data into the child being written: by a library's stream decoder, or by
 * one of this folder's own through an outlet. */
#pragma once
#include "shim/stream.h"
#include "unpack/unpack.h"

#include <string.h>

enum decoded {
    DECODED,           /* whole */
    DECODED_CUT,       /* the input ended too early */
    DECODED_DAMAGED,   /* the input breaks its format's rules */
    DECODED_TOO_LARGE, /* a decoder needs more memory than it may have */
    DECODED_UNKNOWN,   /* a version or an option nobody here knows */
    DECODED_FULL,      /* a limit of the member: noted already */
    DECODED_STOP,      /* of the whole examination: return */
};

/* One stream of the kind. *in begins after it. */
enum decoded decode_stream(struct unpack *unpack, enum stream_kind kind, bytes *in);
/* The same, as if `head` came before *in. */
enum decoded decode_stream_after(struct unpack *unpack, enum stream_kind kind, bytes head,
                                 bytes *in);
/* Raw deflate of `size` bytes, or of any when that is UINT64_MAX. */
enum decoded decode_deflate(struct unpack *unpack, bytes *in, uint64_t size);
/* The gap for what was not DECODED. False for DECODED_STOP. */
bool decode_noted(struct unpack *unpack, enum decoded how);
/* The name of the container without its last suffix ("a.tar.xz" gives "a.tar", and what ends in
 * `short_suffix`, as ".txz", a name in ".tar"); for what is compressed without a name. In the
 * arena. */
bytes decode_name(struct unpack *unpack, const char *short_suffix);

/* Where own decoders write. What they look back into is the child itself: the memory is
 * contiguous. Invariant: [base, at) is written and not yet told to the core. */
struct outlet {
    struct unpack *unpack;
    uint8_t *base, *at, *end;
    uint64_t told, left; /* left: of the member, beyond `end` */
    enum decoded state;  /* why no more can be written: DECODED when the member is whole */
};

/* For a member of `size` bytes. */
void outlet_open(struct outlet *outlet, struct unpack *unpack, uint64_t size);
/* Tells the core and asks for more room. False: see state. */
bool outlet_more(struct outlet *outlet);
/* Tells the core of the rest; how it went: `how`, if the member is not whole already. */
enum decoded outlet_close(struct outlet *outlet, enum decoded how);
/* Repeats `length` bytes from `distance` (>= 1) back; before the beginning lies `fill`, if >=
 * 0. False: no room, or (state DECODED_DAMAGED) nothing lies there. */
bool outlet_copy(struct outlet *outlet, size_t distance, size_t length, int fill);

/* All of the member is written. */
static inline bool outlet_whole(const struct outlet *outlet)
{
    return outlet->at == outlet->end && outlet->left == 0;
}

static inline bool outlet_byte(struct outlet *outlet, uint8_t byte)
{
    if (outlet->at == outlet->end && !outlet_more(outlet))
        return false;
    *outlet->at++ = byte;
    return true;
}

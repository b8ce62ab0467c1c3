/* pdf_object — the objects of a PDF that were found (pdf.c), what is left of their streams
 * (pdf_gaps.c), and writing them (pdf_write.c). */
#pragma once
#include "rescue/salvage/salvage.h"

struct pdf_object {
    uint32_t number, again; /* its name: "12 0" */
    size_t from, body, to;  /* "12 0 obj", behind it, "endobj" */
    size_t stream, stop;    /* bytes of its stream; 0: none */
    bytes inner;            /* .at not NULL: it was packed, and this is all of it */
    bool ended, whole;
    bool broken; /* its stream is packed and cannot be unpacked to its end */
};

struct pdf {
    struct salvage *salvage;
    VEC(struct pdf_object) objects;
    bool learned; /* what goes with what in drawings */
};

/* A packed stream, unpacked. */
struct pdf_unpacked {
    struct arena *arena; /* its own; frees all of it */
    uint16_t *at;        /* bytes; above 255: not known */
    size_t n, room;
    VEC(struct map_range) came; /* bytes of the file that it came out of */
    bool drawing;               /* it is no picture or font */
    bool strict;                /* ends where the size of a gap is not known */
    bool text, ended;           /* most of it is text; it is there to its end */
};

/* All of an object, or what comes before its stream. */
bytes pdf_dictionary(const struct pdf *pdf, const struct pdf_object *object);
/* Whether "KEY VALUE" stands in it. */
bool pdf_is(bytes dictionary, const char *key, const char *value);
/* The number behind a key, 0: none. */
uint64_t pdf_number(bytes dictionary, const char *key);
/* Whether its stream is packed (7.4.4), whatever comes behind that. */
bool pdf_is_flate(bytes dictionary);
/* A picture or the like, not text. */
bool pdf_is_picture(const struct pdf *pdf, const struct pdf_object *object);

/* What is left of the packed stream of an object with ciphertext; false: nothing. */
bool pdf_unpack(struct pdf *pdf, const struct pdf_object *object, bool strict,
                struct pdf_unpacked *ret) MUST_USE;
/* Ends and begins strings of a drawing that do so in gaps. */
void pdf_balance(struct pdf_unpacked *all);
/* All that it came out of is given back. */
void pdf_gives(struct salvage *salvage, const struct pdf_unpacked *all);

/* The new file. The objects are sorted by number. */
void pdf_write(struct pdf *pdf);

/* pdf_object — the objects of a PDF that were found (pdf.c), and writing them (pdf_write.c). */
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
};

/* All of an object, or what comes before its stream. */
bytes pdf_dictionary(const struct pdf *pdf, const struct pdf_object *object);
/* Whether "KEY VALUE" stands in it. */
bool pdf_is(bytes dictionary, const char *key, const char *value);
/* The new file. The objects are sorted by number. */
void pdf_write(struct pdf *pdf);

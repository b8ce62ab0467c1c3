/* pdf_table — the objects of a PDF, found by looking for them. */
#pragma once
#include "unpack/document/pdf_crypt.h"

enum pdf_role { PDF_STREAM, PDF_SCRIPT, PDF_FILE, PDF_FORM };

struct pdf_object {
    uint32_t number, generation;
    uint32_t order;   /* later ones replace earlier ones of the same number */
    bytes body;       /* from behind `obj` to the end of the value */
    size_t stream_at; /* 0: no stream */
    size_t marker_at; /* where `endstream` is, or SIZE_MAX */
    bool packed;      /* in an object stream: its strings are not encrypted */
    enum pdf_role role;
    bytes name; /* of a file */
};

struct pdf {
    struct unpack *unpack;
    bytes file;
    VEC(struct pdf_object) objects;
    struct pdf_object **sorted; /* by number, then order */
    uint32_t sorted_count;
    struct pdf_crypt crypt;
    uint64_t left;   /* bytes that streams may still have: they do not share theirs */
    uint64_t bodies; /* and values */
    bool overlaps;   /* values do: noted */
};

/* Finds what stands in the file as "N G obj". False: budget or memory is used up (noted). */
bool pdf_table_scan(struct pdf *pdf);
/* Adds what an object stream holds; `data` is kept. */
bool pdf_table_unpack(struct pdf *pdf, const struct pdf_object *container, bytes data);
bool pdf_table_sort(struct pdf *pdf);
/* The last object of that number, or NULL. */
struct pdf_object *pdf_table_get(const struct pdf *pdf, uint32_t number);
/* The bytes of an object's stream as they stand; notes a gap when its end is missing. */
bytes pdf_table_stream(struct pdf *pdf, const struct pdf_object *object, bytes name);
/* The value of a key, a reference followed once. */
bool pdf_table_find(const struct pdf *pdf, bytes dict, const char *key, bytes *ret);
/* A string's bytes, decrypted, UTF-16 as UTF-8; .at NULL when memory is used up. */
bytes pdf_table_string(const struct pdf *pdf, const struct pdf_object *object, bytes value);

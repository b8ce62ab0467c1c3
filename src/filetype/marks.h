/* marks — types that are told by what is found in a text or in unknown data. */
#pragma once
#include "filetype/filetype.h"

/* What was found first of those that make a text something else, at an offset of its own. */
struct marks {
    enum filetype type;  /* the sum of all marks: FILETYPE_ANY when there were none */
    enum filetype whole; /* FILETYPE_MHTML or FILETYPE_XDP, marked past the start; else ANY */
};

/* Reads all of `data`. */
struct marks marks_of(bytes data);
/* The same, looking at every byte: what tests race the other against. */
struct marks marks_of_plain(bytes data);
/* Adds a mark that was found. False: it decides, whatever else is there. */
bool marks_take(struct marks *found, enum filetype type, size_t start);

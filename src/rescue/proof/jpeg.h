/* jpeg — a JPEG walked to its end. Private to this folder. */
#pragma once
#include "rescue/proof/proof_reader.h"

struct jpeg {
    uint64_t end;  /* after its end marker */
    unsigned scan; /* how many were decoded to their last bit */
    bool decoded; /* all were; else of a kind that is not decoded here (arithmetic, lossless) */
    struct why why;
};

/* False: it is damaged at `end`, *why says how. */
bool jpeg_walk(struct reader *reader, struct jpeg *ret);

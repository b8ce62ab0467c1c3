/* description — the target description block of a logical signature. */
#pragma once
#include "clamav/clamav.h"

enum { DESCRIPTION_NODES = 12 };

struct description {
    enum target target;
    bool leave_out;                    /* for another engine level */
    uint32_t nodes[DESCRIPTION_NODES]; /* all of them must hold, besides the expression */
    uint32_t count;
};

/* Reads `Engine:51-255,Target:1,FileSize:0-9` in two steps: what it asks for, which may be a
 * reason to refuse it (text in clamav->scratch, else NULL), then the nodes. */
const char *description_read(struct clamav *clamav, bytes text, struct description *ret);
/* Adds its nodes to the rule that was begun last, after description_read took it. */
void description_nodes(struct clamav *clamav, bytes text, struct description *ret);

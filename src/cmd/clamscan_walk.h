/* clamscan_walk — finds files as clamscan 1.4 does: in the order of the directory, links and
 * directories by its options, with its words for what is left out. */
#pragma once
#include "cmd/clamscan_options.h"
#include "scan/scan.h"

#include <regex.h>

struct clamscan_walk {
    const struct clamscan_arguments *arguments;
    struct report_clamscan *report;
    const char *const *paths;
    int path_count;
    int status; /* the exit status where nothing is found and nothing else fails */
};

/* A scan's feed; the context is a struct clamscan_walk. */
void clamscan_walk(void *context, const struct scan_feed *feed);

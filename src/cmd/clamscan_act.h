/* clamscan_act — what --remove, --move and --copy do with a file in which something was found.
 *
 * Whoever wrote the file may change the directories around it at any moment, so no name is
 * trusted: the way to the file is walked without following links, and only the very file that
 * was examined (device, inode, size, time) is touched; what took its place stays. */
#pragma once
#include "scan/report.h"

#include <sys/stat.h>

enum clamscan_deed { CLAMSCAN_LEAVE, CLAMSCAN_REMOVE, CLAMSCAN_MOVE, CLAMSCAN_COPY };

struct clamscan_act {
    enum clamscan_deed deed;
    struct report_clamscan *report;
    int target; /* the open directory to move or copy to */
    char target_path[4096];
    struct clamscan_done *done; /* the files that were moved or removed */
    uint32_t done_count;
};

/* Opens the directory. The reason is said as clamscan says it. */
int clamscan_act_open(struct clamscan_act *act, enum clamscan_deed deed, const char *directory,
                      struct why *why) MUST_USE;
void clamscan_act_close(struct clamscan_act *act);
/* For struct scan_options: after a file was reported. */
void clamscan_act(void *context, const struct examined *examined, const struct stat *seen,
                  struct text *out, struct text *err);

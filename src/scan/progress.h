/* progress — one line on a terminal that says how far the scan is: files and bytes a second,
 * what is left, and the file under examination. Nothing is drawn where stderr is no terminal.
 */
#pragma once
#include "base/base.h"

#include <stdatomic.h>

enum { PROGRESS_PATH = 512 };

struct progress {
    bool active;                               /* set before threads start */
    _Atomic uint64_t files, bytes;             /* done */
    _Atomic uint64_t total_files, total_bytes; /* counted so far */
    atomic_bool counted;                       /* the totals are final */
    int64_t started_ms;
    atomic_flag busy; /* guards path */
    char path[PROGRESS_PATH];
    size_t path_len;
    bool drawn;
    int64_t drawn_ms; /* when last */
};

/* Active when fd 2 is a terminal that can move its cursor. */
void progress_start(struct progress *progress, int64_t now_ms);
/* The file a worker is at; does not wait when another says so at the same time. */
void progress_at(struct progress *progress, bytes path);
/* Draws the line; progress_hide takes it away. Both under the lock of the output. */
void progress_draw(struct progress *progress, int64_t now_ms);
void progress_hide(struct progress *progress);

/* salvage_worker — salvage in a sealed process: what is read there is hostile, and nobody has
 * looked at it.
 *
 *     this process                          worker (profile_worker)
 *     opens the file                  ──►   maps it, is sealed, looks for what survives
 *     makes files, writes, reports    ◄──   parts: a name, bytes, a verdict; then the map
 *
 * What comes back is bounded and checked; names are hostile (outbox.h), texts are tamed. */
#pragma once
#include "rescue/salvage/salvage.h"

/* What files beside it say of one: the rules of patterns that explain them for sure. With
 * `waits`, one that is not sure itself is not given yet. */
struct salvage_beside {
    uint32_t hints[MAP_HINTS];
    bool waits;
};

/* Runs salvage on the open file of `size` bytes, of this name. What it gives goes to the sink,
 * whose `kind` and `note` live for the call. *ret is for reports: the kind, the size of the
 * file and the map's result, in the arena. As salvage_run; -EFAULT when the worker ended, and
 * how. */
int salvage_worker_run(int fd, uint64_t size, bytes name, const struct salvage_beside *beside,
                       const struct salvage_sink *sink, struct arena *arena,
                       struct salvage *ret, struct why *why) MUST_USE;

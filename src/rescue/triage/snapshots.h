/* snapshots — older states of files that may still be there: found by the directories, mounts
 * and devices of this machine; nothing is mounted, started or changed.
 *
 * Sources: mountinfo in proc(5); `.zfs/snapshot` (zfsprops(7)); `.snapshots/N/info.xml`
 * (snapper(8)); Timeshift's folders; `LVM-...-cow` names of device-mapper (lvmthin(7)); borg
 * and restic repositories by the files in their root. */
#pragma once
#include "base/arena.h"

struct snapshot_place {
    const char *kind; /* "ZFS", "Snapper", "Timeshift", "LVM", "btrfs", "backup" */
    bytes path;       /* where to look */
    uint32_t count;   /* how many snapshots were seen there; 0: not known */
    const char *next; /* what to do with it, a sentence */
};

struct snapshots {
    VEC(struct snapshot_place) place;
    bytes file_system; /* that the path lies on: "ext4", "btrfs" ...; may be empty */
    bool root_needed;  /* some places could not be looked at */
};

/* What there is for `path`, and on the machine. Adds to *ret. -ENOMEM. */
int snapshots_find(const char *path, struct arena *arena, struct snapshots *ret,
                   struct why *why) MUST_USE;

/* ntfs_mend — NTFS whose boot sector is lost together with its copy at the volume's end: worked
 * out from the first record of $MFT, or its mirror, and from where folders' indexes lie. */
#pragma once
#include "rescue/salvage/disk/mend.h"

/* Of a record: where it is, and the first cluster of what it tells of. */
struct ntfs_place {
    uint64_t at, cluster;
    uint64_t
        mirror; /* of the table's own record: the first cluster of $MFTMirr, 0: not known */
};

struct ntfs_look {
    struct salvage *salvage;
    VEC(struct ntfs_place) tables;  /* records 0 */
    VEC(struct ntfs_place) folders; /* records with an index that lies outside of them */
};

/* The sector at `here`, where a record of a file begins; in order. */
void ntfs_look_at(struct ntfs_look *look, uint64_t here);
/* Adds volumes that were not found by their boot sectors. After the scan. */
void ntfs_mend(struct mend *mend, const struct ntfs_look *look);

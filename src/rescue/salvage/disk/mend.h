/* mend — the heads of disk images and file systems, put back from the copies that these keep.
 *
 * Written into what readers see of the image (window.h); nothing of it reaches the file. */
#pragma once
#include "rescue/salvage/salvage.h"

/* A file system in a flat image. */
struct mend_volume {
    uint64_t from, size;
    const char *kind;
};

struct mend {
    struct salvage *salvage;
    VEC(struct mend_volume) volumes; /* by place */
    bool container;                  /* a virtual disk that is not flat: no volumes */
    bool looks;                      /* and changes nothing */
    /* FAT: clusters of which it is guessed that they follow the one before; by place. */
    VEC(struct map_range) guessed;
};

/* A copy of the bytes stands at `to` from now on, as readers see it. False: not possible. */
bool mend_put(struct mend *mend, uint64_t to, const uint8_t *from, size_t size);
/* NULL when one begins there already. */
struct mend_volume *mend_volume_add(struct mend *mend, uint64_t from, uint64_t size,
                                    const char *kind);

/* Whether the plain bytes hold marks of disks: superblocks, boot sectors, partition tables. */
bool mend_looks_like_disk(struct salvage *salvage);
/* Finds the volumes and mends them; for virtual disks, mends the container's head. */
void mend_disk(struct mend *mend);
/* Whether a byte lies in a volume that was found. */
bool mend_is_known(const struct mend *mend, uint64_t place);
/* The first records of $MFT out of the mirror, where they are lost; `boot`: the boot sector of
 * the NTFS that begins at `from`. */
void mend_records(struct mend *mend, uint64_t from, const uint8_t *boot);

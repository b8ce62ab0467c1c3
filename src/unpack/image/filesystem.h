/* filesystem — the file systems this room reads, by two functions each: whether a source begins
 * with one (a few reads of its first 64 KiB), and walking it. Each is described at the head of
 * its file. */
#pragma once
#include "unpack/image/tree.h"

struct filesystem {
    const char *name;
    bool (*fits)(struct source *source);
    void (*walk)(struct tree *tree);
};

/* The first that fits, or NULL. */
const struct filesystem *filesystem_of(struct source *source);
/* Hands out the files of a file system, `prefix` before each path. False: stop. */
bool filesystem_walk(struct unpack *unpack, struct source *source,
                     const struct filesystem *filesystem, bytes prefix) MUST_USE;

bool fat_fits(struct source *source);
void fat_walk(struct tree *tree);
bool exfat_fits(struct source *source);
void exfat_walk(struct tree *tree);
bool ext_fits(struct source *source);
void ext_walk(struct tree *tree);
bool squashfs_fits(struct source *source);
void squashfs_walk(struct tree *tree);
bool xfs_fits(struct source *source);
void xfs_walk(struct tree *tree);
bool ntfs_fits(struct source *source);
void ntfs_walk(struct tree *tree);
bool iso_fits(struct source *source);
void iso_walk(struct tree *tree);
/* Without what ISO 9660 shows of the same image, when that was walked before with this tree. */
bool udf_fits(struct source *source);
void udf_walk(struct tree *tree);
bool hfs_fits(struct source *source);
void hfs_walk(struct tree *tree);
bool cramfs_fits(struct source *source);
void cramfs_walk(struct tree *tree);
bool romfs_fits(struct source *source);
void romfs_walk(struct tree *tree);

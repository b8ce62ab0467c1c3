#include "unpack/image/filesystem.h"

static const struct filesystem filesystems[] = {
    {"exfat", exfat_fits, exfat_walk},
    {"ntfs", ntfs_fits, ntfs_walk},
    {"squashfs", squashfs_fits, squashfs_walk},
    {"iso", iso_fits, iso_walk},
    {"udf", udf_fits, udf_walk},
    {"hfs", hfs_fits, hfs_walk},
    {"cramfs", cramfs_fits, cramfs_walk},
    {"romfs", romfs_fits, romfs_walk},
    {"xfs", xfs_fits, xfs_walk},
    {"fat", fat_fits, fat_walk},
    {"ext", ext_fits, ext_walk},
};

const struct filesystem *filesystem_of(struct source *source)
{
    for (size_t i = 0; i < COUNT(filesystems); i++)
        if (filesystems[i].fits(source))
            return &filesystems[i];
    return NULL;
}

bool filesystem_walk(struct unpack *unpack, struct source *source,
                     const struct filesystem *filesystem, bytes prefix)
{
    struct tree tree = {.unpack = unpack, .source = source, .prefix = prefix};
    filesystem->walk(&tree);
    return !tree.stopped && !unpack->run->stopped;
}

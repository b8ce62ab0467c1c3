#include "unpack/image/known.h"

#include <string.h>

static const struct known table[] = {
    {"luks", 0, 6, "LUKS\xba\xbe", GAP_ENCRYPTED, "encrypted with LUKS"},
    {"bitlocker", 3, 8, "-FVE-FS-", GAP_ENCRYPTED, "encrypted with BitLocker"},
    {"lvm", 536, 8, "LVM2 001", GAP_UNSUPPORTED, "a volume of LVM"},
    {"raid", 4096, 4, "\xfc\x4e\x2b\xa9", GAP_UNSUPPORTED, "a part of a Linux RAID"},
    {"btrfs", 0x10040, 8, "_BHRfS_M", GAP_UNSUPPORTED, "the file system btrfs"},
    {"refs", 3, 4, "ReFS", GAP_UNSUPPORTED, "the file system ReFS"},
    {"apfs", 32, 4, "NXSB", GAP_UNSUPPORTED, "the file system APFS"},
    {"f2fs", 1024, 4, "\x10\x20\xf5\xf2", GAP_UNSUPPORTED, "the file system F2FS"},
    {"erofs", 1024, 4, "\xe2\xe1\xf5\xe0", GAP_UNSUPPORTED, "the file system EROFS"},
    {"jfs", 0x8000, 4, "JFS1", GAP_UNSUPPORTED, "the file system JFS"},
    {"reiserfs", 0x10034, 8, "ReIsEr2F", GAP_UNSUPPORTED, "the file system ReiserFS"},
    {"ubi", 0, 4, "UBI#", GAP_UNSUPPORTED, "a flash image of UBI"},
    {"ubifs", 0, 4, "\x31\x18\x10\x06", GAP_UNSUPPORTED, "the file system UBIFS"},
    {"squashfs", 0, 4, "sqsh", GAP_UNSUPPORTED, "squashfs of an older version"},
    {"hfs", 1024, 4, "BD\0\0", GAP_UNSUPPORTED, "the file system HFS"},
    {"high-sierra", 0x8009, 5, "CDROM", GAP_UNSUPPORTED, "a CD-ROM in High Sierra format"},
    {"vmdk", 0, 21, "# Disk DescriptorFile", GAP_UNSUPPORTED,
     "a disk whose data are in other files"},
    {"vmdk", 0, 8, "\xbe\xba\xfe\xca\0\0\0\0", GAP_UNSUPPORTED, "a sparse disk of VMware ESX"},
    {"qed", 0, 4, "QED\0", GAP_UNSUPPORTED, "a disk image of QED"},
    {"parallels", 0, 16, "WithoutFreeSpace", GAP_UNSUPPORTED, "a disk image of Parallels"},
    {"parallels", 0, 16, "WithouFreSpacExt", GAP_UNSUPPORTED, "a disk image of Parallels"},
    {"wim", 0, 8, "WLPWM\0\0\0", GAP_UNSUPPORTED, "a Windows image (WIM, pipable)"},
    {"ewf", 0, 8, "EVF\x09\x0d\x0a\xff\0", GAP_UNSUPPORTED, "a forensic image of EnCase"},
};

const struct known *known_of(struct source *source)
{
    uint8_t magic[32];
    for (size_t i = 0; i < COUNT(table); i++)
        if (source_copy(source, table[i].at, magic, table[i].length) &&
            memcmp(magic, table[i].magic, table[i].length) == 0)
            return &table[i];
    return NULL;
}

bool known_probe(bytes data)
{
    for (size_t i = 0; i < COUNT(table); i++)
        if (bytes_has(data, table[i].at, table[i].length) &&
            memcmp(data.at + table[i].at, table[i].magic, table[i].length) == 0)
            return true;
    return false;
}

void known_open(struct unpack *unpack)
{
    struct source source = source_flat(unpack->data, unpack->budget);
    const struct known *known = known_of(&source);
    if (known)
        unpack_gap(unpack, bytes_of(""), known->gap, "%s", known->text);
}

/* The rows of this group. A file system is found here when it lies in one piece in an object;
 * on virtual disks that are too large to be handed out whole, by filesystem_of. */
#include "unpack/formats.h"
#include "unpack/image/appimage.h"
#include "unpack/image/cdraw.h"
#include "unpack/image/disk/disk.h"
#include "unpack/image/filesystem.h"
#include "unpack/image/firmware.h"
#include "unpack/image/known.h"
#include "unpack/image/partition.h"
#include "unpack/image/wim.h"

/* Enough for what `fits` reads. */
enum { PROBE_STEPS = 1 << 16 };

#define FILESYSTEM(name)                                                                       \
    static bool name##_probe(bytes data)                                                       \
    {                                                                                          \
        struct budget budget = {.steps = PROBE_STEPS};                                         \
        struct source source = source_flat(data, &budget);                                     \
        return name##_fits(&source);                                                           \
    }                                                                                          \
                                                                                               \
    static void name##_open(struct unpack *unpack)                                             \
    {                                                                                          \
        struct source source = source_flat(unpack->data, unpack->budget);                      \
        struct tree tree = {.unpack = unpack, .source = &source};                              \
        name##_walk(&tree);                                                                    \
    }

FILESYSTEM(fat)
FILESYSTEM(exfat)
FILESYSTEM(ext)
FILESYSTEM(cramfs)
FILESYSTEM(hfs)
FILESYSTEM(iso)
FILESYSTEM(ntfs)
FILESYSTEM(romfs)
FILESYSTEM(squashfs)
FILESYSTEM(udf)
FILESYSTEM(xfs)

const struct unpack_format unpack_image[] = {
    {"mbr", {{510, 2, "\x55\xaa"}}, partition_mbr_probe, partition_mbr_open},
    {"gpt",
     {{510, 2, "\x55\xaa"}, {512, 8, "EFI PART"}, {4096, 8, "EFI PART"}},
     partition_gpt_probe,
     partition_gpt_open},
    {"apple-map", {{0, 2, "ER"}}, partition_apple_probe, partition_apple_open},
    {"fat", {{0, 1, "\xeb"}, {0, 1, "\xe9"}}, fat_probe, fat_open},
    {"exfat", {{3, 8, "EXFAT   "}}, exfat_probe, exfat_open},
    {"ext", {{0x438, 2, "\x53\xef"}}, ext_probe, ext_open},
    {"hfs", {{1024, 2, "H+"}, {1024, 2, "HX"}, {1024, 2, "BD"}}, hfs_probe, hfs_open},
    {"iso", {{0x8001, 5, "CD001"}}, iso_probe, iso_open},
    {"udf",
     {{0x8001, 5, "BEA01"}, {0x8801, 5, "NSR02"}, {0x8801, 5, "NSR03"}},
     udf_probe,
     udf_open},
    {"cd-raw", {{0, 12, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0"}}, NULL, cdraw_open},
    {"ntfs", {{3, 8, "NTFS    "}}, ntfs_probe, ntfs_open},
    {"squashfs", {{0, 4, "hsqs"}}, squashfs_probe, squashfs_open},
    {"xfs", {{0, 4, "XFSB"}}, xfs_probe, xfs_open},
    {"cramfs", {{0, 4, "\x45\x3d\xcd\x28"}}, cramfs_probe, cramfs_open},
    {"romfs", {{0, 8, "-rom1fs-"}}, romfs_probe, romfs_open},
    {"appimage", {{8, 3, "AI\2"}}, NULL, appimage_open},
    {"qcow2", {{0, 4, "QFI\xfb"}}, NULL, qcow_open},
    {"vmdk", {{0, 4, "KDMV"}}, NULL, vmdk_open},
    {"vmdk-esx", {{0, 4, "COWD"}}, NULL, vmdk_cowd_open},
    {"vhd", {{0, 8, "conectix"}}, NULL, vhd_open},
    {"vhdx", {{0, 8, "vhdxfile"}}, NULL, vhdx_open},
    {"vdi", {{64, 4, "\x7f\x10\xda\xbe"}}, NULL, vdi_open},
    {"android-sparse", {{0, 4, "\x3a\xff\x26\xed"}}, NULL, androidsparse_open},
    {"uimage", {{0, 4, "\x27\x05\x19\x56"}}, NULL, firmware_uimage_open},
    {"trx", {{0, 4, "HDR0"}}, NULL, firmware_trx_open},
    {"android-boot", {{0, 8, "ANDROID!"}}, NULL, firmware_android_open},
    {"android-vendor-boot", {{0, 8, "VNDRBOOT"}}, NULL, firmware_vendor_open},
    {"initramfs", {{0, 6, "070701"}, {0, 6, "070702"}}, NULL, firmware_initramfs_open},
    {"wim", {{0, 8, "MSWIM\0\0"}}, NULL, wim_open},
    {"dmg", {{0}}, dmg_probe, dmg_open},
    {"image", {{0}}, known_probe, known_open},
    {0},
};

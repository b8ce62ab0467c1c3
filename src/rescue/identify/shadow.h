/* shadow — shadow copies (VSS) inside images of NTFS volumes and of disks with such volumes:
 * older states of files that Windows kept.
 *
 *     volume    offset 3 "NTFS    "; 0x1e00 the header of volume snapshots: GUID
 *               3808876b-c176-4e48-b7ae-04046e6cc752, u32 version 1, u32 record type 1,
 *               at 48 u64 offset of the catalogue, 0: there are none
 *     disk      MBR: 4 entries of 16 bytes at 446, u32 first sector at 8; GPT: "EFI PART" in
 *               sector 1, u64 sector of the entries at 72, u32 count at 80, u32 size at 84;
 * each has its first sector at 32
 *
 * Sources: libvshadow, "Volume Shadow Snapshot (VSS) format", section 3; UEFI 2.10, section 5.
 */
#pragma once
#include "rescue/source.h"

/* How many volumes with shadow copies begin in it. */
unsigned shadow_volumes(const struct source *source);

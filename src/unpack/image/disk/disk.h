/* disk — a virtual disk, however it is stored: small ones come out as one object, of larger
 * ones the files in their file systems. */
#pragma once
#include "unpack/image/source.h"

void disk_open(struct unpack *unpack, struct source *disk);

/* One open function for each way to store a disk; each is described at the head of its file. */
void qcow_open(struct unpack *unpack);
void vmdk_open(struct unpack *unpack);
void vmdk_cowd_open(struct unpack *unpack);
void vhd_open(struct unpack *unpack);
void vhdx_open(struct unpack *unpack);
void vdi_open(struct unpack *unpack);
void androidsparse_open(struct unpack *unpack);
void dmg_open(struct unpack *unpack);
/* Their mark is in the last bytes. */
bool dmg_probe(bytes data);

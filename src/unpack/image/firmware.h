/* firmware — images that are put into flash memory or loaded by a boot loader: a header, then
 * parts one after the other, which come out as they are. */
#pragma once
#include "unpack/unpack.h"

void firmware_uimage_open(struct unpack *unpack);
void firmware_trx_open(struct unpack *unpack);
void firmware_android_open(struct unpack *unpack);
void firmware_vendor_open(struct unpack *unpack);
/* What follows the first archive of an initramfs; its members are the cpio row's. */
void firmware_initramfs_open(struct unpack *unpack);

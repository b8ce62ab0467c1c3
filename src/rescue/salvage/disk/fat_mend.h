/* fat_mend — FAT file systems whose first sectors are lost, worked out from what is left: a
 * copy of the table, folders, and where files begin. */
#pragma once
#include "rescue/salvage/disk/fat_look.h"
#include "rescue/salvage/disk/mend.h"

/* Adds volumes that were not found by their boot sectors, and puts lost parts of tables back:
 * from the other copy, else as if files lay in one piece (mend->guessed). After the scan. */
void fat_mend(struct mend *mend, const struct fat_look *look);

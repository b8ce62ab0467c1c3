/* carve — files in a disk image whose tables are lost: by how they begin, in what no file that
 * was given back has used. */
#pragma once
#include "rescue/salvage/salvage.h"

/* After the files that have names. salvage->given is sorted here. Parts go to `folder`/carved,
 * named by where they begin. */
void carve_give(struct salvage *salvage, bytes folder);

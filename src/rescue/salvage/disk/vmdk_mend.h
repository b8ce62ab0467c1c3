/* vmdk_mend — sparse VMDK whose header is lost, worked out from one of its two grain
 * directories; lost parts of grain tables out of the other copy. */
#pragma once
#include "rescue/salvage/disk/mend.h"

/* False when there is no directory left: nothing was changed. */
bool vmdk_mend(struct mend *mend) MUST_USE;

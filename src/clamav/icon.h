/* icon — icons that programs are compared with (.idb). */
#pragma once
#include "clamav/clamav.h"

/* An .idb file begins: as in ClamAV it takes the place of those before it. */
void icon_begin(struct clamav *clamav);
/* 0 when the line was taken, refused or ignored (and counted); -ENOMEM. */
int icon_line(struct clamav *clamav, bytes line) MUST_USE;

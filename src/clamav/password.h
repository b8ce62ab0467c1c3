/* password — customary passwords of archives: .pwdb. */
#pragma once
#include "clamav/clamav.h"

/* One line. 0 when it was taken, refused or left out (and counted); -ENOMEM. */
int password_line(struct clamav *clamav, bytes line) MUST_USE;

/* member — signatures about files in containers by what the container says of them. */
#pragma once
#include "clamav/clamav.h"

/* One line of a .cdb file, or of a .zmd or .rmd file (by the file at work). 0 when it was
 * taken, refused or left out (and counted); -ENOMEM. */
int member_line(struct clamav *clamav, bytes line) MUST_USE;
int member_old_line(struct clamav *clamav, bytes line) MUST_USE;

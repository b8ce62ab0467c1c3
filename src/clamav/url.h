/* url — addresses in mails: .pdb, .wdb and .gdb. */
#pragma once
#include "clamav/clamav.h"

/* 0 when it was taken, refused or ignored (and counted); -ENOMEM. */
int url_line(struct clamav *clamav, bytes line) MUST_USE;

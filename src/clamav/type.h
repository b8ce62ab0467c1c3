/* type — types of files: .ftm. */
#pragma once
#include "clamav/clamav.h"

/* 0 when it was taken, refused or ignored (and counted); -ENOMEM. */
int type_line(struct clamav *clamav, bytes line) MUST_USE;

/* ignore — names of signatures that .ign and .ign2 files take out of use. */
#pragma once
#include "clamav/clamav.h"

/* Takes one line of an ignore list: `name`, `name:MD5 of the signature's line` (.ign2), or
 * `database:line:name` (.ign). 0 when it was taken or refused (and counted); -ENOMEM. */
int ignore_line(struct clamav *clamav, bytes line) MUST_USE;

/* Whether the signature of the line at work (clamav->text) is left out, and counts it so.
 * `name` is as the line has it; `.UNOFFICIAL` and `.{...}` at its end do not count. */
bool ignore_has(struct clamav *clamav, enum clamav_kind kind, bytes name);

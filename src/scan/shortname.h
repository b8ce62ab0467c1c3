/* shortname — the short name of what a file is, from its first bytes, for the external variable
 * `filetype` of community rules ("EXE", "ELF", "PDF", "GIF", "ZIP", "RTF", "MDMP" ...). */
#pragma once
#include "base/base.h"

/* Static text; "UNKNOWN" where nothing fits. */
const char *shortname_of(bytes data);

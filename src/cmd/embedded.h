/* embedded — the definitions that are linked into this program. */
#pragma once
#include "base/base.h"

/* A sealed ruleset, 64-byte aligned. */
bytes embedded_definitions(void);

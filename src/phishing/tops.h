/* tops — top level domains, in lower case. */
#pragma once
#include "base/base.h"

bool tops_has(const char *text, size_t len);
/* Of countries, also those that have no names. */
bool tops_has_country(const char *text, size_t len);

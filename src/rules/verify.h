/* verify — that no number in a ruleset file points outside it. */
#pragma once
#include "rules/ruleset.h"

/* 0, or -EBADMSG naming the first thing that is wrong. After this every index that scanning
 * uses is safe. Field numbers of modules and variables are checked where they are used, since
 * they depend on values. */
int ruleset_verify(const struct ruleset *set, struct why *why) MUST_USE;

/* rules — what the parts of libcandor share. Not installed. */
#pragma once
#include "candor.h"
#include "definitions/definitions.h"

struct candor_rules {
    struct definitions definitions;
};

/* Writes the reason, if anyone wants it, and returns the code. */
int candor_fail(struct candor_error *error, int code, const char *text);

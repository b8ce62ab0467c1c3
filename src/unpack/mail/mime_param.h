/* mime_param — parameters of header fields: RFC 2045 section 5.1, continued and coded as in
 * RFC 2231. */
#pragma once
#include "base/arena.h"

enum { MIME_PARAMS = 48 };

struct mime_param {
    bytes name;     /* without "*0*" */
    bytes value;    /* without quotes, escapes still in it */
    uint32_t index; /* of a continuation */
    bool continued, coded, quoted;
};

struct mime_params {
    struct mime_param at[MIME_PARAMS]; /* those after the 48th are left out */
    unsigned count;
};

/* Reads "text; name=value; ...", and skips (comments). */
void mime_params_read(bytes value, struct mime_params *ret);
/* One parameter's value, escapes taken out. */
bytes mime_param_plain(struct arena *arena, const struct mime_param *param);
/* The value of a parameter: its continuations put together, percent signs decoded; empty when
 * it is missing. The last of several wins. */
bytes mime_params_joined(struct arena *arena, const struct mime_params *params,
                         const char *name);

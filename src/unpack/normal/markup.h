/* markup — pages in the forms that signatures for HTML are about. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "unpack/normal/output.h"
#include "unpack/normal/script.h"

struct markup_views {
    struct output page;   /* tags and text without comments: "nocomment" */
    struct output words;  /* text without tags: "notags" */
    struct output script; /* scripts, read and written anew: "javascript" */
};

/* Room that the views of a page of `size` bytes need at most; scripts may need more. */
#define MARKUP_PAGE(size)  (2 * (size) + 4096)
#define MARKUP_WORDS(size) ((size) + 4096)

/* False: the budget or memory is used up; what there is by then has been written. */
bool markup_views(bytes page, struct arena *arena, struct budget *budget,
                  struct markup_views *views) MUST_USE;

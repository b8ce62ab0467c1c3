/* look — the hash of the picture that an object is, for signatures that ask: made once, and
 * only when one does. */
#pragma once
#include "filetype/filetype.h"
#include "picture/picture.h"

struct look {
    bytes data;
    enum filetype type; /* as by filetype_of */
    struct arena *arena;
    const volatile bool *stop;
    bool known; /* state and hash are set */
    enum picture_state state;
    uint64_t hash;
};

/* Another object; `arena` is lent, and given back after each call. */
void look_begin(struct look *look, bytes data, enum filetype type, struct arena *arena,
                const volatile bool *stop);
/* struct object_input's `picture`; `to` is a struct look. */
bool look_picture(void *to, uint64_t *ret);
/* What is to be said of a picture that was asked for and is not compared: NULL, nothing. */
const char *look_fault(const struct look *look);

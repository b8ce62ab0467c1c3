/* changes — whether something is still encrypting: directories and files are looked at twice,
 * and who holds files there open for writing is asked of /proc. Nothing is stopped or changed.
 */
#pragma once
#include "base/arena.h"

struct change_writer {
    int pid;
    char name[64];  /* as the kernel shows it; hostile */
    char file[256]; /* one that it has open for writing */
};

struct changes {
    uint32_t looked; /* places that were looked at twice */
    uint32_t changed;
    bytes sample; /* one that changed */
    VEC(struct change_writer) writer;
};

struct changes_look;

/* The first look begins empty. NULL: out of memory. */
struct changes_look *changes_look_new(struct arena *arena);
/* Remembers a place as it is now: those that were changed last are kept. */
void changes_look_add(struct changes_look *look, bytes path, int64_t size, int64_t seconds,
                      long nanoseconds);
/* The second look; and who writes below `roots`. */
void changes_look_again(const struct changes_look *look, const char *const *roots, int count,
                        struct changes *ret);

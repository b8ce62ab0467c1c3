/* magic — what libmagic, the library of file(1), says about bytes.
 *
 * The first question of a thread opens the system's magic database, a file of some megabytes: a
 * worker asks one before it gives up its rights. A build without libmagic knows no answers. */
#pragma once
#include "base/arena.h"

/* The description, as "ELF 64-bit LSB executable, ..." or, with `mime`, as "text/plain". A copy
 * in the arena; .at is NULL when there is no answer or no memory. */
bytes magic_describe(bytes object, bool mime, struct arena *arena);
/* Whether this build has libmagic. */
bool magic_known(void);

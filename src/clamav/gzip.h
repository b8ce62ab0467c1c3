/* gzip — one gzip member as a whole (RFC 1952), in containers and patches. */
#pragma once
#include "base/arena.h"

/* Unpacks `file`, all of it, into the arena. -EBADMSG, -ENOMEM. */
int gzip_inflate(bytes file, struct arena *arena, bytes *ret, struct why *why) MUST_USE;

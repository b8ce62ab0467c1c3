/* whole — all of some bytes to or from a place in a file, whatever interrupts. */
#pragma once
#include "base/base.h"

/* 0, or -errno (-EIO when nothing is taken and no error told). */
int whole_write(int fd, bytes data, uint64_t at) MUST_USE;
/* 0; -ENODATA when the file ends before; else -errno. */
int whole_read(int fd, uint8_t *to, size_t len, uint64_t at) MUST_USE;

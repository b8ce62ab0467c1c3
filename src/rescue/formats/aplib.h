/* aplib — aPLib (ibsensoftware.com), as LockBit packs file names with it. */
#pragma once
#include "base/base.h"

/* Unpacks at most `size` bytes into ret; how many, 0 when it is damaged or longer. */
size_t aplib_unpack(bytes packed, uint8_t *ret, size_t size);

/* iso — what ISO 9660 and UDF, which may describe the same files, share. */
#pragma once
#include "unpack/image/tree.h"

/* True when no file at that byte of the image, with that size, was shown before. */
bool iso_first(struct tree *tree, uint64_t at, uint64_t size);

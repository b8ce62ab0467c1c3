/* binhex — files of the Macintosh in texts: BinHex 4.0, RFC 1741. */
#pragma once
#include "unpack/unpack.h"

/* Hands out every file encoded in the text. True when there was one, or a stop. */
bool binhex_open_all(struct unpack *unpack, bytes text);
void binhex_open(struct unpack *unpack);

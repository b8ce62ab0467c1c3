/* apple — AppleSingle and AppleDouble: RFC 1740. */
#pragma once
#include "unpack/unpack.h"

void apple_open(struct unpack *unpack);

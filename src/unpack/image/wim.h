/* wim — Windows images: the files Windows is installed from. */
#pragma once
#include "unpack/unpack.h"

void wim_open(struct unpack *unpack);

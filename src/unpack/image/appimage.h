/* appimage — programs that carry their files in a squashfs behind them. */
#pragma once
#include "unpack/unpack.h"

void appimage_open(struct unpack *unpack);

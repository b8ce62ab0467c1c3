/* rtf — Rich Text Format: objects, pictures and other binary parts, and what fields name. */
#pragma once
#include "unpack/unpack.h"

void rtf_open(struct unpack *unpack);

/* yenc — files in texts as yEnc has them: yEnc draft 1.3 (2002). */
#pragma once
#include "unpack/unpack.h"

bool yenc_probe(bytes data);
/* Hands out every file encoded in the text. True when there was one, or a stop. */
bool yenc_open_all(struct unpack *unpack, bytes text);
void yenc_open(struct unpack *unpack);

/* text — what plain texts of any kind carry: base64, uuencode, BinHex, yEnc, scripts. */
#pragma once
#include "unpack/unpack.h"

/* True when the first bytes are a text's. */
bool text_probe(bytes data);
void text_open(struct unpack *unpack);
/* True when decoded bytes begin like a program, an archive or a document. */
bool text_carries(bytes head);

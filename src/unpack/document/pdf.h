/* pdf — portable documents: their streams, scripts, attachments and actions. */
#pragma once
#include "unpack/unpack.h"

bool pdf_probe(bytes data);
void pdf_open(struct unpack *unpack);

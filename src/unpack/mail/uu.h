/* uu — uuencode, xxencode and "begin-base64": POSIX.1-2017, uuencode. */
#pragma once
#include "unpack/unpack.h"

bool uu_probe(bytes data);
/* Hands out every file encoded in the text. True when there was one, or a stop. */
bool uu_open_all(struct unpack *unpack, bytes text);
void uu_open(struct unpack *unpack);

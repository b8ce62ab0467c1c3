/* slides — "PowerPoint Document" streams, [MS-PPT], and Hangul documents: compressed parts. */
#pragma once
#include "unpack/document/ole2.h"

/* Hands out the objects that are kept in the stream. False: return. */
bool slides_open(struct unpack *unpack, bytes path, bytes data) MUST_USE;

/* packed — a part of a document that is one compressed stream. */
#pragma once
#include "shim/stream.h"
#include "unpack/unpack.h"

/* Hands out what `data` decodes to; damage is noted as a gap of it. False: return. */
bool packed_child(struct unpack *unpack, bytes name, enum stream_kind kind,
                  bytes data) MUST_USE;

/* mime — mail messages: RFC 5322, RFC 2045 to 2047, RFC 2231, RFC 2557 (MHTML). */
#pragma once
#include "unpack/unpack.h"

bool mime_probe(bytes data);
void mime_open(struct unpack *unpack);

/* mbox — folders of messages: RFC 4155. */
#pragma once
#include "unpack/unpack.h"

bool mbox_probe(bytes data);
void mbox_open(struct unpack *unpack);

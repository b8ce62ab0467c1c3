/* cdraw — images of CDs with all bytes of their sectors. */
#pragma once
#include "unpack/unpack.h"

void cdraw_open(struct unpack *unpack);

/* sis — installers of Symbian: up to release 6, and version 9. */
#pragma once
#include "unpack/unpack.h"

void sis_open(struct unpack *unpack);
void sisx_open(struct unpack *unpack);

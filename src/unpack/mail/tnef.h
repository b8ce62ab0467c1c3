/* tnef — "winmail.dat" of Outlook and Exchange: [MS-OXTNEF]. */
#pragma once
#include "unpack/unpack.h"

void tnef_open(struct unpack *unpack);

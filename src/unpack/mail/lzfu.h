/* lzfu — compressed RTF of Outlook: [MS-OXRTFCP]. */
#pragma once
#include "unpack/unpack.h"

/* Decodes the whole of PidTagRtfCompressed to the child being written; damage is noted as a
 * gap of it. False: the examination has to stop. */
bool lzfu_put(struct unpack *unpack, bytes data) MUST_USE;

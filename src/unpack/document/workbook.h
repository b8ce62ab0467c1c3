/* workbook — Excel's binary workbooks, [MS-XLS]: decrypted, and what their macro sheets say. */
#pragma once
#include "unpack/unpack.h"

/* `data` is the stream Workbook or Book. Hands out, if it is encrypted, "PATH [decrypted]", and
 * "PATH.txt": sheets (and whether they are hidden), names, formulas, strings. False: return. */
bool workbook_open(struct unpack *unpack, bytes path, bytes data) MUST_USE;

/* names — what a file was called before it was encrypted. */
#pragma once
#include "base/base.h"

enum { NAMES_MAX = 256 }; /* with its NUL */

/* From what the file itself tells (`told`, hostile, may be empty), else from the name that it
 * has: without what ransomware puts before and behind names. Never empty, never with a slash,
 * never "." or "..". */
void names_original(bytes found, bytes told, char ret[NAMES_MAX]);
/* The name with " (recovered)" before its extension; from `number` 2 on " (recovered 2)".
 * False: it would be too long. */
bool names_other(const char *name, unsigned number, char ret[NAMES_MAX]) MUST_USE;
/* The name as the file systems of USB disks (FAT, exFAT, NTFS) take it: '_' for what may not be
 * in it. False: it is one already, or would be too long.
 * learn.microsoft.com/windows/win32/fileio/naming-a-file */
bool names_tame(const char *name, char ret[NAMES_MAX]) MUST_USE;

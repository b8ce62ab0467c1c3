/* vba — the source of macros, [MS-OVBA]: what a project's `dir` says of its modules, and the
 * compressed containers that the source lies in. */
#pragma once
#include "unpack/document/ole2.h"

/* Reads a project's `dir` stream and notes in the entries beside it where the modules' source
 * begins. Damage is noted as a gap; the source is then searched for. False: return. */
bool vba_project(struct ole2 *ole, uint32_t dir) MUST_USE;
/* Hands out the source in a stream as "PATH.bas": at the place that vba_project noted, or
 * wherever a compressed container begins with an attribute. False: return. */
bool vba_stream(struct ole2 *ole, uint32_t entry, bytes path, bytes data) MUST_USE;
/* Puts what a compressed container (2.4.1) holds into the child that is being written.
 * *ret_end: where the last chunk that could be read ends. False when there is damage before the
 * end. */
bool vba_decompress(struct unpack *unpack, bytes container, size_t *ret_end);

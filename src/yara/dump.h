/* dump — a module's tree as text, the way `yara -D` prints it.
 *
 * The members of a structure come last first, in the structures of an array or dict first
 * first, in arrays within these last first again, and so on: in YARA each copy of a structure
 * turns its list of members round. */
#pragma once
#include "yara/module.h"

typedef void dump_sink_fn(void *to, bytes text);

/* Writes the tree under `name`, with a newline at its end. The tree has been filled (see
 * object_fill_all). */
void dump_module(const char *name, const struct object *root, dump_sink_fn *sink, void *to);

/* object — what is embedded in documents the old way: OLE 1 objects and packaged files. */
#pragma once
#include "unpack/unpack.h"

/* The stream \1Ole10Native: hands out the file in it. `path` names what it lies in. False:
 * return. */
bool object_native(struct unpack *unpack, bytes path, bytes data) MUST_USE;
/* An OLE 1 object as in RTF: hands out its data by its class's name, and a packaged file by its
 * own. False: return. */
bool object_ole1(struct unpack *unpack, bytes data) MUST_USE;

/* fields — names and values in text of any kind: XML elements, JSON members, "name: value" and
 * "name = value", and what the names say the values are. */
#pragma once
#include "rescue/keys/reading.h"

/* Adds the keys that named values make. 0 or -ENOMEM. */
int fields_read(struct reading *reading, bytes text);

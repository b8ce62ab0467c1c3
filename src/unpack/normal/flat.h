/* flat — text without what does not matter to who reads it. */
#pragma once
#include "unpack/normal/output.h"

/* Lower case; white space becomes one blank; control characters and what is no ASCII are left
 * out. At most as long as `text`. */
void flat_text(bytes text, struct output *out);

/* pdf_filter — filters of PDF's streams: ISO 32000-1, 7.4. */
#pragma once
#include "unpack/unpack.h"

/* What a stream's bytes stand for, all of its filters undone: `raw` itself or kept (see
 * unpack_keep). Filters of images are left as they are. Damage and unknown filters are noted as
 * gaps of `name`, and what was decoded before is returned. */
bytes pdf_filter_undo(struct unpack *unpack, bytes name, bytes dict, bytes raw);
/* The dictionary's filters begin with one that says: not encrypted. */
bool pdf_filter_is_plain(bytes dict);

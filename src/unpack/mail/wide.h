/* wide — texts in UTF-16, UTF-32 and UTF-7 (RFC 2152), to UTF-8. */
#pragma once
#include "unpack/unpack.h"

/* With a byte order mark, or of ASCII characters with zeros between them. */
bool wide_probe(bytes data);
void wide_open(struct unpack *unpack);
/* True when `text` has the signs of a page's tags as UTF-7 writes them. */
bool wide_is_utf7(bytes text);
/* UTF-7 as a child; false: the examination has to stop. */
bool wide_put_utf7(struct unpack *unpack) MUST_USE;

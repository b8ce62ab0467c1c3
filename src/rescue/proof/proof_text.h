/* proof_text — what is text, for the kinds of file that are written in it. Private to this
 * folder. */
#pragma once
#include "rescue/proof/proof_reader.h"

/* Whether all of it is UTF-8 without control characters; else *ret_good is where it ends. */
bool proof_text_is_utf8(struct reader *reader, uint64_t *ret_good);

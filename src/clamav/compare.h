/* compare — subsignatures that are no bodies: numbers in the object, PCREs, pictures. */
#pragma once
#include "clamav/body.h"

/* Each fills *ret, or gives the reason for refusing it. `before`: the subsignatures already
 * read, `number` of them. Texts of reasons are static. */

/* `2(>>4#hb8#=0x1f,<9)` (docs.clamav.net, "Byte Compare Subsignatures"). */
const char *compare_number(struct draft *draft, bytes text, const struct subsignature *before,
                           uint32_t number, struct subsignature *ret);
/* `[offset:]trigger/pattern/flags` ("PCRE Subsignatures"). */
const char *compare_pcre(struct clamav *clamav, bytes text, enum target target,
                         struct subsignature *before, uint32_t number,
                         struct subsignature *ret);
/* `fuzzy_img#0123456789abcdef` ("Image Fuzzy Hash Subsignatures"). */
const char *compare_image(struct draft *draft, bytes text, struct subsignature *ret);

/* details — what contacts, appointments and tasks say beside their text, in words. */
#pragma once
#include "rescue/salvage/mail/letter.h"

/* Which properties of this store have the names that are looked for: it keeps them under
 * numbers of its own. Where the map of names is lost, they are left out. */
struct details_names {
    uint16_t ids[16]; /* by the order of details.c, 0: not known */
};

void details_open(struct details_names *names, struct tree *tree);
/* Lines "Phone: 123" at the head of a body, and an empty one; nothing for letters. */
bool details_put(const struct details_names *names, const struct heap *heap,
                 struct box_quoted *quoted) MUST_USE;

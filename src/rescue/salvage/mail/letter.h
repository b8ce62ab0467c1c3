/* letter — a message of a mail store as text of a mail box: headers, text,
 * HTML, attachments.
 *
 * Headers are those it came with, where it has them, else made of its
 * properties. What is lost is said where it was; in attachments it is zeros,
 * and a header of theirs says how much. */
#pragma once
#include "rescue/salvage/mail/box.h"
#include "rescue/salvage/mail/heap.h"

struct details_names;

struct letter {
    struct tree *tree; /* counts what is lost of it */
    struct box *box;
    const struct details_names *names;
    uint32_t nid;
    unsigned depth; /* of letters in letters */
    unsigned parts; /* multiparts so far, for names of their boundaries */
    bool any;       /* set: something was there to be written */
};

/* False: the sink wants no more. A letter of which not even the properties are
 * there is counted as lost, and nothing is written. */
bool letter_put(struct letter *letter, uint64_t data, uint64_t sub) MUST_USE;
/* The same of an attachment without its letter. */
bool letter_put_file(struct letter *letter, uint64_t data, uint64_t sub) MUST_USE;

/* links — the links of a page, or of a text that is read as one: where they lead, and what they
 * are shown as. As ClamAV 1.4 sees them in mails (docs.clamav.net, "Phishing Signatures"). */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "unpack/normal/markup_word.h"

enum links_place { LINKS_HREF, LINKS_IMAGE, LINKS_OTHER };

struct links_found {
    bytes value,
        text; /* the address in the tag; the text in between, or the address around it */
    enum links_place place;
};

/* What is found, and where reading is. */
struct links {
    struct arena *arena;
    VEC(struct links_found) found;
    bool failed;                              /* memory */
    struct markup_word title, action, dynsrc; /* of the tag that is read: the first of each */
    bool has_title, has_action, has_dynsrc;
    uint32_t inside; /* number of the link that is open, from 1; 0: none */
    bool begun;      /* its text goes on, from `begin` of the line */
    size_t begin;
    struct markup_word text; /* so far */
    bytes form;              /* where the form around leads; .at NULL: none */
};

struct markup;

/* Adds the links of `page`; without any, the addresses that stand in it. All in the arena.
 * False: memory or the budget is used up. */
bool links_read(bytes page, struct arena *arena, struct budget *budget,
                struct links *ret) MUST_USE;

/* --- called by markup, where it collects links --- */

/* A line begins; ends. */
void links_line(struct markup *markup);
void links_line_end(struct markup *markup);
/* A `<` that begins a tag, once it was read; a tag, once its attributes are read; an attribute
 * with a value. */
void links_mark(struct markup *markup);
void links_tag(struct markup *markup);
void links_value(struct markup *markup, bytes name, bytes value);

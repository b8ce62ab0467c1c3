/* phishing — what is wrong with a link: where it leads, and what its text says. The door of
 * this folder.
 *
 * As clamscan 1.4 does it (docs.clamav.net, "Phishing Signatures"; where that is silent, by
 * what it says of made-up mails: tests/oracle/phishing.py). Only links whose text names a host
 * in the lists are looked at, but for --alert-phishing-ssl and --alert-phishing-cloak. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "rules/ruleset.h"

enum { PHISHING_TEXT = 1024 }; /* bytes of an address that are kept */

/* Where an address stands. */
enum phishing_place {
    PHISHING_HREF,  /* a link: `to` is its target, `shown` its text */
    PHISHING_IMAGE, /* a picture */
    PHISHING_OTHER, /* a title, a form, a frame ... */
};

/* Both without NULs. Places but links have the address that the user sees as `to`. */
struct phishing_link {
    bytes to, shown;
    enum phishing_place place;
};

struct phishing;

/* The lists in a ruleset, for one thread. In `arena`; the ruleset must outlive it. NULL when it
 * has none, or memory is out (*ret_full). */
struct phishing *phishing_new(const struct ruleset *set, struct arena *arena, bool *ret_full);

/* What is asked for besides. */
enum phishing_option { PHISHING_SSL = 1, PHISHING_CLOAK = 2 };

/* What is wrong; URL_FINE for nothing. `arena` is given back. */
enum url_fault phishing_check(struct phishing *phishing, const struct phishing_link *link,
                              uint32_t options, struct arena *arena, struct budget *budget);

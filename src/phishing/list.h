/* list — the hosts and addresses of .pdb and .wdb files. */
#pragma once
#include "phishing/address.h"
#include "phishing/phishing.h"
#include "shim/pcre.h"

struct list_row {
    bytes text; /* with a `/` behind it */
    struct pcre *pcre;
};

struct list {
    const struct list_row *rows;
    uint32_t count;
};

/* What was shown before blanks went, and where the host is in what is left: a blank before a
 * listed host is as good as a dot. */
struct list_shown {
    const char *text;
    size_t host_from;
};

/* The rows of the two kinds. False: memory is out. */
bool list_make(const struct ruleset *set, enum url_kind host, enum url_kind pattern,
               struct arena *arena, struct list *ret);
/* Whether some row fits "to:shown/"; with `shown_host`, "to/", and *to gets the dot that a
 * blank stood for. A dot at the front of either does not count. */
bool list_fits(const struct list *list, struct address *to, const struct address *shown,
               const struct list_shown *shown_host, struct arena *arena, struct budget *budget);

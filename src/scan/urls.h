/* urls — the links of a mail's texts, compared with the lists of rulesets. */
#pragma once
#include "phishing/phishing.h"

/* Texts above this are not looked at: so does ClamAV. */
enum { URLS_MOST = 100 << 10 };

struct urls {
    struct phishing *phishing; /* NULL: the ruleset has no lists */
    uint32_t options;          /* of enum phishing_option */
};

/* What is wrong with links of `text`, each fault once: how many, the one that came up last
 * first, as ClamAV reports that one. The arena is given back. *ret_limit: not all links were
 * compared.
 */
uint32_t urls_check(const struct urls *urls, bytes text, struct arena *arena,
                    const volatile bool *stop, enum url_fault ret[URL_FAULTS], bool *ret_limit);

/* lookup — SHA-256 of addresses, of their hosts' ends and their paths' beginnings, among those
 * of .gdb files ("Performing Lookups" of Google's Safe Browsing, version 2). */
#pragma once
#include "phishing/address.h"
#include "phishing/phishing.h"

/* The rows of hashes, sorted. */
struct lookup {
    const struct ruleset_url **rows;
    uint32_t count;
    bytes texts;
};

/* False: memory is out. */
bool lookup_make(const struct ruleset *set, struct arena *arena, struct lookup *ret);
/* URL_FINE when it is not listed. *ret_address: it is an address with a scheme, as others are
 * not looked at any further. */
enum url_fault lookup_find(const struct lookup *lookup, const struct address *to,
                           bool *ret_address);

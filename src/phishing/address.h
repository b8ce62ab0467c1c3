/* address — an address on its way to a host. Texts here end in a NUL, are changed in place, and
 * have room for what may be put in front of them. */
#pragma once
#include "base/base.h"

enum { ADDRESS_MAX = 1024, ADDRESS_ROOM = ADDRESS_MAX + 16 };

struct address {
    char at[ADDRESS_ROOM];
};

/* At most ADDRESS_MAX bytes, up to a NUL. */
void address_set(struct address *address, bytes text);
/* Only such as can lead somewhere. `any`: with any scheme, and what is behind its top level
 * domain cut off. */
bool address_fits(struct address *address, bool any);
/* Scheme and host, in lower case, without blanks and what surrounds them; empty when nothing is
 * left. `before` (of what is shown only, else NULL): the same before blanks went. */
void address_clean(struct address *address, struct address *before);
/* "." and the host; false: there is none that counts. *mail: the target is a mailbox. `real`:
 * the target. ret_from and ret_to: where it stands. */
bool address_host(const struct address *address, bool real, bool *mail, struct address *ret,
                  size_t *ret_from, size_t *ret_to);
/* The part of a host that somebody registered. */
const char *address_domain(const struct address *host);
/* %xx to what they stand for, again and again, within [*from, *to): as ClamAV goes about it. */
void address_unescape(char *text, size_t *from, size_t *to);

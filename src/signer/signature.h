/* signature — a PKCS #7 SignedData (RFC 2315) as in programs ("Windows Authenticode Portable
 * Executable Signature Format", Microsoft 2008) and catalogues, verified as ClamAV 1.4 does. */
#pragma once
#include "signer/store.h"

struct signature {
    struct der from;   /* where it lies */
    bool is_catalogue; /* else it is a program's */
    const struct ruleset *set;
    int64_t now; /* seconds since 1970 */
    /* Called with each row of the ruleset that blocks a certificate in it; false ends it. */
    bool (*blocked)(void *to, uint32_t row);
    void *to;
};

/* Whether a trusted certificate made it: then *ret_content is what was signed. The store gains
 * the certificates that are vouched for. */
bool signature_verify(const struct signature *signature, struct store *store,
                      struct der *ret_content);

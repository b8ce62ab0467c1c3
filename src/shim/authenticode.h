/* authenticode — the signatures of a PE file, read and verified by OpenSSL.
 *
 * A signature is a PKCS #7 SignedData (RFC 2315) whose content names the digest of the file:
 * "Windows Authenticode Portable Executable Signature Format" (Microsoft, 2008). It may hold
 * further signatures and time stamps in its unauthenticated attributes. Says whether the
 * signatures are right in themselves and fit the file, as YARA 4.5 does; whether their
 * certificates are trusted is another question, which needs a list of whom to trust. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"

/* Texts have .at NULL when they are not there. */
struct authenticode_certificate {
    bytes thumbprint;      /* SHA-1 of the certificate, lower-case hex */
    bytes issuer, subject; /* "/C=.../O=.../CN=..." */
    bytes algorithm, algorithm_oid;
    bytes serial;                           /* "01:02:..."; none when longer than 20 bytes */
    int64_t version, not_before, not_after; /* from 1; seconds since 1970 */
};

struct authenticode_chain {
    const struct authenticode_certificate *at;
    uint32_t n;
};

struct authenticode_stamp {
    bool verified;
    int64_t time;
    bytes digest_name, digest;       /* "sha256", hex */
    struct authenticode_chain chain; /* the stamper's certificate first */
};

struct authenticode_signature {
    bool verified; /* and the file has the digest that was signed */
    bool has_signer;
    bytes digest_name, digest, file_digest;
    struct authenticode_chain certificates;
    bytes signer_program, signer_digest_name, signer_digest;
    struct authenticode_chain chain; /* the signer's certificate first */
    const struct authenticode_stamp *stamps;
    uint32_t stamp_count;
};

struct authenticode {
    const struct authenticode_signature *signatures;
    uint32_t count;
};

/* Reads what lies in a WIN_CERTIFICATE entry. file[0..count) are the parts of the file that
 * signatures cover, in order; count 0 when the file has no such parts: nothing verifies then.
 * All results are in the arena. What cannot be read is left out and is no error; -ENOMEM when
 * the arena is full. */
int authenticode_read(bytes pkcs7, const bytes *file, size_t count, struct arena *arena,
                      struct budget *budget, struct authenticode *ret) MUST_USE;

/* store — whom a program's signature may come from: certificates of databases (.crb), and what
 * was found to be vouched for by them. As in ClamAV 1.4. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "rules/ruleset.h"
#include "signer/certificate.h"

/* A public key operation, in steps. */
enum { STORE_STEPS_RSA = 1 << 14, STORE_CERTIFICATES = 4096 };

/* Certificates that are trusted; later ones are found first. */
struct store {
    struct arena *arena;
    struct budget *budget;
    VEC(struct certificate) trusted;
};

/* The database's certificates that are trusted, or all that are blocked. Their keys are views
 * into the ruleset. False when memory is out. */
bool store_fill(struct store *store, const struct ruleset *set) MUST_USE;
/* The row of the database that blocks a certificate; RULESET_NONE. Of several the last one. */
uint32_t store_blocks(const struct ruleset *set, const struct certificate *certificate);
/* Whether there is such a certificate already. `by_rule`: whether one of a database stands for
 * it, else one that is the same in all. */
bool store_has(const struct store *store, const struct certificate *certificate, bool by_rule);
/* Adds it, unless it is there. False when memory is out. */
bool store_add(struct store *store, const struct certificate *certificate) MUST_USE;
/* The trusted certificate that signed this one; NULL. */
const struct certificate *store_issuer(const struct store *store,
                                       const struct certificate *certificate);

/* What a signature names as its maker, and is made with: by a certificate for code, or for
 * times. NULL. */
struct store_query {
    const uint8_t *issuer, *serial; /* SHA-1 */
    bytes signature;
    enum digest_kind kind;
    const uint8_t *digest;
    bool is_time;
};
const struct certificate *store_signer(const struct store *store,
                                       const struct store_query *query);

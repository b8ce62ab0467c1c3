/* signer — whether a program's Authenticode signature makes it trusted, or comes from someone
 * who is blocked, by ClamAV's .crb and .cat files. The door of this folder.
 *
 * Trusted is a PE file whose signature is right, fits it, and leads to a certificate of the
 * database that may vouch for code; it must be valid now, or the signature have a time stamp of
 * when it was. So is one whose digest a trusted catalogue lists. Findings of signatures in it
 * are mistakes then. As clamscan 1.4. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "rules/ruleset.h"

enum { SIGNER_BLOCKED_MOST = 16 };

struct signer_verdict {
    bool trusted;
    uint32_t blocked[SIGNER_BLOCKED_MOST]; /* rows of the ruleset, each once */
    uint32_t blocked_count;
    bool cut; /* memory or the budget did not suffice */
};

/* `now`: seconds since 1970. The arena is given back. */
void signer_check(const struct ruleset *set, bytes program, int64_t now, struct arena *arena,
                  struct budget *budget, struct signer_verdict *ret);

/* A digest that a catalogue lists. */
struct signer_entry {
    uint32_t kind; /* CATALOGUE_PROGRAM, ... of enum catalogue_kind */
    bytes digest;
};

/* Someone whom those in `set` vouch for in a catalogue's certificates: a row without its texts.
 */
struct signer_vouched {
    struct ruleset_signer row;
    bytes key, exponent;
};

struct signer_list {
    const struct signer_entry *entries;
    uint32_t entry_count;
    const struct signer_vouched *vouched;
    uint32_t vouched_count;
};

/* Reads a catalogue, which must be made by someone that `set` trusts: what it lists, in the
 * arena, as views into the file. False when it is not, or malformed: no entries count then,
 * but what stands before the fault, as in clamscan. Those who are vouched for count anyway. */
bool signer_catalogue(const struct ruleset *set, bytes file, int64_t now, struct arena *arena,
                      struct budget *budget, struct signer_list *ret) MUST_USE;

#include "signer/store.h"

#include <string.h>

/* What a row of the database stands for. */
static struct certificate of_row(const struct ruleset *set, const struct ruleset_signer *row)
{
    struct certificate ret = {
        .any_serial = row->flags & SIGNER_ANY_SERIAL,
        .algorithm = (enum certificate_algorithm)row->algorithm,
        .modulus = bytes_slice(set->texts, row->key, row->key_length),
        .exponent = bytes_slice(set->texts, row->exponent, row->exponent_length),
        .not_before = row->not_before,
        .not_after = row->not_after,
        .signs_certificates = row->flags & SIGNER_CERTIFICATES,
        .signs_code = row->flags & SIGNER_CODE,
        .signs_times = row->flags & SIGNER_TIMES,
    };
    memcpy(ret.subject, row->subject, sizeof ret.subject);
    memcpy(ret.serial, row->serial, sizeof ret.serial);
    memcpy(ret.issuer, row->issuer, sizeof ret.issuer);
    return ret;
}

bool store_fill(struct store *store, const struct ruleset *set)
{
    for (uint32_t i = 0; i < set->signer_count; i++) {
        if (set->signers[i].flags & SIGNER_BLOCKED)
            continue;
        struct certificate one = of_row(set, &set->signers[i]);
        if (!store_add(store, &one))
            return false;
    }
    return true;
}

uint32_t store_blocks(const struct ruleset *set, const struct certificate *certificate)
{
    for (uint32_t i = set->signer_count; i-- > 0;) {
        const struct ruleset_signer *row = &set->signers[i];
        bytes key = bytes_slice(set->texts, row->key, row->key_length);
        if (row->flags & SIGNER_BLOCKED &&
            memcmp(row->subject, certificate->subject, sizeof row->subject) == 0 &&
            bytes_equal(key, certificate->modulus) &&
            (row->flags & SIGNER_ANY_SERIAL ||
             memcmp(row->serial, certificate->serial, sizeof row->serial) == 0))
            return i;
    }
    return RULESET_NONE;
}

static bool is_within(const struct certificate *one, const struct certificate *other)
{
    return one->not_before >= other->not_before && one->not_after <= other->not_after &&
           one->signs_certificates <= other->signs_certificates &&
           one->signs_code <= other->signs_code && one->signs_times <= other->signs_times &&
           memcmp(one->subject, other->subject, sizeof one->subject) == 0 &&
           bytes_equal(one->modulus, other->modulus);
}

static bool is_same(const struct certificate *one, const struct certificate *other)
{
    return one->algorithm == other->algorithm && one->any_serial == other->any_serial &&
           memcmp(one->issuer, other->issuer, sizeof one->issuer) == 0 &&
           bytes_equal(one->exponent, other->exponent);
}

bool store_has(const struct store *store, const struct certificate *certificate, bool by_rule)
{
    if (!budget_charge(store->budget, 1 + store->trusted.n))
        return false;
    for (uint32_t i = 0; i < store->trusted.n; i++) {
        const struct certificate *known = &store->trusted.at[i];
        bool fits = by_rule ? known->algorithm == SIGNED_ANY : is_same(certificate, known);
        if (fits &&
            (known->any_serial ||
             memcmp(certificate->serial, known->serial, sizeof known->serial) == 0) &&
            is_within(certificate, known))
            return true;
    }
    return false;
}

bool store_add(struct store *store, const struct certificate *certificate)
{
    if (store_has(store, certificate, false))
        return true;
    if (store->trusted.n == STORE_CERTIFICATES) {
        budget_hit(store->budget, LIMIT_MEMORY);
        return false;
    }
    struct certificate *slot = vec_push(store->arena, &store->trusted);
    if (slot)
        *slot = *certificate;
    return slot;
}

const struct certificate *store_issuer(const struct store *store,
                                       const struct certificate *certificate)
{
    const struct certificate *best = NULL;
    int most = 0;
    enum digest_kind kind;
    if (!certificate_kind(certificate->algorithm, &kind) ||
        !budget_charge(store->budget, 1 + store->trusted.n))
        return NULL;
    for (uint32_t i = store->trusted.n; i-- > 0;) {
        const struct certificate *by = &store->trusted.at[i];
        if (!by->signs_certificates ||
            memcmp(by->subject, certificate->issuer, sizeof by->subject) != 0 ||
            !budget_charge(store->budget, STORE_STEPS_RSA) ||
            !certificate_verify(by, certificate->signature, kind, certificate->digest))
            continue;
        if (certificate->signs_code <= by->signs_code &&
            certificate->signs_times <= by->signs_times)
            return by;
        int score = (certificate->signs_code && by->signs_code) +
                    (certificate->signs_times && by->signs_times);
        if (score > most) {
            best = by;
            most = score;
        }
    }
    return best;
}

const struct certificate *store_signer(const struct store *store,
                                       const struct store_query *query)
{
    if (query->signature.len < CERTIFICATE_KEY_LEAST ||
        query->signature.len > CERTIFICATE_KEY_MOST)
        return NULL;
    for (uint32_t i = store->trusted.n; i-- > 0;) {
        const struct certificate *by = &store->trusted.at[i];
        if ((query->is_time ? by->signs_times : by->signs_code) &&
            memcmp(by->issuer, query->issuer, sizeof by->issuer) == 0 &&
            memcmp(by->serial, query->serial, sizeof by->serial) == 0 &&
            budget_charge(store->budget, STORE_STEPS_RSA) &&
            certificate_verify(by, query->signature, query->kind, query->digest))
            return by;
    }
    return NULL;
}

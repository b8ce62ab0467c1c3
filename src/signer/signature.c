/* SEQUENCE { name, [0] SEQUENCE {
 *   1, SET OF digest, SEQUENCE { name, [0] SEQUENCE content }, [0] certificates, [1] revoked,
 *   SET OF SEQUENCE { 1, SEQUENCE { issuer, serial }, digest, [0] attributes, algorithm,
 *     OCTET STRING signature, [1] attributes } } }
 *
 * The first attributes hold the digest of the content, and are what is signed; the others may
 * hold a counter-signature of the signature, with a time. One signer, as in clamscan 1.4; of
 * nested signatures and time stamps by RFC 3161 it only looks at the frame. */
#include "signer/signature.h"

#include <string.h>

#define NAME(text) ((bytes){(const uint8_t *)(text), sizeof(text) - 1})

#define PKCS      "\x2a\x86\x48\x86\xf7\x0d\x01"
#define MICROSOFT "\x2b\x06\x01\x04\x01\x82\x37"

/* Attributes that count, as bits. */
enum { HAS_TYPE = 1, HAS_DIGEST = 2, HAS_TIME = 4 };

/* At work. */
struct reading {
    const struct signature *signature;
    struct store *store;
    struct der content;
    enum digest_kind kind;
    const struct certificate *signer;
};

/* What SignerInfo has in common with a counter-signature. */
struct maker {
    uint8_t issuer[CERTIFICATE_SHA], serial[CERTIFICATE_SHA];
    enum digest_kind kind;
    struct der_item attributes;
};

static bool sha_of(const struct der_item *item, uint8_t ret[CERTIFICATE_SHA])
{
    bytes content = der_content(item);
    return digest_parts(DIGEST_SHA1, &content, 1, ret);
}

/* Issuer and serial, digest, attributes. */
static bool read_maker(struct der *from, struct maker *ret)
{
    struct der_item who, issuer, serial;
    return der_take(from, DER_LIST, &who) && der_take(&who.in, DER_LIST, &issuer) &&
           der_take(&who.in, DER_INTEGER, &serial) && !who.in.left &&
           sha_of(&issuer, ret->issuer) && sha_of(&serial, ret->serial) &&
           certificate_digest(from, &ret->kind) && der_take(from, DER_PART, &ret->attributes) &&
           from->left;
}

/* Of the attributes, which are signed as a SET. */
static bool digest_attributes(const struct maker *maker, uint8_t ret[DIGEST_MAX])
{
    bytes whole = der_whole(&maker->attributes);
    const bytes parts[2] = {NAME("\x31"), bytes_slice(whole, 1, whole.len)};
    return digest_parts(maker->kind, parts, 2, ret);
}

/* Certificates that are trusted for the sake of a rule, then those that these vouch for. */
static bool trust_chain(struct reading *r, struct certificate *found, uint32_t count)
{
    bool *settled = PUSH_ARRAY(r->store->arena, bool, count);
    if (count && !settled)
        return false;
    for (uint32_t i = count; i-- > 0;) {
        settled[i] = store_has(r->store, &found[i], true);
        if (settled[i] && !store_add(r->store, &found[i]))
            return false;
    }
    for (uint32_t i = count; i-- > 0;) {
        if (settled[i])
            continue;
        settled[i] = store_has(r->store, &found[i], false);
        if (settled[i])
            continue;
        const struct certificate *by = store_issuer(r->store, &found[i]);
        if (!by)
            continue;
        found[i].signs_code &= by->signs_code;
        found[i].signs_times &= by->signs_times;
        settled[i] = true;
        if (!store_add(r->store, &found[i]))
            return false;
        i = count;
    }
    return true;
}

static bool is_twice(struct budget *budget, const struct certificate *found, uint32_t count,
                     const struct certificate *one)
{
    struct store store = {
        .budget = budget,
        .trusted = {.at = (struct certificate *)(uintptr_t)found, .n = count}};
    return store_has(&store, one, false);
}

/* False: nothing behind them counts. */
static bool read_certificates(struct reading *r, struct der_item *part)
{
    const struct signature *signature = r->signature;
    VEC(struct certificate) found = {0};
    struct certificate one;
    while (part->in.left) {
        enum certificate_state state = certificate_read(&part->in, &one);
        if (state == CERTIFICATE_BAD || !budget_charge(r->store->budget, 1024) ||
            found.n == STORE_CERTIFICATES)
            return false;
        if (state != CERTIFICATE_READ || is_twice(r->store->budget, found.at, found.n, &one))
            continue;
        struct certificate *slot = vec_push(r->store->arena, &found);
        if (!slot)
            return false;
        *slot = one;
    }
    for (uint32_t i = found.n; i-- > 0 && signature->blocked;) {
        uint32_t row = store_blocks(signature->set, &found.at[i]);
        if (row != RULESET_NONE && !signature->blocked(signature->to, row))
            return false;
    }
    return trust_chain(r, found.at, found.n);
}

/* The digest that an attribute holds. */
static bool has_digest(struct der *from, bytes digest)
{
    return der_expect(from, DER_BYTES, digest) && !from->left;
}

/* What a value of the attributes of a signature or counter-signature must be. */
struct expected {
    bytes types[2];
    bytes digest;
    int64_t first, last; /* of the time, of a counter-signature */
    uint32_t wanted;     /* of HAS_TYPE, ... */
};

static bool check_value(const struct expected *expected, uint32_t what, struct der *from)
{
    struct der again = *from;
    int64_t time;
    if (what == HAS_DIGEST)
        return has_digest(from, expected->digest);
    if (what == HAS_TIME)
        return der_time(from, &time) && !from->left && time >= expected->first &&
               time <= expected->last;
    return (der_expect(from, DER_NAME, expected->types[0]) && !from->left) ||
           (expected->types[1].len && der_expect(&again, DER_NAME, expected->types[1]) &&
            !again.left);
}

static bool check_attributes(const struct maker *maker, const struct expected *expected)
{
    struct der from = maker->attributes.in;
    uint32_t seen = 0;
    while (from.left) {
        struct der_item attribute, name, values;
        if (!der_take(&from, DER_LIST, &attribute) || !der_take(&attribute.in, DER_NAME, &name))
            return false;
        bytes text = der_content(&name);
        uint32_t what = bytes_equal(text, NAME(PKCS "\x09\x03"))   ? HAS_TYPE
                        : bytes_equal(text, NAME(PKCS "\x09\x04")) ? HAS_DIGEST
                        : bytes_equal(text, NAME(PKCS "\x09\x05")) ? HAS_TIME
                                                                   : 0;
        if (!(what & expected->wanted))
            continue;
        if (seen & what || !der_take(&attribute.in, DER_SET, &values) || attribute.in.left ||
            !check_value(expected, what, &values.in))
            return false;
        seen |= what;
    }
    return seen == expected->wanted;
}

/* A counter-signature of `message`. */
static bool check_stamp(struct reading *r, struct der *from, bytes message)
{
    struct der_item info, version, bits;
    struct maker maker;
    enum certificate_algorithm algorithm;
    uint8_t digest[DIGEST_MAX];
    if (!der_take(from, DER_LIST, &info) || !der_take(&info.in, DER_INTEGER, &version) ||
        version.in.left != 1 || version.in.file.at[version.in.at] > 1 ||
        !read_maker(&info.in, &maker) || !digest_parts(maker.kind, &message, 1, digest))
        return false;
    const struct expected expected = {
        .types = {NAME(PKCS "\x07\x01"), NAME(PKCS "\x09\x10\x01\x04")},
        .digest = {digest, digest_size(maker.kind)},
        .first = r->signer->not_before,
        .last = r->signer->not_after,
        .wanted = HAS_TYPE | HAS_DIGEST | HAS_TIME};
    enum digest_kind kind;
    if (!check_attributes(&maker, &expected) || !certificate_algorithm(&info.in, &algorithm) ||
        (algorithm != SIGNED_BARE &&
         (!certificate_kind(algorithm, &kind) || kind != maker.kind)) ||
        !der_take(&info.in, DER_BYTES, &bits) || bits.in.left > CERTIFICATE_KEY_MOST ||
        info.in.left || !digest_attributes(&maker, digest))
        return false;
    const struct store_query query = {maker.issuer, maker.serial, der_content(&bits),
                                      maker.kind,   digest,       true};
    return store_signer(r->store, &query);
}

static bool is_valid_now(const struct reading *r)
{
    return r->signature->now >= r->signer->not_before &&
           r->signature->now <= r->signer->not_after;
}

/* The attributes that are not signed. */
static bool check_others(struct reading *r, struct der *from, bytes message)
{
    struct der_item part;
    uint32_t seen = 0;
    if (!from->left)
        return is_valid_now(r);
    if (!der_take(from, DER_PART + 1, &part) || from->left)
        return false;
    while (part.in.left) {
        struct der_item attribute, name, values;
        if (!der_take(&part.in, DER_LIST, &attribute) ||
            !der_take(&attribute.in, DER_NAME, &name))
            return false;
        bytes text = der_content(&name);
        uint32_t what = bytes_equal(text, NAME(PKCS "\x09\x06"))            ? 1
                        : bytes_equal(text, NAME(MICROSOFT "\x02\x04\x01")) ? 2
                        : bytes_equal(text, NAME(MICROSOFT "\x03\x03\x01")) ? 4
                                                                            : 0;
        if (!what)
            continue;
        if (!der_take(&attribute.in, DER_SET, &values) || attribute.in.left || seen & what)
            return false;
        if (what == 1 && (!check_stamp(r, &values.in, message) || values.in.left))
            return false;
        seen |= what;
    }
    return seen & 1 || is_valid_now(r);
}

static bytes content_name(const struct reading *r)
{
    return r->signature->is_catalogue ? NAME(MICROSOFT "\x0a\x01")
                                      : NAME(MICROSOFT "\x02\x01\x04");
}

/* Content, certificates. */
static bool read_frame(struct reading *r, struct der *from)
{
    struct der_item set, info, part, list;
    if (!der_expect(from, DER_INTEGER, NAME("\x01")) || !der_take(from, DER_SET, &set) ||
        !certificate_digest(&set.in, &r->kind) || set.in.left ||
        !der_take(from, DER_LIST, &info) || !der_expect(&info.in, DER_NAME, content_name(r)) ||
        !der_take(&info.in, DER_PART, &part) || info.in.left ||
        !der_take(&part.in, DER_LIST, &list) || part.in.left)
        return false;
    r->content = list.in;
    return der_take(from, DER_PART, &part) && read_certificates(r, &part);
}

static bool check_signer(struct reading *r, struct der *from)
{
    struct der_item set, info, bits;
    struct maker maker;
    uint8_t digest[DIGEST_MAX];
    bytes content = bytes_slice(r->content.file, r->content.at, r->content.left);
    if (!der_next(from, &set) || (set.type == DER_PART + 1 && !der_next(from, &set)) ||
        set.type != DER_SET || from->left || !der_take(&set.in, DER_LIST, &info) ||
        set.in.left || !der_expect(&info.in, DER_INTEGER, NAME("\x01")) ||
        !read_maker(&info.in, &maker) || maker.kind != r->kind ||
        !digest_parts(r->kind, &content, 1, digest))
        return false;
    const struct expected expected = {.types = {content_name(r)},
                                      .digest = {digest, digest_size(r->kind)},
                                      .wanted = HAS_TYPE | HAS_DIGEST};
    if (!check_attributes(&maker, &expected) || !certificate_is_rsa(&info.in) ||
        !der_take(&info.in, DER_BYTES, &bits) || bits.in.left > CERTIFICATE_KEY_MOST ||
        !digest_attributes(&maker, digest))
        return false;
    const struct store_query query = {maker.issuer, maker.serial, der_content(&bits),
                                      maker.kind,   digest,       false};
    r->signer = store_signer(r->store, &query);
    return r->signer && check_others(r, &info.in, der_content(&bits));
}

bool signature_verify(const struct signature *signature, struct store *store,
                      struct der *ret_content)
{
    struct reading r = {.signature = signature, .store = store};
    struct der from = signature->from;
    struct der_item list, part, data;
    if (!der_take(&from, DER_LIST, &list) ||
        !der_expect(&list.in, DER_NAME, NAME(PKCS "\x07\x02")) ||
        !der_take(&list.in, DER_PART, &part) || list.in.left ||
        !der_take(&part.in, DER_LIST, &data) || part.in.left || !read_frame(&r, &data.in) ||
        !check_signer(&r, &data.in))
        return false;
    *ret_content = r.content;
    return true;
}

/* What a catalogue (.cat of Windows) signs, a CertTrustList:
 *
 *   SEQUENCE { name }, OCTET STRING, UTCTime, algorithm, SEQUENCE OF SEQUENCE {
 *     OCTET STRING tag, SET OF SEQUENCE { name, SET SEQUENCE {
 *       SEQUENCE { kind ... }, SEQUENCE { digest algorithm, OCTET STRING } } } }, ...
 *
 * Found out from clamscan 1.4: entries before a fault count. */
#include "signer/signature.h"
#include "signer/signer.h"

#include <string.h>

#define NAME(text) ((bytes){(const uint8_t *)(text), sizeof(text) - 1})

#define MICROSOFT "\x2b\x06\x01\x04\x01\x82\x37"

enum { ENTRIES_MOST = 1 << 20 };

struct entries {
    struct arena *arena;
    VEC(struct signer_entry) list;
};

/* SpcIndirectDataContent of a file. */
static bool read_indirect(struct der *from, struct entries *to)
{
    struct der_item data, name, info, value;
    enum digest_kind digest;
    uint32_t kind;
    if (!der_take(from, DER_LIST, &data) || !der_take(&data.in, DER_NAME, &name))
        return false;
    bytes text = der_content(&name);
    if (bytes_equal(text, NAME(MICROSOFT "\x02\x01\x0f")))
        kind = CATALOGUE_PROGRAM;
    else if (bytes_equal(text, NAME(MICROSOFT "\x02\x01\x19")))
        kind = CATALOGUE_CABINET;
    else
        return false;
    if (!der_take(from, DER_LIST, &info) || from->left ||
        !certificate_digest(&info.in, &digest) ||
        (digest != DIGEST_SHA1 && digest != DIGEST_SHA256) ||
        !der_take(&info.in, DER_BYTES, &value) || info.in.left ||
        value.in.left != digest_size(digest) || to->list.n == ENTRIES_MOST)
        return false;
    struct signer_entry *slot = vec_push(to->arena, &to->list);
    if (slot)
        *slot = (struct signer_entry){kind, der_content(&value)};
    return slot;
}

/* What is said of one file. */
static bool read_file(struct der *from, struct entries *to)
{
    struct der_item file, tag, set, one, name, value, list;
    if (!der_take(from, DER_LIST, &file) || !der_take(&file.in, DER_BYTES, &tag) ||
        !der_take(&file.in, DER_SET, &set) || file.in.left)
        return false;
    while (set.in.left) {
        if (!der_take(&set.in, DER_LIST, &one) || !der_take(&one.in, DER_NAME, &name))
            return false;
        if (!bytes_equal(der_content(&name), NAME(MICROSOFT "\x02\x01\x04")))
            continue;
        if (!der_take(&one.in, DER_SET, &value) || one.in.left ||
            !der_take(&value.in, DER_LIST, &list) || value.in.left ||
            !read_indirect(&list.in, to))
            return false;
    }
    return true;
}

static bool read_list(struct der content, struct entries *to, struct budget *budget)
{
    struct der_item item, list;
    if (!der_take(&content, DER_LIST, &item) ||
        !der_expect(&item.in, DER_NAME, NAME(MICROSOFT "\x0c\x01\x01")) || item.in.left ||
        !der_take(&content, DER_BYTES, &item) || !der_take(&content, DER_TIME, &item) ||
        !der_take(&content, DER_LIST, &item) || !der_take(&content, DER_LIST, &list))
        return false;
    while (list.in.left)
        if (!budget_charge(budget, 64) || !read_file(&list.in, to))
            return false;
    return true;
}

/* Whom the store holds beyond the first `known`. False when memory is out. */
static bool list_vouched(const struct store *store, uint32_t known, struct signer_list *ret)
{
    uint32_t count = store->trusted.n - known;
    struct signer_vouched *list = PUSH_ARRAY(store->arena, struct signer_vouched, count);
    if (!list)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct certificate *one = &store->trusted.at[known + i];
        struct ruleset_signer *row = &list[i].row;
        *row = (struct ruleset_signer){
            .flags = (one->signs_code ? SIGNER_CODE : 0U) |
                     (one->signs_times ? SIGNER_TIMES : 0U) |
                     (one->signs_certificates ? SIGNER_CERTIFICATES : 0U) |
                     (one->any_serial ? SIGNER_ANY_SERIAL : 0U),
            .algorithm = one->algorithm,
            .not_before = one->not_before,
            .not_after = one->not_after,
        };
        memcpy(row->subject, one->subject, sizeof row->subject);
        memcpy(row->serial, one->serial, sizeof row->serial);
        memcpy(row->issuer, one->issuer, sizeof row->issuer);
        list[i].key = one->modulus;
        list[i].exponent = one->exponent;
    }
    ret->vouched = list;
    ret->vouched_count = count;
    return true;
}

bool signer_catalogue(const struct ruleset *set, bytes file, int64_t now, struct arena *arena,
                      struct budget *budget, struct signer_list *ret)
{
    struct store store = {.arena = arena, .budget = budget};
    const struct signature signature = {
        .from = {file, 0, (uint32_t)file.len}, .is_catalogue = true, .set = set, .now = now};
    struct entries entries = {.arena = arena};
    struct der content;
    *ret = (struct signer_list){0};
    if (file.len > UINT32_MAX || !store_fill(&store, set))
        return false;
    uint32_t known = store.trusted.n;
    bool is_trusted = signature_verify(&signature, &store, &content);
    if (!list_vouched(&store, known, ret) || !is_trusted)
        return false;
    bool is_whole = read_list(content, &entries, budget);
    ret->entries = entries.list.at;
    ret->entry_count = entries.list.n;
    return is_whole || entries.list.n;
}

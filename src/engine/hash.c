#include "engine/hash.h"

#include "engine/hash_later.h"
#include "engine/place.h"
#include "match/hash/md5_lanes.h"
#include "shim/digest.h"

enum {
    FITTING = 16,    /* signatures of one digest that are reported */
    SECTIONS = 192,  /* that are looked at */
    STEP_BYTES = 16, /* of digests for a step of the budget */
    TOO_SMALL = 5,   /* files of so many bytes and less are nothing to clamscan 1.4 */
};

struct judging {
    struct scanner *scanner;
    const struct hashes *hashes;
    uint32_t start, count; /* findings of hash signatures: from start on */
    bool trusted;
    /* MD5 of several things is computed side by side. */
    struct md5_job jobs[SECTIONS + 1];
    enum hash_scope scopes[SECTIONS + 1];
    uint32_t job_count;
};

static enum digest_kind kind_of_digest(enum hash_digest digest)
{
    static const enum digest_kind kinds[HASH_DIGESTS] = {DIGEST_MD5, DIGEST_SHA1,
                                                         DIGEST_SHA256};

    return kinds[digest];
}

static void add_finding(struct judging *judging, uint32_t number)
{
    struct finding *findings = judging->scanner->findings;
    uint32_t rule = judging->scanner->set->rule_count + number;
    for (uint32_t i = judging->start; i < judging->count; i++)
        if (findings[i].rule == rule)
            return;
    if (judging->count - judging->start == HASH_FINDINGS)
        budget_hit(&judging->scanner->budget, LIMIT_MATCHES);
    else
        findings[judging->count++].rule = rule;
}

static void look_up(struct judging *judging, enum hash_scope scope, enum hash_digest digest,
                    uint64_t size, const uint8_t *value)
{
    uint32_t found[FITTING], n;
    if (hashes_find(judging->hashes, scope, digest, size, value, found, FITTING, &n) < 0) {
        budget_hit(&judging->scanner->budget, LIMIT_DAMAGED);
        return;
    }
    if (scope == HASH_TRUSTED)
        judging->trusted = judging->trusted || n;
    for (uint32_t i = 0; i < n && scope != HASH_TRUSTED; i++)
        add_finding(judging, found[i]);
}

static bool charge(struct judging *judging, uint64_t size)
{
    return budget_charge(&judging->scanner->budget, 64 + size / STEP_BYTES);
}

/* A file is asked for among the trusted ones too. */
static void look_up_all(struct judging *judging, enum hash_scope scope, enum hash_digest digest,
                        bytes data, const uint8_t *value)
{
    look_up(judging, scope, digest, data.len, value);
    if (scope == HASH_FILE)
        look_up(judging, HASH_TRUSTED, digest, data.len, value);
}

static bool is_put_off(const struct judging *judging, enum hash_scope scope, bytes data)
{
    struct hash_later *later = judging->scanner->options.later;
    bytes object = judging->scanner->object->blocks[0].data;
    return later && hash_later_add(later, object, data, scope);
}

/* Digests of `data` for which there could be signatures: SHA at once, MD5 later. */
static void judge_data(struct judging *judging, enum hash_scope scope, bytes data)
{
    for (int i = 0; i < HASH_DIGESTS; i++) {
        enum hash_digest digest = (enum hash_digest)i;
        uint8_t value[DIGEST_MAX];
        if (!hashes_wants(judging->hashes, scope, digest, data.len) &&
            !(scope == HASH_FILE &&
              hashes_wants(judging->hashes, HASH_TRUSTED, digest, data.len)))
            continue;
        if (!charge(judging, data.len))
            return;
        if (digest == HASH_MD5 && is_put_off(judging, scope, data))
            continue;
        if (digest == HASH_MD5) {
            judging->jobs[judging->job_count].data = data;
            judging->scopes[judging->job_count++] = scope;
        } else if (digest_parts(kind_of_digest(digest), &data, 1, value)) {
            look_up_all(judging, scope, digest, data, value);
        }
    }
}

static void judge_sections(struct judging *judging, bytes data)
{
    const struct place *place = place_of(judging->scanner);
    if (!place || !place->is_pe)
        return;
    for (uint32_t i = 0; i < place->pe.section_count; i++) {
        const struct pe_part *part = &place->pe.sections[i];
        if (i == SECTIONS) {
            budget_hit(&judging->scanner->budget, LIMIT_MATCHES);
            return;
        }
        if (part->size)
            judge_data(judging, HASH_SECTION, bytes_slice(data, part->offset, part->size));
    }
}

static void judge_imports(struct judging *judging)
{
    bool wanted[HASH_DIGESTS];
    struct hash_imports imports;
    for (int i = 0; i < HASH_DIGESTS; i++)
        wanted[i] = hashes_has(judging->hashes, HASH_IMPORTS, (enum hash_digest)i);
    if (!imphash_find(judging->scanner, wanted, &imports))
        return;
    for (int i = 0; i < HASH_DIGESTS; i++)
        if (wanted[i])
            look_up(judging, HASH_IMPORTS, (enum hash_digest)i, imports.length,
                    imports.value[i]);
}

static bool has_any(const struct hashes *hashes, enum hash_scope scope)
{
    return hashes_has(hashes, scope, HASH_MD5) || hashes_has(hashes, scope, HASH_SHA1) ||
           hashes_has(hashes, scope, HASH_SHA256);
}

static void judge_md5(struct judging *judging)
{
    md5_lanes(judging->jobs, judging->job_count);
    for (uint32_t i = 0; i < judging->job_count; i++)
        look_up_all(judging, judging->scopes[i], HASH_MD5, judging->jobs[i].data,
                    judging->jobs[i].digest);
}

void hash_judge(struct scanner *scanner, uint32_t *count, bool *ret_trusted)
{
    const struct object_input *object = scanner->object;
    const struct hashes *hashes = &scanner->set->hashes;
    *ret_trusted = false;
    if (!hashes->count || !(scanner->targets & TARGET_BIT(TARGET_ANY)) || object->is_process ||
        object->block_count != 1 || object->blocks[0].data.len <= TOO_SMALL)
        return;
    struct judging judging;
    judging.scanner = scanner;
    judging.hashes = hashes;
    judging.start = judging.count = *count;
    judging.trusted = false;
    judging.job_count = 0;
    bytes data = object->blocks[0].data;
    judge_data(&judging, HASH_FILE, data);
    bool is_pe = scanner->targets & TARGET_BIT(TARGET_PE);
    if (is_pe && has_any(hashes, HASH_SECTION))
        judge_sections(&judging, data);
    judge_md5(&judging);
    if (is_pe && has_any(hashes, HASH_IMPORTS))
        judge_imports(&judging);
    *count = judging.count;
    *ret_trusted = judging.trusted;
}

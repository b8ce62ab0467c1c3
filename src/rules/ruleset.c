#include "rules/ruleset.h"

#include "match/literals.h"
#include "match/pattern.h"
#include "rules/kind.h"
#include "rules/verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const size_t element_size[RULESET_SECTIONS] = {
    [SECTION_TEXTS] = 1,
    [SECTION_RULES] = sizeof(struct ruleset_rule),
    [SECTION_PATTERNS] = sizeof(struct ruleset_pattern),
    [SECTION_METAS] = sizeof(struct ruleset_meta),
    [SECTION_TAGS] = sizeof(uint32_t),
    [SECTION_NAMESPACES] = sizeof(uint32_t),
    [SECTION_EXTERNALS] = sizeof(struct ruleset_external),
    [SECTION_MODULES] = sizeof(struct ruleset_module),
    [SECTION_NODES] = sizeof(struct node),
    [SECTION_LINKS] = sizeof(uint32_t),
    [SECTION_PROGRAMS] = sizeof(struct ruleset_program),
    [SECTION_CODE] = 1,
    [SECTION_FILTERS] = sizeof(struct ruleset_filter),
    [SECTION_LITERALS] = 1,
    [SECTION_FILTERED] = sizeof(uint32_t),
    [SECTION_ANCHORS] = sizeof(struct ruleset_anchor),
    [SECTION_SUSPECTS] = sizeof(uint32_t),
    [SECTION_WAKES] = sizeof(uint32_t),
    [SECTION_KINDS] = sizeof(struct ruleset_kind),
    [SECTION_KIND_RULES] = sizeof(uint32_t),
    [SECTION_GATES] = sizeof(struct ruleset_gate),
    [SECTION_GLOBALS] = sizeof(uint32_t),
    [SECTION_HASHES] = 1,
    [SECTION_PASSWORDS] = sizeof(struct ruleset_password),
    [SECTION_TYPES] = sizeof(struct types_row),
    [SECTION_URLS] = sizeof(struct ruleset_url),
    [SECTION_ICONS] = sizeof(struct ruleset_icon),
    [SECTION_SIGNERS] = sizeof(struct ruleset_signer),
    [SECTION_CATALOGUE] = sizeof(struct ruleset_catalogued),
};

/* The file counts its elements in 64 bits; everything that indexes them has 32. */
static int section(bytes file, int number, bytes *ret, uint32_t *ret_count, struct why *why)
{
    const uint8_t *entry = file.at + RULESET_HEADER_SIZE + 16 * number;
    uint64_t offset = load_le64(entry), count = load_le64(entry + 8), size;
    if (offset % RULESET_ALIGN || __builtin_mul_overflow(count, element_size[number], &size) ||
        !bytes_has(file, offset, size) || (element_size[number] > 1 && count >= RULESET_NONE))
        return fail(why, EBADMSG, "section %d lies outside the ruleset", number);
    *ret = (bytes){file.at + offset, size};
    *ret_count = (uint32_t)count;
    return 0;
}

static uint64_t sum_blocks(bytes part, uint64_t hash)
{
    for (; part.len; part = bytes_slice(part, RULESET_BLOCK, SIZE_MAX))
        hash = hash64(bytes_slice(part, 0, RULESET_BLOCK), hash);
    return hash;
}

uint64_t ruleset_checksum(bytes file)
{
    const uint8_t *entry = file.at + RULESET_HEADER_SIZE + 16 * SECTION_HASHES;
    uint64_t from = load_le64(entry), size = load_le64(entry + 8);
    if (from < RULESET_HEADER_SIZE || !bytes_has(file, from, size)) {
        from = RULESET_HEADER_SIZE;
        size = 0;
    }
    uint64_t hash = sum_blocks(
        bytes_slice(file, RULESET_HEADER_SIZE, from - RULESET_HEADER_SIZE), RULESET_VERSION);
    return sum_blocks(bytes_slice(file, from + size, SIZE_MAX), hash);
}

static int open_header(bytes file, uint64_t fingerprint, struct why *why)
{
    const size_t front = RULESET_HEADER_SIZE + 16 * RULESET_SECTIONS;
    if (file.len < 8 || memcmp(file.at, RULESET_MAGIC, 8) != 0)
        return fail(why, EBADMSG, "not a ruleset (compile rules with 'candor defs compile')");
    if (file.len < front)
        return fail(why, EBADMSG, "the ruleset is cut short: %zu bytes", file.len);
    if ((uintptr_t)file.at % RULESET_ALIGN)
        return fail(why, EINVAL, "the ruleset does not lie on a 64-byte border");
    uint32_t version = load_le32(file.at + 8), sections = load_le32(file.at + 12);
    if (version != RULESET_VERSION || sections != RULESET_SECTIONS)
        return fail(why, EBADMSG, "ruleset layout %u is not the layout %d of this version",
                    version, RULESET_VERSION);
    if (load_le64(file.at + 16) != file.len)
        return fail(why, EBADMSG, "the ruleset says it has %llu bytes and has %zu",
                    (unsigned long long)load_le64(file.at + 16), file.len);
    if (load_le64(file.at + 32) != fingerprint)
        return fail(why, EBADMSG,
                    "the ruleset was compiled for other modules: compile it again");
    return 0;
}

int ruleset_undamaged(bytes file, struct why *why)
{
    return load_le64(file.at + 24) == ruleset_checksum(file)
               ? 0
               : fail(why, EBADMSG, "the ruleset is damaged: its checksum does not fit");
}

int ruleset_open(bytes file, uint64_t fingerprint, struct ruleset *ret, struct why *why)
{
    struct ruleset set;
    int error = ruleset_read(file, fingerprint, &set, why);
    if (!error)
        error = ruleset_undamaged(file, why);
    if (!error)
        error = ruleset_verify(&set, why);
    if (!error)
        *ret = set;
    return error;
}

static struct ruleset view_of(bytes file, const bytes part[RULESET_SECTIONS],
                              const uint32_t count[RULESET_SECTIONS])
{
    return (struct ruleset){
        .file = file,
        .targets = load_le32(file.at + 40),
        .texts = part[SECTION_TEXTS],
        .code = part[SECTION_CODE],
        .literals = part[SECTION_LITERALS],
        .rules = (const void *)part[SECTION_RULES].at,
        .patterns = (const void *)part[SECTION_PATTERNS].at,
        .metas = (const void *)part[SECTION_METAS].at,
        .tags = (const void *)part[SECTION_TAGS].at,
        .namespaces = (const void *)part[SECTION_NAMESPACES].at,
        .externals = (const void *)part[SECTION_EXTERNALS].at,
        .modules = (const void *)part[SECTION_MODULES].at,
        .nodes = (const void *)part[SECTION_NODES].at,
        .links = (const void *)part[SECTION_LINKS].at,
        .programs = (const void *)part[SECTION_PROGRAMS].at,
        .filters = (const void *)part[SECTION_FILTERS].at,
        .filtered = (const void *)part[SECTION_FILTERED].at,
        .anchors = (const void *)part[SECTION_ANCHORS].at,
        .suspects = (const void *)part[SECTION_SUSPECTS].at,
        .wakes = (const void *)part[SECTION_WAKES].at,
        .kinds = (const void *)part[SECTION_KINDS].at,
        .kind_rules = (const void *)part[SECTION_KIND_RULES].at,
        .gates = (const void *)part[SECTION_GATES].at,
        .globals = (const void *)part[SECTION_GLOBALS].at,
        .passwords = (const void *)part[SECTION_PASSWORDS].at,
        .types = (const void *)part[SECTION_TYPES].at,
        .urls = (const void *)part[SECTION_URLS].at,
        .icons = (const void *)part[SECTION_ICONS].at,
        .signers = (const void *)part[SECTION_SIGNERS].at,
        .catalogue = (const void *)part[SECTION_CATALOGUE].at,
        .rule_count = count[SECTION_RULES],
        .pattern_count = count[SECTION_PATTERNS],
        .meta_count = count[SECTION_METAS],
        .tag_count = count[SECTION_TAGS],
        .namespace_count = count[SECTION_NAMESPACES],
        .external_count = count[SECTION_EXTERNALS],
        .module_count = count[SECTION_MODULES],
        .node_count = count[SECTION_NODES],
        .link_count = count[SECTION_LINKS],
        .program_count = count[SECTION_PROGRAMS],
        .filter_count = count[SECTION_FILTERS],
        .filtered_count = count[SECTION_FILTERED],
        .anchor_count = count[SECTION_ANCHORS],
        .suspect_count = count[SECTION_SUSPECTS],
        .wake_count = count[SECTION_WAKES],
        .kind_rule_count = count[SECTION_KIND_RULES],
        .global_count = count[SECTION_GLOBALS],
        .password_count = count[SECTION_PASSWORDS],
        .type_count = count[SECTION_TYPES],
        .url_count = count[SECTION_URLS],
        .icon_count = count[SECTION_ICONS],
        .signer_count = count[SECTION_SIGNERS],
        .catalogue_count = count[SECTION_CATALOGUE],
    };
}

static int find_parts(bytes file, uint64_t fingerprint,
                      int (*open_hashes)(bytes table, struct hashes *ret, struct why *why),
                      struct ruleset *ret, struct why *why)
{
    bytes part[RULESET_SECTIONS];
    uint32_t count[RULESET_SECTIONS];
    int error = open_header(file, fingerprint, why);
    for (int i = 0; i < RULESET_SECTIONS && !error; i++)
        error = section(file, i, &part[i], &count[i], why);
    if (error)
        return error;
    struct ruleset set = view_of(file, part, count);
    if (count[SECTION_KINDS] != KINDS)
        return fail(why, EBADMSG, "the ruleset has %u kinds and not %d", count[SECTION_KINDS],
                    KINDS);
    if (count[SECTION_GATES] != set.rule_count)
        return fail(why, EBADMSG, "the ruleset has %u rules and %u gates", set.rule_count,
                    count[SECTION_GATES]);
    error = open_hashes(part[SECTION_HASHES], &set.hashes, why);
    if (error)
        return error;
    if (set.hashes.count > RULESET_NONE - set.rule_count)
        return fail(why, EBADMSG, "the ruleset has too many hash signatures");
    set.hash_count = set.hashes.count;
    *ret = set;
    return 0;
}

int ruleset_read(bytes file, uint64_t fingerprint, struct ruleset *ret, struct why *why)
{
    return find_parts(file, fingerprint, hashes_open, ret, why);
}

int ruleset_trust(bytes file, uint64_t fingerprint, struct ruleset *ret, struct why *why)
{
    return find_parts(file, fingerprint, hashes_trust, ret, why);
}

static void hash_label(const struct ruleset *set, uint32_t number, struct ruleset_label *ret)
{
    struct hash_label label;
    hashes_label(&set->hashes, number, &label);
    *ret = (struct ruleset_label){.name_space = label.source, .line = label.line};
    memcpy(ret->name, label.name, sizeof ret->name);
}

void ruleset_label(const struct ruleset *set, uint32_t number, struct ruleset_label *ret)
{
    if (number >= set->rule_count) {
        hash_label(set, number - set->rule_count, ret);
        return;
    }
    const struct ruleset_rule *rule = &set->rules[number];
    *ret = (struct ruleset_label){.rule = rule,
                                  .name_space =
                                      ruleset_text(set, set->namespaces[rule->name_space]),
                                  .line = rule->line};
    snprintf(ret->name, sizeof ret->name, "%s", ruleset_text(set, rule->name));
}

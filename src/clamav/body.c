/* body — body signatures (docs.clamav.net, "Body-based Signature Content Format"):
 *
 *   .ndb .ndu .sdb   name:target:offset:body[:min level[:max level]]
 *   .db              name=body        target 0, any offset */
#include "clamav/body.h"

#include "clamav/ignore.h"
#include "clamav/macro.h"

#include <errno.h>
#include <string.h>

/* Pattern names tell nothing here: one for all. */
#define NAME "$"

enum { TARGETS = TARGET_OTHER + 1 };

static int add_pattern(struct clamav *clamav, bytes hex, uint32_t flags, int64_t fixed,
                       uint32_t *ret, const char **ret_reason)
{
    struct pattern_source source = {.kind = PATTERN_CLAMAV, .flags = flags, .text = hex};
    struct pattern_code code;
    struct pattern_fault fault;
    int error = pattern_compile(&source, clamav->scratch, &code, &fault);
    if (error == -ENOMEM)
        return error;
    if (error) {
        *ret_reason = (const char *)arena_copy(clamav->scratch, bytes_of(fault.text)).at;
        return *ret_reason ? 0 : -ENOMEM;
    }
    uint32_t program = draft_program(clamav->draft, &code, 0, fixed);
    if (program == DRAFT_FULL)
        return -ENOMEM;
    *ret = draft_pattern(clamav->draft, bytes_of(NAME), flags, program);
    return *ret == DRAFT_FULL ? -ENOMEM : 0;
}

static bool is_plain(bytes hex)
{
    for (size_t i = 0; i < hex.len; i++)
        if (ascii_hex(hex.at[i]) < 0)
            return false;
    return true;
}

static uint32_t join(struct draft *draft, enum node_op op, uint32_t a, uint32_t b)
{
    uint32_t items[2] = {a, b};
    if (op == NODE_ADD)
        return draft_binary(draft, NODE_ADD, TYPE_INT, a, b);
    return draft_binary(draft, op, TYPE_BOOL, draft_links(draft, items, 2), 2);
}

int body_add(struct clamav *clamav, bytes hex, uint32_t flags, const struct offset *offset,
             bool counted, struct subsignature *ret, const char **ret_reason)
{
    struct draft *draft = clamav->draft;
    int64_t fixed = offset_constant(offset);
    uint32_t pattern[2] = {NODE_NONE, NODE_NONE};
    if (counted && offset->kind == OFFSET_ANY)
        flags |= PATTERN_TAILS; /* so ClamAV counts */
    bool both = (flags & PATTERN_ASCII) && (flags & PATTERN_WIDE) && !is_plain(hex);
    uint32_t first = both ? flags & ~(uint32_t)PATTERN_ASCII : flags;
    int error = add_pattern(clamav, hex, first, fixed, &pattern[0], ret_reason);
    if (!error && !*ret_reason && both)
        error = add_pattern(clamav, hex, flags & ~(uint32_t)PATTERN_WIDE, fixed, &pattern[1],
                            ret_reason);
    if (error || *ret_reason)
        return error;
    ret->pattern = both ? NODE_NONE : pattern[0];
    memcpy(ret->patterns, pattern, sizeof pattern);
    ret->count = NODE_NONE;
    ret->found = offset_found(draft, offset, pattern[0]);
    if (both)
        ret->found = join(draft, NODE_OR, ret->found, offset_found(draft, offset, pattern[1]));
    if (!counted)
        return 0;
    ret->count = offset_count(draft, offset, pattern[0]);
    if (both)
        ret->count = join(draft, NODE_ADD, ret->count, offset_count(draft, offset, pattern[1]));
    return 0;
}

bool body_begin(struct clamav *clamav, bytes name, enum target target, uint32_t flags)
{
    bytes label = clamav_label(clamav, name);
    if (!label.at)
        return false;
    uint32_t rule =
        draft_rule_begin(clamav->draft, label, clamav->name_space, RULE_SIGNATURE | flags);
    if (rule == DRAFT_FULL)
        return false;
    draft_rule_targets(clamav->draft, TARGET_BIT(target));
    draft_rule_line(clamav->draft, clamav->line);
    return true;
}

/* A rule of one body. A member of a group is found, but told to nobody. */
static int add_rule(struct clamav *clamav, bytes name, enum target target,
                    const struct offset *where, bytes hex)
{
    const struct offset anywhere = {.kind = OFFSET_ANY};
    bool is_member = where->kind == OFFSET_MACRO;
    const struct offset *offset = is_member ? &anywhere : where;
    struct subsignature body;
    const char *reason = NULL;
    if (!body_begin(clamav, name, target, is_member ? RULE_PRIVATE : 0))
        return -ENOMEM;
    int error = body_add(clamav, hex, 0, offset, false, &body, &reason);
    /* ClamAV looks for these in another way, which wants three bytes. */
    if (target <= TARGET_PE && hex.len < 6 && is_plain(hex) && !is_member)
        reason = "is shorter than three bytes";
    if (error)
        return error;
    if (reason) {
        draft_rule_drop(clamav->draft);
        clamav_refuse(clamav, CLAMAV_BODY, "%s", reason);
        return 0;
    }
    draft_rule_end(clamav->draft, body.found, 0);
    if (is_member) {
        draft_group_add(clamav->draft, macro_key(target, where->section), body.pattern);
        clamav->has_macros = true;
    }
    clamav->counts[CLAMAV_BODY].read++;
    return 0;
}

static bool read_target(bytes text, int64_t *ret)
{
    *ret = 0;
    return bytes_is(text, "*") || offset_number(text, ret);
}

int clamav_body_line(struct clamav *clamav, bytes line)
{
    bytes field[7] = {{NULL, 0}}, rest = line;
    uint32_t fields = 0;
    struct offset offset;
    int64_t target;
    bool valid;
    while (fields < COUNT(field) && bytes_cut(&rest, ':', &field[fields]))
        fields++;
    if (fields < 4 || fields > 6 || !field[0].len) {
        clamav_refuse(clamav, CLAMAV_BODY, "is not name:target:offset:body");
        return 0;
    }
    if (ignore_has(clamav, CLAMAV_BODY, field[0]))
        return 0;
    if (!clamav_level_fits(clamav, field[4], field[5], &valid)) {
        if (valid)
            clamav_leave_out(clamav, CLAMAV_BODY);
        else
            clamav_refuse(clamav, CLAMAV_BODY, "an engine level is no number");
        return 0;
    }
    if (!read_target(field[1], &target) || target >= TARGETS) {
        clamav_refuse(clamav, CLAMAV_BODY, "a target that is not known");
        return 0;
    }
    const char *reason = offset_read(field[2], (enum target)target, &offset);
    if (reason) {
        clamav_refuse(clamav, CLAMAV_BODY, "%s", reason);
        return 0;
    }
    return add_rule(clamav, field[0], (enum target)target, &offset, field[3]);
}

int clamav_old_line(struct clamav *clamav, bytes line)
{
    struct offset anywhere = {.kind = OFFSET_ANY};
    bytes name, rest = line;
    bool has_name = bytes_cut(&rest, '=', &name);
    if (!has_name || name.len == line.len || !name.len) {
        clamav_refuse(clamav, CLAMAV_BODY, "is not name=body");
        return 0;
    }
    if (ignore_has(clamav, CLAMAV_BODY, name))
        return 0;
    if (rest.len && rest.at[0] == '=') {
        clamav_leave_out(clamav, CLAMAV_BODY);
        return 0;
    }
    return add_rule(clamav, name, TARGET_ANY, &anywhere, rest);
}

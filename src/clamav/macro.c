#include "clamav/macro.h"

bool macro_is(bytes text)
{
    return text.len && text.at[0] == '$';
}

static bool read_mark(bytes *text, const char *mark)
{
    bytes head = bytes_of(mark);
    if (!bytes_equal(bytes_slice(*text, 0, head.len), head))
        return false;
    *text = bytes_slice(*text, head.len, text->len);
    return true;
}

/* What stands between the group's number and the last `$` ClamAV does not look at. */
const char *macro_read(bytes text, struct macro *ret)
{
    bytes rest = text;
    if (!text.len || text.at[text.len - 1] != '$' || !read_mark(&rest, "${") ||
        !offset_unsigned(&rest, &ret->min) || !read_mark(&rest, "-") ||
        !offset_unsigned(&rest, &ret->max) || !read_mark(&rest, "}") ||
        !offset_unsigned(&rest, &ret->group))
        return "a macro is malformed";
    if (ret->group >= OFFSET_GROUPS)
        return "a macro is of a group beyond 31";
    ret->min &= UINT16_MAX;
    ret->max &= UINT16_MAX;
    return NULL;
}

uint32_t macro_key(enum target target, uint32_t group)
{
    return (uint32_t)target * OFFSET_GROUPS + group;
}

void macro_follow(struct clamav *clamav, enum target target, const struct offset *offset,
                  const struct macro *macros, uint32_t count, struct subsignature *ret)
{
    struct draft *draft = clamav->draft;
    struct offset_group *groups = PUSH_ARRAY(clamav->scratch, struct offset_group, count);
    if (!groups) {
        draft->full = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        groups[i] =
            (struct offset_group){draft_group_node(draft, macro_key(target, macros[i].group)),
                                  macros[i].min, macros[i].max};
    struct offset_row row = {{ret->patterns[0], ret->patterns[1]}, groups, count};
    ret->count = offset_followed(draft, offset, &row, 0);
    for (uint32_t i = 1; i <= count; i++) {
        uint32_t often = offset_followed(draft, offset, &row, i);
        uint32_t items[2] = {
            ret->found, draft_binary(draft, NODE_GT, TYPE_BOOL, often, draft_int(draft, 0))};
        ret[i] = (struct subsignature){
            .found = draft_binary(draft, NODE_AND, TYPE_BOOL, draft_links(draft, items, 2), 2),
            .count = often,
            .pattern = NODE_NONE};
    }
}

/* description — docs.clamav.net, "Logical Signatures", TargetDescriptionBlock:
 *
 *   name ':' value ( ',' name ':' value )*     Engine first, Target never missing
 *
 * What clamscan 1.4 leaves out in silence (names and types it does not know) is refused. */
#include "clamav/description.h"

#include "clamav/offset.h"
#include "filetype/filetype.h"

#include <string.h>

enum { DESCRIPTION_MOST = 10, TYPES_MOST = 15, NEW_LEVEL = 51 };

struct attribute {
    bytes name, value;
};

static bool next(bytes *rest, struct attribute *ret)
{
    bytes item;
    if (!bytes_cut(rest, ',', &item))
        return false;
    bool has_name = bytes_find(item, bytes_of(":"), 0) != SIZE_MAX;
    ret->value = item;
    if (!has_name || !bytes_cut(&ret->value, ':', &ret->name))
        *ret = (struct attribute){item, {NULL, 0}};
    return true;
}

static bool read_range(bytes text, int64_t *low, int64_t *high)
{
    bytes rest = text, first;
    return bytes_cut(&rest, '-', &first) && first.len < text.len && offset_number(first, low) &&
           offset_number(rest, high);
}

static const char *check_types(bytes text)
{
    uint32_t count = 0;
    bytes rest = text, name;
    while (bytes_cut(&rest, '>', &name)) {
        if (filetype_named(name) == FILETYPES || filetype_named(name) == FILETYPE_ERROR)
            return "asks for a file type that is not known";
        if (++count > TYPES_MOST)
            return "asks for too many containers";
    }
    return count ? NULL : "an attribute is empty";
}

static const char *check_target(bytes value, struct description *ret)
{
    int64_t target;
    if (!offset_number(value, &target))
        return "a target is no number";
    if (target > TARGET_OTHER)
        return "a target that is not known";
    ret->target = (enum target)target;
    return NULL;
}

struct seen {
    bool target, modern, programs, icon;
    int64_t level;
};

static const char *check(struct clamav *clamav, const struct attribute *a, bool is_first,
                         struct description *ret, struct seen *seen)
{
    int64_t low = 0, high = 0;
    bool valid;
    if (bytes_is(a->name, "Target")) {
        seen->target = true;
        return check_target(a->value, ret);
    }
    bool is_range = bytes_is(a->name, "FileSize") || bytes_is(a->name, "EntryPoint") ||
                    bytes_is(a->name, "NumberOfSections");
    if (is_range || bytes_is(a->name, "Engine")) {
        bytes rest = a->value, first;
        if (!read_range(a->value, &low, &high))
            return "an attribute is no range";
        if (is_range) {
            seen->modern = true;
            seen->programs |= !bytes_is(a->name, "FileSize");
            return NULL;
        }
        seen->level = low;
        bytes_cut(&rest, '-', &first);
        ret->leave_out = !clamav_level_fits(clamav, first, rest, &valid);
        return is_first ? NULL : "Engine is not the first attribute";
    }
    seen->modern = true;
    if (bytes_is(a->name, "IconGroup1") || bytes_is(a->name, "IconGroup2")) {
        seen->icon = true;
        return NULL;
    }
    if (bytes_is(a->name, "Container") || bytes_is(a->name, "Intermediates"))
        return check_types(a->value);
    if (bytes_is(a->name, "HandlerType"))
        return bytes_find(a->value, bytes_of(">"), 0) == SIZE_MAX ? check_types(a->value)
                                                                  : "asks for several handlers";
    return "asks for an attribute that is not known";
}

const char *description_read(struct clamav *clamav, bytes text, struct description *ret)
{
    struct seen seen = {.level = 0};
    struct attribute a;
    uint32_t count = 0;
    bytes rest = text;
    *ret = (struct description){.target = TARGET_ANY};
    while (next(&rest, &a)) {
        if (count == DESCRIPTION_MOST)
            return "has too many attributes";
        const char *reason = check(clamav, &a, !count++, ret, &seen);
        if (reason)
            return reason;
    }
    if (!seen.target)
        return "has no target";
    if (seen.modern && seen.level < NEW_LEVEL)
        return "asks for more than its engine level has";
    if (seen.icon && ret->target != TARGET_PE)
        return "asks for an icon of what is no PE file";
    if (seen.programs && ret->target != TARGET_PE && ret->target != TARGET_ELF &&
        ret->target != TARGET_MACHO)
        return "asks for sections of what is no program";
    return NULL;
}

static void add(struct description *ret, uint32_t node)
{
    if (ret->count < DESCRIPTION_NODES)
        ret->nodes[ret->count++] = node;
}

static void add_range(struct clamav *clamav, struct node of, bytes value,
                      struct description *ret)
{
    struct draft *draft = clamav->draft;
    int64_t low = 0, high = 0;
    if (!read_range(value, &low, &high))
        return;
    uint32_t node = draft_node(draft, of), items[2];
    items[0] = draft_binary(draft, NODE_GE, TYPE_BOOL, node, draft_int(draft, low));
    items[1] = draft_binary(draft, NODE_LE, TYPE_BOOL, node, draft_int(draft, high));
    add(ret, items[0]);
    add(ret, items[1]);
}

static int innermost_last(uint32_t types[TYPES_MOST], bytes text)
{
    uint32_t named[TYPES_MOST];
    int count = 0, any = 0, n = 0;
    bytes rest = text, name;
    while (n + any < TYPES_MOST && bytes_cut(&rest, '>', &name)) {
        uint32_t type = filetype_named(name);
        if (type == FILETYPE_ANY)
            any++;
        else
            named[n++] = type;
    }
    /* ClamAV passes over an `any` without a step outward: it only asks for more depth. */
    for (; count < any; count++)
        types[count] = FILETYPE_ANY;
    for (int i = 0; i < n; i++)
        types[count++] = named[i];
    return count;
}

static void add_within(struct clamav *clamav, bytes value, struct description *ret)
{
    uint32_t types[TYPES_MOST];
    uint32_t count = (uint32_t)innermost_last(types, value);
    struct node node = {.op = NODE_WITHIN,
                        .type = TYPE_BOOL,
                        .a = draft_links(clamav->draft, types, count),
                        .b = count};
    add(ret, draft_node(clamav->draft, node));
}

/* Two attributes, one question. */
static void add_icon(struct clamav *clamav, const bytes groups[2], struct description *ret)
{
    struct draft *draft = clamav->draft;
    struct node node = {.op = NODE_ICON, .type = TYPE_BOOL};
    node.a = draft_text(draft, groups[0].at ? groups[0] : bytes_of("*"));
    node.b = draft_text(draft, groups[1].at ? groups[1] : bytes_of("*"));
    add(ret, draft_node(draft, node));
}

void description_nodes(struct clamav *clamav, bytes text, struct description *ret)
{
    struct node place = {.op = NODE_PLACE, .type = TYPE_INT};
    struct node handler = {.op = NODE_HANDLER, .type = TYPE_BOOL};
    struct attribute a;
    bytes rest = text, groups[2] = {{0}};
    while (next(&rest, &a)) {
        if (bytes_is(a.name, "FileSize")) {
            add_range(clamav, (struct node){.op = NODE_FILESIZE, .type = TYPE_INT}, a.value,
                      ret);
        } else if (bytes_is(a.name, "EntryPoint")) {
            place.aux = PLACE_ENTRY;
            add_range(clamav, place, a.value, ret);
        } else if (bytes_is(a.name, "NumberOfSections")) {
            place.aux = PLACE_SECTION_COUNT;
            add_range(clamav, place, a.value, ret);
        } else if (bytes_is(a.name, "Container") || bytes_is(a.name, "Intermediates")) {
            add_within(clamav, a.value, ret);
        } else if (bytes_is(a.name, "IconGroup1") || bytes_is(a.name, "IconGroup2")) {
            groups[a.name.at[a.name.len - 1] == '2'] = a.value;
        } else if (bytes_is(a.name, "HandlerType")) {
            handler.a = filetype_named(a.value);
        }
    }
    if (groups[0].at || groups[1].at)
        add_icon(clamav, groups, ret);
    if (handler.a)
        add(ret, draft_node(clamav->draft, handler));
}

/* logical — logical signatures (docs.clamav.net, "Logical Signatures"):
 *
 *   name ';' attributes ';' expression ( ';' subsignature )*       at most 64
 *
 *   subsignature:  [offset ':'] body [':' ':' modifiers]
 *                  [offset ':'] trigger '/' PCRE '/' flags
 *                  number '(' where '#' what '#' comparisons ')'
 *                  '${' min '-' max '}' group '$'
 *                  'fuzzy_img#' hash
 *
 * A `;` or `:` between the slashes of a PCRE does not separate. */
#include "clamav/compare.h"
#include "clamav/description.h"
#include "clamav/logic.h"

#include "clamav/ignore.h"
#include "clamav/macro.h"

#include <errno.h>
#include <string.h>

enum { FIELDS_MOST = LOGIC_SUBSIGNATURES + 4, BEFORE = 3 };

struct logical {
    struct clamav *clamav;
    bytes field[FIELDS_MOST]; /* name, attributes, expression, subsignatures */
    uint32_t fields;
    struct description description;
    uint64_t counted;
    struct subsignature subs[LOGIC_SUBSIGNATURES];
    struct macro macros[LOGIC_SUBSIGNATURES];
    uint32_t settled; /* subsignatures before this one that are macros are settled */
    const char *reason;
};

/* Splits at `mark`, not inside of slashes from field `from` on. Number of fields; those beyond
 * `room` are counted and not kept. */
static uint32_t split(bytes text, uint8_t mark, uint32_t from, bytes *ret, uint32_t room)
{
    uint32_t count = 0;
    size_t start = 0;
    bool quoted = false;
    if (text.at && !memchr(text.at, '/', text.len)) {
        bytes part;
        for (; bytes_cut(&text, (char)mark, &part); count++)
            if (count < room)
                ret[count] = part;
        return count;
    }
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && (quoted || text.at[i] != mark)) {
            if (count >= from && text.at[i] == '/' && i && text.at[i - 1] != '\\')
                quoted = !quoted;
            continue;
        }
        if (count < room)
            ret[count] = bytes_slice(text, start, i - start);
        count++;
        start = i + 1;
    }
    return count;
}

static const char *read_modifiers(bytes text, uint32_t *flags)
{
    for (size_t i = 0; i < text.len; i++)
        switch (text.at[i]) {
        case 'i':
            *flags |= PATTERN_NOCASE;
            break;
        case 'f':
            *flags |= PATTERN_FULLWORD;
            break;
        case 'w':
            *flags |= PATTERN_WIDE;
            break;
        case 'a':
            *flags |= PATTERN_ASCII;
            break;
        default:
            return "has a modifier that is not known";
        }
    return NULL;
}

static void read_macros(struct logical *l)
{
    for (uint32_t i = 0; i + BEFORE < l->fields && !l->reason; i++)
        if (macro_is(l->field[BEFORE + i]))
            l->reason = macro_read(l->field[BEFORE + i], &l->macros[i]);
}

static uint32_t macros_behind(const struct logical *l, uint32_t number)
{
    uint32_t count = 0;
    while (number + 1 + count + BEFORE < l->fields &&
           macro_is(l->field[BEFORE + number + 1 + count]))
        count++;
    return count;
}

static int add_body(struct logical *l, bytes text, uint32_t number)
{
    struct offset offset = {.kind = OFFSET_ANY};
    bytes part[5];
    uint32_t parts = split(text, ':', 0, part, COUNT(part)), flags = 0;
    bool has_offset = parts < COUNT(part) && parts % 2 == 0;
    /* Behind five colons and more ClamAV takes the first part, without modifiers. */
    if (parts == 3 || parts == 4)
        l->reason = read_modifiers(part[parts - 1], &flags);
    if (!l->reason && has_offset)
        l->reason = offset_read(part[0], l->description.target, &offset);
    if (l->reason)
        return 0;
    uint32_t macros = macros_behind(l, number);
    bool counted = !macros && l->counted >> number & 1;
    int error = body_add(l->clamav, part[has_offset], flags, &offset, counted, &l->subs[number],
                         &l->reason);
    if (error || l->reason || !macros)
        return error;
    if (offset.kind == OFFSET_VERSION)
        l->reason = "a macro follows a version's text";
    else
        macro_follow(l->clamav, l->description.target, &offset, &l->macros[number + 1], macros,
                     &l->subs[number]);
    l->settled = number + 1 + macros;
    return 0;
}

/* The body before it has settled what it is. As the first one ClamAV takes it, and never finds
 * it. */
static void add_macro(struct logical *l, uint32_t number)
{
    l->clamav->has_macros = true;
    if (number < l->settled)
        return;
    if (number)
        l->reason = "a macro follows what is no body";
    else
        l->subs[0] = (struct subsignature){.found = draft_bool(l->clamav->draft, false),
                                           .count = draft_int(l->clamav->draft, 0),
                                           .pattern = NODE_NONE};
}

static int add_subsignature(struct logical *l, uint32_t number)
{
    struct draft *draft = l->clamav->draft;
    bytes text = l->field[BEFORE + number];
    struct subsignature *ret = &l->subs[number];
    size_t hash = bytes_find(text, bytes_of("#"), 0);
    if (macro_is(text))
        add_macro(l, number);
    else if (bytes_find(text, bytes_of("/"), 0) != SIZE_MAX)
        l->reason = compare_pcre(l->clamav, text, l->description.target, l->subs, number, ret);
    else if (hash != SIZE_MAX && bytes_find(text, bytes_of("("), 0) != SIZE_MAX)
        l->reason = compare_number(draft, text, l->subs, number, ret);
    else if (hash != SIZE_MAX && bytes_is(bytes_slice(text, 0, hash), "fuzzy_img"))
        l->reason = compare_image(draft, text, ret);
    else
        return add_body(l, text, number);
    return 0;
}

/* Triggers of PCREs count, too. */
static void note_triggers(struct logical *l)
{
    for (uint32_t i = BEFORE; i < l->fields; i++) {
        bytes text = l->field[i];
        size_t slash = bytes_find(text, bytes_of("/"), 0);
        if (slash == SIZE_MAX)
            continue;
        size_t colon = bytes_find(bytes_slice(text, 0, slash), bytes_of(":"), 0);
        size_t from = colon == SIZE_MAX ? 0 : colon + 1;
        uint32_t most;
        uint64_t counted;
        if (logic_read(bytes_slice(text, from, slash - from), l->clamav->scratch, &most,
                       &counted))
            l->counted |= counted;
    }
}

static int add_condition(struct logical *l, struct logic *logic)
{
    struct draft *draft = l->clamav->draft;
    for (uint32_t i = 0; i + BEFORE < l->fields; i++) {
        int error = add_subsignature(l, i);
        if (error || l->reason)
            return error;
    }
    uint32_t condition = logic_node(draft, l->clamav->scratch, logic, l->subs);
    description_nodes(l->clamav, l->field[1], &l->description);
    if (l->description.count) {
        uint32_t items[DESCRIPTION_NODES + 1], count = l->description.count;
        memcpy(items, l->description.nodes, count * sizeof *items);
        items[count++] = condition;
        condition =
            draft_binary(draft, NODE_AND, TYPE_BOOL, draft_links(draft, items, count), count);
    }
    draft_rule_end(draft, condition, 0);
    return draft->full ? -ENOMEM : 0;
}

static void refuse(struct logical *l)
{
    clamav_refuse(l->clamav, CLAMAV_LOGICAL, "%s", l->reason);
}

int clamav_logical_line(struct clamav *clamav, bytes line)
{
    struct logical *l = PUSH(clamav->scratch, struct logical);
    uint32_t most;
    if (!l)
        return -ENOMEM;
    l->clamav = clamav;
    l->fields = split(line, ';', 2, l->field, FIELDS_MOST);
    if (l->fields <= BEFORE || !l->field[0].len) {
        clamav_refuse(clamav, CLAMAV_LOGICAL, "is not name;attributes;expression;body");
        return 0;
    }
    if (ignore_has(clamav, CLAMAV_LOGICAL, l->field[0]))
        return 0;
    l->reason = description_read(clamav, l->field[1], &l->description);
    struct logic *logic =
        l->reason ? NULL : logic_read(l->field[2], clamav->scratch, &most, &l->counted);
    if (!l->reason && l->description.leave_out) {
        clamav_leave_out(clamav, CLAMAV_LOGICAL);
        return 0;
    }
    if (!l->reason && !logic)
        l->reason = "has an expression that is not understood";
    if (!l->reason && most + 1 != l->fields - BEFORE)
        l->reason = "has other subsignatures than its expression names";
    if (!l->reason)
        read_macros(l);
    if (l->reason) {
        refuse(l);
        return 0;
    }
    note_triggers(l);
    if (!body_begin(clamav, l->field[0], l->description.target, 0))
        return -ENOMEM;
    int error = add_condition(l, logic);
    if (error)
        return error;
    if (l->reason) {
        draft_rule_drop(clamav->draft);
        refuse(l);
        return 0;
    }
    clamav->counts[CLAMAV_LOGICAL].read++;
    return 0;
}

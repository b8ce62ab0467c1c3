#include "clamav/offset.h"

#define MOST INT32_MAX

enum { OFFSET_LENGTH = 64 };

bool offset_number(bytes text, int64_t *ret)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        if (value < MOST)
            value = value * 10 + (text.at[i] - '0');
    }
    *ret = value > MOST ? MOST : value;
    return true;
}

bool offset_unsigned(bytes *text, uint32_t *ret)
{
    size_t at = 0;
    uint64_t value = 0;
    while (at < text->len &&
           (text->at[at] == ' ' || (text->at[at] >= '\t' && text->at[at] <= '\r')))
        at++;
    bool negative = at < text->len && text->at[at] == '-';
    if (at < text->len && (text->at[at] == '-' || text->at[at] == '+'))
        at++;
    size_t digits = at;
    for (; at < text->len && text->at[at] >= '0' && text->at[at] <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text->at[at] - '0'), &value))
            value = UINT64_MAX;
    *ret = (uint32_t)(negative && value != UINT64_MAX ? 0 - value : value);
    *text = bytes_slice(*text, at, text->len);
    return at > digits;
}

static bool starts(bytes text, const char *with, bytes *rest)
{
    bytes head = bytes_of(with);
    if (!bytes_equal(bytes_slice(text, 0, head.len), head))
        return false;
    *rest = bytes_slice(text, head.len, text.len);
    return true;
}

/* Behind the S: `Ex`, `L+n`, `x+n`. */
static bool read_section(bytes rest, struct offset *ret)
{
    bytes number;
    int64_t section = 0;
    if (starts(rest, "E", &number)) {
        ret->kind = OFFSET_SECTION;
        if (!offset_number(number, &section))
            return false;
        ret->section = (uint32_t)section;
        return true;
    }
    ret->kind = OFFSET_PLACE;
    if (starts(rest, "L+", &number)) {
        ret->place = PLACE_LAST_SECTION;
        return offset_number(number, &ret->at);
    }
    ret->place = PLACE_SECTION;
    if (!bytes_cut(&rest, '+', &number) || !number.len || !rest.len ||
        !offset_number(number, &section))
        return false;
    ret->section = (uint32_t)section;
    return offset_number(rest, &ret->at);
}

static bool read_kind(bytes text, struct offset *ret)
{
    bytes rest;
    if (starts(text, "EP+", &rest) || starts(text, "EP-", &rest)) {
        ret->kind = OFFSET_PLACE;
        ret->place = PLACE_ENTRY;
        if (!offset_number(rest, &ret->at))
            return false;
        if (text.at[2] == '-')
            ret->at = -ret->at;
        return true;
    }
    if (starts(text, "S", &rest))
        return read_section(rest, ret);
    if (starts(text, "EOF-", &rest)) {
        ret->kind = OFFSET_END;
        return offset_number(rest, &ret->at);
    }
    if (starts(text, "VI", &rest)) {
        ret->kind = OFFSET_VERSION;
        return true;
    }
    if (starts(text, "$", &rest)) { /* what follows the number ClamAV does not look at */
        ret->kind = OFFSET_MACRO;
        return offset_unsigned(&rest, &ret->section) && ret->section < OFFSET_GROUPS;
    }
    ret->kind = OFFSET_FIXED;
    return offset_number(text, &ret->at);
}

const char *offset_read(bytes text, enum target target, struct offset *ret)
{
    struct offset offset = {.kind = OFFSET_ANY};
    bytes head, rest = text;
    if (bytes_is(text, "*")) {
        *ret = offset;
        return NULL;
    }
    if (text.len > OFFSET_LENGTH)
        return "an offset is too long";
    size_t comma = bytes_find(text, bytes_of(","), 0);
    head = bytes_slice(text, 0, comma);
    rest = comma == SIZE_MAX ? (bytes){NULL, 0} : bytes_slice(text, comma + 1, text.len);
    if (!offset_number(rest, &offset.shift))
        return "an offset's shift is no number";
    if (!read_kind(head, &offset))
        return "an offset is malformed";
    bool needs_program = offset.kind == OFFSET_PLACE || offset.kind == OFFSET_SECTION ||
                         offset.kind == OFFSET_VERSION;
    if (needs_program && target != TARGET_PE && target != TARGET_ELF && target != TARGET_MACHO)
        return "an offset is of programs, the target is none";
    offset.program = offset.kind == OFFSET_END &&
                     (target == TARGET_PE || target == TARGET_ELF || target == TARGET_MACHO);
    *ret = offset;
    return NULL;
}

int64_t offset_constant(const struct offset *offset)
{
    return offset->kind == OFFSET_FIXED && !offset->shift ? offset->at : RULESET_ANY_OFFSET;
}

static uint32_t place_node(struct draft *draft, enum node_place place, uint32_t section)
{
    return draft_node(
        draft, (struct node){
                   .op = NODE_PLACE, .type = TYPE_INT, .aux = (uint16_t)place, .a = section});
}

static uint32_t moved(struct draft *draft, uint32_t from, int64_t by)
{
    return by ? draft_binary(draft, NODE_ADD, TYPE_INT, from, draft_int(draft, by)) : from;
}

void offset_range(struct draft *draft, const struct offset *offset, uint32_t *ret_first,
                  uint32_t *ret_last)
{
    uint32_t first = NODE_NONE;
    *ret_first = *ret_last = NODE_NONE;
    switch (offset->kind) {
    case OFFSET_FIXED:
        *ret_first = draft_int(draft, offset->at);
        *ret_last = draft_int(draft, offset->at + offset->shift);
        return;
    case OFFSET_END:
        first = draft_node(draft, (struct node){.op = NODE_FILESIZE, .type = TYPE_INT});
        first = moved(draft, first, -offset->at);
        break;
    case OFFSET_PLACE:
        first = place_node(draft, offset->place, offset->section);
        first = moved(draft, first, offset->at);
        break;
    case OFFSET_SECTION:
        *ret_first = place_node(draft, PLACE_SECTION, offset->section);
        *ret_last =
            moved(draft, place_node(draft, PLACE_SECTION_END, offset->section), offset->shift);
        return;
    default:
        return;
    }
    *ret_first = first;
    *ret_last = moved(draft, first, offset->shift);
}

/* In ClamAV an offset before the object's start is far behind its end. */
static bool may_be_negative(const struct offset *offset)
{
    return offset->shift && (offset->kind == OFFSET_END || offset->at < 0);
}

/* What must hold besides, or NODE_NONE. */
static uint32_t guard_of(struct draft *draft, const struct offset *offset, uint32_t first)
{
    if (offset->program)
        return draft_unary(draft, NODE_DEFINED, TYPE_BOOL,
                           place_node(draft, PLACE_SECTION_COUNT, 0));
    return may_be_negative(offset)
               ? draft_binary(draft, NODE_GE, TYPE_BOOL, first, draft_int(draft, 0))
               : NODE_NONE;
}

static uint32_t guarded(struct draft *draft, uint32_t guard, uint32_t found)
{
    uint32_t items[2] = {found, guard};
    return guard == NODE_NONE
               ? found
               : draft_binary(draft, NODE_AND, TYPE_BOOL, draft_links(draft, items, 2), 2);
}

uint32_t offset_found(struct draft *draft, const struct offset *offset, uint32_t pattern)
{
    uint32_t first, last;
    if (offset->kind == OFFSET_VERSION)
        return draft_unary(draft, NODE_FOUND_VERSION, TYPE_BOOL, pattern);
    if (offset->kind == OFFSET_ANY || offset_constant(offset) != RULESET_ANY_OFFSET)
        return draft_unary(draft, NODE_FOUND, TYPE_BOOL, pattern);
    offset_range(draft, offset, &first, &last);
    uint32_t guard = guard_of(draft, offset, first);
    if (first == last)
        return guarded(draft, guard,
                       draft_binary(draft, NODE_FOUND_AT, TYPE_BOOL, pattern, first));
    struct node node = {
        .op = NODE_FOUND_IN, .type = TYPE_BOOL, .a = pattern, .b = first, .c = last};
    return guarded(draft, guard, draft_node(draft, node));
}

static uint32_t guarded_count(struct draft *draft, uint32_t guard, uint32_t count)
{
    return guard == NODE_NONE ? count : draft_binary(draft, NODE_MUL, TYPE_INT, guard, count);
}

uint32_t offset_count(struct draft *draft, const struct offset *offset, uint32_t pattern)
{
    uint32_t first, last;
    if (offset->kind == OFFSET_VERSION)
        return draft_unary(draft, NODE_COUNT_VERSION, TYPE_INT, pattern);
    if (offset->kind == OFFSET_ANY || offset_constant(offset) != RULESET_ANY_OFFSET)
        return draft_unary(draft, NODE_COUNT, TYPE_INT, pattern);
    offset_range(draft, offset, &first, &last);
    struct node node = {.op = NODE_COUNT_IN,
                        .type = TYPE_INT,
                        .aux = COUNT_NONE_UNDEFINED,
                        .a = pattern,
                        .b = first,
                        .c = last};
    return guarded_count(draft, guard_of(draft, offset, first), draft_node(draft, node));
}

uint32_t offset_followed(struct draft *draft, const struct offset *offset,
                         const struct offset_row *row, uint32_t nth)
{
    uint32_t head[FOLLOWED_HEAD] = {[FOLLOWED_GROUPS] = row->count};
    offset_range(draft, offset, &head[FOLLOWED_FIRST], &head[FOLLOWED_LAST]);
    uint32_t first = head[FOLLOWED_FIRST], guard = NODE_NONE;
    if (first != NODE_NONE)
        guard = guard_of(draft, offset, first);
    uint32_t start = draft_links(draft, head, FOLLOWED_HEAD);
    for (uint32_t i = 0; i < row->count; i++) {
        const uint32_t link[FOLLOWED_EACH] = {row->groups[i].node, row->groups[i].min,
                                              row->groups[i].max};
        draft_links(draft, link, FOLLOWED_EACH);
    }
    struct node node = {.op = NODE_COUNT_FOLLOWED,
                        .type = TYPE_INT,
                        .aux = (uint16_t)nth,
                        .a = row->patterns[0],
                        .b = start,
                        .c = row->patterns[1]};
    return guarded_count(draft, guard, draft_node(draft, node));
}

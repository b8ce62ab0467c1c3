#include "engine/signature.h"

#include "engine/place.h"
#include "filetype/filetype.h"

/* The innermost container is compared with the last type. */
static bool is_within(const struct scanner *scanner, const struct node *node)
{
    const uint32_t *types = scanner->set->links + node->a;
    const struct object_input *object = scanner->object;
    uint32_t around = object->type_count;
    if (around < node->b)
        return false;
    for (uint32_t i = node->b; i-- > 0;)
        if (types[i] != FILETYPE_ANY && types[i] != object->types[--around])
            return false;
    return true;
}

/* How often a pattern matches where a string of the version information begins; `any`: at most
 * once is enough. */
static uint32_t count_versions(struct scanner *scanner, uint32_t pattern, bool any)
{
    uint32_t count = 0;
    if (pattern == NODE_LOOP_PATTERN)
        return 0;
    uint32_t program = scanner->set->patterns[pattern].program;
    if (found_denied(scanner, program))
        return 0;
    const struct pe_versions *versions = place_versions(scanner);
    for (uint32_t i = 0; i < versions->at.n && !(any && count); i++)
        count += found_at(scanner, program, versions->at.at[i]);
    return count;
}

static struct value member_value(const struct object_member *member, enum node_member fact)
{
    uint64_t number = 0;
    if (!member)
        return VALUE_NONE;
    switch (fact) {
    case MEMBER_CONTAINER_SIZE:
        number = member->container_size;
        break;
    case MEMBER_PACKED_SIZE:
        number = member->packed_size;
        break;
    case MEMBER_SIZE:
        number = member->size;
        break;
    case MEMBER_ENCRYPTED:
        return VALUE_INT(member->encrypted);
    case MEMBER_POSITION:
        return VALUE_INT(member->position);
    default:
        return VALUE_NONE;
    }
    return number == UINT64_MAX ? VALUE_NONE : VALUE_INT(number);
}

static bool is_picture(const struct object_input *object, const struct node *node)
{
    uint64_t hash;
    return object->look && object->look->picture(object->look->to, &hash) &&
           hash == ((uint64_t)node->b << 32 | node->a);
}

static bool has_icon(const struct scanner *scanner, const struct node *node)
{
    const struct object_look *look = scanner->object->look;
    return look && look->icon(look->to, ruleset_text(scanner->set, node->a),
                              ruleset_text(scanner->set, node->b));
}

/* A child of the range of a PCRE; UINT64_MAX where it is undefined or negative. */
static uint64_t bound(struct frame *frame, uint32_t at)
{
    struct value value = condition_value(frame, at);
    return value.type == TYPE_INT && value.integer >= 0 ? (uint64_t)value.integer : UINT64_MAX;
}

static struct value count_pcre(struct frame *frame, const struct node *node)
{
    const uint32_t *links = frame->scanner->set->links + node->a;
    struct expression_range range = {.everywhere = links[3] == NODE_NONE};
    if (!range.everywhere) {
        range.first = bound(frame, links[3]);
        range.end = links[4] == NODE_NONE ? range.first + 1 : bound(frame, links[4]);
        if (range.first == UINT64_MAX || range.end == UINT64_MAX || range.end <= range.first)
            return VALUE_INT(0);
    }
    return VALUE_INT(expression_count(frame->scanner, node, range));
}

struct value signature_value(struct frame *frame, const struct node *node)
{
    struct scanner *scanner = frame->scanner;
    const struct object_member *member = scanner->object->member;
    const struct object_look *look = scanner->object->look;
    uint64_t place;
    switch ((enum node_op)node->op) {
    case NODE_PLACE:
        return place_value(scanner, (enum node_place)node->aux, node->a, &place)
                   ? VALUE_INT(place)
                   : VALUE_NONE;
    case NODE_WITHIN:
        return VALUE_BOOL(is_within(scanner, node));
    case NODE_FOUND_VERSION:
        return VALUE_BOOL(count_versions(scanner, node->a, true));
    case NODE_COUNT_VERSION:
        return VALUE_INT(count_versions(scanner, node->a, false));
    case NODE_NUMBER:
        return number_value(scanner, node);
    case NODE_COUNT_PCRE:
        return count_pcre(frame, node);
    case NODE_MEMBER:
        return member_value(member, (enum node_member)node->aux);
    case NODE_MEMBER_NAME:
        return member ? value_bytes(member->name) : VALUE_NONE;
    case NODE_IMAGE_HASH:
        return VALUE_BOOL(is_picture(scanner->object, node));
    case NODE_ICON:
        return VALUE_BOOL(has_icon(scanner, node));
    case NODE_SIGNER:
        return VALUE_BOOL(look && look->blocked(look->to, node->a));
    case NODE_HANDLER:
        if (look)
            look->handle(look->to, node->a);
        return VALUE_BOOL(true);
    case NODE_COUNT_FOLLOWED:
        return followed_value(frame, node);
    case NODE_URL_FAULT:
        return VALUE_BOOL(scanner->object->url_fault == node->a);
    default:
        return VALUE_NONE;
    }
}

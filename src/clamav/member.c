#include "clamav/member.h"

#include "clamav/ignore.h"
#include "filetype/filetype.h"

#include <errno.h>
#include <string.h>

/* .cdb (docs.clamav.net, "Container metadata signatures"), fields between colons:
 *
 *     name, container type, container size, file name, packed size, size, encrypted,
 *     position, reserved, reserved [, min level [, max level]]
 *
 * and the older .zmd (zip) and .rmd (rar):
 *
 *     name, encrypted, file name, size, packed size, CRC-32, method, position, depth
 *
 * `*` fits anything. Sizes and positions are a number or a range of them, where 0 has no bound.
 * File names are POSIX extended regular expressions; `(?i)` in front ignores case. Method and
 * depth are not looked at: nor does clamscan 1.4. */

enum { FIELDS = 12, OLD_FIELDS = 9, FACTS_MAX = 8 };

/* A signature in the making. */
struct making {
    struct clamav *clamav;
    enum clamav_kind kind;
    uint32_t facts[FACTS_MAX], count; /* children of the AND */
    bool refused;
};

static void refuse(struct making *making, const char *reason)
{
    if (!making->refused)
        clamav_refuse(making->clamav, making->kind, "%s", reason);
    making->refused = true;
}

static bool is_any(bytes field)
{
    return bytes_is(field, "*");
}

static void add_fact(struct making *making, uint32_t node)
{
    making->facts[making->count++] = node;
}

static void compare(struct making *making, enum node_op op, enum node_member fact,
                    uint64_t number)
{
    struct draft *draft = making->clamav->draft;
    uint32_t left = draft_node(
        draft, (struct node){.op = NODE_MEMBER, .type = TYPE_INT, .aux = (uint16_t)fact});
    add_fact(making,
             draft_binary(draft, op, TYPE_BOOL, left, draft_int(draft, (int64_t)number)));
}

/* Both ends of a range become one fact. */
static void add_range(struct making *making, enum node_member fact, bytes field)
{
    bytes rest = field, first;
    uint64_t low, high;
    if (is_any(field))
        return;
    bytes_cut(&rest, '-', &first);
    bool range = rest.at != NULL;
    if (!bytes_decimal(first, UINT32_MAX, &low) ||
        (range && !bytes_decimal(rest, UINT32_MAX, &high))) {
        refuse(making, "a size or position is no number");
        return;
    }
    if (!range || low == high) {
        compare(making, NODE_EQ, fact, low);
        return;
    }
    uint32_t start = making->count;
    if (low)
        compare(making, NODE_GE, fact, low);
    if (high)
        compare(making, NODE_LE, fact, high);
    if (making->count - start == 2) {
        struct draft *draft = making->clamav->draft;
        uint32_t list = draft_links(draft, &making->facts[start], 2);
        making->count = start;
        add_fact(making,
                 draft_node(draft, (struct node){
                                       .op = NODE_AND, .type = TYPE_BOOL, .a = list, .b = 2}));
    }
}

static void add_encrypted(struct making *making, bytes field)
{
    uint64_t number;
    if (is_any(field))
        return;
    if (!bytes_decimal(field, 1, &number))
        refuse(making, "'encrypted' is neither 0, 1 nor *");
    else
        compare(making, NODE_EQ, MEMBER_ENCRYPTED, number);
}

/* What POSIX has and YARA's expressions write in another way: in brackets a backslash is a
 * backslash. `[:alpha:]` and its like are refused. False when it does not fit. */
static bool rewrite(bytes from, bytes *ret, struct arena *arena)
{
    uint8_t *to = arena_push_raw(arena, 2 * from.len + 1);
    size_t n = 0;
    bool bracket = false;
    if (!to)
        return false;
    for (size_t i = 0; i < from.len; i++) {
        uint8_t c = from.at[i];
        if (!bracket && c == '\\' && i + 1 < from.len) {
            to[n++] = c;
            to[n++] = from.at[++i];
            continue;
        }
        if (bracket && c == '[' && i + 1 < from.len && strchr(":.=", from.at[i + 1]))
            return false;
        if (bracket && c == '\\')
            to[n++] = '\\';
        to[n++] = c;
        if (!bracket && c == '[') {
            bracket = true;
            /* A closing bracket that comes first is a member. */
            if (i + 1 < from.len && from.at[i + 1] == '^')
                to[n++] = from.at[++i];
            if (i + 1 < from.len && from.at[i + 1] == ']') {
                to[n++] = '\\';
                to[n++] = from.at[++i];
            }
        } else if (bracket && c == ']') {
            bracket = false;
        }
    }
    *ret = (bytes){to, n};
    return true;
}

static int add_name(struct making *making, bytes field)
{
    struct draft *draft = making->clamav->draft;
    struct pattern_source source = {.kind = PATTERN_REGEX, .flags = PATTERN_DOTALL};
    struct pattern_code code;
    struct pattern_fault fault = {0};
    if (is_any(field))
        return 0;
    if (bytes_is(bytes_slice(field, 0, 4), "(?i)")) {
        source.flags |= PATTERN_NOCASE;
        field = bytes_slice(field, 4, field.len);
    }
    int error = rewrite(field, &source.text, making->clamav->scratch)
                    ? pattern_compile(&source, making->clamav->scratch, &code, &fault)
                    : -EINVAL;
    if (error == -ENOMEM)
        return error;
    if (error) {
        refuse(making, "the file name's regular expression is not understood");
        return 0;
    }
    uint32_t program = draft_program(draft, &code, PROGRAM_REGEX_TEXT, RULESET_ANY_OFFSET);
    uint32_t regex =
        draft_node(draft, (struct node){.op = NODE_REGEX, .type = TYPE_REGEX, .a = program});
    uint32_t name =
        draft_node(draft, (struct node){.op = NODE_MEMBER_NAME, .type = TYPE_STRING});
    add_fact(making, draft_binary(draft, NODE_MATCHES, TYPE_BOOL, name, regex));
    return 0;
}

static void add_container(struct making *making, enum filetype type)
{
    struct draft *draft = making->clamav->draft;
    const uint32_t types[] = {type};
    if (type != FILETYPE_ANY)
        add_fact(making, draft_node(draft, (struct node){.op = NODE_WITHIN,
                                                         .type = TYPE_BOOL,
                                                         .a = draft_links(draft, types, 1),
                                                         .b = 1}));
}

static bool begin(struct making *making, struct clamav *clamav, enum clamav_kind kind,
                  bytes name)
{
    bytes label = clamav_label(clamav, name);
    *making = (struct making){.clamav = clamav, .kind = kind};
    return label.at && draft_rule_begin(clamav->draft, label, clamav->name_space,
                                        RULE_SIGNATURE) != DRAFT_FULL;
}

static void end(struct making *making)
{
    struct clamav *clamav = making->clamav;
    if (making->refused) {
        draft_rule_drop(clamav->draft);
        return;
    }
    uint32_t list = draft_links(clamav->draft, making->facts, making->count);
    draft_rule_targets(clamav->draft, TARGET_BIT(TARGET_MEMBER));
    draft_rule_line(clamav->draft, clamav->line);
    draft_rule_end(
        clamav->draft,
        draft_node(
            clamav->draft,
            (struct node){.op = NODE_AND, .type = TYPE_BOOL, .a = list, .b = making->count}),
        0);
    clamav->counts[making->kind].read++;
}

/* How many fields; at most one more than `room`. */
static uint32_t cut_fields(bytes line, bytes *ret, uint32_t room)
{
    bytes rest = line, more;
    uint32_t n = 0;
    while (n < room && bytes_cut(&rest, ':', &ret[n]))
        n++;
    return n + (n == room && bytes_cut(&rest, ':', &more));
}

int member_line(struct clamav *clamav, bytes line)
{
    bytes field[FIELDS] = {{0}};
    struct making making;
    bool valid;
    uint32_t count = cut_fields(line, field, FIELDS);
    if (count < FIELDS - 2 || count > FIELDS) {
        clamav_refuse(clamav, CLAMAV_CONTAINER, "too few or too many fields");
        return 0;
    }
    if (!clamav_level_fits(clamav, field[10], field[11], &valid)) {
        if (valid)
            clamav_leave_out(clamav, CLAMAV_CONTAINER);
        else
            clamav_refuse(clamav, CLAMAV_CONTAINER, "a level is no number");
        return 0;
    }
    if (ignore_has(clamav, CLAMAV_CONTAINER, field[0]))
        return 0;
    enum filetype type = is_any(field[1]) ? FILETYPE_ANY : filetype_named(field[1]);
    if (type == FILETYPES) {
        clamav_refuse(clamav, CLAMAV_CONTAINER, "no such type of container");
        return 0;
    }
    if (!begin(&making, clamav, CLAMAV_CONTAINER, field[0]))
        return -ENOMEM;
    add_container(&making, type);
    add_encrypted(&making, field[6]);
    add_range(&making, MEMBER_CONTAINER_SIZE, field[2]);
    add_range(&making, MEMBER_PACKED_SIZE, field[4]);
    add_range(&making, MEMBER_SIZE, field[5]);
    add_range(&making, MEMBER_POSITION, field[7]);
    int error = add_name(&making, field[3]);
    end(&making);
    return error;
}

int member_old_line(struct clamav *clamav, bytes line)
{
    bytes field[OLD_FIELDS] = {{0}};
    struct making making;
    bool zip = bytes_same(bytes_slice(clamav->file, clamav->file.len - 3, 3), bytes_of("zmd"));
    if (cut_fields(line, field, OLD_FIELDS) != OLD_FIELDS) {
        clamav_refuse(clamav, CLAMAV_METADATA, "too few or too many fields");
        return 0;
    }
    if (ignore_has(clamav, CLAMAV_METADATA, field[0]))
        return 0;
    if (!is_any(field[5])) {
        clamav_refuse(clamav, CLAMAV_METADATA, "asks for a CRC-32, which is not looked at");
        return 0;
    }
    if (!begin(&making, clamav, CLAMAV_METADATA, field[0]))
        return -ENOMEM;
    add_container(&making, zip ? FILETYPE_ZIP : FILETYPE_RAR);
    add_encrypted(&making, field[1]);
    add_range(&making, MEMBER_SIZE, field[3]);
    add_range(&making, MEMBER_PACKED_SIZE, field[4]);
    add_range(&making, MEMBER_POSITION, field[7]);
    int error = add_name(&making, field[2]);
    end(&making);
    return error;
}

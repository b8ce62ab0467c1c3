/* docs.clamav.net, "File Type Magic":
 *
 *     way ':' offset ':' bytes ':' name ':' required type ':' type [ ':' min [ ':' max ] ]
 *
 * Way 0: `bytes` (digits alone) stand at the offset of the first KiB. Way 1: a body as that of
 * a signature, at an offset: a number, number ',' span, "EOF-" number, or "*". Way 4 tells the
 * kind of a partition: those rows that ClamAV has itself are in effect without being asked
 * (unpack/image), there are no others. min and max are levels of ClamAV.
 *
 * A body's parts are separated by gaps: `*`, `{n}`, `{n-m}`, `{-m}`, `{n-}`. In a part: hex
 * digits, `?` for one of them, `(aa|bb)` for alternatives. Each spelling of a part becomes a
 * row (filetype/types.h). */
#include "clamav/type.h"

#include "filetype/types.h"

#include <errno.h>
#include <string.h>

enum { FIELDS_LEAST = 6, FIELDS_MOST = 8, SPELLINGS = 64, GAP_MOST = 1 << 30 };

/* A byte and what of it counts. */
struct spelled {
    uint32_t length;
    uint8_t text[TYPES_LENGTH], mask[TYPES_LENGTH];
};

/* The part of a body at work: all its spellings so far. */
struct part {
    struct spelled *spelled; /* SPELLINGS of them */
    uint32_t count;
};

static bool add_byte(struct spelled *to, uint8_t value, uint8_t mask)
{
    if (to->length == TYPES_LENGTH)
        return false;
    to->text[to->length] = value & mask;
    to->mask[to->length++] = mask;
    return true;
}

/* Two digits, each of which may be `?`. */
static bool read_byte(bytes text, size_t at, uint8_t *ret, uint8_t *ret_mask)
{
    *ret = *ret_mask = 0;
    if (!bytes_has(text, at, 2))
        return false;
    for (size_t i = 0; i < 2; i++) {
        int digit = ascii_hex(text.at[at + i]);
        if (digit < 0 && text.at[at + i] != '?')
            return false;
        *ret = (uint8_t)(*ret << 4 | (digit < 0 ? 0 : digit));
        *ret_mask = (uint8_t)(*ret_mask << 4 | (digit < 0 ? 0 : 15));
    }
    return true;
}

/* Every spelling so far with each of the alternatives behind it. */
static const char *add_alternatives(struct part *part, bytes text, struct arena *arena)
{
    struct spelled *before = PUSH_ARRAY(arena, struct spelled, part->count);
    uint32_t count = part->count, made = 0;
    bytes rest = text, one;
    uint8_t value, mask;
    if (!before)
        return "needs too much memory";
    memcpy(before, part->spelled, count * sizeof *before);
    while (bytes_cut(&rest, '|', &one)) {
        if (!one.len || one.len % 2)
            return "has an alternative that is not hexadecimal";
        for (uint32_t i = 0; i < count; i++, made++) {
            if (made == SPELLINGS)
                return "has too many alternatives";
            struct spelled *to = &part->spelled[made];
            *to = before[i];
            for (size_t k = 0; k < one.len; k += 2)
                if (!read_byte(one, k, &value, &mask) || !add_byte(to, value, mask))
                    return "has an alternative that is not hexadecimal";
        }
    }
    part->count = made;
    return NULL;
}

static const char *read_part(struct part *part, bytes text, struct arena *arena)
{
    const char *reason = NULL;
    part->count = 1;
    part->spelled[0].length = 0;
    for (size_t i = 0; i < text.len && !reason;) {
        uint8_t value, mask;
        if (text.at[i] == '(') {
            size_t end = bytes_find(text, bytes_of(")"), i);
            if (end == SIZE_MAX)
                return "has alternatives without an end";
            reason = add_alternatives(part, bytes_slice(text, i + 1, end - i - 1), arena);
            i = end + 1;
            continue;
        }
        if (!read_byte(text, i, &value, &mask))
            return "has a body that is not understood";
        for (uint32_t k = 0; k < part->count; k++)
            if (!add_byte(&part->spelled[k], value, mask))
                return "has a part that is too long";
        i += 2;
    }
    return reason;
}

/* "n", "n-m", "-m" or "n-", as between braces. */
static bool read_gap(bytes text, uint32_t *ret_min, uint32_t *ret_max)
{
    bytes max = text, min;
    uint64_t low = 0, high = 0;
    bool ranged = bytes_find(text, bytes_of("-"), 0) != SIZE_MAX;
    bytes_cut(&max, '-', &min);
    if ((min.len && !bytes_decimal(min, GAP_MOST, &low)) || (!ranged && !min.len) ||
        (ranged && max.len && !bytes_decimal(max, GAP_MOST, &high)))
        return false;
    *ret_min = (uint32_t)low;
    *ret_max = ranged ? (uint32_t)high : (uint32_t)low;
    return !*ret_max || *ret_min <= *ret_max;
}

/* Cuts the next part off, and reads the gap behind it. */
static bool next_part(bytes *rest, bytes *ret, uint32_t *ret_min, uint32_t *ret_max)
{
    size_t end = 0;
    while (end < rest->len && rest->at[end] != '*' && rest->at[end] != '{')
        end++;
    *ret = bytes_slice(*rest, 0, end);
    *ret_min = *ret_max = 0;
    if (end == rest->len) {
        *rest = (bytes){0};
        return true;
    }
    size_t last = rest->at[end] == '*' ? end : bytes_find(*rest, bytes_of("}"), end);
    if (last == SIZE_MAX ||
        (last > end &&
         !read_gap(bytes_slice(*rest, end + 1, last - end - 1), ret_min, ret_max)))
        return false;
    *rest = bytes_slice(*rest, last + 1, SIZE_MAX);
    return rest->len > 0;
}

static bool read_place(bytes text, struct types_row *row)
{
    bytes span = text, at;
    uint64_t value, more = 0;
    row->span = TYPES_ANYWHERE;
    if (bytes_is(text, "*"))
        return true;
    bool ranged = bytes_find(text, bytes_of(","), 0) != SIZE_MAX;
    bytes_cut(&span, ',', &at);
    row->from_end = at.len > 4 && bytes_is(bytes_slice(at, 0, 4), "EOF-");
    if (row->from_end)
        at = bytes_slice(at, 4, SIZE_MAX);
    if (!bytes_decimal(at, GAP_MOST, &value) ||
        (ranged && !bytes_decimal(span, GAP_MOST, &more)))
        return false;
    row->at = (uint32_t)value;
    row->span = (uint32_t)more;
    return true;
}

/* 0 with a row of the draft more, or -ENOMEM. */
static int add_row(struct draft *draft, const struct types_row *row, const struct spelled *from)
{
    uint8_t both[2 * TYPES_LENGTH];
    memcpy(both, from->text, from->length);
    memcpy(both + from->length, from->mask, from->length);
    uint32_t text = draft_text(draft, (bytes){both, 2 * (size_t)from->length});
    struct types_row *to = vec_push(draft->arena, &draft->types);
    if (!to || text == DRAFT_FULL)
        return -ENOMEM;
    *to = *row;
    to->text = text;
    to->length = from->length;
    return 0;
}

static bool find_pair(const struct spelled *spelled, uint32_t *ret)
{
    for (uint32_t i = 0; i + 1 < spelled->length; i++)
        if (spelled->mask[i] == 0xff && spelled->mask[i + 1] == 0xff) {
            *ret = i;
            return true;
        }
    return false;
}

static uint32_t count_parts(bytes body)
{
    uint32_t parts = 1;
    for (size_t i = 0; i < body.len; i++)
        parts += body.at[i] == '*' || body.at[i] == '{';
    return parts;
}

/* The rows of a body; with a reason, none stay. */
static int add_mark(struct clamav *clamav, bytes body, struct types_row row,
                    const char **ret_reason)
{
    struct draft *draft = clamav->draft;
    struct part part = {PUSH_ARRAY(clamav->scratch, struct spelled, SPELLINGS), 0};
    const uint32_t before = draft->types.n;
    bytes rest = body, text;
    uint32_t min = 0, max = 0;
    if (!part.spelled)
        return -ENOMEM;
    row.kind = TYPES_MARK;
    row.mark = before; /* the number of its first row: no other mark has it */
    row.parts = count_parts(body);
    if (row.parts > TYPES_PARTS)
        *ret_reason = "has too many parts";
    for (row.part = 0; row.part < row.parts && !*ret_reason; row.part++) {
        row.gap_min = min;
        row.gap_max = max;
        if (!next_part(&rest, &text, &min, &max))
            *ret_reason = "has a body that is not understood";
        else
            *ret_reason = read_part(&part, text, clamav->scratch);
        for (uint32_t i = 0; i < part.count && !*ret_reason; i++) {
            if (!find_pair(&part.spelled[i], &row.pair))
                *ret_reason = "has no two bytes in a row that are told";
            else if (draft->types.n == TYPES_ROWS)
                *ret_reason = "is one too many";
            else if (add_row(draft, &row, &part.spelled[i]))
                return -ENOMEM;
        }
    }
    if (*ret_reason)
        draft->types.n = before;
    return 0;
}

static int add_magic(struct clamav *clamav, bytes digits, struct types_row row,
                     const char **ret_reason)
{
    struct spelled *spelled = PUSH(clamav->scratch, struct spelled);
    if (!spelled)
        return -ENOMEM;
    row.kind = TYPES_MAGIC;
    row.parts = 1;
    spelled->length = (uint32_t)(digits.len / 2);
    if (!digits.len || digits.len > 2 * TYPES_LENGTH || !bytes_unhex(digits, spelled->text))
        *ret_reason = "has bytes that are not hexadecimal";
    else if (row.span || row.from_end)
        *ret_reason = "has an offset that is no number";
    else if (clamav->draft->types.n == TYPES_ROWS)
        *ret_reason = "is one too many";
    if (*ret_reason)
        return 0;
    memset(spelled->mask, 0xff, spelled->length);
    return add_row(clamav->draft, &row, spelled);
}

static const char *read_types(const bytes *field, struct types_row *row)
{
    row->before = filetype_named(field[4]);
    row->type = filetype_named(field[5]);
    if (row->before == FILETYPES || row->type == FILETYPES)
        return "names a type that is not known";
    if (!read_place(field[1], row))
        return "has an offset that is not understood";
    return NULL;
}

/* HFS+ and HFSX. */
static const char *check_partition(const bytes *field)
{
    bool is_known = bytes_is(field[1], "1024") && bytes_is(field[4], "CL_TYPE_PART_ANY") &&
                    bytes_is(field[5], "CL_TYPE_PART_HFSPLUS") &&
                    (bytes_same(field[2], bytes_of("482B0004")) ||
                     bytes_same(field[2], bytes_of("48580005")));
    return is_known ? NULL : "is of a partition that ClamAV itself does not know";
}

int type_line(struct clamav *clamav, bytes line)
{
    bytes rest = line, field[FIELDS_MOST + 1] = {{0}};
    struct types_row row = {0};
    uint32_t count = 0;
    int error = 0;
    bool valid;
    while (count <= FIELDS_MOST && bytes_cut(&rest, ':', &field[count]))
        count++;
    if (count < FIELDS_LEAST || count > FIELDS_MOST) {
        clamav_refuse(clamav, CLAMAV_FILETYPE,
                      "is not way:offset:bytes:name:required:type[:min[:max]]");
        return 0;
    }
    bool fits = clamav_level_fits(clamav, field[6], field[7], &valid);
    const char *reason = valid ? NULL : "a level is no number";
    if (valid && !fits) {
        clamav_leave_out(clamav, CLAMAV_FILETYPE);
        return 0;
    }
    if (!reason)
        reason = read_types(field, &row);
    if (!reason && bytes_is(field[0], "1"))
        error = add_mark(clamav, field[2], row, &reason);
    else if (!reason && bytes_is(field[0], "0"))
        error = add_magic(clamav, field[2], row, &reason);
    else if (!reason)
        reason =
            bytes_is(field[0], "4") ? check_partition(field) : "has a way that is not known";
    if (reason)
        clamav_refuse(clamav, CLAMAV_FILETYPE, "%s", reason);
    else if (!error)
        clamav->counts[CLAMAV_FILETYPE].read++;
    return error;
}

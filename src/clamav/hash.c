#include "clamav/clamav.h"
#include "clamav/ignore.h"
#include "match/hashes.h"

#include <errno.h>
#include <string.h>

/* Hash signatures, one a line (docs.clamav.net, "File hash signatures" and "PE section based
 * hash signatures"; .imp, which they leave out, as clamscan 1.4 reads it):
 *
 *   .hdb .hsb .hdu .hsu .imp .fp .sfp   digest:size:name[:min level[:max level]]
 *   .mdb .msb .mdu .msu                 size:digest:name[:min level[:max level]]
 *
 * The digest's length tells its kind, whatever the file's name ends in. A size `*` stands for
 * any; but in .imp files it needs a minimum level of 73 or more, which older engines obey. Such
 * files have millions of lines: a line is looked at byte by byte but once. */

enum { FIELDS = 5, ANY_SIZE_LEVEL = 73, NAME_MAX_LENGTH = 223 };

/* One more than the value of the hexadecimal digit that a byte is; 0 for other bytes. */
static const uint8_t hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
    ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
    ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
    ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

struct fields {
    bytes digest, size, name, min, max;
    uint32_t count;
};

/* False when there are too few or too many. */
static bool cut_fields(bytes line, bool size_first, struct fields *ret)
{
    bytes part[FIELDS + 1] = {{0}};
    uint32_t n = 0;
    while (n <= FIELDS && bytes_cut(&line, ':', &part[n]))
        n++;
    *ret = (struct fields){.digest = part[size_first],
                           .size = part[!size_first],
                           .name = part[2],
                           .min = part[3],
                           .max = part[4],
                           .count = n};
    return n >= 3 && n <= FIELDS;
}

static bool read_digest(bytes text, uint8_t *ret, enum hash_digest *ret_kind)
{
    int least = 1;
    switch (text.len) {
    case 32:
        *ret_kind = HASH_MD5;
        break;
    case 40:
        *ret_kind = HASH_SHA1;
        break;
    case 64:
        *ret_kind = HASH_SHA256;
        break;
    default:
        return false;
    }
    for (size_t i = 0; i < text.len / 2; i++) {
        int high = hex_values[text.at[2 * i]] - 1, low = hex_values[text.at[2 * i + 1]] - 1;
        least |= high | low;
        ret[i] = (uint8_t)(((unsigned)high << 4 | (unsigned)low) & 0xff);
    }
    return least >= 0;
}

/* From 1 to 0xfffffffe. */
static bool read_size(bytes text, uint32_t *ret)
{
    uint64_t size = 0;
    if (text.len == 0 || text.len > 10)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t digit = (uint8_t)(text.at[i] - '0');
        if (digit > 9)
            return false;
        size = size * 10 + digit;
    }
    *ret = (uint32_t)size;
    return size > 0 && size < HASH_ANY_SIZE;
}

/* True when the line counts: its levels are numbers and ours lies between. */
static bool level_fits(struct clamav *clamav, enum clamav_kind kind,
                       const struct fields *fields)
{
    bool is_valid;
    if (fields->count == 3)
        return true;
    if (clamav_level_fits(clamav, fields->min, fields->max, &is_valid))
        return true;
    if (is_valid)
        clamav_leave_out(clamav, kind);
    else
        clamav_refuse(clamav, kind, "a functionality level is no number");
    return false;
}

/* A level of at least 73, as clamav_level_fits has read it before. */
static bool is_new(bytes level)
{
    uint32_t value = 0;
    for (size_t i = 0; i < level.len && value < ANY_SIZE_LEVEL; i++)
        value = value * 10 + level.at[i] - '0';
    return value >= ANY_SIZE_LEVEL;
}

static bool take_size(struct clamav *clamav, enum clamav_kind kind, const struct fields *fields,
                      uint32_t *ret)
{
    if (!bytes_is(fields->size, "*")) {
        if (read_size(fields->size, ret))
            return true;
        clamav_refuse(clamav, kind, "the size is no number above 0 and below 4294967295");
        return false;
    }
    *ret = HASH_ANY_SIZE;
    if (kind == CLAMAV_IMPORTS || is_new(fields->min))
        return true;
    clamav_refuse(clamav, kind, "any size '*' without a minimum level of %d", ANY_SIZE_LEVEL);
    return false;
}

/* ClamAV's own names may end in " (Clam)", which is not shown. */
static bool take_name(struct clamav *clamav, enum clamav_kind kind, bytes name, bytes *ret)
{
    *ret = name;
    if (name.len && memchr(name.at, ' ', name.len)) {
        size_t tail = bytes_find(name, bytes_of(" (Clam)"), 0);
        if (tail != SIZE_MAX)
            ret->len = tail;
    }
    if (!ret->len)
        clamav_refuse(clamav, kind, "no name");
    else if (ret->len > NAME_MAX_LENGTH)
        clamav_refuse(clamav, kind, "the name is longer than %d bytes", NAME_MAX_LENGTH);
    else if (memchr(ret->at, 0, ret->len))
        clamav_refuse(clamav, kind, "a zero byte in the name");
    else
        return true;
    return false;
}

static int keep(struct clamav *clamav, enum clamav_kind kind, struct hash_signature *signature)
{
    static const enum hash_scope scopes[CLAMAV_KINDS] = {[CLAMAV_SECTION] = HASH_SECTION,
                                                         [CLAMAV_IMPORTS] = HASH_IMPORTS,
                                                         [CLAMAV_TRUSTED] = HASH_TRUSTED};
    struct draft *draft = clamav->draft;
    if (!draft->hashes)
        draft->hashes = hashes_new(draft->arena);
    if (draft->hashes && clamav->source == UINT32_MAX)
        clamav->source = hashes_source(draft->hashes, clamav->file);
    signature->scope = scopes[kind];
    signature->official = clamav->official;
    signature->source = clamav->source;
    signature->line = clamav->line;
    if (!draft->hashes || clamav->source == UINT32_MAX || !hashes_add(draft->hashes, signature))
        return -ENOMEM;
    clamav->counts[kind].read++;
    return 0;
}

int clamav_hash_line(struct clamav *clamav, enum clamav_kind kind, bytes line)
{
    struct fields fields;
    uint8_t value[32];
    struct hash_signature signature = {.value = value};
    if (!cut_fields(line, kind == CLAMAV_SECTION, &fields)) {
        clamav_refuse(clamav, kind, "fewer than three fields, or more than five");
        return 0;
    }
    if (!level_fits(clamav, kind, &fields) ||
        !take_size(clamav, kind, &fields, &signature.size) ||
        !take_name(clamav, kind, fields.name, &signature.name))
        return 0;
    if (!read_digest(fields.digest, value, &signature.digest)) {
        clamav_refuse(clamav, kind, "the digest is not 32, 40 or 64 hexadecimal digits");
        return 0;
    }
    if (ignore_has(clamav, kind, fields.name))
        return 0;
    return keep(clamav, kind, &signature);
}

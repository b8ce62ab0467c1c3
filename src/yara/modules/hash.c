/* The hash module of YARA 4.5 (docs/modules/hash). Digests of ranges are kept for the object:
 * rule sets ask for the hash of the whole file hundreds of times. */
#include "shim/digest.h"
#include "yara/modules/range.h"
#include "yara/modules/table.h"

#include <errno.h>

/* Answers given for this object, found again by kind and range. One that had no answer is kept
 * as undefined. */
enum answer_kind { ANSWER_DIGEST, ANSWER_CHECKSUM32 = ANSWER_DIGEST + 3, ANSWER_CRC32 };

struct answer {
    struct answer *next;
    uint32_t kind;
    int64_t offset, length;
    struct value value;
};

enum { ANSWER_SLOTS = 64, CRC_LANES = 4 };

/* What the module keeps for one object. */
struct memory {
    struct answer *answers[ANSWER_SLOTS];
    uint32_t (*crc)[256]; /* CRC_LANES tables, made for the first long range */
};

static struct memory *memory_of(struct module_input *in)
{
    if (!in->state)
        in->state = PUSH(in->arena, struct memory);
    return in->state;
}

/* What was answered before; or a new undefined answer (*ret_new) to be filled; or NULL when the
 * arena is full. */
static struct answer *answer_find(struct module_input *in, uint32_t kind,
                                  const struct value *args, bool *ret_new)
{
    struct memory *memory = memory_of(in);
    if (!memory)
        return NULL;
    int64_t key[2] = {args[0].integer, args[1].integer};
    uint64_t hash = hash64((bytes){(const uint8_t *)key, sizeof key}, kind);
    struct answer **slot = &memory->answers[hash % ANSWER_SLOTS];
    *ret_new = false;
    for (struct answer *answer = *slot; answer; answer = answer->next)
        if (answer->kind == kind && answer->offset == key[0] && answer->length == key[1])
            return answer;
    struct answer *answer = PUSH(in->arena, struct answer);
    if (!answer)
        return NULL;
    *answer = (struct answer){*slot, kind, key[0], key[1], VALUE_NONE};
    *slot = answer;
    *ret_new = true;
    return answer;
}

static int digest_text(struct module_input *in, enum digest_kind kind, const bytes *parts,
                       size_t count, struct value *ret)
{
    uint8_t digest[DIGEST_MAX];
    size_t size = digest_size(kind);
    char *text = arena_push(in->arena, 2 * size + 1);
    if (!text)
        return -ENOMEM;
    if (digest_parts(kind, parts, count, digest)) {
        digest_hex(digest, size, text);
        *ret = value_bytes((bytes){(const uint8_t *)text, 2 * size});
    }
    return 0;
}

static int digest_range(struct module_input *in, enum digest_kind kind,
                        const struct value *args, struct value *ret)
{
    bool is_new;
    struct answer *answer = answer_find(in, ANSWER_DIGEST + kind, args, &is_new);
    if (!answer)
        return -ENOMEM;
    if (is_new) {
        VEC(bytes) parts = {0};
        struct range range = range_open(in, args[0].integer, args[1].integer);
        bytes part;
        while (range_next(&range, &part)) {
            bytes *last = vec_push(in->arena, &parts);
            if (!last)
                return -ENOMEM;
            *last = part;
        }
        if (range_defined(&range)) {
            int error = digest_text(in, kind, parts.at, parts.n, &answer->value);
            if (error)
                return error;
        }
    }
    *ret = answer->value;
    return 0;
}

static int digest_string(struct module_input *in, enum digest_kind kind,
                         const struct value *args, struct value *ret)
{
    bytes part = {args[0].text, args[0].len};
    if (!budget_charge(in->budget, part.len))
        return 0;
    return digest_text(in, kind, &part, 1, ret);
}

static int md5_range(struct module_input *in, const struct value *args, struct value *ret)
{
    return digest_range(in, DIGEST_MD5, args, ret);
}

static int md5_string(struct module_input *in, const struct value *args, struct value *ret)
{
    return digest_string(in, DIGEST_MD5, args, ret);
}

static int sha1_range(struct module_input *in, const struct value *args, struct value *ret)
{
    return digest_range(in, DIGEST_SHA1, args, ret);
}

static int sha1_string(struct module_input *in, const struct value *args, struct value *ret)
{
    return digest_string(in, DIGEST_SHA1, args, ret);
}

static int sha256_range(struct module_input *in, const struct value *args, struct value *ret)
{
    return digest_range(in, DIGEST_SHA256, args, ret);
}

static int sha256_string(struct module_input *in, const struct value *args, struct value *ret)
{
    return digest_string(in, DIGEST_SHA256, args, ret);
}

static uint32_t checksum32_add(uint32_t sum, bytes part)
{
    for (size_t i = 0; i < part.len; i++)
        sum += part.at[i];
    return sum;
}

/* The CRC-32 of ISO 3309 and zip, polynomial 0xEDB88320 reflected, four bits at a time. */
static uint32_t crc32_add(uint32_t crc, bytes part)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    for (size_t i = 0; i < part.len; i++) {
        crc ^= part.at[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

/* table[0][i] is the CRC of the byte i, table[n][i] that of i and n zero bytes after it. */
static uint32_t (*crc32_table(struct module_input *in))[256]
{
    struct memory *memory = memory_of(in);
    if (!memory || memory->crc)
        return memory ? memory->crc : NULL;
    uint32_t(*table)[256] = arena_push(in->arena, CRC_LANES * sizeof *table);
    for (uint32_t i = 0; table && i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        table[0][i] = crc32_add(0, (bytes){&byte, 1});
    }
    for (uint32_t i = 256; table && i < CRC_LANES * 256; i++) {
        uint32_t crc = table[i / 256 - 1][i % 256];
        table[i / 256][i % 256] = table[0][crc & 0xff] ^ crc >> 8;
    }
    return memory->crc = table;
}

static uint32_t crc32_add_long(uint32_t (*table)[256], uint32_t crc, bytes part)
{
    size_t i = 0;
    for (; i + CRC_LANES <= part.len; i += CRC_LANES) {
        crc ^= load_le32(part.at + i);
        crc = table[3][crc & 0xff] ^ table[2][crc >> 8 & 0xff] ^ table[1][crc >> 16 & 0xff] ^
              table[0][crc >> 24];
    }
    return crc32_add(crc, bytes_slice(part, i, part.len));
}

static int crc32_part(struct module_input *in, bytes part, uint32_t *crc)
{
    enum { LONG = 4096 };

    if (part.len < LONG) {
        *crc = crc32_add(*crc, part);
        return 0;
    }
    uint32_t(*table)[256] = crc32_table(in);
    if (!table)
        return -ENOMEM;
    *crc = crc32_add_long(table, *crc, part);
    return 0;
}

static int sum_range(struct module_input *in, uint32_t kind, const struct value *args,
                     struct value *ret)
{
    bool is_new;
    struct answer *answer = answer_find(in, kind, args, &is_new);
    if (!answer)
        return -ENOMEM;
    if (is_new) {
        struct range range = range_open(in, args[0].integer, args[1].integer);
        bool is_crc = kind == ANSWER_CRC32;
        uint32_t sum = is_crc ? UINT32_MAX : 0;
        bytes part;
        while (range_next(&range, &part)) {
            if (!is_crc)
                sum = checksum32_add(sum, part);
            else if (crc32_part(in, part, &sum))
                return -ENOMEM;
        }
        if (range_defined(&range))
            answer->value = VALUE_INT(is_crc ? ~sum : sum);
    }
    *ret = answer->value;
    return 0;
}

static int checksum32_range(struct module_input *in, const struct value *args,
                            struct value *ret)
{
    return sum_range(in, ANSWER_CHECKSUM32, args, ret);
}

static int checksum32_string(struct module_input *in, const struct value *args,
                             struct value *ret)
{
    (void)in;
    *ret = VALUE_INT(checksum32_add(0, (bytes){args[0].text, args[0].len}));
    return 0;
}

static int crc32_range(struct module_input *in, const struct value *args, struct value *ret)
{
    return sum_range(in, ANSWER_CRC32, args, ret);
}

static int crc32_string(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    *ret = VALUE_INT(~crc32_add(UINT32_MAX, (bytes){args[0].text, args[0].len}));
    return 0;
}

static const struct overload
    md5_calls[] = {{"ii", 's', md5_range}, {"s", 's', md5_string}, {0}},
    sha1_calls[] = {{"ii", 's', sha1_range}, {"s", 's', sha1_string}, {0}},
    sha256_calls[] = {{"ii", 's', sha256_range}, {"s", 's', sha256_string}, {0}},
    checksum32_calls[] = {{"ii", 'i', checksum32_range}, {"s", 'i', checksum32_string}, {0}},
    crc32_calls[] = {{"ii", 'i', crc32_range}, {"s", 'i', crc32_string}, {0}};

static const struct field fields[] = {
    FIELD_FUNCTION("md5", md5_calls),       FIELD_FUNCTION("sha1", sha1_calls),
    FIELD_FUNCTION("sha256", sha256_calls), FIELD_FUNCTION("checksum32", checksum32_calls),
    FIELD_FUNCTION("crc32", crc32_calls),   FIELD_END};

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    return in->root ? 0 : -ENOMEM;
}

const struct module module_hash = {.name = "hash", .fields = fields, .load = load};

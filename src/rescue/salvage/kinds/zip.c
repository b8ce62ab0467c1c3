/* ZIP, and what is made of it: OOXML, ODF, EPUB, JAR (APPNOTE.TXT 6.3.10, sections 4.3
 * and 4.5).
 *
 *     local header "PK\3\4", name, extra, data [, descriptor]   for each member
 *     central header "PK\1\2", name, extra, comment             for each member
 *
 * Either header may be lost: members are looked for by both, wherever they stand, and where the
 * local one is ciphertext the data is found by where the next member begins. A member whose
 * CRC-32 holds is proven, and so are its bytes; the others tell the map where ciphertext must
 * be. The whole ones go into a package that opens; of the others comes what can be read. */
#include "rescue/salvage/kinds/package.h"
#include "rescue/salvage/member.h"

#include "shim/stream.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    DESCRIPTOR_MOST = 24,
    NAME_MOST = 1024,
    MEMBERS_MOST = 1 << 20,
    EXTRA_MOST = 64,
    HEAD_PROVEN = 10, /* bytes of a header that follow rules */
    BLOCKS_LEAST = 1 << 16,
    FLAG_ENCRYPTED = 1,
    FLAG_TRAILED = 8,
};

struct zip {
    struct salvage *salvage;
    VEC(struct member) members;
};

static bool name_likely(bytes name)
{
    if (!name.len || name.len > NAME_MOST)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] < 0x20 || name.at[i] == 0x7f)
            return false;
    return true;
}

static bool method_known(uint16_t method)
{
    return method == MEMBER_STORED || method == MEMBER_DEFLATE || method == 9 || method == 12 ||
           method == 14 || method == 93 || method == 95 || method == 98;
}

static void read_shared(const uint8_t *p, struct member *ret)
{
    ret->flags = load_le16(p);
    ret->method = load_le16(p + 2);
    ret->time = load_le16(p + 4);
    ret->date = load_le16(p + 6);
    ret->crc = load_le32(p + 8);
    ret->packed = load_le32(p + 12);
    ret->size = load_le32(p + 16);
}

static bool read_local(bytes file, uint64_t at, struct member *ret)
{
    struct member member = {.local = at};
    if (!bytes_has(file, at, LOCAL_SIZE))
        return false;
    const uint8_t *p = file.at + at;
    uint64_t name = load_le16(p + 26), extra = load_le16(p + 28);
    member.name = bytes_slice(file, (size_t)at + LOCAL_SIZE, name);
    member.data = at + LOCAL_SIZE + name + extra;
    read_shared(p + 6, &member);
    if (member.name.len < name || !name_likely(member.name) || !method_known(member.method) ||
        (member.flags & 0xd780) || member.data > file.len)
        return false;
    member.header = true;
    member.sized = !(member.flags & FLAG_TRAILED) || member.packed;
    *ret = member;
    return true;
}

static bool read_central(bytes file, uint64_t at, struct member *ret)
{
    struct member member = {0};
    if (!bytes_has(file, at, CENTRAL_SIZE))
        return false;
    const uint8_t *p = file.at + at;
    member.name = bytes_slice(file, (size_t)at + CENTRAL_SIZE, load_le16(p + 28));
    read_shared(p + 8, &member);
    member.local = load_le32(p + 42);
    member.sized = true;
    member.central = true;
    if (member.name.len < load_le16(p + 28) || !name_likely(member.name) ||
        !method_known(member.method) || member.local >= at || member.packed > file.len)
        return false;
    *ret = member;
    return true;
}

/* Every header in the file. */
static void collect(struct zip *zip)
{
    bytes file = zip->salvage->file;
    struct member member;
    for (size_t at = 0; at + 4 <= file.len;) {
        const uint8_t *mark = memchr(file.at + at, 'P', file.len - at - 3);
        if (!mark || !budget_charge(zip->salvage->budget, (size_t)(mark - file.at) - at + 1))
            return;
        at = (size_t)(mark - file.at);
        bool found = (memcmp(mark, "PK\3\4", 4) == 0 && read_local(file, at, &member)) ||
                     (memcmp(mark, "PK\1\2", 4) == 0 && read_central(file, at, &member));
        struct member *kept = found && zip->members.n < MEMBERS_MOST
                                  ? vec_push(zip->salvage->arena, &zip->members)
                                  : NULL;
        if (kept)
            *kept = member;
        if (found)
            map_prove(&zip->salvage->map, at, at + HEAD_PROVEN);
        at++;
    }
}

/* By place; of two at one place the local header first. */
static int compare(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->local != y->local)
        return x->local < y->local ? -1 : 1;
    return (int)x->central - (int)y->central;
}

/* One for each member, with what both headers say. */
static void merge(struct zip *zip)
{
    uint32_t kept = 0;
    struct member *at = zip->members.at;
    if (zip->members.n > 1)
        qsort(at, zip->members.n, sizeof *at, compare);
    for (uint32_t i = 0; i < zip->members.n; i++) {
        struct member *last = kept ? &at[kept - 1] : NULL;
        if (!last || last->local != at[i].local) {
            at[kept++] = at[i];
        } else if (at[i].central) {
            /* The directory's sizes are complete. */
            last->crc = at[i].crc;
            last->packed = at[i].packed;
            last->size = at[i].size;
            last->sized = last->central = true;
        }
    }
    zip->members.n = kept;
}

/* The packed bytes of a member whose size is known. */
static bytes packed_of(const struct zip *zip, const struct member *member)
{
    bytes none = {NULL, 0}, file = zip->salvage->file;
    return bytes_has(file, member->data, member->packed)
               ? (bytes){file.at + member->data, (size_t)member->packed}
               : none;
}

/* The descriptor behind the data of a member that was streamed: crc, packed and plain size. */
static bool descriptor_fits(struct zip *zip, uint64_t at, uint32_t crc, uint64_t packed,
                            uint64_t size)
{
    uint32_t mark, a, b, c;
    bytes file = zip->salvage->file;
    if (bytes_le32(file, at, &mark) && mark == 0x08074b50)
        at += 4;
    return bytes_le32(file, at, &a) && bytes_le32(file, at + 4, &b) &&
           bytes_le32(file, at + 8, &c) && a == crc && b == (uint32_t)packed &&
           (c == (uint32_t)size || bytes_le32(file, at + 12, &c));
}

/* Whether the data at member->data is whole. Fills in what the headers do not say. */
static bool check(struct zip *zip, struct member *member, uint64_t *ret_bad)
{
    *ret_bad = member->data + member->packed;
    bytes file = zip->salvage->file;
    uint32_t crc;
    uint64_t size;
    size_t used;
    if (member->flags & FLAG_ENCRYPTED)
        return false;
    if (!member->sized) {
        bytes rest = bytes_slice(file, (size_t)member->data, file.len);
        if (member->method != MEMBER_DEFLATE ||
            !member_decodes(zip->salvage, rest, &crc, &size, &used) ||
            !descriptor_fits(zip, member->data + used, crc, used, size))
            return false;
        member->crc = crc;
        member->packed = used;
        member->size = size;
        return member->sized = true;
    }
    bytes packed = packed_of(zip, member);
    if (packed.len < member->packed)
        return false;
    if (member->method == MEMBER_STORED)
        return member->size == member->packed &&
               budget_charge(zip->salvage->budget, packed.len / 8) &&
               stream_crc32(0, packed) == member->crc;
    if (member->method != MEMBER_DEFLATE)
        return false;
    bool ended = member_decodes(zip->salvage, packed, &crc, &size, &used);
    *ret_bad = member->data + used;
    return ended && crc == member->crc && size == member->size;
}

/* The local header is ciphertext: the data ends where the next member begins. */
static bool locate(struct zip *zip, struct member *member, uint64_t next)
{
    static const uint64_t between[] = {0, 16, 12, DESCRIPTOR_MOST, 20};
    uint64_t least = member->local + LOCAL_SIZE + member->name.len, bad;
    for (size_t i = 0; i < COUNT(between); i++) {
        member->data = next - between[i] - member->packed;
        if (next < member->packed + between[i] || member->data < least ||
            member->data > least + UINT16_MAX)
            continue;
        if (check(zip, member, &bad))
            return true;
    }
    /* The most likely one, for what can be read of it. */
    member->data =
        next > member->packed && next - member->packed > least ? next - member->packed : least;
    if (member->data > least + EXTRA_MOST)
        member->data = least;
    return false;
}

/* Where the directory, or whatever follows the last member, begins. */
static uint64_t members_end(struct zip *zip)
{
    bytes file = zip->salvage->file;
    const struct member *last = &zip->members.at[zip->members.n - 1];
    size_t at = (size_t)last->local;
    at = bytes_find(file, (bytes){(const uint8_t *)"PK\1\2", 4}, at);
    return at == SIZE_MAX ? file.len - zip->salvage->map.trailer : at;
}

static void check_all(struct zip *zip)
{
    struct map *map = &zip->salvage->map;
    uint64_t last = zip->members.n ? members_end(zip) : 0;
    for (uint32_t i = 0; i < zip->members.n; i++) {
        struct member *member = &zip->members.at[i];
        bool more = i + 1 < zip->members.n;
        uint64_t next = more ? zip->members.at[i + 1].local : last;
        member->next = next;
        uint64_t bad = 0;
        member->whole = member->header ? check(zip, member, &bad) : locate(zip, member, next);
        /* A local header inside of a member that is whole was none of this package. */
        uint64_t end = member->data + (member->sized ? member->packed : 0);
        while (member->whole && i + 1 < zip->members.n && zip->members.at[i + 1].local < end) {
            memmove(&zip->members.at[i + 1], &zip->members.at[i + 2],
                    (zip->members.n - i - 2) * sizeof *member);
            zip->members.n--;
        }
        if (member->whole)
            map_prove(map, member->data, end);
        else if (!member->header)
            map_break(map, member->local, member->local + LOCAL_SIZE, false);
        else if (member->sized && end <= next && !(member->flags & FLAG_ENCRYPTED))
            map_break(map, member->data, bad < end ? bad : end, true);
        if (zip->salvage->budget->steps == 0)
            return;
    }
}

static const char *const zip_extensions[] = {"docx", "xlsx", "pptx", "odt", "ods",
                                             "odp",  "zip",  "epub", "jar", "apk",
                                             "docm", "xlsm", "pptm"};

static const char *extension_of(struct zip *zip)
{
    for (size_t i = 0; i < COUNT(zip_extensions); i++)
        if (salvage_named(zip->salvage, zip_extensions[i]))
            return zip_extensions[i];
    for (uint32_t i = 0; i < zip->members.n; i++) {
        bytes head = bytes_slice(zip->members.at[i].name, 0, 5);
        if (bytes_is(head, "word/"))
            return "docx";
        if (bytes_is(bytes_slice(head, 0, 3), "xl/"))
            return "xlsx";
        if (bytes_is(bytes_slice(head, 0, 4), "ppt/"))
            return "pptx";
    }
    return "zip";
}

static bool add_whole(struct zip *zip, struct package *package, const struct member *member)
{
    bool full;
    struct package_member entry = {.name = member->name,
                                   .method = member->method,
                                   .flags = member->flags,
                                   .time = member->time,
                                   .date = member->date,
                                   .crc = member->crc,
                                   .packed = (uint32_t)member->packed,
                                   .size = (uint32_t)member->size};
    if (!package_add(package, &entry, &full))
        return full && !zip->salvage->stopped;
    salvage_gives(zip->salvage, member->header ? member->local : member->data,
                  member->data + member->packed);
    salvage_counts(zip->salvage, 1);
    return salvage_put(zip->salvage, packed_of(zip, member));
}

static bool give_package(struct zip *zip, const char *extension, uint32_t whole)
{
    struct package package = {.salvage = zip->salvage};
    if (!salvage_begin(zip->salvage, salvage_name(zip->salvage, extension), "zip"))
        return false;
    for (uint32_t i = 0; i < zip->members.n; i++)
        if (zip->members.at[i].whole && !add_whole(zip, &package, &zip->members.at[i]))
            return false;
    return package_finish(&package) &&
           salvage_end(zip->salvage, SALVAGE_PROVEN, "%u of %u members, each with its CRC-32",
                       whole, zip->members.n);
}

int zip_fits(struct salvage *salvage)
{
    struct zip zip = {.salvage = salvage};
    collect(&zip);
    bool named = false;
    for (size_t i = 0; i < COUNT(zip_extensions); i++)
        named |= salvage_named(salvage, zip_extensions[i]);
    if (!zip.members.n)
        return 0;
    return named ? 95 : memcmp(salvage->file.at, "PK\3\4", 4) == 0 ? 85 : 40;
}

struct base {
    struct map *map;
    uint64_t at;
};

static void prove(void *to, uint64_t from, uint64_t until, enum member_says says)
{
    struct base *base = to;
    member_tell(base->map, base->at, from, until, says);
}

/* What the codes of large members say beyond their checksum. */
static void prove_blocks(struct zip *zip)
{
    for (uint32_t i = 0; i < zip->members.n; i++) {
        struct member *member = &zip->members.at[i];
        struct base base = {&zip->salvage->map, member->data};
        if (!member->whole && member->method == MEMBER_DEFLATE && member->sized &&
            member->packed > BLOCKS_LEAST)
            member_prove(zip->salvage, packed_of(zip, member), 0, prove, &base);
    }
}

void zip_prove(struct salvage *salvage)
{
    struct zip zip = {.salvage = salvage};
    collect(&zip);
    merge(&zip);
    if (zip.members.n)
        check_all(&zip);
}

void zip_give(struct salvage *salvage)
{
    struct zip zip = {.salvage = salvage};
    uint32_t whole = 0;
    collect(&zip);
    merge(&zip);
    check_all(&zip);
    prove_blocks(&zip);
    if (!salvage_solve(salvage))
        return;
    for (uint32_t i = 0; i < zip.members.n; i++)
        whole += zip.members.at[i].whole;
    const char *extension = extension_of(&zip);
    if (whole && !give_package(&zip, extension, whole))
        return;
    bytes folder = salvage_name(salvage, "parts");
    for (uint32_t i = 0; i < zip.members.n && !salvage->stopped; i++)
        if (!zip.members.at[i].whole)
            member_give(salvage, &zip.members.at[i], folder);
}

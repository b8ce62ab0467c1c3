/* ZIP (PKWARE APPNOTE 6.3.10), and what is made of it: OOXML, ODF, JAR, APK, EPUB
 *
 *     local header "PK 3 4" (4.3.7), name, extra, data, perhaps a descriptor (4.3.9)   each
 * member central directory: "PK 1 2" (4.3.12), name, extra, comment                       each
 * member zip64 end record "PK 6 6", locator "PK 6 7" (4.3.14, 4.3.15)                     if
 * needed end record "PK 5 6" (4.3.16): number of members, size and place of the directory,
 * comment
 *
 * The file is proven when members, directory and end lie beside each other without a gap, and
 * every member unpacks to its size and CRC-32. */
#include "rescue/proof/kind.h"
#include "rescue/proof/packed.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOCAL = 30,
    CENTRAL = 46,
    END = 22,
    COMMENT_MOST = 65535,
    MEMBERS_MOST = 1 << 20,
    STORED = 0,
    DEFLATED = 8,
    BZIPPED = 12,
    ZSTD = 93,
    XZ = 95,
};

struct member {
    uint64_t at, packed, size;
    uint32_t crc, name_crc;
    uint16_t flags, method, name;
};

struct directory {
    uint64_t at, size, count, end; /* end: of it and all that follows up to the end record */
};

struct zip {
    struct reader *reader;
    struct proof_result *ret;
    struct directory directory;
    VEC(struct member) member;
    uint64_t end;               /* of the archive */
    uint64_t uncovered, unread; /* bytes in gaps; members that cannot be unpacked here */
};

static bool begins(bytes head)
{
    return head.len >= 4 && (!memcmp(head.at, "PK\3\4", 4) ||
                             (!memcmp(head.at, "PK\5\6", 4) && head.len >= END));
}

/* The end record: the last whose comment ends with the file; else (`behind`) the last one with
 * anything behind it. */
static uint64_t find_end(struct reader *reader, bool behind)
{
    uint64_t least = reader->size > COMMENT_MOST + END ? reader->size - COMMENT_MOST - END : 0;
    if (reader->size < END)
        return UINT64_MAX;
    bytes tail = proof_reader_view(reader, least, COMMENT_MOST + END);
    for (size_t at = tail.len >= END ? tail.len - END + 1 : 0; at--;) {
        uint16_t comment = 0;
        if (!memcmp(tail.at + at, "PK\5\6", 4) && bytes_le16(tail, at + 20, &comment) &&
            (behind ? at + END + comment <= tail.len : at + END + comment == tail.len))
            return least + at;
    }
    return UINT64_MAX;
}

static bool read_directory(struct zip *zip)
{
    struct reader *reader = zip->reader;
    struct directory *directory = &zip->directory;
    uint8_t end[END], locator[20], large[56];
    uint64_t at = find_end(reader, false);
    if (at == UINT64_MAX)
        at = find_end(reader, true);
    if (at == UINT64_MAX || !proof_reader_take(reader, at, end, END)) {
        kind_failed(zip->ret, 0, "the directory at its end is missing");
        return false;
    }
    *directory =
        (struct directory){load_le32(end + 16), load_le32(end + 12), load_le16(end + 10), at};
    zip->end = at + END + load_le16(end + 20);
    if (directory->at == UINT32_MAX || directory->size == UINT32_MAX ||
        directory->count == UINT16_MAX) {
        if (at >= 76 && proof_reader_take(reader, at - 20, locator, 20) &&
            !memcmp(locator, "PK\6\7", 4) && load_le64(locator + 8) == at - 76 &&
            proof_reader_take(reader, at - 76, large, 56) && !memcmp(large, "PK\6\6", 4))
            *directory = (struct directory){load_le64(large + 48), load_le64(large + 40),
                                            load_le64(large + 32), at - 76};
    }
    if (directory->size > directory->end || directory->at != directory->end - directory->size ||
        directory->count > directory->size / CENTRAL) {
        kind_failed(zip->ret, 0, "its directory does not lie where its end says");
        return false;
    }
    return true;
}

/* The 64-bit values of a member's extra field 1, in place of those that do not fit. False: the
 * fields do not fill the extra data. */
static bool read_extra(bytes extra, struct member *member)
{
    size_t at = 0;
    while (extra.len - at >= 4) {
        size_t len = load_le16(extra.at + at + 2), value = at + 4;
        bool large = load_le16(extra.at + at) == 1;
        if (len > extra.len - value)
            return false;
        at = value + len;
        uint64_t *wants[] = {&member->size, &member->packed, &member->at};
        for (size_t i = 0; large && i < COUNT(wants); i++)
            if (*wants[i] == UINT32_MAX && value + 8 <= at) {
                *wants[i] = load_le64(extra.at + value);
                value += 8;
            }
    }
    return true; /* aligners leave up to 3 bytes */
}

/* Whether extra fields of a local header fill it. */
static bool extra_fits(bytes extra)
{
    struct member none = {0};
    return read_extra(extra, &none);
}

/* Reads the central header at `at`; how long it is, 0: it is none. */
static size_t read_central(struct reader *reader, uint64_t at, struct member *ret)
{
    uint8_t head[CENTRAL];
    if (!proof_reader_take(reader, at, head, CENTRAL) || memcmp(head, "PK\1\2", 4) != 0)
        return 0;
    size_t name = load_le16(head + 28), extra = load_le16(head + 30),
           comment = load_le16(head + 32);
    *ret = (struct member){.at = load_le32(head + 42),
                           .packed = load_le32(head + 20),
                           .size = load_le32(head + 24),
                           .crc = load_le32(head + 16),
                           .flags = load_le16(head + 8),
                           .method = load_le16(head + 10),
                           .name = (uint16_t)name};
    bytes view = proof_reader_view(reader, at + CENTRAL, name + extra);
    if (view.len != name + extra)
        return 0;
    ret->name_crc = stream_crc32(0, bytes_slice(view, 0, name));
    if (!read_extra(bytes_slice(view, name, extra), ret))
        return 0;
    return CENTRAL + name + extra + comment;
}

static int by_place(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    return left->at < right->at ? -1 : left->at > right->at;
}

static bool read_members(struct zip *zip)
{
    uint64_t at = zip->directory.at, end = zip->directory.at + zip->directory.size;
    while (at < end) {
        struct member *member = zip->member.n < MEMBERS_MOST
                                    ? vec_push(zip->reader->window->arena, &zip->member)
                                    : NULL;
        if (!member) {
            budget_hit(zip->reader->window->budget, LIMIT_MEMORY);
            return false;
        }
        size_t len = read_central(zip->reader, at, member);
        if (!len || len > end - at) {
            kind_failed(zip->ret, 0, "its directory is damaged at %llu",
                        (unsigned long long)at);
            return false;
        }
        at += len;
    }
    if (zip->member.n != zip->directory.count) {
        kind_failed(zip->ret, 0, "its directory has %u members and its end says %llu",
                    zip->member.n, (unsigned long long)zip->directory.count);
        return false;
    }
    if (zip->member.n)
        qsort(zip->member.at, zip->member.n, sizeof *zip->member.at, by_place);
    return true;
}

/* Where the data of a member begins, 0: its local header is not what the directory says. */
static uint64_t data_of(struct reader *reader, const struct member *member)
{
    uint8_t head[LOCAL];
    if (!proof_reader_take(reader, member->at, head, LOCAL) || memcmp(head, "PK\3\4", 4) != 0)
        return 0;
    size_t name = load_le16(head + 26), extra = load_le16(head + 28);
    bytes view = proof_reader_view(reader, member->at + LOCAL, name + extra);
    if (view.len != name + extra || name != member->name ||
        load_le16(head + 8) != member->method ||
        stream_crc32(0, bytes_slice(view, 0, name)) != member->name_crc ||
        (load_le16(head + 6) ^ member->flags) & 9 ||
        !extra_fits(bytes_slice(view, name, extra)))
        return 0;
    uint32_t crc = load_le32(head + 14), packed = load_le32(head + 18);
    if (!(member->flags & 8) &&
        (crc != member->crc || (packed != UINT32_MAX && packed != member->packed)))
        return 0;
    return member->at + LOCAL + name + extra;
}

/* Bytes of the descriptor behind a member's data: its CRC-32 and sizes, with or without a mark
 * before it, of 32 or 64 bits. */
static size_t descriptor_of(struct reader *reader, uint64_t at, const struct member *member)
{
    uint8_t all[24] = {0};
    bytes view = proof_reader_view(reader, at, sizeof all);
    if (!(member->flags & 8) || view.len < 12)
        return 0;
    memcpy(all, view.at, view.len);
    size_t mark = memcmp(all, "PK\7\10", 4) ? 0 : 4;
    if (load_le32(all + mark) != member->crc)
        return 0;
    const uint8_t *sizes = all + mark + 4;
    if (load_le32(sizes) == (uint32_t)member->packed && load_le32(sizes + 4) == member->size)
        return mark + 12;
    return load_le64(sizes) == member->packed && load_le64(sizes + 8) == member->size
               ? mark + 20
               : 0;
}

/* Whether a member unpacks to what the directory says. */
static bool member_holds(struct zip *zip, const struct member *member, uint64_t data)
{
    struct packed packed = {0};
    uint32_t crc;
    enum stream_kind kind = STREAM_DEFLATE;
    if (member->flags & 1) {
        zip->unread++;
        return true;
    }
    switch (member->method) {
    case STORED:
        return member->size == member->packed &&
               reader_crc32(zip->reader, data, member->size, &crc) && crc == member->crc;
    case DEFLATED:
        break;
    case BZIPPED:
        kind = STREAM_BZIP2;
        break;
    case ZSTD:
        kind = STREAM_ZSTD;
        break;
    case XZ:
        kind = STREAM_XZ;
        break;
    default:
        zip->unread++;
        return true;
    }
    packed_run(zip->reader, data, member->packed, kind, member->size, &packed);
    return packed.state == STREAM_END && packed.used == member->packed &&
           packed.size == member->size && packed.crc == member->crc;
}

static bool check_members(struct zip *zip)
{
    uint64_t covered = 0;
    for (uint32_t i = 0; i < zip->member.n; i++) {
        const struct member *member = &zip->member.at[i];
        uint64_t data = data_of(zip->reader, member);
        if (!data || data > zip->directory.at || member->packed > zip->directory.at - data ||
            member->at < covered) {
            kind_failed(zip->ret, covered, "its member at %llu is not what its directory says",
                        (unsigned long long)member->at);
            return false;
        }
        if (!member_holds(zip, member, data)) {
            kind_failed(zip->ret, covered, "its member at %llu does not have its CRC-32",
                        (unsigned long long)member->at);
            return false;
        }
        zip->uncovered += member->at - covered;
        covered = data + member->packed;
        covered += descriptor_of(zip->reader, covered, member);
    }
    zip->uncovered += zip->directory.at - covered;
    return true;
}

static void check(struct reader *reader, struct proof_result *ret)
{
    struct zip zip = {.reader = reader, .ret = ret};
    if (!read_directory(&zip) || !read_members(&zip) || !check_members(&zip))
        return;
    unsigned long long unread = zip.unread, uncovered = zip.uncovered;
    if (zip.end != reader->size && !unread) {
        kind_ends(reader, ret, zip.end, "all %u members have their CRC-32", zip.member.n);
        return;
    }
    if (unread)
        kind_plausible(ret, reader->size,
                       "%llu of its %u members cannot be unpacked here, the "
                       "others have their CRC-32",
                       unread, zip.member.n);
    else if (uncovered)
        kind_plausible(ret, reader->size,
                       "all %u members have their CRC-32; nothing is known of %llu bytes "
                       "between them",
                       zip.member.n, uncovered);
    else
        kind_proven(ret, reader->size, "all %u members have their CRC-32", zip.member.n);
}

const struct proof_kind kind_zip = {
    "ZIP",
    " zip docx xlsx pptx docm xlsm pptm dotx xltx potx vsdx odt ods odp odg jar war apk epub ",
    begins, check};

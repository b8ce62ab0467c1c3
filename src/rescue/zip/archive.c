/* local header   PK\3\4 version flags method time date crc packed size name extra | data
 * central entry  PK\1\2 made version flags method time date crc packed size name extra comment
 *                disk, internal, external attributes, offset of the local header
 * end            PK\5\6 disks, entries, size and offset of the central directory, comment;
 * sizes that do not fit are ffffffff and stand in the extra field 0001 (zip64). */
#include "rescue/zip/archive.h"

#include "rescue/pair/heads.h"

#include <errno.h>
#include <string.h>

enum {
    LOCAL = 30,
    CENTRAL = 46,
    END = 22,
    LOCATOR = 20,
    END64 = 56,
    END_SEARCH = END + 65535 + LOCATOR,
    FLAG_ENCRYPTED = 1,
    FLAG_BEHIND = 8,
    FLAG_STRONG = 64,
    METHOD_AES = 99,
};

struct directory {
    uint64_t at, size, entries;
};

static int find_directory64(const struct source *source, uint64_t at, struct directory *ret,
                            struct why *why)
{
    uint8_t end[END64];
    int error = source_read(source, at, end, sizeof end, why);
    if (error)
        return error == -ENODATA ? fail(why, EBADMSG, "the end of the archive is damaged")
                                 : error;
    if (memcmp(end, "PK\6\6", 4) != 0)
        return fail(why, EBADMSG, "the end of the archive is damaged");
    ret->entries = load_le64(end + 32);
    ret->size = load_le64(end + 40);
    ret->at = load_le64(end + 48);
    return 0;
}

static int find_directory(const struct source *source, struct arena *arena,
                          struct directory *ret, struct why *why)
{
    bytes tail = {0};
    uint64_t want = source->size < END_SEARCH ? source->size : END_SEARCH;
    int error = source_take(source, source->size - want, (size_t)want, arena, &tail, why);
    if (error)
        return error;
    for (size_t i = tail.len; i-- > 0;) {
        const uint8_t *at = tail.at + i;
        if (tail.len - i < END || memcmp(at, "PK\5\6", 4) != 0)
            continue;
        ret->entries = load_le16(at + 10);
        ret->size = load_le32(at + 12);
        ret->at = load_le32(at + 16);
        /* A locator is meant only where a number did not fit; a name can look like one. */
        bool beyond =
            ret->entries == UINT16_MAX || ret->size == UINT32_MAX || ret->at == UINT32_MAX;
        if (beyond && i >= LOCATOR && memcmp(at - LOCATOR, "PK\6\7", 4) == 0)
            return find_directory64(source, load_le64(at - LOCATOR + 8), ret, why);
        return 0;
    }
    return fail(why, EBADMSG, "no zip archive, or its end is missing");
}

/* Sizes and place out of the extra field of zip64. */
static void read_zip64(bytes extra, struct archive_member *member)
{
    uint16_t kind, len;
    for (size_t at = 0; bytes_le16(extra, at, &kind) && bytes_le16(extra, at + 2, &len);
         at += 4u + len) {
        bytes part = bytes_slice(extra, at + 4, len);
        if (kind != 1)
            continue;
        uint64_t *const fields[] = {&member->size, &member->packed, &member->local};
        for (size_t i = 0, from = 0; i < COUNT(fields); i++)
            if (*fields[i] == UINT32_MAX && bytes_le64(part, from, fields[i]))
                from += 8;
        return;
    }
}

static int find_data(const struct source *source, struct archive_member *member,
                     struct why *why)
{
    uint8_t local[LOCAL];
    int error = source_read(source, member->local, local, sizeof local, why);
    if (!error && memcmp(local, "PK\3\4", 4) != 0)
        error = -ENODATA;
    if (error)
        return error == -ENODATA ? fail(why, EBADMSG, "a member's local header is damaged")
                                 : error;
    member->data = member->local + LOCAL + load_le16(local + 26) + load_le16(local + 28);
    if (member->data > source->size || member->packed > source->size - member->data)
        return fail(why, EBADMSG, "a member's data lie behind the end of the archive");
    return 0;
}

static int read_entry(const struct source *source, bytes *rest, struct archive *archive,
                      struct arena *arena, struct why *why)
{
    const uint8_t *at = rest->at;
    if (rest->len < CENTRAL || memcmp(at, "PK\1\2", 4) != 0)
        return fail(why, EBADMSG, "the archive's directory is damaged");
    size_t name = load_le16(at + 28), extra = load_le16(at + 30), comment = load_le16(at + 32);
    if (rest->len - CENTRAL < name + extra + comment)
        return fail(why, EBADMSG, "the archive's directory is damaged");

    struct archive_member *member = vec_push(arena, &archive->member);
    if (!member)
        return fail(why, ENOMEM, "no memory for the archive's directory");
    *member = (struct archive_member){
        .name = bytes_slice(*rest, CENTRAL, name),
        .version = load_le16(at + 6),
        .flags = load_le16(at + 8),
        .method = load_le16(at + 10),
        .time = load_le16(at + 12),
        .date = load_le16(at + 14),
        .crc = load_le32(at + 16),
        .packed = load_le32(at + 20),
        .size = load_le32(at + 24),
        .attributes = load_le32(at + 38),
        .local = load_le32(at + 42),
    };
    read_zip64(bytes_slice(*rest, CENTRAL + name, extra), member);
    *rest = bytes_slice(*rest, CENTRAL + name + extra + comment, SIZE_MAX);
    bool encrypted = member->flags & FLAG_ENCRYPTED;
    member->legacy = encrypted && !(member->flags & FLAG_STRONG) &&
                     member->method != METHOD_AES && member->packed >= ZIPCRYPTO_HEADER;
    archive->legacy += member->legacy;
    archive->other += encrypted && !member->legacy;
    return find_data(source, member, why);
}

int archive_read(const struct source *source, struct arena *arena, struct archive *ret,
                 struct why *why)
{
    struct directory directory = {0};
    bytes rest = {0};
    *ret = (struct archive){.legacy = 0};
    int error = find_directory(source, arena, &directory, why);
    if (error)
        return error;
    if (directory.size > ARCHIVE_DIRECTORY || directory.at > source->size ||
        directory.size > source->size - directory.at)
        return fail(why, EBADMSG, "the archive's directory lies outside of it");
    error = source_take(source, directory.at, (size_t)directory.size, arena, &rest, why);
    while (!error && rest.len >= CENTRAL && ret->member.n < ARCHIVE_MEMBERS)
        error = read_entry(source, &rest, ret, arena, why);
    return error;
}

/* --- what is known --- */

uint8_t archive_check_byte(const struct archive_member *member)
{
    return (uint8_t)(member->flags & FLAG_BEHIND ? member->time >> 8 : member->crc >> 24);
}

size_t archive_known(const struct archive_member *member, struct attack_known *ret, size_t max)
{
    size_t n = 0;
    if (!member->legacy || !max)
        return 0;
    ret[n++] = (struct attack_known){ZIPCRYPTO_HEADER - 1, archive_check_byte(member)};
    struct head_byte head[HEADS_MOST];
    size_t heads = member->method ? 0 : heads_of(member->name, false, head, HEADS_MOST);
    for (size_t i = 0; i < heads && n < max; i++)
        if (ZIPCRYPTO_HEADER + head[i].at < member->packed)
            ret[n++] = (struct attack_known){ZIPCRYPTO_HEADER + head[i].at, head[i].plain};
    return n;
}

const struct archive_member *archive_easiest(const struct archive *archive)
{
    const struct archive_member *best = NULL;
    size_t most = ATTACK_KNOWN - 1;
    for (uint32_t i = 0; i < archive->member.n; i++) {
        struct attack_known known[ARCHIVE_HEADS];
        size_t n = archive_known(&archive->member.at[i], known, ARCHIVE_HEADS);
        if (n > most) {
            most = n;
            best = &archive->member.at[i];
        }
    }
    return best;
}

const struct archive_member *archive_find(const struct archive *archive, bytes name)
{
    for (uint32_t i = 0; i < archive->member.n; i++)
        if (bytes_equal(archive->member.at[i].name, name))
            return &archive->member.at[i];
    return NULL;
}

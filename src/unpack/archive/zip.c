/* Finding the members of a zip file (APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3):
 *
 *     local header "PK\3\4", name, extra, data [, descriptor]   for each member
 *     central header "PK\1\2", name, extra, comment             for each member
 *     [zip64 end "PK\6\6", its locator "PK\6\7"] end "PK\5\6": where the directory is
 *
 * What programs show is the central directory; what installers and mail filters stream is the
 * local headers. Malware puts a member into one of them only, or gives the two different
 * methods. So the directory's members are opened, and what lies between them is searched for
 * local headers that it does not name. The file may begin anywhere in the data: offsets count
 * from where the end record says its directory must have begun. */
#include "unpack/archive/zip.h"
#include "unpack/archive/formats.h"

#include <stdlib.h>

enum {
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    COMMENT_MAX = 0xffff,
    EXTRA_ZIP64 = 1,
    EXTRA_AES = 0x9901,
};

struct zip {
    struct unpack *unpack;
    bytes data;
    uint64_t directory, directory_size, bias, end;
    uint64_t volume; /* of a split archive, from 1 on; 0: it is none */
    uint16_t disk;   /* the same, as headers have it */
    VEC(struct zip_entry) entries;
    uint64_t spent;   /* packed bytes of the members opened so far */
    uint64_t skipped; /* members that overlap others */
};

static bytes bytes_at(bytes data, uint64_t at, uint64_t len)
{
    return bytes_has(data, at, len) ? (bytes){data.at + at, (size_t)len} : (bytes){NULL, 0};
}

static bool signed_with(bytes data, uint64_t at, const char *mark, uint64_t size)
{
    return bytes_has(data, at, size) && memcmp(data.at + at, mark, 4) == 0;
}

/* Takes a zip64 value from the extra field when the plain one is all ones. */
static void zip64_take(bytes *field, uint64_t *value)
{
    uint64_t wide;
    if (*value == UINT32_MAX && bytes_le64(*field, 0, &wide)) {
        *value = wide;
        *field = bytes_slice(*field, 8, field->len);
    }
}

static void read_extra(bytes extra, struct zip_entry *entry, uint64_t *header)
{
    uint16_t id, size;
    while (bytes_le16(extra, 0, &id) && bytes_le16(extra, 2, &size)) {
        bytes field = bytes_slice(extra, 4, size);
        if (id == EXTRA_ZIP64) {
            zip64_take(&field, &entry->size);
            zip64_take(&field, &entry->packed);
            zip64_take(&field, header);
        } else if (id == EXTRA_AES && field.len >= 7) {
            entry->aes_version = field.at[0];
            entry->aes_key = field.at[4];
            entry->aes_method = load_le16(field.at + 5);
        }
        extra = bytes_slice(extra, 4 + (size_t)size, extra.len);
    }
}

/* What both headers have in the same order: from flags to the sizes. */
static void read_shared(const uint8_t *p, struct zip_entry *entry)
{
    entry->flags = load_le16(p);
    entry->method = load_le16(p + 2);
    entry->time = load_le16(p + 4);
    entry->crc = load_le32(p + 8);
    entry->packed = load_le32(p + 12);
    entry->size = load_le32(p + 16);
}

/* The local header at `at`. False when there is none, or its name is cut off. */
static bool read_local(bytes data, uint64_t at, struct zip_entry *ret)
{
    struct zip_entry entry = {.header = at};
    uint64_t unused = 0;
    if (!signed_with(data, at, "PK\3\4", LOCAL_SIZE))
        return false;
    const uint8_t *p = data.at + at;
    uint64_t name = load_le16(p + 26), extra = load_le16(p + 28);
    if (!bytes_has(data, at + LOCAL_SIZE, name))
        return false;
    read_shared(p + 6, &entry);
    entry.name = bytes_at(data, at + LOCAL_SIZE, name);
    entry.data = at + LOCAL_SIZE + name + extra;
    read_extra(bytes_at(data, at + LOCAL_SIZE + name, extra), &entry, &unused);
    entry.sized = !(entry.flags & ZIP_TRAILED) || entry.packed != 0;
    *ret = entry;
    return true;
}

/* A false hit of a search is likely to break one of these. */
static bool is_likely(const struct zip_entry *entry, bytes data)
{
    bool known = zip_method_name(entry->method)[0] || entry->method == ZIP_STORED;
    return known && entry->name.len && entry->data <= data.len && !(entry->flags & 0xd780) &&
           !memchr(entry->name.at, 0, entry->name.len);
}

/* The last end record; a comment may follow it. */
static bool find_end(struct zip *zip)
{
    bytes data = zip->data;
    uint64_t first = data.len > END_SIZE + COMMENT_MAX ? data.len - END_SIZE - COMMENT_MAX : 0;
    if (data.len < END_SIZE)
        return false;
    for (uint64_t at = data.len - END_SIZE + 1; at-- > first;) {
        if (data.at[at] != 'P' || !signed_with(data, at, "PK\5\6", END_SIZE))
            continue;
        zip->end = at;
        zip->directory_size = load_le32(data.at + at + 12);
        zip->directory = load_le32(data.at + at + 16);
        zip->disk = load_le16(data.at + at + 4);
        return true;
    }
    return false;
}

/* The zip64 end record, when the plain one lacks room. */
static void find_end64(struct zip *zip)
{
    bytes data = zip->data;
    uint64_t locator = zip->end - LOCATOR_SIZE, at;
    if (zip->end < LOCATOR_SIZE || !signed_with(data, locator, "PK\6\7", LOCATOR_SIZE))
        return;
    at = load_le64(data.at + locator + 8);
    if (!signed_with(data, at, "PK\6\6", END64_SIZE))
        at = locator >= END64_SIZE ? locator - END64_SIZE : 0;
    if (!signed_with(data, at, "PK\6\6", END64_SIZE))
        return;
    zip->end = at;
    zip->directory_size = load_le64(data.at + at + 40);
    zip->directory = load_le64(data.at + at + 48);
}

/* Where the directory is, and from where offsets count. */
static bool find_directory(struct zip *zip)
{
    if (!find_end(zip))
        return false;
    find_end64(zip);
    if (zip->directory_size <= zip->end && zip->directory <= zip->end - zip->directory_size)
        zip->bias = zip->end - zip->directory_size - zip->directory;
    if (signed_with(zip->data, zip->directory + zip->bias, "PK\1\2", CENTRAL_SIZE))
        return true;
    zip->bias = 0;
    return zip->directory_size == 0 ||
           signed_with(zip->data, zip->directory, "PK\1\2", CENTRAL_SIZE);
}

/* One central header, and what its local header adds: where the data begins. */
static bool read_central(struct zip *zip, uint64_t *at)
{
    bytes data = zip->data;
    struct zip_entry entry = {.sized = true}, local;
    if (!signed_with(data, *at, "PK\1\2", CENTRAL_SIZE))
        return false;
    const uint8_t *p = data.at + *at;
    uint64_t name = load_le16(p + 28), extra = load_le16(p + 30);
    read_shared(p + 8, &entry);
    entry.header = load_le32(p + 42);
    entry.name = bytes_at(data, *at + CENTRAL_SIZE, name);
    read_extra(bytes_at(data, *at + CENTRAL_SIZE + name, extra), &entry, &entry.header);
    *at += CENTRAL_SIZE + name + extra + load_le16(p + 32);
    if (zip->volume && load_le16(p + 34) != zip->disk)
        return true; /* on another volume */
    entry.header += zip->bias;
    if (!read_local(data, entry.header, &local) && zip->bias &&
        read_local(data, entry.header - zip->bias, &local))
        entry.header -= zip->bias;
    if (!read_local(data, entry.header, &local)) {
        unpack_gap(zip->unpack, entry.name, GAP_DAMAGED,
                   "the directory names a place where it is not");
        return true;
    }
    entry.data = local.data;
    struct zip_entry *kept = vec_push(zip->unpack->arena, &zip->entries);
    if (!kept)
        return false;
    *kept = entry;
    return true;
}

/* The first volume begins with a mark of its own; the last has its number with the directory;
 * of others, and where a file was cut anywhere, only the name tells. */
static uint64_t volume_of(const struct zip *zip, bool found)
{
    if (found)
        return zip->disk != UINT16_MAX && zip->disk ? (uint64_t)zip->disk + 1 : 0;
    uint64_t number = volume_number(zip->unpack->name);
    return number ? number : signed_with(zip->data, 0, "PK\7\10", 4);
}

static int by_header(const void *a, const void *b)
{
    const struct zip_entry *x = a, *y = b;
    return x->header < y->header ? -1 : x->header > y->header;
}

/* False: return. More members than may be examined are not listed: the core says so. */
static bool read_directory(struct zip *zip)
{
    struct unpack *unpack = zip->unpack;
    bool found = find_directory(zip);
    zip->volume = volume_of(zip, found);
    if (zip->volume)
        volume_note(unpack, zip->volume);
    if (!found && zip->volume)
        return true;
    if (!found) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its directory is missing");
        return true;
    }
    uint64_t at = zip->directory + zip->bias;
    uint64_t most = unpack->run->limits.members - unpack->run->members;
    while (at < zip->end && zip->entries.n <= most) {
        uint32_t before = zip->entries.n;
        if (!budget_charge(unpack->budget, 16))
            return false;
        if (!read_central(zip, &at)) {
            bool signature = signed_with(zip->data, at, "PK\5\5", 4); /* digital signature */
            if (!signature && zip->entries.n == before)
                unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its directory is cut short");
            break;
        }
    }
    if (zip->entries.n)
        qsort(zip->entries.at, zip->entries.n, sizeof *zip->entries.at, by_header);
    return true;
}

/* Members between two that the directory has, or where it has none. False: return. */
static bool open_hidden(struct zip *zip, uint64_t from, uint64_t to)
{
    bytes part = bytes_slice(zip->data, 0, (size_t)to);
    struct unpack *unpack = zip->unpack;
    while (from < to) {
        struct zip_entry entry;
        uint64_t used = 0;
        size_t at = bytes_find(part, (bytes){(const uint8_t *)"PK\3\4", 4}, (size_t)from);
        uint64_t passed = (at == SIZE_MAX ? to : at) - from;
        if (!budget_charge(unpack->budget, passed / 16 + 1))
            return false;
        if (at == SIZE_MAX)
            return true;
        from = at + 4;
        if (!read_local(zip->data, at, &entry) || !is_likely(&entry, zip->data))
            continue;
        if (!zip_member(unpack, &entry, &used))
            return false;
        if (used <= to - entry.data)
            from = entry.data + used;
    }
    return true;
}

/* The local header tells another story: it is a member of its own. */
static bool open_local(struct zip *zip, const struct zip_entry *central)
{
    struct zip_entry local;
    uint64_t used;
    if (!read_local(zip->data, central->header, &local) || !local.sized || !local.packed)
        return true;
    bool same_size = local.packed == central->packed || local.flags & ZIP_TRAILED;
    if (local.method == central->method && same_size)
        return true;
    unpack_gap(zip->unpack, local.name, GAP_DAMAGED,
               "the directory and the member's own header differ");
    return zip_member(zip->unpack, &local, &used);
}

/* Members may share data, as those of zip bombs do. What overlaps is opened until twice the
 * file's size was read. */
static bool open_listed(struct zip *zip)
{
    uint64_t covered = 0, used = 0;
    for (uint32_t i = 0; i < zip->entries.n; i++) {
        const struct zip_entry *entry = &zip->entries.at[i], *before = entry - 1;
        if (i > 0 && entry->header == before->header && entry->packed == before->packed &&
            entry->method == before->method)
            continue;
        if (entry->header > covered && !open_hidden(zip, covered, entry->header))
            return false;
        if (entry->header < covered && zip->spent / 2 > zip->data.len) {
            zip->skipped++;
            continue;
        }
        if (!zip_member(zip->unpack, entry, &used) || !open_local(zip, entry))
            return false;
        zip->spent += used;
        if (entry->data + used > covered)
            covered = entry->data + used;
    }
    return covered >= zip->data.len || open_hidden(zip, covered, zip->data.len);
}

void zip_open(struct unpack *unpack)
{
    struct zip zip = {.unpack = unpack, .data = unpack->data};
    if (!read_directory(&zip) || !open_listed(&zip))
        return;
    if (zip.skipped)
        unpack_gap(unpack, bytes_of(""), GAP_LIMIT, "%llu members overlap others",
                   (unsigned long long)zip.skipped);
}

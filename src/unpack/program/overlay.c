/* What lies behind a program. Self-extracting archives are a program with an archive behind it;
 * some put a few bytes or a text in between, so the first MiB is searched for the signatures
 * below; a zip is found by its end as well:
 *
 *   end of central directory, 22 bytes: "PK\5\6", u16 disks 0, 0, entries here, entries in all,
 *   u32 size and offset of the central directory, u16 length of comment
 *
 * APPNOTE.TXT 6.3.10 section 4.3.16; 7zFormat.txt; [MS-CAB] 2.1; RAR 5.0 archive format. */
#include "unpack/program/installer/installshield.h"
#include "unpack/program/program.h"

#include <string.h>

enum {
    SEARCHED = 1 << 20,
    MAX_FOUND = 64,
    ZIP_END = 22,
    ZIP_COMMENT = 65535,
    ZIP_ENTRY = 46,
};

/* Where an archive ends whose signature is at `at`; 0: it is none; UINT64_MAX: it does not say
 * here. */
typedef uint64_t end_of(bytes data, uint64_t at);

static uint64_t zip_end(bytes data, uint64_t at)
{
    uint16_t version, method;
    return bytes_le16(data, at + 4, &version) && bytes_le16(data, at + 8, &method) &&
                   (version & 0xff) <= 99 && method <= 99
               ? UINT64_MAX
               : 0;
}

static uint64_t sevenzip_end(bytes data, uint64_t at)
{
    uint64_t offset, size;
    if (!bytes_le64(data, at + 12, &offset) || !bytes_le64(data, at + 20, &size) ||
        data.at[at + 6] != 0)
        return 0;
    if (offset > data.len || size > data.len || !bytes_has(data, at + 32, offset + size))
        return UINT64_MAX;
    return at + 32 + offset + size;
}

static uint64_t cab_end(bytes data, uint64_t at)
{
    uint32_t size;
    if (!bytes_le32(data, at + 8, &size) || size < 36 || !bytes_has(data, at, 26) ||
        data.at[at + 25] != 1)
        return 0;
    return bytes_has(data, at, size) ? at + size : UINT64_MAX;
}

static uint64_t program_end(bytes data, uint64_t at)
{
    uint32_t header;
    return bytes_le32(data, at + 60, &header) && header < 0x10000 &&
                   bytes_has(data, at + header, 4) &&
                   memcmp(data.at + at + header, "PE\0", 4) == 0
               ? UINT64_MAX
               : 0;
}

static uint64_t any_end(bytes data, uint64_t at)
{
    (void)data;
    (void)at;
    return UINT64_MAX;
}

static const struct signature {
    const char *magic;
    uint8_t length, before; /* so many bytes before the magic it begins */
    end_of *end;
} signatures[] = {
    {"PK\3\4", 4, 0, zip_end},
    {"7z\xbc\xaf\x27\x1c", 6, 0, sevenzip_end},
    {"Rar!\x1a\x07", 6, 0, any_end},
    {"MSCF\0\0\0\0", 8, 0, cab_end},
    {"\xef\xbe\xad\xdeNullsoftInst", 16, 4, any_end},
    {"\xa3\x48\x4b\xbe\x98\x6c\x4a\xa9\x99\x4c\x53\x0a\x86\xd6\x48\x7d", 16, 0, any_end},
    {"InstallShield\0", 14, 0, any_end},
    {"ISSetupStream\0", 14, 0, any_end},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, 0, any_end},
    {"\xfd"
     "7zXZ",
     6, 0, any_end},
    {"MZ", 2, 0, program_end},
};

/* Offset of the next archive of a kind at or after `from`, or SIZE_MAX. */
static size_t next_of(const struct signature *kind, bytes data, bytes searched, size_t from)
{
    const bytes magic = {(const uint8_t *)kind->magic, kind->length};
    for (size_t at = from; (at = bytes_find(searched, magic, at)) != SIZE_MAX; at++)
        if (at >= from + kind->before && kind->end(data, at - kind->before))
            return at - kind->before;
    return SIZE_MAX;
}

/* Where the zip begins whose end lies in the last 64 KiB; SIZE_MAX for none. Offsets in it may
 * count from its own begin or from that of the file. */
static size_t zip_begin(bytes data)
{
    size_t least = data.len > ZIP_END + ZIP_COMMENT ? data.len - ZIP_END - ZIP_COMMENT : 0;
    for (size_t at = data.len; at-- > least;) {
        uint32_t size, offset, first;
        uint16_t comment;
        if (data.at[at] != 'P' || !bytes_has(data, at, ZIP_END) ||
            memcmp(data.at + at, "PK\5\6", 4) != 0)
            continue;
        if (!bytes_le32(data, at + 12, &size) || !bytes_le32(data, at + 16, &offset) ||
            !bytes_le16(data, at + 20, &comment) || comment > data.len - at - ZIP_END ||
            size > at || size < ZIP_ENTRY || !bytes_le32(data, at - size + 42, &first))
            continue;
        size_t directory = at - size;
        if (memcmp(data.at + directory, "PK\1\2", 4) != 0)
            continue;
        uint64_t distance = offset >= first ? (uint64_t)offset - first : 0;
        return distance <= directory ? directory - (size_t)distance : 0;
    }
    return SIZE_MAX;
}

bool overlay_ends_zip(bytes data)
{
    return data.len > ZIP_END && memcmp(data.at + data.len - ZIP_END, "PK\5\6", 4) == 0 &&
           load_le16(data.at + data.len - 2) == 0;
}

static bool hand_out_found(struct views *views, bytes data, size_t at, uint64_t end)
{
    if (end > data.len)
        end = data.len;
    bytes path = arena_printf(views->unpack->arena, "[overlay+%zu]", at);
    return path.at && views_hand_out(views, path, bytes_slice(data, at, (size_t)end - at));
}

/* Archives that do not begin at the start, up to the first that does not say where it ends. */
static bool find_archives(struct views *views, bytes data)
{
    size_t next[COUNT(signatures)] = {0}, at = 0;
    bytes searched = bytes_slice(data, 0, SEARCHED);
    if (!budget_charge(views->unpack->budget, searched.len / 8))
        return false;
    for (size_t i = 0; i < COUNT(signatures); i++)
        next[i] = next_of(&signatures[i], data, searched, 0);
    for (int found = 0; found < MAX_FOUND; found++) {
        size_t best = 0;
        for (size_t i = 0; i < COUNT(signatures); i++) {
            if (next[i] < at)
                next[i] = next_of(&signatures[i], data, searched, at);
            if (next[i] < next[best])
                best = i;
        }
        if (next[best] == SIZE_MAX)
            break;
        at = next[best];
        uint64_t end = signatures[best].end(data, at);
        if (at != 0 && !hand_out_found(views, data, at, end))
            return false;
        if (end > searched.len)
            return true;
        at = (size_t)end;
    }
    size_t zip = zip_begin(data);
    return zip == SIZE_MAX || zip == 0 || hand_out_found(views, data, zip, data.len);
}

bool overlay_hand_out(struct views *views, uint64_t from, uint64_t to)
{
    bytes file = views->unpack->data;
    if (from >= to || to > file.len)
        return true;
    bytes data = bytes_slice(file, (size_t)from, (size_t)(to - from));
    bool zero = true;
    for (size_t i = 0; i < data.len && zero; i++)
        zero = data.at[i] == 0;
    if (zero)
        return budget_charge(views->unpack->budget, data.len / 4);
    if (!views_hand_out(views, bytes_of("[overlay]"), data))
        return false;
    return installshield_plain_probe(data) || find_archives(views, data);
}

bool polyglot_probe(bytes data)
{
    return overlay_ends_zip(data) && memcmp(data.at, "PK", 2) != 0 &&
           memcmp(data.at, "MZ", 2) != 0 && memcmp(data.at, "\177ELF", 4) != 0;
}

/* A zip behind something that is not a program: a picture, a script. */
void polyglot_open(struct unpack *unpack)
{
    size_t zip = zip_begin(unpack->data);
    /* What lies behind a program was searched when that was opened. */
    bool overlay =
        unpack->up && unpack->name.len >= 8 && memcmp(unpack->name.at, "[overlay", 8) == 0;
    if (overlay || zip == 0 || zip == SIZE_MAX)
        return;
    if (!unpack_view(unpack, bytes_of("[zip]"),
                     bytes_slice(unpack->data, zip, unpack->data.len)))
        return;
}

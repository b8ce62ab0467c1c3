/* RAR, before version 5 (technote.txt of WinRAR 3.93) and 5 ("RAR 5.0 archive format",
 * rarlab.com). libarchive reads members; the headers are walked here as well, for what it does
 * not tell: that the file is one of several volumes, and which members of RAR 5 are encrypted.
 *
 *     4: CRC (le16), type, flags (le16), size (le16) [, size of the data (le32) if flags
 * 0x8000] 5: CRC (le32), then numbers of 7 bits a byte: size, type, flags [, size of the extra
 * area if flags 1] [, size of the data if flags 2], what belongs to the type, extra area */
#include "unpack/archive/formats.h"
#include "unpack/archive/library.h"

enum {
    SIGNATURE_4 = 7,
    SIGNATURE_5 = 8,
    MAIN_4 = 0x73,
    FILE_4 = 0x74,
    END_4 = 0x7b,
    MAIN_5 = 1,
    FILE_5 = 2,
    HEADER_STEPS = 64,
};

struct rar {
    struct unpack *unpack;
    bool volume;
    uint64_t files;
};

/* --- 4 --- */

/* One header; false at the end, or for none. */
static bool walk_4(struct rar *rar, uint64_t *at)
{
    bytes data = rar->unpack->data;
    uint16_t flags, size;
    uint32_t packed = 0;
    if (!bytes_le16(data, *at + 3, &flags) || !bytes_le16(data, *at + 5, &size) || size < 7)
        return false;
    uint8_t type = data.at[*at + 2];
    if (type == MAIN_4 && flags & 1)
        rar->volume = true;
    if (type == FILE_4 && (flags & 0xe0) != 0xe0)
        rar->files++;
    if ((flags & 0x8000 || type == FILE_4) && !bytes_le32(data, *at + 7, &packed))
        return false;
    *at += (uint64_t)size + packed;
    return type != END_4 && !(type == MAIN_4 && flags & 0x80);
}

/* --- 5 --- */

/* A number from the head of *in; what is cut off counts as 0. */
static uint64_t number(bytes *in)
{
    uint64_t value = 0;
    unsigned shift = 0;
    while (in->len && shift < 63) {
        uint8_t byte = in->at[0];
        *in = bytes_slice(*in, 1, in->len);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
        shift += 7;
    }
    return 0;
}

static bool extra_encrypts(bytes extra)
{
    while (extra.len) {
        uint64_t size = number(&extra);
        bytes record = bytes_slice(extra, 0, (size_t)size);
        if (number(&record) == 1)
            return true;
        extra = bytes_slice(extra, size < extra.len ? (size_t)size : extra.len, extra.len);
    }
    return false;
}

static void file_5(struct rar *rar, bytes header, bytes extra)
{
    uint64_t flags = number(&header);
    if (flags & 1) /* a folder */
        return;
    rar->files++;
    number(&header); /* size, attributes */
    number(&header);
    header = bytes_slice(header, (flags & 2 ? 4 : 0) + (flags & 4 ? 4 : 0), header.len);
    number(&header); /* method, system */
    number(&header);
    uint64_t length = number(&header);
    bytes name = bytes_slice(header, 0, (size_t)length);
    if (extra_encrypts(extra))
        unpack_gap(rar->unpack, name, GAP_ENCRYPTED, "encrypted");
}

static bool walk_5(struct rar *rar, uint64_t *at)
{
    bytes rest = bytes_slice(rar->unpack->data, *at, SIZE_MAX);
    size_t all = rest.len;
    if (all < 7)
        return false;
    rest = bytes_slice(rest, 4, all);
    uint64_t size = number(&rest), extra = 0, packed = 0, before = all - rest.len;
    if (size == 0 || size > rest.len)
        return false;
    bytes header = bytes_slice(rest, 0, (size_t)size);
    uint64_t type = number(&header), flags = number(&header);
    extra = flags & 1 ? number(&header) : 0;
    packed = flags & 2 ? number(&header) : 0;
    if (extra > header.len || packed > all)
        return false;
    bytes tail = bytes_slice(header, header.len - (size_t)extra, header.len);
    header.len -= (size_t)extra;
    if (type == MAIN_5 && number(&header) & 1)
        rar->volume = true;
    else if (type == FILE_5)
        file_5(rar, header, tail);
    *at += before + size + packed;
    return type >= MAIN_5 && type <= 3;
}

/* --- both --- */

static void open_kind(struct unpack *unpack, enum libarchive_kind kind, uint64_t at,
                      bool (*walk)(struct rar *rar, uint64_t *at))
{
    struct rar rar = {.unpack = unpack};
    uint64_t before = unpack->run->members, seen;
    while (walk(&rar, &at))
        if (!budget_charge(unpack->budget, HEADER_STEPS))
            return;
    if (rar.volume)
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                   "one of several volumes: what goes on in another is not whole");
    if (!library_open(unpack, kind, &unpack->data, 1, &seen))
        return;
    if (rar.files && unpack->run->members == before && !rar.volume)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "nothing came out of its %llu members",
                   (unsigned long long)rar.files);
}

void rar_open(struct unpack *unpack)
{
    open_kind(unpack, LIBARCHIVE_RAR, SIGNATURE_4, walk_4);
}

void rar5_open(struct unpack *unpack)
{
    open_kind(unpack, LIBARCHIVE_RAR5, SIGNATURE_5, walk_5);
}

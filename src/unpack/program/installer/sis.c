/* Installers of Symbian, before version 9.
 *
 *   u32, u32 0x1000006d (release 6: 0x10003a12), u32 0x10000419, u32, u16 checksum, u16 number
 *   of languages, u16 of files, ..., 0x24: u16 flags (8: files are not compressed), 0x34: u32
 *   place of the entries
 *   entry: u32 kind; 0: u32 type, u32, u32 size and place of the source's name, u32 size and
 *   place of the file's, u32 size, u32 place, (release 6) u32 size unpacked, 2 u32; 1: as 0,
 * with as many sizes, places, sizes as languages; others: languages, conditions
 *
 * Data are zlib streams in release 6 and as they are before it. Version 9 is a tree of fields:
 * u32 type, u32 size, data, padding to 4 bytes; field 3 (compressed) holds u32 algorithm, u64
 * size, data.
 * SIS file format, thoukydides.co.uk/psion/sis; Symbian OS v9.x SIS file format, revision 1.1.
 */
#include "unpack/program/installer/sis.h"
#include "unpack/archive/decode.h"
#include "unpack/program/program.h"

enum {
    UID_2 = 0x10003a12,
    STORED = 8,
    FIELD_STRING = 1,
    FIELD_ARRAY = 2,
    FIELD_COMPRESSED = 3,
    FIELD_FILE_DATA = 32,
    FIELDS_MAX = 43,
    DEPTH_MAX = 16,
    NAME_MAX = 512,
    FILE_HEAD = 28,
};

struct sis {
    struct unpack *unpack;
    struct views views;
    bool release6, stored;
    uint16_t languages;
    uint64_t at;
};

static bool put_file(struct sis *sis, bytes name, uint32_t place, uint32_t size)
{
    struct unpack *unpack = sis->unpack;
    bytes part = bytes_slice(unpack->data, place, size);
    if (part.len < size)
        unpack_gap(unpack, name, GAP_DAMAGED, "%zu of its %u bytes are there", part.len, size);
    if (part.len == 0)
        return true;
    if (sis->stored || !sis->release6 || (part.at[0] & 15) != 8)
        return views_hand_out(&sis->views, name, part);
    return unpack_begin(unpack, name) &&
           decode_noted(unpack, decode_stream(unpack, STREAM_ZLIB, &part)) &&
           unpack_end(unpack);
}

static bytes read_name(struct sis *sis, uint32_t size, uint32_t place, uint8_t *room)
{
    bytes raw = bytes_slice(sis->unpack->data, place, size < NAME_MAX ? size : NAME_MAX);
    if (!sis->release6)
        return raw.len ? raw : bytes_of("file");
    size_t length = utf16_append(room, 0, NAME_MAX, raw);
    return length ? (bytes){room, length} : bytes_of("file");
}

/* A file, in each of its languages. False: return. */
static bool open_file(struct sis *sis, unsigned count)
{
    bytes data = sis->unpack->data;
    uint8_t room[NAME_MAX];
    uint64_t at = sis->at;
    uint64_t length = FILE_HEAD + (uint64_t)count * (sis->release6 ? 12 : 8);
    length += sis->release6 ? 8 : 0;
    if (!bytes_has(data, at, length))
        return false;
    const uint8_t *p = data.at + at;
    bytes name = read_name(sis, load_le32(p + 20), load_le32(p + 24), room);
    if (name.len == 4 && memcmp(name.at, "file", 4) == 0)
        name = read_name(sis, load_le32(p + 12), load_le32(p + 16), room);
    p += FILE_HEAD;
    for (unsigned i = 0; i < count; i++)
        if (!put_file(sis, name, load_le32(p + 4 * (count + i)), load_le32(p + 4 * i)))
            return false;
    sis->at += length;
    return true;
}

void sis_open(struct unpack *unpack)
{
    struct sis sis = {.unpack = unpack, .views = views_of(unpack)};
    uint16_t files, flags;
    uint32_t place, kind;
    if (!bytes_le16(unpack->data, 0x12, &sis.languages) ||
        !bytes_le16(unpack->data, 0x14, &files) || !bytes_le16(unpack->data, 0x24, &flags) ||
        !bytes_le32(unpack->data, 0x34, &place)) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the header is cut short");
        return;
    }
    sis.release6 = load_le32(unpack->data.at + 4) == UID_2;
    sis.stored = flags & STORED;
    sis.at = place;
    for (unsigned i = 0; i < files; i++) {
        if (!budget_charge(unpack->budget, 64) || !bytes_le32(unpack->data, sis.at, &kind) ||
            kind > 1 || !open_file(&sis, kind == 1 ? sis.languages : 1)) {
            if (!unpack->run->stopped)
                unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                           "entry %u of %u is of an unknown kind", i, files);
            return;
        }
    }
}

/* --- version 9 --- */

static bool open_compressed(struct sis *sis, bytes field)
{
    struct unpack *unpack = sis->unpack;
    bytes name = bytes_of("[data]");
    if (field.len < 12)
        return true;
    uint32_t algorithm = load_le32(field.at);
    field = bytes_slice(field, 12, field.len);
    if (algorithm == 0)
        return views_hand_out(&sis->views, name, field);
    if (algorithm != 1) {
        unpack_gap(unpack, name, GAP_UNSUPPORTED, "algorithm %u", algorithm);
        return true;
    }
    return unpack_begin(unpack, name) &&
           decode_noted(unpack, decode_stream(unpack, STREAM_ZLIB, &field)) &&
           unpack_end(unpack);
}

static bool is_container(uint32_t type)
{
    return type == 12 || type == FIELD_ARRAY || (type >= 29 && type <= FIELD_FILE_DATA);
}

/* The fields one after the other; those that hold others are entered. */
static bool walk_fields(struct sis *sis, bytes data, unsigned depth)
{
    uint32_t type, size, each = 0;
    uint64_t at = 0;
    /* An array has one type for all its items. */
    while (bytes_le32(data, at, &type) && bytes_le32(data, at + 4, &size)) {
        bytes field = bytes_slice(data, (size_t)at + 8, size);
        if (!budget_charge(sis->unpack->budget, 16) || type == 0 || type > FIELDS_MAX)
            return !sis->unpack->run->stopped;
        if (type == FIELD_COMPRESSED && !open_compressed(sis, field))
            return false;
        if (type == FIELD_ARRAY && bytes_le32(field, 0, &each) && depth < DEPTH_MAX) {
            uint64_t next = 4;
            uint32_t length;
            for (; bytes_le32(field, next, &length) && budget_charge(sis->unpack->budget, 16);
                 next += 4 + (((uint64_t)length + 3) & ~UINT64_C(3))) {
                bytes item = bytes_slice(field, (size_t)next + 4, length);
                if (each == FIELD_COMPRESSED ? !open_compressed(sis, item)
                    : is_container(each)     ? !walk_fields(sis, item, depth + 1)
                                             : false)
                    return false;
            }
        } else if (is_container(type) && type != FIELD_ARRAY && depth < DEPTH_MAX &&
                   !walk_fields(sis, field, depth + 1)) {
            return false;
        }
        at += 8 + (((uint64_t)size + 3) & ~UINT64_C(3));
    }
    return true;
}

void sisx_open(struct unpack *unpack)
{
    struct sis sis = {.unpack = unpack, .views = views_of(unpack)};
    if (!walk_fields(&sis, bytes_slice(unpack->data, 16, unpack->data.len), 0))
        return;
}

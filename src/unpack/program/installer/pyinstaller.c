/* Python programs made by PyInstaller: an archive inside the program or behind it.
 *
 *   cookie: "MEI\14\13\12\13\16", u32 size of the archive, u32 offset and u32 size of its
 *   directory, u32 version of Python, 64 bytes name of its library (older ones: none); it ends
 *   the archive
 *   entry: u32 size of the entry, u32 offset, u32 size packed, u32 size unpacked, u8 packed by
 *   zlib, u8 kind, name, 0; all big endian
 *
 * A member of kind 'z' is an archive of modules (pyz.c). PyInstaller 6,
 * PyInstaller/archive/writers.py. */
#include "unpack/archive/decode.h"
#include "unpack/program/program.h"

enum { SEARCHED = 64 << 10, COOKIE_OLD = 24, COOKIE = 88, ENTRY = 18, ENTRY_MAX = 4096 };

static const bytes magic = {(const uint8_t *)"MEI\014\013\012\013\016", 8};

static size_t find_cookie(bytes data)
{
    size_t from = data.len > SEARCHED ? data.len - SEARCHED : 0, last = SIZE_MAX;
    for (size_t at = from; (at = bytes_find(data, magic, at)) != SIZE_MAX; at++)
        last = at;
    return last;
}

/* True when the directory's entries follow one another up to its end. */
static bool is_directory(bytes list)
{
    uint32_t size;
    while (bytes_be32(list, 0, &size) && size >= ENTRY && size <= ENTRY_MAX)
        list = bytes_slice(list, size, list.len);
    return list.len == 0;
}

/* The archive that ends with the cookie of `size` bytes; .len 0: none. */
static bytes archive_of(bytes data, size_t cookie, unsigned size)
{
    uint32_t length, offset, directory;
    if (!bytes_be32(data, cookie + 8, &length) || !bytes_be32(data, cookie + 12, &offset) ||
        !bytes_be32(data, cookie + 16, &directory) || !bytes_has(data, cookie, size) ||
        length > cookie + size || (uint64_t)offset + directory > length)
        return (bytes){0};
    bytes archive = bytes_slice(data, cookie + size - length, length);
    return is_directory(bytes_slice(archive, offset, directory)) ? archive : (bytes){0};
}

bool pyinstaller_probe(bytes data)
{
    size_t cookie = find_cookie(data);
    return cookie != SIZE_MAX &&
           (archive_of(data, cookie, COOKIE).len || archive_of(data, cookie, COOKIE_OLD).len);
}

static bool hand_out_entry(struct views *views, bytes archive, const uint8_t *p, bytes name)
{
    struct unpack *unpack = views->unpack;
    uint32_t at = load_be32(p + 4), packed = load_be32(p + 8), size = load_be32(p + 12);
    bytes part = bytes_slice(archive, at, packed);
    if (name.len == 0)
        name = bytes_of("[module]");
    if (part.len < packed)
        unpack_gap(unpack, name, GAP_DAMAGED, "%zu of its %u bytes are there", part.len,
                   packed);
    if (!p[16])
        return views_hand_out(views, name, part);
    if (!unpack_begin(unpack, name) ||
        !decode_noted(unpack, decode_stream(unpack, STREAM_ZLIB, &part)))
        return false;
    if (unpack_written(unpack).len < size && !unpack->partial)
        unpack_gap(unpack, name, GAP_DAMAGED, "it should have %u bytes", size);
    return unpack_end(unpack);
}

void pyinstaller_open(struct unpack *unpack)
{
    struct views views = views_of(unpack);
    size_t cookie = find_cookie(unpack->data);
    if (cookie == SIZE_MAX)
        return;
    bytes archive = archive_of(unpack->data, cookie, COOKIE);
    uint32_t offset = load_be32(unpack->data.at + cookie + 12), size;
    if (!archive.len)
        archive = archive_of(unpack->data, cookie, COOKIE_OLD);
    bytes list = bytes_slice(archive, offset, load_be32(unpack->data.at + cookie + 16));
    while (list.len >= ENTRY) {
        size = load_be32(list.at);
        if (size < ENTRY || size > list.len || !budget_charge(unpack->budget, 64)) {
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the directory is damaged");
            return;
        }
        bytes name = bytes_slice(list, ENTRY, size - ENTRY);
        name.len = name.len ? strnlen((const char *)name.at, name.len) : 0;
        /* 'o' is an option of the program, not a member. */
        if (list.at[17] != 'o' && !hand_out_entry(&views, archive, list.at, name))
            return;
        list = bytes_slice(list, size, list.len);
    }
}

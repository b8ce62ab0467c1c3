/* [MS-OLEDS] 2.2, OLE 1 objects, little endian; a text is u32 length (with NUL) and ANSI:
 *
 *   u32 version   u32 format 1 link, 2 embedded   texts class, topic, item
 *   embedded:     u32 size, native data
 *
 * The data of class "Package", and the stream \1Ole10Native behind a u32 of its size (2.3.6,
 * and what Windows writes):
 *
 *   u16 2   label, NUL   path, NUL   u16 0   u16 3   u32 length, temporary path   u32 size,
 * file
 */
#include "unpack/document/object.h"

#include "unpack/document/text.h"

enum { PACKAGE = 2, EMBEDDED_FILE = 3, LINK = 1, EMBEDDED = 2 };

static bool take(bytes *rest, uint64_t size, bytes *ret)
{
    if (size > rest->len)
        return false;
    *ret = bytes_slice(*rest, 0, (size_t)size);
    *rest = bytes_slice(*rest, (size_t)size, rest->len);
    return true;
}

static bool take_counted(bytes *rest, bytes *ret)
{
    uint32_t size;
    bytes count;
    return bytes_le32(*rest, 0, &size) && take(rest, 4, &count) && take(rest, size, ret);
}

static bytes take_text(bytes *rest)
{
    bytes text = text_until_nul(*rest);
    *rest = bytes_slice(*rest, text.len + 1, rest->len);
    return text;
}

/* `data` begins with the u16 2. False when it is something else. */
static bool package_read(bytes data, bytes *ret_name, bytes *ret_file, uint32_t *ret_size)
{
    uint16_t kind;
    bytes skipped;
    if (!bytes_le16(data, 0, &kind) || kind != PACKAGE)
        return false;
    bytes rest = bytes_slice(data, 2, data.len), label = take_text(&rest),
          path = take_text(&rest);
    if (!take(&rest, 4, &skipped) || load_le16(skipped.at + 2) != EMBEDDED_FILE ||
        !take_counted(&rest, &skipped) || !bytes_le32(rest, 0, ret_size))
        return false;
    *ret_file = bytes_slice(rest, 4, *ret_size);
    *ret_name = label.len ? label : text_base(path);
    return true;
}

static bool package_open(struct unpack *u, bytes data, bytes otherwise)
{
    bytes name, file;
    uint32_t size;
    if (!package_read(data, &name, &file, &size))
        return unpack_view(u, otherwise, data);
    if (file.len < size)
        unpack_gap(u, name, GAP_DAMAGED, "cut short: %zu of %u bytes", file.len, size);
    return unpack_view(u, name, file);
}

bool object_native(struct unpack *u, bytes path, bytes data)
{
    bytes name = arena_printf(u->arena, "%.*s [data]", (int)path.len, (const char *)path.at);
    uint32_t size;
    if (!bytes_le32(data, 0, &size)) {
        unpack_gap(u, path, GAP_DAMAGED, "an embedded object without its size");
        return true;
    }
    return package_open(u, bytes_slice(data, 4, data.len), name);
}

bool object_ole1(struct unpack *u, bytes data)
{
    bytes rest = data, head, class, topic, item;
    uint32_t format = 0, size = 0;
    (void)bytes_le32(data, 4, &format);
    if (!take(&rest, 8, &head) || !take_counted(&rest, &class) ||
        !take_counted(&rest, &topic) || !take_counted(&rest, &item)) {
        unpack_gap(u, bytes_of("object"), GAP_DAMAGED, "the header of an object is damaged");
        return data.len == 0 || unpack_view(u, bytes_of("object"), data);
    }
    class = text_until_nul(class);
    if (format == LINK || !bytes_le32(rest, 0, &size))
        return unpack_view(u, bytes_of("[link]"), data);
    rest = bytes_slice(rest, 4, rest.len);
    if (rest.len < size)
        unpack_gap(u, class, GAP_DAMAGED, "cut short: %zu of %u bytes", rest.len, size);
    bytes name = class.len ? class : bytes_of("object");
    bytes native = bytes_slice(rest, 0, size);
    /* What follows (a picture of the object) may be the next object. */
    return text_is(class, "Package") ? package_open(u, native, name)
                                     : unpack_view(u, name, native);
}

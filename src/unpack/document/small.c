/* OneNote, [MS-ONESTORE] 2.6.13: a file lies in the section behind the GUID
 * {BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC}, u64 size, 12 bytes; found by looking for that.
 *
 * Shortcuts, [MS-SHLLINK]: u32 76, class, u32 flags at 20; if flag 0: u16 size, list; if flag
 * 1: u32 size (with itself), LinkInfo; for each of flags 2 to 6: u16 characters, text, UTF-16
 * if flag 7; blocks of u32 size (with itself), up to one below 4; then what was appended.
 *
 * Flash, SWF 19: "CWS" or "ZWS", version, u32 size unpacked; from 8: zlib; or u32 size, 5 bytes
 * of properties, LZMA.
 *
 * ActiveMime, how Office wraps a compound file in HTML: zlib, mostly at 0x32. */
#include "unpack/document/small.h"

#include "unpack/archive/decode.h"
#include "unpack/document/packed.h"
#include "unpack/document/text.h"

#include <string.h>

void small_onenote(struct unpack *u)
{
    static const uint8_t guid[16] = {0xe7, 0x16, 0xe3, 0xbd, 0x65, 0x26, 0x11, 0x45,
                                     0xa4, 0xc4, 0x8d, 0x4d, 0x0b, 0x7a, 0x9e, 0xac};
    const bytes mark = {guid, sizeof guid};
    unsigned number = 0;
    for (size_t at = bytes_find(u->data, mark, 0); at != SIZE_MAX;
         at = bytes_find(u->data, mark, at)) {
        uint64_t size;
        at += sizeof guid;
        if (!bytes_le64(u->data, at, &size) || !budget_charge(u->budget, 64))
            break;
        bytes name = arena_printf(u->arena, "embedded %u", ++number);
        bytes data =
            bytes_slice(u->data, at + 20, size < u->data.len ? (size_t)size : SIZE_MAX);
        if (data.len < size)
            unpack_gap(u, name, GAP_DAMAGED, "cut short: %zu of %llu bytes", data.len,
                       (unsigned long long)size);
        if (!unpack_view(u, name, data))
            return;
        /* Behind it: a file that holds the mark is not read twice. */
        at += data.len == size ? data.len : 0;
    }
}

/* --- shortcuts --- */

static bool take(bytes *rest, uint64_t size, bytes *ret)
{
    if (size > rest->len)
        return false;
    *ret = bytes_slice(*rest, 0, (size_t)size);
    *rest = bytes_slice(*rest, (size_t)size, rest->len);
    return true;
}

/* The ID list and LinkInfo are passed over. */
static bool shortcut_skip(bytes *rest, uint32_t flags)
{
    uint16_t list;
    uint32_t info;
    bytes part;
    if ((flags & 1) && (!bytes_le16(*rest, 0, &list) || !take(rest, list + 2u, &part)))
        return false;
    return !(flags & 2) ||
           (bytes_le32(*rest, 0, &info) && info >= 4 && take(rest, info, &part));
}

static bool shortcut_strings(struct unpack *u, bytes *rest, uint32_t flags, bool *ret_more)
{
    static const char *const names[] = {"name", "path", "folder", "arguments", "icon"};
    *ret_more = unpack_begin(u, bytes_of("[shortcut]"));
    bool good = true;
    for (uint32_t i = 0; *ret_more && good && i < COUNT(names); i++) {
        uint16_t count;
        bytes text, head;
        if (!(flags >> (2 + i) & 1))
            continue;
        good = bytes_le16(*rest, 0, &count) && take(rest, 2, &head) &&
               take(rest, (flags >> 7 & 1) ? 2u * count : count, &text);
        if (!good)
            break;
        *ret_more = text_put(u, "%s ", names[i]) &&
                    ((flags >> 7 & 1) ? text_put_utf16(u, text) : unpack_put(u, text)) &&
                    text_put(u, "\n");
    }
    if (*ret_more)
        *ret_more = unpack_end(u);
    return good;
}

void small_shortcut(struct unpack *u)
{
    uint32_t flags = 0, size;
    bytes rest = bytes_slice(u->data, 76, u->data.len), part;
    bool more = true, good = bytes_le32(u->data, 20, &flags) && shortcut_skip(&rest, flags) &&
                             shortcut_strings(u, &rest, flags, &more);
    while (more && good && bytes_le32(rest, 0, &size) && size >= 4)
        good = budget_charge(u->budget, 16) && take(&rest, size, &part);
    if (!more)
        return;
    if (!good)
        unpack_gap(u, bytes_of(""), GAP_DAMAGED, "cut short");
    else if (rest.len > 4 &&
             !unpack_view(u, bytes_of("[appended]"), bytes_slice(rest, 4, rest.len)))
        return;
}

/* --- Flash and ActiveMime --- */

/* LZMA as Flash has it: as if under the header that other programs write. */
static enum decoded flash_lzma(struct unpack *u, bytes data)
{
    uint8_t header[13];
    bytes in = bytes_slice(data, 17, data.len);
    memcpy(header, data.at + 12, 5);
    memset(header + 5, 0xff, 8); /* of any size */
    return decode_stream_after(u, STREAM_LZMA, (bytes){header, sizeof header}, &in);
}

bool small_is_flash(bytes data)
{
    enum { NEWEST = 60 };

    return data.len >= 18 && data.at[3] <= NEWEST &&
           (data.at[0] == 'C' ? (data.at[8] & 15) == 8 && load_be16(data.at + 8) % 31 == 0
                              : data.at[12] < 225 && data.at[3] >= 13);
}

void small_flash(struct unpack *u)
{
    bytes data = u->data, in = bytes_slice(data, 8, data.len);
    uint32_t size;
    if (!bytes_le32(data, 4, &size))
        return;
    if (!unpack_begin(u, bytes_of("unpacked.swf")) || !unpack_put(u, bytes_of("F")) ||
        !unpack_put(u, bytes_slice(data, 1, 7)))
        return;
    enum decoded how =
        data.at[0] == 'C' ? decode_stream(u, STREAM_ZLIB, &in) : flash_lzma(u, data);
    if (how == DECODED_CUT && unpack_written(u).len >= size)
        how = DECODED; /* LZMA without a mark at its end */
    if (!decode_noted(u, how) || !unpack_end(u))
        return;
}

void small_activemime(struct unpack *u)
{
    enum { WITHIN = 256 };

    size_t at = 0x32;
    uint16_t head;
    if (!bytes_be16(u->data, at, &head) || head >> 8 != 0x78 || head % 31 != 0)
        for (at = 10; at < WITHIN; at++)
            if (bytes_be16(u->data, at, &head) && head >> 8 == 0x78 && head % 31 == 0)
                break;
    if (at >= WITHIN)
        unpack_gap(u, bytes_of(""), GAP_DAMAGED, "nothing compressed in it");
    else if (!packed_child(u, bytes_of("document"), STREAM_ZLIB,
                           bytes_slice(u->data, at, u->data.len)))
        return;
}

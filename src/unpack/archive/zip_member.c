/* One member of a zip file: its method, its size, its checksum (APPNOTE.TXT 4.4.5, 5.8). */
#include "unpack/archive/library.h"
#include "unpack/archive/zip.h"
#include "unpack/archive/zip_cipher.h"

const char *zip_method_name(unsigned method)
{
    static const struct {
        unsigned method;
        const char *name;
    } names[] = {
        {ZIP_SHRINK, "shrink"},
        {2, "reduce"},
        {3, "reduce"},
        {4, "reduce"},
        {5, "reduce"},
        {ZIP_IMPLODE, "implode"},
        {7, "tokenize"},
        {ZIP_DEFLATE, "deflate"},
        {ZIP_DEFLATE64, "deflate64"},
        {10, "PKWARE implode"},
        {ZIP_BZIP2, "bzip2"},
        {ZIP_LZMA, "lzma"},
        {16, "IBM z/OS CMPSC"},
        {18, "IBM TERSE"},
        {19, "IBM LZ77"},
        {ZIP_OLD_ZSTD, "zstd"},
        {ZIP_ZSTD, "zstd"},
        {94, "MP3"},
        {ZIP_XZ, "xz"},
        {96, "JPEG"},
        {97, "WavPack"},
        {ZIP_PPMD, "PPMd"},
        {ZIP_AES, "AES"},
    };

    for (size_t i = 0; i < COUNT(names); i++)
        if (names[i].method == method)
            return names[i].name;
    return "";
}

/* LZMA's own header is version, size of the properties (5), properties; the decoder wants
 * properties and size. */
static enum decoded decode_lzma(struct unpack *unpack, const struct zip_entry *entry, bytes *in)
{
    uint8_t head[13];
    uint16_t properties;
    if (!bytes_le16(*in, 2, &properties) || !bytes_has(*in, 4, properties))
        return DECODED_CUT;
    if (properties != 5)
        return DECODED_UNKNOWN;
    uint64_t size = entry->sized && !(entry->flags & 2) ? entry->size : UINT64_MAX;
    memcpy(head, in->at + 4, 5);
    for (unsigned i = 0; i < 8; i++)
        head[5 + i] = (uint8_t)(size >> 8 * i);
    *in = bytes_slice(*in, 9, in->len);
    return decode_stream_after(unpack, STREAM_LZMA, (bytes){head, sizeof head}, in);
}

/* PPMd, variant I, is in libarchive only: it gets a zip file of this one member. */
static enum decoded decode_ppmd(struct unpack *unpack, const struct zip_entry *entry, bytes *in)
{
    uint8_t head[31] = "PK\3\4\77\0\0\0\142";
    if (!entry->sized || entry->size > UINT32_MAX || in->len > UINT32_MAX)
        return DECODED_UNKNOWN;
    for (unsigned i = 0; i < 4; i++) {
        head[14 + i] = (uint8_t)(entry->crc >> 8 * i);
        head[18 + i] = (uint8_t)(in->len >> 8 * i);
        head[22 + i] = (uint8_t)(entry->size >> 8 * i);
    }
    head[26] = 1;
    head[30] = 'x';
    const bytes parts[] = {{head, sizeof head}, *in};
    *in = bytes_slice(*in, in->len, 0);
    return library_decode(unpack, LIBARCHIVE_ZIP, parts, COUNT(parts));
}

static enum decoded decode_stored(struct unpack *unpack, bytes *in)
{
    bytes all = *in;
    *in = bytes_slice(all, all.len, 0);
    if (!unpack_put(unpack, all))
        return DECODED_STOP;
    return unpack_written(unpack).len < all.len ? DECODED_FULL : DECODED;
}

enum decoded zip_decode(struct unpack *unpack, const struct zip_entry *entry, unsigned method,
                        bytes *in)
{
    uint64_t size = entry->sized ? entry->size : UINT64_MAX;
    switch (method) {
    case ZIP_STORED:
        return decode_stored(unpack, in);
    case ZIP_SHRINK:
        return zip_unshrink(unpack, *in, size);
    case ZIP_REDUCE_1 ... ZIP_REDUCE_4:
        return zip_unreduce(unpack, *in, size, method - 1);
    case ZIP_IMPLODE:
        return zip_explode(unpack, *in, size, entry->flags);
    case ZIP_DEFLATE:
        return decode_deflate(unpack, in, size);
    case ZIP_DEFLATE64:
        return zip_inflate64(unpack, in, size);
    case ZIP_BZIP2:
        return decode_stream(unpack, STREAM_BZIP2, in);
    case ZIP_LZMA:
        return decode_lzma(unpack, entry, in);
    case ZIP_OLD_ZSTD:
    case ZIP_ZSTD:
        return decode_stream(unpack, STREAM_ZSTD, in);
    case ZIP_XZ:
        return decode_stream(unpack, STREAM_XZ, in);
    case ZIP_PPMD:
        return decode_ppmd(unpack, entry, in);
    default:
        return DECODED_UNKNOWN;
    }
}

/* Where a stored member of unknown size ends: at its descriptor (4.3.9), which has its size. */
static size_t stored_size(struct unpack *unpack, bytes in)
{
    const bytes mark = {(const uint8_t *)"PK\7\10", 4};
    for (size_t at = 0; (at = bytes_find(in, mark, at)) != SIZE_MAX; at++) {
        uint32_t packed;
        if (!budget_charge(unpack->budget, 16))
            return at;
        if (bytes_le32(in, at + 8, &packed) && packed == (uint32_t)at)
            return at;
    }
    size_t next = bytes_find(in, (bytes){(const uint8_t *)"PK", 2}, 0);
    return next == SIZE_MAX ? in.len : next;
}

/* Plain stored data is handed out where it lies. */
static bool view_stored(struct unpack *unpack, const struct zip_entry *entry, bytes in)
{
    if (entry->sized && entry->crc != stream_crc32(0, in))
        unpack_gap(unpack, entry->name, GAP_DAMAGED, "its checksum is wrong");
    if (!budget_charge(unpack->budget, in.len / 16))
        return false;
    return unpack_view(unpack, entry->name, in);
}

static bool decode_member(struct unpack *unpack, const struct zip_entry *entry, bytes *in)
{
    const char *name = zip_method_name(entry->method);
    if (!unpack_begin(unpack, entry->name))
        return false;
    enum decoded how = zip_decode(unpack, entry, entry->method, in);
    bytes out = unpack_written(unpack);
    if (how == DECODED_UNKNOWN) {
        unpack_gap(unpack, entry->name, GAP_UNSUPPORTED, "method %u%s%s", entry->method,
                   name[0] ? ", " : "", name);
    } else if (!decode_noted(unpack, how)) {
        return false;
    } else if (how == DECODED && entry->sized) {
        if (out.len != entry->size)
            unpack_gap(unpack, entry->name, GAP_DAMAGED, "its size is wrong");
        else if (stream_crc32(0, out) != entry->crc)
            unpack_gap(unpack, entry->name, GAP_DAMAGED, "its checksum is wrong");
    }
    return unpack_end(unpack);
}

static bool open_member(struct unpack *unpack, const struct zip_entry *entry,
                        uint64_t *ret_used)
{
    bytes all = unpack->data;
    uint64_t packed = entry->sized ? entry->packed : all.len;
    bool folder = entry->name.len && entry->name.at[entry->name.len - 1] == '/';
    bytes in = bytes_slice(all, (size_t)entry->data, (size_t)packed);
    *ret_used = 0;
    unpack_member(unpack, entry->name, entry->sized ? entry->packed : UINT64_MAX,
                  entry->sized ? entry->size : UINT64_MAX, entry->flags & ZIP_ENCRYPTED);
    if (folder && entry->sized && entry->packed == 0)
        return budget_charge(unpack->budget, 16);
    if (entry->sized && in.len < packed)
        unpack_gap(unpack, entry->name, GAP_DAMAGED, "its data is cut short");
    *ret_used = in.len;
    if (entry->flags & ZIP_ENCRYPTED)
        return zip_cipher_member(unpack, entry, in);
    if (entry->method == ZIP_STORED) {
        if (!entry->sized)
            in.len = stored_size(unpack, in);
        *ret_used = in.len;
        return view_stored(unpack, entry, in);
    }
    size_t had = in.len;
    bool more = decode_member(unpack, entry, &in);
    if (!entry->sized)
        *ret_used = had - in.len;
    return more;
}

bool zip_member(struct unpack *unpack, const struct zip_entry *entry, uint64_t *ret_used)
{
    struct arena_mark mark = arena_mark(unpack->arena); /* of the decoders' tables */
    bool more = open_member(unpack, entry, ret_used);
    arena_pop(unpack->arena, mark);
    return more;
}

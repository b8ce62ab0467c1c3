/* One compressed file each, as often as streams follow each other:
 *
 *     gzip    RFC 1952           1f 8b 08, flags, ..., name; deflate; CRC-32, size
 *     bzip2   "BZh", level       xz      "\xfd7zXZ\0", the .xz file format 1.1.0
 *     lzma    5d, dictionary ...  LZMA SDK, "lzma alone": properties, dictionary, size
 *     lzip    "LZIP", version    lzip manual, "File format"
 *     zstd    RFC 8878           frames and skippable frames, in any order
 *     lz4     LZ4 frame format 1.6.2; legacy frames: blocks of at most 8 MiB, each with its
 * size
 *     lzop    lzop 1.04: 89 "LZO", version, method, flags, mode, time, name; blocks: sizes
 * plain and packed, checksums, LZO1X (as it is, where that is no larger); size 0. Numbers are
 * big endian. Each file is a child.
 *
 * The decompressed streams are one child, as the formats' own programs see it. What follows the
 * last stream is not lost: it is a child of its own. */
#include "unpack/archive/decode.h"
#include "unpack/archive/formats.h"
#include "unpack/lzo.h"

enum {
    GZIP_HEADER = 10,
    GZIP_CRC = 2, /* flags */
    GZIP_EXTRA = 4,
    GZIP_NAME = 8,
    GZIP_COMMENT = 16,
    LZ4_LEGACY_BLOCK = 8 << 20,
    LZOP_MAGIC = 9,
    LZOP_LATE = 0x940, /* version with more fields */
    LZOP_ADLER = 1,    /* flags */
    LZOP_PACKED_ADLER = 2,
    LZOP_EXTRA = 0x40,
    LZOP_CRC = 0x100,
    LZOP_PACKED_CRC = 0x200,
    LZOP_FILTER = 0x800,
    LZOP_BLOCK = 1 << 20,
};

#define ZSTD_MAGIC       0xfd2fb528u
#define LZ4_MAGIC        0x184d2204u
#define LZ4_LEGACY_MAGIC 0x184c2102u
#define SKIPPABLE_MAGIC  0x184d2a50u /* and the 15 after */

static bool all_zero(bytes data)
{
    for (size_t i = 0; i < data.len; i++)
        if (data.at[i])
            return false;
    return true;
}

/* Ends the child; what is left of the file, unless it is padding, becomes the next. */
static void close_streams(struct unpack *unpack, enum decoded how, bytes rest)
{
    if (!decode_noted(unpack, how) || !unpack_end(unpack))
        return;
    if (how == DECODED && !all_zero(rest))
        (void)!unpack_view(unpack, bytes_of("trailing data"), rest);
}

/* Streams of one kind, each of which begins as `starts` tells. */
static void open_streams(struct unpack *unpack, enum stream_kind kind, const char *short_suffix,
                         bool (*starts)(bytes data))
{
    bytes in = unpack->data;
    enum decoded how = DECODED;
    if (!unpack_begin(unpack, decode_name(unpack, short_suffix)))
        return;
    while (how == DECODED && starts(in))
        how = decode_stream(unpack, kind, &in);
    close_streams(unpack, how, in);
}

/* --- gzip --- */

static bool gzip_starts(bytes data)
{
    return data.len > GZIP_HEADER && data.at[0] == 0x1f && data.at[1] == 0x8b &&
           data.at[2] == 8;
}

/* Cuts a text that ends in NUL from the head of *in. */
static bytes gzip_text(bytes *in)
{
    bytes ret = {NULL, 0};
    if (!bytes_cut(in, 0, &ret))
        *in = (bytes){NULL, 0};
    return ret;
}

/* Moves *in to the deflate stream. */
static bytes gzip_header(bytes *in)
{
    uint8_t flags = in->at[3];
    bytes name = {NULL, 0};
    uint16_t extra = 0;
    *in = bytes_slice(*in, GZIP_HEADER, in->len);
    if (flags & GZIP_EXTRA && bytes_le16(*in, 0, &extra))
        *in = bytes_slice(*in, 2 + (size_t)extra, in->len);
    if (flags & GZIP_NAME)
        name = gzip_text(in);
    if (flags & GZIP_COMMENT)
        gzip_text(in);
    if (flags & GZIP_CRC)
        *in = bytes_slice(*in, 2, in->len);
    return name;
}

/* One member: compressed data and its trailer. */
static enum decoded gzip_member(struct unpack *unpack, bytes *in)
{
    uint32_t crc, size, last = 0;
    size_t before = unpack_written(unpack).len;
    /* If this is the only member, the file's last word is its size, and worth a guess. */
    bool guess = in->len > 8 && bytes_le32(*in, in->len - 4, &last);
    enum decoded how = decode_deflate(unpack, in, guess ? last : 0);
    if (how != DECODED)
        return how;
    bytes whole = unpack_written(unpack);
    bytes member = bytes_slice(whole, before, whole.len);
    if (!bytes_le32(*in, 0, &crc) || !bytes_le32(*in, 4, &size))
        return DECODED_CUT;
    *in = bytes_slice(*in, 8, in->len);
    if (crc != stream_crc32(0, member) || size != (uint32_t)member.len)
        unpack_gap(unpack, unpack->child_name, GAP_DAMAGED, "its checksum is wrong");
    return DECODED;
}

void gzip_open(struct unpack *unpack)
{
    bytes in = unpack->data;
    enum decoded how = DECODED_DAMAGED;
    if (!gzip_starts(in))
        return;
    bytes name = gzip_header(&in);
    if (!unpack_begin(unpack, name.len ? name : decode_name(unpack, ".tgz")))
        return;
    how = gzip_member(unpack, &in);
    while (how == DECODED && gzip_starts(in)) {
        gzip_header(&in);
        how = gzip_member(unpack, &in);
    }
    close_streams(unpack, how, in);
}

/* --- bzip2, lzip, lzma --- */

static bool bzip2_starts(bytes data)
{
    return data.len >= 10 && memcmp(data.at, "BZh", 3) == 0;
}

/* Level, then the magic of a block. */
bool bzip2_probe(bytes data)
{
    return bzip2_starts(data) && data.at[3] >= '1' && data.at[3] <= '9' &&
           memcmp(data.at + 4, "1AY&SY", 6) == 0;
}

void bzip2_open(struct unpack *unpack)
{
    open_streams(unpack, STREAM_BZIP2, ".tbz2", bzip2_starts);
}

static bool lzip_starts(bytes data)
{
    return data.len >= 4 && memcmp(data.at, "LZIP", 4) == 0;
}

void lzip_open(struct unpack *unpack)
{
    open_streams(unpack, STREAM_LZIP, ".tlz", lzip_starts);
}

/* There is no magic: lc = 3, lp = 0, pb = 2, a dictionary of 2^n or 2^n + 2^(n-1) bytes, a size
 * that is unknown or below 256 GiB, and the range coder's first byte, which is 0. */
bool lzma_probe(bytes data)
{
    uint32_t dictionary;
    uint64_t size;
    if (!bytes_le32(data, 1, &dictionary) || !bytes_le64(data, 5, &size) || data.len < 18)
        return false;
    uint32_t low = dictionary & (0 - dictionary);
    bool fits = dictionary >= 4096 &&
                (dictionary == low || dictionary == low * 3 || dictionary == UINT32_MAX);
    return fits && data.at[13] == 0 && (size == UINT64_MAX || size >> 38 == 0);
}

void lzma_open(struct unpack *unpack)
{
    bytes in = unpack->data;
    if (!unpack_begin(unpack, decode_name(unpack, ".tlz")))
        return;
    enum decoded how = decode_stream(unpack, STREAM_LZMA, &in);
    close_streams(unpack, how, in);
}

/* --- xz --- */

static bool xz_starts(bytes data)
{
    return data.len >= 6 && memcmp(data.at,
                                   "\xfd"
                                   "7zXZ",
                                   6) == 0;
}

/* Streams may be padded with zeros between them, four at a time. */
void xz_open(struct unpack *unpack)
{
    bytes in = unpack->data;
    enum decoded how = DECODED;
    if (!unpack_begin(unpack, decode_name(unpack, ".txz")))
        return;
    while (how == DECODED && xz_starts(in)) {
        how = decode_stream(unpack, STREAM_XZ, &in);
        size_t padding = 0;
        while (padding < in.len && in.at[padding] == 0)
            padding++;
        if (padding < in.len && budget_charge(unpack->budget, padding / 8))
            in = bytes_slice(in, padding / 4 * 4, in.len);
    }
    close_streams(unpack, how, in);
}

/* --- zstd, lz4 --- */

static bool skippable_starts(bytes data)
{
    uint32_t magic;
    return bytes_le32(data, 0, &magic) && (magic & 0xfffffff0u) == SKIPPABLE_MAGIC;
}

static bool zstd_starts(bytes data)
{
    uint32_t magic;
    return skippable_starts(data) || (bytes_le32(data, 0, &magic) && magic == ZSTD_MAGIC);
}

/* The magic of the first frame that holds data: a file may begin with skippable ones, as those
 * of pzstd do. */
static uint32_t first_magic(bytes data)
{
    uint32_t size, magic;
    for (unsigned i = 0; i < 8 && skippable_starts(data) && bytes_le32(data, 4, &size); i++)
        data = bytes_slice(data, 8 + (size_t)size, data.len);
    return bytes_le32(data, 0, &magic) ? magic : 0;
}

bool zstd_probe(bytes data)
{
    return first_magic(data) == ZSTD_MAGIC;
}

bool lz4_probe(bytes data)
{
    uint32_t magic = first_magic(data);
    return magic == LZ4_MAGIC || magic == LZ4_LEGACY_MAGIC;
}

void zstd_open(struct unpack *unpack)
{
    open_streams(unpack, STREAM_ZSTD, ".tzst", zstd_starts);
}

static bool lz4_starts(bytes data)
{
    uint32_t magic;
    return skippable_starts(data) || (bytes_le32(data, 0, &magic) && magic == LZ4_MAGIC);
}

/* Blocks until the end, or until what cannot be a block's size: another frame's magic. */
static enum decoded lz4_legacy(struct unpack *unpack, bytes *in)
{
    uint32_t size;
    *in = bytes_slice(*in, 4, in->len);
    while (in->len) {
        size_t room, wrote;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            return unpack->run->stopped ? DECODED_STOP : DECODED_FULL;
        if (!bytes_le32(*in, 0, &size))
            return DECODED_CUT;
        if (size == LZ4_LEGACY_MAGIC || size == LZ4_MAGIC)
            return DECODED;
        if (!bytes_has(*in, 4, size))
            return DECODED_CUT;
        size_t most = region_left(unpack->run->region);
        most = most < LZ4_LEGACY_BLOCK ? room : LZ4_LEGACY_BLOCK;
        if (unpack->run->limits.one - unpack_written(unpack).len < most)
            most = room;
        if (!stream_lz4_block(bytes_slice(*in, 4, size), at, most, &wrote))
            return most < LZ4_LEGACY_BLOCK ? DECODED_TOO_LARGE : DECODED_DAMAGED;
        if (!unpack_wrote(unpack, wrote))
            return DECODED_STOP;
        *in = bytes_slice(*in, 4 + (size_t)size, in->len);
    }
    return DECODED;
}

void lz4_open(struct unpack *unpack)
{
    bytes in = unpack->data;
    uint32_t magic;
    enum decoded how = DECODED;
    if (!unpack_begin(unpack, decode_name(unpack, ".tlz4")))
        return;
    while (how == DECODED && bytes_le32(in, 0, &magic)) {
        if (magic == LZ4_LEGACY_MAGIC)
            how = lz4_legacy(unpack, &in);
        else if (lz4_starts(in))
            how = decode_stream(unpack, STREAM_LZ4, &in);
        else
            break;
    }
    close_streams(unpack, how, in);
}

/* --- lzop --- */

static uint32_t adler32(bytes data)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < data.len; i++) {
        a = (a + data.at[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

/* The header of a file at the head of *in, which moves behind it: its flags and name. */
static bool lzop_header(bytes *in, uint32_t *ret_flags, bytes *ret_name)
{
    uint16_t version;
    uint32_t extra;
    if (!bytes_be16(*in, LZOP_MAGIC, &version))
        return false;
    bool late = version >= LZOP_LATE;
    size_t at = LZOP_MAGIC + (late ? 8 : 5);
    if (!bytes_be32(*in, at, ret_flags))
        return false;
    at += 4 + (*ret_flags & LZOP_FILTER ? 4u : 0u) + (late ? 12u : 8u);
    if (!bytes_has(*in, at, 1))
        return false;
    *ret_name = bytes_slice(*in, at + 1, in->at[at]);
    at += 1u + in->at[at] + 4;
    if (*ret_flags & LZOP_EXTRA) {
        if (!bytes_be32(*in, at, &extra))
            return false;
        at += 8 + (size_t)extra;
    }
    if (!bytes_has(*in, at, 4))
        return false;
    *in = bytes_slice(*in, at, in->len);
    return true;
}

/* One block of data into the child. False: see *ret_how. */
static bool lzop_block(struct unpack *unpack, bytes *in, uint32_t flags, enum decoded *ret_how)
{
    uint32_t size = 0, packed = 0, adler = 0, crc = 0;
    size_t at = 8, room, wrote = 0;
    *ret_how = bytes_be32(*in, 0, &size) ? DECODED : DECODED_CUT;
    if (size == 0) {
        *in = bytes_slice(*in, 4, in->len);
        return false;
    }
    (void)!bytes_be32(*in, 4, &packed);
    if (flags & LZOP_ADLER)
        (void)!bytes_be32(*in, at, &adler);
    at += flags & LZOP_ADLER ? 4 : 0;
    if (flags & LZOP_CRC)
        (void)!bytes_be32(*in, at, &crc);
    at += flags & LZOP_CRC ? 4 : 0;
    if (packed < size)
        at += (flags & LZOP_PACKED_ADLER ? 4u : 0) + (flags & LZOP_PACKED_CRC ? 4u : 0);
    bytes data = bytes_slice(*in, at, packed);
    *ret_how = DECODED_DAMAGED;
    if (size > LZOP_BLOCK || packed > size)
        return false;
    uint8_t *to = unpack_room(unpack, &room);
    *ret_how = unpack->run->stopped ? DECODED_STOP : DECODED_FULL;
    if (!to)
        return false;
    bool fine = data.len == packed;
    *ret_how = fine ? DECODED_DAMAGED : DECODED_CUT;
    if (room < size) {
        *ret_how = DECODED_TOO_LARGE;
        return false;
    }
    if (packed < size) {
        fine = lzo_decode(data, to, size, &wrote) && fine && wrote == size;
    } else {
        memcpy(to, data.at ? data.at : to, data.len);
        wrote = data.len;
    }
    const bytes plain = {to, wrote};
    fine = fine && (!(flags & LZOP_ADLER) || adler32(plain) == adler) &&
           (!(flags & LZOP_CRC) || stream_crc32(0, plain) == crc);
    *in = bytes_slice(*in, at + packed, in->len);
    if (!unpack_wrote(unpack, wrote))
        *ret_how = DECODED_STOP;
    return fine && *ret_how != DECODED_STOP;
}

void lzop_open(struct unpack *unpack)
{
    bytes in = unpack->data;
    const bytes magic = bytes_slice(in, 0, LZOP_MAGIC);
    while (bytes_equal(bytes_slice(in, 0, LZOP_MAGIC), magic)) {
        uint32_t flags = 0;
        bytes name = {NULL, 0};
        enum decoded how;
        if (!lzop_header(&in, &flags, &name)) {
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "its header is cut short");
            return;
        }
        if (!unpack_begin(unpack, name.len ? name : decode_name(unpack, ".tzo")))
            return;
        while (lzop_block(unpack, &in, flags, &how))
            if (!budget_charge(unpack->budget, 64))
                return;
        if (!decode_noted(unpack, how) || !unpack_end(unpack) || how != DECODED)
            return;
    }
    if (in.len && !all_zero(in))
        (void)!unpack_view(unpack, bytes_of("trailing data"), in);
}

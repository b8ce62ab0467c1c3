/* Compressed streams: gzip (RFC 1952: header, deflate, CRC-32, size; several one after the
 * other), bzip2 (CRC of each block), xz (a check of each block, CRC-32 of the index), zstd and
 * lz4 (frames, with a checksum where their header says so). */
#include "rescue/proof/kind.h"
#include "rescue/proof/packed.h"

#include <string.h>

enum { GZIP_CRC = 2, GZIP_EXTRA = 4, GZIP_NAME = 8, GZIP_COMMENT = 16, GZIP_RESERVED = 0xe0 };

static bool gzip_begins(bytes head)
{
    return head.len >= 18 && !memcmp(head.at, "\x1f\x8b\x08", 3) &&
           !(head.at[3] & GZIP_RESERVED);
}

/* Where the data of the member at `at` begins, 0: there is no header. */
static uint64_t gzip_data(struct reader *reader, uint64_t at)
{
    uint8_t head[12];
    if (!proof_reader_take(reader, at, head, 12) || !gzip_begins((bytes){head, 18}))
        return 0;
    uint64_t data = at + 10;
    if (head[3] & GZIP_EXTRA)
        data += 2u + load_le16(head + 10);
    for (unsigned text = GZIP_NAME; text <= GZIP_COMMENT; text <<= 1) {
        uint64_t end =
            head[3] & text
                ? proof_reader_find(reader, (bytes){(const uint8_t *)"", 1}, data, data + 4096)
                : data - 1;
        if (end == UINT64_MAX)
            return 0;
        data = end + 1;
    }
    return data + (head[3] & GZIP_CRC ? 2 : 0);
}

static void gzip_check(struct reader *reader, struct proof_result *ret)
{
    uint64_t at = 0, members = 0, data;
    while (at < reader->size && (data = gzip_data(reader, at)) && data < reader->size) {
        struct packed packed;
        uint32_t crc, size;
        packed_run(reader, data, reader->size - data, STREAM_DEFLATE, UINT64_MAX, &packed);
        uint64_t end = data + packed.used;
        if (packed.state != STREAM_END || !reader_le32(reader, end, &crc) ||
            !reader_le32(reader, end + 4, &size) || crc != packed.crc ||
            size != (uint32_t)packed.size) {
            kind_failed(ret, at, "what is packed from %llu on does not have its CRC-32",
                        (unsigned long long)at);
            return;
        }
        at = end + 8;
        members++;
    }
    if (members)
        kind_ends(reader, ret, at, "all that is packed in it has its CRC-32");
    else
        kind_failed(ret, 0, "its header is damaged");
}

/* Streams one after the other. `proves`: they have checksums. */
static void check_streams(struct reader *reader, struct proof_result *ret,
                          enum stream_kind kind, bool proves)
{
    uint64_t at = 0;
    struct packed packed = {0};
    do {
        packed_run(reader, at, reader->size - at, kind, UINT64_MAX, &packed);
        if (packed.state != STREAM_END || !packed.used)
            break;
        at += packed.used;
        /* xz pads streams with zeros to a multiple of 4. */
        while (kind == STREAM_XZ && at < reader->size && proof_reader_byte(reader, at) == 0)
            at++;
    } while (at < reader->size);
    if (at < reader->size && packed.state != STREAM_END && (!at || packed.size))
        kind_failed(ret, at, "what is packed from %llu on is damaged or cut short",
                    (unsigned long long)at);
    else if (proves)
        kind_ends(reader, ret, at, "all that is packed in it has its checksum");
    else
        kind_plausible(ret, at, "all that is packed in it unpacks; it has no checksum");
}

static bool bzip2_begins(bytes head)
{
    return head.len >= 14 && !memcmp(head.at, "BZh", 3) && head.at[3] >= '1' &&
           head.at[3] <= '9' && (!memcmp(head.at + 4, "1AY&SY", 6) || head.at[4] == 0x17);
}

static void bzip2_check(struct reader *reader, struct proof_result *ret)
{
    check_streams(reader, ret, STREAM_BZIP2, true);
}

static bool xz_begins(bytes head)
{
    return head.len >= 24 && !memcmp(head.at,
                                     "\xfd"
                                     "7zXZ\0",
                                     6);
}

/* Its 8th byte names the check: 0 is none. */
static void xz_check(struct reader *reader, struct proof_result *ret)
{
    check_streams(reader, ret, STREAM_XZ, proof_reader_byte(reader, 7) > 0);
}

static bool zstd_begins(bytes head)
{
    return head.len >= 9 && load_le32(head.at) == 0xfd2fb528 && !(head.at[4] & 8);
}

static void zstd_check(struct reader *reader, struct proof_result *ret)
{
    check_streams(reader, ret, STREAM_ZSTD, proof_reader_byte(reader, 4) & 4);
}

static bool lz4_begins(bytes head)
{
    return head.len >= 11 && load_le32(head.at) == 0x184d2204 && head.at[4] >> 6 == 1;
}

static void lz4_check(struct reader *reader, struct proof_result *ret)
{
    check_streams(reader, ret, STREAM_LZ4, proof_reader_byte(reader, 4) & 4);
}

const struct proof_kind kind_gzip = {"gzip", " gz tgz svgz ", gzip_begins, gzip_check},
                        kind_bzip2 = {"bzip2", " bz2 tbz2 ", bzip2_begins, bzip2_check},
                        kind_xz = {"xz", " xz txz ", xz_begins, xz_check},
                        kind_zstd = {"zstd", " zst ", zstd_begins, zstd_check},
                        kind_lz4 = {"lz4", " lz4 ", lz4_begins, lz4_check};

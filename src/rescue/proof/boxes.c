/* Files that are boxes with lengths, whose contents have no checksum: RIFF (WAV, AVI, WebP),
 * ISO base media (MP4, MOV, HEIC; ISO/IEC 14496-12, section 4.2), 7z (its headers have CRC-32),
 * tar (each header has a sum), Ogg (each page has a CRC-32 of its own, RFC 3533). */
#include "rescue/proof/kind.h"

#include <string.h>

enum { BLOCK = 512, OGG_HEAD = 27, OGG_POLYNOMIAL = 0x04c11db7 };

static bool is_name(const uint8_t *at)
{
    for (unsigned i = 0; i < 4; i++)
        if (at[i] < 0x20 || (at[i] > 0x7e && at[i] != 0xa9))
            return false;
    return true;
}

/* --- RIFF --- */

static bool riff_begins(bytes head)
{
    return head.len >= 20 && !memcmp(head.at, "RIFF", 4) && is_name(head.at + 8) &&
           is_name(head.at + 12);
}

static void riff_check(struct reader *reader, struct proof_result *ret)
{
    uint8_t head[8];
    uint64_t at = 0, end = 0, chunks = 0;
    while (proof_reader_take(reader, end, head, 8) && !memcmp(head, "RIFF", 4)) {
        at = end + 12;
        end += 8 + (uint64_t)load_le32(head + 4) + (load_le32(head + 4) & 1);
        while (at + 8 <= end && proof_reader_take(reader, at, head, 8) && is_name(head)) {
            at += 8 + (uint64_t)load_le32(head + 4) + (load_le32(head + 4) & 1);
            chunks++;
        }
        if (at < end || end > reader->size + 1) {
            kind_failed(ret, at, "its chunks do not fill it: they end at %llu of %llu",
                        (unsigned long long)at, (unsigned long long)reader->size);
            return;
        }
    }
    kind_plausible(ret, end < reader->size ? end : reader->size,
                   "its %llu chunks fill it; their contents have no checksum",
                   (unsigned long long)chunks);
}

/* --- ISO base media --- */

static bool mp4_begins(bytes head)
{
    return head.len >= 16 && !memcmp(head.at + 4, "ftyp", 4) && load_be32(head.at) >= 16 &&
           load_be32(head.at) < 1024;
}

static void mp4_check(struct reader *reader, struct proof_result *ret)
{
    uint64_t at = 0, boxes = 0;
    bool index = false;
    uint8_t head[16];
    while (at < reader->size) {
        bytes view = proof_reader_view(reader, at, 16);
        if (view.len < 8)
            break;
        memset(head, 0, sizeof head);
        memcpy(head, view.at, view.len);
        uint64_t len = load_be32(head);
        if (len == 1)
            len = load_be64(head + 8);
        else if (!len)
            len = reader->size - at;
        if (len < 8 || len > reader->size - at || !is_name(head + 4))
            break;
        index = index || !memcmp(head + 4, "moov", 4) || !memcmp(head + 4, "meta", 4) ||
                !memcmp(head + 4, "moof", 4);
        at += len;
        boxes++;
    }
    if (at < reader->size)
        kind_failed(ret, at, "what lies at %llu is no box", (unsigned long long)at);
    else if (!index)
        kind_failed(ret, at, "it has no index of its contents");
    else
        kind_plausible(ret, at, "its %llu boxes fill it; their contents have no checksum",
                       (unsigned long long)boxes);
}

/* --- 7z (7zFormat.txt, "Archive structure") --- */

static bool sevenzip_begins(bytes head)
{
    return head.len >= 32 && !memcmp(head.at, "7z\xbc\xaf\x27\x1c", 6);
}

static void sevenzip_check(struct reader *reader, struct proof_result *ret)
{
    uint8_t head[32];
    uint32_t crc;
    if (!proof_reader_take(reader, 0, head, 32) || !reader_crc32(reader, 12, 20, &crc) ||
        crc != load_le32(head + 8)) {
        kind_failed(ret, 0, "its first header does not have its CRC-32");
        return;
    }
    uint64_t at = load_le64(head + 12), len = load_le64(head + 20);
    if (at > reader->size - 32 || len > reader->size - 32 - at ||
        !reader_crc32(reader, 32 + at, len, &crc) || crc != load_le32(head + 28))
        kind_failed(ret, 32, "the list of its contents does not have its CRC-32");
    else
        kind_plausible(ret, 32 + at + len,
                       "both its headers have their CRC-32; its contents were not unpacked");
}

/* --- tar (POSIX.1-2017, pax, "ustar Interchange Format") --- */

static uint64_t octal(const uint8_t *at, size_t len)
{
    uint64_t value = 0;
    size_t i = 0;
    if (at[0] & 0x80) { /* GNU: the number itself, big endian */
        for (i = 1; i < len; i++)
            value = value << 8 | at[i];
        return value;
    }
    while (i < len && at[i] == ' ')
        i++;
    for (; i < len && at[i] >= '0' && at[i] <= '7'; i++)
        value = value << 3 | (at[i] - (uint64_t)'0');
    return value;
}

static bool tar_header(const uint8_t *block)
{
    uint64_t sum = 8 * ' ';
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? 0 : block[i];
    return sum == octal(block + 148, 8);
}

static bool tar_begins(bytes head)
{
    return head.len >= BLOCK && !memcmp(head.at + 257, "ustar", 5) && tar_header(head.at);
}

static void tar_check(struct reader *reader, struct proof_result *ret)
{
    uint64_t at = 0, members = 0;
    uint8_t block[BLOCK];
    while (proof_reader_take(reader, at, block, BLOCK) && block[0]) {
        uint64_t size = octal(block + 124, 12);
        if (!tar_header(block) || size > reader->size - at - BLOCK) {
            kind_failed(ret, at, "what lies at %llu is no member", (unsigned long long)at);
            return;
        }
        at += BLOCK + ((size + BLOCK - 1) & ~(uint64_t)(BLOCK - 1));
        members++;
    }
    if (at >= reader->size || !reader_is_all(reader, at, reader->size, 0))
        kind_failed(ret, at, "it does not end with zeros");
    else
        kind_plausible(ret, reader->size,
                       "its %llu members fill it; their contents have no checksum",
                       (unsigned long long)members);
}

/* --- Ogg --- */

static bool ogg_begins(bytes head)
{
    return head.len >= OGG_HEAD && !memcmp(head.at, "OggS\0", 5);
}

static uint32_t ogg_crc(uint32_t crc, bytes view)
{
    static const uint32_t low[16] = {
        0x00000000, 0x04c11db7, 0x09823b6e, 0x0d4326d9, 0x130476dc, 0x17c56b6b,
        0x1a864db2, 0x1e475005, 0x2608edb8, 0x22c9f00f, 0x2f8ad6d6, 0x2b4bcb61,
        0x350c9b64, 0x31cd86d3, 0x3c8ea00a, 0x384fbdbd,
    };
    for (size_t i = 0; i < view.len; i++) {
        crc ^= (uint32_t)view.at[i] << 24;
        crc = crc << 4 ^ low[crc >> 28];
        crc = crc << 4 ^ low[crc >> 28];
    }
    return crc;
}

static void ogg_check(struct reader *reader, struct proof_result *ret)
{
    uint8_t page[OGG_HEAD + 255];
    uint64_t at = 0, pages = 0;
    while (at < reader->size) {
        size_t head = 0, len = 0;
        if (proof_reader_take(reader, at, page, OGG_HEAD) &&
            ogg_begins((bytes){page, OGG_HEAD}))
            head = OGG_HEAD + (size_t)page[26];
        if (!head || !proof_reader_take(reader, at, page, head))
            break;
        for (size_t i = OGG_HEAD; i < head; i++)
            len += page[i];
        uint32_t stored = load_le32(page + 22);
        memset(page + 22, 0, 4);
        bytes body = len ? proof_reader_view(reader, at + head, len) : (bytes){0};
        if (body.len != len || ogg_crc(ogg_crc(0, (bytes){page, head}), body) != stored)
            break;
        at += head + len;
        pages++;
    }
    if (at < reader->size)
        kind_failed(ret, at, "the page at %llu does not have its CRC-32",
                    (unsigned long long)at);
    else
        kind_proven(ret, at, "all %llu pages have their CRC-32", (unsigned long long)pages);
}

const struct proof_kind kind_riff = {"RIFF", " wav avi webp ", riff_begins, riff_check},
                        kind_mp4 = {"MP4", " mp4 m4v m4a heic ", mp4_begins, mp4_check},
                        kind_sevenzip = {"7z", " 7z ", sevenzip_begins, sevenzip_check},
                        kind_tar = {"tar", "", tar_begins, tar_check},
                        kind_ogg = {"Ogg", " ogg oga ogv opus ", ogg_begins, ogg_check};

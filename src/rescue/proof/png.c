/* PNG (ISO/IEC 15948, section 5): signature, then chunks
 *
 *     length (4, big endian), type (4), data, CRC-32 of type and data (4)
 *
 * The first is IHDR (13 bytes of data), the last IEND (none), IDAT between them. */
#include "rescue/proof/kind.h"

#include <string.h>

static bool begins(bytes head)
{
    return head.len >= 8 && !memcmp(head.at, "\x89PNG\r\n\x1a\n", 8);
}

static bool is_letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void check(struct reader *reader, struct proof_result *ret)
{
    uint64_t at = 8, chunks = 0, images = 0;
    for (;; chunks++) {
        uint8_t head[8], first = chunks == 0;
        uint32_t crc, stored;
        if (!proof_reader_take(reader, at, head, 8)) {
            kind_failed(ret, at, "it ends before its end chunk");
            return;
        }
        uint32_t len = load_be32(head);
        const uint8_t *type = head + 4;
        if (!is_letter(type[0]) || !is_letter(type[1]) || !is_letter(type[2]) ||
            !is_letter(type[3]) || first != !memcmp(type, "IHDR", 4) || (first && len != 13)) {
            kind_failed(ret, at, "what lies at %llu is no chunk", (unsigned long long)at);
            return;
        }
        if (len > reader->size - at || !reader_crc32(reader, at + 4, (uint64_t)len + 4, &crc) ||
            !reader_be32(reader, at + 8 + len, &stored)) {
            kind_failed(ret, at, "it ends in the middle of its chunk at %llu",
                        (unsigned long long)at);
            return;
        }
        if (crc != stored) {
            kind_failed(ret, at, "the chunk '%.4s' at %llu has another CRC-32",
                        (const char *)type, (unsigned long long)at);
            return;
        }
        images += !memcmp(type, "IDAT", 4);
        at += 12 + (uint64_t)len;
        if (!memcmp(type, "IEND", 4))
            break;
    }
    if (!images)
        kind_failed(ret, at, "it has no image");
    else
        kind_ends(reader, ret, at, "all %llu chunks have their CRC-32",
                  (unsigned long long)chunks + 1);
}

const struct proof_kind kind_png = {"PNG", " png apng ", begins, check};

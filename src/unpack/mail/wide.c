#include "unpack/mail/wide.h"

#include "base/unicode.h"
#include "unpack/mail/transfer.h"
#include "unpack/mail/words.h"
#include "unpack/mail/writer.h"

#include <string.h>

enum { PROBED = 32, UTF7_PROBED = 4096 };

struct encoding {
    uint8_t unit; /* bytes: 2 or 4 */
    uint8_t mark; /* bytes of the byte order mark */
    bool big;
};

static bool plain(uint32_t c)
{
    return (c >= ' ' && c < 0x7f) || (c >= '\t' && c <= '\r');
}

static uint32_t unit_at(const uint8_t *at, const struct encoding *encoding)
{
    if (encoding->unit == 2)
        return encoding->big ? load_be16(at) : load_le16(at);
    return encoding->big ? load_be32(at) : load_le32(at);
}

/* Every unit at the front is a printable ASCII character. */
static bool looks_so(bytes data, const struct encoding *encoding)
{
    if (data.len < PROBED)
        return false;
    for (size_t i = 0; i < PROBED; i += encoding->unit)
        if (!plain(unit_at(data.at + i, encoding)))
            return false;
    return true;
}

static bool encoding_of(bytes data, struct encoding *ret)
{
    static const struct encoding marked[] = {
        {4, 4, false}, {4, 4, true}, {2, 2, false}, {2, 2, true}};
    static const struct encoding bare[] = {
        {2, 0, false}, {2, 0, true}, {4, 0, false}, {4, 0, true}};
    if (data.len < 8)
        return false;
    if (data.at[0] >= 0xfe || data.at[0] == 0)
        for (size_t i = 0; i < COUNT(marked); i++)
            if (unit_at(data.at, &marked[i]) == 0xfeff) {
                *ret = marked[i];
                /* Two bytes prove little: a character follows. */
                uint32_t next = unit_at(data.at + ret->mark, ret);
                return next >= 9 && next != 0xffff;
            }
    if (data.at[0] && data.at[1])
        return false;
    for (size_t i = 0; i < COUNT(bare); i++)
        if (looks_so(data, &bare[i])) {
            *ret = bare[i];
            return true;
        }
    return false;
}

bool wide_probe(bytes data)
{
    struct encoding encoding;
    return data.len >= 8 && (data.at[0] == 0 || data.at[1] == 0 || data.at[0] >= 0xfe) &&
           encoding_of(data, &encoding);
}

void wide_open(struct unpack *unpack)
{
    struct writer writer = {.unpack = unpack};
    struct encoding encoding;
    bytes data = unpack->data;
    if (!encoding_of(data, &encoding) || !budget_charge(unpack->budget, data.len / 4) ||
        !unpack_begin(unpack, bytes_of("[utf-8]")))
        return;
    for (size_t i = encoding.mark; i + encoding.unit <= data.len && !writer.full;
         i += encoding.unit) {
        uint32_t rune = unit_at(data.at + i, &encoding);
        if (rune < 0x80) {
            writer_byte(&writer, (uint8_t)rune);
            continue;
        }
        uint32_t both = encoding.unit == 2 && i + 4 <= data.len
                            ? utf16_pair(rune, unit_at(data.at + i + 2, &encoding))
                            : 0;
        rune = both ? both : rune;
        i += both ? 2 : 0;
        writer_rune(&writer, rune);
    }
    if (writer_flush(&writer) && !unpack_end(unpack))
        return;
}

bool wide_is_utf7(bytes text)
{
    bytes head = bytes_slice(text, 0, UTF7_PROBED);
    return bytes_find(head, bytes_of("+ADw-"), 0) != SIZE_MAX ||
           bytes_find(head, bytes_of("+ADwA"), 0) != SIZE_MAX;
}

/* "+", UTF-16 in base64, "-" or a character that is not base64; "+-" is "+". */
static size_t put_shifted(struct writer *writer, bytes text)
{
    uint32_t bits = 0, count = 0;
    size_t i = 1;
    for (; i < text.len && base64_value(text.at[i]) < 64; i++) {
        bits = bits << 6 | base64_value(text.at[i]);
        count += 6;
        if (count >= 16) {
            count -= 16;
            writer_rune(writer, bits >> count & 0xffff);
        }
    }
    if (i == 1)
        writer_byte(writer, '+');
    return i + (i < text.len && text.at[i] == '-');
}

bool wide_put_utf7(struct unpack *unpack)
{
    struct writer writer = {.unpack = unpack};
    bytes text = unpack->data;
    if (!budget_charge(unpack->budget, text.len / 4) ||
        !unpack_begin(unpack, bytes_of("[utf-8]")))
        return false;
    for (size_t i = 0; i < text.len && !writer.full;) {
        if (text.at[i] == '+')
            i += put_shifted(&writer, bytes_slice(text, i, text.len));
        else
            writer_byte(&writer, text.at[i++]);
    }
    return writer_flush(&writer) && unpack_end(unpack);
}

#include "unpack/mail/writer.h"

#include "base/unicode.h"

#include <string.h>

bool writer_flush(struct writer *writer)
{
    size_t n = writer->n;
    writer->n = writer->room = 0;
    return (n == 0 || unpack_wrote(writer->unpack, n)) && !writer->unpack->run->stopped;
}

bool writer_more(struct writer *writer)
{
    if (writer->full || !writer_flush(writer)) {
        writer->full = true;
        return false;
    }
    writer->at = unpack_room(writer->unpack, &writer->room);
    writer->full = !writer->at;
    return !writer->full;
}

void writer_put(struct writer *writer, bytes data)
{
    while (data.len && (writer->n < writer->room || writer_more(writer))) {
        size_t n = writer->room - writer->n < data.len ? writer->room - writer->n : data.len;
        memcpy(writer->at + writer->n, data.at, n);
        writer->n += n;
        data = bytes_slice(data, n, data.len);
    }
}

void writer_rune(struct writer *writer, uint32_t rune)
{
    if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
        rune = UNICODE_REPLACEMENT;
    uint8_t character[4];
    writer_put(writer, (bytes){character, utf8_put(character, rune)});
}

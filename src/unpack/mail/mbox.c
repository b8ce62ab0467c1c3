/* Messages one after the other, each after a line "From sender date". RFC 4155 wants a blank
 * line before it; here a line that begins "From " counts when a header follows it, for writers
 * differ. */
#include "unpack/mail/mbox.h"

#include "unpack/mail/mime_header.h"
#include "unpack/mail/words.h"

#include <string.h>

enum { HEAD_MAX = 1024 };

/* True when a message starts after the "From " line at the front. */
static bool message_follows(bytes data)
{
    bytes rest = bytes_slice(data, 0, HEAD_MAX), line;
    return bytes_has(data, 0, 6) && memcmp(data.at, "From ", 5) == 0 &&
           words_line(&rest, &line) && words_line(&rest, &line) && mime_field_shaped(line);
}

bool mbox_probe(bytes data)
{
    bytes rest = data, line;
    return message_follows(data) && words_line(&rest, &line) && mime_header_fits(rest);
}

static size_t next_message(bytes data, size_t from)
{
    for (size_t at = from; (at = bytes_find(data, bytes_of("\nFrom "), at)) != SIZE_MAX; at++)
        if (message_follows(bytes_slice(data, at + 1, HEAD_MAX)))
            return at + 1;
    return SIZE_MAX;
}

void mbox_open(struct unpack *unpack)
{
    bytes data = unpack->data;
    unsigned number = 1;
    if (!budget_charge(unpack->budget, data.len / 8))
        return;
    for (size_t at = 0; at != SIZE_MAX; number++) {
        size_t next = next_message(data, at);
        bytes message = words_part(data, at, next < data.len ? next : data.len), line;
        bytes name = arena_printf(unpack->arena, "message %u.eml", number);
        words_line(&message, &line);
        if (!unpack_view(unpack, name.at ? name : bytes_of("message"), message))
            return;
        at = next;
    }
}

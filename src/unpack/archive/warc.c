/* Web archives (ISO 28500, WARC 1.0 and 1.1):
 *
 *     "WARC/1.", digit, CR LF, header lines, empty line, Content-Length bytes, two empty lines
 *
 * Every record's content is a child; of an HTTP response, also what it brings. */
#include "unpack/archive/formats.h"

enum { HEADER_MAX = 64 << 10 };

/* The value of a header line, whatever the case of its name; empty when there is none. */
static bytes warc_field(bytes header, const char *name)
{
    bytes line, key = bytes_of(name);
    while (bytes_cut(&header, '\n', &line)) {
        size_t i = 0;
        while (i < key.len && i < line.len && ascii_lower(line.at[i]) == key.at[i])
            i++;
        if (i < key.len || i >= line.len || line.at[i] != ':')
            continue;
        for (i++; i < line.len && line.at[i] == ' ';)
            i++;
        if (line.at[line.len - 1] == '\r')
            line.len--;
        return bytes_slice(line, i, line.len);
    }
    return (bytes){NULL, 0};
}

/* UINT64_MAX for what is no number. */
static uint64_t warc_number(bytes text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || value >> 56)
            return UINT64_MAX;
        value = value * 10 + (uint64_t)(text.at[i] - '0');
    }
    return text.len ? value : UINT64_MAX;
}

/* False: return. */
static bool warc_content(struct unpack *unpack, bytes header, bytes content)
{
    bytes name = warc_field(header, "warc-target-uri"), kind = warc_field(header, "warc-type");
    if (name.len == 0)
        name = kind;
    if (content.len && !unpack_view(unpack, name, content))
        return false;
    if (!bytes_is(kind, "response"))
        return true;
    size_t end = bytes_find(bytes_slice(content, 0, HEADER_MAX), bytes_of("\r\n\r\n"), 0);
    return end == SIZE_MAX ||
           unpack_view(unpack, name, bytes_slice(content, end + 4, content.len));
}

void warc_open(struct unpack *unpack)
{
    bytes rest = unpack->data;
    while (rest.len) {
        bytes head = bytes_slice(rest, 0, HEADER_MAX);
        size_t end = bytes_find(head, bytes_of("\r\n\r\n"), 0);
        bytes header = bytes_slice(rest, 0, end);
        uint64_t size = warc_number(warc_field(header, "content-length"));
        bool good = end != SIZE_MAX && size != UINT64_MAX &&
                    bytes_find(header, bytes_of("WARC/"), 0) == 0;
        if (!good || !budget_charge(unpack->budget, end / 4)) {
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "a record's header is damaged");
            return;
        }
        bytes content = bytes_slice(rest, end + 4, (size_t)size);
        if (content.len < size)
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "cut short");
        if (!warc_content(unpack, header, content))
            return;
        rest = bytes_slice(rest, end + 4 + content.len, rest.len);
        while (rest.len && (rest.at[0] == '\r' || rest.at[0] == '\n' || rest.at[0] == 0))
            rest = bytes_slice(rest, 1, rest.len);
    }
}

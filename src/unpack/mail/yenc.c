/* "=ybegin part=2 total=5 line=128 size=N name=NAME", in parts "=ypart begin=A end=B", lines of
 * bytes to which 42 was added, "=yend size=N pcrc32=HEX crc32=HEX". NUL, LF, CR and "=" are "="
 * and the byte plus 64. yEnc draft 1.3, sections "yEncoded data" and "Multi-part". */
#include "unpack/mail/yenc.h"

#include "shim/stream.h"
#include "unpack/mail/words.h"

#include <string.h>

enum { HEAD_MAX = 2048 };

struct yenc {
    uint64_t size, part, total, begin, end;
    bytes name;
};

/* The number after " key=" in a line; `ret` as it was when there is none. */
static void key_number(bytes line, const char *key, uint64_t *ret)
{
    size_t at = bytes_find(line, bytes_of(key), 0);
    if (at != SIZE_MAX) {
        bytes rest = bytes_slice(line, at + strlen(key), line.len);
        if (!words_number(&rest, ret))
            *ret = 0;
    }
}

/* The name is the rest of the line. */
static bool read_begin(bytes line, struct yenc *ret)
{
    size_t at = bytes_find(line, bytes_of(" name="), 0);
    *ret = (struct yenc){.part = 0};
    if (at == SIZE_MAX)
        return false;
    ret->name = words_trim(bytes_slice(line, at + 6, line.len));
    line = bytes_slice(line, 0, at);
    key_number(line, " size=", &ret->size);
    key_number(line, " part=", &ret->part);
    key_number(line, " total=", &ret->total);
    return bytes_find(line, bytes_of(" line="), 0) != SIZE_MAX;
}

bool yenc_probe(bytes data)
{
    struct yenc yenc;
    bytes rest = bytes_slice(data, 0, HEAD_MAX), line;
    return words_start(data, "=ybegin ") && words_line(&rest, &line) && read_begin(line, &yenc);
}

/* Decodes a piece of a line; returns how much was written. */
static size_t decode(bytes in, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.at[i];
        if (words_eol(c))
            continue;
        if (c == '=' && i + 1 < in.len)
            c = (uint8_t)(in.at[++i] - 64);
        out[n++] = (uint8_t)(c - 42);
    }
    return n;
}

/* What is encoded up to "=yend", to the child. */
static bool put_data(struct unpack *unpack, bytes data)
{
    while (data.len) {
        size_t room;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            return !unpack->run->stopped;
        bytes part = bytes_slice(data, 0, room);
        /* An escape is not cut in two. */
        if (part.len < data.len && part.at[part.len - 1] == '=')
            part.len--;
        if (!unpack_wrote(unpack, decode(part, at)))
            return false;
        data = bytes_slice(data, part.len, data.len);
    }
    return true;
}

static void check(struct unpack *unpack, const struct yenc *yenc, bytes trailer)
{
    bytes written = unpack_written(unpack);
    uint64_t size = yenc->part ? yenc->end - yenc->begin + 1 : yenc->size;
    size_t at = bytes_find(trailer, bytes_of(yenc->part ? " pcrc32=" : " crc32="), 0);
    uint32_t sum = 0, digits = 0;
    for (size_t i = at == SIZE_MAX ? trailer.len : at + (yenc->part ? 8 : 7);
         i < trailer.len && ascii_hex(trailer.at[i]) >= 0; i++, digits++)
        sum = sum << 4 | (uint32_t)ascii_hex(trailer.at[i]);
    if (!trailer.len)
        unpack_gap(unpack, yenc->name, GAP_DAMAGED, "no end of the encoded lines");
    else if (size != written.len)
        unpack_gap(unpack, yenc->name, GAP_DAMAGED, "%llu bytes instead of %llu",
                   (unsigned long long)written.len, (unsigned long long)size);
    else if (digits && sum != stream_crc32(0, written))
        unpack_gap(unpack, yenc->name, GAP_DAMAGED, "the checksum is wrong");
    if (yenc->part && (yenc->begin != 1 || yenc->end != yenc->size))
        unpack_gap(unpack, yenc->name, GAP_UNSUPPORTED, "part %llu of a file in several",
                   (unsigned long long)yenc->part);
}

/* One file, the text being past its first line. */
static bool open_one(struct unpack *unpack, struct yenc *yenc, bytes *text)
{
    bytes line, rest = *text, trailer = {NULL, 0};
    if (yenc->part && words_start(rest, "=ypart ") && words_line(&rest, &line)) {
        key_number(line, " begin=", &yenc->begin);
        key_number(line, " end=", &yenc->end);
        *text = rest;
    }
    size_t end = bytes_find(*text, bytes_of("\n=yend"), 0);
    bytes data = bytes_slice(*text, 0, end < text->len ? end : text->len);
    rest = bytes_slice(*text, data.len, text->len);
    if (rest.len) {
        rest = bytes_slice(rest, 1, rest.len);
        words_line(&rest, &trailer);
    }
    *text = rest;
    if (!unpack_begin(unpack, yenc->name) || !put_data(unpack, data))
        return false;
    check(unpack, yenc, trailer);
    return unpack_end(unpack);
}

bool yenc_open_all(struct unpack *unpack, bytes text)
{
    bool any = false;
    size_t at = 0;
    if (!budget_charge(unpack->budget, text.len / 8))
        return true;
    while ((at = bytes_find(text, bytes_of("=ybegin "), 0)) != SIZE_MAX) {
        bool starts = at == 0 || words_eol(text.at[at - 1]);
        struct yenc yenc;
        bytes line, head = bytes_slice(text, at, HEAD_MAX);
        text = bytes_slice(text, at + 1, text.len);
        if (!starts || !words_line(&head, &line) || !read_begin(line, &yenc))
            continue;
        words_line(&text, &line);
        any = true;
        if (!open_one(unpack, &yenc, &text))
            return true;
    }
    return any;
}

void yenc_open(struct unpack *unpack)
{
    yenc_open_all(unpack, unpack->data);
}

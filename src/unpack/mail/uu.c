/* "begin MODE NAME", lines of a length character and 3 bytes in 4 characters, a line of length
 * 0, "end". The characters of uuencode are 0x20 + value ("`" is 0, too), those of xxencode
 * "+-0..9A..Za..z". "begin-base64 MODE NAME" ends with "====". POSIX.1-2017, uuencode. */
#include "unpack/mail/uu.h"

#include "unpack/mail/transfer.h"
#include "unpack/mail/words.h"

#include <string.h>

enum { LINE_MAX = 1024 };

struct coded {
    bytes name, lines; /* the lines: all after the first */
    bool base64;
};

/* "begin 644 name" */
static bool begin_line(bytes line, struct coded *ret)
{
    bytes rest = line;
    if (words_start(line, "begin-base64 "))
        rest = bytes_slice(line, 13, line.len);
    else if (words_start(line, "begin "))
        rest = bytes_slice(line, 6, line.len);
    else
        return false;
    ret->base64 = line.at[5] == '-';
    rest = words_trim(rest);
    size_t digits = 0;
    while (digits < rest.len && rest.at[digits] >= '0' && rest.at[digits] <= '7')
        digits++;
    if (digits < 3 || digits > 6 || digits >= rest.len || rest.at[digits] != ' ')
        return false;
    ret->name = words_trim(bytes_slice(rest, digits, rest.len));
    return ret->name.len > 0 && ret->name.len < LINE_MAX;
}

bool uu_probe(bytes data)
{
    struct coded coded;
    bytes rest = bytes_slice(data, 0, LINE_MAX), line;
    return words_start(data, "begin") && words_line(&rest, &line) && begin_line(line, &coded);
}

static int xx_value(uint8_t c)
{
    if (c == '+' || c == '-')
        return c == '-';
    if (c >= '0' && c <= '9')
        return c - '0' + 2;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 12;
    return c >= 'a' && c <= 'z' ? c - 'a' + 38 : -1;
}

static int uu_value(uint8_t c)
{
    return c >= 0x20 && c <= 0x60 ? (c - 0x20) & 63 : -1;
}

/* Characters that a line for `size` bytes has; some encoders leave trailing blanks off, some
 * add a sum. */
static bool fits(bytes line, int size, bool exact)
{
    size_t wanted = ((size_t)size + 2) / 3 * 4;
    return size >= 0 && (exact ? line.len == 1 + wanted : line.len <= 3 + wanted);
}

/* xxencode, when its first line is one of it and not one of uuencode. */
static bool is_xx(bytes lines)
{
    bytes line;
    if (!words_line(&lines, &line) || line.len < 2)
        return false;
    for (size_t i = 0; i < line.len && i < LINE_MAX; i++)
        if (xx_value(line.at[i]) < 0)
            return false;
    return fits(line, xx_value(line.at[0]), true) && !fits(line, uu_value(line.at[0]), true);
}

/* One line's bytes into `out` (at least 64 bytes); false when it is no line of this kind. */
static bool decode_line(bytes line, int (*value)(uint8_t), uint8_t *out, size_t *ret_size)
{
    int size = line.len ? value(line.at[0]) : -1;
    size_t n = 0;
    *ret_size = 0;
    if (!fits(line, size, false))
        return false;
    for (size_t i = 1; n < (size_t)size; i += 4) {
        uint32_t bits = 0;
        for (size_t j = i; j < i + 4; j++) {
            int v = j < line.len ? value(line.at[j]) : 0;
            if (v < 0)
                return false;
            bits = bits << 6 | (uint32_t)v;
        }
        for (int shift = 16; shift >= 0 && n < (size_t)size; shift -= 8)
            out[n++] = (uint8_t)(bits >> shift);
    }
    *ret_size = n;
    return true;
}

/* Decodes lines to the child; *rest is then past the end. */
static bool put_lines(struct unpack *unpack, bytes *rest)
{
    int (*value)(uint8_t) = is_xx(*rest) ? xx_value : uu_value;
    bytes line = {NULL, 0};
    bool ended = false;
    while (!ended) {
        size_t room, n = 0;
        uint8_t *at = unpack_room(unpack, &room);
        if (!at)
            return !unpack->run->stopped;
        bool good = true;
        while (good && !ended && room - n > 64) {
            size_t size;
            bytes before = *rest;
            good = words_line(rest, &line);
            ended = good && words_same(words_trim(line), "end");
            if (good && !ended && words_trim(line).len) {
                good = decode_line(line, value, at + n, &size);
                n += size;
                if (!good)
                    *rest = before;
            }
        }
        if (!unpack_wrote(unpack, n))
            return false;
        if (!good) {
            unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "no end of the encoded lines");
            return true;
        }
    }
    return true;
}

/* Lines of base64 up to "====". */
static bool put_base64(struct unpack *unpack, bytes *rest)
{
    bytes scan = *rest, line, body = *rest;
    bool ended = false;
    while (!ended && words_line(&scan, &line)) {
        ended = words_start(line, "====");
        if (ended)
            body = words_part(*rest, 0, (size_t)(line.at - rest->at));
    }
    if (!ended)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "no end of the encoded lines");
    *rest = scan;
    return transfer_put(unpack, TRANSFER_BASE64, body);
}

/* The next "begin" line at or after *rest, which is then past it. */
static bool next_coded(bytes *rest, struct coded *ret)
{
    static const bytes mark = {(const uint8_t *)"begin", 5};
    bytes all = *rest;
    for (size_t at = 0; (at = bytes_find(all, mark, at)) != SIZE_MAX; at += 5) {
        bytes line, tail = bytes_slice(all, at, LINE_MAX + LINE_MAX);
        if ((at == 0 || words_eol(all.at[at - 1])) && words_line(&tail, &line) &&
            begin_line(line, ret)) {
            tail = bytes_slice(all, at, all.len);
            words_line(&tail, &line);
            *rest = tail;
            return true;
        }
    }
    return false;
}

bool uu_open_all(struct unpack *unpack, bytes text)
{
    struct coded coded;
    bool any = false;
    if (!budget_charge(unpack->budget, text.len / 8))
        return true;
    while (text.len && next_coded(&text, &coded)) {
        any = true;
        if (!unpack_begin(unpack, coded.name) ||
            !(coded.base64 ? put_base64(unpack, &text) : put_lines(unpack, &text)) ||
            !unpack_end(unpack))
            return true;
    }
    return any;
}

void uu_open(struct unpack *unpack)
{
    uu_open_all(unpack, unpack->data);
}

/* A text is looked through once, and quickly: runs of base64 are found by looking at every 56th
 * byte and going back from there. Encoded files are looked for at the beginning, in texts that
 * came by mail everywhere. */
#include "unpack/mail/text.h"

#include "unpack/mail/binhex.h"
#include "unpack/mail/html.h"
#include "unpack/mail/mbox.h"
#include "unpack/mail/mime.h"
#include "unpack/mail/script.h"
#include "unpack/mail/transfer.h"
#include "unpack/mail/uu.h"
#include "unpack/mail/wide.h"
#include "unpack/mail/words.h"
#include "unpack/mail/yenc.h"

#include <string.h>

enum {
    PROBED = 64,
    HEAD = 512,     /* where encoded files are looked for in any text */
    PIECE_MIN = 56, /* base64 characters without a break, to be found */
    LINE_MIN = 40,  /* of lines that go on with it */
    RUN_MIN = 200,  /* in all */
    MAGIC_CHARS = 16,
};

bool text_probe(bytes data)
{
    size_t size = data.len < PROBED ? data.len : PROBED;
    if (size < 8)
        return false;
    for (size_t i = 0; i < size; i++)
        if (data.at[i] < ' ' && !words_space(data.at[i]) && data.at[i] != 0x1b)
            return false;
    return true;
}

bool text_carries(bytes head)
{
    static const struct {
        uint8_t size;
        char magic[9];
    } known[] = {
        {2, "MZ"},
        {4, "\x7f"
            "ELF"},
        {4, "PK\3\4"},
        {4, "%PDF"},
        {4, "\xd0\xcf\x11\xe0"},
        {3, "\x1f\x8b\x08"},
        {4, "Rar!"},
        {4, "7z\xbc\xaf"},
        {4, "MSCF"},
        {5, "{\\rtf"},
        {4, "\xca\xfe\xba\xbe"},
        {6, "\xfd"
            "7zXZ"},
        {4, "dex\n"},
        {4, "ITSF"},
        {5, "<?php"},
        {4, "L\0\0\0"},
        {4, "\xcf\xfa\xed\xfe"},
    };

    for (size_t i = 0; i < COUNT(known); i++)
        if (bytes_has(head, 0, known[i].size) &&
            memcmp(head.at, known[i].magic, known[i].size) == 0)
            return true;
    return false;
}

/* --- base64 --- */

/* End of the base64 characters from `from` on. */
static size_t piece_end(bytes text, size_t from)
{
    while (from < text.len && base64_value(text.at[from]) < 64)
        from++;
    return from;
}

/* The next PIECE_MIN characters of base64 in a row: the offset of the first, or SIZE_MAX. */
static size_t next_piece(bytes text, size_t from)
{
    while (text.len - from >= PIECE_MIN) {
        size_t i = from + PIECE_MIN;
        while (i > from && base64_value(text.at[i - 1]) < 64)
            i--;
        if (i == from)
            return from;
        from = i;
    }
    return SIZE_MAX;
}

/* A run that goes on over lines; *ret_chars are its characters of base64. */
static size_t run_end(bytes text, size_t from, size_t *ret_chars)
{
    size_t end = piece_end(text, from);
    *ret_chars = end - from;
    for (size_t next = end; next < text.len;) {
        while (next < text.len && words_space(text.at[next]))
            next++;
        size_t to = piece_end(text, next);
        bool last = to < text.len && text.at[to] == '=';
        if (next == end || (to - next < LINE_MIN && !last))
            break;
        *ret_chars += to - next;
        next = end = to;
    }
    while (end < text.len && text.at[end] == '=')
        end++;
    return end;
}

/* Hands out the base64 in a text that carries something known; false: stop. */
static bool put_runs(struct unpack *unpack, bool page)
{
    bytes text = unpack->data;
    size_t at = 0;
    unsigned number = 0;
    while ((at = next_piece(text, at)) != SIZE_MAX) {
        uint8_t head[MAGIC_CHARS];
        size_t chars, from = at;
        at = run_end(text, from, &chars);
        struct base64 state = {.in = bytes_slice(text, from, MAGIC_CHARS)};
        size_t size = base64_decode(&state, head, sizeof head);
        if (chars < RUN_MIN || !text_carries((bytes){head, size}))
            continue;
        bool url = from >= 7 && memcmp(text.at + from - 7, "base64,", 7) == 0;
        if (url && page)
            continue;
        bytes name = arena_printf(unpack->arena, "[base64 %u]", ++number);
        if (!unpack_begin(unpack, name.at ? name : bytes_of("[base64]")) ||
            !transfer_put(unpack, TRANSFER_BASE64, words_part(text, from, at)) ||
            !unpack_end(unpack))
            return false;
    }
    return true;
}

/* --- files in texts --- */

static bool by_mail(const struct unpack *unpack)
{
    const char *up = unpack->up ? unpack->up->format->name : "";
    return strcmp(up, "mail") == 0 || strcmp(up, "mbox") == 0 || strcmp(up, "html") == 0;
}

/* A line near the beginning that starts an encoded file, but not the first one, which has a row
 * of its own. */
static bool head_encodes(bytes text)
{
    bytes head = bytes_slice(text, 0, HEAD);
    for (size_t at = 0; at + 8 < head.len; at++) {
        const uint8_t *end = memchr(head.at + at, '\n', head.len - at);
        if (!end)
            return false;
        at = (size_t)(end - head.at);
        uint8_t c = at + 8 < head.len ? head.at[at + 1] : 0;
        bytes line = bytes_slice(text, at + 1, HEAD);
        if ((c == 'b' && uu_probe(line)) ||
            (c == '(' && words_start(line, "(this file must be conv")) ||
            (c == '=' && words_start(line, "=ybegin ")))
            return true;
    }
    return false;
}

static bool put_encoded(struct unpack *unpack)
{
    bytes text = unpack->data;
    if (uu_probe(text) || yenc_probe(text) || words_start(text, "(this file must be conv"))
        return true;
    if (!by_mail(unpack) && !head_encodes(text))
        return true;
    uu_open_all(unpack, text);
    if (!unpack->run->stopped)
        yenc_open_all(unpack, text);
    if (!unpack->run->stopped)
        binhex_open_all(unpack, text);
    return !unpack->run->stopped;
}

void text_open(struct unpack *unpack)
{
    bool page = html_probe(unpack->data);
    /* Its parts are texts of their own. */
    if (mime_probe(unpack->data) || mbox_probe(unpack->data))
        return;
    if (!budget_charge(unpack->budget, unpack->data.len / 32))
        return;
    if ((page || by_mail(unpack)) && wide_is_utf7(unpack->data) && !wide_put_utf7(unpack))
        return;
    if (put_encoded(unpack) && put_runs(unpack, page) && !page)
        script_open(unpack);
}

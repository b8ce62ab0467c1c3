/* Text: UTF-8 (RFC 3629) or UTF-16 with a byte order mark, without control characters but tab,
 * line ends, form feed and escape; or of one byte a character (ISO 8859, Windows), when few are
 * outside ASCII.
 *
 * What is random passes for ASCII with 97 of 256 values: 1.4 bits a byte. 29 bytes are 40 bits;
 * 64 bytes, at 90, prove. Units of UTF-16 are below 2100 in the alphabets: 3 bits each. Those
 * of Chinese, Japanese and Korean are where random ones are, too. */
#include "rescue/proof/proof_text.h"
#include "rescue/proof/kind.h"

#include <string.h>

enum { PLAUSIBLE_LEAST = 29, OLD_LEAST = 64, WIDE_NEAR = 32, WIDE_FAR = 200 };

static bool is_plain(uint8_t c)
{
    return (c >= 0x20 && c < 0x7f) || (c >= 9 && c <= 13) || c == 0x1b;
}

/* Bytes of the character at `at`, 0: not UTF-8. */
static size_t utf8_step(bytes view, size_t at)
{
    uint8_t first = view.at[at];
    size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (len == 1)
        return is_plain(first) ? 1 : 0;
    if (!len || first > 0xf4 || view.len - at < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((view.at[at + i] & 0xc0) != 0x80)
            return 0;
    uint8_t second = view.at[at + 1];
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
        return 0;
    return first == 0xc2 && second < 0xa0 ? 0 : len; /* C1 controls */
}

bool proof_text_is_utf8(struct reader *reader, uint64_t *ret_good)
{
    uint64_t at = 0;
    while (at < reader->size) {
        bytes view = proof_reader_view(reader, at, 0);
        size_t i = 0, step = 1;
        if (view.len < 4 && reader->size - at > view.len)
            view = proof_reader_view(reader, at, 4096);
        while (i < view.len && (step = utf8_step(view, i)))
            i += step;
        at += i;
        /* A character that the view cuts is tried again at its head. */
        if (!step && !(i && view.len - i < 4)) {
            *ret_good = at;
            return false;
        }
        if (!view.len)
            return false;
    }
    *ret_good = at;
    return true;
}

struct counts {
    uint64_t high, control; /* bytes outside ASCII; control characters that no text has */
};

static bool count_bytes(struct reader *reader, struct counts *ret)
{
    *ret = (struct counts){0};
    for (uint64_t at = 0; at < reader->size;) {
        bytes view = proof_reader_view(reader, at, 0);
        for (size_t i = 0; i < view.len; i++) {
            ret->high += view.at[i] >= 0x80;
            ret->control += view.at[i] < 0x80 && !is_plain(view.at[i]);
        }
        if (!view.len)
            return false;
        at += view.len;
    }
    return true;
}

struct wide {
    uint64_t units, far; /* far: above the alphabets, where what is random mostly is */
    uint16_t high;
};

static bool wide_step(struct wide *wide, uint16_t unit)
{
    bool low = (unit & 0xfc00) == 0xdc00;
    if ((wide->high != 0) != low || unit == 0xfffe || unit == 0xffff ||
        (unit >= 0xe000 && unit < 0xf900) || (unit < 0x80 && !is_plain((uint8_t)unit)))
        return false;
    wide->high = (unit & 0xfc00) == 0xd800 ? unit : 0;
    wide->far += unit >= 0x2100;
    wide->units++;
    return true;
}

/* UTF-16 after its mark. */
static bool is_wide(struct reader *reader, bool big, struct wide *wide, uint64_t *ret_good)
{
    uint64_t at = 2;
    *ret_good = 0;
    while (reader->size - at >= 2) {
        bytes view = proof_reader_view(reader, at, 0);
        if (view.len < 2)
            view = proof_reader_view(reader, at, 4096);
        for (size_t i = 0; i + 2 <= view.len; i += 2)
            if (!wide_step(wide, big ? load_be16(view.at + i) : load_le16(view.at + i))) {
                *ret_good = at + i;
                return false;
            }
        if (view.len < 2)
            return false;
        at += view.len & ~(size_t)1;
    }
    *ret_good = at;
    return at == reader->size && !wide->high;
}

static int mark_of(bytes head)
{
    return head.len < 4                   ? 0
           : load_le16(head.at) == 0xfeff ? 1
           : load_be16(head.at) == 0xfeff ? 2
                                          : 0;
}

static bool begins(bytes head)
{
    struct wide wide = {0};
    int mark = mark_of(head);
    for (size_t i = 2; mark && i + 2 <= head.len && i < 64; i += 2)
        if (!wide_step(&wide, mark == 2 ? load_be16(head.at + i) : load_le16(head.at + i)))
            return false;
    for (size_t i = 0; !mark && i < head.len && i < 64; i++)
        if (head.at[i] < 0x80 && !is_plain(head.at[i]))
            return false;
    if (mark)
        return true;
    /* Random bytes above ASCII pass: most have to be ASCII, or to make UTF-8. */
    size_t high = 0, len = head.len < 64 ? head.len : 64, at = 0, step;
    for (size_t i = 0; i < len; i++)
        high += head.at[i] >= 0x80;
    while (at < len && (step = utf8_step(head, at)))
        at += step;
    return len && (high <= len / 4 || at >= len);
}

static void check_wide(struct reader *reader, bool big, struct proof_result *ret)
{
    struct wide wide = {0};
    uint64_t good;
    if (!is_wide(reader, big, &wide, &good))
        kind_failed(ret, good, "it begins as text in UTF-16, which ends at %llu",
                    (unsigned long long)good);
    else if (!wide.far && wide.units >= WIDE_NEAR)
        kind_plausible(ret, good, "all of it is text in UTF-16");
    else if (wide.units >= WIDE_FAR)
        kind_plausible(ret, good, "all of it can be text in UTF-16");
    else
        kind_unknown(ret, good, "it can be text in UTF-16");
}

/* Not UTF-8 from `good` on. What only begins with words may be data of many kinds. */
static void check_bytes(struct reader *reader, uint64_t good, struct proof_result *ret)
{
    struct counts counts;
    if (!count_bytes(reader, &counts))
        return;
    if (counts.control) {
        bool few = counts.control < reader->size / 500;
        if (few || !proof_is_called(&kind_text, reader->window->source->name))
            kind_unknown(ret, good, "it begins as text, and other data follows at %llu",
                         (unsigned long long)good);
        else
            kind_failed(ret, good, "it begins as text, which ends at %llu",
                        (unsigned long long)good);
    } else if (counts.high > reader->size / 8 || reader->size < OLD_LEAST) {
        kind_unknown(ret, good, "it can be text in an old character set");
    } else {
        kind_plausible(ret, good, "all of it can be text in an old character set");
    }
}

static void check(struct reader *reader, struct proof_result *ret)
{
    uint64_t good;
    uint8_t mark[4] = {0};
    int wide = proof_reader_take(reader, 0, mark, 4) ? mark_of((bytes){mark, 4}) : 0;
    if (wide)
        check_wide(reader, wide == 2, ret);
    else if (!proof_text_is_utf8(reader, &good))
        check_bytes(reader, good, ret);
    else if (reader->size >= PLAUSIBLE_LEAST)
        kind_plausible(ret, good, "all of it is text; a text has no checksum");
    else
        kind_unknown(ret, good, "it is text, and too short to say more");
}

const struct proof_kind kind_text = {"text",
                                     " txt csv tsv log md ini cfg conf c h cpp hpp py js ts "
                                     "css java sh bat ps1 sql tex yaml yml "
                                     "srt vtt eml mbox ics vcf ",
                                     begins, check};

/* Parts of files that were split: by name, for all but the first begin anywhere.
 *
 *     a.7z.001, a.zip.002   as 7-Zip and others cut them: every byte of the whole in order
 *     a.z01, a.z02, a.zip   "Splitting and Spanning ZIP files" (APPNOTE.TXT, 8): the last has
 *                           the directory, whose offsets count from the beginning of a part
 *
 * RAR's volumes are archives of their own (rar). No other part is looked for: what goes on in
 * another is not whole, and that is said. */
#include "unpack/archive/formats.h"

#include <string.h>

enum { DIGITS_MAX = 6, END_SIZE = 22, COMMENT_MAX = 0xffff };

/* What stands behind the last dot; *rest: before it. */
static bytes suffix(bytes name, bytes *rest)
{
    size_t dot = name.len;
    while (dot > 0 && name.at[dot - 1] != '.')
        dot--;
    if (dot == 0)
        return (bytes){NULL, 0};
    *rest = bytes_slice(name, 0, dot - 1);
    return bytes_slice(name, dot, name.len);
}

/* 0 for what is no number. */
static uint64_t decimal(bytes text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return 0;
        value = value * 10 + (uint64_t)(text.at[i] - '0');
    }
    return value;
}

static bool is_archive(bytes name)
{
    static const char *const known[] = {"7z",  "zip", "rar", "tar", "gz",  "tgz",
                                        "bz2", "xz",  "zst", "iso", "cab", "exe"};
    bytes rest, last = suffix(name, &rest);
    for (size_t i = 0; i < COUNT(known); i++)
        if (bytes_same(last, bytes_of(known[i])))
            return true;
    return false;
}

static bool is_zip_part(bytes last)
{
    return last.len >= 3 && last.len <= DIGITS_MAX && ascii_lower(last.at[0]) == 'z' &&
           decimal(bytes_slice(last, 1, last.len)) > 0;
}

uint64_t volume_number(bytes name)
{
    bytes rest = name, last = suffix(name, &rest);
    if (is_zip_part(last))
        return decimal(bytes_slice(last, 1, last.len));
    return last.len >= 3 && last.len <= DIGITS_MAX && is_archive(rest) ? decimal(last) : 0;
}

void volume_note(struct unpack *unpack, uint64_t number)
{
    if (number)
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                   "volume %llu of a split archive: what goes on in another is not whole",
                   (unsigned long long)number);
    else
        unpack_gap(unpack, bytes_of(""), GAP_UNSUPPORTED,
                   "a volume of a split archive: what goes on in another is not whole");
}

/* The end of a zip file's directory says that it is not on the first part. */
static bool is_last_zip(bytes data)
{
    uint64_t first = data.len > END_SIZE + COMMENT_MAX ? data.len - END_SIZE - COMMENT_MAX : 0;
    if (data.len < END_SIZE)
        return false;
    for (uint64_t at = data.len - END_SIZE + 1; at-- > first;)
        if (data.at[at] == 'P' && memcmp(data.at + at, "PK\5\6", 4) == 0)
            return load_le16(data.at + at + 4) != 0;
    return false;
}

/* What has a signature is opened as that, and says which volume it is. */
static bool has_signature(bytes data)
{
    static const char *const known[] = {"PK\3\4", "PK\7\10", "PK\5\6", "7z\xbc\xaf", "Rar!"};
    for (size_t i = 0; i < COUNT(known); i++)
        if (bytes_is(bytes_slice(data, 0, 4), known[i]))
            return true;
    return false;
}

bool volume_probe(bytes name)
{
    bytes rest = name, last = suffix(name, &rest);
    uint64_t first = is_zip_part(last) ? 1 : 2;
    return bytes_same(last, bytes_of("zip")) || volume_number(name) >= first;
}

void volume_open(struct unpack *unpack)
{
    bytes rest = unpack->name, last = suffix(unpack->name, &rest);
    bytes before = suffix(rest, &rest);
    bool zip = bytes_same(last, bytes_of("zip"));
    if (has_signature(unpack->data) || (zip && !is_last_zip(unpack->data)))
        return;
    if (zip || is_zip_part(last) || bytes_same(before, bytes_of("zip")))
        zip_open(unpack); /* says it, and finds members that begin here */
    else
        volume_note(unpack, volume_number(unpack->name));
}

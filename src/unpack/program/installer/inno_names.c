/* The names of the files of an Inno Setup installer, out of its script (the first block of the
 * header). What comes before the files there has a different shape in each version; the entry
 * of a file does not:
 *
 *   texts, each u32 size in bytes: source, destination, font, (5.2.5) assembly, components,
 *   tasks, languages, check, after install, before install
 *   20 bytes versions of Windows, u32 index of its place or all ones, ...
 *
 * So the block is searched for such entries: ten texts that are texts, and an index that can
 * be.
 *
 * innoextract 1.9, src/setup/file.cpp. */
#include "unpack/program/installer/inno.h"
#include "unpack/program/program.h"

#include <string.h>

enum {
    TEXTS = 10,
    TEXT_MAX = 2048, /* of a name */
    CONDITION_MAX = 65536,
    WINDOWS = 20,
    AFTER = 18,
    NAME_MAX = 1024,
};

static bool is_text(bytes text, bool wide)
{
    if (wide && text.len % 2)
        return false;
    for (size_t i = 0; i < text.len; i += wide ? 2 : 1)
        if (text.at[i] < 0x20 && (!wide || text.at[i + 1] == 0) && text.at[i] != '\t' &&
            text.at[i] != '\n' && text.at[i] != '\r')
            return false;
    return true;
}

static bool next_text(bytes header, size_t *at, size_t most, bool wide, bytes *ret)
{
    uint32_t size;
    if (!bytes_le32(header, *at, &size) || size > most || !bytes_has(header, *at + 4, size))
        return false;
    *ret = bytes_slice(header, *at + 4, size);
    *at += 4 + size;
    return is_text(*ret, wide);
}

static bytes name_copy(struct unpack *unpack, bytes text, bool wide)
{
    uint8_t name[NAME_MAX];
    size_t length = 0;
    if (wide)
        length = utf16_append(name, 0, NAME_MAX, text);
    else
        for (; length < text.len && length < NAME_MAX; length++)
            name[length] = text.at[length];
    for (size_t i = 0; i < length; i++)
        if (name[i] == '\\')
            name[i] = '/';
    return arena_copy(unpack->arena, (bytes){name, length});
}

/* The entry that begins at *at, if one does. */
static bool read_entry(bytes header, size_t *at, bool wide, unsigned version, bytes *ret_name,
                       uint32_t *ret_place)
{
    size_t here = *at;
    unsigned texts = version >= INNO_5205 ? TEXTS : TEXTS - 1;
    bytes text;
    for (unsigned i = 0; i < texts; i++) {
        if (!next_text(header, &here, i < 2 ? TEXT_MAX : CONDITION_MAX, wide, &text))
            return false;
        if (i == 1)
            *ret_name = text;
    }
    if (ret_name->len < 2 || !bytes_has(header, here + WINDOWS, AFTER))
        return false;
    const uint8_t *p = header.at + here + WINDOWS;
    uint16_t permissions = load_le16(p + 16);
    if (load_le32(p + 4) > UINT16_MAX || load_le64(p + 8) > UINT64_C(1) << 48 ||
        (permissions != UINT16_MAX &&
         (permissions > 999 || memchr(ret_name->at, '\\', ret_name->len) == NULL)))
        return false;
    *ret_place = load_le32(p);
    *at = here + WINDOWS + AFTER;
    return true;
}

bytes *inno_names_find(struct unpack *unpack, bytes header, bool wide, unsigned version,
                       uint32_t count)
{
    bytes *names = PUSH_ARRAY(unpack->arena, bytes, (size_t)count + 1);
    if (!names || !budget_charge(unpack->budget, header.len))
        return names;
    for (size_t at = 0; at + 4 < header.len;) {
        bytes name;
        uint32_t place, size = load_le32(header.at + at), second;
        size_t next = at;
        /* A source is seldom named, a destination always. */
        bool may = size <= TEXT_MAX && bytes_le32(header, at + 4 + size, &second) &&
                   second >= 2 && second <= TEXT_MAX;
        if (may && read_entry(header, &next, wide, version, &name, &place) && place < count &&
            !names[place].at) {
            names[place] = name_copy(unpack, name, wide);
            at = next;
            continue;
        }
        at++;
        if (may && !budget_charge(unpack->budget, 16))
            break;
    }
    return names;
}

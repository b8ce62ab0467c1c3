/* A document is told by the names of its first three members (ECMA-376 part 2); where they are
 * names that documents have, by all names. PKWARE's APPNOTE 4.3:
 *
 *   member     "PK\3\4", 22 bytes, name length (2), extra length (2), name
 *   directory  "PK\1\2", 24 bytes, name length, extra, comment (2 each), 12 bytes, name
 *   end        "PK\5\6", 12 bytes, where the directory begins (4)
 *
 * ClamAV reads the head in windows of a KiB; a name must lie in its window whole. */
#include "filetype/office.h"

#include <string.h>

enum {
    WINDOW = 1024,
    WINDOW_LATER = 1028,
    WINDOWS = 32, /* and members, together */
    MEMBER = 30,
    ENTRY = 46,
    END = 22,
    END_AWAY = 65536, /* a comment's length at most */
    NAME_MAX = 22,    /* of those below */
    MEMBERS = 3,
    ENTRIES = 10000,
    FIRST_SIZE = 2 * (MEMBER + 5),
};

static const struct {
    const char *name;
    enum filetype type;
} known[] = {
    {"xl/", FILETYPE_OOXML_XL},
    {"ppt/", FILETYPE_OOXML_PPT},
    {"word/", FILETYPE_OOXML_WORD},
    {"Contents/content.hpf", FILETYPE_OOXML_HWP},
    {"BinData", FILETYPE_ZIP},
    {"mimetype", FILETYPE_ZIP},
    {"Contents", FILETYPE_ZIP},
    {"docProps/", FILETYPE_ZIP},
    {"customXml/", FILETYPE_ZIP},
    {"version.xml", FILETYPE_ZIP},
    {"settings.xml", FILETYPE_ZIP},
    {"_.rels/.rels", FILETYPE_ZIP},
    {"[ContentTypes].xml", FILETYPE_ZIP},
    {"[Content_Types].xml", FILETYPE_ZIP},
    {"Preview/PrvText.txt", FILETYPE_ZIP},
    {"META-INF/container.xml", FILETYPE_ZIP},
};

/* FILETYPE_ANY for other names; FILETYPE_ZIP: documents have it. */
static enum filetype known_as(bytes name)
{
    for (size_t i = 0; i < COUNT(known); i++) {
        size_t size = strlen(known[i].name);
        if (size <= name.len && memcmp(name.at, known[i].name, size) == 0)
            return known[i].type;
    }
    return FILETYPE_ANY;
}

static bool find_directory(bytes data, size_t *ret)
{
    if (data.len < ENTRY)
        return false;
    for (size_t at = data.len - END, tried = 0; at > 0 && tried < END_AWAY; at--, tried++) {
        if (data.at[at] != 'P' || load_be32(data.at + at) != 0x504b0506)
            continue;
        uint32_t from = load_le32(data.at + at + 16);
        if (bytes_has(data, from, ENTRY)) {
            *ret = from;
            return from != 0;
        }
    }
    return false;
}

static enum filetype directory_of(bytes data)
{
    size_t at;
    if (!find_directory(data, &at))
        return FILETYPE_ZIP;
    for (int i = 0; i < ENTRIES && bytes_has(data, at, ENTRY); i++) {
        const uint8_t *entry = data.at + at;
        if (load_be32(entry) != 0x504b0102)
            break;
        enum filetype type = known_as(bytes_slice(data, at + ENTRY, load_le16(entry + 28)));
        if (type != FILETYPE_ANY && type != FILETYPE_ZIP && type != FILETYPE_OOXML_HWP)
            return type;
        at += (size_t)ENTRY + load_le16(entry + 28) + load_le16(entry + 30) +
              load_le16(entry + 32);
    }
    return FILETYPE_ZIP;
}

enum filetype office_of(bytes data)
{
    static const uint8_t head[] = {'P', 'K', 3, 4};
    size_t at = 0, end = data.len < WINDOW ? data.len : WINDOW;
    int members = 0;
    bool likely = false;
    if (end <= FIRST_SIZE)
        return FILETYPE_ZIP;
    for (int i = 0; i < WINDOWS; i++) {
        at = bytes_find(bytes_slice(data, 0, end), (bytes){head, 4}, at);
        if (at == SIZE_MAX || at + MEMBER + NAME_MAX >= end) {
            if (data.len - end <= MEMBER)
                break;
            at = end - (MEMBER + NAME_MAX + 1);
            end = data.len - at < WINDOW_LATER ? data.len : at + WINDOW_LATER;
            continue;
        }
        at += MEMBER;
        enum filetype type = known_as(bytes_slice(data, at, NAME_MAX));
        if (type != FILETYPE_ANY && type != FILETYPE_ZIP)
            return type;
        likely |= type == FILETYPE_ZIP;
        if (++members == MEMBERS)
            return likely ? directory_of(data) : FILETYPE_ZIP;
    }
    return FILETYPE_ZIP;
}

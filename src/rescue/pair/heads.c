#include "rescue/pair/heads.h"

/* How kinds of files begin, by the ends of their names. */
struct head {
    const char *ends; /* separated by blanks */
    unsigned at;
    unsigned len;
    const char *bytes;
};

#define HEAD(ends, at, text)                                                                   \
    {                                                                                          \
        ends, at, sizeof text - 1, text                                                        \
    }
static const struct head heads[] = {
    HEAD("png", 0, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    HEAD("jpg jpeg", 0, "\xff\xd8\xff\xe0\0\x10JFIF\0\1"),
    HEAD("doc xls ppt msi msg vsd pub thumbs.db", 0,
         "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x3e\0"),
    HEAD("doc xls ppt msi msg vsd pub thumbs.db", 28, "\xfe\xff\x09\0\6\0\0\0\0\0\0\0"),
    HEAD("db sqlite sqlite3 db3", 0, "SQLite format 3\0"),
    HEAD("docx xlsx pptx", 0, "PK\3\4\x14\0\6\0\x08\0\0\0\x21\0"),
    HEAD("docx xlsx pptx", 30, "[Content_Types].xml"),
    HEAD("odt ods odp", 0, "PK\3\4\x14\0\0\x08\0\0"),
    HEAD("odt ods odp", 30, "mimetypeapplication/vnd.oasis.opendocument."),
    HEAD("exe dll sys", 0, "MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0\x40\0\0\0"),
    HEAD("7z", 0, "7z\xbc\xaf\x27\x1c\0\4"),
    HEAD("7z", 16, "\0\0\0\0"),
    HEAD("7z", 23, "\0\0\0\0\0"),
    HEAD("xml svg xhtml plist", 0, "<?xml version=\"1.0\" encoding=\""),
    HEAD("wav", 8, "WAVEfmt \x10\0\0\0\1\0"),
    HEAD("wav", 0, "RIFF"),
    HEAD("flac", 0, "fLaC\0\0\0\x22\x10\0\x10\0"),
    HEAD("pcap", 0, "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0"),
    HEAD("class", 0, "\xca\xfe\xba\xbe\0\0\0"),
    HEAD("pst ost", 0, "!BDN"),
    HEAD("ico", 0, "\0\0\1\0"),
};
#undef HEAD

/* Whether the name ends in one of the extensions. */
static bool ends_as(bytes name, const char *ends)
{
    bytes rest = bytes_of(ends), end;
    while (bytes_cut(&rest, ' ', &end))
        if (name.len > end.len && name.at[name.len - end.len - 1] == '.' &&
            bytes_same(bytes_slice(name, name.len - end.len, SIZE_MAX), end))
            return true;
    return false;
}

static size_t heads_of_exactly(bytes name, struct head_byte *ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < COUNT(heads); i++)
        for (unsigned k = 0; ends_as(name, heads[i].ends) && k < heads[i].len && n < max; k++)
            ret[n++] = (struct head_byte){heads[i].at + k, (uint8_t)heads[i].bytes[k]};
    return n;
}

size_t heads_of(bytes name, bool inner, struct head_byte *ret, size_t max)
{
    size_t n = heads_of_exactly(name, ret, max);
    for (unsigned cuts = 0; inner && !n && cuts < 12; cuts++) {
        size_t len = name.len;
        while (len && (ascii_alnum(name.at[len - 1]) || name.at[len - 1] >= 0x80))
            len--;
        if (!len)
            break;
        name.len = len - 1;
        n = heads_of_exactly(name, ret, max);
    }
    return n;
}

/* The order of questions is ClamAV's: magic numbers; else text, by which bytes occur in the
 * first KiB; else the header of a tar; text and unknown data are searched for marks, as they
 * are and with every second byte left out. A ZIP is looked into, an MBR checked. */
#include "filetype/filetype.h"

#include "filetype/magic.h"
#include "filetype/marks.h"
#include "filetype/office.h"
#include "filetype/plain.h"
#include "filetype/types.h"

#include <string.h>

enum {
    HEAD = 1024,
    SECTOR = 512,
    MBR_ENTRIES = 446,
    MBR_PROTECTIVE = 0xee,
    MBR_HYBRID = 0xed,
    TAR_CHECKSUM = 148,
    TAR_MAGIC = 257,
};

static const char *const names[FILETYPES] = {
    [FILETYPE_ANY] = "CL_TYPE_ANY",
    [FILETYPE_TEXT_ASCII] = "CL_TYPE_TEXT_ASCII",
    [FILETYPE_TEXT_UTF8] = "CL_TYPE_TEXT_UTF8",
    [FILETYPE_TEXT_UTF16LE] = "CL_TYPE_TEXT_UTF16LE",
    [FILETYPE_TEXT_UTF16BE] = "CL_TYPE_TEXT_UTF16BE",
    [FILETYPE_BINARY_DATA] = "CL_TYPE_BINARY_DATA",
    [FILETYPE_ERROR] = "CL_TYPE_ERROR",
    [FILETYPE_MSEXE] = "CL_TYPE_MSEXE",
    [FILETYPE_ELF] = "CL_TYPE_ELF",
    [FILETYPE_MACHO] = "CL_TYPE_MACHO",
    [FILETYPE_MACHO_UNIBIN] = "CL_TYPE_MACHO_UNIBIN",
    [FILETYPE_POSIX_TAR] = "CL_TYPE_POSIX_TAR",
    [FILETYPE_OLD_TAR] = "CL_TYPE_OLD_TAR",
    [FILETYPE_CPIO_OLD] = "CL_TYPE_CPIO_OLD",
    [FILETYPE_CPIO_ODC] = "CL_TYPE_CPIO_ODC",
    [FILETYPE_CPIO_NEWC] = "CL_TYPE_CPIO_NEWC",
    [FILETYPE_CPIO_CRC] = "CL_TYPE_CPIO_CRC",
    [FILETYPE_GZ] = "CL_TYPE_GZ",
    [FILETYPE_ZIP] = "CL_TYPE_ZIP",
    [FILETYPE_BZ] = "CL_TYPE_BZ",
    [FILETYPE_RAR] = "CL_TYPE_RAR",
    [FILETYPE_ARJ] = "CL_TYPE_ARJ",
    [FILETYPE_MSSZDD] = "CL_TYPE_MSSZDD",
    [FILETYPE_MSOLE2] = "CL_TYPE_MSOLE2",
    [FILETYPE_MSCAB] = "CL_TYPE_MSCAB",
    [FILETYPE_MSCHM] = "CL_TYPE_MSCHM",
    [FILETYPE_SIS] = "CL_TYPE_SIS",
    [FILETYPE_SCRENC] = "CL_TYPE_SCRENC",
    [FILETYPE_GRAPHICS] = "CL_TYPE_GRAPHICS",
    [FILETYPE_GIF] = "CL_TYPE_GIF",
    [FILETYPE_PNG] = "CL_TYPE_PNG",
    [FILETYPE_JPEG] = "CL_TYPE_JPEG",
    [FILETYPE_TIFF] = "CL_TYPE_TIFF",
    [FILETYPE_RIFF] = "CL_TYPE_RIFF",
    [FILETYPE_BINHEX] = "CL_TYPE_BINHEX",
    [FILETYPE_TNEF] = "CL_TYPE_TNEF",
    [FILETYPE_CRYPTFF] = "CL_TYPE_CRYPTFF",
    [FILETYPE_PDF] = "CL_TYPE_PDF",
    [FILETYPE_UUENCODED] = "CL_TYPE_UUENCODED",
    [FILETYPE_HTML_UTF16] = "CL_TYPE_HTML_UTF16",
    [FILETYPE_SCRIPT] = "CL_TYPE_SCRIPT",
    [FILETYPE_RTF] = "CL_TYPE_RTF",
    [FILETYPE_SEVENZ] = "CL_TYPE_7Z",
    [FILETYPE_SWF] = "CL_TYPE_SWF",
    [FILETYPE_JAVA] = "CL_TYPE_JAVA",
    [FILETYPE_XAR] = "CL_TYPE_XAR",
    [FILETYPE_XZ] = "CL_TYPE_XZ",
    [FILETYPE_OOXML_WORD] = "CL_TYPE_OOXML_WORD",
    [FILETYPE_OOXML_PPT] = "CL_TYPE_OOXML_PPT",
    [FILETYPE_OOXML_XL] = "CL_TYPE_OOXML_XL",
    [FILETYPE_OOXML_HWP] = "CL_TYPE_OOXML_HWP",
    [FILETYPE_XDP] = "CL_TYPE_XDP",
    [FILETYPE_XML_WORD] = "CL_TYPE_XML_WORD",
    [FILETYPE_XML_XL] = "CL_TYPE_XML_XL",
    [FILETYPE_XML_HWP] = "CL_TYPE_XML_HWP",
    [FILETYPE_HWP3] = "CL_TYPE_HWP3",
    [FILETYPE_HWPOLE2] = "CL_TYPE_HWPOLE2",
    [FILETYPE_MHTML] = "CL_TYPE_MHTML",
    [FILETYPE_LNK] = "CL_TYPE_LNK",
    [FILETYPE_EGG] = "CL_TYPE_EGG",
    [FILETYPE_GPT] = "CL_TYPE_GPT",
    [FILETYPE_APM] = "CL_TYPE_APM",
    [FILETYPE_MBR] = "CL_TYPE_MBR",
    [FILETYPE_ISO9660] = "CL_TYPE_ISO9660",
    [FILETYPE_DMG] = "CL_TYPE_DMG",
    [FILETYPE_UDF] = "CL_TYPE_UDF",
    [FILETYPE_ONENOTE] = "CL_TYPE_ONENOTE",
    [FILETYPE_ALZ] = "CL_TYPE_ALZ",
    [FILETYPE_LHA_LZH] = "CL_TYPE_LHA_LZH",
    [FILETYPE_PYTHON_COMPILED] = "CL_TYPE_PYTHON_COMPILED",
    [FILETYPE_AI_MODEL] = "CL_TYPE_AI_MODEL",
    [FILETYPE_HTML] = "CL_TYPE_HTML",
    [FILETYPE_MAIL] = "CL_TYPE_MAIL",
    [FILETYPE_SFX] = "CL_TYPE_SFX",
    [FILETYPE_ZIPSFX] = "CL_TYPE_ZIPSFX",
    [FILETYPE_RARSFX] = "CL_TYPE_RARSFX",
    [FILETYPE_SEVENZSFX] = "CL_TYPE_7ZSFX",
    [FILETYPE_CABSFX] = "CL_TYPE_CABSFX",
    [FILETYPE_ARJSFX] = "CL_TYPE_ARJSFX",
    [FILETYPE_EGGSFX] = "CL_TYPE_EGGSFX",
    [FILETYPE_NULSFT] = "CL_TYPE_NULSFT",
    [FILETYPE_AUTOIT] = "CL_TYPE_AUTOIT",
    [FILETYPE_ISHIELD_MSI] = "CL_TYPE_ISHIELD_MSI",
    [FILETYPE_INTERNAL] = "CL_TYPE_INTERNAL",
    [FILETYPE_OTHER] = "CL_TYPE_OTHER",
    [FILETYPE_IGNORED] = "CL_TYPE_IGNORED",
    [FILETYPE_PS] = "CL_TYPE_PS",
    [FILETYPE_PART_ANY] = "CL_TYPE_PART_ANY",
    [FILETYPE_PART_HFSPLUS] = "CL_TYPE_PART_HFSPLUS",
};

enum filetype filetype_named(bytes name)
{
    size_t i = 0;
    while (i < FILETYPES && !bytes_is(name, names[i]))
        i++;
    return (enum filetype)i;
}

const char *filetype_name(enum filetype type)
{
    return type < FILETYPES ? names[type] : "";
}

enum target filetype_target(enum filetype type)
{
    switch (type) {
    case FILETYPE_MSEXE:
        return TARGET_PE;
    case FILETYPE_MSOLE2:
        return TARGET_OLE2;
    case FILETYPE_MAIL:
        return TARGET_MAIL;
    case FILETYPE_GRAPHICS:
    case FILETYPE_GIF:
    case FILETYPE_PNG:
    case FILETYPE_JPEG:
    case FILETYPE_TIFF:
        return TARGET_GRAPHICS;
    case FILETYPE_ELF:
        return TARGET_ELF;
    case FILETYPE_MACHO:
    case FILETYPE_MACHO_UNIBIN:
        return TARGET_MACHO;
    case FILETYPE_PDF:
        return TARGET_PDF;
    case FILETYPE_SWF:
        return TARGET_FLASH;
    case FILETYPE_JAVA:
        return TARGET_JAVA;
    case FILETYPE_INTERNAL:
        return TARGET_INTERNAL;
    case FILETYPE_BINARY_DATA:
    case FILETYPE_PYTHON_COMPILED:
        return TARGET_OTHER;
    default:
        return TARGET_ANY;
    }
}

/* An octal number in a tar's header; false when the field holds none. */
static bool read_octal(const uint8_t *at, uint32_t *ret)
{
    uint32_t i = 0, value = 0;
    while (i < 8 && plain_space(at[i]))
        i++;
    if (i == 8)
        return false;
    for (; i < 8 && at[i] >= '0' && at[i] <= '7'; i++)
        value = value << 3 | (uint32_t)(at[i] - '0');
    *ret = value;
    return i == 8 || at[i] == 0 || plain_space(at[i]);
}

/* A tar tells itself by the sum of its header's bytes, that of the sum's own field as blanks.
 */
static enum filetype tar_of(bytes data)
{
    uint32_t want, sum = 8 * ' ';
    if (data.len < SECTOR || !read_octal(data.at + TAR_CHECKSUM, &want))
        return FILETYPE_ANY;
    for (size_t i = 0; i < SECTOR; i++)
        sum += i - TAR_CHECKSUM < 8 ? 0 : data.at[i];
    if (sum != want)
        return FILETYPE_ANY;
    return memcmp(data.at + TAR_MAGIC, "ustar  ", 8) == 0 ? FILETYPE_POSIX_TAR
                                                          : FILETYPE_OLD_TAR;
}

/* FILETYPE_ANY when the last two bytes of the sector stand there by chance. */
static enum filetype disk_of(bytes data)
{
    if (data.len < SECTOR || load_be16(data.at + SECTOR - 2) != 0x55aa)
        return FILETYPE_ANY;
    const uint8_t *entries = data.at + MBR_ENTRIES;
    if (entries[4] == MBR_PROTECTIVE || entries[4] == MBR_HYBRID)
        return FILETYPE_GPT;
    for (int i = 0; i < 4; i++, entries += 16) {
        uint64_t from = (uint64_t)load_le32(entries + 8) * SECTOR;
        uint64_t size = (uint64_t)load_le32(entries + 12) * SECTOR;
        if ((entries[0] != 0 && entries[0] != 0x80) || from + size > data.len)
            return FILETYPE_ANY;
    }
    return data.len / SECTOR < 2 ? FILETYPE_ANY : FILETYPE_MBR;
}

static bool is_sfx(enum filetype type)
{
    return type == FILETYPE_ZIPSFX || type == FILETYPE_ARJSFX || type == FILETYPE_RARSFX ||
           type == FILETYPE_CABSFX || type == FILETYPE_SEVENZSFX || type == FILETYPE_EGGSFX;
}

/* Marks of the tables that count: of the built-in one, of the other one, or of both. */
static struct marks find_marks(struct types *types, bytes data, enum filetype type, bool whole)
{
    struct marks found = {0};
    if (!types_replace(types))
        found = marks_of(data);
    if (types && found.type != FILETYPE_IGNORED)
        types_marks(types, data, type, whole, &found);
    return found;
}

static bool is_page(struct types *types, const uint8_t *at, size_t size, enum filetype type)
{
    return size && (types || memchr(at, '<', size)) &&
           find_marks(types, (bytes){at, size}, type, false).type == FILETYPE_HTML;
}

/* What marks in its head make of a text or of unknown data. */
static enum filetype marked_as(struct types *types, bytes head, enum filetype type)
{
    uint8_t narrow[HEAD];
    enum filetype found = find_marks(types, head, type, false).type;
    if (found != FILETYPE_ANY && !is_sfx(found))
        return found;
    size_t size = plain_narrow(head, PLAIN_LITTLE, narrow);
    if (is_page(types, narrow, size, FILETYPE_TEXT_ASCII))
        return FILETYPE_HTML_UTF16;
    enum plain_width width = plain_mark(head);
    if (width == PLAIN_BYTES)
        return type;
    size = plain_narrow(head, width, narrow);
    return is_page(types, narrow, size, FILETYPE_ANY) ? FILETYPE_HTML : type;
}

static bool is_unsure(enum filetype type)
{
    return type >= FILETYPE_TEXT_ASCII && type <= FILETYPE_BINARY_DATA;
}

enum filetype filetype_of(bytes data)
{
    return filetype_of_by(NULL, data);
}

enum filetype filetype_of_by(struct types *types, bytes data)
{
    bytes head = bytes_slice(data, 0, HEAD);
    enum filetype type = FILETYPE_ANY;
    bool told = types && types_magic(types, head, &type);
    if (!told && !types_replace(types)) {
        type = magic_of(head);
        told = type != FILETYPE_ANY;
    }
    if (!told)
        type = plain_of(head);
    if (type == FILETYPE_ZIP)
        return office_of(data);
    if (type == FILETYPE_MBR) {
        type = disk_of(data);
        if (type == FILETYPE_ANY)
            type = FILETYPE_BINARY_DATA;
    }
    if (!is_unsure(type))
        return type;
    if (type == FILETYPE_BINARY_DATA) {
        enum filetype tar = tar_of(head);
        if (tar != FILETYPE_ANY)
            return tar;
    }
    return marked_as(types, head, type);
}

/* File systems stand some way into an image, its own sign at the very end. */
static enum filetype image_of(bytes data)
{
    enum { DESCRIPTORS = 32768, DESCRIPTOR = 2048, TRAILER = 512 };

    if (data.len >= TRAILER && memcmp(data.at + data.len - TRAILER, "koly", 4) == 0)
        return FILETYPE_DMG;
    if (!bytes_has(data, DESCRIPTORS, DESCRIPTOR + 6))
        return FILETYPE_ANY;
    const uint8_t *at = data.at + DESCRIPTORS;
    if (memcmp(at, "\1CD001", 6) == 0 && memcmp(at + DESCRIPTOR + 1, "CD001", 5) == 0)
        return FILETYPE_ISO9660;
    return memcmp(at, "\0BEA01", 6) == 0 ? FILETYPE_UDF : FILETYPE_ANY;
}

/* A table that takes the place of the built-in one may not know them at all. */
static enum filetype known(const struct types *types, enum filetype type)
{
    enum filetype mark = type == FILETYPE_GPT ? FILETYPE_MBR : type;
    return !types_replace(types) || types_make(types, mark) ? type : FILETYPE_ANY;
}

/* ClamAV looks for no marks in these. */
static bool is_read_as_is(enum filetype type)
{
    return type == FILETYPE_GZ || type == FILETYPE_CPIO_OLD || type == FILETYPE_ZIP ||
           type == FILETYPE_OLD_TAR || type == FILETYPE_POSIX_TAR || type == FILETYPE_IGNORED ||
           type == FILETYPE_HTML || is_sfx(type);
}

enum filetype filetype_read(bytes data, enum filetype type)
{
    return filetype_read_by(NULL, data, type);
}

enum filetype filetype_read_by(struct types *types, bytes data, enum filetype type)
{
    enum filetype found;
    if (is_read_as_is(type))
        return type;
    bool text = type >= FILETYPE_TEXT_ASCII && type <= FILETYPE_TEXT_UTF16BE;
    if (text || type == FILETYPE_GIF) {
        struct marks marks = find_marks(types, data, type, true);
        bool ascii = type == FILETYPE_TEXT_ASCII;
        if (text && marks.whole != FILETYPE_ANY)
            return marks.whole;
        if ((marks.type == FILETYPE_HTML && (ascii || type == FILETYPE_GIF)) ||
            (marks.type == FILETYPE_MAIL && ascii))
            return marks.type;
    }
    found = known(types, image_of(data));
    if (found == FILETYPE_ANY)
        found = data.len % SECTOR == 0 ? known(types, disk_of(data)) : FILETYPE_ANY;
    return found == FILETYPE_ANY ? type : found;
}

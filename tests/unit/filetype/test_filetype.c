#include "filetype/filetype.h"
#include "tap.h"

#include <string.h>

#define CHECK_TYPE(text, want) check_type(BYTES(text), want)
#define BYTES(text)                                                                            \
    (bytes)                                                                                    \
    {                                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                                              \
    }

static void check_type(bytes data, const char *want)
{
    CHECK_STR(filetype_name(filetype_of(data)), want);
}

static void names(void)
{
    for (int i = 0; i < FILETYPES; i++) {
        const char *name = filetype_name((enum filetype)i);
        CHECK(name && filetype_named(bytes_of(name)) == (enum filetype)i);
    }
    CHECK_INT(filetype_named(bytes_of("CL_TYPE_NONE")), FILETYPES);
    CHECK_STR(filetype_name(FILETYPE_SEVENZ), "CL_TYPE_7Z");
}

static void magic(void)
{
    CHECK_TYPE("MZ\x90\0\3\0\0\0", "CL_TYPE_MSEXE");
    CHECK_TYPE("\x7f"
               "ELF\2\1\1\0",
               "CL_TYPE_ELF");
    CHECK_TYPE("\xca\xfe\xba\xbe\0\0\0\x34\0\0", "CL_TYPE_JAVA");
    CHECK_TYPE("\xca\xfe\xba\xbe\0\0\0\2\0\0", "CL_TYPE_MACHO_UNIBIN");
    CHECK_TYPE("\xa7\x0d\x0d\x0a\0\0\0\0", "CL_TYPE_PYTHON_COMPILED");
    CHECK_TYPE("\3\xf3\r\n\0\0\0\0\0", "CL_TYPE_PYTHON_COMPILED");
    CHECK_TYPE("%PDF-1.4\n", "CL_TYPE_PDF");
    CHECK_TYPE("junk before %PDF-1.4\n", "CL_TYPE_PDF");
    CHECK_TYPE("\x1a\x2f-lh5-\0\0\0\0", "CL_TYPE_LHA_LZH");
    CHECK_TYPE("", "CL_TYPE_TEXT_ASCII");
}

static void text(void)
{
    CHECK_TYPE("plain words\n", "CL_TYPE_TEXT_ASCII");
    CHECK_TYPE("caf\xe9 latin\n", "CL_TYPE_TEXT_ASCII");
    CHECK_TYPE("a\0b\0c\0\1\0",
               "CL_TYPE_TEXT_UTF16BE"); /* read as big endian: no byte is odd */
    CHECK_TYPE("\xff\xfe"
               "h\0i\0\n\0",
               "CL_TYPE_TEXT_UTF16LE");
    CHECK_TYPE("\0\1\2\3\0\1\2\3", "CL_TYPE_BINARY_DATA");
    CHECK_TYPE("<!DOCTYPE html><html>", "CL_TYPE_HTML");
    CHECK_TYPE("words <a class=x href=y>", "CL_TYPE_HTML");
    CHECK_TYPE("words <IMGX", "CL_TYPE_HTML");
    CHECK_TYPE("words <Html x>", "CL_TYPE_TEXT_ASCII");
    CHECK_TYPE("\xff\xfe<\0h\0t\0m\0l\0>\0", "CL_TYPE_HTML_UTF16");
    CHECK_TYPE("\xfe\xff\0<\0h\0t\0m\0l\0>", "CL_TYPE_HTML");
    CHECK_TYPE("x\nfrom: me\nmime-version: 1\n", "CL_TYPE_MAIL");
    CHECK_TYPE("x\nMIME-Version: 1\nContent-Type: a/b\n", "CL_TYPE_MHTML");
    CHECK_TYPE("From: me\n<html>", "CL_TYPE_MAIL");
}

static void tar(void)
{
    uint8_t header[512] = "name";
    unsigned sum = 8 * ' ' + 'n' + 'a' + 'm' + 'e';
    for (int i = 6; i >= 0; i--, sum >>= 3)
        header[148 + i] = (uint8_t)('0' + (sum & 7));
    check_type((bytes){header, sizeof header}, "CL_TYPE_OLD_TAR");
    header[149] ^= 1;
    check_type((bytes){header, sizeof header}, "CL_TYPE_BINARY_DATA");
    memcpy(header + 257, "ustar", 5);
    check_type((bytes){header, sizeof header}, "CL_TYPE_POSIX_TAR");
}

/* Member headers as they stand in a document; nothing is packed. */
static size_t add_member(uint8_t *to, const char *name)
{
    memcpy(to, "PK\3\4", 4);
    memcpy(to + 30, name, strlen(name));
    return 30 + strlen(name) + 40;
}

static void office(void)
{
    uint8_t zip[600] = {0};
    size_t at = add_member(zip, "[Content_Types].xml");
    at += add_member(zip + at, "_rels/.rels");
    check_type((bytes){zip, sizeof zip}, "CL_TYPE_ZIP");
    size_t third = at;
    at += add_member(zip + at, "word/document.xml");
    check_type((bytes){zip, sizeof zip}, "CL_TYPE_OOXML_WORD");
    at = third + add_member(zip + third, "else/document.xml");
    memcpy(zip + at, "PK\1\2", 4);
    zip[at + 28] = 3;
    memcpy(zip + at + 46, "xl/", 3);
    memcpy(zip + at + 49, "PK\5\6", 4);
    zip[at + 49 + 16] = (uint8_t)at;
    zip[at + 49 + 17] = (uint8_t)(at >> 8);
    check_type((bytes){zip, sizeof zip}, "CL_TYPE_OOXML_XL");
}

static void whole(void)
{
    static uint8_t text[4096];
    memset(text, 'x', sizeof text);
    memcpy(text + 3000, "<script>", 8);
    bytes data = {text, sizeof text};
    CHECK_INT(filetype_of(data), FILETYPE_TEXT_ASCII);
    CHECK_INT(filetype_read(data, FILETYPE_TEXT_ASCII), FILETYPE_HTML);
    CHECK_INT(filetype_read(data, FILETYPE_TEXT_UTF16BE), FILETYPE_TEXT_UTF16BE);
    CHECK_INT(filetype_read(data, FILETYPE_GZ), FILETYPE_GZ);
    static uint8_t image[36864];
    memcpy(image + 32768, "\1CD001", 6);
    memcpy(image + 34816,
           "\xff"
           "CD001",
           6);
    data = (bytes){image, sizeof image};
    CHECK_INT(filetype_of(data), FILETYPE_BINARY_DATA);
    CHECK_INT(filetype_read(data, FILETYPE_BINARY_DATA), FILETYPE_ISO9660);
}

static void targets(void)
{
    CHECK_INT(filetype_target(FILETYPE_MSEXE), TARGET_PE);
    CHECK_INT(filetype_target(FILETYPE_JPEG), TARGET_GRAPHICS);
    CHECK_INT(filetype_target(FILETYPE_BINARY_DATA), TARGET_OTHER);
    CHECK_INT(filetype_target(FILETYPE_ZIP), TARGET_ANY);
    CHECK_INT(filetype_target(FILETYPE_TEXT_ASCII), TARGET_ANY);
}

int main(void)
{
    names();
    magic();
    text();
    tar();
    office();
    whole();
    targets();
    return tap_done();
}

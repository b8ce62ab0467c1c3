/* Fixed bytes at fixed places, most at the start. The values are those of the type table that
 * ClamAV 1.4 carries (docs.clamav.net, "File Type Magic"), for its functionality level 215.
 * There a later row goes before an earlier one; here rows stand under their first byte, the one
 * that decides first. Three rows ask for other places: `rank` says how many of these a row at
 * the start goes before. */
#include "filetype/magic.h"

#include <string.h>

struct magic {
    const char *bytes;
    uint8_t length, rank;
    uint8_t type;
};

#define MAGIC(text, rank, type)                                                                \
    {                                                                                          \
        (text), sizeof(text) - 1, (rank), (type)                                               \
    }

static const struct magic
    at_zero[] = {MAGIC("\0\0\1\xba", 1, FILETYPE_BINARY_DATA),
                 MAGIC("\0\0\1\xb3", 1, FILETYPE_BINARY_DATA),
                 MAGIC("\0\0\0\x0cjP  \r\n\x87\n", 1, FILETYPE_GRAPHICS)},
    at_two[] = {MAGIC("\x02\x09\x99\0", 3, FILETYPE_PYTHON_COMPILED)},
    at_three[] = {MAGIC("\x03\x09\x99\0", 3, FILETYPE_PYTHON_COMPILED)},
    at_1f[] = {MAGIC("\x1f\x8b", 0, FILETYPE_GZ)},
    at_hash[] = {MAGIC("#@~^", 0, FILETYPE_SCRENC)},
    at_percent[] = {MAGIC("%!PS-Adobe-", 3, FILETYPE_PS), MAGIC("%PDF-", 1, FILETYPE_PDF)},
    at_bracket[] = {MAGIC("(This file must be converted with BinHex 4.0)", 0, FILETYPE_BINHEX)},
    at_dot[] = {MAGIC(".RMF", 0, FILETYPE_IGNORED)},
    at_0[] = {MAGIC("070707", 1, FILETYPE_CPIO_ODC), MAGIC("070702", 1, FILETYPE_CPIO_CRC),
              MAGIC("070701", 1, FILETYPE_CPIO_NEWC)},
    at_7[] = {MAGIC("7\x7f\6\x83\0-\xe2\x18", 1, FILETYPE_IGNORED),
              MAGIC("7\x7f\6\x82\0-\xe2\x18", 1, FILETYPE_IGNORED),
              MAGIC("7z\xbc\xaf\x27\x1c", 1, FILETYPE_SEVENZ)},
    at_greater[] = {MAGIC(">From ", 0, FILETYPE_MAIL)},
    at_A[] = {MAGIC("ALZ\1", 3, FILETYPE_ALZ)},
    at_B[] = {MAGIC("BZh", 0, FILETYPE_BZ), MAGIC("BM", 0, FILETYPE_GRAPHICS)},
    at_C[] = {MAGIC("CWS", 3, FILETYPE_SWF)},
    at_D[] = {MAGIC("Delivery-date: ", 0, FILETYPE_MAIL),
              MAGIC("Delivered-To: ", 0, FILETYPE_MAIL), MAGIC("Date: ", 0, FILETYPE_MAIL)},
    at_E[] = {MAGIC("EGGA", 3, FILETYPE_EGG), MAGIC("Envelope-to: ", 0, FILETYPE_MAIL)},
    at_F[] = {MAGIC("FWS", 1, FILETYPE_SWF), MAGIC("From: ", 0, FILETYPE_MAIL),
              MAGIC("From ", 0, FILETYPE_MAIL), MAGIC("For: ", 0, FILETYPE_MAIL)},
    at_G[] = {MAGIC("GIF", 3, FILETYPE_GIF)},
    at_H[] = {MAGIC("HWP Document File V3.00 \x1a\1\2\3\4\5", 3, FILETYPE_HWP3),
              MAGIC("Hi. This is the qmail-send", 0, FILETYPE_MAIL)},
    at_I[] = {MAGIC("II*\0", 3, FILETYPE_TIFF), MAGIC("ITSF", 0, FILETYPE_MSCHM),
              MAGIC("ID3", 0, FILETYPE_IGNORED)},
    at_L[] = {MAGIC("L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0F", 3, FILETYPE_LNK)},
    at_M[] = {MAGIC("MM", 3, FILETYPE_TIFF), MAGIC("MSCF\0\0\0\0", 1, FILETYPE_MSCAB),
              MAGIC("Message-Id: ", 0, FILETYPE_MAIL), MAGIC("Message-ID: ", 0, FILETYPE_MAIL),
              MAGIC("MZ", 0, FILETYPE_MSEXE)},
    at_O[] = {MAGIC("OggS", 0, FILETYPE_IGNORED)},
    at_P[] = {MAGIC("PK00PK\3\4", 0, FILETYPE_ZIP), MAGIC("PK\3\4", 0, FILETYPE_ZIP)},
    at_R[] = {MAGIC("Received-SPF: ", 1, FILETYPE_MAIL),
              MAGIC("Return-path: ", 0, FILETYPE_MAIL),
              MAGIC("Return-Path: ", 0, FILETYPE_MAIL),
              MAGIC("Received: ", 0, FILETYPE_MAIL),
              MAGIC("Rar!", 0, FILETYPE_RAR),
              MAGIC("RIFX", 0, FILETYPE_RIFF),
              MAGIC("RIFF", 0, FILETYPE_RIFF)},
    at_S[] = {MAGIC("SQLite format 3\0", 1, FILETYPE_IGNORED),
              MAGIC("SYMC\1\0", 1, FILETYPE_IGNORED),
              MAGIC("SIP-HIT (SIP/H", 0, FILETYPE_IGNORED),
              MAGIC("Subject: ", 0, FILETYPE_MAIL), MAGIC("SZDD", 0, FILETYPE_MSSZDD)},
    at_T[] = {MAGIC("To: ", 0, FILETYPE_MAIL)},
    at_X[] = {MAGIC("X-UIDL: ", 0, FILETYPE_MAIL),
              MAGIC("X-Symantec-", 0, FILETYPE_MAIL),
              MAGIC("X-Sieve: ", 0, FILETYPE_MAIL),
              MAGIC("X-Real-To: ", 0, FILETYPE_MAIL),
              MAGIC("X-Original-To: ", 0, FILETYPE_MAIL),
              MAGIC("X-Envelope-From: ", 0, FILETYPE_MAIL),
              MAGIC("X-EVS", 0, FILETYPE_MAIL),
              MAGIC("X-Apparently-To: ", 0, FILETYPE_MAIL)},
    at_Z[] = {MAGIC("ZWS", 3, FILETYPE_SWF)},
    at_square[] = {MAGIC("[aliases]", 1, FILETYPE_POSIX_TAR)}, /* meant for a known attack */
    at_60[] = {MAGIC("`\xea", 0, FILETYPE_ARJ)},
    at_b[] = {MAGIC("begin ", 0, FILETYPE_UUENCODED)},
    at_q[] = {MAGIC("q\xc7", 1, FILETYPE_CPIO_OLD)},
    at_v[] = {MAGIC("v:\r\nReceived: ", 0, FILETYPE_MAIL),
              MAGIC("v:\nReceived: ", 0, FILETYPE_MAIL)},
    at_x[] = {MAGIC("xar!", 1, FILETYPE_XAR), MAGIC("x\x9f>\"", 0, FILETYPE_TNEF)},
    at_curly[] = {MAGIC("{\n  \"Magic\":\"CLAMJSONv0\"", 3, FILETYPE_INTERNAL),
                  MAGIC("{\\rt", 3, FILETYPE_RTF)},
    at_7f[] = {MAGIC("\x7f"
                     "ELF",
                     0, FILETYPE_ELF)},
    at_89[] = {MAGIC("\x89PNG", 3, FILETYPE_PNG)},
    at_b6[] = {MAGIC("\xb6\xb9\xac\xae\xfe\xff\xff\xff", 0, FILETYPE_CRYPTFF)},
    at_c7[] = {MAGIC("\xc7q", 1, FILETYPE_CPIO_OLD)},
    at_ce[] = {MAGIC("\xce\xfa\xed\xfe", 1, FILETYPE_MACHO)},
    at_cf[] = {MAGIC("\xcf\xfa\xed\xfe", 1, FILETYPE_MACHO)},
    at_d0[] = {MAGIC("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, FILETYPE_MSOLE2)},
    at_d9[] = {MAGIC("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 1, FILETYPE_IGNORED)},
    at_e4[] = {MAGIC("\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", 3,
                     FILETYPE_ONENOTE)},
    at_fd[] = {MAGIC("\xfd"
                     "7zXZ\0",
                     1, FILETYPE_XZ)},
    at_fe[] = {MAGIC("\xfe\xed\xfa\xcf", 1, FILETYPE_MACHO),
               MAGIC("\xfe\xed\xfa\xce", 1, FILETYPE_MACHO)},
    at_ff[] = {MAGIC("\xff\xd8\xff", 3, FILETYPE_JPEG),
               MAGIC("\xff\xfb\x90", 0, FILETYPE_IGNORED)};

#define ROWS(list)                                                                             \
    {                                                                                          \
        (list), COUNT(list)                                                                    \
    }

static const struct {
    const struct magic *rows;
    size_t count;
} by_first[256] = {
    [0] = ROWS(at_zero),      [2] = ROWS(at_two),       [3] = ROWS(at_three),
    [0x1f] = ROWS(at_1f),     ['#'] = ROWS(at_hash),    ['%'] = ROWS(at_percent),
    ['('] = ROWS(at_bracket), ['.'] = ROWS(at_dot),     ['0'] = ROWS(at_0),
    ['7'] = ROWS(at_7),       ['>'] = ROWS(at_greater), ['A'] = ROWS(at_A),
    ['B'] = ROWS(at_B),       ['C'] = ROWS(at_C),       ['D'] = ROWS(at_D),
    ['E'] = ROWS(at_E),       ['F'] = ROWS(at_F),       ['G'] = ROWS(at_G),
    ['H'] = ROWS(at_H),       ['I'] = ROWS(at_I),       ['L'] = ROWS(at_L),
    ['M'] = ROWS(at_M),       ['O'] = ROWS(at_O),       ['P'] = ROWS(at_P),
    ['R'] = ROWS(at_R),       ['S'] = ROWS(at_S),       ['T'] = ROWS(at_T),
    ['X'] = ROWS(at_X),       ['Z'] = ROWS(at_Z),       ['['] = ROWS(at_square),
    ['`'] = ROWS(at_60),      ['b'] = ROWS(at_b),       ['q'] = ROWS(at_q),
    ['v'] = ROWS(at_v),       ['x'] = ROWS(at_x),       ['{'] = ROWS(at_curly),
    [0x7f] = ROWS(at_7f),     [0x89] = ROWS(at_89),     [0xb6] = ROWS(at_b6),
    [0xc7] = ROWS(at_c7),     [0xce] = ROWS(at_ce),     [0xcf] = ROWS(at_cf),
    [0xd0] = ROWS(at_d0),     [0xd9] = ROWS(at_d9),     [0xe4] = ROWS(at_e4),
    [0xfd] = ROWS(at_fd),     [0xfe] = ROWS(at_fe),     [0xff] = ROWS(at_ff),
};

/* Compiled Python: the first two bytes of its magic number, before "\r\n"; ascending. Those
 * that end in 0x0d besides are told by any first byte (marks.c). */
static const uint16_t python[] = {
    0x0100, 0x0150, 0x0bb8, 0x0bc2, 0x0bcc, 0x0bd6, 0x0be0, 0x0bea, 0x0bf4, 0x0bf5,
    0x0bff, 0x0c09, 0x0c13, 0x0c1d, 0x0c1f, 0x0c27, 0x0c3b, 0x0c45, 0x0c4f, 0x0c58,
    0x0c62, 0x0c6c, 0x0c76, 0x0c80, 0x0c8a, 0x0c94, 0x0c9e, 0x0cb2, 0x0cbc, 0x0cc6,
    0x0cd0, 0x0cda, 0x0ce4, 0x0cee, 0x0cf8, 0x0d02, 0x0d0c, 0x0d16, 0x0d17, 0x0d20,
    0x0d21, 0x0d2a, 0x0d2b, 0x0d2c, 0x0d2d, 0x0d2f, 0x0d30, 0x0d31, 0x0d32, 0x0d33,
    0x0d3e, 0x0d3f, 0x0df0, 0x1704, 0x2e89, 0x4e99, 0xc4fc, 0xc4fd, 0xc687, 0xc688,
    0xeb2a, 0xeb2b, 0xed2d, 0xed2e, 0xf23b, 0xf23c, 0xf245, 0xf259, 0xf263, 0xf26d,
    0xf26e, 0xf277, 0xf281, 0xf28b, 0xf28c, 0xf295, 0xf29f, 0xf2a9, 0xf2b3, 0xf2b4,
    0xf2c7, 0xf2d1, 0xf2d2, 0xf2db, 0xf2e5, 0xf2ef, 0xf2f9, 0xf303, 0xf304, 0xf30a};

static bool is_python(bytes data)
{
    if (data.len < 4 || data.at[2] != '\r' || data.at[3] != '\n')
        return false;
    uint16_t number = load_le16(data.at);
    for (size_t i = 0; i < COUNT(python) && python[i] <= number; i++)
        if (python[i] == number)
            return true;
    return false;
}

/* The three rows that look elsewhere, the last first. */
static const struct {
    const char *bytes;
    uint16_t at;
    uint8_t length, type;
} elsewhere[] = {
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 4, 8, FILETYPE_HWPOLE2},
    {"EFI PART", 512, 8, FILETYPE_GPT},
    {"ustar", 257, 5, FILETYPE_POSIX_TAR},
};

enum filetype magic_of(bytes data)
{
    size_t rank = 0;
    enum filetype type = FILETYPE_ANY;
    if (!data.len)
        return type;
    const struct magic *rows = by_first[data.at[0]].rows;
    for (size_t i = 0; i < by_first[data.at[0]].count && type == FILETYPE_ANY; i++)
        if (rows[i].length <= data.len && memcmp(data.at, rows[i].bytes, rows[i].length) == 0) {
            type = rows[i].type;
            rank = rows[i].rank;
        }
    if (type == FILETYPE_ANY && is_python(data)) {
        type = FILETYPE_PYTHON_COMPILED;
        rank = COUNT(elsewhere);
    }
    for (size_t i = 0; i + rank < COUNT(elsewhere); i++)
        if (bytes_has(data, elsewhere[i].at, elsewhere[i].length) &&
            memcmp(data.at + elsewhere[i].at, elsewhere[i].bytes, elsewhere[i].length) == 0)
            return elsewhere[i].type;
    return type;
}

#include "rescue/known.h"

#include <string.h>

/* Bytes at a fixed place: 8 bits for each that is given. */
struct mark {
    const char *text;
    const char *any; /* an 'x' where any byte will do; NULL: nowhere */
    uint8_t len, at;
};

#define MARK(text, any)                                                                        \
    {                                                                                          \
        text, any, sizeof text - 1, 0                                                          \
    }
#define MARK_AT(at, text, any)                                                                 \
    {                                                                                          \
        text, any, sizeof text - 1, at                                                         \
    }

static const struct mark marks[] = {
    MARK("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", NULL),
    MARK("\xff\xd8\xff\xe0\0\x10JFIF\0", NULL),
    MARK("\xff\xd8\xff\xe1..Exif\0\0", "    xx      "),
    MARK("\xff\xd8\xff\xe1..http://ns.adobe.com/xap/", "    xx                        "),
    MARK("\xff\xd8\xff\xdb\0\x43\0", NULL),
    MARK("\xff\xd8\xff\xee\0\x0e"
         "Adobe",
         NULL),
    MARK("\xff\xd8\xff\xed..Photoshop 3.0", "    xx             "),
    MARK("GIF87a", NULL),
    MARK("GIF89a", NULL),
    MARK("II*\0\x08\0\0\0", NULL),
    MARK("MM\0*\0\0\0\x08", NULL),
    MARK("8BPS\0\1\0\0\0\0\0\0", NULL),
    MARK("%PDF-1.", NULL),
    MARK("%PDF-2.", NULL),
    MARK("%!PS-Adobe-", NULL),
    MARK("{\\rtf1", NULL),
    MARK("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0\0\0\0\0", NULL),
    MARK("7z\xbc\xaf\x27\x1c\0", NULL),
    MARK("Rar!\x1a\7\0", NULL),
    MARK("Rar!\x1a\7\1\0", NULL),
    MARK("\xfd"
         "7zXZ\0\0",
         NULL),
    MARK("BZh.1AY&SY", "   x      "),
    MARK("MSCF\0\0\0\0", NULL),
    MARK("SQLite format 3\0", NULL),
    MARK("\0\1\0\0Standard Jet DB\0", NULL),
    MARK("\0\1\0\0Standard ACE DB\0", NULL),
    MARK("!BDN....SM", "    xxxx  "),
    MARK("\x7f"
         "ELF\1\1\1.\0\0\0\0\0\0\0",
         "       x       "),
    MARK("\x7f"
         "ELF\2\1\1.\0\0\0\0\0\0\0",
         "       x       "),
    MARK("MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff", NULL),
    MARK("L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0", NULL),
    MARK("regf", NULL),
    MARK("ID3\3\0", NULL),
    MARK("ID3\4\0", NULL),
    MARK("fLaC\0\0\0\x22", NULL),
    MARK("OggS\0\2\0\0\0\0\0\0\0\0", NULL),
    MARK("\x1a\x45\xdf\xa3", NULL),
    MARK("\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", NULL),
    MARK("FLV\1", NULL),
    MARK("KDMV\1\0\0\0", NULL),
    MARK("vhdxfile", NULL),
    MARK("conectix", NULL),
    MARK("QFI\xfb\0\0\0\2", NULL),
    MARK("QFI\xfb\0\0\0\3", NULL),
    MARK("AC10", NULL),
    MARK("wOFF", NULL),
    MARK("\xef\xbb\xbf", NULL),
    MARK_AT(4, "ftypisom", NULL),
    MARK_AT(4, "ftypmp4", NULL),
    MARK_AT(4, "ftypM4", NULL),
    MARK_AT(4, "ftypqt  ", NULL),
    MARK_AT(4, "ftypheic", NULL),
    MARK_AT(4, "ftyp3g", NULL),
    MARK_AT(4, "ftypavc1", NULL),
    MARK_AT(8, "WAVEfmt ", NULL),
    MARK_AT(8, "AVI LIST", NULL),
    MARK_AT(8, "WEBPVP8", NULL),
    MARK_AT(24, "matroska", NULL),
    MARK_AT(24, "webm", NULL),
};

/* log2 of the number of things that are looked for: chance has as many tries. */
enum { TRIES = 6 };

static bool printable(uint8_t c)
{
    return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
}

static unsigned mark_bits(const struct mark *mark, bytes head)
{
    if (!bytes_has(head, mark->at, mark->len))
        return 0;
    unsigned bits = 0;
    for (size_t i = 0; i < mark->len; i++) {
        if (mark->any && mark->any[i] == 'x')
            continue;
        if (head.at[mark->at + i] != (uint8_t)mark->text[i])
            return 0;
        bits += 8;
    }
    return bits;
}

/* How many bytes from the start on are text, and how many characters those are. A character of
 * UTF-8 that the head cuts counts as whole. */
static size_t text_run(bytes head, size_t *characters)
{
    size_t i = 0;
    for (*characters = 0; i < head.len; ++*characters) {
        uint8_t c = head.at[i];
        size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : (c & 0xf0) == 0xe0 ? 2 : 9;
        if (more == 0 ? !printable(c) : more == 9)
            return i;
        for (size_t k = 1; k <= more && i + k < head.len; k++)
            if ((head.at[i + k] & 0xc0) != 0x80)
                return i;
        i += 1 + more;
    }
    return head.len;
}

/* Local file header, APPNOTE 4.3.7: signature, version, flags, method, ..., name's length. */
static unsigned zip_bits(bytes head)
{
    if (head.len < 30 || load_le32(head.at) != 0x04034b50)
        return 0;
    unsigned version = load_le16(head.at + 4), flags = load_le16(head.at + 6);
    unsigned method = load_le16(head.at + 8), name = load_le16(head.at + 26);
    unsigned extra = load_le16(head.at + 28);
    if ((version & 0xff) > 63 || version >> 8 > 20 || flags & 0xf7f0 || name == 0 ||
        name > 255 || extra > 1024 || (method > 20 && method < 93) || method > 99)
        return 0;
    /* 1 of 256 x 4 versions, 2^11 flags, 2^11 methods, 2^8 lengths, 2^6 extra lengths. */
    unsigned bits = 32 + 6 + 11 + 11 + 8 + 6;
    size_t characters;
    bytes shown = bytes_slice(head, 30, name);
    if (text_run(shown, &characters) < shown.len)
        return 0;
    return bits + (unsigned)(characters * 136 / 100);
}

/* Sizes that are written at a file's start and are right. */
static unsigned size_bits(bytes head, uint64_t size)
{
    if (head.len < 16 || size == UINT64_MAX)
        return 0;
    uint32_t says = load_le32(head.at + 4);
    if (!memcmp(head.at, "RIFF", 4) && (uint64_t)says + 8 <= size && (uint64_t)says + 16 > size)
        return 60;
    if (!memcmp(head.at, "BM", 2) && load_le32(head.at + 2) == size &&
        load_le32(head.at + 6) == 0)
        return 80;
    /* The first box of MP4 and its kin is small. */
    if (!memcmp(head.at + 4, "ftyp", 4) && load_be32(head.at) <= 0x100)
        return 56;
    return 0;
}

/* RFC 1952: signature, method, few flags, one of three speeds, system. */
static unsigned gzip_bits(bytes head)
{
    if (head.len < 16 || memcmp(head.at, "\x1f\x8b\x08", 3) != 0 || head.at[3] & 0xe0 ||
        (head.at[8] != 0 && head.at[8] != 2 && head.at[8] != 4) ||
        (head.at[9] > 13 && head.at[9] != 255))
        return 0;
    unsigned bits = 24 + 3 + 6 + 4;
    if (head.at[3] & 8)
        for (size_t i = 10; i < head.len && i < 40 && head.at[i]; i++) {
            if (head.at[i] < 0x20)
                return 0;
            bits += i % 5 == 0;
        }
    return bits;
}

/* 100 of 256 values are text: 1.36 bits a byte, no more for a longer character. */
static unsigned text_bits(bytes head, uint64_t size)
{
    size_t characters;
    if ((head.len < 64 && head.len != size) || text_run(head, &characters) < head.len)
        return 0;
    return (unsigned)(characters * 136 / 100);
}

/* UTF-16 with its mark, of western text. */
static unsigned wide_bits(bytes head)
{
    if (head.len < 16 ||
        (memcmp(head.at, "\xff\xfe", 2) != 0 && memcmp(head.at, "\xfe\xff", 2) != 0))
        return 0;
    size_t low = head.at[0] == 0xff ? 0 : 1, zero = 0, n = head.len / 2 - 1;
    if (n > 512)
        n = 512;
    for (size_t i = 1; i <= n; i++)
        if (head.at[2 * i + 1 - low] == 0 && printable(head.at[2 * i + low]))
            zero++;
    return zero * 10 >= n * 9 ? (unsigned)(16 + zero * 6) : 0;
}

static unsigned run_bits(bytes part)
{
    size_t characters;
    text_run(part, &characters);
    return (unsigned)(characters * 136 / 100);
}

unsigned known_bits(bytes head, uint64_t size)
{
    unsigned best = 0;
    head = bytes_slice(head, 0, KNOWN_HEAD);
    for (size_t i = 0; i < COUNT(marks); i++) {
        unsigned bits = mark_bits(&marks[i], head);
        /* Text goes on as text: PDF's first lines and RTF. */
        if (bits && printable((uint8_t)marks[i].text[marks[i].len - 1]) && !marks[i].at)
            bits += run_bits(bytes_slice(head, marks[i].len, 32));
        if (bits > best)
            best = bits;
    }
    unsigned others[] = {zip_bits(head), size_bits(head, size), gzip_bits(head),
                         text_bits(head, size), wide_bits(head)};
    for (size_t i = 0; i < COUNT(others); i++)
        if (others[i] > best)
            best = others[i];
    return best > TRIES ? best - TRIES : 0;
}

bool known_noise(bytes part)
{
    if (part.len < 512)
        return false;
    uint32_t count[256] = {0};
    for (size_t i = 0; i < part.len; i++)
        count[part.at[i]]++;
    /* Sum of (count - n/256)^2 / (n/256); 255 degrees of freedom: mean 255, deviation 22.6. */
    uint64_t squares = 0;
    for (size_t i = 0; i < 256; i++)
        squares += (uint64_t)count[i] * count[i];
    double chi = (double)squares * 256 / (double)part.len - (double)part.len;
    return chi < 375;
}

/* Starts of kinds that known_bits finds by more than fixed bytes. */
static const char *const starts[] = {"PK\3\4",   "RIFF",     "BM",
                                     "\x1f\x8b", "\xff\xfe", "\xfe\xff"};

void known_quick_make(struct known_quick *ret)
{
    memset(ret, 0, sizeof *ret);
    for (unsigned i = 0; i < sizeof ret->pair; i++) {
        uint8_t low = (uint8_t)i, high = (uint8_t)(i >> 8);
        if ((printable(low) && (printable(high) || high >= 0xc2)) || low >= 0xc2)
            ret->pair[i] |= KNOWN_TEXT;
    }
    for (size_t i = 0; i < COUNT(marks); i++)
        if (!marks[i].at)
            ret->pair[load_le16((const uint8_t *)marks[i].text)] |= KNOWN_MARK;
    for (size_t i = 0; i < COUNT(starts); i++)
        ret->pair[load_le16((const uint8_t *)starts[i])] |= KNOWN_MARK;
}

/* One of the marks fits as far as 8 bytes go. */
bool known_quick_mark(uint32_t first, uint32_t second)
{
    uint8_t head[8];
    memcpy(head, &first, 4);
    memcpy(head + 4, &second, 4);
    for (size_t i = 0; i < COUNT(starts); i++)
        if (!memcmp(head, starts[i], strlen(starts[i])))
            return true;
    for (size_t i = 0; i < COUNT(marks); i++) {
        const struct mark *mark = &marks[i];
        size_t n = 0, len = mark->len < sizeof head ? mark->len : sizeof head;
        if (mark->at)
            continue;
        while (n < len &&
               ((mark->any && mark->any[n] == 'x') || head[n] == (uint8_t)mark->text[n]))
            n++;
        if (n == len)
            return true;
    }
    return false;
}

bool known_quick_text(uint32_t first, uint32_t second)
{
    uint8_t head[8];
    size_t characters;
    memcpy(head, &first, 4);
    memcpy(head + 4, &second, 4);
    return text_run((bytes){head, sizeof head}, &characters) == sizeof head;
}

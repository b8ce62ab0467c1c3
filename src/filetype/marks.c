/* Marks within data, as ClamAV's type table has them ("File Type Magic", rows of type 1): some
 * of two parts, the second within so many bytes after the first. Each that is found may change
 * the type: by the rank of types, or in any case from FILETYPE_SFX on and for programs; so the
 * order in which they are found counts.
 *
 * In the texts below `~` stands before a letter of either case, `^` for any byte. */
#include "filetype/marks.h"

#include <string.h>

/* Marks of two parts: where the second may begin after the end of the first. */
enum pair {
    NO_PAIR,
    PAIR_LINK,
    PAIR_LINK_SMALL,
    PAIR_PE,
    PAIR_SHIELD,
    PAIR_ISO,
    PAIR_FROM_VERSION,
    PAIR_FROM_TYPE,
    PAIR_VERSION_TYPE,
    PAIR_ID_TYPE,
    PAIR_RECEIVED_TYPE,
    PAIR_DELIVERED,
    PAIR_XML,
    PAIR_HWP,
    PAIR_MHTML_START,
    PAIR_MHTML,
    PAIRS,
};

static const struct {
    uint32_t min, max;
} gaps[PAIRS] = {
    [PAIR_LINK] = {0, UINT32_MAX}, [PAIR_LINK_SMALL] = {0, UINT32_MAX},
    [PAIR_PE] = {60, 300},         [PAIR_SHIELD] = {292, 292},
    [PAIR_ISO] = {2043, 2443},     [PAIR_FROM_VERSION] = {0, 1024},
    [PAIR_FROM_TYPE] = {0, 2048},  [PAIR_VERSION_TYPE] = {0, 2048},
    [PAIR_ID_TYPE] = {0, 1024},    [PAIR_RECEIVED_TYPE] = {0, 2048},
    [PAIR_DELIVERED] = {0, 256},   [PAIR_XML] = {0, 1024},
    [PAIR_HWP] = {0, UINT32_MAX},  [PAIR_MHTML_START] = {0, 1024},
    [PAIR_MHTML] = {0, 1024},
};

struct mark {
    const char *text;
    uint8_t length;
    uint8_t type; /* FILETYPE_ANY: the first of a pair */
    uint8_t pair;
    uint32_t at_min, at_max; /* where it may stand; both 0: at the start alone */
};

#define ANYWHERE 0, UINT32_MAX
#define TEXT(t)  (t), sizeof(t) - 1
/* A mark by itself, the first of a pair and the second of it. */
#define MARK(t, type, ...)                                                                     \
    {                                                                                          \
        TEXT(t), FILETYPE_##type, NO_PAIR, __VA_ARGS__                                         \
    }
#define FIRST(t, pair, ...)                                                                    \
    {                                                                                          \
        TEXT(t), FILETYPE_ANY, PAIR_##pair, __VA_ARGS__                                        \
    }
#define THEN(t, pair, type)                                                                    \
    {                                                                                          \
        TEXT(t), FILETYPE_##type, PAIR_##pair, ANYWHERE                                        \
    }

#define TAG(t)       MARK(t, HTML, ANYWHERE)
#define CONTENT_TYPE "\n~Content-~Type: "

static const struct mark
    at_zero[] = {MARK("\0BEA01", UDF, 0, 32768)},
    at_one[] = {FIRST("\1CD001", ISO, ANYWHERE)},
    at_six[] = {THEN("\6\0\0\0\0\0\0\0^^^^^^^^\0\0\0\0\1", SHIELD, ISHIELD_MSI)},
    at_line[] = {FIRST("\n~From: ", FROM_VERSION, 0, 1024),
                 THEN("\n~M~I~M~E-~Version: ", FROM_VERSION, MAIL),
                 FIRST("\n~From: ", FROM_TYPE, 0, 1024),
                 THEN(CONTENT_TYPE, FROM_TYPE, MAIL),
                 FIRST("\n~M~I~M~E-~Version: ", VERSION_TYPE, 0, 1024),
                 THEN(CONTENT_TYPE, VERSION_TYPE, MAIL),
                 FIRST("\n~Message-~Id: ", ID_TYPE, 0, 1024),
                 THEN(CONTENT_TYPE, ID_TYPE, MAIL),
                 FIRST("\n~Received: ", RECEIVED_TYPE, 0, 2048),
                 THEN(CONTENT_TYPE, RECEIVED_TYPE, MAIL),
                 THEN(CONTENT_TYPE, MHTML_START, MHTML),
                 FIRST("\n~M~I~M~E-~Version: ", MHTML, ANYWHERE),
                 THEN(CONTENT_TYPE, MHTML, MHTML)},
    at_percent[] = {MARK("%PDF-^.", PDF, ANYWHERE), MARK("%pdf-^.", PDF, ANYWHERE)},
    at_minus[] = {MARK("-lh0-", LHA_LZH, 2, 2), MARK("-lh1-", LHA_LZH, 2, 2),
                  MARK("-lh2-", LHA_LZH, 2, 2), MARK("-lh3-", LHA_LZH, 2, 2),
                  MARK("-lh4-", LHA_LZH, 2, 2), MARK("-lh5-", LHA_LZH, 2, 2),
                  MARK("-lh6-", LHA_LZH, 2, 2), MARK("-lh7-", LHA_LZH, 2, 2),
                  MARK("-lhd-", LHA_LZH, 2, 2), MARK("-lhx-", LHA_LZH, 2, 2),
                  MARK("-lzs-", LHA_LZH, 2, 2), MARK("-lz4-", LHA_LZH, 2, 2),
                  MARK("-lz5-", LHA_LZH, 2, 2), MARK("-pm0-", LHA_LZH, 2, 2)},
    at_slash[] = {MARK("/RGB\nID\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                       "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                       IGNORED, 0, 128)},
    at_7[] = {MARK("7z\xbc\xaf\x27\x1c", SEVENZSFX, ANYWHERE)},
    at_less[] = {TAG("<HEAD>"),
                 TAG("<HTML>"),
                 TAG("<Head>"),
                 TAG("<Html>"),
                 TAG("<head>"),
                 TAG("<html>"),
                 TAG("<IFRAME"),
                 TAG("<iframe"),
                 TAG("<IMG"),
                 TAG("<Img"),
                 TAG("<img"),
                 TAG("<OBJECT"),
                 TAG("<Object"),
                 TAG("<object"),
                 TAG("<SCRIPT"),
                 TAG("<Script"),
                 TAG("<script"),
                 TAG("<TABLE"),
                 TAG("<table"),
                 FIRST("<A ", LINK, ANYWHERE),
                 FIRST("<a ", LINK_SMALL, ANYWHERE),
                 MARK("<% LANGUAGE =", HTML, 0, 0),
                 MARK("<xdp:xdp", XDP, ANYWHERE),
                 FIRST("<?xml version=\"1.0\"", XML, 0, 0),
                 THEN("<Workbook", XML, XML_XL),
                 THEN("<wordDocument", XML, XML_WORD),
                 THEN("<^^:Workbook", XML, XML_XL),
                 THEN("<^^:wordDocument", XML, XML_WORD),
                 THEN("<HWPML", HWP, XML_HWP)},
    at_C[] = {THEN("CD001", ISO, ISO9660)},
    at_D[] = {FIRST("Delivered-To:", DELIVERED, 0, 1024)},
    at_H[] = {THEN("HrEF", LINK, HTML),       THEN("HREF", LINK, HTML),
              THEN("HRef", LINK, HTML),       THEN("Href", LINK, HTML),
              THEN("HrEF", LINK_SMALL, HTML), THEN("HREF", LINK_SMALL, HTML),
              THEN("HRef", LINK_SMALL, HTML), THEN("Href", LINK_SMALL, HTML)},
    at_h[] = {THEN("href", LINK, HTML),       THEN("hRef", LINK, HTML),
              THEN("hrEF", LINK, HTML),       THEN("hREF", LINK, HTML),
              THEN("href", LINK_SMALL, HTML), THEN("hRef", LINK_SMALL, HTML),
              THEN("hrEF", LINK_SMALL, HTML), THEN("hREF", LINK_SMALL, HTML)},
    at_I[] = {FIRST("InstallShield\0", SHIELD, ANYWHERE)},
    at_M[] = {FIRST("MZ", PE, ANYWHERE), MARK("MSCF\0\0\0\0", CABSFX, ANYWHERE),
              FIRST("~M~I~M~E-~Version: ", MHTML_START, 0, 0)},
    at_m[] = {FIRST("~M~I~M~E-~Version: ", MHTML_START, 0, 0)},
    at_P[] = {MARK("PK\3\4", ZIPSFX, ANYWHERE), THEN("PE\0\0", PE, MSEXE)},
    at_R[] = {MARK("Rar!\x1a\x07\0", RARSFX, ANYWHERE), THEN("Received:", DELIVERED, MAIL)},
    at_U[] = {MARK("U\xaa", MBR, 510, 510)},
    at_60[] = {MARK("`\xea^^^^^^^\0\2", ARJSFX, ANYWHERE),
               MARK("`\xea^^^^^^^\1\2", ARJSFX, ANYWHERE),
               MARK("`\xea^^^^^^^\2\2", ARJSFX, ANYWHERE)},
    at_p[] = {THEN("progid=\"Word.Document\"?>", XML, XML_WORD)},
    at_a3[] = {MARK("\xa3HK\xbe\x98lJ\xa9\x99LS\n\x86\xd6H}AU3!EA05", AUTOIT, ANYWHERE),
               MARK("\xa3HK\xbe\x98lJ\xa9\x99LS\n\x86\xd6H}AU3!EA06", AUTOIT, ANYWHERE)},
    at_ef[] = {MARK("\xef\xbe\xad\xdeNullsoftInst", NULSFT, ANYWHERE),
               FIRST("\xef\xbb\xbf<?xml version=\"1.0\"", HWP, 0, 0)},
    at_19[] = {MARK("\x19\x04\0\x10", SIS, 8, 12)};

#define ROWS(list)                                                                             \
    {                                                                                          \
        (list), COUNT(list)                                                                    \
    }

static const struct {
    const struct mark *rows;
    size_t count;
} by_first[256] = {
    [0] = ROWS(at_zero),    [1] = ROWS(at_one),     [6] = ROWS(at_six),
    ['\n'] = ROWS(at_line), [0x19] = ROWS(at_19),   ['%'] = ROWS(at_percent),
    ['-'] = ROWS(at_minus), ['/'] = ROWS(at_slash), ['7'] = ROWS(at_7),
    ['<'] = ROWS(at_less),  ['C'] = ROWS(at_C),     ['D'] = ROWS(at_D),
    ['H'] = ROWS(at_H),     ['I'] = ROWS(at_I),     ['M'] = ROWS(at_M),
    ['P'] = ROWS(at_P),     ['R'] = ROWS(at_R),     ['U'] = ROWS(at_U),
    ['`'] = ROWS(at_60),    ['h'] = ROWS(at_h),     ['m'] = ROWS(at_m),
    ['p'] = ROWS(at_p),     [0xa3] = ROWS(at_a3),   [0xef] = ROWS(at_ef),
};

/* Which bytes are worth a look: nearly all of a text is not. */
enum {
    WATCH_ALWAYS = 1,
    WATCH_NEAR = 2,   /* marks that stand near the start only */
    WATCH_SECOND = 4, /* seconds alone: once some first was seen */
    NEAR = 2049,
};

static const uint8_t watched[256] = {
    [0] = WATCH_ALWAYS,   [1] = WATCH_ALWAYS,   [6] = WATCH_SECOND,    ['\n'] = WATCH_ALWAYS,
    [0x19] = WATCH_NEAR,  ['%'] = WATCH_ALWAYS, ['-'] = WATCH_NEAR,    ['/'] = WATCH_NEAR,
    ['7'] = WATCH_ALWAYS, ['<'] = WATCH_ALWAYS, ['C'] = WATCH_SECOND,  ['D'] = WATCH_NEAR,
    ['H'] = WATCH_SECOND, ['I'] = WATCH_ALWAYS, ['M'] = WATCH_ALWAYS,  ['P'] = WATCH_ALWAYS,
    ['R'] = WATCH_ALWAYS, ['U'] = WATCH_NEAR,   ['`'] = WATCH_ALWAYS,  ['h'] = WATCH_SECOND,
    ['m'] = WATCH_NEAR,   ['p'] = WATCH_SECOND, [0xa3] = WATCH_ALWAYS, [0xef] = WATCH_ALWAYS,
};

enum { REMEMBERED = 8 }; /* firsts of a pair, the latest of them */

struct reading {
    bytes data;
    unsigned watch;       /* WATCH_ bits that count now */
    uint32_t seen[PAIRS]; /* firsts so far */
    size_t ends[PAIRS][REMEMBERED];
    size_t starts[PAIRS][REMEMBERED];
    struct marks found;
};

/* Length of the mark at `at`, 0 when it does not stand there. */
static size_t mark_length(const struct mark *mark, bytes data, size_t at)
{
    size_t i = at;
    for (size_t k = 0; k < mark->length; k++, i++) {
        char want = mark->text[k];
        if (i >= data.len)
            return 0;
        if (want == '^')
            continue;
        if (want == '~') {
            if (ascii_lower(data.at[i]) != ascii_lower((uint8_t)mark->text[++k]))
                return 0;
        } else if (data.at[i] != (uint8_t)want) {
            return 0;
        }
    }
    return i - at;
}

/* The rank of types in ClamAV's list, where it differs from our order. */
static unsigned rank_of(enum filetype type)
{
    return type == FILETYPE_MBR ? FILETYPE_HTML * 2 - 1 : (unsigned)type * 2;
}

static bool always_counts(enum filetype type)
{
    switch (type) {
    case FILETYPE_ISO9660:
    case FILETYPE_APM:
    case FILETYPE_XDP:
    case FILETYPE_XML_WORD:
    case FILETYPE_XML_XL:
    case FILETYPE_XML_HWP:
    case FILETYPE_MHTML:
    case FILETYPE_UDF:
        return true;
    default:
        return type >= FILETYPE_SFX;
    }
}

/* False: this decides. */
static bool take(struct reading *reading, enum filetype type, size_t start)
{
    if (type == FILETYPE_IGNORED) {
        reading->found.type = type;
        return false;
    }
    enum filetype so_far = reading->found.type;
    if (always_counts(type) || type == FILETYPE_MSEXE ||
        (!always_counts(so_far) && rank_of(type) > rank_of(so_far)))
        reading->found.type = type;
    if ((type == FILETYPE_MHTML || type == FILETYPE_XDP) && start &&
        reading->found.whole == FILETYPE_ANY)
        reading->found.whole = type;
    return true;
}

/* Start of a first that fits a second at `at`; SIZE_MAX: none. */
static size_t first_of(const struct reading *reading, enum pair pair, size_t at)
{
    uint32_t count = reading->seen[pair] < REMEMBERED ? reading->seen[pair] : REMEMBERED;
    for (uint32_t i = 0; i < count; i++) {
        size_t end = reading->ends[pair][i];
        if (at >= end && at - end >= gaps[pair].min && at - end <= gaps[pair].max)
            return reading->starts[pair][i];
    }
    return SIZE_MAX;
}

static bool look_at(struct reading *reading, const struct mark *mark, size_t at)
{
    size_t start = at, length;
    if (at < mark->at_min || at > mark->at_max)
        return true;
    if (mark->pair && mark->type != FILETYPE_ANY) {
        if (!reading->seen[mark->pair])
            return true;
        start = first_of(reading, mark->pair, at);
        return start == SIZE_MAX || !mark_length(mark, reading->data, at) ||
               take(reading, mark->type, start);
    }
    length = mark_length(mark, reading->data, at);
    if (!length)
        return true;
    if (!mark->pair)
        return take(reading, mark->type, start);
    reading->watch |= WATCH_SECOND;
    uint32_t slot = reading->seen[mark->pair]++ % REMEMBERED;
    reading->ends[mark->pair][slot] = at + length;
    reading->starts[mark->pair][slot] = at;
    return true;
}

/* What the first bytes tell that is no text: after all that magic.c knows. */
static enum filetype start_of(bytes data)
{
    uint32_t version = 0;
    if (bytes_has(data, 512, 4) && memcmp(data.at, "ER", 2) == 0 &&
        memcmp(data.at + 512, "PM\0\0", 4) == 0)
        return FILETYPE_APM;
    if (data.len >= 4 && memcmp(data.at + 1, "\r\r\n", 3) == 0)
        return FILETYPE_PYTHON_COMPILED;
    if (data.len >= 8 && load_be32(data.at) == 0xcafebabe && bytes_be32(data, 4, &version))
        return version < 0x20   ? FILETYPE_MACHO_UNIBIN
               : version < 0x40 ? FILETYPE_JAVA
                                : FILETYPE_ANY;
    return FILETYPE_ANY;
}

/* Zeros and ends of lines are frequent; these have many marks. */
static inline bool promises(uint8_t c, uint8_t next)
{
    uint8_t lower = ascii_lower(next);
    if (c != '\n')
        return c ? true : next == 'B';
    return lower == 'f' || lower == 'm' || lower == 'r' || lower == 'c';
}

/* Whether a mark has `next` for its second byte. */
static inline bool may_follow(const struct mark *mark, uint8_t next)
{
    char want = mark->text[1];
    return (uint8_t)want == next || want == '~' || want == '^' || mark->text[0] == '~';
}

/* Marks that begin in [from, to). False: one decided. */
static bool look_between(struct reading *reading, size_t from, size_t to)
{
    bytes data = reading->data;
    for (size_t i = from; i < to; i++) {
        uint8_t c = data.at[i];
        if (!(watched[c] & reading->watch))
            continue;
        uint8_t next = i + 1 < data.len ? data.at[i + 1] : 0;
        if (c <= '\n' && !promises(c, next))
            continue;
        const struct mark *rows = by_first[c].rows;
        for (size_t k = 0; k < by_first[c].count; k++)
            if (may_follow(&rows[k], next) && !look_at(reading, &rows[k], i))
                return false;
    }
    return true;
}

struct marks marks_of(bytes data)
{
    struct reading reading = {.data = data, .watch = WATCH_ALWAYS | WATCH_NEAR};
    size_t near = data.len < NEAR ? data.len : NEAR;
    reading.found.type = start_of(data);
    if (look_between(&reading, 0, near)) {
        reading.watch &= ~(unsigned)WATCH_NEAR;
        look_between(&reading, near, data.len);
    }
    return reading.found;
}

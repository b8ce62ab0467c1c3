/* Marks within data, as ClamAV's type table has them ("File Type Magic", rows of type 1): some
 * of two parts, the second within so many bytes after the first. Each that is found may change
 * the type: by the rank of types, or in any case from FILETYPE_SFX on and for programs; so the
 * order in which they are found counts.
 *
 * In the texts below `~` stands before a letter of either case, `^` for any byte. */
#include "filetype/marks.h"

#include "base/cpu.h"
#include "filetype/marks_steps.h"

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

/* Two bytes that some mark begins with are worth a look: the first is of a group, and the
 * second may follow in it. Nearly all of a text is not. */
enum {
    GROUP_LINE = 1, /* ends of lines */
    GROUP_TAG = 2,  /* what begins with < */
    GROUP_ZERO = 4, /* apart, since UTF-16 is full of zeros */
    GROUP_ONE = 8,  /* marks anywhere, in two halves */
    GROUP_TWO = 16,
    GROUP_THEN = 32,  /* seconds of a pair, once some first was seen */
    GROUP_HREF = 64,  /* the same, apart: "he" and "pe" are frequent */
    GROUP_XML = 128,  /* < before any byte: the same */
    GROUP_NEAR = 256, /* marks near the start only, before any byte */
    ANY_SECOND = GROUP_XML | GROUP_NEAR,
    ALWAYS = GROUP_LINE | GROUP_TAG | GROUP_ZERO | GROUP_ONE | GROUP_TWO,
    SECONDS = GROUP_THEN | GROUP_HREF | GROUP_XML,
    NEAR = 2049,
};

static const uint16_t first_of_group[256] = {
    ['\n'] = GROUP_LINE,
    ['<'] = GROUP_TAG | GROUP_XML,
    [0] = GROUP_ZERO,
    [1] = GROUP_ZERO,
    ['%'] = GROUP_ONE,
    ['7'] = GROUP_ONE,
    ['`'] = GROUP_ONE,
    ['M'] = GROUP_ONE | GROUP_NEAR,
    ['P'] = GROUP_ONE | GROUP_THEN,
    ['R'] = GROUP_TWO | GROUP_THEN,
    ['I'] = GROUP_TWO,
    [0xa3] = GROUP_TWO,
    [0xef] = GROUP_TWO | GROUP_NEAR,
    [6] = GROUP_THEN,
    ['C'] = GROUP_THEN,
    ['h'] = GROUP_HREF,
    ['H'] = GROUP_HREF,
    ['p'] = GROUP_HREF,
    [0x19] = GROUP_NEAR,
    ['-'] = GROUP_NEAR,
    ['/'] = GROUP_NEAR,
    ['D'] = GROUP_NEAR,
    ['U'] = GROUP_NEAR,
    ['m'] = GROUP_NEAR,
};

static const uint16_t second_of_group[256] = {
    [0] = GROUP_THEN,
    ['%'] = GROUP_TAG,
    ['?'] = GROUP_TAG,
    ['A'] = GROUP_TAG,
    ['B'] = GROUP_ZERO,
    ['C'] = GROUP_LINE | GROUP_ZERO,
    ['D'] = GROUP_THEN,
    ['E'] = GROUP_THEN,
    ['F'] = GROUP_LINE,
    ['H'] = GROUP_TAG | GROUP_TWO,
    ['I'] = GROUP_TAG,
    ['K'] = GROUP_ONE,
    ['M'] = GROUP_LINE,
    ['O'] = GROUP_TAG,
    ['P'] = GROUP_ONE,
    ['R'] = GROUP_LINE | GROUP_HREF,
    ['S'] = GROUP_TAG | GROUP_ONE,
    ['T'] = GROUP_TAG,
    ['W'] = GROUP_TAG,
    ['Z'] = GROUP_ONE,
    ['a'] = GROUP_TAG | GROUP_TWO,
    ['c'] = GROUP_LINE,
    ['e'] = GROUP_THEN,
    ['f'] = GROUP_LINE,
    ['h'] = GROUP_TAG,
    ['i'] = GROUP_TAG,
    ['m'] = GROUP_LINE,
    ['n'] = GROUP_TWO,
    ['o'] = GROUP_TAG,
    ['p'] = GROUP_ONE,
    ['r'] = GROUP_LINE | GROUP_HREF,
    ['s'] = GROUP_TAG,
    ['t'] = GROUP_TAG,
    ['w'] = GROUP_TAG,
    ['x'] = GROUP_TAG,
    ['z'] = GROUP_ONE,
    [0xbe] = GROUP_TWO,
    [0xea] = GROUP_ONE,
};

enum { REMEMBERED = 8 }; /* firsts of a pair, the latest of them */

struct reading {
    bytes data;
    unsigned groups;      /* that count now */
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

bool marks_take(struct marks *found, enum filetype type, size_t start)
{
    if (type == FILETYPE_IGNORED) {
        found->type = type;
        return false;
    }
    enum filetype so_far = found->type;
    if (always_counts(type) || type == FILETYPE_MSEXE ||
        (!always_counts(so_far) && rank_of(type) > rank_of(so_far)))
        found->type = type;
    if ((type == FILETYPE_MHTML || type == FILETYPE_XDP) && start &&
        found->whole == FILETYPE_ANY)
        found->whole = type;
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
               marks_take(&reading->found, mark->type, start);
    }
    length = mark_length(mark, reading->data, at);
    if (!length)
        return true;
    if (!mark->pair)
        return marks_take(&reading->found, mark->type, start);
    reading->groups |= mark->pair == PAIR_XML ? SECONDS : SECONDS & ~(unsigned)GROUP_XML;
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

/* Whether a mark has `next` for its second byte. */
static inline bool may_follow(const struct mark *mark, uint8_t next)
{
    char want = mark->text[1];
    return (uint8_t)want == next || want == '~' || want == '^' || mark->text[0] == '~';
}

/* Marks that begin at `at`. False: one decided. */
static bool look_here(struct reading *reading, size_t at)
{
    bytes data = reading->data;
    uint8_t c = data.at[at], next = at + 1 < data.len ? data.at[at + 1] : 0;
    const struct mark *rows = by_first[c].rows;
    for (size_t k = 0; k < by_first[c].count; k++)
        if (may_follow(&rows[k], next) && !look_at(reading, &rows[k], at))
            return false;
    return true;
}

static inline unsigned groups_at(const uint8_t *p)
{
    return (unsigned)(first_of_group[p[0]] & (second_of_group[p[1]] | ANY_SECOND));
}

/* Marks that begin in [from, to), which is not the end of the data. False: one decided. */
static bool look_plainly(struct reading *reading, size_t from, size_t to)
{
    const uint8_t *data = reading->data.at;
    size_t i = from;
    while (i < to) {
        const uint8_t *p = data + i;
        /* Most of eight at a time; groups only ever become more. */
        if (to - i >= 8 &&
            !((groups_at(p) | groups_at(p + 1) | groups_at(p + 2) | groups_at(p + 3) |
               groups_at(p + 4) | groups_at(p + 5) | groups_at(p + 6) | groups_at(p + 7)) &
              reading->groups)) {
            i += 8;
            continue;
        }
        for (size_t end = to - i < 8 ? to : i + 8; i < end; i++)
            if (groups_at(data + i) & reading->groups && !look_here(reading, i))
                return false;
    }
    return true;
}

#if defined(__x86_64__)
enum { BLOCK = 64, BLOCKS = 64 };

/* Looks at what `masks` say of the blocks from *from on, up to where groups have become more:
 * *from is then behind that. False: a mark decided. */
static bool look_at_masks(struct reading *reading, const uint64_t *masks, size_t blocks,
                          size_t *from)
{
    unsigned groups = reading->groups;
    for (size_t k = 0, at = *from; k < blocks; k++, at += BLOCK)
        for (uint64_t mask = masks[k]; mask; mask &= mask - 1) {
            size_t here = at + (size_t)__builtin_ctzll(mask);
            if (!look_here(reading, here))
                return false;
            if (reading->groups != groups) {
                *from = here + 1;
                return true;
            }
        }
    *from += blocks * BLOCK;
    return true;
}

static bool look_widely(struct reading *reading, size_t *from, size_t to)
{
    uint64_t masks[BLOCKS];
    while (to - *from >= BLOCK) {
        size_t blocks = (to - *from) / BLOCK;
        blocks = blocks < BLOCKS ? blocks : BLOCKS;
        marks_avx512(&(struct marks_groups){first_of_group, second_of_group, ANY_SECOND},
                     reading->groups, reading->data.at + *from, blocks, masks);
        if (!look_at_masks(reading, masks, blocks, from))
            return false;
    }
    return true;
}
#endif

static bool look_between(struct reading *reading, size_t from, size_t to)
{
#if defined(__x86_64__)
    if (cpu_level() == CPU_AVX512 && !look_widely(reading, &from, to))
        return false;
#endif
    return look_plainly(reading, from, to);
}

static bool look_at_all(struct reading *reading)
{
    size_t last = reading->data.len - 1, near = last < NEAR ? last : NEAR;
    if (!look_between(reading, 0, near))
        return false;
    reading->groups &= ~(unsigned)GROUP_NEAR;
    return look_between(reading, near, last) && look_here(reading, last);
}

struct marks marks_of(bytes data)
{
    struct reading reading = {.data = data, .groups = ALWAYS | GROUP_NEAR};
    reading.found.type = start_of(data);
    if (data.len)
        look_at_all(&reading);
    return reading.found;
}

struct marks marks_of_plain(bytes data)
{
    struct reading reading = {.data = data};
    bool goes_on = true;
    reading.found.type = start_of(data);
    for (size_t i = 0; goes_on && i < data.len; i++)
        goes_on = look_here(&reading, i);
    return reading.found;
}

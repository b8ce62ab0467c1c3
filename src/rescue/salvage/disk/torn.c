/* What is read here of SQLite, ZIP, PDF and PNG: sqlite.c, zip.c, pdf.c, png.c.
 *
 * Pages of a data base: cells of a leaf lie at the end of its page, so one leaf tells how large
 * pages are. A package's last record tells how far behind its begin the directory is, and the
 * directory lies before that record. A PDF says at its end how far behind its begin the table
 * is; the table says where objects are, and those that are plain must be there. */
#include "rescue/salvage/disk/torn.h"

#include <string.h>

enum {
    SECTOR = 512,
    LEAF = 13,
    PAGE_LEAST = 512,
    PAGE_MOST = 65536,
    PAGES_OTHER = 8,       /* that are no b-tree's, in a row */
    HOLE_MOST = 128 << 10, /* that pages go on behind */
    END_SIZE = 22,
    CENTRAL_SIZE = 46,
    LOOK_MOST = 64 << 20,
    MARKS_MOST = 64,
    ENTRY = 20,
    ENTRIES_LOOKED = 64,
    CHUNKS_MOST = 1 << 16,
    OVERHEAD = 12,
    SCAN_KEPT = 8,
};

static bool plain(const struct salvage *salvage, uint64_t from, uint64_t size)
{
    return bytes_has(salvage->file, from, size) &&
           map_is_plain(&salvage->map, from, from + size);
}

/* Whether all of it keeps the rule of a JPEG's data, up to its end mark. */
static bool is_scan(bytes part)
{
    size_t kept = 0;
    for (size_t i = 0; i + 3 < part.len; i++) {
        if (part.at[i] != 0xff)
            continue;
        if (part.at[i + 1] && (part.at[i + 1] & 0xf8) != 0xd0)
            return false;
        kept++;
    }
    return kept >= SCAN_KEPT && kept >= part.len / 4096;
}

const char *torn_kind(bytes part)
{
    static const struct {
        const char *mark, *extension;
    } marks[] = {{"PK\5\6", "zip"}, {"PK\3\4", "zip"}, {"%%EOF", "pdf"}, {"IEND\xae", "png"}};

    for (size_t i = 0; i < COUNT(marks); i++)
        if (bytes_find(part, bytes_of(marks[i].mark), 0) != SIZE_MAX)
            return marks[i].extension;
    return is_scan(part) ? "jpg" : "bin";
}

/* --- data bases --- */

static unsigned varint(bytes data, size_t at, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 9 && at + i < data.len; i++) {
        uint8_t c = data.at[at + i];
        value = i == 8 ? value << 8 | c : value << 7 | (c & 0x7f);
        if (i == 8 || !(c & 0x80)) {
            *ret = value;
            return i + 1;
        }
    }
    return 0;
}

/* The size of pages when the last cell, `cell`, ends with the page; 0: with none. */
static uint32_t page_ending(bytes file, uint64_t at, uint32_t cell)
{
    uint64_t size, id;
    bytes page = bytes_slice(file, (size_t)at, PAGE_MOST);
    unsigned a = varint(page, cell, &size), b = a ? varint(page, cell + a, &id) : 0;
    for (uint32_t n = PAGE_LEAST; b && n <= PAGE_MOST; n *= 2) {
        uint64_t here = size;
        if (size > n - 35) {
            uint32_t least = (n - 12) * 32 / 255 - 23;
            here = least + (size - least) % (n - 4);
            here = (here > n - 35 ? least : here) + 4;
        }
        if (cell + a + b + here == n)
            return page.len >= n ? n : 0;
    }
    return 0;
}

/* The size of the page that begins at `at` when it is a leaf of a table, else 0. */
static uint32_t leaf_page(bytes file, uint64_t at)
{
    const uint8_t *p = file.at + at;
    if (!bytes_has(file, at, PAGE_LEAST) || p[0] != LEAF || p[7] > 60)
        return 0;
    uint32_t cells = load_be16(p + 3), content = load_be16(p + 5), least = PAGE_MOST, last = 0;
    content = content ? content : PAGE_MOST;
    if (!cells || 8 + 2 * cells > content || !bytes_has(file, at, 8 + 2ull * cells))
        return 0;
    for (uint32_t i = 0; i < cells; i++) {
        uint32_t cell = load_be16(p + 8 + 2 * (size_t)i);
        least = cell < least ? cell : least;
        last = cell > last ? cell : last;
    }
    if (least < content || (!load_be16(p + 1) && least != content))
        return 0;
    return page_ending(file, at, last);
}

/* Whether a page of a b-tree can stand at `at`. */
static bool page_stands(const struct salvage *salvage, uint64_t at, uint32_t page)
{
    const uint8_t *p = salvage->file.at + at;
    if (!plain(salvage, at, 8) || (p[0] != 2 && p[0] != 5 && p[0] != 10 && p[0] != LEAF))
        return false;
    uint32_t cells = load_be16(p + 3), content = load_be16(p + 5), head = p[0] < 10 ? 12 : 8;
    content = content ? content : PAGE_MOST;
    return cells && content <= page && head + 2 * cells <= content && load_be16(p + 1) < page &&
           p[7] <= 60;
}

static uint64_t pages_end(const struct salvage *salvage, uint64_t at, uint64_t end,
                          uint32_t page)
{
    uint64_t stop = at, hole = 0;
    unsigned other = 0;
    for (; at + 8 <= end && other < PAGES_OTHER && hole <= HOLE_MOST; at += page) {
        uint64_t to = at + page < end ? at + page : end;
        if (page_stands(salvage, at, page)) {
            stop = to;
            hole = other = 0;
        } else if (map_is_plain(&salvage->map, at, to)) {
            other++;
        } else {
            hole += page;
        }
    }
    return stop;
}

bool torn_pages(struct salvage *salvage, uint64_t at, uint64_t end, struct torn *ret)
{
    for (uint64_t here = at; here < at + PAGE_MOST && here + PAGE_LEAST <= end;
         here += SECTOR) {
        uint32_t page = salvage->file.at[here] == LEAF ? leaf_page(salvage->file, here) : 0;
        if (!page || here - at > (uint64_t)page * PAGES_OTHER)
            continue;
        uint64_t before = (here - at + page - 1) / page * page;
        /* The reader takes the first page for the head: one that is lost stands for it. */
        if (!before && at >= page && !plain(salvage, at - page, page))
            before = page;
        if (before > here)
            continue;
        ret->from = here - before;
        ret->to = pages_end(salvage, here, end, page);
        ret->kind = "sqlite";
        return budget_charge(salvage->budget, (ret->to - here) / page * 16 + 128);
    }
    return false;
}

/* --- what tells its begin at its end --- */

static bool begins_lost(const struct salvage *salvage, uint64_t from, uint64_t at)
{
    return from < at && !map_is_plain(&salvage->map, from, from + 4);
}

/* 12 size of the directory, 16 its place, 20 length of the comment. */
static bool package_told(const struct salvage *salvage, uint64_t at, uint64_t mark,
                         struct torn *ret)
{
    const uint8_t *p = salvage->file.at + mark;
    if (!plain(salvage, mark, END_SIZE))
        return false;
    uint64_t size = load_le32(p + 12), all = size + load_le32(p + 16);
    uint64_t stop = mark + END_SIZE + load_le16(p + 20);
    if (all > mark || size < CENTRAL_SIZE || stop > salvage->file.len ||
        !begins_lost(salvage, mark - all, at) ||
        (map_is_plain(&salvage->map, mark - size, mark - size + 4) &&
         memcmp(p - size, "PK\1\2", 4) != 0))
        return false;
    *ret = (struct torn){mark - all, stop, "zip"};
    return true;
}

static uint64_t number_at(bytes file, uint64_t at, uint64_t end)
{
    uint64_t value = 0;
    while (at < end && (file.at[at] == '\n' || file.at[at] == '\r' || file.at[at] == ' '))
        at++;
    for (; at < end && file.at[at] >= '0' && file.at[at] <= '9' && value < UINT32_MAX; at++)
        value = value * 10 + file.at[at] - '0';
    return value;
}

/* Whether objects are where the table at `table` says: "0000000015 00000 n" for each. */
static bool objects_stand(const struct salvage *salvage, uint64_t table, uint64_t end,
                          uint64_t from)
{
    bytes file = salvage->file;
    unsigned right = 0, wrong = 0;
    for (uint64_t at = table; at + ENTRY <= end && right + wrong < ENTRIES_LOOKED; at++) {
        if (file.at[at] != ' ' || memcmp(file.at + at + 1, "00000 n", 7) != 0 ||
            at < table + 10)
            continue;
        uint64_t place = from + number_at(file, at - 10, at);
        if (!plain(salvage, place, ENTRY))
            continue;
        bool fine = bytes_find(bytes_slice(file, (size_t)place, ENTRY), bytes_of(" obj"), 0) !=
                    SIZE_MAX;
        right += fine;
        wrong += !fine;
    }
    return right && right > wrong * 4;
}

static bool document_told(const struct salvage *salvage, uint64_t at, uint64_t mark,
                          struct torn *ret)
{
    bytes file = bytes_slice(salvage->file, 0, (size_t)mark);
    size_t said = bytes_find(file, bytes_of("startxref"), mark > at + 64 ? mark - 64 : at);
    if (said == SIZE_MAX)
        return false;
    uint64_t place = number_at(file, said + 9, mark), table = 0;
    uint64_t look = said > at + (1 << 20) ? said - (1 << 20) : at;
    for (size_t i = (size_t)look; (i = bytes_find(file, bytes_of("xref"), i)) < said; i++)
        if (i == 0 || file.at[i - 1] != 't')
            table = i;
    if (!place || table < place || !begins_lost(salvage, table - place, at) ||
        !objects_stand(salvage, table, said, table - place))
        return false;
    *ret = (struct torn){table - place, mark + 5, "pdf"};
    return true;
}

static bool told_by(struct salvage *salvage, uint64_t at, uint64_t end, bool package,
                    struct torn *ret)
{
    bytes file = bytes_slice(salvage->file, 0, (size_t)end);
    bytes mark = bytes_of(package ? "PK\5\6" : "%%EOF");
    size_t here = (size_t)at;
    for (int i = 0; i < MARKS_MOST; i++, here++) {
        here = bytes_find(file, mark, here);
        if (here == SIZE_MAX || !budget_charge(salvage->budget, 4096))
            return false;
        if ((package ? package_told : document_told)(salvage, at, here, ret))
            return true;
    }
    return false;
}

bool torn_look(struct salvage *salvage, uint64_t at, uint64_t end, struct torn *ret)
{
    struct torn other;
    if (torn_pages(salvage, at, end, ret))
        return true;
    end = end - at < LOOK_MOST ? end : at + LOOK_MOST;
    if (!budget_charge(salvage->budget, (end - at) / 16))
        return false;
    bool found = told_by(salvage, at, end, true, ret);
    if (told_by(salvage, at, end, false, &other) && (!found || other.to < ret->to)) {
        *ret = other;
        found = true;
    }
    return found;
}

/* --- pictures --- */

/* Where chunks go on behind the gap at `here`, where one begins, when those there are of the
 * same picture: all but the last have one size. 0: they are not. */
static uint64_t chunks_behind(const struct salvage *salvage, uint64_t here, uint64_t end,
                              uint64_t size)
{
    uint64_t gap = map_plain_end(&salvage->map, here, end);
    uint64_t from = map_plain_next(&salvage->map, gap, end);
    uint64_t to = end - from > size + OVERHEAD ? from + size + OVERHEAD : end;
    bytes file = bytes_slice(salvage->file, 0, (size_t)to);
    if (!size)
        return 0;
    size_t next = bytes_find(file, bytes_of("IDAT"), (size_t)from);
    if (next != SIZE_MAX)
        return next >= here + 4 && (next - 4 - here) % size == 0 ? next - 4 : 0;
    next = bytes_find(file, bytes_of("IEND"), (size_t)from);
    return next != SIZE_MAX && next >= here + 4 ? next - 4 : 0;
}

uint64_t torn_png_end(struct salvage *salvage, uint64_t at, uint64_t end)
{
    uint64_t here = at + 8, before = at, size = 0;
    for (int i = 0; i < CHUNKS_MOST && here + 8 <= end; i++) {
        uint64_t gap = map_plain_end(&salvage->map, before, here);
        if (!budget_charge(salvage->budget, 64))
            return gap;
        if (!plain(salvage, here, 8)) {
            uint64_t next = chunks_behind(salvage, here, end, size);
            if (!next || !plain(salvage, next, 8))
                return here; /* so that the last chunk is not shorter than it says */
            here = next;
        }
        const uint8_t *kind = salvage->file.at + here + 4;
        for (int k = 0; k < 4; k++)
            if ((kind[k] | 0x20) < 'a' || (kind[k] | 0x20) > 'z')
                return gap;
        if (memcmp(kind, "IDAT", 4) == 0)
            size = (uint64_t)load_be32(kind - 4) + OVERHEAD;
        before = here;
        here += (uint64_t)load_be32(kind - 4) + OVERHEAD;
        if (memcmp(kind, "IEND", 4) == 0)
            return here < end ? here : end;
    }
    return map_plain_end(&salvage->map, before, end);
}

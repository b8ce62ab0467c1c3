/* Files lie in one piece more often than not, and begin with a sector. Their ends:
 *   ZIP, OOXML, ODF   the end record "PK\5\6" (22 bytes and a comment)
 *   PDF               "%%EOF" and the end of that line
 *   PNG               the chunk IEND; JPEG: ff d9
 *   SQLite            size of a page times their number (16 and 28 of the header)
 *   text              a sector that is not all text
 * Zeros fill up the last sector: a mark before anything else stands inside of the file. A file
 * whose end is lost ends where the next begins, or where zeros fill up a sector. So does what
 * is dense, of no known kind: it is named by what stands in it when its begin is lost, else
 * .bin. */
#include "rescue/salvage/disk/carve.h"

#include "rescue/salvage/disk/torn.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECTOR = 512,
    FILE_MOST = 1 << 30,
    TEXT_LEAST = 64,
    HIGH_MOST = 64,
    END_SIZE = 22,
    MARKS_MOST = 64,   /* ends that are tried */
    PAGES_SEEN = 4096, /* of a data base */
    SLACK = 16,        /* zeros to the end of a sector: a file ended before them */
    DENSE_LEAST = 2048,
    DENSE_ZEROS = 32, /* bytes of a dense sector that may be zero */
    DENSE_KINDS = 96, /* different ones */
    SCAN_LOOK = 4096, /* behind a gap, whether a picture goes on */
    SCAN_WRONG = 3,
    SCAN_ZEROS = 32,
    LEAD = 4096,      /* of a gap before a picture that lost its begin */
    TEXT_SECTORS = 4, /* of text behind something else: another file */
};

struct carve {
    struct salvage *salvage;
    bytes folder;
    const struct salvage_given *given;
    struct salvage_given own; /* what the part at hand gave */
    uint32_t next;            /* of the spans that were given */
    bool torn;                /* of what was found: its begin or its end is lost */
    uint64_t looked;          /* up to here no end tells of a begin in a gap */
};

static int compare(const void *a, const void *b)
{
    const struct salvage_span *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Where what was given goes on from `at`: its end when `at` is in it, else `at`; and up to
 * where nothing was given. */
static uint64_t skip_given(struct carve *carve, uint64_t at, uint64_t *ret_free)
{
    const struct salvage_given *given = carve->given;
    while (carve->next < given->spans.n && given->spans.at[carve->next].to <= at)
        carve->next++;
    bool inside = carve->next < given->spans.n && given->spans.at[carve->next].from <= at;
    if (inside)
        at = given->spans.at[carve->next].to;
    uint32_t after = carve->next + inside;
    *ret_free = after < given->spans.n ? given->spans.at[after].from : carve->salvage->file.len;
    return at;
}

/* How much of a sector is text: up to the zeros that fill it up; 0: it is none. */
static size_t text_in(const uint8_t *p)
{
    size_t n = 0, high = 0;
    while (n < SECTOR &&
           ((p[n] >= 0x20 && p[n] != 0x7f) || p[n] == '\n' || p[n] == '\r' || p[n] == '\t'))
        high += p[n++] >= 0x80;
    for (size_t i = n; i < SECTOR; i++)
        if (p[i])
            return 0;
    return high > HIGH_MOST ? 0 : n;
}

static uint64_t text_end(struct carve *carve, uint64_t at, uint64_t end)
{
    while (at + SECTOR <= end) {
        size_t n = text_in(carve->salvage->file.at + at);
        at += n;
        if (n < SECTOR)
            break;
    }
    return at;
}

/* Behind the end of a file, its last sector is zeros; a line may end there first. */
static uint64_t ends_at(bytes file, uint64_t at)
{
    for (int i = 0; i < 2 && at < file.len && at % SECTOR; i++)
        at += file.at[at] == '\n' || (i == 0 && file.at[at] == '\r');
    uint64_t end = (at + SECTOR - 1) / SECTOR * SECTOR;
    for (uint64_t i = at; i < end && i < file.len; i++)
        if (file.at[i])
            return 0;
    return at;
}

/* Zeros at the end of a sector. */
static size_t slack_of(const uint8_t *p)
{
    size_t n = 0;
    while (n < SECTOR && p[SECTOR - 1 - n] == 0)
        n++;
    return n;
}

/* Whether a file of a known kind begins with this sector. Members of a package can stand there,
 * too: inside of one only where another file seems to have ended. */
static bool is_begin(const struct carve *carve, uint64_t at, bool package)
{
    const uint8_t *p = carve->salvage->file.at + at;

    static const struct {
        char text[9];
        uint8_t len;
    } strong[] = {{"%PDF-", 5},
                  {"\x89PNG\r\n\x1a\n", 8},
                  {"SQLite f", 8},
                  {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8},
                  {"7z\xbc\xaf\x27\x1c", 6},
                  {"Rar!\x1a\7", 6}};

    if (package && at && load_le32(p - 4) != 0)
        return false;
    for (size_t i = 0; i < COUNT(strong); i++)
        if (p[0] == (uint8_t)strong[i].text[0] && memcmp(p, strong[i].text, strong[i].len) == 0)
            return true;
    if (memcmp(p, "\xff\xd8\xff", 3) == 0)
        return memcmp(p + 6, "JFIF", 5) == 0 || memcmp(p + 6, "Exif", 5) == 0 ||
               (p[3] >= 0xc0 && p[3] < 0xff && at && load_le16(p - 2) == 0);
    /* 4 version, 8 method, 26 length of the name */
    return memcmp(p, "PK\3\4", 4) == 0 && p[4] < 64 && load_le16(p + 8) < 100 &&
           load_le16(p + 26);
}

/* Where the next file begins that is of a known kind, behind `at`. */
static uint64_t next_begin(struct carve *carve, uint64_t at, uint64_t end, bool package)
{
    uint64_t here = at + SECTOR;
    while (here + SECTOR <= end && !is_begin(carve, here, package))
        here += SECTOR;
    return here + SECTOR <= end && budget_charge(carve->salvage->budget, (here - at) / 64)
               ? here
               : end;
}

/* The end of what begins at `at` and whose own end is lost. */
static uint64_t cut_end(struct carve *carve, uint64_t at, uint64_t end)
{
    const struct map *map = &carve->salvage->map;
    bytes file = carve->salvage->file;
    unsigned texts = 0;
    for (uint64_t here = at; here + SECTOR <= end; here += SECTOR) {
        size_t slack = slack_of(file.at + here);
        texts = text_in(file.at + here) == SECTOR ? texts + 1 : 0;
        if (texts == TEXT_SECTORS && here - at >= TEXT_SECTORS * SECTOR)
            return here - (TEXT_SECTORS - 1) * SECTOR;
        if (slack < SLACK || !map_is_plain(map, here, here + SECTOR))
            continue;
        /* A whole sector: some may be at the end of the one before. */
        if (slack == SECTOR && here > at)
            slack += slack_of(file.at + here - SECTOR);
        return here + SECTOR - slack;
    }
    size_t slack =
        end >= at + SECTOR && end % SECTOR == 0 ? slack_of(file.at + end - SECTOR) : 0;
    return slack < SECTOR && map_is_plain(map, end - slack, end) ? end - slack : end;
}

/* Whether the end record of a package (12 size of the directory, 16 its place) is of the one
 * that begins at `at`; and whether the table of a PDF is where its end says. */
static bool is_own_end(struct carve *carve, uint64_t at, uint64_t mark, char kind)
{
    bytes file = carve->salvage->file;
    if (kind == 'P')
        return bytes_has(file, mark, END_SIZE) &&
               at + load_le32(file.at + mark + 12) + (uint64_t)load_le32(file.at + mark + 16) ==
                   mark;
    uint64_t place = 0, from = mark > at + 32 ? mark - 32 : at;
    size_t begin =
        bytes_find(bytes_slice(file, 0, (size_t)mark), bytes_of("startxref"), (size_t)from);
    for (begin = begin == SIZE_MAX ? (size_t)mark : begin + 9; begin < mark; begin++)
        if (file.at[begin] >= '0' && file.at[begin] <= '9' && place < FILE_MOST)
            place = place * 10 + file.at[begin] - '0';
    place += at;
    if (place < at + 16 || place + 8 > mark ||
        !map_is_plain(&carve->salvage->map, place, place + 4))
        return place < mark;
    return memcmp(file.at + place, "xref", 4) == 0 ||
           (file.at[place] >= '0' && file.at[place] <= '9');
}

/* Behind the first mark that ends a sector, else the first one: marks may stand inside, too. Of
 * packages and PDF only one of the same file. */
static uint64_t find_end(struct carve *carve, uint64_t at, uint64_t end, const char *mark,
                         size_t len, size_t behind)
{
    bytes file = bytes_slice(carve->salvage->file, 0, (size_t)end);
    bytes needle = {(const uint8_t *)mark, len};
    bool checked = mark[0] == 'P' || mark[0] == '%';
    uint64_t first = 0;
    unsigned tried = 0;
    for (size_t i = (size_t)at; (i = bytes_find(file, needle, i)) != SIZE_MAX; i++) {
        if (checked && !is_own_end(carve, at, i, mark[0]))
            continue;
        uint64_t stop = i + behind <= end ? ends_at(file, i + behind) : 0;
        if (stop)
            return stop;
        first = first ? first : i + behind;
        if (++tried == MARKS_MOST || !budget_charge(carve->salvage->budget, 64))
            break;
    }
    carve->torn = !first || first > end;
    return carve->torn ? cut_end(carve, at, end) : first;
}

/* A picture whose end is lost in a gap does not go on behind it: within its data, ff is
 * followed by 00 or a mark of restart, and there are no zeros. What its head promises must not
 * end in the gap, either. */
static uint64_t jpeg_cut(struct carve *carve, uint64_t at, uint64_t end)
{
    const struct map *map = &carve->salvage->map;
    const uint8_t *p = carve->salvage->file.at;
    uint64_t here = map_plain_end(map, at, end);
    uint64_t length = here < end ? torn_jpeg_length(carve->salvage, at, end) : 0;
    while (here < end) {
        uint64_t next = map_plain_next(map, here, end);
        uint64_t stop =
            map_plain_end(map, next, next + SCAN_LOOK < end ? next + SCAN_LOOK : end);
        unsigned wrong = length && at + length + length / 8 < next ? SCAN_WRONG : 0, zeros = 0;
        for (uint64_t i = next; i + 2 < stop; i++) {
            wrong += p[i] == 0xff && p[i + 1] && p[i + 1] != 0xff && (p[i + 1] & 0xf8) != 0xd0;
            zeros = p[i] ? 0 : zeros + 1;
            wrong += zeros == SCAN_ZEROS ? SCAN_WRONG : 0;
        }
        carve->torn |= wrong >= SCAN_WRONG;
        if (wrong >= SCAN_WRONG)
            return here;
        here = map_plain_end(map, next, end);
    }
    return end;
}

/* Whether the pages of a data base stand where they must: most begin as one does. */
static bool pages_stand(struct carve *carve, uint64_t at, uint64_t page, uint64_t size)
{
    uint64_t fit = 0, seen = 0;
    for (uint64_t here = page; here < size && seen < PAGES_SEEN; here += page, seen++) {
        uint8_t kind = carve->salvage->file.at[at + here];
        fit += !kind || kind == 2 || kind == 5 || kind == 10 || kind == 13 ||
               !map_is_plain(&carve->salvage->map, at + here, at + here + 1);
    }
    return fit * 4 >= seen * 3;
}

/* A file of a known kind that begins at `at`: its end, 0 for none. */
static uint64_t known_end(struct carve *carve, uint64_t at, uint64_t end, const char **ret)
{
    const uint8_t *p = carve->salvage->file.at + at;
    if (end - at > FILE_MOST)
        end = at + FILE_MOST;
    uint64_t all = end;
    if (is_begin(carve, at, false))
        end = next_begin(carve, at, end, p[0] == 'P');
    if (memcmp(p, "PK\3\4", 4) == 0) {
        *ret = "zip";
        return find_end(carve, at, end, "PK\5\6", 4, END_SIZE);
    }
    if (memcmp(p, "%PDF-", 5) == 0) {
        *ret = "pdf";
        return find_end(carve, at, end, "%%EOF", 5, 5);
    }
    if (memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0) {
        *ret = "png";
        uint64_t stop = torn_png_end(carve->salvage, at, end);
        carve->torn = memcmp(carve->salvage->file.at + stop - 8, "IEND", 4) != 0;
        return carve->torn ? cut_end(carve, at, stop) : stop;
    }
    if (memcmp(p, "\xff\xd8\xff", 3) == 0 && p[3] >= 0xc0 && p[3] != 0xff) {
        *ret = "jpg";
        return jpeg_cut(carve, at, find_end(carve, at, end, "\xff\xd9", 2, 2));
    }
    if (memcmp(p, "SQLite format 3", 16) == 0) {
        uint64_t page = load_be16(p + 16),
                 size = load_be32(p + 28) * (page == 1 ? 65536 : page);
        *ret = "sqlite";
        return size && size <= all - at &&
                       pages_stand(carve, at, page == 1 ? 65536 : page, size)
                   ? at + size
                   : 0;
    }
    return 0;
}

/* Many different bytes in no order: packed, or encrypted by its owner. */
static bool is_dense(const uint8_t *p)
{
    bool seen[256] = {false};
    size_t zeros = 0, kinds = 0, steps = 0;
    for (size_t i = 0; i < SECTOR; i++) {
        zeros += p[i] == 0;
        kinds += !seen[p[i]];
        seen[p[i]] = true;
        if (i % 2 == 0 && i + 2 < SECTOR)
            steps += load_le16(p + i) + 1 == load_le16(p + i + 2);
    }
    return zeros <= DENSE_ZEROS && kinds >= DENSE_KINDS && steps < SECTOR / 16;
}

/* What is dense and in one piece without a known begin, up to where it seems to end; 0: it is
 * not. */
static uint64_t dense_end(struct carve *carve, uint64_t at, uint64_t end)
{
    bytes file = carve->salvage->file;
    end = map_plain_end(&carve->salvage->map, at, end);
    if (end < at + DENSE_LEAST || !is_dense(file.at + at) ||
        !budget_charge(carve->salvage->budget, 64))
        return 0;
    end = cut_end(carve, at, next_begin(carve, at, end, false));
    uint64_t dense = 0, seen = 0;
    for (uint64_t here = at; here + SECTOR <= end; here += SECTOR, seen++)
        dense += is_dense(file.at + here);
    return end >= at + DENSE_LEAST && dense * 2 >= seen ? end : 0;
}

/* What lost its begin in the gap before `at`. 0: nothing that tells so. */
static uint64_t torn_end(struct carve *carve, uint64_t at, uint64_t end, struct torn *ret)
{
    struct salvage *salvage = carve->salvage;
    if (at < SECTOR || map_is_plain(&salvage->map, at - SECTOR, at))
        return 0;
    bool looked = at < carve->looked;
    uint64_t stop = looked ? end : next_begin(carve, at, end, true);
    if (!(looked ? torn_pages : torn_look)(salvage, at, stop, ret)) {
        carve->looked = looked ? carve->looked : stop;
        return 0;
    }
    return ret->to;
}

/* What lies at a sector that nobody claimed: where it begins and ends; false: nothing. */
static bool find_at(struct carve *carve, uint64_t at, uint64_t end, struct torn *ret)
{
    struct salvage *salvage = carve->salvage;
    *ret = (struct torn){.from = at};
    carve->torn = false;
    ret->to = known_end(carve, at, end, &ret->kind);
    if (ret->to)
        return true;
    carve->torn = true;
    if (torn_end(carve, at, end, ret))
        return true;
    ret->to = text_end(carve, at, map_plain_end(&salvage->map, at, end));
    ret->kind = "txt";
    carve->torn = ret->to < at + TEXT_LEAST;
    if (!carve->torn)
        return true;
    ret->to = dense_end(carve, at, end);
    if (!ret->to)
        return false;
    ret->kind = torn_kind(bytes_slice(salvage->file, (size_t)at, (size_t)(ret->to - at)));
    /* Some of the gap, so that its reader knows. */
    if (ret->kind[0] == 'j' && at >= LEAD && !map_plain_size(&salvage->map, at - LEAD, at))
        ret->from = at - LEAD;
    return true;
}

/* Where to go on: behind the part, or behind the first gap in it after which nothing of it
 * could be read. */
static uint64_t go_on(const struct carve *carve, const struct torn *part, uint64_t at)
{
    const struct map *map = &carve->salvage->map;
    uint64_t last = at;
    for (uint32_t i = 0; i < carve->own.spans.n; i++) {
        uint64_t to = carve->own.spans.at[i].to;
        last = to > last && to <= part->to ? to : last;
    }
    uint64_t gap = map_plain_end(map, last, part->to);
    uint64_t next = map_plain_next(map, gap, part->to);
    next = carve->torn && next < part->to ? next : part->to;
    return (next + SECTOR - 1) / SECTOR * SECTOR;
}

/* What lies at a sector that nobody claimed; where to go on. */
static uint64_t give_at(struct carve *carve, uint64_t at, uint64_t end)
{
    struct salvage *salvage = carve->salvage;
    struct torn part;
    if (!find_at(carve, at, end, &part))
        return at + SECTOR;
    bytes name = arena_printf(salvage->arena, "%.*s/carved/at-%llu.%s", (int)carve->folder.len,
                              carve->folder.at, (unsigned long long)at, part.kind);
    carve->own.spans.n = 0;
    salvage->torn = carve->torn;
    if (name.at && !salvage_child(salvage, name, part.from, part.to))
        return salvage->file.len;
    salvage->torn = false;
    return go_on(carve, &part, at);
}

void carve_give(struct salvage *salvage, bytes folder)
{
    struct salvage_given *given = salvage->given;
    struct carve carve = {.salvage = salvage, .folder = folder, .given = given};
    if (given->spans.n > 1)
        qsort(given->spans.at, given->spans.n, sizeof *given->spans.at, compare);
    uint64_t size = salvage->file.len, free;
    salvage->given = &carve.own;
    for (uint64_t at = 0; at + SECTOR <= size && !salvage->stopped;) {
        struct arena_mark mark = arena_mark(salvage->arena);
        uint64_t from = skip_given(&carve, at, &free);
        from = map_plain_next(&salvage->map, (from + SECTOR - 1) / SECTOR * SECTOR, size);
        from = (from + SECTOR - 1) / SECTOR * SECTOR;
        if (!budget_charge(salvage->budget, SECTOR / 8))
            return;
        at = from + SECTOR <= free ? give_at(&carve, from, free)
             : from > at           ? from
                                   : at + SECTOR;
        arena_pop(salvage->arena, mark);
    }
}

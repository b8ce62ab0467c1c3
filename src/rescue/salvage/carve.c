/* Files lie in one piece more often than not, and begin with a sector. Their ends:
 *   ZIP, OOXML, ODF   the end record "PK\5\6" (22 bytes and a comment)
 *   PDF               "%%EOF" and the end of that line
 *   PNG               the chunk IEND; JPEG: ff d9
 *   SQLite            size of a page times their number (16 and 28 of the header)
 *   text              a sector that is not all text
 * Zeros fill up the last sector: a mark before anything else stands inside of the file. */
#include "rescue/salvage/carve.h"

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
};

struct carve {
    struct salvage *salvage;
    bytes folder;
    const struct salvage_given *given;
    uint32_t next; /* of the spans that were given */
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

/* Behind the first mark that ends a sector, else the first one: marks may stand inside, too. */
static uint64_t find_end(struct carve *carve, uint64_t at, uint64_t end, const char *mark,
                         size_t len, size_t behind)
{
    bytes file = bytes_slice(carve->salvage->file, 0, (size_t)end);
    bytes needle = {(const uint8_t *)mark, len};
    uint64_t first = 0;
    unsigned tried = 0;
    for (size_t i = (size_t)at; (i = bytes_find(file, needle, i)) != SIZE_MAX; i++) {
        uint64_t stop = i + behind <= end ? ends_at(file, i + behind) : 0;
        if (stop)
            return stop;
        first = first ? first : i + behind;
        if (++tried == MARKS_MOST || !budget_charge(carve->salvage->budget, 64))
            break;
    }
    return first <= end ? first : 0;
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
        return find_end(carve, at, end, "IEND\xae\x42\x60\x82", 8, 8);
    }
    if (memcmp(p, "\xff\xd8\xff", 3) == 0) {
        *ret = "jpg";
        return find_end(carve, at, end, "\xff\xd9", 2, 2);
    }
    if (memcmp(p, "SQLite format 3", 16) == 0) {
        uint64_t page = load_be16(p + 16),
                 size = load_be32(p + 28) * (page == 1 ? 65536 : page);
        *ret = "sqlite";
        return size && size <= end - at &&
                       pages_stand(carve, at, page == 1 ? 65536 : page, size)
                   ? at + size
                   : 0;
    }
    return 0;
}

/* What lies at a sector that nobody claimed; where to go on. */
static uint64_t give_at(struct carve *carve, uint64_t at, uint64_t end)
{
    struct salvage *salvage = carve->salvage;
    const char *extension = "txt";
    uint64_t stop = known_end(carve, at, end, &extension);
    if (!stop) {
        extension = "txt";
        stop = text_end(carve, at, map_plain_end(&salvage->map, at, end));
        if (stop < at + TEXT_LEAST)
            return at + SECTOR;
    }
    bytes name = arena_printf(salvage->arena, "%.*s/carved/at-%llu.%s", (int)carve->folder.len,
                              carve->folder.at, (unsigned long long)at, extension);
    if (name.at && !salvage_child(salvage, name, at, stop))
        return salvage->file.len;
    return (stop + SECTOR - 1) / SECTOR * SECTOR;
}

void carve_give(struct salvage *salvage, bytes folder)
{
    struct salvage_given *given = salvage->given;
    struct carve carve = {.salvage = salvage, .folder = folder, .given = given};
    if (given->spans.n > 1)
        qsort(given->spans.at, given->spans.n, sizeof *given->spans.at, compare);
    uint64_t size = salvage->file.len, free;
    salvage->given = NULL; /* what is carved does not count for carving */
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

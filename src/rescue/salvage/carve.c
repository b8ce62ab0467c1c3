/* Files lie in one piece more often than not, and begin with a sector. Their ends:
 *   ZIP, OOXML, ODF   the end record "PK\5\6" (22 bytes and a comment)
 *   PDF               the last "%%EOF" before the next file begins
 *   PNG               the chunk IEND; JPEG: ff d9 before the next file
 *   SQLite            size of a page times their number (16 and 28 of the header)
 *   text              a sector that is not all text; zeros fill up the last one */
#include "rescue/salvage/carve.h"

#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, FILE_MOST = 1 << 30, TEXT_LEAST = 64, HIGH_MOST = 64, END_SIZE = 22 };

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

static uint64_t find_end(struct carve *carve, uint64_t at, uint64_t end, const char *mark,
                         size_t len, size_t behind, bool last)
{
    bytes file = bytes_slice(carve->salvage->file, 0, (size_t)end);
    bytes needle = {(const uint8_t *)mark, len};
    uint64_t found = 0;
    for (size_t i = (size_t)at; (i = bytes_find(file, needle, i)) != SIZE_MAX; i++) {
        if (!budget_charge(carve->salvage->budget, 64))
            break;
        found = i + behind;
        if (!last)
            break;
    }
    return found && found <= end ? found : 0;
}

/* A file of a known kind that begins at `at`: its end, 0 for none. */
static uint64_t known_end(struct carve *carve, uint64_t at, uint64_t end, const char **ret)
{
    const uint8_t *p = carve->salvage->file.at + at;
    if (end - at > FILE_MOST)
        end = at + FILE_MOST;
    if (memcmp(p, "PK\3\4", 4) == 0) {
        *ret = "zip";
        return find_end(carve, at, end, "PK\5\6", 4, END_SIZE, false);
    }
    if (memcmp(p, "%PDF-", 5) == 0) {
        *ret = "pdf";
        return find_end(carve, at, end, "%%EOF", 5, 5, false);
    }
    if (memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0) {
        *ret = "png";
        return find_end(carve, at, end, "IEND\xae\x42\x60\x82", 8, 8, false);
    }
    if (memcmp(p, "\xff\xd8\xff", 3) == 0) {
        *ret = "jpg";
        return find_end(carve, at, end, "\xff\xd9", 2, 2, false);
    }
    if (memcmp(p, "SQLite format 3", 16) == 0) {
        uint64_t page = load_be16(p + 16),
                 size = load_be32(p + 28) * (page == 1 ? 65536 : page);
        *ret = "sqlite";
        return size && size <= end - at ? at + size : 0;
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

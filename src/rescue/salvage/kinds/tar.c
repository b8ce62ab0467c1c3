/* tar (POSIX.1-1988 ustar, GNU, pax): headers of 512 bytes, each followed by its member's
 * bytes, filled up to 512. 0 name (100), 124 size (12, octal, or binary with the first bit
 * set), 148 checksum (the sum of all bytes, its own eight taken for spaces), 156 type, 257
 * "ustar", 345 prefix (155) Types L (GNU) and x (pax, "LEN path=NAME") hold the name of the
 * next member. The checksum finds the next header behind ciphertext. */
#include "rescue/salvage/disk/carve.h"

#include <string.h>

enum { BLOCK = 512, NAME_MOST = 4096, INSIDE_MOST = 256 << 20, KEEP_MOST = 32 << 20 };

struct header {
    bytes name;
    uint64_t size;
    uint8_t type;
};

static uint64_t number(const uint8_t *at, size_t len)
{
    uint64_t n = 0;
    if (at[0] & 0x80) {
        for (size_t i = len - 8; i < len; i++)
            n = n << 8 | at[i];
        return n;
    }
    for (size_t i = 0; i < len && (at[i] == ' ' || (at[i] >= '0' && at[i] <= '7')); i++)
        if (at[i] != ' ')
            n = n << 3 | (uint64_t)(at[i] - '0');
    return n;
}

static bool read_header(struct salvage *salvage, uint64_t at, struct header *ret)
{
    if (!bytes_has(salvage->file, at, BLOCK))
        return false;
    const uint8_t *p = salvage->file.at + at;
    uint64_t sum = 8 * ' ';
    for (int i = 0; i < BLOCK; i++)
        sum += i < 148 || i >= 156 ? p[i] : 0;
    if (!p[0] || sum != number(p + 148, 8))
        return false;
    size_t name = strnlen((const char *)p, 100), prefix = 0;
    if (memcmp(p + 257, "ustar\0", 6) == 0)
        prefix = strnlen((const char *)p + 345, 155);
    ret->name =
        prefix ? arena_printf(salvage->arena, "%.*s/%.*s", (int)prefix, p + 345, (int)name, p)
               : (bytes){p, name};
    ret->size = number(p + 124, 12);
    ret->type = p[156];
    return ret->name.at && ret->size < UINT64_MAX / 4;
}

/* The path in a pax header's records; empty: it has none. */
static bytes pax_path(bytes records)
{
    size_t at = bytes_find(records, bytes_of(" path="), 0);
    if (at == SIZE_MAX)
        return (bytes){NULL, 0};
    bytes rest = bytes_slice(records, at + 6, NAME_MOST), path;
    return bytes_cut(&rest, '\n', &path) ? path : (bytes){NULL, 0};
}

int tar_fits(struct salvage *salvage)
{
    struct header header;
    unsigned found = 0;
    struct arena_mark mark = arena_mark(salvage->arena);
    for (uint64_t at = 0; at + BLOCK <= salvage->file.len && found < 2; at += BLOCK) {
        if (at % (BLOCK * 1024) == 0 && !budget_charge(salvage->budget, BLOCK * 64))
            break;
        const uint8_t *p = salvage->file.at + at;
        if (memcmp(p + 257, "ustar", 5) == 0 && read_header(salvage, at, &header))
            found++;
    }
    arena_pop(salvage->arena, mark);
    return !found ? 0 : salvage_named(salvage, "tar") ? 98 : found > 1 ? 60 : 20;
}

/* Headers have a checksum; behind a member comes the next one, or zeros. */
static void prove(struct salvage *salvage)
{
    struct header header;
    struct map *map = &salvage->map;
    uint64_t at = 0;
    while (at + BLOCK <= salvage->file.len && budget_charge(salvage->budget, BLOCK / 4)) {
        struct arena_mark mark = arena_mark(salvage->arena);
        bool found = read_header(salvage, at, &header);
        uint64_t next = found ? at + BLOCK + (header.size + BLOCK - 1) / BLOCK * BLOCK : 0;
        arena_pop(salvage->arena, mark);
        if (!found) {
            at += BLOCK;
            continue;
        }
        map_prove(map, at, at + BLOCK);
        at += BLOCK;
        if (!bytes_has(salvage->file, next, BLOCK))
            continue;
        mark = arena_mark(salvage->arena);
        bool follows = read_header(salvage, next, &header);
        arena_pop(salvage->arena, mark);
        bool zeros = true;
        for (size_t i = 0; !follows && zeros && i < BLOCK; i++)
            zeros = !salvage->file.at[next + i];
        if (!follows && !zeros)
            map_break(map, next, next + BLOCK, false);
        at = follows || zeros ? next : at;
    }
}

/* What a member is whose header is lost, and its head most often: by what is left of it. */
static const char *guess_kind(struct salvage *salvage, uint64_t from, uint64_t to)
{
    struct salvage probe = {.file =
                                bytes_slice(salvage->file, (size_t)from, (size_t)(to - from)),
                            .name = bytes_of("a.db"),
                            .arena = salvage->arena,
                            .budget = salvage->budget};
    bytes packages = bytes_of("PK\3\4");
    if (map_part(&probe.map, &salvage->map, from, to) < 0)
        return "dat";
    if (bytes_find(probe.file, packages, 0) != SIZE_MAX && zip_fits(&probe))
        return "zip";
    if (bytes_find(probe.file, bytes_of("endobj"), 0) != SIZE_MAX)
        return "pdf";
    if (bytes_find(probe.file, bytes_of("IDAT"), 0) != SIZE_MAX)
        return "png";
    if (sqlite_fits(&probe))
        return "db";
    probe.name = bytes_of("a");
    if (plain_fits(&probe))
        return "txt";
    return jpeg_is_scan(&probe, map_plain_next(&probe.map, 0, probe.file.len)) ? "jpg" : "dat";
}

static bool is_zero(struct salvage *salvage, uint64_t from, uint64_t to)
{
    for (; from < to; from++)
        if (salvage->file.at[from] && map_is_plain(&salvage->map, from, from + 1))
            return false;
    return true;
}

/* Blocks between members in which no header is: the rest of one whose header is lost. If it is
 * one only, it begins behind that. */
static bool give_lost(struct salvage *salvage, bytes folder, uint64_t from, uint64_t to)
{
    struct arena_mark mark = arena_mark(salvage->arena);
    bool more = true;
    from += BLOCK;
    while (to >= from + BLOCK && is_zero(salvage, to - BLOCK, to) &&
           map_is_plain(&salvage->map, to - BLOCK, to) && budget_charge(salvage->budget, BLOCK))
        to -= BLOCK;
    if (from >= to || map_plain_size(&salvage->map, from, to) < BLOCK)
        return true;
    const char *kind = guess_kind(salvage, from, to);
    bool other = strcmp(kind, "dat") == 0, text = strcmp(kind, "txt") == 0;
    /* What fills up the last block is none of a text. */
    while (text && to > from && !salvage->file.at[to - 1] && to % BLOCK != 1)
        to--;
    if (other)
        from = map_plain_next(&salvage->map, from, to);
    bytes name = arena_printf(salvage->arena, "%.*s/lost/at-%llu.%s", (int)folder.len,
                              folder.at, (unsigned long long)from, kind);
    if (name.at && !other)
        more = salvage_child(salvage, name, from, to);
    /* Spans of this file are kept in the arena. */
    if (name.at && other && (more = salvage_begin(salvage, name, "file")) &&
        salvage_put_blanked(salvage, from, to))
        more = salvage_end(salvage, SALVAGE_PARTIAL,
                           "the end of a file, or of several, whose header is lost");
    if (!other)
        arena_pop(salvage->arena, mark);
    return more && !salvage->stopped;
}

static void give_members(struct salvage *salvage, bytes folder)
{
    struct header header;
    bytes given = {NULL, 0};
    uint64_t at = 0, lost = 0;
    while (at + BLOCK <= salvage->file.len && budget_charge(salvage->budget, BLOCK / 4)) {
        struct arena_mark mark = arena_mark(salvage->arena);
        if (!read_header(salvage, at, &header)) {
            at += BLOCK;
            given.len = 0;
            continue;
        }
        if (at > lost && !give_lost(salvage, folder, lost, at))
            return;
        uint64_t from = at + BLOCK, to = from + header.size;
        if (to > salvage->file.len)
            to = salvage->file.len;
        bytes data = bytes_slice(salvage->file, (size_t)from, (size_t)(to - from));
        at = lost = from + (header.size + BLOCK - 1) / BLOCK * BLOCK;
        if (header.type == 'L' || header.type == 'x') {
            if (map_is_plain(&salvage->map, from, to))
                given = header.type == 'x'
                            ? pax_path(data)
                            : bytes_slice(data, 0,
                                          strnlen((const char *)data.at,
                                                  data.len < NAME_MOST ? data.len : NAME_MOST));
            continue;
        }
        if (given.len)
            header.name = given;
        given.len = 0;
        if ((header.type == '0' || !header.type || header.type == '7') && header.size) {
            bytes name = arena_printf(salvage->arena, "%.*s/%.*s", (int)folder.len, folder.at,
                                      (int)header.name.len, header.name.at);
            if (name.at && !salvage_child(salvage, name, from, to))
                return;
        }
        arena_pop(salvage->arena, mark);
    }
    if (lost < salvage->file.len - salvage->map.trailer)
        (void)!give_lost(salvage, folder, lost, salvage->file.len - salvage->map.trailer);
}

void tar_give(struct salvage *salvage)
{
    struct salvage_given given = {{0}};
    prove(salvage);
    if (salvage->file.len <= INSIDE_MOST)
        zip_prove(salvage);
    if (!salvage_solve(salvage))
        return;
    bytes folder = salvage_name(salvage, "tar.files");
    bool outermost = !salvage->given && !salvage->depth;
    if (outermost && (salvage->keep = arena_new(KEEP_MOST)))
        salvage->given = &given;
    give_members(salvage, folder);
    if (!outermost)
        return;
    /* Members whose headers are lost, by how they begin: in whole blocks, as on a disk. */
    if (salvage->given && !salvage->stopped)
        carve_give(salvage, folder);
    salvage->given = NULL;
    salvage->keep = arena_free(salvage->keep);
}

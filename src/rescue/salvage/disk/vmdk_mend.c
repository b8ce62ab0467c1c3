/* "Virtual Disk Format 5.0", VMware; sizes in sectors. A directory (4 bytes for each grain
 * table: its sector) is followed by its tables, which lie in a row, 4 sectors each; first the
 * redundant copy of both, then the one in force. So a directory's first entry tells how many it
 * has, and either copy where the other is. A table has 512 entries, for grains of 128 sectors:
 * 0 for none, 1 for zeros. Where both copies of an entry are lost and its neighbours tell that
 * grains lie in a row, so does it. */
#include "rescue/salvage/disk/vmdk_mend.h"

#include <string.h>

enum {
    SECTOR = 512,
    TABLE_SECTORS = 4,
    TABLE_ENTRIES = 512,
    GRAIN_SECTORS = 128,
    TABLES_LEAST = 4,
    TABLES_MOST = 1 << 16, /* of a disk of 2 TiB */
    LOOK_MOST = 512 << 20,
    HOLE_MOST = 8 << 20,
    PUT_MOST = 32 << 20,
};

struct directory {
    uint64_t at;     /* of the one that was found, and the other's place; 0: before the file */
    uint64_t tables; /* where its tables begin */
    uint64_t other;  /* the same of the other copy; 0: there is none */
    uint32_t count;  /* of tables */
};

static const uint8_t *at(const struct mend *mend, uint64_t from)
{
    return mend->salvage->file.at + from;
}

static bool plain(const struct mend *mend, uint64_t from, uint64_t size)
{
    return bytes_has(mend->salvage->file, from, size) &&
           map_is_plain(&mend->salvage->map, from, from + size);
}

/* How many tables a directory at `here` has; 0: there is none. */
static uint32_t directory_at(const struct mend *mend, uint64_t here)
{
    bytes file = mend->salvage->file;
    const uint8_t *p = file.at + here;
    uint32_t first = load_le32(p), n = 1;
    if (first <= here / SECTOR || load_le32(p + 4) != first + TABLE_SECTORS ||
        load_le32(p + 8) != first + 2 * TABLE_SECTORS)
        return 0;
    while (n < TABLES_MOST && bytes_has(file, here + 4ull * n, 4) &&
           load_le32(p + 4 * (size_t)n) == first + n * TABLE_SECTORS)
        n++;
    uint64_t sectors = (4ull * n + SECTOR - 1) / SECTOR;
    return n >= TABLES_LEAST && here / SECTOR + sectors == first &&
                   plain(mend, here, 4ull * n) &&
                   bytes_has(file, (uint64_t)first * SECTOR,
                             (uint64_t)n * TABLE_SECTORS * SECTOR)
               ? n
               : 0;
}

/* An entry of a table: what it holds, or -1 where it is lost; of tables the first grain that
 * can be is behind them. */
static int64_t entry_of(const struct mend *mend, uint64_t tables, uint64_t i)
{
    if (!tables || !plain(mend, tables + 4 * i, 4))
        return -1;
    return load_le32(at(mend, tables + 4 * i));
}

static int64_t known(const struct mend *mend, const struct directory *directory, uint64_t i)
{
    int64_t value = entry_of(mend, directory->tables, i);
    return value < 0 ? entry_of(mend, directory->other, i) : value;
}

/* The entries [from, to) of the tables in force are lost. */
static void fill(struct mend *mend, const struct directory *directory, uint64_t from,
                 uint64_t to)
{
    uint64_t n = to - from, all = (uint64_t)directory->count * TABLE_ENTRIES;
    uint8_t *entries = arena_push(mend->salvage->arena, (size_t)n * 4);
    int64_t before = from ? known(mend, directory, from - 1) : -1;
    uint64_t behind = from;
    for (uint64_t i = from; entries && i < to; i++) {
        int64_t value = entry_of(mend, directory->other, i);
        if (value < 0) {
            /* The next that is known, once for each stretch. */
            for (behind = behind > i ? behind : i + 1;
                 behind < all && behind < to + 1 && known(mend, directory, behind) < 0;
                 behind++)
                ;
            int64_t next = behind < all ? known(mend, directory, behind) : -1;
            int64_t step = GRAIN_SECTORS;
            if (before > 1 && next > 1 && next - before == (int64_t)(behind - i + 1) * step)
                value = before + step;
        }
        before = value;
        for (unsigned k = 0; value > 0 && k < 4; k++)
            entries[4 * (i - from) + k] = (uint8_t)((uint64_t)value >> 8 * k);
    }
    if (entries)
        (void)mend_put(mend, directory->tables + 4 * from, entries, (size_t)n * 4);
}

static void mend_tables(struct mend *mend, const struct directory *directory)
{
    const struct map *map = &mend->salvage->map;
    uint64_t first = directory->tables, put = 0;
    uint64_t end = first + (uint64_t)directory->count * TABLE_SECTORS * SECTOR;
    for (uint64_t here = first; here < end && put < PUT_MOST;) {
        uint64_t from = map_plain_end(map, here, end), to = map_plain_next(map, from, end);
        here = to;
        if (from >= end || to - from > HOLE_MOST ||
            !budget_charge(mend->salvage->budget, (to - from) * 4))
            continue;
        fill(mend, directory, (from - first) / 4, (to - first + 3) / 4);
        put += to - from;
    }
}

static void put_le(uint8_t *to, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

bool vmdk_mend(struct mend *mend)
{
    uint8_t header[SECTOR] = "KDMV";
    uint64_t size = mend->salvage->file.len, most = size < LOOK_MOST ? size : LOOK_MOST;
    struct directory directory = {.count = 0};
    for (uint64_t here = SECTOR; here + SECTOR <= most && !directory.count; here += SECTOR) {
        if (here % (SECTOR << 10) == 0 && !budget_charge(mend->salvage->budget, 1 << 12))
            return false;
        directory.count = directory_at(mend, here);
        directory.at = here;
    }
    if (!directory.count)
        return false;
    uint64_t tables = (uint64_t)directory.count * TABLE_SECTORS * SECTOR;
    uint64_t sectors = (4ull * directory.count + SECTOR - 1) / SECTOR * SECTOR;
    directory.tables = directory.at + sectors;
    /* The first copy when another follows at once, else the second. */
    uint64_t next = directory.tables + tables;
    if (bytes_has(mend->salvage->file, next, SECTOR) &&
        directory_at(mend, next) == directory.count)
        directory.other = next + sectors;
    else if (directory.at > sectors + tables)
        directory.other = directory.at - tables;
    mend_tables(mend, &directory);
    put_le(header + 4, 1, 4);
    put_le(header + 8, 3, 4);
    put_le(header + 12, (uint64_t)directory.count * TABLE_ENTRIES * GRAIN_SECTORS, 8);
    put_le(header + 20, GRAIN_SECTORS, 8);
    put_le(header + 44, TABLE_ENTRIES, 4);
    put_le(header + 48, directory.at / SECTOR, 8);
    put_le(header + 56, directory.at / SECTOR, 8);
    return mend_put(mend, 0, header, sizeof header);
}

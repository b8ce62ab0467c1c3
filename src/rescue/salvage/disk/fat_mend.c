/* How a volume is worked out:
 *   tables    two of the same contents are the copies; the first cluster lies behind the second
 *             (FAT16: behind the root folder)
 *   cluster   the length of a file's chain and its size
 *   clusters' begin   where folders say that they lie themselves ('.'), the root folder, and
 *             where files begin as their extension says
 * Then a boot sector is put before the first table, for the reader of src/unpack/image/fat.c.
 */
#include "rescue/salvage/disk/fat_mend.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECTOR = FAT_SECTOR,
    SIZES = 8,            /* of clusters: 512 bytes to 64 KiB */
    CHAINS_MOST = 512,    /* that are followed */
    CHAIN_MOST = 1 << 17, /* clusters of one */
    COUNTS_MOST = 1 << 22,
    ASKED_MOST = 256, /* entries whose begin is looked for */
    SAYS_FOLDER = 8,
    SAYS_ROOT = 2,
    ROOT16 = 512 * 32, /* the usual size of FAT16's root folder */
    ROOT16_MOST = 65535 * 32,
    ALIKE = 10, /* copies may differ in one sector of so many */
    HOLE_MOST = 8 << 20,
    PUT_MOST = 32 << 20,
    GUESSES_MOST = 1 << 16,
    LAST = 0x0fffffff,
};

struct volume {
    struct mend *mend;
    const struct fat_look *look;
    unsigned bits;
    uint64_t first, second; /* the tables; `second` 0: there is no other */
    uint64_t top;           /* behind what was seen of the table, in the first */
    uint64_t size;          /* of a table, as far as it can reach */
    uint64_t root, data;    /* FAT16: the root folder */
    uint32_t cluster, clusters;
    uint8_t *begun; /* a bit for each cluster with which something begins */
};

static bool plain(const struct mend *mend, uint64_t from, uint64_t size)
{
    return bytes_has(mend->salvage->file, from, size) &&
           map_is_plain(&mend->salvage->map, from, from + size);
}

static const uint8_t *at(const struct mend *mend, uint64_t from)
{
    return mend->salvage->file.at + from;
}

/* --- tables --- */

/* The cluster behind this one; 0 the last, 1 not known or damaged. */
static uint32_t next_of(const struct volume *volume, uint32_t cluster)
{
    uint64_t each = volume->bits / 8, place = cluster * each;
    uint64_t from = volume->first + place;
    if (place + each > volume->size)
        return 1;
    if (!plain(volume->mend, from, each)) {
        from = volume->second + place;
        if (!volume->second || !plain(volume->mend, from, each))
            return 1;
    }
    const uint8_t *p = at(volume->mend, from);
    uint32_t next = each == 4 ? load_le32(p) & LAST : load_le16(p);
    if (next >= (each == 4 ? 0x0ffffff8u : 0xfff8u))
        return 0;
    return next < 2 ? 1 : next;
}

/* Clusters of a chain; 0: not known. */
static uint32_t chain_length(const struct volume *volume, uint32_t cluster)
{
    uint32_t n = 0;
    for (; cluster > 1 && n < CHAIN_MOST; n++)
        cluster = next_of(volume, cluster);
    return cluster == 0 && budget_charge(volume->mend->salvage->budget, n) ? n : 0;
}

/* Whether two tables hold the same where both are plain. */
static bool alike(const struct mend *mend, uint64_t a, uint64_t b, uint64_t size)
{
    uint32_t same = 0, other = 0;
    for (uint64_t i = 0; i < size; i += SECTOR) {
        if (!plain(mend, a + i, SECTOR) || !plain(mend, b + i, SECTOR))
            continue;
        if (memcmp(at(mend, a + i), at(mend, b + i), SECTOR) == 0)
            same++;
        else
            other++;
    }
    return same + other == 0 || same >= other * ALIKE;
}

/* The table's head: medium, and a mark of how it was left; where it is lost, anything. */
static bool head_fits(const struct mend *mend, uint64_t from, unsigned bits)
{
    if (!plain(mend, from, 8))
        return true;
    const uint8_t *p = at(mend, from);
    return (p[0] >= 0xf8 || p[0] == 0xf0) && p[1] == 0xff &&
           (bits == 16 || (p[2] == 0xff && (p[3] & 0x0f) == 0x0f));
}

/* The second table of what begins with this one. */
static const struct fat_table *second_of(const struct volume *volume,
                                         const struct fat_table *first)
{
    const struct fat_look *look = volume->look;
    const struct fat_table *best = NULL;
    for (uint32_t i = 0; i < look->tables.n; i++) {
        const struct fat_table *table = &look->tables.at[i];
        if (table->bits == first->bits && table->from >= first->top &&
            (!best || table->from < best->from) &&
            head_fits(volume->mend, table->from, table->bits) &&
            alike(volume->mend, first->from, table->from, table->from - first->from))
            best = table;
    }
    return best;
}

/* --- the size of a cluster --- */

/* How many files are as long as their chains, for each size. */
static void count_chains(const struct volume *volume, uint32_t counts[static SIZES])
{
    const struct fat_look *look = volume->look;
    uint32_t step = look->entries.n / CHAINS_MOST + 1;
    memset(counts, 0, SIZES * sizeof *counts);
    for (uint32_t i = 0; i < look->entries.n; i += step) {
        const struct fat_entry *entry = &look->entries.at[i];
        uint32_t n = entry->size ? chain_length(volume, entry->cluster) : 0;
        for (unsigned k = 0; n && k < SIZES; k++)
            counts[k] += ((uint64_t)entry->size + (512u << k) - 1) / (512u << k) == n;
    }
}

/* --- where the clusters begin --- */

struct poll {
    const struct volume *volume;
    uint32_t cluster;
    uint64_t low, high; /* of what is asked for, both included */
    uint32_t *counts;   /* for each sector from `low` on */
};

static void say(struct poll *poll, uint64_t place, uint32_t cluster, uint32_t weight)
{
    uint64_t before = (uint64_t)(cluster - 2) * poll->cluster;
    if (before > place || place - before < poll->low || place - before > poll->high)
        return;
    uint64_t i = place - before - poll->low;
    if (i % SECTOR == 0)
        poll->counts[i / SECTOR] += weight;
}

static void ask(struct poll *poll)
{
    const struct fat_look *look = poll->volume->look;
    for (uint32_t i = 0; i < look->folders.n; i++) {
        const struct fat_folder *folder = &look->folders.at[i];
        if (folder->cluster >= 2)
            say(poll, folder->from, folder->cluster, SAYS_FOLDER);
        else if (poll->volume->bits == 32)
            say(poll, folder->from, 2, SAYS_ROOT);
        else
            say(poll, folder->from + ROOT16, 2, SAYS_ROOT);
    }
    uint32_t step = look->entries.n / ASKED_MOST + 1;
    for (uint32_t i = 0; i < look->entries.n; i += step) {
        const struct fat_entry *entry = &look->entries.at[i];
        if (!entry->kinds || !budget_charge(poll->volume->mend->salvage->budget, look->marks.n))
            continue;
        for (uint32_t k = 0; k < look->marks.n; k++)
            if (look->marks.at[k].kind & entry->kinds)
                say(poll, look->marks.at[k].at, entry->cluster, 1);
    }
}

/* The best begin with clusters of this size; how much speaks for it. */
static uint32_t find_data(const struct volume *volume, uint32_t cluster, uint64_t *ret)
{
    struct salvage *salvage = volume->mend->salvage;
    uint64_t most = salvage->file.len / cluster * (volume->bits / 8);
    struct poll poll = {.volume = volume, .cluster = cluster};
    if (volume->second) {
        poll.low = volume->second + (volume->second - volume->first);
        poll.high = poll.low + (volume->bits == 32 ? 0 : ROOT16_MOST);
    } else {
        poll.low = volume->top;
        poll.high = volume->first + 2 * most + (1 << 20);
    }
    uint64_t n = (poll.high - poll.low) / SECTOR + 1;
    if (poll.high < poll.low || n > COUNTS_MOST)
        return 0;
    struct arena_mark mark = arena_mark(salvage->arena);
    uint32_t best = 0;
    poll.counts = PUSH_ARRAY(salvage->arena, uint32_t, (size_t)n);
    if (poll.counts)
        ask(&poll);
    for (uint64_t i = 0; poll.counts && i < n; i++)
        if (poll.counts[i] > best) {
            best = poll.counts[i];
            *ret = poll.low + i * SECTOR;
        }
    arena_pop(salvage->arena, mark);
    return best;
}

/* Sizes that fit as many chains as the best are tried with what lies there. */
static bool find_clusters(struct volume *volume)
{
    uint32_t counts[SIZES], most = 0, best = 0;
    count_chains(volume, counts);
    for (unsigned k = 0; k < SIZES; k++)
        most = counts[k] > most ? counts[k] : most;
    for (unsigned k = 0; most && k < SIZES; k++) {
        uint64_t data = 0;
        uint32_t says = counts[k] == most ? find_data(volume, 512u << k, &data) : 0;
        if (says > best) {
            best = says;
            volume->cluster = 512u << k;
            volume->data = data;
        }
    }
    return best >= SAYS_ROOT;
}

/* --- putting it back --- */

static void note_begun(struct volume *volume)
{
    const struct fat_look *look = volume->look;
    volume->begun =
        PUSH_ARRAY(volume->mend->salvage->arena, uint8_t, (size_t)volume->clusters / 8 + 1);
    if (!volume->begun)
        return;
    for (uint32_t i = 0; i < look->entries.n; i++) {
        uint32_t n = look->entries.at[i].cluster - 2;
        if (n < volume->clusters)
            volume->begun[n / 8] |= (uint8_t)(1u << n % 8);
    }
}

/* The folder that lies at `place`, or NULL. */
static const struct fat_folder *folder_at(const struct volume *volume, uint64_t place)
{
    const struct fat_look *look = volume->look;
    uint32_t low = 0, high = look->folders.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (look->folders.at[middle].to <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low < look->folders.n && look->folders.at[low].from <= place ? &look->folders.at[low]
                                                                        : NULL;
}

/* What follows a cluster where no table tells: the next one, unless something begins with it.
 */
static uint32_t guess(const struct volume *volume, uint32_t cluster)
{
    uint32_t n = cluster - 1;
    if (cluster < 2 || n >= volume->clusters || !volume->begun ||
        (volume->begun[n / 8] >> n % 8 & 1))
        return LAST;
    uint64_t place = volume->data + (uint64_t)(cluster - 2) * volume->cluster;
    const struct fat_folder *here = folder_at(volume, place);
    const struct fat_folder *next = folder_at(volume, place + volume->cluster);
    if (next ? next->cluster && next->from == place + volume->cluster : here != NULL)
        return LAST;
    return cluster + 1;
}

/* That a cluster follows the one before. */
static void note_guess(const struct volume *volume, uint32_t cluster)
{
    struct mend *mend = volume->mend;
    if (cluster < 2 || cluster - 2 >= volume->clusters)
        return;
    uint64_t from = volume->data + (uint64_t)(cluster - 2) * volume->cluster;
    struct map_range *last = mend->guessed.n ? &mend->guessed.at[mend->guessed.n - 1] : NULL;
    if (last && last->to == from) {
        last->to += volume->cluster;
        return;
    }
    struct map_range *range =
        mend->guessed.n < GUESSES_MOST ? vec_push(mend->salvage->arena, &mend->guessed) : NULL;
    if (range)
        *range = (struct map_range){from, from + volume->cluster};
}

/* The bytes [from, to) of the table, which are lost in the first: whole entries of it. */
static void fill(const struct volume *volume, uint64_t from, uint64_t to)
{
    struct mend *mend = volume->mend;
    struct arena *arena = mend->salvage->arena;
    uint32_t each = volume->bits / 8;
    uint8_t *entries = arena_push_raw(arena, (size_t)(to - from));
    for (uint64_t i = from; entries && i < to; i += each) {
        uint64_t here = volume->first + i;
        if (!plain(mend, here, each))
            here = volume->second ? volume->second + i : 0;
        if (here && plain(mend, here, each)) {
            memcpy(entries + (i - from), at(mend, here), each);
            continue;
        }
        uint32_t next = guess(volume, (uint32_t)(i / each));
        if (next != LAST)
            note_guess(volume, next);
        for (uint32_t k = 0; k < each; k++)
            entries[i - from + k] = (uint8_t)(next >> 8 * k);
    }
    if (entries)
        (void)mend_put(mend, volume->first + from, entries, (size_t)(to - from));
}

static void mend_table(const struct volume *volume)
{
    const struct map *map = &volume->mend->salvage->map;
    uint64_t each = volume->bits / 8, end = volume->first + (volume->clusters + 2ull) * each;
    uint64_t put = 0;
    for (uint64_t here = volume->first; here < end && put < PUT_MOST;) {
        uint64_t from = map_plain_end(map, here, end), to = map_plain_next(map, from, end);
        here = to;
        if (from >= end || to - from > HOLE_MOST)
            continue;
        from = (from - volume->first) / each * each;
        to = (to - volume->first + each - 1) / each * each;
        fill(volume, from, to);
        put += to - from;
        if (!budget_charge(volume->mend->salvage->budget, (to - from) / each * 4))
            return;
    }
}

static void put_le(uint8_t *to, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

/* One table reaches to the root folder or the clusters: what is between is not asked for. */
static void put_boot(struct volume *volume)
{
    uint8_t boot[SECTOR] = {0xeb, 0, 0x90};
    bool wide = volume->bits == 32;
    uint64_t from = volume->first - SECTOR, root = wide ? volume->data : volume->root;
    uint64_t end = volume->data + (uint64_t)volume->clusters * volume->cluster;
    uint32_t root_cluster = 2;
    if (end > volume->mend->salvage->file.len ||
        !mend_volume_add(volume->mend, from, end - from, "fat"))
        return;
    /* The root is not always the first: a folder that names no cluster of its own. */
    for (uint32_t i = 0; wide && i < volume->look->folders.n; i++) {
        const struct fat_folder *folder = &volume->look->folders.at[i];
        uint64_t inside = folder->from - volume->data;
        if (plain(volume->mend, volume->data, SECTOR) && !folder_at(volume, volume->data) &&
            !folder->cluster && folder->from > volume->data && folder->from < end &&
            inside % volume->cluster == 0) {
            root_cluster = (uint32_t)(inside / volume->cluster) + 2;
            break;
        }
    }
    put_le(boot + 11, SECTOR, 2);
    boot[13] = (uint8_t)(volume->cluster / SECTOR);
    put_le(boot + 14, 1, 2);
    boot[16] = 1;
    put_le(boot + 17, wide ? 0 : (volume->data - volume->root) / 32, 2);
    boot[21] = 0xf8;
    put_le(boot + (wide ? 36 : 22), (root - volume->first) / SECTOR, wide ? 4 : 2);
    put_le(boot + 32, (end - from) / SECTOR, 4);
    put_le(boot + 44, root_cluster, 4);
    (void)mend_put(volume->mend, from, boot, sizeof boot);
}

/* Cut to what a table can tell of and to what is there. */
static bool finish(struct volume *volume)
{
    uint64_t most = volume->bits == 32 ? 0x0ffffff5 : 65524, each = volume->bits / 8;
    uint64_t left = volume->mend->salvage->file.len;
    if (volume->data >= left || volume->data <= volume->first || volume->cluster == 65536 * 2)
        return false;
    uint64_t clusters = (left - volume->data) / volume->cluster;
    uint64_t told =
        (volume->second ? volume->second - volume->first : volume->data - volume->first) /
            each -
        2;
    clusters = clusters < told ? clusters : told;
    volume->clusters = (uint32_t)(clusters < most ? clusters : most);
    volume->root = volume->data - ROOT16;
    if (volume->second && volume->bits == 16)
        volume->root = 2 * volume->second - volume->first;
    return volume->clusters >= (volume->bits == 16 ? 4085 : 1) &&
           (volume->bits == 32 || volume->root < volume->data);
}

/* --- which volumes there are --- */

static void find_volume(struct mend *mend, const struct fat_look *look,
                        const struct fat_table *first)
{
    struct volume volume = {.mend = mend,
                            .look = look,
                            .bits = first->bits,
                            .first = first->from,
                            .top = first->top};
    if ((first->seen < 2 && !plain(mend, first->from, 8)) || first->from < SECTOR ||
        first->from % SECTOR || mend_is_known(mend, first->from) ||
        !head_fits(mend, first->from, first->bits))
        return;
    const struct fat_table *second = second_of(&volume, first);
    volume.second = second ? second->from : 0;
    volume.size = second ? second->from - first->from : mend->salvage->file.len - first->from;
    if (!find_clusters(&volume) || !finish(&volume))
        return;
    note_begun(&volume);
    put_boot(&volume);
    mend_table(&volume);
}

/* A volume whose boot sector is there, but not all of its table. */
static void mend_known(struct mend *mend, const struct fat_look *look,
                       const struct mend_volume *found)
{
    const uint8_t *boot = at(mend, found->from);
    uint64_t sector = load_le16(boot + 11), before = load_le16(boot + 14), tables = boot[16];
    uint64_t table = load_le16(boot + 22) ? load_le16(boot + 22) : load_le32(boot + 36);
    uint64_t entries = load_le16(boot + 17), left = mend->salvage->file.len;
    struct volume volume = {.mend = mend,
                            .look = look,
                            .bits = load_le16(boot + 22) ? 16 : 32,
                            .first = found->from + before * sector,
                            .size = table * sector,
                            .cluster = (uint32_t)sector * boot[13]};
    volume.data = volume.first + tables * volume.size + entries * 32;
    if (!volume.cluster || !table || volume.data >= left || tables > 8)
        return;
    volume.second = tables > 1 ? volume.first + volume.size : 0;
    if (!finish(&volume))
        return;
    note_begun(&volume);
    mend_table(&volume);
}

static int compare(const void *a, const void *b)
{
    const struct map_range *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

static void find_volumes(struct mend *mend, const struct fat_look *look)
{
    /* The first tables first: seconds then lie in volumes that are known. */
    for (uint64_t least = 0;;) {
        const struct fat_table *next = NULL;
        for (uint32_t i = 0; i < look->tables.n; i++)
            if (look->tables.at[i].from >= least &&
                (!next || look->tables.at[i].from < next->from))
                next = &look->tables.at[i];
        if (!next)
            return;
        find_volume(mend, look, next);
        least = next->from + 1;
    }
}

void fat_mend(struct mend *mend, const struct fat_look *look)
{
    for (uint32_t i = 0, n = mend->volumes.n; i < n; i++)
        if (strcmp(mend->volumes.at[i].kind, "fat") == 0)
            mend_known(mend, look, &mend->volumes.at[i]);
    find_volumes(mend, look);
    if (mend->guessed.n > 1)
        qsort(mend->guessed.at, mend->guessed.n, sizeof *mend->guessed.at, compare);
}

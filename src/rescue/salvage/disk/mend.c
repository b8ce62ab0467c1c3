/* Copies that survive a lost head.
 *     ext2 to 4: superblocks (56 magic ef53, 24 block size, 32 blocks of a group, 90 number of
 * the group, 4 blocks) at the head of groups 1 and powers of 3, 5, 7, each followed by the
 * groups' table
 *     XFS: a superblock at the head of each group, and behind it which group that is
 *     NTFS: the last sector of the volume is its boot sector (40: sectors); $MFTMirr (56) has
 * the first four records of $MFT (48) GPT: its table and header at the end of the disk are not
 * needed: volumes are found by themselves qcow2: the header's values follow from the first
 * level table, in the fourth cluster (as qemu-img lays images out) VHDX: the two headers' and
 * tables' copies are read wherever one survives; only the mark at 0 has none */
#include "rescue/salvage/disk/mend.h"

#include "rescue/salvage/disk/fat_mend.h"
#include "rescue/salvage/disk/ntfs_mend.h"
#include "rescue/salvage/disk/vmdk_mend.h"

#include <string.h>

enum {
    SECTOR = 512,
    SUPER = 1024,
    SUPER_SIZE = 1024,
    MFT_COPIES = 4,
    VOLUMES_MOST = 256,
    CLUSTER = 65536,
    LOOK_MOST = 1 << 16,
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

bool mend_put(struct mend *mend, uint64_t to, const uint8_t *from, size_t size)
{
    struct salvage *salvage = mend->salvage;
    if (mend->looks || !bytes_has(salvage->file, to, size))
        return false;
    if (salvage->window)
        return window_put(salvage->window, to, from, size, salvage->arena);
    if (salvage->patch)
        memmove(salvage->patch + to, from, size);
    return salvage->patch != NULL;
}

static bool is_super(const uint8_t *p, uint64_t *ret_size)
{
    uint32_t blocks = load_le32(p + 4), shift = load_le32(p + 24);
    *ret_size = (uint64_t)blocks << (10 + (shift < 7 ? shift : 0));
    return load_le16(p + 56) == 0xef53 && shift < 7 && blocks > 8 && load_le32(p + 32) >= 256 &&
           load_le32(p + 32) <= 8u << (10 + shift) && load_le32(p + 40) &&
           load_le32(p) >= load_le32(p + 40) / 2 && load_le16(p + 58) < 8;
}

struct mend_volume *mend_volume_add(struct mend *mend, uint64_t from, uint64_t size,
                                    const char *kind)
{
    for (uint32_t i = 0; i < mend->volumes.n; i++)
        if (mend->volumes.at[i].from == from)
            return NULL;
    struct mend_volume *volume =
        mend->volumes.n < VOLUMES_MOST ? vec_push(mend->salvage->arena, &mend->volumes) : NULL;
    if (volume)
        *volume = (struct mend_volume){from, size, kind};
    return volume;
}

bool mend_is_known(const struct mend *mend, uint64_t place)
{
    for (uint32_t i = 0; i < mend->volumes.n; i++) {
        const struct mend_volume *volume = &mend->volumes.at[i];
        if (place >= volume->from && place - volume->from < volume->size)
            return true;
    }
    return false;
}

/* The copy in a group at `super`: where the file system begins, and the head put back. */
static void take_super(struct mend *mend, uint64_t super)
{
    const uint8_t *p = at(mend, super);
    uint64_t size, block, from;
    if (!is_super(p, &size))
        return;
    block = 1024u << load_le32(p + 24);
    uint64_t group = load_le16(p + 90), first = load_le32(p + 20);
    if (group == 0) {
        if (super >= SUPER)
            (void)mend_volume_add(mend, super - SUPER, size, "ext");
        return;
    }
    uint64_t inside = (group * load_le32(p + 32) + first) * block;
    if (inside > super)
        return;
    from = super - inside;
    if (plain(mend, from + SUPER, SUPER_SIZE) &&
        load_le16(at(mend, from + SUPER + 56)) == 0xef53)
        return; /* not needed */
    if (!mend_volume_add(mend, from, size, "ext"))
        return;
    uint64_t groups = (load_le32(p + 4) + load_le32(p + 32) - 1) / load_le32(p + 32);
    uint64_t table = groups * (load_le32(p + 96) & 0x80 ? load_le16(p + 254) : 32);
    /* The table follows the block of the superblock, here and at the head. */
    if (table < (64u << 20) && plain(mend, super + block, table))
        (void)mend_put(mend, from + (first + 1) * block, at(mend, super + block),
                       (size_t)table);
    (void)mend_put(mend, from + SUPER, p, SUPER_SIZE);
    const uint8_t none[2] = {0, 0};
    (void)mend_put(mend, from + SUPER + 90, none, 2);
}

static bool is_boot(const uint8_t *p)
{
    uint32_t sector = load_le16(p + 11), each = p[13];
    return memcmp(p + 3, "NTFS    ", 8) == 0 && p[510] == 0x55 && p[511] == 0xaa &&
           sector >= 256 && sector <= 4096 && each && each <= 128 && load_le64(p + 40) &&
           load_le64(p + 40) < UINT64_MAX / 8192;
}

/* The first records of the table, out of the mirror, where they are lost. */
void mend_records(struct mend *mend, uint64_t from, const uint8_t *boot)
{
    uint64_t cluster = (uint64_t)load_le16(boot + 11) * boot[13];
    uint64_t table = from + load_le64(boot + 48) * cluster;
    uint64_t mirror = from + load_le64(boot + 56) * cluster, size = 1024;
    if (boot[64] < 128)
        size = boot[64] * cluster;
    if (load_le64(boot + 48) > UINT32_MAX || load_le64(boot + 56) > UINT32_MAX ||
        plain(mend, table, size) || size > 65536)
        return;
    for (int i = 0; i < MFT_COPIES; i++, table += size, mirror += size)
        if (plain(mend, mirror, size) && memcmp(at(mend, mirror), "FILE", 4) == 0)
            (void)mend_put(mend, table, at(mend, mirror), (size_t)size);
}

static void take_boot(struct mend *mend, uint64_t here)
{
    uint8_t boot[SECTOR];
    memcpy(boot, at(mend, here), sizeof boot);
    if (!is_boot(boot))
        return;
    uint64_t sectors = load_le64(boot + 40), size = sectors * load_le16(boot + 11);
    /* Its own place tells which one it is: a volume begins here, or ends here. */
    bool first =
        plain(mend, here + load_le64(boot + 56) * load_le16(boot + 11) * boot[13], 4) &&
        memcmp(at(mend, here + load_le64(boot + 56) * load_le16(boot + 11) * boot[13]), "FILE",
               4) == 0;
    uint64_t from = first ? here : here - (size < here ? size : here);
    if (!mend_volume_add(mend, from, size + SECTOR, "ntfs"))
        return;
    if (!first)
        (void)mend_put(mend, from, boot, sizeof boot);
    mend_records(mend, from, boot);
}

static bool is_fat(const uint8_t *p)
{
    uint32_t sector = load_le16(p + 11);
    return (p[0] == 0xeb || p[0] == 0xe9) && p[510] == 0x55 && p[511] == 0xaa &&
           (memcmp(p + 54, "FAT1", 4) == 0 || memcmp(p + 82, "FAT32", 5) == 0) &&
           sector >= 512 && sector <= 4096 && p[13] && !(p[13] & (p[13] - 1)) && p[16];
}

/* FAT32 keeps a copy of its first sector in the sixth behind it. */
static void take_fat(struct mend *mend, uint64_t here)
{
    uint8_t boot[SECTOR];
    memcpy(boot, at(mend, here), sizeof boot);
    if (!is_fat(boot))
        return;
    uint64_t sector = load_le16(boot + 11);
    uint64_t sectors = load_le16(boot + 19) ? load_le16(boot + 19) : load_le32(boot + 32);
    uint64_t copy = load_le16(boot + 50) * sector, from = here;
    bool wide = memcmp(boot + 82, "FAT32", 5) == 0;
    if (wide && here >= copy && !plain(mend, here - copy, SECTOR)) {
        from = here - copy;
        (void)mend_put(mend, from, boot, sizeof boot);
    } else if (wide && here >= copy && is_fat(at(mend, here - copy))) {
        return; /* the copy itself */
    }
    (void)mend_volume_add(mend, from, sectors * sector, "fat");
}

/* XFS keeps a copy of its superblock (4 size of a block, 84 blocks of a group, 102 size of a
 * sector) at the head of each group; the sector behind it says which one it is (XAGF, 8
 * number). */
static void take_xfs(struct mend *mend, uint64_t here)
{
    const uint8_t *p = at(mend, here);
    uint64_t block = load_be32(p + 4), sector = load_be16(p + 102);
    uint64_t group_size = block * load_be32(p + 84), size = block * load_be64(p + 8);
    if (block < 512 || block > 65536 || sector < 512 || sector > 32768 || group_size == 0 ||
        size / block != load_be64(p + 8) || !plain(mend, here + sector, 12) ||
        memcmp(at(mend, here + sector), "XAGF", 4) != 0)
        return;
    uint64_t group = load_be32(at(mend, here + sector) + 8);
    if (group > here / group_size)
        return;
    uint64_t from = here - group * group_size;
    bool lost = !plain(mend, from, SECTOR);
    if (mend_volume_add(mend, from, size, "xfs") && group > 0 && lost)
        (void)mend_put(mend, from, p, SECTOR);
}

/* What volumes without a boot sector are worked out from. */
struct looks {
    struct fat_look fat;
    struct ntfs_look ntfs;
};

/* `looks`: where that is noted, or NULL. */
static void scan(struct mend *mend, uint32_t most, struct looks *looks)
{
    uint64_t size = mend->salvage->file.len;
    for (uint64_t here = 0; here + SUPER_SIZE <= size && mend->volumes.n < most;
         here += SECTOR) {
        if (here % (SECTOR << 10) == 0 && !budget_charge(mend->salvage->budget, 1 << 14))
            return;
        const uint8_t *p = at(mend, here);
        if (p[56] == 0x53 && p[57] == 0xef && plain(mend, here, SUPER_SIZE))
            take_super(mend, here);
        if (p[0] == 'X' && memcmp(p, "XFSB", 4) == 0 && plain(mend, here, SECTOR))
            take_xfs(mend, here);
        if (looks && p[0] == 'F' && memcmp(p, "FILE", 4) == 0)
            ntfs_look_at(&looks->ntfs, here);
        else if (looks)
            fat_look_at(&looks->fat, here);
        if (p[510] != 0x55 || p[511] != 0xaa || !plain(mend, here, SECTOR))
            continue;
        if (p[3] == 'N')
            take_boot(mend, here);
        else
            take_fat(mend, here);
    }
    /* The last sector alone. */
    if (size >= SECTOR && mend->volumes.n < most) {
        for (uint64_t here = (size - SECTOR) / SECTOR * SECTOR;
             here + SUPER_SIZE > size - SECTOR && plain(mend, here, SECTOR); here -= SECTOR) {
            if (at(mend, here)[3] == 'N')
                take_boot(mend, here);
            if (here < SECTOR)
                return;
        }
    }
}

bool mend_looks_like_disk(struct salvage *salvage)
{
    struct mend mend = {.salvage = salvage, .looks = true};
    const char *magic = (const char *)salvage->file.at;
    if (salvage->file.len < LOOK_MOST)
        return false;
    if (memcmp(magic, "QFI\xfb", 4) == 0 || memcmp(magic, "KDMV", 4) == 0 ||
        memcmp(magic, "vhdxfile", 8) == 0 || memcmp(magic, "conectix", 8) == 0)
        return true;
    scan(&mend, 1, NULL);
    return mend.volumes.n > 0;
}

/* --- virtual disks --- */

static void put_be32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A first level table: big endian places of clusters, with the highest bit set. */
static uint32_t first_level(const struct mend *mend, uint64_t where)
{
    uint64_t size = mend->salvage->file.len;
    uint32_t n = 0, used = 0;
    if (!plain(mend, where, CLUSTER))
        return 0;
    for (; n < CLUSTER / 8; n++) {
        uint64_t entry = load_be64(at(mend, where + 8ull * n));
        if (entry && ((entry >> 63) == 0 || (entry & (CLUSTER - 1)) ||
                      (entry & ~((uint64_t)1 << 63)) >= size))
            return 0;
        if (entry)
            used = n + 1;
    }
    return used;
}

static bool mend_qcow(struct mend *mend)
{
    uint8_t header[112] = "QFI\xfb";
    uint64_t where = 3 * (uint64_t)CLUSTER;
    uint32_t n = first_level(mend, where);
    if (!n)
        return false;
    put_be32(header + 4, 3);
    put_be32(header + 20, 16);
    /* The disk's size is not known any more: as far as the table reaches. */
    put_be32(header + 24, n >> 3);
    put_be32(header + 28, n << 29);
    put_be32(header + 36, n);
    put_be32(header + 44, (uint32_t)where);
    put_be32(header + 100, sizeof header - 8);
    return mend_put(mend, 0, header, sizeof header);
}

static bool mend_vhdx(struct mend *mend)
{
    for (uint64_t where = 3 * (uint64_t)CLUSTER; where <= 4 * (uint64_t)CLUSTER;
         where += CLUSTER)
        if (plain(mend, where, 16) && memcmp(at(mend, where), "regi", 4) == 0)
            return mend_put(mend, 0, (const uint8_t *)"vhdxfile", 8);
    return false;
}

/* Ciphertext, so that nobody takes it for a table. */
static void blank(struct mend *mend)
{
    struct salvage *salvage = mend->salvage;
    const struct map *map = &salvage->map;
    if (salvage->window)
        window_blank(salvage->window, map);
    else if (salvage->patch)
        for (uint64_t at = 0, size = salvage->file.len; at < size;) {
            uint64_t end = map_plain_end(map, at, size);
            at = map_plain_next(map, end, size);
            memset(salvage->patch + end, 0, (size_t)(at - end));
        }
}

void mend_disk(struct mend *mend)
{
    static const char *const marks[] = {"QFI\xfb", "KDMV", "COWD", "conectix"};
    struct salvage *salvage = mend->salvage;
    bool head = plain(mend, 0, SECTOR);
    blank(mend);
    for (size_t i = 0; head && i < COUNT(marks); i++)
        mend->container |= memcmp(salvage->file.at, marks[i], strlen(marks[i])) == 0;
    if (head && memcmp(salvage->file.at, "vhdxfile", 8) == 0)
        mend->container = true;
    if (!mend->container && !head &&
        (salvage_named(salvage, "qcow2") || salvage_named(salvage, "qcow")))
        mend->container = mend_qcow(mend);
    if (!mend->container && !head && salvage_named(salvage, "vhdx"))
        mend->container = mend_vhdx(mend);
    if (!mend->container && !head && salvage_named(salvage, "vmdk"))
        mend->container = vmdk_mend(mend);
    if (!mend->container) {
        struct looks looks = {.fat = {.salvage = salvage}, .ntfs = {.salvage = salvage}};
        scan(mend, VOLUMES_MOST, &looks);
        fat_mend(mend, &looks.fat);
        ntfs_mend(mend, &looks.ntfs);
    }
}

/* Compound files, [MS-CFB], little endian.
 *
 *   2.2  header, 512 bytes   0 magic d0cf11e0a1b11ae1   24 u16 minor   26 u16 major 3 or 4
 *                            28 u16 byte order fffe     30 u16 sector shift 9 or 12
 *                            32 u16 mini sector shift 6  44 u32 FAT sectors
 *                            48 u32 first directory sector   56 u32 cutoff 4096
 *                            60 u32 first mini FAT sector, 64 u32 their number
 *                            68 u32 first DIFAT sector, 72 u32 their number
 *                            76 u32[109] the first FAT sectors
 *   Sector n lies at (n + 1) << shift.
 *   2.3  FAT     for each sector the next of its chain; fffffffe ends it
 *   2.4  mini FAT: the same for sectors of 64 bytes in the stream of the root entry, which
 *        hold all streams shorter than the cutoff
 *   2.5  DIFAT   sectors of FAT sector numbers, the last number: the next such sector
 *   2.6  directory, entries of 128 bytes   0 name, UTF-16   64 u16 its bytes with NUL
 *        66 u8 type   68 left, 72 right, 76 child   80 class   116 start   120 u64 size
 *
 * Hostile files have loops, chains that lead nowhere and entries that no storage leads to:
 * chains are read no further than the stream's size or all sectors there are, and entries that
 * are not reached are found by walking the directory's sectors. */
#include "unpack/document/ole2.h"
#include "base/unicode.h"

#include "unpack/document/text.h"

#include <string.h>

enum {
    HEADER_SIZE = 512,
    ENTRY_SIZE = 128,
    MINI_SHIFT = 6,
    DIFAT_AT = 76,
    DIFAT_IN_HEADER = 109,
    DEPTH_MAX = 32,       /* storages in storages that a path shows */
    STREAMS_PER_FILE = 4, /* streams that share sectors cost at most this many files */
};

#define CHAIN_END   0xfffffffeu
#define SECTOR_LAST 0xfffffff9u /* greater: end of chain, free, of the tables */

/* --- sectors --- */

static bytes sector_at(const struct ole2 *ole, uint32_t sector)
{
    if (sector > SECTOR_LAST)
        return (bytes){NULL, 0};
    uint64_t at = ((uint64_t)sector + 1) << ole->shift;
    return at < ole->file.len ? bytes_slice(ole->file, (size_t)at, (size_t)1 << ole->shift)
                              : (bytes){NULL, 0};
}

/* The number that a table (FAT or mini FAT) has for a sector. */
static uint32_t table_next(const struct ole2 *ole, const struct sectors *table, uint32_t sector)
{
    uint32_t next = OLE2_NONE, index = sector >> (ole->shift - 2);
    if (index < table->count) {
        uint32_t within = sector & ((1u << (ole->shift - 2)) - 1);
        (void)bytes_le32(sector_at(ole, table->at[index]), (uint64_t)within * 4, &next);
    }
    return next;
}

static uint64_t sectors_in_file(const struct ole2 *ole)
{
    return (ole->file.len >> ole->shift) + 1;
}

/* The sectors of a chain in the FAT. False when the arena or budget is used up. */
static bool chain_list(struct ole2 *ole, uint32_t first, const char *what, struct sectors *ret)
{
    VEC(uint32_t) list = {0};
    uint64_t max = sectors_in_file(ole);
    uint32_t at = first;
    for (; list.n < max && sector_at(ole, at).len; at = table_next(ole, &ole->fat, at)) {
        uint32_t *added =
            budget_charge(ole->unpack->budget, 4) ? vec_push(ole->unpack->arena, &list) : NULL;
        if (!added)
            return false;
        *added = at;
    }
    if (at <= SECTOR_LAST || (list.n && at != CHAIN_END))
        unpack_gap(ole->unpack, bytes_of(""), GAP_DAMAGED, "the chain of %s is broken", what);
    *ret = (struct sectors){list.at, list.n};
    return true;
}

/* The FAT's own sectors: 109 in the header, the rest in DIFAT sectors. */
static bool fat_list(struct ole2 *ole)
{
    VEC(uint32_t) list = {0};
    uint64_t max = sectors_in_file(ole);
    uint32_t difat = load_le32(ole->file.at + 68), per = (1u << (ole->shift - 2)) - 1;
    bytes table = bytes_slice(ole->file, DIFAT_AT, DIFAT_IN_HEADER * 4);
    for (uint64_t rounds = 0; rounds <= max / per + 1; rounds++) {
        for (size_t i = 0; i + 4 <= table.len && list.n < max; i += 4) {
            uint32_t sector = load_le32(table.at + i);
            if (sector > SECTOR_LAST)
                continue;
            uint32_t *added = vec_push(ole->unpack->arena, &list);
            if (!added || !budget_charge(ole->unpack->budget, 4))
                return false;
            *added = sector;
        }
        bytes next = sector_at(ole, difat);
        if (next.len < (size_t)per * 4 + 4)
            break;
        table = bytes_slice(next, 0, (size_t)per * 4);
        difat = load_le32(next.at + (size_t)per * 4);
    }
    ole->fat = (struct sectors){list.at, list.n};
    return true;
}

/* --- streams --- */

struct reader {
    const struct ole2 *ole;
    bool mini;
    uint32_t sector; /* the next */
    uint64_t left;   /* bytes */
};

static bytes reader_sector(const struct reader *reader)
{
    const struct ole2 *ole = reader->ole;
    if (!reader->mini)
        return sector_at(ole, reader->sector);
    uint64_t at = (uint64_t)reader->sector << MINI_SHIFT, index = at >> ole->shift;
    if (index >= ole->mini.count)
        return (bytes){NULL, 0};
    size_t within = (size_t)(at & (((uint64_t)1 << ole->shift) - 1));
    return bytes_slice(sector_at(ole, ole->mini.at[index]), within, 1 << MINI_SHIFT);
}

static struct reader reader_new(const struct ole2 *ole, uint32_t entry)
{
    const struct ole2_entry *it = &ole->entries[entry];
    /* A chain with a loop has no end: no stream is longer than the file. */
    uint64_t size = it->size < ole->file.len ? it->size : ole->file.len;
    return (struct reader){ole, it->type != OLE2_ROOT && it->size < ole->cutoff, it->start,
                           size};
}

/* The next run of sectors that lie one after the other. */
static bool reader_next(struct reader *reader, bytes *ret)
{
    const struct ole2 *ole = reader->ole;
    bytes run = {NULL, 0};
    while (reader->left && budget_charge(ole->unpack->budget, 4)) {
        bytes part = reader_sector(reader);
        if (part.len == 0 || (run.len && part.at != run.at + run.len))
            break;
        part.len = part.len < reader->left ? part.len : (size_t)reader->left;
        run = (bytes){run.len ? run.at : part.at, run.len + part.len};
        reader->left -= part.len;
        reader->sector =
            table_next(ole, reader->mini ? &ole->minifat : &ole->fat, reader->sector);
    }
    *ret = run;
    return run.len > 0;
}

bool ole2_hand_out(struct ole2 *ole, uint32_t entry, bytes name, bytes *ret_data)
{
    struct unpack *u = ole->unpack;
    uint64_t size = ole->entries[entry].size;
    struct reader reader = reader_new(ole, entry);
    bytes part;
    *ret_data = (bytes){NULL, 0};
    if (size > 0 && ole->left == 0) {
        unpack_gap(u, name, GAP_DAMAGED, "streams share their sectors");
        return true;
    }
    bool any = reader_next(&reader, &part);
    ole->left -= part.len < ole->left ? part.len : ole->left;
    if (part.len == size) {
        *ret_data = part;
        return unpack_view(u, name, part);
    }
    if (!unpack_begin(u, name))
        return false;
    for (; any; any = reader_next(&reader, &part)) {
        ole->left -= part.len < ole->left ? part.len : ole->left;
        if (!unpack_put(u, part))
            return false;
    }
    uint64_t got = unpack_written(u).len;
    if (got < size && !u->full)
        unpack_gap(u, name, GAP_DAMAGED, "cut short: %llu of %llu bytes",
                   (unsigned long long)got, (unsigned long long)size);
    return unpack_end_kept(u, ret_data);
}

bytes ole2_load(struct ole2 *ole, uint32_t entry)
{
    struct unpack *u = ole->unpack;
    struct reader reader = reader_new(ole, entry);
    bytes part;
    if (!reader_next(&reader, &part) || ole->left == 0 || reader.left == 0)
        return part;
    if (!unpack_begin(u, ole->entries[entry].name))
        return (bytes){NULL, 0};
    do {
        ole->left -= part.len < ole->left ? part.len : ole->left;
        if (!unpack_put(u, part))
            break;
    } while (reader_next(&reader, &part));
    return unpack_keep(u);
}

/* --- directory --- */

/* Installers keep two of 64 characters in one of UTF-16: 3800 + first + 64 * second, or 4800 +
 * one; 4840 marks names of tables. */
static bytes installer_name(struct arena *arena, bytes utf16)
{
    static const char set[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    uint8_t *at = arena_push_raw(arena, utf16.len * 2 + 4);
    size_t len = 0;
    for (size_t i = 0; at && i + 2 <= utf16.len; i += 2) {
        uint32_t c = load_le16(utf16.at + i), pair = c - 0x3800;
        if (c >= 0x3800 && c < 0x4800) {
            at[len++] = (uint8_t)set[pair & 0x3f];
            at[len++] = (uint8_t)set[pair >> 6];
        } else if (c >= 0x4800 && c < 0x4840) {
            at[len++] = (uint8_t)set[c & 0x3f];
        } else if (c == 0x4840) {
            at[len++] = '!';
        } else {
            len += utf8_put(at + len, c);
        }
    }
    return (bytes){at, at ? len : 0};
}

static bool entry_read(struct ole2 *ole, struct ole2_entry *ret, bytes raw, bool installer)
{
    struct arena *arena = ole->unpack->arena;
    uint16_t size = load_le16(raw.at + 64);
    bytes name = bytes_slice(raw, 0, size >= 2 && size <= 64 ? size - 2u : 62);
    if (size < 2 || size > 64) /* a lie: up to the first NUL */
        for (size_t i = 0; i + 2 <= name.len; i += 2)
            if (load_le16(name.at + i) == 0)
                name.len = i;
    ret->name = installer ? installer_name(arena, name) : text_utf8(arena, name);
    ret->type = raw.at[66];
    ret->left = load_le32(raw.at + 68);
    ret->right = load_le32(raw.at + 72);
    ret->child = load_le32(raw.at + 76);
    memcpy(ret->class_id, raw.at + 80, sizeof ret->class_id);
    ret->start = load_le32(raw.at + 116);
    /* The upper half is not always 0 in files with sectors of 512 bytes. */
    ret->size = ole->shift == 9 ? load_le32(raw.at + 120) : load_le64(raw.at + 120);
    ret->parent = OLE2_NONE;
    return ret->name.at != NULL;
}

static bool is_installer(bytes root)
{
    /* {000C1084-0000-0000-C000-000000000046}: package; ...82 transform; ...86 patch */
    static const uint8_t tail[15] = {0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};
    uint8_t first = root.at[80];
    return (first == 0x84 || first == 0x82 || first == 0x86) &&
           memcmp(root.at + 81, tail, sizeof tail) == 0;
}

static bool entries_read(struct ole2 *ole, const struct sectors *sectors)
{
    uint32_t per = (1u << ole->shift) / ENTRY_SIZE;
    bool installer = false;
    ole->entries =
        PUSH_ARRAY(ole->unpack->arena, struct ole2_entry, (size_t)sectors->count * per);
    for (uint32_t i = 0; ole->entries && i < sectors->count * per; i++) {
        bytes raw = bytes_slice(sector_at(ole, sectors->at[i / per]),
                                (size_t)(i % per) * ENTRY_SIZE, ENTRY_SIZE);
        if (raw.len < ENTRY_SIZE) {
            unpack_gap(ole->unpack, bytes_of(""), GAP_DAMAGED, "the directory is cut short");
            break;
        }
        if (i == 0)
            installer = is_installer(raw);
        if (!budget_charge(ole->unpack->budget, 32) ||
            !entry_read(ole, &ole->entries[i], raw, installer))
            return false;
        ole->count = i + 1;
    }
    return ole->entries != NULL;
}

/* The tree: every entry once, whatever leads to it. */
static bool tree_walk(struct ole2 *ole)
{
    uint32_t depth = 0;
    uint32_t *stack = PUSH_ARRAY(ole->unpack->arena, uint32_t, (size_t)ole->count + 1);
    ole->order = PUSH_ARRAY(ole->unpack->arena, uint32_t, (size_t)ole->count + 1);
    if (!stack || !ole->order || ole->count == 0)
        return false;
    ole->entries[0].reached = true;
    stack[depth++] = 0;
    while (depth) {
        uint32_t at = stack[--depth];
        const struct ole2_entry *it = &ole->entries[at];
        const uint32_t next[3] = {it->right, it->left,
                                  it->type == OLE2_STREAM ? OLE2_NONE : it->child};
        ole->order[ole->order_count++] = at;
        for (size_t i = 0; i < COUNT(next); i++) {
            if (next[i] >= ole->count || ole->entries[next[i]].reached || (at == 0 && i < 2))
                continue;
            ole->entries[next[i]].reached = true;
            ole->entries[next[i]].parent = i == 2 ? at : it->parent;
            stack[depth++] = next[i];
        }
    }
    return true;
}

/* Where the directory begins when the header does not say: at the name of its first entry. */
static uint32_t root_search(const struct ole2 *ole)
{
    static const uint8_t name[] = "R\0o\0o\0t\0 \0E\0n\0t\0r\0y"; /* and a NUL */
    const bytes needle = {name, sizeof name};
    size_t at = bytes_find(ole->file, needle, (size_t)1 << ole->shift);
    while (at != SIZE_MAX && (at & (((size_t)1 << ole->shift) - 1)) != 0)
        at = bytes_find(ole->file, needle, at + 1);
    return at == SIZE_MAX ? OLE2_NONE : (uint32_t)((at >> ole->shift) - 1);
}

static bool directory_read(struct ole2 *ole)
{
    struct sectors sectors;
    uint32_t first = load_le32(ole->file.at + 48);
    bytes root = sector_at(ole, first);
    if (root.len < ENTRY_SIZE || root.at[66] != OLE2_ROOT) {
        uint32_t found = root_search(ole);
        if (found == OLE2_NONE && root.len < ENTRY_SIZE)
            return false;
        unpack_gap(ole->unpack, bytes_of(""), GAP_DAMAGED, "the directory has no root");
        first = found == OLE2_NONE ? first : found;
    }
    return chain_list(ole, first, "the directory", &sectors) && entries_read(ole, &sectors) &&
           tree_walk(ole);
}

bool ole2_read(struct ole2 *ole, struct unpack *unpack)
{
    bytes none = bytes_of("");
    *ole = (struct ole2){.unpack = unpack, .file = unpack->data};
    ole->left = (uint64_t)ole->file.len * STREAMS_PER_FILE;
    if (ole->file.len < HEADER_SIZE) {
        unpack_gap(unpack, none, GAP_DAMAGED, "the header is cut short");
        return false;
    }
    ole->shift = load_le16(ole->file.at + 30);
    ole->cutoff = load_le32(ole->file.at + 56);
    if (ole->shift != 9 && ole->shift != 12) {
        unpack_gap(unpack, none, GAP_DAMAGED, "sectors of 2^%u bytes", ole->shift);
        ole->shift = load_le16(ole->file.at + 26) == 4 ? 12 : 9;
    }
    bool good = fat_list(ole) && directory_read(ole) &&
                chain_list(ole, load_le32(ole->file.at + 60), "the mini FAT", &ole->minifat) &&
                (ole->entries[0].size == 0 ||
                 chain_list(ole, ole->entries[0].start, "short streams", &ole->mini));
    if (!good)
        unpack_gap(unpack, none, unpack->budget->hit ? GAP_LIMIT : GAP_DAMAGED,
                   "the directory cannot be read");
    return good;
}

bytes ole2_path(const struct ole2 *ole, uint32_t entry)
{
    struct arena *arena = ole->unpack->arena;
    uint32_t parts[DEPTH_MAX], count = 0;
    size_t len = 0;
    for (uint32_t at = entry; at != 0 && at != OLE2_NONE && count < DEPTH_MAX;
         at = ole->entries[at].parent) {
        parts[count++] = at;
        len += ole->entries[at].name.len + 1;
    }
    uint8_t *to = arena_push_raw(arena, len + 1);
    bytes ret = {to, 0};
    if (!to)
        return bytes_of("");
    while (count--) {
        bytes name = ole->entries[parts[count]].name;
        memcpy(to + ret.len, name.at, name.len);
        ret.len += name.len;
        if (count)
            to[ret.len++] = '/';
    }
    return ret;
}

uint32_t ole2_find(const struct ole2 *ole, uint32_t storage, bytes name)
{
    if (!budget_charge(ole->unpack->budget, ole->count))
        return OLE2_NONE;
    for (uint32_t i = 0; i < ole->count; i++)
        if (ole->entries[i].reached && ole->entries[i].parent == storage &&
            bytes_same(ole->entries[i].name, name))
            return i;
    return OLE2_NONE;
}

/* "Microsoft Extensible Firmware Initiative FAT32 File System Specification" 1.03: a table is
 * numbers of 16 or 32 bits (the upper four unused): 0 free, the next cluster's, f..f7 bad,
 * f..f8 and above the last. Entries of folders have 32 bytes: 0 name, 8 extension, 11
 * attributes, 14 to 24 times and days, 20 and 26 first cluster, 28 size; with attributes 0f, 12
 * and 26 zero, a part of a long name. */
#include "rescue/salvage/disk/fat_look.h"

#include <string.h>

enum {
    ENTRY = 32,
    TABLES_MOST = 64,
    ENTRIES_MOST = 1 << 16,
    FOLDERS_MOST = 1 << 14,
    MARKS_MOST = 1 << 15,
    STEPS_SHARE = 4, /* of a sector's entries, in a row: one in so many */
    ATTRIBUTE_FOLDER = 0x10,
    ATTRIBUTE_LABEL = 0x08,
    ATTRIBUTE_LONG = 0x0f,
};

/* --- tables --- */

static uint32_t entry_at(const uint8_t *p, unsigned bits, uint32_t i)
{
    return bits == 32 ? load_le32(p + 4 * (size_t)i) & 0x0fffffff
                      : load_le16(p + 2 * (size_t)i);
}

/* The number of the sector's first entry, as its i-th one says; false when it cannot. */
static bool first_of(const uint8_t *p, unsigned bits, uint32_t i, uint32_t *ret)
{
    uint32_t value = entry_at(p, bits, i), each = FAT_SECTOR * 8 / bits;
    *ret = value - 1 - i;
    return value > i && *ret % each == 0 && entry_at(p, bits, i + 1) == value + 1;
}

static bool is_table(const uint8_t *p, unsigned bits, uint32_t *ret)
{
    uint32_t each = FAT_SECTOR * 8 / bits, last = bits == 32 ? 0x0ffffff7 : 0xfff7, n = 0;
    if (!first_of(p, bits, each / 12, ret) && !first_of(p, bits, each / 2, ret) &&
        !first_of(p, bits, each - each / 12, ret))
        return false;
    for (uint32_t i = 0; i < each; i++) {
        uint32_t value = entry_at(p, bits, i);
        if (value == 1 || (bits == 32 && load_le32(p + 4 * (size_t)i) >> 28 && i + *ret > 1))
            return false;
        n += value == *ret + i + 1 && value < last;
    }
    return n >= each / STEPS_SHARE;
}

static void add_table(struct fat_look *look, uint64_t here, uint32_t first, unsigned bits)
{
    uint64_t inside = (uint64_t)first * bits / 8, end = here + FAT_SECTOR;
    if (inside + FAT_SECTOR > here)
        return;
    for (uint32_t i = look->tables.n; i-- > 0;) {
        struct fat_table *table = &look->tables.at[i];
        if (table->from == here - inside && table->bits == bits) {
            table->top = end;
            table->seen++;
            return;
        }
    }
    struct fat_table *table =
        look->tables.n < TABLES_MOST ? vec_push(look->salvage->arena, &look->tables) : NULL;
    if (table)
        *table = (struct fat_table){here - inside, end, bits, 1};
}

/* --- folders --- */

static bool is_name(const uint8_t *entry)
{
    if (entry[0] == '.')
        return memcmp(entry, ".          ", 11) == 0 || memcmp(entry, "..         ", 11) == 0;
    for (size_t i = 0; i < 11; i++)
        if ((entry[i] < 0x20 && !(i == 0 && entry[i] == 5)) || entry[i] == 0x7f ||
            (entry[i] >= 'a' && entry[i] <= 'z') ||
            (entry[i] < 0x7f && strchr("\"*+,/:;<=>?[\\]|.", entry[i])))
            return false;
    return entry[0] != ' ';
}

static bool is_time(uint32_t time, uint32_t day)
{
    uint32_t month = day >> 5 & 15;
    return (time & 31) < 30 && (time >> 5 & 63) < 60 && time >> 11 < 24 &&
           (day == 0 || (month >= 1 && month <= 12 && (day & 31)));
}

static bool is_entry(const uint8_t *entry)
{
    uint8_t kind = entry[11] & 0x3f;
    if (entry[11] & 0xc0)
        return false;
    if (kind == ATTRIBUTE_LONG)
        return !entry[12] && !load_le16(entry + 26) &&
               (entry[0] == 0xe5 ||
                ((entry[0] & 0x1f) >= 1 && (entry[0] & 0x1f) <= 20 && !(entry[0] & 0xa0)));
    return (entry[0] == 0xe5 || is_name(entry)) &&
           is_time(load_le16(entry + 22), load_le16(entry + 24)) &&
           load_le16(entry + 20) < 0x1000 &&
           (!(kind & ATTRIBUTE_FOLDER) || !load_le32(entry + 28));
}

/* A sector of entries, and behind the last nothing. */
static bool is_folder(const uint8_t *p)
{
    static const uint8_t none[FAT_SECTOR];
    size_t named = 0, at = 0;
    for (; at < FAT_SECTOR && p[at]; at += ENTRY) {
        if (!is_entry(p + at))
            return false;
        named += p[at] != 0xe5;
    }
    return named && memcmp(p + at, none, FAT_SECTOR - at) == 0;
}

/* Short names have three letters of the extension. */
static uint16_t kinds_of(const uint8_t *extension)
{
    static const struct {
        char text[4];
        uint16_t kinds;
    } table[] = {
        {"ZIP", 1},    {"DOC", 3},    {"XLS", 3},    {"PPT", 3},    {"ODT", 1},
        {"ODS", 1},    {"ODP", 1},    {"JAR", 1},    {"APK", 1},    {"MSI", 2},
        {"MSG", 2},    {"PDF", 4},    {"PNG", 8},    {"JPG", 16},   {"JPE", 16},
        {"DB ", 32},   {"SQL", 32},   {"GIF", 64},   {"AVI", 128},  {"WAV", 128},
        {"WEB", 128},  {"EXE", 256},  {"DLL", 256},  {"SYS", 256},  {"MP4", 512},
        {"MOV", 512},  {"M4A", 512},  {"3GP", 512},  {"HEI", 512},  {"MP3", 1024},
        {"GZ ", 2048}, {"TGZ", 2048}, {"7Z ", 4096}, {"RAR", 8192}, {"RTF", 16384},
    };

    for (size_t i = 0; i < COUNT(table); i++)
        if (memcmp(extension, table[i].text, 3) == 0)
            return table[i].kinds;
    return 0;
}

static void add_entries(struct fat_look *look, const uint8_t *p)
{
    for (size_t at = 0; at < FAT_SECTOR && p[at]; at += ENTRY) {
        const uint8_t *entry = p + at;
        uint32_t cluster = load_le16(entry + 26) | (uint32_t)load_le16(entry + 20) << 16;
        if (entry[0] == 0xe5 || entry[0] == '.' || (entry[11] & ATTRIBUTE_LABEL) || cluster < 2)
            continue;
        struct fat_entry *to = look->entries.n < ENTRIES_MOST
                                   ? vec_push(look->salvage->arena, &look->entries)
                                   : NULL;
        if (to)
            *to = (struct fat_entry){cluster, load_le32(entry + 28),
                                     (entry[11] & ATTRIBUTE_FOLDER) ? 0 : kinds_of(entry + 8)};
    }
}

static void add_folder(struct fat_look *look, uint64_t here, const uint8_t *p)
{
    struct fat_folder *last = look->folders.n ? &look->folders.at[look->folders.n - 1] : NULL;
    uint32_t cluster = 0;
    if (memcmp(p, ".          ", 11) == 0 && (p[11] & ATTRIBUTE_FOLDER))
        cluster = load_le16(p + 26) | (uint32_t)load_le16(p + 20) << 16;
    add_entries(look, p);
    if (last && last->to == here && !cluster) {
        last->to = here + FAT_SECTOR;
        return;
    }
    struct fat_folder *folder =
        look->folders.n < FOLDERS_MOST ? vec_push(look->salvage->arena, &look->folders) : NULL;
    if (folder)
        *folder = (struct fat_folder){here, here + FAT_SECTOR, cluster};
}

/* --- begins of files --- */

static uint16_t mark_of(const uint8_t *p)
{
    static const struct {
        char text[9];
        uint8_t at, len;
        uint16_t kind;
    } table[] = {
        {"PK\3\4", 0, 4, 1},
        {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, 8, 2},
        {"%PDF-", 0, 5, 4},
        {"\x89PNG\r\n\x1a\n", 0, 8, 8},
        {"\xff\xd8\xff", 0, 3, 16},
        {"SQLite f", 0, 8, 32},
        {"GIF8", 0, 4, 64},
        {"RIFF", 0, 4, 128},
        {"MZ", 0, 2, 256},
        {"ftyp", 4, 4, 512},
        {"ID3", 0, 3, 1024},
        {"\x1f\x8b\x08", 0, 3, 2048},
        {"7z\xbc\xaf\x27\x1c", 0, 6, 4096},
        {"Rar!\x1a\7", 0, 6, 8192},
        {"{\\rtf", 0, 5, 16384},
    };

    for (size_t i = 0; i < COUNT(table); i++)
        if (p[table[i].at] == (uint8_t)table[i].text[0] &&
            memcmp(p + table[i].at, table[i].text, table[i].len) == 0)
            return table[i].kind;
    return 0;
}

void fat_look_at(struct fat_look *look, uint64_t here)
{
    const struct map *map = &look->salvage->map;
    const uint8_t *p = look->salvage->file.at + here;
    uint32_t first;
    if (is_table(p, 32, &first)) {
        add_table(look, here, first, 32);
    } else if (is_table(p, 16, &first)) {
        add_table(look, here, first, 16);
    } else if (p[0] && is_folder(p) && map_is_plain(map, here, here + FAT_SECTOR)) {
        add_folder(look, here, p);
    } else {
        uint16_t kind = mark_of(p);
        struct fat_mark *mark =
            kind && look->marks.n < MARKS_MOST && map_is_plain(map, here, here + 16)
                ? vec_push(look->salvage->arena, &look->marks)
                : NULL;
        if (mark)
            *mark = (struct fat_mark){here, kind};
    }
}

#include "pe/pe_version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIRECTORY = 16, /* of resources: then entries of 8 bytes */
    ENTRY = 8,
    TYPE_VERSION = 16,
    MOST = 16, /* resources with version information that are looked at */
    BLOCK = 6, /* u16 length, u16 value length, u16 type */
    FIXED = 52,
    FIXED_MAGIC = 0xfeef04bdu,
    INFO_NAME = 32,    /* "VS_VERSION_INFO" and its NUL */
    STRINGS_NAME = 30, /* "StringFileInfo" */
    VARS_NAME = 24,    /* "VarFileInfo" */
    TABLE = 24,        /* header, name and padding of a table of strings */
};

#define SUBDIRECTORY (UINT32_C(1) << 31)

/* The walk over the tree of resources; then over what was found. */
struct search {
    const struct pe_layout *layout;
    struct arena *arena;
    struct budget *budget;
    uint32_t found[MOST]; /* RVAs of the entries that say where the data are */
    uint32_t count;
    struct pe_versions strings;
    bool full;
};

struct directory {
    uint32_t at; /* of its first entry, in the file */
    uint32_t named, numbered;
};

/* Offsets in the tree count from its root and may be anything. */
static bool directory_open(const struct search *search, uint32_t offset, struct directory *ret)
{
    const struct pe_layout *layout = search->layout;
    uint32_t at;
    if (!pe_layout_offset(layout, layout->resources + offset, &at) ||
        !bytes_has(layout->data, at, DIRECTORY))
        return false;
    const uint8_t *p = layout->data.at + at;
    *ret = (struct directory){at + DIRECTORY, load_le16(p + 12), load_le16(p + 14)};
    return true;
}

/* Entry `i` of a directory. */
static bool directory_entry(struct search *search, const struct directory *directory,
                            uint32_t i, uint32_t *ret_number, uint32_t *ret_offset)
{
    uint64_t at = directory->at + (uint64_t)i * ENTRY;
    return budget_charge(search->budget, 1) &&
           bytes_le32(search->layout->data, at, ret_number) &&
           bytes_le32(search->layout->data, at + 4, ret_offset);
}

/* The languages of one resource. False ends the search. */
static bool find_languages(struct search *search, uint32_t offset)
{
    struct directory directory;
    uint32_t number, entry;
    if (!directory_open(search, offset, &directory))
        return false;
    uint32_t count = (directory.named + directory.numbered) & 0xffff;
    for (uint32_t i = 0; i < count; i++) {
        if (!directory_entry(search, &directory, i, &number, &entry))
            return false;
        if (entry & SUBDIRECTORY)
            continue;
        search->found[search->count++] = search->layout->resources + entry;
        if (search->count == MOST)
            return false;
    }
    return true;
}

static void find_names(struct search *search, uint32_t offset)
{
    struct directory directory;
    uint32_t number, entry;
    if (!directory_open(search, offset, &directory))
        return;
    uint32_t count = (directory.named + directory.numbered) & 0xffff;
    for (uint32_t i = 0; i < count; i++) {
        if (!directory_entry(search, &directory, i, &number, &entry))
            return;
        if ((entry & SUBDIRECTORY) && !find_languages(search, entry & ~SUBDIRECTORY))
            return;
    }
}

static void find_versions(struct search *search)
{
    struct directory root;
    uint32_t number, entry;
    if (!directory_open(search, 0, &root))
        return;
    for (uint32_t i = 0; i < root.numbered; i++) {
        if (!directory_entry(search, &root, root.named + i, &number, &entry))
            return;
        if (number == TYPE_VERSION && (entry & SUBDIRECTORY)) {
            find_names(search, entry & ~SUBDIRECTORY);
            return;
        }
    }
}

static uint32_t padded(uint32_t size)
{
    return (size + 3) & ~UINT32_C(3);
}

static bool is_named(bytes block, const char *name, uint32_t size)
{
    return block.len >= BLOCK + size && memcmp(block.at + BLOCK, name, size) == 0;
}

/* Whether a string, with its padding, has a value behind its key. */
static bool has_value(const uint8_t *at, uint32_t size)
{
    uint32_t key = BLOCK;
    while (key + 1 < size && (at[key] || at[key + 1]))
        key += 2;
    key = padded(key + 1 < size ? key + 2 : key);
    return key < size && size - key > 2;
}

/* The strings of one table; `part` begins with the first. False when one is malformed. */
static bool read_strings(struct search *search, bytes part)
{
    const uint8_t *file = search->layout->data.at;
    while (part.len > BLOCK) {
        uint32_t size = padded(load_le16(part.at));
        if (size > part.len || size <= BLOCK + 2 + 8 || !budget_charge(search->budget, size))
            return false;
        if (has_value(part.at, size)) {
            uint32_t *slot = vec_push(search->arena, &search->strings.at);
            search->full |= !slot;
            if (slot)
                *slot = (uint32_t)(part.at - file) + BLOCK;
        }
        part = bytes_slice(part, size, part.len);
    }
    return !search->full;
}

/* The tables of strings, one for each language. */
static void read_tables(struct search *search, bytes part)
{
    while (part.len > BLOCK) {
        uint32_t size = load_le16(part.at);
        if (size > part.len || size <= TABLE || !budget_charge(search->budget, TABLE) ||
            !read_strings(search, bytes_slice(part, TABLE, size - TABLE)))
            return;
        part = bytes_slice(part, size, part.len);
    }
}

/* One VS_VERSIONINFO. */
static void read_version(struct search *search, bytes resource)
{
    enum { BEFORE = BLOCK + INFO_NAME + 2, ALL = BEFORE + FIXED };

    if (resource.len <= ALL)
        return;
    uint32_t size = load_le16(resource.at);
    if (size > resource.len || size <= ALL || load_le16(resource.at + 2) != FIXED ||
        !is_named(resource, "V\0S\0_\0V\0E\0R\0S\0I\0O\0N\0_\0I\0N\0F\0O\0\0", INFO_NAME) ||
        load_le32(resource.at + BEFORE) != FIXED_MAGIC)
        return;
    bytes part = bytes_slice(resource, ALL, size - ALL);
    for (bool is_first = true; part.len > BLOCK; is_first = false) {
        uint32_t length = load_le16(part.at);
        if (length > part.len)
            return;
        bytes block = bytes_slice(part, 0, length);
        if (is_first && block.len > BLOCK + VARS_NAME &&
            is_named(block, "V\0a\0r\0F\0i\0l\0e\0I\0n\0f\0o\0\0", VARS_NAME)) {
            part = bytes_slice(part, length, part.len);
            continue;
        }
        if (block.len > BLOCK + STRINGS_NAME &&
            is_named(block, "S\0t\0r\0i\0n\0g\0F\0i\0l\0e\0I\0n\0f\0o\0\0", STRINGS_NAME))
            read_tables(search, bytes_slice(block, BLOCK + STRINGS_NAME, block.len));
        return;
    }
}

static int by_offset(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void sort_strings(struct pe_versions *strings)
{
    uint32_t n = 0;
    if (strings->at.n)
        qsort(strings->at.at, strings->at.n, sizeof *strings->at.at, by_offset);
    for (uint32_t i = 0; i < strings->at.n; i++)
        if (i == 0 || strings->at.at[i] != strings->at.at[i - 1])
            strings->at.at[n++] = strings->at.at[i];
    strings->at.n = n;
}

int pe_version_strings(const struct pe_layout *layout, struct arena *arena,
                       struct budget *budget, struct pe_versions *ret)
{
    struct search search = {.layout = layout, .arena = arena, .budget = budget};
    if (layout->resources_size)
        find_versions(&search);
    for (uint32_t i = 0; i < search.count && !search.full; i++) {
        uint32_t at, rva, size;
        if (!pe_layout_offset(layout, search.found[i], &at) ||
            !bytes_has(layout->data, at, ENTRY + 8))
            continue;
        rva = load_le32(layout->data.at + at);
        size = load_le32(layout->data.at + at + 4);
        if (pe_layout_offset(layout, rva, &at) && bytes_has(layout->data, at, size))
            read_version(&search, bytes_slice(layout->data, at, size));
    }
    sort_strings(&search.strings);
    *ret = search.strings;
    return search.full ? -ENOMEM : 0;
}

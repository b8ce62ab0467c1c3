/* The header block of an NSIS installer: the compiled script.
 *
 *   u32 flags | 8 times u32 offset (u64 in 64-bit installers), u32 number: pages, sections,
 *   entries, strings, language tables, colours, font, data | ...
 *   entry, 28 bytes: u32 what, 6 numbers; 11: create folder, set $OUTDIR: text, whether to set;
 *   20: extract file: flags, text of its name, place in the data, ...
 *
 * Texts are at indexes of the strings, end with a 0 and are UTF-16LE when the strings begin
 * with 16 bits of 0. Four characters are special and followed by a number of two 7-bit halves:
 * 255, 254, 253, 252 (version 3: 1, 2, 3, 4; UTF-16 of version 2: 0xe003 to 0xe000): text in
 * the user's language, a folder of the system, a variable, the next character as it is.
 *
 * Source/exehead/fileform.h, Source/exehead/util.c and Source/strlist.h of NSIS 2.46 and 3.08.
 */
#include "unpack/program/installer/nsis.h"
#include "unpack/program/program.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BLOCKS = 8,
    BLOCK_ENTRIES = 2,
    BLOCK_STRINGS = 3,
    BLOCK_LANGUAGES = 4,
    ENTRY = 28,
    CREATE_FOLDER = 11,
    EXTRACT_FILE = 20,
    TEXT_MAX = 1024,
    FILES_MAX = 1 << 20,
};

#define NO_TEXT UINT32_MAX

static bool is_64(bytes block)
{
    uint32_t high;
    for (unsigned i = 0; i < BLOCKS; i++)
        if (!bytes_le32(block, 4 + 12 * i + 4, &high) || high != 0)
            return false;
    return true;
}

static bool block_at(bytes block, unsigned number, uint32_t *ret_at, uint32_t *ret_count)
{
    unsigned at = is_64(block) ? 4 + 12 * number : 4 + 8 * number;
    return bytes_le32(block, at, ret_at) &&
           bytes_le32(block, is_64(block) ? at + 8 : at + 4, ret_count) && *ret_at <= block.len;
}

/* Version 3 has more of the special characters 1 to 4 than of 252 to 255. */
static bool is_version3(bytes strings)
{
    size_t low = 0, high = 0;
    for (size_t i = 0; i + 1 < strings.len; i++) {
        low += strings.at[i] >= 1 && strings.at[i] <= 4 && strings.at[i + 1] & 0x80;
        high += strings.at[i] >= 252 && strings.at[i + 1] & 0x80;
    }
    return low > high;
}

static int by_place(const void *a, const void *b)
{
    const struct nsis_file *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

static bool read_entries(struct unpack *unpack, bytes entries, struct nsis_header *header)
{
    VEC(struct nsis_file) files = {0};
    uint32_t folder = NO_TEXT;
    if (!budget_charge(unpack->budget, entries.len / 4))
        return false;
    for (size_t at = 0; at + ENTRY <= entries.len && files.n < FILES_MAX; at += ENTRY) {
        const uint8_t *p = entries.at + at;
        if (load_le32(p) == CREATE_FOLDER && load_le32(p + 8)) {
            folder = load_le32(p + 4);
        } else if (load_le32(p) == EXTRACT_FILE) {
            struct nsis_file *file = vec_push(unpack->arena, &files);
            if (!file)
                return false;
            *file = (struct nsis_file){load_le32(p + 12), load_le32(p + 8), folder};
        }
    }
    if (files.n)
        qsort(files.at, files.n, sizeof *files.at, by_place);
    header->files = files.at;
    header->count = files.n;
    return true;
}

bool nsis_header_read(struct unpack *unpack, bytes block, struct nsis_header *ret)
{
    uint32_t entries, count, strings, ignored, languages;
    *ret = (struct nsis_header){0};
    if (!block_at(block, BLOCK_ENTRIES, &entries, &count) ||
        !block_at(block, BLOCK_STRINGS, &strings, &ignored) ||
        !block_at(block, BLOCK_LANGUAGES, &languages, &ignored) || strings > languages ||
        !bytes_has(block, entries, (uint64_t)count * ENTRY))
        return false;
    ret->strings = bytes_slice(block, strings, languages - strings);
    ret->wide = ret->strings.len > 1 && load_le16(ret->strings.at) == 0;
    ret->version3 = ret->wide || is_version3(ret->strings);
    return read_entries(unpack, bytes_slice(block, entries, (size_t)count * ENTRY), ret);
}

/* --- texts --- */

struct text {
    uint8_t at[TEXT_MAX];
    size_t len;
};

static void put(struct text *text, const char *more)
{
    for (; *more && text->len < TEXT_MAX; more++)
        text->at[text->len++] = (uint8_t)*more;
}

static void put_variable(struct text *text, unsigned number)
{
    static const char *const names[] = {"$CMDLINE",  "$INSTDIR",    "$OUTDIR",     "$EXEDIR",
                                        "$LANGUAGE", "$TEMP",       "$PLUGINSDIR", "$EXEPATH",
                                        "$EXEFILE",  "$HWNDPARENT", "$_CLICK",     "$_OUTDIR"};
    char name[16];
    if (number >= 20 && number - 20 < COUNT(names)) {
        put(text, names[number - 20]);
        return;
    }
    if (number < 10)
        snprintf(name, sizeof name, "$%u", number);
    else if (number < 20)
        snprintf(name, sizeof name, "$R%u", number - 10);
    else
        snprintf(name, sizeof name, "$_%u_", number);
    put(text, name);
}

/* What stands for a special character: 1 language, 2 folder, 3 variable. */
static void put_special(struct text *text, unsigned kind, uint16_t raw)
{
    char number[24];
    unsigned value = (unsigned)((raw & 0x7f) | (raw & 0x7f00) >> 1);
    if (kind == 3) {
        put_variable(text, value);
        return;
    }
    snprintf(number, sizeof number, kind == 1 ? "$(LSTR_%u)" : "$SHELL%u", value);
    put(text, number);
}

/* 1 to 4 for a special character, else 0. */
static unsigned special(const struct nsis_header *header, uint16_t unit)
{
    if (unit >= 1 && unit <= 4 && header->version3)
        return unit;
    if (header->wide)
        return unit >= 0xe000 && unit <= 0xe003 ? 0xe004u - (unsigned)unit : 0;
    return unit >= 252 && unit <= 255 && !header->version3 ? 256u - (unsigned)unit : 0;
}

/* Appends the text at an offset of the strings; the offset after its 0. */
static size_t put_text(struct text *text, const struct nsis_header *header, size_t at)
{
    bytes strings = header->strings;
    size_t width = header->wide ? 2 : 1;
    uint16_t raw;
    while (bytes_has(strings, at, width)) {
        uint16_t unit = header->wide ? load_le16(strings.at + at) : strings.at[at];
        unsigned kind = special(header, unit);
        at += width;
        if (unit == 0)
            break;
        if (kind >= 1 && kind <= 3 && bytes_le16(strings, at, &raw)) {
            put_special(text, kind, raw);
            at += 2;
            continue;
        }
        if (kind == 4 && bytes_has(strings, at, width)) {
            unit = header->wide ? load_le16(strings.at + at) : strings.at[at];
            at += width;
        }
        uint8_t units[2] = {(uint8_t)unit, (uint8_t)(unit >> 8)};
        if (header->wide)
            text->len = utf16_append(text->at, text->len, TEXT_MAX, (bytes){units, 2});
        else if (text->len < TEXT_MAX)
            text->at[text->len++] = (uint8_t)unit;
    }
    return at;
}

static void put_index(struct text *text, const struct nsis_header *header, uint32_t index)
{
    if (index < header->strings.len)
        put_text(text, header, (size_t)index << header->wide);
}

bytes nsis_header_name(struct unpack *unpack, const struct nsis_header *header, uint32_t at)
{
    const struct nsis_file key = {.at = at};
    const struct nsis_file *file = NULL;
    if (header->count)
        file = bsearch(&key, header->files, header->count, sizeof key, by_place);
    if (!file)
        return (bytes){0};
    struct text text = {.len = 0};
    if (file->folder != NO_TEXT) {
        put_index(&text, header, file->folder);
        put(&text, "/");
    }
    put_index(&text, header, file->name);
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '\\')
            text.at[i] = '/';
    return text.len ? arena_copy(unpack->arena, (bytes){text.at, text.len}) : (bytes){0};
}

bool nsis_header_texts(struct unpack *unpack, const struct nsis_header *header)
{
    if (!unpack_begin(unpack, bytes_of("[script]")))
        return false;
    for (size_t at = 0; at < header->strings.len;) {
        struct text text = {.len = 0};
        size_t next = put_text(&text, header, at);
        if (text.len && !unpack_put(unpack, (bytes){text.at, text.len}))
            return false;
        if (text.len && !unpack_put(unpack, bytes_of("\n")))
            return false;
        if (!budget_charge(unpack->budget, (next - at) / 4 + 1))
            return false;
        at = next;
    }
    return unpack_end(unpack);
}

/* The #~ stream (ECMA-335 II.24.2.6) and the heaps.
 *
 *   u32 reserved | u8 major, minor, heap sizes, reserved | u64 valid | u64 sorted
 *   u32 number of rows, for each bit of `valid` | the tables, one after the other
 *
 * Heap sizes: bit 0, 1, 2: indexes into #Strings, #GUID, #Blob take 4 bytes, not 2; bit 6: four
 * more bytes before the tables. An index into a table takes 4 bytes when that has more than
 * 65,535 rows; a coded index when one of its tables has more than its bits leave room for. */
#include "yara/modules/dotnet.h"

#include <string.h>

enum { TILDE_HEADER = 24, STRING_MAX = 1024 };

enum { EXTRA_DATA = 0x40 };

/* The columns of each table in order:
 *   2 4 u16 u32   s g b indexes into #Strings, #GUID, #Blob
 *   f m p t e y r a q n indexes into Field, MethodDef, Param, TypeDef, Event, Property,
 *     ModuleRef, AssemblyRef, AssemblyRefProcessor, GenericParam
 *   capitals: coded indexes, see below.
 * NULL: unknown to YARA; nothing after it can be read. */
static const char *const columns[DOTNET_TABLES] = {
    [0x00] = "2sggg", [0x01] = "Rss",  [0x02] = "4ssTfm",    [0x03] = "f",
    [0x04] = "2sb",   [0x05] = "m",    [0x06] = "422sbp",    [0x08] = "22s",
    [0x09] = "tT",    [0x0a] = "Psb",  [0x0b] = "2Cb",       [0x0c] = "AKb",
    [0x0d] = "Mb",    [0x0e] = "2Db",  [0x0f] = "24t",       [0x10] = "4f",
    [0x11] = "b",     [0x12] = "te",   [0x13] = "e",         [0x14] = "2sT",
    [0x15] = "ty",    [0x16] = "y",    [0x17] = "2sb",       [0x18] = "2mS",
    [0x19] = "tOO",   [0x1a] = "s",    [0x1b] = "b",         [0x1c] = "2Fsr",
    [0x1d] = "4f",    [0x1e] = "44",   [0x1f] = "4",         [0x20] = "422224bss",
    [0x21] = "4",     [0x22] = "444",  [0x23] = "22224bssb", [0x24] = "4q",
    [0x25] = "444a",  [0x26] = "4sb",  [0x27] = "44ssI",     [0x28] = "44sJ",
    [0x29] = "tt",    [0x2a] = "22Ws", [0x2b] = "Ob",        [0x2c] = "nT",
};

static const struct {
    char code;
    uint8_t table;
} plain[] = {{'f', 0x04}, {'m', 0x06}, {'p', 0x08}, {'t', 0x02}, {'e', 0x14},
             {'y', 0x17}, {'r', 0x1a}, {'a', 0x23}, {'q', 0x24}, {'n', 0x2a}};

/* II.24.2.6: the bits that name the table, and the tables. MemberRefParent (P) leaves TypeDef
 * out and the second Implementation (J) ExportedType, as YARA. */
static const struct {
    char code;
    uint8_t bits, count, table[21];
} coded[] = {
    {'R', 2, 4, {0x00, 0x1a, 0x23, 0x01}},
    {'T', 2, 3, {0x02, 0x01, 0x1b}},
    {'P', 3, 4, {0x06, 0x1a, 0x01, 0x1b}},
    {'C', 2, 3, {0x08, 0x04, 0x17}},
    {'A', 5, 21, {0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0a, 0x00, 0x17, 0x14, 0x11,
                  0x1a, 0x1b, 0x20, 0x23, 0x26, 0x27, 0x28, 0x2a, 0x2c, 0x2b}},
    {'K', 3, 2, {0x06, 0x0a}},
    {'M', 1, 2, {0x04, 0x08}},
    {'D', 2, 3, {0x02, 0x06, 0x20}},
    {'S', 1, 2, {0x14, 0x17}},
    {'O', 1, 2, {0x06, 0x0a}},
    {'F', 1, 2, {0x04, 0x06}},
    {'I', 2, 3, {0x26, 0x23, 0x27}},
    {'J', 2, 2, {0x26, 0x23}},
    {'W', 1, 2, {0x02, 0x06}},
};

/* Width of each kind of column, by its letter. */
static void widths_find(const uint32_t *rows, uint8_t heaps, uint8_t width[static 128])
{
    width['2'] = 2;
    width['4'] = 4;
    width['s'] = heaps & 1 ? 4 : 2;
    width['g'] = heaps & 2 ? 4 : 2;
    width['b'] = heaps & 4 ? 4 : 2;
    for (size_t i = 0; i < COUNT(plain); i++)
        width[(uint8_t)plain[i].code] = rows[plain[i].table] > 0xffff ? 4 : 2;
    for (size_t i = 0; i < COUNT(coded); i++) {
        uint32_t most = 0;
        for (size_t k = 0; k < coded[i].count; k++)
            if (rows[coded[i].table[k]] > most)
                most = rows[coded[i].table[k]];
        width[(uint8_t)coded[i].code] = most > 0xffffu >> coded[i].bits ? 4 : 2;
    }
}

static void table_place(struct dotnet_table *table, const char *kinds, const uint8_t *width)
{
    uint8_t at = 0;
    for (unsigned i = 0; i < DOTNET_COLUMNS; i++) {
        table->column[i] = at;
        if (*kinds)
            at = (uint8_t)(at + width[(uint8_t)*kinds++]);
    }
    table->size = at;
    table->present = true;
}

/* YARA passes over these two where they do not fit, and looks for the next in the same place.
 */
static bool may_stay(const struct dotnet *self, unsigned number, uint64_t at)
{
    if (number == DOTNET_MODULE)
        return bytes_has(self->data, at, 18);
    if (number == DOTNET_ASSEMBLY)
        return bytes_has(self->data, at, self->table[number].size);
    return true;
}

static void tables_place(struct dotnet *self, uint64_t valid, const uint32_t *rows, uint64_t at,
                         uint64_t rows_at, uint64_t rows_end, uint8_t heaps)
{
    uint8_t width[128] = {0};
    widths_find(rows, heaps, width);
    for (unsigned i = 0; i < 64; i++) {
        if (!(valid >> i & 1))
            continue;
        rows_at += 4;
        if (rows_at > rows_end || i >= DOTNET_TABLES || rows[i] > DOTNET_MAX_ROWS ||
            !columns[i])
            return;
        struct dotnet_table *table = &self->table[i];
        table_place(table, columns[i], width);
        table->rows = rows[i];
        table->at = at;
        if (may_stay(self, i, at))
            at += (uint64_t)table->size * rows[i];
        else
            *table = (struct dotnet_table){0};
    }
    self->complete = true;
}

bool dotnet_tables(struct dotnet *self)
{
    if (self->tables_known)
        return self->tilde.present;
    self->tables_known = true;
    uint64_t at = self->tilde.at, valid;
    /* The tables are of no use without the two heaps. */
    self->tilde.present = self->tilde.present && self->strings.present && self->blob.present &&
                          bytes_has(self->data, at, TILDE_HEADER);
    if (!self->tilde.present)
        return false;
    uint8_t heaps = self->data.at[at + 6];
    valid = load_le64(self->data.at + at + 8);
    uint64_t rows_at = at + TILDE_HEADER, rows_len = 4 * (uint64_t)__builtin_popcountll(valid);
    uint64_t end = at + self->tilde.size;
    self->tilde.present = bytes_has(self->data, rows_at, rows_len);
    if (!self->tilde.present)
        return false;
    uint32_t rows[64] = {0};
    uint64_t next = rows_at;
    for (unsigned i = 0; i < 64; i++) {
        if (!(valid >> i & 1))
            continue;
        if (next + 4 <= end)
            rows[i] = load_le32(self->data.at + next);
        next += 4;
    }
    tables_place(self, valid, rows, next + (heaps & EXTRA_DATA ? 4 : 0), rows_at, end, heaps);
    return true;
}

const uint8_t *dotnet_row(const struct dotnet *self, enum dotnet_number number, uint32_t index)
{
    const struct dotnet_table *table = &self->table[number];
    if (index < 1 || index > table->rows)
        return NULL;
    uint64_t at = table->at + (uint64_t)table->size * (index - 1);
    return bytes_has(self->data, at, table->size) ? self->data.at + at : NULL;
}

uint32_t dotnet_cell(const struct dotnet *self, enum dotnet_number number, const uint8_t *row,
                     unsigned column)
{
    const struct dotnet_table *table = &self->table[number];
    uint8_t from = table->column[column];
    uint8_t to = column + 1 < DOTNET_COLUMNS ? table->column[column + 1] : table->size;
    return to - from == 4 ? load_le32(row + from) : load_le16(row + from);
}

bytes dotnet_string(const struct dotnet *self, uint32_t index)
{
    uint64_t at = self->strings.at + index;
    if (index >= self->strings.size || at >= self->data.len)
        return (bytes){0};
    bytes rest = bytes_slice(self->data, (size_t)at, STRING_MAX + 1);
    const uint8_t *end = memchr(rest.at, 0, rest.len);
    return end ? (bytes){rest.at, (size_t)(end - rest.at)} : (bytes){0};
}

bool dotnet_blob_at(const struct dotnet *self, uint64_t at, bytes *ret, uint32_t *ret_head)
{
    uint32_t head = 0, len = 0;
    if (!bytes_has(self->data, at, 1))
        return false;
    const uint8_t *p = self->data.at + at;
    if (p[0] < 0x80) {
        head = 1;
        len = p[0];
    } else if (p[0] < 0xc0 && bytes_has(self->data, at, 2)) {
        head = 2;
        len = load_be16(p) & 0x3fff;
    } else if (p[0] >= 0xc0 && p[0] < 0xe0 && bytes_has(self->data, at, 5)) {
        /* YARA wants one byte after the four. */
        head = 4;
        len = load_be32(p) & 0x1fffffff;
    }
    if (head == 0 || !bytes_has(self->data, at, (uint64_t)head + len))
        return false;
    *ret = (bytes){p + head, len};
    *ret_head = head;
    return true;
}

bool dotnet_blob(const struct dotnet *self, uint32_t index, bytes *ret)
{
    uint32_t head;
    return dotnet_blob_at(self, self->blob.at + index, ret, &head);
}

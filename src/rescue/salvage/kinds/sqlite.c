/* SQLite database files ("Database File Format", sqlite.org): pages of one size.
 *     first page: "SQLite format 3\0", 16 page size (1: 65536), 20 reserved bytes, 56 encoding
 *     b-tree page: 0 kind (2, 5 inside; 10, 13 leaf of an index, of a table), 1 first free
 * block, 3 cells, 5 where their content begins, 7 fragments; then 2 bytes for each cell: where
 *     cell of a table's leaf: varint size of the record, varint row id, the record, and when it
 *     does not fit, 4 bytes: the page where it goes on (4 bytes: the next one; then content)
 *     record: varint size of its head, varint type of each column, then the values
 *
 * The first page, with the names of tables and columns, is nearly always lost. Rows are given
 * as SQL: tables by the pages' own order, rows of one page and neighbours with as many columns
 * together. With the schema there, its own statements come first. Rows of which ciphertext
 * touches only values go to tables of their own. Where a page's own table of cells is hurt,
 * cells are looked for: one must begin where another ends. */
#include "rescue/salvage/salvage.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEAF = 13,
    COLUMNS_MOST = 200,
    CELLS_MOST = 16384,
    RECORD_MOST = 16 << 20,
    HEX_LINE = 512,
    LOOK_PAGES = 4096,
    SIZES = 8,
};

struct sqlite {
    struct salvage *salvage;
    uint32_t page, usable;
    uint64_t rows, hurt, lost;
    bool created[COLUMNS_MOST + 1], created_hurt[COLUMNS_MOST + 1];
    uint32_t *ends; /* of the cells of the page at hand, by where they begin; 0: none */
};

/* A cell of a table's leaf. */
struct cell {
    uint64_t at, from; /* in the file: it, its record */
    uint64_t size, id; /* of the record, all of it */
    uint32_t end;      /* in its page */
};

/* Up to nine bytes, seven bits each but for the last. 0: cut short. */
static unsigned varint(bytes data, size_t at, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 9 && at + i < data.len; i++) {
        uint8_t c = data.at[at + i];
        value = i == 8 ? value << 8 | c : value << 7 | (c & 0x7f);
        if (i == 8 || !(c & 0x80)) {
            *ret = value;
            return i + 1;
        }
    }
    return 0;
}

static uint64_t value_size(uint64_t type)
{
    static const uint8_t fixed[10] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
    return type < 10 ? fixed[type] : type < 12 ? UINT64_MAX : (type - 12) / 2;
}

/* Whether the bytes at `at` are a leaf of a table, as far as its own numbers tell. */
static bool is_leaf(bytes file, uint64_t at, uint32_t page)
{
    uint64_t head = at == 0 ? 100 : 0;
    if (!bytes_has(file, at, page))
        return false;
    const uint8_t *p = file.at + at + head;
    uint32_t cells = load_be16(p + 3), content = load_be16(p + 5);
    content = content ? content : 65536;
    return p[0] == LEAF && p[7] <= 60 && cells && cells < page / 4 && content <= page &&
           content >= head + 8 + 2 * cells && load_be16(p + 1) < page;
}

/* The size at which most pages are leaves; 0: none. */
static uint32_t find_page(bytes file)
{
    uint32_t best = 0;
    uint64_t most = 0;
    if (file.len > 100 && memcmp(file.at, "SQLite format 3", 16) == 0) {
        uint32_t page = load_be16(file.at + 16);
        return page == 1 ? 65536 : page >= 512 && !(page & (page - 1)) ? page : 0;
    }
    for (int i = 0; i < SIZES; i++) {
        uint32_t page = 512u << i, found = 0;
        uint64_t pages = file.len / page, step = pages / LOOK_PAGES + 1;
        for (uint64_t n = 1; n < pages; n += step)
            found += is_leaf(file, n * page, page);
        /* Each multiple of the size finds some of the same pages: clearly more, or not at all.
         */
        uint64_t covers = (uint64_t)found * page * step;
        if (found && covers / 3 > most / 2) {
            most = covers;
            best = page;
        }
    }
    return best;
}

/* How much of a record lies in its cell: all of it, or what is before the other pages. */
static uint64_t held_here(const struct sqlite *sqlite, uint64_t size)
{
    uint32_t usable = sqlite->usable, most = usable - 35;
    if (size <= most)
        return size;
    uint32_t least = (usable - 12) * 32 / 255 - 23;
    uint64_t here = least + (size - least) % (usable - 4);
    return here > most ? least : here;
}

/* The record of a cell in one piece; follows its overflow pages. .at NULL: not all plain. */
static bytes record_of(struct sqlite *sqlite, uint64_t at, uint64_t size, uint64_t room)
{
    bytes file = sqlite->salvage->file, none = {NULL, 0};
    struct map *map = &sqlite->salvage->map;
    uint32_t usable = sqlite->usable;
    uint64_t here = held_here(sqlite, size);
    if (size == here)
        return size <= room && map_is_plain(map, at, at + size)
                   ? bytes_slice(file, (size_t)at, (size_t)size)
                   : none;
    uint8_t *record = size < RECORD_MOST && here + 4 <= room
                          ? arena_push_raw(sqlite->salvage->arena, (size_t)size)
                          : NULL;
    if (!record || !map_is_plain(map, at, at + here + 4))
        return none;
    memcpy(record, file.at + at, (size_t)here);
    uint64_t next = load_be32(file.at + at + here);
    while (here < size) {
        uint64_t from = (next - 1) * sqlite->page, n = size - here;
        n = n < usable - 4 ? n : usable - 4;
        if (!next || !bytes_has(file, from, sqlite->page) ||
            !map_is_plain(map, from, from + 4 + n) ||
            !budget_charge(sqlite->salvage->budget, n))
            return none;
        memcpy(record + here, file.at + from + 4, (size_t)n);
        next = load_be32(file.at + from);
        here += n;
    }
    return (bytes){record, (size_t)size};
}

/* Types of the columns; their number, 0 when it is no record. */
static unsigned read_types(bytes record, uint64_t *types, size_t *ret_at)
{
    uint64_t head, total = 0;
    unsigned n = 0, used = varint(record, 0, &head);
    size_t at = used;
    if (!used || head < used || head > record.len)
        return 0;
    while (at < head && n < COLUMNS_MOST) {
        used = varint(record, at, &types[n]);
        if (!used || value_size(types[n]) == UINT64_MAX)
            return 0;
        total += value_size(types[n++]);
        at += used;
    }
    *ret_at = (size_t)head;
    return at == head && total == record.len - head ? n : 0;
}

static bool put_hex(struct salvage *salvage, bytes data)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t line[HEX_LINE];
    for (size_t i = 0; i < data.len;) {
        size_t n = 0;
        for (; n + 2 <= HEX_LINE && i < data.len; i++) {
            line[n++] = (uint8_t)digits[data.at[i] >> 4];
            line[n++] = (uint8_t)digits[data.at[i] & 15];
        }
        if (!salvage_put(salvage, (bytes){line, n}))
            return false;
    }
    return true;
}

/* Texts with NULs, and blobs, as hexadecimal numbers. */
static bool put_text(struct salvage *salvage, bytes text)
{
    if (text.len && memchr(text.at, 0, text.len))
        return salvage_text(salvage, "cast(x'") && put_hex(salvage, text) &&
               salvage_text(salvage, "' as text)");
    bool fine = salvage_text(salvage, "'");
    while (fine && text.len) {
        const uint8_t *quote = memchr(text.at, '\'', text.len);
        size_t n = quote ? (size_t)(quote - text.at) + 1 : text.len;
        fine = salvage_put(salvage, bytes_slice(text, 0, n)) &&
               (!quote || salvage_text(salvage, "'"));
        text = bytes_slice(text, n, text.len);
    }
    return fine && salvage_text(salvage, "'");
}

static bool put_value(struct salvage *salvage, uint64_t type, bytes value)
{
    uint64_t number = value.len && (value.at[0] & 0x80) ? UINT64_MAX : 0;
    double real;
    if (type >= 12 && type % 2 == 0)
        return salvage_text(salvage, "x'") && put_hex(salvage, value) &&
               salvage_text(salvage, "'");
    if (type >= 13)
        return put_text(salvage, value);
    for (size_t i = 0; i < value.len; i++)
        number = number << 8 | value.at[i];
    if (type == 0)
        return salvage_text(salvage, "NULL");
    if (type == 7) {
        memcpy(&real, &number, sizeof real);
        return salvage_text(salvage, "%.17g", real);
    }
    return salvage_text(salvage, "%lld", type >= 8 ? (long long)type - 8 : (long long)number);
}

static bool put_table(struct sqlite *sqlite, unsigned columns, bool hurt)
{
    struct salvage *salvage = sqlite->salvage;
    bool *created = &(hurt ? sqlite->created_hurt : sqlite->created)[columns];
    if (*created)
        return true;
    *created = true;
    bool fine = salvage_text(salvage, "CREATE TABLE IF NOT EXISTS %s_%u(row_id",
                             hurt ? "damaged" : "recovered", columns);
    for (unsigned i = 0; i < columns && fine; i++)
        fine = salvage_text(salvage, ", c%u", i);
    return fine && salvage_text(salvage, "%s);\n", hurt ? ", bytes_lost" : "");
}

static bool put_row(struct sqlite *sqlite, uint64_t id, bytes record)
{
    uint64_t types[COLUMNS_MOST];
    size_t at = 0;
    struct salvage *salvage = sqlite->salvage;
    unsigned n = read_types(record, types, &at);
    if (!n) {
        sqlite->lost++;
        return true;
    }
    bool fine = put_table(sqlite, n, false) &&
                salvage_text(salvage, "INSERT INTO recovered_%u VALUES(%lld", n, (long long)id);
    for (unsigned i = 0; i < n && fine; i++) {
        size_t size = (size_t)value_size(types[i]);
        fine = salvage_text(salvage, ",") &&
               put_value(salvage, types[i], bytes_slice(record, at, size));
        at += size;
    }
    sqlite->rows++;
    return fine && salvage_text(salvage, ");\n");
}

/* In a text, what is left of a letter beside a gap is no letter. */
static void mend_letters(uint8_t *text, size_t size, size_t from, size_t to)
{
    for (; to < size && (text[to] & 0xc0) == 0x80; to++)
        text[to] = '?';
    while (from && (text[from - 1] & 0xc0) == 0x80)
        text[--from] = '?';
    if (from && text[from - 1] >= 0xc0)
        text[from - 1] = '?';
}

/* A value of which some is ciphertext: what is known of a text or a blob, with question marks
 * or zeros for the rest, NULL of a number. */
static bool put_hurt_value(struct sqlite *sqlite, uint64_t type, uint64_t from, size_t size)
{
    struct salvage *salvage = sqlite->salvage;
    uint64_t to = from + size;
    uint8_t *value = type >= 12 && map_plain_size(&salvage->map, from, to)
                         ? arena_push_raw(salvage->arena, size)
                         : NULL;
    if (!value)
        return salvage_text(salvage, "NULL");
    memcpy(value, salvage->file.at + from, size);
    for (uint64_t at = from; at < to;) {
        uint64_t gap = map_plain_end(&salvage->map, at, to);
        at = map_plain_next(&salvage->map, gap, to);
        memset(value + (gap - from), type % 2 ? '?' : 0, (size_t)(at - gap));
        if (type % 2 && at > gap)
            mend_letters(value, size, (size_t)(gap - from), (size_t)(at - from));
    }
    return put_value(salvage, type, (bytes){value, size});
}

/* A row whose cell says what it holds, and of which values are hurt. */
static bool put_hurt_row(struct sqlite *sqlite, const struct cell *cell, const uint64_t *types,
                         unsigned n, uint64_t head)
{
    struct salvage *salvage = sqlite->salvage;
    uint64_t from = cell->from + head, to = cell->from + cell->size;
    if (!map_plain_size(&salvage->map, from, to)) {
        sqlite->lost++;
        return true;
    }
    bool fine =
        put_table(sqlite, n, true) &&
        salvage_text(salvage, "INSERT INTO damaged_%u VALUES(%lld", n, (long long)cell->id);
    for (unsigned i = 0; i < n && fine; i++) {
        size_t size = (size_t)value_size(types[i]);
        fine = salvage_text(salvage, ",");
        if (fine && map_is_plain(&salvage->map, from, from + size))
            fine = put_value(salvage, types[i], bytes_slice(salvage->file, (size_t)from, size));
        else if (fine)
            fine = put_hurt_value(sqlite, types[i], from, size);
        from += size;
    }
    uint64_t plain = map_plain_size(&salvage->map, cell->from, to);
    sqlite->hurt++;
    return fine && salvage_text(salvage, ",%llu);\n", (unsigned long long)(cell->size - plain));
}

/* The head of the cell at `cell` of the page: its size, its row. */
static bool read_cell(struct sqlite *sqlite, uint64_t page, uint32_t cell, struct cell *ret)
{
    bytes data = bytes_slice(sqlite->salvage->file, (size_t)page, sqlite->usable);
    uint64_t size, id;
    unsigned a = varint(data, cell, &size), b = a ? varint(data, cell + a, &id) : 0;
    if (!b || !map_is_plain(&sqlite->salvage->map, page + cell, page + cell + a + b))
        return false;
    uint64_t here = held_here(sqlite, size), end = cell + a + b + here + (here < size ? 4 : 0);
    *ret = (struct cell){page + cell, page + cell + a + b, size, id,
                         end <= data.len ? (uint32_t)end : 0};
    return true;
}

/* Types of a record that lies in its cell, whatever its values are; their number, 0: not known.
 */
static unsigned types_of(struct sqlite *sqlite, const struct cell *cell, uint64_t *types,
                         uint64_t *ret_head)
{
    struct salvage *salvage = sqlite->salvage;
    size_t at = 0;
    if (!cell->end || held_here(sqlite, cell->size) < cell->size)
        return 0;
    bytes record = bytes_slice(salvage->file, (size_t)cell->from, (size_t)cell->size);
    unsigned n = read_types(record, types, &at);
    *ret_head = at;
    return map_is_plain(&salvage->map, cell->from, cell->from + at) ? n : 0;
}

static bool put_cell(struct sqlite *sqlite, uint64_t page, const struct cell *cell)
{
    struct salvage *salvage = sqlite->salvage;
    struct arena_mark mark = arena_mark(salvage->arena);
    uint64_t types[COLUMNS_MOST], head = 0;
    bytes record = record_of(sqlite, cell->from, cell->size, page + sqlite->page - cell->from);
    unsigned n = record.at ? 0 : types_of(sqlite, cell, types, &head);
    bool fine = true;
    if (record.at)
        fine = put_row(sqlite, cell->id, record);
    else if (n)
        fine = put_hurt_row(sqlite, cell, types, n, head);
    else
        sqlite->lost++;
    arena_pop(salvage->arena, mark);
    /* What they are kept in is of the same arena. */
    uint64_t to = cell->from + (cell->size < sqlite->usable ? cell->size : 0);
    for (uint64_t at = cell->at; (record.at || n) && at < to;) {
        uint64_t end = map_plain_end(&salvage->map, at, to);
        salvage_gives(salvage, at, end);
        at = map_plain_next(&salvage->map, end, to);
    }
    return fine;
}

/* Whether something at `at` of the page is a cell by itself: as many columns as others have. */
static bool likely_cell(struct sqlite *sqlite, uint64_t page, uint32_t at, struct cell *ret)
{
    uint64_t types[COLUMNS_MOST], head;
    unsigned n = read_cell(sqlite, page, at, ret) ? types_of(sqlite, ret, types, &head) : 0;
    return n && (sqlite->created[n] || sqlite->created_hurt[n]);
}

/* Cells of which the page's table says nothing, from `at` on: behind one begins another, or the
 * page ends. */
static bool put_others(struct sqlite *sqlite, uint64_t page, uint32_t at)
{
    struct cell cell, next;
    while (at < sqlite->usable) {
        if (!budget_charge(sqlite->salvage->budget, 4))
            return false;
        if (sqlite->ends[at]) {
            at = sqlite->ends[at];
        } else if (likely_cell(sqlite, page, at, &cell) &&
                   (cell.end == sqlite->usable || sqlite->ends[cell.end] ||
                    likely_cell(sqlite, page, cell.end, &next))) {
            if (!put_cell(sqlite, page, &cell))
                return false;
            at = cell.end;
        } else {
            at++;
        }
    }
    return true;
}

/* The rows of a leaf. */
static bool put_leaf(struct sqlite *sqlite, uint64_t at)
{
    struct salvage *salvage = sqlite->salvage;
    bytes page = bytes_slice(salvage->file, (size_t)at, sqlite->page);
    size_t head = at == 0 ? 100 : 0;
    uint32_t cells = load_be16(page.at + head + 3), content = load_be16(page.at + head + 5);
    uint32_t missing = 0;
    memset(sqlite->ends, 0, sqlite->page * sizeof *sqlite->ends);
    for (uint32_t i = 0; i < cells; i++) {
        uint64_t pointer = at + head + 8 + 2ull * i;
        struct cell cell;
        if (!map_is_plain(&salvage->map, pointer, pointer + 2)) {
            missing++;
            continue;
        }
        uint32_t begin = load_be16(page.at + (pointer - at));
        if (!read_cell(sqlite, at, begin, &cell)) {
            sqlite->lost++;
            continue;
        }
        if (begin < sqlite->usable && cell.end)
            sqlite->ends[begin] = cell.end;
        if (!put_cell(sqlite, at, &cell))
            return false;
    }
    uint64_t before = sqlite->rows + sqlite->hurt;
    if (missing && !put_others(sqlite, at, content ? content : sqlite->page))
        return false;
    uint64_t found = sqlite->rows + sqlite->hurt - before;
    sqlite->lost += missing > found ? missing - found : 0;
    return true;
}

/* The rows of pages of which the head is ciphertext. */
static bool put_headless(struct sqlite *sqlite)
{
    bytes file = sqlite->salvage->file;
    for (uint64_t at = sqlite->page; at + sqlite->page <= file.len; at += sqlite->page) {
        if (map_is_plain(&sqlite->salvage->map, at, at + 8))
            continue;
        memset(sqlite->ends, 0, sqlite->page * sizeof *sqlite->ends);
        if (!put_others(sqlite, at, 8))
            return false;
    }
    return true;
}

static bool put_rows(struct sqlite *sqlite)
{
    struct salvage *salvage = sqlite->salvage;
    bytes file = salvage->file;
    for (uint64_t at = 0; at + sqlite->page <= file.len; at += sqlite->page) {
        uint64_t head = at == 0 ? 100 : 0;
        if (!budget_charge(salvage->budget, sqlite->page / 4))
            return false;
        if (is_leaf(file, at, sqlite->page) &&
            map_is_plain(&salvage->map, at + head, at + head + 8) && !put_leaf(sqlite, at))
            return false;
    }
    return put_headless(sqlite);
}

int sqlite_fits(struct salvage *salvage)
{
    static const char *const names[] = {"sqlite", "sqlite3", "db", "db3", "sqlitedb"};
    bool named = false;
    for (size_t i = 0; i < COUNT(names); i++)
        named |= salvage_named(salvage, names[i]);
    if (salvage->file.len < 1024)
        return 0;
    bool marked = memcmp(salvage->file.at, "SQLite format 3", 16) == 0;
    return marked ? 95 : named && find_page(salvage->file) ? 94 : 0;
}

void sqlite_give(struct salvage *salvage)
{
    bytes file = salvage->file;
    struct sqlite sqlite = {.salvage = salvage, .page = find_page(file)};
    if (!salvage_solve(salvage) || !sqlite.page ||
        !budget_charge(salvage->budget, file.len / 16))
        return;
    sqlite.usable = sqlite.page;
    if (map_is_plain(&salvage->map, 0, 100) && file.at[20] < sqlite.page / 4)
        sqlite.usable -= file.at[20];
    sqlite.ends = PUSH_ARRAY(salvage->arena, uint32_t, sqlite.page);
    if (!sqlite.ends || !salvage_begin(salvage, salvage_name(salvage, "sql"), "SQLite rows") ||
        !salvage_text(salvage, "BEGIN;\n") || !put_rows(&sqlite))
        return;
    salvage_counts(salvage, sqlite.rows + sqlite.hurt);
    if (salvage_text(salvage, "COMMIT;\n"))
        (void)salvage_end(salvage, SALVAGE_PARTIAL,
                          "%llu rows, %llu with gaps, %llu damaged ones left out",
                          (unsigned long long)sqlite.rows, (unsigned long long)sqlite.hurt,
                          (unsigned long long)sqlite.lost);
}

/* Files that are pages or sectors: SQLite (fileformat2.html, sections 1.3 to 1.6), OLE2
 * (MS-CFB, sections 2.2 to 2.3); GIF (GIF89a specification, blocks in sections 12 to 27). What
 * is in them has no checksum, so the best that can be said is plausible. */
#include "rescue/proof/kind.h"

#include <string.h>

enum {
    OLE_FREE = 0xffffffff,
    OLE_END = 0xfffffffe,
    OLE_FAT = 0xfffffffd,
    OLE_DIFAT = 0xfffffffc
};

/* --- SQLite --- */

static bool sqlite_begins(bytes head)
{
    return head.len >= 512 && !memcmp(head.at, "SQLite format 3", 16);
}

/* A b-tree page: its kind, and that every cell lies in it behind the list of cells. */
static bool is_tree(bytes page, size_t at)
{
    uint8_t kind = page.at[at];
    if (kind != 2 && kind != 5 && kind != 10 && kind != 13)
        return false;
    size_t head = at + (kind < 8 ? 12 : 8), cells = load_be16(page.at + at + 3);
    if (head + 2 * cells > page.len)
        return false;
    for (size_t i = 0; i < cells; i++) {
        size_t cell = load_be16(page.at + head + 2 * i);
        if (cell < head + 2 * cells || cell >= page.len)
            return false;
    }
    return true;
}

/* Pages that are no b-tree are overflow or free ones: they begin with another page's number, or
 * 0; or hold pointers. */
static void sqlite_check(struct reader *reader, struct proof_result *ret)
{
    uint8_t head[100];
    if (!proof_reader_take(reader, 0, head, sizeof head))
        return;
    size_t size = load_be16(head + 16) == 1 ? 65536 : load_be16(head + 16);
    uint64_t pages = load_be32(head + 28), trees = 0;
    if (size < 512 || size & (size - 1) || head[21] != 64 || head[22] != 32 || head[23] != 32) {
        kind_failed(ret, 0, "its header is damaged");
        return;
    }
    if (load_be32(head + 24) != load_be32(head + 92))
        pages = reader->size / size;
    if (pages * size != reader->size) {
        kind_failed(ret, 0, "it should have %llu pages of %zu bytes", (unsigned long long)pages,
                    size);
        return;
    }
    for (uint64_t i = 0; i < pages; i++) {
        bytes page = proof_reader_view(reader, i * size, size);
        if (page.len != size)
            return;
        bool tree = is_tree(page, i ? 0 : 100);
        trees += tree;
        if (!tree && (!i || (load_be32(page.at) > pages && page.at[0] > 5))) {
            kind_failed(ret, i * size, "what lies at %llu is no page",
                        (unsigned long long)i * size);
            return;
        }
    }
    kind_plausible(ret, reader->size,
                   "%llu of its %llu pages are sound trees, the others can be "
                   "what they have to be",
                   (unsigned long long)trees, (unsigned long long)pages);
}

/* --- OLE2 --- */

static bool ole_begins(bytes head)
{
    return head.len >= 512 && load_be64(head.at) == 0xd0cf11e0a1b11ae1 &&
           load_le16(head.at + 28) == 0xfffe;
}

/* One sector of the table: each entry is a sector of the file, or a mark. */
static bool table_holds(bytes sector, uint64_t sectors)
{
    for (size_t i = 0; i + 4 <= sector.len; i += 4) {
        uint32_t next = load_le32(sector.at + i);
        if (next >= sectors && next < OLE_DIFAT)
            return false;
    }
    return true;
}

static void ole_check(struct reader *reader, struct proof_result *ret)
{
    uint8_t head[512];
    if (!proof_reader_take(reader, 0, head, sizeof head))
        return;
    unsigned shift = load_le16(head + 30);
    uint32_t tables = load_le32(head + 44), directory = load_le32(head + 48);
    if ((shift != 9 && shift != 12) || reader->size < (2ull << shift)) {
        kind_failed(ret, 0, "its header is damaged");
        return;
    }
    uint64_t sectors = (reader->size - 1) >> shift; /* the last may be cut */
    if (tables > sectors || directory >= sectors) {
        kind_failed(ret, 0, "its table should lie behind its end: it is cut short or damaged");
        return;
    }
    for (uint32_t i = 0; i < tables && i < 109; i++) {
        uint32_t at = load_le32(head + 76 + 4 * (size_t)i);
        uint64_t place = ((uint64_t)at + 1) << shift;
        bytes sector = proof_reader_view(reader, place, (size_t)1 << shift);
        if (at >= sectors || sector.len != (size_t)1 << shift ||
            !table_holds(sector, sectors)) {
            kind_failed(ret, 512, "its table at %llu is damaged", (unsigned long long)place);
            return;
        }
    }
    uint8_t root[128];
    if (!proof_reader_take(reader, ((uint64_t)directory + 1) << shift, root, sizeof root) ||
        memcmp(root, "R\0o\0o\0t\0", 8) != 0 || root[66] != 5)
        kind_failed(ret, 512, "its directory is damaged");
    else
        kind_plausible(ret, reader->size,
                       "its table and directory are sound; its contents have no checksum");
}

/* --- GIF --- */

static bool gif_begins(bytes head)
{
    return head.len >= 14 && (!memcmp(head.at, "GIF89a", 6) || !memcmp(head.at, "GIF87a", 6));
}

static void gif_check(struct reader *reader, struct proof_result *ret)
{
    int flags = proof_reader_byte(reader, 10), c = 0;
    uint64_t at = 13 + (flags & 0x80 ? 3u << ((flags & 7) + 1) : 0u), images = 0;
    while ((c = proof_reader_byte(reader, at)) == ',' || c == '!') {
        images += c == ',';
        if (c == ',') {
            flags = proof_reader_byte(reader, at + 9);
            at += 11 + (flags >= 0 && flags & 0x80 ? 3u << ((flags & 7) + 1) : 0u);
        } else {
            at += 2;
        }
        while ((c = proof_reader_byte(reader, at)) > 0 && proof_reader_charge(reader, 1))
            at += 1 + (uint64_t)c;
        at++;
    }
    if (c != ';' || !images)
        kind_failed(ret, at, "what lies at %llu is no block", (unsigned long long)at);
    else
        kind_plausible(ret, at + 1,
                       "its blocks follow on each other up to its end; its %llu "
                       "images have no checksum",
                       (unsigned long long)images);
}

const struct proof_kind kind_sqlite = {"SQLite", " sqlite sqlite3 ", sqlite_begins,
                                       sqlite_check},
                        kind_ole = {"OLE2", " doc xls ppt msg msi ", ole_begins, ole_check},
                        kind_gif = {"GIF", " gif ", gif_begins, gif_check};

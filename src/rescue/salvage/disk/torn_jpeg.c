/* JPEG (jpeg.c): how long its data are, by how many blocks its head promises and how many bytes
 * those take that are plain. */
#include "rescue/salvage/disk/torn.h"
#include "rescue/salvage/kinds/jpeg_scan.h"

#include <string.h>

enum {
    HEAD_MOST = 1 << 17,
    DECODED_MOST = 256 << 10, /* bytes */
    DECODED_LEAST = 16,       /* blocks */
};

/* Reads the segments up to the data; where these begin, 0: it is no baseline picture whose head
 * is whole. */
static uint64_t read_head(const struct salvage *salvage, uint64_t at, uint64_t end,
                          struct jpeg_head *head)
{
    bytes file = bytes_slice(salvage->file, 0, (size_t)end);
    uint64_t last = at + HEAD_MOST;
    uint16_t len;
    for (at += 2; at < last && bytes_be16(file, at + 2, &len) && len >= 2; at += 2u + len) {
        uint8_t kind = file.at[at + 1];
        bytes body = bytes_slice(file, (size_t)at + 4, len - 2u);
        if (file.at[at] != 0xff || body.len < len - 2u)
            return 0;
        if (kind == 0xc4 && !jpeg_tables(head, body))
            return 0;
        if (kind == 0xc0 || kind == 0xc1) {
            if (body.len < 6 || body.at[5] > JPEG_COMPONENTS || body.len < 6 + 3u * body.at[5])
                return 0;
            head->height = load_be16(body.at + 1);
            head->width = load_be16(body.at + 3);
            head->components = body.at[5];
            for (unsigned c = 0; c < head->components; c++) {
                head->across[c] = body.at[7 + 3 * c] >> 4;
                head->down[c] = body.at[7 + 3 * c] & 15;
            }
        } else if (kind > 0xc1 && kind < 0xd0 && kind != 0xc4 && kind != 0xc8) {
            return 0;
        } else if (kind == 0xda) {
            if (!head->components || body.len < 1 + 2u * head->components ||
                body.at[0] != head->components)
                return 0;
            for (unsigned c = 0; c < head->components; c++) {
                head->dc_of[c] = body.at[2 + 2 * c] >> 4;
                head->ac_of[c] = body.at[2 + 2 * c] & 15;
                if (head->dc_of[c] >= JPEG_TABLES || head->ac_of[c] >= JPEG_TABLES)
                    return 0;
            }
            return jpeg_lay_out(head) ? at + 2u + len : 0;
        }
    }
    return 0;
}

uint64_t torn_jpeg_length(struct salvage *salvage, uint64_t at, uint64_t end)
{
    struct arena_mark mark = arena_mark(salvage->arena);
    struct jpeg_head *head = PUSH(salvage->arena, struct jpeg_head);
    uint64_t gap = map_plain_end(&salvage->map, at, end), length = 0, count = 0;
    uint64_t scan = head ? read_head(salvage, at, gap, head) : 0;
    struct jpeg_stretch stretch = {0};
    struct jpeg_block blocks[JPEG_BLOCKS];
    size_t to;
    if (scan) {
        uint64_t most = gap - scan < DECODED_MOST ? gap - scan : DECODED_MOST;
        bytes data = bytes_slice(salvage->file, (size_t)scan, (size_t)most);
        if (budget_charge(salvage->budget, most * 4) &&
            jpeg_unstuff(data, salvage->arena, &stretch, &to) == 0) {
            do {
                while (jpeg_mcu(head, &stretch, blocks))
                    count++;
            } while (jpeg_at_restart(&stretch) && jpeg_to_restart(&stretch) >= 0);
            /* A block may be cut by the end: 256 for 255 with their stuffing. */
            if (count >= DECODED_LEAST)
                length = scan - at +
                         stretch.bit / 8 * 256 / 255 * head->columns * head->rows / count;
        }
    }
    arena_pop(salvage->arena, mark);
    return length;
}

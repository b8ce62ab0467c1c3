/* GIF89a (W3C): screen, colours, blocks. PNG (RFC 2083): chunks. TIFF 6.0: directories. What
 * counts as broken was found out from clamscan 1.4. */
#include "alert/media.h"

#include <string.h>

enum {
    GIF_HEADER = 13,
    GIF_FLAGS = 10,
    GIF_COLORS = 0x80,
    GIF_EXTENSION = 0x21,
    GIF_CONTROL = 0xf9,
    GIF_CONTROL_SIZE = 6,
    GIF_IMAGE = 0x2c,
    GIF_IMAGE_SIZE = 9,
    GIF_END = 0x3b,
    PNG_MARK = 8,
    PNG_IHDR = 13,
    TIFF_ENTRY = 12,
};

/* What is at work in a picture. */
struct cursor {
    bytes data;
    uint64_t at;
    struct budget *budget;
};

static size_t color_bytes(uint8_t flags)
{
    return flags & GIF_COLORS ? (size_t)3 << ((flags & 7) + 1) : 0;
}

/* Blocks of up to 255 bytes, the last one empty. */
static enum alert skip_blocks(struct cursor *c, enum alert no_size, enum alert no_data)
{
    for (;;) {
        if (!bytes_has(c->data, c->at, 1))
            return no_size;
        uint8_t size = c->data.at[c->at++];
        if (!size)
            return ALERTS;
        if (!bytes_has(c->data, c->at, size))
            return no_data;
        c->at += size;
    }
}

static enum alert skip_extension(struct cursor *c)
{
    if (!bytes_has(c->data, c->at, 1))
        return ALERT_GIF_EXTENSION;
    if (c->data.at[c->at++] != GIF_CONTROL)
        return skip_blocks(c, ALERT_GIF_EXTENSION, ALERT_GIF_SUB_BLOCK);
    c->at += GIF_CONTROL_SIZE;
    return ALERTS;
}

static enum alert skip_image(struct cursor *c)
{
    if (!bytes_has(c->data, c->at, GIF_IMAGE_SIZE))
        return ALERT_GIF_DESCRIPTOR;
    c->at += GIF_IMAGE_SIZE;
    c->at += color_bytes(c->data.at[c->at - 1]) + 1;
    return skip_blocks(c, ALERT_GIF_DATA, ALERT_GIF_DATA);
}

enum alert media_gif(bytes data, struct budget *budget)
{
    struct cursor c = {data, GIF_HEADER, budget};
    bool has_image = false;
    if (!bytes_has(data, 0, 6) || memcmp(data.at, "GIF", 3) != 0)
        return ALERTS;
    if (!bytes_has(data, 0, GIF_HEADER))
        return ALERT_GIF_SCREEN;
    c.at += color_bytes(data.at[GIF_FLAGS]);
    if (c.at > data.len)
        return ALERT_GIF_COLORS;
    for (;;) {
        if (!budget_charge(budget, 1))
            return ALERTS;
        if (!bytes_has(data, c.at, 1))
            return has_image ? ALERTS : ALERT_GIF_NO_IMAGE;
        uint8_t label = data.at[c.at++];
        if (label == GIF_END)
            return ALERTS;
        enum alert alert = label == GIF_EXTENSION ? skip_extension(&c)
                           : label == GIF_IMAGE   ? skip_image(&c)
                                                  : ALERT_GIF_LABEL;
        if (alert != ALERTS)
            return alert;
        has_image |= label == GIF_IMAGE;
    }
}

/* ClamAV stops, without a word, at a header of other sizes. */
static bool header_fits(const uint8_t *p, uint32_t size)
{
    return size == PNG_IHDR && load_be32(p) - 1 < 0x7fffffff &&
           load_be32(p + 4) - 1 < 0x7fffffff;
}

enum alert media_png(bytes data, struct budget *budget)
{
    uint32_t size;
    for (uint64_t at = PNG_MARK; bytes_be32(data, at, &size); at += 12 + (uint64_t)size) {
        if (!budget_charge(budget, 1))
            return ALERTS;
        if (size > 0x7fffffff)
            return ALERT_PNG_LENGTH;
        if (!bytes_has(data, at + 4, 4))
            return ALERT_PNG_TYPE;
        if (size && !bytes_has(data, at + 8, size))
            return ALERT_PNG_CHUNK;
        const uint8_t *p = data.at + at + 4;
        if (memcmp(p, "IHDR", 4) == 0 && !header_fits(p + 4, size))
            return ALERTS;
        if (!bytes_has(data, at + 8 + size, 4))
            return ALERT_PNG_CRC;
        if (memcmp(p, "IEND", 4) == 0)
            return ALERTS;
    }
    return ALERTS;
}

static uint32_t tiff_word(const uint8_t *p, bool big)
{
    return big ? load_be32(p) : load_le32(p);
}

/* Whether an entry's values lie in the file. */
static bool values_fit(bytes data, const uint8_t *entry, bool big)
{
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    uint16_t type = big ? load_be16(entry + 2) : load_le16(entry + 2);
    uint64_t size =
        (uint64_t)tiff_word(entry + 4, big) * (type < COUNT(sizes) ? sizes[type] : 0);
    return size <= 4 || tiff_word(entry + 8, big) + size <= data.len;
}

enum alert media_tiff(bytes data, struct budget *budget)
{
    if (!bytes_has(data, 0, 4) ||
        (memcmp(data.at, "MM\0*", 4) != 0 && memcmp(data.at, "II*\0", 4) != 0))
        return ALERTS;
    bool big = data.at[0] == 'M';
    if (!bytes_has(data, 4, 4))
        return ALERT_TIFF_FIRST;
    uint32_t at = tiff_word(data.at + 4, big), before;
    if (!at)
        return ALERT_TIFF_ZERO;
    do {
        if (!bytes_has(data, at, 2))
            return ALERT_TIFF_COUNT;
        uint16_t count = big ? load_be16(data.at + at) : load_le16(data.at + at);
        at += 2;
        for (uint32_t i = 0; i < count; i++, at += TIFF_ENTRY) {
            if (!budget_charge(budget, 1))
                return ALERTS;
            if (!bytes_has(data, at, TIFF_ENTRY))
                return ALERT_TIFF_ENTRY;
            if (!values_fit(data, data.at + at, big))
                return ALERT_TIFF_OUTSIDE;
        }
        if (!bytes_has(data, at, 4))
            return ALERT_TIFF_NEXT;
        before = at;
        at = tiff_word(data.at + at, big);
    } while (at > before);
    return at ? ALERT_TIFF_ORDER : ALERTS;
}

/* JPEG (ISO/IEC 10918-1, annex B): 0xff and a marker, then a length that counts itself, up to
 * the start of a scan. What counts as broken was found out from clamscan 1.4. */
#include "alert/media.h"

#include <string.h>

enum {
    JFIF = 0xe0,
    EXIF = 0xe1,
    SPIFF = 0xe8,
    PHOTOSHOP = 0xed,
    SCAN = 0xda,
    END = 0xd9,
    COMMENT = 0xfe,
    DTI = 0xf1,
    DTT = 0xf2,
    JPG7 = 0xf7,
    LEAST = 16,    /* bytes of an application's header */
    SPURIOUS = 16, /* bytes before a segment */
};

/* What was seen so far. */
struct seen {
    uint32_t segment; /* number of the one at hand, from 1 */
    uint32_t jfif, exif, spiff;
    bool comment;
    uint8_t before; /* the marker of the segment before */
};

static bool seen_any(const struct seen *seen)
{
    return seen->jfif || seen->exif || seen->spiff;
}

static bool has_text(bytes data, uint64_t at, const char *text, size_t len)
{
    return bytes_has(data, at, len) && memcmp(data.at + at, text, len) == 0;
}

static enum alert check_jfif(struct seen *seen, uint32_t size)
{
    uint32_t segment = seen->segment;
    if (seen->jfif)
        return ALERT_JPEG_JFIF_TWICE;
    if (segment != 1 && !(segment == 2 && (seen->comment || seen->exif)) &&
        !(segment == 3 && seen->comment && seen->exif))
        return ALERT_JPEG_JFIF_PLACE;
    seen->jfif++;
    return size < LEAST ? ALERT_JPEG_JFIF_SHORT : ALERTS;
}

static enum alert check_exif(struct seen *seen, uint32_t size)
{
    if (seen->exif || seen->spiff)
        return ALERT_JPEG_EXIF_TWICE;
    if (seen->segment > 3 && !seen->comment && seen->jfif)
        return ALERT_JPEG_EXIF_PLACE;
    seen->exif++;
    return size < LEAST ? ALERT_JPEG_EXIF_SHORT : ALERTS;
}

static enum alert check_spiff(struct seen *seen, uint32_t size)
{
    if (seen_any(seen))
        return ALERT_JPEG_SPIFF_TWICE;
    if (seen->segment != 1 && (seen->segment != 2 || !seen->comment))
        return ALERT_JPEG_SPIFF_PLACE;
    seen->spiff++;
    return size < LEAST ? ALERT_JPEG_SPIFF_SHORT : ALERTS;
}

/* `at`: behind the length. *ret_end: nothing further is looked at. */
static enum alert check_segment(bytes data, uint64_t at, uint8_t marker, uint32_t size,
                                struct seen *seen, bool *ret_end)
{
    *ret_end = marker == SCAN || marker == JPG7 || marker == END;
    if (marker == JFIF && has_text(data, at, "JFIF", 5))
        return check_jfif(seen, size);
    if (marker == EXIF && has_text(data, at, "Exif\0", 6))
        return check_exif(seen, size);
    if (marker == SPIFF && has_text(data, at, "SPIFF", 6))
        return check_spiff(seen, size);
    if (marker == JPG7)
        return seen_any(seen) ? ALERT_JPEG_JPG7 : ALERTS;
    if (marker == END)
        return ALERT_JPEG_NO_IMAGE;
    if (marker == DTT && seen->before != DTI)
        return ALERT_JPEG_DTT;
    seen->comment |= marker == COMMENT || marker == PHOTOSHOP ||
                     (marker == EXIF && has_text(data, at, "http://", 7));
    return ALERTS;
}

/* The marker of the next segment: the first byte that is not 0xff behind one that is. False:
 * there are too many bytes before it. At the end of the data it is the last byte. */
static bool next_marker(bytes data, uint64_t *at, uint8_t *marker)
{
    uint8_t before = 0;
    uint32_t i = 0;
    for (; *at < data.len && i < SPURIOUS; i++) {
        *marker = data.at[(*at)++];
        if (before == 0xff && *marker != 0xff)
            break;
        before = *marker;
    }
    return i < SPURIOUS;
}

enum alert media_jpeg(bytes data, struct budget *budget)
{
    struct seen seen = {0};
    uint8_t marker = 0;
    bool end = false;
    uint64_t at = has_text(data, 0, "\xff\xd8\xff", 3)       ? 2
                  : has_text(data, 0, "\xff\xd9\xff\xd8", 4) ? 4
                                                             : 0;
    if (!at || data.len < 4)
        return ALERTS;
    while (!end) {
        uint16_t size;
        seen.segment++;
        if (!budget_charge(budget, 1))
            return ALERTS;
        if (!next_marker(data, &at, &marker))
            return ALERT_JPEG_SPURIOUS;
        if (marker == COMMENT && bytes_be16(data, at, &size) && size < 2)
            return ALERT_JPEG_COMMENT;
        if (!bytes_be16(data, at, &size))
            return ALERT_JPEG_NO_SIZE;
        if (size < 2)
            return ALERT_JPEG_SIZE;
        if (size >= data.len - at + 2)
            return ALERT_JPEG_OUTSIDE;
        at += size;
        /* Names may reach past a segment that is too short for them. */
        enum alert alert = check_segment(data, at - size + 2, marker, size, &seen, &end);
        if (alert != ALERTS)
            return alert;
        seen.before = marker;
    }
    return ALERTS;
}

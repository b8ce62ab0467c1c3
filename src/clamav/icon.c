/* docs.clamav.net, "Icon Signatures":
 *
 *   name ':' group1 ':' group2 ':' 124 hexadecimal digits
 *
 *   side, 2 digits: 16, 24 or 32
 *   three areas of each kind, in the order of enum icon_kind: level (3 digits for the first two
 *     kinds, else 2), x, y, 2 digits each
 *   red, green, blue, share of coloured pixels: percent, 2 digits each
 *
 * Bounds are those of clamscan 1.4. */
#include "clamav/icon.h"

#include "clamav/ignore.h"

#include <errno.h>

enum { FIELDS = 4, DIGITS = 124, LEVEL_MOST = 4072, TINTS_MOST = 103, GROUPS_MOST = 256 };

void icon_begin(struct clamav *clamav)
{
    clamav->draft->icons.n = 0;
}

/* The next digits as a number; they are hexadecimal. */
static uint32_t take(bytes *rest, uint32_t digits)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < digits; i++)
        value = value << 4 | (uint32_t)ascii_hex(rest->at[i]);
    *rest = bytes_slice(*rest, digits, rest->len);
    return value;
}

static const char *read_areas(bytes *rest, struct ruleset_icon *icon)
{
    for (int kind = 0; kind < ICON_KINDS; kind++)
        for (int i = 0; i < ICON_AREAS; i++) {
            struct icon_area *area = &icon->areas[kind][i];
            uint32_t last = icon->side - icon->side / 8;
            area->level = (uint16_t)take(rest, kind <= ICON_GREY ? 3 : 2);
            area->x = (uint8_t)take(rest, 2);
            area->y = (uint8_t)take(rest, 2);
            if (area->level > LEVEL_MOST || area->x > last || area->y > last)
                return "has an area that lies outside";
        }
    return NULL;
}

static const char *read_numbers(bytes text, struct ruleset_icon *icon)
{
    if (text.len != DIGITS)
        return "has not 124 digits";
    for (size_t i = 0; i < text.len; i++)
        if (ascii_hex(text.at[i]) < 0)
            return "has not 124 digits";
    icon->side = take(&text, 2);
    if (icon->side != 16 && icon->side != 24 && icon->side != 32)
        return "is of another size than 16, 24 and 32";
    const char *reason = read_areas(&text, icon);
    if (reason)
        return reason;
    icon->red = (uint8_t)take(&text, 2);
    icon->green = (uint8_t)take(&text, 2);
    icon->blue = (uint8_t)take(&text, 2);
    icon->colours = (uint8_t)take(&text, 2);
    return icon->red + icon->green + icon->blue > TINTS_MOST || icon->colours > 100
               ? "has more colours than there can be"
               : NULL;
}

/* Whether there are so many groups already that this is one too many. */
static bool is_crowded(const struct draft *draft, int which, uint32_t group)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < draft->icons.n; i++) {
        uint32_t one = draft->icons.at[i].groups[which], k = 0;
        if (one == group)
            return false;
        while (k < i && draft->icons.at[k].groups[which] != one)
            k++;
        count += k == i;
    }
    return count >= GROUPS_MOST;
}

int icon_line(struct clamav *clamav, bytes line)
{
    struct draft *draft = clamav->draft;
    struct ruleset_icon icon = {0};
    bytes field[FIELDS], rest = line;
    uint32_t count = 0;
    while (count < FIELDS && bytes_cut(&rest, ':', &field[count]))
        count++;
    if (count < FIELDS || rest.at) {
        clamav_refuse(clamav, CLAMAV_ICON, "is not name:group:group:digits");
        return 0;
    }
    if (ignore_has(clamav, CLAMAV_ICON, field[0]))
        return 0;
    const char *reason = read_numbers(field[3], &icon);
    for (int i = 0; i < 2; i++) {
        icon.groups[i] = draft_text(draft, field[1 + i]);
        if (!reason && is_crowded(draft, i, icon.groups[i]))
            reason = "is of one group too many";
    }
    if (reason) {
        clamav_refuse(clamav, CLAMAV_ICON, "%s", reason);
        return 0;
    }
    struct ruleset_icon *slot = vec_push(draft->arena, &draft->icons);
    if (!slot || draft->full)
        return -ENOMEM;
    *slot = icon;
    clamav->counts[CLAMAV_ICON].read++;
    return 0;
}

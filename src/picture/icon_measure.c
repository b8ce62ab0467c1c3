/* The numbers that describe an icon. Oddities are ClamAV's: windows at the right and lower end
 * are not looked at, the second pass of the blur reads what it has written, and of an icon
 * without colours the fourth to sixth area without edges lie where those with edges do. */
#include "picture/icon.h"

#include <math.h>

enum {
    WINDOWS = 2 * ICON_AREAS, /* that are looked for in icons without colours */
    COLOURED = 85,            /* from this saturation and value on */
    COLOURED_LEAST = 5,       /* percent of the pixels */
};

struct window {
    uint32_t sum, x, y;
};

struct measuring {
    uint32_t side, window;
    uint32_t values[ICON_SIDE * ICON_SIDE];
    uint32_t sums[ICON_SIDE * ICON_SIDE]; /* of windows, by their upper left pixel */
    double greys[ICON_SIDE * ICON_SIDE];
};

struct tint {
    uint32_t red, green, blue, saturation, value, delta;
};

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t apart(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

static struct tint tint_of(uint32_t colour)
{
    struct tint t = {
        .red = colour >> 16 & 0xff, .green = colour >> 8 & 0xff, .blue = colour & 0xff};
    t.value = most(t.red, most(t.green, t.blue));
    t.delta = t.value - least(t.red, least(t.green, t.blue));
    t.saturation = t.delta ? 255 * t.delta / t.value : 0;
    return t;
}

static void add_windows(struct measuring *m)
{
    uint32_t last = m->side - m->window;
    for (uint32_t y = 0; y <= last; y++)
        for (uint32_t x = 0; x <= last; x++) {
            uint32_t sum = 0;
            for (uint32_t v = 0; v < m->window; v++)
                for (uint32_t u = 0; u < m->window; u++)
                    sum += m->values[(y + v) * m->side + x + u];
            m->sums[y * m->side + x] = sum;
        }
}

static bool overlaps(const struct measuring *m, const struct window *windows, uint32_t count,
                     uint32_t x, uint32_t y)
{
    for (uint32_t i = 0; i < count; i++)
        if (apart(x, windows[i].x) < m->window && apart(y, windows[i].y) < m->window)
            return true;
    return false;
}

/* The windows with the largest sums, or the smallest, that do not overlap. */
static void find_windows(const struct measuring *m, bool largest, uint32_t count,
                         struct window *ret)
{
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = (struct window){.sum = largest ? 0 : UINT32_MAX};
        for (uint32_t y = 0; y < m->side - m->window; y++)
            for (uint32_t x = 0; x + 1 < m->side - m->window; x++) {
                uint32_t sum = m->sums[y * m->side + x];
                bool is_better = largest ? sum > ret[i].sum : sum < ret[i].sum;
                if (is_better && !overlaps(m, ret, i, x, y))
                    ret[i] = (struct window){sum, x, y};
            }
    }
}

static void put_areas(const struct measuring *m, const struct window *windows,
                      struct icon_area ret[ICON_AREAS])
{
    for (uint32_t i = 0; i < ICON_AREAS; i++) {
        uint32_t level = windows[i].sum / (m->window * m->window);
        ret[i] = (struct icon_area){(uint16_t)least(level, UINT16_MAX), (uint8_t)windows[i].x,
                                    (uint8_t)windows[i].y};
    }
}

static void find_both(struct measuring *m, struct icon_area large[ICON_AREAS],
                      struct icon_area small[ICON_AREAS])
{
    struct window windows[ICON_AREAS];
    add_windows(m);
    find_windows(m, true, ICON_AREAS, windows);
    put_areas(m, windows, large);
    find_windows(m, false, ICON_AREAS, windows);
    put_areas(m, windows, small);
}

/* How much of it has which colour. */
static void count_colours(const struct icon_pixels *pixels, struct ruleset_icon *ret)
{
    uint32_t count = 0, red = 0, green = 0, blue = 0, area = pixels->side * pixels->side;
    for (uint32_t i = 0; i < area; i++) {
        struct tint t = tint_of(pixels->at[i]);
        if (t.saturation <= COLOURED || t.value <= COLOURED)
            continue;
        count++;
        red += 100 - 100 * apart(t.green, t.blue) / t.delta;
        green += 100 - 100 * apart(t.red, t.blue) / t.delta;
        blue += 100 - 100 * apart(t.red, t.green) / t.delta;
    }
    uint32_t share = count * 100 / area;
    if (share <= COLOURED_LEAST)
        return;
    ret->red = (uint8_t)(red / count);
    ret->green = (uint8_t)(green / count);
    ret->blue = (uint8_t)(blue / count);
    ret->colours = (uint8_t)share;
}

/* sRGB to light, for D65. Single precision constants: so ClamAV has them. */
static double light_of(double c)
{
    c /= 255.0;
    c = c > (double)0.04045F ? pow((c + (double)0.055F) / (double)1.055F, (double)2.4F)
                             : c / (double)12.92F;
    return c * 100.0;
}

static double cube_root(double t)
{
    return t > (double)0.008856F ? pow(t, (double)(1.0F / 3.0F))
                                 : (double)7.787F * t + (double)(16.0F / 116.0F);
}

/* How far a colour is from grey (127, 127, 127) in CIE L*a*b*. */
static double from_grey(uint32_t colour)
{
    const double grey_l = (double)53.192777691077211F, grey_a = (double)0.0031420942181448197F,
                 grey_b = (double)-0.0062075877844014471F;
    double r = light_of(colour >> 16 & 0xff), g = light_of(colour >> 8 & 0xff),
           b = light_of(colour & 0xff);
    double x = r * (double)0.4124F + g * (double)0.3576F + b * (double)0.1805F;
    double y = r * (double)0.2126F + g * (double)0.7152F + b * (double)0.0722F;
    double z = r * (double)0.0193F + g * (double)0.1192F + b * (double)0.9505F;
    x = cube_root(x / (double)95.047F);
    y = cube_root(y / 100.0);
    z = cube_root(z / (double)108.883F);
    double l = 116.0 * y - 16.0, a = 500.0 * (x - y), bb = 200.0 * (y - z);
    return sqrt(pow(grey_l - l, 2) + pow(grey_a - a, 2) + pow(grey_b - bb, 2));
}

/* Sobel's operator, scaled to 255; where nothing differs, blue stays. */
static void find_edges(struct measuring *m, const struct icon_pixels *pixels)
{
    uint32_t side = m->side, greatest = 0;
    for (uint32_t i = 0; i < side * side; i++)
        m->greys[i] = from_grey(pixels->at[i]);
    for (uint32_t i = 0; i < side * side; i++)
        m->values[i] = 0;
    for (uint32_t y = 1; y < side - 1; y++)
        for (uint32_t x = 1; x < side - 1; x++) {
            const double *up = m->greys + (y - 1) * side + x, *at = up + side,
                         *down = at + side;
            double across = up[-1] + at[-1] * 2 + down[-1] - up[1] - at[1] * 2 - down[1];
            double along = up[-1] + up[0] * 2 + up[1] - down[-1] - down[0] * 2 - down[1];
            uint32_t edge = (uint32_t)sqrt(across * across + along * along);
            m->values[y * side + x] = edge;
            greatest = most(greatest, edge);
        }
    for (uint32_t y = 1; y < side - 1; y++)
        for (uint32_t x = 1; x < side - 1; x++) {
            uint32_t *value = &m->values[y * side + x];
            *value = greatest ? *value * 255 / greatest : pixels->at[y * side + x] & 0xff;
        }
}

/* With 1 2 1, along, then down. */
static void blur(struct measuring *m)
{
    uint32_t side = m->side;
    for (uint32_t y = 1; y < side - 1; y++) {
        uint32_t *row = m->values + (size_t)y * side, left = row[0];
        for (uint32_t x = 1; x < side - 1; x++) {
            uint32_t value = (left + row[x] * 2 + row[x + 1]) / 4;
            left = row[x];
            row[x] = value;
        }
    }
    for (uint32_t y = 1; y < side - 1; y++)
        for (uint32_t x = 1; x < side - 1; x++) {
            uint32_t *at = m->values + y * side + x;
            *at = (at[-(ptrdiff_t)side] + at[0] * 2 + at[side]) / 4;
        }
}

static void measure_edges(struct measuring *m, struct ruleset_icon *ret)
{
    struct window edges[WINDOWS], plain[WINDOWS];
    uint32_t count = ret->colours ? ICON_AREAS : WINDOWS;
    add_windows(m);
    find_windows(m, true, count, edges);
    find_windows(m, false, count, plain);
    put_areas(m, edges, ret->areas[ICON_EDGE]);
    put_areas(m, plain, ret->areas[ICON_NO_EDGE]);
    if (ret->colours)
        return;
    for (uint32_t i = ICON_AREAS; i < WINDOWS; i++) {
        plain[i].x = edges[i].x;
        plain[i].y = edges[i].y;
    }
    put_areas(m, edges + ICON_AREAS, ret->areas[ICON_COLOUR]);
    put_areas(m, plain + ICON_AREAS, ret->areas[ICON_GREY]);
}

void icon_measure(const struct icon_pixels *pixels, struct ruleset_icon *ret)
{
    struct measuring m = {.side = pixels->side, .window = pixels->side / 4};
    uint32_t area = m.side * m.side;
    *ret = (struct ruleset_icon){.side = m.side};
    for (uint32_t i = 0; i < area; i++) {
        struct tint t = tint_of(pixels->at[i]);
        m.values[i] = (uint32_t)sqrt(t.saturation * t.saturation * t.value);
    }
    find_both(&m, ret->areas[ICON_COLOUR], ret->areas[ICON_GREY]);
    for (uint32_t i = 0; i < area; i++)
        m.values[i] = tint_of(pixels->at[i]).value;
    find_both(&m, ret->areas[ICON_BRIGHT], ret->areas[ICON_DARK]);
    count_colours(pixels, ret);
    find_edges(&m, pixels);
    blur(&m);
    measure_edges(&m, ret);
}

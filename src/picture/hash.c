/* Single precision throughout, in the order that ClamAV's libraries add in: pictures that are
 * symmetrical have frequencies that are zero but for rounding, and each bit says on which side
 * of the median one of them lies. */
#include "picture/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = PICTURE_SIDE, LOW = 8 };

#define SUPPORT 3.0F /* of the filter: Lanczos with three lobes */
#define PI      3.14159265358979323846

static float sinc(float t)
{
    float a = t * (float)PI;
    return t == 0.0F ? 1.0F : sinf(a) / a;
}

static float lanczos(float x)
{
    return x < SUPPORT && x > -SUPPORT ? sinc(x) * sinc(x / SUPPORT) : 0.0F;
}

static int64_t floor_of(float x)
{
    int64_t whole = (int64_t)x;
    return whole - ((float)whole > x);
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Which of `size` pixels in a row one of SIDE is made of, and how much of each. */
struct window {
    uint32_t from, count;
    float *weights;
};

static void make_window(uint32_t size, uint32_t number, struct window *window)
{
    float ratio = (float)size / (float)SIDE;
    float scale = ratio < 1.0F ? 1.0F : ratio;
    float support = SUPPORT * scale;
    float middle = ((float)number + 0.5F) * ratio;
    int64_t left = clamp(floor_of(middle - support), 0, (int64_t)size - 1);
    int64_t right = clamp(-floor_of(-(middle + support)), left + 1, size);
    float sum = 0;
    middle -= 0.5F;
    window->from = (uint32_t)left;
    window->count = (uint32_t)(right - left);
    for (int64_t i = left; i < right; i++) {
        float weight = lanczos(((float)i - middle) / scale);
        window->weights[i - left] = weight;
        sum += weight;
    }
    for (uint32_t i = 0; i < window->count; i++)
        window->weights[i] /= sum;
}

/* Room for the widest window. */
static bool new_window(struct arena *arena, uint32_t size, struct window *ret)
{
    ret->weights = PUSH_ARRAY(arena, float, size);
    return ret->weights != NULL;
}

/* SIDE rows out of all. */
static bool shrink_rows(const struct picture *picture, struct arena *arena,
                        struct budget *budget, float *to)
{
    struct window window;
    const size_t width = picture->width;
    if (!new_window(arena, picture->height, &window))
        return false;
    for (uint32_t row = 0; row < SIDE; row++, to += width) {
        make_window(picture->height, row, &window);
        if (!budget_charge(budget, window.count * (uint64_t)width / 8 + window.count))
            return false;
        memset(to, 0, width * sizeof *to);
        for (uint32_t i = 0; i < window.count; i++) {
            const uint8_t *from = picture->grey + (window.from + i) * width;
            const float weight = window.weights[i];
            for (size_t x = 0; x < width; x++)
                to[x] += (float)from[x] * weight;
        }
    }
    return true;
}

static uint8_t nearest(float x)
{
    if (!(x > 0.0F))
        return 0;
    if (x >= 255.0F)
        return 255;
    int whole = (int)x;
    return (uint8_t)(whole + (x - (float)whole >= 0.5F));
}

static bool shrink(const struct picture *picture, struct arena *arena, struct budget *budget,
                   uint8_t *ret)
{
    struct window window;
    const size_t width = picture->width;
    if (width == SIDE && picture->height == SIDE) {
        memcpy(ret, picture->grey, (size_t)SIDE * SIDE);
        return true;
    }
    float *rows = arena_push_raw(arena, width * SIDE * sizeof *rows);
    if (!rows || !shrink_rows(picture, arena, budget, rows) ||
        !new_window(arena, picture->width, &window))
        return false;
    for (uint32_t column = 0; column < SIDE; column++) {
        make_window(picture->width, column, &window);
        for (uint32_t row = 0; row < SIDE; row++) {
            const float *from = rows + row * width + window.from;
            float sum = 0;
            for (uint32_t i = 0; i < window.count; i++)
                sum += from[i] * window.weights[i];
            ret[row * SIDE + column] = nearest(sum);
        }
    }
    return true;
}

/* The cosine transform (of type 2) of `n` values, a power of two, by halves and quarters; spare
 * has room for as many. */
static void transform(float *values, float *spare, uint32_t n)
{
    const uint32_t half = n / 2, quarter = n / 4;
    float *evens = spare, *cosines = spare + half, *sines = cosines + quarter;
    if (n == 1)
        return;
    if (n == 2) {
        float sum = values[0] + values[1];
        values[1] = (values[0] - values[1]) * (float)M_SQRT1_2;
        values[0] = sum;
        return;
    }
    for (uint32_t i = 0; i < quarter; i++) {
        float bottom = values[i], top = values[n - i - 1];
        float half_bottom = values[half - i - 1], half_top = values[half + i];
        double angle = PI * 2 / (4 * n) * (2 * i + 1);
        float real = (float)cos(angle), imaginary = (float)sin(angle);
        float lower = bottom - top, upper = half_bottom - half_top;
        float sine = upper * real - lower * imaginary;
        evens[i] = top + bottom;
        evens[half - i - 1] = half_bottom + half_top;
        cosines[i] = lower * real + upper * imaginary;
        sines[quarter - i - 1] = i % 2 ? -sine : sine;
    }
    transform(evens, values, half);
    transform(cosines, values, quarter);
    transform(sines, values, quarter);
    values[0] = evens[0];
    values[1] = cosines[0];
    values[2] = evens[1];
    for (uint32_t i = 1; i < quarter; i++) {
        float cosine = cosines[i];
        float sine = (i + quarter) % 2 ? sines[quarter - i] : -sines[quarter - i];
        values[i * 4 - 1] = cosine + sine;
        values[i * 4] = evens[i * 2];
        values[i * 4 + 1] = cosine - sine;
        values[i * 4 + 2] = evens[i * 2 + 1];
    }
    values[n - 1] = -sines[0];
}

/* Each row's transform, doubled; then columns become rows. */
static void transform_rows(float from[SIDE][SIDE], float to[SIDE][SIDE])
{
    float spare[SIDE];
    for (uint32_t y = 0; y < SIDE; y++) {
        transform(from[y], spare, SIDE);
        for (uint32_t x = 0; x < SIDE; x++)
            to[x][y] = from[y][x] * 2.0F;
    }
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

bool hash_of_pixels(const struct picture *picture, struct arena *arena, struct budget *budget,
                    uint64_t *ret)
{
    uint8_t small[SIDE * SIDE];
    float columns[SIDE][SIDE], rows[SIDE][SIDE], low[LOW * LOW], sorted[LOW * LOW];
    uint64_t hash = 0;
    if (!shrink(picture, arena, budget, small))
        return false;
    for (uint32_t i = 0; i < SIDE * SIDE; i++)
        columns[i % SIDE][i / SIDE] = (float)small[i] / 255.0F;
    transform_rows(columns, rows);
    transform_rows(rows, columns);
    for (uint32_t i = 0; i < LOW * LOW; i++)
        low[i] = columns[i % LOW][i / LOW];
    memcpy(sorted, low, sizeof low);
    qsort(sorted, COUNT(sorted), sizeof *sorted, compare_floats);
    float median = (sorted[LOW * LOW / 2 - 1] + sorted[LOW * LOW / 2]) / 2.0F;
    for (uint32_t i = 0; i < LOW * LOW; i++)
        hash = hash << 1 | (low[i] > median);
    *ret = hash;
    return true;
}

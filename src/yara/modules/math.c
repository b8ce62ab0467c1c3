/* The math module of YARA 4.5 (docs/modules/math). Two of its ways are kept although they look
 * like slips, because rules are written against them: bytes of a string argument count as
 * signed (0xff is -1) in everything but entropy, and min and max compare unsigned. */
#include "yara/modules/range.h"
#include "yara/modules/table.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How often each byte is met in a range. */
struct histogram {
    uint64_t counts[256];
    uint64_t total;
    int64_t offset, length; /* the range */
    bool defined;
};

static void histogram_add(struct histogram *histogram, bytes part)
{
    /* Four tables: a run of equal bytes would wait for its own last addition. */
    uint32_t lanes[4][256] = {0};
    while (part.len) {
        bytes piece = bytes_slice(part, 0, UINT64_C(1) << 30);
        size_t i = 0;
        for (; i + 4 <= piece.len; i += 4) {
            lanes[0][piece.at[i]]++;
            lanes[1][piece.at[i + 1]]++;
            lanes[2][piece.at[i + 2]]++;
            lanes[3][piece.at[i + 3]]++;
        }
        for (; i < piece.len; i++)
            lanes[0][piece.at[i]]++;
        for (i = 0; i < 256; i++)
            histogram->counts[i] +=
                (uint64_t)lanes[0][i] + lanes[1][i] + lanes[2][i] + lanes[3][i];
        memset(lanes, 0, sizeof lanes);
        histogram->total += piece.len;
        part = bytes_slice(part, piece.len, part.len);
    }
}

/* Of the last range asked for: rules ask several questions about the same one. *ret is NULL
 * where the range has no answer. <0: -ENOMEM. */
static int histogram_of(struct module_input *in, int64_t offset, int64_t length,
                        const struct histogram **ret)
{
    struct histogram *last = in->state;
    *ret = NULL;
    if (!last) {
        last = in->state = PUSH(in->arena, struct histogram);
        if (!last)
            return -ENOMEM;
        last->offset = -1;
    }
    if (last->offset != offset || last->length != length) {
        struct range range = range_open(in, offset, length);
        bytes part;
        memset(last, 0, sizeof *last);
        while (range_next(&range, &part))
            histogram_add(last, part);
        last->offset = offset;
        last->length = length;
        last->defined = range_defined(&range);
    }
    if (last->defined)
        *ret = last;
    return 0;
}

/* The whole object, where its blocks follow each other from offset 0 without a gap. An object
 * without a byte has no answer. */
static int histogram_whole(struct module_input *in, const struct histogram **ret)
{
    uint64_t end = 0;
    *ret = NULL;
    for (uint32_t i = 0; i < in->block_count; i++) {
        if (in->blocks[i].base != end)
            return 0;
        end += in->blocks[i].data.len;
    }
    return end ? histogram_of(in, 0, (int64_t)end, ret) : 0;
}

/* Not a number, the mean of nothing for one, is no answer. */
static void answer(double value, struct value *ret)
{
    if (!isnan(value))
        *ret = VALUE_FLOAT(value);
}

static double entropy_of(const struct histogram *histogram)
{
    double entropy = 0.0;
    for (int i = 0; i < 256; i++) {
        if (histogram->counts[i]) {
            double x = (double)histogram->counts[i] / (double)histogram->total;
            entropy -= x * log2(x);
        }
    }
    return entropy;
}

static int entropy_string(struct module_input *in, const struct value *args, struct value *ret)
{
    struct histogram histogram = {0};
    (void)in;
    histogram_add(&histogram, (bytes){args[0].text, args[0].len});
    answer(entropy_of(&histogram), ret);
    return 0;
}

static int entropy_range(struct module_input *in, const struct value *args, struct value *ret)
{
    const struct histogram *histogram;
    int error = histogram_of(in, args[0].integer, args[1].integer, &histogram);
    if (histogram)
        answer(entropy_of(histogram), ret);
    return error;
}

static int deviation_string(struct module_input *in, const struct value *args,
                            struct value *ret)
{
    double sum = 0.0;
    (void)in;
    for (uint32_t i = 0; i < args[0].len; i++)
        sum += fabs((double)(int8_t)args[0].text[i] - args[1].real);
    answer(sum / args[0].len, ret);
    return 0;
}

static int deviation_range(struct module_input *in, const struct value *args, struct value *ret)
{
    const struct histogram *histogram;
    int error = histogram_of(in, args[0].integer, args[1].integer, &histogram);
    if (!histogram)
        return error;
    double sum = 0.0;
    for (int i = 0; i < 256; i++)
        sum += fabs(i - args[2].real) * (double)histogram->counts[i];
    answer(sum / (double)histogram->total, ret);
    return 0;
}

static int mean_string(struct module_input *in, const struct value *args, struct value *ret)
{
    double sum = 0.0;
    (void)in;
    for (uint32_t i = 0; i < args[0].len; i++)
        sum += (int8_t)args[0].text[i];
    answer(sum / args[0].len, ret);
    return 0;
}

static int mean_range(struct module_input *in, const struct value *args, struct value *ret)
{
    const struct histogram *histogram;
    int error = histogram_of(in, args[0].integer, args[1].integer, &histogram);
    if (!histogram)
        return error;
    double sum = 0.0;
    for (int i = 0; i < 256; i++)
        sum += i * (double)histogram->counts[i];
    answer(sum / (double)histogram->total, ret);
    return 0;
}

/* Serial correlation: how much a byte depends on the one before it (Knuth, The Art of Computer
 * Programming, volume 2, 3.3.2 K), the last one being followed by the first. */
struct correlation {
    double first, last, products, sum, squares;
    uint64_t total;
};

static void correlation_add(struct correlation *self, double byte)
{
    self->products += self->last * byte;
    self->sum += byte;
    self->squares += byte * byte;
    self->last = byte;
    self->total++;
}

static void correlation_end(const struct correlation *self, struct value *ret)
{
    double total = (double)self->total, square = self->sum * self->sum;
    double products = self->products + self->last * self->first;
    double below = total * self->squares - square;
    answer(below == 0 ? -100000 : (total * products - square) / below, ret);
}

static int correlation_string(struct module_input *in, const struct value *args,
                              struct value *ret)
{
    struct correlation correlation = {0};
    (void)in;
    if (args[0].len)
        correlation.first = (int8_t)args[0].text[0];
    for (uint32_t i = 0; i < args[0].len; i++)
        correlation_add(&correlation, (int8_t)args[0].text[i]);
    correlation_end(&correlation, ret);
    return 0;
}

static int correlation_range(struct module_input *in, const struct value *args,
                             struct value *ret)
{
    struct correlation correlation = {0};
    struct range range = range_open(in, args[0].integer, args[1].integer);
    bytes part;
    while (range_next(&range, &part)) {
        if (part.len)
            correlation.first = part.at[0]; /* of the last block, as in YARA */
        for (size_t i = 0; i < part.len; i++)
            correlation_add(&correlation, part.at[i]);
    }
    if (range_defined(&range))
        correlation_end(&correlation, ret);
    return 0;
}

/* Monte Carlo value for pi: six bytes are a point in a square; the share of points in the
 * circle tells pi, and the answer is how far off it is. */
struct circle {
    uint64_t points, inside;
};

static void circle_add(struct circle *self, const double at[6])
{
    double radius = 256.0 * 256.0 * 256.0 - 1;
    double x = (at[0] * 256.0 + at[1]) * 256.0 + at[2];
    double y = (at[3] * 256.0 + at[4]) * 256.0 + at[5];
    self->points++;
    self->inside += x * x + y * y <= radius * radius;
}

static void circle_end(const struct circle *self, struct value *ret)
{
    const double pi = 3.141592653589793;
    if (self->points)
        *ret =
            VALUE_FLOAT(fabs((4.0 * ((double)self->inside / (double)self->points) - pi) / pi));
}

static int pi_string(struct module_input *in, const struct value *args, struct value *ret)
{
    struct circle circle = {0};
    double at[6];
    (void)in;
    for (uint32_t i = 0; i + 6 <= args[0].len; i += 6) {
        for (uint32_t j = 0; j < 6; j++)
            at[j] = (uint32_t)(int8_t)args[0].text[i + j];
        circle_add(&circle, at);
    }
    circle_end(&circle, ret);
    return 0;
}

static int pi_range(struct module_input *in, const struct value *args, struct value *ret)
{
    struct circle circle = {0};
    struct range range = range_open(in, args[0].integer, args[1].integer);
    double at[6];
    bytes part;
    while (range_next(&range, &part)) {
        for (size_t i = 0; i + 6 <= part.len; i += 6) {
            for (size_t j = 0; j < 6; j++)
                at[j] = part.at[i + j];
            circle_add(&circle, at);
        }
    }
    if (range_defined(&range))
        circle_end(&circle, ret);
    return 0;
}

static bool is_byte(int64_t value)
{
    return value >= 0 && value <= 255;
}

static int count_range(struct module_input *in, const struct value *args, struct value *ret)
{
    const struct histogram *histogram;
    if (!is_byte(args[0].integer))
        return 0;
    int error = histogram_of(in, args[1].integer, args[2].integer, &histogram);
    if (histogram)
        *ret = VALUE_INT(histogram->counts[args[0].integer]);
    return error;
}

static int count_whole(struct module_input *in, const struct value *args, struct value *ret)
{
    const struct histogram *histogram;
    if (!is_byte(args[0].integer))
        return 0;
    int error = histogram_whole(in, &histogram);
    if (histogram)
        *ret = VALUE_INT(histogram->counts[args[0].integer]);
    return error;
}

/* In single precision, as YARA computes it. */
static void percentage_of(const struct histogram *histogram, int64_t byte, struct value *ret)
{
    answer((double)((float)histogram->counts[byte] / (float)histogram->total), ret);
}

static int percentage_range(struct module_input *in, const struct value *args,
                            struct value *ret)
{
    const struct histogram *histogram;
    if (!is_byte(args[0].integer))
        return 0;
    int error = histogram_of(in, args[1].integer, args[2].integer, &histogram);
    if (histogram)
        percentage_of(histogram, args[0].integer, ret);
    return error;
}

static int percentage_whole(struct module_input *in, const struct value *args,
                            struct value *ret)
{
    const struct histogram *histogram;
    if (!is_byte(args[0].integer))
        return 0;
    int error = histogram_whole(in, &histogram);
    if (histogram)
        percentage_of(histogram, args[0].integer, ret);
    return error;
}

static struct value mode_of(const struct histogram *histogram)
{
    int most = 0;
    for (int i = 1; i < 256; i++)
        if (histogram->counts[i] > histogram->counts[most])
            most = i;
    return VALUE_INT(most);
}

static int mode_range(struct module_input *in, const struct value *args, struct value *ret)
{
    const struct histogram *histogram;
    int error = histogram_of(in, args[0].integer, args[1].integer, &histogram);
    if (histogram)
        *ret = mode_of(histogram);
    return error;
}

static int mode_whole(struct module_input *in, const struct value *args, struct value *ret)
{
    const struct histogram *histogram;
    int error = histogram_whole(in, &histogram);
    (void)args;
    if (histogram)
        *ret = mode_of(histogram);
    return error;
}

static int in_range(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    *ret = VALUE_INT(args[1].real <= args[0].real && args[0].real <= args[2].real);
    return 0;
}

static int min_of(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    *ret = (uint64_t)args[0].integer < (uint64_t)args[1].integer ? args[0] : args[1];
    return 0;
}

static int max_of(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    *ret = (uint64_t)args[0].integer > (uint64_t)args[1].integer ? args[0] : args[1];
    return 0;
}

static int to_number(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)in;
    *ret = VALUE_INT(args[0].integer != 0);
    return 0;
}

static int absolute(struct module_input *in, const struct value *args, struct value *ret)
{
    uint64_t value = (uint64_t)args[0].integer;
    (void)in;
    *ret = VALUE_INT(args[0].integer < 0 ? -value : value);
    return 0;
}

static int to_string_base(struct module_input *in, int64_t value, int64_t base,
                          struct value *ret)
{
    bytes text;
    switch (base) {
    case 8:
        text = arena_printf(in->arena, "%" PRIo64, (uint64_t)value);
        break;
    case 10:
        text = arena_printf(in->arena, "%" PRId64, value);
        break;
    case 16:
        text = arena_printf(in->arena, "%" PRIx64, (uint64_t)value);
        break;
    default:
        return 0;
    }
    if (!text.at)
        return -ENOMEM;
    *ret = value_bytes(text);
    return 0;
}

static int to_string(struct module_input *in, const struct value *args, struct value *ret)
{
    return to_string_base(in, args[0].integer, 10, ret);
}

static int to_string_with_base(struct module_input *in, const struct value *args,
                               struct value *ret)
{
    return to_string_base(in, args[0].integer, args[1].integer, ret);
}

static const struct overload
    in_range_calls[] = {{"fff", 'i', in_range}, {0}},
    deviation_calls[] = {{"iif", 'f', deviation_range}, {"sf", 'f', deviation_string}, {0}},
    mean_calls[] = {{"ii", 'f', mean_range}, {"s", 'f', mean_string}, {0}},
    correlation_calls[] = {{"ii", 'f', correlation_range}, {"s", 'f', correlation_string}, {0}},
    pi_calls[] = {{"ii", 'f', pi_range}, {"s", 'f', pi_string}, {0}},
    entropy_calls[] = {{"ii", 'f', entropy_range}, {"s", 'f', entropy_string}, {0}},
    min_calls[] = {{"ii", 'i', min_of}, {0}}, max_calls[] = {{"ii", 'i', max_of}, {0}},
    to_number_calls[] = {{"b", 'i', to_number}, {0}}, abs_calls[] = {{"i", 'i', absolute}, {0}},
    count_calls[] = {{"iii", 'i', count_range}, {"i", 'i', count_whole}, {0}},
    percentage_calls[] = {{"iii", 'f', percentage_range}, {"i", 'f', percentage_whole}, {0}},
    mode_calls[] = {{"ii", 'i', mode_range}, {"", 'i', mode_whole}, {0}},
    to_string_calls[] = {{"i", 's', to_string}, {"ii", 's', to_string_with_base}, {0}};

static const struct field fields[] = {FIELD_FLOAT("MEAN_BYTES"),
                                      FIELD_FUNCTION("in_range", in_range_calls),
                                      FIELD_FUNCTION("deviation", deviation_calls),
                                      FIELD_FUNCTION("mean", mean_calls),
                                      FIELD_FUNCTION("serial_correlation", correlation_calls),
                                      FIELD_FUNCTION("monte_carlo_pi", pi_calls),
                                      FIELD_FUNCTION("entropy", entropy_calls),
                                      FIELD_FUNCTION("min", min_calls),
                                      FIELD_FUNCTION("max", max_calls),
                                      FIELD_FUNCTION("to_number", to_number_calls),
                                      FIELD_FUNCTION("abs", abs_calls),
                                      FIELD_FUNCTION("count", count_calls),
                                      FIELD_FUNCTION("percentage", percentage_calls),
                                      FIELD_FUNCTION("mode", mode_calls),
                                      FIELD_FUNCTION("to_string", to_string_calls),
                                      FIELD_END};

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    if (!in->root)
        return -ENOMEM;
    object_set_float(in->root, "MEAN_BYTES", 127.5);
    return 0;
}

const struct module module_math = {.name = "math", .fields = fields, .load = load};

/* Objects, ISO 32000-1, 7.3.10: `N G obj VALUE endobj`, the value of a stream followed by
 * `stream`, end of line, /Length bytes, `endstream`; 7.5.7: object streams hold /N pairs of
 * number and offset, and at /First the values.
 *
 * Cross-reference tables are not used: what lies in the file counts, also what a revision has
 * replaced and what a damaged or lying table does not show. */
#include "unpack/document/pdf_table.h"

#include "unpack/document/pdf_lex.h"
#include "unpack/document/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX = 64 << 20,
    BODY_MIN = 512,       /* of each, when values overlap */
    PACKED_MAX = 1 << 20, /* objects in one object stream */
    STREAMS_PER_FILE = 4, /* streams that overlap cost at most this many files */
};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0;
}

static bool number_before(bytes data, size_t *at, uint32_t *ret)
{
    size_t end = *at, from = end;
    uint64_t value = 0;
    while (from > 0 && end - from < 10 && data.at[from - 1] >= '0' && data.at[from - 1] <= '9')
        from--;
    for (size_t i = from; i < end; i++)
        value = value * 10 + (uint64_t)(data.at[i] - '0');
    *ret = (uint32_t)value;
    *at = from;
    return from < end;
}

static bool space_before(bytes data, size_t *at)
{
    size_t from = *at;
    while (from > 0 && *at - from < 64 && is_space(data.at[from - 1]))
        from--;
    bool any = from < *at;
    *at = from;
    return any;
}

/* Is the "obj" at `at` the head of an object? */
static bool head_read(bytes data, size_t at, struct pdf_object *ret)
{
    (void)space_before(data, &at);
    return number_before(data, &at, &ret->generation) && space_before(data, &at) &&
           number_before(data, &at, &ret->number);
}

/* The value that `rest` begins with; *rest moves behind. What never ends is looked through a
 * few times, not once for each object. */
static bytes body_read(struct pdf *pdf, bytes *rest)
{
    uint64_t max = pdf->bodies < BODY_MAX ? pdf->bodies : BODY_MAX;
    bytes whole = bytes_slice(*rest, 0, max > BODY_MIN ? (size_t)max : BODY_MIN), left = whole;
    pdf_lex_skip(&left);
    size_t size = whole.len - left.len;
    if (left.len == 0 && whole.len < rest->len && !pdf->overlaps) {
        unpack_gap(pdf->unpack, bytes_of(""), GAP_DAMAGED, "objects overlap");
        pdf->overlaps = true;
    }
    pdf->bodies -= size < pdf->bodies ? size : pdf->bodies;
    bytes body = bytes_slice(whole, 0, size);
    *rest = bytes_slice(*rest, size, rest->len);
    return body;
}

/* Notes the stream that follows a value. `at` is behind the word. *ends: there may be marks of
 * an end. */
static size_t stream_read(bytes data, size_t at, struct pdf_object *ret, bool *ends)
{
    static const bytes word = {(const uint8_t *)"endstream", 9};
    if (at < data.len && data.at[at] == '\r')
        at++;
    if (at < data.len && data.at[at] == '\n')
        at++;
    ret->stream_at = at;
    ret->marker_at = *ends ? bytes_find(data, word, at) : SIZE_MAX;
    *ends = ret->marker_at != SIZE_MAX;
    return ret->marker_at == SIZE_MAX ? at : ret->marker_at;
}

bool pdf_table_scan(struct pdf *pdf)
{
    static const bytes word = {(const uint8_t *)"obj", 3};
    struct unpack *u = pdf->unpack;
    bytes data = pdf->file;
    size_t before = 0;
    bool ends = true;
    pdf->left = pdf->bodies = (uint64_t)data.len * STREAMS_PER_FILE;
    for (size_t at = bytes_find(data, word, 0); at != SIZE_MAX;
         at = bytes_find(data, word, at)) {
        struct pdf_object object = {.order = pdf->objects.n};
        bool head = head_read(data, at, &object);
        if (!budget_charge(u->budget, (at - before) / 16 + 4))
            return false;
        before = at;
        at += 3;
        if (!head)
            continue;
        bytes behind = bytes_slice(data, at, data.len);
        object.body = body_read(pdf, &behind);
        behind = bytes_slice(behind, 0, BODY_MIN);
        struct pdf_token token = pdf_lex(&behind);
        if (token.kind == PDF_WORD && bytes_is(token.text, "stream"))
            at = stream_read(data, (size_t)(behind.at - data.at), &object, &ends);
        struct pdf_object *added = budget_charge(u->budget, object.body.len / 4 + 16)
                                       ? vec_push(u->arena, &pdf->objects)
                                       : NULL;
        if (!added)
            return false;
        *added = object;
    }
    return true;
}

bool pdf_table_unpack(struct pdf *pdf, const struct pdf_object *container, bytes data)
{
    struct unpack *u = pdf->unpack;
    int64_t count = pdf_lex_find_number(container->body, "N", 0),
            first = pdf_lex_find_number(container->body, "First", 0);
    bytes heads = data;
    pdf->bodies += (uint64_t)data.len * STREAMS_PER_FILE;
    for (int64_t i = 0; i < count && i < PACKED_MAX; i++) {
        struct pdf_token number = pdf_lex(&heads), offset = pdf_lex(&heads);
        if (number.kind != PDF_NUMBER || offset.kind != PDF_NUMBER || first < 0 ||
            offset.number < 0)
            break;
        bytes rest = bytes_slice(data, (size_t)(first + offset.number), data.len);
        bytes whole = body_read(pdf, &rest);
        struct pdf_object *added = budget_charge(u->budget, whole.len / 4 + 16)
                                       ? vec_push(u->arena, &pdf->objects)
                                       : NULL;
        if (!added)
            return false;
        *added = (struct pdf_object){.number = (uint32_t)number.number,
                                     .order = pdf->objects.n,
                                     .body = whole,
                                     .packed = true};
    }
    return true;
}

static int by_number(const void *a, const void *b)
{
    const struct pdf_object *x = *(struct pdf_object *const *)a,
                            *y = *(struct pdf_object *const *)b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

bool pdf_table_sort(struct pdf *pdf)
{
    uint32_t n = pdf->objects.n;
    pdf->sorted = PUSH_ARRAY(pdf->unpack->arena, struct pdf_object *, (size_t)n + 1);
    pdf->sorted_count = 0;
    if (!pdf->sorted || !budget_charge(pdf->unpack->budget, (uint64_t)n * 16))
        return false;
    for (uint32_t i = 0; i < n; i++)
        pdf->sorted[i] = &pdf->objects.at[i];
    pdf->sorted_count = n;
    qsort(pdf->sorted, n, sizeof *pdf->sorted, by_number);
    return true;
}

struct pdf_object *pdf_table_get(const struct pdf *pdf, uint32_t number)
{
    uint32_t low = 0, high = pdf->sorted_count;
    while (low < high) { /* the first that is greater */
        uint32_t middle = low + (high - low) / 2;
        if (pdf->sorted[middle]->number <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && pdf->sorted[low - 1]->number == number ? pdf->sorted[low - 1] : NULL;
}

bool pdf_table_find(const struct pdf *pdf, bytes dict, const char *key, bytes *ret)
{
    uint32_t number;
    if (!pdf_lex_find(dict, key, ret))
        return false;
    if (!pdf_lex_reference(ret, &number))
        return true;
    const struct pdf_object *object = pdf_table_get(pdf, number);
    if (object)
        *ret = object->body;
    return object != NULL;
}

/* Does `endstream` stand there, behind white space? */
static bool marker_near(bytes data, size_t at)
{
    for (size_t i = 0; i < 4 && at < data.len && is_space(data.at[at]); i++)
        at++;
    return bytes_is(bytes_slice(data, at, 9), "endstream");
}

bytes pdf_table_stream(struct pdf *pdf, const struct pdf_object *object, bytes name)
{
    bytes data = pdf->file, value, stream;
    int64_t length = -1;
    if (pdf_table_find(pdf, object->body, "Length", &value)) {
        struct pdf_token token = pdf_lex(&value);
        length = token.kind == PDF_NUMBER ? token.number : -1;
    }
    if (length >= 0 && bytes_has(data, object->stream_at, (uint64_t)length) &&
        marker_near(data, object->stream_at + (size_t)length)) {
        stream = bytes_slice(data, object->stream_at, (size_t)length);
    } else if (object->marker_at != SIZE_MAX) {
        size_t end = object->marker_at;
        if (end > object->stream_at && data.at[end - 1] == '\n')
            end--;
        if (end > object->stream_at && data.at[end - 1] == '\r')
            end--;
        stream = bytes_slice(data, object->stream_at, end - object->stream_at);
    } else {
        unpack_gap(pdf->unpack, name, GAP_DAMAGED, "the end of the stream is missing");
        stream = bytes_slice(data, object->stream_at, data.len);
    }
    if (stream.len > pdf->left) {
        unpack_gap(pdf->unpack, name, GAP_DAMAGED, "streams overlap");
        return (bytes){NULL, 0};
    }
    pdf->left -= stream.len;
    return stream;
}

bytes pdf_table_string(const struct pdf *pdf, const struct pdf_object *object, bytes value)
{
    struct arena *arena = pdf->unpack->arena;
    struct pdf_token token = pdf_lex(&value);
    if ((token.kind != PDF_STRING && token.kind != PDF_HEX) ||
        (pdf->crypt.encrypted && !pdf->crypt.open))
        return (bytes){NULL, 0};
    bytes text = pdf_lex_string(arena, &token);
    if (text.at && pdf->crypt.open && pdf->crypt.strings != PDF_PLAIN && !object->packed) {
        uint8_t *plain = arena_push_raw(arena, text.len + 1);
        if (!plain)
            return (bytes){NULL, 0};
        text.len = pdf_crypt_run(&pdf->crypt, pdf->crypt.strings, object->number,
                                 object->generation, text, plain);
        text.at = plain;
    }
    if (text.len < 2 || text.at[0] != 0xfe || text.at[1] != 0xff)
        return text;
    uint8_t *swapped = arena_push_raw(arena, text.len);
    for (size_t i = 2; swapped && i + 2 <= text.len; i += 2) {
        swapped[i - 2] = text.at[i + 1];
        swapped[i - 1] = text.at[i];
    }
    return swapped ? text_utf8(arena, (bytes){swapped, (text.len - 2) & ~(size_t)1})
                   : (bytes){NULL, 0};
}

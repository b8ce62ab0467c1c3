/* Filters, ISO 32000-1, 7.4: ASCIIHex, ASCII85, LZW and Flate with the predictors of TIFF 6.0
 * (2) and PNG (10 to 15), RunLength. Files write them loosely, so the decoders take what
 * readers take: white space anywhere, ends that are missing, deflate without its header. */
#include "unpack/document/pdf_filter.h"

#include "unpack/archive/decode.h"
#include "unpack/document/pdf_lex.h"

#include <stdlib.h>
#include <string.h>

enum { FILTERS_MAX = 24, LZW_CODES = 4096, ROW_MAX = 1 << 20 };

enum filter {
    FILTER_FLATE,
    FILTER_LZW,
    FILTER_HEX,
    FILTER_85,
    FILTER_RUN,
    FILTER_CRYPT,
    FILTER_IMAGE, /* left as it is */
    FILTER_UNKNOWN,
};

struct stage {
    struct unpack *unpack;
    bytes in;
    bytes dict; /* of the filter's parameters; may be empty */
};

static enum filter filter_of(bytes name)
{
    static const struct {
        const char *name;
        enum filter filter;
    } rows[] = {
        {"FlateDecode", FILTER_FLATE},   {"Fl", FILTER_FLATE},
        {"LZWDecode", FILTER_LZW},       {"LZW", FILTER_LZW},
        {"ASCIIHexDecode", FILTER_HEX},  {"AHx", FILTER_HEX},
        {"ASCII85Decode", FILTER_85},    {"A85", FILTER_85},
        {"RunLengthDecode", FILTER_RUN}, {"RL", FILTER_RUN},
        {"Crypt", FILTER_CRYPT},         {"DCTDecode", FILTER_IMAGE},
        {"DCT", FILTER_IMAGE},           {"CCITTFaxDecode", FILTER_IMAGE},
        {"CCF", FILTER_IMAGE},           {"JBIG2Decode", FILTER_IMAGE},
        {"JPXDecode", FILTER_IMAGE},
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (pdf_lex_name_is(name, rows[i].name))
            return rows[i].filter;
    return FILTER_UNKNOWN;
}

/* --- Flate --- */

static void undo_flate(struct stage *stage)
{
    struct unpack *u = stage->unpack;
    bytes in = stage->in, raw = bytes_slice(stage->in, 2, stage->in.len);
    enum decoded how = decode_stream(u, STREAM_ZLIB, &in);
    if (how == DECODED_DAMAGED && unpack_written(u).len == 0)
        how = decode_stream(u, STREAM_DEFLATE, &raw);
    (void)decode_noted(u, how); /* whether to stop: the chain looks */
}

/* --- LZW --- */

struct lzw {
    bytes in;
    size_t bit;
    unsigned early;

    struct {
        uint32_t at; /* where the sequence was written last */
        uint32_t length;
    } * codes;
};

static bool lzw_code(struct lzw *lzw, unsigned width, unsigned *ret)
{
    unsigned code = 0;
    if (lzw->bit + width > lzw->in.len * 8)
        return false;
    for (unsigned i = 0; i < width; i++, lzw->bit++)
        code = code << 1 | ((unsigned)lzw->in.at[lzw->bit >> 3] >> (7 - (lzw->bit & 7)) & 1u);
    *ret = code;
    return true;
}

/* The sequence of a code: an earlier piece of the output. */
static bool lzw_put(struct unpack *u, size_t from, size_t length)
{
    while (length) {
        size_t room;
        uint8_t *to = unpack_room(u, &room);
        if (!to)
            return false;
        bytes written = unpack_written(u);
        size_t part = length < room ? length : room;
        for (size_t i = 0; i < part; i++) /* may reach into what it writes */
            to[i] = written.at[from + i];
        if (!unpack_wrote(u, part))
            return false;
        from += part;
        length -= part;
    }
    return true;
}

static bool lzw_run(struct unpack *u, struct lzw *lzw)
{
    enum { CLEAR = 256, END = 257, FIRST = 258 };

    unsigned width = 9, next = FIRST, code;
    size_t before_at = 0, before_length = 0; /* of the code before this */
    while (lzw_code(lzw, width, &code) && code != END) {
        size_t at = unpack_written(u).len, length = 1;
        if (code == CLEAR) {
            width = 9;
            next = FIRST;
            before_length = 0;
            continue;
        }
        if (code < CLEAR) {
            const uint8_t byte = (uint8_t)code;
            if (!unpack_put(u, (bytes){&byte, 1}) || u->full)
                return true;
        } else {
            if (code > next || (code == next && before_length == 0))
                return false;
            /* The code that is about to be defined: the sequence before, and its first. */
            size_t from = code == next ? before_at : lzw->codes[code].at;
            length = code == next ? before_length + 1 : lzw->codes[code].length;
            if (!lzw_put(u, from, length))
                return true;
        }
        if (before_length && next < LZW_CODES) {
            lzw->codes[next].at = (uint32_t)before_at;
            lzw->codes[next].length = (uint32_t)before_length + 1;
            next++;
        }
        before_at = at;
        before_length = length;
        while (width < 12 && next + lzw->early >= 1u << width)
            width++;
    }
    return true;
}

static void undo_lzw(struct stage *stage)
{
    struct unpack *u = stage->unpack;
    struct arena_mark mark = arena_mark(u->arena);
    struct lzw lzw = {.in = stage->in,
                      .early = pdf_lex_find_number(stage->dict, "EarlyChange", 1) != 0};
    lzw.codes = arena_push_array(u->arena, LZW_CODES + 1, sizeof *lzw.codes);
    if (!lzw.codes)
        unpack_gap(u, bytes_of(""), GAP_LIMIT, "no memory for LZW");
    else if (!lzw_run(u, &lzw))
        unpack_gap(u, bytes_of(""), GAP_DAMAGED, "LZW: damaged after %zu bytes",
                   unpack_written(u).len);
    arena_pop(u->arena, mark);
}

/* --- text --- */

static void undo_hex(struct stage *stage)
{
    unsigned value = 0;
    size_t digits = 0, at = 0;
    bool end = false;
    while (!end) {
        size_t room, n = 0;
        uint8_t *to = unpack_room(stage->unpack, &room);
        if (!to)
            return;
        while (n < room && !end) {
            int digit = at < stage->in.len ? ascii_hex(stage->in.at[at]) : -1;
            end = at >= stage->in.len || stage->in.at[at] == '>';
            at++;
            if (digit >= 0) {
                value = value << 4 | (unsigned)digit;
                if (++digits % 2 == 0)
                    to[n++] = (uint8_t)value;
            }
        }
        if (end && digits % 2 && n < room)
            to[n++] = (uint8_t)(value << 4);
        if (!unpack_wrote(stage->unpack, n))
            return;
    }
}

/* A group of `count` digits (the rest as 'u') gives count - 1 bytes. */
static size_t group_85(uint32_t value, size_t count, uint8_t *to)
{
    for (size_t i = count; i < 5; i++)
        value = value * 85 + 84;
    for (size_t i = 0; i + 1 < count; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
    return count ? count - 1 : 0;
}

static void undo_85(struct stage *stage)
{
    bytes in = stage->in;
    uint32_t value = 0;
    size_t count = 0, at = in.len >= 2 && in.at[0] == '<' && in.at[1] == '~' ? 2 : 0;
    bool end = false;
    while (!end) {
        size_t room, n = 0;
        uint8_t *to = unpack_room(stage->unpack, &room);
        if (!to)
            return;
        while (n + 8 < room && !end) {
            uint8_t c = at < in.len ? in.at[at++] : (uint8_t)'~';
            end = c == '~';
            if (c == 'z' && count == 0) {
                memset(to + n, 0, 4);
                n += 4;
            } else if (c >= '!' && c <= 'u') {
                value = value * 85 + (c - '!');
                if (++count == 5) {
                    n += group_85(value, 5, to + n);
                    value = 0;
                    count = 0;
                }
            }
        }
        if (end)
            n += group_85(value, count, to + n);
        if (!unpack_wrote(stage->unpack, n))
            return;
    }
}

static void undo_run(struct stage *stage)
{
    bytes in = stage->in;
    for (size_t at = 0; at < in.len && in.at[at] != 128;) {
        uint8_t length = in.at[at++];
        if (length < 128) {
            bytes part = bytes_slice(in, at, length + 1u);
            at += part.len;
            if (!unpack_put(stage->unpack, part) || stage->unpack->full)
                return;
        } else if (at < in.len) {
            uint8_t same[128];
            memset(same, in.at[at++], sizeof same);
            if (!unpack_put(stage->unpack, (bytes){same, 257u - length}) || stage->unpack->full)
                return;
        }
    }
}

/* --- predictors --- */

struct predictor {
    int64_t kind;
    size_t pixel, row; /* bytes */
    unsigned bits;
};

static bool predictor_read(bytes dict, struct predictor *ret)
{
    int64_t kind = pdf_lex_find_number(dict, "Predictor", 1),
            colors = pdf_lex_find_number(dict, "Colors", 1),
            bits = pdf_lex_find_number(dict, "BitsPerComponent", 8),
            columns = pdf_lex_find_number(dict, "Columns", 1);
    if (kind < 2 || colors < 1 || colors > 64 || bits < 1 || bits > 16 || columns < 1 ||
        columns > ROW_MAX)
        return false;
    size_t per_pixel = (size_t)(colors * bits), row = (per_pixel * (size_t)columns + 7) / 8;
    *ret = (struct predictor){kind, (per_pixel + 7) / 8, row, (unsigned)bits};
    return row <= ROW_MAX * 8;
}

static uint8_t paeth(int a, int b, int c)
{
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

static void png_row(uint8_t *row, const uint8_t *up, size_t len, size_t pixel, uint8_t kind)
{
    for (size_t i = 0; i < len; i++) {
        int a = i >= pixel ? row[i - pixel] : 0, b = up ? up[i] : 0,
            c = up && i >= pixel ? up[i - pixel] : 0;
        int add = kind == 1   ? a
                  : kind == 2 ? b
                  : kind == 3 ? (a + b) / 2
                  : kind == 4 ? paeth(a, b, c)
                              : 0;
        row[i] = (uint8_t)(row[i] + add);
    }
}

/* In the place of the decoded bytes: the output is never longer. Returns its length. */
static size_t predictor_undo(const struct predictor *p, uint8_t *at, size_t len)
{
    size_t to = 0;
    const uint8_t *up = NULL;
    if (p->kind < 10) { /* TIFF, of whole bytes */
        for (size_t row = 0; p->bits == 8 && row < len; row += p->row)
            for (size_t i = p->pixel; i < p->row && row + i < len; i++)
                at[row + i] = (uint8_t)(at[row + i] + at[row + i - p->pixel]);
        return len;
    }
    for (size_t from = 0; from + 1 < len; from += p->row + 1) {
        uint8_t kind = at[from];
        size_t row = len - from - 1 < p->row ? len - from - 1 : p->row;
        memmove(at + to, at + from + 1, row);
        png_row(at + to, up, row, p->pixel, kind);
        up = at + to;
        to += row;
    }
    return to;
}

static bytes predict(struct unpack *u, bytes dict, bytes data)
{
    struct predictor predictor;
    if (data.len == 0 || !predictor_read(dict, &predictor) ||
        !budget_charge(u->budget, data.len / 4))
        return data;
    size_t before = (size_t)(data.at - u->run->region->at);
    data.len = predictor_undo(&predictor, u->run->region->at + before, data.len);
    return data;
}

/* --- the chain --- */

static bytes undo_one(struct unpack *u, bytes name, enum filter filter, bytes dict, bytes in)
{
    struct stage stage = {u, in, dict};
    if (!unpack_begin(u, name))
        return (bytes){NULL, 0};
    switch (filter) {
    case FILTER_FLATE:
        undo_flate(&stage);
        break;
    case FILTER_LZW:
        undo_lzw(&stage);
        break;
    case FILTER_HEX:
        undo_hex(&stage);
        break;
    case FILTER_85:
        undo_85(&stage);
        break;
    default:
        undo_run(&stage);
        break;
    }
    bytes out = unpack_keep(u);
    return filter == FILTER_FLATE || filter == FILTER_LZW ? predict(u, dict, out) : out;
}

/* The next of a value that is one or an array of them; false at the end. */
static bool next_of(bytes *list, bool array, bytes *ret)
{
    struct pdf_token token = pdf_lex_peek(*list);
    if (token.kind == PDF_END || (array && token.kind == PDF_ARRAY_END))
        return false;
    *ret = *list;
    pdf_lex_skip(list);
    return true;
}

static bool find_either(bytes dict, const char *key, const char *brief, bytes *ret, bool *array)
{
    if (!pdf_lex_find(dict, key, ret) && !pdf_lex_find(dict, brief, ret))
        return false;
    *array = pdf_lex_peek(*ret).kind == PDF_ARRAY;
    if (*array)
        pdf_lex(ret);
    return true;
}

bytes pdf_filter_undo(struct unpack *u, bytes name, bytes dict, bytes raw)
{
    bytes filters, parameters = {NULL, 0}, at, one;
    bool array = false, parameters_array = false;
    if (!find_either(dict, "Filter", "F", &filters, &array))
        return raw;
    (void)find_either(dict, "DecodeParms", "DP", &parameters, &parameters_array);
    for (unsigned count = 0; next_of(&filters, array, &at); count++) {
        struct pdf_token token = pdf_lex_peek(at);
        if (token.kind != PDF_NAME)
            break;
        if (!next_of(&parameters, parameters_array, &one) || pdf_lex_peek(one).kind != PDF_DICT)
            one = (bytes){NULL, 0};
        enum filter filter = filter_of(token.text);
        if (filter == FILTER_IMAGE)
            break;
        if (filter == FILTER_UNKNOWN)
            unpack_gap(u, name, GAP_UNSUPPORTED, "filter '%.*s'",
                       (int)(token.text.len < 40 ? token.text.len : 40),
                       (const char *)token.text.at);
        else if (count >= FILTERS_MAX)
            unpack_gap(u, name, GAP_LIMIT, "more than %u filters", FILTERS_MAX);
        if (filter == FILTER_UNKNOWN || count >= FILTERS_MAX)
            break;
        if (filter != FILTER_CRYPT)
            raw = undo_one(u, name, filter, one, raw);
        if (!array || u->run->stopped)
            break;
    }
    return raw;
}

bool pdf_filter_is_plain(bytes dict)
{
    bytes filters, parameters, key;
    bool array = false;
    if (!find_either(dict, "Filter", "F", &filters, &array))
        return false;
    struct pdf_token token = pdf_lex(&filters);
    if (token.kind != PDF_NAME || filter_of(token.text) != FILTER_CRYPT)
        return false;
    if (!find_either(dict, "DecodeParms", "DP", &parameters, &array))
        return true; /* the default name is Identity */
    if (!pdf_lex_find(parameters, "Name", &key))
        return true;
    return pdf_lex_name_is(pdf_lex(&key).text, "Identity");
}

/* PNG (ISO/IEC 15948): a signature of 8 bytes, then chunks: length, kind, data, CRC-32 over
 * kind and data, all big endian. IHDR: width, height, depth, colours, three zeros. The data of
 * all IDAT together is one zlib stream of rows, each a filter (0 to 4) and the row's bytes.
 *
 * The header is nearly always lost. How long a row is, is told by the filters: the only bytes
 * that are 0 to 4 at equal distances through all that can be decoded (png_rows.h). A new
 * picture is written of what is known of its rows. A filter says how bytes differ from those
 * beside them: what is not known is written as no difference, as another value would go on
 * through all that is below it; a row of which nothing is known is as the one above. */
#include "rescue/salvage/kinds/png_rows.h"
#include "rescue/salvage/member.h"
#include "rescue/salvage/packed/packed.h"
#include "rescue/salvage/packed/stored.h"

#include "shim/stream.h"

#include <string.h>

enum {
    OVERHEAD = 12, /* of a chunk */
    IHDR = 13,
    CHUNKS_MOST = 1 << 20,
    STREAM_MOST = 64 << 20,
    RAW_MOST = 48 << 20, /* symbols */
    ROW_MOST = 1 << 16,
    FILTERS = 5,
    FILTER_UP = 2,
    PIECES_MOST = 4096,
    LEAST = 64,
};

/* What a picture lacks. */
struct unknown {
    uint64_t rows, bytes; /* bytes: in other rows */
};

/* Bytes of the stream of which some came out in a piece. */
struct stretch {
    uint32_t piece;
    uint64_t from, to;
};

struct png {
    struct salvage *salvage;
    VEC(struct window_place) places; /* of the stream's bytes in the file */
    VEC(struct map_range) holes;     /* in the stream */
    uint8_t *stream;
    size_t size;
    uint16_t *raw; /* symbols of all pieces, one after the other */
    size_t raw_size, raw_room;
    VEC(struct png_piece) pieces;
    VEC(struct stretch) stretches;
    struct png_rows rows;
    uint8_t filter; /* that rows have most often */
    uint8_t header[IHDR];
    bool has_header;
    VEC(bytes) extras; /* whole chunks that come before the data: PLTE, tRNS ... */
};

static bool kind_likely(const uint8_t *kind)
{
    for (int i = 0; i < 4; i++)
        if (!((kind[i] | 0x20) >= 'a' && (kind[i] | 0x20) <= 'z'))
            return false;
    return true;
}

static bool chunk_whole(bytes file, uint64_t at, uint32_t size)
{
    if (!bytes_has(file, at, (uint64_t)size + OVERHEAD))
        return false;
    const uint8_t *p = file.at + at;
    return stream_crc32(0, (bytes){p + 4, (size_t)size + 4}) == load_be32(p + 8 + size);
}

static void take_data(struct png *png, uint64_t from, uint64_t to)
{
    struct window_place *place = to > from && to - from <= STREAM_MOST - png->size
                                     ? vec_push(png->salvage->arena, &png->places)
                                     : NULL;
    if (!place)
        return;
    *place = (struct window_place){png->size, from, to - from};
    png->size += (size_t)(to - from);
}

/* The chunk at `at`; its end, 0 when there is none. */
static uint64_t chunk_next(struct png *png, uint64_t at)
{
    bytes file = png->salvage->file;
    uint32_t size;
    if (!bytes_be32(file, at, &size) || !bytes_has(file, at, OVERHEAD) ||
        size > file.len - at - OVERHEAD || !kind_likely(file.at + at + 4))
        return 0;
    const uint8_t *kind = file.at + at + 4;
    bool whole = chunk_whole(file, at, size);
    if (whole)
        map_prove(&png->salvage->map, at, at + size + OVERHEAD);
    if (memcmp(kind, "IHDR", 4) == 0 && size == IHDR && whole) {
        memcpy(png->header, kind + 4, IHDR);
        png->has_header = true;
    } else if (memcmp(kind, "IDAT", 4) == 0) {
        if (!whole)
            map_break(&png->salvage->map, at + 8, at + size + OVERHEAD, false);
        take_data(png, at + 8, at + 8 + size);
    } else if (whole && !png->places.n &&
               (memcmp(kind, "PLTE", 4) == 0 || memcmp(kind, "tRNS", 4) == 0)) {
        bytes *extra = vec_push(png->salvage->arena, &png->extras);
        if (extra)
            *extra = (bytes){file.at + at, (size_t)size + OVERHEAD};
    } else if (!whole) {
        return 0;
    }
    return at + size + OVERHEAD;
}

/* The next thing that looks like a chunk's kind. */
static uint64_t find_kind(bytes file, uint64_t at)
{
    for (; at + 8 <= file.len; at++) {
        const uint8_t *mark = memchr(file.at + at + 4, 'I', file.len - (size_t)at - 7);
        if (!mark)
            return file.len;
        at = (uint64_t)(mark - file.at) - 4;
        if (memcmp(mark, "IDAT", 4) == 0 || memcmp(mark, "IEND", 4) == 0 ||
            memcmp(mark, "IHDR", 4) == 0)
            return at;
    }
    return file.len;
}

static void collect(struct png *png)
{
    bytes file = png->salvage->file;
    uint64_t at = memcmp(file.at, "\x89PNG", 4) == 0 ? 8 : 0, last = 0;
    uint32_t common = 0;
    if (!at)
        map_break(&png->salvage->map, 0, 8, false);
    for (unsigned n = 0; at + OVERHEAD <= file.len && n < CHUNKS_MOST; n++) {
        if (!budget_charge(png->salvage->budget, 64))
            return;
        uint64_t end = chunk_next(png, at);
        if (end) {
            if (memcmp(file.at + at + 4, "IDAT", 4) == 0 && end - at - OVERHEAD > common)
                common = (uint32_t)(end - at - OVERHEAD);
            at = last = end;
            continue;
        }
        uint64_t next = find_kind(file, at + 1);
        /* What lies between is data with headers that are lost, of the size that others have.
         */
        uint64_t from = last ? last + 8 : at;
        bool chain =
            common && last && next < file.len && (next - last) % (common + OVERHEAD) == 0;
        for (; chain && from < next; from += common + OVERHEAD)
            take_data(png, from, from + common);
        if (!chain && next < file.len)
            take_data(png, from, next > from + 4 ? next - 4 : from);
        at = next;
    }
}

static bool put_stream(struct png *png)
{
    png->stream = arena_push_raw(png->salvage->arena, png->size);
    if (!png->stream)
        return false;
    for (uint32_t i = 0; i < png->places.n; i++) {
        const struct window_place *place = &png->places.at[i];
        memcpy(png->stream + place->at, png->salvage->file.at + place->outer,
               (size_t)place->len);
    }
    return true;
}

/* Where a byte of the stream lies in the file; the last one where it is behind the end. */
static uint64_t outer_of(const struct png *png, uint64_t at)
{
    uint32_t low = 0, high = png->places.n - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (png->places.at[middle].at + png->places.at[middle].len <= at)
            low = middle + 1;
        else
            high = middle;
    }
    const struct window_place *place = &png->places.at[low];
    return place->outer + (at - place->at < place->len ? at - place->at : place->len - 1);
}

/* Proofs of the stream, in places of the file; between its parts lies nothing but their heads.
 */
static void prove(void *to, uint64_t from, uint64_t until, enum member_says says)
{
    struct png *png = to;
    if (from < until)
        member_tell(&png->salvage->map, 0, outer_of(png, from), outer_of(png, until - 1) + 1,
                    says);
}

static void gives(struct png *png, uint64_t from, uint64_t to)
{
    for (uint32_t i = 0; i < png->places.n; i++) {
        const struct window_place *place = &png->places.at[i];
        uint64_t a = from > place->at ? from - place->at : 0;
        uint64_t b = to < place->at + place->len ? to - place->at : place->len;
        if (to > place->at && a < place->len && a < b)
            salvage_gives(png->salvage, place->outer + a, place->outer + b);
    }
}

/* The plain stretches of the stream, as the map has them. */
static struct map stream_map(struct png *png)
{
    struct map map;
    uint64_t at = 0;
    for (uint32_t i = 0; i < png->places.n; i++) {
        const struct window_place *place = &png->places.at[i];
        uint64_t end = place->outer + place->len;
        for (uint64_t from = place->outer; from < end;) {
            uint64_t plain = map_plain_end(&png->salvage->map, from, end);
            uint64_t next = map_plain_next(&png->salvage->map, plain, end);
            struct map_range *hole =
                next > plain ? vec_push(png->salvage->arena, &png->holes) : NULL;
            if (hole)
                *hole = (struct map_range){at + plain - place->outer, at + next - place->outer};
            from = next;
        }
        at += place->len;
    }
    if (map_given(&map, (bytes){png->stream, png->size}, png->holes.at, png->holes.n,
                  png->salvage->arena, png->salvage->budget) < 0)
        map.file.len = 0;
    return map;
}

static bool open_piece(struct png *png, uint64_t lost)
{
    struct png_piece *piece =
        png->pieces.n < PIECES_MOST ? vec_push(png->salvage->arena, &png->pieces) : NULL;
    if (piece)
        *piece = (struct png_piece){.from = png->raw_size, .to = png->raw_size, .lost = lost};
    return piece != NULL;
}

static bool take_symbols(void *to, const uint16_t *symbols, size_t n)
{
    struct png *png = to;
    if (n > png->raw_room - png->raw_size)
        n = png->raw_room - png->raw_size;
    memcpy(png->raw + png->raw_size, symbols, n * sizeof *symbols);
    png->raw_size += n;
    png->pieces.at[png->pieces.n - 1].to = png->raw_size;
    return png->raw_size < png->raw_room;
}

/* Rows go on behind a gap of known size. */
static bool take_gap(void *to, uint64_t packed, uint64_t size)
{
    struct png *png = to;
    if (size >= png->raw_room - png->raw_size || !png->raw_size)
        return open_piece(png, packed);
    for (uint64_t i = 0; i < size; i++)
        png->raw[png->raw_size++] = INFLATE_UNKNOWN;
    return true;
}

static void came(void *to, uint64_t from, uint64_t until)
{
    struct png *png = to;
    struct stretch *stretch = vec_push(png->salvage->arena, &png->stretches);
    if (stretch)
        *stretch = (struct stretch){png->pieces.n - 1, from, until};
    png->pieces.at[png->pieces.n - 1].packed += until - from;
}

static void decode(struct png *png, const struct map *map)
{
    struct salvage stream = {.file = {png->stream, png->size},
                             .map = *map,
                             .arena = png->salvage->arena,
                             .budget = png->salvage->budget};
    bool zlib = png->size > 2 && (png->stream[0] & 15) == 8 &&
                load_be16(png->stream) % 31 == 0 && map_is_plain(map, 0, 2);
    struct packed_taker taker = {take_symbols, take_gap, came, png};
    struct packed_result result;
    uint64_t size = png->has_header ? png->rows.height * png->rows.row : 0;
    if (!open_piece(png, 0) || packed_read(&stream, zlib ? 2 : 0, png->size, zlib,
                                           size ? size : UINT64_MAX, 0, &taker, &result) < 0)
        return;
    png->pieces.at[0].first = zlib && map_is_plain(map, 2, 3);
    png->pieces.at[png->pieces.n - 1].last = result.ended;
}

static size_t row_of_header(const struct png *png)
{
    static const uint8_t samples[7] = {1, 0, 3, 1, 2, 0, 4};
    uint64_t width = load_be32(png->header);
    unsigned depth = png->header[8], colours = png->header[9];
    if (colours > 6 || !samples[colours] || png->header[12] || width > ROW_MOST || depth > 16)
        return 0;
    return (size_t)((width * samples[colours] * depth + 7) / 8 + 1);
}

/* Three bytes a pixel are likeliest, then four, then one. */
static void make_header(struct png *png, size_t row, size_t rows)
{
    size_t each = (row - 1) % 3 == 0 ? 3 : (row - 1) % 4 == 0 ? 4 : 1;
    uint32_t width = (uint32_t)((row - 1) / each);
    for (int i = 0; i < 4; i++) {
        png->header[i] = (uint8_t)(width >> (24 - 8 * i));
        png->header[4 + i] = (uint8_t)(rows >> (24 - 8 * i));
    }
    png->header[8] = 8;
    png->header[9] = each == 3 ? 2 : each == 4 ? 6 : 0;
    png->header[10] = png->header[11] = png->header[12] = 0;
}

static bool put_chunk(struct salvage *salvage, const char *kind, const uint8_t *data,
                      size_t size)
{
    uint8_t head[8], end[4];
    memcpy(head + 4, kind, 4);
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(size >> (24 - 8 * i));
    uint32_t crc = stream_crc32(stream_crc32(0, (bytes){head + 4, 4}), (bytes){data, size});
    for (int i = 0; i < 4; i++)
        end[i] = (uint8_t)(crc >> (24 - 8 * i));
    return salvage_put(salvage, (bytes){head, 8}) &&
           salvage_put(salvage, (bytes){data, size}) && salvage_put(salvage, (bytes){end, 4});
}

/* One row as a stored block in a chunk of its own. */
static bool put_row(struct salvage *salvage, uint8_t *room, const uint8_t *row, size_t size,
                    uint32_t *sum)
{
    for (size_t at = 0; at < size;) {
        size_t n = size - at < STORED_MOST ? size - at : STORED_MOST;
        stored_head(room, n, false);
        memcpy(room + STORED_HEAD, row + at, n);
        if (!put_chunk(salvage, "IDAT", room, n + STORED_HEAD))
            return false;
        at += n;
    }
    *sum = stored_sum(*sum, (bytes){row, size});
    return true;
}

/* What is known of the row that begins at `at`, in `line`: bytes that are not known are 0,
 * which is to a filter what the bytes beside them let expect. `next`: the first piece that may
 * be in it. How many bytes are known. */
static size_t fill_row(const struct png *png, uint64_t at, uint32_t *next, uint8_t *line)
{
    size_t row = png->rows.row, known = 0;
    bool filter = false;
    memset(line + 1, 0, row - 1);
    for (uint32_t i = *next; i < png->pieces.n; i++) {
        const struct png_piece *piece = &png->pieces.at[i];
        uint64_t size = piece->to - piece->from;
        if (piece->at == PNG_NOWHERE || piece->at + size <= at) {
            *next += i == *next;
            continue;
        }
        if (piece->at >= at + row)
            break;
        uint64_t from = piece->at > at ? piece->at : at;
        uint64_t to = piece->at + size < at + row ? piece->at + size : at + row;
        const uint16_t *symbols = png->raw + piece->from + (size_t)(from - piece->at);
        for (uint64_t k = from - at; k < to - at; k++, symbols++) {
            if (*symbols >= (k ? INFLATE_UNKNOWN : FILTERS))
                continue;
            line[k] = (uint8_t)*symbols;
            filter |= k == 0;
            known++;
        }
    }
    /* A row of which nothing is known is as the one before; another, filtered as that one. */
    if (!known)
        line[0] = FILTER_UP;
    else if (!filter && line[0] == FILTER_UP)
        line[0] = png->filter;
    return known;
}

/* The filter that rows have most often. */
static uint8_t common_filter(const struct png *png)
{
    uint64_t seen[FILTERS] = {0};
    uint8_t best = 0;
    size_t row = png->rows.row;
    for (uint32_t i = 0; i < png->pieces.n; i++) {
        const struct png_piece *piece = &png->pieces.at[i];
        size_t at = piece->from + (row - (size_t)(piece->at % row)) % row;
        for (; piece->at != PNG_NOWHERE && at < piece->to; at += row)
            if (png->raw[at] < FILTERS)
                seen[png->raw[at]]++;
    }
    for (unsigned f = 1; f < FILTERS; f++)
        best = seen[f] > seen[best] ? (uint8_t)f : best;
    return best;
}

/* The bytes that are not known in rows of which some are, and the rows of which none is. */
static bool put_rows(struct png *png, uint64_t count, uint32_t *sum, struct unknown *ret)
{
    uint8_t *room = arena_push_raw(png->salvage->arena, STORED_MOST + 8);
    size_t row = png->rows.row;
    uint8_t *line = arena_push(png->salvage->arena, row);
    uint32_t next = 0;
    bool fine = room && line;
    for (uint64_t i = 0; fine && i < count; i++) {
        size_t known = fill_row(png, i * row, &next, line);
        ret->rows += !known;
        ret->bytes += known ? row - known : 0;
        fine = put_row(png->salvage, room, line, row, sum);
    }
    return fine;
}

static void write_picture(struct png *png)
{
    struct salvage *salvage = png->salvage;
    uint64_t count = png_rows_count(&png->rows);
    struct unknown unknown = {0};
    uint32_t sum = 1;
    for (uint32_t i = 0; i < png->stretches.n; i++) {
        const struct stretch *stretch = &png->stretches.at[i];
        if (png->pieces.at[stretch->piece].at != PNG_NOWHERE)
            gives(png, stretch->from, stretch->to);
    }
    png->filter = common_filter(png);
    if (png->has_header)
        count = load_be32(png->header + 4);
    else
        make_header(png, png->rows.row, (size_t)count);
    bool fine = salvage_put(salvage, (bytes){(const uint8_t *)"\x89PNG\r\n\x1a\n", 8}) &&
                put_chunk(salvage, "IHDR", png->header, IHDR);
    for (uint32_t i = 0; fine && i < png->extras.n; i++)
        fine = salvage_put(salvage, png->extras.at[i]);
    if (!fine || !put_chunk(salvage, "IDAT", (const uint8_t *)"\x78\x01", 2) ||
        !put_rows(png, count, &sum, &unknown))
        return;
    uint8_t end[9] = {1,
                      0,
                      0,
                      0xff,
                      0xff,
                      (uint8_t)(sum >> 24),
                      (uint8_t)(sum >> 16),
                      (uint8_t)(sum >> 8),
                      (uint8_t)sum};
    if (put_chunk(salvage, "IDAT", end, sizeof end) && put_chunk(salvage, "IEND", NULL, 0))
        (void)salvage_end(
            salvage, SALVAGE_PARTIAL,
            "%llu rows; of %llu of them nothing is known, of others %llu bytes are "
            "not%s",
            (unsigned long long)count, (unsigned long long)unknown.rows,
            (unsigned long long)unknown.bytes,
            png->has_header ? "" : "; the header is a guess");
}

int png_fits(struct salvage *salvage)
{
    bytes file = salvage->file;
    if (salvage_named(salvage, "png"))
        return 92;
    return file.len > 8 && memcmp(file.at, "\x89PNG\r\n\x1a\n", 8) == 0 ? 90 : 0;
}

void png_give(struct salvage *salvage)
{
    struct png png = {.salvage = salvage};
    collect(&png);
    if (!png.size || !put_stream(&png))
        return;
    member_prove(salvage, (bytes){png.stream, png.size}, png.size > 2 ? 2 : 0, prove, &png);
    if (!salvage_solve(salvage))
        return;
    struct map map = stream_map(&png);
    png.raw_room = RAW_MOST;
    png.raw = arena_push_raw(salvage->arena, png.raw_room * sizeof *png.raw);
    if (!png.raw || !map.file.len)
        return;
    if (png.has_header) {
        png.rows.row = row_of_header(&png);
        png.rows.height = load_be32(png.header + 4);
    }
    decode(&png, &map);
    png.rows.arena = salvage->arena;
    png.rows.budget = salvage->budget;
    png.rows.raw = png.raw;
    png.rows.pieces = png.pieces.at;
    png.rows.n = png.pieces.n;
    if (png.raw_size &&
        (png.has_header ? png.rows.row > 1 && png_rows_place(&png.rows)
                        : png_rows_find(&png.rows)) &&
        png_rows_count(&png.rows) &&
        salvage_begin(salvage, salvage_name(salvage, "png"), "PNG"))
        write_picture(&png);
}

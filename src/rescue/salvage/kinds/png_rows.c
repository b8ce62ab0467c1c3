#include "rescue/salvage/kinds/png_rows.h"

#include "rescue/salvage/map/map.h"
#include "rescue/salvage/packed/inflate.h"

#include <string.h>

enum {
    FILTERS = 5,
    ROW_LEAST = 8,
    ROW_MOST = 1 << 16,
    ROWS_LEAST = 12,
    NEXT_MOST = 4096,     /* bytes behind one of which the distance is counted */
    PAIRS_MOST = 1 << 28, /* distances that are counted */
    BESIDE = 4,
    TOGETHER_MOST = 8,
    CLEAR = 5, /* deviations by which one distance is above those beside it */
    EIGHTHS = MAP_EIGHTHS,
    NO_FILTER = -8 * EIGHTHS, /* what a byte that is no filter says of a row's begin */
    SLOPE = 400,              /* a gap of so many bytes may be any; eighths of a byte's cost */
    CELLS_MOST = 4 << 20,     /* places that are remembered at once */
    NEVER = -(1 << 29),
    SURE = 3 * EIGHTHS, /* by which a piece's place must be better than any other */
    GOOD = 19,          /* of 20 rows must begin with a filter */
};

static bool is_known(uint16_t symbol)
{
    return symbol < INFLATE_UNKNOWN;
}

/* --- how long a row is --- */

static const struct png_piece *longest(const struct png_rows *rows)
{
    const struct png_piece *best = NULL;
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct png_piece *piece = &rows->pieces[i];
        if (!best || piece->to - piece->from > best->to - best->from)
            best = piece;
    }
    return best;
}

/* Where a filter may stand in a piece, as bits: what came out of lost bytes may be one. */
static uint64_t *filter_bits(struct png_rows *rows, const struct png_piece *piece, size_t size)
{
    uint64_t *bits = PUSH_ARRAY(rows->arena, uint64_t, size / 64 + 2);
    for (size_t i = 0; bits && i < size; i++) {
        uint16_t symbol = rows->raw[piece->from + i];
        if (symbol < FILTERS || !is_known(symbol))
            bits[i / 64] |= (uint64_t)1 << i % 64;
    }
    return bits;
}

static inline uint64_t bits_at(const uint64_t *bits, size_t at)
{
    size_t shift = at % 64;
    return shift ? bits[at / 64] >> shift | bits[at / 64 + 1] << (64 - shift) : bits[at / 64];
}

/* Whether filters can stand at equal distances of `row` from `phase` to `phase` + 63 on; the
 * phases of which it is so, as bits. */
static uint64_t phases_fit(const uint64_t *bits, size_t size, size_t row, size_t phase)
{
    uint64_t fit = ~(uint64_t)0;
    if (row - phase < 64)
        fit >>= 64 - (row - phase);
    for (size_t at = phase; fit && at < size; at += row) {
        uint64_t now = bits_at(bits, at);
        if (size - at < 64)
            now |= ~(uint64_t)0 << (size - at);
        fit &= now;
    }
    return fit;
}

/* The shortest distance at which filters stand through the longest piece, in one place of a row
 * only. 0: none. */
static size_t row_of_longest(struct png_rows *rows)
{
    const struct png_piece *piece = longest(rows);
    size_t size = piece ? piece->to - piece->from : 0;
    uint64_t *bits = size ? filter_bits(rows, piece, size) : NULL;
    for (size_t row = ROW_LEAST; bits && row < ROW_MOST && row * ROWS_LEAST < size; row++) {
        if (!budget_charge(rows->budget, row / 4 + 64))
            return 0;
        int fits = 0;
        for (size_t phase = 0; phase < row && fits < 2; phase += 64)
            fits += __builtin_popcountll(phases_fit(bits, size, row, phase));
        if (fits == 1)
            return row;
    }
    return 0;
}

/* How often one and the same byte stands at each distance in a piece. */
static bool count_distances(struct png_rows *rows, uint16_t filter, uint32_t *places,
                            uint32_t *counts)
{
    uint64_t pairs = 0;
    memset(counts, 0, ROW_MOST * sizeof *counts);
    for (uint32_t k = 0; k < rows->n && pairs < PAIRS_MOST; k++) {
        const struct png_piece *piece = &rows->pieces[k];
        size_t n = 0, low = 0;
        for (size_t i = piece->from; i < piece->to && pairs < PAIRS_MOST; i++) {
            if (rows->raw[i] != filter)
                continue;
            while (low < n &&
                   (i - piece->from - places[low] >= ROW_MOST || n - low > NEXT_MOST))
                low++;
            for (size_t at = low; at < n; at++)
                counts[i - piece->from - places[at]]++;
            pairs += n - low;
            places[n++] = (uint32_t)(i - piece->from);
            if (!budget_charge(rows->budget, (n - low) / 4 + 1))
                return false;
        }
    }
    return true;
}

/* By how many deviations, squared, one distance stands out among those beside it: any, those of
 * as many samples in pixels of three, and of four. */
static uint64_t stands_out(const uint32_t *counts, size_t row)
{
    static const size_t beside[][2] = {{1, 2}, {3, 6}, {4, 8}};
    uint64_t most = 0;
    for (size_t i = 0; i < COUNT(beside); i++) {
        uint64_t sum = 0;
        for (int k = 0; k < 2; k++)
            sum += (uint64_t)counts[row - beside[i][k]] + counts[row + beside[i][k]];
        most = sum / 4 > most ? sum / 4 : most;
    }
    uint64_t more = counts[row] > most ? counts[row] - most : 0;
    return more >= ROWS_LEAST ? more * more / (most + 1) : 0;
}

/* Of pieces of which none has enough rows: the distance at which filters stand in all of them
 * together more often than at those beside it. */
static size_t row_of_all(struct png_rows *rows)
{
    const struct png_piece *piece = longest(rows);
    struct arena_mark mark = arena_mark(rows->arena);
    size_t size = piece ? piece->to - piece->from : 0, found = 0;
    uint32_t *places = PUSH_ARRAY(rows->arena, uint32_t, size + 1);
    uint32_t *counts = PUSH_ARRAY(rows->arena, uint32_t, ROW_MOST + ROW_LEAST + 1);
    uint64_t best = CLEAR * CLEAR;
    for (uint16_t filter = 0; places && counts && filter < FILTERS; filter++) {
        if (!count_distances(rows, filter, places, counts))
            break;
        for (size_t row = ROW_LEAST; row < ROW_MOST - ROW_LEAST; row++) {
            uint64_t clear = stands_out(counts, row);
            if (clear > best) {
                best = clear;
                found = row;
            }
        }
    }
    arena_pop(rows->arena, mark);
    return found;
}

/* --- where rows begin --- */

/* The way through the places in a row at which pieces begin: the one of which filters say most,
 * and that goes with what gaps should hold. */
struct way {
    struct png_rows *rows;
    int32_t *best, *other; /* by the place of a piece's begin in its row */
    uint32_t *source;      /* the place of the one before that goes best with it */
    uint32_t *came;        /* that, of all pieces of a batch */
    uint32_t *leads;       /* the result, of all pieces */
    int says[FILTERS];     /* of being a filter */
};

static size_t size_of(const struct png_piece *piece)
{
    return piece->to - piece->from;
}

/* About how much the gap before a piece held, as bytes beside it go. */
static uint64_t about(const struct png_rows *rows, uint32_t i)
{
    const struct png_piece *piece = &rows->pieces[i];
    uint64_t out = size_of(piece) + (i ? size_of(piece - 1) : 0);
    uint64_t in = piece->packed + (i ? piece[-1].packed : 0);
    return in ? piece->lost * out / in : piece->lost;
}

static int32_t slope(uint64_t size)
{
    return (int32_t)(SLOPE / (size + 1));
}

/* What each filter says where it stands: how often it is found a row apart, against anywhere.
 */
static bool learn(struct way *way)
{
    struct png_rows *rows = way->rows;
    uint64_t any[FILTERS] = {0}, pairs[FILTERS] = {0}, beside[FILTERS] = {0}, all = 0, sum = 0;
    for (uint32_t k = 0; k < rows->n; k++) {
        const uint16_t *at = rows->raw + rows->pieces[k].from;
        size_t size = size_of(&rows->pieces[k]);
        all += size;
        if (!budget_charge(rows->budget, size))
            return false;
        for (size_t i = 0; i < size; i++) {
            if (at[i] >= FILTERS)
                continue;
            any[at[i]]++;
            if (i < rows->row + BESIDE || i + BESIDE >= size + rows->row)
                continue;
            const uint16_t *above = at + i - rows->row;
            pairs[at[i]] += *above == at[i] ? 2 : 0;
            beside[at[i]] += above[-BESIDE] == at[i] ? 1 : 0;
            beside[at[i]] += above[BESIDE] == at[i] ? 1 : 0;
        }
    }
    for (int f = 0; f < FILTERS; f++) {
        pairs[f] = pairs[f] > beside[f] ? (pairs[f] - beside[f]) / 2 : 0;
        sum += pairs[f];
    }
    for (int f = 0; f < FILTERS; f++)
        way->says[f] = map_eighths((pairs[f] + sum / 64 + 1) * (all + 1),
                                   (sum + FILTERS * (sum / 64 + 1)) * (any[f] + 1));
    return true;
}

/* Adds what a piece's bytes say, for each place where it may begin. */
static void hear(const struct way *way, const struct png_piece *piece, int32_t *says)
{
    size_t row = way->rows->row, lead = 0;
    for (size_t i = piece->from; i < piece->to; i++) {
        uint16_t symbol = way->rows->raw[i];
        if (is_known(symbol)) {
            says[lead] += symbol < FILTERS ? way->says[symbol] : NO_FILTER;
            says[lead] = says[lead] < NEVER ? NEVER : says[lead];
        }
        lead = lead ? lead - 1 : row - 1;
    }
}

/* Spreads what is known of places to those beside them, each step at a cost. */
static void spread(int32_t *best, uint32_t *source, size_t row, int32_t cost)
{
    for (size_t i = 1; i < 2 * row; i++) {
        size_t at = i % row, by = (i - 1) % row;
        if (best[by] - cost > best[at]) {
            best[at] = best[by] - cost;
            source[at] = source[by];
        }
    }
    for (size_t i = 2 * row - 1; i-- > 0;) {
        size_t at = i % row, by = (i + 1) % row;
        if (best[by] - cost > best[at]) {
            best[at] = best[by] - cost;
            source[at] = source[by];
        }
    }
}

/* From the places of one piece to those of the next, `i`. */
static void step(struct way *way, uint32_t i)
{
    struct png_rows *rows = way->rows;
    size_t row = rows->row;
    uint64_t gap = about(rows, i), shift = (gap + size_of(&rows->pieces[i - 1])) % row;
    for (size_t lead = 0; lead < row; lead++) {
        size_t to = (lead + shift) % row;
        way->other[to] = way->best[lead];
        way->source[to] = (uint32_t)lead;
    }
    spread(way->other, way->source, row, slope(gap));
    int32_t *spare = way->best;
    way->best = way->other;
    way->other = spare;
}

/* The best place is 0, what cannot be stays so. */
static size_t level(struct way *way, const struct png_piece *piece)
{
    size_t row = way->rows->row, best = 0;
    size_t end = piece->last ? (row - size_of(piece) % row) % row : row;
    for (size_t lead = 0; lead < row; lead++) {
        if ((piece->first && lead) || (end < row && lead != end && !piece->first))
            way->best[lead] = NEVER;
        if (way->best[lead] > way->best[best])
            best = lead;
    }
    int32_t most = way->best[best];
    for (size_t lead = 0; lead < row; lead++)
        way->best[lead] = way->best[lead] - most < NEVER ? NEVER : way->best[lead] - most;
    return best;
}

/* The pieces [from, to); of the one before, if there is any, the place is known. */
static bool find_leads(struct way *way, uint32_t from, uint32_t to)
{
    struct png_rows *rows = way->rows;
    size_t row = rows->row, best = 0;
    for (size_t lead = 0; lead < row; lead++)
        way->best[lead] = from && lead != way->leads[from - 1] ? NEVER : 0;
    for (uint32_t i = from; i < to; i++) {
        if (!budget_charge(rows->budget, 8 * row + size_of(&rows->pieces[i])))
            return false;
        if (i)
            step(way, i);
        memcpy(way->came + (i - from) * row, way->source, row * sizeof *way->came);
        hear(way, &rows->pieces[i], way->best);
        best = level(way, &rows->pieces[i]);
    }
    for (uint32_t i = to; i-- > from;) {
        way->leads[i] = (uint32_t)best;
        best = way->came[(i - from) * row + best];
    }
    return true;
}

/* Whether a piece fits nowhere else nearly as well, the one before it being where it is. */
static bool is_sure(struct way *way, uint32_t i)
{
    struct png_rows *rows = way->rows;
    const struct png_piece *piece = &rows->pieces[i];
    size_t row = rows->row, lead = way->leads[i];
    if (piece->first || piece->last)
        return true;
    memset(way->other, 0, row * sizeof *way->other);
    hear(way, piece, way->other);
    uint64_t gap = about(rows, i);
    int32_t cost = i ? slope(gap) : 0, second = NEVER, mine = 0;
    size_t most = i ? (way->leads[i - 1] + size_of(piece - 1) + gap) % row : 0;
    for (size_t at = 0; at < row; at++) {
        size_t off = at > most ? at - most : most - at;
        int64_t says =
            way->other[at] - (int64_t)cost * (int64_t)(off < row - off ? off : row - off);
        if (at == lead)
            mine = (int32_t)says;
        else if (says > second)
            second = (int32_t)says;
    }
    return mine - second >= SURE;
}

/* Where pieces lie, from where they lie in their rows and what gaps should hold. */
static void put_in_place(struct way *way)
{
    struct png_rows *rows = way->rows;
    uint64_t row = rows->row, end = 0;
    for (uint32_t i = 0; i < rows->n; i++) {
        struct png_piece *piece = &rows->pieces[i];
        uint64_t at = end + (i ? about(rows, i) : way->leads[0]);
        uint64_t off = (way->leads[i] + row - at % row) % row;
        at += off;
        if (off > row / 2 && at >= end + row)
            at -= row;
        piece->at = at;
        end = at + size_of(piece);
    }
}

/* With the height known: what is too much or too little is so at the largest gap. */
static void fit_height(struct png_rows *rows)
{
    uint32_t widest = 0;
    for (uint32_t i = 1; i < rows->n; i++)
        if (!widest || rows->pieces[i].lost > rows->pieces[widest].lost)
            widest = i;
    const struct png_piece *last = &rows->pieces[rows->n - 1];
    uint64_t count = (last->at + size_of(last) + rows->row - 1) / rows->row;
    if (!widest || count == rows->height || (count < rows->height && !last->last))
        return;
    const struct png_piece *before = &rows->pieces[widest - 1];
    uint64_t room = (rows->pieces[widest].at - before->at - size_of(before)) / rows->row;
    uint64_t less = count > rows->height ? count - rows->height : 0;
    uint64_t more = count < rows->height ? rows->height - count : 0;
    less = less < room ? less : room;
    for (uint32_t i = widest; i < rows->n; i++)
        rows->pieces[i].at += more * rows->row - less * rows->row;
}

/* Nearly all rows of which the begin is known begin with a filter. */
static bool are_rows(const struct png_rows *rows)
{
    uint64_t good = 0, all = 0;
    for (uint32_t i = 0; i < rows->n; i++) {
        const struct png_piece *piece = &rows->pieces[i];
        size_t at = (rows->row - (size_t)(piece->at % rows->row)) % rows->row;
        for (; at < size_of(piece); at += rows->row) {
            uint16_t symbol = rows->raw[piece->from + at];
            good += symbol < FILTERS;
            all += is_known(symbol);
        }
    }
    return good && good * 20 >= all * GOOD;
}

bool png_rows_place(struct png_rows *rows)
{
    struct arena_mark mark = arena_mark(rows->arena);
    size_t row = rows->row, batch = CELLS_MOST / row < rows->n ? CELLS_MOST / row : rows->n;
    struct way way = {.rows = rows};
    batch = batch ? batch : 1;
    way.best = PUSH_ARRAY(rows->arena, int32_t, row);
    way.other = PUSH_ARRAY(rows->arena, int32_t, row);
    way.source = PUSH_ARRAY(rows->arena, uint32_t, row);
    way.came = PUSH_ARRAY(rows->arena, uint32_t, row * batch);
    way.leads = PUSH_ARRAY(rows->arena, uint32_t, rows->n);
    bool fine = way.best && way.other && way.source && way.came && way.leads && learn(&way);
    for (uint32_t i = 0; fine && i < rows->n; i += (uint32_t)batch)
        fine = find_leads(&way, i, rows->n - i < batch ? rows->n : i + (uint32_t)batch);
    if (fine) {
        put_in_place(&way);
        if (rows->height)
            fit_height(rows);
        fine = rows->height || are_rows(rows);
    }
    for (uint32_t i = 0; fine && i < rows->n; i++)
        if (!is_sure(&way, i))
            rows->pieces[i].at = PNG_NOWHERE;
    arena_pop(rows->arena, mark);
    return fine;
}

uint64_t png_rows_count(const struct png_rows *rows)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < rows->n; i++)
        if (rows->pieces[i].at != PNG_NOWHERE)
            end = rows->pieces[i].at + size_of(&rows->pieces[i]);
    return (end + rows->row - 1) / rows->row;
}

bool png_rows_find(struct png_rows *rows)
{
    /* In one piece, chance finds one, too; then rows do not begin there in the others. One
     * where codes were misread for a while finds several rows for one. */
    size_t row = row_of_longest(rows);
    for (size_t n = TOGETHER_MOST; row && n; n--) {
        rows->row = row / n;
        if (row % n == 0 && rows->row >= ROW_LEAST && png_rows_place(rows))
            return true;
    }
    rows->row = row_of_all(rows);
    return rows->row && png_rows_place(rows);
}

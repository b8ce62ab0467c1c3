/* A packed stream of a PDF with ciphertext in it: what is before, between and behind the gaps
 * (packed.h). It is written anew as a zlib stream of stored blocks, so that its dictionary
 * stays true but for the length. What is not known is zero in pictures; in a page's drawing it
 * is a question mark, and where a string ("(...)") began or ended in a gap, so does it again:
 * else all that follows would be part of it. */
#include "rescue/salvage/kinds/pdf_object.h"

#include "rescue/salvage/packed/packed.h"

#include <string.h>

enum {
    SYMBOLS_MOST = 32 << 20,
    CAME_MOST = 4 << 20, /* for what they came out of */
    SYMBOLS_FIRST = 1 << 16,
    VAGUE = 3,            /* marks for a gap whose size is not known */
    TEXT_LEAST = 90,      /* of 100 bytes that are known */
    LEARN_FROM = 1 << 17, /* bytes of streams that are whole */
    ALIKE_DRAWING = 3,    /* as packed.h has it */
    ALIKE_PICTURE,
    SIDE_MOST = 1 << 20,
    PIECE_LEAST = 160, /* bytes between gaps, on the average */
};

static bool is_text(const struct pdf_unpacked *all)
{
    size_t known = 0, text = 0;
    for (size_t i = 0; i < all->n; i++) {
        uint16_t c = all->at[i];
        known += c < INFLATE_UNKNOWN;
        text += (c >= ' ' && c < 127) || c == '\n' || c == '\r' || c == '\t';
    }
    return known && text * 100 >= known * TEXT_LEAST;
}

/* Only what comes before the first gap is kept. */
static void cut_short(struct pdf_unpacked *all)
{
    size_t first = 0;
    while (first < all->n && all->at[first] < INFLATE_UNKNOWN)
        first++;
    all->ended = all->ended && first == all->n;
    all->n = first;
    all->came.n = all->came.n ? 1 : 0;
}

/* Whether little lies between gaps, on the average: what codes of it say may be chance. */
static bool is_crumbs(const struct map *map, uint64_t from, uint64_t to)
{
    uint64_t plain = 0, pieces = 0;
    while (from < to) {
        uint64_t end = map_plain_end(map, from, to);
        plain += end - from;
        pieces += end > from;
        from = map_plain_next(map, end, to);
    }
    return plain < PIECE_LEAST * pieces;
}

static bool make_room(struct pdf_unpacked *all, uint64_t n)
{
    size_t room = all->room ? all->room : SYMBOLS_FIRST;
    if (n > SYMBOLS_MOST - all->n)
        return false;
    while (room < all->n + n)
        room *= 2;
    if (room == all->room)
        return true;
    uint16_t *more = arena_push_raw(all->arena, room * sizeof *more);
    if (!more)
        return false;
    if (all->n)
        memcpy(more, all->at, all->n * sizeof *more);
    all->at = more;
    all->room = room;
    return true;
}

static bool put(void *to, const uint16_t *symbols, size_t n)
{
    struct pdf_unpacked *all = to;
    if (!make_room(all, n))
        return false;
    memcpy(all->at + all->n, symbols, n * sizeof *symbols);
    all->n += n;
    return true;
}

/* Where what comes behind it belongs must be known: only a page's drawing can do without. */
static bool gap(void *to, uint64_t packed, uint64_t size)
{
    struct pdf_unpacked *all = to;
    (void)packed;
    if (size == JOINT_UNKNOWN) {
        if (all->strict || (all->n ? !is_text(all) : !all->drawing))
            return false;
        size = VAGUE;
    }
    if (!make_room(all, size))
        return false;
    for (; size; size--)
        all->at[all->n++] = INFLATE_UNKNOWN;
    return true;
}

static void came(void *to, uint64_t from, uint64_t until)
{
    struct pdf_unpacked *all = to;
    struct map_range *range = from < until ? vec_push(all->arena, &all->came) : NULL;
    if (range)
        *range = (struct map_range){from, until};
}

/* What a picture without further ado takes, unpacked; UINT64_MAX: not known. */
static uint64_t picture_size(bytes dictionary)
{
    uint64_t width = pdf_number(dictionary, "/Width"), bits;
    uint64_t height = pdf_number(dictionary, "/Height"), samples = 0;
    bits = pdf_number(dictionary, "/BitsPerComponent");
    if (pdf_is(dictionary, "/ColorSpace", "/DeviceRGB"))
        samples = 3;
    else if (pdf_is(dictionary, "/ColorSpace", "/DeviceGray"))
        samples = 1;
    else if (pdf_is(dictionary, "/ColorSpace", "/DeviceCMYK"))
        samples = 4;
    if (!samples || !bits || bits > 16 || !width || width > SIDE_MOST || !height ||
        height > SIDE_MOST || bytes_find(dictionary, bytes_of("/DecodeParms"), 0) != SIZE_MAX ||
        pdf_is(dictionary, "/Filter", "["))
        return UINT64_MAX;
    return (width * samples * bits + 7) / 8 * height;
}

static int unpack(struct pdf *pdf, const struct pdf_object *object, struct pdf_unpacked *all,
                  struct packed_result *ret)
{
    struct salvage *salvage = pdf->salvage;
    struct packed_taker taker = {put, gap, came, all};
    bytes dictionary = pdf_dictionary(pdf, object);
    return packed_read(salvage, object->stream + 2, object->stop, true,
                       all->drawing ? UINT64_MAX : picture_size(dictionary),
                       all->drawing ? ALIKE_DRAWING : ALIKE_PICTURE, &taker, ret);
}

/* What goes with what in this file's drawings is learned from those that are whole. */
static void learn(struct pdf *pdf)
{
    size_t learned = 0;
    for (uint32_t i = 0; i < pdf->objects.n && learned < LEARN_FROM; i++) {
        const struct pdf_object *object = &pdf->objects.at[i];
        struct pdf_unpacked all = {.drawing = true, .strict = true};
        struct packed_result result;
        if (!object->whole || !object->stream || !pdf_is_flate(pdf_dictionary(pdf, object)) ||
            pdf_is_picture(pdf, object) || object->stop - object->stream > LEARN_FROM)
            continue;
        all.arena = arena_new(SYMBOLS_MOST);
        if (all.arena && unpack(pdf, object, &all, &result) == 0)
            learned += all.n;
        arena_free(all.arena);
    }
    pdf->learned = true;
}

bool pdf_is_picture(const struct pdf *pdf, const struct pdf_object *object)
{
    bytes dictionary = pdf_dictionary(pdf, object);
    return pdf_is(dictionary, "/Subtype", "/Image") ||
           bytes_find(dictionary, bytes_of("/Length1"), 0) != SIZE_MAX;
}

bool pdf_unpack(struct pdf *pdf, const struct pdf_object *object, bool strict,
                struct pdf_unpacked *ret)
{
    struct packed_result result;
    if (object->stop < object->stream + 2)
        return false;
    *ret = (struct pdf_unpacked){.strict = strict, .drawing = !pdf_is_picture(pdf, object)};
    if (ret->drawing && !pdf->learned)
        learn(pdf);
    ret->arena = arena_new(4 * (size_t)SYMBOLS_MOST + CAME_MOST);
    if (!ret->arena || unpack(pdf, object, ret, &result) < 0 || !ret->came.n) {
        ret->arena = arena_free(ret->arena);
        return false;
    }
    ret->ended = result.ended;
    if (is_crumbs(&pdf->salvage->map, object->stream, object->stop))
        cut_short(ret);
    ret->text = is_text(ret);
    return true;
}

void pdf_gives(struct salvage *salvage, const struct pdf_unpacked *all)
{
    for (uint32_t i = 0; i < all->came.n; i++)
        salvage_gives(salvage, all->came.at[i].from, all->came.at[i].to);
}

/* The next bracket of strings from `from` on that is known and means itself; 0: a gap or the
 * end comes first. */
static uint16_t next_bracket(const struct pdf_unpacked *all, size_t from)
{
    for (size_t i = from; i < all->n && all->at[i] < INFLATE_UNKNOWN; i++) {
        if (all->at[i] == '\\')
            i++;
        else if (all->at[i] == '(' || all->at[i] == ')')
            return all->at[i];
    }
    return 0;
}

void pdf_balance(struct pdf_unpacked *all)
{
    unsigned depth = 0;
    for (size_t i = 0; i < all->n; i++) {
        uint16_t c = all->at[i];
        if (c == '\\' && depth) {
            i++;
        } else if (c == '(') {
            depth++;
        } else if (c == ')') {
            depth -= depth > 0;
        } else if (c >= INFLATE_UNKNOWN) {
            size_t end = i;
            while (end < all->n && all->at[end] >= INFLATE_UNKNOWN)
                end++;
            uint16_t next = next_bracket(all, end);
            if (depth && (next == '(' || end == all->n)) {
                all->at[i] = ')';
                depth = 0;
            } else if (!depth && next == ')') {
                all->at[end - 1] = '(';
                depth = 1;
            }
            i = end - 1;
        }
    }
}

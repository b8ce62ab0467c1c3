#include "rescue/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t apply_at(const struct apply *run, uint32_t piece, uint64_t repeat)
{
    return run->recipe->piece.at[piece].at + repeat * run->piece[piece].step;
}

static int refuse(struct apply *run, uint32_t piece, const char *what)
{
    return fail(run->why, EBADMSG, "piece %u of the recipe %s", piece, what);
}

/* Where a piece's stream comes from and how far it gets. */
static int check_stream(struct apply *run, uint32_t number, int64_t *last)
{
    const struct recipe_piece *piece = &run->recipe->piece.at[number];
    const struct recipe_stream *stream = &run->recipe->stream.at[piece->stream];
    struct apply_piece *ret = &run->piece[number];
    size_t grain = apply_cipher_grain(stream);
    bool chained = stream->cipher == RECIPE_AES_CBC || stream->cipher == RECIPE_AES_CFB ||
                   stream->cipher == RECIPE_DES3_CBC;
    if ((chained || stream->cipher == RECIPE_OWN) &&
        (piece->start == RECIPE_SEEK || piece->start == RECIPE_OFFSET || piece->skip))
        return refuse(run, number, "seeks in a stream that cannot");

    int64_t *before = &last[piece->stream];
    ret->before = -1;
    ret->root = number;
    if (stream->cipher == RECIPE_OWN)
        ret->coded = piece->length;
    else
        ret->coded = piece->length - piece->length % grain;
    if (__builtin_add_overflow(ret->coded, piece->skip, &ret->stride))
        return refuse(run, number, "has an endless stream");
    if (piece->start == RECIPE_RUNS_ON && *before >= 0) {
        ret->before = *before;
        ret->first = run->piece[*before].end;
        ret->root = run->piece[*before].root;
    } else if (piece->start == RECIPE_SEEK) {
        ret->first = piece->position;
    }
    if (stream->cipher == RECIPE_OWN &&
        (ret->first % grain ||
         (piece->length % grain && ret->count > 1 && piece->start != RECIPE_RESTART)))
        return refuse(run, number, "is no multiple of its stream's grain");

    uint64_t total;
    uint64_t base = piece->start == RECIPE_OFFSET ? ret->behind - ret->coded : ret->first;
    uint64_t repeats = piece->start == RECIPE_OFFSET ? 1 : ret->count;
    if (piece->start == RECIPE_RESTART)
        ret->end = ret->stride;
    else if (__builtin_mul_overflow(repeats, ret->stride, &total) ||
             __builtin_add_overflow(base, total, &ret->end))
        return refuse(run, number, "has an endless stream");
    if (ret->coded)
        *before = number;
    return 0;
}

static int check_piece(struct apply *run, uint32_t number, int64_t *last)
{
    const struct recipe *recipe = run->recipe;
    const struct recipe_piece *piece = &recipe->piece.at[number];
    struct apply_piece *ret = &run->piece[number];
    ret->count = piece->count ? piece->count : 1;
    ret->step = ret->count > 1 ? piece->step : 0;
    if (ret->count > 1 && (piece->step < piece->length || !piece->step))
        return refuse(run, number, "has repeats that overlap");

    uint64_t moved, end;
    if (__builtin_mul_overflow(ret->count - 1, ret->step, &moved) ||
        __builtin_add_overflow(piece->at, moved, &end) ||
        __builtin_add_overflow(end, piece->length, &ret->behind) || ret->behind > recipe->size)
        return refuse(run, number, "ends behind the plain file");
    if (piece->stream == RECIPE_GIVEN)
        return piece->given.len == piece->length
                   ? 0
                   : refuse(run, number, "does not give the bytes that it says");
    if (!piece->over &&
        (__builtin_add_overflow(piece->from, moved, &end) ||
         __builtin_add_overflow(end, piece->length, &end) || end > run->source->size))
        return refuse(run, number, "lies outside the encrypted file");
    if (piece->stream == RECIPE_COPY)
        return 0;
    if (piece->stream < 0 || (uint32_t)piece->stream >= recipe->stream.n)
        return refuse(run, number, "names a stream that is not there");
    return check_stream(run, number, last);
}

static int by_place(const void *a, const void *b, void *context)
{
    const struct recipe_piece *piece = context;
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    if (piece[left].at != piece[right].at)
        return piece[left].at < piece[right].at ? -1 : 1;
    return left < right ? -1 : left > right;
}

/* A stream that has to be run up to a position is not run for longer than its file. */
static int check_run_up(struct apply *run, uint32_t number)
{
    const struct recipe_piece *piece = &run->recipe->piece.at[number];
    if (piece->stream < 0)
        return 0;
    switch (run->recipe->stream.at[piece->stream].cipher) {
    case RECIPE_RC4:
    case RECIPE_KCIPHER2:
    case RECIPE_SOSEMANUK:
    case RECIPE_HC128:
    case RECIPE_OWN:
        if (run->piece[number].end / 2 > run->recipe->size / 2 + run->source->size / 2 + 4096)
            return refuse(run, number, "lies further in its stream than its file is long");
        return 0;
    default:
        return 0;
    }
}

static int check(struct apply *run)
{
    const struct recipe *recipe = run->recipe;
    uint32_t pieces = recipe->piece.n, streams = recipe->stream.n;
    if (pieces > APPLY_PIECES || streams > APPLY_STREAMS)
        return fail(run->why, E2BIG, "a recipe of %u pieces and %u streams", pieces, streams);

    int64_t *last = PUSH_ARRAY(run->arena, int64_t, streams);
    run->piece = PUSH_ARRAY(run->arena, struct apply_piece, pieces);
    run->order = PUSH_ARRAY(run->arena, uint32_t, pieces);
    run->active = PUSH_ARRAY(run->arena, uint32_t, pieces);
    run->stream = PUSH_ARRAY(run->arena, struct apply_stream, streams);
    if (!last || !run->piece || !run->order || !run->active || !run->stream)
        return fail(run->why, ENOMEM, "no memory for a recipe of %u pieces", pieces);

    for (uint32_t i = 0; i < streams; i++) {
        last[i] = -1;
        int error = apply_cipher_check(run, &recipe->stream.at[i], i);
        if (error)
            return error;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < pieces; i++) {
        int error = check_piece(run, i, last);
        if (!error)
            error = check_run_up(run, i);
        if (error)
            return error;
        if (recipe->piece.at[i].length)
            run->order[n++] = i;
    }
    run->ordered = n;
    if (n)
        qsort_r(run->order, n, sizeof *run->order, by_place, recipe->piece.at);
    return 0;
}

static int start(struct apply *run)
{
    run->arena = arena_new(6 << 20);
    if (!run->arena)
        return fail(run->why, ENOMEM, "no memory for a window");
    int error = check(run);
    if (error)
        return error;
    /* No larger than the file: most are small, and fresh pages cost more than their bytes. */
    size_t window = run->recipe->size < APPLY_WINDOW ? (size_t)run->recipe->size : APPLY_WINDOW;
    run->touched_size = (window + 63) / 64 * sizeof *run->touched;
    run->window = arena_push_raw(run->arena, window);
    run->touched = arena_push_raw(run->arena, run->touched_size);
    run->scratch = arena_push_raw(run->arena, APPLY_SCRATCH);
    run->pattern = arena_push_raw(run->arena, APPLY_PATTERN);
    run->pattern_of = -1;
    return run->window && run->touched && run->scratch && run->pattern
               ? 0
               : fail(run->why, ENOMEM, "no memory for a window");
}

static int finish(struct apply *run, int error)
{
    for (uint32_t i = 0; run->stream && i < run->recipe->stream.n; i++)
        cipher_free(run->stream[i].cipher);
    arena_free(run->arena);
    return error;
}

/* Bits of one word that stand for [from, to). */
static uint64_t bits(size_t word, size_t from, size_t to)
{
    uint64_t ret = ~UINT64_C(0);
    if (from > word * 64)
        ret &= ~UINT64_C(0) << (from - word * 64);
    if (to < word * 64 + 64)
        ret &= ~(~UINT64_C(0) << (to - word * 64));
    return ret;
}

static void touch(struct apply *run, size_t from, size_t to)
{
    for (size_t word = from / 64; word * 64 < to; word++)
        run->touched[word] |= bits(word, from, to);
}

static bool touched_any(const struct apply *run, size_t from, size_t to)
{
    for (size_t word = from / 64; word * 64 < to; word++)
        if (run->touched[word] & bits(word, from, to))
            return true;
    return false;
}

static bool touched_all(const struct apply *run, size_t from, size_t to)
{
    for (size_t word = from / 64; word * 64 < to; word++)
        if ((run->touched[word] & bits(word, from, to)) != bits(word, from, to))
            return false;
    return true;
}

/* The part of [from, to) that a repeat covers; false: none. */
static bool cut(const struct apply *run, uint32_t piece, uint64_t repeat, uint64_t from,
                uint64_t to, uint64_t *begin, uint64_t *end)
{
    uint64_t at = apply_at(run, piece, repeat);
    uint64_t behind = at + run->recipe->piece.at[piece].length;
    *begin = at > from ? at : from;
    *end = behind < to ? behind : to;
    return *begin < *end;
}

/* First repeat of a piece that may reach behind `from`. */
static uint64_t first_repeat(const struct apply *run, uint32_t piece, uint64_t from)
{
    uint64_t at = run->recipe->piece.at[piece].at, step = run->piece[piece].step;
    return from > at && step ? (from - at) / step : 0;
}

static int layer(struct apply *run, uint32_t piece, uint64_t at, uint8_t *data, size_t len)
{
    const struct recipe_piece *of = &run->recipe->piece.at[piece];
    for (uint64_t repeat = first_repeat(run, piece, at);
         repeat < run->piece[piece].count && apply_at(run, piece, repeat) < at + len;
         repeat++) {
        uint64_t begin, end;
        if (!cut(run, piece, repeat, at, at + len, &begin, &end))
            continue;
        struct apply_place place = {piece, repeat, begin - apply_at(run, piece, repeat)};
        uint8_t *part = data + (begin - at);
        size_t size = (size_t)(end - begin);
        int error = 0;
        if (of->stream == RECIPE_GIVEN)
            memcpy(part, of->given.at + place.off, size);
        else if (!of->over)
            error = apply_input(run, place, part, size);
        if (!error && of->stream >= 0)
            error = apply_cipher(run, place, part, size);
        if (error)
            return error;
    }
    return 0;
}

/* What the pieces before `piece` make of `len` bytes at `at`. */
static int layers_below(struct apply *run, uint32_t piece, uint64_t at, uint8_t *ret,
                        size_t len)
{
    if (run->depth == APPLY_DEPTH)
        return fail(run->why, ENOTSUP, "more than %d ciphers one over the other", APPLY_DEPTH);
    uint64_t size = run->source->size;
    size_t inside = at >= size ? 0 : len < size - at ? len : (size_t)(size - at);
    memset(ret + inside, 0, len - inside);
    int error = source_read(run->source, inside ? at : 0, ret, inside, run->why);
    run->depth++;
    for (uint32_t i = 0; i < piece && !error; i++)
        if (run->recipe->piece.at[i].length && run->recipe->piece.at[i].at < at + len &&
            run->piece[i].behind > at)
            error = layer(run, i, at, ret, len);
    run->depth--;
    return error;
}

int apply_input(struct apply *run, struct apply_place place, uint8_t *ret, size_t len)
{
    const struct recipe_piece *piece = &run->recipe->piece.at[place.piece];
    uint64_t moved = place.repeat * run->piece[place.piece].step + place.off;
    if (piece->over)
        return layers_below(run, place.piece, piece->at + moved, ret, len);
    return source_read(run->source, piece->from + moved, ret, len, run->why);
}

/* The pieces that reach into [from, to), in the order of the recipe. */
static void activate(struct apply *run, uint32_t *next, uint64_t from, uint64_t to)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < run->actives; i++)
        if (run->piece[run->active[i]].behind > from)
            run->active[kept++] = run->active[i];
    while (*next < run->ordered && run->recipe->piece.at[run->order[*next]].at < to) {
        uint32_t piece = run->order[(*next)++], at = kept;
        if (run->piece[piece].behind <= from)
            continue;
        while (at && run->active[at - 1] > piece)
            at--;
        memmove(run->active + at + 1, run->active + at, (kept - at) * sizeof *run->active);
        run->active[at] = piece;
        kept++;
    }
    run->actives = kept;
}

/* One piece's part of the window [from, to). `bare`: no other piece has been there, and the
 * encrypted file lies in the window up to its end. */
static int window_piece(struct apply *run, uint32_t piece, uint64_t from, uint64_t to,
                        bool bare)
{
    const struct recipe_piece *of = &run->recipe->piece.at[piece];
    for (uint64_t repeat = first_repeat(run, piece, from);
         repeat < run->piece[piece].count && apply_at(run, piece, repeat) < to; repeat++) {
        uint64_t begin, end;
        if (!cut(run, piece, repeat, from, to, &begin, &end))
            continue;
        struct apply_place place = {piece, repeat, begin - apply_at(run, piece, repeat)};
        uint8_t *part = run->window + (begin - from);
        size_t size = (size_t)(end - begin);
        int error = 0;
        if (of->stream == RECIPE_GIVEN)
            memcpy(part, of->given.at + place.off, size);
        else if (!of->over && (of->from != of->at || end > run->source->size ||
                               (!bare && touched_any(run, begin - from, end - from))))
            error = apply_input(run, place, part, size);
        if (!error && of->stream >= 0)
            error = apply_cipher(run, place, part, size);
        if (error)
            return error;
        /* What lies behind the encrypted file's end has to come from a piece that is not
         * `over`. */
        bool comes = !of->over || of->stream == RECIPE_GIVEN;
        if (!bare)
            touch(run, begin - from,
                  comes || end <= run->source->size ? end - from
                  : begin < run->source->size       ? run->source->size - from
                                                    : begin - from);
    }
    return 0;
}

/* Of the active pieces, the last one that alone fills the window without looking at others. */
static uint32_t first_that_matters(const struct apply *run, uint64_t from, uint64_t to,
                                   bool *fills)
{
    for (uint32_t i = run->actives; i--;) {
        uint32_t piece = run->active[i];
        uint64_t begin, end;
        bool given = run->recipe->piece.at[piece].stream == RECIPE_GIVEN;
        if ((given || !run->recipe->piece.at[piece].over) &&
            cut(run, piece, first_repeat(run, piece, from), from, to, &begin, &end) &&
            begin == from && end == to) {
            *fills = run->recipe->piece.at[piece].from != run->recipe->piece.at[piece].at ||
                     given || to > run->source->size;
            return i;
        }
    }
    return 0;
}

static int window(struct apply *run, uint64_t from, uint64_t to)
{
    bool filled = false;
    uint32_t first = first_that_matters(run, from, to, &filled);
    uint64_t size = run->source->size;
    size_t len = (size_t)(to - from);
    size_t inside = from >= size ? 0 : to <= size ? len : (size_t)(size - from);
    if (!filled) {
        memset(run->window + inside, 0, len - inside);
        int error = source_read(run->source, inside ? from : 0, run->window, inside, run->why);
        if (error)
            return error;
    }

    bool bare = run->actives - first <= 1 && inside == len;
    if (!bare)
        memset(run->touched, 0, run->touched_size);
    for (uint32_t i = first; i < run->actives; i++) {
        int error = window_piece(run, run->active[i], from, to, bare);
        if (error)
            return error;
    }
    return bare || touched_all(run, inside, len)
               ? 0
               : fail(run->why, EBADMSG, "the recipe does not say where all bytes come from");
}

/* Where the first piece begins that puts anything behind `from`, `to` at the latest. */
static uint64_t untouched(const struct apply *run, uint32_t next, uint64_t from, uint64_t to)
{
    if (to > run->source->size)
        to = run->source->size;
    if (next < run->ordered && run->recipe->piece.at[run->order[next]].at < to)
        to = run->recipe->piece.at[run->order[next]].at;
    for (uint32_t i = 0; i < run->actives && from < to; i++) {
        uint32_t piece = run->active[i];
        uint64_t repeat = first_repeat(run, piece, from);
        if (apply_at(run, piece, repeat) + run->recipe->piece.at[piece].length <= from)
            repeat++;
        if (repeat < run->piece[piece].count && apply_at(run, piece, repeat) < to)
            to = apply_at(run, piece, repeat);
    }
    return to > from ? to : from;
}

/* Has whole windows copied that no piece touches. *from is moved on; -EXDEV: nothing can. */
static int copy_windows(struct apply *run, uint32_t *next, uint64_t *from, uint64_t to,
                        const struct recipe_sink *sink)
{
    activate(run, next, *from, *from + 1);
    uint64_t end = untouched(run, *next, *from, to);
    if (end < to)
        end -= end % APPLY_WINDOW;
    while (*from < end) {
        uint64_t length = end - *from < APPLY_COPY ? end - *from : APPLY_COPY;
        int error = sink->copy(sink->context, *from, length);
        if (error)
            return error;
        *from += length;
    }
    return 0;
}

int recipe_part(const struct recipe *recipe, const struct source *source, uint64_t from,
                uint64_t to, const struct recipe_sink *sink, struct why *why)
{
    struct apply run = {.recipe = recipe, .source = source, .why = why};
    if (from > to || to > recipe->size)
        return fail(why, EINVAL, "the plain file ends before byte %llu",
                    (unsigned long long)(from > to ? from : to));
    bool copies = sink->copy != NULL;
    int error = start(&run);
    uint32_t next = 0;
    while (!error && from < to) {
        if (copies) {
            error = copy_windows(&run, &next, &from, to, sink);
            copies = error != -EXDEV;
            error = copies ? error : 0;
            if (error || from == to)
                break;
        }
        uint64_t end = from - from % APPLY_WINDOW;
        end = to - end < APPLY_WINDOW ? to : end + APPLY_WINDOW;
        activate(&run, &next, from, end);
        error = window(&run, from, end);
        if (!error)
            error = sink->write(sink->context, (bytes){run.window, (size_t)(end - from)});
        from = end;
    }
    return finish(&run, error);
}

int recipe_apply(const struct recipe *recipe, const struct source *source, uint64_t from,
                 int (*write)(void *context, bytes part), void *context, struct why *why)
{
    const struct recipe_sink sink = {.write = write, .context = context};
    return recipe_part(recipe, source, from, recipe->size, &sink, why);
}

bool recipe_seeks(const struct recipe *recipe)
{
    for (uint32_t i = 0; i < recipe->stream.n; i++)
        switch (recipe->stream.at[i].cipher) {
        case RECIPE_RC4:
        case RECIPE_KCIPHER2:
        case RECIPE_SOSEMANUK:
        case RECIPE_HC128:
        case RECIPE_OWN:
            return false;
        default:
            break;
        }
    return true;
}

static int append(void *context, bytes part)
{
    bytes *all = context;
    memcpy((uint8_t *)(uintptr_t)all->at + all->len, part.at, part.len);
    all->len += part.len;
    return 0;
}

int recipe_bytes(const struct recipe *recipe, const struct source *source, struct arena *arena,
                 bytes *ret, struct why *why)
{
    uint8_t *at =
        recipe->size <= SIZE_MAX / 2 ? arena_push_raw(arena, (size_t)recipe->size) : NULL;
    if (!at)
        return fail(why, ENOMEM, "no memory for a plain file of %llu bytes",
                    (unsigned long long)recipe->size);
    bytes all = {at, 0};
    int error = recipe_apply(recipe, source, 0, append, &all, why);
    if (!error)
        *ret = all;
    return error;
}

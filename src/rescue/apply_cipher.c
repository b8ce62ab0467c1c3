#include "rescue/apply.h"

#include <errno.h>
#include <string.h>

enum { BLOCK = CIPHER_BLOCK, CFB_PART = 4096 };

size_t apply_cipher_grain(const struct recipe_stream *stream)
{
    switch (stream->cipher) {
    case RECIPE_AES_ECB:
    case RECIPE_AES_CBC:
        return BLOCK;
    case RECIPE_DES3_ECB:
    case RECIPE_DES3_CBC:
        return 8;
    case RECIPE_OWN:
        return stream->grain ? stream->grain : 1;
    default:
        return 1;
    }
}

static bool is_one_of(size_t size, size_t a, size_t b, size_t c)
{
    return size == a || size == b || size == c;
}

static bool can_be(const struct recipe_stream *stream)
{
    size_t key = stream->key.len, iv = stream->iv.len;
    unsigned rounds = stream->rounds;
    switch (stream->cipher) {
    case RECIPE_AES_ECB:
        return is_one_of(key, 16, 24, 32);
    case RECIPE_AES_CBC:
    case RECIPE_AES_CTR:
    case RECIPE_AES_CTR_LE:
    case RECIPE_AES_CFB:
        return is_one_of(key, 16, 24, 32) && iv == BLOCK;
    case RECIPE_AES_GCM:
        return is_one_of(key, 16, 24, 32) && is_one_of(iv, 12, BLOCK, BLOCK);
    case RECIPE_DES3_ECB:
        return is_one_of(key, 16, 24, 24);
    case RECIPE_DES3_CBC:
        return is_one_of(key, 16, 24, 24) && iv == 8;
    case RECIPE_CHACHA:
        return is_one_of(rounds, 8, 12, 20) && key == 32 && is_one_of(iv, 8, 12, 24);
    case RECIPE_SALSA:
        return is_one_of(rounds, 8, 12, 20) &&
               ((key == 16 && iv == 8) || (key == 32 && is_one_of(iv, 8, 24, 24)) ||
                (key == 64 && !iv));
    case RECIPE_RC4:
        return key && key <= 256;
    case RECIPE_KCIPHER2:
        return key == 16 && iv == 16;
    case RECIPE_HC128:
        return (key == 16 || key == 32) && (iv == 16 || iv == 32);
    case RECIPE_SOSEMANUK:
        return key && key <= 32 && iv == 16;
    case RECIPE_XOR:
        return key != 0;
    case RECIPE_OWN:
        return stream->apply && stream->grain <= APPLY_GRAIN;
    }
    return false;
}

int apply_cipher_check(const struct apply *run, const struct recipe_stream *stream,
                       unsigned number)
{
    if (can_be(stream))
        return 0;
    return fail(run->why, EINVAL, "stream %u of the recipe: key of %zu bytes and iv of %zu",
                number, stream->key.len, stream->iv.len);
}

static int refused(struct apply *run)
{
    return fail(run->why, EIO, "libcrypto refuses a cipher");
}

/* The ciphers that have a state of their own for the whole run. */
static bool make(struct apply_stream *ret, const struct recipe_stream *stream)
{
    switch (stream->cipher) {
    case RECIPE_AES_ECB:
        ret->cipher = cipher_new(CIPHER_AES, CIPHER_ECB, CIPHER_DECRYPT, stream->key);
        return ret->cipher;
    case RECIPE_AES_CBC:
        ret->cipher = cipher_new(CIPHER_AES, CIPHER_CBC, CIPHER_DECRYPT, stream->key);
        return ret->cipher;
    case RECIPE_AES_CTR:
    case RECIPE_AES_GCM:
        ret->cipher = cipher_new(CIPHER_AES, CIPHER_CTR, CIPHER_ENCRYPT, stream->key);
        return ret->cipher;
    case RECIPE_AES_CFB:
    case RECIPE_AES_CTR_LE:
        ret->cipher = cipher_new(CIPHER_AES, CIPHER_ECB, CIPHER_ENCRYPT, stream->key);
        return ret->cipher;
    case RECIPE_DES3_ECB:
        ret->cipher = cipher_new(CIPHER_DES3, CIPHER_ECB, CIPHER_DECRYPT, stream->key);
        return ret->cipher;
    case RECIPE_DES3_CBC:
        ret->cipher = cipher_new(CIPHER_DES3, CIPHER_CBC, CIPHER_DECRYPT, stream->key);
        return ret->cipher;
    case RECIPE_CHACHA:
        return chacha_set(&ret->chacha, stream->rounds, stream->key, stream->iv,
                          stream->counter);
    case RECIPE_SALSA:
        if (stream->key.len == 64)
            return salsa_set_state(&ret->salsa, stream->rounds, stream->key.at);
        return salsa_set(&ret->salsa, stream->rounds, stream->key, stream->iv, stream->counter);
    default:
        return true;
    }
}

static uint64_t position_of(const struct apply *run, struct apply_place place)
{
    switch (run->recipe->piece.at[place.piece].start) {
    case RECIPE_RESTART:
        return place.off;
    case RECIPE_OFFSET:
        return apply_at(run, place.piece, place.repeat) + place.off;
    case RECIPE_RUNS_ON:
    case RECIPE_SEEK:
        break;
    }
    const struct apply_piece *piece = &run->piece[place.piece];
    return piece->first + place.repeat * piece->stride + place.off;
}

/* The same place, as the end of the repeat before when it is the begin of one. False where the
 * stream begins. */
static bool place_before(const struct apply *run, struct apply_place *place)
{
    const struct apply_piece *piece = &run->piece[place->piece];
    if (place->off)
        return true;
    if (run->recipe->piece.at[place->piece].start == RECIPE_RESTART)
        return false;
    if (place->repeat) {
        place->repeat--;
        place->off = piece->coded;
        return true;
    }
    if (piece->before < 0)
        return false;
    uint32_t before = (uint32_t)piece->before;
    *place =
        (struct apply_place){before, run->piece[before].count - 1, run->piece[before].coded};
    return true;
}

/* The `len` bytes of ciphertext before a place, in the order of the stream. */
static int before(struct apply *run, struct apply_place place, uint8_t *ret, size_t len)
{
    while (len) {
        if (!place_before(run, &place))
            return fail(run->why, EIO, "a stream is read from before its begin");
        size_t part = len < place.off ? len : (size_t)place.off;
        place.off -= part;
        len -= part;
        int error = apply_input(run, place, ret + len, part);
        if (error)
            return error;
    }
    return 0;
}

static bool same_place(struct apply_place a, struct apply_place b)
{
    return a.piece == b.piece && a.repeat == b.repeat && a.off == b.off;
}

/* The block of ciphertext before a place: what CBC and CFB are chained to. */
static int chain(struct apply *run, const struct recipe_stream *stream,
                 struct apply_stream *state, struct apply_place place, uint8_t ret[BLOCK])
{
    if (!position_of(run, place)) {
        memcpy(ret, stream->iv.at, stream->iv.len);
        return 0;
    }
    struct apply_place end = place;
    if (state->kept && place_before(run, &end) && same_place(end, state->place)) {
        memcpy(ret, state->block, BLOCK);
        return 0;
    }
    return before(run, place, ret, stream->iv.len);
}

/* Whole blocks of ECB or CBC, in place. */
static int blocks(struct apply *run, const struct recipe_stream *stream,
                  struct apply_stream *state, struct apply_place place, uint8_t *data,
                  size_t len)
{
    if (!len)
        return 0;
    size_t size = apply_cipher_grain(stream);
    if (stream->iv.len &&
        (stream->cipher == RECIPE_AES_CBC || stream->cipher == RECIPE_DES3_CBC)) {
        uint8_t iv[BLOCK];
        int error = chain(run, stream, state, place, iv);
        if (error)
            return error;
        memcpy(state->block, data + len - size, size);
        place.off += len;
        state->place = place;
        state->kept = true;
        if (!cipher_begin(state->cipher, iv))
            return refused(run);
    }
    return cipher_add(state->cipher, data, data, len) ? 0 : refused(run);
}

/* A part of one block, at `within` of it: the block is decrypted whole. */
static int part_of_block(struct apply *run, const struct recipe_stream *stream,
                         struct apply_stream *state, struct apply_place place, size_t within,
                         uint8_t *data, size_t len)
{
    uint8_t block[BLOCK];
    place.off -= within;
    int error = apply_input(run, place, block, apply_cipher_grain(stream));
    if (!error)
        error = blocks(run, stream, state, place, block, apply_cipher_grain(stream));
    if (!error)
        memcpy(data, block + within, len);
    return error;
}

static int run_blocks(struct apply *run, const struct recipe_stream *stream,
                      struct apply_stream *state, struct apply_place place, uint8_t *data,
                      size_t len)
{
    size_t size = apply_cipher_grain(stream);
    uint64_t coded = run->piece[place.piece].coded;
    if (place.off >= coded)
        return 0;
    if (len > coded - place.off)
        len = (size_t)(coded - place.off);

    size_t within = place.off % size;
    if (within) {
        size_t part = size - within < len ? size - within : len;
        int error = part_of_block(run, stream, state, place, within, data, part);
        if (error)
            return error;
        place.off += part;
        data += part;
        len -= part;
    }
    size_t rest = len % size;
    int error = blocks(run, stream, state, place, data, len - rest);
    place.off += len - rest;
    return error || !rest
               ? error
               : part_of_block(run, stream, state, place, 0, data + len - rest, rest);
}

static void xor_into(uint8_t *data, const uint8_t *with, size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] ^= with[i];
}

/* CFB: the keystream is the encrypted ciphertext of the block before, so all blocks of a part
 * are made at once. */
static int run_cfb(struct apply *run, const struct recipe_stream *stream,
                   struct apply_stream *state, struct apply_place place, uint8_t *data,
                   size_t len)
{
    uint64_t position = position_of(run, place);
    size_t within = position % BLOCK;
    uint8_t head[2 * BLOCK]; /* the block before, and what this one has before `data` */
    int error = 0;
    if (position < BLOCK) {
        memcpy(head, stream->iv.at, BLOCK);
        error = before(run, place, head + BLOCK, within);
    } else if (!within) {
        error = chain(run, stream, state, place, head);
    } else {
        error = before(run, place, head, BLOCK + within);
    }
    if (error)
        return error;

    uint8_t part[CFB_PART + BLOCK], kept[BLOCK] = {0};
    size_t done = 0;
    memcpy(part, head, BLOCK + within);
    while (done < len) {
        size_t room = CFB_PART - BLOCK - within, size = len - done < room ? len - done : room;
        memcpy(part + BLOCK + within, data + done, size);
        size_t filled = within + size, full = filled / BLOCK * BLOCK;
        memcpy(kept, part + full, BLOCK);
        size_t cover = (filled + BLOCK - 1) / BLOCK * BLOCK;
        if (!cipher_add(state->cipher, part, part, cover))
            return refused(run);
        xor_into(data + done, part + within, size);
        done += size;
        within = filled % BLOCK;
        memcpy(part, kept, BLOCK); /* within is 0 unless all is done */
    }
    place.off += len;
    state->kept = !within;
    state->place = place;
    memcpy(state->block, kept, BLOCK);
    return 0;
}

/* The lowest 32 bits of GCM's counter for the keystream's block `number`. */
static uint32_t gcm_low(const struct recipe_stream *stream, uint64_t number)
{
    return (uint32_t)(stream->iv.len == 12 ? number + 2
                                           : number + 1 + load_be32(stream->iv.at + 12));
}

/* The counter block that the keystream's block `number` is made of. */
static void counter_block(const struct recipe_stream *stream, uint64_t number,
                          uint8_t ret[BLOCK])
{
    memcpy(ret, stream->iv.at, stream->iv.len);
    if (stream->cipher == RECIPE_AES_GCM) {
        uint32_t low = gcm_low(stream, number);
        for (size_t i = 0; i < 4; i++)
            ret[BLOCK - 1 - i] = (uint8_t)(low >> 8 * i);
        return;
    }
    bool little = stream->cipher == RECIPE_AES_CTR_LE;
    unsigned carry = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        uint8_t *at = &ret[little ? i : BLOCK - 1 - i];
        carry += *at + (i < 8 ? (uint8_t)(number >> 8 * i) : 0U);
        *at = (uint8_t)carry;
        carry >>= 8;
    }
}

/* Counters that libcrypto does not have: the blocks are made here. */
static int run_little(struct apply *run, const struct recipe_stream *stream,
                      struct apply_stream *state, uint64_t position, uint8_t *data, size_t len)
{
    uint8_t part[CFB_PART];
    while (len) {
        size_t within = position % BLOCK, blocks = (within + len + BLOCK - 1) / BLOCK;
        if (blocks > CFB_PART / BLOCK)
            blocks = CFB_PART / BLOCK;
        for (size_t i = 0; i < blocks; i++)
            counter_block(stream, position / BLOCK + i, part + i * BLOCK);
        if (!cipher_add(state->cipher, part, part, blocks * BLOCK))
            return refused(run);
        size_t size = blocks * BLOCK - within < len ? blocks * BLOCK - within : len;
        xor_into(data, part + within, size);
        position += size;
        data += size;
        len -= size;
    }
    return 0;
}

static int run_counter(struct apply *run, const struct recipe_stream *stream,
                       struct apply_stream *state, uint64_t position, uint8_t *data, size_t len)
{
    while (len) {
        size_t part = len;
        if (stream->cipher == RECIPE_AES_GCM) {
            /* Its counter has 32 bits and wraps alone. */
            uint64_t left = ((UINT64_C(1) << 32) - gcm_low(stream, position / BLOCK)) * BLOCK -
                            position % BLOCK;
            if (part > left)
                part = (size_t)left;
        }
        if (!state->begun || state->next != position || part < len) {
            uint8_t iv[BLOCK], skipped[BLOCK] = {0};
            counter_block(stream, position / BLOCK, iv);
            if (!cipher_begin(state->cipher, iv) ||
                !cipher_add(state->cipher, skipped, skipped, position % BLOCK))
                return refused(run);
        }
        if (!cipher_add(state->cipher, data, data, part))
            return refused(run);
        position += part;
        data += part;
        len -= part;
        state->begun =
            stream->cipher != RECIPE_AES_GCM || gcm_low(stream, position / BLOCK) != 0;
        state->next = position;
    }
    return 0;
}

static void run_xor(struct apply *run, int number, uint64_t position, uint8_t *data, size_t len)
{
    bytes key = run->recipe->stream.at[number].key;
    const uint8_t *pattern = key.at;
    size_t size = key.len;
    if (size < APPLY_PATTERN) {
        if (run->pattern_of != number) {
            run->pattern_len = APPLY_PATTERN / size * size;
            for (size_t i = 0; i < run->pattern_len; i++)
                run->pattern[i] = key.at[i % size];
            run->pattern_of = number;
        }
        pattern = run->pattern;
        size = run->pattern_len;
    }
    size_t at = position % size;
    while (len) {
        size_t part = size - at < len ? size - at : len;
        xor_into(data, pattern + at, part);
        data += part;
        len -= part;
        at = 0;
    }
}

static bool cursor_set(struct apply_cursor *cursor, const struct recipe_stream *stream)
{
    switch (stream->cipher) {
    case RECIPE_RC4:
        return rc4_set(&cursor->rc4, stream->key);
    case RECIPE_HC128:
        return hc128_set(&cursor->hc128, stream->key, stream->iv);
    case RECIPE_KCIPHER2:
        kcipher2_prepare(&cursor->kcipher2);
        return kcipher2_set(&cursor->kcipher2, stream->key, stream->iv);
    case RECIPE_SOSEMANUK:
        return sosemanuk_set(&cursor->sosemanuk, stream->key, stream->iv);
    default:
        return false;
    }
}

static void cursor_xor(struct apply_cursor *cursor, const struct recipe_stream *stream,
                       uint8_t *data, size_t len)
{
    if (stream->cipher == RECIPE_RC4)
        rc4_xor(&cursor->rc4, data, len);
    else if (stream->cipher == RECIPE_KCIPHER2)
        kcipher2_xor(&cursor->kcipher2, data, len);
    else if (stream->cipher == RECIPE_SOSEMANUK)
        sosemanuk_xor(&cursor->sosemanuk, data, len);
    else
        hc128_xor(&cursor->hc128, data, len);
    cursor->position += len;
}

/* The cursor of a stream that stands nearest before a position; else the one not used for
 * longest, at the stream's begin. */
static struct apply_cursor *cursor_near(struct apply *run, int number, uint64_t position)
{
    struct apply_cursor *best = NULL, *oldest = run->cursor;
    for (size_t i = 0; i < APPLY_CURSORS; i++) {
        struct apply_cursor *cursor = &run->cursor[i];
        if (cursor->stream == number && cursor->position <= position &&
            (!best || cursor->position > best->position))
            best = cursor;
        if (cursor->used < oldest->used)
            oldest = cursor;
    }
    if (best)
        return best;
    *oldest = (struct apply_cursor){.stream = -1};
    if (!cursor_set(oldest, &run->recipe->stream.at[number]))
        return NULL;
    oldest->stream = number;
    return oldest;
}

static int run_cursor(struct apply *run, int number, uint64_t position, uint8_t *data,
                      size_t len)
{
    if (!run->cursor) {
        run->cursor = PUSH_ARRAY(run->arena, struct apply_cursor, APPLY_CURSORS);
        for (size_t i = 0; run->cursor && i < APPLY_CURSORS; i++)
            run->cursor[i].stream = -1;
    }
    struct apply_cursor *cursor = run->cursor ? cursor_near(run, number, position) : NULL;
    if (!cursor)
        return fail(run->why, ENOTSUP, "no such cipher, or no memory for it");

    const struct recipe_stream *stream = &run->recipe->stream.at[number];
    uint8_t skipped[512];
    while (cursor->position < position) {
        uint64_t left = position - cursor->position;
        cursor_xor(cursor, stream, skipped,
                   left < sizeof skipped ? (size_t)left : sizeof skipped);
    }
    cursor_xor(cursor, stream, data, len);
    cursor->used = ++run->clock;
    return 0;
}

/* The piece and repeat with which the run of a stream begins that comes through a place. */
static struct apply_place origin(const struct apply *run, struct apply_place place)
{
    if (run->recipe->piece.at[place.piece].start == RECIPE_RESTART)
        return (struct apply_place){place.piece, place.repeat, 0};
    uint32_t root = run->piece[place.piece].root;
    bool restarts = run->recipe->piece.at[root].start == RECIPE_RESTART;
    return (struct apply_place){root, restarts ? run->piece[root].count - 1 : 0, 0};
}

/* Where position `at` of the stream lies, on the way to `to`. */
static struct apply_place on_the_way(const struct apply *run, struct apply_place to,
                                     uint64_t at)
{
    struct apply_place begin = origin(run, to);
    uint32_t piece = to.piece;
    while (piece != begin.piece && run->piece[piece].first > at)
        piece = (uint32_t)run->piece[piece].before;
    if (run->recipe->piece.at[piece].start == RECIPE_RESTART)
        return (struct apply_place){piece, begin.repeat, at};
    uint64_t in = at - run->piece[piece].first, coded = run->piece[piece].coded;
    return (struct apply_place){piece, in / coded, in % coded};
}

/* The layers below must not run the stream meanwhile: it has one state, which is not ours. */
static int own_input(struct apply *run, struct apply_stream *state, struct apply_place place,
                     uint8_t *ret, size_t len)
{
    state->busy = true;
    int error = apply_input(run, place, ret, len);
    state->busy = false;
    return error;
}

/* RECIPE_OWN: runs through what lies before a place, from where the stream is or from its
 * begin. */
static int own_run_up(struct apply *run, const struct recipe_stream *stream,
                      struct apply_stream *state, struct apply_place to)
{
    uint64_t target = position_of(run, to);
    if (!state->begun || state->next > target || !same_place(state->place, origin(run, to)))
        state->next = 0;
    state->begun = true;
    state->place = origin(run, to);
    state->grain_len = 0;
    while (state->next < target) {
        struct apply_place place = on_the_way(run, to, state->next);
        uint64_t size = run->piece[place.piece].coded - place.off;
        size_t most = APPLY_SCRATCH - APPLY_SCRATCH % apply_cipher_grain(stream);
        if (size > target - state->next)
            size = target - state->next;
        if (size > most)
            size = most;
        int error = own_input(run, state, place, run->scratch, (size_t)size);
        if (error)
            return error;
        stream->apply(stream->context, state->next, run->scratch, (size_t)size);
        state->next += size;
    }
    return 0;
}

/* A grain at `begin` into state->grain, for those parts that are not whole. */
static int own_grain(struct apply *run, const struct recipe_stream *stream,
                     struct apply_stream *state, struct apply_place begin)
{
    size_t size = apply_cipher_grain(stream);
    uint64_t left = run->piece[begin.piece].coded - begin.off;
    if (size > left)
        size = (size_t)left;
    int error = own_input(run, state, begin, state->grain, size);
    if (error)
        return error;
    state->grain_at = position_of(run, begin);
    state->grain_len = size;
    stream->apply(stream->context, state->grain_at, state->grain, size);
    state->next = state->grain_at + size;
    return 0;
}

static bool own_has(const struct apply *run, const struct apply_stream *state,
                    struct apply_place place, uint64_t position)
{
    return state->grain_len && position >= state->grain_at &&
           position - state->grain_at < state->grain_len &&
           same_place(state->place, origin(run, place));
}

static int run_own(struct apply *run, const struct recipe_stream *stream,
                   struct apply_stream *state, struct apply_place place, uint8_t *data,
                   size_t len)
{
    size_t grain = apply_cipher_grain(stream);
    if (state->busy)
        return fail(run->why, ENOTSUP, "a stream whose input it made itself");
    if (!state->grain && !(state->grain = arena_push_raw(run->arena, grain)))
        return fail(run->why, ENOMEM, "no memory for a block of %zu bytes", grain);
    while (len) {
        uint64_t position = position_of(run, place);
        if (own_has(run, state, place, position)) {
            uint64_t left = state->grain_at + state->grain_len - position;
            size_t part = left < len ? (size_t)left : len;
            memcpy(data, state->grain + (position - state->grain_at), part);
            place.off += part;
            data += part;
            len -= part;
            continue;
        }
        struct apply_place begin = place;
        begin.off -= place.off % grain;
        int error = 0;
        if (!state->begun || state->next != position_of(run, begin) || !state->next ||
            !same_place(state->place, origin(run, place)))
            error = own_run_up(run, stream, state, begin);
        bool last = len == run->piece[place.piece].coded - place.off;
        size_t part = last ? len : len - len % grain;
        if (!error && (place.off % grain || !part))
            error = own_grain(run, stream, state, begin);
        if (error)
            return error;
        if (place.off % grain || !part)
            continue;
        stream->apply(stream->context, position, data, part);
        state->next = position + part;
        state->grain_len = 0;
        place.off += part;
        data += part;
        len -= part;
    }
    return 0;
}

int apply_cipher(struct apply *run, struct apply_place place, uint8_t *data, size_t len)
{
    int number = run->recipe->piece.at[place.piece].stream;
    const struct recipe_stream *stream = &run->recipe->stream.at[number];
    struct apply_stream *state = &run->stream[number];
    if (!state->ready && !make(state, stream))
        return refused(run);
    state->ready = true;

    switch (stream->cipher) {
    case RECIPE_AES_ECB:
    case RECIPE_AES_CBC:
    case RECIPE_DES3_ECB:
    case RECIPE_DES3_CBC:
        return run_blocks(run, stream, state, place, data, len);
    case RECIPE_AES_CFB:
        return run_cfb(run, stream, state, place, data, len);
    case RECIPE_AES_CTR:
    case RECIPE_AES_GCM:
        return run_counter(run, stream, state, position_of(run, place), data, len);
    case RECIPE_AES_CTR_LE:
        return run_little(run, stream, state, position_of(run, place), data, len);
    case RECIPE_CHACHA:
        chacha_xor(&state->chacha, position_of(run, place), data, len);
        return 0;
    case RECIPE_SALSA:
        salsa_xor(&state->salsa, position_of(run, place), data, len);
        return 0;
    case RECIPE_RC4:
    case RECIPE_KCIPHER2:
    case RECIPE_SOSEMANUK:
    case RECIPE_HC128:
        return run_cursor(run, number, position_of(run, place), data, len);
    case RECIPE_XOR:
        run_xor(run, number, position_of(run, place), data, len);
        return 0;
    case RECIPE_OWN:
        return run_own(run, stream, state, place, data, len);
    }
    return fail(run->why, EINVAL, "stream %d of the recipe has no cipher", number);
}

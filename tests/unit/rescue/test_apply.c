/* Random recipes by recipe_apply and by a plain reference, which goes through the pieces in
 * their order, byte by byte, with the whole file in memory. */
#include "crypt/chacha.h"
#include "crypt/hc128.h"
#include "crypt/kcipher2.h"
#include "crypt/rc4.h"
#include "crypt/salsa.h"
#include "crypt/sosemanuk.h"
#include "rescue/apply.h"
#include "rescue/recipe.h"
#include "shim/cipher.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

enum { LARGEST = 1500000 };

static uint64_t random_state = 1;

static uint64_t random_below(uint64_t n)
{
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return n ? (random_state >> 20) % n : 0;
}

/* A cipher as RECIPE_OWN may have it: each 24 bytes are chained to the ciphertext before, and
 * to where they are. */
struct odd {
    uint8_t before[24];
};

static void odd_apply(void *context, uint64_t position, uint8_t *data, size_t len)
{
    struct odd *odd = context;
    if (!position)
        memset(odd->before, 0x5a, sizeof odd->before);
    for (size_t at = 0; at < len; at += 24) {
        size_t size = len - at < 24 ? len - at : 24;
        for (size_t i = 0; i < size; i++) {
            uint8_t cipher = data[at + i];
            data[at + i] = (uint8_t)(cipher ^ odd->before[i] ^ (position + at + i));
            odd->before[i] = cipher;
        }
    }
}

/* The reference's state of one stream. */
struct plain_stream {
    uint64_t position;
    uint8_t before[16];
    struct odd odd;
    uint8_t *keys; /* of RC4 and HC-128: the keystream */
    struct cipher *cipher;
    struct chacha chacha;
    struct salsa salsa;
    uint64_t number; /* of the block of keystream in `out`, and one */
    uint8_t out[16];
};

/* There are millions: only what fails is told. */
static void must(bool good)
{
    if (!good)
        CHECK(good);
}

static void add_to(uint8_t block[16], uint64_t number)
{
    for (uint64_t carry = number, i = 16; i-- && carry; carry >>= 8) {
        carry += block[i];
        block[i] = (uint8_t)carry;
    }
}

static void turn(uint8_t block[16])
{
    for (size_t i = 0; i < 8; i++) {
        uint8_t kept = block[i];
        block[i] = block[15 - i];
        block[15 - i] = kept;
    }
}

static uint8_t counter_byte(const struct recipe_stream *stream, struct plain_stream *state)
{
    uint64_t number = state->position / 16;
    if (state->number != number + 1) {
        uint8_t block[16] = {0};
        memcpy(block, stream->iv.at, stream->iv.len);
        if (stream->cipher == RECIPE_AES_CTR_LE) {
            turn(block);
            add_to(block, number);
            turn(block);
        } else if (stream->cipher == RECIPE_AES_GCM && stream->iv.len == 16) {
            uint32_t low = load_be32(block + 12) + (uint32_t)number + 1;
            memset(block + 12, 0, 4);
            add_to(block, low);
        } else {
            add_to(block,
                   stream->cipher == RECIPE_AES_GCM ? (number + 2) & 0xffffffff : number);
        }
        must(cipher_add(state->cipher, block, state->out, 16));
        state->number = number + 1;
    }
    return state->out[state->position % 16];
}

static uint8_t key_byte(const struct recipe_stream *stream, struct plain_stream *state)
{
    uint8_t byte = 0;
    switch (stream->cipher) {
    case RECIPE_AES_CTR:
    case RECIPE_AES_CTR_LE:
    case RECIPE_AES_GCM:
        return counter_byte(stream, state);
    case RECIPE_CHACHA:
        chacha_xor(&state->chacha, state->position, &byte, 1);
        return byte;
    case RECIPE_SALSA:
        salsa_xor(&state->salsa, state->position, &byte, 1);
        return byte;
    case RECIPE_XOR:
        return stream->key.at[state->position % stream->key.len];
    default:
        return state->keys[state->position];
    }
}

static void reference_repeat(const struct recipe_stream *stream, struct plain_stream *state,
                             enum recipe_start start, uint64_t offset, uint8_t *data,
                             uint64_t len)
{
    if (start == RECIPE_RESTART)
        state->position = 0;
    if (start == RECIPE_OFFSET)
        state->position = offset;
    size_t block =
        stream->cipher == RECIPE_DES3_CBC || stream->cipher == RECIPE_DES3_ECB ? 8 : 16;
    bool chained = stream->cipher == RECIPE_AES_CBC || stream->cipher == RECIPE_DES3_CBC;
    switch (stream->cipher) {
    case RECIPE_AES_ECB:
    case RECIPE_AES_CBC:
    case RECIPE_DES3_ECB:
    case RECIPE_DES3_CBC: {
        if (!state->position && chained)
            memcpy(state->before, stream->iv.at, block);
        for (uint64_t at = 0; at + block <= len; at += block, state->position += block) {
            uint8_t out[16];
            must(cipher_add(state->cipher, data + at, out, block));
            for (size_t i = 0; chained && i < block; i++) {
                out[i] ^= state->before[i];
                state->before[i] = data[at + i];
            }
            memcpy(data + at, out, block);
        }
        return;
    }
    case RECIPE_AES_CFB:
        if (!state->position)
            memcpy(state->odd.before, stream->iv.at, 16);
        for (uint64_t at = 0; at < len; at++, state->position++) {
            if (state->position % 16 == 0)
                must(cipher_add(state->cipher, state->odd.before, state->before, 16));
            state->odd.before[state->position % 16] = data[at];
            data[at] ^= state->before[state->position % 16];
        }
        return;
    case RECIPE_OWN:
        odd_apply(&state->odd, state->position, data, len);
        state->position += len;
        return;
    default:
        for (uint64_t at = 0; at < len; at++, state->position++)
            data[at] ^= key_byte(stream, state);
    }
}

static void make_keys(const struct recipe_stream *stream, struct plain_stream *state,
                      size_t size, struct arena *arena)
{
    bool ecb = stream->cipher == RECIPE_AES_ECB || stream->cipher == RECIPE_AES_CBC;
    struct rc4 rc4;
    struct hc128 hc128;
    struct sosemanuk sosemanuk;
    if (stream->cipher <= RECIPE_AES_CFB)
        state->cipher = cipher_new(CIPHER_AES, CIPHER_ECB,
                                   ecb ? CIPHER_DECRYPT : CIPHER_ENCRYPT, stream->key);
    else if (stream->cipher <= RECIPE_DES3_CBC)
        state->cipher = cipher_new(CIPHER_DES3, CIPHER_ECB, CIPHER_DECRYPT, stream->key);
    chacha_set(&state->chacha, stream->rounds, stream->key, stream->iv, stream->counter);
    if (stream->cipher == RECIPE_SALSA && stream->key.len == 64)
        salsa_set_state(&state->salsa, stream->rounds, stream->key.at);
    else
        salsa_set(&state->salsa, stream->rounds, stream->key, stream->iv, stream->counter);
    if (stream->cipher != RECIPE_RC4 && stream->cipher != RECIPE_HC128 &&
        stream->cipher != RECIPE_KCIPHER2 && stream->cipher != RECIPE_SOSEMANUK)
        return;
    size = 10 * size + 10000;
    state->keys = arena_push(arena, size);
    if (stream->cipher == RECIPE_RC4 && rc4_set(&rc4, stream->key))
        rc4_xor(&rc4, state->keys, size);
    else if (stream->cipher == RECIPE_KCIPHER2) {
        struct kcipher2 *kcipher2 = PUSH(arena, struct kcipher2);
        kcipher2_prepare(kcipher2);
        if (kcipher2_set(kcipher2, stream->key, stream->iv))
            kcipher2_xor(kcipher2, state->keys, size);
    } else if (sosemanuk_set(&sosemanuk, stream->key, stream->iv) &&
               stream->cipher == RECIPE_SOSEMANUK) {
        sosemanuk_xor(&sosemanuk, state->keys, size);
    } else if (hc128_set(&hc128, stream->key, stream->iv))
        for (size_t at = 0; at + 5 < size; at += 5)
            hc128_xor(&hc128, state->keys + at, 5);
}

static bytes reference(const struct recipe *recipe, bytes source, struct arena *arena)
{
    uint8_t *out = arena_push(arena, recipe->size);
    struct plain_stream *state = PUSH_ARRAY(arena, struct plain_stream, recipe->stream.n);
    memcpy(out, source.at, source.len < recipe->size ? source.len : recipe->size);
    for (uint32_t i = 0; i < recipe->stream.n; i++)
        make_keys(&recipe->stream.at[i], &state[i], recipe->size, arena);
    for (uint32_t i = 0; i < recipe->piece.n; i++) {
        const struct recipe_piece *piece = &recipe->piece.at[i];
        for (uint64_t repeat = 0; repeat < (piece->count ? piece->count : 1); repeat++) {
            uint64_t moved = repeat * piece->step;
            uint8_t *at = out + piece->at + moved;
            if (piece->stream == RECIPE_GIVEN)
                memcpy(at, piece->given.at, piece->length);
            else if (!piece->over)
                memcpy(at, source.at + piece->from + moved, piece->length);
            if (piece->stream < 0)
                continue;
            if (piece->start == RECIPE_SEEK && !repeat)
                state[piece->stream].position = piece->position;
            reference_repeat(&recipe->stream.at[piece->stream], &state[piece->stream],
                             piece->start, piece->at + moved, at, piece->length);
            state[piece->stream].position += piece->skip;
        }
    }
    for (uint32_t i = 0; i < recipe->stream.n; i++)
        cipher_free(state[i].cipher);
    return (bytes){out, recipe->size};
}

static bytes noise(struct arena *arena, size_t len)
{
    uint8_t *at = arena_push(arena, len);
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)random_below(256);
    return (bytes){at, len};
}

static void random_stream(struct recipe_stream *ret, struct arena *arena)
{
    static const struct {
        enum recipe_cipher cipher;
        size_t key, iv;
    } kinds[] = {
        {RECIPE_AES_ECB, 16, 0},  {RECIPE_AES_CBC, 32, 16},  {RECIPE_AES_CTR, 24, 16},
        {RECIPE_AES_GCM, 32, 12}, {RECIPE_AES_CFB, 16, 16},  {RECIPE_DES3_ECB, 24, 0},
        {RECIPE_DES3_CBC, 16, 8}, {RECIPE_CHACHA, 32, 8},    {RECIPE_CHACHA, 32, 12},
        {RECIPE_CHACHA, 32, 24},  {RECIPE_SALSA, 16, 8},     {RECIPE_SALSA, 32, 24},
        {RECIPE_RC4, 13, 0},      {RECIPE_HC128, 16, 16},    {RECIPE_XOR, 7, 0},
        {RECIPE_XOR, 9000, 0},    {RECIPE_OWN, 0, 0},        {RECIPE_AES_CBC, 16, 16},
        {RECIPE_AES_CFB, 32, 16}, {RECIPE_KCIPHER2, 16, 16}, {RECIPE_AES_CTR_LE, 32, 16},
        {RECIPE_AES_GCM, 32, 16}, {RECIPE_SALSA, 64, 0},     {RECIPE_SOSEMANUK, 15, 16},
    };

    static const unsigned rounds[] = {8, 12, 20};
    size_t kind = random_below(COUNT(kinds));
    *ret = (struct recipe_stream){.cipher = kinds[kind].cipher,
                                  .rounds = rounds[random_below(3)],
                                  .key = noise(arena, kinds[kind].key),
                                  .iv = noise(arena, kinds[kind].iv),
                                  .counter = random_below(2) ? random_below(1000) : 0};
    if (ret->cipher <= RECIPE_AES_GCM && ret->iv.len == 16 && random_below(2))
        memset((uint8_t *)(uintptr_t)ret->iv.at, 0xff, 16);
    if (ret->cipher == RECIPE_OWN) {
        ret->apply = odd_apply;
        ret->context = PUSH(arena, struct odd);
        ret->grain = 24;
    }
}

static bool random_piece(const struct recipe *recipe, struct recipe_piece *ret, uint64_t source,
                         struct arena *arena)
{
    uint64_t size = recipe->size, limit = random_below(2) ? size : size < 3000 ? size : 3000;
    ret->length = random_below(limit + 1);
    ret->at = random_below(size - ret->length + 1);
    if (random_below(3) == 0)
        ret->at -= ret->at % 16;
    ret->count = random_below(3) ? 1 : random_below(100);
    ret->step = ret->length + random_below(400) + 1;
    if (ret->count > 1 && (size - ret->at - ret->length) / ret->step < ret->count - 1)
        ret->count = (size - ret->at - ret->length) / ret->step + 1;
    uint64_t reach = ret->length + (ret->count > 1 ? (ret->count - 1) * ret->step : 0);
    if (reach > source)
        return false;
    ret->from = random_below(2) && ret->at + reach <= source ? ret->at
                                                             : random_below(source - reach + 1);
    ret->over = random_below(4) == 0;
    ret->start = (enum recipe_start)random_below(4);
    ret->position = random_below(5000);
    ret->stream = (int)random_below(recipe->stream.n + 2) - 2;
    if (ret->stream == RECIPE_GIVEN)
        ret->given = noise(arena, ret->length);
    if (ret->stream < 0)
        return true;
    switch (recipe->stream.at[ret->stream].cipher) {
    case RECIPE_OWN:
        ret->length -= ret->length % 24;
        ret->over = false;
        if (ret->start != RECIPE_RUNS_ON)
            ret->start = RECIPE_RESTART;
        break;
    case RECIPE_AES_CBC:
    case RECIPE_AES_CFB:
    case RECIPE_DES3_CBC:
        if (ret->start != RECIPE_RUNS_ON)
            ret->start = RECIPE_RESTART;
        break;
    case RECIPE_AES_ECB:
    case RECIPE_DES3_ECB:
        ret->start = RECIPE_RUNS_ON;
        break;
    default:
        ret->skip = random_below(4) && ret->start < RECIPE_OFFSET ? 0 : random_below(50);
        break;
    }
    return true;
}

struct received {
    uint8_t *at;
    size_t len, size;
    bytes encrypted;
    uint64_t from, copied; /* where in the plain file it begins */
};

static int receive(void *context, bytes part)
{
    struct received *all = context;
    if (part.len > all->size - all->len)
        return -EFBIG;
    memcpy(all->at + all->len, part.at, part.len);
    all->len += part.len;
    return 0;
}

static int receive_copy(void *context, uint64_t at, uint64_t length)
{
    struct received *all = context;
    if (at != all->from + all->len || length > all->size - all->len ||
        at + length > all->encrypted.len)
        return -EFBIG;
    memcpy(all->at + all->len, all->encrypted.at + at, length);
    all->len += length;
    all->copied += length;
    return 0;
}

/* In three parts, of which what no piece touches is asked to be copied. */
static bool same_in_parts(const struct recipe *recipe, const struct source *source, bytes want,
                          uint64_t *copied, struct arena *arena)
{
    struct arena_mark mark = arena_mark(arena);
    uint64_t a = random_below(recipe->size + 1), b = a + random_below(recipe->size - a + 1);
    const uint64_t ends[] = {a, b, recipe->size};
    struct why why = {""};
    bool same = true;
    for (size_t i = 0, from = 0; i < 3 && same; from = ends[i++]) {
        size_t size = ends[i] - from;
        struct received got = {.at = arena_push_raw(arena, size),
                               .size = size,
                               .encrypted = source->memory,
                               .from = from};
        const struct recipe_sink sink = {receive, receive_copy, &got};
        same = !recipe_part(recipe, source, from, ends[i], &sink, &why) &&
               bytes_equal((bytes){got.at, got.len}, bytes_slice(want, from, size));
        *copied += got.copied;
    }
    if (!same)
        printf("# in parts at %llu, %llu of %llu: %s\n", (unsigned long long)a,
               (unsigned long long)b, (unsigned long long)recipe->size, why.text);
    arena_pop(arena, mark);
    return same;
}

static bool same_from(const struct recipe *recipe, const struct source *source, bytes want,
                      uint64_t from, struct arena *arena)
{
    struct arena_mark mark = arena_mark(arena);
    struct received got = {.at = arena_push_raw(arena, recipe->size),
                           .size = recipe->size - from};
    struct why why = {""};
    int error = recipe_apply(recipe, source, from, receive, &got, &why);
    bool same =
        !error && bytes_equal((bytes){got.at, got.len}, bytes_slice(want, from, recipe->size));
    if (!same) {
        size_t at = 0;
        while (!error && at < got.len && got.at[at] == want.at[from + at])
            at++;
        printf("# size %llu from %llu: %s, got %zu, differs at %zu\n",
               (unsigned long long)recipe->size, (unsigned long long)from, why.text, got.len,
               at);
        for (uint32_t i = 0; i < recipe->piece.n; i++) {
            const struct recipe_piece *p = &recipe->piece.at[i];
            printf("# at %llu from %llu len %llu count %llu step %llu cipher %d start %d over "
                   "%d\n",
                   (unsigned long long)p->at, (unsigned long long)p->from,
                   (unsigned long long)p->length, (unsigned long long)p->count,
                   (unsigned long long)p->step,
                   p->stream < 0 ? p->stream : (int)recipe->stream.at[p->stream].cipher,
                   p->start, p->over);
        }
    }
    arena_pop(arena, mark);
    return same;
}

static bool race(uint64_t seed, uint64_t size, uint64_t *copied, struct arena *arena)
{
    random_state = seed * 2654435761 + 1;
    arena_reset(arena);
    struct recipe recipe = {.size = random_below(size + 1)};
    bytes encrypted = noise(arena, recipe.size + random_below(300));
    size_t streams = 1 + random_below(4), pieces = random_below(8);
    for (size_t i = 0; i < streams; i++)
        random_stream(vec_push(arena, &recipe.stream), arena);
    for (size_t i = 0; i < pieces; i++) {
        struct recipe_piece piece = {0};
        if (random_piece(&recipe, &piece, encrypted.len, arena))
            *vec_push(arena, &recipe.piece) = piece;
    }
    struct source source = source_of_bytes(encrypted, bytes_of("a"));
    bytes want = reference(&recipe, encrypted, arena);
    bool same = same_from(&recipe, &source, want, 0, arena);
    for (int i = 0; same && i < 3; i++)
        same = same_from(&recipe, &source, want, random_below(recipe.size + 1), arena);
    for (int i = 0; same && i < 3; i++)
        same = same_in_parts(&recipe, &source, want, copied, arena);
    if (!same)
        printf("# seed %llu\n", (unsigned long long)seed);
    return same;
}

static void random_recipes_are_those_of_the_reference(void)
{
    struct arena *arena = arena_new(100 << 20);
    int small = 0, large = 0;
    uint64_t copied = 0;
    for (uint64_t seed = 0; seed < 300; seed++)
        small += race(seed, 5000, &copied, arena);
    CHECK(copied > 0);
    copied = 0;
    for (uint64_t seed = 0; seed < 8; seed++)
        large += race(seed, LARGEST, &copied, arena);
    CHECK_INT(small, 300);
    CHECK_INT(large, 8);
    CHECK(copied > APPLY_WINDOW);
    arena_free(arena);
}

static int fails(const struct recipe *recipe, size_t size)
{
    static const uint8_t zero[256];
    struct source source = source_of_bytes((bytes){zero, size}, bytes_of("a"));
    uint8_t out[256];
    struct received got = {.at = out, .size = sizeof out};
    return recipe_apply(recipe, &source, 0, receive, &got, NULL);
}

static void hostile_recipes_are_refused(void)
{
    struct recipe_piece piece = {.length = 10, .stream = RECIPE_COPY};
    struct recipe recipe = {.size = 100, .piece = {&piece, 1, 1}};
    CHECK_INT(fails(&recipe, 100), 0);
    CHECK_INT(fails(&recipe, 99), -EBADMSG);
    piece.at = 91;
    CHECK_INT(fails(&recipe, 100), -EBADMSG);
    piece.at = 90;
    CHECK_INT(fails(&recipe, 100), 0);
    CHECK_INT(fails(&recipe, 90), 0);
    piece.at = UINT64_MAX - 5;
    CHECK_INT(fails(&recipe, 100), -EBADMSG);
    piece.at = 0;
    piece.from = 91;
    CHECK_INT(fails(&recipe, 100), -EBADMSG);
    piece.from = UINT64_MAX - 5;
    CHECK_INT(fails(&recipe, 100), -EBADMSG);
    piece.from = 0;
    piece.count = 11;
    piece.step = 9;
    CHECK_INT(fails(&recipe, 100), -EBADMSG);
    piece.step = 10;
    CHECK_INT(fails(&recipe, 100), -EBADMSG);
    piece.step = UINT64_MAX;
    CHECK_INT(fails(&recipe, 100), -EBADMSG);
    piece.count = UINT64_MAX;
    piece.step = 10;
    CHECK_INT(fails(&recipe, 100), -EBADMSG);
    piece.count = 10;
    CHECK_INT(fails(&recipe, 100), 0);
    piece.stream = 0;
    CHECK_INT(fails(&recipe, 100), -EBADMSG);
    piece.stream = RECIPE_GIVEN;
    piece.given = bytes_of("123456789");
    CHECK_INT(fails(&recipe, 100), -EBADMSG);
    piece.given = bytes_of("1234567890");
    CHECK_INT(fails(&recipe, 100), 0);
    CHECK_INT(fails(&recipe, 0), 0);
}

static void streams_of_wrong_sizes_are_refused(void)
{
    struct recipe_stream stream = {.cipher = RECIPE_RC4, .key = bytes_of("key")};
    struct recipe_piece piece = {.length = 10, .start = RECIPE_SEEK};
    struct recipe recipe = {.size = 10, .stream = {&stream, 1, 1}, .piece = {&piece, 1, 1}};
    CHECK_INT(fails(&recipe, 10), 0);
    piece.position = UINT64_MAX / 2;
    CHECK_INT(fails(&recipe, 10), -EBADMSG);
    piece.position = UINT64_MAX;
    CHECK_INT(fails(&recipe, 10), -EBADMSG);
    stream =
        (struct recipe_stream){.cipher = RECIPE_AES_CBC, .key = bytes_of("0123456789abcdef")};
    CHECK_INT(fails(&recipe, 10), -EINVAL);
    stream.iv = stream.key;
    CHECK_INT(fails(&recipe, 10), -EBADMSG);
    piece.start = RECIPE_RUNS_ON;
    CHECK_INT(fails(&recipe, 10), 0);
    stream.cipher = RECIPE_OWN;
    CHECK_INT(fails(&recipe, 10), -EINVAL);
}

int main(void)
{
    random_recipes_are_those_of_the_reference();
    hostile_recipes_are_refused();
    streams_of_wrong_sizes_are_refused();
    return tap_done();
}

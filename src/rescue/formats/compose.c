#include "rescue/formats/compose.h"

#include "crypt/ghash.h"
#include "rescue/known.h"
#include "shim/cipher.h"

#include <errno.h>
#include <string.h>

int compose_stream(struct recipe *recipe, struct arena *arena,
                   const struct recipe_stream *stream, struct why *why)
{
    struct recipe_stream *ret = vec_push(arena, &recipe->stream);
    if (!ret)
        return fail(why, ENOMEM, "no memory for a recipe");
    *ret = *stream;
    return (int)recipe->stream.n - 1;
}

int compose_piece(struct recipe *recipe, struct arena *arena, const struct recipe_piece *piece,
                  struct why *why)
{
    if (!piece->length)
        return 0;
    struct recipe_piece *ret = vec_push(arena, &recipe->piece);
    if (!ret)
        return fail(why, ENOMEM, "no memory for a recipe");
    *ret = *piece;
    return 0;
}

/* One block of AES-CBC, `at` of which the block before lies in the file or is the IV. */
static int block_of(const struct source *source, uint64_t from, uint64_t at, bytes key,
                    const uint8_t *iv, uint8_t ret[16], struct why *why)
{
    uint8_t before[16], block[16];
    memcpy(before, iv, 16);
    int error = at ? source_read(source, from + at - 16, before, 16, why) : 0;
    if (!error)
        error = source_read(source, from + at, block, 16, why);
    if (error)
        return error;
    return cipher_aes(CIPHER_CBC, CIPHER_DECRYPT, key, before, (bytes){block, 16}, ret)
               ? 0
               : fail(why, EIO, "libcrypto does not decrypt AES");
}

int compose_cbc(const struct source *source, uint64_t from, bytes key, const uint8_t *iv,
                struct arena *arena, struct recipe *recipe, struct why *why)
{
    uint64_t whole = recipe->size & ~UINT64_C(15), cut = recipe->size & 15;
    uint64_t needs = whole + (cut ? 16 : 0);
    if (source->size < from || source->size - from < needs)
        return fail(why, EBADMSG, "%llu of %llu encrypted bytes are there",
                    (unsigned long long)(source->size < from ? 0 : source->size - from),
                    (unsigned long long)needs);
    struct recipe_stream stream = {.cipher = RECIPE_AES_CBC, .key = key, .iv = {iv, 16}};
    int number = compose_stream(recipe, arena, &stream, why);
    if (number < 0)
        return number;
    struct recipe_piece piece = {.from = from, .length = whole, .stream = number};
    int error = compose_piece(recipe, arena, &piece, why);
    if (error || !cut)
        return error;

    uint8_t *last = arena_push(arena, 16);
    if (!last)
        return fail(why, ENOMEM, "no memory for a recipe");
    error = block_of(source, from, whole, key, iv, last, why);
    if (error)
        return error;
    struct recipe_piece end = {
        .at = whole, .length = cut, .stream = RECIPE_GIVEN, .given = {last, (size_t)cut}};
    return compose_piece(recipe, arena, &end, why);
}

int compose_padding(const struct source *source, uint64_t from, uint64_t len, bytes key,
                    const uint8_t *iv, struct why *why)
{
    uint8_t last[16];
    int error = block_of(source, from, len - 16, key, iv, last, why);
    if (error)
        return error;
    uint8_t fill = last[15];
    if (fill == 0 || fill > 16)
        return 0;
    for (unsigned i = 0; i < fill; i++)
        if (last[15 - i] != fill)
            return 0;
    return fill;
}

struct head {
    uint8_t at[KNOWN_HEAD];
    size_t len;
};

static int keep(void *context, bytes part)
{
    struct head *head = context;
    size_t len = part.len < KNOWN_HEAD - head->len ? part.len : KNOWN_HEAD - head->len;
    memcpy(head->at + head->len, part.at, len);
    head->len += len;
    return head->len == KNOWN_HEAD ? -EXFULL : 0;
}

int compose_try(struct recipe *recipe, const struct source *source, struct arena *arena,
                struct why *why)
{
    struct head *head = PUSH(arena, struct head);
    if (!head)
        return fail(why, ENOMEM, "no memory for the first bytes");
    int error = recipe_apply(recipe, source, 0, keep, head, why);
    if (error && error != -EXFULL)
        return error;
    bytes first = {head->at, head->len};
    recipe->guess = known_bits(first, recipe->size) < KNOWN_SURE;
    if (recipe->guess && known_noise(first))
        return fail(why, EKEYREJECTED, "what the key makes of the file's start is noise");
    return 0;
}

static bool is_unmarked(const struct source *source)
{
    uint8_t part[KNOWN_HEAD];
    size_t len = source->size < sizeof part ? (size_t)source->size : sizeof part;
    if (source_read(source, 0, part, len, NULL))
        return false;
    if (known_bits((bytes){part, len}, source->size) >= KNOWN_SURE)
        return false;
    if (!known_noise((bytes){part, len}))
        return false;
    return source_tail(source, part, len, NULL) == 0 && known_noise((bytes){part, len});
}

bool compose_unmarked(const struct source *source)
{
    if (source->memo && source->memo->unmarked)
        return source->memo->unmarked == SOURCE_YES;
    bool ret = is_unmarked(source);
    if (source->memo)
        source->memo->unmarked = ret ? SOURCE_YES : SOURCE_NO;
    return ret;
}

bool compose_secret(const struct key *key, size_t len, bytes *ret)
{
    bool kind = key->kind == KEY_BYTES || key->kind == KEY_TEXT ||
                (key->kind == KEY_STREAM && key->at == 0);
    if (!kind || key->secret.len < len || (key->kind != KEY_STREAM && key->secret.len != len))
        return false;
    *ret = bytes_slice(key->secret, 0, len);
    return true;
}

bool compose_named(const struct source *source, const char *extension)
{
    bytes end = bytes_of(extension);
    return source->name.len > end.len &&
           bytes_same(bytes_slice(source->name, source->name.len - end.len, end.len), end);
}

int compose_end_mark(const struct source *source, const char *mark, size_t trailer,
                     struct recognition *ret, struct why *why)
{
    char tail[64];
    size_t len = strlen(mark);
    if (source->size < trailer)
        return 0;
    int error = source_tail(source, tail, len, why);
    if (error || memcmp(tail, mark, len) != 0)
        return error;
    ret->fit = FIT_IS;
    ret->plain = source->size - trailer;
    fail(&ret->reason, 1, "'%s' at its end", mark);
    return 0;
}

bool compose_chance(const struct source *source, uint64_t end, size_t len)
{
    uint8_t part[KNOWN_HEAD];
    if (len > sizeof part || end > source->size || end < len ||
        source_read(source, end - len, part, len, NULL))
        return false;
    if (len >= 512)
        return known_noise((bytes){part, len});
    unsigned seen[256] = {0}, most = 0;
    for (size_t i = 0; i < len; i++)
        if (++seen[part[i]] > most)
            most = seen[part[i]];
    return most <= 3 + len / 32;
}

int compose_gcm(struct recipe *recipe, struct arena *arena, bytes key, bytes nonce,
                struct why *why)
{
    struct recipe_stream stream = {.cipher = RECIPE_AES_GCM, .key = key, .iv = nonce};
    if (nonce.len != 12) {
        uint8_t hash_key[16] = {0}, *begin = arena_push(arena, 16);
        if (!begin)
            return fail(why, ENOMEM, "no memory for a recipe");
        if (!cipher_aes(CIPHER_ECB, CIPHER_ENCRYPT, key, NULL, (bytes){hash_key, 16}, hash_key))
            return fail(why, EIO, "libcrypto does not encrypt AES");
        ghash_begin(hash_key, nonce, begin);
        stream.iv = (bytes){begin, 16};
    }
    return compose_stream(recipe, arena, &stream, why);
}

int compose_tagged(const struct source *source, uint64_t at, uint64_t len, bytes key,
                   bytes nonce, const uint8_t tag[16], struct arena *arena, struct why *why)
{
    if (len > 1 << 24)
        return fail(why, EBADMSG, "%llu bytes under one tag", (unsigned long long)len);
    struct arena_mark mark = arena_mark(arena);
    bytes part = {0};
    int error = source_take(source, at, (size_t)len, arena, &part, why);
    if (!error && !cipher_gcm_open(key, nonce, part, tag, (uint8_t *)(uintptr_t)part.at))
        error = fail(why, EBADMSG, "%llu bytes at %llu are not what was encrypted: damaged",
                     (unsigned long long)len, (unsigned long long)at);
    arena_pop(arena, mark);
    return error;
}

int compose_turns(struct recipe *recipe, struct arena *arena, struct compose_turns *turns,
                  uint64_t at, uint64_t length, struct why *why)
{
    uint64_t whole = length / turns->block, rest = length % turns->block;
    int error = 0;
    for (unsigned i = 0; i < turns->count && i < whole && !error; i++) {
        uint64_t begin = at + i * turns->block;
        struct recipe_piece piece = {
            .at = begin,
            .from = begin,
            .length = turns->block,
            .count = (whole - i + turns->count - 1) / turns->count,
            .step = turns->count * turns->block,
            .stream = turns->first + (int)((turns->turn + i) % turns->count),
        };
        error = compose_piece(recipe, arena, &piece, why);
    }
    turns->turn = (unsigned)((turns->turn + whole) % turns->count);
    if (error || !rest)
        return error;
    struct recipe_piece piece = {.at = at + length - rest,
                                 .from = at + length - rest,
                                 .length = rest,
                                 .stream = turns->first + (int)turns->turn};
    turns->turn = (turns->turn + 1) % turns->count;
    return compose_piece(recipe, arena, &piece, why);
}

/* Qilin (Agenda): ChaCha20, or AES-256-CTR with a little-endian counter, over chunks with gaps.
 *
 *     0 ─── chunks ─── size-550
 *           512  sealed by RSA-4096, OAEP with SHA-256:
 *                 0 key 32; 32 nonce 16 (ChaCha20: its first 12); 48 u64 size of a chunk;
 *                 56 u64 gap behind it, all ones: one chunk only; 64 u8 0: ChaCha20, else AES
 *             8  ones
 *            30  "-----END CIPHERTEXT BLOCK-----"
 *
 * The stream runs on from chunk to chunk. Facts: github.com/rivitna/Malware,
 * Qilin/qilin_decrypt_file.py. */
#include "rescue/formats/compose.h"
#include "rescue/formats/counter.h"
#include "rescue/formats/families.h"

#include <errno.h>
#include <string.h>

enum { RSA = 512, MARK = 30, TRAILER = RSA + 8 + MARK, MESSAGE = 65 };

static const char mark[] = "-----END CIPHERTEXT BLOCK-----";

static int qilin_recognise(const struct source *source, struct recognition *ret,
                           struct why *why)
{
    return compose_end_mark(source, mark, TRAILER, ret, why);
}

static void aes_xor(void *context, uint64_t position, uint8_t *data, size_t len)
{
    counter_xor(context, position, data, len);
}

static int stream_of(bytes message, struct arena *arena, struct recipe_stream *ret,
                     struct why *why)
{
    *ret = (struct recipe_stream){.cipher = RECIPE_CHACHA,
                                  .rounds = 20,
                                  .key = bytes_slice(message, 0, 32),
                                  .iv = bytes_slice(message, 32, 12)};
    if (!message.at[64])
        return 0;
    struct counter *counter = PUSH(arena, struct counter);
    if (!counter)
        return fail(why, ENOMEM, "no memory for a key");
    counter->key = bytes_slice(message, 0, 32);
    memcpy(counter->first, message.at + 32, 16);
    *ret = (struct recipe_stream){
        .cipher = RECIPE_OWN, .apply = aes_xor, .context = counter, .grain = 1};
    return 0;
}

static int chunks(struct recipe *recipe, struct arena *arena, int stream, uint64_t chunk,
                  uint64_t gap, struct why *why)
{
    uint64_t size = recipe->size, step, whole;
    if (chunk > size)
        chunk = size;
    if (gap == UINT64_MAX || __builtin_add_overflow(chunk, gap, &step) || step > size)
        step = size ? size : 1;
    whole = size >= chunk && chunk ? (size - chunk) / step + 1 : 0;
    if (gap == UINT64_MAX && whole > 1)
        whole = 1;
    struct recipe_piece piece = {
        .length = whole ? chunk : 0, .count = whole, .step = step, .stream = stream};
    int error = compose_piece(recipe, arena, &piece, why);
    if (error || gap == UINT64_MAX || size <= whole * step)
        return error;
    piece = (struct recipe_piece){.at = whole * step,
                                  .from = whole * step,
                                  .length = size - whole * step,
                                  .stream = stream};
    return compose_piece(recipe, arena, &piece, why);
}

static int qilin_open(const struct source *source, const struct key *key, struct arena *arena,
                      struct recipe *ret, struct why *why)
{
    struct recognition seen = {0};
    bytes sealed, message;
    uint8_t opened[PRIVATEKEY_MAX];
    size_t len;
    int error = qilin_recognise(source, &seen, why);
    if (error)
        return error;
    if (seen.fit != FIT_IS)
        return fail(why, EBADMSG, "no '%s' at its end", mark);
    error = source_take(source, source->size - TRAILER, RSA, arena, &sealed, why);
    if (!error)
        error = privatekey_oaep(&key->rsa, PRIVATEKEY_BIG, PRIVATEKEY_SHA256, PRIVATEKEY_SHA256,
                                sealed, opened, &len, why);
    if (error)
        return error;
    if (len < MESSAGE)
        return fail(why, EBADMSG, "%zu bytes were sealed where %d are expected", len, MESSAGE);
    message = arena_copy(arena, (bytes){.at = opened, .len = MESSAGE});
    if (!message.at)
        return fail(why, ENOMEM, "no memory for a key");
    uint64_t chunk = load_le64(message.at + 48), gap = load_le64(message.at + 56);
    if (!chunk)
        return fail(why, EBADMSG, "chunks of no bytes");

    struct recipe_stream stream;
    ret->size = source->size - TRAILER;
    error = stream_of(message, arena, &stream, why);
    int number = error ? error : compose_stream(ret, arena, &stream, why);
    return number < 0 ? number : chunks(ret, arena, number, chunk, gap, why);
}

const struct format format_qilin = {
    .family = "qilin",
    .title = "Qilin (Agenda)",
    .facts = "github.com/rivitna/Malware, Qilin",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = qilin_recognise,
    .open = qilin_open,
};

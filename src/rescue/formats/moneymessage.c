/* Money Message: ChaCha20 over the whole file, begun anew every 8 KiB.
 *
 *     0 ─── the file ─── size-172
 *             0 u32 size of a public key, at most 144, and the key
 *           148 u32 counter.  152 nonce 12.  168 u32 CRC-32 of the 168 bytes before
 *
 * The key is SHA3-256 of what an elliptic curve of 571 bits agrees on; which one is not known,
 * so that only a file's own key of 32 bytes helps. Facts: github.com/rivitna/Malware,
 * MoneyMessage/mm_decrypt_file.py. No published file was at hand. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "shim/stream.h"

#include <errno.h>

enum { TRAILER = 172, PUB_MAX = 144, COUNTER = 148, BLOCK = 8192, KEY = 32 };

static int trailer_of(const struct source *source, uint8_t *tail, bool *is, struct why *why)
{
    *is = false;
    if (source->size < TRAILER)
        return 0;
    int error = source_tail(source, tail, TRAILER, why);
    if (error)
        return error;
    *is = load_le32(tail) <= PUB_MAX &&
          stream_crc32(0, (bytes){.at = tail, .len = TRAILER - 4}) ==
              load_le32(tail + TRAILER - 4);
    return 0;
}

static int moneymessage_recognise(const struct source *source, struct recognition *ret,
                                  struct why *why)
{
    uint8_t tail[TRAILER];
    bool is;
    int error = trailer_of(source, tail, &is, why);
    if (error || !is)
        return error;
    ret->fit = FIT_IS;
    ret->plain = source->size - TRAILER;
    fail(&ret->reason, 1, "a public key of %u bytes and a CRC-32 in its last 172 bytes",
         load_le32(tail));
    return 0;
}

static int moneymessage_open(const struct source *source, const struct key *key,
                             struct arena *arena, struct recipe *ret, struct why *why)
{
    uint8_t *tail = arena_push(arena, TRAILER);
    bool is;
    if (!tail)
        return fail(why, ENOMEM, "no memory for a key");
    int error = trailer_of(source, tail, &is, why);
    if (error)
        return error;
    if (!is)
        return fail(why, EBADMSG, "its last 172 bytes do not have their CRC-32");
    if (key->secret.len != KEY)
        return fail(why, EKEYREJECTED, "a file's key has 32 bytes");
    uint64_t size = ret->size = source->size - TRAILER, whole = size / BLOCK;
    struct recipe_stream stream = {.cipher = RECIPE_CHACHA,
                                   .rounds = 20,
                                   .key = key->secret,
                                   .iv = {.at = tail + COUNTER + 4, .len = 12},
                                   .counter = load_le32(tail + COUNTER)};
    struct recipe_piece piece = {.length = whole ? BLOCK : 0,
                                 .count = whole,
                                 .step = BLOCK,
                                 .start = RECIPE_RESTART,
                                 .stream = compose_stream(ret, arena, &stream, why)};
    if (piece.stream < 0)
        return piece.stream;
    error = compose_piece(ret, arena, &piece, why);
    piece.at = piece.from = whole * BLOCK;
    piece.length = size % BLOCK;
    piece.count = 1;
    if (!error)
        error = compose_piece(ret, arena, &piece, why);
    ret->guess = true;
    return error ? error : compose_try(ret, source, arena, why);
}

const struct format format_moneymessage = {
    .family = "moneymessage",
    .title = "Money Message",
    .facts = "github.com/rivitna/Malware, MoneyMessage",
    .keys = 1U << KEY_BYTES,
    .recognise = moneymessage_recognise,
    .open = moneymessage_open,
};

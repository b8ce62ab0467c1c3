/* compose — the steps that many formats take when they write a recipe and try a key. */
#pragma once
#include "rescue/format.h"

/* Appends. The index of the stream, or -ENOMEM with the reason. */
int compose_stream(struct recipe *recipe, struct arena *arena,
                   const struct recipe_stream *stream, struct why *why) MUST_USE;
/* Appends; pieces of no length are left out. 0 or -ENOMEM. */
int compose_piece(struct recipe *recipe, struct arena *arena, const struct recipe_piece *piece,
                  struct why *why) MUST_USE;
/* AES-CBC without a padding that counts: recipe->size bytes at 0 come out of the encrypted file
 * at `from`, where whole blocks must be. The last, cut block is decrypted here and given.
 * `key`: 16, 24, 32 bytes; both it and `iv` (16) must outlive the recipe. -EBADMSG when the
 * blocks are not all there. */
int compose_cbc(const struct source *source, uint64_t from, bytes key, const uint8_t *iv,
                struct arena *arena, struct recipe *recipe, struct why *why) MUST_USE;
/* The last byte of what AES-CBC makes of the `len` bytes at `from` (whole blocks, 16 at least),
 * if it ends in a padding of PKCS #7; 0: it does not. -E...: the source, or libcrypto. */
int compose_padding(const struct source *source, uint64_t from, uint64_t len, bytes key,
                    const uint8_t *iv, struct why *why) MUST_USE;

/* What the first bytes of a recipe's plain file say of the key: 0 with recipe->guess false when
 * they are surely a known kind's, 0 with recipe->guess true when they do not tell,
 * -EKEYREJECTED when they are noise. Decrypts at most KNOWN_HEAD bytes. */
int compose_try(struct recipe *recipe, const struct source *source, struct arena *arena,
                struct why *why) MUST_USE;
/* For families without a mark: whether the file's first and last bytes are noise and the first
 * are of no known kind, so that it can be of them. */
bool compose_unmarked(const struct source *source);
/* The secret of a key as `len` bytes: KEY_BYTES or KEY_TEXT of that length, KEY_STREAM from
 * offset 0 on. False when it is not. */
bool compose_secret(const struct key *key, size_t len, bytes *ret);
/* Whether the file's name ends in `extension` (".encrypted"), whatever the case. */
bool compose_named(const struct source *source, const char *extension);
/* Recognises by a mark at the file's end: `ret` gets FIT_IS, a reason and the size without the
 * last `trailer` bytes. 0 or -E... of the source. */
int compose_end_mark(const struct source *source, const char *mark, size_t trailer,
                     struct recognition *ret, struct why *why) MUST_USE;
/* Whether the last `len` bytes before `end` look like chance: what is sealed, or a public key.
 * Of short parts only: no byte more than a few times. */
bool compose_chance(const struct source *source, uint64_t end, size_t len);
/* A stream of AES-GCM for a nonce of any length; key and nonce must outlive the recipe. Its
 * index, or -E.... */
int compose_gcm(struct recipe *recipe, struct arena *arena, bytes key, bytes nonce,
                struct why *why) MUST_USE;
/* Whether `len` bytes (1 << 24 at most) at `at` bear the tag. 0, -EBADMSG: they do not, -E....
 */
int compose_tagged(const struct source *source, uint64_t at, uint64_t len, bytes key,
                   bytes nonce, const uint8_t tag[16], struct arena *arena,
                   struct why *why) MUST_USE;

/* Several streams that take turns, each for `block` bytes: the `length` bytes at `at` of the
 * file, which begin a block. `turn` is the stream that is next, and is moved on. */
struct compose_turns {
    int first; /* index of the first of the streams, which follow each other */
    unsigned count, turn;
    uint64_t block;
};

int compose_turns(struct recipe *recipe, struct arena *arena, struct compose_turns *turns,
                  uint64_t at, uint64_t length, struct why *why) MUST_USE;

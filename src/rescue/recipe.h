/* recipe — how the plain file comes out of the encrypted one: what a format says, and what is
 * carried out by one piece of code, at the speed of the disk and in bounded memory.
 *
 *     plain file    0 ─────────────────────────────────────────────────────────── size
 *     no piece      copied from the same offset of the encrypted file
 *     piece         `length` bytes at `at`, out of the encrypted file at `from`, by a stream;
 *                   `count` times, each `step` bytes further in both
 *
 * A stream is a cipher with its key. Pieces that use one stream are in the order in which it
 * ran, and it runs on from piece to piece (and from repeat to repeat) unless the piece says
 * otherwise. Pieces may interleave; where two cover the same bytes, the later one in the list
 * gets what the earlier one left (`over`). */
#pragma once
#include "rescue/source.h"

enum recipe_cipher {
    RECIPE_AES_ECB,    /* key 16, 24, 32 bytes. A tail shorter than a block is left as it is */
    RECIPE_AES_CBC,    /* iv 16; the same */
    RECIPE_AES_CTR,    /* iv 16: the first counter block, counted up as one 128-bit number */
    RECIPE_AES_CTR_LE, /* the same, counted as a little-endian number */
    RECIPE_AES_GCM, /* iv 12: its keystream only, from block 2 on; no tag is looked at. iv 16:
                       the block J0 that a nonce of another length makes (ghash_begin) */
    RECIPE_AES_CFB, /* iv 16; 128-bit feedback */
    RECIPE_DES3_ECB,
    RECIPE_DES3_CBC,
    RECIPE_CHACHA, /* rounds 8, 12, 20; key 32; iv 8 (64-bit counter), 12 (RFC 8439: 32-bit
                      counter), 24 (XChaCha) */
    RECIPE_SALSA,  /* rounds 8, 12, 20; key 16 or 32; iv 8 or 24 (XSalsa); or key 64 without iv:
                      the whole state (salsa_set_state) */
    RECIPE_RC4,
    RECIPE_KCIPHER2,  /* RFC 7008: key 16, iv 16 */
    RECIPE_SOSEMANUK, /* key 1 to 32, iv 16 */
    RECIPE_HC128,     /* key 16 or 32, iv 16 or 32 */
    RECIPE_XOR,       /* key: the bytes, repeated */
    RECIPE_OWN,       /* `apply` */
};

struct recipe_stream {
    enum recipe_cipher cipher;
    unsigned rounds;
    bytes key, iv;
    uint64_t counter; /* first block of ChaCha and Salsa */
    /* Of RECIPE_OWN: `data` is the part at `position` of what the stream covers (in calls that
     * follow on each other, of multiples of `grain` but for the last), decrypted in place. */
    void (*apply)(void *context, uint64_t position, uint8_t *data, size_t len);
    void *context;
    size_t grain;
};

enum { RECIPE_COPY = -1, RECIPE_GIVEN = -2 };

enum recipe_start {
    RECIPE_RUNS_ON, /* where the stream's last byte was; the stream's begin for the first */
    RECIPE_RESTART, /* each repeat begins the stream anew */
    RECIPE_SEEK,    /* the first repeat begins at byte `position` of the stream (not of CBC
                       and CFB), then it runs on */
    RECIPE_OFFSET,  /* each repeat at the byte that is its place in the plain file */
};

struct recipe_piece {
    uint64_t at, from, length;
    uint64_t count, step; /* count 0 is 1 */
    int stream;           /* index in recipe.stream; RECIPE_COPY; RECIPE_GIVEN: `given` */
    enum recipe_start start;
    uint64_t position;
    uint64_t skip; /* bytes of the stream that are passed over after each repeat (not of CBC,
                      CFB and RECIPE_OWN) */
    bytes given;   /* `length` bytes */
    bool over;     /* works on what earlier pieces put there, not on the encrypted file */
};

struct recipe {
    uint64_t size; /* of the plain file */
    VEC(struct recipe_stream) stream;
    VEC(struct recipe_piece) piece;
    bytes name; /* original file name in UTF-8 where the file tells it (hostile), else empty */
    /* Bytes of the plain file that cannot come back (overwritten for good): 0, or said. */
    uint64_t lost;
    bool guess; /* a key that cannot be checked before the result is looked at */
};

/* Takes the plain file from `from` to its end, in order. `write` returns 0 or -E..., which ends
 * it. Memory: at most 8 MiB beside the recipe. The recipe may come from hostile files: places
 * outside the source are -EBADMSG. */
int recipe_apply(const struct recipe *recipe, const struct source *source, uint64_t from,
                 int (*write)(void *context, bytes part), void *context,
                 struct why *why) MUST_USE;

/* Where a plain file goes. */
struct recipe_sink {
    int (*write)(void *context, bytes part); /* in order; 0 or -E..., which ends it */
    /* The next `length` bytes are those of the encrypted file at the same place, `at`: whoever
     * has both files can have them copied. -EXDEV: not here; `write` gets them, and it is not
     * asked again. NULL: `write` gets all. */
    int (*copy)(void *context, uint64_t at, uint64_t length);
    void *context;
};

/* As recipe_apply, for the bytes from `from` to `to`. */
int recipe_part(const struct recipe *recipe, const struct source *source, uint64_t from,
                uint64_t to, const struct recipe_sink *sink, struct why *why) MUST_USE;
/* Whether one can begin anywhere in the plain file without running through what is before. */
bool recipe_seeks(const struct recipe *recipe);
/* The same whole, into memory: for small files and tests. */
int recipe_bytes(const struct recipe *recipe, const struct source *source, struct arena *arena,
                 bytes *ret, struct why *why) MUST_USE;

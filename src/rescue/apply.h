/* apply — what apply.c (windows, layers) and apply_cipher.c (streams) of recipe_apply share.
 *
 * The plain file is made window by window. A stream's byte has a *position*, and a *place*:
 * which piece, which of its repeats, which byte of that. Of a block cipher only whole blocks of
 * each repeat are covered by the stream: what is shorter is left as it is and has no position.
 * Whatever is needed of other places (the block before in CBC) is read again at its place, so
 * that one can begin anywhere. Only RC4, KCipher2, Sosemanuk, HC-128 and RECIPE_OWN have to run
 * up to a position; `cursors` keep where they got to. */
#pragma once
#include "crypt/chacha.h"
#include "crypt/hc128.h"
#include "crypt/kcipher2.h"
#include "crypt/rc4.h"
#include "crypt/salsa.h"
#include "crypt/sosemanuk.h"
#include "rescue/recipe.h"
#include "shim/cipher.h"

enum {
    APPLY_WINDOW = 1 << 19,
    APPLY_COPY = 1 << 23, /* most that is copied before its sink hears of it */
    APPLY_SCRATCH = 1 << 16,
    APPLY_CURSORS = 64,
    APPLY_PIECES = 1 << 16,  /* most pieces of a recipe */
    APPLY_STREAMS = 1 << 10, /* most streams of a recipe */
    APPLY_DEPTH = 8,         /* most layers (`over`) that are looked through */
    APPLY_GRAIN = 1 << 16,   /* largest grain of RECIPE_OWN */
    APPLY_PATTERN = 1 << 12,
};

struct apply_place {
    uint32_t piece;
    uint64_t repeat, off;
};

/* What is found out once of each piece. */
struct apply_piece {
    uint64_t count, step;
    uint64_t stride; /* what the stream has moved on by at the next repeat */
    uint64_t coded;  /* bytes of each repeat that the stream covers */
    uint64_t first;  /* position of the first one (RUNS_ON and SEEK) */
    uint64_t end;    /* position behind the last one */
    int64_t before;  /* piece that the stream comes from, -1: here it begins */
    uint32_t root;   /* the first of those, which may be this one */
    uint64_t behind; /* first byte of the plain file behind its last repeat */
};

struct apply_stream {
    bool ready;
    struct cipher *cipher; /* AES and DES */

    union {
        struct chacha chacha;
        struct salsa salsa;
    };

    bool begun; /* counter modes, RECIPE_OWN: the cipher stands at position `next` */
    uint64_t next;
    bool kept;                /* CBC, CFB: `block` is the last ciphertext before `place` */
    struct apply_place place; /* RECIPE_OWN: with which its run began */
    uint8_t block[CIPHER_BLOCK];
    bool busy;      /* RECIPE_OWN: its input is being looked for */
    uint8_t *grain; /* RECIPE_OWN: a grain, decrypted, at position grain_at */
    uint64_t grain_at, grain_len;
};

struct apply_cursor {
    int stream; /* -1: free */
    uint64_t position, used;

    union {
        struct rc4 rc4;
        struct hc128 hc128;
        struct kcipher2 kcipher2;
        struct sosemanuk sosemanuk;
    };
};

struct apply {
    const struct recipe *recipe;
    const struct source *source;
    struct why *why;
    struct arena *arena;
    struct apply_piece *piece;
    struct apply_stream *stream;
    struct apply_cursor *cursor;
    uint64_t clock;
    uint32_t *order; /* pieces by where they begin */
    uint32_t *active;
    uint32_t ordered, actives;
    uint8_t *window;
    uint64_t *touched;   /* a bit for each byte of the window that a piece has put there */
    size_t touched_size; /* of that, bytes */
    uint8_t *scratch;
    uint8_t *pattern; /* of a short XOR key, repeated */
    int pattern_of;
    size_t pattern_len;
    unsigned depth;
};

/* What a repeat gets, before its stream: from the encrypted file, or (`over`) out of the layers
 * below. */
int apply_input(struct apply *run, struct apply_place place, uint8_t *ret, size_t len) MUST_USE;
/* Where each of a piece's repeats has its first byte in the plain file. */
uint64_t apply_at(const struct apply *run, uint32_t piece, uint64_t repeat);

/* Multiple of bytes that a stream covers: 16, 8, `grain`, or 1. */
size_t apply_cipher_grain(const struct recipe_stream *stream);
/* -EINVAL when a stream's key or iv cannot be. */
int apply_cipher_check(const struct apply *run, const struct recipe_stream *stream,
                       unsigned number) MUST_USE;
/* `data`, the input of `len` bytes from `place` on, in one repeat, through its stream. */
int apply_cipher(struct apply *run, struct apply_place place, uint8_t *data,
                 size_t len) MUST_USE;

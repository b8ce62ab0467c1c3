/* serve — the pair engine in a sealed process: it reads the pairs, learns, and then turns other
 * files into what they were, through shared memory, for whoever may write files.
 *
 *     parent                               sealed process
 *     pair_serve_new: descriptors   ──►    learns, says what it found
 *     pair_serve_file: a descriptor ──►    reads it, fills the shared window ──► write()
 *     pair_serve_proof: what was written ► whether it is what it was
 *
 * A process that dies costs the file it was at, and all that come after. */
#pragma once
#include "rescue/pair/pair.h"
#include "rescue/proof.h"
#include "sandbox/sandbox.h"

enum { PAIR_SERVE_PAIRS = 48, PAIR_SERVE_WINDOW = 1 << 20, PAIR_WORDS = 2048 };

struct pair_summary {
    uint32_t method, block, pairs, given;
    uint64_t period, prefix, suffix, known, agreed, against;
    bool shared;
    char words[PAIR_WORDS]; /* what was done, for people */
};

struct pair_outcome {
    uint64_t size, lost;
    bool guess;
};

struct pair_judgement {
    uint32_t proof; /* enum proof */
    uint64_t good;
    char kind[32];
    struct why reason;
};

struct pair_serve {
    struct sandbox_child child;
    int socket;
    uint8_t *window;
};

/* An open pair: descriptors that the caller keeps, and sizes. Where there are no originals,
 * `plain` of all of them is -1, and the encrypted files alone are learned from (guess.h). */
struct pair_files {
    int plain, encrypted;
    uint64_t plain_size, encrypted_size;
    bytes name; /* of the encrypted file */
};

/* Learns from `count` pairs, at most PAIR_SERVE_PAIRS. From a process without threads. */
int pair_serve_new(const struct pair_files *pairs, size_t count, struct pair_serve *ret,
                   struct pair_summary *ret_summary, struct why *why) MUST_USE;
/* What a file was, in order, to `write`. `name` only helps to say what it is. `write` NULL:
 * only the outcome. */
int pair_serve_file(struct pair_serve *serve, int fd, uint64_t size,
                    int (*write)(void *context, bytes part), void *context,
                    struct pair_outcome *ret, struct why *why) MUST_USE;
int pair_serve_proof(struct pair_serve *serve, int fd, uint64_t size, bytes name,
                     struct pair_judgement *ret, struct why *why) MUST_USE;
void pair_serve_end(struct pair_serve *serve);

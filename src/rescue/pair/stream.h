/* stream — what the bytes of pairs were joined with: how the stream is placed, when it begins
 * again, and which of it is known. */
#pragma once
#include "rescue/pair/pair.h"

enum {
    STREAM_SAMPLE = 1 << 20, /* bytes of one pair that are looked at first */
    STREAM_SAMPLES = 8 << 20,
    STREAM_FRAGMENTS = 2048, /* of one pair */
    STREAM_AGREED = 16,      /* bytes that have to be foretold for a scheme to count */
};

/* A piece of an encrypted run: what the stream is there, and the ways to count to it. */
struct stream_fragment {
    const uint8_t *plain, *encrypted;
    uint8_t *stream;
    uint64_t offset, order, in_run; /* by PAIR_BY_OFFSET, PAIR_RUNS_ON, PAIR_EACH_RUN */
    uint32_t len, pair;
};

struct stream_samples {
    VEC(struct stream_fragment) fragment; /* those of a pair stand together, in order */
    size_t taken;
};

struct stream_guess {
    enum pair_method method;
    enum pair_place place;
    uint64_t period;
    uint64_t agreed;
    uint32_t pairs; /* whose samples do not contradict each other */
    bool shared;
};

/* Adds a sample of what a pair has encrypted. `rule` says where. */
int stream_sample(const struct pair *pair, uint32_t index, uint64_t prefix,
                  const struct pair_rule *rule, size_t most, struct arena *arena,
                  struct stream_samples *samples, struct why *why) MUST_USE;
/* The simplest stream that explains the samples; `period` is a further one to try, 0: none.
 * ret->agreed below STREAM_AGREED: there is none. */
int stream_detect(const struct stream_samples *samples, uint64_t period, struct arena *arena,
                  struct budget *budget, struct stream_guess *ret, struct why *why) MUST_USE;
/* The distance after which the stream of a pair comes again, looked for in all of its first
 * run; 0: none. Charges a step for each byte. */
int stream_recurs(const struct pair *pair, uint64_t prefix, struct pair_run run,
                  enum pair_method method, struct arena *arena, struct budget *budget,
                  uint64_t *ret, struct why *why) MUST_USE;
/* The stream out of all pairs (rules[i] of each, NULL: leave it out), checked against each
 * other: fills key, span, agreed, against, pairs and shared of the scheme, whose method, place,
 * period and prefix are set. bad[i]: the pair contradicts the ones before it. */
int stream_learn(const struct pair *pairs, size_t count, const struct pair_rule *const *rules,
                 struct arena *arena, struct budget *budget, struct pair_scheme *scheme,
                 bool *bad, struct why *why) MUST_USE;
/* What joined `len` bytes at `at` of a pair's plain file with the encrypted ones. */
int stream_between(const struct pair *pair, const struct pair_scheme *scheme, uint64_t at,
                   uint8_t *ret, size_t len, struct why *why) MUST_USE;
/* Joins `len` bytes at `data` with stream[0..len): decrypts. */
void stream_undo(enum pair_method method, const uint8_t *stream, uint8_t *data, size_t len);

/* re_memo — remembers what the general matcher's threads did, so that they need not do it
 * again: a deterministic automaton built while it runs.
 *
 * A state is the list of threads between two bytes, in order, with their counters; what a byte
 * does to it depends on nothing else (but the byte before, for \b) as long as the data's ends
 * are not near. So one step of the threads, made once, becomes one look-up. The answers are
 * those of re_exec by construction: re_exec makes every step the first time, and takes over
 * where the data or the limit ends. */
#pragma once
#include "match/program.h"

enum {
    MEMO_STATES = 2048,  /* at most; fewer when there are many classes of bytes */
    MEMO_CELLS = 131072, /* of transitions */
    MEMO_WORDS = 65536,  /* of thread lists */
    MEMO_STARTS = 64,    /* places where runs begin */
    MEMO_WAYS = 8,       /* direction, width, what stands before */
    MEMO_RESETS = 8,     /* then it gives up: the pattern has too many states to be worth it */
};

enum { MEMO_DEAD = 0, MEMO_UNKNOWN = 0xffff, MEMO_MATCH = 0x8000 };

struct re_memo {
    uint8_t class_of[256], sample[257]; /* a byte of each class */
    uint32_t classes;                   /* and one more for wide characters that are none */
    uint32_t room;                      /* states */
    uint32_t states, words, starts, resets;
    uint16_t *next; /* [room][classes + 1] */
    uint32_t *pool; /* thread lists */

    struct memo_state {
        uint32_t at, n; /* in the pool */
        uint32_t hash;
    } * state;

    uint16_t *table; /* hash table of states, twice the room */

    struct {
        uint64_t key;
        uint16_t state;
    } start[MEMO_STARTS];

    uint16_t group[PROGRAM_GROUPS][MEMO_WAYS]; /* where the runs of a group begin */
};

/* Whether a step depends on no more than a state knows: not with the edges of lines, which look
 * a byte ahead. */
bool re_memo_fits(const struct program *program);
/* NULL when the arena is full. */
struct re_memo *re_memo_new(const struct program *program, struct arena *arena);
void re_memo_clear(struct re_memo *memo);

/* The state with this thread list, made when new; MEMO_UNKNOWN when there is no room. */
uint16_t re_memo_state(struct re_memo *memo, const uint32_t *words, uint32_t n);
/* The state in which runs with this key begin, or MEMO_UNKNOWN. */
uint16_t re_memo_start(const struct re_memo *memo, uint64_t key);
void re_memo_set_start(struct re_memo *memo, uint64_t key, uint16_t state);

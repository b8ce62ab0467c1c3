/* output — a worker's writing of what comes out of an encrypted file: by itself, or as one of
 * two. Private to the worker. */
#pragma once
#include "rescue/worker.h"
#include "shim/digest.h"

struct output {
    struct worker_page *page;
    struct worker_share *share;  /* NULL: nobody helps */
    const struct source *source; /* the encrypted file */
    int fd;                      /* -1: nothing is written */
    bool sparse;
    bool helps; /* it is the other one of two: how far it is is not told */
    uint64_t at;
    struct digest *digest; /* of what comes out; NULL: none is made */
    /* The encrypted file, hashed as far as `hashed` right behind the decryption, while it is in
     * the page cache; NULL: it is not. */
    struct digest *before;
    uint8_t *part;
    uint64_t hashed;
    struct why *why;
};

/* Writes all of it, or what nobody else does. `with`: enum worker_with. */
int output_write(struct output *output, const struct recipe *recipe, struct arena *arena,
                 unsigned with, struct worker_applied *ret) MUST_USE;
/* One part from the end of a shared one. 1: written, 0: there is none left, or -E.... */
int output_help(struct output *output, const struct recipe *recipe) MUST_USE;

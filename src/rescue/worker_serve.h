/* worker_serve — what a sealed worker does for each kind of request. Private to worker.c. */
#pragma once
#include "rescue/kept.h"
#include "rescue/learned.h"
#include "rescue/worker.h"

struct worker_serve {
    const struct worker_options *options;
    struct worker_page *page;
    struct arena *keys, *arena; /* `arena` is reset with every request */
    struct kept kept;
    struct learned learned;
    struct keyring ring;
    struct worker_ring read;
    int32_t lucky; /* the key that the last file confirmed */
};

/* Reads all files of keys. */
void worker_serve_keys(struct worker_serve *serve);
/* Answers one request; the descriptors stay open, and what is kept of them becomes -1. */
void worker_serve_request(struct worker_serve *serve, const struct worker_request *request,
                          int *fds, struct worker_reply *ret);

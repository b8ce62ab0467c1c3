/* queue — hands files from one producer to worker threads, and their output back in order.
 *
 * Output is ordered: what the workers write about a file comes out in the order in which the
 * files were put, whatever the number of threads. Workers take several files at a time when
 * many wait and one when few do, so that the last large ones spread. The queue is bounded; its
 * memory is reused from file to file. */
#pragma once
#include "scan/text.h"
#include "scan/walk.h"

struct queue;

struct queue_options {
    int jobs; /* threads, at least 1 */
    void *context;
    /* Examines one file; appends to out and err. Called by many threads, each with its own
     * number from 0. */
    void (*examine)(void *context, int worker, const struct walk_file *file, struct text *out,
                    struct text *err);
    /* Writes what a few files in a row came to. One call at a time, in order. */
    void (*emit)(void *context, struct text *out, struct text *err);
};

/* Starts the threads. NULL when memory or threads are out. */
struct queue *queue_new(const struct queue_options *options);
/* Waits for room and takes a copy of the file's path and a reference to its directory. */
void queue_put(struct queue *queue, const struct walk_file *file);
/* Appends text to the output at this place in the order: after all that was put before. */
void queue_note(struct queue *queue, bytes out, bytes err);
/* Waits until everything is examined and emitted, ends the threads and frees the queue. */
void queue_finish(struct queue *queue);

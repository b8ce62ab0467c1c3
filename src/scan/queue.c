#include "scan/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUEUE_SIZE = 512,  /* files waiting */
    TAKE_MAX = 16,     /* files a worker takes at once */
    ORDER_SIZE = 4096, /* files examined, or being so, before their turn to be written */
};

/* A file waiting, or a note, which has no path. The path's memory stays with the slot. */
struct item {
    char *path;
    size_t room, len, name;
    struct walk_directory *directory;
    bool named;
    struct text out, err; /* of a note */
};

struct output {
    bool ready;
    struct text out, err;
    uint64_t count; /* files it stands for */
};

struct worker {
    struct queue *queue;
    pthread_t thread;
    int number;
    struct item items[TAKE_MAX]; /* taken by swapping with the queue's slots */
};

struct queue {
    struct queue_options options;
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied, ordered;
    struct item items[QUEUE_SIZE];
    uint64_t put, taken; /* counts of items, ever */
    uint64_t emitted;    /* items whose output was written */
    bool ended, emitting;
    struct output outputs[ORDER_SIZE]; /* by number of the first item */
    struct worker *workers;
    int started;
};

/* Takes the next few items; 0 when there will be no more. Their first number in *ret_first. */
static uint64_t take(struct worker *worker, uint64_t *ret_first)
{
    struct queue *queue = worker->queue;
    pthread_mutex_lock(&queue->lock);
    for (;;) {
        bool full = queue->taken - queue->emitted >= ORDER_SIZE - TAKE_MAX;
        if (queue->put != queue->taken && !full)
            break;
        if (queue->put == queue->taken && queue->ended) {
            pthread_mutex_unlock(&queue->lock);
            return 0;
        }
        pthread_cond_wait(full ? &queue->ordered : &queue->filled, &queue->lock);
    }
    uint64_t waiting = queue->put - queue->taken;
    uint64_t count = waiting / (uint64_t)(4 * queue->options.jobs);
    count = count < 1 ? 1 : count > TAKE_MAX ? TAKE_MAX : count;
    *ret_first = queue->taken;
    for (uint64_t i = 0; i < count; i++) {
        struct item *slot = &queue->items[(queue->taken + i) % QUEUE_SIZE];
        struct item swap = worker->items[i];
        worker->items[i] = *slot;
        *slot = swap;
    }
    queue->taken += count;
    pthread_cond_signal(&queue->emptied);
    pthread_mutex_unlock(&queue->lock);
    return count;
}

/* Writes every output whose turn it is. The lock is let go while writing; only one thread
 * writes at a time. */
static void emit_ready(struct queue *queue)
{
    if (queue->emitting)
        return;
    queue->emitting = true;
    for (;;) {
        struct output *output = &queue->outputs[queue->emitted % ORDER_SIZE];
        if (!output->ready)
            break;
        if (output->out.len || output->err.len || output->out.failed) {
            struct text out = output->out, err = output->err;
            output->out = output->err = (struct text){0};
            pthread_mutex_unlock(&queue->lock);
            queue->options.emit(queue->options.context, &out, &err);
            pthread_mutex_lock(&queue->lock);
            text_free(&out);
            text_free(&err);
        }
        output->ready = false;
        queue->emitted += output->count;
        pthread_cond_broadcast(&queue->ordered);
    }
    queue->emitting = false;
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct queue *queue = worker->queue;
    struct text out = {0}, err = {0};
    uint64_t first, count;
    while ((count = take(worker, &first))) {
        for (uint64_t i = 0; i < count; i++) {
            struct item *item = &worker->items[i];
            if (item->path && item->len) {
                const struct walk_file file = {.directory = item->directory,
                                               .path = {(const uint8_t *)item->path, item->len},
                                               .name = item->name,
                                               .named = item->named};
                queue->options.examine(queue->options.context, worker->number, &file, &out,
                                       &err);
            }
            text_add(&out, item->out.at, item->out.len);
            text_add(&err, item->err.at, item->err.len);
            walk_directory_unref(item->directory);
            item->directory = NULL;
            item->len = item->out.len = item->err.len = 0;
        }
        pthread_mutex_lock(&queue->lock);
        struct output *output = &queue->outputs[first % ORDER_SIZE];
        output->count = count;
        output->ready = true;
        if (out.len || err.len || out.failed) {
            output->out = out;
            output->err = err;
            out = err = (struct text){0};
        }
        emit_ready(queue);
        pthread_mutex_unlock(&queue->lock);
    }
    text_free(&out);
    text_free(&err);
    return NULL;
}

static void free_items(struct item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i].path);
        text_free(&items[i].out);
        text_free(&items[i].err);
        walk_directory_unref(items[i].directory);
    }
}

void queue_finish(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->ended = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
    for (int i = 0; i < queue->started; i++) {
        pthread_join(queue->workers[i].thread, NULL);
        free_items(queue->workers[i].items, TAKE_MAX);
    }
    free_items(queue->items, QUEUE_SIZE);
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->filled);
    pthread_cond_destroy(&queue->emptied);
    pthread_cond_destroy(&queue->ordered);
    free(queue->workers);
    free(queue);
}

struct queue *queue_new(const struct queue_options *options)
{
    struct queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return NULL;
    queue->options = *options;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, NULL);
    pthread_cond_init(&queue->emptied, NULL);
    pthread_cond_init(&queue->ordered, NULL);
    queue->workers = calloc((size_t)options->jobs, sizeof *queue->workers);
    for (int i = 0; queue->workers && i < options->jobs; i++) {
        struct worker *worker = &queue->workers[i];
        worker->queue = queue;
        worker->number = i;
        if (pthread_create(&worker->thread, NULL, work, worker) != 0)
            break;
        queue->started++;
    }
    if (queue->started == 0) {
        queue_finish(queue);
        return NULL;
    }
    return queue;
}

/* The next free slot, with the lock held. */
static struct item *free_slot(struct queue *queue)
{
    while (queue->put - queue->taken == QUEUE_SIZE)
        pthread_cond_wait(&queue->emptied, &queue->lock);
    return &queue->items[queue->put % QUEUE_SIZE];
}

void queue_put(struct queue *queue, const struct walk_file *file)
{
    pthread_mutex_lock(&queue->lock);
    struct item *item = free_slot(queue);
    if (item->room < file->path.len + 1) {
        size_t room = 2 * (file->path.len + 1);
        char *path = realloc(item->path, room);
        if (path) {
            item->path = path;
            item->room = room;
        }
    }
    if (item->room >= file->path.len + 1) {
        memcpy(item->path, file->path.at, file->path.len);
        item->path[file->path.len] = 0;
        item->len = file->path.len;
        item->name = file->name;
        item->named = file->named;
        item->directory = walk_directory_ref(file->directory);
    } else {
        text_word(&item->err, "candor: out of memory: a file was not examined\n");
    }
    queue->put++;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

void queue_note(struct queue *queue, bytes out, bytes err)
{
    pthread_mutex_lock(&queue->lock);
    struct item *item = free_slot(queue);
    text_add(&item->out, out.at, out.len);
    text_add(&item->err, err.at, err.len);
    queue->put++;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

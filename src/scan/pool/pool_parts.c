#include "scan/pool/pool_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PARTS_OF_JOB = 1 << 16 };

struct job *pool_root(struct pool *pool, struct job *job)
{
    return job->is_part ? pool_job(pool, job->root) : job;
}

void pool_job_done(struct pool *pool, struct job *job)
{
    job->state = JOB_DONE;
    job->result.reply = (bytes){(const uint8_t *)job->reply.at, job->reply.len};
    job->result.fault = bytes_of(job->fault ? job->fault : "");
    job->result.died = bytes_of(job->skip_count ? job->skips[job->skip_count - 1].text : "");
    job->result.parts = job->part_results;
    job->result.count = job->part_count;
    if (job->is_part)
        pool_root(pool, job)->open_parts--;
    /* A file with parts may have to be examined again. */
    if (job->is_part || !job->part_count)
        pool_job_close(job);
}

static void part_free(struct pool *pool, uint64_t number)
{
    struct job *part = pool_job(pool, number);
    pool->parts[number & ~POOL_PART] = NULL;
    pool_job_close(part);
    text_free(&part->reply);
    free(part->path);
    free(part->fault);
    free(part->skips);
    free(part->part_numbers);
    free(part->part_results);
    free(part);
}

/* Nobody waits for its answer any more. */
static void forget(struct pool *pool, uint64_t number)
{
    struct job *part = pool_job(pool, number);
    if (part->state == JOB_WAITING) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < pool->again_count; i++)
            if (pool->again[i] != number)
                pool->again[kept++] = pool->again[i];
        pool->waiting -= pool->again_count - kept;
        pool->again_count = kept;
    }
    for (int i = 0; i < pool->options.jobs && part->state == JOB_HANDED; i++) {
        struct side *side = &pool->sides[i];
        for (uint32_t k = 0; k < side->count; k++) {
            struct handed *handed = pool_handed(side, k);
            if (handed->job != number || handed->taken_back)
                continue;
            handed->taken_back = true;
            side->live--;
            side->live_bytes -= handed->size;
        }
    }
}

void pool_parts_drop(struct pool *pool, struct job *job)
{
    for (uint32_t i = 0; i < job->part_count; i++) {
        struct job *part = pool_job(pool, job->part_numbers[i]);
        pool_parts_drop(pool, part);
        forget(pool, job->part_numbers[i]);
        if (part->state != JOB_DONE)
            pool_root(pool, job)->open_parts--;
        part_free(pool, job->part_numbers[i]);
    }
    job->part_count = 0;
    job->result = (struct reply_part){0};
}

void pool_root_fault(struct pool *pool, struct job *job, const char *fault)
{
    uint64_t number = job->root;
    struct job *root = pool_root(pool, job);
    bool is_part = job->is_part;
    pool_parts_drop(pool, root); /* the job is no more, if it is one of them */
    if (is_part) {
        forget(pool, number);
        root->state = JOB_HANDED;
    }
    pool_job_fault(pool, root, fault);
}

static bool has_slot(struct pool *pool, struct job *owner)
{
    if (owner->part_count == owner->part_room) {
        uint32_t room = owner->part_room ? 2 * owner->part_room : 8;
        uint64_t *numbers = realloc(owner->part_numbers, room * sizeof *numbers);
        if (numbers)
            owner->part_numbers = numbers;
        const struct reply_part **results =
            realloc(owner->part_results, room * sizeof(struct reply_part *));
        if (results)
            owner->part_results = results;
        if (!numbers || !results)
            return false;
        owner->part_room = room;
    }
    while (pool->part_hint < pool->part_size && pool->parts[pool->part_hint])
        pool->part_hint++;
    for (uint32_t i = 0; pool->part_hint == pool->part_size && i < pool->part_size; i++)
        if (!pool->parts[i])
            pool->part_hint = i;
    if (pool->part_hint < pool->part_size)
        return true;
    uint32_t size = pool->part_size ? 2 * pool->part_size : 64;
    struct job **parts = realloc(pool->parts, size * sizeof(struct job *));
    if (!parts)
        return false;
    memset(parts + pool->part_size, 0, (size - pool->part_size) * sizeof(struct job *));
    pool->parts = parts;
    pool->part_size = size;
    return true;
}

/* A copy of the outbox that nobody can change. -errno. */
static int copy_outbox(const struct side *side, uint32_t size)
{
    int fd = memfd_create("candor-part", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    for (size_t at = 0; at < size;) {
        ssize_t n = pwrite(fd, side->worker.outbox + at, size - at, (off_t)at);
        if (n <= 0 && errno != EINTR) {
            int error = n < 0 ? -errno : -EIO;
            close(fd);
            return error;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    return fd;
}

static bool fill(struct job *part, const struct worker_part *head, const uint8_t *rest)
{
    part->path = malloc(head->path + 1u);
    if (!part->path)
        return false;
    memcpy(part->path, rest, head->path);
    part->path[head->path] = 0;
    part->len = head->path;
    part->name_len = head->name;
    part->depth = head->depth;
    part->size = head->size;
    memcpy(part->chain, rest + head->path, head->depth * sizeof *part->chain);
    return true;
}

bool pool_part_take(struct pool *pool, struct side *side, bytes frame)
{
    struct worker_part head;
    const struct handed *handed = pool_handed(side, 0);
    if (frame.len < sizeof head || side->outbox_held || !pool->options.within)
        return false;
    memcpy(&head, frame.at, sizeof head);
    if (head.depth > EXAMINE_CHAIN || head.name > head.path || head.size > WORKER_OUTBOX ||
        frame.len != sizeof head + head.path + head.depth * sizeof(struct examine_container))
        return false;
    side->outbox_held = true;
    if (handed->taken_back)
        return true;
    struct job *owner = pool_job(pool, handed->job);
    if (head.number != owner->part_count || owner->part_count == PARTS_OF_JOB ||
        !has_slot(pool, owner))
        return false;
    struct job *part = calloc(1, sizeof *part);
    if (!part || !fill(part, &head, frame.at + sizeof head)) {
        free(part);
        return false;
    }
    uint64_t number = pool->part_hint | POOL_PART;
    part->is_part = true;
    part->is_batch = head.batch != 0;
    part->root = owner->is_part ? owner->root : handed->job;
    part->uid = owner->uid;
    part->began = owner->is_part ? owner->began : side->since;
    part->fd = copy_outbox(side, head.size);
    pool->parts[pool->part_hint] = part;
    owner->part_numbers[owner->part_count] = number;
    owner->part_results[owner->part_count++] = &part->result;
    pool_root(pool, owner)->open_parts++;
    if (part->fd < 0)
        pool_job_fault(pool, part, "there was no memory to examine it");
    else
        pool_take_back(pool, number);
    return true;
}

void pool_parts_flow(struct pool *pool)
{
    uint32_t idle = 0, parts = 0;
    for (uint32_t i = 0; i < pool->again_count; i++)
        parts += (pool->again[i] & POOL_PART) != 0;
    for (int i = 0; i < pool->options.jobs; i++)
        idle += pool->sides[i].socket >= 0 && !pool->sides[i].live;
    for (int i = 0; i < pool->options.jobs; i++) {
        struct side *side = &pool->sides[i];
        /* One part may wait, so that whoever is done need not. */
        side->worker.page->idle = pool->waiting || pool->options.jobs == 1 ? 0 : idle + 1;
        if (side->outbox_held && parts < (uint32_t)pool->options.jobs) {
            side->outbox_held = false;
            side->worker.page->outbox = false;
        }
    }
}

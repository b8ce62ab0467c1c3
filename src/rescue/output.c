#include "rescue/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    HOLE = 4096,
    PART = 256 << 10, /* of the encrypted file, hashed at a time: fits the processor's cache */
};

static bool is_zero(const uint8_t *at, size_t len)
{
    return !len || (!at[0] && !memcmp(at, at + 1, len - 1));
}

static int write_part(struct output *output, const uint8_t *data, size_t len, uint64_t at)
{
    while (len) {
        ssize_t n = pwrite(output->fd, data, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(output->why, n ? errno : EIO, "cannot write: %s",
                        strerror(n ? errno : EIO));
        data += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

/* Leaves out blocks of zeros: the file was made as long as it will be before. */
static int write_holes(struct output *output, bytes part)
{
    int error = 0;
    for (size_t i = 0, n; !error && i < part.len; i += n) {
        n = HOLE - (size_t)((output->at + i) % HOLE);
        if (n > part.len - i)
            n = part.len - i;
        if (!is_zero(part.at + i, n))
            error = write_part(output, part.at + i, n, output->at + i);
    }
    return error;
}

/* Hashes the encrypted file up to `to`. */
static int hash_before(struct output *output, uint64_t to)
{
    int error = 0;
    while (!error && output->before && output->hashed < to) {
        uint64_t left = to - output->hashed;
        size_t n = left < PART ? (size_t)left : PART;
        if (output->page->stop)
            return fail(output->why, ECANCELED, "it was stopped");
        error = source_read(output->source, output->hashed, output->part, n, output->why);
        if (!error && !digest_add(output->before, (bytes){output->part, n}))
            error = fail(output->why, EIO, "the hash cannot be made");
        output->hashed += n;
    }
    return error;
}

static int stopped(const struct output *output)
{
    return output->page->stop ? fail(output->why, ECANCELED, "it was stopped") : 0;
}

static void go_on(struct output *output, uint64_t length)
{
    output->at += length;
    if (output->helps)
        return;
    output->page->done = output->at;
    if (output->share)
        output->share->done = output->at;
}

static int put(void *context, bytes part)
{
    struct output *output = context;
    int error = stopped(output);
    if (!error && output->fd >= 0)
        error = output->sparse ? write_holes(output, part)
                               : write_part(output, part.at, part.len, output->at);
    if (!error && output->digest && !digest_add(output->digest, part))
        error = fail(output->why, EIO, "the hash cannot be made");
    if (!error)
        go_on(output, part.len);
    if (!error && output->before)
        error = hash_before(output, output->at < output->source->size ? output->at
                                                                      : output->source->size);
    return error;
}

/* The kernel copies what was never encrypted; on some file systems it only notes that both
 * files have it. */
static int copy(void *context, uint64_t at, uint64_t length)
{
    struct output *output = context;
    int error = stopped(output);
    off_t from = (off_t)at, to = (off_t)at;
    uint64_t left = length;
    while (!error && left) {
        ssize_t n = copy_file_range(output->source->fd, &from, output->fd, &to, left, 0);
        if (n > 0)
            left -= (uint64_t)n;
        else if (n == 0 || errno == EXDEV || errno == ENOSYS || errno == EOPNOTSUPP ||
                 errno == EINVAL || errno == EPERM)
            return -EXDEV; /* reading tells what is wrong, if anything is */
        else if (errno != EINTR)
            error = fail(output->why, errno, "cannot write: %s", strerror(errno));
    }
    if (!error)
        go_on(output, length);
    return error;
}

static int write_range(struct output *output, const struct recipe *recipe, uint64_t from,
                       uint64_t to)
{
    bool copies = output->fd >= 0 && output->source->fd >= 0 && !output->sparse &&
                  !output->digest && !output->before;
    const struct recipe_sink sink = {
        .write = put, .copy = copies ? copy : NULL, .context = output};
    output->at = from;
    int error = recipe_part(recipe, output->source, from, to, &sink, output->why);
    if (!error && output->at != to)
        error = fail(output->why, EIO, "%llu bytes came out instead of %llu",
                     (unsigned long long)output->at, (unsigned long long)to);
    return error;
}

/* The next part from the begin or the end, if there is one that nobody has. */
static bool take(struct worker_share *share, bool from_end, uint64_t size, uint64_t *ret)
{
    uint64_t parts = size / WORKER_SHARE_PART + (size % WORKER_SHARE_PART != 0);
    uint64_t taken = __atomic_load_n(&share->taken, __ATOMIC_ACQUIRE), low, high;
    do {
        low = taken & UINT32_MAX;
        high = taken >> 32;
        if (low + high >= parts || low == UINT32_MAX || high == UINT32_MAX)
            return false;
    } while (!__atomic_compare_exchange_n(&share->taken, &taken,
                                          taken + (from_end ? UINT64_C(1) << 32 : 1), false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    *ret = from_end ? parts - 1 - high : low;
    return true;
}

static int write_taken(struct output *output, const struct recipe *recipe, uint64_t part)
{
    uint64_t from = part * WORKER_SHARE_PART, left = recipe->size - from;
    return write_range(output, recipe, from,
                       from + (left < WORKER_SHARE_PART ? left : WORKER_SHARE_PART));
}

int output_help(struct output *output, const struct recipe *recipe)
{
    uint64_t part;
    if (!take(output->share, true, recipe->size, &part))
        return 0;
    int error = write_taken(output, recipe, part);
    return error ? error : 1;
}

static int write_all(struct output *output, const struct recipe *recipe)
{
    uint64_t part;
    int error = 0;
    if (!output->share)
        return write_range(output, recipe, 0, recipe->size);
    while (!error && take(output->share, false, recipe->size, &part))
        error = write_taken(output, recipe, part);
    /* The last part from the end may still be written, by the one who waits for this. */
    if (!error)
        output->share->done = UINT64_MAX;
    return error;
}

int output_write(struct output *output, const struct recipe *recipe, struct arena *arena,
                 unsigned with, struct worker_applied *ret)
{
    bool good = true;
    if (with & WORKER_WITH_AFTER)
        good = (output->digest = digest_new(DIGEST_SHA256)) != NULL;
    if (with & WORKER_WITH_HASH) {
        output->before = digest_new(DIGEST_SHA256);
        output->part = arena_push_raw(arena, PART);
        good = good && output->before && output->part;
    }
    int error =
        good ? write_all(output, recipe) : fail(output->why, ENOMEM, "no memory for a hash");
    if (!error)
        error = hash_before(output, output->source->size);
    if (!error && ((output->digest && !digest_end(output->digest, ret->plain.hash)) ||
                   (output->before && !digest_end(output->before, ret->before))))
        error = fail(output->why, EIO, "the hash cannot be made");
    ret->plain.size = recipe->size;
    digest_free(output->digest);
    digest_free(output->before);
    return error;
}

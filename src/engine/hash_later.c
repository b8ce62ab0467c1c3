#include "engine/hash_later.h"

#include <string.h>

/* Larger objects would keep the other lanes waiting; those that are copied fill the room. */
enum { LARGEST = 4 << 20, LARGEST_COPY = 1 << 20 };

void hash_later_begin(struct hash_later *later)
{
    md5_lanes_begin(&later->lanes);
}

void hash_later_next(struct hash_later *later)
{
    later->last = NULL;
}

static struct hash_later_job *job_at(struct hash_later *later, uint64_t number)
{
    return &later->jobs[number % HASH_LATER_JOBS];
}

/* Whether any signature fits; what cannot be read is looked at again, too. */
static bool is_known(const struct hash_later *later, const struct md5_job *job)
{
    static const enum hash_scope scopes[] = {HASH_FILE, HASH_TRUSTED};

    for (uint32_t i = 0; i < later->table_count; i++)
        for (size_t k = 0; k < COUNT(scopes); k++) {
            uint32_t found, count = 0;
            if (hashes_wants(later->tables[i], scopes[k], HASH_MD5, job->data.len) &&
                (hashes_find(later->tables[i], scopes[k], HASH_MD5, job->data.len, job->digest,
                             &found, 1, &count) < 0 ||
                 count))
                return true;
        }
    return false;
}

static void fill_lanes(struct hash_later *later)
{
    while (later->next < later->end &&
           md5_lanes_add(&later->lanes, &job_at(later, later->next)->md5))
        later->next++;
}

/* Goes on until something is done; false when there is nothing to do. `more`: as in
 * md5_lanes_run. */
static bool advance(struct hash_later *later, bool more)
{
    struct md5_job *done[MD5_LANES];
    fill_lanes(later);
    uint32_t count = md5_lanes_run(&later->lanes, more || later->next < later->end, done);
    for (uint32_t i = 0; i < count; i++) {
        struct hash_later_job *job = (struct hash_later_job *)done[i];
        job->done = true;
        later->known[job->tag] |= is_known(later, &job->md5);
        later->waiting[job->tag]--;
    }
    while (later->first < later->next && job_at(later, later->first)->done)
        later->first++;
    fill_lanes(later);
    return count > 0;
}

/* Where `size` bytes may be copied to behind the last copy and before the first one that is
 * still needed, round the end of the room; SIZE_MAX: nowhere. */
static size_t find_room(const struct hash_later *later, size_t size)
{
    size_t end = later->room_end;
    if (later->first == later->end)
        return size <= later->size ? 0 : SIZE_MAX;
    size_t start = later->jobs[later->first % HASH_LATER_JOBS].room;
    if (end < start)
        return size < start - end ? end : SIZE_MAX;
    if (size <= later->size - end)
        return end;
    return size < start ? 0 : SIZE_MAX;
}

bool hash_later_add(struct hash_later *later, bytes data)
{
    bool stays = data.at == later->stays.at && data.len == later->stays.len;
    size_t size = stays ? 0 : data.len, at;
    if (!later->open || data.len > (stays ? LARGEST : LARGEST_COPY) || size > later->size)
        return false;
    if (later->last && later->last == data.at)
        return true;
    while ((at = find_room(later, size)) == SIZE_MAX ||
           later->end - later->first == HASH_LATER_JOBS)
        advance(later, true);

    struct hash_later_job *job = job_at(later, later->end++);
    *job = (struct hash_later_job){.md5.data = data, .room = at, .tag = later->tag};
    if (!stays) {
        memcpy(later->room + at, data.at, data.len);
        job->md5.data.at = later->room + at;
    }
    later->room_end = at + size;
    later->waiting[later->tag]++;
    later->last = data.at;
    fill_lanes(later);
    while (later->next < later->end)
        advance(later, true);
    return true;
}

void hash_later_settle(struct hash_later *later, uint32_t tag)
{
    while (later->waiting[tag] && advance(later, false))
        ;
}

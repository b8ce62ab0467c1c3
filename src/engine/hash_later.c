#include "engine/hash_later.h"

#include <string.h>

/* Larger parts would keep the other lanes waiting; objects that are copied fill the room, and
 * those that stay are memory that is held. */
enum { LARGEST = 4 << 20, LARGEST_COPY = 1 << 20, LARGEST_OBJECT = 8 << 20 };

void hash_later_begin(struct hash_later *later)
{
    md5_lanes_begin(&later->lanes);
}

void hash_later_next(struct hash_later *later)
{
    later->object = (bytes){NULL, 0};
}

static struct hash_later_job *job_at(struct hash_later *later, uint64_t number)
{
    return &later->jobs[number % HASH_LATER_JOBS];
}

/* Whether a signature of the table fits; what cannot be read is looked at again, too. */
static bool fits(const struct hashes *table, enum hash_scope scope, const struct md5_job *job)
{
    uint32_t found, count = 0;
    return hashes_wants(table, scope, HASH_MD5, job->data.len) &&
           (hashes_find(table, scope, HASH_MD5, job->data.len, job->digest, &found, 1, &count) <
                0 ||
            count);
}

/* Whether any signature fits. A file is asked for among the trusted ones too. */
static bool is_known(const struct hash_later *later, const struct hash_later_job *job)
{
    bool is_file = job->scope == HASH_FILE;
    for (uint32_t i = 0; i < later->table_count; i++)
        if (fits(later->tables[i], job->scope, &job->md5) ||
            (is_file && fits(later->tables[i], HASH_TRUSTED, &job->md5)))
            return true;
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
        later->known[job->tag] |= is_known(later, job);
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

static bool lies_in(bytes whole, bytes part)
{
    uintptr_t at = (uintptr_t)part.at - (uintptr_t)whole.at;
    return whole.at && bytes_has(whole, at, part.len);
}

static bool was_taken(struct hash_later *later, bytes part, enum hash_scope scope)
{
    for (uint64_t i = later->kept_first; i < later->end; i++) {
        const struct hash_later_job *job = job_at(later, i);
        if (job->scope == scope && job->part.at == part.at && job->part.len == part.len)
            return true;
    }
    return false;
}

/* Keeps the object where its jobs will find it. */
static void keep(struct hash_later *later, bytes object)
{
    bool stays = lies_in(later->stays, object);
    size_t size = stays ? 0 : object.len, at;
    if (later->object.at == object.at && later->object.len == object.len)
        return;
    while ((at = find_room(later, size)) == SIZE_MAX)
        advance(later, true);
    if (!stays)
        memcpy(later->room + at, object.at, object.len);
    later->room_end = at + size;
    later->object = object;
    later->kept = stays ? object.at : later->room + at;
    later->kept_room = at;
    later->kept_first = later->end;
}

bool hash_later_add(struct hash_later *later, bytes object, bytes part, enum hash_scope scope)
{
    bool stays = lies_in(later->stays, object);
    if (!later->open || part.len > LARGEST || !lies_in(object, part) ||
        object.len > (stays ? LARGEST_OBJECT : LARGEST_COPY) ||
        (!stays && object.len > later->size))
        return false;
    keep(later, object);
    if (was_taken(later, part, scope))
        return true;
    while (later->end - later->first == HASH_LATER_JOBS)
        advance(later, true);

    struct hash_later_job *job = job_at(later, later->end++);
    *job = (struct hash_later_job){
        .part = part, .room = later->kept_room, .tag = later->tag, .scope = scope};
    job->md5.data = (bytes){later->kept + (part.at - object.at), part.len};
    later->waiting[later->tag]++;
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

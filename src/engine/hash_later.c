#include "engine/hash_later.h"

#include <string.h>

/* Larger objects would keep the other lanes waiting. */
enum { LARGEST = 1 << 20 };

bool hash_later_add(struct hash_later *later, bytes data)
{
    if (!later->open || data.len > LARGEST || data.len > later->size)
        return false;
    if (later->last && later->last == data.at)
        return true;
    if (later->count == HASH_LATER_JOBS || data.len > later->size - later->used)
        hash_later_settle(later);

    uint8_t *copy = later->room + later->used;
    memcpy(copy, data.at, data.len);
    later->used += data.len;
    later->jobs[later->count].data = (bytes){copy, data.len};
    later->tags[later->count++] = (uint8_t)later->tag;
    later->last = data.at;
    return true;
}

void hash_later_next(struct hash_later *later)
{
    later->last = NULL;
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

/* The longest first: it alone would be left at the end, and lanes with it. */
static void order(struct hash_later *later)
{
    static const uint32_t gaps[] = {132, 57, 23, 10, 4, 1};

    for (size_t k = 0; k < COUNT(gaps); k++)
        for (uint32_t gap = gaps[k], i = gap; i < later->count; i++) {
            const struct md5_job job = later->jobs[i];
            const uint8_t tag = later->tags[i];
            uint32_t to = i;
            for (; to >= gap && later->jobs[to - gap].data.len < job.data.len; to -= gap) {
                later->jobs[to] = later->jobs[to - gap];
                later->tags[to] = later->tags[to - gap];
            }
            later->jobs[to] = job;
            later->tags[to] = tag;
        }
}

void hash_later_settle(struct hash_later *later)
{
    order(later);
    md5_lanes(later->jobs, later->count);
    for (uint32_t i = 0; i < later->count; i++)
        if (is_known(later, &later->jobs[i]))
            later->known |= UINT64_C(1) << later->tags[i];
    later->count = 0;
    later->used = 0;
}

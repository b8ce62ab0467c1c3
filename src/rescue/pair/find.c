#include "rescue/pair/find.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DIFFERENCES = 4097, BY_SIZE_LEAST = 2, BY_SIZE_EACH = 32 };

bool find_add(struct find_list *list, struct arena *arena, bytes path, bytes folder,
              uint64_t size)
{
    if (list->file.n >= FIND_MOST || path.len > UINT32_MAX) {
        list->full = true;
        return false;
    }
    bytes copy = arena_copy(arena, path);
    struct find_file *file = copy.at ? vec_push(arena, &list->file) : NULL;
    if (!file) {
        list->full = true;
        return false;
    }
    size_t name = path.len;
    while (name && path.at[name - 1] != '/')
        name--;
    size_t below = folder.len < path.len ? folder.len : name;
    while (below < name && path.at[below] == '/')
        below++;
    *file = (struct find_file){copy, (uint32_t)name, (uint32_t)below, size};
    return true;
}

bool find_add_walked(struct find_list *list, struct arena *arena, const struct walk_file *file,
                     bytes folder)
{
    struct stat facts;
    return walk_stat(file, &facts) < 0 || !facts.st_size ||
           find_add(list, arena, file->path, folder, (uint64_t)facts.st_size);
}

static bytes name_of(const struct find_file *file)
{
    return bytes_slice(file->path, file->name, SIZE_MAX);
}

static bool sizes_fit(const struct find_file *original, const struct find_file *encrypted)
{
    return encrypted->size >= original->size && encrypted->size - original->size <= FIND_GROWTH;
}

/* --- names --- */

struct names {
    uint32_t *slot; /* place in the list + 1 */
    uint32_t *next; /* of the same hash, + 1 */
    uint32_t mask;
    const struct find_list *list;
};

static uint32_t hash_name(bytes name)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ ascii_lower(name.at[i])) * 0x100000001b3;
    return (uint32_t)(hash ^ hash >> 32);
}

static bool names_new(struct names *ret, const struct find_list *list, struct arena *arena)
{
    uint32_t slots = 16;
    while (slots < list->file.n * 2)
        slots *= 2;
    ret->slot = PUSH_ARRAY(arena, uint32_t, slots);
    ret->next = PUSH_ARRAY(arena, uint32_t, list->file.n);
    ret->mask = slots - 1;
    ret->list = list;
    if (!ret->slot || !ret->next)
        return false;
    for (uint32_t i = 0; i < list->file.n; i++) {
        uint32_t *slot = &ret->slot[hash_name(name_of(&list->file.at[i])) & ret->mask];
        ret->next[i] = *slot;
        *slot = i + 1;
    }
    return true;
}

/* The original of that name whose size fits best: place + 1, 0: none. */
static uint32_t look_up(const struct names *names, bytes name,
                        const struct find_file *encrypted)
{
    uint32_t best = 0, tries = 0;
    for (uint32_t at = names->slot[hash_name(name) & names->mask]; at && tries++ < 256;
         at = names->next[at - 1]) {
        const struct find_file *file = &names->list->file.at[at - 1];
        if (bytes_same(name_of(file), name) && sizes_fit(file, encrypted) &&
            (!best || file->size > names->list->file.at[best - 1].size))
            best = at;
    }
    return best;
}

/* The whole name, then each part of it that ends before a dot, a bracket or the like. */
static uint32_t original_of(const struct names *names, const struct find_file *encrypted)
{
    bytes name = name_of(encrypted);
    uint32_t found = look_up(names, name, encrypted);
    for (size_t len = name.len; !found && len-- > 1;)
        if (!ascii_alnum(name.at[len]) && name.at[len] < 0x80)
            found = look_up(names, bytes_slice(name, 0, len), encrypted);
    return found;
}

/* --- sizes --- */

static int by_size(const void *a, const void *b)
{
    uint64_t x = (*(const struct find_file *const *)a)->size;
    uint64_t y = (*(const struct find_file *const *)b)->size;
    return x < y ? -1 : x > y;
}

static uint32_t first_of_size(const struct find_file *const *sorted, uint32_t n, uint64_t size)
{
    uint32_t low = 0;
    while (low < n) {
        uint32_t middle = low + (n - low) / 2;
        if (sorted[middle]->size < size)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

struct by_sizes {
    const struct find_file **sorted;
    uint32_t n;
    uint32_t seen[DIFFERENCES];
};

static void count_differences(struct by_sizes *s, const struct find_list *encrypted)
{
    for (uint32_t i = 0; i < encrypted->file.n; i++) {
        uint64_t size = encrypted->file.at[i].size;
        uint64_t least = size < DIFFERENCES ? 0 : size - (DIFFERENCES - 1);
        uint32_t at = first_of_size(s->sorted, s->n, least);
        for (uint32_t k = 0; k < BY_SIZE_EACH && at < s->n && s->sorted[at]->size <= size;
             k++, at++)
            s->seen[size - s->sorted[at]->size]++;
    }
}

static size_t pairs_by_size(const struct find_list *originals,
                            const struct find_list *encrypted, struct arena *arena,
                            struct find_pair *ret, size_t max)
{
    struct by_sizes *s = PUSH(arena, struct by_sizes);
    size_t n = 0, best = 0;
    if (!s || !(s->sorted = PUSH_ARRAY(arena, const struct find_file *, originals->file.n)))
        return 0;
    for (uint32_t i = 0; i < originals->file.n; i++)
        if (originals->file.at[i].size >= 1024)
            s->sorted[s->n++] = &originals->file.at[i];
    if (s->n)
        qsort(s->sorted, s->n, sizeof *s->sorted, by_size);
    count_differences(s, encrypted);
    for (size_t i = 0; i < DIFFERENCES; i++)
        if (s->seen[i] > s->seen[best])
            best = i;
    if (s->seen[best] < BY_SIZE_LEAST)
        return 0;
    for (uint32_t i = 0; i < encrypted->file.n && n < max; i++) {
        uint64_t size = encrypted->file.at[i].size;
        uint32_t at = size < best ? s->n : first_of_size(s->sorted, s->n, size - best);
        if (at < s->n && s->sorted[at]->size == size - best &&
            (at + 1 == s->n || s->sorted[at + 1]->size != size - best))
            ret[n++] =
                (struct find_pair){(uint32_t)(s->sorted[at] - originals->file.at), i, false};
    }
    return n;
}

/* --- choosing --- */

struct choice {
    struct find_pair pair;
    uint64_t size;
};

static int largest_first(const void *a, const void *b)
{
    const struct choice *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->pair.encrypted < y->pair.encrypted ? -1 : x->pair.encrypted > y->pair.encrypted;
}

/* Half of them the largest, the others evenly from what is left. */
static size_t choose(struct choice *all, size_t n, struct find_pair *ret, size_t max)
{
    size_t kept = 0, first = n < max ? n : max / 2;
    qsort(all, n, sizeof *all, largest_first);
    for (size_t i = 0; i < first; i++)
        ret[kept++] = all[i].pair;
    if (n <= max)
        return kept;
    for (size_t i = 0, rest = max - first; i < rest; i++)
        ret[kept++] = all[first + (n - first - 1) * (i + 1) / rest].pair;
    return kept;
}

size_t find_pairs(const struct find_list *originals, const struct find_list *encrypted,
                  struct arena *arena, struct find_pair *ret, size_t max)
{
    struct names names;
    size_t n = 0;
    struct choice *all = PUSH_ARRAY(arena, struct choice, encrypted->file.n);
    if (!originals->file.n || !encrypted->file.n || !all ||
        !names_new(&names, originals, arena))
        return 0;
    for (uint32_t i = 0; i < encrypted->file.n; i++) {
        uint32_t at = original_of(&names, &encrypted->file.at[i]);
        if (at)
            all[n++] = (struct choice){{at - 1, i, true}, originals->file.at[at - 1].size};
    }
    if (!n)
        return pairs_by_size(originals, encrypted, arena, ret, max);
    return choose(all, n, ret, max);
}

bytes find_extension(const struct find_list *originals, const struct find_list *encrypted,
                     const struct find_pair *pairs, size_t count)
{
    bytes common = {0};
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        bytes plain = name_of(&originals->file.at[pairs[i].original]);
        bytes name = name_of(&encrypted->file.at[pairs[i].encrypted]);
        if (!pairs[i].by_name)
            continue;
        bytes more = bytes_slice(name, plain.len, SIZE_MAX);
        if (!first && !bytes_equal(more, common))
            return (bytes){0};
        common = more;
        first = false;
    }
    return common;
}

#include "phishing/lookup.h"

#include "shim/digest.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 4, SHA = 32, ROOM = 4 * ADDRESS_ROOM };

static bool is_hash(uint32_t kind)
{
    return kind == URL_HASH_FINE || kind == URL_HASH_MALWARE || kind == URL_HASH_BLOCKED ||
           kind == URL_HASH_PHISHING;
}

/* Sorted by hash, then as they were read. */
struct key {
    const uint8_t *hash;
    const struct ruleset_url *row;
};

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = memcmp(x->hash, y->hash, SHA);
    if (order)
        return order;
    return (x->row > y->row) - (x->row < y->row);
}

/* Of lines about one hash the last one counts, as in clamscan, unless one before it allows the
 * address. */
static bool takes_over(const struct ruleset_url *before, const struct ruleset_url *row)
{
    return before->kind != URL_HASH_FINE || row->kind == URL_HASH_FINE;
}

bool lookup_make(const struct ruleset *set, struct arena *arena, struct lookup *ret)
{
    struct key *keys = PUSH_ARRAY(arena, struct key, set->url_count);
    const struct ruleset_url **rows =
        PUSH_ARRAY(arena, const struct ruleset_url *, set->url_count);
    uint32_t count = 0;
    if (!keys || !rows)
        return false;
    for (uint32_t i = 0; i < set->url_count; i++) {
        const struct ruleset_url *link = &set->urls[i];
        if (is_hash(link->kind) && link->length == SHA)
            keys[count++] = (struct key){set->texts.at + link->text, link};
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_same = i && memcmp(keys[i].hash, keys[i - 1].hash, SHA) == 0;
        if (!is_same)
            rows[kept++] = keys[i].row;
        else if (takes_over(rows[kept - 1], keys[i].row))
            rows[kept - 1] = keys[i].row;
    }
    *ret = (struct lookup){rows, kept, set->texts};
    return true;
}

static enum url_fault find_hash(const struct lookup *lookup, const uint8_t sha[SHA])
{
    uint32_t low = 0, high = lookup->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const uint8_t *at = lookup->texts.at + lookup->rows[middle]->text;
        if (memcmp(at, sha, SHA) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == lookup->count ||
        memcmp(lookup->texts.at + lookup->rows[low]->text, sha, SHA) != 0)
        return URL_FINE;
    switch (lookup->rows[low]->kind) {
    case URL_HASH_MALWARE:
        return URL_MALWARE;
    case URL_HASH_BLOCKED:
        return URL_BLOCKED;
    case URL_HASH_PHISHING:
        return URL_LISTED;
    default:
        return URL_FINE;
    }
}

/* An address in the one way of writing it: host, then path from behind its first slash. */
struct written {
    char text[ROOM];
    size_t host, host_len, path, path_len;
};

/* "/./" and "/x/../" go. */
static size_t shorten(char *text, size_t from, size_t to)
{
    const char *slash = strchr(text + from, '/');
    size_t last = slash ? (size_t)(slash - text) : SIZE_MAX;
    for (size_t p = from; p < to; p++) {
        if (p + 2 < to && text[p] == '/' && text[p + 1] == '.') {
            bool up = text[p + 2] == '.' && (text[p + 3] == '/' || !text[p + 3]);
            if (text[p + 2] == '/') {
                if (p + 3 < to)
                    memmove(text + p + 1, text + p + 3, to - p - 3);
                to -= 2;
            } else if (up && last != SIZE_MAX) {
                if (p + 4 < to)
                    memmove(text + last + 1, text + p + 4, to - p - 4);
                size_t gone = 3 + (p - last);
                to = to > from + gone ? to - gone : from;
            }
        }
        if (p < to && text[p] == '/')
            last = p;
    }
    text[to] = 0;
    return to;
}

/* What is not plain ASCII is written as %XX. */
static size_t escape(char *text, size_t from, size_t to)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t p = from; p < to && to + 3 < ROOM - 4; p++) {
        uint8_t c = (uint8_t)text[p];
        if (c > 32 && c < 127 && c != '%' && c != '#')
            continue;
        memmove(text + p + 3, text + p + 1, to - p - 1);
        text[p++] = '%';
        text[p++] = digits[c >> 4];
        text[p] = digits[c & 15];
        to += 2;
    }
    text[to] = 0;
    return to;
}

/* False: it has no scheme. */
static bool write_address(const struct address *to, struct written *ret)
{
    char *text = ret->text;
    memset(ret, 0, sizeof *ret);
    size_t len = strlen(to->at);
    memcpy(text, to->at, len);
    const char *colon = strchr(text, ':');
    if (!colon)
        return false;
    size_t from = (size_t)(colon - text) + 1;
    while (from < len && text[from] == '/')
        from++;
    const char *name = memchr(text + from, '@', strcspn(text + from, ":/?"));
    if (name)
        from = (size_t)(name - text) + 1;
    address_unescape(text, &from, &len);
    text[len] = 0;
    while (from < len && (text[from] == '/'))
        from++;
    while (from < len && text[from] == '.')
        from++;
    len = shorten(text, from, len);
    len = escape(text, from, len);
    ret->host = from;
    ret->host_len = strcspn(text + from, ":/?");
    for (size_t i = 0; i < ret->host_len; i++)
        text[from + i] = (char)ascii_lower((uint8_t)text[from + i]);
    size_t path = from + ret->host_len;
    memmove(text + path + 2, text + path + 1, len > path ? len - path : 1);
    text[path++] = '/';
    text[path++] = 0;
    ret->path = path;
    ret->path_len = strcspn(text + path, "#");
    text[path + ret->path_len] = 0;
    return true;
}

/* Where the ends of the host begin, longest first: all of it, and up to four of two to five
 * parts. */
static uint32_t host_ends(const struct written *written, size_t ret[PARTS + 1])
{
    uint32_t count = 0;
    size_t found[PARTS];
    size_t at = written->host + written->host_len, dots = 0;
    while (at > written->host && count < PARTS)
        if (written->text[--at] == '.' && ++dots > 1)
            found[count++] = at + 1;
    ret[0] = written->host;
    for (uint32_t i = 0; i < count; i++)
        ret[1 + i] = found[count - 1 - i];
    return count + 1;
}

/* Lengths of the path's beginnings: all, without a query, none, then by folders. */
static uint32_t path_ends(const struct written *written, size_t ret[PARTS + 2])
{
    const char *path = written->text + written->path, *slash;
    uint32_t count = 0;
    ret[count++] = written->path_len;
    if (!written->path_len)
        return count;
    ret[count] = strcspn(path, "?");
    count += ret[count] != ret[0];
    ret[count++] = 0;
    while (count < PARTS + 2) {
        size_t before = ret[count - 1] + 1;
        slash = before <= written->path_len ? strchr(path + before, '/') : NULL;
        if (!slash)
            break;
        ret[count++] = (size_t)(slash - path) + 1;
    }
    return count;
}

enum url_fault lookup_find(const struct lookup *lookup, const struct address *to,
                           bool *ret_address)
{
    struct written written;
    size_t hosts[PARTS + 1], paths[PARTS + 2];
    *ret_address = true;
    if (!lookup->count)
        return URL_FINE;
    *ret_address = write_address(to, &written);
    if (!*ret_address)
        return URL_FINE;
    uint32_t host_count = host_ends(&written, hosts), path_count = path_ends(&written, paths);
    for (uint32_t p = path_count; p-- > 0;)
        for (uint32_t h = host_count; h-- > 0;) {
            uint8_t sha[DIGEST_MAX];
            const bytes parts[2] = {{(const uint8_t *)written.text + hosts[h],
                                     written.host + written.host_len - hosts[h] + 1},
                                    {(const uint8_t *)written.text + written.path, paths[p]}};
            enum url_fault fault =
                digest_parts(DIGEST_SHA256, parts, 2, sha) ? find_hash(lookup, sha) : URL_FINE;
            if (fault != URL_FINE)
                return fault;
        }
    return URL_FINE;
}

/* Four steps of X from S with the bytes p are four steps from S ^ p with zeros: once X at the
 * end is known, p is what those steps undone give, XOR S. */
#include "rescue/zip/password.h"

#include <string.h>

enum { SOLVED = 4 };

struct search {
    const struct password_set *set;
    const volatile bool *stop;
    struct zip_keys keys;
    uint32_t before; /* X before four zeros that lead to keys.x */
    unsigned len;
    char text[PASSWORD_MOST + 1];
};

struct password_set password_set(bytes list)
{
    struct password_set ret = {.n = 0};
    for (size_t i = 0; i < list.len; i++)
        if (!ret.has[list.at[i]]) {
            ret.has[list.at[i]] = true;
            ret.byte[ret.n++] = list.at[i];
        }
    return ret;
}

static bool is_it(struct search *s)
{
    struct zip_keys keys = zipcrypto_of_password((bytes){(const uint8_t *)s->text, s->len});
    return keys.x == s->keys.x && keys.y == s->keys.y && keys.z == s->keys.z;
}

/* The four bytes that lead from X = `x` to the end, if they are of the set. */
static inline bool solve(struct search *s, uint32_t x)
{
    uint32_t four = s->before ^ x;
    const bool *has = s->set->has;
    if (!has[four & 0xff] || !has[four >> 8 & 0xff] || !has[four >> 16 & 0xff] ||
        !has[four >> 24])
        return false;
    for (unsigned i = 0; i < SOLVED; i++)
        s->text[s->len - SOLVED + i] = (char)(four >> 8 * i);
    return is_it(s);
}

static bool extend(struct search *s, uint32_t x, unsigned at)
{
    if (at == s->len - SOLVED)
        return solve(s, x);
    if (s->stop && *s->stop)
        return false;
    for (unsigned i = 0; i < s->set->n; i++) {
        s->text[at] = (char)s->set->byte[i];
        if (extend(s, zipcrypto_crc(x, s->set->byte[i]), at + 1))
            return true;
    }
    return false;
}

static bool all_short(struct search *s, unsigned at)
{
    if (at == s->len)
        return is_it(s);
    for (unsigned i = 0; i < s->set->n; i++) {
        s->text[at] = (char)s->set->byte[i];
        if (all_short(s, at + 1))
            return true;
    }
    return false;
}

bool password_try(struct zip_keys keys, const struct password_set *set, unsigned len,
                  unsigned from, unsigned to, const volatile bool *stop,
                  char ret[PASSWORD_MOST + 1])
{
    struct search s = {.set = set, .stop = stop, .keys = keys, .len = len};
    uint32_t start = zipcrypto_of_password((bytes){NULL, 0}).x;
    bool found = false;
    if (len > PASSWORD_MOST)
        return false;
    s.before = keys.x;
    for (unsigned i = 0; i < SOLVED; i++)
        s.before = zipcrypto_uncrc(s.before, 0);
    if (len < SOLVED)
        found = all_short(&s, 0);
    else if (len == SOLVED)
        found = solve(&s, start);
    for (unsigned i = from; len > SOLVED && i < to && i < set->n && !found; i++) {
        s.text[0] = (char)set->byte[i];
        found = extend(&s, zipcrypto_crc(start, set->byte[i]), 1);
    }
    if (found)
        memcpy(ret, s.text, sizeof s.text);
    return found;
}

#include "phishing/phishing.h"

#include "phishing/address.h"
#include "phishing/list.h"
#include "phishing/lookup.h"

#include <string.h>

struct phishing {
    struct list watched, allowed;
    struct lookup lookup;
};

struct phishing *phishing_new(const struct ruleset *set, struct arena *arena, bool *ret_full)
{
    struct phishing *phishing = set->url_count ? PUSH(arena, struct phishing) : NULL;
    *ret_full = set->url_count > 0;
    if (!phishing ||
        !list_make(set, URL_WATCHED_HOST, URL_WATCHED_PATTERN, arena, &phishing->watched) ||
        !list_make(set, URL_ALLOWED_HOST, URL_ALLOWED_PATTERN, arena, &phishing->allowed) ||
        !lookup_make(set, arena, &phishing->lookup))
        return NULL;
    *ret_full = false;
    return phishing;
}

/* One link on its way. */
struct check {
    struct phishing *phishing;
    struct arena *arena;
    struct budget *budget;
    struct address to, shown, shown_before;
    struct address to_host, shown_host;
    size_t shown_from;
    bool listed;
};

static bool same(const struct address *a, const struct address *b)
{
    return strcmp(a->at, b->at) == 0;
}

/* In the list of what is watched: the whole address, or the host that is shown. */
static bool is_watched(struct check *check, bool host)
{
    const struct list *list = &check->phishing->watched;
    if (!host) {
        struct address copy = check->to;
        return list_fits(list, &copy, &check->shown, NULL, check->arena, check->budget);
    }
    struct list_shown shown = {check->shown_before.at, check->shown_from};
    return list_fits(list, &check->shown_host, &check->to_host, &shown, check->arena,
                     check->budget);
}

static bool is_allowed(struct check *check, struct address *to, const struct address *shown)
{
    return list_fits(&check->phishing->allowed, to, shown, NULL, check->arena, check->budget);
}

/* Both hosts; false: there is nothing to compare. */
static bool find_hosts(struct check *check)
{
    bool mail = false;
    size_t from, to;
    if (!address_host(&check->shown, false, &mail, &check->shown_host, &check->shown_from, &to))
        return false;
    if (to < sizeof check->shown_before.at)
        check->shown_before.at[to] = 0;
    return address_host(&check->to, true, &mail, &check->to_host, &from, &to);
}

static bool is_secure(const struct address *address)
{
    return strncmp(address->at, "https:", strlen("https:")) == 0;
}

/* Of a link whose hosts are known. */
static enum url_fault compare(struct check *check, uint32_t options, enum phishing_place place)
{
    bool ssl = place == PHISHING_HREF, cloak = true;
    if (is_watched(check, true)) {
        check->listed = true;
    } else {
        ssl = ssl && options & PHISHING_SSL;
        cloak = options & PHISHING_CLOAK;
        if (place == PHISHING_IMAGE)
            return URL_FINE;
    }
    if (cloak && strchr(check->to.at, 1))
        return URL_CLOAKED;
    if (ssl && is_secure(&check->shown) && !is_secure(&check->to))
        return URL_NOT_SECURE;
    if (!check->listed ||
        strcmp(address_domain(&check->to_host), address_domain(&check->shown_host)) == 0)
        return URL_FINE;
    return URL_SPOOFED;
}

static enum url_fault check_link(struct check *check, uint32_t options,
                                 enum phishing_place place)
{
    bool is_address;
    if (!address_fits(&check->to, false))
        return URL_FINE;
    enum url_fault fault = lookup_find(&check->phishing->lookup, &check->to, &is_address);
    if (fault != URL_FINE || !is_address)
        return fault;
    if (same(&check->to, &check->shown) || !check->shown.at[0])
        return URL_FINE;
    address_clean(&check->to, NULL);
    address_clean(&check->shown, &check->shown_before);
    if (same(&check->to, &check->shown) || !address_fits(&check->shown, true) ||
        is_allowed(check, &check->to, &check->shown))
        return URL_FINE;
    check->listed = is_watched(check, false);
    if (!find_hosts(check) || same(&check->to, &check->shown) ||
        is_allowed(check, &check->to_host, &check->shown_host))
        return URL_FINE;
    return compare(check, options, place);
}

enum url_fault phishing_check(struct phishing *phishing, const struct phishing_link *link,
                              uint32_t options, struct arena *arena, struct budget *budget)
{
    struct arena_mark mark = arena_mark(arena);
    struct check *check = PUSH(arena, struct check);
    enum url_fault fault = URL_FINE;
    if (check && budget_charge(budget, 4 * PHISHING_TEXT)) {
        const bool seen = link->place != PHISHING_HREF;
        check->phishing = phishing;
        check->arena = arena;
        check->budget = budget;
        address_set(&check->to, seen ? link->shown : link->to);
        address_set(&check->shown, seen ? link->to : link->shown);
        fault = check_link(check, options, link->place);
    }
    arena_pop(arena, mark);
    return fault;
}

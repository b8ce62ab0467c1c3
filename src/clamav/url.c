/* docs.clamav.net, "Phishing Signatures":
 *
 *     'R' ':' pattern                  .pdb: of "target:shown"
 *     'H' ':' host                           that is shown
 *     'X' ':' pattern                  .wdb: of "target:shown"
 *     'M' ':' host ':' host                  target, shown
 *     'S' [ '1' | '2' ] ':' ( 'F' | 'P' | 'W' ) ':' hash     .gdb: SHA-256, or 4 bytes of it
 *
 * each with ':' min '-' [ max ] behind it where it is for some levels. Letters behind the first
 * one do not count. Patterns are POSIX's extended ones, and are rewritten for PCRE. A pattern
 * and a host get a `/` at their end, as the line has that they are compared with.
 *
 * What is found has names of its own: a rule for each, which holds for the object that stands
 * for a link with that fault. */
#include "clamav/url.h"

#include "shim/pcre.h"

#include <errno.h>
#include <string.h>

enum { SHA = 32, PREFIX = 4, PATTERN_MOST = 4096 };

static const char *const names[URL_FAULTS] = {
    [URL_SPOOFED] = "Heuristics.Phishing.Email.SpoofedDomain",
    [URL_CLOAKED] = "Heuristics.Phishing.Email.Cloaked.Null",
    [URL_NOT_SECURE] = "Heuristics.Phishing.Email.SSL-Spoof",
    [URL_MALWARE] = "Heuristics.Safebrowsing.Suspected-malware_safebrowsing.clamav.net",
    [URL_BLOCKED] = "Heuristics.Phishing.URL.Blocked",
    [URL_LISTED] = "Heuristics.Safebrowsing.Suspected-phishing_safebrowsing.clamav.net",
};

/* Once for a draft: findings need rules. */
static bool add_rules(struct clamav *clamav)
{
    struct draft *draft = clamav->draft;
    for (uint32_t i = URL_FINE + 1; i < URL_FAULTS; i++) {
        if (draft_rule_begin(draft, bytes_of(names[i]), clamav->name_space, RULE_SIGNATURE) ==
            DRAFT_FULL)
            return false;
        draft_rule_targets(draft, TARGET_BIT(TARGET_LINK));
        draft_rule_end(
            draft,
            draft_node(draft, (struct node){.op = NODE_URL_FAULT, .type = TYPE_BOOL, .a = i}),
            0);
    }
    return !draft->full;
}

static int add(struct clamav *clamav, enum url_kind kind, bytes text)
{
    struct draft *draft = clamav->draft;
    if (!draft->urls.n && !add_rules(clamav))
        return -ENOMEM;
    uint32_t at = draft_text(draft, text);
    struct ruleset_url *url = vec_push(draft->arena, &draft->urls);
    if (!url || at == DRAFT_FULL)
        return -ENOMEM;
    *url = (struct ruleset_url){.text = at, .length = (uint32_t)text.len, .kind = kind};
    clamav->counts[CLAMAV_PHISHING].read++;
    return 0;
}

/* "min-max" behind the last colon, if it is that; cut off. False: for other levels. */
static bool cut_levels(const struct clamav *clamav, bytes *line)
{
    size_t colon = line->len;
    bool valid;
    while (colon && line->at[colon - 1] != ':')
        colon--;
    bytes max = bytes_slice(*line, colon, SIZE_MAX), min;
    if (!colon || bytes_find(max, bytes_of("-"), 0) == SIZE_MAX)
        return true;
    bytes_cut(&max, '-', &min);
    bool fits = clamav_level_fits(clamav, min, max, &valid);
    if (!valid)
        return true;
    line->len = colon - 1;
    return fits;
}

/* A pattern on its way from one dialect to the other. */
struct rewriting {
    bytes from;
    size_t at, len;
    uint8_t to[2 * PATTERN_MOST];
    bool repeated; /* the last was a repetition */
};

static void put(struct rewriting *r, uint8_t c)
{
    r->to[r->len++] = c;
}

/* A class: a backslash in it is one. False: it has no end. */
static bool put_class(struct rewriting *r)
{
    const bytes from = r->from;
    size_t first = r->at + 1;
    first += first < from.len && from.at[first] == '^';
    for (size_t i = r->at; i < from.len; i++) {
        uint8_t c = from.at[i];
        bool named = c == '[' && i > r->at && i + 1 < from.len && from.at[i + 1] == ':';
        if (c == '\\' || (c == '[' && i > r->at && !named) || (c == ']' && i == first))
            put(r, '\\');
        put(r, c);
        if (named) {
            size_t end = bytes_find(from, bytes_of(":]"), i + 2);
            if (end == SIZE_MAX)
                return false;
            for (i++; i < end + 2; i++)
                put(r, from.at[i]);
            i--;
        } else if (c == ']' && i > first) {
            r->at = i + 1;
            return true;
        }
    }
    return false;
}

static const char *rewrite(struct rewriting *r)
{
    const bytes from = r->from;
    while (r->at < from.len) {
        uint8_t c = from.at[r->at], next = r->at + 1 < from.len ? from.at[r->at + 1] : 0;
        bool repeats = c == '*' || c == '+' || c == '?';
        if ((c == '(' && next == '?') || (repeats && r->repeated) ||
            (c == '\\' && r->at + 1 == from.len))
            return "has a pattern that is not understood";
        r->repeated = repeats || c == '}';
        if (c == '[') {
            if (!put_class(r))
                return "has a class without an end";
            continue;
        }
        if (c == '\\') {
            if (!ascii_alnum(next))
                put(r, c);
            c = next;
            r->at++;
            r->repeated = false;
        }
        put(r, c);
        r->at++;
    }
    return NULL;
}

/* The part about the path, which no line has. */
static bytes without_path(bytes pattern)
{
    static const char *const tails[] = {"([/?].*)?", "([/?].*)"};
    for (size_t i = 0; i < COUNT(tails); i++) {
        bytes tail = bytes_of(tails[i]);
        if (pattern.len > tail.len &&
            bytes_equal(bytes_slice(pattern, pattern.len - tail.len, tail.len), tail))
            return bytes_slice(pattern, 0, pattern.len - tail.len);
    }
    return pattern;
}

static int add_pattern(struct clamav *clamav, enum url_kind kind, bytes pattern,
                       const char **ret_reason)
{
    struct rewriting *r = PUSH(clamav->scratch, struct rewriting);
    struct why why = {""};
    if (!r)
        return -ENOMEM;
    r->from = without_path(pattern);
    if (!r->from.len || r->from.len >= PATTERN_MOST) {
        *ret_reason = "has a pattern that is empty or too long";
        return 0;
    }
    *ret_reason = rewrite(r);
    put(r, '/');
    if (!*ret_reason && !pcre_compile((bytes){r->to, r->len}, 0, clamav->scratch, &why))
        *ret_reason = "has a pattern that is not understood";
    return *ret_reason ? 0 : add(clamav, kind, (bytes){r->to, r->len});
}

static int add_host(struct clamav *clamav, enum url_kind kind, bytes host,
                    const char **ret_reason)
{
    bytes text = arena_printf(clamav->scratch, "%.*s/", (int)(host.len & 0xffff),
                              host.len ? (const char *)host.at : "");
    if (!text.at)
        return -ENOMEM;
    if (!host.len)
        *ret_reason = "has no host";
    return *ret_reason ? 0 : add(clamav, kind, text);
}

/* A part of the line: 'F' and the like, and a hash. `list`: "S", "S1", "S2". */
static int add_hash(struct clamav *clamav, bytes list, bytes rest, const char **ret_reason)
{
    uint8_t sha[SHA];
    bytes hash = rest, what;
    enum url_kind kind = URL_HASH_MALWARE;
    if (list.len > 1 && list.at[1] == '1')
        kind = URL_HASH_BLOCKED;
    else if (list.len > 1 && list.at[1] == '2')
        kind = URL_HASH_PHISHING;
    bytes_cut(&hash, ':', &what);
    bool prefix = bytes_is(what, "P"), fine = bytes_is(what, "W");
    if (!prefix && !fine && !bytes_is(what, "F"))
        *ret_reason = "has a hash of no known kind";
    else if (hash.len != 2 * (prefix ? PREFIX : SHA) || !bytes_unhex(hash, sha))
        *ret_reason = "has a hash that is malformed";
    else if (prefix) /* only says where it is worth to look */
        clamav->counts[CLAMAV_PHISHING].read++;
    else
        return add(clamav, fine ? URL_HASH_FINE : kind, (bytes){sha, SHA});
    return 0;
}

int url_line(struct clamav *clamav, bytes line)
{
    bytes rest = line, flags;
    bool allows =
        bytes_same(bytes_slice(clamav->file, clamav->file.len - 4, 4), bytes_of(".wdb"));
    const char *reason = NULL;
    int error = 0;
    if (!cut_levels(clamav, &rest)) {
        clamav_leave_out(clamav, CLAMAV_PHISHING);
        return 0;
    }
    bytes_cut(&rest, ':', &flags);
    uint8_t what = flags.len ? flags.at[0] : 0;
    if (!rest.at)
        reason = "is not letter:what";
    else if (what == (allows ? 'X' : 'R'))
        error = add_pattern(clamav, allows ? URL_ALLOWED_PATTERN : URL_WATCHED_PATTERN, rest,
                            &reason);
    else if (what == (allows ? 'M' : 'H'))
        error = add_host(clamav, allows ? URL_ALLOWED_HOST : URL_WATCHED_HOST, rest, &reason);
    else if (what == 'S' && (!allows || (rest.len && rest.at[0] == 'W')))
        error = add_hash(clamav, flags, rest, &reason);
    else
        reason = what == 'Y' && allows ? "is for ClamAV 1.6 and later"
                                       : "has a letter that is not known in such a file";
    if (reason)
        clamav_refuse(clamav, CLAMAV_PHISHING, "%s", reason);
    return error;
}

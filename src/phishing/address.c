/* Texts are seen as ClamAV sees them: ends are the places of last characters there, which
 * matters where a text becomes empty. */
#include "phishing/address.h"

#include "phishing/tops.h"

#include <string.h>

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool starts(const char *text, const char *head)
{
    return strncmp(text, head, strlen(head)) == 0;
}

void address_set(struct address *address, bytes text)
{
    size_t len = text.len < ADDRESS_MAX ? text.len : ADDRESS_MAX;
    memset(address->at, 0, sizeof address->at);
    for (size_t i = 0; i < len && text.at[i]; i++)
        address->at[i] = (char)text.at[i];
}

/* --- what can be an address --- */

/* Characters of a host's part; `plus`: with + and #. */
static bool fits_part(const char *from, const char *to, bool plus)
{
    for (; from < to; from++)
        if (!is_alpha(*from) && !is_digit(*from) &&
            !(*from && strchr(plus ? "!\"#$%&'()*+,-@_" : "!\"$%&'()*,-@_", *from)))
            return false;
    return true;
}

static const char *scheme_end(const char *text)
{
    static const char *const schemes[] = {"https:", "http:", "ftp:"};
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (starts(text, schemes[i]))
            return text + strlen(schemes[i]) - 1;
    return starts(text, "mailto://") ? text + strlen("mailto:/") : NULL;
}

/* Behind the scheme; where there is none that fits, the start. */
static const char *after_scheme(const char *text, const char *colon, bool *ret_has)
{
    *ret_has = colon && colon > text && is_alpha(*text) && fits_part(text + 1, colon, false);
    if (!*ret_has)
        return text;
    if (colon[1] != '/')
        return colon + 1;
    return colon[2] == '/' ? colon + 3 : colon + 2;
}

/* A mailbox is no address, unless its name ends like a host. */
static bool is_mailbox(const char *from, const char *to)
{
    const char *at = memchr(from, '@', (size_t)(to - from)), *dot;
    if (!at)
        return false;
    if (at == from)
        return true;
    for (dot = at - 1; dot > from && *dot != '.';)
        dot--;
    return dot <= from || !tops_has(dot + 1, (size_t)(at - dot - 1));
}

bool address_fits(struct address *address, bool any)
{
    char *text = address->at;
    const char *last_top = NULL, *dot;
    bool has_scheme;
    while (*text == ' ')
        text++;
    const char *colon = scheme_end(text);
    if (colon && colon[1] == '/' && colon[2] == '/')
        return true;
    const char *from = after_scheme(text, any ? strchr(text, ':') : colon, &has_scheme);
    const char *part = from, *end = from + strcspn(from, "/");
    if (!has_scheme && is_mailbox(part, end))
        return false;
    while ((dot = strchr(part, '.')) && dot <= end) {
        if (dot == part || !fits_part(part, dot, true))
            return false;
        if (any && tops_has(part, (size_t)(dot - part)))
            last_top = dot;
        part = dot + 1;
    }
    if (part == from)
        return false;
    if (end < part)
        end = part;
    while (*end == ' ' && end > part)
        end--;
    if (tops_has(part, (size_t)(end - part)))
        return true;
    if (any && last_top)
        address->at[last_top - address->at] = 0;
    return any && last_top;
}

/* --- cleaning --- */

/* A part of a text: [from, to), `to` may lie before `from`. */
struct range {
    char *text;
    int from, to;
};

/* Takes `what` away at both ends and inside. */
static void strip(struct range *r, const char *what)
{
    const int size = (int)strlen(what);
    int last = r->to - 1;
    if (last <= r->from || strlen(r->text + r->from) < (size_t)size)
        return;
    if (starts(r->text + r->from, what))
        r->from += size;
    while (size <= last - r->from && last - size + 1 > r->from &&
           starts(r->text + last - size + 1, what))
        last -= size;
    for (int i = r->from + 1; i + size <= last; i++)
        while (i + size <= last && starts(r->text + i, what)) {
            memmove(r->text + i, r->text + i + size,
                    (size_t)last - (size_t)i - (size_t)size + 1);
            last -= size;
        }
    r->to = last + 1;
}

static int digit_of(char c)
{
    int value = ascii_hex((uint8_t)c);
    return value < 0 ? 0 : value;
}

/* NUL becomes 1. */
static char unescaped(const char *digits)
{
    if (digits[0] == '0' && digits[1] == '0')
        return 1;
    return (char)(uint8_t)(digit_of(digits[0]) << 4 | digit_of(digits[1]));
}

static void unescape(struct range *r)
{
    int last = r->to - 1;
    if (last <= r->from + 1)
        return;
    if (r->text[r->from] == '%') {
        r->text[r->from + 2] = unescaped(r->text + r->from + 1);
        r->from += 2;
    }
    for (bool again = true; again;) {
        again = false;
        for (int i = r->from + 1; i + 3 <= last; i++) {
            char *at = r->text + i;
            if (*at != '%' || ascii_hex((uint8_t)at[1]) < 0 || ascii_hex((uint8_t)at[2]) < 0)
                continue;
            *at = unescaped(at + 1);
            again = again || *at == '%';
            memmove(at + 1, at + 3, (size_t)last - (size_t)i - 2);
            last -= 2;
        }
    }
    r->to = last + 1;
}

void address_unescape(char *text, size_t *from, size_t *to)
{
    struct range r = {text, (int)*from, (int)*to};
    unescape(&r);
    *from = (size_t)r.from;
    *to = (size_t)r.to;
}

static void replace(const struct range *r, const char *any, char by)
{
    for (int i = r->from; i < r->to; i++)
        if (r->text[i] && strchr(any, r->text[i]))
            r->text[i] = by;
}

static void take(struct address *to, const struct range *r)
{
    size_t len = r->to > r->from ? (size_t)(r->to - r->from) : 0;
    struct address copy = {{0}};
    for (size_t i = 0; i < len && r->text[r->from + (int)i]; i++)
        copy.at[i] = r->text[r->from + (int)i];
    *to = copy;
}

/* Control characters become blanks, and the eighth bit goes. */
static void make_plain(char *text)
{
    for (; *text; text++) {
        *text = (char)(*text & 0x7f);
        if (*text < ' ')
            *text = ' ';
    }
}

/* Ends behind the host, which becomes lower case. */
static void cut_host(struct range *r)
{
    char *text = r->text;
    const char *colon = strchr(text + r->from, ':');
    int host = r->from;
    if (colon) {
        host = (int)(colon - text);
        while (host < r->to - 1 && text[host + 1] == '/')
            host++;
        host++;
    }
    int size = (int)strcspn(text + host, ":/?");
    if (host + size > r->to)
        size = r->to - host;
    else
        r->to = host + size;
    if (size < 0)
        size = 0;
    text[host + size] = 0;
    for (int i = 0; i < size; i++)
        text[host + i] = (char)ascii_lower((uint8_t)text[host + i]);
}

static bool is_alnum(char c)
{
    return is_alpha(c) || is_digit(c);
}

/* What is shown may have blanks anywhere, and anything around it. */
static void fix_blanks(struct range *r)
{
    if (r->to <= r->from)
        return;
    strip(r, " ");
    while (!is_alnum(r->text[r->from]) && r->from < r->to)
        r->from++;
    while (r->to > r->from && !is_alnum(r->text[r->to - 1]))
        r->to--;
    if (r->text[r->to] == '/')
        r->to++;
}

void address_clean(struct address *address, struct address *before)
{
    static const char *const programs[] = {".net", "ado.net", "asp.net"};
    struct address work = *address;
    make_plain(work.at);
    struct range r = {work.at, 0, (int)strlen(work.at)};
    memset(address->at, 0, sizeof address->at);
    if (before)
        memset(before->at, 0, sizeof before->at);
    while (work.at[r.from] == ' ')
        r.from++;
    if (r.to - r.from < 2)
        return;
    while (work.at[r.to - 1] == ' ')
        r.to--;
    for (size_t i = 0; i < COUNT(programs); i++)
        if (starts(work.at + r.from, programs[i]))
            return;
    replace(&r, "\\", '/');
    cut_host(&r);
    replace(&r, "<>\";", ' ');
    strip(&r, "&lt");
    strip(&r, "&gt");
    unescape(&r);
    if (!before) {
        strip(&r, " ");
        take(address, &r);
        return;
    }
    while (r.from < r.to && work.at[r.from] == ' ')
        r.from++;
    while (r.from < r.to && work.at[r.to - 1] == ' ')
        r.to--;
    take(before, &r);
    fix_blanks(&r);
    take(address, &r);
}

/* --- hosts --- */

bool address_host(const struct address *address, bool real, bool *mail, struct address *ret,
                  size_t *ret_from, size_t *ret_to)
{
    const char *text = address->at, *from = strstr(text, "://"), *to, *name;
    bool mailbox = false;
    if (from) {
        from += 3;
    } else if (starts(text, "mailto:")) {
        from = text + strlen("mailto:");
        mailbox = true;
    } else if (!real && *mail) {
        from = text + strcspn(text, ": ");
        from = *from ? from + 1 : text;
    } else {
        from = text;
    }
    to = from + strcspn(from, ":/?");
    if (mailbox && real)
        *mail = true;
    else
        while ((name = strchr(from, '@')) && !(from != to && name > to)) {
            from = name + 1;
            to = from + strcspn(from, ":/?");
        }
    size_t len = (size_t)(to - from);
    memset(ret->at, 0, sizeof ret->at);
    ret->at[0] = '.';
    memcpy(ret->at + 1, from, len);
    *ret_from = (size_t)(from - text);
    *ret_to = (size_t)(to - text);
    return !(real && strstr(ret->at, "..")) && !*mail && !strchr(ret->at, ' ');
}

/* The last dot before `to`, or NULL. */
static const char *dot_before(const char *text, const char *to)
{
    while (to > text)
        if (*--to == '.')
            return to;
    return NULL;
}

const char *address_domain(const struct address *host)
{
    const char *text = host->at, *end = text + strlen(text), *dot = dot_before(text, end);
    if (!dot)
        return text;
    if (tops_has_country(dot + 1, (size_t)(end - dot - 1))) {
        const char *country = dot;
        dot = dot_before(text, country);
        if (!dot)
            return text;
        if (!tops_has(dot + 1, (size_t)(country - dot - 1)))
            return dot + 1;
    }
    dot = dot_before(text, dot);
    return dot ? dot + 1 : text;
}

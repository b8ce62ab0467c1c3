#include "clamav/clamav.h"
#include "phishing/phishing.h"
#include "tap.h"

struct bench {
    struct arena *arena;
    struct clamav *clamav;
    struct ruleset set;
    struct phishing *phishing;
};

static void read_text(struct bench *b, const char *name, const char *text)
{
    CHECK(clamav_read(b->clamav, bytes_of(name), bytes_of(text), false, NULL) == 0);
}

static struct bench begin(void)
{
    struct bench b = {.arena = arena_new(64 << 20)};
    b.clamav = clamav_new(draft_new(b.arena), &(struct clamav_options){0});
    return b;
}

static void seal(struct bench *b)
{
    bytes file;
    bool full;
    CHECK(draft_seal(b->clamav->draft, b->arena, &file, NULL) == 0);
    CHECK(ruleset_open(file, b->clamav->draft->fingerprint, &b->set, NULL) == 0);
    b->phishing = phishing_new(&b->set, b->arena, &full);
    CHECK(b->phishing && !full);
}

static void end(struct bench b)
{
    clamav_free(b.clamav);
    arena_free(b.arena);
}

static enum url_fault check(struct bench *b, const char *to, const char *shown,
                            uint32_t options)
{
    struct budget budget = {.steps = 1 << 20};
    const struct phishing_link link = {bytes_of(to), bytes_of(shown), PHISHING_HREF};
    return phishing_check(b->phishing, &link, options, b->arena, &budget);
}

/* As clamscan 1.4.6 says of mails with these links. */
static void links(void)
{
    struct bench b = begin();
    read_text(&b, "a.pdb", "H:mybank.com\n");
    read_text(&b, "a.wdb",
              "M:fine.net:mybank.com\nX:.+\\.good\\.org([/?].*)?:.+mybank\\.com\n");
    seal(&b);
    CHECK_INT(check(&b, "http://evil.net/", "www.mybank.com", 0), URL_SPOOFED);
    CHECK_INT(check(&b, "http://evil.net/", "www mybank.com", 0), URL_SPOOFED);
    CHECK_INT(check(&b, "http://evil.net/", "w w w . m y b a n k . c o m", 0), URL_SPOOFED);
    CHECK_INT(check(&b, "http://evil.net/", "notmybank.com", 0), URL_FINE);
    CHECK_INT(check(&b, "http://evil.net/", "click here", 0), URL_FINE);
    CHECK_INT(check(&b, "evil", "www.mybank.com", 0), URL_FINE);
    CHECK_INT(check(&b, "http://login.mybank.com/", "www.mybank.com", 0), URL_FINE);
    CHECK_INT(check(&b, "http://www.fine.net/", "mybank.com", 0), URL_FINE);
    CHECK_INT(check(&b, "http://www.good.org/a", "http://www.mybank.com", 0), URL_FINE);
    CHECK_INT(check(&b, "http://mybank.com%00.evil.net/", "mybank.com", 0), URL_CLOAKED);
    CHECK_INT(check(&b, "http://mybank.com/", "https://mybank.com", 0), URL_NOT_SECURE);
    CHECK_INT(check(&b, "http://other.com/", "https://other.com", 0), URL_FINE);
    CHECK_INT(check(&b, "http://other.com/", "https://other.com", PHISHING_SSL),
              URL_NOT_SECURE);
    CHECK_INT(check(&b, "http://a.com%00.b.net/", "c.com", PHISHING_CLOAK), URL_CLOAKED);
    end(b);
}

static void hashes(void)
{
    struct bench b = begin();
    /* SHA-256 of "evil.net/", and of "evil.net/a/". */
    read_text(
        &b, "a.gdb",
        "S1:F:676db50e443ce0c658207f951d83fa983beb41a8b3d3ddbf0bbb5552478c3e9a\nS2:P:"
        "01020304\nS:F:16a4fc8361d51e18a98dea3a11db10dea0bbcd4137310ddcf2931dbebaf5e068\n");
    seal(&b);
    CHECK_INT(check(&b, "http://user@x.EVIL.net:80/b?c#d", "", 0), URL_BLOCKED);
    CHECK_INT(check(&b, "http://evil.net/a/./b/../c.html", "", 0), URL_MALWARE);
    CHECK_INT(check(&b, "http://notevil.net/", "", 0), URL_FINE);
    end(b);
}

static void refusals(void)
{
    struct bench b = begin();
    const struct clamav_count *count = &b.clamav->counts[CLAMAV_PHISHING];
    read_text(&b, "a.pdb",
              "H:a.com\nR:a(b\nR:a[b\nH:\nX:a:b\nzz\nH:b.com:999999-\nH:c.com:1-999\n");
    CHECK_INT(count->read, 2);
    CHECK_INT(count->ignored, 1);
    CHECK_INT(count->refused, 5);
    read_text(&b, "a.wdb", "Y:a\nH:a\nM:a:b\n");
    CHECK_INT(count->refused, 7);
    read_text(&b, "a.gdb", "S:F:12\nS:Q:1234\nS:F:zz\n");
    CHECK_INT(count->refused, 10);
    CHECK_INT(b.clamav->draft->urls.n, 3);
    end(b);
}

int main(void)
{
    links();
    hashes();
    refusals();
    return tap_done();
}

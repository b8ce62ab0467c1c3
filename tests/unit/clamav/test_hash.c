/* Lines of hash signatures: what is taken, as what, and what is not, and why. */
#include "clamav/clamav.h"
#include "match/hashes.h"
#include "tap.h"

#define MD5_A  "00112233445566778899aabbccddeeff"
#define MD5_B  "FFEEDDCCBBAA99887766554433221100"
#define SHA1   "000102030405060708090a0b0c0d0e0f10111213"
#define SHA256 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct arena *arena;
static struct clamav *clamav;
static struct hashes hashes;

static void read_file(const char *name, const char *text)
{
    struct why why;
    CHECK(clamav_read(clamav, bytes_of(name), bytes_of(text), false, &why) == 0);
}

static void begin(struct clamav_options options)
{
    arena = arena_new(64 << 20);
    clamav = clamav_new(draft_new(arena), &options);
}

static void seal(void)
{
    bytes table = {0};
    if (clamav->draft->hashes)
        CHECK(hashes_seal(clamav->draft->hashes, arena, &table, NULL) == 0);
    CHECK(hashes_open(table, &hashes, NULL) == 0);
}

static void end(void)
{
    clamav_free(clamav);
    arena_free(arena);
}

/* Names of what fits, with a comma behind each. */
static const char *names(enum hash_scope scope, enum hash_digest digest, uint64_t size,
                         const char *hex)
{
    static char text[600];
    uint8_t value[32];
    uint32_t found[4], n;
    text[0] = 0;
    for (size_t i = 0; i < hash_length(digest); i++)
        value[i] =
            (uint8_t)(ascii_hex((uint8_t)hex[2 * i]) << 4 | ascii_hex((uint8_t)hex[2 * i + 1]));
    if (hashes_find(&hashes, scope, digest, size, value, found, 4, &n) < 0)
        return "damaged";
    for (uint32_t i = 0; i < n; i++) {
        struct hash_label label;
        hashes_label(&hashes, found[i], &label);
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, "%s %s:%u,", label.name, label.source,
                 label.line);
    }
    return text;
}

static const char *reason(uint32_t number)
{
    return number < clamav->reason_count ? clamav->reasons[number].text : "none";
}

static void each_kind_is_taken(void)
{
    begin((struct clamav_options){0});
    read_file("a.hdb", "# a comment\n" MD5_A ":10:Win.A-1\n" MD5_B ":11:Win.B-2:73\r\n");
    read_file("b.hsb",
              SHA1 ":12:Win.C-3-0:73\n" SHA256 ":*:Win.D-4:73:255\n" MD5_A ":10:Win.E-5\n");
    read_file("c.mdb", "4096:" MD5_A ":Win.F-6\n");
    read_file("d.msb", "512:" SHA256 ":Win.G-7 (Clam)\n*:" SHA1 ":Win.H:90\n");
    read_file("e.imp", MD5_B ":*:Win.I\n" MD5_A ":77:Win.J");
    read_file("f.fp", MD5_A ":10:trusted-1\n");
    read_file("g.sfp", SHA256 ":10:trusted-2:73\n");
    seal();
    CHECK_STR(names(HASH_FILE, HASH_MD5, 10, MD5_A),
              "Win.A-1.UNOFFICIAL a.hdb:2,Win.E-5.UNOFFICIAL b.hsb:3,");
    CHECK_STR(names(HASH_FILE, HASH_MD5, 11, MD5_B), "Win.B-2.UNOFFICIAL a.hdb:3,");
    CHECK_STR(names(HASH_FILE, HASH_MD5, 12, MD5_B), "");
    CHECK_STR(names(HASH_FILE, HASH_SHA1, 12, SHA1), "Win.C-3-0.UNOFFICIAL b.hsb:1,");
    CHECK_STR(names(HASH_FILE, HASH_SHA256, 987654321, SHA256), "Win.D-4.UNOFFICIAL b.hsb:2,");
    CHECK_STR(names(HASH_SECTION, HASH_MD5, 4096, MD5_A), "Win.F-6.UNOFFICIAL c.mdb:1,");
    CHECK_STR(names(HASH_SECTION, HASH_SHA256, 512, SHA256), "Win.G-7.UNOFFICIAL d.msb:1,");
    CHECK_STR(names(HASH_SECTION, HASH_SHA1, 3, SHA1), "Win.H.UNOFFICIAL d.msb:2,");
    CHECK_STR(names(HASH_IMPORTS, HASH_MD5, 5, MD5_B), "Win.I.UNOFFICIAL e.imp:1,");
    CHECK_STR(names(HASH_IMPORTS, HASH_MD5, 77, MD5_A), "Win.J.UNOFFICIAL e.imp:2,");
    CHECK_STR(names(HASH_IMPORTS, HASH_MD5, 78, MD5_A), "");
    CHECK_STR(names(HASH_TRUSTED, HASH_MD5, 10, MD5_A), "trusted-1.UNOFFICIAL f.fp:1,");
    CHECK_STR(names(HASH_TRUSTED, HASH_SHA256, 10, SHA256), "trusted-2.UNOFFICIAL g.sfp:1,");
    CHECK_INT(clamav->counts[CLAMAV_HASH].read, 5);
    CHECK_INT(clamav->counts[CLAMAV_SECTION].read, 3);
    CHECK_INT(clamav->counts[CLAMAV_IMPORTS].read, 2);
    CHECK_INT(clamav->counts[CLAMAV_TRUSTED].read, 2);
    CHECK_STR(reason(0), "none");
    end();
}

static void official_names_stay_as_they_are(void)
{
    begin((struct clamav_options){0});
    struct why why;
    CHECK(clamav_read(clamav, bytes_of("main.hdb"), bytes_of(MD5_A ":1:Win.A-1\n"), true,
                      &why) == 0);
    read_file("main.hdb", MD5_B ":1:Win.B-1\n");
    seal();
    CHECK_STR(names(HASH_FILE, HASH_MD5, 1, MD5_A), "Win.A-1 main.hdb:1,");
    CHECK_STR(names(HASH_FILE, HASH_MD5, 1, MD5_B), "Win.B-1.UNOFFICIAL main.hdb:1,");
    end();
}

static void malformed_lines_are_refused(void)
{
    static const struct {
        const char *line, *reason;
    } cases[] = {
        {MD5_A ":10", "fewer than three fields, or more than five"},
        {MD5_A ":10:a:1:2:3", "fewer than three fields, or more than five"},
        {MD5_A ":0:a", "the size is no number above 0 and below 4294967295"},
        {MD5_A "::a", "the size is no number above 0 and below 4294967295"},
        {MD5_A ":4294967295:a", "the size is no number above 0 and below 4294967295"},
        {MD5_A ":10x:a", "the size is no number above 0 and below 4294967295"},
        {MD5_A ":99999999999:a", "the size is no number above 0 and below 4294967295"},
        {MD5_A ":*:a", "any size '*' without a minimum level of 73"},
        {MD5_A ":*:a:72", "any size '*' without a minimum level of 73"},
        {MD5_A "0:10:a", "the digest is not 32, 40 or 64 hexadecimal digits"},
        {"0011223344556677g899aabbccddeeff:10:a",
         "the digest is not 32, 40 or 64 hexadecimal digits"},
        {MD5_A ":10:", "no name"},
        {MD5_A ":10: (Clam)", "no name"},
        {MD5_A ":10:a:x", "a functionality level is no number"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        begin((struct clamav_options){0});
        read_file("x.hdb", cases[i].line);
        CHECK_STR(reason(0), cases[i].reason);
        CHECK_INT(clamav->counts[CLAMAV_HASH].refused, 1);
        CHECK_INT(clamav->counts[CLAMAV_HASH].read, 0);
        end();
    }
}

static void what_is_for_others_is_left_out(void)
{
    begin((struct clamav_options){.level = 100});
    read_file("x.ign2", "Win.Ignored-1\n");
    read_file("x.hdb", MD5_A ":10:a:101\n" MD5_A ":10:b:1:99\n" MD5_A ":10:c:100:100\n" MD5_B
                             ":10:Win.Ignored-1\n");
    read_file("x.hdu", MD5_A ":10:d\n");
    seal();
    CHECK_STR(names(HASH_FILE, HASH_MD5, 10, MD5_A), "c.UNOFFICIAL x.hdb:3,");
    CHECK_STR(names(HASH_FILE, HASH_MD5, 10, MD5_B), "");
    CHECK_INT(clamav->counts[CLAMAV_HASH].ignored, 4);
    CHECK_INT(clamav->counts[CLAMAV_HASH].refused, 0);
    end();
    begin((struct clamav_options){.pua = true});
    read_file("x.hdu", MD5_A ":10:d\n");
    read_file("x.msu", "10:" MD5_A ":e\n");
    seal();
    CHECK_STR(names(HASH_FILE, HASH_MD5, 10, MD5_A), "d.UNOFFICIAL x.hdu:1,");
    CHECK_STR(names(HASH_SECTION, HASH_MD5, 10, MD5_A), "e.UNOFFICIAL x.msu:1,");
    end();
}

int main(void)
{
    each_kind_is_taken();
    official_names_stay_as_they_are();
    malformed_lines_are_refused();
    what_is_for_others_is_left_out();
    return tap_done();
}

#include "clamav/clamav.h"
#include "clamav/ignore.h"
#include "clamav/trust.h"
#include "tap.h"

#include <string.h>

struct bench {
    struct arena *arena;
    struct clamav *clamav;
};

static struct bench begin(const struct clamav_options *options)
{
    struct bench b = {.arena = arena_new(64 << 20)};
    struct draft *draft = draft_new(b.arena);
    b.clamav = clamav_new(draft, options);
    CHECK(b.clamav != NULL);
    return b;
}

static void end(struct bench b)
{
    clamav_free(b.clamav);
    arena_free(b.arena);
}

static void read_text(struct bench b, const char *name, const char *text)
{
    CHECK(clamav_read(b.clamav, bytes_of(name), bytes_of(text), false, NULL) == 0);
}

static bool ignored(struct bench b, const char *name, const char *line)
{
    b.clamav->text = bytes_of(line);
    return ignore_has(b.clamav, CLAMAV_HASH, bytes_of(name));
}

static void test_kinds(void)
{
    CHECK(clamav_kind_of(bytes_of("main.HDB")) == CLAMAV_HASH);
    CHECK(clamav_kind_of(bytes_of("a.ign2")) == CLAMAV_IGNORED);
    CHECK(clamav_kind_of(bytes_of("old.db")) == CLAMAV_BODY);
    CHECK(clamav_kind_of(bytes_of("a.cdb")) == CLAMAV_CONTAINER);
    CHECK(clamav_kind_of(bytes_of("COPYING")) == CLAMAV_KINDS);
    CHECK(clamav_kind_of(bytes_of("db")) == CLAMAV_KINDS);
    for (int i = 0; i < CLAMAV_KINDS; i++)
        CHECK(clamav_kind_text((enum clamav_kind)i) &&
              clamav_kind_extensions((enum clamav_kind)i));
}

/* What clamscan 1.4 ignores, tried with it. */
static void test_ignored(void)
{
    struct bench b = begin(&(struct clamav_options){0});
    CHECK(!ignored(b, "Win.A-1", ""));
    read_text(b, "a.ign2",
              "# comment\r\nWin.A-1\r\n\r\nWin.B-1:900150983cd24fb0d6963f7d28e17f72\n"
              "x\nWin.C-1:zz\na:b:c:d:e\n:\n");
    read_text(b, "a.ign", "main.db:12:Win.D-1\n");
    CHECK(b.clamav->counts[CLAMAV_IGNORED].read == 4);
    CHECK(b.clamav->counts[CLAMAV_IGNORED].refused == 3);
    CHECK(ignored(b, "Win.A-1", ""));
    CHECK(ignored(b, "Win.A-1.UNOFFICIAL", ""));
    CHECK(ignored(b, "Win.A-1.{PE,5}", ""));
    CHECK(!ignored(b, "Other.Win.A-1", ""));
    CHECK(!ignored(b, "Win.A-12", ""));
    CHECK(!ignored(b, "A-1", ""));
    CHECK(ignored(b, "Win.B-1", "abc"));
    CHECK(!ignored(b, "Win.B-1", "abd"));
    CHECK(!ignored(b, "Win.C-1", ""));
    CHECK(ignored(b, "Win.D-1", ""));
    CHECK(ignored(b, "x", ""));
    CHECK(!ignored(b, "", ""));
    CHECK(b.clamav->counts[CLAMAV_HASH].ignored == 6);
    end(b);
}

static void test_refused(void)
{
    struct bench b = begin(&(struct clamav_options){0});
    read_text(b, "a.cbc", "anything");
    read_text(b, "b.cbc", "anything");
    CHECK(b.clamav->counts[CLAMAV_BYTECODE].refused == 2);
    CHECK(b.clamav->reason_count == 1 && b.clamav->reasons[0].count == 2);
    CHECK(strcmp(b.clamav->reasons[0].file, "a.cbc") == 0);
    read_text(b, "a.ign2", "a\n\nb:c\n");
    CHECK(b.clamav->reason_count == 2 && b.clamav->reasons[1].line == 3);
    read_text(b, "a.ndu", "a:0:*:61626364\nb:0:*:61626364");
    CHECK(b.clamav->counts[CLAMAV_BODY].ignored == 2);
    end(b);
    b = begin(&(struct clamav_options){.bytecode_quiet = true});
    read_text(b, "a.cbc", "anything");
    CHECK(b.clamav->counts[CLAMAV_BYTECODE].refused == 0);
    end(b);
}

static void test_levels(void)
{
    struct bench b = begin(&(struct clamav_options){.level = 90});
    bool valid;
    CHECK(clamav_level_fits(b.clamav, bytes_of("51"), bytes_of("255"), &valid) && valid);
    CHECK(clamav_level_fits(b.clamav, bytes_of("90"), bytes_of(""), &valid) && valid);
    CHECK(!clamav_level_fits(b.clamav, bytes_of("91"), bytes_of(""), &valid) && valid);
    CHECK(!clamav_level_fits(b.clamav, bytes_of("1"), bytes_of("89"), &valid) && valid);
    CHECK(!clamav_level_fits(b.clamav, bytes_of("9x"), bytes_of(""), &valid) && !valid);
    CHECK(clamav_label(b.clamav, bytes_of("A")).len == strlen("A.UNOFFICIAL"));
    b.clamav->official = true;
    CHECK(clamav_label(b.clamav, bytes_of("A")).len == 1);
    end(b);
}

static void test_types(void)
{
    struct bench b = begin(&(struct clamav_options){0});
    const struct clamav_count *count = &b.clamav->counts[CLAMAV_FILETYPE];
    const struct draft *draft = b.clamav->draft;
    read_text(b, "a.ftm",
              "0:0:4142:A:CL_TYPE_ANY:CL_TYPE_PDF\n"
              "0:0:4142:A:CL_TYPE_ANY:CL_TYPE_PDF:1:99\n"
              "0:0:4142:A:CL_TYPE_ANY:CL_TYPE_PDF:99999\n"
              "1:0,8:4142{2-5}(43|44)4546:A:CL_TYPE_ANY:CL_TYPE_HTML::999\n"
              "1:EOF-8:41?24344:A:CL_TYPE_PDF:CL_TYPE_HTML\n");
    CHECK_INT(count->read, 3);
    CHECK_INT(count->ignored, 2);
    CHECK_INT(count->refused, 0);
    CHECK_INT(draft->types.n, 5); /* the second part is spelled in two ways */
    CHECK_INT(draft->types.at[2].gap_min, 2);
    CHECK_INT(draft->types.at[2].gap_max, 5);
    CHECK_INT(draft->types.at[2].pair, 0);
    CHECK_INT(draft->types.at[4].pair, 2);
    read_text(
        b, "a.ftm",
        "0:0:4142:A:CL_TYPE_ANY\n0:0:414:A:CL_TYPE_ANY:CL_TYPE_PDF\n"
        "0:*:4142:A:CL_TYPE_ANY:CL_TYPE_PDF\n0:0:4142:A:CL_TYPE_ANY:CL_TYPE_PDX\n"
        "2:0:4142:A:CL_TYPE_ANY:CL_TYPE_PDF\n4:0:4142:A:CL_TYPE_ANY:CL_TYPE_PDF\n"
        "1:EP+0:4142:A:CL_TYPE_ANY:CL_TYPE_PDF\n1:*:41??:A:CL_TYPE_ANY:CL_TYPE_PDF\n"
        "1:*:4142*:A:CL_TYPE_ANY:CL_TYPE_PDF\n1:*:4142{5-2}4344:A:CL_TYPE_ANY:CL_TYPE_PDF\n"
        "1:*:(41|4:A:CL_TYPE_ANY:CL_TYPE_PDF\n0:0:4142:A:CL_TYPE_ANY:CL_TYPE_PDF:x\n");
    CHECK_INT(count->read, 3);
    CHECK_INT(count->refused, 12);
    CHECK_INT(draft->types.n, 5);
    end(b);
}

static void test_passwords(void)
{
    struct bench b = begin(&(struct clamav_options){0});
    read_text(b, "a.ign2", "Left-1\n");
    read_text(b, "a.pwdb",
              "A;Engine:81-255;0;one;two\nB;Container:CL_TYPE_ZIP;1;7477 6f\n"
              "C;Container:CL_TYPE_ZIP;1;74776F\nD;Engine:300;0;late\nE;;2;x\n"
              "F;Container:CL_TYPE_7Z;0;x\nLeft-1;;0;left\nG;;0\nH;;0;\n");
    const struct clamav_count *count = &b.clamav->counts[CLAMAV_PASSWORD];
    CHECK_INT(count->read, 3);
    CHECK_INT(count->ignored, 2);
    CHECK_INT(count->refused, 4);
    const struct draft *draft = b.clamav->draft;
    CHECK_INT(draft->passwords.n, 3);
    CHECK_STR((const char *)draft->texts.at + draft->passwords.at[0].text, "one;two");
    CHECK_STR((const char *)draft->texts.at + draft->passwords.at[1].text, "two");
    end(b);
}

static void test_members(void)
{
    struct bench b = begin(&(struct clamav_options){0});
    read_text(b, "a.cdb",
              "A:CL_TYPE_ZIP:*:(?i)\\.exe$:*:*:1:*:*:*\n"
              "B:*:1-20:[^\\.]+[]x]:0-5:7:*:3:*:*:73:255\n"
              "C:CL_TYPE_NONE:*:*:*:*:*:*:*:*\nD:*:*:*:x:*:*:*:*:*\nE:*:*:*:*:*:2:*:*:*\n"
              "F:*:*:[[:alpha:]]:*:*:*:*:*:*\nG:*:*:(:*:*:*:*:*:*\nH:*:*\n"
              "I:*:*:*:*:*:*:*:*:*:300\n");
    CHECK_INT(b.clamav->counts[CLAMAV_CONTAINER].read, 2);
    CHECK_INT(b.clamav->counts[CLAMAV_CONTAINER].refused, 6);
    CHECK_INT(b.clamav->counts[CLAMAV_CONTAINER].ignored, 1);
    read_text(b, "a.zmd", "A:1:.*\\.exe:5:6:*:8:1:*\nB:1:*:5:6:abcdef00:8:1:*\nC:1\n");
    CHECK_INT(b.clamav->counts[CLAMAV_METADATA].read, 1);
    CHECK_INT(b.clamav->counts[CLAMAV_METADATA].refused, 2);
    bytes file;
    struct ruleset set;
    CHECK_INT(draft_seal(b.clamav->draft, b.arena, &file, NULL), 0);
    CHECK_INT(ruleset_open(file, 0, &set, NULL), 0);
    CHECK_INT(set.rule_count, 3);
    CHECK_INT(set.gates[0].targets, TARGET_BIT(TARGET_MEMBER));
    end(b);
}

/* A certificate of nobody, with what is written behind its name. */
static void read_signer(struct bench b, const char *trusted, const char *subject,
                        const char *serial, const char *rest)
{
    static const char sha[] = "0123456789abcdef0123456789abcdef01234567";
    bytes line = arena_printf(b.arena, "Name;%s;%s;%s;%s", trusted, *subject ? subject : sha,
                              *serial ? serial : sha, rest);
    read_text(b, "a.crb", (const char *)line.at);
}

static void test_signers(void)
{
    struct bench b = begin(&(struct clamav_options){0});
    struct clamav_count *count = &b.clamav->counts[CLAMAV_CERTIFICATE];
    read_signer(b, "1", "", "", "00C0FFEE;010001;1;0;1;7;comment");
    read_signer(b, "0", "", "", "c0ffee;010001;1;1;1;;comment;100;300");
    read_signer(b, "0", "", "", "C0FFEE;010001;1;1;1;;of the same");
    CHECK_INT(count->read, 3);
    CHECK_INT(b.clamav->draft->signers.n, 2);
    CHECK_INT(b.clamav->draft->rules.n, 1);
    const struct ruleset_signer *rows = b.clamav->draft->signers.at;
    CHECK_INT(rows[0].flags, SIGNER_CODE | SIGNER_CERTIFICATES);
    CHECK_INT(rows[0].not_before, 7);
    CHECK_INT(rows[0].key_length, 3);
    CHECK_INT(rows[0].exponent_length, 3);
    CHECK(rows[0].not_after == INT64_MAX && rows[0].algorithm == 0);
    CHECK(rows[0].key == rows[1].key);
    CHECK_INT(rows[1].flags, SIGNER_BLOCKED | SIGNER_CODE | SIGNER_TIMES | SIGNER_CERTIFICATES);
    read_signer(b, "0", "", "", "c0ffee;010001;1;1;1;;comment;999");
    CHECK_INT(count->ignored, 1);
    read_signer(b, "2", "", "", "c0ffee;010001;1;1;1;;comment");
    read_signer(b, "1", "12", "", "c0ffee;010001;1;1;1;;comment");
    read_signer(b, "1", "", "12", "c0ffee;010001;1;1;1;;comment");
    read_signer(b, "1", "", "", "key;010001;1;1;1;;comment");
    read_signer(b, "1", "", "", "c0ffee;010001;yes;1;1;;comment");
    read_signer(b, "1", "", "", "c0ffee;010001;1;1;1");
    read_signer(b, "1", "", "", "c0ffee;010001;1;1;1;;comment;x");
    CHECK_INT(count->refused, 7);
    CHECK_INT(trust_file(b.clamav, bytes_of("\x30\x03nothing")), 0);
    CHECK_INT(count->refused, 8);
    end(b);
}

static void test_icons(void)
{
    struct bench b = begin(&(struct clamav_options){0});
    char line[] = "Icon:A:B:10"
                  "000000000000000000000000000000000000000000"
                  "000000000000000000"
                  "000000000000000000"
                  "000000000000000000"
                  "000000000000000000"
                  "00000000\n";
    struct clamav_count *count = &b.clamav->counts[CLAMAV_ICON];
    char *side = strstr(line, "10"), *last = line + sizeof line - 3;
    read_text(b, "a.idb", line);
    CHECK_INT(count->read, 1);
    *last = '1';
    read_text(b, "b.idb", line);
    CHECK_INT(b.clamav->draft->icons.n, 1); /* the later file counts */
    CHECK_INT(b.clamav->draft->icons.at[0].colours, 1);
    *last = 'x';
    read_text(b, "b.idb", line);
    *last = '0';
    side[1] = '1';
    read_text(b, "b.idb", line);
    side[1] = '0';
    memcpy(side + 2, "fff", 3);
    read_text(b, "b.idb", line);
    read_text(b, "b.idb", "Icon:A:B\n");
    CHECK_INT(count->refused, 4);
    CHECK_INT(count->read, 2);
    end(b);
}

int main(void)
{
    test_kinds();
    test_ignored();
    test_refused();
    test_signers();
    test_icons();
    test_levels();
    test_members();
    test_passwords();
    test_types();
    return tap_done();
}

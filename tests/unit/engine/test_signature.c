#include "engine/engine.h"
#include "filetype/filetype.h"
#include "rules/draft.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* Rules are written as nodes, as the readers of signatures do. */
struct bench {
    struct arena *arena;
    struct draft *draft;
    struct ruleset set;
    struct scanner *scanner;
    enum limit limit; /* of the last scan */
};

static void open_draft(struct bench *b)
{
    *b = (struct bench){.arena = arena_new(64 << 20)};
    b->draft = draft_new(b->arena);
    b->draft->fingerprint = module_fingerprint();
}

static void rule_begin(struct bench *b, const char *name)
{
    draft_rule_begin(b->draft, bytes_of(name), draft_namespace(b->draft, bytes_of("db")),
                     RULE_SIGNATURE);
    draft_rule_targets(b->draft, TARGET_BIT(TARGET_ANY));
}

static void rule_end(struct bench *b, uint32_t condition)
{
    draft_rule_end(b->draft, condition, 0);
}

static uint32_t pattern(struct bench *b, const char *text)
{
    struct pattern_source source = {
        .kind = PATTERN_TEXT, .flags = PATTERN_ASCII, .text = bytes_of(text)};
    struct pattern_code code = {0};
    struct pattern_fault fault;
    if (pattern_compile(&source, b->arena, &code, &fault) < 0)
        exit(2);
    return draft_pattern(b->draft, bytes_of("$"), 0,
                         draft_program(b->draft, &code, 0, RULESET_ANY_OFFSET));
}

static uint32_t node(struct bench *b, struct node node)
{
    return draft_node(b->draft, node);
}

static uint32_t equals(struct bench *b, uint32_t a, int64_t number)
{
    return draft_binary(b->draft, NODE_EQ, TYPE_BOOL, a, draft_int(b->draft, number));
}

static void close_draft(struct bench *b)
{
    struct why why = {""};
    bytes file = {0};
    const struct scanner_options plain = {0};
    bool good = draft_seal(b->draft, b->arena, &file, &why) == 0 &&
                ruleset_open(file, module_fingerprint(), &b->set, &why) == 0;
    CHECK_STR(why.text, "");
    b->scanner = good ? scanner_new(&b->set, &plain) : NULL;
    if (!b->scanner)
        exit(tap_done());
}

/* Names of the rules found, each followed by a space. */
static const char *scan(struct bench *b, struct object_input object, bytes data)
{
    static char names[512];
    struct block block = {.data = data};
    struct verdict verdict;
    size_t used = 0;
    object.blocks = &block;
    object.block_count = 1;
    object.targets |= TARGET_BIT(TARGET_ANY);
    names[0] = 0;
    if (scanner_scan(b->scanner, &object, &verdict) < 0)
        return "error";
    b->limit = verdict.limit;
    for (uint32_t i = 0; i < verdict.finding_count; i++) {
        uint32_t name = b->set.rules[verdict.findings[i].rule].name;
        used += (size_t)snprintf(names + used, sizeof names - used, "%s ",
                                 ruleset_text(&b->set, name));
    }
    return names;
}

static const char *scan_text(struct bench *b, const char *text)
{
    return scan(b, (struct object_input){0}, bytes_of(text));
}

static void done(struct bench *b)
{
    scanner_free(b->scanner);
    arena_free(b->arena);
}

static void within(struct bench *b, const char *name, const uint32_t *types, uint32_t count)
{
    rule_begin(b, name);
    uint32_t start = draft_links(b->draft, types, count);
    rule_end(b, node(b, (struct node){NODE_WITHIN, TYPE_BOOL, 0, start, count, 0}));
}

static void containers_are_compared_from_the_inside(void)
{
    struct bench b;
    open_draft(&b);
    within(&b, "zip", (const uint32_t[]){FILETYPE_ZIP}, 1);
    within(&b, "zip-in-mail", (const uint32_t[]){FILETYPE_MAIL, FILETYPE_ZIP}, 2);
    within(&b, "zip-in-any", (const uint32_t[]){FILETYPE_ANY, FILETYPE_ZIP}, 2);
    close_draft(&b);
    const uint16_t types[] = {FILETYPE_GZ, FILETYPE_MAIL, FILETYPE_ZIP};
    struct object_input in = {0};
    CHECK_STR(scan(&b, in, bytes_of("x")), "");
    in = (struct object_input){.types = types, .type_count = 3};
    CHECK_STR(scan(&b, in, bytes_of("x")), "zip zip-in-mail zip-in-any ");
    in = (struct object_input){.types = types, .type_count = 2};
    CHECK_STR(scan(&b, in, bytes_of("x")), "");
    in = (struct object_input){.types = types + 2, .type_count = 1};
    CHECK_STR(scan(&b, in, bytes_of("x")), "zip ");
    done(&b);
}

static void number(struct bench *b, const char *name, int distance, uint32_t size, unsigned aux,
                   int64_t value)
{
    rule_begin(b, name);
    uint32_t links[] = {(uint32_t)distance, size, 0};
    uint32_t start = draft_links(b->draft, links, COUNT(links));
    uint32_t near = pattern(b, "KEY:");
    rule_end(
        b,
        equals(b, node(b, (struct node){NODE_NUMBER, TYPE_INT, (uint16_t)aux, near, start, 0}),
               value));
}

/* Expectations are clamscan's. */
static void numbers_are_read_at_a_distance_from_the_last_match(void)
{
    struct bench b;
    open_draft(&b);
    number(&b, "dec", 4, 3, NUMBER_TEXT_DECIMAL, 123);
    number(&b, "hex", 4, 3, NUMBER_TEXT_HEX, 0x123);
    number(&b, "hex-turned", 4, 4, NUMBER_TEXT_HEX | NUMBER_TURNED, 0x4123);
    number(&b, "exact", 4, 3, NUMBER_TEXT_DECIMAL | NUMBER_EXACT, 123);
    number(&b, "exact-space", 3, 4, NUMBER_TEXT_DECIMAL | NUMBER_EXACT, 123);
    number(&b, "auto", 4, 3, NUMBER_TEXT_AUTO, 123);
    number(&b, "auto-short", 4, 2, NUMBER_TEXT_AUTO, 12);
    number(&b, "little", 4, 2, NUMBER_LITTLE, '1' | '2' << 8);
    number(&b, "big", 4, 2, NUMBER_BIG, '2' | '1' << 8);
    number(&b, "odd", 4, 3, NUMBER_BIG, 0x313233);
    number(&b, "before", -1, 1, NUMBER_TEXT_DECIMAL, 9);
    number(&b, "nothing", 0, 3, NUMBER_TEXT_DECIMAL, 0);
    number(&b, "past", 8, 4, NUMBER_TEXT_DECIMAL, 0);
    close_draft(&b);
    CHECK_STR(scan_text(&b, "no number"), "");
    CHECK_STR(scan_text(&b, "KEY:7777 9KEY:1234"),
              "dec hex exact auto little big before nothing ");
    /* The first byte of a file is never read. */
    CHECK_STR(scan_text(&b, "9KEY:12341"), "dec hex exact auto little big nothing ");
    CHECK_STR(scan_text(&b, "KEY:123"), "dec hex exact auto little big ");
    done(&b);
}

/* `of` matches are followed by one of group `first`, and that by one of group `second`. */
static void followed(struct bench *b, const char *name, uint32_t of, uint32_t second,
                     uint16_t whose, int64_t count)
{
    rule_begin(b, name);
    uint32_t links[FOLLOWED_HEAD + 2 * FOLLOWED_EACH] = {
        NODE_NONE, NODE_NONE, second ? 2 : 1, draft_group_node(b->draft, 1), 3, 5};
    if (second) {
        links[FOLLOWED_HEAD + FOLLOWED_EACH] = draft_group_node(b->draft, second);
        links[FOLLOWED_HEAD + FOLLOWED_EACH + 1] = 2;
        links[FOLLOWED_HEAD + FOLLOWED_EACH + 2] = 4;
    }
    uint32_t start = draft_links(b->draft, links, COUNT(links));
    rule_end(b, equals(b,
                       node(b, (struct node){NODE_COUNT_FOLLOWED, TYPE_INT, whose, of, start,
                                             NODE_NONE}),
                       count));
}

/* Expectations are clamscan's; the groups have patterns that come before and behind their
 * nodes. */
static void what_follows_is_counted_as_clamscan_does(void)
{
    struct bench b;
    open_draft(&b);
    rule_begin(&b, "one");
    uint32_t one = pattern(&b, "mm");
    rule_end(&b, draft_bool(b.draft, false));
    draft_group_add(b.draft, 1, one);
    rule_begin(&b, "of");
    uint32_t of = pattern(&b, "aa");
    rule_end(&b, draft_bool(b.draft, false));
    followed(&b, "1", of, 0, 1, 1);
    followed(&b, "2", of, 0, 1, 2);
    followed(&b, "of1", of, 0, 0, 1);
    followed(&b, "of2", of, 0, 0, 2);
    followed(&b, "of3", of, 0, 0, 3);
    followed(&b, "then1", of, 2, 2, 1);
    followed(&b, "none", of, 3, 2, 1);
    rule_begin(&b, "two");
    uint32_t two = pattern(&b, "nn");
    rule_end(&b, draft_bool(b.draft, false));
    draft_group_add(b.draft, 1, two);
    rule_begin(&b, "then");
    uint32_t then = pattern(&b, "oo");
    rule_end(&b, draft_bool(b.draft, false));
    draft_group_add(b.draft, 2, then);
    close_draft(&b);
    CHECK_STR(scan_text(&b, "mm nn"), "");
    /* One match is followed by nothing. */
    CHECK_STR(scan_text(&b, "aa  mm"), "of1 ");
    /* The second judges the first, the end both. */
    CHECK_STR(scan_text(&b, "aa mm  aa"), "2 of2 ");
    CHECK_STR(scan_text(&b, "aa    mm  aa"), "of1 ");
    CHECK_STR(scan_text(&b, "aamm  aa"), "of1 ");
    CHECK_STR(scan_text(&b, "aa nn aa mm aa"), "1 of1 ");
    CHECK_STR(scan_text(&b, "aa      aa mm"), "of1 ");
    CHECK_STR(scan_text(&b, "aa      aa mm      aa"), "2 of2 ");
    CHECK_STR(scan_text(&b, "aa mmmm aa"), "2 of2 ");
    CHECK_STR(scan_text(&b, "aa mm oo aa"), "2 of2 then1 ");
    CHECK_STR(scan_text(&b, "aa mm    oo aa"), "2 of2 ");
    done(&b);
}

static void pcre(struct bench *b, const char *name, const char *text, uint32_t flags, int first,
                 int end, int64_t count)
{
    rule_begin(b, name);
    uint32_t at = draft_text(b->draft, bytes_of(text));
    uint32_t from = first < 0 ? (uint32_t)NODE_NONE : draft_int(b->draft, first);
    uint32_t until = first < 0 ? (uint32_t)NODE_NONE : draft_int(b->draft, end);
    uint32_t links[7] = {at, (uint32_t)strlen(text), flags, from, until, 0, 0};
    uint32_t start = draft_links(b->draft, links, COUNT(links));
    rule_end(
        b, equals(b, node(b, (struct node){NODE_COUNT_PCRE, TYPE_INT, 0, start, 0, 0}), count));
}

static void expressions_are_counted_where_they_may_be(void)
{
    struct bench b;
    open_draft(&b);
    pcre(&b, "once", "w(or)d[0-9]", 0, -1, 0, 1);
    pcre(&b, "all", "w(or)d[0-9]", PCRE_GLOBAL, -1, 0, 3);
    pcre(&b, "nocase", "WORD3", PCRE_NOCASE, -1, 0, 1);
    pcre(&b, "case", "WORD3", 0, -1, 0, 0);
    pcre(&b, "at", "word2", 0, 6, 7, 1);
    pcre(&b, "not-at", "word2", 0, 5, 6, 0);
    pcre(&b, "rolling", "word2", PCRE_ROLLING, 5, 6, 1);
    pcre(&b, "range", "word\\d", PCRE_GLOBAL, 0, 7, 2);
    pcre(&b, "encompassed", "word\\d", PCRE_GLOBAL | PCRE_ENCOMPASS, 0, 12, 2);
    pcre(&b, "cut", "word\\d", PCRE_GLOBAL | PCRE_ENCOMPASS, 0, 10, 1);
    pcre(&b, "empty", "z*", PCRE_GLOBAL, -1, 0, 17);
    pcre(&b, "broken", "(", 0, -1, 0, 0);
    close_draft(&b);
    const char *expected = "once all nocase case at not-at rolling range encompassed cut "
                           "empty broken ";
    CHECK_STR(scan_text(&b, "word1 word2 word3"), expected);
    CHECK_INT(b.limit, LIMIT_NONE);
    CHECK_STR(scan_text(&b, "word3"), "once nocase case not-at cut broken ");
    CHECK_STR(scan_text(&b, "word1 word2 word3"), expected);
    done(&b);
}

static void an_expression_that_needs_too_much_is_a_limit(void)
{
    struct bench b;
    open_draft(&b);
    pcre(&b, "bad", "(a+)+$", 0, -1, 0, 1);
    close_draft(&b);
    CHECK_STR(scan_text(&b, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), "");
    CHECK_INT(b.limit, LIMIT_STEPS);
    CHECK_STR(scan_text(&b, "aaaa"), "bad ");
    CHECK_INT(b.limit, LIMIT_NONE);
    done(&b);
}

static void a_member_is_described_by_its_container(void)
{
    struct bench b;
    open_draft(&b);

    static const struct {
        const char *name;
        enum node_member fact;
        int64_t value;
    } rows[] = {{"container", MEMBER_CONTAINER_SIZE, 900},
                {"packed", MEMBER_PACKED_SIZE, 50},
                {"size", MEMBER_SIZE, 70},
                {"encrypted", MEMBER_ENCRYPTED, 1},
                {"position", MEMBER_POSITION, 3}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        rule_begin(&b, rows[i].name);
        uint16_t fact = (uint16_t)rows[i].fact;
        rule_end(&b, equals(&b, node(&b, (struct node){NODE_MEMBER, TYPE_INT, fact, 0, 0, 0}),
                            rows[i].value));
    }
    rule_begin(&b, "name");
    uint32_t name = node(&b, (struct node){NODE_MEMBER_NAME, TYPE_STRING, 0, 0, 0, 0});
    uint32_t text = draft_string(b.draft, bytes_of("a.exe"));
    rule_end(&b, draft_binary(b.draft, NODE_EQ, TYPE_BOOL, name, text));
    close_draft(&b);
    struct object_member member = {bytes_of("a.exe"), 900, 50, 70, 3, true};
    struct object_input in = {.member = &member};
    CHECK_STR(scan(&b, in, bytes_of("x")), "container packed size encrypted position name ");
    member =
        (struct object_member){bytes_of("b"), UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, false};
    CHECK_STR(scan(&b, in, bytes_of("x")), "");
    in.member = NULL;
    CHECK_STR(scan(&b, in, bytes_of("x")), "");
    done(&b);
}

/* A small ELF file of 32 bits: one segment, two sections. */
static bytes make_elf(uint8_t file[256], uint16_t sections)
{
    static const uint8_t head[] = "\177ELF\1\1\1";
    memset(file, 0, 256);
    memcpy(file, head, 7);

    const struct {
        uint32_t at, value;
    } words[] = {{24, 0x8010},   {28, 52},      {32, 84},        {42, 32 | 1u << 16},
                 {56, 0x40},     {60, 0x8000},  {68, 0x80},      {72, 0x80},
                 {84 + 16, 200}, {84 + 20, 20}, {124 + 16, 220}, {124 + 20, 30}};

    for (size_t i = 0; i < COUNT(words); i++)
        for (unsigned k = 0; k < 4; k++)
            file[words[i].at + k] = (uint8_t)(words[i].value >> 8 * k);
    file[46] = 40;
    file[48] = (uint8_t)sections;
    memcpy(file + 0x50, "ENTRY", 5);
    return (bytes){file, 256};
}

static void place(struct bench *b, const char *name, enum node_place what, uint32_t section,
                  int64_t value)
{
    rule_begin(b, name);
    uint32_t at = node(b, (struct node){NODE_PLACE, TYPE_INT, (uint16_t)what, section, 0, 0});
    rule_end(b, equals(b, at, value));
}

static void places_are_those_of_the_object_s_kind(void)
{
    struct bench b;
    uint8_t file[256];
    open_draft(&b);
    place(&b, "entry", PLACE_ENTRY, 0, 0x50);
    place(&b, "begin", PLACE_SECTION, 0, 200);
    place(&b, "end", PLACE_SECTION_END, 0, 220);
    place(&b, "third", PLACE_SECTION, 2, 0);
    place(&b, "last", PLACE_LAST_SECTION, 0, 220);
    place(&b, "count", PLACE_SECTION_COUNT, 0, 2);
    place(&b, "none", PLACE_SECTION_COUNT, 0, 0);
    rule_begin(&b, "found");
    uint32_t entry = pattern(&b, "ENTRY");
    uint32_t at = node(&b, (struct node){NODE_PLACE, TYPE_INT, PLACE_ENTRY, 0, 0, 0});
    rule_end(&b, node(&b, (struct node){NODE_FOUND_AT, TYPE_BOOL, 0, entry, at, 0}));
    close_draft(&b);
    struct object_input elf = {.targets = TARGET_BIT(TARGET_ELF)};
    struct object_input pe = {.targets = TARGET_BIT(TARGET_PE)};
    CHECK_STR(scan(&b, elf, make_elf(file, 2)), "entry begin end last count found ");
    CHECK_STR(scan(&b, pe, make_elf(file, 2)), "");
    /* Without sections there is no last one. */
    CHECK_STR(scan(&b, elf, make_elf(file, 0)), "entry none found ");
    /* A table that is cut off: nothing is known. */
    CHECK_STR(scan(&b, elf, make_elf(file, 9)), "");
    done(&b);
}

int main(void)
{
    containers_are_compared_from_the_inside();
    numbers_are_read_at_a_distance_from_the_last_match();
    what_follows_is_counted_as_clamscan_does();
    expressions_are_counted_where_they_may_be();
    an_expression_that_needs_too_much_is_a_limit();
    a_member_is_described_by_its_container();
    places_are_those_of_the_object_s_kind();
    return tap_done();
}

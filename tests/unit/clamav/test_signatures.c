/* Signatures over small objects. Each expectation is what clamscan 1.4.6 answered;
 * tests/oracle/clamav_bodies.py asks it about thousands more. */
#include "clamav/clamav.h"
#include "engine/engine.h"
#include "tap.h"

#include <string.h>

static const struct {
    const char *file, *line, *data;
    bool found;
} cases[] = {
    {"a.ndb", "A:0:*:616263", "xxabcxx", true},
    {"a.ndb", "A:0:*:616263", "xxabdxx", false},
    {"a.ndb", "A:0:2:616263", "xxabcxx", true},
    {"a.ndb", "A:0:1:616263", "xxabcxx", false},
    {"a.ndb", "A:0:0,2:616263", "xxabcxx", true},
    {"a.ndb", "A:0:0,1:616263", "xxabcxx", false},
    {"a.ndb", "A:0:EOF-5:616263", "xxabcxx", true},
    {"a.ndb", "A:0:EOF-4:616263", "xxabcxx", false},
    {"a.ndb", "A:0:EOF-99,98:616263", "xxabcxx", false},
    {"a.ndb", "A:0:*:6162??63", "xxab.cxx", true},
    {"a.ndb", "A:0:*:61626?63", "xxab1c", false},
    {"a.ndb", "A:0:*:78616?63", "xxaac", true},
    {"a.ndb", "A:0:*:6162{2}6364", "ab..cd", true},
    {"a.ndb", "A:0:*:6162{2}6364", "ab.cd", false},
    {"a.ndb", "A:0:*:6162{-2}6364", "abcd", true},
    {"a.ndb", "A:0:*:6162{1-2}6364", "abcd", false},
    {"a.ndb", "A:0:*:6162{3-}6364", "ab....cd", true},
    {"a.ndb", "A:0:*:6162*6364", "ab....cd", true},
    {"a.ndb", "A:0:*:6162*6364", "cd....ab", false},
    {"a.ndb", "A:0:*:6162(63|64)65", "abde", true},
    {"a.ndb", "A:0:*:6162!(63|64)65", "abde", false},
    {"a.ndb", "A:0:*:6162!(6364|6565)66", "abcef", true},
    {"a.ndb", "A:0:*:6162!(6364|6565)66", "abcdf", false},
    {"a.ndb", "A:0:*:6162(63|646566)67", "abdefg", true},
    {"a.ndb", "A:0:*:7a[1-3]6162", "z..ab", true},
    {"a.ndb", "A:0:*:7a[1-3]6162", "zab", false},
    {"a.ndb", "A:0:*:(W)616263(W)", "-abc-", true},
    {"a.ndb", "A:0:*:(W)616263(W)", "-abcd", false},
    {"a.ndb", "A:0:*:616263!(L)", "abc\n", false},
    {"a.ndb", "A:0:*:6162(W)*(B)6364", "ab-- cd", true},
    {"a.ndb", "A:0:*:6162(W)*(B)6364", "ab--cdx", true},
    {"a.ndb", "A:0:*:6162(W)*(B)6364", "abx cd", false},
    {"a.ndb", "A:0:*:6162(W)*(B)6364", "ab-xcd", false},
    {"a.ndb", "A:0:*:6162{0-9}6364(W)", "abcdcd", true},
    {"a.ndb", "A:0:*:6162{2}", "-abxy", true},
    {"a.ndb", "A:0:*:!(L)6162", "-\rab", true},
    {"a.ndb", "A:0:*:!(L)0a6162", "-\r\nab", false},
    {"a.ndb", "A:0:2:61[0-3]6263", "abc---", false},
    {"a.ndb", "A:0:1:61[0-3]6263", "abc---", true},
    {"a.ldb", "A;Target:0;0=1;61[0-3]6263", "aabc--", true},
    {"a.ldb", "A;Engine:51-255,Target:0;0&1;616263;646566", "abc def", true},
    {"a.ldb", "A;Engine:51-255,Target:0;0&1;616263;646566", "abc", false},
    {"a.ldb", "A;Engine:51-255,Target:0;0|1;616263;646566", "abc", true},
    {"a.ldb", "A;Engine:51-255,Target:0;0=0&1;616263;646566", "def", true},
    {"a.ldb", "A;Engine:51-255,Target:0;0=0&1;616263;646566", "abcdef", false},
    {"a.ldb", "A;Engine:51-255,Target:0;0>1;616263", "abc abc", true},
    {"a.ldb", "A;Engine:51-255,Target:0;0>2;616263", "abc abc", false},
    {"a.ldb", "A;Engine:51-255,Target:0;0<2;616263", "", true},
    {"a.ldb", "A;Engine:51-255,Target:0;(0|1)>2;616263;646566", "abc def abc", true},
    {"a.ldb", "A;Engine:51-255,Target:0;(0|1)>2;616263;646566", "abc def", false},
    {"a.ldb", "A;Engine:51-255,Target:0;(0|1)>2,2;616263;646566", "abc abc abc", false},
    {"a.ldb", "A;Engine:51-255,Target:0;(0|1)>2,2;616263;646566", "abc def abc", true},
    {"a.ldb", "A;Engine:51-255,Target:0;(0&1)=0;616263;646566", "abc", true},
    {"a.ldb", "A;Engine:51-255,Target:0;0&1|2;6161;6262;6363", "cc", false},
    {"a.ldb", "A;Engine:51-255,Target:0;(0&1|2);6161;6262;6363", "cc", true},
    {"a.ldb", "A;Engine:51-255,Target:0;0;616263::i", "ABC", true},
    {"a.ldb", "A;Engine:51-255,Target:0;0;616263::w", "abc", false},
    {"a.ldb", "A;Engine:51-255,Target:0;0;616263::wa", "abc", true},
    {"a.ldb", "A;Engine:51-255,Target:0;0;616263::f", "abcd", false},
    {"a.ldb", "A;Engine:51-255,Target:0;0;EOF-3:616263::i", "...ABC", true},
    {"a.ldb", "A;Engine:51-255,Target:0,FileSize:4-9;0;616263", "abc", false},
    {"a.ldb", "A;Engine:51-255,Target:0,FileSize:3-3;0;616263", "abc", true},
    {"a.ldb", "A;Engine:51-255,Target:1;0;616263", "abc", false},
    {"a.ldb", "A;Engine:51-255,Target:0;0>1;6162*6364", "ab cd cd", true},
    /* A jump beside a byte in brackets is measured from the part. */
    {"a.ndb", "A:0:*:616161{3-6}28[1-2]626262", "aaa(..bbb", true},
    {"a.ndb", "A:0:*:616161{3-6}28[1-2]626262", "aaa(.bbb", false},
    {"a.ndb", "A:0:*:616161{3-6}28[1-2]626262", "aaa....(.bbb", true},
    {"a.ndb", "A:0:*:616161{3-6}28[1-2]626262", "aaa....(..bbb", false},
    {"a.ndb", "A:0:*:636363[1-2]28{3-6}646464", "ccc..(ddd", true},
    {"a.ndb", "A:0:*:636363[1-2]28{3-6}646464", "ccc.(ddd", false},
    {"a.ndb", "A:0:*:636363[1-2]28{3-6}646464", "ccc.(....ddd", true},
    {"a.ndb", "A:0:*:636363[1-2]28{3-6}646464", "ccc..(....ddd", false},
    {"a.ndb", "A:0:*:636363[2]28{3-600}646464", "ccc..(ddd", true},
    {"a.ndb", "A:0:*:636363[2]28{4-600}646464", "ccc..(ddd", false},
    {"a.db", "A=616263", "abc", true},
};

static const struct {
    const char *file, *line, *reason;
} refused[] = {
    {"a.ndb", "A:7:*:61", "a part is shorter than two bytes"},
    {"a.ndb", "A:0:*:6162", "is shorter than three bytes"},
    {"a.ndb", "A:0:*:61626364656", "is no hexadecimal text"},
    {"a.ndb", "A:0:*:61??62??", "a part has no two fixed bytes in a row"},
    {"a.ndb", "A:0:*:6162(63*64)65", "a jump within alternatives"},
    {"a.ndb", "A:0:*:6162(63|64", "lacks a closing parenthesis"},
    {"a.ndb", "A:0:*:6162!(63|6465)65", "negated alternatives differ in length"},
    {"a.ndb", "A:0:*:6162{5-2}6364", "a jump can never be taken"},
    {"a.ndb", "A:0:EP+0:616263", "an offset is of programs, the target is none"},
    {"a.ndb", "A:15:*:616263", "a target that is not known"},
    {"a.ndb", "A:0:x:616263", "an offset is malformed"},
    {"a.ndb", "A:0:*", "is not name:target:offset:body"},
    {"a.ndb", "A:0:*:616263:x", "an engine level is no number"},
    {"a.db", "A", "is not name=body"},
    {"a.ldb", "A;Target:0;0;6162::q", "has a modifier that is not known"},
    {"a.ldb", "A;Target:0;0&2;6162;6163", "has other subsignatures than its expression names"},
    {"a.ldb", "A;Target:0;0&(1;6162;6163", "has an expression that is not understood"},
    {"a.ldb", "A;Engine:51-255;0;6162", "has no target"},
    {"a.ldb", "A;Target:0,FileSize:1-2;0;6162", "asks for more than its engine level has"},
    {"a.ldb", "A;Engine:51-255,Target:0,EntryPoint:1-2;0;6162",
     "asks for sections of what is no program"},
    {"a.ldb", "A;Engine:51-255,Target:0,Container:CL_TYPE_X;0;6162",
     "asks for a file type that is not known"},
    {"a.ldb", "A;Target:0;0&1;6162;${1-2}$", "a macro is malformed"},
    {"a.ldb", "A;Target:0;0&1;6162;${1-}2$", "a macro is malformed"},
    {"a.ldb", "A;Target:0;0&1;6162;${1-2}32$", "a macro is of a group beyond 31"},
    {"a.ldb", "A;Target:0;0&1&2;6162;0/a/;${1-2}3$", "a macro follows what is no body"},
    {"a.ldb", "A;Engine:51-255,Target:1;0&1;VI:6162;${1-2}3$",
     "a macro follows a version's text"},
    {"a.ndb", "A:0:$32$:616263", "an offset is malformed"},
    {"a.ndb", "A:0:$1$:61", "a part is shorter than two bytes"},
    {"a.ldb", "A;Target:0;0&1;6162;1/a/",
     "a PCRE's trigger is no condition on what is before it"},
    {"a.ldb", "A;Target:0;0&1;6162;2(>>1#ib1#=1)",
     "a comparison of bytes refers to no earlier body"},
};

static struct clamav *read_line(struct arena *arena, const char *file, const char *line,
                                struct draft **ret)
{
    *ret = draft_new(arena);
    struct clamav *clamav = clamav_new(*ret, &(struct clamav_options){.pua = true});
    CHECK(clamav_read(clamav, bytes_of(file), bytes_of(line), false, NULL) == 0);
    return clamav;
}

static bool scan(struct draft *draft, struct arena *arena, const char *data)
{
    struct ruleset set;
    struct why why = {""};
    bytes file;
    CHECK(draft_seal(draft, arena, &file, &why) == 0);
    CHECK(ruleset_open(file, draft->fingerprint, &set, &why) == 0);
    struct scanner *scanner = scanner_new(&set, &(struct scanner_options){0});
    struct block block = {.data = bytes_of(data)};
    struct object_input object = {
        .blocks = &block, .block_count = 1, .targets = TARGET_BIT(TARGET_ANY)};
    struct verdict verdict;
    CHECK(scanner_scan(scanner, &object, &verdict) == 0);
    bool found = verdict.finding_count == 1;
    scanner_free(scanner);
    return found;
}

static void test_cases(void)
{
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int unfiltered = 0; unfiltered < 2; unfiltered++) {
            struct arena *arena = arena_new(64 << 20);
            struct draft *draft;
            struct clamav *clamav = read_line(arena, cases[i].file, cases[i].line, &draft);
            draft->unfiltered = unfiltered;
            CHECK(draft->rules.n == 1);
            tap_check(scan(draft, arena, cases[i].data) == cases[i].found, cases[i].line,
                      cases[i].data, unfiltered);
            clamav_free(clamav);
            arena_free(arena);
        }
}

static void test_refused(void)
{
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct arena *arena = arena_new(64 << 20);
        struct draft *draft;
        struct clamav *clamav = read_line(arena, refused[i].file, refused[i].line, &draft);
        CHECK(draft->rules.n == 0 && draft->patterns.n == 0);
        CHECK(clamav->reason_count == 1);
        CHECK_STR(clamav->reasons[0].text, refused[i].reason);
        clamav_free(clamav);
        arena_free(arena);
    }
}

/* A signature with macros, and lines of bodies before or behind it. */
static const struct {
    const char *logical, *bodies, *data;
    bool found;
} groups[] = {
    {"A;Engine:51-255,Target:0;0&1;616161;${6-7}12$", "M:0:$12$:626262", "aaa...bbb aaa", true},
    {"A;Engine:51-255,Target:0;0&1;616161;${6-7}12$", "M:0:$12$:626262", "aaa....bbb aaa",
     true},
    {"A;Engine:51-255,Target:0;0&1;616161;${6-7}12$", "M:0:$12$:626262", "aaa..bbb aaa", false},
    {"A;Engine:51-255,Target:0;0&1;616161;${6-7}12$", "M:0:$12$:626262", "aaa.....bbb aaa",
     false},
    {"A;Engine:51-255,Target:0;0&1;616161;${6-7}12$", "M:0:$12$:626262", "aaa...bbb", false},
    {"A;Engine:51-255,Target:0;0&1;616161;${6-7}12$", "M:0:$11$:626262", "aaa...bbb aaa",
     false},
    {"A;Engine:51-255,Target:0;0&1;616161;${6-7}12$", "M:7:$12$:626262", "aaa...bbb aaa",
     false},
    {"A;Engine:51-255,Target:0;0&1;616161;${6-7}12$", "M:0:$12$:6262\nN:0:$12$:6464",
     "aaa...dd aaa", true},
    {"A;Engine:51-255,Target:0;1&2;61616161;616161;${6-65542}1$", "M:0:$1$:626262",
     "aaaa...bbb aaa", true},
    {"A;Engine:51-255,Target:0;0=1&1=0;616161;${6-7}1$", "M:0:$1$:626262", "aaa..bbb aaa",
     true},
    {"A;Engine:51-255,Target:0;2>0;0,12:616161;${6-7}1$;${3-4}2$", "M:0:$1$:6262\nN:0:$2$:6363",
     "aaa...bb.cc.aaa", true},
    {"A;Engine:51-255,Target:0;2>0;0,11:616161;${6-7}1$;${3-4}2$", "M:0:$1$:6262\nN:0:$2$:6363",
     "aaa...bb.cc.aaa", false},
    {"A;Engine:51-255,Target:0;2>0;616161;${6-7}1$;${4-5}2$", "M:0:$1$:6262\nN:0:$2$:6363",
     "aaa...bb.cc.aaa", false},
    {"A;Engine:51-255,Target:0;0;${6-7}1$", "M:0:$1$:6262", "bb bb bb bb", false},
};

static void test_groups(void)
{
    for (size_t i = 0; i < COUNT(groups); i++)
        for (int turn = 0; turn < 4; turn++) {
            struct arena *arena = arena_new(64 << 20);
            struct draft *draft = draft_new(arena);
            struct clamav *clamav = clamav_new(draft, &(struct clamav_options){0});
            bytes logical = bytes_of(groups[i].logical), bodies = bytes_of(groups[i].bodies);
            draft->unfiltered = turn & 1;
            for (int file = 0; file < 2; file++)
                CHECK((file ^ turn >> 1
                           ? clamav_read(clamav, bytes_of("a.ndb"), bodies, false, NULL)
                           : clamav_read(clamav, bytes_of("a.ldb"), logical, false, NULL)) ==
                      0);
            CHECK(clamav->counts[CLAMAV_LOGICAL].read == 1 && clamav->has_macros);
            tap_check(scan(draft, arena, groups[i].data) == groups[i].found, groups[i].logical,
                      groups[i].data, turn);
            clamav_free(clamav);
            arena_free(arena);
        }
}

static void test_labels(void)
{
    struct arena *arena = arena_new(64 << 20);
    struct draft *draft;
    struct clamav *clamav = read_line(arena, "a.ndb", "#\nWin.A-1:1:*:616263:51:255", &draft);
    CHECK(draft->rules.n == 1 && draft->rules.at[0].line == 2);
    CHECK(draft->rules.at[0].flags == RULE_SIGNATURE);
    CHECK(draft->targets.at[0] == TARGET_BIT(TARGET_PE));
    CHECK(strcmp((const char *)draft->texts.at + draft->rules.at[0].name,
                 "Win.A-1.UNOFFICIAL") == 0);
    CHECK(clamav->counts[CLAMAV_BODY].read == 1);
    clamav_free(clamav);
    clamav = read_line(arena, "a.ndb", "Win.A-1:1:*:616263:5000", &draft);
    CHECK(draft->rules.n == 0 && clamav->counts[CLAMAV_BODY].ignored == 1);
    clamav_free(clamav);
    arena_free(arena);
}

int main(void)
{
    test_cases();
    test_refused();
    test_groups();
    test_labels();
    return tap_done();
}

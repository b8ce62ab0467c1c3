#include "engine/engine.h"
#include "tap.h"
#include "yara/yara.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A ruleset out of rule text, and a scanner for it. */
struct bench {
    struct arena *arena;
    struct ruleset *set; /* in the arena: the scanner points to it */
    struct scanner *scanner;
};

static void message(void *context, const struct yara_message *found)
{
    (void)context;
    printf("# %s\n", found->text);
}

static struct bench begin(const char *text, const struct scanner_options *options)
{
    struct bench b = {.arena = arena_new(64 << 20)};
    b.set = PUSH(b.arena, struct ruleset);
    struct draft *draft = draft_new(b.arena);
    draft_external(draft, bytes_of("name"), TYPE_STRING, 0, 0, bytes_of("default"));
    struct yara_options yara = {.message = message};
    struct yara_compiler *compiler = yara_compiler_new(draft, &yara);
    struct yara_source source = {.text = bytes_of(text), .name_space = bytes_of("default")};
    uint32_t errors = 1;
    bytes file = {0};
    struct why why = {""};
    bool good = yara_compile(compiler, &source, &errors) == 0 && errors == 0 &&
                draft_seal(draft, b.arena, &file, &why) == 0 &&
                ruleset_open(file, module_fingerprint(), b.set, &why) == 0;
    CHECK(good);
    CHECK_STR(why.text, "");
    b.scanner = good ? scanner_new(b.set, options) : NULL;
    if (!CHECK(b.scanner != NULL))
        exit(tap_done());
    return b;
}

static void end(struct bench b)
{
    scanner_free(b.scanner);
    arena_free(b.arena);
}

/* Names of the rules found, each followed by a space. */
static const char *scan_blocks(struct bench b, const struct block *blocks, uint32_t count,
                               bool is_process, enum limit *ret_limit)
{
    static char names[256];
    struct object_input object = {
        .blocks = blocks, .block_count = count, .is_process = is_process};
    struct verdict verdict;
    names[0] = 0;
    if (scanner_scan(b.scanner, &object, &verdict) < 0)
        return "error";
    size_t used = 0;
    for (uint32_t i = 0; i < verdict.finding_count; i++) {
        uint32_t name = b.set->rules[verdict.findings[i].rule].name;
        used += (size_t)snprintf(names + used, sizeof names - used, "%s ",
                                 ruleset_text(b.set, name));
    }
    if (ret_limit)
        *ret_limit = verdict.limit;
    return names;
}

static const char *scan(struct bench b, const char *text)
{
    struct block block = {.data = bytes_of(text)};
    return scan_blocks(b, &block, 1, false, NULL);
}

static const struct scanner_options plain;

static void forgets_the_object_before(void)
{
    struct bench b = begin("rule one { strings: $a = \"first words\" condition: $a }\n"
                           "rule two { strings: $a = /sec[aeiou]nd/ condition: #a == 2 }\n"
                           "rule absent { strings: $a = \"first words\" condition: not $a }",
                           &plain);
    CHECK_STR(scan(b, "the first words"), "one ");
    CHECK_STR(scan(b, "second and second"), "two absent ");
    CHECK_STR(scan(b, "second"), "absent ");
    CHECK_STR(scan(b, "first words second second"), "one two ");
    CHECK_STR(scan(b, ""), "absent ");
    CHECK_INT(scanner_matches(b.scanner, 0)->list.n, 0);
    end(b);
}

static void global_rules_bind_their_namespace_and_private_ones_stay_silent(void)
{
    struct bench b = begin("global private rule big { condition: filesize > 5 }\n"
                           "private rule hidden { strings: $a = \"key\" condition: $a }\n"
                           "rule user { condition: hidden }\n"
                           "rule always { condition: true }",
                           &plain);
    CHECK_STR(scan(b, "a key in it"), "user always ");
    CHECK_STR(scan(b, "key"), "");
    CHECK_STR(scan(b, "nothing here"), "always ");
    end(b);
}

static void variables_keep_their_value_until_set_again(void)
{
    struct bench b = begin("rule named { condition: name == \"x.exe\" }\n"
                           "rule unnamed { condition: name == \"default\" }",
                           &plain);
    CHECK_STR(scan(b, "a"), "unnamed ");
    CHECK(scanner_set(b.scanner, bytes_of("name"), value_bytes(bytes_of("x.exe"))));
    CHECK(!scanner_set(b.scanner, bytes_of("other"), value_bytes(bytes_of("x.exe"))));
    CHECK_STR(scan(b, "a"), "named ");
    CHECK_STR(scan(b, "a"), "named ");
    end(b);
}

static void a_process_has_addresses_and_no_size(void)
{
    struct bench b = begin("rule place { strings: $a = \"needle\" condition: @a == 0x5002 }\n"
                           "rule read { condition: uint16be(0x9000) == 0x6162 }\n"
                           "rule size { condition: filesize >= 0 }\n"
                           "rule sizeless { condition: not defined filesize }",
                           &plain);
    const struct block blocks[] = {{bytes_of("__needle__"), 0x5000}, {bytes_of("abc"), 0x9000}};
    CHECK_STR(scan_blocks(b, blocks, 2, true, NULL), "place read sizeless ");
    CHECK_STR(scan(b, "__needle__"), "size ");
    end(b);
}

static void says_when_the_budget_ran_out(void)
{
    volatile bool stop = true;
    struct scanner_options few = {.steps = 2000}, stopped = {.stop = &stop};
    const char *text = "rule slow { condition: for all i in (0..100000) : (i >= 0) }";
    struct block block = {.data = bytes_of("object")};
    enum limit limit;
    struct bench b = begin(text, &few);
    CHECK_STR(scan_blocks(b, &block, 1, false, &limit), "");
    CHECK_INT(limit, LIMIT_STEPS);
    end(b);
    b = begin(text, &stopped);
    scan_blocks(b, &block, 1, false, &limit);
    CHECK_INT(limit, LIMIT_STOPPED);
    end(b);
    b = begin(text, &plain);
    CHECK_STR(scan_blocks(b, &block, 1, false, &limit), "slow ");
    CHECK_INT(limit, LIMIT_NONE);
    end(b);
}

/* What the filter denies must be right for every way of asking for several patterns. */
static void wants_as_many_patterns_as_the_rule_says(void)
{
    struct bench b = begin(
        "rule two { strings: $a = \"alpha1\" $b = \"bravo2\" $c = \"charlie3\"\n"
        "  condition: 2 of them }\n"
        "rule absent { strings: $a = \"alpha1\" $b = \"bravo2\" condition: none of them }\n"
        "rule zero { strings: $a = \"alpha1\" $b = \"bravo2\" condition: 0 of them }\n"
        "rule half { strings: $a = \"alpha1\" $b = \"bravo2\" condition: 50% of them }\n"
        "rule loop { strings: $a = \"alpha1\" $b = \"bravo2\"\n"
        "  condition: for 2 of them : ( @ >= 0 ) }\n"
        "rule few { strings: $a = \"alpha1\" condition: #a < 2 and filesize > 0 }",
        &plain);
    CHECK_STR(scan(b, "alpha1 bravo2"), "two half loop few ");
    CHECK_STR(scan(b, "charlie3"), "absent zero few ");
    CHECK_STR(scan(b, "charlie3 bravo2"), "two half few ");
    CHECK_STR(scan(b, "alpha1 alpha1"), "half ");
    end(b);
}

/* The literals of rules for programs alone are not looked for in other objects: that must not
 * deny them to rules that want them anywhere. */
static void programs_have_a_filter_of_their_own(void)
{
    struct bench b =
        begin("rule programs { strings: $x = \"shared_text\"\n"
              "  condition: uint16(0) == 0x5A4D and $x }\n"
              "rule anywhere { strings: $y = \"an_anchor_word\" $x = \"shared_text\"\n"
              "  condition: $y and $x }\n"
              "rule alone { strings: $z = \"only_in_programs\"\n"
              "  condition: uint16(0) == 0x5A4D and $z }\n"
              "rule caller { strings: $v = \"calls_another\" condition: $v and not alone }",
              &plain);
    CHECK_INT(b.set->filter_count, 2);
    CHECK_STR(scan(b, "an_anchor_word shared_text"), "anywhere ");
    CHECK_STR(scan(b, "only_in_programs calls_another"), "caller ");
    CHECK_STR(scan(b, "MZ an_anchor_word shared_text only_in_programs calls_another"),
              "programs anywhere alone ");
    const struct block blocks[] = {{bytes_of("MZ only_in_programs"), 0},
                                   {bytes_of("an_anchor_word shared_text"), 0x9000}};
    CHECK_STR(scan_blocks(b, blocks, 2, true, NULL), "programs anywhere alone ");
    end(b);
}

/* The same of old documents, where there is much for them alone. */
static void documents_have_one_too(void)
{
    struct bench b = begin("rule programs { strings: $x = \"only_in_programs\"\n"
                           "  condition: uint16(0) == 0x5A4D and $x }\n"
                           "rule documents { strings: $y = \"only_in_documents\"\n"
                           "  condition: uint32(0) == 0xe011cfd0 and $y }\n"
                           "rule anywhere { strings: $z = \"an_anchor_word\" condition: $z }",
                           &plain);
    CHECK_INT(b.set->filter_count, 3);
    CHECK_STR(scan(b, "only_in_programs only_in_documents an_anchor_word"), "anywhere ");
    CHECK_STR(scan(b, "MZ only_in_programs only_in_documents an_anchor_word"),
              "programs anywhere ");
    CHECK_STR(scan(b, "\xd0\xcf\x11\xe0 only_in_programs only_in_documents an_anchor_word"),
              "documents anywhere ");
    end(b);
}

/* Literals of patterns that count at one place near the front are looked for nowhere else, but
 * where another rule wants the same anywhere. */
static void the_front_has_a_filter_of_its_own(void)
{
    struct bench b = begin("rule front { strings: $a = \"front_word\" condition: $a at 4 }\n"
                           "rule both { strings: $b = \"both_words\" condition: $b at 4 }\n"
                           "rule some { strings: $b = \"both_words\" condition: $b }\n"
                           "rule far { strings: $c = \"far_away_word\" condition: $c at 2000 }",
                           &plain);
    char text[2100];
    CHECK_INT(b.set->filter_count, 2);
    CHECK_INT(b.set->filters[0].reach, 14);
    CHECK_INT(b.set->filters[0].anchor_count, 1);
    CHECK_STR(scan(b, "0123front_word"), "front ");
    CHECK_STR(scan(b, "0123front_wor"), "");
    CHECK_STR(scan(b, "012front_word"), "");
    CHECK_STR(scan(b, "0123both_words"), "both some ");
    CHECK_STR(scan(b, "0123 both_words"), "some ");
    snprintf(text, sizeof text, "0123front_word %*s", 1985 + (int)sizeof "far_away_word" - 1,
             "far_away_word");
    CHECK_STR(scan(b, text), "front far ");
    end(b);
}

int main(void)
{
    the_front_has_a_filter_of_its_own();
    programs_have_a_filter_of_their_own();
    documents_have_one_too();
    forgets_the_object_before();
    global_rules_bind_their_namespace_and_private_ones_stay_silent();
    variables_keep_their_value_until_set_again();
    a_process_has_addresses_and_no_size();
    says_when_the_budget_ran_out();
    wants_as_many_patterns_as_the_rule_says();
    return tap_done();
}

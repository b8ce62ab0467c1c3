/* What the compiler says about rule texts, and what it hands on. Golden: one text, and all its
 * messages as "line:column code: text", one a line. */
#include <stdlib.h>

#include "tap.h"
#include "yara/yara.h"

struct said {
    char text[1 << 18];
    bool outside; /* a message that points out of its text */
    bytes source;
};

static void hear(void *context, const struct yara_message *message)
{
    struct said *said = context;
    size_t used = strlen(said->text);
    snprintf(said->text + used, sizeof said->text - used, "%u:%u %s: %s\n", message->line,
             message->column, message->code, message->text);
    if (message->line == 0 || message->column == 0 ||
        message->source_line.at + message->source_line.len > said->source.at + said->source.len)
        said->outside = true;
}

/* Nothing but eight times the include of the next one: b, bb, bbb ... */
static bytes bomb(size_t length)
{
    static char texts[16][256];
    char *text = texts[length];
    for (int i = 0; i < 8; i++)
        snprintf(text + (length + 12) * (size_t)i, 32, "include \"%.*s\" ", (int)length + 1,
                 "bbbbbbbbbbbbbbbb");
    return bytes_of(text);
}

static int include(void *context, bytes name, bytes from, struct yara_source *ret,
                   struct why *why)
{
    (void)context;
    (void)from;
    if (bytes_is(name, "good"))
        ret->text = bytes_of("rule included { condition: true }");
    else if (bytes_is(name, "self"))
        ret->text = bytes_of("include \"self\"");
    else if (name.at[0] == 'b' && name.len < 15)
        ret->text = bomb(name.len);
    else if (name.at[0] == 'b')
        ret->text = bytes_of("");
    else if (name.len < 40)
        ret->text = bytes_of("include \"deeper\"");
    else
        return fail(why, 2, "no such file");
    ret->name = name;
    if (bytes_is(name, "deeper")) { /* each has another name */
        static char names[64][8];
        static unsigned number;
        snprintf(names[number % 64], sizeof names[0], "d%u", number);
        ret->name = bytes_of(names[number++ % 64]);
    }
    return 0;
}

static struct draft *compile(struct arena *arena, const char *text, struct said *said,
                             uint32_t *errors)
{
    struct draft *draft = draft_new(arena);
    struct yara_options options = {
        .message = hear, .message_context = said, .include = include, .strict_4 = true};
    struct yara_source source = {
        .text = bytes_of(text), .name = bytes_of("test.yar"), .name_space = bytes_of("n")};
    *said = (struct said){.source = source.text};
    draft_external(draft, bytes_of("ext"), TYPE_INT, 1, 0, (bytes){0});
    draft_external(draft, bytes_of("word"), TYPE_STRING, 0, 0, bytes_of("x"));
    if (yara_compile(yara_compiler_new(draft, &options), &source, errors) < 0)
        *errors = UINT32_MAX;
    return draft;
}

static const struct golden {
    const char *text, *messages;
} golden[] = {
    {"rule a { condition: true }", ""},
    {"foo", "1:1 syntax_error: syntax error, unexpected identifier\n"},
    {"rule", "1:5 syntax_error: syntax error, unexpected end of file, expecting identifier\n"},
    {"rule a x", "1:8 syntax_error: syntax error, unexpected identifier, expecting '{'\n"},
    {"rule a {\n  foo\n}", "2:3 syntax_error: syntax error, unexpected identifier, expecting "
                           "<condition>\n"},
    {"rule a { condition: foo }", "1:21 undefined_identifier: undefined identifier \"foo\"\n"},
    {"rule a { condition: $a }", "1:21 undefined_string: undefined string \"$a\"\n"},
    {"rule a { condition: #b > 1 and @c }", "1:21 undefined_string: undefined string \"$b\"\n"
                                            "1:32 undefined_string: undefined string \"$c\"\n"},
    {"rule a { condition: $ }",
     "1:21 misplaced_anonymous_string: wrong use of anonymous string\n"},
    {"rule a { strings: $a = \"x1234\" condition: true }",
     "1:19 unreferenced_string: unreferenced string \"$a\"\n"},
    {"rule a { strings: $_a = \"x1234\" condition: true }", ""},
    {"rule a { strings: $a = \"x1234\" $a = \"y1234\" condition: $a }",
     "1:32 duplicated_string_identifier: duplicated string identifier \"$a\"\n"
     "1:32 unreferenced_string: unreferenced string \"$a\"\n"},
    {"rule a { strings: $a = \"\" condition: $a }", "1:24 empty_string: empty string \"$a\"\n"},
    {"rule a { strings: $a = \"x1234\" xor nocase condition: $a }",
     "1:19 invalid_modifier: invalid modifier combination: xor nocase\n"},
    {"rule a { strings: $a = \"x1234\" wide wide condition: $a }",
     "1:37 duplicated_modifier: duplicated modifier\n"},
    {"rule a { strings: $a = \"x1234\" xor(300) condition: $a }",
     "1:36 invalid_modifier: invalid xor range\n"},
    {"rule a { strings: $a = \"x1234\" xor(20-10) condition: $a }",
     "1:36 invalid_modifier: xor lower bound exceeds upper bound\n"},
    {"rule a { strings: $a = \"x1234\" base64(\"x\") condition: $a }",
     "1:39 invalid_modifier: length of base64 alphabet must be 64\n"},
    {"rule a { strings: $a = /x1234/ xor condition: $a }",
     "1:32 syntax_error: syntax error, unexpected <xor>, expecting <condition>\n"},
    {"rule a { strings: $a = { 01 zz } condition: $a }",
     "1:29 syntax_error: syntax error, unexpected '{', expecting text string\n"},
    {"rule a { condition: \"abc }\n", "1:21 syntax_error: unterminated string\n"},
    {"rule a { condition: \"\\q\" == \"\" }", "1:21 syntax_error: illegal escape sequence\n"},
    {"rule a { condition: 9223372036854775808 > 0 }",
     "1:21 integer_overflow: integer overflow in \"9223372036854775808\"\n"},
    {"rule a { condition: 0x7FFFFFFFFFFFFFFF + 1 > 0 }",
     "1:21 integer_overflow: integer overflow in \"9223372036854775807 + 1\"\n"},
    {"rule a { condition: 1 \\ 0 == 1 or 1 % 0 == 1 }",
     "1:25 division_by_zero: division by zero\n1:39 division_by_zero: division by zero\n"},
    {"rule a { condition: \"a\" + 1 == 2 }", "1:21 wrong_type: type mismatch\n"},
    {"rule a { condition: \"a\" - \"b\" == 2 }",
     "1:21 wrong_type: strings don't support \"-\" operation\n"},
    {"rule a { condition: 1.5 & 2 == 2 }",
     "1:21 wrong_type: wrong type \"float\" for & operator\n"},
    {"rule a { condition: 1 contains \"a\" }",
     "1:21 wrong_type: wrong type \"integer\" for contains operator\n"},
    {"rule a { condition: for any i in (1..2) : ( for any i in (1..2) : ( i == 1 ) ) }",
     "1:53 duplicated_loop_identifier: duplicated loop identifier \"i\"\n"},
    {"rule a { condition: for any i in (2..1) : ( i == 1 ) }",
     "1:35 invalid_value: invalid value in condition: \"range lower bound must be less than "
     "upper bound\"\n"},
    {"rule a { condition: for any i in (\"a\", 1) : ( true ) }",
     "1:40 wrong_type: enumerations must be all the same type\n"},
    {"rule a { condition: for any i,j in (1..2) : ( true ) }",
     "1:36 syntax_error: iterator yields one value on each iteration , but the loop expects "
     "2\n"},
    {"rule a { condition: for any a in (1..2) : ( for any b in (1..2) : ( for any c in (1..2) "
     ": ( for any d in (1..2) : ( for any e in (1..2) : ( true ) ) ) ) ) }",
     "1:117 loop_nesting_limit_exceeded: loop nesting limit exceeded\n"},
    {"rule a { strings: $a = \"x1234\" condition: for any of them : ( for any of them : ( $ ) "
     ") "
     "}",
     "1:71 nested_for_of_loop: 'for <quantifier> of <string set>' loops can't be nested\n"},
    {"rule a { strings: $a = \"x1234\" condition: -1 of them }",
     "1:43 invalid_value: invalid value in condition: \"-1\"\n"},
    {"rule a { strings: $a = \"x1234\" condition: 0 of them }",
     "1:43 ambiguous_quantifier: consider using \"none\" keyword, it is less ambiguous.\n"},
    {"rule a { strings: $a = \"x1234\" condition: 2 of them }",
     "1:43 always_false: expression always false - requesting 2 of 1.\n"},
    {"rule a { strings: $a = \"x1234\" condition: 101% of them }",
     "1:43 invalid_percentage: percentage must be between 1 and 100 (inclusive)\n"},
    {"rule a { strings: $a = \"x1234\" condition: 1 of them at \"x\" }",
     "1:56 invalid_value: invalid value in condition: \"at expression must be an integer\"\n"},
    {"rule a { condition: all of them }", "1:28 undefined_string: undefined string \"$*\"\n"},
    {"rule a { condition: any of (b*) }",
     "1:29 undefined_identifier: undefined identifier \"b\"\n"},
    {"rule a0 { condition: true } rule b { condition: 1 of (a*) } rule a1 { condition: true }",
     "1:66 identifier_matches_wildcard: rule identifier \"a1\" matches previously used "
     "wildcard "
     "rule set\n"},
    {"rule a { condition: true } rule a { condition: true }",
     "1:33 duplicated_identifier: duplicated identifier \"a\"\n"},
    {"rule ext { condition: true }",
     "1:6 duplicated_identifier: duplicated identifier \"ext\"\n"},
    {"rule a : x y x { condition: true }",
     "1:14 duplicated_tag_identifier: duplicated tag identifier \"x\"\n"},
    {"import \"nope\"", "1:8 unknown_module: unknown module \"nope\"\n"},
    {"import \"\"", "1:8 invalid_module_name: invalid module name \"\"\n"},
    {"import \"math\" rule a { condition: math.nope }",
     "1:40 invalid_field_name: invalid field name \"nope\"\n"},
    {"import \"math\" rule a { condition: math }",
     "1:35 wrong_type: wrong usage of identifier \"math\"\n"},
    {"import \"math\" rule a { condition: math.entropy(1) > 1 }",
     "1:35 wrong_arguments: wrong arguments for function \"entropy\"\n"},
    {"import \"math\" rule a { condition: math.entropy.x(1) or math[1] or math(1) }",
     "1:35 not_a_structure: \"entropy\" is not a structure\n"
     "1:56 not_indexable: \"math\" is not an array or dictionary\n"
     "1:67 not_a_function: \"math\" is not a function\n"},
    {"rule a { condition: for any i in ext : ( i ) }",
     "1:34 wrong_type: identifier \"ext\" is not iterable\n"},
    {"rule a { condition: \"lit\" }",
     "1:21 string_as_bool: using literal string \"lit\" in a boolean operation.\n"},
    {"rule a { condition: entrypoint == 0 }",
     "1:21 deprecated: using deprecated \"entrypoint\" keyword. Use the \"entry_point\" "
     "function "
     "from PE module instead.\n"},
    /* Reading goes on: after a fault in a rule, and in the next rule. */
    {"rule a { strings: $a = \"x1234\" xor nocase condition: foo }\nrule b { condition }\n"
     "rule c { condition: bar and baz }",
     "1:19 invalid_modifier: invalid modifier combination: xor nocase\n"
     "1:54 undefined_identifier: undefined identifier \"foo\"\n"
     "1:19 unreferenced_string: unreferenced string \"$a\"\n"
     "2:20 syntax_error: syntax error, unexpected '}', expecting ':'\n"
     "3:21 undefined_identifier: undefined identifier \"bar\"\n"
     "3:29 undefined_identifier: undefined identifier \"baz\"\n"},
    {"rule a { condition: 1 + } rule b { condition: a }",
     "1:25 syntax_error: syntax error, unexpected '}'\n"
     "1:47 faulty_rule: rule \"a\" has errors of its own, which have to be mended first\n"},
    {"include \"good\" rule b { condition: included }", ""},
    {"include \"self\"", "1:9 includes_circular_reference: includes circular reference\n"},
    {"include \"a name that is a bit too long to be found by anyone\"",
     "1:9 include_failed: can't open include file: a name that is a bit too long to be found "
     "by "
     "anyone\n"},
    {"include \"deeper\"", "1:9 include_depth_exceeded: includes depth exceeded\n"},
    {"\r\n\xef\xbb\xbf", "2:1 syntax_error: non-ascii character\n"},
};

static void messages(void)
{
    static struct said said;
    for (size_t i = 0; i < COUNT(golden); i++) {
        struct arena *arena = arena_new(64 << 20);
        uint32_t errors;
        compile(arena, golden[i].text, &said, &errors);
        CHECK_STR(said.text, golden[i].messages);
        arena_free(arena);
    }
}

/* The value of fixed_offset of each pattern, "-" for none. */
static void bound_offsets(void)
{
    static const struct {
        const char *patterns, *condition, *offsets;
    } cases[] = {
        {"$a = \"abcd\"", "$a at 5", "5 "},
        {"$a = \"abcd\"", "$a at 2 + 3 and $a at 5", "5 "},
        {"$a = \"abcd\"", "$a at 5 or $a at 6", "- "},
        {"$a = \"abcd\"", "$a at 5 or $a", "- "},
        {"$a = \"abcd\"", "$a at 5 and #a > 0", "- "},
        {"$a = \"abcd\"", "$a at filesize", "- "},
        {"$a = \"abcd\"", "$a at 5 and any of them", "- "},
        {"$a = \"abcd\"", "for any of ($a) : ( $ at 5 )", "- "},
        {"$a = \"abcd\" $b = \"bcde\"", "for any of ($a) : ( $ at 5 ) and $b at 5", "- 5 "},
        {"$a = \"abcd\" $b = \"bcde\"", "for any of ($a) : ( $ at 5 ) and $b at 6", "- - "},
        {"$a = \"abcd\" $b = \"bcde\"", "for any of ($a) : ( $ ) and $b at 6", "- - "},
        {"$a = { 01 02 03 04 }", "$a at 5", "5 "},
        {"$a = { 01 02 ?? 04 }", "$a at 5", "- "},
        {"$a = { 01 02 03 04 [300] 05 06 07 08 ?? }", "$a at 5", "5 "},
        {"$a = { 01 02 03 04 [4] 05 }", "$a at 5", "- "},
        {"$a = { 01 02 03 04 [4-] 05 }", "$a at 5", "5 "},
        {"$a = { 01 /* ?? */ 02 03 // ?\n 04 }", "$a at 5", "5 "},
        {"$a = /abcd/", "$a at 5", "5 "},
        {"$a = /ab.d/", "$a at 5", "- "},
        {"$a = /ab\\.d/i", "$a at 5", "5 "},
        {"$a = \"abcdef\" base64", "$a at 5", "- "},
        {"$_a = \"abcd\" $b = \"xyzw\"", "$b at 0", "- 0 "},
    };
    static struct said said;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena *arena = arena_new(64 << 20);
        char text[512], offsets[64] = "";
        uint32_t errors;
        snprintf(text, sizeof text, "rule t { strings: %s condition: %s }", cases[i].patterns,
                 cases[i].condition);
        struct draft *draft = compile(arena, text, &said, &errors);
        for (uint32_t k = 0; k < draft->patterns.n; k++) {
            int64_t at = draft->programs.at[draft->patterns.at[k].program].fixed_offset;
            size_t used = strlen(offsets);
            if (at == RULESET_ANY_OFFSET)
                snprintf(offsets + used, sizeof offsets - used, "- ");
            else
                snprintf(offsets + used, sizeof offsets - used, "%lld ", (long long)at);
        }
        CHECK_INT(errors, 0);
        CHECK_STR(offsets, cases[i].offsets);
        arena_free(arena);
    }
}

static void faulty_rules_are_left_out(void)
{
    static struct said said;
    struct arena *arena = arena_new(64 << 20);
    uint32_t errors;
    struct draft *draft = compile(
        arena,
        "rule a { strings: $x = \"abcd\" condition: $x }\n"
        "rule b { meta: m = 1 strings: $y = \"abcd\" $z = \"x\" condition: $y or foo }\n"
        "rule c : tag { meta: n = -2 t = \"a\\x00b\" strings: $w = \"efgh\" condition: a "
        "and $w }",
        &said, &errors);
    CHECK_INT(errors, 2);
    CHECK_INT(draft->rules.n, 2);
    CHECK_INT(draft->patterns.n, 2);
    CHECK_INT(draft->metas.n, 2);
    CHECK_INT(draft->metas.at[0].integer, -2);
    CHECK_INT(draft->metas.at[1].length, 3);
    CHECK_INT(draft->rules.at[1].tag_count, 1);
    const struct node *root = &draft->nodes.at[draft->rules.at[1].condition];
    CHECK_INT(root->op, NODE_AND);
    CHECK_INT(draft->nodes.at[draft->links.at[root->a]].op, NODE_RULE);
    CHECK_INT(draft->nodes.at[draft->links.at[root->a]].a, 0);
    CHECK_INT(draft->nodes.at[draft->links.at[root->a + 1]].a, 1);
    arena_free(arena);
}

static char *repeated(const char *head, const char *part, unsigned count, const char *tail)
{
    size_t before = strlen(head), one = strlen(part), after = strlen(tail) + 1;
    char *text = malloc(before + one * count + after);
    memcpy(text, head, before);
    for (unsigned i = 0; i < count; i++)
        memcpy(text + before + one * i, part, one);
    memcpy(text + before + one * count, tail, after);
    return text;
}

/* Neither the stack nor the time is at the mercy of a text. */
static void hostile_texts(void)
{
    static const struct {
        const char *head, *part, *tail, *code;
        unsigned count;
    } cases[] = {
        {"rule a { condition: ", "(", "true }", "too_deep", 1000000},
        {"rule a { condition: ", "not ", "true }", "too_deep", 1000000},
        {"rule a { condition: ", "-", "1 == 1 }", "too_deep", 1000000},
        {"rule a { condition: filesize", "+ filesize", " == 1 }", "too_deep", 100000},
        {"rule a { condition: uint8(", "uint8(", "true }", "too_deep", 100000},
        {"rule a { condition: filesize == 1", " or filesize == 2", " }", "", 100000},
        {"", "private global ", "rule a { condition: true }", "", 100000},
        {"", "private ", "", "syntax_error", 100000},
        {"rule a { ", "private ", "", "syntax_error", 100000},
        {"", "rule a { condition: b } ", "", "too_many_errors", 10000},
        {"rule a { strings: $a = \"abcd\" condition: any of ($a", ",$a*", ")}", "", 10000},
        {"", "include \"b\" ", "", "too_complex", 2},
    };
    static struct said said;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena *arena = arena_new(256 << 20);
        char *text = repeated(cases[i].head, cases[i].part, cases[i].count, cases[i].tail);
        uint32_t errors;
        compile(arena, text, &said, &errors);
        if (!tap_check(cases[i].code[0] ? strstr(said.text, cases[i].code) != NULL
                                        : errors == 0,
                       "hostile text", __FILE__, __LINE__))
            printf("# %s...: %.200s\n", cases[i].head, said.text);
        CHECK(!said.outside);
        free(text);
        arena_free(arena);
    }
    struct arena *small = arena_new(1 << 18);
    char *text =
        repeated("rule a { condition: filesize == 1", " or filesize == 2", 100000, " }");
    uint32_t errors;
    compile(small, text, &said, &errors);
    CHECK_INT(errors, UINT32_MAX);
    CHECK(strstr(said.text, "insufficient_memory") != NULL);
    free(text);
    arena_free(small);
}

int main(void)
{
    messages();
    bound_offsets();
    faulty_rules_are_left_out();
    hostile_texts();
    return tap_done();
}

/* The catalogue: what YAML may say, packing and opening, damage; a model of notes. */
#include "rescue/catalogue/catalogue_pack.h"
#include "rescue/catalogue/catalogue_yaml.h"
#include "rescue/identify/identify.h"
#include "rescue/identify/note_learn.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

static const char *const first =
    "name: alpha\ntitle: Alpha One\nalso: [Aleph]\nrescue: key\n"
    "checked: 2026-11\ntold-by: https://example.org/told\n"
    "lineage:\n  - {family: beta, how: built from}\n"
    "facts:\n  - source: https://example.org/a\n    extensions: [.alpha, .locked]\n"
    "    notes: ['{alnum:9}.README.txt', pay.txt]\n    brands: [alphagang]\n"
    "    markers:\n      - {at: -4, hex: 0a0b0c0d, is: four bytes at the end}\n";
static const char *const second =
    "name: beta\ntitle: Beta\nrescue: not-today\nadvice: keep the files\n"
    "checked: 2026-11\ntold-by: not confirmed\n"
    "facts:\n  - source: not confirmed\n    extensions: [.locked]\n";

static int add(struct catalogue_draft *draft, const char *yaml, const char *file,
               struct arena *arena, struct why *why)
{
    return catalogue_yaml_add(draft, bytes_of(yaml), bytes_of(file), arena, why);
}

static void make(struct arena *arena, struct catalogue *ret)
{
    struct catalogue_draft draft = {0};
    struct why why;
    CHECK_INT(add(&draft, first, "alpha", arena, &why), 0);
    CHECK_INT(add(&draft, second, "beta", arena, &why), 0);
    CHECK_INT(catalogue_yaml_end(&draft, arena, ret, &why), 0);
}

static void count_fact(void *context, const struct catalogue_fact *fact)
{
    int *sum = context;
    *sum += 10 * fact->users + 1;
}

static void what_is_packed_comes_back(void)
{
    struct arena *arena = arena_new((size_t)8 << 20);
    struct catalogue made, opened;
    struct why why;
    bytes packed;
    int sum = 0;
    make(arena, &made);
    CHECK_INT(catalogue_pack(&made, arena, &packed, &why), 0);
    CHECK_INT(catalogue_open(packed, arena, &opened, &why), 0);
    CHECK_INT(opened.family_count, 2);
    CHECK_INT(opened.fact_count, made.fact_count);
    CHECK(bytes_is(opened.family[0].title, "Alpha One"));
    CHECK(bytes_is(opened.family[1].advice, "keep the files"));
    CHECK_INT(opened.family[1].rescue, RESCUE_NOT_TODAY);
    CHECK_INT(catalogue_family(&opened, bytes_of("aleph")), 0);
    CHECK_INT(catalogue_family(&opened, bytes_of("gamma")), -1);
    CHECK(catalogue_related(&opened, 0, 1) && catalogue_related(&opened, 1, 0));
    catalogue_find(&opened, FACT_EXTENSION, bytes_of(".LOCKED"), count_fact, &sum);
    CHECK_INT(sum, 42); /* both have it, and each says that two do */
    arena_free(arena);
}

static void damage_is_refused(void)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    struct catalogue made, opened;
    struct why why;
    bytes packed;
    size_t refused = 0;
    make(arena, &made);
    CHECK_INT(catalogue_pack(&made, arena, &packed, &why), 0);
    for (size_t len = 0; len < packed.len; len++) {
        struct arena_mark mark = arena_mark(arena);
        refused += catalogue_open((bytes){packed.at, len}, arena, &opened, &why) < 0;
        arena_pop(arena, mark);
    }
    CHECK_INT(refused, packed.len);
    uint8_t *copy = malloc(packed.len);
    for (size_t i = 0; i < packed.len * 8; i++) {
        struct arena_mark mark = arena_mark(arena);
        memcpy(copy, packed.at, packed.len);
        copy[i / 8] ^= (uint8_t)(1 << i % 8);
        /* Refused, or read as something else: never outside. */
        if (catalogue_open((bytes){copy, packed.len}, arena, &opened, &why) == 0)
            CHECK(opened.fact_count <= 65536);
        arena_pop(arena, mark);
    }
    free(copy);
    arena_free(arena);
}

static void faults_say_their_line(void)
{
    static const struct {
        const char *yaml, *says;
    } rows[] = {
        {"name: x\ntitle: X\nrescue: unknown\nchecked: 2026-11\nfacts: []\n",
         "line 1: 'name' is the file's name"},
        {"name: alpha\ntitle: X\nrescue: maybe\nchecked: 2026-11\nfacts: []\n",
         "line 3: 'rescue' is now, some, key, not-today or unknown"},
        {"name: alpha\ntitle: X\nrescue: unknown\nchecked: 2026-11\nfacts: []\ncolour: red\n",
         "line 6: no such member"},
        {"name: alpha\ntitle: X\nrescue: unknown\nfacts: []\n",
         "line 1: 'checked' is the month in which its rescue was looked up"},
        {"name: alpha\ntitle: X\nrescue: now\nchecked: 2026-11\nfacts: []\n",
         "line 1: 'told-by' is the address of who says what can be rescued"},
        {"name: alpha\ntitle: X\nrescue: unknown\nadvice: pay\nchecked: 2026-11\nfacts: []\n",
         "line 1: 'told-by' is the address of who says what can be rescued"},
        {"name: alpha\ntitle: X\nrescue: unknown\nchecked: 2026-11\nfacts:\n"
         "  - extensions: [.a]\n",
         "line 6: facts have a source with an address, or are 'not confirmed'"},
        {"name: alpha\ntitle: X\nrescue: unknown\nchecked: 2026-11\nfacts:\n"
         "  - source: public reports\n    extensions: [.a]\n",
         "line 6: facts have a source with an address, or are 'not confirmed'"},
        {"name: alpha\ntitle: X\nrescue: unknown\nchecked: 2026-11\nfacts:\n"
         "  - source: not confirmed\n    extensions: [a]\n",
         "line 7: an extension begins with a dot"},
        {"name: alpha\ntitle: X\nrescue: unknown\nchecked: 2026-11\nfacts:\n"
         "  - source: not confirmed\n    notes: ['{foo}']\n",
         "line 7: the pattern has a wildcard that is not known"},
        {"name: alpha\ntitle: X\nrescue: unknown\nchecked: 2026-11\nfacts:\n"
         "  - source: not confirmed\n    markers:\n      - {at: 0, hex: 0g, is: x}\n",
         "line 8: that is not hexadecimal"},
        {"a: &x b\nc: *x\n", "line 2: what stands there is not read"},
    };
    struct arena *arena = arena_new((size_t)8 << 20);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct catalogue_draft draft = {0};
        struct why why = {""};
        CHECK_INT(add(&draft, rows[i].yaml, "alpha", arena, &why), -EBADMSG);
        CHECK_STR(why.text, rows[i].says);
    }
    arena_free(arena);
}

static void sample(struct arena *arena, const char *text, uint32_t family,
                   struct note_sample *ret)
{
    *ret = (struct note_sample){.family = family, .file = bytes_of("pay.txt")};
    CHECK_INT(note_feature_take(bytes_of(text), arena, &ret->features, NULL), 0);
}

static void a_model_knows_its_notes(void)
{
    static const char *const notes[] = {
        "Your network was entered and all files are locked. Write to one@example.com at once.",
        "Greetings from the red team. We took your documents, visit our page for the price."};
    const bytes families[] = {bytes_of("alpha"), bytes_of("gamma")};
    static struct note_judge judge;
    struct arena *arena = arena_new((size_t)64 << 20);
    struct note_sample samples[2];
    struct catalogue catalogue;
    struct knowledge knowledge;
    struct note_model model;
    struct identity identity;
    struct why why;
    bytes file;
    for (uint32_t i = 0; i < 2; i++)
        sample(arena, notes[i], i, &samples[i]);
    make(arena, &catalogue);
    CHECK_INT(note_learn_model(samples, 2, SIZE_MAX, families, 2, &judge, arena, &file, &why),
              0);
    CHECK_INT(note_model_open(file, arena, &model, &why), 0);
    CHECK_INT(knowledge_join(&catalogue, &model, arena, &knowledge, &why), 0);
    CHECK_INT(knowledge.families, 3);
    for (uint32_t i = 0; i < 2; i++) {
        CHECK_INT(identify_note(&knowledge, &samples[i].features, (bytes){0}, arena, &identity),
                  0);
        CHECK(identity.guesses &&
              bytes_equal(knowledge_name(&knowledge, identity.guess[0].family), families[i]));
        CHECK(identity.guess[0].share > 0.9F);
    }
    for (size_t len = 0; len < file.len; len += 7)
        if (note_model_open((bytes){file.at, len}, arena, &model, &why) == 0)
            CHECK(!"a model that is cut short was opened");
    arena_free(arena);
}

static void markers_and_names_name_a_file(void)
{
    static struct note_judge judge;
    struct arena *arena = arena_new((size_t)64 << 20);
    struct catalogue catalogue;
    struct knowledge knowledge;
    struct note_model model;
    struct identity identity;
    struct why why;
    bytes file;
    uint8_t content[600];
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)(i * i * 31 + i * 7 + (i >> 3));
    make(arena, &catalogue);
    CHECK_INT(note_learn_model(NULL, 0, SIZE_MAX, NULL, 0, &judge, arena, &file, &why), 0);
    CHECK_INT(note_model_open(file, arena, &model, &why), 0);
    CHECK_INT(knowledge_join(&catalogue, &model, arena, &knowledge, &why), 0);

    memcpy(content + sizeof content - 4, "\x0a\x0b\x0c\x0d", 4);
    struct source source = source_of_bytes((bytes){content, sizeof content}, bytes_of("x"));
    CHECK_INT(identify_file(&knowledge, &source, arena, &identity, &why), 0);
    CHECK_INT(identity.kind, IDENTITY_ENCRYPTED);
    CHECK_INT(identity.guess[0].family, 0);

    content[sizeof content - 1] ^= 1;
    CHECK_INT(identify_file(&knowledge, &source, arena, &identity, &why), 0);
    CHECK_INT(identity.kind, IDENTITY_NOTHING);

    source = source_of_bytes(bytes_of("plain words of a text"), bytes_of("a.txt.alpha"));
    CHECK_INT(identify_file(&knowledge, &source, arena, &identity, &why), 0);
    CHECK_INT(identity.kind, IDENTITY_NOTHING);
    arena_free(arena);
}

int main(void)
{
    what_is_packed_comes_back();
    damage_is_refused();
    faults_say_their_line();
    a_model_knows_its_notes();
    markers_and_names_name_a_file();
    return tap_done();
}

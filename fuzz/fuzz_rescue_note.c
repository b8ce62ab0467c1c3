/* Files that may be notes are looked at, and what candor carries of ransomware is opened:
 * refused or read, within bounds. */
#include "rescue/catalogue/catalogue_pack.h"
#include "rescue/identify/file_pattern.h"
#include "rescue/identify/identify.h"
#include "rescue/identify/note_learn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct knowledge knowledge;
static bytes sound_model;

enum { FAMILIES = 2, KINDS = 7 };

static const char *const texts[] = {
    "All your files are locked by AlphaLock. Write to alpha@example.org and send your personal "
    "ID 8A7F to get the private key. Do not rename anything, or your data is lost for ever.\n",
    "BetaCrypt has encrypted this network. Download Tor Browser, pay in bitcoin within 72 "
    "hours "
    "at http://betabetabetabeta.onion/ and you will get a decryptor for all computers.\n",
};

static const struct {
    enum catalogue_kind kind;
    int64_t at;
    const char *text, *value;
} facts[FAMILIES][KINDS] = {
    {{FACT_EXTENSION, 0, ".alpha", ""},
     {FACT_FILE, 0, "{any}.id-{alnum:4}.alpha", ""},
     {FACT_NOTE, 0, "alpha_readme{any}.txt", ""},
     {FACT_ADDRESS, 0, "alpha@example.org", ""},
     {FACT_BRAND, 0, "alphalock", ""},
     {FACT_MARKER, 0, "its begin", "ALPHA!!!"},
     {FACT_MARKER, -8, "its end", "alpha***"}},
    {{FACT_EXTENSION, 0, ".beta", ""},
     {FACT_FILE, 0, "beta_{any}", ""},
     {FACT_NOTE, 0, "a note.txt", ""},
     {FACT_ADDRESS, 0, "betabetabetabeta.onion", ""},
     {FACT_BRAND, 0, "betacrypt", ""},
     {FACT_MARKER, 16, "its head", "BETA"},
     {FACT_MARKER, -40, "its end", "beta"}},
};

/* Two families, of which everything is known that there is to know. */
static int fill(struct catalogue *ret, struct arena *arena, struct why *why)
{
    static struct catalogue_lineage from;
    static bytes also, format, sources[FAMILIES];
    static struct catalogue_family family[FAMILIES];
    from = (struct catalogue_lineage){bytes_of("alpha"), bytes_of("built from")};
    also = bytes_of("betas");
    format = bytes_of("maze");
    sources[0] = bytes_of("https://example.org/facts");
    sources[1] = bytes_of(CATALOGUE_UNCONFIRMED);
    family[0] = (struct catalogue_family){
        .name = bytes_of("alpha"), .title = bytes_of("Alpha"), .rescue = RESCUE_SOME};
    family[1] = (struct catalogue_family){.name = bytes_of("beta"),
                                          .title = bytes_of("Beta 2.0"),
                                          .also = &also,
                                          .formats = &format,
                                          .lineage = &from,
                                          .also_count = 1,
                                          .format_count = 1,
                                          .lineage_count = 1};
    struct catalogue_fact *fact =
        PUSH_ARRAY(arena, struct catalogue_fact, (size_t)FAMILIES * KINDS);
    for (uint32_t i = 0; fact && i < FAMILIES * KINDS; i++)
        fact[i] = (struct catalogue_fact){.kind = facts[i / KINDS][i % KINDS].kind,
                                          .family = (uint16_t)(i / KINDS),
                                          .source = (uint16_t)(i / KINDS),
                                          .text = bytes_of(facts[i / KINDS][i % KINDS].text),
                                          .value = bytes_of(facts[i / KINDS][i % KINDS].value),
                                          .at = facts[i / KINDS][i % KINDS].at};
    *ret = (struct catalogue){.family = family,
                              .source = sources,
                              .fact = fact,
                              .family_count = FAMILIES,
                              .source_count = COUNT(sources),
                              .fact_count = FAMILIES * KINDS};
    return fact ? catalogue_index(ret, arena, why) : -1;
}

/* A model of a note of each, and the catalogue. */
static void know_little(void)
{
    static struct note_judge judge;
    static struct arena *arena; /* what is known stays */
    arena = arena_new((size_t)64 << 20);
    const bytes names[FAMILIES] = {bytes_of("alpha"), bytes_of("beta")};
    struct note_sample samples[FAMILIES] = {{.family = 0}, {.family = 1}};
    struct catalogue made;
    struct why why;
    bytes model, packed, all;
    for (uint32_t i = 0; i < FAMILIES; i++)
        if (note_feature_take(bytes_of(texts[i]), arena, &samples[i].features, &why) < 0)
            abort();
    note_learn_judge(samples, FAMILIES, NULL, 0, arena, &judge);
    if (note_learn_model(samples, FAMILIES, SIZE_MAX, names, FAMILIES, &judge, arena, &model,
                         &why) < 0 ||
        fill(&made, arena, &why) < 0 || catalogue_pack(&made, arena, &packed, &why) < 0 ||
        knowledge_pack(packed, model, arena, &all, &why) < 0 ||
        knowledge_open(all, arena, &knowledge, &why) < 0) {
        fprintf(stderr, "%s\n", why.text);
        abort();
    }
    sound_model = model;
}

/* A note, of the model's own bytes, held against it. */
static void judge_by(const struct note_model *model, bytes text, struct arena *arena)
{
    struct note_features features;
    struct note_score *scores = PUSH_ARRAY(arena, struct note_score, model->families + 1);
    for (uint32_t i = 0; i < model->notes; i++)
        if (model->note[i] >= model->families)
            abort();
    if (!scores || note_feature_take(text, arena, &features, NULL) < 0 ||
        note_model_score(model, &features, bytes_slice(text, 0, 40), arena, scores) < 0)
        return;
    for (uint32_t i = 0; i < model->families; i++)
        if (scores[i].address >= (int)features.address.n)
            abort();
}

static void open_parts(bytes file, struct arena *arena)
{
    struct catalogue catalogue;
    struct note_model model;
    struct why why;
    if (catalogue_open(file, arena, &catalogue, &why) == 0)
        for (uint32_t i = 0; i < catalogue.fact_count; i++)
            if (catalogue.fact[i].family >= catalogue.family_count)
                abort();
    if (note_model_open(file, arena, &model, &why) == 0)
        judge_by(&model, file, arena);
    size_t half = file.len / 2;
    (void)file_pattern_matches((bytes){file.at, half},
                               (bytes){file.at + half, file.len - half});
}

/* A model is large, and most of it one table at its end: the input lies over some of what is
 * before that in a sound one, at a place that its first two bytes tell. */
static void open_changed_model(bytes input, struct arena *arena)
{
    uint8_t *copy = arena_push(arena, sound_model.len);
    struct note_model model;
    struct why why;
    uint16_t place;
    if (!copy || !bytes_le16(input, 0, &place))
        return;
    memcpy(copy, sound_model.at, sound_model.len);
    for (size_t i = 2; i < input.len; i++)
        copy[(place + i) % (sound_model.len - NOTE_WORDS * sizeof(int16_t))] = input.at[i];
    if (note_model_open((bytes){copy, sound_model.len}, arena, &model, &why) == 0)
        judge_by(&model, input, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    struct identity identity;
    struct why why;
    if (!arena) {
        arena = arena_new((size_t)64 << 20);
        know_little();
    }
    /* Aligned as what candor carries is. */
    uint8_t *copy = aligned_alloc(8, (size + 8) & ~(size_t)7);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    arena_reset(arena);
    struct source source = source_of_bytes((bytes){copy, size}, bytes_of("a note.txt"));
    if (identify_file(&knowledge, &source, arena, &identity, &why) == 0 &&
        identity.guesses > GUESSES_MAX)
        abort();
    open_parts((bytes){copy, size}, arena);
    open_changed_model((bytes){copy, size}, arena);
    free(copy);
    return 0;
}

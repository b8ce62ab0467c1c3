/* Files that may be notes are looked at, and what candor carries of ransomware is opened:
 * refused or read, within bounds. */
#include "rescue/catalogue/catalogue_pack.h"
#include "rescue/identify/file_pattern.h"
#include "rescue/identify/identify.h"
#include "rescue/identify/note_learn.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct knowledge knowledge;

/* A model and a catalogue that know nothing. */
static void know_nothing(void)
{
    static struct note_judge judge;
    static struct arena *arena;
    const struct catalogue none = {0};
    struct catalogue catalogue;
    struct note_model model;
    struct why why;
    bytes file, packed;
    arena = arena_new((size_t)16 << 20);
    if (note_learn_model(NULL, 0, SIZE_MAX, NULL, 0, &judge, arena, &file, &why) < 0 ||
        note_model_open(file, arena, &model, &why) < 0 ||
        catalogue_pack(&none, arena, &packed, &why) < 0 ||
        catalogue_open(packed, arena, &catalogue, &why) < 0 ||
        knowledge_join(&catalogue, &model, arena, &knowledge, &why) < 0)
        abort();
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    struct identity identity;
    struct why why;
    if (!arena) {
        arena = arena_new((size_t)64 << 20);
        know_nothing();
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
    free(copy);
    return 0;
}

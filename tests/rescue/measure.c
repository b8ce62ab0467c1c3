/* measure — how well notes are told apart: `measure DEFINITIONS NOTES MODE [ARGUMENT]...`
 *
 *     loo            each note of a family with two and more, judged by a model of all others
 *     folds K R      the same, a K-th of all notes left out at a time; R times, each time
 * parted otherwise singles        each note of a family with no other: told by the catalogue
 * alone unseen TEXTS   a family's notes judged by a model without that family, and the texts in
 *                    the file TEXTS (a path on each line) by a model that saw only every other
 *     speed          notes a second
 *
 * NOTES has a folder for each family. Names of files that whoever collected them made up (the
 * family's name and a number) tell nothing. Numbers go to stdout, one "name value" a line. */
#include "rescue/catalogue/catalogue_yaml.h"
#include "rescue/identify/identify.h"
#include "rescue/identify/note_learn.h"
#include "rescue/identify/note_text.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct collection {
    struct arena *arena;
    struct catalogue catalogue;
    VEC(struct note_sample) note;
    VEC(bytes) file;
    VEC(bytes) family;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "measure: %s: %s\n", what, why);
    exit(2);
}

static void *need(void *pointer)
{
    if (!pointer)
        die("memory", "out of it");
    return pointer;
}

static bytes read_file(const char *path, size_t most, struct arena *arena)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return (bytes){0};
    uint8_t *at = need(arena_push_raw(arena, most));
    size_t len = fread(at, 1, most, in);
    fclose(in);
    return (bytes){at, len};
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void list_free(struct dirent **list, int n)
{
    for (int i = 0; i < n; i++)
        free(list[i]);
    if (n >= 0)
        free(list);
}

/* --- what is there --- */

static void read_catalogue(struct collection *all, const char *directory)
{
    struct catalogue_draft draft = {0};
    struct dirent **list;
    struct why why;
    int n = scandir(directory, &list, visible, alphasort);
    for (int i = 0; i < n; i++) {
        char path[4096];
        char *dot = strrchr(list[i]->d_name, '.');
        if (!dot || strcmp(dot, ".yaml") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, list[i]->d_name);
        *dot = 0;
        bytes name = arena_copy(all->arena, bytes_of(list[i]->d_name));
        if (catalogue_yaml_add(&draft, read_file(path, 1 << 16, all->arena), name, all->arena,
                               &why) < 0)
            die(path, why.text);
    }
    list_free(list, n);
    if (n <= 0 || catalogue_yaml_end(&draft, all->arena, &all->catalogue, &why) < 0)
        die(directory, n <= 0 ? "empty" : why.text);
}

/* Letters of both are the same: "lockbit3.txt" in the folder "lockbit". */
static bool made_up(const char *family, const char *file)
{
    char letters[256];
    size_t n = 0;
    for (const char *at = file; *at && *at != '.' && n < sizeof letters - 1; at++)
        if (ascii_alnum((uint8_t)*at) && !(*at >= '0' && *at <= '9'))
            letters[n++] = (char)ascii_lower((uint8_t)*at);
    letters[n] = 0;
    if (n && letters[n - 1] == 'v')
        letters[n - 1] = 0;
    char own[256];
    size_t k = 0;
    for (const char *at = family; *at && k < sizeof own - 1; at++)
        if (ascii_alnum((uint8_t)*at) && !(*at >= '0' && *at <= '9'))
            own[k++] = (char)ascii_lower((uint8_t)*at);
    own[k] = 0;
    return strcmp(letters, own) == 0 || strncmp(letters, "notext", 6) == 0;
}

static bool take_note(struct collection *all, bytes file, struct note_features *ret)
{
    bytes text;
    struct why why;
    return note_text_plain(file, all->arena, &text, &why) == 0 &&
           note_feature_take(text, all->arena, ret, &why) == 0;
}

static void read_notes(struct collection *all, const char *directory)
{
    struct dirent **families, **files;
    int n = scandir(directory, &families, visible, alphasort);
    for (int i = 0; i < n; i++) {
        char path[8192];
        snprintf(path, sizeof path, "%s/%s", directory, families[i]->d_name);
        int m = scandir(path, &files, visible, alphasort);
        for (int k = 0; k < m; k++) {
            struct note_sample sample = {.family = all->family.n};
            snprintf(path, sizeof path, "%s/%s/%s", directory, families[i]->d_name,
                     files[k]->d_name);
            bytes file = read_file(path, NOTE_TEXT_FILE, all->arena);
            if (!take_note(all, file, &sample.features))
                continue;
            if (!made_up(families[i]->d_name, files[k]->d_name))
                sample.file = arena_copy(all->arena, bytes_of(files[k]->d_name));
            *(struct note_sample *)need(vec_push(all->arena, &all->note)) = sample;
            *(bytes *)need(vec_push(all->arena, &all->file)) =
                arena_copy(all->arena, bytes_of(path));
        }
        list_free(files, m);
        *(bytes *)need(vec_push(all->arena, &all->family)) =
            arena_copy(all->arena, bytes_of(families[i]->d_name));
    }
    list_free(families, n);
    printf("notes %u\nfamilies %u\n", all->note.n, all->family.n);
}

/* --- judging --- */

struct tally {
    uint32_t tried, first, three, related_first, related_three, sure, sure_wrong;
    double loss; /* sum of -log of the right family's share */
};

static void join(const struct collection *all, const struct note_sample *samples, size_t count,
                 size_t without, const struct note_judge *judge, struct arena *arena,
                 struct knowledge *ret)
{
    struct note_model model;
    struct why why;
    bytes file;
    if (note_learn_model(samples, count, without, all->family.at, all->family.n, judge, arena,
                         &file, &why) < 0 ||
        note_model_open(file, arena, &model, &why) < 0 ||
        knowledge_join(&all->catalogue, &model, arena, ret, &why) < 0)
        die("model", why.text);
}

static bool same(const struct knowledge *knowledge, int a, int b)
{
    static const char *const one[][2] = {{"eldorado", "blacklock"},
                                         {"targetcompany", "mallox"}};
    bytes x = knowledge_name(knowledge, (uint32_t)a),
          y = knowledge_name(knowledge, (uint32_t)b);
    for (size_t i = 0; i < COUNT(one); i++)
        if ((bytes_is(x, one[i][0]) && bytes_is(y, one[i][1])) ||
            (bytes_is(y, one[i][0]) && bytes_is(x, one[i][1])))
            return true;
    return a == b;
}

static void judge_note(const struct collection *all, const struct knowledge *knowledge,
                       uint32_t index, struct arena *arena, bool verbose, struct tally *tally)
{
    const struct note_sample *note = &all->note.at[index];
    struct identity identity;
    int right = knowledge->of_model[note->family];
    if (identify_note(knowledge, &note->features, note->file, arena, &identity) < 0)
        die("note", "out of memory");
    bool first = false, three = false, related_first = false, related_three = false;
    float share = 1e-3F;
    for (size_t i = 0; i < identity.guesses; i++)
        if (same(knowledge, identity.guess[i].family, right) && identity.guess[i].share > share)
            share = identity.guess[i].share;
    tally->loss -= log((double)share);
    for (size_t i = 0; i < identity.guesses && i < 3; i++) {
        int guess = identity.guess[i].family;
        bool is = same(knowledge, guess, right);
        bool near = is || catalogue_related(&knowledge->catalogue, guess, right);
        first |= is && i == 0;
        three |= is;
        related_first |= near && i == 0;
        related_three |= near;
    }
    tally->tried++;
    tally->first += first;
    tally->three += three;
    tally->related_first += related_first;
    tally->related_three += related_three;
    bool sure = identity.guesses && identity.guess[0].share >= IDENTIFY_SURE;
    tally->sure += sure;
    tally->sure_wrong += sure && !related_first;
    if (verbose && !first) {
        fprintf(stderr, "%.*s:", (int)all->file.at[index].len, all->file.at[index].at);
        for (size_t i = 0; i < identity.guesses && i < 4; i++) {
            bytes name = knowledge_name(knowledge, identity.guess[i].family);
            fprintf(stderr, " %.*s %.2f (%.2f)", (int)name.len, name.at,
                    (double)identity.guess[i].weight, (double)identity.guess[i].share);
        }
        fprintf(stderr, "%s\n", related_first ? " related" : "");
    }
}

static void report(const struct tally *tally)
{
    double all = tally->tried ? tally->tried : 1;
    printf("tried %u\ntop1 %.2f\ntop3 %.2f\nlineage1 %.2f\nlineage3 %.2f\nsure %.2f\n"
           "sure_wrong %u\nloss %.3f\n",
           tally->tried, 100 * tally->first / all, 100 * tally->three / all,
           100 * tally->related_first / all, 100 * tally->related_three / all,
           100 * tally->sure / all, tally->sure_wrong, tally->loss / all);
}

static bool has_kin(const struct collection *all, uint32_t index)
{
    for (uint32_t i = 0; i < all->note.n; i++)
        if (i != index && all->note.at[i].family == all->note.at[index].family)
            return true;
    return false;
}

static void leave_one_out(const struct collection *all, bool verbose)
{
    static struct note_judge none;
    struct tally tally = {0};
    struct arena *arena = need(arena_new((size_t)1 << 30));
    for (uint32_t i = 0; i < all->note.n; i++) {
        struct knowledge knowledge;
        if (!has_kin(all, i))
            continue;
        arena_reset(arena);
        join(all, all->note.at, all->note.n, i, &none, arena, &knowledge);
        judge_note(all, &knowledge, i, arena, verbose, &tally);
    }
    report(&tally);
    arena_free(arena);
}

static uint32_t fold_of(uint32_t note, uint32_t round, uint32_t k)
{
    return (note + round * 7919) * 2654435761u % 1009 % k;
}

static void one_fold(const struct collection *all, uint32_t k, uint32_t round, uint32_t fold,
                     struct arena *arena, struct tally *tally)
{
    static struct note_judge none;
    VEC(struct note_sample) kept = {0};
    struct knowledge knowledge;
    for (uint32_t i = 0; i < all->note.n; i++)
        if (fold_of(i, round, k) != fold)
            *(struct note_sample *)need(vec_push(arena, &kept)) = all->note.at[i];
    join(all, kept.at, kept.n, SIZE_MAX, &none, arena, &knowledge);
    for (uint32_t i = 0; i < all->note.n; i++) {
        bool kin = false;
        for (uint32_t j = 0; j < kept.n; j++)
            kin |= kept.at[j].family == all->note.at[i].family;
        if (kin && fold_of(i, round, k) == fold)
            judge_note(all, &knowledge, i, arena, false, tally);
    }
}

/* Kin may be left out with a note: such notes are not tried. */
static void folds(const struct collection *all, uint32_t k, uint32_t rounds)
{
    struct tally tally = {0};
    struct arena *arena = need(arena_new((size_t)1 << 30));
    for (uint32_t round = 0; round < rounds; round++)
        for (uint32_t fold = 0; fold < k; fold++) {
            arena_reset(arena);
            one_fold(all, k, round, fold, arena, &tally);
        }
    report(&tally);
    arena_free(arena);
}

/* Notes of families with no other, that the catalogue names: told by the catalogue alone. */
static void singles(const struct collection *all, bool verbose)
{
    static struct note_judge none;
    struct tally tally = {0};
    struct arena *arena = need(arena_new((size_t)1 << 30));
    for (uint32_t i = 0; i < all->note.n; i++) {
        struct knowledge knowledge;
        if (has_kin(all, i))
            continue;
        arena_reset(arena);
        join(all, all->note.at, all->note.n, i, &none, arena, &knowledge);
        if (knowledge.of_model[all->note.at[i].family] < all->catalogue.family_count)
            judge_note(all, &knowledge, i, arena, verbose, &tally);
    }
    report(&tally);
    arena_free(arena);
}

/* --- notes and other texts --- */

struct texts {
    VEC(struct note_sample) sample;
    VEC(bytes) path;
};

static void read_texts(struct collection *all, const char *list, struct texts *ret)
{
    char line[4096];
    FILE *in = fopen(list, "r");
    if (!in)
        die(list, strerror(errno));
    while (fgets(line, sizeof line, in)) {
        struct note_sample sample = {0};
        line[strcspn(line, "\n")] = 0;
        struct arena_mark mark = arena_mark(all->arena);
        bytes file = read_file(line, NOTE_TEXT_FILE, all->arena);
        if (!take_note(all, file, &sample.features)) {
            arena_pop(all->arena, mark);
            continue;
        }
        /* Of other texts only the words count: copied to the front of what was pushed. */
        uint32_t n = sample.features.word.n;
        uint16_t *words = need(malloc(n * sizeof *words + 1));
        memcpy(words, sample.features.word.at, n * sizeof *words);
        arena_pop(all->arena, mark);
        sample.features = (struct note_features){0};
        sample.features.word.at = words;
        sample.features.word.n = n;
        *(struct note_sample *)need(vec_push(all->arena, &ret->sample)) = sample;
        *(bytes *)need(vec_push(all->arena, &ret->path)) =
            arena_copy(all->arena, bytes_of(line));
    }
    fclose(in);
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* Notes: in ten parts by family. Texts: learned from those with even places. */
static void unseen(struct collection *all, const char *list)
{
    struct texts texts = {0};
    struct note_judge judge;
    static float odds[1 << 16];
    size_t n = 0, alarms = 0, tried = 0;
    read_texts(all, list, &texts);
    VEC(struct note_sample) half = {0};
    for (uint32_t i = 0; i < texts.sample.n; i += 2)
        *(struct note_sample *)need(vec_push(all->arena, &half)) = texts.sample.at[i];
    for (uint32_t part = 0; part < 10; part++) {
        VEC(struct note_sample) kept = {0};
        for (uint32_t i = 0; i < all->note.n; i++)
            if (all->note.at[i].family % 10 != part)
                *(struct note_sample *)need(vec_push(all->arena, &kept)) = all->note.at[i];
        note_learn_judge(kept.at, kept.n, half.at, half.n, all->arena, &judge);
        struct note_model model = {.word = judge.word, .bias = judge.bias};
        for (uint32_t i = 0; i < all->note.n; i++)
            if (all->note.at[i].family % 10 == part) {
                odds[n++] = note_model_judge(&model, &all->note.at[i].features);
                if (odds[n - 1] < 3)
                    fprintf(stderr, "missed %.2f %.*s\n", (double)odds[n - 1],
                            (int)all->file.at[i].len, all->file.at[i].at);
            }
        for (uint32_t i = 1; part == 0 && i < texts.sample.n; i += 2, tried++) {
            float value = note_model_judge(&model, &texts.sample.at[i].features);
            alarms += value >= 3;
            if (value >= 0)
                fprintf(stderr, "text %.2f %.*s\n", (double)value, (int)texts.path.at[i].len,
                        texts.path.at[i].at);
        }
    }
    qsort(odds, n, sizeof *odds, by_value);
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += odds[i] >= 3;
    printf("unseen_notes %zu\nunseen_found %.2f\nodds_5th %.2f\nodds_median %.2f\n"
           "texts %zu\nalarms %zu\n",
           n, 100.0 * (double)found / (double)n, (double)odds[n / 20], (double)odds[n / 2],
           tried, alarms);
}

static void speed(const struct collection *all)
{
    static struct note_judge none;
    struct arena *arena = need(arena_new((size_t)1 << 30));
    struct arena *one = need(arena_new((size_t)64 << 20));
    struct knowledge knowledge;
    struct timespec from, to;
    join(all, all->note.at, all->note.n, SIZE_MAX, &none, arena, &knowledge);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    unsigned done = 0;
    for (int round = 0; round < 20; round++)
        for (uint32_t i = 0; i < all->note.n; i++, done++) {
            struct identity identity;
            struct note_features features;
            bytes text;
            bytes path = all->file.at[i];
            arena_reset(one);
            bytes file = read_file((const char *)path.at, 1 << 18, one);
            if (note_text_plain(file, one, &text, NULL) < 0 ||
                note_feature_take(text, one, &features, NULL) < 0 ||
                identify_note(&knowledge, &features, all->note.at[i].file, one, &identity) < 0)
                continue;
        }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double seconds =
        (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("notes_per_second %.0f\n", done / seconds);
    arena_free(one);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    struct collection all = {.arena = arena_new((size_t)6 << 30)};
    if (argc < 4 || !all.arena)
        die("usage", "measure DEFINITIONS NOTES loo|folds|singles|unseen|speed [ARGUMENT]");
    read_catalogue(&all, argv[1]);
    read_notes(&all, argv[2]);
    if (strcmp(argv[3], "loo") == 0)
        leave_one_out(&all, argc > 4);
    else if (strcmp(argv[3], "folds") == 0)
        folds(&all, argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 5,
              argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 10) : 1);
    else if (strcmp(argv[3], "singles") == 0)
        singles(&all, argc > 4);
    else if (strcmp(argv[3], "unseen") == 0 && argc > 4)
        unseen(&all, argv[4]);
    else if (strcmp(argv[3], "speed") == 0)
        speed(&all);
    else
        die(argv[3], "no such mode");
    arena_free(all.arena);
    return 0;
}

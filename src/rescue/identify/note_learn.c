#include "rescue/identify/note_learn.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- the judge --- */

enum { EPOCHS = 30 };

struct training {
    const struct note_sample *notes, *others;
    size_t note_count, other_count;
    float weight[NOTE_WORDS], bias;
};

static float odds(const struct training *training, const struct note_features *features)
{
    float sum = 0;
    for (uint32_t i = 0; i < features->word.n; i++)
        sum += training->weight[features->word.at[i]];
    return features->word.n ? training->bias + sum / sqrtf((float)features->word.n) : -10;
}

/* One step down the slope of the logistic loss. */
static void step(struct training *training, const struct note_features *features, bool note,
                 float rate)
{
    if (!features->word.n)
        return;
    float right = 1 / (1 + expf(-odds(training, features)));
    float scale = sqrtf((float)features->word.n);
    float slope = rate * ((note ? 1 : 0) - right);
    training->bias += slope * 0.1F;
    for (uint32_t i = 0; i < features->word.n; i++)
        training->weight[features->word.at[i]] += slope / scale;
}

static void epoch(struct training *training, float rate)
{
    size_t total = training->other_count > training->note_count ? training->other_count
                                                                : training->note_count;
    for (size_t i = 0; i < total; i++) {
        /* A note after each other text: both sorts weigh the same. */
        if (training->other_count)
            step(training, &training->others[i * 7919 % training->other_count].features, false,
                 rate);
        if (training->note_count && i % 4 == 0)
            step(training, &training->notes[i / 4 * 101 % training->note_count].features, true,
                 rate);
    }
    for (size_t i = 0; i < NOTE_WORDS; i++)
        training->weight[i] *= 0.98F;
}

void note_learn_judge(const struct note_sample *notes, size_t note_count,
                      const struct note_sample *others, size_t other_count, struct arena *arena,
                      struct note_judge *ret)
{
    struct arena_mark mark = arena_mark(arena);
    struct training *training = PUSH(arena, struct training);
    memset(ret, 0, sizeof *ret);
    if (!training)
        return;
    training->notes = notes;
    training->note_count = note_count;
    training->others = others;
    training->other_count = other_count;
    for (int i = 0; i < EPOCHS; i++)
        epoch(training, 0.5F / (1 + 0.2F * (float)i));
    for (size_t i = 0; i < NOTE_WORDS; i++) {
        float value = training->weight[i] * 256;
        ret->word[i] = (int16_t)(value > 32767 ? 32767 : value < -32767 ? -32767 : value);
    }
    ret->bias = (int32_t)(training->bias * 256);
    arena_pop(arena, mark);
}

/* --- the model --- */

struct posting {
    uint32_t hash;
    uint16_t note;
    uint32_t count;
};

struct mark {
    uint64_t hash;
    uint32_t family;
};

struct learning {
    const struct note_sample *samples;
    size_t count, without;
    struct arena *arena;
    uint16_t notes; /* those that are left */
    VEC(uint32_t) family;
    VEC(struct posting) posting;
    VEC(struct mark) address;
    VEC(struct mark) vanity;
    VEC(struct mark) file;
    uint32_t terms, postings; /* postings of terms that are not common */
    float *norm;
};

static int by_hash_note(const void *a, const void *b)
{
    const struct posting *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->note < y->note ? -1 : x->note > y->note;
}

static int by_hash_family(const void *a, const void *b)
{
    const struct mark *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->family < y->family ? -1 : x->family > y->family;
}

/* Sorts and keeps one of each; marks of more than `most` families are dropped. */
static uint32_t unique(struct mark *at, uint32_t n, uint32_t most)
{
    uint32_t kept = 0;
    if (n)
        qsort(at, n, sizeof *at, by_hash_family);
    for (uint32_t i = 0; i < n;) {
        uint32_t first = kept, end = i;
        for (; end < n && at[end].hash == at[i].hash; end++)
            if (kept == first || at[kept - 1].family != at[end].family)
                at[kept++] = at[end];
        if (kept - first > most)
            kept = first;
        i = end;
    }
    return kept;
}

static int add_sample(struct learning *learning, const struct note_sample *sample)
{
    const struct note_features *features = &sample->features;
    struct posting *posting =
        vec_push_many(learning->arena, &learning->posting, features->term.n);
    struct mark *address =
        vec_push_many(learning->arena, &learning->address, features->address.n);
    struct mark *vanity = vec_push_many(learning->arena, &learning->vanity, features->vanity.n);
    uint32_t *family = vec_push(learning->arena, &learning->family);
    uint32_t names[NOTE_FILE_HASHES];
    uint32_t name_count =
        sample->file.len ? (uint32_t)note_feature_files(sample->file, names) : 0;
    struct mark *file = vec_push_many(learning->arena, &learning->file, name_count);
    if (!posting || !address || !vanity || !family || !file)
        return -ENOMEM;
    for (uint32_t i = 0; i < features->term.n; i++)
        posting[i] = (struct posting){features->term.at[i].hash, learning->notes,
                                      features->term.at[i].count};
    for (uint32_t i = 0; i < features->address.n; i++)
        address[i] = (struct mark){features->address.at[i].hash, sample->family};
    for (uint32_t i = 0; i < features->vanity.n; i++)
        vanity[i] = (struct mark){features->vanity.at[i], sample->family};
    for (uint32_t i = 0; i < name_count; i++)
        file[i] = (struct mark){names[i], sample->family};
    *family = sample->family;
    learning->notes++;
    return 0;
}

/* What so many notes have tells nothing. */
static bool is_common(const struct learning *learning, uint32_t from, uint32_t to)
{
    return to - from > 8 && (to - from) * 4 > learning->notes;
}

static float weight_of(const struct learning *learning, uint32_t from, uint32_t to, uint32_t at)
{
    float rarity = logf((float)(learning->notes + 1) / (float)(1 + to - from));
    return (1 + logf((float)learning->posting.at[at].count)) * rarity;
}

static uint32_t run_end(const struct learning *learning, uint32_t from)
{
    uint32_t to = from;
    while (to < learning->posting.n &&
           learning->posting.at[to].hash == learning->posting.at[from].hash)
        to++;
    return to;
}

static int sum_norms(struct learning *learning)
{
    learning->norm = PUSH_ARRAY(learning->arena, float, learning->notes + 1);
    if (!learning->norm)
        return -ENOMEM;
    for (uint32_t from = 0, to; from < learning->posting.n; from = to) {
        to = run_end(learning, from);
        learning->terms++;
        if (is_common(learning, from, to))
            continue;
        learning->postings += to - from;
        for (uint32_t i = from; i < to; i++) {
            float weight = weight_of(learning, from, to, i);
            learning->norm[learning->posting.at[i].note] += weight * weight;
        }
    }
    return 0;
}

/* --- writing --- */

struct writer {
    uint8_t *at;
    size_t len;
};

static uint8_t *room(struct writer *writer, size_t count, size_t size)
{
    uint8_t *at = writer->at ? writer->at + writer->len : NULL;
    writer->len += (count * size + 7) & ~(size_t)7;
    return at;
}

static void store(uint8_t *to, size_t index, size_t size, uint64_t value)
{
    for (size_t i = 0; to && i < size; i++)
        to[index * size + i] = (uint8_t)(value >> 8 * i);
}

static void write_marks(struct writer *writer, const struct mark *marks, uint32_t n,
                        size_t size)
{
    uint8_t *hash = room(writer, n, size), *family = room(writer, n, 2);
    for (uint32_t i = 0; i < n; i++) {
        store(hash, i, size, marks[i].hash);
        store(family, i, 2, marks[i].family);
    }
}

static void write_terms(struct writer *writer, const struct learning *learning)
{
    uint8_t *term = room(writer, learning->terms, 4);
    uint8_t *start = room(writer, (size_t)learning->terms + 1, 4);
    uint8_t *note = room(writer, learning->postings, 2);
    uint8_t *weight = room(writer, learning->postings, 1);
    uint32_t index = 0, n = 0;
    for (uint32_t from = 0, to; writer->at && from < learning->posting.n; from = to, index++) {
        to = run_end(learning, from);
        store(term, index, 4, learning->posting.at[from].hash);
        store(start, index, 4, n);
        for (uint32_t i = from; !is_common(learning, from, to) && i < to; i++, n++) {
            uint16_t of = learning->posting.at[i].note;
            float value = weight_of(learning, from, to, i) * 1024 / sqrtf(learning->norm[of]);
            store(note, n, 2, of);
            store(weight, n, 1, value > 255 ? 255 : (uint64_t)(value + 0.5F));
        }
    }
    store(start, learning->terms, 4, n);
}

static void write_all(struct writer *writer, const struct learning *learning,
                      const bytes *families, uint32_t family_count,
                      const struct note_judge *judge)
{
    size_t names = 0;
    for (uint32_t i = 0; i < family_count; i++)
        names += 1 + families[i].len;
    uint8_t *head = room(writer, NOTE_MODEL_HEADER, 1);
    const uint32_t counts[] = {family_count,       learning->notes,     learning->terms,
                               learning->postings, learning->address.n, learning->vanity.n,
                               learning->file.n,   (uint32_t)names,     (uint32_t)judge->bias};
    if (head)
        memcpy(head, NOTE_MODEL_MAGIC, 8);
    for (size_t i = 0; i < COUNT(counts); i++)
        store(head ? head + 8 : NULL, i, 4, counts[i]);
    uint8_t *name = room(writer, names, 1);
    for (uint32_t i = 0; name && i < family_count; i++) {
        *name++ = (uint8_t)families[i].len;
        if (families[i].len)
            memcpy(name, families[i].at, families[i].len);
        name += families[i].len;
    }
    uint8_t *note = room(writer, learning->notes, 2);
    for (uint32_t i = 0; i < learning->notes; i++)
        store(note, i, 2, learning->family.at[i]);
    write_terms(writer, learning);
    write_marks(writer, learning->address.at, learning->address.n, 8);
    write_marks(writer, learning->vanity.at, learning->vanity.n, 4);
    write_marks(writer, learning->file.at, learning->file.n, 4);
    uint8_t *word = room(writer, NOTE_WORDS, 2);
    for (size_t i = 0; i < NOTE_WORDS; i++)
        store(word, i, 2, (uint16_t)judge->word[i]);
}

int note_learn_model(const struct note_sample *samples, size_t count, size_t without,
                     const bytes *families, uint32_t family_count,
                     const struct note_judge *judge, struct arena *arena, bytes *ret,
                     struct why *why)
{
    struct learning learning = {
        .samples = samples, .count = count, .without = without, .arena = arena};
    if (count > UINT16_MAX || family_count > UINT16_MAX)
        return fail(why, E2BIG, "more than 65,535 notes");
    for (size_t i = 0; i < count; i++)
        if (i != without && add_sample(&learning, &samples[i]) < 0)
            return fail(why, ENOMEM, "no memory to learn from so many notes");
    if (learning.posting.n)
        qsort(learning.posting.at, learning.posting.n, sizeof *learning.posting.at,
              by_hash_note);
    if (sum_norms(&learning) < 0)
        return fail(why, ENOMEM, "no memory to learn from so many notes");
    learning.address.n = unique(learning.address.at, learning.address.n, 4);
    learning.vanity.n = unique(learning.vanity.at, learning.vanity.n, 1);
    learning.file.n = unique(learning.file.at, learning.file.n, 12);

    struct writer writer = {0};
    write_all(&writer, &learning, families, family_count, judge);
    writer = (struct writer){arena_push(arena, writer.len), 0};
    if (!writer.at)
        return fail(why, ENOMEM, "no memory for the model of notes");
    write_all(&writer, &learning, families, family_count, judge);
    *ret = (bytes){writer.at, writer.len};
    return 0;
}

#include "rescue/identify/note_model.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define LIKENESS_SECOND 0.3F

enum { BUCKET_SHIFT = 18, BUCKETS = 1 << (32 - BUCKET_SHIFT) };

/* --- reading --- */

struct cursor {
    bytes rest;
    bool cut;
};

static const void *section(struct cursor *cursor, uint64_t count, size_t size)
{
    uint64_t len = count * size, padded = (len + 7) & ~(uint64_t)7;
    if (padded > cursor->rest.len) {
        cursor->cut = true;
        return NULL;
    }
    const uint8_t *at = cursor->rest.at;
    cursor->rest = bytes_slice(cursor->rest, (size_t)padded, cursor->rest.len);
    return at;
}

static bool names_read(struct note_model *model, bytes names, struct arena *arena)
{
    bytes *family = PUSH_ARRAY(arena, bytes, model->families + 1);
    size_t at = 0;
    for (uint32_t i = 0; family && i < model->families; i++) {
        if (at >= names.len || names.at[at] > names.len - at - 1)
            return false;
        family[i] = bytes_slice(names, at + 1, names.at[at]);
        at += 1 + (size_t)names.at[at];
    }
    model->family = family;
    return family && at == names.len;
}

/* Hashes are spread evenly: few terms have the same first bits. */
static bool buckets_made(struct note_model *model, struct arena *arena)
{
    uint32_t *bucket = PUSH_ARRAY(arena, uint32_t, BUCKETS + 1);
    uint32_t at = 0;
    for (uint32_t i = 0; bucket && i <= BUCKETS; i++) {
        while (at < model->terms && model->term[at] >> BUCKET_SHIFT < i)
            at++;
        bucket[i] = at;
    }
    model->bucket = bucket;
    return bucket;
}

static bool below(const uint16_t *at, uint32_t count, uint32_t limit)
{
    for (uint32_t i = 0; i < count; i++)
        if (at[i] >= limit)
            return false;
    return true;
}

static bool sorted32(const uint32_t *at, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (at[i] < at[i - 1])
            return false;
    return true;
}

static bool sorted64(const uint64_t *at, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (at[i] < at[i - 1])
            return false;
    return true;
}

static bool sound(const struct note_model *model)
{
    return model->notes <= UINT16_MAX && model->families <= UINT16_MAX &&
           below(model->note, model->notes, model->families) &&
           below(model->posting, model->postings, model->notes) &&
           below(model->address_family, model->addresses, model->families) &&
           below(model->vanity_family, model->vanities, model->families) &&
           below(model->file_family, model->files, model->families) &&
           sorted32(model->term, model->terms) && sorted32(model->start, model->terms + 1) &&
           model->start[0] == 0 && model->start[model->terms] == model->postings &&
           sorted64(model->address, model->addresses) &&
           sorted32(model->vanity, model->vanities) && sorted32(model->file, model->files);
}

int note_model_open(bytes file, struct arena *arena, struct note_model *ret, struct why *why)
{
    if (file.len < NOTE_MODEL_HEADER || memcmp(file.at, NOTE_MODEL_MAGIC, 8) != 0 ||
        (uintptr_t)file.at % 8)
        return fail(why, EBADMSG, "not a model of notes");
    uint32_t count[8];
    for (size_t i = 0; i < COUNT(count); i++)
        count[i] = load_le32(file.at + 8 + 4 * i);
    struct note_model model = {.families = count[0],
                               .notes = count[1],
                               .terms = count[2],
                               .postings = count[3],
                               .addresses = count[4],
                               .vanities = count[5],
                               .files = count[6],
                               .bias = (int32_t)load_le32(file.at + 40)};
    struct cursor in = {bytes_slice(file, NOTE_MODEL_HEADER, file.len), false};
    bytes names = {section(&in, count[7], 1), count[7]};
    model.note = section(&in, model.notes, 2);
    model.term = section(&in, model.terms, 4);
    model.start = section(&in, (uint64_t)model.terms + 1, 4);
    model.posting = section(&in, model.postings, 2);
    model.weight = section(&in, model.postings, 1);
    model.address = section(&in, model.addresses, 8);
    model.address_family = section(&in, model.addresses, 2);
    model.vanity = section(&in, model.vanities, 4);
    model.vanity_family = section(&in, model.vanities, 2);
    model.file = section(&in, model.files, 4);
    model.file_family = section(&in, model.files, 2);
    model.word = section(&in, NOTE_WORDS, 2);
    if (in.cut || in.rest.len || !sound(&model))
        return fail(why, EBADMSG, "the model of notes is damaged");
    if (!buckets_made(&model, arena))
        return fail(why, ENOMEM, "no memory for the model of notes");
    if (!names_read(&model, names, arena))
        return fail(why, EBADMSG, "the names in the model of notes are damaged");
    *ret = model;
    return 0;
}

/* --- scoring --- */

/* Index of the first that is not below. */
static uint32_t lower32(const uint32_t *at, uint32_t count, uint32_t hash)
{
    uint32_t low = 0;
    while (low < count) {
        uint32_t middle = low + (count - low) / 2;
        if (at[middle] < hash)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

static uint32_t lower64(const uint64_t *at, uint32_t count, uint64_t hash)
{
    uint32_t low = 0;
    while (low < count) {
        uint32_t middle = low + (count - low) / 2;
        if (at[middle] < hash)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

/* Its index; model->terms: it is not there. */
static uint32_t find_term(const struct note_model *model, uint32_t hash)
{
    uint32_t at = model->bucket[hash >> BUCKET_SHIFT],
             end = model->bucket[(hash >> BUCKET_SHIFT) + 1];
    while (at < end && model->term[at] < hash)
        at++;
    return at < end && model->term[at] == hash ? at : model->terms;
}

static void score_terms(const struct note_model *model, const struct note_features *features,
                        float *likeness)
{
    float norm = 0, total = (float)(model->notes + 1), unknown = logf(total);
    for (uint32_t i = 0; i < features->term.n; i++) {
        struct note_term term = features->term.at[i];
        uint32_t at = find_term(model, term.hash);
        bool known = at < model->terms;
        uint32_t from = known ? model->start[at] : 0, to = known ? model->start[at + 1] : 0;
        if (known && from == to)
            continue;
        float rarity = known ? logf(total / (float)(1 + to - from)) : unknown;
        float weight = term.count == 1 ? rarity : (1 + logf((float)term.count)) * rarity;
        norm += weight * weight;
        for (uint32_t k = from; k < to; k++)
            likeness[model->posting[k]] += weight * (float)model->weight[k];
    }
    norm = norm > 0 ? sqrtf(norm) * 1024 : 1;
    for (uint32_t i = 0; i < model->notes; i++)
        likeness[i] /= norm;
}

/* The most similar note's, and a share of the next one's: who wrote two that are a little alike
 * is likelier than who wrote one. */
static void score_families(const struct note_model *model, const float *likeness, float *second,
                           struct note_score *ret)
{
    for (uint32_t i = 0; i < model->notes; i++) {
        float *best = &ret[model->note[i]].likeness, *next = &second[model->note[i]];
        if (likeness[i] > *best) {
            *next = *best;
            *best = likeness[i];
        } else if (likeness[i] > *next) {
            *next = likeness[i];
        }
    }
    for (uint32_t i = 0; i < model->families; i++)
        ret[i].likeness += LIKENESS_SECOND * second[i];
}

static void score_address(const struct note_model *model, const struct note_features *features,
                          uint32_t index, struct note_score *ret)
{
    uint64_t hash = features->address.at[index].hash;
    uint32_t from = lower64(model->address, model->addresses, hash), to = from;
    while (to < model->addresses && model->address[to] == hash)
        to++;
    for (uint32_t k = from; k < to; k++) {
        struct note_score *score = &ret[model->address_family[k]];
        if (score->address < 0 || to - from < score->address_users) {
            score->address = (int)index;
            score->address_users = to - from;
        }
    }
}

/* An onion address's begin that only one family has. */
static void score_vanity(const struct note_model *model, const struct note_features *features,
                         struct note_score *ret)
{
    for (uint32_t i = 0, prefix = 0; i < features->address.n; i++) {
        if (features->address.at[i].kind != NOTE_ONION)
            continue;
        for (int n = NOTE_VANITY_LEAST; n <= NOTE_VANITY_MOST && prefix < features->vanity.n;
             n++, prefix++) {
            uint32_t hash = features->vanity.at[prefix];
            uint32_t at = lower32(model->vanity, model->vanities, hash);
            if (at < model->vanities && model->vanity[at] == hash)
                ret[model->vanity_family[at]].vanity = (int)i;
        }
    }
}

/* The longest begin that is known counts, all of the name most. */
static void score_file(const struct note_model *model, bytes file, struct note_score *ret)
{
    uint32_t names[NOTE_FILE_HASHES];
    size_t n = file.len ? note_feature_files(file, names) : 0;
    for (size_t i = n; i-- > 0;) {
        uint32_t hash = names[(i + 1) % n];
        uint32_t from = lower32(model->file, model->files, hash), to = from;
        while (to < model->files && model->file[to] == hash)
            to++;
        for (uint32_t k = from; k < to; k++) {
            struct note_score *score = &ret[model->file_family[k]];
            if (!score->file_users || to - from < score->file_users) {
                score->file_users = to - from;
                score->file_whole = i == n - 1;
            }
        }
    }
}

int note_model_score(const struct note_model *model, const struct note_features *features,
                     bytes file, struct arena *arena, struct note_score *ret)
{
    struct arena_mark mark = arena_mark(arena);
    float *likeness = PUSH_ARRAY(arena, float, model->notes + 1);
    float *second = PUSH_ARRAY(arena, float, model->families + 1);
    if (!likeness || !second)
        return -ENOMEM;
    for (uint32_t i = 0; i < model->families; i++)
        ret[i] = (struct note_score){.address = -1, .vanity = -1};
    score_terms(model, features, likeness);
    score_families(model, likeness, second, ret);
    for (uint32_t i = 0; i < features->address.n; i++)
        score_address(model, features, i, ret);
    score_vanity(model, features, ret);
    score_file(model, file, ret);
    arena_pop(arena, mark);
    return 0;
}

float note_model_judge(const struct note_model *model, const struct note_features *features)
{
    float sum = 0;
    for (uint32_t i = 0; i < features->word.n; i++)
        sum += (float)model->word[features->word.at[i]];
    float scale = features->word.n ? sqrtf((float)features->word.n) : 1;
    return (sum / scale + (float)model->bias) / 256;
}

#include "rescue/identify/identify.h"

#include "rescue/identify/file_pattern.h"
#include "rescue/identify/note_text.h"
#include "rescue/identify/shadow.h"
#include "rescue/keys/published.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From the shares of right answers in leave-one-out over the learned notes: likeness 0.25 is
 * right more often than not, one shared address nearly always. */
#define WEIGHT_LIKENESS 8.0F
#define LIKENESS_LEAST  0.02F
#define LIKENESS_TOLD   0.1F
#define WEIGHT_ADDRESS  8.0F
#define WEIGHT_VANITY   4.0F
#define WEIGHT_BRAND    5.0F
#define WEIGHT_FILE     3.0F
#define WEIGHT_BEGIN    2.0F
#define WEIGHT_MARKER   12.0F
#define WEIGHT_UNKNOWN  1.6F
#define WEIGHT_CAN_BE   0.3F
#define WEIGHT_BIT      0.1F

/* A note is called one from these log-odds on; with a family's address or words besides, from
 * the lower ones; a short text that is little more than a family's address always. */
#define NOTE_CERTAIN 1.0F
#define NOTE_LIKELY  -1.5F
#define NOTE_SHORT   1500
/* Of a file that is neither text nor noise, a distinctive ending. */
#define NAMED_LEAST 4.0F

struct fusion {
    const struct knowledge *knowledge;
    struct arena *arena;
    struct identity *ret;
    const char *what; /* of the signal that catalogue_find tells of */
    enum signal_kind kind;
    float weight;
    bool failed;
};

static void add(struct fusion *fusion, uint32_t family, enum signal_kind kind, float weight,
                const char *fmt, ...) LIKE_PRINTF(5, 6);

static void add(struct fusion *fusion, uint32_t family, enum signal_kind kind, float weight,
                const char *fmt, ...)
{
    char text[320];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    /* Of one kind, the strongest counts. */
    for (uint32_t i = 0; i < fusion->ret->signal.n; i++) {
        struct signal *old = &fusion->ret->signal.at[i];
        if (old->family == family && old->kind == kind) {
            if (old->weight < weight) {
                old->weight = weight;
                old->reason = arena_copy(fusion->arena, bytes_of(text));
            }
            return;
        }
    }
    struct signal *signal = vec_push(fusion->arena, &fusion->ret->signal);
    bytes reason = arena_copy(fusion->arena, bytes_of(text));
    if (!signal || !reason.at) {
        fusion->failed = true;
        return;
    }
    *signal = (struct signal){kind, (uint16_t)family, weight, reason};
}

/* What nobody could be found to say counts less, and is told as such. */
static float trusted(const struct fusion *fusion, const struct catalogue_fact *fact,
                     float weight)
{
    return catalogue_unconfirmed(&fusion->knowledge->catalogue, fact) ? weight * 0.6F : weight;
}

static const char *doubt(const struct fusion *fusion, const struct catalogue_fact *fact)
{
    return catalogue_unconfirmed(&fusion->knowledge->catalogue, fact)
               ? " (" CATALOGUE_UNCONFIRMED ")"
               : "";
}

/* --- notes --- */

static void take_brand(void *context, const struct catalogue_fact *fact)
{
    struct fusion *fusion = context;
    add(fusion, fact->family, SIGNAL_BRAND, trusted(fusion, fact, WEIGHT_BRAND) / fact->users,
        "it says '%.*s'%s", (int)fact->text.len, fact->text.at, doubt(fusion, fact));
}

static void take_known_address(void *context, const struct catalogue_fact *fact)
{
    struct fusion *fusion = context;
    add(fusion, fact->family, SIGNAL_ADDRESS,
        trusted(fusion, fact, WEIGHT_ADDRESS) / fact->users, "%s %.*s is known as theirs%s",
        fusion->what, (int)fact->text.len, fact->text.at, doubt(fusion, fact));
}

/* Of most families the words are a little like. */
static void add_faint(struct fusion *fusion, uint32_t family, float weight)
{
    struct signal *signal = vec_push(fusion->arena, &fusion->ret->signal);
    fusion->failed |= !signal;
    if (signal)
        *signal =
            (struct signal){SIGNAL_WORDS, (uint16_t)family, weight,
                            bytes_of("its words are a little like those of a known note")};
}

static void weigh_score(struct fusion *fusion, const struct note_features *features,
                        const struct note_score *score, uint32_t family)
{
    if (score->likeness > LIKENESS_TOLD)
        add(fusion, family, SIGNAL_WORDS, WEIGHT_LIKENESS * score->likeness,
            "its words are like those of a known note (%.0f %%)",
            score->likeness < 0.99F ? 100 * (double)score->likeness : 99.0);
    else if (score->likeness > LIKENESS_LEAST)
        add_faint(fusion, family, WEIGHT_LIKENESS * score->likeness);
    if (score->address >= 0) {
        const struct note_address *address = &features->address.at[score->address];
        add(fusion, family, SIGNAL_ADDRESS, WEIGHT_ADDRESS / (float)score->address_users,
            "%s %.*s stands in known notes", note_feature_kind(address->kind),
            (int)address->text.len, address->text.at);
    } else if (score->vanity >= 0) {
        const struct note_address *address = &features->address.at[score->vanity];
        add(fusion, family, SIGNAL_VANITY, WEIGHT_VANITY,
            "onion address %.*s begins like a known one", (int)address->text.len,
            address->text.at);
    }
    if (score->file_users)
        add(fusion, family, SIGNAL_NOTE_NAME,
            (score->file_whole ? WEIGHT_FILE : WEIGHT_BEGIN) / (float)score->file_users,
            score->file_whole ? "known notes have this file name"
                              : "the file names of known notes begin like its");
}

/* The catalogue has addresses as people write them, ending in ".onion". */
static void weigh_known_address(struct fusion *fusion, const struct note_address *address)
{
    uint8_t onion[64 + 6];
    bytes text = address->text;
    if (address->kind == NOTE_ONION && text.len <= 64) {
        memcpy(onion, text.at, text.len);
        memcpy(onion + text.len, ".onion", 6);
        text = (bytes){onion, text.len + 6};
    }
    fusion->what = note_feature_kind(address->kind);
    catalogue_find(&fusion->knowledge->catalogue, FACT_ADDRESS, text, take_known_address,
                   fusion);
}

static int weigh_note(struct fusion *fusion, const struct note_features *features, bytes file)
{
    const struct knowledge *knowledge = fusion->knowledge;
    struct note_score *scores =
        PUSH_ARRAY(fusion->arena, struct note_score, knowledge->model.families + 1);
    if (!scores ||
        note_model_score(&knowledge->model, features, file, fusion->arena, scores) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < knowledge->model.families; i++)
        weigh_score(fusion, features, &scores[i], knowledge->of_model[i]);
    for (uint32_t i = 0; i < features->name.n; i++)
        catalogue_find_hash(&knowledge->catalogue, FACT_BRAND, features->name.at[i], take_brand,
                            fusion);
    for (uint32_t i = 0; i < features->address.n; i++)
        weigh_known_address(fusion, &features->address.at[i]);
    return 0;
}

/* --- names --- */

static void take_name(void *context, const struct catalogue_fact *fact)
{
    struct fusion *fusion = context;
    bytes shown = file_pattern_shown(fact->text, fusion->arena);
    add(fusion, fact->family, fusion->kind, trusted(fusion, fact, fusion->weight) / fact->users,
        "%s '%.*s'%s", fusion->what, (int)shown.len, shown.at, doubt(fusion, fact));
}

static void weigh_note_name(struct fusion *fusion, bytes name)
{
    const struct catalogue *catalogue = &fusion->knowledge->catalogue;
    fusion->kind = SIGNAL_NOTE_NAME;
    fusion->weight = WEIGHT_FILE;
    fusion->what = "its notes are called";
    catalogue_find(catalogue, FACT_NOTE, name, take_name, fusion);
    for (uint32_t i = 0; i < catalogue->pattern_count; i++) {
        const struct catalogue_fact *fact = &catalogue->fact[catalogue->pattern[i]];
        if (fact->kind == FACT_NOTE && file_pattern_matches(fact->text, name)) {
            fusion->weight = WEIGHT_FILE * (float)file_pattern_bits(fact->text) / 60;
            take_name(fusion, fact);
        }
    }
}

/* Endings that anyone could have thought of tell little. */
static bool is_plain_ending(bytes ending)
{
    static const char *const words[] = {
        ".encrypted", ".locked", ".crypt", ".crypted", ".enc", ".encrypt", ".lock",  ".key",
        ".help",      ".deal",   ".java",  ".mp3",     ".abc", ".xyz",     ".zzz",   ".7z",
        ".true",      ".code",   ".fun",   ".good",    ".btc", ".rmd",     ".thor",  ".onion",
        ".wallet",    ".black",  ".play",  ".help",    ".inc", ".perl",    ".cobra", ".arena",
        ".fox",       ".pwnd",   ".micro", ".bip",     ".real"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (bytes_same(ending, bytes_of(words[i])))
            return true;
    return false;
}

static void weigh_endings(struct fusion *fusion, bytes name)
{
    fusion->kind = SIGNAL_EXTENSION;
    fusion->what = "its files end in";
    size_t dots = 0;
    for (size_t i = 1; i < name.len; i++)
        if (name.at[i] == '.' && ++dots && name.len - i >= 3) {
            bytes ending = bytes_slice(name, i, name.len);
            /* Mostly it is put behind the name with the ending it had. */
            fusion->weight = (is_plain_ending(ending) ? 1.5F : 4.5F) * (dots > 1 ? 1 : 0.6F);
            catalogue_find(&fusion->knowledge->catalogue, FACT_EXTENSION, ending, take_name,
                           fusion);
        }
}

static void weigh_file_name(struct fusion *fusion, bytes name)
{
    const struct catalogue *catalogue = &fusion->knowledge->catalogue;
    for (uint32_t i = 0; i < catalogue->pattern_count; i++) {
        const struct catalogue_fact *fact = &catalogue->fact[catalogue->pattern[i]];
        if (fact->kind != FACT_FILE || !file_pattern_matches(fact->text, name))
            continue;
        unsigned bits = file_pattern_bits(fact->text);
        float weight = bits > 30 ? 4 : bits > 20 ? 2.5F : bits > 14 ? 1 : 0.3F;
        bytes shown = file_pattern_shown(fact->text, fusion->arena);
        add(fusion, fact->family, SIGNAL_FILE_NAME, trusted(fusion, fact, weight),
            "its files are named '%.*s'%s", (int)shown.len, shown.at, doubt(fusion, fact));
    }
}

/* --- bytes --- */

static void weigh_markers(struct fusion *fusion, const struct source *source)
{
    const struct catalogue *catalogue = &fusion->knowledge->catalogue;
    uint8_t bytes_there[256];
    for (uint32_t i = 0; i < catalogue->pattern_count; i++) {
        const struct catalogue_fact *fact = &catalogue->fact[catalogue->pattern[i]];
        if (fact->kind != FACT_MARKER || fact->value.len > sizeof bytes_there)
            continue;
        uint64_t back = fact->at < 0 ? (uint64_t)-fact->at : 0;
        if (back > source->size)
            continue;
        uint64_t at = fact->at < 0 ? source->size - back : (uint64_t)fact->at;
        if (source_read(source, at, bytes_there, fact->value.len, NULL) == 0 &&
            memcmp(bytes_there, fact->value.at, fact->value.len) == 0)
            add(fusion, fact->family, SIGNAL_MARKER,
                fact->value.len >= 4 ? WEIGHT_MARKER : 2.0F * (float)fact->value.len, "%.*s",
                (int)fact->text.len, fact->text.at);
    }
}

/* The catalogue's family whose file is of that format. */
static int format_family(const struct catalogue *catalogue, const char *name)
{
    for (uint32_t i = 0; i < catalogue->family_count; i++)
        if (bytes_is(catalogue->family[i].name, name))
            return (int)i;
    int found = -1, best = 0;
    /* Several use the program of one: "lockbit3" is lockbit's, else whose came from no other.
     */
    for (uint32_t i = 0; i < catalogue->family_count; i++)
        for (uint16_t k = 0; k < catalogue->family[i].format_count; k++) {
            const struct catalogue_family *family = &catalogue->family[i];
            if (!bytes_is(family->formats[k], name))
                continue;
            int rank = strncmp(name, (const char *)family->name.at, family->name.len) == 0 ? 3
                       : family->lineage_count == 0                                        ? 2
                                                                                           : 1;
            if (rank > best) {
                best = rank;
                found = (int)i;
            }
        }
    return found;
}

/* Whether the key that was published for this family gives a file of a known kind: that is as
 * good as a mark. */
static bool opens_published(struct fusion *fusion, const struct source *source,
                            const struct format *format, struct recognition *fit)
{
    struct arena_mark mark = arena_mark(fusion->arena);
    struct recipe recipe = {0};
    struct key key;
    bool good = published_key(format->family, fusion->arena, &key) == 0 &&
                format->open(source, &key, fusion->arena, &recipe, NULL) == 0 && !recipe.guess;
    if (good) {
        fit->fit = FIT_IS;
        fail(&fit->reason, 1, "the published key opens it (%.*s)", (int)key.origin.len,
             key.origin.at);
    }
    arena_pop(fusion->arena, mark);
    return good;
}

/* One without a mark that a published key opens goes first. */
static void try_published(struct fusion *fusion, const struct source *source,
                          const struct format **found, struct recognition *fits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fits[i].fit != FIT_CAN_BE || !opens_published(fusion, source, found[i], &fits[i]))
            continue;
        const struct format *format = found[i];
        struct recognition fit = fits[i];
        memmove(found + 1, found, i * sizeof *found);
        memmove(fits + 1, fits, i * sizeof *fits);
        found[0] = format;
        fits[0] = fit;
    }
}

/* "can be": what it weighs is small, most files of noise are of no family. */
static float weight_of_fit(const struct recognition *fit)
{
    float bits = fit->bits < 16 ? (float)fit->bits : 16;
    return fit->fit == FIT_IS ? WEIGHT_MARKER : WEIGHT_CAN_BE + bits * WEIGHT_BIT;
}

static void weigh_formats(struct fusion *fusion, const struct source *source)
{
    enum { FITS = 12 };
    const struct format *found[FITS];
    struct recognition fits[FITS];
    size_t n = format_recognise(source, found, fits, FITS);
    if (n && fits[0].fit != FIT_IS)
        try_published(fusion, source, found, fits, n);
    for (size_t i = 0; i < n; i++) {
        int family = format_family(&fusion->knowledge->catalogue, found[i]->family);
        if (i == 0) {
            fusion->ret->format = found[0];
            fusion->ret->fit = fits[0];
        }
        if (family >= 0)
            add(fusion, (uint32_t)family, SIGNAL_FORMAT, weight_of_fit(&fits[i]), "%s",
                fits[i].reason.text);
    }
}

/* How evenly the bytes of the first 4 KiB are spread: chi-square for 255 degrees of freedom is
 * near 255 for noise and thousands for texts and programs. */
static float noise_of(bytes head)
{
    uint32_t count[256] = {0};
    float chi = 0, even = (float)head.len / 256;
    if (head.len < 256)
        return 0;
    for (size_t i = 0; i < head.len; i++)
        count[head.at[i]]++;
    for (size_t i = 0; i < 256; i++)
        chi += ((float)count[i] - even) * ((float)count[i] - even) / even;
    return chi < 400 ? 1 : 400 / chi;
}

/* --- the answer --- */

static int by_weight(const void *a, const void *b)
{
    const struct guess *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return x->family < y->family ? -1 : x->family > y->family;
}

static int conclude(struct fusion *fusion)
{
    struct identity *ret = fusion->ret;
    struct guess *guess =
        PUSH_ARRAY(fusion->arena, struct guess, fusion->knowledge->families + 1);
    size_t n = 0;
    if (!guess || fusion->failed)
        return -ENOMEM;
    for (uint32_t i = 0; i < fusion->knowledge->families; i++)
        guess[i].family = (uint16_t)i;
    for (uint32_t i = 0; i < ret->signal.n; i++)
        guess[ret->signal.at[i].family].weight += ret->signal.at[i].weight;
    double all = exp((double)WEIGHT_UNKNOWN);
    for (uint32_t i = 0; i < fusion->knowledge->families; i++)
        if (guess[i].weight > 0) {
            all += expm1((double)guess[i].weight);
            guess[n++] = guess[i];
        }
    if (n)
        qsort(guess, n, sizeof *guess, by_weight);
    ret->guesses = n < GUESSES_MAX ? n : GUESSES_MAX;
    for (size_t i = 0; i < ret->guesses; i++) {
        ret->guess[i] = guess[i];
        ret->guess[i].share = (float)(expm1((double)guess[i].weight) / all);
    }
    return 0;
}

int identify_note(const struct knowledge *knowledge, const struct note_features *features,
                  bytes file, struct arena *arena, struct identity *ret)
{
    struct fusion fusion = {.knowledge = knowledge, .arena = arena, .ret = ret};
    memset(ret, 0, sizeof *ret);
    ret->note = note_model_judge(&knowledge->model, features);
    if (weigh_note(&fusion, features, file) < 0)
        return -ENOMEM;
    weigh_note_name(&fusion, file);
    return conclude(&fusion);
}

/* Whether a text is a ransom note: by its words alone, or likely and a family's besides. */
static bool is_note(const struct identity *identity, size_t length)
{
    bool address = false;
    if (identity->note >= NOTE_CERTAIN)
        return true;
    float best = 0;
    for (uint32_t i = 0; i < identity->signal.n; i++) {
        const struct signal *signal = &identity->signal.at[i];
        address |= signal->kind == SIGNAL_ADDRESS && signal->weight >= WEIGHT_ADDRESS / 2;
        if (signal->kind <= SIGNAL_VANITY && signal->weight > best)
            best = signal->weight;
    }
    return (identity->note >= NOTE_LIKELY && best >= 3) || (address && length < NOTE_SHORT);
}

static int try_note(const struct knowledge *knowledge, const struct source *source,
                    struct arena *arena, struct identity *ret, bool *is_text, struct why *why)
{
    struct note_features features;
    bytes file, text;
    int error = source_take(source, 0, (size_t)source->size, arena, &file, why);
    if (error)
        return error;
    error = note_text_plain(file, arena, &text, NULL);
    if (error)
        return error == -EBADMSG ? 0 : error;
    *is_text = true;
    error = note_feature_take(text, arena, &features, why);
    if (!error && features.length >= NOTE_SHORT &&
        note_model_judge(&knowledge->model, &features) < NOTE_LIKELY)
        return 0;
    if (!error && identify_note(knowledge, &features, source->name, arena, ret) < 0)
        error = fail(why, ENOMEM, "no memory to judge a note");
    if (!error && is_note(ret, features.length))
        ret->kind = IDENTITY_NOTE;
    return error;
}

/* What names say counts for what is no text: plain texts were not encrypted, and those that
 * are notes were told by their words. */
static void weigh_names(struct fusion *fusion, const struct source *source)
{
    weigh_endings(fusion, source->name);
    weigh_file_name(fusion, source->name);
    if (!fusion->ret->signal.n)
        weigh_note_name(fusion, source->name);
}

static int try_encrypted(const struct knowledge *knowledge, const struct source *source,
                         bool is_text, struct arena *arena, struct identity *ret,
                         struct why *why)
{
    struct fusion fusion = {.knowledge = knowledge, .arena = arena, .ret = ret};
    uint8_t head[4096];
    size_t look = source->size < sizeof head ? (size_t)source->size : sizeof head;
    memset(ret, 0, sizeof *ret);
    int error = source_read(source, 0, head, look, why);
    if (error)
        return error;
    ret->noise = noise_of((bytes){head, look});
    ret->shadows = shadow_volumes(source);
    weigh_markers(&fusion, source);
    weigh_formats(&fusion, source);
    if (!is_text || ret->signal.n)
        weigh_names(&fusion, source);
    if (conclude(&fusion) < 0)
        return fail(why, ENOMEM, "no memory to judge a file");
    float best = ret->guesses ? ret->guess[0].weight : 0;
    bool told = (ret->format && ret->fit.fit == FIT_IS) || best >= WEIGHT_MARKER;
    if (told || (ret->noise > 0.5F && best >= 2.5F))
        ret->kind = IDENTITY_ENCRYPTED;
    else if (best >= NAMED_LEAST)
        ret->kind = IDENTITY_NAMED;
    return 0;
}

int identify_file(const struct knowledge *knowledge, const struct source *source,
                  struct arena *arena, struct identity *ret, struct why *why)
{
    bool is_text = false;
    memset(ret, 0, sizeof *ret);
    if (source->size && source->size <= NOTE_TEXT_FILE) {
        int error = try_note(knowledge, source, arena, ret, &is_text, why);
        if (error || ret->kind == IDENTITY_NOTE)
            return error;
    }
    return try_encrypted(knowledge, source, is_text, arena, ret, why);
}

/* Which kind of file came out, and what is said where no kind fits.
 *
 * Noise: the bytes of a file that was decrypted with a wrong key are evenly spread. Their
 * chi-square over the 256 values has a mean of 255 and a deviation of 22.6; noise that is taken
 * for data lies beyond six deviations once in a thousand million files. Compressed and
 * encrypted files look the same: what is said of noise is about files without a structure that
 * is known here. */
#include "rescue/proof.h"

#include "rescue/proof/kind.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Those that begin with the same bytes stand behind those that ask for more of them. */
static const struct proof_kind *const kinds[] = {
    &kind_png,  &kind_jpeg, &kind_zip,      &kind_pdf,  &kind_gzip, &kind_bzip2,  &kind_xz,
    &kind_zstd, &kind_lz4,  &kind_sevenzip, &kind_gif,  &kind_ogg,  &kind_sqlite, &kind_ole,
    &kind_riff, &kind_mp4,  &kind_tar,      &kind_text, NULL,
};

enum { NOISE_LEAST = 2048, NOISE_MOST = 255 + 6 * 23 };

/* A beginning is noise by as little as one block of a cipher. Of 16 even bytes, pairs of which
 * both are of the same eighth of all values are 15 (deviation 3.6): nine of one eighth, 36
 * pairs, happen three times in ten thousand. Headers (zeros), texts in any code page have more.
 */
enum { BEGIN = 16, BEGIN_EIGHTHS = 8, BEGIN_PAIRS = 36 };

__attribute__((format(printf, 4, 0))) static void
say(struct proof_result *ret, enum proof proof, uint64_t good, const char *fmt, va_list values)
{
    ret->proof = proof;
    ret->good = good;
    ret->settles = proof == PROOF_PROVEN;
    vsnprintf(ret->reason.text, sizeof ret->reason.text, fmt, values);
}

#define SAY(name, proof)                                                                       \
    void name(struct proof_result *ret, uint64_t good, const char *fmt, ...)                   \
    {                                                                                          \
        va_list values;                                                                        \
        va_start(values, fmt);                                                                 \
        say(ret, proof, good, fmt, values);                                                    \
        va_end(values);                                                                        \
    }
SAY(kind_proven, PROOF_PROVEN)
SAY(kind_plausible, PROOF_PLAUSIBLE)
SAY(kind_unknown, PROOF_UNKNOWN)
SAY(kind_failed, PROOF_FAILED)

void kind_ends(struct reader *reader, struct proof_result *ret, uint64_t end, const char *fmt,
               ...)
{
    va_list values;
    bool whole = end == reader->size;
    va_start(values, fmt);
    say(ret, whole ? PROOF_PROVEN : PROOF_PLAUSIBLE, end, fmt, values);
    va_end(values);
    if (whole)
        return;
    size_t used = strlen(ret->reason.text);
    snprintf(ret->reason.text + used, sizeof ret->reason.text - used,
             "; nothing is known of the %llu bytes after its end",
             (unsigned long long)(reader->size - end));
}

bool proof_is_called(const struct proof_kind *kind, bytes name)
{
    size_t dot = name.len;
    char word[16];
    while (dot && name.at[dot - 1] != '.')
        dot--;
    size_t len = name.len - dot;
    if (dot < 2 || !len || len > sizeof word - 3)
        return false;
    word[0] = ' ';
    for (size_t i = 0; i < len; i++)
        word[1 + i] = (char)ascii_lower(name.at[dot + i]);
    memcpy(word + 1 + len, " ", 2);
    return strstr(kind->extensions, word) != NULL;
}

static const struct proof_kind *choose(bytes head, bytes name)
{
    for (const struct proof_kind *const *kind = kinds; *kind; kind++)
        if ((*kind)->begins(head))
            return *kind;
    for (const struct proof_kind *const *kind = kinds; *kind; kind++)
        if (proof_is_called(*kind, name))
            return *kind;
    return NULL;
}

/* Of a file of no known kind. */
static void look_for_noise(struct reader *reader, struct proof_result *ret)
{
    uint64_t count[256] = {0}, at = 0;
    while (at < reader->size) {
        bytes view = proof_reader_view(reader, at, 0);
        if (!view.len)
            return;
        for (size_t i = 0; i < view.len; i++)
            count[view.at[i]]++;
        at += view.len;
    }
    double mean = (double)reader->size / 256, chi = 0;
    for (size_t i = 0; i < COUNT(count); i++)
        chi += ((double)count[i] - mean) * ((double)count[i] - mean);
    if (reader->size >= NOISE_LEAST && chi / mean < NOISE_MOST)
        kind_failed(ret, 0, "its bytes are as evenly spread as noise");
    else if (reader->size)
        kind_unknown(ret, 0, "nothing is known here about files of its kind");
    else
        kind_unknown(ret, 0, "it is empty");
}

static bool begins_as_noise(bytes head)
{
    uint32_t count[BEGIN_EIGHTHS] = {0}, pairs = 0;
    for (size_t i = 0; i < BEGIN && i < head.len; i++)
        pairs += count[head.at[i] / (256 / BEGIN_EIGHTHS)]++;
    return head.len >= BEGIN && pairs < BEGIN_PAIRS;
}

static void check(struct reader *reader, struct proof_result *ret)
{
    uint8_t copy[KIND_HEAD];
    bytes head = proof_reader_view(reader, 0, KIND_HEAD);
    if (head.len)
        memcpy(copy, head.at, head.len);
    head.at = copy;
    const struct proof_kind *kind = choose(head, reader->window->source->name);
    if (!kind) {
        look_for_noise(reader, ret);
        return;
    }
    if (kind->begins(head)) {
        ret->kind = kind->name;
        kind->check(reader, ret);
    } else if (!reader->size) {
        kind_unknown(ret, 0, "it is empty");
    } else {
        /* Names alone make no kind: photos are called .jpg, whatever they are. What was lost
         * is told from them by its noise. */
        ret->kind = begins_as_noise(head) ? kind->name : NULL;
        kind_failed(ret, 0, "it is called as a file of the kind %s, and does not begin as one",
                    kind->name);
    }
}

int proof_check(const struct source *plain, struct arena *arena, struct budget *budget,
                struct proof_result *ret, struct why *why)
{
    struct reader_window window = {.source = plain, .arena = arena, .budget = budget};
    struct arena_mark mark = arena_mark(arena);
    window.bytes = arena_push_raw(arena, READER_WINDOW);
    if (!window.bytes)
        return fail(why, ENOMEM, "no memory to check a file");

    struct reader reader = {&window, 0, plain->size};
    struct proof_result result = {.proof = PROOF_UNKNOWN};
    check(&reader, &result);
    arena_pop(arena, mark);
    if (window.error) {
        if (why)
            *why = window.why;
        return window.error;
    }
    /* Kinds that tell sizes of their parts go by what those say. */
    if (result.good > plain->size)
        result.good = plain->size;
    /* What was cut short says nothing, neither good nor bad. */
    if (budget->hit != LIMIT_NONE)
        kind_unknown(&result, result.good,
                     "it was not checked to its end: a limit was reached");
    *ret = result;
    return 0;
}

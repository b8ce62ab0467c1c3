#include "rescue/triage/triage.h"

#include <stdlib.h>
#include <string.h>

static struct triage_family *row_of(struct triage *triage, uint16_t family)
{
    for (uint32_t i = 0; i < triage->family.n; i++)
        if (triage->family.at[i].family == family)
            return &triage->family.at[i];
    struct triage_family *row = vec_push(triage->arena, &triage->family);
    if (row) {
        row->family = family;
        row->format = -1;
    }
    return row;
}

static bytes name_of(bytes path)
{
    const uint8_t *slash = path.len ? memrchr(path.at, '/', path.len) : NULL;
    return slash ? bytes_slice(path, (size_t)(slash - path.at) + 1, path.len) : path;
}

static void add_ending(struct triage *triage, bytes path)
{
    bytes name = name_of(path);
    const uint8_t *dot = memrchr(name.at, '.', name.len);
    uint8_t low[32];
    if (!dot || dot == name.at)
        return;
    bytes ending = bytes_slice(name, (size_t)(dot - name.at), name.len);
    if (ending.len < 2 || ending.len > sizeof low)
        return;
    for (size_t i = 0; i < ending.len; i++)
        low[i] = ascii_lower(ending.at[i]);
    ending.at = low;
    for (uint32_t i = 0; i < triage->ending.n; i++)
        if (bytes_equal(triage->ending.at[i].text, ending)) {
            triage->ending.at[i].count++;
            return;
        }
    struct triage_ending *row =
        triage->ending.n < TRIAGE_ENDINGS ? vec_push(triage->arena, &triage->ending) : NULL;
    if (row)
        *row = (struct triage_ending){arena_copy(triage->arena, ending), 1};
}

static void remember_note(struct triage *triage, bytes path, uint16_t family)
{
    bytes name = arena_copy(triage->arena, name_of(path));
    if (!name.len || triage->note_count == TRIAGE_NOTES)
        return;
    uint8_t *at = arena_push_raw(triage->arena, name.len);
    for (size_t i = 0; at && i < name.len; i++)
        at[i] = ascii_lower(name.at[i]);
    if (at) {
        triage->note[triage->note_count].name = (bytes){at, name.len};
        triage->note[triage->note_count++].family = family;
    }
}

static void add_sure(struct triage *triage, bytes path, uint64_t size,
                     const struct sighting *sighting)
{
    struct triage_family *row = row_of(triage, sighting->guess[0].family);
    if (!row)
        return;
    row->notes += sighting->kind == IDENTITY_NOTE;
    if (sighting->kind == IDENTITY_NOTE)
        remember_note(triage, path, sighting->guess[0].family);
    row->named += sighting->kind == IDENTITY_NAMED;
    if (sighting->kind == IDENTITY_ENCRYPTED) {
        row->encrypted++;
        row->bytes_encrypted += size;
        row->partial += sighting->partial;
        row->decrypted += sighting->decrypted;
        if (sighting->format >= 0 && sighting->fit == FIT_IS)
            row->format = sighting->format;
    }
    if (sighting->guess[0].share > row->share) {
        row->share = sighting->guess[0].share;
        row->best = *sighting;
    }
    if (row->samples < TRIAGE_SAMPLES)
        row->sample[row->samples++] = arena_copy(triage->arena, path);
}

void triage_add(struct triage *triage, bytes path, uint64_t size,
                const struct sighting *sighting)
{
    bool sure = sighting->guesses && sighting->guess[0].share >= IDENTIFY_SURE;
    triage->files++;
    triage->bytes += size;
    triage->shadows += sighting->shadows > 0;
    if (sighting->kind != IDENTITY_NOTHING && sure) {
        add_sure(triage, path, size, sighting);
    } else if (sighting->kind == IDENTITY_NOTE) {
        triage->notes_unknown++;
        if (!triage->note_sample.at)
            triage->note_sample = arena_copy(triage->arena, path);
    } else if (sighting->kind == IDENTITY_ENCRYPTED) {
        triage->encrypted_unknown++;
    } else if (sighting->noise >= 1 && size >= 1024) {
        triage->noise++;
        add_ending(triage, path);
    }
}

void triage_unread(struct triage *triage)
{
    triage->files++;
    triage->unread++;
}

static int by_count(const void *a, const void *b)
{
    const struct triage_family *x = a, *y = b;
    uint64_t p = x->encrypted + x->named + x->notes, q = y->encrypted + y->named + y->notes;
    if (p != q)
        return p > q ? -1 : 1;
    return x->family < y->family ? -1 : x->family > y->family;
}

/* The first note whose name begins with the ending, and ends there or goes on with a sign. */
static int note_of(const struct triage *triage, bytes ending)
{
    bytes mark = bytes_slice(ending, 1, ending.len);
    for (uint32_t i = 0; mark.len >= TRIAGE_LINK_LEAST && i < triage->note_count; i++) {
        bytes name = triage->note[i].name;
        if (name.len > mark.len && bytes_equal(bytes_slice(name, 0, mark.len), mark) &&
            !ascii_alnum(name.at[mark.len]))
            return triage->note[i].family;
    }
    return -1;
}

static void link_endings(struct triage *triage)
{
    for (uint32_t i = 0; i < triage->ending.n; i++) {
        struct triage_ending *row = &triage->ending.at[i];
        int family = note_of(triage, row->text);
        struct triage_family *to = family >= 0 ? row_of(triage, (uint16_t)family) : NULL;
        if (!to)
            continue;
        to->encrypted += row->count;
        to->linked += row->count;
        to->link = row->text;
        triage->noise -= row->count;
        row->count = 0;
    }
}

void triage_sort(struct triage *triage)
{
    link_endings(triage);
    if (triage->family.n)
        qsort(triage->family.at, triage->family.n, sizeof *triage->family.at, by_count);
}

/* Their bytes are noise by their nature. */
static bool is_usual(bytes ending)
{
    static const char *const usual[] = {
        ".gz",  ".xz",   ".zst", ".bz2",  ".zip",  ".7z",   ".rar",  ".jpg",   ".jpeg",
        ".png", ".mp3",  ".mp4", ".mkv",  ".webm", ".ogg",  ".aac",  ".m4a",   ".flac",
        ".gpg", ".pgp",  ".deb", ".rpm",  ".jar",  ".docx", ".xlsx", ".pptx",  ".odt",
        ".apk", ".webp", ".avi", ".mov",  ".lz4",  ".lzma", ".br",   ".woff2", ".woff",
        ".iso", ".img",  ".tgz", ".epub", ".pdf",  ".pack", ".cab",  ".msi",   ".heic",
        ".age", ".kdbx", ".bin", ".dat"};
    for (size_t i = 0; i < COUNT(usual); i++)
        if (bytes_is(ending, usual[i]))
            return true;
    return false;
}

const struct triage_ending *triage_odd_ending(const struct triage *triage, uint64_t least,
                                              uint32_t skip)
{
    const struct triage_ending *last = NULL;
    for (uint32_t n = 0; n <= skip; n++) {
        const struct triage_ending *best = NULL;
        for (uint32_t i = 0; i < triage->ending.n; i++) {
            const struct triage_ending *row = &triage->ending.at[i];
            bool below =
                !last || row->count < last->count || (row->count == last->count && row > last);
            if (below && row->count >= least && (!best || row->count > best->count) &&
                !is_usual(row->text))
                best = row;
        }
        if (!best)
            return NULL;
        last = best;
    }
    return last;
}

/* Hive 6 and Hunters International, which came out of it. A mark of 4 random bytes and a fixed
 * text of the sample lies over the file's own bytes at a fixed place; behind the mark the file
 * is encrypted by turns of 512 bytes with 9 or 10 keys, each of which runs on. Behind the data
 *
 *     Hive 6, Hunters 1   what lay under the mark | 640 sealed
 *     Hunters 2           640 sealed
 *
 *     sealed by RSA-5120, OAEP, SHA3-512:
 *     Hive 6, Hunters 1   9 times: XChaCha20 key 32, nonce 24
 *     Hunters 2           1 offset | 1 mode | what lay under the mark |
 *                         10 times: AES-256 key 32, counter 16, little endian
 *
 * Hive 6: all. The others in parts, after the size of what is behind the mark (and the offset):
 * hunters_parts(), percents(). The turns begin anew with each part, the keys do not.
 * Facts: github.com/rivitna/Malware, Hive/hive_v6/hive6_decrypt_file.py,
 * Hunters/hunters_decrypt_file1.py and hunters_decrypt_file2.py, marks of their samples. */
#include "rescue/formats/compose.h"
#include "rescue/formats/families.h"
#include "rescue/formats/sealed.h"

#include <errno.h>
#include <string.h>

enum {
    SEALED = 640,
    TURN = 512,
    FREE = 4, /* random bytes of a mark */
    MARK_MAX = 32,
    XKEY = 32 + 24,
    AKEY = 32 + 16,
    XKEYS = 9,
    AKEYS = 10,
    BLOCK = 0x80000,
};

enum line { HIVE6, HUNTERS1, HUNTERS2 };

static const struct mark {
    enum line line;
    uint8_t at, len; /* of all of it; the fixed text is what is behind the first four bytes */
    uint8_t text[MARK_MAX];
} marks[] = {
    {HIVE6,
     0x3e,
     18,
     {0x6b, 0x5b, 0x59, 0xd5, 0x07, 0x83, 0x6e, 0x28, 0xa2, 0x51, 0xf3, 0x3b, 0xda, 0x52}},
    {HUNTERS1,
     0x36,
     21,
     {0xdc, 0xb8, 0xa7, 0xa5, 0xb6, 0x18, 0xd2, 0x96, 0xd3, 0xba, 0x01, 0xd9, 0xf9, 0x03, 0x9f,
      0xc0, 0x7a}},
    {HUNTERS2,
     0x3e,
     23,
     {0x4d, 0x58, 0x99, 0x57, 0x81, 0xd2, 0xd3, 0x33, 0x5f, 0x77, 0xc3, 0x75, 0x12, 0xab, 0xc2,
      0xa9, 0x48, 0xc1, 0x22}},
};

static const struct mark *mark_of(const struct source *source, bool hive)
{
    uint8_t text[MARK_MAX];
    for (size_t i = 0; i < COUNT(marks); i++) {
        size_t len = marks[i].len - (size_t)FREE;
        if ((marks[i].line == HIVE6) == hive &&
            !source_read(source, marks[i].at + (uint64_t)FREE, text, len, NULL) &&
            !memcmp(text, marks[i].text, len))
            return &marks[i];
    }
    return NULL;
}

static uint64_t behind_of(const struct mark *mark)
{
    return SEALED + (mark->line == HUNTERS2 ? 0U : mark->len);
}

static int recognise(const struct source *source, bool hive, struct recognition *ret)
{
    const struct mark *mark = mark_of(source, hive);
    if (!mark)
        return 0;
    ret->fit = FIT_IS;
    ret->variant = mark->line == HUNTERS1 ? "1" : mark->line == HUNTERS2 ? "2" : "6";
    ret->partial = !hive;
    if (source->size >= behind_of(mark))
        ret->plain = source->size - behind_of(mark);
    fail(&ret->reason, 1, "the mark of a known sample, %u bytes at 0x%x",
         (unsigned)mark->len - FREE, (unsigned)mark->at + FREE);
    return 0;
}

static int hive_recognise(const struct source *source, struct recognition *ret, struct why *why)
{
    (void)why;
    return recognise(source, true, ret);
}

static int hunters_recognise(const struct source *source, struct recognition *ret,
                             struct why *why)
{
    (void)why;
    return recognise(source, false, ret);
}

/* A file being composed: where its encrypted bytes begin, and how many there may be. */
struct work {
    struct recipe *recipe;
    struct arena *arena;
    struct compose_turns turns;
    uint64_t start, size;
    struct why *why;
};

/* The next `*length` bytes of the file are encrypted, as far as there are any. */
static int part(struct work *work, uint64_t *at, uint64_t length)
{
    uint64_t left = work->size - *at, cut = length < left ? length : left;
    uint64_t begin = work->start + *at;
    *at += cut;
    return cut ? compose_turns(work->recipe, work->arena, &work->turns, begin, cut, work->why)
               : 0;
}

static uint64_t percent(uint64_t size, uint64_t percent)
{
    return size / 100 * percent + size % 100 * percent / 100;
}

/* Hunters 1: up to 5 MiB all. Else a tenth, 100 MiB at most, at the start; a twentieth, 100 MiB
 * at most, in blocks of 512 KiB behind equal spaces, what is left of it at the end. */
static int hunters_parts(struct work *work)
{
    enum { MOST = 0x6400000, SMALL = 0x500000 };

    uint64_t at = 0, size = work->size;
    if (size <= SMALL)
        return part(work, &at, size);
    uint64_t first = percent(size, 10), rest = percent(size, 5);
    first = first < MOST ? first : MOST;
    rest = rest < MOST ? rest : MOST;
    int error = part(work, &at, first);
    uint64_t space = size - first - rest, blocks = rest / BLOCK;
    for (uint64_t i = 0; i < blocks && !error; i++) {
        at += space / blocks;
        error = part(work, &at, BLOCK);
    }
    at += blocks ? space % blocks : space;
    return error ? error : part(work, &at, rest % BLOCK);
}

/* Hunters 2: a part at the start, then `count` parts behind equal spaces; what does not divide
 * goes to the first space and the second part. */
struct share {
    uint64_t first, space, odd_space, length, odd_length, count;
};

static bool share_of(unsigned mode, uint64_t size, struct share *ret)
{
    if (mode == 2 || mode == 3 || mode == 8) {
        uint64_t count = mode == 8 ? 10 : 5;
        uint64_t first = percent(size, mode == 8 ? 30 : 10);
        uint64_t rest = percent(size, mode == 8 ? 10 : 20), left = size - first - rest;
        *ret = (struct share){first,        left / count, left % count,
                              rest / count, rest % count, count};
        return true;
    }
    if (mode != 4 && mode != 5)
        return false;
    const uint64_t chunk = 1 << 20;
    uint64_t most = mode == 4 ? 0xa00000 : 0x6400000, first = percent(size, 5);
    first = first < most ? first : most;
    uint64_t rest = percent(size, mode == 4 ? 45 : 50), left = size - first;
    rest = rest > chunk ? rest : chunk;
    rest = rest < left ? rest : left;
    uint64_t count = rest / chunk, limit = mode == 4 ? 50 : 150;
    count = count < limit ? count : limit;
    left -= count * chunk;
    *ret = (struct share){first, count ? left / count : 0, count ? left % count : 0, chunk, 0,
                          count};
    return true;
}

static int percents(struct work *work, unsigned mode)
{
    struct share share = {0};
    uint64_t at = 0;
    if (mode == 1 || mode == 6 || mode == 7)
        return part(work, &at, work->size);
    if (!share_of(mode, work->size, &share))
        return fail(work->why, ENOTSUP, "mode %u of Hunters, which is not known", mode);
    int error = part(work, &at, share.first);
    for (uint64_t i = 0; i < share.count && !error; i++) {
        at += share.space + (i ? 0 : share.odd_space);
        error = part(work, &at, share.length + (i ? 0 : share.odd_length));
    }
    return error;
}

static int streams(struct work *work, enum recipe_cipher cipher, unsigned count, bytes keys,
                   size_t each)
{
    work->turns = (struct compose_turns){.count = count, .block = TURN};
    if (keys.len < count * each)
        return fail(work->why, EBADMSG, "%zu sealed bytes, not %u keys", keys.len, count);
    for (unsigned i = 0; i < count; i++) {
        bytes own = bytes_slice(keys, i * each, each);
        struct recipe_stream stream = {.cipher = cipher,
                                       .rounds = 20,
                                       .key = bytes_slice(own, 0, 32),
                                       .iv = bytes_slice(own, 32, each)};
        int number = compose_stream(work->recipe, work->arena, &stream, work->why);
        if (number < 0)
            return number;
    }
    return 0;
}

static int given(struct work *work, uint64_t at, bytes under)
{
    struct recipe_piece piece = {
        .at = at, .length = under.len, .stream = RECIPE_GIVEN, .given = under};
    return compose_piece(work->recipe, work->arena, &piece, work->why);
}

/* The file begins to be encrypted at `start`. */
static int from_start(struct work *work, uint64_t start)
{
    if (work->recipe->size < start)
        return fail(work->why, EBADMSG, "shorter than where its mark ends");
    work->start = start;
    work->size = work->recipe->size - start;
    return 0;
}

static int open_second(struct work *work, const struct mark *mark, bytes own)
{
    size_t begin = 2 + (size_t)mark->len;
    if (own.len < begin)
        return fail(work->why, EBADMSG, "%zu sealed bytes, too few", own.len);
    int error = from_start(work, mark->at + (uint64_t)mark->len + own.at[0]);
    if (!error)
        error = given(work, mark->at, bytes_slice(own, 2, mark->len));
    if (!error)
        error = streams(work, RECIPE_AES_CTR_LE, AKEYS, bytes_slice(own, begin, own.len), AKEY);
    return error ? error : percents(work, own.at[1]);
}

static int open_first(struct work *work, const struct source *source, const struct mark *mark,
                      bytes own)
{
    bytes under;
    int error =
        source_take(source, work->recipe->size, mark->len, work->arena, &under, work->why);
    if (!error)
        error = from_start(work, mark->at + (uint64_t)mark->len);
    if (!error)
        error = given(work, mark->at, under);
    if (!error)
        error = streams(work, RECIPE_CHACHA, XKEYS, own, XKEY);
    uint64_t at = 0;
    if (error)
        return error;
    return mark->line == HIVE6 ? part(work, &at, work->size) : hunters_parts(work);
}

static int open_line(const struct source *source, const struct key *key, bool hive,
                     struct arena *arena, struct recipe *ret, struct why *why)
{
    const struct mark *mark = mark_of(source, hive);
    uint8_t sealed[SEALED];
    bytes own;
    if (!mark || source->size < behind_of(mark))
        return fail(why, EBADMSG, "no mark of a known sample; a new one must be looked up");
    int error = source_tail(source, sealed, SEALED, why);
    if (!error)
        error =
            sealed_oaep_by(key, PRIVATEKEY_SHA3_512, (bytes){sealed, SEALED}, arena, &own, why);
    if (error)
        return error;
    ret->size = source->size - behind_of(mark);
    struct work work = {.recipe = ret, .arena = arena, .why = why};
    return mark->line == HUNTERS2 ? open_second(&work, mark, own)
                                  : open_first(&work, source, mark, own);
}

static int hive_open(const struct source *source, const struct key *key, struct arena *arena,
                     struct recipe *ret, struct why *why)
{
    return open_line(source, key, true, arena, ret, why);
}

static int hunters_open(const struct source *source, const struct key *key, struct arena *arena,
                        struct recipe *ret, struct why *why)
{
    return open_line(source, key, false, arena, ret, why);
}

const struct format format_hive = {
    .family = "hive",
    .title = "Hive 6",
    .facts = "github.com/rivitna/Malware, Hive",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = hive_recognise,
    .open = hive_open,
};

const struct format format_hunters = {
    .family = "hunters",
    .title = "Hunters International",
    .facts = "github.com/rivitna/Malware, Hunters",
    .proven = true,
    .keys = 1U << KEY_RSA,
    .recognise = hunters_recognise,
    .open = hunters_open,
};
